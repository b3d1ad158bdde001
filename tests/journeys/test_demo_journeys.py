"""Whole journeys in a real terminal, on the demo world: what a person presses, and what a person then sees."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.journeys.terminal import Terminal

pytestmark = [pytest.mark.tmux, pytest.mark.usefixtures("tmux")]

CONSOLE = (sys.executable, "-m", "refactor_console")


@contextmanager
def demo(directory: Path, *options: str, columns: int = 120, rows: int = 40, **environ: str) -> Iterator[Terminal]:
    """The console on the demo world, its first live board on the screen."""
    with Terminal([*CONSOLE, "demo", *options], directory, columns=columns, rows=rows, environ=environ) as terminal:
        terminal.wait_for(r"rust-app +● running")
        yield terminal


def audit(directory: Path) -> list[dict[str, str]]:
    """The records on this machine."""
    (file,) = directory.rglob("audit.jsonl")
    return [json.loads(line) for line in file.read_text().splitlines()]


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (120, 40), (200, 60)])
def test_a_first_look_by_keyboard_alone(tmp_path: Path, columns: int, rows: int) -> None:
    with demo(tmp_path, columns=columns, rows=rows) as terminal:
        screen = terminal.wait_for("active \\(exited\\)")
        assert "Nothing on the host needs attention" in screen
        assert "migrator" in screen
        assert "done (exit 0)" in screen
        terminal.keys("2")
        screen = terminal.wait_for("Memory")
        assert "nextjs-app" in screen
        terminal.keys("3")
        terminal.wait_for("FOLLOWING")
        terminal.keys("?")
        terminal.wait_for("Keys that work here")
        terminal.keys("Escape")
        terminal.wait_for(lambda s: "Keys that work here" not in s)  # Escape and q in one read would be alt+q
        terminal.keys("q")
        assert terminal.exit_status() == 0


def test_a_first_look_by_mouse_alone(tmp_path: Path) -> None:
    with demo(tmp_path) as terminal:
        terminal.click_on("2 Containers", "Net in/out")
        terminal.click_on("rust-app", "(?m)^ rust-app ─")
        terminal.click_on("3 Logs", "s Sources")
        terminal.click_on("q Quit", r"left with \d+")
        assert terminal.exit_status() == 0


def test_leaving_gives_the_terminal_back_clean(tmp_path: Path) -> None:
    with demo(tmp_path) as terminal:
        assert terminal.flags("alternate_on", "mouse_any_flag") == ["1", "1"]
        terminal.keys("q")
        assert terminal.exit_status() == 0
        assert terminal.flags("alternate_on", "mouse_any_flag", "cursor_flag") == ["0", "0", "1"]
        assert terminal.screen().split() == ["left", "with", "0"]


def test_a_signal_ends_it_as_clean_as_a_key(tmp_path: Path) -> None:
    with demo(tmp_path, TMPDIR=str(tmp_path)) as terminal:
        assert list(tmp_path.glob("refactor-console-demo-*"))
        terminal.signal(signal.SIGTERM)
        assert terminal.exit_status() == 143
        assert terminal.flags("alternate_on", "mouse_any_flag", "cursor_flag") == ["0", "0", "1"]
    assert not list(tmp_path.glob("refactor-console-demo-*")), "the demo world left its directory behind"


def test_a_terminal_that_goes_away_takes_everything_with_it(tmp_path: Path) -> None:
    with demo(tmp_path, TMPDIR=str(tmp_path)) as terminal:
        (process,) = terminal.children()
        (directory,) = tmp_path.glob("refactor-console-demo-*")
    deadline = time.monotonic() + 20
    while Path(f"/proc/{process}").exists() or directory.exists():
        assert time.monotonic() < deadline, "the console or its demo world outlived its terminal"
        time.sleep(0.05)  # other processes' ends have no event to wait for


def test_control_c_leaves_from_a_dialog_too(tmp_path: Path) -> None:
    with demo(tmp_path) as terminal:
        terminal.keys("2", "Down", "Down", "R")
        terminal.wait_for("Type its name")
        terminal.keys("C-c")
        assert terminal.exit_status() == 0


def test_a_restart_is_previewed_typed_done_and_recorded(tmp_path: Path) -> None:
    with demo(tmp_path) as terminal:
        terminal.keys("2", "Down", "Down", "R")
        screen = terminal.wait_for("Type its name")
        assert "Restart rust-app in demo" in screen
        assert "/restart?t=10" in screen
        terminal.keys("Enter")  # without the word Enter does nothing, and says so
        terminal.wait_for("Nothing was done: type demo exactly")
        terminal.keys("Escape")
        terminal.wait_for(lambda s: "Restart rust-app in demo" not in s)
        terminal.keys("R")
        terminal.wait_for("Type its name")
        terminal.wait_for(lambda _: "the environment's name" not in terminal.screen(styled=True))  # the cursor is in it
        terminal.type("demo")
        terminal.keys("Tab", "Tab", "Enter")
        terminal.wait_for("✓ rust-app was restarted and is running", 40)
    stages = [(record["stage"], record["action"]) for record in audit(tmp_path)]
    assert stages == [("intent", "container.restart"), ("result", "container.restart")]


def test_read_only_says_so_and_refuses(tmp_path: Path) -> None:
    with demo(tmp_path, "--read-only") as terminal:
        assert "READ-ONLY" in terminal.screen()
        terminal.keys("2", "Down", "Down", "R")
        terminal.wait_for("[Rr]ead-only mode|is read-only|read only")
    assert not list(tmp_path.rglob("audit.jsonl"))


def test_logs_are_filtered_paused_and_searched(tmp_path: Path) -> None:
    with demo(tmp_path) as terminal:
        terminal.keys("3")
        terminal.wait_for("FOLLOWING")
        terminal.keys("/")
        terminal.type("sse::manager")
        terminal.keys("Enter")
        screen = terminal.wait_for(lambda s: "sse::manager" in s and "auth" not in s.split("Filter")[0])
        assert "domain::jwt" not in screen
        terminal.keys("Escape")
        terminal.wait_for("domain::jwt")
        terminal.keys("Space")
        terminal.wait_for("PAUSED")
        terminal.keys("End")
        terminal.wait_for("FOLLOWING")


def test_a_log_opened_from_a_container_stands_alone(tmp_path: Path) -> None:
    with demo(tmp_path) as terminal:
        terminal.keys("2", "Down", "l")
        terminal.wait_for("migrat")
        assert "GET /api" not in terminal.wait_for("FOLLOWING")


def test_without_colour_states_are_still_words_and_shapes(tmp_path: Path) -> None:
    with demo(tmp_path, NO_COLOR="1") as terminal:
        plain, styled = terminal.screen(), terminal.screen(styled=True)
        assert "● running" in plain
        assert "✓ done" in plain
        for code in ("\x1b[38;", "\x1b[48;", "\x1b[31m", "\x1b[32m"):
            assert code not in styled


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ("[environments.production]\n", "environments.production.host: this setting is missing"),
        ("[environments.production]\nhost = 'h'\nprot = 1\n", "environments.production.prot: there is no such setting"),
        ("host =", "this is not TOML"),
    ],
)
def test_a_wrong_setting_is_one_sentence_and_no_screen(tmp_path: Path, config: str, sentence: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(config)
    with Terminal([*CONSOLE, "--config", str(file)], tmp_path, columns=200) as terminal:
        assert terminal.exit_status() == 2
        screen = terminal.screen()
        assert sentence in screen
        assert "Traceback" not in screen


def test_a_host_that_refuses_is_said_and_the_console_stays_usable(tmp_path: Path) -> None:
    environ = {"REFACTOR_CONSOLE_HOST": "127.0.0.1", "REFACTOR_CONSOLE_ENVIRONMENTS__PRODUCTION__PORT": "1"}
    with Terminal([*CONSOLE], tmp_path, environ=environ) as terminal:
        terminal.wait_for("refused")
        terminal.keys("2")
        terminal.wait_for("No connection to")
        terminal.keys("3")
        terminal.wait_for("journal")
        terminal.keys("q")
        assert terminal.exit_status() == 0
