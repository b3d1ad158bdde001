"""The first pane: what needs attention, then the services, the unit, the host and the connection at a glance."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical, VerticalScroll
from textual.content import Content

from refactor_console.domain.attention import Concern, GitHubSituation, Place, Situation, concerns
from refactor_console.domain.containers import ContainerBoard, EngineInfo
from refactor_console.domain.reading import Reading
from refactor_console.domain.unit import UnitStatus
from refactor_console.domain.vitals import HostIdentity, HostVitals
from refactor_console.screens.base import PaneScreen
from refactor_console.services.feed import Feed
from refactor_console.widgets import present_overview as say
from refactor_console.widgets.facts import Facts
from refactor_console.widgets.pane import Line, Pane
from refactor_console.widgets.table import Table

SLOW_TICK_SECONDS = 10
"""Uptimes and ages of things that are well are brought up to date this often."""


_TITLES = {
    "link": "Connection",
    "unit": "Unit",
    "vitals": "Host",
    "engine": "Engine",
    "containers": "Services",
    "account": "GitHub account",
}


class Parts(VerticalScroll, can_focus=False):
    """All parts of the overview; it scrolls where they do not fit."""


class OverviewScreen(PaneScreen):
    """Everything at a glance, problems first."""

    MODE = "overview"
    BINDING_GROUP_TITLE = "Overview"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "details", "Details", tooltip="Read all about the first failure", id="overview.details"),
        Binding("l", "logs", "Logs", tooltip="Logs of the selected service or source", id="overview.logs"),
        Binding("ctrl+down", "scroll_parts(3)", "Scroll down", show=False, id="overview.down"),
        Binding("ctrl+up", "scroll_parts(-3)", "Scroll up", show=False, id="overview.up"),
    ]

    _concerns: tuple[Concern, ...] = ()
    _failing = False

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Offer the details of a failure only while something has failed."""
        return None if action == "details" and not self._failing else True

    def compose_body(self) -> ComposeResult:
        """Attention on top, then two columns, or one where there is no room for two."""
        with Parts(id="parts"):
            yield Pane(
                "Needs attention",
                Line(id="calm"),
                Table(*say.CONCERN_COLUMNS, id="concerns", header=False),
                id="attention",
                feed=False,
            )
            with Container(id="columns"):
                with Vertical(id="left"):
                    yield Pane("Services", Table(*say.SERVICE_COLUMNS, id="services"), id="services-pane")
                    yield Pane("Unit", Facts(id="unit-facts"), id="unit")
                    yield Pane("Host", Facts(id="vitals-facts"), id="vitals")
                with Vertical(id="right"):
                    yield Pane("Log sources", Table(*say.SOURCE_COLUMNS, id="sources"), id="sources-pane", feed=False)
                    yield Pane("Connection", Facts(id="link-facts"), id="connection")
                    yield Pane("Engine", Facts(id="engine-facts"), id="engine")

    def on_pane_ready(self) -> None:
        """Follow every feed; each touches its own part and, through `_judge`, the list of concerns."""
        session = self.session
        self._ticks = 0
        self._sources_followed: set[str] = set()
        self.query_one("#concerns", Table).display = False
        self.follow(session.link, self._show_link)
        self.follow(session.unit, self._show_unit)
        self.follow(session.vitals, self._show_vitals)
        self.follow(session.engine, self._show_engine)
        self.follow(session.containers, self._show_board)
        for feed in (session.github.account, session.github.budget, session.github.runs):
            self.follow(feed, self._github_changed)
        self.until_unmount(session.logs.subscribe_sources(self._sources_changed))
        self._sources_changed()
        self.query_one("#services", Table).focus(scroll_visible=False)

    # -- feeds

    def _show_pane(self, where: str, reading: Reading[Any]) -> None:
        """Show a feed's state; where the connection is down, that is said once and explains the others."""
        link = self.session.link.reading
        self.query_one(where, Pane).show(reading, self.clock(), explained=link.problem is not None and not link.is_live)

    def _show_link(self, reading: Reading[HostIdentity]) -> None:
        self.query_one("#connection", Pane).show(reading, self.clock())
        if reading.value is not None:
            facts = say.connection_facts(reading.value, self.session.environment)
            self.query_one("#link-facts", Facts).show(facts)
        self.soon("concerns", self._judge)

    def _show_unit(self, reading: Reading[UnitStatus]) -> None:
        self._show_pane("#unit", reading)
        if reading.value is not None:
            self.query_one("#unit-facts", Facts).show(say.unit_facts(reading.value, self.clock()))
        self.soon("concerns", self._judge)

    def _show_vitals(self, reading: Reading[HostVitals]) -> None:
        self._show_pane("#vitals", reading)
        if reading.value is not None:
            self.query_one("#vitals-facts", Facts).show(say.vitals_facts(reading.value))
        self.soon("concerns", self._judge)

    def _show_engine(self, reading: Reading[EngineInfo]) -> None:
        self._show_pane("#engine", reading)
        if reading.value is not None:
            self.query_one("#engine-facts", Facts).show(say.engine_facts(reading.value))
        self.soon("concerns", self._judge)

    def _show_board(self, reading: Reading[ContainerBoard]) -> None:
        self._show_pane("#services-pane", reading)
        if reading.value is not None:
            self.query_one("#services", Table).show(say.service_rows(reading.value, self.clock()))
        if self._sources_dirty:
            self._show_sources()  # in the same frame
        self.soon("concerns", self._judge)

    def _github_changed(self, _reading: Reading[Any]) -> None:
        self.soon("concerns", self._judge)

    def _sources_changed(self) -> None:
        for source in self.session.logs.sources():
            if source.key not in self._sources_followed:
                self._sources_followed.add(source.key)
                self.until_unmount(source.feed.subscribe(self._source_moved))
        self.soon("sources", self._show_sources)

    def _source_moved(self, _reading: object) -> None:
        """Counts of lines move all the time: they are shown at the next tick, changes of state at once."""
        self._sources_dirty = True

    _sources_dirty = False

    def _show_sources(self) -> None:
        self._sources_dirty = False
        now = self.clock()
        rows = [say.source_row(source, now) for source in self.session.logs.sources()]
        self.query_one("#sources", Table).show(rows)

    def _judge(self) -> None:
        """Derive the concerns anew from the newest readings."""
        session, github = self.session, self.session.github
        self._concerns = concerns(
            Situation(
                session.environment,
                session.link.reading,
                session.unit.reading,
                session.vitals.reading,
                session.engine.reading,
                session.containers.reading,
                GitHubSituation(github.platform, github.account.reading, github.budget.reading, github.runs.reading),
            )
        )
        failing = any(concern.place is Place.PROBLEM for concern in self._concerns)
        if failing != self._failing:
            self._failing = failing
            self.refresh_bindings()
        rows = [say.concern_row(concern, index) for index, concern in enumerate(self._concerns)]
        table, calm = self.query_one("#concerns", Table), self.query_one("#calm", Line)
        table.display = bool(rows)
        calm.display = not rows
        table.show(rows)
        if not rows:
            known = all(feed.reading.value is not None for feed in (session.containers, session.unit, session.vitals))
            text = ("✓ Nothing on the host needs attention.", "$ok") if known else ("◐ Looking…", "$working")
            calm.put(Content.assemble(text))

    def on_tick(self, now: datetime) -> None:
        """Ages in headings each second; uptimes every ten."""
        for pane in self.query(Pane):
            pane.tick(now)
        self._ticks += 1
        if self._sources_dirty:
            self.soon("sources", self._show_sources)
        if self._ticks % SLOW_TICK_SECONDS == 0:
            self._show_unit(self.session.unit.reading)
            self._show_board(self.session.containers.reading)
            self._show_sources()

    # -- actions

    @on(Table.Selected, "#concerns")
    def _concern_opened(self, event: Table.Selected) -> None:
        event.stop()
        self._open(self._concerns[event.table.cursor_index])

    def _open(self, concern: Concern) -> None:
        match concern.place:
            case Place.PROBLEM:
                self._open_feed(concern.key)
            case Place.CONTAINER:
                self.app.show_container(concern.key)
            case Place.LOGS:
                self.app.show_logs(concern.key)
            case Place.RUN:
                self.app.show_run(concern.key)
            case Place.HERE:
                self.app.say(concern.sentence, title=concern.subject)

    def _open_feed(self, key: str) -> None:
        session = self.session
        feeds: dict[str, Feed[Any]] = {
            "link": session.link,
            "unit": session.unit,
            "vitals": session.vitals,
            "engine": session.engine,
            "containers": session.containers,
            "account": session.github.account,
        }
        problem = feeds[key].reading.problem
        if problem is not None:
            self.app.show_problem(problem, _TITLES[key])

    @on(Table.Selected, "#services")
    def _service_opened(self, event: Table.Selected) -> None:
        event.stop()
        if (label := self._selected_service()) is not None:
            self.app.show_container(label)

    @on(Table.Selected, "#sources")
    def _source_opened(self, event: Table.Selected) -> None:
        event.stop()
        self.app.show_logs(event.key)

    def _selected_service(self) -> str | None:
        key = self.query_one("#services", Table).cursor_key
        board = self.session.containers.reading.value
        if key is None or board is None:
            return None
        row = board.row(key)
        return row.container.label if row is not None else key.removeprefix("missing:")

    def action_details(self) -> None:
        """Open the first failure there is."""
        concern = next((c for c in self._concerns if c.place is Place.PROBLEM), None)
        if concern is None:
            self.app.say("Nothing has failed: there are no details to read.")
        else:
            self._open(concern)

    def action_logs(self) -> None:
        """Go to the logs of what is selected."""
        sources = self.query_one("#sources", Table)
        if sources.has_focus and sources.cursor_key is not None:
            self.app.show_logs(sources.cursor_key)
        elif (label := self._selected_service()) is not None:
            self.app.show_logs(f"container:{label}")
        else:
            self.app.show_pane("logs")

    def action_scroll_parts(self, lines: int) -> None:
        """Move the whole overview."""
        self.query_one(Parts).scroll_relative(y=lines, animate=False)
