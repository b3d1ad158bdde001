"""The logs pane: every source in one order of time, and everything one does with a log while something burns."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from refactor_console.domain.logs import Level, SourceProgress
from refactor_console.domain.reading import Phase, Reading
from refactor_console.domain.text import visible
from refactor_console.screens.base import PaneScreen
from refactor_console.screens.log_reading import LogReading
from refactor_console.services.feed import Clock, utc_now
from refactor_console.services.log_book import LogBook
from refactor_console.services.session import ConsoleSession
from refactor_console.widgets.log_prompt import LogPrompt
from refactor_console.widgets.log_sources import LogSources, make_chip, troubles
from refactor_console.widgets.log_status import LogStatus
from refactor_console.widgets.log_view import LogView


class LogsScreen(LogReading, PaneScreen):
    """The logs of one environment."""

    MODE = "logs"
    CSS_PATH = "logs.tcss"
    BINDING_GROUP_TITLE = "Logs"
    AUTO_FOCUS = "#log"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "pause", "Pause", tooltip="Stand still, or follow again", id="logs.pause"),
        Binding(
            "slash",
            "filter",
            "Filter",
            key_display="/",
            tooltip="Show only lines with (or without) words",
            id="logs.filter",
        ),
        Binding("f,ctrl+f", "find", "Find", tooltip="Make words stand out and go from hit to hit", id="logs.find"),
        Binding("n", "hit(1)", "Next hit", tooltip="The next line found", id="logs.next_hit", show=False),
        Binding("N", "hit(-1)", "Previous hit", tooltip="The line found before", id="logs.previous_hit", show=False),
        Binding(
            "left_square_bracket",
            "error(-1)",
            "Previous error",
            key_display="[",
            tooltip="The error before",
            id="logs.previous_error",
            show=False,
        ),
        Binding(
            "right_square_bracket",
            "error(1)",
            "Next error",
            key_display="]",
            tooltip="The next error",
            id="logs.next_error",
            show=False,
        ),
        Binding("l", "level", "Level", tooltip="Least level: all, INFO, WARN, ERROR", id="logs.level"),
        Binding("t", "time", "Time", tooltip="Go to a time, such as 14:03, -15m or yesterday 03:00", id="logs.time"),
        Binding("s", "sources", "Sources", tooltip="Choose which sources are shown", id="logs.sources"),
        Binding(
            "o",
            "only",
            "Only this source",
            tooltip="The selected line's source alone, or all again",
            id="logs.only",
            show=False,
        ),
        Binding("a", "all", "All sources", tooltip="Show every source", id="logs.all", show=False),
        Binding("w", "wrap", "Wrap", tooltip="Wrap long lines, or cut them at the edge", id="logs.wrap"),
        Binding("z", "zone", "Zone", tooltip="Times in local time or UTC", id="logs.zone", show=False),
        Binding("c,y", "copy", "Copy", tooltip="Copy the selected text or lines", id="logs.copy", show=False),
        Binding("S", "save", "Save", tooltip="Save what is shown to a file", id="logs.save", show=False),
        Binding(
            "escape",
            "back",
            "Clear",
            tooltip="Clear the selection, then the search, then the filter",
            id="logs.back",
            show=False,
        ),
    ]

    strip = getters.query_one("#log-sources", LogSources)

    def __init__(self, session: ConsoleSession, book: LogBook, clock: Clock = utc_now) -> None:
        super().__init__(session, clock)
        self.book = book
        self.begin_reading()
        self._known: set[str] = set()
        self._states: dict[str, tuple[object, ...]] = {}
        self._wanted_source = ""

    # -- frame

    def compose_body(self) -> ComposeResult:
        """Sources, what is wrong with them, the lines, the status, the question."""
        yield LogSources(id="log-sources")
        yield Static("", id="log-problems", markup=False)
        yield LogView(self.book, id="log")
        yield LogStatus(id="log-status")
        yield LogPrompt(id="log-prompt")

    def on_pane_ready(self) -> None:
        """Listen to the sources."""
        self.until_unmount(self.session.logs.subscribe_sources(self._sources_changed))
        self._sources_changed()
        if self._wanted_source:
            self.call_later(self.open_source, self._wanted_source)
            self._wanted_source = ""

    def on_screen_resume(self) -> None:
        """Show what came while another pane was looked at."""
        super().on_screen_resume()
        if self.is_mounted:
            self.view.catch_up()
            self._show_sources()

    def on_tick(self, now: datetime) -> None:  # noqa: ARG002 - each looks at the clock itself
        """Ages and countdowns."""
        self._show_sources()
        self.show_status()

    def open_source(self, key: str) -> None:
        """Show one source alone, from its end; the words and level of a filter go, so that nothing of it is missing."""
        if not self.is_mounted:
            self._wanted_source = key
            return
        known = {source.key for source in self.book.sources()} | set(self.book.store.tallies)
        if key not in known:
            self.app.say(f"There is no log source {visible(key)} now.", severity="warning")
            return
        self.view.search(())
        self.view.choose(
            replace(self.view.lens.filter, only=key, hidden=frozenset(), level=Level.UNKNOWN, terms=(), typed="")
        )
        self.view.resume()
        self.view.focus()
        self._show_sources()

    # -- sources

    def _sources_changed(self) -> None:
        for source in self.book.sources():
            if source.key not in self._known:
                self._known.add(source.key)
                self.until_unmount(source.feed.subscribe(partial(self._source_moved, source.key)))
        self.soon("log-names", self._names_changed)

    def _source_moved(self, key: str, reading: Reading[SourceProgress]) -> None:
        """How a source is doing is shown at once; counts, which move with every line, at the next tick."""
        notice = reading.value.notice if reading.value is not None else None
        state = (reading.phase, reading.problem, reading.reason, reading.next_try, notice)
        if state != self._states.get(key):
            self._states[key] = state
            self.soon("log-sources", self._show_sources)

    def _names_changed(self) -> None:
        self.view.restyle()
        self._show_sources()

    def _show_sources(self) -> None:
        now = self.clock()
        wanted, tallies = self.view.lens.filter, self.book.store.tallies
        chips = []
        for source in self.book.sources():
            tally = tallies.get(source.key)
            held = tally.held if tally is not None else 0
            label = self.book.label(source.key)
            chips.append(make_chip(source.key, label, source.feed.reading, held, now, shown=wanted.shows(source.key)))
        self.strip.show(tuple(chips))
        self._show_problems()
        self.view.waiting = self._waiting()

    def _show_problems(self) -> None:
        """One sentence for each source that is not well, two at most; those with the same reason share one."""
        named = [(self.book.label(source.key), source.feed.reading) for source in self.book.sources()]
        lines = troubles(named, most=2)
        words = "\n".join(lines)
        box = self.query_one("#log-problems", Static)
        if words != str(box.content):
            box.update(Content(words))
            box.display = bool(lines)
            box.set_class(len(lines) == 1, "-single")

    def _waiting(self) -> str:
        shown = [source for source in self.book.sources() if self.view.lens.filter.shows(source.key)]
        phases = {source.feed.reading.phase for source in shown}
        if not shown:
            return (
                "There is no log source yet."
                if not self.book.sources()
                else "Every source is hidden: a shows them all."
            )
        if phases <= {Phase.FAILED, Phase.OFF}:
            return "No line: none of the sources can be read now."
        if Phase.LIVE in phases and Phase.CONNECTING not in phases:
            return "The sources are connected and empty: waiting for the first line."
        return "Waiting for the first line."

    @on(LogSources.Chosen)
    def _source_chosen(self, event: LogSources.Chosen) -> None:
        event.stop()
        self._choose_sources(event.key, event.what)

    def _choose_sources(self, key: str, what: str) -> None:
        wanted = self.view.lens.filter
        keys = [source.key for source in self.book.sources()]
        match what:
            case "only":
                wanted = replace(wanted, only=None if wanted.only == key else key, hidden=frozenset())
            case "toggle":
                hidden = frozenset(each for each in keys if not wanted.shows(each)) ^ {key}
                wanted = replace(wanted, only=None, hidden=hidden)
            case _:
                wanted = replace(wanted, only=None, hidden=frozenset())
        self.view.choose(wanted)
        self._show_sources()
        self.show_status()

    @on(LogSources.Left)
    def _sources_left(self, event: LogSources.Left) -> None:
        event.stop()
        self.view.focus()

    # -- keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While something is typed, the pane's keys are letters."""
        if self.is_mounted and self.prompt.kind and f"action_{action}" in LogsScreen.__dict__ | LogReading.__dict__:
            return False
        return super().check_action(action, parameters)

    def action_sources(self) -> None:
        """The keyboard goes to the sources."""
        self.strip.focus()

    def action_only(self) -> None:
        """The selected line's source alone, or all again."""
        if self.view.lens.filter.only is not None:
            self._choose_sources("", "all")
        else:
            chosen = self.view.selected(1)
            if chosen:
                self._choose_sources(chosen[0].source, "only")

    def action_all(self) -> None:
        """Every source."""
        self._choose_sources("", "all")
