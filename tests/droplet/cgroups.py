"""The control groups of an instance: one directory in every hierarchy, so that nothing escapes and nothing is left."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path


def hierarchies() -> list[Path]:
    """Every mounted control group hierarchy; one on a machine with version 2, many with version 1."""
    found: list[Path] = []
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
        _, where, kind, *_ = line.split()
        if kind in ("cgroup", "cgroup2") and where.startswith("/sys/fs/cgroup"):
            found.append(Path(where))
    return found


def is_legacy() -> bool:
    """Whether this machine still has version 1 controllers, which systemd 257 must be told to accept."""
    return Path("/sys/fs/cgroup/memory/tasks").exists()


def folders(name: str) -> list[Path]:
    """The instance's directories, existing or not."""
    return [root / f"droplet-{name}" for root in hierarchies()]


def prepare(name: str) -> list[Path]:
    """Make the instance's directories and return them."""
    made = folders(name)
    for folder in made:
        folder.mkdir(exist_ok=True)
        for limit in ("cpuset.cpus", "cpuset.mems"):
            if (folder / limit).exists() and (folder.parent / limit).exists():
                with contextlib.suppress(OSError):
                    (folder / limit).write_text((folder.parent / limit).read_text(encoding="utf-8"), encoding="utf-8")
    return made


def members(name: str) -> set[int]:
    """The ids of the processes in the instance's groups."""
    found: set[int] = set()
    for folder in folders(name):
        for file in folder.rglob("cgroup.procs") if folder.exists() else []:
            with contextlib.suppress(OSError):
                found.update(int(word) for word in file.read_text(encoding="utf-8").split())
    return found - {0, os.getpid()}


def kill(name: str, *, timeout: float = 20) -> None:
    """End every process of the instance, by id, and wait until they are gone."""
    deadline = time.monotonic() + timeout
    while (alive := members(name)) and time.monotonic() < deadline:
        for pid in alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def remove(name: str) -> None:
    """Remove the instance's directories, innermost first."""
    for folder in folders(name):
        if not folder.exists():
            continue
        inner = sorted((p for p in folder.rglob("*") if p.is_dir()), key=lambda p: len(p.parts), reverse=True)
        for path in [*inner, folder]:
            with contextlib.suppress(OSError):
                path.rmdir()


def leftovers(name: str) -> list[Path]:
    """The instance's directories that still exist."""
    return [folder for folder in folders(name) if folder.exists()]
