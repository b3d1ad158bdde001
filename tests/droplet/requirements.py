"""What this machine must have for a droplet, asked one by one."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from tests.droplet.errors import RequirementMissing

_TOOLS = {
    "debootstrap": "debootstrap",
    "systemd-nspawn": "systemd-container",
    "mkfs.ext4": "e2fsprogs",
    "losetup": "mount",
    "mount": "mount",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "setsid": "util-linux",
    "unshare": "util-linux",
    "awk": "mawk",
    "chroot": "coreutils",
    "ssh-keygen": "openssh-client",
}
_DEBIAN_KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def missing_requirements() -> list[str]:
    """Name exactly what is lacking here, each with its remedy; an empty list means that a droplet can run."""
    lacking: list[str] = []
    if not sys.platform.startswith("linux"):
        return [f"Linux (this is {sys.platform}): use a Linux machine or CI"]
    if os.geteuid() != 0:
        lacking.append("root: run the tests as root (sudo)")
    lacking += [
        f"{tool}: apt-get install {package}"
        for tool, package in _TOOLS.items()
        if shutil.which(tool, path=_path()) is None
    ]
    if not _DEBIAN_KEYS.exists():
        lacking.append("Debian's archive keys: apt-get install debian-archive-keyring")
    if not Path("/dev/loop-control").exists():
        lacking.append("loop devices: modprobe loop, or give the container /dev/loop-control and /dev/loop*")
    kinds = Path("/proc/filesystems").read_text(encoding="utf-8").split()
    for kind in ("ext4", "overlay"):
        if kind not in kinds and not Path(f"/lib/modules/{os.uname().release}").exists():
            lacking.append(f"the {kind} file system: use a kernel that has it")
    free = shutil.disk_usage(_existing_parent()).free
    if free < 6 << 30:
        lacking.append(f"6 GB of free disk under the cache directory (there are {free / (1 << 30):.1f} GB)")
    return lacking


def demand() -> None:
    """Raise RequirementMissing unless a droplet can run here."""
    if lacking := missing_requirements():
        raise RequirementMissing("A droplet cannot run on this machine. It lacks " + "; ".join(lacking) + ".")


def _path() -> str:
    return os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def _existing_parent() -> Path:
    from tests.droplet.paths import cache

    folder = cache()
    while not folder.exists():
        folder = folder.parent
    return folder
