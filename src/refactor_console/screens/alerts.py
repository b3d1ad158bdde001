"""The alerts pane: whether each guard of each repository is on at all, and the alerts of those that are."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical, VerticalScroll
from textual.content import Content
from textual.events import Click, Resize
from textual.widgets import Input

from refactor_console.domain.account import Account
from refactor_console.domain.alerts import Alert, AlertBoard
from refactor_console.domain.reading import Reading
from refactor_console.domain.text import visible
from refactor_console.screens.base import PaneScreen
from refactor_console.screens.dialogs.contract_facts import AlertDialog, GuardsDialog
from refactor_console.screens.links import copy_address, open_page
from refactor_console.widgets import present_alerts as say
from refactor_console.widgets.pane import Line, Pane
from refactor_console.widgets.prose import wrapped_facts
from refactor_console.widgets.table import Table

MINUTE_TICKS = 60
FRAME_LINES = 11
"""Lines of the pane that are not rows, at most: heading, guards, sentences."""
SHORT_SHARE = 0.64
"""The share of the screen up to which the pane is only as tall as what it holds."""
LABEL_WIDTH = 8
TALL = 36
"""Lines from which more of the guards' sentences have room."""


class AlertSide(VerticalScroll, can_focus=False):
    """The panel with the selected alert."""


