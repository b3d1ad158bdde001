"""Start to first frame, against a minimal Textual app in the same run.

    python -m benchmarks.startup [--runs 7]

Each program runs in a terminal of its own (a pty); the clock stops when its last line of the first frame is on the
screen. Pairs run in turn, so that the machine's drift hits both. Goal: at most 1.5 times the minimal app.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pty
import re
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from dataclasses import dataclass
from pathlib import Path

MINIMAL = """
from textual.app import App
from textual.widgets import Footer, Header, Static
class Minimal(App):
    BINDINGS = [("q", "quit", "Quit")]
    def compose(self):
        yield Header()
        yield Static("first frame")
        yield Footer()
Minimal().run()
"""


@dataclass(frozen=True)
class Program:
    """Something to start, and the text by which its first frame is known."""

    name: str
    argv: tuple[str, ...]
    sign: bytes
    environ: tuple[tuple[str, str], ...] = ()


def programs(state: Path) -> tuple[Program, ...]:
    """What is compared: the import alone, the minimal app, the demo, a configured console with an unreachable host."""
    python = sys.executable
    ours = (("XDG_STATE_HOME", str(state)), ("XDG_CONFIG_HOME", str(state)))
    there = (*ours, ("REFACTOR_CONSOLE_HOST", "127.0.0.1"), ("REFACTOR_CONSOLE_ENVIRONMENTS__PRODUCTION__PORT", "1"))
    return (
        Program("import textual", (python, "-c", "import textual.app; print('imported')"), b"imported"),
        Program("minimal app", (python, "-c", MINIMAL), b"first frame"),
        Program("console demo", (python, "-m", "refactor_console", "demo"), b"Overview", ours),
        Program("console, configured", (python, "-m", "refactor_console"), b"Overview", there),
    )


def first_frame(program: Program, timeout: float = 30.0) -> float:
    """Seconds from exec until the program's sign is on its terminal."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    environ = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **dict(program.environ)}
    began = time.perf_counter()
    process = subprocess.Popen(
        program.argv, stdin=slave, stdout=slave, stderr=slave, env=environ, start_new_session=True
    )
    os.close(slave)
    seen = b""
    try:
        while time.perf_counter() - began < timeout:
            if not select.select([master], [], [], 0.5)[0]:
                continue
            seen += os.read(master, 65536)
            if program.sign in re.sub(rb"\x1b\[[0-9;?]*[a-zA-Z]", b"", seen):
                return time.perf_counter() - began
        raise SystemExit(f"{program.name}: no first frame in {timeout} s:\n{seen.decode('utf-8', 'replace')[-2000:]}")
    except OSError as error:
        raise SystemExit(f"{program.name} ended: {seen.decode('utf-8', 'replace')[-2000:]}") from error
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        os.close(master)


def main() -> int:
    """Run the comparison and print a table and one line of JSON."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=7)
    runs: int = options.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        compared = programs(Path(folder))
        times: dict[str, list[float]] = {program.name: [] for program in compared}
        for counted in range(-1, runs):
            for program in compared:
                seconds = first_frame(program)
                if counted >= 0:
                    times[program.name].append(seconds)
    base = times["minimal app"]
    result = {}
    for name, values in times.items():
        ratio = statistics.median(v / b for v, b in zip(values, base, strict=True))
        result[name] = {"median_ms": round(statistics.median(values) * 1000), "ratio": round(ratio, 2)}
        print(
            f"{name:22} {statistics.median(values) * 1000:6.0f} ms "
            f"({min(values) * 1000:.0f} to {max(values) * 1000:.0f})   {ratio:5.2f} x minimal app"
        )
    print(json.dumps({"first_frame": result, "goal_ratio": 1.5, "runs": runs}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
