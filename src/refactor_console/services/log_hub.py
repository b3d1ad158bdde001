"""Every log source of an environment: the unit's journal, then the containers as the board orders them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from refactor_console.domain.containers import Container, ContainerBoard, ContainerRow
from refactor_console.domain.logs import LogBatch, LogMark, MarkKind
from refactor_console.domain.reading import Phase, Reading
from refactor_console.services.container_source import ContainerSource
from refactor_console.services.engine_link import EngineLink
from refactor_console.services.feed import Clock, Feed, Unsubscribe, Waker, tell, utc_now
from refactor_console.services.session import LogSource

MOST_SOURCES = 40
"""Containers followed at once; the environment's own come first, so that strangers are what is left out."""


class SourceHub:
    """Makes a source for each container that the board names, and passes on what all of them say. A `session.LogHub`.

    A source outlives its container: it keeps its place and says that there is none now, until its place is needed for
    another. Other sources (the journal)
    are made elsewhere with `deliver` and put in front by `put_first`.
    """

    def __init__(self, link: EngineLink, waker: Waker, clock: Clock = utc_now) -> None:
        self._link = link
        self._waker = waker
        self._clock = clock
        self._first: list[LogSource] = []
        self._sources: dict[str, ContainerSource] = {}
        self._order: tuple[str, ...] = ()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._left_out = 0
        self._listeners: list[Callable[[LogBatch], None]] = []
        self._source_listeners: list[Callable[[], None]] = []

    def sources(self) -> tuple[LogSource, ...]:
        """The sources known now; those whose container is gone come last."""
        return (*self._first, *(self._sources[key] for key in self._order))

    def subscribe(self, listener: Callable[[LogBatch], None]) -> Unsubscribe:
        """Call `listener` with every batch of every source from now on."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def subscribe_sources(self, listener: Callable[[], None]) -> Unsubscribe:
        """Call `listener` whenever the tuple of sources changes."""
        self._source_listeners.append(listener)
        return lambda: self._source_listeners.remove(listener) if listener in self._source_listeners else None

    def deliver(self, batch: LogBatch) -> None:
        """Pass a batch on; sources call this on the event loop's thread."""
        tell(self._listeners, batch)

    def put_first(self, source: LogSource) -> None:
        """Add a source that is made and run elsewhere, before the containers."""
        self._first.append(source)
        self._tell()

    def watch(self, feed: Feed[ContainerBoard]) -> Unsubscribe:
        """Follow the containers' feed: its boards, and its failures, which waiting sources share."""

        def listen(reading: Reading[ContainerBoard]) -> None:
            if reading.phase is Phase.LIVE and reading.value is not None:
                self.observe(reading.value)
            elif reading.phase is Phase.FAILED and reading.problem is not None:
                for source in self._sources.values():
                    source.lost_sight(reading.problem)

        return feed.subscribe(listen)

    def observe(self, board: ContainerBoard) -> None:
        """The newest board: new names get a source, known ones hear how their container is."""
        rows = dict(_named(board))
        for key, row in rows.items():
            if key not in self._sources and self._make_room(rows, row):
                self._add(key, row)
        self._tell_left_out(sum(1 for key in rows if key not in self._sources))
        for key, source in self._sources.items():
            found = rows.get(key)
            source.observe(None if found is None else found.container)
        gone = [key for key in self._order if key not in rows and key in self._sources]
        order = tuple([key for key in rows if key in self._sources] + gone)
        if order != self._order:
            self._order = order
            self._tell()

    def _tell_left_out(self, count: int) -> None:
        """Say in the log itself that some containers are not in it."""
        if count == self._left_out:
            return
        self._left_out = count
        if count and self._first:
            text = f"{count} more containers are not followed: the console follows {MOST_SOURCES} at once."
            mark = LogMark(int(self._clock().timestamp() * 1e9), MarkKind.GAP, text)
            self.deliver(LogBatch(self._first[0].key, marks=(mark,)))

    async def close(self) -> None:
        """Stop following every container."""
        if tasks := self.cancel():
            await asyncio.wait(tasks)

    def cancel(self) -> list[asyncio.Task[None]]:
        """Tell every source to stop; the tasks that are ending now."""
        tasks = [*self._tasks.values(), *self._ending]
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        return tasks

    def _make_room(self, rows: dict[str, ContainerRow], newcomer: ContainerRow) -> bool:
        """Whether one more can be followed; where there are too many, one that is gone makes room, or a stranger."""
        if len(self._sources) < MOST_SOURCES:
            return True
        leaving = next((key for key in self._sources if key not in rows), None)
        if leaving is None and newcomer.ours:
            leaving = next((key for key in reversed(self._sources) if not rows[key].ours), None)
        if leaving is None:
            return False
        del self._sources[leaving]
        task = self._tasks.pop(leaving)
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
        task.cancel()
        return True

    def _add(self, key: str, row: ContainerRow) -> None:
        label = key.partition(":")[2]
        source = self._sources[key] = ContainerSource(key, label, self._link, self.deliver, self._waker, self._clock)
        source.observe(row.container)
        self._tasks[key] = asyncio.create_task(source.run(), name=key)

    def _tell(self) -> None:
        tell(self._source_listeners)


def _named(board: ContainerBoard) -> list[tuple[str, ContainerRow]]:
    """Keys for rows: our services by their name, everything else by the container's.

    While compose replaces a container, the old one and the new one share the service for a moment: the one that runs,
    else the younger one, bears the name; the other is left out unless it runs as well. Of several that run, the oldest
    bears it: a service that is scaled up keeps its source, and the new container gets one of its own.
    """
    bearers: dict[str, ContainerRow] = {}
    for row in board.rows:
        service = row.container.service
        if (
            row.ours
            and service
            and (service not in bearers or _rank(row.container) > _rank(bearers[service].container))
        ):
            bearers[service] = row
    named: dict[str, ContainerRow] = {}
    for row in board.rows:
        service = row.container.service
        if row.ours and service:
            if bearers[service] is row:
                named[f"container:{service}"] = row
            elif row.container.is_running:
                named.setdefault(f"container:{row.container.name}", row)
        else:
            named.setdefault(f"container:{row.container.name}", row)
    return list(named.items())


def _rank(container: Container) -> tuple[bool, float]:
    age = container.created_at.timestamp() if container.created_at else 0.0
    return container.is_running, -age if container.is_running else age
