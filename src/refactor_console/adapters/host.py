"""One SSH connection to a host, many channels over it: commands, streams, sockets, ports and small files.

Host keys are always verified against known_hosts and never accepted by themselves. In read-only mode whatever would
change the host is refused here, whoever asks. The SSH library takes half a second to import, so this module imports it
on first use, in a thread; what it raises leaves as one of `adapters.host_errors`.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from refactor_console.adapters import host_errors as errors
from refactor_console.adapters.host_stream import RemoteStream
from refactor_console.domain import commands
from refactor_console.domain.command import Completed, RemoteCommand
from refactor_console.domain.environment import SshTarget
from refactor_console.domain.problem import Problem

if TYPE_CHECKING:
    import asyncssh

    from refactor_console.adapters.host_channel import Channel
    from refactor_console.adapters.host_explain import Attempt

T = TypeVar("T")

OUTPUT_LIMIT = 4 * 1024 * 1024
"""Bytes of standard output that `HostConnection.run` keeps."""
FILE_LIMIT = 4 * 1024 * 1024
START_LIMIT = 20.0
"""Seconds for a stream, a forward or a file to be opened."""
CLOSE_LIMIT = 2.0
SESSIONS = 6
"""Commands run at once; OpenSSH allows 10 sessions on a connection (MaxSessions), and streams need theirs."""
MAX_HOPS = 8


class Connect(Protocol):
    """How services open a connection; `connect` is the real one."""

    def __call__(self, target: SshTarget, *, read_only: bool) -> Awaitable[HostConnection]:
        """Connect and log in, or raise `HostError`."""


async def connect(target: SshTarget, *, read_only: bool) -> HostConnection:
    """Connect to a host and log in, through its ``ProxyJump`` hosts if it has any.

    Args:
        target: where to; what it leaves open comes from the OpenSSH client configuration.
        read_only: whether everything that changes the host is refused on this connection.

    Raises:
        HostError: with the problem to show.
    """
    await asyncio.to_thread(_import_library)
    connection = await _open(target, str(target), read_only, ())
    try:
        # One exec at once: OpenSSH's server leaves Nagle's algorithm on until a session channel was opened, and
        # forwarded sockets stall for 40 ms at random until then.
        connection.identity = await connection.run(commands.identify())
    except BaseException:
        await connection.close()
        raise
    return connection


class HostConnection:
    """A live connection. Use it on one event loop; every method may raise `HostError`."""

    def __init__(
        self,
        connection: asyncssh.SSHClientConnection,
        attempt: Attempt,
        target: SshTarget,
        where: str,
        user: str,
        read_only: bool,
        jump: HostConnection | None,
    ) -> None:
        self.target = target
        self.user = user
        """The login user."""
        self.read_only = read_only
        self.identity = Completed(commands.identify(), 255, b"", b"")
        """The answer to `commands.identify`, asked right after the log in."""
        self._connection = connection
        self._attempt = attempt
        self._where = where
        self._jump = jump
        self._closing = False
        self._sessions = asyncio.Semaphore(SESSIONS)

    @property
    def fingerprint(self) -> str:
        """The verified host key's ``SHA256:...``."""
        key = self._connection.get_server_host_key()
        return key.get_fingerprint() if key is not None else ""

    @property
    def server_version(self) -> str:
        """The server's banner, such as ``SSH-2.0-OpenSSH_10.0p2 Debian-7``."""
        return str(self._connection.get_extra_info("server_version", ""))

    @property
    def closed(self) -> bool:
        """Whether the connection is gone, for whatever reason."""
        return self._attempt.ended.is_set() or self._closing

    @property
    def lost(self) -> errors.HostConnectionLost | None:
        """Why the connection is gone; None while it is up."""
        if not self.closed:
            return None
        if self._attempt.end_reason is None:
            return errors.connection_closed(self._where)
        return errors.connection_lost(self._where, self._attempt.end_reason)

    async def wait_closed(self) -> errors.HostConnectionLost:
        """Wait for the end of the connection, and say why it came."""
        await self._attempt.ended.wait()
        return self.lost or errors.connection_closed(self._where)

    async def close(self) -> None:
        """Close the connection and everything that runs over it; waits two seconds at most."""
        self._closing = True
        self._connection.close()
        try:
            async with asyncio.timeout(CLOSE_LIMIT):
                await self._connection.wait_closed()
        except TimeoutError:
            self._connection.abort()  # the other side is silent
        finally:
            if self._jump is not None:
                await self._jump.close()

    async def run(self, command: RemoteCommand, *, limit: int = OUTPUT_LIMIT) -> Completed:
        """Run a command to its end; an exit status other than 0 is an answer, not an error.

        Raises:
            CommandTimedOut: it ran longer than ``command.timeout``; it was ended.
            OutputTooLarge: it printed more than `limit` bytes; it was ended.
            HostError: read-only, the connection is gone, or no session could be opened.
        """
        output = bytearray()
        try:
            async with asyncio.timeout(command.timeout), self._sessions, self.stream(command) as stream:
                async for chunk in stream:
                    output += chunk
                    if len(output) > limit:
                        raise errors.output_too_large(command, self._where, limit)
                return Completed(command, stream.exit_status, bytes(output), stream.stderr)
        except TimeoutError as error:
            raise errors.command_timed_out(command, self._where) from error

    def stream(self, command: RemoteCommand) -> RemoteStream:
        """A command whose output is read as it comes::

            async with connection.stream(command) as stream:
                async for chunk in stream:
                    ...
            stream.exit_status, stream.stderr

        Raises:
            HostReadOnly: the command would change something.
        """
        if command.mutates:
            self._refuse_mutation(command.render())
        return RemoteStream(command, self.start, lambda: self.lost)

    @asynccontextmanager
    async def forward_socket(self, remote_path: str) -> AsyncIterator[Path]:
        """A local Unix socket that leads to one on the host; gone afterwards.

        Raises:
            ForwardRefused: the socket cannot be reached; the problem says why.
        """
        from refactor_console.adapters import host_forward  # noqa: PLC0415 - needs the SSH library

        await self.try_socket(remote_path)
        with host_forward.private_socket_path() as path:
            try:
                listener = await self._connection.forward_local_path(str(path), remote_path)
            except OSError as error:
                raise host_forward.local_socket_failed(error) from error
            try:
                yield path
            finally:
                listener.close()

    @asynccontextmanager
    async def forward_port(self, host: str, port: int) -> AsyncIterator[int]:
        """A local TCP port on 127.0.0.1 that leads to `host`:`port` as the host sees it; gone afterwards.

        Raises:
            ForwardRefused: the port cannot be reached.
        """
        from refactor_console.adapters import host_forward  # noqa: PLC0415 - needs the SSH library

        await self._try_forward(lambda: host_forward.try_port(self._connection, host, port), f"{host}:{port}")
        try:
            listener = await self._connection.forward_local_port("127.0.0.1", 0, host, port)
        except OSError as error:
            raise host_forward.local_socket_failed(error) from error
        try:
            yield listener.get_port()
        finally:
            listener.close()

    async def try_socket(self, remote_path: str) -> None:
        """Connect to a socket of the host once and hang up: asks why a forwarded socket fails.

        Raises:
            ForwardRefused: it cannot be reached; the problem says why.
        """
        from refactor_console.adapters import host_forward  # noqa: PLC0415 - needs the SSH library

        await self._try_forward(lambda: host_forward.try_socket(self._connection, remote_path), remote_path)

    async def read_file(self, path: str, limit: int = FILE_LIMIT) -> bytes:
        """The content of a file of at most `limit` bytes; a relative path starts at the user's home.

        Raises:
            HostFileError: it is missing, forbidden or larger.
        """
        from refactor_console.adapters import host_files  # noqa: PLC0415 - needs the SSH library

        return await self._over_sftp(lambda: host_files.read(self._connection, self._where, path, limit), path)

    async def modified_at(self, path: str) -> datetime:
        """When a file was last written, by the host's clock (UTC, whole seconds).

        Raises:
            HostFileError: it is missing or forbidden.
        """
        from refactor_console.adapters import host_files  # noqa: PLC0415 - needs the SSH library

        return await self._over_sftp(lambda: host_files.modified_at(self._connection, self._where, path), path)

    async def write_file(self, path: str, data: bytes, mode: int = 0o600) -> None:
        """Replace a file's content in one step; a relative path starts at the user's home.

        Raises:
            HostReadOnly: in read-only mode.
            HostFileError: it could not be written; the old content is untouched.
        """
        from refactor_console.adapters import host_files  # noqa: PLC0415 - needs the SSH library

        if self.read_only:
            self._refuse_mutation(f"write {path}")
        await self._over_sftp(lambda: host_files.write(self._connection, self._where, path, data, mode), path)

    async def measure_round_trip(self) -> timedelta:
        """The time of one small command (the better of two): network and process start together."""
        times = []
        for _ in range(2):
            begun = time.perf_counter()
            await self.run(commands.host_name())
            times.append(time.perf_counter() - begun)
        return timedelta(seconds=min(times))

    async def start(self, command: RemoteCommand) -> tuple[asyncssh.SSHClientChannel[bytes], Channel]:
        """Open a channel for `RemoteStream`; the time limit of the start is its own."""
        import asyncssh  # noqa: PLC0415 - half a second; imported long before, in a thread

        from refactor_console.adapters import host_channel  # noqa: PLC0415 - needs the SSH library

        if command.mutates:
            self._refuse_mutation(command.render())
        if lost := self.lost:
            raise lost
        try:
            async with asyncio.timeout(START_LIMIT):
                return await host_channel.open_channel(self._connection, command.render(), command.stdin)
        except TimeoutError as error:
            raise errors.command_timed_out(replace(command, timeout=START_LIMIT), self._where) from error
        except (asyncssh.Error, OSError) as error:
            raise self.lost or errors.channel_refused(errors.brief(command), self._where, str(error)) from error

    def _refuse_mutation(self, what: str) -> None:
        if self.read_only:
            raise errors.read_only(what)

    async def _try_forward(self, attempt: Callable[[], Awaitable[None]], what: str) -> None:
        import asyncssh  # noqa: PLC0415 - half a second; imported long before, in a thread

        from refactor_console.adapters import host_forward  # noqa: PLC0415 - needs the SSH library

        try:
            async with asyncio.timeout(START_LIMIT):
                await attempt()
        except asyncssh.ChannelOpenError as error:
            if lost := self.lost:
                raise lost from error
            found = await self.run(commands.describe_path(what)) if what.startswith("/") else None
            described = found.text.strip() if found is not None and found.ok else ""
            raise host_forward.refused(error, what, self._where, self.user, described) from error
        except (TimeoutError, asyncssh.Error, OSError) as error:
            raise self.lost or errors.ForwardRefused(
                Problem(
                    f"{what} on {self._where} did not answer within {START_LIMIT:g} s.",
                    "Look at the service behind it.",
                    str(error),
                    code="socket-refused",
                )
            ) from error

    async def _over_sftp(self, work: Callable[[], Awaitable[T]], path: str) -> T:
        import asyncssh  # noqa: PLC0415 - half a second; imported long before, in a thread

        try:
            async with asyncio.timeout(START_LIMIT):
                return await work()
        except TimeoutError as error:
            raise self.lost or errors.HostFileError(
                Problem(f"{path} on {self._where} could not be reached within {START_LIMIT:g} s.", code="file-failed")
            ) from error
        except (asyncssh.Error, OSError) as error:
            raise self.lost or errors.HostFileError(
                Problem(
                    f"{self._where} offers no SFTP, which {path} needs.",
                    "Set 'Subsystem sftp internal-sftp' in its sshd_config.",
                    str(error),
                    code="file-failed",
                )
            ) from error


