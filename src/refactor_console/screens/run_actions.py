"""What can be done to a run, its jobs and its log: the same keys in the runs pane and in an open run."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar

from textual import getters
from textual.binding import Binding, BindingType
from textual.screen import Screen

from refactor_console.domain import run_rules
from refactor_console.domain.operations import Operation
from refactor_console.domain.runs import Job, RunDetails, RunState, Step, WorkflowRun
from refactor_console.domain.text import visible
from refactor_console.screens.dialogs.dispatch_choose import DispatchChooser
from refactor_console.screens.dialogs.job_log import NOT_YET, JobLogDialog
from refactor_console.screens.dialogs.operation_confirm import OperationDialog
from refactor_console.screens.dialogs.run_review import Review, ReviewDialog
from refactor_console.screens.links import copy_address, open_page
from refactor_console.screens.shell import Shell
from refactor_console.services.feed import Clock, Feed
from refactor_console.services.session import ConsoleSession
from refactor_console.widgets.present_runs import read_only_sentence, run_name
from refactor_console.widgets.run_tree import RunTree

DETAILS_SECONDS = 20.0
"""How long a key waits for the jobs of a run that has just been selected."""
_NOTHING_SELECTED = "No run is selected."

RUN_KEYS: Sequence[Binding] = (
    Binding("f", "failure", "Fault", tooltip="The failing step's log, at its first error", id="runs.failure"),
    Binding("l", "log", "Log", tooltip="The selected job's log", id="runs.log"),
    Binding(
        "d", "dispatch", "Dispatch", tooltip="Start a workflow by hand: a form, then a preview", id="runs.dispatch"
    ),
    Binding("R", "operate('rerun')", "Re-run", tooltip="All jobs again; opens a preview", id="runs.rerun"),
    Binding(
        "F",
        "operate('rerun-failed')",
        "Re-run failed",
        tooltip="Failed jobs again; opens a preview",
        id="runs.rerun-failed",
        show=False,
    ),
    Binding(
        "J",
        "operate('rerun-job')",
        "Re-run job",
        tooltip="The selected job again; opens a preview",
        id="runs.rerun-job",
        show=False,
    ),
    Binding("X", "operate('cancel')", "Cancel", tooltip="Cancel the run; opens a preview", id="runs.cancel"),
    Binding(
        "A", "review", "Review", tooltip="Approve or reject what waits for an environment", id="runs.review", show=False
    ),
    Binding("o", "open", "Open", tooltip="The run's page on GitHub", id="runs.open", show=False),
    Binding("y", "copy_url", "Copy URL", tooltip="Copy the run's address", id="runs.copy-url", show=False),
)


class RunActions(Screen[None]):
    """A screen with one run selected and its jobs in a `RunTree`."""

    app = getters.app(Shell)
    session: ConsoleSession
    clock: Clock
    BINDINGS: ClassVar[list[BindingType]] = list(RUN_KEYS)

    # -- for subclasses

    @property
    @abstractmethod
    def run(self) -> WorkflowRun | None:
        """The selected run."""

    @property
    @abstractmethod
    def jobs(self) -> RunTree:
        """Its jobs."""

    @abstractmethod
    def watched(self) -> Feed[RunDetails] | None:
        """The run, live; begins to watch at once."""

    @abstractmethod
    def open_host_side(self) -> None:
        """Show the host's side of a deploy beside the jobs."""

    # -- logs

    def action_log(self) -> None:
        """Open the selected job's log."""
        self._with_details(self._open_log, "log")

    def action_failure(self) -> None:
        """Open the log of what failed, at its first error."""
        self._with_details(self._open_failure, "failure")

    def _open_failure(self, run: WorkflowRun, details: RunDetails) -> None:
        job = next((job for job in details.jobs if job.state.is_bad), None)
        if job is None:
            still = "" if run.state.is_over else " so far"
            self.app.say(f"No job of {visible(run_name(run))} failed{still}.")
            return
        self.jobs.go_to_failure()
        self.open_job(run, job, step=job.failing_step, at_error=True)

    def _open_log(self, run: WorkflowRun, details: RunDetails) -> None:
        chosen = self.jobs.selected
        job = next((job for job in details.jobs if chosen is not None and job.id == chosen[0].id), None)
        if job is None or chosen is None:
            if not details.jobs:
                self.app.say(f"{visible(run_name(run))} has no job yet.")
                return
            job, step = details.jobs[0], None
        else:
            step = chosen[1]
        self.open_job(run, job, step=step, at_error=step is not None and step.state.is_bad)

    def open_job(self, run: WorkflowRun, job: Job, *, step: Step | None, at_error: bool) -> None:
        """Open a job's log; of a deploy that runs, the host's side instead, for GitHub serves no log of it yet."""
        feed = self.watched()
        if feed is None:
            return
        if not job.state.is_over and self.is_deploy(run):
            self.app.say(NOT_YET)
            self.open_host_side()
            return
        if job.state is RunState.SKIPPED:
            self.app.say(f"{visible(job.name)} was skipped: it has no log.")
            return
        dialog = JobLogDialog(self.session, run, job, feed, self.clock, step=step, at_error=at_error)
        self.app.push_screen(dialog)

    def is_deploy(self, run: WorkflowRun) -> bool:
        """Whether a run is of the workflow that deploys."""
        return run_rules.is_deploy(self.session.github.platform, run.repository, run.path)

    def _with_details(self, then: Callable[[WorkflowRun, RunDetails], None], name: str) -> None:
        run, feed = self.run, self.watched()
        if run is None or feed is None:
            self.app.say(_NOTHING_SELECTED)
            return
        if feed.reading.value is not None:
            then(run, feed.reading.value)
            return

        async def wait() -> None:
            known = asyncio.Event()
            ending = feed.subscribe(lambda _reading: known.set())
            try:
                async with asyncio.timeout(DETAILS_SECONDS):
                    while feed.reading.value is None and feed.reading.problem is None:
                        await known.wait()
                        known.clear()
            except TimeoutError:
                self.app.say("GitHub has not told this run's jobs yet; try again.", severity="warning")
                return
            finally:
                ending()
            details, problem = feed.reading.value, feed.reading.problem
            if details is not None and self.run is not None and self.run.key == run.key:
                then(run, details)
            elif problem is not None:
                self.app.say(visible(problem.summary), severity="error")

        self.run_worker(wait(), name=name, group="run-details", exclusive=True, exit_on_error=False)

    # -- operations

    def action_operate(self, name: str) -> None:
        """Open the preview of a re-run or cancel."""
        run, operation = self._may(Operation(name)), Operation(name)
        if run is None:
            return
        chosen = self.jobs.selected
        job = chosen[0] if chosen is not None else None
        if operation is Operation.RERUN_JOB and job is None:
            self.app.say("No job is selected: Tab goes to the jobs.")
            return
        label = run_name(run) if operation is not Operation.RERUN_JOB or job is None else f"{job.name}, {run_name(run)}"
        github = self.session.github
        make = partial(github.preview, operation, run, job=job if operation is Operation.RERUN_JOB else None)
        self.app.push_screen(OperationDialog(github, operation, label, make))

    def action_review(self) -> None:
        """Choose the environments to approve or reject."""
        if self._may(Operation.APPROVE) is not None:
            self._with_details(self._open_review, "review")

    def _open_review(self, run: WorkflowRun, details: RunDetails) -> None:
        if not details.pending:
            name, state = visible(run_name(run)), details.run.state.value
            self.app.say(f"{name} waits for nobody's approval: it is {state}.")
            return
        self.app.push_screen(ReviewDialog(run, details.pending), partial(self._reviewed, run))

    def _reviewed(self, run: WorkflowRun, review: Review | None) -> None:
        if review is None:
            return
        github = self.session.github
        make = partial(
            github.preview, review.operation, run, environment_ids=review.environment_ids, comment=review.comment
        )
        self.app.push_screen(OperationDialog(github, review.operation, run_name(run), make))

    def action_dispatch(self) -> None:
        """Choose a workflow, and fill in its form."""
        if self.session.read_only:
            self.app.say(read_only_sentence(Operation.DISPATCH), severity="warning")
            return
        board = self.session.github.runs.reading.value
        workflows = board.workflows if board is not None else ()
        preferred = self.run.workflow_id if self.run is not None else None
        chooser = DispatchChooser(self.session.github.platform, workflows, preferred)
        self.app.push_screen(chooser, lambda found: None if found is None else self.app.propose_dispatch(found))

    def _may(self, operation: Operation) -> WorkflowRun | None:
        if self.session.read_only:
            self.app.say(read_only_sentence(operation), severity="warning")
            return None
        if self.run is None:
            self.app.say(_NOTHING_SELECTED)
        return self.run

    # -- its page

    def action_open(self) -> None:
        """Open the run's page."""
        if (run := self.run) is not None:
            self.app.say(open_page(self.app, run.html_url))
        else:
            self.app.say(_NOTHING_SELECTED)

    def action_copy_url(self) -> None:
        """Copy the run's address."""
        if (run := self.run) is not None:
            self.app.say(copy_address(self.app, run.html_url))
        else:
            self.app.say(_NOTHING_SELECTED)
