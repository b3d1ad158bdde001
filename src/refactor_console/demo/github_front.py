"""The address of the demo's GitHub: open from the start, while what answers there is imported when first needed.

That takes a tenth of a second, which would otherwise be part of every start of a demo world.
"""

from __future__ import annotations

import asyncio
import importlib
from typing import TYPE_CHECKING, Any

from refactor_console.demo.engine_http import Request, Response
from refactor_console.demo.github_http import TcpHttpServer
from refactor_console.demo.world import World

if TYPE_CHECKING:
    from refactor_console.demo.github_control import GitHubControl
    from refactor_console.demo.github_deploys import Deploys
    from refactor_console.demo.github_server import GitHubServer

_PARTS = ("github_server", "github_control", "github_deploys")


class GitHubFront:
    """Listens at once, and makes the server at the first request or control."""

    def __init__(self, world: World, seed: int) -> None:
        self._world = world
        self._seed = seed
        self._making = asyncio.Lock()
        self._server: GitHubServer | None = None
        self._control: GitHubControl | None = None
        self._deploys: Deploys | None = None
        self.http = TcpHttpServer(self._serve, {})

    async def control(self) -> GitHubControl:
        """The verbs whose names begin with ``github_``."""
        server = await self._ready()
        if self._control is None:
            self._control = importlib.import_module("refactor_console.demo.github_control").GitHubControl(server)
        return self._control

    async def stop(self) -> None:
        """Listen no more."""
        await self.http.stop()
        if self._deploys is not None:
            await self._deploys.stop()

    async def _serve(self, request: Request) -> Response:
        server = await self._ready()
        return await server.handle(request)

    async def _ready(self) -> GitHubServer:
        async with self._making:
            if self._server is None:
                # In a thread, so that the rest of the world goes on meanwhile.
                parts: list[Any] = await asyncio.to_thread(_import)
                self._server = parts[0].GitHubServer(self._world.clock, self._seed, self.http, self._world.began_ns)
                self._deploys = parts[2].Deploys(self._world)
                self._server.operations.on_run = self._deploys.watch
            return self._server


def _import() -> list[Any]:
    return [importlib.import_module(f"refactor_console.demo.{name}") for name in _PARTS]
