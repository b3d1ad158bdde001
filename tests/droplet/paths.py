"""Where things lie: the recipe in the repository, built images in the cache, instances beside them."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.droplet.errors import DropletError

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
ROOTFS = HERE / "rootfs"
LIBRARY = "/usr/local/lib/refactor-droplet"
COPIED_IN = {
    REPOSITORY / "compose" / "docker-compose.yaml": "home/deploy/docker-compose.yaml",
    REPOSITORY / "nginx": "home/deploy/nginx",
    REPOSITORY / "compose" / "make-certs.sh": "usr/local/lib/refactor-droplet/make-certs",
    REPOSITORY / "compose" / "images": "usr/local/lib/refactor-droplet/images",
}
"""What goes from the reference stack into the tree, beside `rootfs`."""

_NAME = re.compile(r"[a-z][a-z0-9-]{0,10}[a-z0-9]|[a-z]")


def cache() -> Path:
    """The cache directory of all droplets."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "refactor-console" / "droplet"


def left_out(part: str) -> bool:
    """Whether a file or folder of that name is a by-product and no part of the recipe."""
    return part in ("__pycache__", "logs") or part.endswith("_cache") or part.startswith(".git")


def _recipe_files() -> Iterator[Path]:
    roots = [ROOTFS, HERE / "build.py", *COPIED_IN]
    for root in roots:
        files = [root] if root.is_file() else sorted(root.rglob("*"))
        yield from (
            f for f in files if f.is_file() and not any(left_out(part) for part in f.relative_to(REPOSITORY).parts)
        )


def recipe_hash() -> str:
    """A digest of every file that shapes the disk image."""
    digest = hashlib.sha256()
    for file in _recipe_files():
        digest.update(str(file.relative_to(REPOSITORY)).encode() + b"\0")
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def image_dir() -> Path:
    """Where the disk image of the present recipe lies, once it is built."""
    return cache() / recipe_hash()


@dataclass(frozen=True)
class InstancePaths:
    """The files of one instance."""

    name: str
    folder: Path

    @classmethod
    def of(cls, name: str) -> InstancePaths:
        """The paths of the instance of that name."""
        if not _NAME.fullmatch(name):
            raise DropletError(
                f"{name!r} cannot name a droplet: use up to 12 of a-z, 0-9 and '-', a letter first and no '-' last."
            )
        return cls(name, cache() / "instances" / name)

    @property
    def disk(self) -> Path:
        """The disk image."""
        return self.folder / "disk.img"

    @property
    def root(self) -> Path:
        """Where the disk is mounted."""
        return self.folder / "root"

    @property
    def state(self) -> Path:
        """What is known about the instance, as JSON."""
        return self.folder / "state.json"

    @property
    def console(self) -> Path:
        """What the system wrote to its console."""
        return self.folder / "console.log"

    @property
    def client_key(self) -> Path:
        """The private key that every user of the droplet accepts."""
        return self.folder / "client_key"

    @property
    def known_hosts(self) -> Path:
        """The droplet's host keys."""
        return self.folder / "known_hosts"

    @property
    def ssh_config(self) -> Path:
        """A configuration for ssh with a host named like the instance."""
        return self.folder / "ssh_config"

    @property
    def host_keys(self) -> Path:
        """The droplet's private host keys, kept over a reset."""
        return self.folder / "host_keys"

    @property
    def ca_cert(self) -> Path:
        """The authority that signed the certificates of nginx and PostgreSQL."""
        return self.folder / "ca.crt"
