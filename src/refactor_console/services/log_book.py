"""The log book: keeps what the sources of one environment say, whichever pane is looked at.

It belongs to the session and not to a screen, so that going elsewhere loses nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from refactor_console.domain.logs import LogBatch, SourceKind
from refactor_console.domain.logstore import MAX_BYTES, MAX_LINES, LogStore
from refactor_console.services.feed import Unsubscribe, tell
from refactor_console.services.session import LogHub, LogSource

NEWS_SECONDS = 0.05
"""How long news are gathered before readers are told: at most 20 times a second. One request is a line of nginx and one
of the application a moment later; gathering first draws them together."""


class LogBook:
    """The store of an environment's log lines, fed by its sources. Lives on the event loop's thread."""

    def __init__(self, hub: LogHub, *, max_lines: int = MAX_LINES, max_bytes: int = MAX_BYTES) -> None:
        self.hub = hub
        self.store = LogStore(max_lines, max_bytes)
        self._listeners: list[Callable[[], None]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._unsubscribe = hub.subscribe(self._take)

    def sources(self) -> tuple[LogSource, ...]:
        """The sources known now, in the order in which they are shown."""
        return self.hub.sources()

    def label(self, key: str) -> str:
        """What people call a source, also one that is gone; ``journal`` for the only journal there is."""
        sources = self.hub.sources()
        journals = sum(source.kind is SourceKind.JOURNAL for source in sources)
        for source in sources:
            if source.key == key:
                return "journal" if source.kind is SourceKind.JOURNAL and journals == 1 else source.label
        return key.partition(":")[2] or key

    def subscribe(self, listener: Callable[[], None]) -> Unsubscribe:
        """Call `listener` when lines came, at most 20 times a second; returns the function that ends it."""
        self._listeners.append(listener)

        def unsubscribe() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return unsubscribe

    def close(self) -> None:
        """Stop listening to the sources; the lines stay."""
        self._unsubscribe()
        self._listeners.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _take(self, batch: LogBatch) -> None:
        self.store.append(batch)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(NEWS_SECONDS, self._tell)

    def _tell(self) -> None:
        self._timer = None
        tell(self._listeners)
