"""A scripted log hub, and an application with nothing in it but what is tested."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

from textual.app import App, ComposeResult

from refactor_console.domain.logs import Level, LogBatch, LogLine, LogMark, SourceKind, SourceProgress
from refactor_console.services.feed import Clock, Feed, Unsubscribe, utc_now
from refactor_console.services.log_book import LogBook
from refactor_console.widgets.log_view import LogView

APP = "container:rust-app"
NGINX = "container:nginx"
JOURNAL = "journal:refactor-platform.service"
START = 1_773_480_000_000_000_000
"""2026-03-14 09:20:00 UTC in nanoseconds."""
SECOND = 1_000_000_000


class ScriptedSource:
    """One log source whose feed the test sets."""

    def __init__(self, key: str, label: str, kind: SourceKind, clock: Clock) -> None:
        self.key, self.label, self.kind = key, label, kind
        self.feed: Feed[SourceProgress] = Feed(f"log:{key}", clock)


class ScriptedHub:
    """Sources that say what the test makes them say."""

    def __init__(self, clock: Clock = utc_now) -> None:
        self.clock = clock
        self._sources: tuple[ScriptedSource, ...] = (
            ScriptedSource(JOURNAL, "refactor-platform.service", SourceKind.JOURNAL, clock),
            ScriptedSource(NGINX, "nginx", SourceKind.CONTAINER, clock),
            ScriptedSource(APP, "rust-app", SourceKind.CONTAINER, clock),
        )
        self._listeners: list[Callable[[LogBatch], None]] = []
        self._source_listeners: list[Callable[[], None]] = []

    def sources(self) -> tuple[ScriptedSource, ...]:
        return self._sources

    def source(self, key: str) -> ScriptedSource:
        return next(source for source in self._sources if source.key == key)

    def subscribe(self, listener: Callable[[LogBatch], None]) -> Unsubscribe:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def subscribe_sources(self, listener: Callable[[], None]) -> Unsubscribe:
        self._source_listeners.append(listener)
        return lambda: self._source_listeners.remove(listener)

    def add(self, key: str, label: str) -> None:
        self._sources += (ScriptedSource(key, label, SourceKind.CONTAINER, self.clock),)
        for listener in tuple(self._source_listeners):
            listener()

    def deliver(self, batch: LogBatch) -> None:
        for listener in tuple(self._listeners):
            listener(batch)

    def say(
        self, source: str, messages: Iterable[str], *, at: int = START, step: int = SECOND, level: Level = Level.INFO
    ) -> None:
        """Lines with times `step` nanoseconds apart."""
        lines = tuple(LogLine(at + number * step, text, level) for number, text in enumerate(messages))
        self.deliver(LogBatch(source, lines))

    def mark(self, source: str, *marks: LogMark) -> None:
        self.deliver(LogBatch(source, marks=marks))


class ViewApp(App[None]):
    """A log view alone."""

    def __init__(self, hub: ScriptedHub | None = None, *, max_lines: int = 200_000) -> None:
        super().__init__()
        self.hub = hub or ScriptedHub()
        self.max_lines = max_lines

    def compose(self) -> ComposeResult:
        self.book = LogBook(self.hub, max_lines=self.max_lines)
        self.view = LogView(self.book)
        yield self.view

    def on_mount(self) -> None:
        self.view.focus()

    def on_unmount(self) -> None:
        self.book.close()


def rows(view: LogView) -> list[str]:
    """What is read on the screen, row by row, the bar left out."""
    return ["".join(segment.text for segment in view.render_line(y))[:-1].rstrip() for y in range(view.size.height)]


def messages(view: LogView) -> list[str]:
    """What stands behind the columns, of rows that begin an entry."""
    indent = view.tail.pager.look.indent
    return [row.text[indent:] for row in view.page if row.is_entry]


async def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - any condition, not an event
            await asyncio.sleep(0.005)


def numbered(start: int, stop: int) -> Sequence[str]:
    """Messages that can be told apart."""
    return [f"n={number}" for number in range(start, stop)]
