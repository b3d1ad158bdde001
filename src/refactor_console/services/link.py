"""The one SSH connection of an environment, kept up for ever; everything else on the host leans on it.

States, as the feed shows them::

    connecting ──logged in──▶ live ──lost──▶ failed ──wait over, or a person asked──▶ connecting ...
        └──────error──────────────────────────▲

A dependant asks for the connection each time it begins anew: it waits during the very first attempt, and hears
`LinkDown` at once whenever the link is down after that.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

from refactor_console.adapters import host
from refactor_console.adapters.host import HostConnection
from refactor_console.adapters.host_errors import CommandTimedOut, HostError
from refactor_console.domain import commands
from refactor_console.domain.command import Completed
from refactor_console.domain.environment import Environment
from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.domain.text import whole_number
from refactor_console.domain.vitals import HostIdentity
from refactor_console.services.feed import Backoff, Clock, Feed, Waker, outlive_bugs, utc_now

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")

PATIENT_RETRY = 60.0
"""Seconds between attempts when only a person can help: a wrong key is not hammered into a lock-out."""
SETTLED = 10.0
"""Seconds a connection has to last before the next loss counts as the first one again."""

_ID = re.compile(r"uid=\d+\(([^)]*)\).*?groups=(\S+)")
_GROUP = re.compile(r"\d+\(([^)]*)\)")


class LinkDown(ConsoleError):
    """There is no connection to the host; carries the link's own problem for panes to show."""


