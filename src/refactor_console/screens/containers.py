"""The containers pane: every container of the stack with its use of the host, and what can be done to it."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.widgets import Input

from refactor_console.domain.actions import Verb
from refactor_console.domain.containers import ContainerBoard, ContainerRow
from refactor_console.domain.reading import Reading
from refactor_console.domain.text import visible
from refactor_console.screens.base import PaneScreen
from refactor_console.widgets import present_containers as say
from refactor_console.widgets.facts import Facts
from refactor_console.widgets.pane import Line, Pane
from refactor_console.widgets.table import Table, TableRow

SLOW_TICK_SECONDS = 10


class Side(VerticalScroll, can_focus=False):
    """The panel with the selected container's details."""


class ContainersScreen(PaneScreen):
    """A table, a panel for the selected row, and the keys that act on it (each opens a preview first)."""

    MODE = "containers"
    BINDING_GROUP_TITLE = "Containers"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("i", "inspect", "Inspect", tooltip="Command, environment, mounts, ports ...", id="containers.inspect"),
        Binding("l", "logs", "Logs", tooltip="This container's log alone", id="containers.logs"),
        Binding("t", "top", "Top", tooltip="Processes of this container", id="containers.top"),
        Binding("R", "propose('restart')", "Restart", tooltip="Opens a preview", id="containers.restart"),
        Binding("S", "propose('stop')", "Stop", tooltip="Opens a preview", id="containers.stop"),
        Binding("s", "propose('start')", "Start", tooltip="Opens a preview", id="containers.start"),
        Binding("slash", "filter", "Filter", key_display="/", tooltip="Show rows with a text", id="containers.filter"),
        Binding("f", "faults", "Faults", tooltip="Only what is not well", id="containers.faults", show=False),
        Binding("b", "sort", "Sort", tooltip="By CPU, memory, restarts, age, name", id="containers.sort", show=False),
        Binding("o", "strangers", "Others", tooltip="Containers of others, too", id="containers.others", show=False),
        Binding("escape", "clear", "Clear filter", show=False, id="containers.clear"),
    ]

    def compose_body(self) -> ComposeResult:
        """Table, filter, panel."""
        with Container(id="halves"):
            yield Pane(
                "Containers",
                Table(*say.COLUMNS, id="containers"),
                Line(id="empty"),
                Line(id="stats-problem"),
                id="containers-pane",
            )
            yield Pane("Selected", Side(Facts(id="side-facts")), id="selected", feed=False)
        yield Input(id="filter", placeholder="filter: service, image, id, state   (Enter keeps it, Esc clears it)")

    def on_pane_ready(self) -> None:
        """Follow the board."""
        self._strangers = False
        self._faults = False
        self._wanted = ""
        self._awaited = ""
        self._ticks = 0
        self._order = say.Order.STACK
        self._places: list[str] = []
        self.query_one("#filter", Input).display = False
        self.follow(self.session.containers, self._show_board)
        self.table.focus()

    @property
    def table(self) -> Table:
        """The containers' table."""
        return self.query_one("#containers", Table)

    # -- feed

    def _show_board(self, reading: Reading[ContainerBoard]) -> None:
        now = self.clock()
        self.query_one("#containers-pane", Pane).show(reading, now)
        self.query_one("#selected", Pane).set_class(not reading.is_live and reading.value is not None, "-aged")
        board = reading.value
        problem = self.query_one("#stats-problem", Line)
        problem.display = board is not None and bool(board.stats_problem)
        empty = self.query_one("#empty", Line)
        empty.display = False
        if board is None:
            return
        if board.stats_problem:
            problem.put(Content.assemble((f"▲ {visible(board.stats_problem)}", "$warn")))
        rows = self._calmly(
            say.rows_of(
                board, now, strangers=self._strangers, faults=self._faults, wanted=self._wanted, order=self._order
            )
        )
        self.table.show(rows)
        if self._awaited and self.select(self._awaited):
            self._awaited = ""
        if not rows:
            empty.display = True
            empty.put(self._why_empty(board))
        self._show_side()

    def _calmly(self, rows: list[TableRow]) -> list[TableRow]:
        """Rows sorted by a figure stay where they are for some seconds, so that one can be read and aimed at."""
        by_key = {row.key: row for row in rows}
        if self._order is say.Order.STACK or by_key.keys() != set(self._places):
            self._places = list(by_key)
        return [by_key[key] for key in self._places]

    def _why_empty(self, board: ContainerBoard) -> Content:
        if self._wanted or self._faults:
            faults = "at fault" if self._faults else ""
            text = f"'{visible(self._wanted)}'" if self._wanted else ""
            return Content.assemble((f"No container is {faults or 'like'} {text}".rstrip() + ". Esc clears.", "$muted"))
        others = sum(1 for row in board.rows if not row.ours)
        words = f"The stack has no containers on this host; {others} of others (o shows them)."
        return Content.assemble((words, "$muted"))

    def _show_side(self) -> None:
        row = self.selected
        facts = self.query_one("#side-facts", Facts)
        self.query_one("#selected", Pane).retitle(visible(row.container.label) if row is not None else "Selected")
        if row is not None:
            facts.show(say.side_facts(row, facts.size.width or 60))
        elif self.table.cursor_key is not None:
            missing = self.table.cursor_key.removeprefix("missing:")
            sentence = "has no container: compose did not create it, or it was removed."
            facts.put(Content.assemble((f"{visible(missing)} {sentence}", "$muted")))
        else:
            facts.put(Content(""))

    @property
    def selected(self) -> ContainerRow | None:
        """The row under the cursor; None for none and for a service without a container."""
        board, key = self.session.containers.reading.value, self.table.cursor_key
        return board.row(key) if board is not None and key is not None else None

    def select(self, label: str) -> bool:
        """Put the cursor on a service; False when it is not in the table."""
        board = self.session.containers.reading.value
        row = board.by_label(label) if board is not None else None
        return self.table.move_to(row.container.id if row is not None else f"missing:{label}")

    def open_service(self, label: str) -> None:
        """Select a service, clearing filters that hide it; waits for it where it is not known yet."""
        self._faults, self._wanted, self._awaited = False, "", label
        self.query_one("#filter", Input).value = ""
        self.query_one("#filter", Input).display = False
        self.soon("again", self._again)

    def on_tick(self, now: datetime) -> None:
        """Ages in the heading each second; uptimes and the order every ten."""
        for pane in self.query(Pane):
            pane.tick(now)
        self._ticks += 1
        if self._ticks % SLOW_TICK_SECONDS == 0:
            self._places = []
            self._again()

    def _again(self) -> None:
        self._show_board(self.session.containers.reading)

    @on(Table.Highlighted, "#containers")
    def _moved(self, event: Table.Highlighted) -> None:
        event.stop()
        self._show_side()

    @on(Table.Selected, "#containers")
    def _opened(self, event: Table.Selected) -> None:
        event.stop()
        self.action_inspect()

    # -- filter

    def action_filter(self) -> None:
        """Begin to type a filter."""
        field = self.query_one("#filter", Input)
        field.display = True
        field.focus()

    def action_clear(self) -> None:
        """Forget filter and toggles."""
        field = self.query_one("#filter", Input)
        field.value = ""
        field.display = False
        self._wanted, self._faults = "", False
        self.table.focus()
        self._retitle()

    @on(Input.Changed, "#filter")
    def _filter_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._wanted = event.value.strip()
        self._again()

    @on(Input.Submitted, "#filter")
    def _filter_kept(self, event: Input.Submitted) -> None:
        event.stop()
        self.table.focus()
        self.query_one("#filter", Input).display = bool(self._wanted)

    def action_faults(self) -> None:
        """Show only what is not well, or everything again."""
        self._faults = not self._faults
        self._retitle()

    def action_strangers(self) -> None:
        """Show containers of others too, or only ours again."""
        self._strangers = not self._strangers
        self._retitle()

    def action_sort(self) -> None:
        """Sort by the next figure; the cursor stays on its row."""
        self._order = self._order.next
        self._places = []
        self._retitle()

    def _retitle(self) -> None:
        words = ["Containers"]
        words += ["faults only"] if self._faults else []
        words += ["with others"] if self._strangers else []
        words += [str(self._order)] if self._order else []
        self.query_one("#containers-pane", Pane).retitle(" · ".join(words))
        self._again()

    # -- actions on the selected row

    def _container(self) -> ContainerRow | None:
        row = self.selected
        if row is None:
            key = self.table.cursor_key
            name = key.removeprefix("missing:") if key is not None else ""
            self.app.say(f"{visible(name)} has no container." if name else "No container is selected.")
        return row

    def action_inspect(self) -> None:
        """Open the details."""
        if (row := self._container()) is not None:
            self.app.inspect_container(row.container.id, row.container.label)

    def action_top(self) -> None:
        """Open the processes."""
        if (row := self._container()) is not None:
            self.app.show_processes(row.container.id, row.container.label)

    def action_logs(self) -> None:
        """Go to this container's log."""
        if (row := self._container()) is not None:
            self.app.show_logs(f"container:{row.container.label}")

    def action_propose(self, verb: str) -> None:
        """Open the preview of a mutation."""
        if (row := self._container()) is not None:
            self.app.propose(Verb(verb), row.container.id, row.container.label)
