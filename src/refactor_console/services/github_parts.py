"""What the images, releases, contract and alerts panes need of the services, put together for one environment.

Imported when a session opens: the first frame needs none of it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Protocol

from refactor_console.domain import dotenv
from refactor_console.domain.containers import Container, ContainerBoard
from refactor_console.domain.environment import Environment
from refactor_console.domain.images import ImageUse
from refactor_console.domain.repos import Platform
from refactor_console.services.feed import Feed


class FileReader(Protocol):
    """The part of a host connection that reading ``.env`` needs."""

    async def read_file(self, path: str, limit: int = ...) -> bytes:
        """The whole of a file."""

    async def modified_at(self, path: str) -> datetime:
        """When it was last written."""


class Running:
    """What runs in the environment now, by the containers feed; cheap to ask."""

    def __init__(self, containers: Feed[ContainerBoard], environment: Environment, platform: Platform) -> None:
        self._containers = containers
        self._environment = environment
        self._platform = platform
        self._of: ContainerBoard | None = None
        self._uses: dict[str, tuple[ImageUse, ...]] = {}

    def uses(self) -> Mapping[str, tuple[ImageUse, ...]]:
        """Digest to who runs it: containers of the environment that run, and oneshot ones that did."""
        board = self._containers.reading.value
        if board is not self._of:
            found: dict[str, dict[ImageUse, None]] = {}
            for row in board.rows if board is not None else ():
                container = row.container
                if container.image_digest and (container.is_running or row.oneshot):
                    found.setdefault(container.image_digest, {})[ImageUse(self._environment.name, container.label)] = (
                        None
                    )
            self._of, self._uses = board, {digest: tuple(uses) for digest, uses in found.items()}
        return self._uses

    def deployed_ref(self) -> str:
        """The commit of the backend that runs now, by its image's label; empty when that is not known."""
        board = self._containers.reading.value
        backend = f"/{self._platform.backend.full_name.lower()}"
        for row in board.rows if board is not None else ():
            if row.container.is_running and row.container.revision and _is_of(row.container, backend):
                return row.container.revision
        return ""


def _is_of(container: Container, path: str) -> bool:
    name = container.image.partition("@")[0].lower()
    return f"{path}/" in f"{name}/" or f"{path}:" in name


class HostEnv:
    """Names of the host's ``.env`` with keyed hashes of their values.

    The file is read into memory, hashed, and dropped at once: no value is kept, returned, logged or put into an error.
    The key is made anew for every session, so that hashes tell whether two values are the same, and nothing else.
    """

    def __init__(self, host: Callable[[], Awaitable[FileReader]], environment: Environment) -> None:
        """`host` gives the present connection; nothing is read before `read`."""
        self._host = host
        self._path = f"{environment.compose_directory.rstrip('/')}/.env"
        self._digest = dotenv.keyed_digest(secrets.token_bytes(32))

    async def read(self) -> dotenv.DotEnv:
        """What the file defines.

        Raises:
            ConsoleError: there is no connection, or the file cannot be read.
        """
        connection = await self._host()
        written_at = await connection.modified_at(self._path)
        data = await connection.read_file(self._path, dotenv.MOST_CHARACTERS)
        text = data.decode("utf-8", "surrogateescape")
        return await asyncio.to_thread(dotenv.read, text, self._digest, written_at)