async def _open(
    target: SshTarget, where: str, read_only: bool, via: tuple[str, ...], jump_by: str = ""
) -> HostConnection:
    """Connect to one host, and to its jump hosts first: `jump_by`, or what its own configuration says."""
    import asyncssh  # noqa: PLC0415 - half a second; imported before, in a thread

    from refactor_console.adapters import host_explain, host_login  # noqa: PLC0415 - need the SSH library

    login = await asyncio.to_thread(host_login.prepare, target, where)
    login.jump = jump_by or login.jump
    attempt = host_explain.Attempt()
    jump = await _open_jump(login.jump, target, (*via, f"{login.user}@{login.host}:{login.port}"))
    try:
        async with asyncio.timeout(target.connect_timeout), host_login.offered_keys(login) as keys:
            connection = await asyncssh.connect(
                target.host,
                target.port or (),
                tunnel=jump._connection if jump is not None else None,
                client_factory=lambda: attempt,
                client_keys=keys or None,
                **login.options,
            )
    except (asyncssh.Error, OSError, ValueError, EOFError, LookupError) as error:
        problem = await host_explain.explain(error, login, attempt)
        raise problem from error
    else:
        opened, jump = HostConnection(connection, attempt, target, where, login.user, read_only, jump), None
        return opened
    finally:
        if jump is not None:
            await jump.close()


