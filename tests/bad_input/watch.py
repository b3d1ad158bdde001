"""A whole session under watch: every feed's state, every line and mark, and the store that the log pane reads."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from refactor_console.adapters.audit_file import AuditFile
from refactor_console.domain.attention import Concern, Situation, concerns
from refactor_console.domain.environment import Environment
from refactor_console.domain.logs import LogBatch, LogLine, LogMark
from refactor_console.domain.logstore import Entry
from refactor_console.domain.problem import Problem
from refactor_console.domain.reading import Phase
from refactor_console.services.feed import Feed
from refactor_console.services.live import LiveSession
from refactor_console.services.log_book import LogBook
from tests.waiting import until

LINK, UNIT, VITALS, ENGINE, CONTAINERS = "link", "unit", "vitals", "engine", "containers"
JOURNAL = "journal"
HOST_FEEDS = frozenset({LINK, UNIT, VITALS, JOURNAL})
ENGINE_FEEDS = frozenset({ENGINE, CONTAINERS})
EVERY_FEED = HOST_FEEDS | ENGINE_FEEDS
PATIENCE = 30.0
"""Seconds for a state to be seen; recovery after a fault that lasted seconds takes less than two waits."""


class Watch:
    """One live session and what it says."""

    def __init__(self, session: LiveSession) -> None:
        self.session = session
        self.book = LogBook(session.logs)
        self.lines: dict[str, list[LogLine]] = {}
        self.marks: dict[str, list[LogMark]] = {}
        session.logs.subscribe(self._take)

    def _take(self, batch: LogBatch) -> None:
        self.lines.setdefault(batch.source, []).extend(batch.lines)
        self.marks.setdefault(batch.source, []).extend(batch.marks)

    @property
    def journal(self) -> str:
        """The key of the unit's journal."""
        return f"journal:{self.session.environment.unit}"

    def source(self, key: str) -> Feed[Any]:
        """The feed of a log source."""
        return next(source.feed for source in self.session.logs.sources() if source.key == key)

    def feeds(self) -> Mapping[str, Feed[Any]]:
        """The six feeds that are always there."""
        session = self.session
        named = (session.link, session.unit, session.vitals, session.engine, session.containers)
        return {feed.key: feed for feed in named} | {JOURNAL: self.source(self.journal)}

    def problem(self, name: str) -> Problem:
        """Why a feed does not work."""
        problem = self.feeds()[name].reading.problem
        assert problem is not None, f"{name} has no problem: {self.feeds()[name].reading}"
        return problem

    def concerns(self) -> tuple[Concern, ...]:
        """What the overview would put first."""
        s = self.session
        readings = (s.link.reading, s.unit.reading, s.vitals.reading, s.engine.reading, s.containers.reading)
        return concerns(Situation(s.environment, *readings))

    def entries(self, source: str) -> list[Entry]:
        """What the store holds of one source."""
        chunks = self.book.store.chunks(source)
        return [self.book.store.entry_in(chunk, at) for chunk in chunks for at in range(len(chunk))]

    def states(self) -> str:
        """Every feed's state, for a failed test."""
        rows = []
        for name, feed in {**self.feeds(), **{s.key: s.feed for s in self.session.logs.sources()}}.items():
            reading = feed.reading
            code = f" [{reading.problem.code}] {reading.problem.summary}" if reading.problem else ""
            rows.append(f"{name}: {reading.phase}{code}")
        return "\n".join(rows)

    async def until(self, condition: Callable[[], object], what: str, timeout: float = PATIENCE) -> None:
        """Wait for a condition; the feeds' states tell why it never came."""
        try:
            await until(condition, what, timeout)
        except AssertionError as never:
            raise AssertionError(f"{never}\n{self.states()}") from None

    async def all_live(self, timeout: float = PATIENCE) -> None:
        """Wait until every feed and every log source is live (or has nothing to follow)."""

        def live() -> bool:
            sources = [source.feed.reading.phase for source in self.session.logs.sources()]
            feeds = [feed.reading.phase for feed in self.feeds().values()]
            return all(p is Phase.LIVE for p in feeds) and all(p in (Phase.LIVE, Phase.OFF) for p in sources)

        await self.until(live, "everything is live", timeout)

    async def fails(self, names: frozenset[str], *codes: str, timeout: float = PATIENCE) -> None:
        """Wait until just these feeds have failed for one of these reasons, and the others work and go on.

        The others must give a value that was observed after the failure was seen.
        """

        def failed() -> bool:
            readings = [feed.reading for name, feed in self.feeds().items() if name in names]
            return all(r.problem and r.problem.code in codes and not r.is_live for r in readings)

        await self.until(failed, f"{sorted(names)} failed with {codes}", timeout)
        for name in names:
            problem = self.problem(name)
            assert problem.summary.endswith((".", ")")), f"not a sentence: {problem}"
            assert problem.remedy, f"no way out is named: {problem}"
            assert "Traceback" not in f"{problem.summary}{problem.remedy}{problem.detail}"
        await self.go_on(EVERY_FEED - names)

    async def go_on(self, names: frozenset[str]) -> None:
        """These feeds are live, and those that look again every few seconds have looked after now."""
        now = self.session.link.clock()
        if names == EVERY_FEED:
            self.session.retry_now()  # nothing waits for a fault to end: this only brings the next look nearer

        def fresh(at: datetime | None) -> bool:
            return at is not None and at > now

        looking = [self.feeds()[name] for name in names & {UNIT, VITALS, CONTAINERS}]
        await self.until(
            lambda: (
                all(self.feeds()[name].reading.is_live for name in names)
                and all(fresh(feed.reading.observed_at) for feed in looking)
            ),
            f"{sorted(names)} go on",
        )


@asynccontextmanager
async def watched(environment: Environment, directory: Path, *, read_only: bool = False) -> AsyncIterator[Watch]:
    """A session that has begun to watch; closed at the end, whatever happened."""
    session = LiveSession(environment, read_only=read_only, audit_file=AuditFile(directory / "audit.jsonl"))
    watch = Watch(session)
    session.start()
    try:
        yield watch
    finally:
        watch.book.close()
        await session.close()
