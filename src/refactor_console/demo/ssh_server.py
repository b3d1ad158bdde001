"""A real SSH server in front of the simulated host: programs, SFTP, and the Engine's socket by forwarding."""

from __future__ import annotations

import asyncio
import posixpath
from contextlib import suppress
from pathlib import Path
from typing import cast

import asyncssh

from refactor_console.demo.commands import DOCKER_SOCKETS, Shell
from refactor_console.demo.files import Files
from refactor_console.demo.journal import Writer
from refactor_console.demo.shell import Account
from refactor_console.demo.world import ACCOUNTS, World

SERVER_VERSION = "OpenSSH_10.0p2 Debian-7"
_STDIN_LIMIT = 4 * 1024 * 1024
_SIGNALLED = 255


class _Streams:
    """A channel as standard streams."""

    def __init__(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        self._process = process
        self._input = bytearray()
        self._input_ended = asyncio.Event()

    async def feed(self) -> str:
        """Read standard input until its end; returns the name of a signal where one ends the program."""
        try:
            while data := await self._process.stdin.read(65536):
                if len(self._input) < _STDIN_LIMIT:
                    self._input += data
        except asyncssh.SignalReceived as received:
            return received.signal
        except (asyncssh.BreakReceived, asyncssh.TerminalSizeChanged):
            return "INT"
        self._input_ended.set()
        return ""

    async def read_all(self) -> bytes:
        """Standard input up to its end."""
        await self._input_ended.wait()
        return bytes(self._input)

    async def out(self, data: bytes) -> None:
        """Write to standard output."""
        self._process.stdout.write(data)
        await self._process.stdout.drain()

    async def err(self, data: bytes) -> None:
        """Write to standard error."""
        self._process.stderr.write(data)
        await self._process.stderr.drain()


async def _run(shell: Shell, process: asyncssh.SSHServerProcess[bytes]) -> None:
    """Run what a session asks for, until it ends, is signalled, or its channel is gone."""
    if process.command is None:
        process.stderr.write(b"The demo host has no interactive shell; give a command.\n")
        process.exit(1)
        return
    streams = _Streams(process)
    loop = asyncio.get_running_loop()
    program = loop.create_task(shell.run(process.command, streams))
    feeding = loop.create_task(streams.feed())
    gone = loop.create_task(process.channel.wait_closed())
    tasks = {program, feeding, gone}
    try:
        while not program.done():
            waiting = {task for task in tasks if not (task is feeding and feeding.done())}
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if gone.done() and not program.done():
                return
            if feeding.done() and not program.done() and (signal := feeding.result()):
                process.exit_with_signal(signal)
                return
        with suppress(BrokenPipeError, ConnectionError):
            process.exit(program.result())
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _HostServer(asyncssh.SSHServer):
    """One connection: who may log in, and what may be opened."""

    def __init__(self, host: SshHost) -> None:
        self._host = host
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._host.connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self._connection is not None:
            self._host.connections.discard(self._connection)
            self._host.logged_out(self._connection)

    def begin_auth(self, username: str) -> bool:
        del username
        return True

    def auth_completed(self) -> None:
        if self._connection is not None:
            self._host.logged_in(self._connection)

    def public_key_auth_supported(self) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return False

    def kbdint_auth_supported(self) -> bool:
        return False

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return username in ACCOUNTS and key.public_data == self._host.client_public_data

    def unix_connection_requested(self, dest_path: str) -> object:  # type: ignore[override]
        assert self._connection is not None  # noqa: S101 - set before any channel is opened
        account = ACCOUNTS[self._connection.get_extra_info("username")]
        if dest_path in DOCKER_SOCKETS and account.is_in("docker"):
            return self._forward(self._connection)
        # What sshd says whatever the reason: no such socket, no permission, nobody listens.
        raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, "open failed")

    async def _forward(self, connection: asyncssh.SSHServerConnection) -> asyncssh.SSHUNIXSession[bytes]:
        try:
            session = await connection.forward_unix_connection(str(self._host.engine_socket))
        except asyncssh.ChannelOpenError:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, "open failed") from None
        return cast("asyncssh.SSHUNIXSession[bytes]", session)

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
        del dest_host, dest_port, orig_host, orig_port
        raise asyncssh.ChannelOpenError(asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, "open failed")


