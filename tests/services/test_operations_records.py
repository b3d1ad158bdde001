"""Operations: a record before and after whatever happens, and GitHub's refusals, each in one sentence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from refactor_console.adapters.audit_file import AuditUnwritable
from refactor_console.adapters.github_errors import GitHubError
from refactor_console.demo.github_access import LOGIN, TOKEN
from refactor_console.demo.github_faults import Fault
from refactor_console.demo.github_wire import Grant
from refactor_console.domain.operations import Operation, OperationPreview
from tests.services.github_scene import Wire, wired
from tests.services.operations_desk import Desk, deploy_form, failed_run, refusal, running, waiting
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
    assert preview.target in error.problem.summary, "people know a run by its number, not by a request's path"
    assert len(wire.mutations) == 1
    assert desk.stages == desk.host.stages == ["intent", "result"]
    assert desk.records[-1]["outcome"] == f"failed: {error.problem.summary}"


async def test_a_run_that_ends_in_the_very_moment_of_its_cancellation_is_a_conflict_in_github_s_words(
    desk: Desk, wire: Wire
) -> None:
    run = await running(wire)
    preview = await desk.operations.preview(Operation.CANCEL, run)

    def ends(request: Any) -> None:
        if request.method == "POST":
            wire.server.platform.book.force(wire.run(run.id), "completed", "success")

    wire.seen = ends
    error = await refusal(desk.operations.perform(preview, ""))
    assert error.problem.code == "conflict"
    assert "Cannot cancel a workflow run that is completed" in error.problem.summary
    assert desk.records[-1]["outcome"].startswith("failed: ")


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
