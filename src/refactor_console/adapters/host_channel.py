"""One remote program on one SSH channel: bytes as they come, bounded, and gone when nobody reads any more.

Imports the SSH library: import this module off the event loop's thread.
"""

from __future__ import annotations

import asyncio

import asyncssh

STDERR_KEPT = 64 * 1024
"""Bytes of standard error that are kept: the first ones, since the first complaint explains the others."""
BUFFERED = 1024 * 1024
"""Bytes held for a slow reader before the remote side is made to wait."""


ROOM_WAITS = (0.02, 0.05, 0.1, 0.2, 0.4)
"""Seconds between attempts to open a session on a server that has no room for it."""

_NO_ROOM = (asyncssh.OPEN_CONNECT_FAILED, asyncssh.OPEN_RESOURCE_SHORTAGE)


class Channel(asyncssh.SSHClientSession[bytes]):
    """Collects what a program prints; the reader's pace is the program's pace."""

    def __init__(self) -> None:
        self.stderr = bytearray()
        self.exit_status: int | None = None
        self.exit_signal = ""
        self.ended = False
        self.reason = ""
        """Why the channel ended, where it was not the program's own end."""
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self._chunks: list[bytes] = []
        self._size = 0
        self._paused = False
        self._news = asyncio.Event()

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        """The channel is open."""
        self._channel = chan

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        """The program printed something."""
        if datatype == asyncssh.EXTENDED_DATA_STDERR:
            self.stderr += data[: STDERR_KEPT - len(self.stderr)]
        else:
            self._chunks.append(data)
            self._size += len(data)
            if self._size >= BUFFERED and not self._paused and self._channel is not None:
                self._paused = True
                self._channel.pause_reading()
        self._news.set()

    def eof_received(self) -> bool:
        """The program closed its output; the channel stays open for the exit status."""
        return True

    def exit_status_received(self, status: int) -> None:
        """The program ended."""
        self.exit_status = status

    def exit_signal_received(self, signal: str, _core_dumped: bool, _msg: str, _lang: str) -> None:
        """The program was ended by a signal."""
        self.exit_signal = signal

    def connection_lost(self, exc: Exception | None) -> None:
        """The channel is closed."""
        self.ended = True
        self.reason = str(exc) if exc is not None else ""
        self._news.set()

    @property
    def has_exited(self) -> bool:
        """Whether the program itself came to an end, as far as the server said."""
        return self.exit_status is not None or bool(self.exit_signal)

    async def read(self) -> bytes:
        """What was printed since the last call, waiting for at least one byte; empty at the end."""
        while not self._chunks and not self.ended:
            self._news.clear()
            await self._news.wait()
        data = b"".join(self._chunks)
        self._chunks.clear()
        self._size = 0
        if self._paused and self._channel is not None:
            self._paused = False
            self._channel.resume_reading()
        return data

    async def wait_for_news(self, seconds: float) -> None:
        """Wait until something was printed, on either stream, or the end came; `seconds` at most."""
        if self._chunks or self.ended:
            return
        self._news.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return


async def open_channel(
    connection: asyncssh.SSHClientConnection, command: str, stdin: bytes
) -> tuple[asyncssh.SSHClientChannel[bytes], Channel]:
    """Start a program. A cancelled start leaves no session behind on the server (it counts for MaxSessions there).

    Raises:
        asyncssh.Error: the server refused, or the connection is gone.
    """
    opening = asyncio.ensure_future(_create(connection, command))
    try:
        chan, session = await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_discard)
        raise
    if stdin:
        chan.write(stdin)
    chan.write_eof()
    return chan, session


def end(chan: asyncssh.SSHClientChannel[bytes], session: Channel) -> None:
    """Make the program end: SIGTERM where the server passes signals on (OpenSSH 7.9), and close the channel."""
    if session.ended:  # not chan.is_closing(): that is True as soon as our end of file was sent
        return
    try:
        chan.terminate()
    except OSError:
        return  # the channel closed by itself meanwhile: the program is gone
    chan.abort()


async def _create(
    connection: asyncssh.SSHClientConnection, command: str
) -> tuple[asyncssh.SSHClientChannel[bytes], Channel]:
    """Open a session, again after a moment where the server has no room.

    OpenSSH's server counts a session (MaxSessions) until its child process is reaped, a moment after the client saw its
    end. A refused session has run nothing, so asking again is safe.
    """
    session = Channel()
    waits = iter(ROOM_WAITS)
    while True:
        try:
            chan, _ = await connection.create_session(lambda: session, command, encoding=None, request_pty=False)
        except asyncssh.ChannelOpenError as error:
            wait = next(waits, None)
            if wait is None or error.code not in _NO_ROOM or connection.is_closed():
                raise
            await asyncio.sleep(wait)
        else:
            return chan, session


def _discard(opening: asyncio.Future[tuple[asyncssh.SSHClientChannel[bytes], Channel]]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        end(*opening.result())
