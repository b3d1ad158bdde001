"""The host's side of a deploy: unit, containers, and what journal and Engine say, while GitHub serves no log."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from textual import getters
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from refactor_console.domain.containers import ContainerBoard
from refactor_console.domain.logs import SourceKind
from refactor_console.domain.logtime import to_ns
from refactor_console.domain.reading import Reading
from refactor_console.domain.text import visible
from refactor_console.domain.unit import UnitStatus
from refactor_console.domain.verdict import Verdict
from refactor_console.services.feed import Clock, Unsubscribe
from refactor_console.services.log_book import LogBook
from refactor_console.services.session import ConsoleSession
from refactor_console.widgets import present
from refactor_console.widgets.log_view import LogView
from refactor_console.widgets.pane import Line


def host_line(unit: Reading[UnitStatus], containers: Reading[ContainerBoard], now: datetime) -> Content:
    """How the host stands: the unit, and each of our containers; what is not known is said."""
    parts = [_not_live(unit, "unit", now)]
    if unit.value is not None:
        parts.append(Content.assemble("unit ", present.verdict_text(unit.value.verdict, unit.value.sentence)))
    parts.append(_not_live(containers, "containers", now))
    for row in containers.value.rows if containers.value is not None else ():
        if row.ours:
            well = row.verdict in (Verdict.OK, Verdict.DONE)
            words = row.container.label if well else f"{row.container.label} {row.container.state.value}"
            parts.append(present.verdict_text(row.verdict, words))
    missing = containers.value.missing if containers.value is not None else ()
    parts += [Content.assemble((f"✗ {visible(service)} has no container", "bold $fail")) for service in missing]
    return Content("  ").join([part for part in parts if part])


def _not_live(reading: Reading[Any], what: str, now: datetime) -> Content:
    if reading.is_live:
        return Content("")
    age = reading.age(now)
    words = "not known yet" if age is None else f"as of {present.span(age)} ago"
    return Content.assemble((f"◌ {what} {words}", "$warn"))


class HostSide(Vertical):
    """A line on unit and containers above the lines of the environment's logs.

    Args:
        session: whose host.
        book: the environment's lines, those from before this was opened among them.
        clock: the present time.
        began: since when the lines matter, for a run that is over; None follows the newest.
    """

    DEFAULT_CSS = """
    HostSide { height: 1fr; }
    HostSide #host-line { height: auto; max-height: 3; padding: 0 0 0 1; }
    HostSide LogView { height: 1fr; }
    """

    view = getters.query_one("#host-log", LogView)

    def __init__(self, session: ConsoleSession, book: LogBook, clock: Clock, began: datetime | None) -> None:
        super().__init__()
        self._session, self._book, self._clock, self._began = session, book, clock, began
        self._endings: list[Unsubscribe] = []

    def compose(self) -> ComposeResult:
        """The line, the lines."""
        yield Line(id="host-line")
        yield LogView(self._book, id="host-log")

    def on_mount(self) -> None:
        """Listen."""

        def soon(_reading: object) -> None:
            self.call_later(self.refresh_line)

        self._endings = [self._session.unit.subscribe(soon), self._session.containers.subscribe(soon)]
        self.refresh_line()
        if any(source.kind is SourceKind.JOURNAL for source in self._book.sources()):
            self.view.waiting = "Neither journal nor containers have said anything yet."
        else:
            self.view.waiting = "The journal and the containers' logs are not followed here."
        if self._began is not None:
            self.call_after_refresh(self._go_to_beginning)

    def on_unmount(self) -> None:
        """Stop listening."""
        while self._endings:
            self._endings.pop()()

    def refresh_line(self) -> None:
        """Bring the line up to date."""
        if self.is_attached:
            line = host_line(self._session.unit.reading, self._session.containers.reading, self._clock())
            self.query_one("#host-line", Line).put(line)

    def _go_to_beginning(self) -> None:
        if self._began is not None and self._book.store.lines:
            self.view.go_to_time(to_ns(self._began))


HostMaker = Callable[[datetime | None], HostSide]
"""Makes the host's side of a run that began then and is over, or (None) of one under way."""
