"""Mutations on GitHub: only what was previewed, once, as confirmed, never in read-only mode, never without a record."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from refactor_console.adapters.audit_file import AuditFile, AuditUnwritable
from refactor_console.adapters.github_errors import GitHubError
from refactor_console.demo.github_access import LOGIN, TOKEN
from refactor_console.demo.github_faults import Fault
from refactor_console.demo.github_wire import Grant
from refactor_console.domain.account import Account, TokenKind, TokenSource
from refactor_console.domain.actions import ConfirmBy
from refactor_console.domain.environment import Environment
from refactor_console.domain.operations import DispatchForm, DispatchInput, Operation, OperationPreview
from refactor_console.domain.problem import ConsoleError
from refactor_console.domain.repos import Platform
from refactor_console.domain.runs import RunState, WorkflowRun
from refactor_console.services.audit_log import AuditLog
from refactor_console.services.operations import MOST_PREVIEWS, OperationRefused, Operations
from tests.github_demo import TurnedClock
from tests.services.github_scene import BACK, BUILD, DEPLOY, ENVIRONMENT, PLATFORM, Host, Wire, client, seen, wired
from tests.waiting import until

FAILS = ("test", "Run tests")
HOUR = 3_600


class Desk:
    """Operations over the demo's GitHub, with the records that they wrote."""

    def __init__(
        self,
        wire: Wire,
        audit: Path,
        *,
        read_only: bool = False,
        client_read_only: bool = False,
        token: str = TOKEN,
        login: str = LOGIN,
        environment: Environment = ENVIRONMENT,
        platform: Platform = PLATFORM,
    ) -> None:
        self.wire = wire
        self.audit = audit
        self.host = Host(environment)
        self.github = client(wire, token, read_only=client_read_only)
        self.late = timedelta(0)
        self.known: tuple[WorkflowRun, ...] = ()
        self.saw: list[WorkflowRun] = []
        self.account: Account | None = Account(login, TokenKind.CLASSIC, TokenSource.DEMO, "demo")
        self.operations = Operations(
            self._client,
            platform,
            environment,
            AuditLog(self.host, AuditFile(audit), wire.now),
            read_only=read_only,
            account=lambda: self.account,
            known=lambda: self.known,
            saw=self.saw.append,
            clock=lambda: wire.now() + self.late,
        )

    async def _client(self) -> Any:
        return self.github

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.audit.read_text().splitlines()] if self.audit.exists() else []

    @property
    def stages(self) -> list[str]:
        return [record["stage"] for record in self.records]

    async def close(self) -> None:
        await self.github.close()


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


def pass_by(wire: Wire, seconds: float) -> None:
    assert isinstance(wire.clock, TurnedClock)
    wire.clock.pass_by(seconds)


async def failed_run(wire: Wire, workflow: str = BUILD) -> WorkflowRun:
    """A run of today, some of whose jobs failed."""
    number = await wire.start_run(workflow, fails=FAILS if workflow == BUILD else ("deploy", "Deploy on the server"))
    if workflow == DEPLOY:
        run = wire.run(number)
        wire.server.platform.book.review(run, "release-rita", "", approve=True)
    pass_by(wire, HOUR)
    return await seen(wire, number)


async def running(wire: Wire) -> WorkflowRun:
    number = await wire.start_run()
    pass_by(wire, 30)
    return await seen(wire, number)


async def waiting(wire: Wire) -> WorkflowRun:
    return await seen(wire, await wire.start_run(DEPLOY, event="workflow_dispatch", actor="release-rita"))


async def job_named(desk: Desk, run: WorkflowRun, name: str) -> Any:
    return next(job for job in await desk.github.jobs(BACK, run.id) if job.name == name)


def deploy_form() -> DispatchForm:
    debug = DispatchInput("enable_ssh_debugging", "", "boolean", required=False, default="false")
    return DispatchForm(
        BACK, 98_104_203, "Deploy to DigitalOcean via Tailscale", PLATFORM.deploy_workflow, "main", (debug,)
    )


async def refusal(work: Awaitable[object]) -> ConsoleError:
    with pytest.raises(ConsoleError) as caught:
        await work
    problem = caught.value.problem
    assert problem.summary.endswith((".", "?"))
    assert "\n" not in problem.summary
    assert "Traceback" not in problem.summary
    return caught.value


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


# -- records


async def test_the_record_is_written_before_and_after_here_and_on_the_host(desk: Desk, wire: Wire) -> None:
    preview = await desk.operations.preview(Operation.RERUN, await failed_run(wire))
    at_sending: list[list[str]] = []
    wire.seen = lambda request: (
        at_sending.append([*desk.stages, *desk.host.stages]) if request.method == "POST" else None
    )
    outcome = await desk.operations.perform(preview, "")
    assert at_sending == [["intent", "intent"]]
    assert desk.stages == desk.host.stages == ["intent", "result"]
    first, last = desk.records
    assert first["run"] == last["run"]
    assert first["what"] == list(preview.requests)
    assert (first["action"], first["environment"]) == ("github.rerun", "production")
    assert last["outcome"] == outcome.sentence
    assert TOKEN not in desk.audit.read_text()


async def test_without_a_local_record_nothing_is_sent(wire: Wire, tmp_path: Path) -> None:
    (tmp_path / "audit.jsonl").mkdir()
    desk = Desk(wire, tmp_path / "audit.jsonl")
    preview = await desk.operations.preview(Operation.RERUN, await failed_run(wire))
    with pytest.raises(AuditUnwritable):
        await desk.operations.perform(preview, "")
    assert wire.mutations == []
    await desk.close()


