"""A real terminal for journeys: tmux runs the console, keys go in, the screen is read."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType


class Terminal:
    """One tmux server with one window, private to a test; a context manager that leaves nothing behind."""

    def __init__(
        self,
        argv: Sequence[str],
        directory: Path,
        *,
        columns: int = 120,
        rows: int = 40,
        environ: Mapping[str, str] = {},
    ) -> None:
        self._argv = list(argv)
        self._socket = directory / f"tmux-{uuid.uuid4().hex[:8]}"
        self._exit_file = directory / "exit-status"
        self._size = (columns, rows)
        self._environ = {
            **{k: v for k, v in os.environ.items() if not k.startswith("REFACTOR_CONSOLE_")},
            "XDG_STATE_HOME": str(directory / "state"),
            "XDG_CONFIG_HOME": str(directory / "config"),
            "LANG": "C.UTF-8",
            "COLORTERM": "truecolor",
            **environ,
        }

    def __enter__(self) -> Terminal:
        columns, rows = self._size
        # The shell stays after the console ended, so that what it left on the terminal can be looked at.
        script = '"$@"; echo "$?" > "$EXIT_FILE"; printf "left with %s\\n" "$(cat "$EXIT_FILE")"; exec sleep 600'
        environ = {**self._environ, "EXIT_FILE": str(self._exit_file)}
        self._tmux(
            *("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows)),
            *("sh", "-c", script, "sh", *self._argv),
            environ=environ,
        )
        self._tmux("set-option", "-g", "mouse", "on")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        subprocess.run(["tmux", "-S", str(self._socket), "kill-server"], capture_output=True, check=False)

    def _tmux(self, *words: str, environ: Mapping[str, str] | None = None) -> str:
        done = subprocess.run(
            ["tmux", "-u", "-S", str(self._socket), *words],
            capture_output=True,
            text=True,
            check=True,
            env=environ and dict(environ),
        )
        return done.stdout

    def keys(self, *keys: str) -> None:
        """Press keys, in tmux's names: ``Enter``, ``Escape``, ``C-p``, ``F1``, ``Down``, or a character."""
        for key in keys:
            self._tmux("send-keys", key)

    def type(self, text: str) -> None:
        """Type characters as they are."""
        self._tmux("send-keys", "-l", text)

    def click(self, column: int, row: int) -> None:
        """Click the left button at a 0-based cell, as an SGR mouse report."""
        for final in "Mm":
            self._tmux("send-keys", "-l", f"\x1b[<0;{column + 1};{row + 1}{final}")

    def screen(self, *, styled: bool = False) -> str:
        """What the terminal shows now; with escape sequences when `styled`."""
        return self._tmux("capture-pane", "-p", *(["-e"] if styled else []))

    def click_on(self, text: str, then: str) -> str:
        """Click on a text until a pattern is on the screen, as a person does whose click fell into a redraw."""
        for _ in range(4):
            self.click(*self.find(text))
            try:
                return self.wait_for(then, 4)
            except AssertionError:
                continue
        return self.wait_for(then, 4)

    def flags(self, *names: str) -> list[str]:
        """What tmux knows of the terminal's state, such as ``alternate_on``."""
        return self._tmux("display-message", "-p", " ".join(f"#{{{name}}}" for name in names)).split()

    def children(self) -> list[int]:
        """The console's process: the child of the shell in the window."""
        shell = self._tmux("display-message", "-p", "#{pane_pid}").strip()
        return [int(child) for child in Path(f"/proc/{shell}/task/{shell}/children").read_text().split()]

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the console."""
        for child in self.children():
            os.kill(child, number)

    def wait_for(self, what: str | Callable[[str], bool], timeout: float = 30.0) -> str:
        """Wait until the screen holds a text (or pattern, or satisfies a function), and return it.

        Raises:
            AssertionError: with the last screen, when it does not in time.
        """
        deadline = time.monotonic() + timeout
        screen = ""
        while time.monotonic() < deadline:
            screen = self.screen()
            if what(screen) if callable(what) else re.search(what, screen):
                return screen
            time.sleep(0.05)  # a poll of a terminal, which has no event to wait for
        raise AssertionError(f"never on the screen: {what!r}\n{screen}")

    def find(self, text: str) -> tuple[int, int]:
        """The 0-based column and row of the first place where a text stands."""
        for row, line in enumerate(self.screen().splitlines()):
            column = line.find(text)
            if column >= 0:
                return column, row
        raise AssertionError(f"not on the screen: {text!r}\n{self.screen()}")

    def exit_status(self, timeout: float = 15.0) -> int:
        """Wait until the console has ended, and return its exit status."""
        self.wait_for(r"left with \d+", timeout)
        return int(self._exit_file.read_text())
