"""A running remote program, as its reader sees it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING

from refactor_console.adapters.host_errors import HostConnectionLost
from refactor_console.domain.command import RemoteCommand

if TYPE_CHECKING:
    import asyncssh

    from refactor_console.adapters.host_channel import Channel

    Start = Callable[[RemoteCommand], Awaitable[tuple[asyncssh.SSHClientChannel[bytes], Channel]]]


class RemoteStream:
    """A running remote program; leaving the context ends it. Iterate for its output, up to about 1 MiB at a time."""

    def __init__(self, command: RemoteCommand, start: Start, lost: Callable[[], HostConnectionLost | None]) -> None:
        self.command = command
        self._start = start
        self._lost = lost
        self._opened: _Opened | None = None

    async def __aenter__(self) -> RemoteStream:
        channel, session = await self._start(self.command)
        self._opened = _Opened(channel, session)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        from refactor_console.adapters import host_channel  # noqa: PLC0415 - needs the SSH library

        host_channel.end(self._session.channel, self._session.output)

    def __aiter__(self) -> RemoteStream:
        return self

    async def __anext__(self) -> bytes:
        """The next piece of output.

        Raises:
            HostConnectionLost: the connection went before the program ended.
        """
        output = self._session.output
        if data := await output.read():
            return data
        if not output.has_exited and (lost := self._lost()):
            raise lost
        raise StopAsyncIteration

    async def wait_for_news(self, seconds: float) -> None:
        """Wait until something was printed on either stream, or the program ended; `seconds` at most."""
        await self._session.output.wait_for_news(seconds)

    @property
    def ended(self) -> bool:
        """Whether the program has ended (output may be left to read)."""
        return self._session.output.ended

    @property
    def exit_status(self) -> int:
        """The exit status; 255 while it runs, and when it ended without one."""
        status = self._session.output.exit_status
        return 255 if status is None else status

    @property
    def stderr(self) -> bytes:
        """What it printed on standard error so far: the first 64 KiB."""
        return bytes(self._session.output.stderr)

    @property
    def _session(self) -> _Opened:
        if self._opened is None:
            raise RuntimeError("use 'async with' before reading a stream")
        return self._opened


@dataclass(frozen=True, slots=True)
class _Opened:
    channel: asyncssh.SSHClientChannel[bytes]
    output: Channel
