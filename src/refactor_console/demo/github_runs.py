"""Runs, attempts and jobs as plans: what state each is in follows from the clock alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from refactor_console.demo.clock import SECOND
from refactor_console.demo.github_workflows import JobKind, Workflow

FOREVER = 1 << 62
"""A moment that never comes (ns)."""


@dataclass(frozen=True, slots=True)
class StepState:
    """One step at a moment."""

    number: int
    name: str
    status: str
    conclusion: str | None
    started_ns: int | None
    completed_ns: int | None


@dataclass(frozen=True, slots=True)
class JobState:
    """One job at a moment."""

    plan: JobPlan
    status: str
    conclusion: str | None
    created_ns: int
    started_ns: int
    """As GitHub has it, the same as `created_ns` until the job starts."""
    completed_ns: int | None
    steps: tuple[StepState, ...] = ()

    @property
    def is_over(self) -> bool:
        """Whether nothing more happens."""
        return self.status == "completed"


@dataclass(frozen=True, slots=True)
class JobPlan:
    """How one job goes if nobody interferes."""

    id: int
    kind: JobKind
    attempt: int
    queue_ns: int
    """Time until a runner takes it."""
    steps_ns: tuple[int, ...]
    """How long each step takes."""
    fails_at: int | None = None
    """Index of the step that fails."""
    kept: JobState | None = None
    """From an earlier attempt that is not repeated."""


@dataclass
class Attempt:
    """One attempt of a run."""

    number: int
    created_ns: int
    actor: str
    jobs: tuple[JobPlan, ...]
    approved_ns: int | None = None
    approved_by: str = ""
    comment: str = ""
    rejected: bool = False
    """`approved_ns` is then the moment of the rejection."""
    cancelled_ns: int | None = None

    def states(self, now: int) -> list[JobState]:
        """The jobs that exist at a moment: those that others hold back come later."""
        done: dict[str, JobState] = {}
        for plan in self.jobs:
            if any(name not in done or not done[name].is_over for name in plan.kind.needs):
                continue
            ready = max([self.created_ns, *(done[name].completed_ns or 0 for name in plan.kind.needs)])
            late = self.cancelled_ns is not None and ready >= self.cancelled_ns and bool(plan.kind.needs)
            if late or any(done[name].conclusion != "success" for name in plan.kind.needs):
                done[plan.kind.key] = _unstarted(plan, ready, "skipped")
            else:
                done[plan.kind.key] = plan.kept or self._state(plan, ready, now)
        return list(done.values())

    def _state(self, plan: JobPlan, ready: int, now: int) -> JobState:
        begin = ready
        if plan.kind.environment == "production":
            begin = FOREVER if self.approved_ns is None else max(ready, self.approved_ns)
            if self.rejected and self.approved_ns is not None and self.approved_ns <= now:
                return _unstarted(plan, self.approved_ns, "failure")
        stop = FOREVER if self.cancelled_ns is None else self.cancelled_ns
        start = begin + plan.queue_ns if begin < FOREVER else FOREVER
        if stop <= min(start, now):
            return _unstarted(plan, stop, "cancelled")
        if start > now:
            return JobState(plan, "waiting" if begin > now else "queued", None, ready, ready, None)
        return _running(plan, ready, start, min(stop, FOREVER), now)


def _unstarted(plan: JobPlan, at: int, conclusion: str) -> JobState:
    return JobState(plan, "completed", conclusion, at, at, at)


def _running(plan: JobPlan, ready: int, start: int, stop: int, now: int) -> JobState:
    steps: list[StepState] = []
    at, failed, cut = start, False, False
    for index, (kind, length) in enumerate(zip(plan.kind.steps, plan.steps_ns, strict=True)):
        last = index == len(plan.kind.steps) - 1
        skipped = not last and (failed or cut or (length == 0 and kind.seconds == 0))
        begin, at = at, at if skipped else at + length
        if not skipped and begin <= stop < at:
            at, cut = stop, True
        if begin > now:
            steps.append(StepState(index + 1, kind.name, "queued", None, None, None))
        elif at > now:
            steps.append(StepState(index + 1, kind.name, "in_progress", None, begin, None))
        else:
            fails = index == plan.fails_at
            verdict = "skipped" if skipped else "cancelled" if at == stop else "failure" if fails else "success"
            failed = failed or fails
            steps.append(StepState(index + 1, kind.name, "completed", verdict, begin, at))
    if at > now:
        return JobState(plan, "in_progress", None, ready, start, None, tuple(steps))
    conclusion = "cancelled" if cut else "failure" if failed else "success"
    return JobState(plan, "completed", conclusion, ready, start, at, tuple(steps))


@dataclass
class Run:
    """One run."""

    id: int
    role: str
    workflow: Workflow
    number: int
    event: str
    branch: str
    sha: str
    title: str
    actor: str
    attempts: list[Attempt]
    pull_request: int | None = None
    forced: tuple[str, str | None, int] | None = None
    """Status, conclusion and moment that a test has put on it."""
    _over: dict[int, RunState] = field(default_factory=dict)

    @property
    def created_ns(self) -> int:
        """When it was made."""
        return self.attempts[0].created_ns

    def state(self, now: int, number: int | None = None) -> RunState:
        """How an attempt (the newest unless told) stands at a moment."""
        attempt = self.attempts[-1] if number is None else self.attempts[number - 1]
        kept = self._over.get(attempt.number)
        if kept is None:
            kept = state_of(attempt, now)
            if kept.status == "completed":
                self._over[attempt.number] = kept
        if self.forced is not None and attempt is self.attempts[-1]:
            status, conclusion, at = self.forced
            return replace(kept, status=status, conclusion=conclusion, updated_ns=max(at, kept.updated_ns))
        return kept

    def begin_again(self, attempt: Attempt) -> None:
        """Start another attempt."""
        self.attempts.append(attempt)
        self.forced = None

    def forget(self) -> None:
        """Something interfered with the newest attempt: work out its state anew."""
        self._over.pop(self.attempts[-1].number, None)


@dataclass(frozen=True, slots=True)
class RunState:
    """An attempt at a moment."""

    attempt: Attempt
    status: str
    conclusion: str | None
    updated_ns: int
    jobs: tuple[JobState, ...]


def state_of(attempt: Attempt, now: int) -> RunState:
    """What GitHub makes of the jobs."""
    jobs = attempt.states(now)
    moments = [attempt.created_ns, attempt.approved_ns or 0, *(m for job in jobs for m in _moments(job))]
    updated = max(moment for moment in moments if moment <= now) if min(moments) <= now else attempt.created_ns
    if len(jobs) == len(attempt.jobs) and all(job.is_over for job in jobs):
        return RunState(attempt, "completed", _conclusion(jobs), updated, tuple(jobs))
    if any(job.status == "waiting" for job in jobs):
        status = "waiting"
    elif any(job.status == "in_progress" or job.is_over for job in jobs):
        status = "in_progress"
    else:
        status = "queued"
    return RunState(attempt, status, None, updated, tuple(jobs))


def _moments(job: JobState) -> tuple[int, ...]:
    return (job.created_ns, job.started_ns, job.completed_ns or 0)


def _conclusion(jobs: Sequence[JobState]) -> str:
    found = {job.conclusion for job in jobs}
    for worst in ("cancelled", "failure", "success"):
        if worst in found:
            return worst
    return "skipped"


def seconds(value: float) -> int:
    """As nanoseconds."""
    return round(value * SECOND)
