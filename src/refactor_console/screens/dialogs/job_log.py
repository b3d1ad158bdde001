"""A job's whole log in the same view as the journal: groups folded, errors to step through, opened where it matters.

GitHub serves no log of a job that runs: that is said, and the log opens by itself when the job ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.widgets import Footer

from refactor_console.domain.logs import LogLine
from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.domain.reading import Reading
from refactor_console.domain.runs import Job, RunDetails, Step, WorkflowRun
from refactor_console.domain.text import visible
from refactor_console.screens.dialogs.base import Dialog
from refactor_console.screens.links import open_page
from refactor_console.screens.log_reading import LogReading
from refactor_console.screens.logs import LogsScreen
from refactor_console.services.feed import Clock, Feed
from refactor_console.services.session import ConsoleSession
from refactor_console.widgets.job_log import JobLog
from refactor_console.widgets.log_prompt import LogPrompt
from refactor_console.widgets.log_status import LogStatus, Part
from refactor_console.widgets.log_view import LogView
from refactor_console.widgets.pane import Line
from refactor_console.widgets.present_runs import run_name, state_text, took

SHARED = (
    *("filter", "find", "next_hit", "previous_hit", "previous_error", "next_error"),
    *("level", "time", "wrap", "zone", "copy", "save"),
)
"""Keys of the logs pane that mean the same here."""
MOST_LAYOUTS = 10
"""Refreshes until a view has rows; a terminal without room for one has none for ever."""
NOT_YET = "GitHub serves no log of a job that is running; this one opens here as soon as the job ends."


async def _has_room(view: LogView) -> None:
    """Return when the view knows how many rows it has: a page chosen before that is lost to its first layout."""
    for _ in range(MOST_LAYOUTS):
        if view.tail.height:
            return
        refreshed = asyncio.Event()
        view.call_after_refresh(refreshed.set)
        await refreshed.wait()


class JobLogDialog(LogReading, Dialog[None]):
    """The log of one job.

    Args:
        session: the environment.
        run: whose job.
        job: which one, as it was seen.
        watched: the run, live: tells when the job is over.
        clock: the present time.
        step: the step to begin at; None for the beginning.
        at_error: whether to begin at the first error.
    """

    BINDING_GROUP_TITLE = "Job log"
    AUTO_FOCUS = "#log"
    CSS = """
    JobLogDialog {
        align: left top;
        background: $background;
        #job-frame { height: 1fr; }
        #job-title { padding: 0 1; background: $panel; height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
        #job-note { padding: 0 1; height: auto; max-height: 6; }
        #job-lines { height: 1fr; }
        LogView { height: 1fr; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", tooltip="Clear selection, search, filter; then close", id="dialog.close"),
        Binding("x", "groups", "Groups", tooltip="Fold or unfold all of GitHub's groups", id="runs.groups"),
        *(b for b in LogsScreen.BINDINGS if isinstance(b, Binding) and b.id in {f"logs.{name}" for name in SHARED}),
        Binding("r", "reload", "Read again", tooltip="Ask GitHub for the log again", id="dialog.reload", show=False),
        Binding("o", "open", "Open", tooltip="The job's page on GitHub", id="runs.open", show=False),
        Binding("question_mark", "app.help", "Help", key_display="?", id="console.help"),
    ]

    def __init__(
        self,
        session: ConsoleSession,
        run: WorkflowRun,
        job: Job,
        watched: Feed[RunDetails],
        clock: Clock,
        *,
        step: Step | None = None,
        at_error: bool = False,
    ) -> None:
        super().__init__(f"Log of {job.name}")
        self.session, self.clock = session, clock
        self._run, self._job, self._watched = run, job, watched
        self._step, self._at_error = step, at_error
        self._log = JobLog("", clock)  # one source needs no column for its name
        self.book = self._log.book
        self._loaded = False
        self.begin_reading()

    # -- frame

    def compose(self) -> ComposeResult:
        """Title, note, lines, status, question; nothing around them, for a log needs the room."""
        with Vertical(id="job-frame"):
            yield Line(id="job-title")
            yield Line(id="job-note")
            with Container(id="job-lines"):
                yield LogView(self.book, id="log")
            yield LogStatus(id="log-status")
            yield LogPrompt(id="log-prompt")
        yield Footer(show_command_palette=False)

    def compose_body(self) -> ComposeResult:
        """Nothing: the frame is its own."""
        yield from ()

    def on_mount(self) -> None:
        """Ask for the log, and learn of the job's end."""
        self._ending = self._watched.subscribe(self._run_moved)
        self.set_interval(1.0, self._tick)
        self._tell(None)
        self._tick()
        self.action_reload()

    def on_unmount(self) -> None:
        """Let go of everything."""
        self._ending()
        self._log.close()

    def action_scroll(self, lines: int) -> None:
        """Where no other widget takes the key, the lines do."""
        self.view.action_cursor(lines)

    # -- the log

    def _run_moved(self, _reading: Reading[RunDetails]) -> None:
        self.call_later(self._look_at_job)

    def _look_at_job(self) -> None:
        """The job as it is now; its end lets the log be had."""
        if not self.is_attached:
            return
        details = self._watched.reading.value
        job = next((job for job in details.jobs if job.id == self._job.id), None) if details is not None else None
        was_over, self._job = self._job.state.is_over, job or self._job
        self._tick()
        if not was_over and self._job.state.is_over and not self._loaded:
            self.action_reload()

    def action_reload(self) -> None:
        """Ask for the log."""
        self.run_worker(self._load(), name="job log", group="job-log", exclusive=True, exit_on_error=False)

    async def _load(self) -> None:
        if not self._job.state.is_over:
            self._wait()
            return
        self.view.waiting = "Asking GitHub for the log…"
        try:
            lines = await self.session.github.job_log(self._run, self._job)
        except ConsoleError as error:
            self._refused(error.problem)
            return
        self._tell(None)
        self._loaded = True
        await self._lay(lines, folded=self._log.folded)
        self._begin()

    def _wait(self) -> None:
        self._tell(Content.assemble(("◐ ", "$working"), NOT_YET))
        self.view.waiting = "No line yet."

    def _refused(self, problem: Problem) -> None:
        if problem.code == "log-not-yet" and not self._job.state.is_over:
            self._wait()
            return
        remedy = Content(visible(problem.remedy))
        self._tell(Content.assemble((f"✗ {visible(problem.summary)}", "$fail"), "  ", remedy, ("  r: again", "$muted")))
        self.view.waiting = "The log could not be read."

    async def _lay(self, lines: Sequence[LogLine], *, folded: bool) -> None:
        """Show the lines in a view of their own; what was looked for, and how, stays."""
        old, had_focus = self.view, self.view.has_focus
        place = old.tail.cursor or (old.tail.page[0] if old.tail.page and not old.following else None)
        self.book = await self._log.take(lines, folded=folded)
        view = LogView(self.book, id="log")
        await old.remove()
        await self.query_one("#job-lines").mount(view)
        await _has_room(view)
        view.waiting = "The log is empty."
        view.wrap, view.zone = old.wrap, old.zone
        if not self.prompt.kind and (had_focus or self.focused is None):
            view.focus()
        view.choose(old.lens.filter)
        view.search(old.lens.wanted)
        if place is not None:
            view.go_to_time(place.time_ns)
        self.show_status()

    def _begin(self) -> None:
        """Go to where a person looks first; a whole log is read from somewhere, never followed."""
        line = self._log.first_error() if self._at_error else None
        if line is None and self._step is not None:
            line = self._log.step_line(self._step)
        if line is not None:
            self._log.show(self.view, line)
        else:
            self.view.action_home()
        if self._at_error and self._log.first_error() is None and self._log.lines:
            self._tell(Content.assemble(("No line of this log is marked as an error.", "$muted")))
        self.show_status()

    def action_groups(self) -> None:
        """Fold all groups, or unfold them."""
        if self._loaded:
            self.run_worker(self._fold(not self._log.folded), name="groups", group="job-log", exit_on_error=False)

    async def _fold(self, folded: bool) -> None:
        await self._lay(self._log.lines, folded=folded)
        words = "folded; those with an error stay open" if folded else "unfolded"
        self.view.tail.notice = f"{self._log.laid.groups:,} groups {words}."
        self.show_status()

    def action_find(self) -> None:
        """Ask for words to find; what is folded could hide a hit."""
        super().action_find()
        if self._log.folded and self._loaded:
            self.run_worker(self._fold(False), name="groups", group="job-log", exit_on_error=False)

    # -- words

    def _tick(self) -> None:
        job = self._job
        length = job.duration(self.clock())
        words = Content.assemble(
            state_text(job.state, job.raw_state),
            (f"  {visible(job.name)}", "bold"),
            f"  {visible(run_name(self._run))}",
            "" if length is None else f"  {took(length)}",
            (f"  {visible(self._run.branch)}", "$muted"),
        )
        self.query_one("#job-title", Line).put(words)

    def _tell(self, content: Content | None) -> None:
        note = self.query_one("#job-note", Line)
        note.display = content is not None
        if content is not None:
            note.put(content)

    def status_parts(self) -> list[Part]:
        """Where the reader is in a log that does not grow: neither following nor pausing says anything here."""
        tail, timeline = self.view.tail, self.view.lens.index.timeline
        here = tail.cursor or (tail.page[-1] if tail.page else None)
        at = "" if here is None else f" line {timeline.index_of(here.time_ns, here.id) + 1:,} "
        return [Part(at, "bold", 10), *super().status_parts()[1:]]

    def action_back(self) -> None:
        """Take back one thing, or close."""
        view = self.view
        held = view.lens.hits is not None or view.lens.filter.terms or view.lens.filter.level
        if self.get_selected_text() or view.tail.range_start is not None or held:
            super().action_back()
        else:
            self.action_close()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While something is typed, keys are letters."""
        if self.is_mounted and self.prompt.kind and hasattr(self, f"action_{action}") and action != "cancel":
            return False
        return super().check_action(action, parameters)

    def action_open(self) -> None:
        """Open the job's page."""
        self.app.say(open_page(self.app, self._job.html_url))