class AlertsScreen(PaneScreen):
    """Guards, a table of alerts, and a panel for the selected one."""

    MODE = "alerts"
    CSS_PATH = "alerts.tcss"
    BINDING_GROUP_TITLE = "Alerts"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("i", "details", "Details", tooltip="All about the selected alert", id="alerts.details"),
        Binding("slash", "filter", "Filter", key_display="/", tooltip="Show alerts with words", id="alerts.filter"),
        Binding("w", "why", "Guards", tooltip="Every guard, and why one is not on or not known", id="alerts.why"),
        Binding("o", "open", "Open", tooltip="The alert's page on GitHub", id="alerts.open"),
        Binding("y", "copy_url", "Copy URL", tooltip="Copy the alert's address", id="alerts.copy-url"),
        Binding("escape", "clear", "Clear", tooltip="Show every alert again", show=False, id="alerts.clear"),
    ]

    def compose_body(self) -> ComposeResult:
        """Guards, table, panel, filter."""
        with Container(id="alerts-halves"):
            yield Pane(
                "Alerts",
                Vertical(Line(id="guards"), Line(id="guard-sentences"), Line(id="alerts-summary"), id="guards-head"),
                Table(*say.COLUMNS, id="alerts"),
                Line(id="alerts-empty"),
                id="alerts-pane",
            )
            yield Pane("Selected", AlertSide(Line(id="alert-facts")), id="alert-selected", feed=False)
        yield Input(
            id="alert-filter", placeholder="filter: severity, package, file, guard   (Enter keeps it, Esc clears it)"
        )

    def on_pane_ready(self) -> None:
        """Follow the feeds."""
        self._scene: say.Scene | None = None
        self._wanted = ""
        self._alerts: dict[str, Alert] = {}
        self._ticks = 0
        self.query_one("#alert-filter", Input).display = False
        for absent in ("#guards-head", "#alerts", "#alerts-empty", "#alert-selected"):
            self.query_one(absent).display = False
        self.follow(self.session.github.alerts, self._show_board)
        self.follow(self.session.github.account, self._show_account)
        self.table.focus()

    @property
    def table(self) -> Table:
        """The alerts' table."""
        return self.query_one("#alerts", Table)

    # -- feeds

    def _show_account(self, _reading: Reading[Account]) -> None:
        self._show_board(self.session.github.alerts.reading)

    def _show_board(self, reading: Reading[AlertBoard]) -> None:
        self.query_one("#alerts-pane", Pane).show(reading, self.clock(), lack=self.lack(reading))
        aged = not reading.is_live and reading.value is not None
        self.query_one("#alert-selected", Pane).set_class(aged, "-aged")
        board = reading.value
        self.query_one("#guards-head").display = board is not None
        if board is None:
            return
        if self._scene is None or self._scene.board is not board:
            self._scene = say.scene_of(self.session.github.platform, board)
        self._show_guards()
        self._show_rows()

    def _show_guards(self) -> None:
        scene = self._scene
        if scene is not None:
            self.query_one("#guards", Line).put(say.guard_lines(scene, self.size.width - 4))
            self._put("#guard-sentences", say.sentence_lines(scene, 6 if self.size.height >= TALL else 1))
            self.query_one("#alerts-summary", Line).put(say.summary_line(scene))

    def _show_rows(self) -> None:
        """The table, after its data or its filter changed."""
        scene = self._scene
        if scene is None:
            return
        alerts = say.shown_alerts(scene, self._wanted)
        self._alerts = {say.alert_key(alert): alert for alert in alerts}
        self.table.show(say.table_rows(scene, alerts, self.clock()))
        had_focus = self.table.has_focus
        self.table.display = bool(scene.alerts)
        if self.table.display and not had_focus and self.focused is None:
            self.table.focus()
        self._make_room()
        self.query_one("#alerts-pane", Pane).retitle(say.title(scene, len(alerts), self._wanted))
        self._put("#alerts-empty", None if alerts else say.why_empty(scene, self._wanted))
        self._show_side()

    def on_resize(self, _event: Resize) -> None:
        """More or fewer rows have room, and guards and sentences another width."""
        self._show_guards()
        self._make_room()
        self.call_after_refresh(self._show_side)

    def _make_room(self) -> None:
        """A short table is as tall as its rows; a long one takes most of the screen and scrolls."""
        many = len(self.table.rows) + FRAME_LINES > self.size.height * SHORT_SHARE
        self.query_one("#alerts-pane", Pane).set_class(many, "-many")

    def _put(self, selector: str, content: Content | None) -> None:
        line = self.query_one(selector, Line)
        line.display = content is not None
        if content is not None:
            line.put(content)

    def _show_side(self) -> None:
        alert, scene = self.selected, self._scene
        pane = self.query_one("#alert-selected", Pane)
        pane.display = alert is not None
        if alert is None or scene is None:
            return
        pane.retitle(visible(f"{scene.label(alert.repository)} {alert.guard.value} {alert.number}"))
        width = self.query_one(AlertSide).scrollable_content_region.width or self.size.width - 3
        facts = say.alert_facts(alert, self.clock())
        self.query_one("#alert-facts", Line).put(wrapped_facts(facts, LABEL_WIDTH, width - 1))

    @property
    def selected(self) -> Alert | None:
        """The alert under the cursor; None when there is no row."""
        key = self.table.cursor_key
        return self._alerts.get(key) if key is not None else None

    def on_tick(self, now: datetime) -> None:
        """Ages in the heading each second, in the rows each minute."""
        for pane in self.query(Pane):
            pane.tick(now)
        self._ticks += 1
        if self._ticks % MINUTE_TICKS == 0:
            self._show_rows()

    @on(Table.Highlighted, "#alerts")
    def _moved(self, event: Table.Highlighted) -> None:
        event.stop()
        self.query_one(AlertSide).scroll_home(animate=False)
        self._show_side()

    @on(Table.Selected, "#alerts")
    def _opened(self, event: Table.Selected) -> None:
        event.stop()
        self.action_details()

    @on(Click, "#guards, #guard-sentences, #alerts-summary")
    def _guards_clicked(self, event: Click) -> None:
        event.stop()
        self.action_why()

    # -- filter

    def action_filter(self) -> None:
        """Begin to type a filter."""
        field = self.query_one("#alert-filter", Input)
        field.display = True
        field.focus()

    def action_clear(self) -> None:
        """Forget the filter."""
        field = self.query_one("#alert-filter", Input)
        field.value, field.display = "", False
        self._wanted = ""
        self.table.focus()
        self._show_rows()

    @on(Input.Changed, "#alert-filter")
    def _filter_changed(self, event: Input.Changed) -> None:
        event.stop()
        if event.value.strip() != self._wanted:
            self._wanted = event.value.strip()
            self.soon("rows", self._show_rows)

    @on(Input.Submitted, "#alert-filter")
    def _filter_kept(self, event: Input.Submitted) -> None:
        event.stop()
        self.table.focus()
        self.query_one("#alert-filter", Input).display = bool(self._wanted)

    # -- looking closer

    def _row(self) -> Alert | None:
        if self.selected is None:
            self.app.say("No alert is selected.")
        return self.selected

    def action_details(self) -> None:
        """Open all about the selected alert."""
        if (alert := self._row()) is not None and self._scene is not None:
            name = f"{self._scene.label(alert.repository)} {alert.guard.value} {alert.number}"
            blocks = [("Alert", say.alert_facts(alert, self.clock()))]
            self.app.push_screen(AlertDialog(name, blocks, say.alert_url(self._scene, alert)))

    def action_why(self) -> None:
        """Open every guard with what its state means."""
        if self._scene is not None:
            self.app.push_screen(GuardsDialog("Guards", say.guard_blocks(self._scene), say.settings_url(self._scene)))
        elif (problem := self.session.github.alerts.reading.problem) is not None:
            self.app.show_problem(problem, "Alerts")
        else:
            self.app.say("Nothing has been read yet.")

    def action_open(self) -> None:
        """Open the selected alert's page."""
        if (alert := self._row()) is not None and self._scene is not None:
            self.app.say(open_page(self.app, say.alert_url(self._scene, alert)))

    def action_copy_url(self) -> None:
        """Copy the selected alert's address."""
        if (alert := self._row()) is not None and self._scene is not None:
            self.app.say(copy_address(self.app, say.alert_url(self._scene, alert)))
