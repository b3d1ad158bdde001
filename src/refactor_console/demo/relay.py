"""The wire in front of the demo's SSH server: it can be cut, torn or closed."""

from __future__ import annotations

import asyncio
import contextlib
import socket


class _End(asyncio.Protocol):
    """One end of a relayed connection; what it receives goes out at the other."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self.peer: _End | None = None
        self.transport: asyncio.Transport | None = None
        self.closed = False
        self._held = False
        """The other end cannot take more at the moment."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what TCP connections have
        self.transport = transport
        link = transport.get_extra_info("socket")
        if link is not None:
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.relay.ends.add(self)
        self.settle()

    def data_received(self, data: bytes) -> None:
        if self.peer is not None and self.peer.transport is not None:
            self.peer.transport.write(data)

    def eof_received(self) -> bool:
        if self.peer is not None and self.peer.transport is not None and self.peer.transport.can_write_eof():
            with contextlib.suppress(OSError):
                self.peer.transport.write_eof()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.closed = True
        self.relay.ends.discard(self)
        if self.peer is not None and self.peer.transport is not None and not self.peer.closed:
            self.peer.transport.close()

    def pause_writing(self) -> None:
        if self.peer is not None:
            self.peer._held = True
            self.peer.settle()

    def resume_writing(self) -> None:
        if self.peer is not None:
            self.peer._held = False
            self.peer.settle()

    def settle(self) -> None:
        """Read, or do not, as the wire and the other end allow."""
        if self.transport is None or self.closed or self.transport.is_closing():
            return
        if self.relay.is_cut or self._held or self.peer is None or self.peer.transport is None:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()


class Relay:
    """Forwards a port to another one, on loopback."""

    def __init__(self, target: int) -> None:
        self.ends: set[_End] = set()
        self.is_cut = False
        self.port = 0
        self._target = target
        self._server: asyncio.Server | None = None
        self._dialing: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Accept connections, on the same port as before if there was one."""
        if self._server is None:
            loop = asyncio.get_running_loop()
            self._server = await loop.create_server(self._accepted, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Refuse connections and end those there are."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.sever()

    def sever(self) -> None:
        """End every connection at once, as when the server's processes are killed."""
        for task in list(self._dialing):
            task.cancel()
        for end in list(self.ends):
            if end.transport is not None:
                end.transport.abort()

    def cut(self) -> None:
        """Let everything vanish: nothing is read any more, connections stay as they are."""
        self.is_cut = True
        for end in self.ends:
            end.settle()

    def restore(self) -> None:
        """Let things through again, also what was held back meanwhile (as retransmission would)."""
        self.is_cut = False
        for end in list(self.ends):
            if end.peer is None:
                self._dial(end)
            end.settle()

    def _accepted(self) -> _End:
        client = _End(self)
        if not self.is_cut:
            self._dial(client)
        return client

    def _dial(self, client: _End) -> None:
        task = asyncio.get_running_loop().create_task(self._connect(client))
        self._dialing.add(task)
        task.add_done_callback(self._dialing.discard)

    async def _connect(self, client: _End) -> None:
        server = _End(self)
        server.peer, client.peer = client, server
        try:
            await asyncio.get_running_loop().create_connection(lambda: server, "127.0.0.1", self._target)
        except OSError:
            if client.transport is not None:
                client.transport.abort()
            return
        if client.closed and server.transport is not None:
            server.transport.abort()
        client.settle()
        server.settle()
