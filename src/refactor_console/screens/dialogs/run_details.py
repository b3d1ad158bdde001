"""One run in full: what it is, its jobs and steps live, and beside them the host's side where it deploys."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.widgets import Footer

from refactor_console.domain.reading import Reading
from refactor_console.domain.runs import RunDetails, WorkflowRun
from refactor_console.domain.text import visible
from refactor_console.screens.dialogs.base import Dialog
from refactor_console.screens.run_actions import RunActions
from refactor_console.services.feed import Clock, Feed
from refactor_console.services.session import ConsoleSession
from refactor_console.widgets.badge import ProblemRequested
from refactor_console.widgets.facts import Facts
from refactor_console.widgets.pane import Line, Pane
from refactor_console.widgets.present_runs import RunIndex, run_facts, run_name, state_text
from refactor_console.widgets.run_host import HostMaker, HostSide
from refactor_console.widgets.run_tree import RunTree
from refactor_console.widgets.table import Table

HOST_SIDE = "GitHub serves no log of a running job; here is the host: journal, containers."
HOST_PAST = "What the host said from when it began, as far as this console heard it."


class RunDialog(RunActions, Dialog[None]):
    """A run over the whole screen.

    Args:
        session: the environment.
        run: which one, as it was seen.
        feed: the run, live; whoever opened this watches it.
        index: what it is compared with.
        host: makes the host's side.
        clock: the present time.
    """

    BINDING_GROUP_TITLE = "Run"
    AUTO_FOCUS = "#open-tree"
    CSS = """
    RunDialog {
        align: left top;
        background: $background;
        #run-frame { height: 1fr; padding: 0 1; }
        #open-title { text-style: bold; height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
        #open-halves { height: 1fr; layout: vertical; }
        #open-jobs { height: 1fr; margin: 0; }
        #open-tree { height: 1fr; }
        #open-host { height: 1fr; margin: 0; }
        #open-facts { max-height: 3; }
        &.-tall #open-facts { max-height: 8; margin: 0 0 1 0; }
        &.-ultra #open-halves { layout: horizontal; }
        &.-ultra #open-jobs { width: 2fr; }
        &.-ultra #open-host { width: 3fr; margin: 0 0 0 2; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("w", "why", "Why", tooltip="Why the run could not be read", id="runs.why", show=False),
        Binding("question_mark", "app.help", "Help", key_display="?", id="console.help"),
    ]

    jobs = getters.query_one("#open-tree", RunTree)

    def __init__(
        self,
        session: ConsoleSession,
        run: WorkflowRun,
        feed: Feed[RunDetails],
        index: RunIndex,
        host: HostMaker,
        clock: Clock,
    ) -> None:
        super().__init__(run_name(run))
        self.session, self.clock = session, clock
        self._run, self._feed, self._index, self._host = run, feed, index, host

    # -- frame

    def compose(self) -> ComposeResult:
        """Title, facts, jobs, the host's side."""
        with Vertical(id="run-frame"):
            yield Line(id="open-title")
            yield Facts(id="open-facts")
            with Container(id="open-halves"):
                yield Pane("Jobs", RunTree(id="open-tree"), id="open-jobs")
                if self.is_deploy(self._run):
                    over = self._run.state.is_over
                    name = visible(f"{self.session.environment.name}, {self.session.environment.ssh}")
                    yield Pane(
                        f"Host's side ({name})",
                        Line(HOST_PAST if over else HOST_SIDE, id="host-note"),
                        self._host(self._run.started_at if over else None),
                        id="open-host",
                        feed=False,
                    )
        yield Footer(show_command_palette=False)

    def compose_body(self) -> ComposeResult:
        """Nothing: the frame is its own."""
        yield from ()

    def on_mount(self) -> None:
        """Follow the run."""
        self._ending = self._feed.subscribe(self._run_moved)
        self.set_interval(1.0, self._tick)
        self._show()

    def on_unmount(self) -> None:
        """Stop following."""
        self._ending()

    def _run_moved(self, _reading: Reading[RunDetails]) -> None:
        self.call_later(self._show)

    def _show(self) -> None:
        if not self.is_attached:
            return
        reading, now = self._feed.reading, self.clock()
        self.query_one("#open-jobs", Pane).show(reading, now)
        if reading.value is not None:
            self._run = reading.value.run
        self._draw(now)

    def _draw(self, now: datetime) -> None:
        details, run = self._feed.reading.value, self._run
        state = state_text(run.state, run.raw_state)
        title = Content.assemble(state, f"  {visible(run_name(run))}  ", (visible(run.repository.full_name), "$muted"))
        self.query_one("#open-title", Line).put(title)
        self.query_one("#open-facts", Facts).show(run_facts(self._index, run, details, now))
        if details is not None:
            self.jobs.show_details(details, now)

    def _tick(self) -> None:
        now = self.clock()
        self.query_one("#open-jobs", Pane).tick(now)
        if not self._run.state.is_over:
            self._draw(now)
        for side in self.query(HostSide):
            side.refresh_line()

    # -- what the keys act on

    @property
    def run(self) -> WorkflowRun:
        """The run."""
        return self._run

    def watched(self) -> Feed[RunDetails]:
        """The run, live."""
        return self._feed

    def open_host_side(self) -> None:
        """It is here already: give it the keyboard."""
        for side in self.query(HostSide):
            side.view.focus()

    def action_why(self) -> None:
        """Open the failure's details."""
        problem = self._feed.reading.problem
        if problem is None:
            self.app.say("The run could be read.")
        else:
            self.app.show_problem(problem, run_name(self._run))

    def action_scroll(self, lines: int) -> None:
        """Where no other widget takes the key, the jobs do."""
        self.jobs.action_cursor(lines)

    @on(Table.Selected, "#open-tree")
    def _opened(self, event: Table.Selected) -> None:
        event.stop()
        self.action_log()

    @on(ProblemRequested)
    def _open_problem(self, request: ProblemRequested) -> None:
        request.stop()
        self.app.show_problem(request.problem, request.title)
