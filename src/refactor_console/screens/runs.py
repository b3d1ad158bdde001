"""The runs pane: every workflow's runs, newest first; the selected one's jobs and steps live below them."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Input

from refactor_console.domain.problem import ConsoleError
from refactor_console.domain.reading import Reading, pending
from refactor_console.domain.runfilter import SYNTAX, parse
from refactor_console.domain.runs import RunBoard, RunDetails, WorkflowRun
from refactor_console.domain.text import visible
from refactor_console.screens.base import PaneScreen
from refactor_console.screens.dialogs.run_details import RunDialog
from refactor_console.screens.run_actions import RunActions
from refactor_console.services.feed import Clock, Feed, Unsubscribe, utc_now
from refactor_console.services.github_door import RunWatch
from refactor_console.services.log_book import LogBook
from refactor_console.services.session import ConsoleSession
from refactor_console.widgets import present_runs as say
from refactor_console.widgets.facts import Facts
from refactor_console.widgets.pane import Line, Pane
from refactor_console.widgets.run_host import HostSide
from refactor_console.widgets.run_tree import RunTree
from refactor_console.widgets.table import Table, TableRow

SETTLE_SECONDS = 0.25
"""How long the cursor has to rest on a run before its jobs are asked for: scrolling past asks nothing."""


class RunsScreen(RunActions, PaneScreen):
    """A table of runs, a filter, and the selected run's facts and jobs."""

    MODE = "runs"
    CSS_PATH = "runs.tcss"
    BINDING_GROUP_TITLE = "Runs"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", key_display="/", tooltip=SYNTAX, id="runs.filter"),
        Binding("m", "more", "Older", tooltip="Load older runs", id="runs.more", show=False),
        Binding("w", "why", "Why", tooltip="Why something could not be read", id="runs.why", show=False),
        Binding("escape", "clear", "Clear filter", show=False, id="runs.clear"),
    ]

    table = getters.query_one("#runs", Table)
    jobs = getters.query_one("#run-tree", RunTree)

    def __init__(self, session: ConsoleSession, book: LogBook, clock: Clock = utc_now) -> None:
        super().__init__(session, clock)
        self.book = book
        self._index = say.RunIndex(session.github.platform)
        self._typed = ""
        self._wanted = parse("")
        self._rows: list[TableRow] = []
        self._minute = -1
        self._awaited = ""
        self._loading = False
        self._watch: RunWatch | None = None
        self._watched_key = ""
        self._watch_ending: Unsubscribe | None = None
        self._settling: Timer | None = None
        self._settling_key = ""

    def compose_body(self) -> ComposeResult:
        """Table, lines, panel, filter."""
        with Container(id="run-halves"):
            yield Pane(
                "Runs",
                Table(*say.COLUMNS, id="runs"),
                Line(id="runs-empty"),
                Line(id="run-problems"),
                id="runs-pane",
            )
            yield Pane("Selected", Facts(id="run-facts"), RunTree(id="run-tree"), id="run-selected")
        yield Input(id="run-filter", placeholder=f"filter: {SYNTAX}")

    def on_pane_ready(self) -> None:
        """Follow the board."""
        self.query_one("#run-filter", Input).display = False
        for absent in ("#runs-empty", "#run-problems", "#run-selected"):
            self.query_one(absent).display = False
        self.follow(self.session.github.runs, self._show_board)
        self.until_unmount(self._stop_watching)
        self.table.focus()

    # -- the board

    def _show_board(self, reading: Reading[RunBoard]) -> None:
        self.query_one("#runs-pane", Pane).show(reading, self.clock(), lack=self.lack(reading))
        if reading.value is None:
            return
        if reading.value is not self._index.board:
            self._index.take(reading.value)
        problems = say.problem_lines(self._index)
        self._put("#run-problems", problems)
        self._show_rows()

    def _show_rows(self) -> None:
        """The table, after its data, its filter or the minute changed."""
        now = self.clock()
        self._minute = int(now.timestamp() // 60)
        self._rows = self._index.rows(self._wanted, now)
        self.table.show(self._rows)
        if self._awaited and self.table.move_to(self._awaited):
            self._awaited = ""
        self.query_one("#runs-pane", Pane).retitle(say.heading(self._index, len(self._rows), self._typed))
        self._put("#runs-empty", None if self._rows else say.why_empty(self._index, self._wanted, self._typed))
        self._show_side()

    def on_tick(self, now: datetime) -> None:
        """Ages in the headings and what runs each second, all ages each minute."""
        for pane in self.query(Pane):
            pane.tick(now)
        if self._minute < 0:
            return  # no board was shown yet
        if int(now.timestamp() // 60) != self._minute:
            self._show_rows()
            return
        runs = self._index.by_key
        live = [at for at, row in enumerate(self._rows) if not runs[row.key].state.is_over]
        for at in live:
            self._rows[at] = self._index.row(runs[self._rows[at].key], now, self._minute)
        if live:
            self.table.show(self._rows)
        if self.run is not None and not self.run.state.is_over:
            self._show_side()

    def _put(self, selector: str, content: Content | None) -> None:
        line = self.query_one(selector, Line)
        line.display = content is not None
        if content is not None:
            line.put(content)

    # -- the selected run

    @property
    def run(self) -> WorkflowRun | None:
        """The run under the cursor."""
        return self._index.by_key.get(self.table.cursor_key or "") if self._rows else None

    def watched(self) -> Feed[RunDetails] | None:
        """The selected run, live; begins to watch at once."""
        if self.run is not None and self._watched_key != self.run.key:
            self._start_watching()
        return self._watch.feed if self._watch is not None and self.run is not None else None

    def _show_side(self) -> None:
        """What is known of the selected run."""
        run, now = self.run, self.clock()
        pane = self.query_one("#run-selected", Pane)
        pane.display = run is not None
        if self.app.screen is self and self._watched_key != (run.key if run is not None else ""):
            self._settle()  # a dialog over this pane goes on looking at the run that it was opened on
        if run is None:
            return
        pane.retitle(visible(say.run_name(run)))
        reading: Reading[RunDetails] = pending(now)
        if self._watch is not None and self._watched_key == run.key:
            reading = self._watch.feed.reading
        pane.show(reading, now)
        self.query_one("#run-facts", Facts).show(say.run_facts(self._index, run, reading.value, now))
        self.jobs.show_details(reading.value, now)

    def _settle(self) -> None:
        """Watch the selected run, if there is one, once the cursor rests on it."""
        key = self.run.key if self.run is not None else ""
        if self._settling is None or self._settling_key != key:
            self._stop_watching()
            self._settling_key = key
            self._settling = self.set_timer(SETTLE_SECONDS, self._start_watching)

    def _start_watching(self) -> None:
        self._stop_watching()
        if self.run is None or not self.is_seen:
            return
        self._watched_key = self.run.key
        self._watch = self.session.github.watch_run(self.run)
        self._watch_ending = self._watch.feed.subscribe(lambda _reading: self.soon("run side", self._show_side))
        self.soon("run side", self._show_side)

    def _stop_watching(self) -> None:
        if self._settling is not None:
            self._settling.stop()
            self._settling = None
        if self._watch_ending is not None:
            self._watch_ending()
            self._watch_ending = None
        if self._watch is not None:
            self._watch.close()
            self._watch, self._watched_key = None, ""

    def on_screen_suspend(self) -> None:
        """Another pane is looked at: the run need not be watched (a dialog over this pane goes on looking)."""
        if not self.is_seen:
            self._stop_watching()

    def on_screen_resume(self) -> None:
        """Watch again."""
        super().on_screen_resume()
        if self.is_mounted and self.run is not None and self._watched_key != self.run.key:
            self._start_watching()

    def open_run(self, key: str) -> None:
        """Put the cursor on a run, as soon as it is on the board; a filter that may hide it goes."""
        self._awaited = key
        self._forget_filter()
        self.soon("rows", self._show_rows)

    def open_host_side(self) -> None:
        """The open run has it."""
        self.open_selected()

    def open_selected(self) -> None:
        """Open the selected run over the whole screen."""
        run, feed = self.run, self.watched()
        if run is None or feed is None:
            self.app.say("No run is selected.")
            return

        def host(began: datetime | None) -> HostSide:
            return HostSide(self.session, self.book, self.clock, began)

        self.app.push_screen(RunDialog(self.session, run, feed, self._index, host, self.clock))

    @on(Table.Highlighted, "#runs")
    def _moved(self, event: Table.Highlighted) -> None:
        event.stop()
        self._show_side()
        at_end = len(self._rows) > 1 and self.table.cursor_index == len(self._rows) - 1
        if at_end and self._wanted.passes_all and not self._index.board.complete:
            self.action_more()

    @on(Table.Selected, "#runs")
    def _opened(self, event: Table.Selected) -> None:
        event.stop()
        self.open_selected()

    @on(Table.Selected, "#run-tree")
    def _job_opened(self, event: Table.Selected) -> None:
        event.stop()
        self.action_log()

    # -- filter

    def action_filter(self) -> None:
        """Begin to type a filter."""
        field = self.query_one("#run-filter", Input)
        field.display = True
        field.focus()

    def action_clear(self) -> None:
        """Forget the filter."""
        self._forget_filter()
        self.table.focus()
        self._show_rows()

    def _forget_filter(self) -> None:
        field = self.query_one("#run-filter", Input)
        field.value, field.display = "", False
        self._typed, self._wanted = "", parse("")

    @on(Input.Changed, "#run-filter")
    def _filter_changed(self, event: Input.Changed) -> None:
        event.stop()
        if event.value.strip() != self._typed:
            self._typed = event.value.strip()
            self._wanted = parse(self._typed)
            self.soon("rows", self._show_rows)

    @on(Input.Submitted, "#run-filter")
    def _filter_kept(self, event: Input.Submitted) -> None:
        event.stop()
        self.table.focus()
        self.query_one("#run-filter", Input).display = bool(self._typed)

    # -- older ones, and what went wrong

    def action_more(self) -> None:
        """Load older runs."""
        if self._index.board.complete:
            self.app.say("There are no older runs.")
        elif not self._loading:
            self._loading = True
            self.run_worker(self._load_more(), name="older runs", group="older-runs", exit_on_error=False)

    async def _load_more(self) -> None:
        before = len(self._index.board.runs)
        try:
            await self.session.github.more_runs()
        except ConsoleError as error:
            self.app.say(visible(error.problem.summary), severity="error", title="Older runs")
            return
        finally:
            self._loading = False
        board = self.session.github.runs.reading.value
        if board is not None and len(board.runs) <= before:
            self.app.say("No older runs came.")

    def action_why(self) -> None:
        """Open the first problem there is: the board's, a repository's, the selected run's."""
        reading = self.session.github.runs.reading
        problems = [reading.problem, *(problem for _, problem in self._index.board.problems)]
        problems += [self._watch.feed.reading.problem] if self._watch is not None else []
        problem = next((problem for problem in problems if problem is not None), None)
        if problem is None:
            self.app.say("Every repository could be read.")
        else:
            self.app.show_problem(problem, "Runs")
