"""The secrets pane: every name that deploy workflow, compose, GitHub and host know, and what is wrong with it."""

from __future__ import annotations

from dataclasses import replace
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
from refactor_console.domain.contract import ContractRow, EnvironmentContract
from refactor_console.domain.reading import Reading
from refactor_console.domain.text import visible
from refactor_console.screens.base import PaneScreen
from refactor_console.screens.dialogs.contract_facts import ContractNameDialog, ContractSourcesDialog
from refactor_console.screens.links import open_page
from refactor_console.widgets import present_contract as whole
from refactor_console.widgets import present_secrets as say
from refactor_console.widgets.pane import Line, Pane
from refactor_console.widgets.prose import wrapped_facts
from refactor_console.widgets.table import Table

MINUTE_TICKS = 60
FRAME_LINES = 9
"""Lines of the pane that are not rows, at most: headings, and what was read."""
SHORT_SHARE = 0.58
"""The share of the screen up to which the pane is only as tall as what it holds."""
LABEL_WIDTH = 8


class SecretSide(VerticalScroll, can_focus=False):
    """The panel with the selected name."""


class SourcesLine(Line):
    """What could not be read; a click opens all of it."""


class SecretsScreen(PaneScreen):
    """Which ref was read, what could not be read, a table of names, and a panel for the selected one."""

    MODE = "secrets"
    CSS_PATH = "secrets.tcss"
    BINDING_GROUP_TITLE = "Secrets"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("i", "details", "Details", tooltip="All about the selected name, but its value", id="secrets.details"),
        Binding("slash", "filter", "Filter", key_display="/", tooltip="Show names with words", id="secrets.filter"),
        Binding("f", "findings", "Findings", tooltip="Only names with which something is wrong", id="secrets.findings"),
        Binding("a", "kinds", "Kinds", tooltip="All names, only secrets, only variables", id="secrets.kinds"),
        Binding("s", "order", "Sort", tooltip="Findings first, oldest first, by name", id="secrets.order"),
        Binding("w", "why", "Sources", tooltip="Every source, and why one could not be read", id="secrets.why"),
        Binding("y", "copy_name", "Copy", tooltip="Copy the name", id="secrets.copy-name", show=False),
        Binding("o", "open", "Open", tooltip="Where it is defined, on GitHub", id="secrets.open", show=False),
        Binding("escape", "clear", "Clear", tooltip="Show every name again", show=False, id="secrets.clear"),
    ]

    def compose_body(self) -> ComposeResult:
        """What was read, table, panel, filter."""
        with Container(id="secrets-halves"):
            yield Pane(
                "Secrets",
                Vertical(Line(id="contract-ref"), SourcesLine(id="contract-sources"), id="contract-head"),
                Table(*say.COLUMNS, id="secrets"),
                Line(id="secrets-empty"),
                id="secrets-pane",
            )
            yield Pane("Selected", SecretSide(Line(id="secret-facts")), id="secret-selected", feed=False)
        yield Input(id="secret-filter", placeholder="filter: name, finding, place   (Enter keeps it, Esc clears it)")

    def on_pane_ready(self) -> None:
        """Follow the feeds."""
        self._scene: say.Scene | None = None
        self._view = say.View()
        self._rows: dict[str, ContractRow] = {}
        self._ticks = 0
        self.query_one("#secret-filter", Input).display = False
        for absent in ("#contract-head", "#secrets-empty", "#secret-selected"):
            self.query_one(absent).display = False
        self.follow(self.session.github.contract, self._show_contract)
        self.follow(self.session.github.account, self._show_account)
        self.table.focus()

    @property
    def table(self) -> Table:
        """The names' table."""
        return self.query_one("#secrets", Table)

    @property
    def _account(self) -> Account | None:
        return self.session.github.account.reading.value

    # -- feeds

    def _show_account(self, _reading: Reading[Account]) -> None:
        self._show_contract(self.session.github.contract.reading)

    def _show_contract(self, reading: Reading[EnvironmentContract]) -> None:
        self.query_one("#secrets-pane", Pane).show(reading, self.clock(), lack=self.lack(reading))
        self.query_one("#secret-selected", Pane).set_class(not reading.is_live and reading.value is not None, "-aged")
        contract = reading.value
        self.query_one("#contract-head").display = contract is not None
        if contract is None:
            return
        if self._scene is None or self._scene.contract is not contract:
            self._scene = say.scene_of(contract)
        self._put("#contract-ref", whole.ref_line(self._scene))
        self._put("#contract-sources", whole.source_lines(self._scene, self._account))
        self._show_rows()

    def _show_rows(self) -> None:
        """The table, after its data or the view changed."""
        scene = self._scene
        if scene is None:
            return
        rows = say.shown_rows(scene, self._view)
        self._rows = {say.row_key(row): row for row in rows}
        self.table.show(say.table_rows(scene, rows))
        self._make_room()
        self.query_one("#secrets-pane", Pane).retitle(whole.title(scene, len(rows), self._view))
        self._put("#secrets-empty", None if rows else whole.why_empty(scene, self._view))
        self._show_side()

    def on_resize(self, _event: Resize) -> None:
        """More or fewer rows have room, and the panel's sentences another width."""
        self._make_room()
        self.call_after_refresh(self._show_side)

    def _make_room(self) -> None:
        """A short table is as tall as its rows; a long one takes most of the screen and scrolls."""
        many = len(self.table.rows) + FRAME_LINES > self.size.height * SHORT_SHARE
        self.query_one("#secrets-pane", Pane).set_class(many, "-many")

    def _put(self, selector: str, content: Content | None) -> None:
        line = self.query_one(selector, Line)
        line.display = content is not None
        if content is not None:
            line.put(content)

    def _show_side(self) -> None:
        row, scene = self.selected, self._scene
        pane = self.query_one("#secret-selected", Pane)
        pane.display = row is not None
        if row is None or scene is None:
            return
        kind = f"{row.kind.value} " if row.kind is not None else ""
        pane.retitle(f"{kind}{visible(row.name)}")
        width = self.query_one(SecretSide).scrollable_content_region.width or self.size.width - 3
        facts = say.side_facts(scene, row, self.clock())
        self.query_one("#secret-facts", Line).put(wrapped_facts(facts, LABEL_WIDTH, width - 1))

    @property
    def selected(self) -> ContractRow | None:
        """The name under the cursor; None when there is no row."""
        key = self.table.cursor_key
        return self._rows.get(key) if key is not None else None

    def on_tick(self, now: datetime) -> None:
        """Ages in the heading each second, in the panel each minute."""
        for pane in self.query(Pane):
            pane.tick(now)
        self._ticks += 1
        if self._ticks % MINUTE_TICKS == 0:
            self._show_side()

    @on(Table.Highlighted, "#secrets")
    def _moved(self, event: Table.Highlighted) -> None:
        event.stop()
        self.query_one(SecretSide).scroll_home(animate=False)
        self._show_side()

    @on(Table.Selected, "#secrets")
    def _opened(self, event: Table.Selected) -> None:
        event.stop()
        self.action_details()

    @on(Click, "#contract-sources")
    def _sources_clicked(self, event: Click) -> None:
        event.stop()
        self.action_why()

    # -- what is shown

    def _look(self, view: say.View) -> None:
        self._view = view
        self.soon("rows", self._show_rows)

    def action_filter(self) -> None:
        """Begin to type a filter."""
        field = self.query_one("#secret-filter", Input)
        field.display = True
        field.focus()

    def action_clear(self) -> None:
        """Every name again: no filter, no kind, no only."""
        field = self.query_one("#secret-filter", Input)
        field.value, field.display = "", False
        self.table.focus()
        self._look(say.View(order=self._view.order))

    @on(Input.Changed, "#secret-filter")
    def _filter_changed(self, event: Input.Changed) -> None:
        event.stop()
        if event.value.strip() != self._view.wanted:
            self._look(replace(self._view, wanted=event.value.strip()))

    @on(Input.Submitted, "#secret-filter")
    def _filter_kept(self, event: Input.Submitted) -> None:
        event.stop()
        self.table.focus()
        self.query_one("#secret-filter", Input).display = bool(self._view.wanted)

    def action_findings(self) -> None:
        """Only names with findings, or all again."""
        self._look(replace(self._view, only_findings=not self._view.only_findings))

    def action_kinds(self) -> None:
        """All names, secrets, variables, in turn."""
        self._look(replace(self._view, showing=self._view.showing.following))

    def action_order(self) -> None:
        """Findings first, oldest first, by name, in turn."""
        self._look(replace(self._view, order=self._view.order.following))

    # -- looking closer

    def _row(self) -> ContractRow | None:
        if self.selected is None:
            self.app.say("No name is selected.")
        return self.selected

    def action_details(self) -> None:
        """Open all about the selected name."""
        if (row := self._row()) is not None and self._scene is not None:
            kind = row.kind.value.capitalize() if row.kind is not None else "Name"
            blocks = [(kind, say.side_facts(self._scene, row, self.clock()))]
            self.app.push_screen(ContractNameDialog(row.name, blocks, self._url(row)))

    def action_why(self) -> None:
        """Open every source and how asking it went."""
        if self._scene is not None:
            blocks = whole.source_blocks(self._scene, self._account)
            self.app.push_screen(ContractSourcesDialog("What the contract was read from", blocks))
        elif (problem := self.session.github.contract.reading.problem) is not None:
            self.app.show_problem(problem, "Secrets")
        else:
            self.app.say("Nothing has been read yet.")

    def _url(self, row: ContractRow) -> str:
        contract = self._scene.contract if self._scene is not None else None
        return say.settings_url(self.session.github.platform, contract, row) if contract is not None else ""

    def action_copy_name(self) -> None:
        """Copy the selected name."""
        if (row := self._row()) is not None:
            self.app.copy_to_clipboard(row.name)
            self.app.say(f"Copied: {visible(row.name)}")

    def action_open(self) -> None:
        """Open the page where the selected name is defined."""
        if (row := self._row()) is not None:
            self.app.say(open_page(self.app, self._url(row)))
