"""The small HTTP/1.1 server on a TCP port of the loopback interface."""

from __future__ import annotations

import asyncio
from pathlib import Path

from refactor_console.demo.engine_http import Handler, HttpServer

_HEAD_LIMIT = 64 * 1024


class TcpHttpServer(HttpServer):
    """Serves one handler on 127.0.0.1; keeps its port when it is stopped and started again."""

    def __init__(self, handler: Handler, headers: dict[str, str]) -> None:
        super().__init__(Path(), handler, headers)
        self.port = 0
        """0 before the first start."""

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT``, without a trailing slash."""
        return f"http://127.0.0.1:{self.port}"

    async def _listen(self) -> asyncio.Server:
        server = await asyncio.start_server(self._accept, "127.0.0.1", self.port, limit=_HEAD_LIMIT)
        self.port = server.sockets[0].getsockname()[1]
        return server
