"""One unit's journal, followed for ever: nothing lost, nothing twice, and every cut marked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime

from refactor_console.adapters.host import HostConnection
from refactor_console.adapters.host_stream import RemoteStream
from refactor_console.adapters.journal import (
    JournalError,
    JournalParser,
    boot_of,
    journalctl_failed,
    read_cursor_and_time,
)
from refactor_console.domain import commands
from refactor_console.domain.command import Completed, RemoteCommand, sudo
from refactor_console.domain.logs import LogBatch, LogLine, LogMark, MarkKind, SourceKind, SourceProgress
from refactor_console.domain.problem import ConsoleError
from refactor_console.services.feed import Backoff, Clock, Feed, supervise, utc_now
from refactor_console.services.link import HostLink

FIRST_LINES = 500
"""Lines of the past that are shown at the start."""
DELIVERY_INTERVAL = 0.05
"""Seconds between two deliveries at least; a line that comes alone is not held back."""
QUIET = 0.5
"""Seconds of silence after which a started stream counts as live though it printed nothing."""

_SLICE = 128 * 1024
"""Bytes that are parsed before other work gets its turn: some 3 ms."""
_HINTS = ("not seeing messages from other users", "insufficient permissions")


@dataclass(frozen=True, slots=True)
class _Access:
    """How the journal can be read on one connection."""

    by_sudo: bool
    notice: str

    def command(self, command: RemoteCommand) -> RemoteCommand:
        return sudo(command) if self.by_sudo else command


class JournalSource:
    """A `services.session.LogSource` over ``journalctl --follow``.

    Args:
        link: the connection to lean on.
        unit: whose journal.
        deliver: called on the event loop's thread with every batch, at most about 20 times a second.
        clock: the time for readings and marks.
        backoff: waits between attempts.
    """

    def __init__(
        self,
        link: HostLink,
        unit: str,
        deliver: Callable[[LogBatch], None],
        *,
        clock: Clock = utc_now,
        backoff: Backoff | None = None,
    ) -> None:
        self._link = link
        self._unit = unit
        self._deliver = deliver
        self._clock = clock
        self._backoff = backoff
        self._feed: Feed[SourceProgress] = Feed(self.key, clock)
        self._parser = JournalParser()
        self._received = 0
        self._cuts = 0
        self._access_notice = ""
        self._cut_at: datetime | None = None
        self._seen_until_ns = 0
        """Lines up to this time are left out: set when a stream cannot be resumed at its cursor."""

    @property
    def key(self) -> str:
        """``journal:UNIT``."""
        return f"journal:{self._unit}"

    @property
    def label(self) -> str:
        """The unit's name without ``.service``."""
        return self._unit.removesuffix(".service")

    @property
    def kind(self) -> SourceKind:
        """Always `SourceKind.JOURNAL`."""
        return SourceKind.JOURNAL

    @property
    def feed(self) -> Feed[SourceProgress]:
        """How it is doing."""
        return self._feed

    async def run(self) -> None:
        """Follow for ever, through cuts; runs as a task until cancelled."""
        await supervise(self._feed, self.follow, waker=self._link.waker, backoff=self._backoff)

    async def follow(self) -> AsyncIterator[SourceProgress]:
        """One stream, from where the last one ended to where this one breaks.

        Raises:
            LinkDown: there is no connection.
            HostError: the connection broke.
            JournalError: ``journalctl`` could not do its work.
        """
        connection = await self._link.connection()
        access = await self._find_access(connection)
        self._access_notice = access.notice
        gap = await self._look_for_gap(connection, access)
        self._parser.restart()
        lines = FIRST_LINES if await self._has_lines(connection, access) else None
        command = commands.follow_journal(self._unit, after_cursor=self._parser.cursor, lines=lines)
        async with connection.stream(access.command(command)) as stream:
            await stream.wait_for_news(QUIET)
            if stream.ended and stream.exit_status != 0:
                raise self._failed(stream)
            self._announce(gap)
            yield self._progress()
            try:
                async with aclosing(self._lines(stream)) as deliveries:
                    async for _ in deliveries:
                        yield self._progress()
                raise self._failed(stream)
            except ConsoleError as error:
                self._cut(error.problem.summary)
                raise

    async def _lines(self, stream: RemoteStream) -> AsyncGenerator[int, None]:
        """Deliver lines, and marks for what journald left out, and say how many lines; then rest for a moment."""
        async for chunk in stream:
            lines: list[LogLine] = []
            delivered = self._parser.cursor
            try:
                for start in range(0, len(chunk), _SLICE):
                    lines += self._parser.feed(chunk[start : start + _SLICE], self._now_ns())
                    await asyncio.sleep(0)
            except BaseException:  # a bug: nothing of this was delivered, so all of it has to come again
                self._parser.cursor = delivered
                self._parser.take_marks()
                raise
            seen_until = self._seen_until_ns
            lines = self._unseen(lines)
            marks = tuple(mark for mark in self._parser.take_marks() if mark.time_ns > seen_until)
            if lines or marks:
                self._received += len(lines)
                self._deliver(LogBatch(self.key, lines=tuple(lines), marks=marks))
                yield len(lines)
            # What arrives meanwhile waits in the channel, which is bounded and slows the host down when it is full.
            await asyncio.sleep(DELIVERY_INTERVAL)

    def _unseen(self, lines: list[LogLine]) -> list[LogLine]:
        if not self._seen_until_ns or not lines:
            return lines
        fresh = [line for line in lines if line.time_ns > self._seen_until_ns]
        if fresh:
            self._seen_until_ns = 0
        return fresh

    async def _find_access(self, connection: HostConnection) -> _Access:
        """See whether this user reads the whole journal; if not, whether sudo lets us."""
        plain = await connection.run(commands.journal_access())
        if not _is_limited(plain):
            return _Access(False, _no_files(plain))
        raised = await connection.run(sudo(commands.journal_access()))
        if raised.ok and not _is_limited(raised):
            return _Access(True, "")
        return _Access(
            False,
            f"{connection.user} sees only a part of the journal: sudo usermod -aG systemd-journal {connection.user}, "
            "then log in again.",
        )

    async def _has_lines(self, connection: HostConnection, access: _Access) -> bool:
        """Whether there is anything to begin with; see `commands.follow_journal` why that matters."""
        if self._parser.cursor:
            return True
        answer = await connection.run(access.command(commands.last_journal_entry(self._unit)))
        return bool(read_cursor_and_time(answer.stdout)[0])

    async def _look_for_gap(self, connection: HostConnection, access: _Access) -> str:
        """Whether the journal still has the line after which we go on; a sentence on what is missing when not."""
        cursor = self._parser.cursor
        if not cursor:
            return ""
        answer = await connection.run(access.command(commands.journal_entry_from(cursor)))
        first, first_ns = read_cursor_and_time(answer.stdout)
        if first == cursor:
            return ""
        if not answer.ok and "cursor" in answer.errors:
            self._parser.cursor = ""
            self._seen_until_ns = self._parser.last_line_ns or 0
            return "The journal could not be resumed where it was cut; lines may be missing here."
        since = _clock_time(self._parser.last_line_ns)
        if not first:
            self._parser.cursor = ""  # it lies after everything that is left, and might hide what comes
            return f"The journal was emptied; lines written after {since} may be missing."
        why = "the host was restarted" if boot_of(first) != boot_of(cursor) else "the journal was trimmed"
        return f"Lines between {since} and {_clock_time(first_ns)} may be missing: {why} and no longer has them."

    def _announce(self, gap: str) -> None:
        """Mark the end of a cut, and what it cost."""
        marks: list[LogMark] = []
        if gap:
            marks.append(LogMark(self._mark_ns(), MarkKind.GAP, gap))
        if self._cut_at is not None:
            seconds = max(0, round((self._clock() - self._cut_at).total_seconds()))
            marks.append(LogMark(self._mark_ns(), MarkKind.RESUMED, f"Following again after {seconds} s."))
            self._cut_at = None
        if marks:
            self._deliver(LogBatch(self.key, marks=tuple(marks)))

    def _cut(self, reason: str) -> None:
        self._cuts += 1
        self._cut_at = self._clock()
        self._deliver(LogBatch(self.key, marks=(LogMark(self._mark_ns(), MarkKind.CUT, reason),)))

    def _failed(self, stream: RemoteStream) -> JournalError:
        return journalctl_failed(self._unit, stream.exit_status, stream.stderr.decode("utf-8", "replace"))

    def _progress(self) -> SourceProgress:
        notice = self._access_notice
        if not notice and not self._received:
            notice = f"The journal of {self._unit} is empty so far."
        return SourceProgress(
            received=self._received,
            last_line_ns=self._parser.last_line_ns,
            cuts=self._cuts,
            notice=notice,
            unreadable=self._parser.unreadable,
        )

    def _now_ns(self) -> int:
        return int(self._clock().timestamp() * 1_000_000) * 1000

    def _mark_ns(self) -> int:
        """Now, but never before the last line: the host's clock may be ahead of ours."""
        return max(self._now_ns(), self._parser.last_line_ns or 0)


def _is_limited(answer: Completed) -> bool:
    return any(hint in answer.errors for hint in _HINTS)


def _no_files(answer: Completed) -> str:
    return "The host keeps no journal files." if "No journal files were found" in answer.errors else ""


def _clock_time(time_ns: int | None) -> str:
    if time_ns is None:
        return "an unknown time"
    return datetime.fromtimestamp(time_ns / 1e9, UTC).strftime("%H:%M:%S UTC")