class _HomeSftp(asyncssh.SFTPServer):
    """SFTP over the demo host's small file system; relative paths begin at the home, as sshd's do."""

    def __init__(self, chan: asyncssh.SSHServerChannel[bytes], files: Files) -> None:
        super().__init__(chan, str(files.root).encode())
        self._account = ACCOUNTS[chan.get_connection().get_extra_info("username")]
        self._files = files

    def map_path(self, path: bytes) -> bytes:
        where = posixpath.normpath(posixpath.join(self._account.home.encode(), path))
        if not self._files.readable(self._account, where.decode("utf-8", "surrogateescape")):
            raise asyncssh.SFTPPermissionDenied("Permission denied")
        return super().map_path(where)


class SshHost:
    """The SSH server of a world."""

    def __init__(self, world: World, files: Files, engine_socket: Path, host_key: asyncssh.SSHKey) -> None:
        self.engine_socket = engine_socket
        self.client_public_data = b""
        self.connections: set[asyncssh.SSHServerConnection] = set()
        self._world = world
        self._files = files
        self._host_key = host_key
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self._client_fingerprint = ""
        self._guests: dict[asyncssh.SSHServerConnection, tuple[Account, str, int]] = {}
        """Who is logged in, from where, and the process that serves them."""

    async def start(self, client_key: asyncssh.SSHKey) -> int:
        """Listen on a free port of loopback and return it."""
        self.client_public_data = client_key.public_data
        self._client_fingerprint = client_key.get_fingerprint()
        self._acceptor = await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=lambda: _HostServer(self),
            server_host_keys=[self._host_key],
            server_version=SERVER_VERSION,
            process_factory=self._session,
            sftp_factory=lambda chan: _HomeSftp(chan, self._files),
            encoding=None,
            allow_pty=False,
            login_timeout=60,
            agent_forwarding=False,
            x11_forwarding=False,
            compression_algs=["none"],
        )
        return self._acceptor.get_port()

    async def stop(self) -> None:
        """Stop listening and end the connections."""
        if self._acceptor is not None:
            self._acceptor.close()
        for connection in list(self.connections):
            connection.abort()

    async def _session(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        account = ACCOUNTS[process.get_extra_info("username")]
        await _run(Shell(self._world, self._files, account), process)

    def logged_in(self, connection: asyncssh.SSHServerConnection) -> None:
        """Write what sshd writes to the journal when somebody comes."""
        account = ACCOUNTS[connection.get_extra_info("username")]
        address, port = connection.get_extra_info("peername")[:2]
        self._guests[connection] = (account, f"{address} port {port}", self._world.engine.new_pid())
        key = self._client_fingerprint
        self._tell(connection, f"Accepted publickey for {account.name} from {address} port {port} ssh2: ED25519 {key}")
        opened = f"session opened for user {account.name}(uid={account.uid}) by {account.name}(uid=0)"
        self._tell(connection, f"pam_unix(sshd:session): {opened}")

    def logged_out(self, connection: asyncssh.SSHServerConnection) -> None:
        """Write what sshd writes, first as that user, when somebody goes."""
        if connection not in self._guests:
            return
        account, origin, _ = self._guests[connection]
        self._tell(connection, f"Disconnected from user {account.name} {origin}", uid=account.uid)
        self._tell(connection, f"pam_unix(sshd:session): session closed for user {account.name}")
        del self._guests[connection]

    def _tell(self, connection: asyncssh.SSHServerConnection, text: str, *, uid: int = 0) -> None:
        pid = self._guests[connection][2] + (7 if uid else 0)
        daemon = Writer("sshd-session", pid, "ssh.service", uid=uid, comm="sshd-session", transport="syslog")
        self._world.journal.write(daemon, [text.encode()])
