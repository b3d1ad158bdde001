"""The part of the demo host's file system that one can touch: the homes, kept in a real directory."""

from __future__ import annotations

import posixpath
from pathlib import Path

from refactor_console.demo.services import BACKEND_IMAGE, FRONTEND_IMAGE
from refactor_console.demo.shell import Account

_COMPOSE = f"""\
services:
  nginx:
    image: nginx:1.25-alpine
    container_name: nginx-reverse-proxy
    ports: ["80:80", "443:443"]
    restart: unless-stopped
  migrator:
    image: {BACKEND_IMAGE}
    container_name: db-migrator
    environment: {{ROLE: migrator}}
    restart: "no"
  rust-app:
    image: {BACKEND_IMAGE}
    container_name: rust-app
    environment: {{ROLE: app}}
    depends_on: [migrator]
    restart: unless-stopped
  nextjs-app:
    image: {FRONTEND_IMAGE}
    container_name: nextjs-app
    depends_on: [rust-app]
    restart: unless-stopped
"""
_KNOWN_DIRECTORIES = ("/", "/home", "/etc", "/tmp", "/var", "/var/log", "/var/lib", "/var/lib/docker", "/run", "/proc")  # noqa: S108


class Files:
    """Homes below `root`; paths are those of the demo host."""

    def __init__(self, root: Path, accounts: dict[str, Account]) -> None:
        self.root = root
        for account in accounts.values():
            (root / account.home.lstrip("/")).mkdir(parents=True, mode=0o700)
        home = root / "home/deploy"
        (home / "nginx" / "conf.d").mkdir(parents=True)
        for name, text in (("docker-compose.yaml", _COMPOSE), (".env", f"BACKEND_IMAGE_NAME={BACKEND_IMAGE}\n")):
            (home / name).write_text(text, encoding="utf-8")
            (home / name).chmod(0o640)

    def absolute(self, account: Account, path: str) -> str:
        """A path as the account's processes see it, without ``..``; relative ones begin at its home."""
        return posixpath.normpath(posixpath.join(account.home, path))

    def real(self, account: Account, path: str) -> Path:
        """Where a path really lies."""
        return self.root / self.absolute(account, path).lstrip("/")

    def writable(self, account: Account, path: str) -> bool:
        """Whether the account may create or change it: what is in its own home."""
        return self.absolute(account, path).startswith(f"{account.home}/")

    def readable(self, account: Account, path: str) -> bool:
        """Whether the account may read it."""
        where = self.absolute(account, path)
        return not where.startswith("/home/") or where == account.home or self.writable(account, path)

    def exists(self, account: Account, path: str) -> bool:
        """Whether there is such a file or directory."""
        return self.absolute(account, path) in _KNOWN_DIRECTORIES or self.real(account, path).exists()
