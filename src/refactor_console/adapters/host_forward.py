"""Sockets and ports of a host as local ones, through its SSH connection.

Imports the SSH library: import this module off the event loop's thread.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncssh

from refactor_console.adapters.host_errors import ForwardRefused
from refactor_console.domain.problem import Problem

_LONGEST_SOCKET_PATH = 100
"""Bytes; the system's own limit is 104 (macOS) to 108 (Linux)."""


@contextmanager
def private_socket_path() -> Iterator[Path]:
    """A path for a local socket in a directory that only this user can enter; both are gone afterwards."""
    directory = tempfile.mkdtemp(prefix="rc-")
    if len(directory) > _LONGEST_SOCKET_PATH - 8:
        shutil.rmtree(directory, ignore_errors=True)
        directory = tempfile.mkdtemp(prefix="rc-", dir="/tmp")
    try:
        yield Path(directory) / "sock"
    finally:
        shutil.rmtree(directory, ignore_errors=True)


async def try_socket(connection: asyncssh.SSHClientConnection, remote_path: str) -> None:
    """Connect to a socket of the host once, and hang up.

    Raises:
        asyncssh.ChannelOpenError: the server could not or would not.
    """
    _, writer = await connection.open_unix_connection(remote_path, encoding=None)
    writer.close()


async def try_port(connection: asyncssh.SSHClientConnection, host: str, port: int) -> None:
    """Connect to a TCP port as the host sees it once, and hang up.

    Raises:
        asyncssh.ChannelOpenError: the server could not or would not.
    """
    _, writer = await connection.open_connection(host, port, encoding=None)
    writer.close()


def local_socket_failed(error: OSError) -> ForwardRefused:
    """The local end could not be made."""
    return ForwardRefused(
        Problem(
            "No local socket could be made for a forwarded connection.",
            "Look at the free space and the rights of the temporary directory (TMPDIR).",
            str(error),
            code="local-socket",
        )
    )


def refused(error: asyncssh.ChannelOpenError, what: str, where: str, user: str, found: str) -> ForwardRefused:
    """Why a socket or port of the host could not be reached.

    Args:
        error: the server's refusal.
        what: the socket's path, or ``host:port``.
        where: how sentences name the host.
        user: the login user there.
        found: ``type|mode|owner|group`` of the socket's path (`domain.commands.describe_path`); empty when there is
            none, or it was not looked for.
    """
    detail = f"{error.reason}\n{found}".strip()
    if error.code == asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED:
        return ForwardRefused(
            Problem(
                f"The SSH server of {where} does not allow forwarding to {what}.",
                "Set AllowStreamLocalForwarding and AllowTcpForwarding to yes in its sshd_config.",
                detail,
                code="forward-prohibited",
            )
        )
    if not what.startswith("/"):
        return ForwardRefused(
            Problem(
                f"{what} could not be reached from {where}.",
                "Look on the host whether something listens there.",
                detail,
                code="socket-refused",
            )
        )
    if not found:
        return ForwardRefused(
            Problem(
                f"There is no socket {what} on {where}.",
                "The service that makes it may be stopped or not installed.",
                detail,
                code="socket-missing",
            )
        )
    kind, _, rest = found.partition("|")
    mode, _, owners = rest.partition("|")
    owner, _, group = owners.partition("|")
    if kind != "socket":
        return ForwardRefused(
            Problem(f"{what} on {where} is a {kind}, not a socket.", "Correct the path.", detail, code="socket-refused")
        )
    return ForwardRefused(
        Problem(
            f"{user} could not connect to {what} on {where} ({mode}, owner {owner}, group {group}).",
            f"Either nothing listens behind it any more, or {user} lacks the right: sudo usermod -aG {group} {user}, "
            "then log in again.",
            detail,
            code="socket-forbidden",
        )
    )
