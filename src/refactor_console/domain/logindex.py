"""What passes a filter, in order, kept up to date in small steps.

Two kinds of work: `LogIndex.update` takes in what the store got and let go since the last time (little, often), and
`LogIndex.scan` looks through what was there before the filter was chosen, newest first, a chunk at a time, so that the
caller can let keys and repaints through in between.
"""

from __future__ import annotations

from itertools import takewhile

from refactor_console.domain.logfilter import LogFilter, Term
from refactor_console.domain.logs import Level
from refactor_console.domain.logstore import CHUNK_SHIFT, Chunk, LogStore
from refactor_console.domain.timeline import Timeline


class LogIndex:
    """The entries of a store that pass a filter."""

    def __init__(self, store: LogStore, wanted: LogFilter | None = None) -> None:
        self.store = store
        self.restart(wanted or LogFilter())

    def restart(self, wanted: LogFilter, near_ns: int | None = None) -> None:
        """Choose another filter; `scan` has to be called until it says that nothing is left.

        Args:
            wanted: the filter.
            near_ns: the time around which to begin to look; None begins with the newest.
        """
        self.filter = wanted
        self._own = Timeline()
        self._counts: dict[int, int] = {}
        self._seen: dict[str, tuple[int, int]] = {}
        self._todo: list[tuple[Chunk, int]] = []
        self._prunes = self.store.prunes
        if wanted.passes_all:
            return
        for source in self.store.tallies:
            chunks = self.store.chunks(source)
            if chunks:
                self._seen[source] = (chunks[-1].serial, len(chunks[-1]))
                self._todo.extend((chunk, len(chunk)) for chunk in chunks)
        self._todo.sort(key=lambda item: item[0].latest)
        if near_ns is not None:
            self._todo.sort(key=lambda item: -max(item[0].earliest - near_ns, near_ns - item[0].latest, 0))

    @property
    def timeline(self) -> Timeline:
        """What passes, by time."""
        return self.store.timeline if self.filter.passes_all else self._own

    @property
    def lines(self) -> int:
        """How many lines pass (marks are not counted)."""
        return self.store.lines if self.filter.passes_all else sum(self._counts.values())

    @property
    def complete(self) -> bool:
        """Whether all that is held has been looked at."""
        return not self._todo

    def scan(self) -> bool:
        """Look through one more chunk of older entries; True when nothing is left."""
        while self._todo:
            chunk, stop = self._todo.pop()
            if self.store.holds_chunk(chunk):
                self._take(chunk, 0, stop)
                break
        return not self._todo

    def update(self) -> None:
        """Take in what came, and let go of what the store let go, since the last time."""
        if self.filter.passes_all:
            return
        store = self.store
        if store.prunes != self._prunes:
            self._prunes = store.prunes
            if store.dropped_until_ns is not None:
                self._own.discard(store.dropped_until_ns, CHUNK_SHIFT, store.serials)
            self._counts = {serial: count for serial, count in self._counts.items() if serial in store.serials}
        for source in store.tallies:
            chunks = store.chunks(source)
            if not chunks:
                continue
            serial, count = self._seen.get(source, (-1, 0))
            for chunk in takewhile(lambda chunk, last=serial: chunk.serial >= last, reversed(chunks)):  # type: ignore[misc]
                self._take(chunk, count if chunk.serial == serial else 0, len(chunk))
            self._seen[source] = (chunks[-1].serial, len(chunks[-1]))

    def _take(self, chunk: Chunk, start: int, stop: int) -> None:
        places = self.filter.select(chunk, start, stop)
        if not places:
            return
        base = chunk.serial << CHUNK_SHIFT
        times = chunk.times
        pairs = sorted([(times[at], base | at) for at in places])
        self._own.merge([time for time, _ in pairs], [entry for _, entry in pairs])
        marks = sum(map(chunk.is_mark, places)) if chunk.marks else 0
        self._counts[chunk.serial] = self._counts.get(chunk.serial, 0) + len(places) - marks


class LogLens:
    """What a reader looks at: the lines that pass the filter, the hits of a search among them, and the errors."""

    def __init__(self, store: LogStore) -> None:
        self.store = store
        self.index = LogIndex(store)
        self.errors = LogIndex(store, LogFilter().at_least(Level.ERROR))
        self.hits: LogIndex | None = None
        """The hits of the present search; None while nothing is searched for."""
        self.wanted: tuple[Term, ...] = ()

    @property
    def filter(self) -> LogFilter:
        """The present filter."""
        return self.index.filter

    @property
    def complete(self) -> bool:
        """Whether nothing is left to scan."""
        return self.index.complete and self.errors.complete and (self.hits is None or self.hits.complete)

    @property
    def highlights(self) -> tuple[Term, ...]:
        """The words to make stand out: what is searched for, or else what is filtered by."""
        return self.wanted or self.filter.terms

    def choose(self, wanted: LogFilter, near_ns: int | None = None) -> None:
        """Another filter, looked through from `near_ns` (or the newest) on; the search goes on within it."""
        self.index.restart(wanted, near_ns)
        self.errors.restart(wanted.at_least(Level.ERROR))
        self.search(self.wanted)

    def search(self, wanted: tuple[Term, ...]) -> None:
        """Look for these words among what passes the filter; no words end the search."""
        self.wanted = wanted
        self.hits = LogIndex(self.store, self.filter.finding(wanted)) if wanted else None

    def update(self) -> None:
        """Take in what the store got and let go since the last time."""
        self.index.update()
        self.errors.update()
        if self.hits is not None:
            self.hits.update()

    def scan(self) -> bool:
        """One more step of looking through older lines; True when nothing is left."""
        for index in (self.index, self.hits, self.errors):
            if index is not None and not index.complete:
                index.scan()
                break
        return self.complete
