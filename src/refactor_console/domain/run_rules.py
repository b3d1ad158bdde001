"""What may be done to a workflow run in its present state, what follows from it, and how it is confirmed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from refactor_console.domain.actions import ConfirmBy
from refactor_console.domain.environment import Environment
from refactor_console.domain.operations import Operation
from refactor_console.domain.problem import Problem
from refactor_console.domain.repos import Platform, Repository
from refactor_console.domain.runs import Job, PendingEnvironment, RunState, WorkflowRun

RERUN_DAYS = 30
"""GitHub runs again what is no older."""
RERUNS = (Operation.RERUN, Operation.RERUN_FAILED, Operation.RERUN_JOB)
REVIEWS = (Operation.APPROVE, Operation.REJECT)
_PAST = {
    Operation.RERUN: "run again",
    Operation.RERUN_FAILED: "run again",
    Operation.RERUN_JOB: "run again",
    Operation.CANCEL: "cancelled",
    Operation.APPROVE: "approved",
    Operation.REJECT: "rejected",
    Operation.DISPATCH: "dispatched",
}


def past(operation: Operation) -> str:
    """The participle: what cannot, or will, be done."""
    return _PAST[operation]


def is_deploy(platform: Platform, repository: Repository, path: str) -> bool:
    """Whether a workflow file is one that deploys; a run's path may carry the ref behind an ``@``.

    Another watched repository's file of the same name counts as well: the frontend's dispatches the backend's.
    """
    watched = repository in (platform.deploys_from, *platform.repositories)
    return watched and path.partition("@")[0] == platform.deploy_workflow


def is_over(run: WorkflowRun) -> bool:
    """Whether nothing more will happen by itself; a status that nobody knows yet is not taken for an end."""
    if run.state is RunState.UNKNOWN:
        return run.raw_state.partition("/")[0] == "completed"
    return run.state.is_over


def failed_jobs(jobs: Iterable[Job]) -> tuple[Job, ...]:
    """Those that "re-run failed jobs" would run again."""
    return tuple(job for job in jobs if job.state.is_bad or job.state is RunState.CANCELLED)


def why_not(
    operation: Operation, run: WorkflowRun, *, jobs: Sequence[Job] = (), job: Job | None = None, now: datetime
) -> Problem | None:
    """Why an operation does not fit a run as it is now; None when it does.

    Args:
        operation: not a dispatch.
        run: freshly looked at.
        jobs: its jobs, for those operations that ask for failed ones or one of them.
        job: the one to run again.
        now: GitHub's clock.
    """
    label = f"Run {run.number} of {run.workflow}"
    if operation is Operation.CANCEL:
        return _wrong(f"{label} cannot be cancelled: it is over ({run.state.value}).") if is_over(run) else None
    if operation in REVIEWS:
        if run.state is not RunState.WAITING:
            return _wrong(f"{label} waits for nobody's approval: it is {run.state.value}.")
        return None
    if not is_over(run):
        state = run.raw_state if run.state is RunState.UNKNOWN else run.state.value
        return _wrong(f"{label} cannot be run again now: it is {state}.", "Wait for its end, or cancel it.")
    if now - run.created_at > timedelta(days=RERUN_DAYS):
        return _wrong(f"{label} is older than {RERUN_DAYS} days: GitHub does not run it again.", "Dispatch a new one.")
    if operation is Operation.RERUN_FAILED and not failed_jobs(jobs):
        return _wrong(f"{label} has no failed job.", "Run all of them again, if that is meant.")
    if operation is Operation.RERUN_JOB and (job is None or all(other.id != job.id for other in jobs)):
        return _wrong(f"{label} does not have that job in its newest attempt.", "Choose one of its present jobs.")
    return None


def why_not_reviewed(wanted: Sequence[int], pending: Sequence[PendingEnvironment], run: WorkflowRun) -> Problem | None:
    """Why environments cannot be approved or rejected by who is signed in; None when they can."""
    known = {entry.id: entry for entry in pending}
    if not wanted or any(number not in known for number in wanted):
        return _wrong(f"Run {run.number} of {run.workflow} does not wait for that environment (any more).")
    for number in wanted:
        entry = known[number]
        if not entry.may_approve:
            who = ", ".join(entry.reviewers) or "its reviewers"
            return Problem(
                f"The environment {entry.name} is approved by others ({who}), not by who is signed in here.",
                "Ask one of them.",
                code="not-permitted",
            )
    return None


def changed(operation: Operation, before: WorkflowRun, now: WorkflowRun) -> bool:
    """Whether a run is not what was shown: a new attempt, or another state.

    A queued run that begins to run may still be cancelled by the same preview.
    """
    if before.attempt != now.attempt:
        return True
    if operation is Operation.CANCEL and before.state is RunState.QUEUED and now.state is RunState.RUNNING:
        return False
    return before.raw_state != now.raw_state


def confirmation(
    operation: Operation,
    environment: Environment,
    *,
    github_environment: str,
    deploys_to: str = "",
    approves: Sequence[str] = (),
    state: RunState | None = None,
) -> tuple[ConfirmBy, str]:
    """How a person confirms, and the word to type.

    What deploys is always confirmed by typing, whichever environment the console looks at: the workflow does not know.

    Args:
        operation: what would be done.
        environment: what the console looks at.
        github_environment: GitHub's environment that the deploy workflow deploys to.
        deploys_to: the same, when the workflow is the one that deploys; else empty.
        approves: GitHub's environments that would be approved.
        state: the run's.
    """
    if operation is Operation.APPROVE:
        # GitHub takes "Production" and "production" for one environment.
        same = [name for name in approves if name.casefold() == github_environment.casefold()]
        if environment.protected or deploys_to or same:
            return ConfirmBy.TYPING, (*same, *approves, deploys_to or environment.name)[0]
    if operation is Operation.CANCEL and deploys_to and environment.protected and state is RunState.RUNNING:
        return ConfirmBy.TYPING, deploys_to  # it may leave the service stopped
    if deploys_to and operation in (*RERUNS, Operation.DISPATCH):
        return ConfirmBy.TYPING, deploys_to
    return ConfirmBy.BUTTON, ""


def title(operation: Operation, run: WorkflowRun, names: Sequence[str]) -> str:
    """The operation in a few words, for a dialog; not a dispatch.

    Args:
        operation: what would be done.
        run: to which run.
        names: of the environments that are reviewed, or of the job that is run again.
    """
    label = f"run {run.number} of {run.workflow}"
    match operation:
        case Operation.RERUN:
            return f"Re-run all jobs of {label}"
        case Operation.RERUN_FAILED:
            return f"Re-run the failed jobs of {label}"
        case Operation.RERUN_JOB:
            return f"Re-run {', '.join(names)} of {label}"
        case Operation.CANCEL:
            return f"Cancel {label}"
        case Operation.APPROVE:
            return f"Approve {', '.join(names)} for {label}"
        case _:
            return f"Reject {', '.join(names)} for {label}"


# -- what follows

_DEPLOYS = (
    "It deploys to {where}: the service is stopped before images are pulled, so it is down for as long as that takes.",
    "It deploys what the moving tags point to when it runs, with the compose and nginx files of the branch's head.",
    "It can end green over an application that does not answer: look at the containers afterwards.",
)


def consequences(
    operation: Operation,
    run: WorkflowRun | None,
    *,
    jobs: Sequence[Job] = (),
    deploys_to: str = "",
    names: Sequence[str] = (),
    under_way: Sequence[WorkflowRun] = (),
) -> tuple[str, ...]:
    """What will happen, one sentence each.

    Args:
        operation: what would be done.
        run: to which run; None for a dispatch.
        jobs: the run's jobs.
        deploys_to: GitHub's environment, when it is the workflow that deploys.
        names: of the environments that are reviewed, or of the job that is run again.
        under_way: other runs of the same workflow that are not over.
    """
    told: list[str] = []
    match operation:
        case Operation.RERUN:
            told.append("Every job runs again, as a new attempt of this run, with the same commit.")
        case Operation.RERUN_FAILED:
            failed = ", ".join(job.name for job in failed_jobs(jobs))
            told.append(f"These jobs run again, and those that need them: {failed}.")
        case Operation.RERUN_JOB:
            told.append(f"The job {', '.join(names)} runs again, and those that need it.")
        case Operation.CANCEL:
            told.append("Jobs that run are stopped where they are; steps marked to run always still do.")
            if deploys_to and run is not None and run.state is RunState.RUNNING:
                told.append(f"A deploy to {deploys_to} that is stopped half-way may leave the service stopped.")
        case Operation.APPROVE:
            told.append(f"The jobs that wait for {', '.join(names)} begin at once.")
        case Operation.REJECT:
            told.append(f"The jobs that wait for {', '.join(names)} never run: the run fails.")
        case Operation.DISPATCH:
            told.append("A new run begins on that branch or tag, in the name of who is signed in.")
    if deploys_to and operation not in (Operation.CANCEL, Operation.REJECT):
        told += [sentence.format(where=deploys_to) for sentence in _DEPLOYS]
        told += [
            f"Run {other.number} by {other.actor} is {other.state.value}: nothing keeps two deploys from meeting."
            for other in under_way
        ]
    return tuple(told)


def _wrong(summary: str, remedy: str = "Choose what fits its present state.") -> Problem:
    return Problem(summary, remedy, code="wrong-state")
