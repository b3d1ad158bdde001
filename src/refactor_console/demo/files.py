"""The part of the demo host's file system that one can touch: the homes, kept in a real directory."""

from __future__ import annotations

import os
import posixpath
from importlib import resources
from pathlib import Path

from refactor_console.demo.clock import SECOND
from refactor_console.demo.host_env import DEPLOYED_DAYS, dotenv
from refactor_console.demo.shell import Account

_KNOWN_DIRECTORIES = ("/", "/home", "/etc", "/tmp", "/var", "/var/log", "/var/lib", "/var/lib/docker", "/run", "/proc")  # noqa: S108


class Files:
    """Homes below `root`; paths are those of the demo host."""

    def __init__(self, root: Path, accounts: dict[str, Account], now_ns: int) -> None:
        """What the deploy workflow left in the deploy user's home, some days before `now_ns`."""
        self.root = root
        for account in accounts.values():
            (root / account.home.lstrip("/")).mkdir(parents=True, mode=0o700)
        home = root / "home/deploy"
        (home / "nginx" / "conf.d").mkdir(parents=True)
        stored = resources.files("refactor_console.demo") / "files_github" / "backend"
        workflow = (stored / "github" / "workflows" / "deploy_to_do.yml").read_text(encoding="utf-8")
        compose = (stored / "docker-compose.yaml").read_text(encoding="utf-8")
        written = now_ns - int(DEPLOYED_DAYS * 86_400) * SECOND
        for name, text in (("docker-compose.yaml", compose), (".env", dotenv(workflow))):
            (home / name).write_text(text, encoding="utf-8")
            (home / name).chmod(0o640)
            os.utime(home / name, ns=(written, written))

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
