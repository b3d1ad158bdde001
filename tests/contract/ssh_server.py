"""A real SSH server inside the test's own process, whose answers the test chooses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import asyncssh

from refactor_console.domain.environment import SshTarget

Process = asyncssh.SSHServerProcess[bytes]
Handler = Callable[[str, Process], Awaitable[int]]

IDENTITY = "uid=1000(deploy) gid=1000(deploy) groups=1000(deploy),103(docker)\n"
UNIT = "Id=u.service\nLoadState=loaded\nActiveState=active\nSubState=exited\n"


async def answer_normally(command: str, process: Process) -> int:
    """What an ordinary host says to the console's first questions."""
    answers = {
        "id": IDENTITY,
        "uname -n": "host-1\n",
        "getconf _NPROCESSORS_ONLN": "4\n",
        "cat /proc/loadavg /proc/uptime /proc/meminfo": "0.1 0.2 0.3 1/2 3\n9.5 1.0\nMemTotal: 1000 kB\n",
        "date -u +%s.%N": "1700000000.5\n",
    }
    if command in answers:
        process.stdout.write(answers[command].encode())
        return 0
    if command.startswith("systemctl show"):
        process.stdout.write(UNIT.encode())
        return 0
    if command.startswith("sudo"):
        process.stderr.write(b"sh: sudo: not found\n")
        return 127
    process.stderr.write(f"sh: {command.split(maxsplit=1)[0]}: not found\n".encode())
    return 127


class _Accepts(asyncssh.SSHServer):
    def __init__(self, server: Server) -> None:
        self.server = server
        self.connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self.server.connections.append(conn)
        self.server.logins += 1

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
        return True

    def unix_connection_requested(self, dest_path: str) -> bool:
        return True


@dataclass
class Server:
    """A running server; `target` reaches it."""

    directory: Path
    host_key: asyncssh.SSHKey
    client_key: asyncssh.SSHKey
    port: int = 0
    handler: Handler = answer_normally
    logins: int = 0
    commands: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    """Commands whose channel is closed, or that were sent a signal."""
    connections: list[asyncssh.SSHServerConnection] = field(default_factory=list)
    _acceptor: asyncssh.SSHAcceptor | None = None

    @property
    def target(self) -> SshTarget:
        return SshTarget(
            "127.0.0.1",
            port=self.port,
            user="deploy",
            identity_file=str(self.directory / "key"),
            known_hosts_file=str(self.directory / "known_hosts"),
            config_file="/dev/null",
            connect_timeout=5.0,
        )

    def know(self, *lines: str) -> SshTarget:
        """The target with other known_hosts lines; ``{name}`` and ``{key}`` stand for what would be right."""
        path = self.directory / f"known_hosts_{len(list(self.directory.iterdir()))}"
        key = self.host_key.export_public_key().decode().strip()
        path.write_text("".join(f"{line.format(name=self.name, key=key)}\n" for line in lines))
        return replace(self.target, known_hosts_file=str(path))

    @property
    def name(self) -> str:
        return f"[127.0.0.1]:{self.port}"

    async def up(self) -> None:
        self._acceptor = await asyncssh.listen(
            "127.0.0.1",
            self.port,
            server_factory=lambda: _Accepts(self),
            server_host_keys=[self.host_key],
            authorized_client_keys=str(self.directory / "authorized"),
            process_factory=self._serve,
            sftp_factory=lambda chan: asyncssh.SFTPServer(chan, chroot=str(self.directory / "files").encode()),
            encoding=None,
        )
        self.port = self._acceptor.get_port()
        if not (self.directory / "known_hosts").exists():
            public = self.host_key.export_public_key().decode()
            (self.directory / "known_hosts").write_text(f"{self.name} {public}")

    async def down(self) -> None:
        if self._acceptor is not None:
            self._acceptor.close()
        await self.sever()

    async def sever(self) -> None:
        connections, self.connections = self.connections, []
        for connection in connections:
            connection.abort()
        for connection in connections:
            await connection.wait_closed()

    async def _serve(self, process: Process) -> None:
        command = process.command or ""
        self.commands.append(command)
        try:
            process.exit(await self.handler(command, process))
        except (asyncssh.BreakReceived, asyncssh.SignalReceived, BrokenPipeError, ConnectionError, OSError):
            process.exit(255)
        finally:
            self.ended.append(command)


@asynccontextmanager
async def serving(directory: Path, handler: Handler = answer_normally) -> AsyncIterator[Server]:
    """An SSH server on a free port of the loopback interface."""
    (directory / "files").mkdir(parents=True)
    host_key = asyncssh.generate_private_key("ssh-ed25519")
    client_key = asyncssh.generate_private_key("ssh-ed25519")
    client_key.write_private_key(str(directory / "key"))
    client_key.write_public_key(str(directory / "authorized"))
    server = Server(directory, host_key, client_key, handler=handler)
    await server.up()
    try:
        yield server
    finally:
        await server.down()


async def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait until `condition` holds; fail after `seconds`."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - nobody sets an event for it
            await asyncio.sleep(0.01)
