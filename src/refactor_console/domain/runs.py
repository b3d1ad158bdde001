"""Workflow runs, jobs and steps, as GitHub Actions reports them.

Statuses and conclusions that this console does not know (GitHub adds some now and then) become UNKNOWN; the word as it
came stays beside it in ``raw_state``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from refactor_console.domain.problem import Problem
from refactor_console.domain.repos import Repository


class RunState(StrEnum):
    """GitHub's ``status`` and ``conclusion`` folded into the one word that people use."""

    QUEUED = "queued"
    """Also ``requested`` and ``pending``: nothing runs yet."""
    WAITING = "waiting"
    """For a person's approval of an environment, or for its wait timer."""
    RUNNING = "running"
    SUCCESS = "success"
    FAILURE = "failure"
    """Also ``startup_failure``."""
    TIMED_OUT = "timed out"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    NEUTRAL = "neutral"
    ACTION_REQUIRED = "action required"
    STALE = "stale"
    UNKNOWN = "unknown"

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self not in (RunState.QUEUED, RunState.WAITING, RunState.RUNNING)

    @property
    def is_bad(self) -> bool:
        """Whether somebody should look."""
        return self in (RunState.FAILURE, RunState.TIMED_OUT, RunState.ACTION_REQUIRED, RunState.UNKNOWN)


_STATUS = {
    "queued": RunState.QUEUED,
    "requested": RunState.QUEUED,
    "pending": RunState.QUEUED,
    "waiting": RunState.WAITING,
    "in_progress": RunState.RUNNING,
}
_CONCLUSION = {
    "success": RunState.SUCCESS,
    "failure": RunState.FAILURE,
    "startup_failure": RunState.FAILURE,
    "timed_out": RunState.TIMED_OUT,
    "cancelled": RunState.CANCELLED,
    "skipped": RunState.SKIPPED,
    "neutral": RunState.NEUTRAL,
    "action_required": RunState.ACTION_REQUIRED,
    "stale": RunState.STALE,
}


def state_of(status: str | None, conclusion: str | None) -> RunState:
    """Fold GitHub's two words into one; what is not known is UNKNOWN, never a guess."""
    if status == "completed":
        return _CONCLUSION.get(conclusion or "", RunState.UNKNOWN)
    return _STATUS.get(status or "", RunState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Workflow:
    """One workflow of a repository."""

    repository: Repository
    id: int
    name: str
    path: str
    """Such as ``.github/workflows/deploy_to_do.yml``; a dynamic one's path is not a file."""
    state: str
    """``active``, ``disabled_manually``, ``disabled_inactivity`` ..."""
    html_url: str = ""


@dataclass(frozen=True, slots=True)
class WorkflowRun:
    """One run of a workflow (its newest attempt)."""

    repository: Repository
    id: int
    workflow_id: int
    workflow: str
    """The workflow's name."""
    number: int
    attempt: int
    title: str
    """What GitHub shows as the run's headline."""
    branch: str
    """Head branch or tag; empty when GitHub gives none."""
    sha: str
    event: str
    actor: str
    state: RunState
    raw_state: str
    """GitHub's own words, ``status`` or ``status/conclusion``."""
    created_at: datetime
    started_at: datetime | None
    """When this attempt began."""
    updated_at: datetime
    """When it last changed: for a run that is over, its end."""
    html_url: str
    path: str = ""
    """The workflow file's path."""
    pull_requests: tuple[int, ...] = ()

    @property
    def key(self) -> str:
        """Unique across repositories."""
        return f"{self.repository.full_name}#{self.id}"

    def duration(self, now: datetime) -> timedelta | None:
        """How long this attempt took, or has taken so far; None before it began."""
        if self.started_at is None or self.state is RunState.QUEUED:
            return None
        end = self.updated_at if self.state.is_over else now
        return max(end - self.started_at, timedelta(0))


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a job."""

    number: int
    name: str
    state: RunState
    raw_state: str
    started_at: datetime | None
    completed_at: datetime | None

    def duration(self, now: datetime) -> timedelta | None:
        """How long it took or has taken so far; None before it began."""
        if self.started_at is None:
            return None
        return max((self.completed_at or now) - self.started_at, timedelta(0))


@dataclass(frozen=True, slots=True)
class Job:
    """One job of a run's attempt."""

    id: int
    run_id: int
    name: str
    state: RunState
    raw_state: str
    started_at: datetime | None
    completed_at: datetime | None
    steps: tuple[Step, ...]
    runner: str
    html_url: str

    @property
    def failing_step(self) -> Step | None:
        """The first step that failed; None when none did."""
        return next((step for step in self.steps if step.state.is_bad), None)

    def duration(self, now: datetime) -> timedelta | None:
        """How long it took or has taken so far; None before it began."""
        if self.started_at is None or self.state is RunState.QUEUED:
            return None
        return max((self.completed_at or now) - self.started_at, timedelta(0))


@dataclass(frozen=True, slots=True)
class PendingEnvironment:
    """A deployment environment that a run waits for."""

    id: int
    name: str
    may_approve: bool
    """Whether the signed-in user is one of those who may."""
    reviewers: tuple[str, ...]
    """Logins and team slugs that may approve."""
    wait_minutes: int
    """The environment's wait timer."""


@dataclass(frozen=True, slots=True)
class RunDetails:
    """One run with its jobs."""

    run: WorkflowRun
    jobs: tuple[Job, ...]
    pending: tuple[PendingEnvironment, ...] = ()


@dataclass(frozen=True, slots=True)
class RunBoard:
    """The runs of every watched repository, newest first."""

    runs: tuple[WorkflowRun, ...]
    workflows: tuple[Workflow, ...]
    problems: tuple[tuple[Repository, Problem], ...] = ()
    """Repositories that could not be asked just now; their runs are those seen last."""
    complete: bool = True
    """False when there are older runs than those held."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a workflow's recent successful runs took."""

    runs: int
    """How many were looked at: at most 20."""
    median: timedelta
    shortest: timedelta
    longest: timedelta

    @property
    def rests_on_few(self) -> bool:
        """Whether too few were looked at to call a duration usual or long."""
        return self.runs < FEW_RUNS


PACE_RUNS = 20
FEW_RUNS = 3


def pace_of(runs: tuple[WorkflowRun, ...], run: WorkflowRun, *, limit: int = PACE_RUNS) -> Pace | None:
    """How long the last successful runs of the same workflow took, without `run` itself; None when there is none.

    Args:
        runs: newest first.
        run: the one to compare.
        limit: how many to look at.
    """
    spans: list[timedelta] = []
    for other in runs:
        same = (other.repository, other.workflow_id) == (run.repository, run.workflow_id)
        if other.attempt > 1:
            continue  # a later attempt may have run some of the jobs only
        if not same or other.id == run.id or other.state is not RunState.SUCCESS or other.created_at > run.created_at:
            continue
        span = other.duration(other.updated_at)
        if span is not None:
            spans.append(span)
        if len(spans) == limit:
            break
    if not spans:
        return None
    ordered = sorted(spans)
    middle = len(ordered) // 2
    median = ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
    return Pace(len(ordered), median, ordered[0], ordered[-1])