class HostLink:
    """Keeps one `HostConnection` alive, and says who the console is on that host.

    Args:
        environment: which host, and which unit the sudo question is about.
        read_only: passed to the connection, which refuses every mutation then.
        clock: the time for readings.
        connect: opens a connection; `adapters.host.connect` unless a test gives another.
        backoff: waits between attempts.
        patient_retry: seconds between attempts when only a person can help.
    """

    def __init__(
        self,
        environment: Environment,
        *,
        read_only: bool = False,
        clock: Clock = utc_now,
        connect: host.Connect = host.connect,
        backoff: Backoff | None = None,
        patient_retry: float = PATIENT_RETRY,
    ) -> None:
        self.environment = environment
        self.read_only = read_only
        self.feed: Feed[HostIdentity] = Feed("link", clock)
        self.waker = Waker()
        """Wakes dependants: the connection is back, or a person asked. Give it to their `supervise`."""
        self._connect = connect
        self._backoff = backoff or Backoff()
        self._patient_retry = patient_retry
        self._retry = Waker()
        self._connection: HostConnection | None = None
        self._problem: Problem | None = None
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def identity(self) -> HostIdentity | None:
        """Who the console is on the host, as last seen; kept while the link is down."""
        return self.feed.reading.value

    def start(self) -> None:
        """Begin to connect; returns at once."""
        if self._task is None:
            self._task = asyncio.create_task(self.run(), name="link")

    async def close(self) -> None:
        """Stop, and close the connection; waits two seconds at most."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    def retry_now(self) -> None:
        """End every wait, the link's own and its dependants': a person asked."""
        self._retry.wake()
        if self._connection is not None:
            self.waker.wake()

    async def connection(self) -> HostConnection:
        """The live connection; waits while the very first attempt is under way.

        Raises:
            LinkDown: the link is down.
        """
        while True:
            if self._connection is not None and not self._connection.closed:
                return self._connection
            if self._problem is not None:
                raise self._down(self._problem)
            if self._connection is not None and (lost := self._connection.lost) is not None:
                raise self._down(lost.problem)  # the link's own task learns of it in a moment
            await self._changed.wait()

    async def rest(self, connection: HostConnection, seconds: float, nudge: Waker) -> None:
        """Wait between two looks at the host; ends early when nudged.

        Raises:
            HostConnectionLost: the connection went meanwhile, so that an idle feed learns of it at once.
        """
        lost = asyncio.ensure_future(connection.wait_closed())
        waiting = asyncio.ensure_future(nudge.wait(seconds))
        try:
            await asyncio.wait({lost, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if lost.done():
                raise lost.result()
        finally:
            await _drop(lost, waiting)

    async def run(self) -> None:
        """Connect, hold, and connect again, for ever; `start` runs this as a task."""
        await outlive_bugs(
            "hold the link", self._run, self._failed, self.feed.connecting, waker=self._retry, backoff=self._backoff
        )

    async def _run(self) -> None:
        failures = 0
        while True:
            begun = time.monotonic()
            wait: float
            try:
                lost_after = await self._hold()
            except HostError as error:
                problem = error.problem
                failures += 1
                wait = self._patient_retry if error.needs_a_person else self._backoff.seconds(failures)
            except ConsoleError as error:  # what the host says about itself makes no sense: slow, it will not change
                problem = error.problem
                failures += 1
                wait = self._patient_retry
            else:
                problem = lost_after.problem
                failures = 1 if time.monotonic() - begun > SETTLED else failures + 1
                wait = self._backoff.seconds(failures)
            self._failed(problem, wait)
            await self._retry.wait(wait)
            self.feed.connecting()

    async def _hold(self) -> HostError:
        """One connection from the first attempt to its loss, which is returned; failing to connect raises."""
        connection = await self._connect(self.environment.ssh, read_only=self.read_only)
        try:
            identity = await identify(connection, self.environment.unit)
            self._set(connection, None)
            self.feed.live(identity)
            self.waker.wake()
            return await connection.wait_closed()
        finally:
            self._connection = None
            await connection.close()

    def _failed(self, problem: Problem, retry_in: float) -> None:
        self._set(None, problem)
        self.feed.fail(problem, retry_in)

    def _set(self, connection: HostConnection | None, problem: Problem | None) -> None:
        self._connection = connection
        self._problem = problem
        self._changed.set()
        self._changed = asyncio.Event()

    def _down(self, problem: Problem) -> LinkDown:
        return LinkDown(
            Problem(
                f"No connection to {self.environment.ssh}: {problem.summary}",
                problem.remedy,
                problem.detail,
                code="link-down",
            )
        )


async def identify(connection: HostConnection, unit: str) -> HostIdentity:
    """Ask the host who we are there.

    Raises:
        HostError: the connection failed.
        LinkDown: the login shell's answer to ``id`` cannot be understood.
    """
    found = _ID.search(connection.identity.text)
    if found is None:
        raise LinkDown(_no_identity(connection.identity))
    name, cpus, (can_sudo, sudo_note) = await together(
        connection.run(commands.host_name()),
        connection.run(commands.cpu_count()),
        _may_sudo(connection, unit),
    )
    round_trip = await connection.measure_round_trip()  # alone on the line
    return HostIdentity(
        user=found.group(1),
        groups=tuple(_GROUP.findall(found.group(2))),
        hostname=last_line(name.text) or connection.target.host,
        cpus=whole_number(last_line(cpus.text)) or 1,
        fingerprint=connection.fingerprint,
        server=connection.server_version,
        can_sudo=can_sudo,
        sudo_note=sudo_note,
        round_trip=round_trip,
    )


async def together(
    first: Coroutine[None, None, A], second: Coroutine[None, None, B], third: Coroutine[None, None, C]
) -> tuple[A, B, C]:
    """Three things at once; the first failure ends the others and is raised as it is, not in a group."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = (group.create_task(first), group.create_task(second), group.create_task(third))
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from None
    return (tasks[0].result(), tasks[1].result(), tasks[2].result())


def last_line(text: str) -> str:
    """The last line with something on it: login shells print greetings before an answer, not after it."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


async def _may_sudo(connection: HostConnection, unit: str) -> tuple[bool | None, str]:
    """Whether sudo lets us restart the unit, and the host's own words when not."""
    try:
        answer = await connection.run(commands.may_restart_unit(unit))
    except CommandTimedOut as error:
        return None, error.problem.summary
    return answer.ok, "" if answer.ok else last_line(answer.errors) or f"sudo ended with status {answer.exit_status}"


def _no_identity(answer: Completed) -> Problem:
    said = f"{answer.text}\n{answer.errors}".strip()[:500]
    return Problem(
        "The host let us in, but its login shell did not answer 'id'.",
        "Log in by hand and look: the account may have no shell, a forced command, or a shell that is not POSIX.",
        f"exit status {answer.exit_status}\n{said}".strip(),
        code="malformed",
    )


async def _drop(*tasks: asyncio.Future[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
