"""Mutations on GitHub: only what was previewed, once, as confirmed, never in read-only mode, never without a record."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from refactor_console.demo.github_access import LOGIN
from refactor_console.demo.github_faults import Fault
from refactor_console.demo.github_wire import Grant
from refactor_console.domain.actions import ConfirmBy
from refactor_console.domain.operations import Operation
from refactor_console.domain.runs import RunState
from refactor_console.services.operations import MOST_PREVIEWS, OperationRefused
from tests.services.github_scene import BACK, DEPLOY, ENVIRONMENT, PLATFORM, Wire, seen, wired
from tests.services.operations_desk import (
    HOUR,
    Desk,
    deploy_form,
    failed_run,
    job_named,
    pass_by,
    refusal,
    running,
    waiting,
)
from tests.waiting import until


@pytest_asyncio.fixture
async def wire() -> AsyncIterator[Wire]:
    async with wired() as made:
        made.server.platform.history.active = False
        yield made


@pytest_asyncio.fixture
async def desk(wire: Wire, tmp_path: Path) -> AsyncIterator[Desk]:
    made = Desk(wire, tmp_path / "audit.jsonl")
    yield made
    await made.close()


# -- previews


async def test_no_preview_of_whatever_operation_changes_anything(desk: Desk, wire: Wire) -> None:
    failed, under_way, approval = await failed_run(wire), await running(wire), await waiting(wire)
    job = await job_named(desk, failed, "Lint & Format")
    previews = [
        await desk.operations.preview(Operation.RERUN, failed),
        await desk.operations.preview(Operation.RERUN_FAILED, failed),
        await desk.operations.preview(Operation.RERUN_JOB, failed, job=job),
        await desk.operations.preview(Operation.CANCEL, under_way),
        await desk.operations.preview(Operation.APPROVE, approval, comment="go"),
        await desk.operations.preview(Operation.REJECT, approval),
        await desk.operations.preview_dispatch(deploy_form(), "main", {"enable_ssh_debugging": "true"}),
    ]
    assert wire.mutations == []
    assert desk.records == []
    assert all(preview.consequences and preview.equivalent.startswith(("gh ", "printf ")) for preview in previews)
    assert len({str(preview.request) for preview in previews}) == len(previews)


@pytest.mark.parametrize("operation", [Operation.RERUN, Operation.RERUN_FAILED, Operation.RERUN_JOB])
async def test_exactly_what_was_previewed_is_sent_once_and_a_new_attempt_begins(
    desk: Desk, wire: Wire, operation: Operation
) -> None:
    run = await failed_run(wire)
    job = await job_named(desk, run, "Lint & Format") if operation is Operation.RERUN_JOB else None
    preview = await desk.operations.preview(operation, run, job=job)
    outcome = await desk.operations.perform(preview, "")
    assert wire.mutations == list(preview.requests)
    assert outcome.succeeded
    assert "run again" in outcome.sentence
    again = await seen(wire, run.id)
    assert again.attempt == 2
    assert not again.state.is_over
    assert desk.saw[-1].attempt == 2, "the list of runs hears of it at once"


async def test_re_running_the_failed_jobs_leaves_the_good_ones_alone(desk: Desk, wire: Wire) -> None:
    run = await failed_run(wire)
    before = {job.name: job.id for job in await desk.github.jobs(BACK, run.id)}
    preview = await desk.operations.preview(Operation.RERUN_FAILED, run)
    assert any("Build & Test" in sentence and "Lint" not in sentence for sentence in preview.consequences)
    await desk.operations.perform(preview, "")
    after = {job.name: job.id for job in await desk.github.jobs(BACK, run.id)}
    assert after["Lint & Format"] == before["Lint & Format"]
    assert after["Build & Test"] != before["Build & Test"]


async def test_a_run_under_way_is_cancelled(desk: Desk, wire: Wire) -> None:
    run = await running(wire)
    preview = await desk.operations.preview(Operation.CANCEL, run)
    await desk.operations.perform(preview, "")
    assert wire.mutations == [f"POST /repos/{BACK}/actions/runs/{run.id}/cancel"]
    assert (await seen(wire, run.id)).state is RunState.CANCELLED


async def test_a_queued_run_that_begins_meanwhile_is_still_cancelled_by_the_same_preview(
    desk: Desk, wire: Wire
) -> None:
    run = await seen(wire, await wire.start_run())
    assert run.state is RunState.QUEUED
    preview = await desk.operations.preview(Operation.CANCEL, run)
    pass_by(wire, 30)
    await desk.operations.perform(preview, "")
    assert (await seen(wire, run.id)).state is RunState.CANCELLED


async def test_a_waiting_environment_is_approved_with_the_comment_that_was_shown(desk: Desk, wire: Wire) -> None:
    run = await waiting(wire)
    preview = await desk.operations.preview(Operation.APPROVE, run, comment="ticket 7")
    assert (preview.confirm_by, preview.confirm_word) == (ConfirmBy.TYPING, "production")
    assert '"comment": "ticket 7"' in str(preview.request)
    await desk.operations.perform(preview, "production")
    assert wire.mutations == list(preview.requests)
    attempt = wire.run(run.id).attempts[-1]
    assert (attempt.approved_by, attempt.comment, attempt.rejected) == (LOGIN, "ticket 7", False)


async def test_a_waiting_environment_is_rejected_and_the_run_fails(desk: Desk, wire: Wire) -> None:
    run = await waiting(wire)
    preview = await desk.operations.preview(Operation.REJECT, run, comment="not on a Friday")
    await desk.operations.perform(preview, preview.confirm_word)
    assert wire.run(run.id).attempts[-1].rejected
    assert (await seen(wire, run.id)).state is RunState.FAILURE


async def test_who_may_not_approve_is_told_who_may(wire: Wire, tmp_path: Path) -> None:
    wire.server.access.admit(Grant("bianca-token", "bianca", ("repo",), may_write=True))
    desk = Desk(wire, tmp_path / "audit.jsonl", token="bianca-token", login="bianca")
    error = await refusal(desk.operations.preview(Operation.APPROVE, await waiting(wire)))
    assert error.problem.code == "not-permitted"
    assert "release-rita" in error.problem.summary
    await desk.close()


@pytest.mark.parametrize("operation", [Operation.RERUN, Operation.RERUN_FAILED, Operation.APPROVE, Operation.REJECT])
async def test_what_does_not_fit_a_running_run_is_refused_with_its_state(
    desk: Desk, wire: Wire, operation: Operation
) -> None:
    error = await refusal(desk.operations.preview(operation, await running(wire)))
    assert error.problem.code == "wrong-state"
    assert "running" in error.problem.summary


async def test_a_run_that_is_over_is_not_cancelled(desk: Desk, wire: Wire) -> None:
    error = await refusal(desk.operations.preview(Operation.CANCEL, await failed_run(wire)))
    assert "it is over (failure)" in error.problem.summary


async def test_a_run_older_than_github_remembers_is_not_run_again(desk: Desk, wire: Wire) -> None:
    run = await failed_run(wire)
    pass_by(wire, 31 * 86_400)
    assert "30 days" in (await refusal(desk.operations.preview(Operation.RERUN, run))).problem.summary


async def test_deploys_are_confirmed_by_typing_even_where_the_console_looks_at_something_unprotected(
    wire: Wire, tmp_path: Path
) -> None:
    desk = Desk(wire, tmp_path / "audit.jsonl", environment=replace(ENVIRONMENT, name="staging", protected=False))
    run = await failed_run(wire, DEPLOY)
    for preview in (
        await desk.operations.preview(Operation.RERUN, run),
        await desk.operations.preview(Operation.APPROVE, await waiting(wire)),
        await desk.operations.preview_dispatch(deploy_form(), "main", {}),
    ):
        assert (preview.confirm_by, preview.confirm_word) == (ConfirmBy.TYPING, "production")
        assert any("production" in sentence for sentence in preview.consequences)
    await desk.close()


async def test_re_running_the_frontend_s_deploy_is_a_deploy_too(desk: Desk, wire: Wire) -> None:
    """Its workflow dispatches the backend's: no button may do that."""
    number = await wire.start_run(DEPLOY, repo="frontend", event="workflow_dispatch")
    wire.server.platform.book.review(wire.run(number, "frontend"), "release-rita", "", approve=True)
    pass_by(wire, HOUR)
    run = await desk.github.run(PLATFORM.frontend, number)
    preview = await desk.operations.preview(Operation.RERUN, run)
    assert (preview.confirm_by, preview.confirm_word) == (ConfirmBy.TYPING, "production")


