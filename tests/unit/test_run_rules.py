"""What may be done to a run as it is now, what follows, how it is confirmed: every state by every operation."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from refactor_console.domain import run_rules
from refactor_console.domain.actions import ConfirmBy
from refactor_console.domain.environment import Environment, SshTarget
from refactor_console.domain.operations import Operation
from refactor_console.domain.repos import Platform, Repository
from refactor_console.domain.runs import Job, PendingEnvironment, RunState, WorkflowRun

PLATFORM = Platform()
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
PRODUCTION = Environment("production", SshTarget("droplet"))
STAGING = Environment("staging", SshTarget("droplet"), protected=False)
OVER = [state for state in RunState if state.is_over and state is not RunState.UNKNOWN]
UNDER_WAY = [state for state in RunState if not state.is_over]


def run(state: RunState = RunState.FAILURE, **changes: object) -> WorkflowRun:
    raw = f"completed/{state.value}" if state in OVER else state.value
    made = WorkflowRun(
        repository=PLATFORM.backend,
        id=7,
        workflow_id=1,
        workflow="Build",
        number=12,
        attempt=1,
        title="fix: one",
        branch="main",
        sha="a" * 40,
        event="push",
        actor="alex",
        state=state,
        raw_state=raw,
        created_at=NOW - timedelta(hours=1),
        started_at=NOW - timedelta(hours=1),
        updated_at=NOW,
        html_url="",
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def job(number: int, state: RunState, name: str = "") -> Job:
    return Job(number, 7, name or f"job {number}", state, state.value, None, None, (), "", "")


def why(operation: Operation, shown: WorkflowRun, *jobs: Job, job: Job | None = None) -> str:
    problem = run_rules.why_not(operation, shown, jobs=jobs, job=job, now=NOW)
    return "" if problem is None else problem.summary


@pytest.mark.parametrize("state", OVER)
def test_a_run_that_is_over_can_be_run_again_and_not_cancelled_or_reviewed(state: RunState) -> None:
    assert why(Operation.RERUN, run(state)) == ""
    assert state.value in why(Operation.CANCEL, run(state))
    assert state.value in why(Operation.APPROVE, run(state))
    assert state.value in why(Operation.REJECT, run(state))


@pytest.mark.parametrize("state", UNDER_WAY)
def test_a_run_under_way_can_be_cancelled_and_not_run_again(state: RunState) -> None:
    assert why(Operation.CANCEL, run(state)) == ""
    for operation in run_rules.RERUNS:
        assert state.value in why(operation, run(state))
    waits = state is RunState.WAITING
    assert (why(Operation.APPROVE, run(state)) == "") is waits
    assert (why(Operation.REJECT, run(state)) == "") is waits


@pytest.mark.parametrize(("raw", "over"), [("warming_up", False), ("completed/sort_of", True), ("", False)])
def test_a_state_that_nobody_knows_is_an_end_only_where_github_says_completed(raw: str, over: bool) -> None:
    shown = run(RunState.UNKNOWN, raw_state=raw)
    assert run_rules.is_over(shown) is over
    assert (why(Operation.CANCEL, shown) == "") is not over
    assert (why(Operation.RERUN, shown) == "") is over


def test_what_is_older_than_github_remembers_is_not_run_again_by_githubs_clock() -> None:
    edge = run(created_at=NOW - timedelta(days=30))
    assert why(Operation.RERUN, edge) == ""
    assert "30 days" in why(Operation.RERUN, replace(edge, created_at=edge.created_at - timedelta(seconds=1)))


def test_failed_jobs_are_those_that_failed_timed_out_or_were_cancelled() -> None:
    good, bad = job(1, RunState.SUCCESS), job(2, RunState.FAILURE)
    assert "no failed job" in why(Operation.RERUN_FAILED, run(), good, job(3, RunState.SKIPPED))
    for other in (bad, job(4, RunState.CANCELLED), job(5, RunState.TIMED_OUT)):
        assert why(Operation.RERUN_FAILED, run(), good, other) == ""


def test_a_job_of_an_earlier_attempt_is_not_run_again() -> None:
    mine, other = job(1, RunState.FAILURE), job(2, RunState.FAILURE)
    assert why(Operation.RERUN_JOB, run(), mine, job=mine) == ""
    assert "newest attempt" in why(Operation.RERUN_JOB, run(), other, job=mine)
    assert "newest attempt" in why(Operation.RERUN_JOB, run(), other)


def test_an_environment_is_reviewed_by_those_who_may_and_only_while_the_run_waits_for_it() -> None:
    production = PendingEnvironment(1, "production", True, ("rita", "ops"), 0)
    others = replace(production, id=2, name="staging", may_approve=False)
    shown = run(RunState.WAITING)
    assert run_rules.why_not_reviewed([1], [production, others], shown) is None
    for wanted in ([], [3], [1, 3]):
        problem = run_rules.why_not_reviewed(wanted, [production], shown)
        assert problem is not None
        assert "does not wait" in problem.summary
    problem = run_rules.why_not_reviewed([1, 2], [production, others], shown)
    assert problem is not None
    assert (problem.code, "rita, ops" in problem.summary) == ("not-permitted", True)


@pytest.mark.parametrize(
    ("operation", "now", "changed"),
    [
        (Operation.CANCEL, run(RunState.RUNNING), False),
        (Operation.CANCEL, run(RunState.SUCCESS), True),
        (Operation.CANCEL, run(RunState.WAITING), True),
        (Operation.CANCEL, run(RunState.RUNNING, attempt=2), True),
        (Operation.RERUN, run(RunState.RUNNING), True),
        (Operation.RERUN, run(RunState.QUEUED), False),
    ],
)
def test_what_counts_as_changed_since_it_was_shown(operation: Operation, now: WorkflowRun, changed: bool) -> None:
    assert run_rules.changed(operation, run(RunState.QUEUED), now) is changed


def test_a_deploy_is_told_by_its_file_in_any_watched_repository_with_or_without_its_ref() -> None:
    path = PLATFORM.deploy_workflow
    elsewhere = Repository("refactor-group", "infrastructure")
    assert run_rules.is_deploy(PLATFORM, PLATFORM.backend, path)
    assert run_rules.is_deploy(PLATFORM, PLATFORM.backend, f"{path}@refs/heads/main")
    assert run_rules.is_deploy(PLATFORM, PLATFORM.frontend, path)
    assert not run_rules.is_deploy(PLATFORM, elsewhere, path)
    assert run_rules.is_deploy(replace(PLATFORM, deploy_repository=elsewhere), elsewhere, path)
    assert not run_rules.is_deploy(PLATFORM, PLATFORM.backend, ".github/workflows/build-test-push.yml")


def confirmation(operation: Operation, environment: Environment, **more: Any) -> tuple[ConfirmBy, str]:
    return run_rules.confirmation(operation, environment, github_environment="production", **more)


@pytest.mark.parametrize("environment", [PRODUCTION, STAGING])
@pytest.mark.parametrize("operation", [*run_rules.RERUNS, Operation.DISPATCH])
def test_whatever_deploys_is_confirmed_by_typing(operation: Operation, environment: Environment) -> None:
    assert confirmation(operation, environment, deploys_to="production") == (ConfirmBy.TYPING, "production")
    assert confirmation(operation, environment) == (ConfirmBy.BUTTON, "")


@pytest.mark.parametrize(
    ("environment", "deploys_to", "approves", "word"),
    [
        (PRODUCTION, "", ["preview"], "preview"),
        (PRODUCTION, "", ["production"], "production"),
        (STAGING, "production", ["production"], "production"),
        (STAGING, "production", ["prod-approval"], "prod-approval"),
        (STAGING, "production", ["preview", "production"], "production"),
        (STAGING, "production", ["preview", "Production"], "Production"),
        (STAGING, "", ["production"], "production"),
        (STAGING, "", ["preview", "PRODUCTION"], "PRODUCTION"),
    ],
)
def test_an_approval_is_typed_where_the_console_is_protected_or_anything_deploys(
    environment: Environment, deploys_to: str, approves: list[str], word: str
) -> None:
    kept = confirmation(Operation.APPROVE, environment, deploys_to=deploys_to, approves=approves)
    assert kept == (ConfirmBy.TYPING, word)


def test_an_approval_of_what_deploys_nothing_takes_a_button() -> None:
    assert confirmation(Operation.APPROVE, STAGING, approves=["preview"]) == (ConfirmBy.BUTTON, "")


def test_what_stops_something_is_done_quickly_unless_it_may_leave_the_service_stopped() -> None:
    running, waiting = RunState.RUNNING, RunState.WAITING
    deploy = {"deploys_to": "production"}
    assert confirmation(Operation.CANCEL, PRODUCTION, state=running, **deploy) == (ConfirmBy.TYPING, "production")
    for kept in (
        confirmation(Operation.CANCEL, PRODUCTION, state=waiting, **deploy),
        confirmation(Operation.CANCEL, PRODUCTION, state=running),
        confirmation(Operation.CANCEL, STAGING, state=running, **deploy),
        confirmation(Operation.REJECT, PRODUCTION, approves=["production"], state=waiting, **deploy),
    ):
        assert kept == (ConfirmBy.BUTTON, "")


@pytest.mark.parametrize("operation", list(Operation))
def test_every_operation_says_what_follows_in_whole_sentences(operation: Operation) -> None:
    told = run_rules.consequences(
        operation,
        run(RunState.RUNNING),
        jobs=[job(1, RunState.FAILURE, "Lint")],
        deploys_to="production",
        names=["production"],
        under_way=[run(RunState.WAITING, number=99)],
    )
    assert told
    assert all(sentence.endswith(".") and sentence[0].isupper() for sentence in told)
    stops = operation in (Operation.CANCEL, Operation.REJECT)
    assert any("service is stopped before images are pulled" in sentence for sentence in told) is not stops
    assert any("Run 99" in sentence for sentence in told) is not stops
    assert run_rules.past(operation)


def test_cancelling_a_deploy_half_way_says_what_it_may_leave_behind() -> None:
    told = run_rules.consequences(Operation.CANCEL, run(RunState.RUNNING), deploys_to="production")
    assert any("may leave the service stopped" in sentence for sentence in told)
    told = run_rules.consequences(Operation.CANCEL, run(RunState.WAITING), deploys_to="production")
    assert not any("may leave" in sentence for sentence in told)
