"""One service's container log, followed across cuts, restarts and re-creations.

First the last lines, then everything. The Engine has no cursor: `domain.overlap` makes resuming exact. When the stream
ends in good order the container is asked: if it still runs, the stream is opened again; if not, the rest of its log is
read once more to the very end, and the source waits for its next run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from refactor_console.adapters.engine import Engine, LogStream
from refactor_console.adapters.engine_errors import ContainerGone, EngineConflict, LogsUnsupported
from refactor_console.domain.containers import Container
from refactor_console.domain.logs import LogBatch, LogLine, LogMark, MarkKind, SourceKind, SourceProgress
from refactor_console.domain.overlap import Overlap
from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.domain.reading import Phase
from refactor_console.services.engine_link import EngineLink
from refactor_console.services.feed import Backoff, Clock, Feed, Waker, outlive_bugs, utc_now

FIRST_LINES = 500
"""Lines of the past that are read first."""
DELIVERY_SECONDS = 0.05
"""Lines that follow each other faster than this are delivered together; a line alone is delivered at once."""
_SLICE = 1_000
"""Lines that are passed on before other work of the event loop gets its turn: some 5 ms."""
_QUIET_SECONDS = 1.0
_AGAIN_SECONDS = 0.2

Deliver = Callable[[LogBatch], None]
_Run = tuple[str, datetime | None]


class ContainerSource:
    """The log of whichever container bears this service's (or its own) name. A `session.LogSource`.

    Args:
        key: unique in the environment, such as ``container:rust-app``.
        label: what people call it.
        link: the way to the Engine.
        deliver: takes every batch, on the event loop's thread.
        waker: ends the wait between attempts early.
        clock: the time for feeds and marks.
    """

    kind = SourceKind.CONTAINER

    def __init__(
        self, key: str, label: str, link: EngineLink, deliver: Deliver, waker: Waker, clock: Clock = utc_now
    ) -> None:
        self.key = key
        self.label = label
        self.feed: Feed[SourceProgress] = Feed(key, clock)
        self._link = link
        self._deliver = deliver
        self._waker = waker
        self._clock = clock
        self._overlap = Overlap()
        self._container: Container | None = None
        self._observed = asyncio.Event()
        self._reading = ""
        self._asked_from: int | None = None
        self._finished: frozenset[_Run] = frozenset()
        self._progress = SourceProgress(0)
        self._is_cut = False
        self._is_idle = False

    def observe(self, container: Container | None) -> None:
        """The board shows this container now; None when there is none any more. Marks starts and stops."""
        if self._is_idle and self.feed.reading.phase is Phase.FAILED:
            self.feed.live(self._progress)
        before, self._container = self._container, container
        if container == before:
            return
        self._observed.set()
        marks = tuple(_marks(before, container, self.label, _nanoseconds(self._clock())))
        if marks:
            self._deliver(LogBatch(self.key, marks=marks))

    def lost_sight(self, problem: Problem) -> None:
        """The board failed: a source that only waits for its container's next run cannot see it begin."""
        if self._is_idle and self.feed.reading.phase is Phase.LIVE:
            self.feed.fail(problem)

    async def run(self) -> None:
        """Follow for ever; ends only by cancellation."""
        await outlive_bugs(self.key, self._run, self._failed, self.feed.connecting, waker=self._waker)

    def _failed(self, problem: Problem, retry_in: float) -> None:
        self._cut(problem)
        self.feed.fail(problem, retry_in)

    async def _run(self) -> None:
        failures = 0
        backoff = Backoff()
        while True:
            container = await self._next_container()
            received = self._progress.received
            try:
                await self._follow(container)
                failures = 0
            except LogsUnsupported as error:
                self.feed.off(error.problem.summary)
                self._finished = frozenset({(container.id, None)})
            except (ContainerGone, EngineConflict):  # 409: it is being removed
                self._finished = frozenset({_run_of(container)})
                await asyncio.sleep(_AGAIN_SECONDS)  # the board says in a moment what is there instead
            except ConsoleError as found:
                problem = (await self._link.explained(found)).problem
                self._link.report_trouble()
                failures = 1 if self._progress.received > received else failures + 1
                wait = backoff.seconds(failures)
                self._failed(problem, wait)
                await self._waker.wait(wait)
                self.feed.connecting()

    async def _next_container(self) -> Container:
        """The container whose log is not yet read to its end, waiting until there is one."""
        while True:
            container = self._container
            if container is None:
                if self._reading:
                    self.feed.off(f"{self.label} has no container now; its lines so far are kept.")
            elif self._finished.isdisjoint({(container.id, None), _run_of(container)}):
                return container
            self._observed.clear()
            self._is_idle = True
            try:
                await self._observed.wait()
            finally:
                self._is_idle = False

    async def _follow(self, container: Container) -> None:
        """Read one container's log until it ends in good order.

        Raises:
            ConsoleError: the stream broke or could not be opened.
        """
        engine = await self._link.engine()
        tail = None
        if container.id != self._reading:
            if self._is_cut:
                self._mark(MarkKind.GAP, f"{self.label}: what the former container wrote after the cut went with it.")
            self._overlap.forget()
            self._asked_from = None
            # The first container's past may be long; one that appears while we watch is wanted from its beginning.
            tail = None if self._reading else FIRST_LINES
        since = self._overlap.since()
        if since is None:
            since = self._asked_from
            if since is None and self._reading == container.id:
                tail = FIRST_LINES
        asked_at = _nanoseconds(await engine.ping() - timedelta(seconds=2))
        self._overlap.resume()
        async with engine.logs(container.id, since_ns=since, tail=tail) as stream:
            self._reading = container.id
            self._resumed()
            began = asyncio.get_running_loop().time()
            try:
                await self._pass_on(stream)
            finally:
                quiet = asyncio.get_running_loop().time() - began > _QUIET_SECONDS
                if self._overlap.newest_ns is None and quiet and self._asked_from is None:
                    self._asked_from = asked_at  # it was empty then: whatever it holds later is new
        fresh = await engine.inspect(container.id)
        if fresh.is_running:
            await asyncio.sleep(_AGAIN_SECONDS)
            return
        await self._read_to_the_end(engine, container.id)
        # The board may still show the run before this one; one log holds both.
        self._finished = frozenset({_run_of(container), _run_of(fresh)})

    async def _read_to_the_end(self, engine: Engine, container_id: str) -> None:
        """Once more, without waiting for more: a following stream may end a little before its log does."""
        since = self._overlap.since()
        self._overlap.resume()
        async with engine.logs(
            container_id, since_ns=since if since is not None else self._asked_from, follow=False
        ) as s:
            await self._pass_on(s)
            self._accept(s.rest(), s)

    async def _pass_on(self, stream: LogStream) -> None:
        loop = asyncio.get_running_loop()
        while lines := await stream.take():
            delivered_at = loop.time()
            for start in range(0, len(lines), _SLICE):
                self._accept(lines[start : start + _SLICE], stream)
                await asyncio.sleep(0)
            await asyncio.sleep(max(0.0, delivered_at + DELIVERY_SECONDS - loop.time()))

    def _accept(self, lines: list[LogLine], stream: LogStream) -> None:
        fresh = self._overlap.fresh(lines)
        if not fresh:
            return
        if self._overlap.gap:
            self._overlap.gap = False
            self._mark(MarkKind.GAP, f"{self.label}: lines are missing; the log was rotated away during the cut.")
        notice = self._progress.notice
        if self._overlap.stepped_back:
            notice = "The host's clock went back: after a cut, lines of that time may be shown twice."
        self._progress = SourceProgress(
            received=self._progress.received + len(fresh),
            last_line_ns=self._overlap.newest_ns,
            cuts=self._progress.cuts,
            notice=notice,
            unreadable=self._progress.unreadable + stream.take_unreadable(),
        )
        self._deliver(LogBatch(self.key, tuple(fresh)))
        self.feed.live(self._progress)

    def _cut(self, problem: Problem) -> None:
        if self._is_cut or not self._reading:
            return
        self._is_cut = True
        progress = self._progress
        self._progress = SourceProgress(
            progress.received, progress.last_line_ns, progress.cuts + 1, progress.notice, progress.unreadable
        )
        self._mark(MarkKind.CUT, f"{self.label}: the stream was cut. {problem.summary}")

    def _resumed(self) -> None:
        if self._is_cut:
            self._is_cut = False
            self._mark(MarkKind.RESUMED, f"{self.label}: resumed where it was cut.")
        self.feed.live(self._progress)

    def _mark(self, kind: MarkKind, text: str) -> None:
        self._deliver(LogBatch(self.key, marks=(LogMark(_nanoseconds(self._clock()), kind, text),)))


