"""The jobs and steps of a run as a tree with a cursor: what failed and what runs is unfolded by itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from refactor_console.domain.runs import Job, RunDetails, RunState, Step
from refactor_console.domain.text import visible
from refactor_console.widgets import present
from refactor_console.widgets.lazy_row import LazyRow
from refactor_console.widgets.present_runs import glyph_text, state_text, took
from refactor_console.widgets.table import Column, Table, TableRow

COLUMNS = (
    Column("name", "Job, step", 20, grow=4, limit=72),
    Column("state", "State", 9, grow=1, limit=17),
    Column("took", "Took", 7, right=True),
    Column("runner", "Runner", 8, grow=1, limit=20, rank=2),
)


class RunTree(Table):
    """Jobs with their steps. Enter on one (`Table.Selected`) is for its log."""

    BINDING_GROUP_TITLE = "Jobs"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "fold", "Fold", tooltip="Unfold or fold the job's steps", show=False, id="runs.fold"),
        Binding("left,h", "fold(True)", "Fold", show=False, id="runs.fold-job"),
        Binding("right", "fold(False)", "Unfold", show=False, id="runs.unfold-job"),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(*COLUMNS, id=id)
        self.details: RunDetails | None = None
        """What is shown; None while nothing is."""
        self._of: tuple[str, int] | None = None
        self._folded: dict[int, bool] = {}
        self._places: dict[str, tuple[Job, Step | None]] = {}

    def show_details(self, details: RunDetails | None, now: datetime) -> None:
        """Show a run's jobs; the cursor stays on its step, or begins at the first failure or what runs now."""
        self.details = details
        of = None if details is None else (details.run.key, details.run.attempt)
        news = of != self._of
        if news:
            self._of, self._folded = of, {}
        self._places = {}
        self.show(list(self._make_rows(details, now)) if details is not None else [])
        if news and (key := self._first_place()) is not None:
            self.move_to(key)

    @property
    def selected(self) -> tuple[Job, Step | None] | None:
        """The job, and step, under the cursor; None when there is none."""
        return self._places.get(self.cursor_key or "")

    def go_to_failure(self) -> bool:
        """Put the cursor on the first failing step (or job); False when nothing failed."""
        for job in self.details.jobs if self.details is not None else ():
            if job.state.is_bad:
                step = job.failing_step
                if step is not None and self._is_folded(job):
                    self._fold(job, folded=False)
                return self.move_to(_key(job, step))
        return False

    def action_fold(self, folded: bool | None = None) -> None:
        """Fold or unfold the job under the cursor."""
        if self.selected is None:
            return
        job, _ = self.selected
        self._fold(job, folded=not self._is_folded(job) if folded is None else folded)
        self.move_to(_key(job))

    def _fold(self, job: Job, *, folded: bool) -> None:
        self._folded[job.id] = folded
        self.show_details(self.details, self._now)

    def _is_folded(self, job: Job) -> bool:
        return self._folded.get(job.id, not (job.state.is_bad or job.state is RunState.RUNNING))

    def _first_place(self) -> str | None:
        """Where a person looks first: a failure, what runs, the first job."""
        jobs = self.details.jobs if self.details is not None else ()
        for wanted in (lambda state: state.is_bad, lambda state: state is RunState.RUNNING):
            for job in jobs:
                if wanted(job.state):
                    return _key(job, next((step for step in job.steps if wanted(step.state)), None))
        return _key(jobs[0]) if jobs else None

    def _make_rows(self, details: RunDetails, now: datetime) -> Iterator[TableRow]:
        self._now = now
        second = int(now.timestamp())
        for job in details.jobs:
            folded = self._is_folded(job)
            self._places[_key(job)] = (job, None)
            made_of = (job, folded, 0 if job.state.is_over else second)
            yield LazyRow(_key(job), made_of, partial(_job_cells, job, folded, now))
            for step in () if folded else job.steps:
                self._places[_key(job, step)] = (job, step)
                live = second if step.state is RunState.RUNNING else 0
                yield LazyRow(_key(job, step), (step, live), partial(_step_cells, step, now))


def _key(job: Job, step: Step | None = None) -> str:
    return f"{job.id}" if step is None else f"{job.id}/{step.number}"


def _job_cells(job: Job, folded: bool, now: datetime) -> dict[str, Content]:
    length = job.duration(now)
    sign = " " if not job.steps else "▸" if folded else "▾"
    return {
        "name": Content.assemble(f"{sign} ", glyph_text(job.state), (f" {visible(job.name)}", "bold")),
        "state": state_text(job.state, job.raw_state),
        "took": present.NOTHING if length is None else Content(took(length)),
        "runner": present.muted(job.runner),
    }


def _step_cells(step: Step, now: datetime) -> dict[str, Content]:
    length = step.duration(now)
    name = f" {step.number:>2} {visible(step.name)}"
    style = "$muted" if step.state in (RunState.QUEUED, RunState.SKIPPED) else "bold" if step.state.is_bad else ""
    return {
        "name": Content.assemble("   ", glyph_text(step.state), (name, style)),
        "state": present.muted("") if step.state is RunState.SUCCESS else state_text(step.state, step.raw_state),
        "took": Content("") if length is None or step.state is RunState.SKIPPED else Content(took(length)),
    }
