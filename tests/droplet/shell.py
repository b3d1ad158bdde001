"""Running commands and waiting for conditions."""

# ruff: noqa: A002 - `input` is called so in subprocess as well

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.droplet.errors import CommandFailed, TimedOut


def run(
    argv: Sequence[str],
    *,
    check: bool = True,
    input: str | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float | None = 120,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end and keep what it wrote. Raises CommandFailed unless `check` is off."""
    try:
        done = subprocess.run(
            list(argv),
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            text=True,
            errors="backslashreplace",
            env=None if env is None else dict(env),
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise TimedOut(f"`{' '.join(argv)}` did not end within {timeout:.0f} s.") from late
    if check and done.returncode:
        raise CommandFailed(argv, done.returncode, done.stderr or done.stdout)
    return done


def run_logged(argv: Sequence[str], log: Path, *, timeout: float = 1200) -> None:
    """Run a command whose output goes to the end of a file."""
    with log.open("ab") as sink:
        sink.write(f"$ {' '.join(argv)}\n".encode())
        sink.flush()
        done = subprocess.run(
            list(argv), stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT, timeout=timeout, check=False
        )
    if done.returncode:
        tail = log.read_text(encoding="utf-8", errors="replace")[-1500:]
        raise CommandFailed(argv, done.returncode, tail)


def wait_for(what: str, condition: Callable[[], bool], *, timeout: float = 60, pause: float = 0.1) -> float:
    """Wait until `condition` is true and return the seconds it took; `what` names it in the error."""
    begun = time.monotonic()
    while not condition():
        if time.monotonic() - begun > timeout:
            raise TimedOut(f"Waited {timeout:.0f} s in vain for this: {what}.")
        time.sleep(pause)
    return time.monotonic() - begun
