"""Idle cost on the demo world: processor time of the console with every pane live, and connections per host.

    python -m benchmarks.idle [--seconds 30] [--beside SRC]

Runs the console on the demo world in a terminal of its own (a pty), visits every pane, then counts processor time per
pane over so many seconds. The minimal Textual app idles beside it in the same run, for the ratio. The number of SSH
connections is read from the kernel's table. Goals: at most 2 % of a core, one connection.

With ``--beside``, the console of another source tree (such as the one before a change) runs next to it through the same
minutes: on a machine that is never quiet, only the ratio of the two says anything.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from pathlib import Path

from benchmarks.startup import MINIMAL

PANES = (
    *(("Overview", b"1"), ("Containers", b"2"), ("Logs", b"3"), ("Runs", b"4")),
    *(("Images", b"5"), ("Releases", b"6"), ("Secrets", b"7"), ("Alerts", b"8")),
)


class Running:
    """A program in a pty whose output is read and thrown away."""

    def __init__(self, *argv: str, environ: dict[str, str] | None = None) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        env = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **(environ or {})}
        self.process = subprocess.Popen(argv, stdin=slave, stdout=slave, stderr=slave, env=env, start_new_session=True)
        os.close(slave)
        self.written = 0
        self.tail = b""
        threading.Thread(target=self._drain, daemon=True).start()

    def _drain(self) -> None:
        while True:
            try:
                data = os.read(self.master, 65536)
            except OSError:
                return
            if not data:
                return
            self.written += len(data)
            self.tail = (self.tail + data)[-200_000:]

    def press(self, keys: bytes) -> None:
        """Send keys."""
        os.write(self.master, keys)

    def cpu(self) -> float:
        """Seconds of processor time used so far, user and system, without children."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident(self) -> int:
        """Resident memory in bytes."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def ssh_port(self) -> int:
        """Where the demo world, our child, listens for SSH, as it says itself."""
        (child,) = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        words = Path(f"/proc/{child}/cmdline").read_text().split("\0")
        world = Path(words[words.index("--directory") + 1]) / "world.json"
        return int(json.loads(world.read_text())["port"])

    def connections(self) -> int:
        """Established SSH connections of this process."""
        sockets = set()
        for fd in Path(f"/proc/{self.process.pid}/fd").iterdir():
            try:
                target = str(fd.readlink())
            except OSError:
                continue
            if target.startswith("socket:["):
                sockets.add(target[8:-1])
        table = Path(f"/proc/{self.process.pid}/net/tcp").read_text().splitlines()[1:]
        port = f":{self.ssh_port():04X}"
        return sum(1 for row in table if (f := row.split())[3] == "01" and f[9] in sockets and f[2].endswith(port))

    def stop(self) -> None:
        """End it."""
        try:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        except ProcessLookupError:
            pass
        os.close(self.master)


def share(programs: tuple[Running, ...], seconds: float) -> list[float]:
    """The share of a core that each used over so many seconds, all measured over the same time."""
    before, began = [p.cpu() for p in programs], time.monotonic()
    time.sleep(seconds)
    passed = time.monotonic() - began
    return [(p.cpu() - b) / passed for p, b in zip(programs, before, strict=True)]


def main() -> int:
    """Measure, and print a table and one line of JSON."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=30.0)
    options.add_argument("--beside", metavar="SRC", default="", help="the src folder of another checkout")
    given = options.parse_args()
    seconds: float = given.seconds
    with tempfile.TemporaryDirectory() as folder:
        environ = {"XDG_STATE_HOME": folder, "XDG_CONFIG_HOME": folder}
        console = Running(sys.executable, "-m", "refactor_console", "demo", environ=environ)
        minimal = Running(sys.executable, "-c", MINIMAL)
        programs = [console, minimal]
        if given.beside:
            other = dict.fromkeys(environ, f"{folder}/other") | {"PYTHONPATH": given.beside}
            programs.append(Running(sys.executable, "-m", "refactor_console", "demo", environ=other))
        try:
            deadline = time.monotonic() + 30
            while any(b"rust-app" not in each.tail for each in (console, *programs[2:])):
                if time.monotonic() > deadline:
                    raise SystemExit("the demo world did not come up")
                time.sleep(0.1)
            time.sleep(5)  # let the backfill of the logs be over: this measures idling, not starting
            result = {}
            for name, key in PANES:
                for each in (console, *programs[2:]):
                    each.press(key)
                time.sleep(2)
                bytes_before = console.written
                ours, theirs, *others = share(tuple(programs), seconds)
                result[name] = round(ours * 100, 2)
                beside = "".join(f"   the other {each:.2%}, ratio {ours / each:.2f}" for each in others)
                print(
                    f"{name:12} {ours:6.2%} of a core   (minimal app {theirs:.2%})   "
                    f"{(console.written - bytes_before) / seconds:,.0f} bytes/s to the terminal{beside}"
                )
            connections, resident = console.connections(), console.resident()
        finally:
            for each in programs:
                each.stop()
    print(f"SSH connections {connections}; resident memory {resident / 2**20:.0f} MiB")
    print(json.dumps({"idle_percent": result, "goal_percent": 2.0, "ssh_connections": connections}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