def _run_of(container: Container) -> _Run:
    """One run of one container; a stopped one counts by when it stopped being what it was."""
    return container.id, container.started_at or container.created_at


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000) * 1_000


def _marks(before: Container | None, now: Container | None, label: str, now_ns: int) -> list[LogMark]:
    """Starts and stops between two observations; none for the first one ever."""
    if before is None:
        return []
    if now is None:
        return [LogMark(now_ns, MarkKind.STOPPED, f"{label} was removed")] if before.is_running else []
    marks: list[LogMark] = []
    another_run = _run_of(now) != _run_of(before)
    if before.is_running and (another_run or not now.is_running):
        marks.append(_stopped(now if now.id == before.id else None, label, now_ns))
    if another_run and now.started_at is not None:
        marks.append(LogMark(_nanoseconds(now.started_at), MarkKind.STARTED, f"{label} started ({now.short_id})"))
        if not now.is_running:
            marks.append(_stopped(now, label, now_ns))
    return marks


def _stopped(container: Container | None, label: str, now_ns: int) -> LogMark:
    if container is None or container.finished_at is None:
        return LogMark(now_ns, MarkKind.STOPPED, f"{label} stopped")
    code = "" if container.exit_code is None else f" with exit code {container.exit_code}"
    memory = ", out of memory" if container.oom_killed else ""
    return LogMark(_nanoseconds(container.finished_at), MarkKind.STOPPED, f"{label} stopped{code}{memory}")
