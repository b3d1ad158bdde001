"""The demo world's own controls, for tests and pictures: JSON lines over a Unix socket, one answer to each request."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from refactor_console.demo.clock import parse_moment
from refactor_console.demo.engine_http import HttpServer
from refactor_console.demo.relay import Relay
from refactor_console.demo.world import World

_LIMIT = 64 * 1024 * 1024
Verb = Callable[[dict[str, Any]], Awaitable[dict[str, Any] | None]]
"""Carries out a request; what it returns is told beside "ok"."""


class Control:
    """Carries out what a test asks for; each verb is a method ``do_<verb>``."""

    def __init__(
        self, world: World, relay: Relay, engine: HttpServer, others: Mapping[str, Callable[[], Awaitable[object]]]
    ) -> None:
        """Verbs that begin with a prefix of `others` are the ``do_<verb>`` methods of what is found there."""
        self._world = world
        self._relay = relay
        self._engine = engine
        self._others = dict(others)
        self._server: asyncio.Server | None = None
        self._verbs: dict[str, Verb] = _verbs_of(self)

    async def start(self, path: Path) -> None:
        """Listen for requests."""
        self._server = await asyncio.start_unix_server(self._serve, path, limit=_LIMIT)

    def stop(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await self._answer(line)).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError):
            pass  # the asker went away, or sent a line without end
        finally:
            writer.close()

    async def _verb(self, name: str) -> Verb | None:
        for prefix in [prefix for prefix in self._others if name.startswith(prefix)]:
            self._verbs |= _verbs_of(await self._others.pop(prefix)())
        return self._verbs.get(name)

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line)
            verb = await self._verb(request["do"])
            if verb is None:
                return {"ok": False, "error": f"unknown verb {request['do']!r}; known: {', '.join(self._verbs)}"}
            told = await verb(request)
        except (ValueError, KeyError, TypeError) as wrong:
            return {"ok": False, "error": f"{type(wrong).__name__}: {wrong}"}
        return {"ok": True} | (told or {})

    # Lines ------------------------------------------------------------------------------------------------------

    async def do_log_to_journal(self, request: dict[str, Any]) -> None:
        """``messages``: base64."""
        self._world.log_to_journal(_messages(request))

    async def do_log_to_container(self, request: dict[str, Any]) -> None:
        """``service``, ``messages`` (base64), ``stderr``."""
        container = self._world.engine.of_service(request["service"])
        container.write(_messages(request), self._world.clock.now(), stderr=bool(request.get("stderr")))

    async def do_number_journal(self, request: dict[str, Any]) -> None:
        """``rate``, ``total``."""
        self._world.number_journal(int(request["rate"]), int(request["total"]))

    async def do_number_container(self, request: dict[str, Any]) -> None:
        """``service``, ``rate``, ``total``."""
        self._world.number_container(request["service"], int(request["rate"]), int(request["total"]))

    # Network ----------------------------------------------------------------------------------------------------

    async def do_sever(self, _: dict[str, Any]) -> None:
        """End every connection."""
        self._relay.sever()

    async def do_ssh_down(self, _: dict[str, Any]) -> None:
        """Refuse connections."""
        await self._relay.close()

    async def do_ssh_up(self, _: dict[str, Any]) -> None:
        """Accept them again."""
        await self._relay.open()

    async def do_cut_network(self, _: dict[str, Any]) -> None:
        """Let packets vanish."""
        self._relay.cut()

    async def do_restore_network(self, _: dict[str, Any]) -> None:
        """Let them through."""
        self._relay.restore()

    # Engine -----------------------------------------------------------------------------------------------------

    async def do_engine_down(self, _: dict[str, Any]) -> None:
        """Stop the Engine with its containers."""
        await self._world.engine_down()
        await self._engine.stop()

    async def do_engine_up(self, _: dict[str, Any]) -> None:
        """Start it again."""
        await self._engine.start()
        await self._world.engine_up()

    async def do_restart_container(self, request: dict[str, Any]) -> None:
        """``service``."""
        await self._world.engine.restart(self._world.engine.of_service(request["service"]), 10.0)

    async def do_kill_container(self, request: dict[str, Any]) -> None:
        """``service``; ``exit_code`` (137 unless given)."""
        container = self._world.engine.of_service(request["service"])
        await self._world.engine.crash(container, int(request.get("exit_code", 137)))

    # Scenery ----------------------------------------------------------------------------------------------------

    async def do_freeze_clock(self, request: dict[str, Any]) -> None:
        """``at``: an ISO 8601 time, or null to let it run."""
        self._world.clock.freeze(None if request.get("at") is None else parse_moment(request["at"]))

    async def do_skew_clock(self, request: dict[str, Any]) -> None:
        """``seconds`` ahead of the real time."""
        self._world.clock.skew(float(request["seconds"]))

    async def do_traffic(self, request: dict[str, Any]) -> None:
        """``on``."""
        self._world.set_traffic(bool(request["on"]))


def _verbs_of(part: object) -> dict[str, Verb]:
    return {name.removeprefix("do_"): getattr(part, name) for name in dir(part) if name.startswith("do_")}


def _messages(request: dict[str, Any]) -> list[bytes]:
    return [base64.b64decode(text) for text in request["messages"]]
