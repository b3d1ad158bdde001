"""The Docker Engine of an environment, through whatever connection to the host there is now; shared by all who need it.

One forwarded socket for each connection. It is opened when first asked for, and ends with the connection.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from functools import partial
from os import PathLike
from typing import Protocol

from refactor_console.adapters.engine import Engine
from refactor_console.adapters.engine_errors import EngineCut, EngineUnreachable, cut, diagnose
from refactor_console.adapters.host_errors import ForwardRefused
from refactor_console.domain.command import Completed, RemoteCommand
from refactor_console.domain.containers import EngineInfo
from refactor_console.domain.environment import Environment
from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.services.feed import Waker, bug

INFO_SECONDS = 10.0
"""How often the Engine is asked about itself."""
_DIAGNOSIS_SECONDS = 10.0
_DIAGNOSIS_HOLDS = 2.0


class Connection(Protocol):
    """The part of a host connection that the Engine's services need."""

    def forward_socket(self, remote_path: str, /) -> AbstractAsyncContextManager[str | PathLike[str]]:
        """A local Unix socket that leads to a remote one while the context lasts."""

    async def run(self, command: RemoteCommand) -> Completed:
        """Run one command to its end."""

    async def wait_closed(self) -> object:
        """Return when the connection has ended, for whatever reason."""


class Link(Protocol):
    """Where the connection comes from."""

    async def connection(self) -> Connection:
        """The present connection.

        Raises:
            ConsoleError: there is none now.
        """


class EngineLink:
    """The Engine over the present connection. For the event loop's thread."""

    def __init__(self, link: Link, environment: Environment, *, read_only: bool) -> None:
        self.environment = environment
        self.read_only = read_only
        self._link = link
        self._connection: Connection | None = None
        self._opening: asyncio.Future[Engine] | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._diagnosis: tuple[float, ConsoleError] | None = None
        self._diagnosing = asyncio.Lock()
        self._trouble = Waker()

    async def engine(self) -> Engine:
        """The Engine, ready to be asked.

        Raises:
            ConsoleError: there is no connection to the host, or it cannot forward the socket.
        """
        connection = await self._link.connection()
        if connection is not self._connection or self._keeper is None or self._keeper.done() or self._opening is None:
            if self._keeper is not None:
                self._keeper.cancel()
            self._connection = connection
            self._opening = asyncio.get_running_loop().create_future()
            self._keeper = asyncio.create_task(self._keep(connection, self._opening), name="engine forward")
            self._keeper.add_done_callback(partial(_say_bug, self._opening))
        return await asyncio.shield(self._opening)

    async def host(self) -> Connection:
        """The host connection itself.

        Raises:
            ConsoleError: there is none now.
        """
        return await self._link.connection()

    async def close(self) -> None:
        """End the forward and everything that goes through it."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            await asyncio.wait({keeper}, timeout=5)

    def report_trouble(self) -> None:
        """Someone's stream broke: the feed of the Engine looks at once instead of at its next turn."""
        self._trouble.wake()

    async def explained(self, error: ConsoleError) -> ConsoleError:
        """The better explanation of a cut: the loss of the SSH connection, where that is what happened."""
        if isinstance(error, EngineCut):
            try:
                await self._link.connection()
            except ConsoleError as better:
                return better
        return error

    async def infos(self) -> AsyncIterator[EngineInfo]:
        """What the Engine says of itself, again and again: an attempt for `feed.supervise`."""
        engine = await self.engine()
        while True:
            try:
                info = await engine.info()
            except EngineCut as error:
                raise await self.explained(error) from error
            yield info
            await self._trouble.wait(INFO_SECONDS)

    async def _keep(self, connection: Connection, opened: asyncio.Future[Engine]) -> None:
        """Hold the forward open as long as the connection lasts."""
        try:
            async with connection.forward_socket(self.environment.docker_socket) as path:
                engine = Engine(str(path), read_only=self.read_only, diagnose=lambda: self._diagnose(connection))
                try:
                    if not opened.done():
                        opened.set_result(engine)
                    await connection.wait_closed()
                finally:
                    engine.close()
        except ConsoleError as refusal:
            if not opened.done():
                why = await self._why_refused(connection, refusal)
                opened.set_exception(why)
                opened.exception()  # someone may have stopped waiting; the next to ask opens anew

    async def _why_refused(self, connection: Connection, refusal: ConsoleError) -> ConsoleError:
        """The Engine's side of a refused forward; only the connection knows when sshd itself forbids it."""
        if isinstance(refusal, ForwardRefused) and refusal.problem.code != "forward-prohibited":
            return await self._diagnose(connection)
        return refusal

    async def _diagnose(self, connection: Connection) -> ConsoleError:
        """Why the socket cannot be used; many ask at the same moment, so one answer serves all for a little while."""
        async with self._diagnosing:
            if self._diagnosis is not None and time.monotonic() - self._diagnosis[0] < _DIAGNOSIS_HOLDS:
                found = self._diagnosis[1]
            else:
                found = await self._ask_host(connection)
                self._diagnosis = (time.monotonic(), found)
        return type(found)(found.problem)

    async def _ask_host(self, connection: Connection) -> ConsoleError:
        try:
            async with asyncio.timeout(_DIAGNOSIS_SECONDS):
                return await diagnose(connection, self.environment)
        except ConsoleError as error:
            return error
        except TimeoutError:
            return EngineUnreachable(
                Problem(
                    f"The connection to {self.environment.docker_socket} was closed, and the host did not say why "
                    f"within {_DIAGNOSIS_SECONDS:.0f} s.",
                    "Look at the state of the SSH connection first.",
                    code="unreachable",
                )
            )


def _say_bug(opened: asyncio.Future[Engine], keeper: asyncio.Task[None]) -> None:
    """Those who wait must hear an error, not seem to be cancelled themselves; a bug is named as one."""
    error = None if keeper.cancelled() else keeper.exception()
    if not opened.done():
        why = EngineUnreachable(bug(error)) if error else cut("reach it", "the connection to the host went")
        opened.set_exception(why)
        opened.exception()
