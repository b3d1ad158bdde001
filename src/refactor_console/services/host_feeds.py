"""What the host's own panes show: the systemd unit, and load, memory, disks and clock, for `services.feed.supervise`.

Each generator looks at once, then every few seconds or when it is nudged, and ends with an error as soon as the
connection is gone; its supervisor starts it again when the link is back.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from refactor_console.adapters.host import HostConnection
from refactor_console.adapters.host_errors import CommandTimedOut
from refactor_console.domain import commands
from refactor_console.domain.command import Completed
from refactor_console.domain.problem import Problem
from refactor_console.domain.unit import UnitError, UnitStatus, parse_unit
from refactor_console.domain.vitals import Disk, HostVitals, VitalsError, parse_df, parse_proc
from refactor_console.services.feed import Clock, Waker, utc_now
from refactor_console.services.link import HostLink, last_line, together

UNIT_INTERVAL = 5.0
"""Seconds between two looks at the unit."""
VITALS_INTERVAL = 5.0
"""Seconds between two looks at load, memory, disks and clock."""
DOCKER_DIRECTORY = "/var/lib/docker"
"""Where the Engine keeps images and containers, often a file system of its own."""

_CLOCK = re.compile(r"^(\d{9,11})(?:\.(\d{1,9})?(?:%N)?)?$", re.ASCII)
_COMMAND_NOT_FOUND = 127  # POSIX shells: XCU 2.8.2


async def watch_unit(
    link: HostLink, unit: str, nudge: Waker, *, interval: float = UNIT_INTERVAL
) -> AsyncIterator[UnitStatus]:
    """The unit's state, every few seconds and whenever nudged.

    Raises:
        LinkDown: there is no connection.
        HostError: the connection failed meanwhile.
        UnitError: the host's answer is not a unit's state.
    """
    connection = await link.connection()
    while True:
        yield read_unit(await connection.run(commands.show_unit(unit)), unit)
        await link.rest(connection, interval, nudge)


async def watch_vitals(
    link: HostLink, nudge: Waker, *, interval: float = VITALS_INTERVAL, clock: Clock = utc_now
) -> AsyncIterator[HostVitals]:
    """Load, memory, disks and clock, every few seconds and whenever nudged.

    Raises:
        LinkDown: there is no connection.
        HostError: the connection failed meanwhile.
        VitalsError: the host's answer cannot be understood.
    """
    connection = await link.connection()
    paths = ("/", link.environment.compose_directory, DOCKER_DIRECTORY)
    while True:
        yield await look_at_vitals(connection, paths, link.identity.cpus if link.identity else 1, clock)
        await link.rest(connection, interval, nudge)


def read_unit(answer: Completed, unit: str) -> UnitStatus:
    """A unit's state from the answer to `commands.show_unit`; a unit that does not exist is a state, too.

    Raises:
        UnitError: the answer has no state in it; the problem says why.
    """
    try:
        return parse_unit(answer.text, unit)
    except UnitError as error:
        if answer.exit_status == _COMMAND_NOT_FOUND:
            problem = Problem(
                "There is no systemctl on this host.",
                "This console watches units of systemd; the containers can be watched all the same.",
                answer.errors[:500],
                code="no-systemd",
            )
        elif "not been booted with systemd" in answer.errors or "Failed to connect to bus" in answer.errors:
            problem = Problem(
                "systemd does not run on this host.",
                "The containers can be watched all the same.",
                answer.errors[:500],
                code="no-systemd",
            )
        elif not answer.ok and answer.errors:
            problem = Problem(
                f"systemctl could not say how {unit} is: {last_line(answer.errors)[:200]}",
                f"Run it on the host by hand: systemctl status {unit}",
                f"exit status {answer.exit_status}\n{answer.errors[:500]}",
                code="unit-unreadable",
            )
        else:
            raise
        raise UnitError(problem) from error


async def look_at_vitals(
    connection: HostConnection, paths: tuple[str, ...], cpus: int, clock: Clock = utc_now
) -> HostVitals:
    """Ask for everything once.

    Raises:
        HostError: the connection failed.
        VitalsError: load, uptime and memory cannot be read. Disks and clock may be missing without harm.
    """
    proc, disks, offset = await together(
        connection.run(commands.proc_vitals()),
        _disk_usage(connection, paths),
        measure_clock(connection, clock),
    )
    try:
        vitals = parse_proc(proc.text, cpus)
    except VitalsError as error:
        if proc.exit_status != _COMMAND_NOT_FOUND and not proc.errors:
            raise
        raise VitalsError(replace(error.problem, detail=f"{proc.errors[:500]}\n{error.problem.detail}")) from error
    found, problem = disks
    return replace(vitals, disks=found, disks_problem=problem, clock_offset=offset.offset, clock_error=offset.error)


async def _disk_usage(connection: HostConnection, paths: tuple[str, ...]) -> tuple[tuple[Disk, ...], str]:
    """The disks, or why there are none: a mount that hangs must not take load and memory with it.

    Raises:
        HostError: the connection failed.
    """
    try:
        answer = await connection.run(commands.disk_usage(*dict.fromkeys(paths)))
    except CommandTimedOut as error:
        return (), error.problem.summary
    disks = parse_df(answer.text)
    return disks, "" if disks else f"df said nothing that can be read ({last_line(answer.errors)[:200]})."


@dataclass(frozen=True, slots=True)
class ClockReading:
    """The host's clock against ours; both None when the host's answer is not a time."""

    offset: timedelta | None = None
    error: timedelta | None = None


async def measure_clock(connection: HostConnection, clock: Clock = utc_now) -> ClockReading:
    """Ask the host for its time; the middle of the question's round trip is when it looked, give or take half of it.

    Raises:
        HostError: the connection failed.
    """
    before = clock()
    answer = await connection.run(commands.clock())
    return read_clock(answer.text, before, clock())


def read_clock(answer: str, before: datetime, after: datetime) -> ClockReading:
    """Compare the answer to `commands.clock` with our clock before and after the question.

    A ``date`` without ``%N`` (busybox) gives whole seconds, followed by nothing or by a literal ``%N``: it is then half
    a second late on average, and half a second more uncertain.
    """
    found = _CLOCK.match(last_line(answer))
    if found is None:
        return ClockReading()
    theirs = datetime.fromtimestamp(int(found.group(1)), UTC)
    error = abs(after - before) / 2
    if found.group(2):
        theirs += timedelta(seconds=int(found.group(2)) / 10 ** len(found.group(2)))
    else:
        theirs += timedelta(seconds=0.5)
        error += timedelta(seconds=0.5)
    return ClockReading(theirs - (before + (after - before) / 2), error)
