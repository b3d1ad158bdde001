"""Audit records in both places where they belong: on this machine, and on the host that is changed."""

from __future__ import annotations

import asyncio
import getpass
import platform
import uuid
from datetime import datetime
from typing import Protocol

from refactor_console import __version__
from refactor_console.adapters.audit_file import AuditFile
from refactor_console.domain import commands
from refactor_console.domain.audit import AuditRecord, Stage
from refactor_console.domain.command import Completed, RemoteCommand
from refactor_console.domain.environment import Environment
from refactor_console.domain.problem import ConsoleError
from refactor_console.services.feed import Clock, utc_now

HOST_SECONDS = 8.0
"""How long the host may take to write a record; an action does not wait longer for it."""


class Writer(Protocol):
    """The part of a host connection that records need."""

    async def run(self, command: RemoteCommand) -> Completed:
        """Run one command to its end."""


class Where(Protocol):
    """The environment that is changed, and its host."""

    @property
    def environment(self) -> Environment:
        """What the records name."""

    async def host(self) -> Writer:
        """The connection to its host.

        Raises:
            ConsoleError: there is none now.
        """


def local_user() -> str:
    """Who sits here; a number where the account has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


class AuditLog:
    """Writes the records of one environment's mutations."""

    def __init__(
        self,
        link: Where,
        file: AuditFile | None = None,
        clock: Clock = utc_now,
        *,
        host_seconds: float = HOST_SECONDS,
    ) -> None:
        """`host_seconds` is how long the host may take: less where it is not the host that is changed."""
        self._link = link
        self._file = file or AuditFile()
        self._clock = clock
        self._host_seconds = host_seconds

    def begin(self, action: str, target: str, what: tuple[str, ...]) -> AuditTrail:
        """The trail of one action: all its records share one run identifier."""
        return AuditTrail(self, action, target, what)

    def record(self, trail: AuditTrail, stage: Stage, outcome: str) -> AuditRecord:
        """One record of a trail, as of now."""
        now: datetime = self._clock()
        return AuditRecord(
            at=now,
            stage=stage,
            action=trail.action,
            environment=self._link.environment.name,
            target=trail.target,
            who=local_user(),
            origin=platform.node(),
            what=trail.what,
            run=trail.run,
            outcome=outcome,
            version=__version__,
        )

    async def write_here(self, record: AuditRecord) -> None:
        """Write to the local file.

        Raises:
            AuditUnwritable: it cannot be written.
        """
        await self._file.append(record)

    async def write_there(self, record: AuditRecord) -> str:
        """Write to the host; why it could not be, as a sentence, or nothing."""
        try:
            async with asyncio.timeout(self._host_seconds):
                host = await self._link.host()
                for command in (commands.make_audit_directory(), commands.append_audit(record.to_json())):
                    completed = await host.run(command)
                    if not completed.ok:
                        return _notice(command, completed.errors or f"exit status {completed.exit_status}")
        except ConsoleError as error:
            return f"The record was kept on this machine only: {error.problem.summary}"
        except TimeoutError:
            return (
                f"The record was kept on this machine only: the host gave no answer within {self._host_seconds:.0f} s."
            )
        return ""


def _notice(command: RemoteCommand, words: str) -> str:
    return f"The record was kept on this machine only: '{command.argv[0]}' failed on the host ({words[:200]})."


class AuditTrail:
    """The records of one action."""

    def __init__(self, log: AuditLog, action: str, target: str, what: tuple[str, ...]) -> None:
        self._log = log
        self.action = action
        self.target = target
        self.what = what
        self.run = uuid.uuid4().hex
        self.notice = ""
        """Why a record is not on the host; empty when all are."""

    async def intend(self) -> None:
        """Before the act.

        Raises:
            AuditUnwritable: the local record could not be written: the act must not happen.
        """
        record = self._log.record(self, Stage.INTENT, "")
        await self._log.write_here(record)
        self.notice = await self._log.write_there(record)

    async def refuse(self, reason: str, *, also_there: bool) -> None:
        """The act was refused; `also_there` when the host has the intent."""
        await self._end(Stage.REFUSED, reason, also_there=also_there)

    async def conclude(self, outcome: str) -> None:
        """After the act, however it ended. Never raises for a record that could not be written: `notice` says so."""
        await self._end(Stage.RESULT, outcome, also_there=True)

    async def _end(self, stage: Stage, outcome: str, *, also_there: bool) -> None:
        record = self._log.record(self, stage, outcome)
        try:
            await self._log.write_here(record)
        except ConsoleError as error:
            self.notice = error.problem.summary
        if also_there:
            self.notice = await self._log.write_there(record) or self.notice