async def test_a_deploy_says_which_other_deploy_is_under_way(desk: Desk, wire: Wire) -> None:
    other = await waiting(wire)
    desk.known = (other, await running(wire))
    preview = await desk.operations.preview_dispatch(deploy_form(), "main", {})
    (sentence,) = [text for text in preview.consequences if "nothing keeps two deploys" in text]
    assert f"Run {other.number} by release-rita" in sentence


# -- refusals


async def test_in_read_only_mode_no_mutation_leaves_the_process(desk: Desk, wire: Wire, tmp_path: Path) -> None:
    """The service refuses, and past the service so does the client."""
    run = await failed_run(wire)
    preview = await desk.operations.preview(Operation.RERUN, run)
    reader = Desk(wire, tmp_path / "read-only.jsonl", read_only=True, client_read_only=True)
    for work in (
        reader.operations.preview(Operation.RERUN, run),
        reader.operations.preview_dispatch(deploy_form(), "main", {}),
        reader.operations.perform(preview, ""),
        reader.github.send(preview.request),
    ):
        assert (await refusal(work)).problem.code == "read-only"
    assert wire.mutations == []
    assert reader.stages == ["refused"]
    await reader.close()


async def test_the_client_alone_refuses_when_the_service_does_not(wire: Wire, tmp_path: Path) -> None:
    desk = Desk(wire, tmp_path / "audit.jsonl", client_read_only=True)
    preview = await desk.operations.preview(Operation.RERUN, await failed_run(wire))
    assert (await refusal(desk.operations.perform(preview, ""))).problem.code == "read-only"
    assert wire.mutations == []
    assert desk.stages == ["intent", "result"]
    assert "failed" in desk.records[-1]["outcome"]
    await desk.close()