async def test_a_host_that_cannot_keep_the_record_is_said_and_stops_nothing(desk: Desk, wire: Wire) -> None:
    preview = await desk.operations.preview(Operation.RERUN, await failed_run(wire))
    desk.host.lose()
    outcome = await desk.operations.perform(preview, "")
    assert outcome.succeeded
    assert "The link is down." in outcome.audit_notice
    assert desk.stages == ["intent", "result"]


@pytest.mark.parametrize("way", ["nobody answers", "half an answer"])
async def test_a_connection_cut_in_the_middle_is_unknown_and_never_tried_again(
    desk: Desk, wire: Wire, way: str
) -> None:
    run = await failed_run(wire)
    preview = await desk.operations.preview(Operation.RERUN, run)
    if way == "nobody answers":
        wire.cut = lambda request: request.method == "POST"
    else:
        wire.server.faults.order(Fault.STATUS, "/rerun$", value=502)
    error = await refusal(desk.operations.perform(preview, ""))
    assert error.problem.code == "outcome-unknown"
    assert "not known" in error.problem.remedy
    assert len(wire.mutations) == 1
    assert desk.stages == desk.host.stages == ["intent", "result"]
    assert desk.records[-1]["outcome"].startswith("unknown: ")
    wire.cut = lambda _: False
    assert (await refusal(desk.operations.perform(preview, ""))).problem.code == "spent"
    assert len(wire.mutations) == 1


async def test_an_operation_that_is_cancelled_in_the_middle_leaves_a_record_that_says_so(
    desk: Desk, wire: Wire
) -> None:
    preview = await desk.operations.preview(Operation.RERUN, await failed_run(wire))
    wire.held = asyncio.Event()
    task = asyncio.create_task(desk.operations.perform(preview, ""))
    await until(lambda: wire.mutations, "it is sent")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await desk.operations.close()
    assert desk.stages == desk.host.stages == ["intent", "result"]
    assert "may still carry it out" in desk.records[-1]["outcome"]


async def test_an_operation_that_is_cancelled_before_it_is_sent_says_that_nothing_was(desk: Desk, wire: Wire) -> None:
    preview = await desk.operations.preview(Operation.RERUN, await failed_run(wire))
    wire.server.faults.order(Fault.SLOW, "/actions/runs/", value=30)
    task = asyncio.create_task(desk.operations.perform(preview, ""))
    before = len(wire.asked)
    await until(lambda: len(wire.asked) > before, "the run is looked at once more")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await desk.operations.close()
    assert wire.mutations == []
    assert desk.records[-1]["outcome"] == "interrupted before anything was sent"


async def test_a_look_afterwards_that_fails_does_not_make_a_success_a_failure(desk: Desk, wire: Wire) -> None:
    run = await failed_run(wire)
    preview = await desk.operations.preview(Operation.RERUN, run)

    def down_after_the_post(request: Any) -> None:
        if request.method == "POST":
            wire.server.faults.order(Fault.STATUS, f"/runs/{run.id}$", value=503)

    wire.seen = down_after_the_post
    outcome = await desk.operations.perform(preview, "")
    assert outcome.succeeded
    assert "How it is now could not be seen" in outcome.sentence


# -- what GitHub refuses

Prepare = Callable[[Wire], object]


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (403, "not-permitted", "permit"),
        (404, "not-found", "no such thing"),
        (409, "conflict", "present state"),
        (422, "invalid", "does not accept"),
    ],
)
async def test_each_refusal_by_github_is_one_sentence_and_a_record(
    desk: Desk, wire: Wire, status: int, code: str, words: str
) -> None:
    preview = await desk.operations.preview(Operation.RERUN, await failed_run(wire))
    wire.server.faults.order(Fault.STATUS, "/rerun$", value=status)
    error = await refusal(desk.operations.perform(preview, ""))
    assert isinstance(error, GitHubError)
    assert error.problem.code == code
    assert words in error.problem.summary
    assert len(wire.mutations) == 1
    assert desk.stages == desk.host.stages == ["intent", "result"]
    assert desk.records[-1]["outcome"] == f"failed: {error.problem.summary}"


async def test_a_token_that_may_only_read_is_told_what_it_lacks(wire: Wire, tmp_path: Path) -> None:
    reader = frozenset({"actions:read", "contents:read"})
    wire.server.access.admit(Grant("github_pat_reader", LOGIN, None, reader, may_write=True))
    desk = Desk(wire, tmp_path / "audit.jsonl", token="github_pat_reader")
    preview = await desk.operations.preview(Operation.RERUN, await failed_run(wire))
    error = await refusal(desk.operations.perform(preview, ""))
    assert error.problem.code == "not-permitted"
    assert "Actions: write" in error.problem.summary
    await desk.close()


async def test_a_branch_that_is_not_there_is_github_s_own_sentence(desk: Desk, wire: Wire) -> None:
    preview: OperationPreview = await desk.operations.preview_dispatch(deploy_form(), "no/such-branch", {})
    error = await refusal(desk.operations.perform(preview, "production"))
    assert error.problem.code == "invalid"
    assert "No ref found for: no/such-branch" in error.problem.summary


async def test_github_out_of_reach_before_anything_was_sent_is_no_unknown_outcome(desk: Desk, wire: Wire) -> None:
    preview = await desk.operations.preview(Operation.RERUN, await failed_run(wire))
    await wire.http.stop()
    error = await refusal(desk.operations.perform(preview, ""))
    assert error.problem.code in ("refused", "cut", "unreachable")
    assert desk.records[-1]["outcome"].startswith("failed: ")


async def test_what_cannot_be_put_into_a_request_is_refused_as_bad_input(desk: Desk, wire: Wire) -> None:
    """Half a surrogate pair comes out of a terminal now and then; no request can hold it."""
    run = await waiting(wire)
    error = await refusal(desk.operations.preview(Operation.APPROVE, run, comment="\ud83d"))
    assert error.problem.code == "bad-input"
