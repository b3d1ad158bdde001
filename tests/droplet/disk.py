"""Disk images: sparse files with an ext4 file system, mounted through a loop device."""

from __future__ import annotations

import contextlib
from pathlib import Path

from tests.droplet.errors import CommandFailed, TimedOut
from tests.droplet.shell import run, wait_for

SIZE = "4G"


def create(image: Path) -> None:
    """Make an empty disk; no block is set aside for root, so that full means full."""
    run(["truncate", "--size", SIZE, str(image)])
    run(
        [
            "mkfs.ext4",
            "-q",
            "-m",
            "0",
            "-O",
            "^metadata_csum_seed",
            "-E",
            "lazy_itable_init=1",
            "-L",
            "droplet",
            str(image),
        ]
    )


def copy(source: Path, target: Path) -> None:
    """Copy a disk; holes stay holes, and a file system that can share blocks does."""
    run(["cp", "--reflink=auto", "--sparse=always", str(source), str(target)], timeout=300)


def mount(image: Path, where: Path) -> None:
    """Mount a disk; its loop device goes away by itself when it is unmounted."""
    where.mkdir(parents=True, exist_ok=True)
    run(["mount", "-o", "loop,noatime", str(image), str(where)])


def is_mounted(where: Path) -> bool:
    """Whether something is mounted there."""
    mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    return str(where) in (line.split()[4] for line in mounts)


def unmount(where: Path) -> None:
    """Unmount whatever is mounted there; a process that is just dying may hold it for a moment."""

    def gone() -> bool:
        while is_mounted(where):
            try:
                run(["umount", "--recursive", str(where)])
            except CommandFailed:
                return False
        return True

    wait_for(f"{where} can be unmounted", gone, timeout=20)


def release(image: Path, timeout: float = 10) -> None:
    """Wait until no loop device shows a disk any more; the last process that saw it mounted may just be dying."""
    with contextlib.suppress(TimedOut):
        wait_for(f"{image} is released", lambda: not loop_devices(image), timeout=timeout)


def detach(image: Path) -> None:
    """Take away loop devices that a crashed run left on a disk."""
    for line in run(["losetup", "--associated", str(image), "--noheadings", "--output", "NAME"]).stdout.split():
        run(["losetup", "--detach", line], check=False)


def loop_devices(image: Path) -> list[str]:
    """The loop devices that show this disk."""
    return run(["losetup", "--associated", str(image), "--noheadings", "--output", "NAME"]).stdout.split()
