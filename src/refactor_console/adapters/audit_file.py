"""The local audit log: JSON lines, append only, private to the user, and on disk before anything else happens."""

from __future__ import annotations

import asyncio
import fcntl
import os
from pathlib import Path

import platformdirs

from refactor_console.domain.audit import AuditRecord
from refactor_console.domain.problem import ConsoleError, Problem


class AuditUnwritable(ConsoleError):
    """A record could not be written; nothing that needs one may be done."""


def default_path() -> Path:
    """``audit.jsonl`` in the user's state directory (XDG: ``~/.local/state/refactor-console``)."""
    return platformdirs.user_state_path("refactor-console") / "audit.jsonl"


WRITE_SECONDS = 10.0
"""A home directory on a network that is gone must not hold up every action for ever."""


class AuditFile:
    """One file of records."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or default_path()

    async def append(self, record: AuditRecord) -> None:
        """Write one record; it is on disk when this returns.

        Raises:
            AuditUnwritable: it is not.
        """
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                await asyncio.to_thread(self._append, record.to_json().encode("ascii"))
        except OSError as error:
            raise AuditUnwritable(
                Problem(
                    f"The audit record could not be written to {self.path}: {_words(error)}.",
                    "Make room or mend the permissions there; nothing is changed without a record.",
                    repr(error),
                    code="audit-unwritable",
                )
            ) from error

    def _append(self, line: bytes) -> None:
        directory = self.path.parent
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        is_new = not self.path.exists()
        # NOFOLLOW: a link put there by someone else must not make us write into another file.
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self.path, flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)  # another console may be in the middle of a line
            size = os.fstat(descriptor).st_size
            # A console that died while it wrote left half a line: keep it, but not as the beginning of ours.
            torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            data = (b"\n" if torn else b"") + line + b"\n"
            if os.write(descriptor, data) != len(data):
                raise OSError(0, "only part of the record fitted")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if is_new:
            _sync_directory(directory)


def _words(error: OSError) -> str:
    if isinstance(error, TimeoutError) and error.strerror is None:
        return f"the disk gave no answer within {WRITE_SECONDS:.0f} s"
    return error.strerror or str(error)


def _sync_directory(directory: Path) -> None:
    """Make the new name itself durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
