"""Faults staged by hand on the droplet, each undone at the end whatever happened."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncssh

from tests.droplet.droplet import Droplet


async def shell(droplet: Droplet, script: str, *, feed: str | None = None) -> str:
    """Run a script on the droplet as root, not over the network."""
    done = await asyncio.to_thread(droplet.exec, ["sh", "-ec", script], input=feed)
    return str(done.stdout)


@asynccontextmanager
async def fault(droplet: Droplet, script: str, undo: str, *, feed: str | None = None) -> AsyncIterator[None]:
    """A fault for the length of a block; the block may undo it itself, so `undo` must bear being run twice."""
    try:
        await shell(droplet, script, feed=feed)
        yield
    finally:
        await shell(droplet, undo)


def greeting(words: str) -> tuple[str, str]:
    """Scripts that make deploy's login shell run `words` first, with what is fed to them in /run/greeting; and undo it.

    bash reads .bashrc for a command over SSH too (bash(1), "Invocation"), and prints whatever is in there.
    """
    undo = "rm -f ~deploy/.bashrc /run/greeting"
    return f"base64 -d >/run/greeting; echo '{words}' >~deploy/.bashrc", undo


def new_key(directory: Path) -> tuple[str, str]:
    """A private key's file and the line that would let it in."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    path = directory / "another_key"
    key.write_private_key(str(path))
    path.chmod(0o600)
    return str(path), key.export_public_key().decode().strip()
