"""Small files of a host over SFTP.

Imports the SSH library: import this module off the event loop's thread.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

import asyncssh

from refactor_console.adapters.host_errors import HostFileError
from refactor_console.domain.problem import Problem


async def read(connection: asyncssh.SSHClientConnection, where: str, path: str, limit: int) -> bytes:
    """The whole of a file of at most `limit` bytes.

    Raises:
        HostFileError: it is missing, forbidden or larger.
        asyncssh.Error: the connection or its SFTP service failed.
    """
    async with connection.start_sftp_client() as sftp:
        try:
            async with sftp.open(path, "rb") as file:
                data: bytes = await file.read(limit + 1)
        except asyncssh.SFTPError as error:
            raise _failed("read", path, where, error) from error
    if len(data) > limit:
        raise HostFileError(
            Problem(
                f"{path} on {where} is larger than {limit // 1024} KiB.",
                "Look at it on the host.",
                code="file-too-large",
            )
        )
    return data


async def modified_at(connection: asyncssh.SSHClientConnection, where: str, path: str) -> datetime:
    """When a file was last written.

    Raises:
        HostFileError: it is missing or forbidden, or the host does not say.
        asyncssh.Error: the connection or its SFTP service failed.
    """
    async with connection.start_sftp_client() as sftp:
        try:
            seconds = (await sftp.stat(path)).mtime
        except asyncssh.SFTPError as error:
            raise _failed("looked at", path, where, error) from error
    if seconds is None:
        raise HostFileError(Problem(f"{where} does not say when {path} was written.", code="file-failed"))
    return datetime.fromtimestamp(seconds, UTC)


async def write(connection: asyncssh.SSHClientConnection, where: str, path: str, data: bytes, mode: int) -> None:
    """Replace a file in one step: a reader sees the old content or the new one, never half of it.

    Raises:
        HostFileError: it could not be written; the old content is untouched.
        asyncssh.Error: the connection or its SFTP service failed.
    """
    temporary = f"{path}.{secrets.token_hex(6)}.new"
    async with connection.start_sftp_client() as sftp:
        try:
            async with sftp.open(temporary, "xb", asyncssh.SFTPAttrs(permissions=mode)) as file:
                await file.write(data)
                await file.setstat(asyncssh.SFTPAttrs(permissions=mode))  # the creation mode went through the umask
                await _fsync(file)
            await sftp.posix_rename(temporary, path)
        except asyncssh.SFTPError as error:
            await _remove(sftp, temporary)
            raise _failed("written", path, where, error) from error


async def _fsync(file: asyncssh.SFTPClientFile) -> None:
    try:
        await file.fsync()
    except asyncssh.SFTPOpUnsupported:
        return  # not OpenSSH: the rename is atomic all the same


async def _remove(sftp: asyncssh.SFTPClient, path: str) -> None:
    try:
        await sftp.remove(path)
    except asyncssh.SFTPError:
        return  # it was never made


def _failed(verb: str, path: str, where: str, error: asyncssh.SFTPError) -> HostFileError:
    if isinstance(error, asyncssh.SFTPNoSuchFile | asyncssh.SFTPNoSuchPath):
        return HostFileError(
            Problem(f"{path} does not exist on {where}.", "Correct the path.", error.reason, code="file-missing")
        )
    if isinstance(error, asyncssh.SFTPPermissionDenied):
        return HostFileError(
            Problem(
                f"{path} on {where} may not be {verb} by this user.",
                f"Look at its owner and mode there: ls -l {path}",
                error.reason,
                code="file-forbidden",
            )
        )
    return HostFileError(Problem(f"{path} on {where} could not be {verb}.", "", error.reason, code="file-failed"))