async def _open_jump(spec: str, target: SshTarget, via: tuple[str, ...]) -> HostConnection | None:
    """Connect through ``[user@]host[:port],...`` (ssh_config(5), ProxyJump); each hop is verified like any host."""
    if not spec:
        return None
    if len(via) > MAX_HOPS:
        raise errors.SshConfigError(
            Problem(
                f"The ProxyJump of {target} leads in a circle.",
                "Exclude the jump host itself from the pattern that sets it, with 'ProxyJump none'.",
                " -> ".join(via),
                code="ssh-config",
            )
        )
    rest, _, last = spec.rpartition(",")
    user, _, place = last.strip().removeprefix("ssh://").rpartition("@")
    host, colon, port = place.rpartition(":")
    if not colon or "]" in port:
        host, port = place, ""
    hop = replace(
        target,
        host=host.strip("[]"),
        user=user or None,
        default_user="",
        port=int(port) if port.isascii() and port.isdigit() else None,
    )
    return await _open(hop, f"jump host {hop}", True, via, rest)


def _import_library() -> None:
    """Import everything that needs the SSH library, and keep that library off the terminal."""
    # Without a handler of its own Python prints a library's warnings on standard error, over the screen.
    logger = logging.getLogger("asyncssh")
    if not any(isinstance(handler, logging.NullHandler) for handler in logger.handlers):
        logger.addHandler(logging.NullHandler())
    for module in ("host_channel", "host_explain", "host_login", "host_forward", "host_files"):
        importlib.import_module(f"refactor_console.adapters.{module}")