@pytest.mark.parametrize("typed", ["", "Production", "production ", "staging"])
async def test_a_wrong_word_is_refused_recorded_and_can_be_typed_again(desk: Desk, wire: Wire, typed: str) -> None:
    preview = await desk.operations.preview_dispatch(deploy_form(), "main", {})
    error = await refusal(desk.operations.perform(preview, typed))
    assert error.problem.code == "wrong-word"
    assert wire.mutations == []
    assert desk.stages == ["refused"]
    assert (await desk.operations.perform(preview, "production")).succeeded


async def test_the_same_preview_is_sent_once_however_often_it_is_confirmed(desk: Desk, wire: Wire) -> None:
    preview = await desk.operations.preview(Operation.RERUN, await failed_run(wire))
    results = await asyncio.gather(*(desk.operations.perform(preview, "") for _ in range(3)), return_exceptions=True)
    assert len(wire.mutations) == 1
    refused = [result for result in results if isinstance(result, OperationRefused)]
    assert [error.problem.code for error in refused] == ["spent", "spent"]
    assert (await refusal(desk.operations.perform(preview, ""))).problem.code == "spent"


async def test_a_preview_that_was_changed_by_hand_is_nobody_s(desk: Desk, wire: Wire) -> None:
    preview = await desk.operations.preview_dispatch(deploy_form(), "main", {})
    forged = replace(preview, confirm_by=ConfirmBy.BUTTON, confirm_word="")
    assert (await refusal(desk.operations.perform(forged, ""))).problem.code == "spent"
    assert wire.mutations == []


async def test_a_preview_of_another_environment_is_refused(desk: Desk, wire: Wire) -> None:
    preview = await desk.operations.preview(Operation.RERUN, await failed_run(wire))
    error = await refusal(desk.operations.perform(replace(preview, environment="staging"), ""))
    assert error.problem.code == "other-environment"
    assert "staging" in error.problem.summary
    assert wire.mutations == []


async def test_a_preview_from_minutes_ago_has_to_be_made_anew(desk: Desk, wire: Wire) -> None:
    preview = await desk.operations.preview(Operation.RERUN, await failed_run(wire))
    desk.late = timedelta(minutes=5, seconds=1)
    assert (await refusal(desk.operations.perform(preview, ""))).problem.code == "too-old"
    assert wire.mutations == []


async def test_a_preview_that_grows_old_while_another_operation_runs_is_not_sent(desk: Desk, wire: Wire) -> None:
    """It waits its turn, and its time goes on meanwhile."""
    runs = [await failed_run(wire), await failed_run(wire)]
    first, second = [await desk.operations.preview(Operation.RERUN, run) for run in runs]
    wire.held = asyncio.Event()
    one = asyncio.create_task(desk.operations.perform(first, ""))
    await until(lambda: wire.mutations, "the first is sent")
    other = asyncio.create_task(desk.operations.perform(second, ""))
    await asyncio.sleep(0)
    desk.late = timedelta(minutes=6)
    wire.held.set()
    assert (await one).succeeded
    assert (await refusal(other)).problem.code == "too-old"
    assert len(wire.mutations) == 1


async def test_previews_are_let_go_of_when_there_are_too_many(desk: Desk, wire: Wire) -> None:
    first = await desk.operations.preview_dispatch(deploy_form(), "main", {})
    for _ in range(MOST_PREVIEWS):
        last = await desk.operations.preview_dispatch(deploy_form(), "main", {})
    assert (await refusal(desk.operations.perform(first, "production"))).problem.code == "spent"
    assert (await desk.operations.perform(last, "production")).succeeded


async def test_a_run_that_moved_on_since_it_was_shown_is_left_alone(desk: Desk, wire: Wire) -> None:
    run = await running(wire)
    preview = await desk.operations.preview(Operation.CANCEL, run)
    pass_by(wire, HOUR)
    error = await refusal(desk.operations.perform(preview, ""))
    assert error.problem.code == "too-old"
    preview = await desk.operations.preview(Operation.RERUN, run)
    wire.server.platform.book.rerun(wire.run(run.id), "bianca")
    error = await refusal(desk.operations.perform(preview, ""))
    assert error.problem.code == "changed"
    assert "attempt 2" in error.problem.summary
    assert wire.mutations == []
    assert desk.stages == ["refused", "intent", "refused"]
    assert desk.host.stages == ["intent", "refused"]


async def test_a_run_that_ended_since_it_was_shown_is_not_cancelled(desk: Desk, wire: Wire) -> None:
    run = await running(wire)
    preview = await desk.operations.preview(Operation.CANCEL, run)
    wire.server.platform.book.force(wire.run(run.id), "completed", "success")
    error = await refusal(desk.operations.perform(preview, ""))
    assert error.problem.code == "changed"
    assert "it is success now" in error.problem.summary
    assert wire.mutations == []


async def test_an_approval_that_somebody_else_gave_first_is_not_given_again(desk: Desk, wire: Wire) -> None:
    run = await waiting(wire)
    preview = await desk.operations.preview(Operation.APPROVE, run)
    wire.server.platform.book.review(wire.run(run.id), "release-rita", "", approve=True)
    assert (await refusal(desk.operations.perform(preview, "production"))).problem.code == "changed"
    assert wire.mutations == []


async def test_a_run_in_a_state_of_tomorrow_can_still_be_cancelled(desk: Desk, wire: Wire) -> None:
    """GitHub adds words now and then: a status that nobody knows is not an end."""
    run = await running(wire)
    wire.server.faults.order(Fault.DRIFT, f"/actions/runs/{run.id}$")
    preview = await desk.operations.preview(Operation.CANCEL, run)
    await desk.operations.perform(preview, "")
    assert wire.mutations == [f"POST /repos/{BACK}/actions/runs/{run.id}/cancel"]
