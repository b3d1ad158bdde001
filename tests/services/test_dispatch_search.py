"""A dispatch finds its own run, by the id in GitHub's answer or by what is certain of it, and never takes another's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from refactor_console.adapters.github import GitHub
from refactor_console.demo.github_access import LOGIN
from refactor_console.demo.github_faults import Fault
from refactor_console.domain.operations import OperationOutcome
from refactor_console.domain.repos import Platform
from refactor_console.services.dispatch_search import SEARCH_SECONDS
from tests import warp_net
from tests.services.github_scene import BACK, DEPLOY, ENTERPRISE, ONCE, PLATFORM, Wire, held, wired
from tests.services.operations_desk import Desk, deploy_form

LIST = r"/actions/workflows/\d+/runs$"
Scenario = Callable[[Desk, Wire], Awaitable[None]]


def played(
    scenario: Scenario, audit: Path, *, platform: Platform = ENTERPRISE, ahead: float = 0.0, known: bool = True
) -> None:
    """Play it where GitHub's answer names no run (unless told), with a local clock so many seconds ahead."""

    async def play() -> None:
        async with wired(warp_net.LoopClock()) as wire:
            wire.server.platform.history.active = False
            desk = Desk(wire, audit / "audit.jsonl", platform=platform)
            await desk.github.close()
            desk.github = GitHub(
                wire.url,
                held(),
                read_only=False,
                clock=lambda: wire.now() + timedelta(seconds=ahead),
                patience=ONCE,
            )
            if not known:
                desk.account = None
            await asyncio.sleep(0.6)  # so that moments are no whole seconds
            try:
                await scenario(desk, wire)
            finally:
                await desk.close()

    warp_net.run(play())


async def dispatched(desk: Desk, ref: str = "main") -> OperationOutcome:
    preview = await desk.operations.preview_dispatch(deploy_form(), ref, {})
    return await desk.operations.perform(preview, "production")


def newest(wire: Wire) -> Any:
    return wire.server.platform.book.of("backend")[0]


def at_our_post(wire: Wire, act: Callable[[], Awaitable[object]]) -> None:
    """Let something happen on GitHub in the very moment in which our request arrives."""

    def seen(request: Any) -> None:
        if request.method == "POST":
            asyncio.ensure_future(act())  # noqa: RUF006 - the server awaits nothing before it has run

    wire.seen = seen


async def other_run(wire: Wire, *, actor: str = LOGIN, branch: str = "main") -> int:
    return await wire.start_run(DEPLOY, event="workflow_dispatch", actor=actor, branch=branch)


def test_the_id_in_the_answer_is_taken_and_nothing_is_searched(tmp_path: Path) -> None:
    async def scenario(desk: Desk, wire: Wire) -> None:
        outcome = await dispatched(desk)
        assert outcome.run_id == newest(wire).id
        assert f"It is run {newest(wire).number}." in outcome.sentence
        assert '"return_run_details": true' in wire.mutations[0]
        posted = next(n for n, request in enumerate(wire.asked) if request.method == "POST")
        assert [r.target for r in wire.asked[posted + 1 :]] == [f"/repos/{BACK}/actions/runs/{outcome.run_id}"]
        assert desk.saw[-1].id == outcome.run_id

    played(scenario, tmp_path, platform=PLATFORM)


def test_a_server_that_does_not_name_the_run_is_not_asked_to_and_the_run_is_found(tmp_path: Path) -> None:
    async def scenario(desk: Desk, wire: Wire) -> None:
        outcome = await dispatched(desk)
        assert "return_run_details" not in wire.mutations[0]
        assert outcome.run_id == newest(wire).id
        assert "the only new one" in outcome.sentence
        assert desk.saw[-1].id == outcome.run_id
        assert len(wire.mutations) == 1

    played(scenario, tmp_path)


@pytest.mark.parametrize(
    ("actor", "branch"),
    [("release-rita", "main"), (LOGIN, "feat/group-sessions")],
    ids=["another actor", "another ref"],
)
def test_somebody_else_s_dispatch_in_the_same_second_is_not_taken_for_ours(
    tmp_path: Path, actor: str, branch: str
) -> None:
    async def scenario(desk: Desk, wire: Wire) -> None:
        strangers: list[int] = []

        async def stranger() -> None:
            strangers.append(await other_run(wire, actor=actor, branch=branch))

        at_our_post(wire, stranger)
        outcome = await dispatched(desk)
        assert len(strangers) == 1
        assert outcome.run_id is not None
        assert outcome.run_id not in strangers
        run = wire.run(outcome.run_id)
        assert (run.actor, run.branch) == (LOGIN, "main")

    played(scenario, tmp_path)


def test_a_run_of_ours_that_began_a_moment_before_is_not_taken_for_the_new_one(tmp_path: Path) -> None:
    async def scenario(desk: Desk, wire: Wire) -> None:
        before = await other_run(wire)
        outcome = await dispatched(desk)
        assert outcome.run_id not in (None, before)

    played(scenario, tmp_path)


def test_two_that_both_fit_are_said_and_neither_is_taken(tmp_path: Path) -> None:
    async def scenario(desk: Desk, wire: Wire) -> None:
        at_our_post(wire, lambda: other_run(wire))
        outcome = await dispatched(desk)
        assert outcome.succeeded
        assert outcome.run_id is None
        assert "both fit, so neither is taken" in outcome.sentence

    played(scenario, tmp_path)


def test_a_run_that_appears_late_is_waited_for(tmp_path: Path) -> None:
    async def scenario(desk: Desk, wire: Wire) -> None:
        def late(request: Any) -> None:
            if request.method == "POST":
                wire.server.faults.order(Fault.STATUS, LIST, times=4, value=503)

        wire.seen = late
        outcome = await dispatched(desk)
        assert outcome.run_id == newest(wire).id

    played(scenario, tmp_path)


def test_a_run_that_never_appears_is_said_after_half_a_minute(tmp_path: Path) -> None:
    async def scenario(desk: Desk, wire: Wire) -> None:
        def hidden(request: Any) -> None:
            if request.method == "POST":
                wire.server.faults.order(Fault.STATUS, LIST, value=503)

        wire.seen = hidden
        begun = asyncio.get_running_loop().time()
        outcome = await dispatched(desk)
        assert outcome.run_id is None
        assert "no new one of yours appeared" in outcome.sentence
        assert "The last look failed" in outcome.sentence
        assert SEARCH_SECONDS <= asyncio.get_running_loop().time() - begun < SEARCH_SECONDS + 5
        assert desk.records[-1]["outcome"] == outcome.sentence
        assert len(wire.mutations) == 1

    played(scenario, tmp_path)


@pytest.mark.parametrize("ahead", [300.0, -300.0], ids=["ahead", "behind"])
def test_a_local_clock_that_is_wrong_by_minutes_finds_the_run_and_no_older_one(tmp_path: Path, ahead: float) -> None:
    """Times are compared by GitHub's clock, which the answers tell; the console's own may be anything."""

    async def scenario(desk: Desk, wire: Wire) -> None:
        old = await other_run(wire)
        await asyncio.sleep(90)
        recent = await other_run(wire)
        outcome = await dispatched(desk)
        assert outcome.run_id not in (None, old, recent), outcome.sentence

    played(scenario, tmp_path, ahead=ahead)


def test_where_it_is_not_known_what_was_there_before_nothing_is_taken(tmp_path: Path) -> None:
    async def scenario(desk: Desk, wire: Wire) -> None:
        before = await other_run(wire)
        wire.server.faults.order(Fault.STATUS, LIST, times=1, value=503)
        outcome = await dispatched(desk)
        assert outcome.succeeded
        assert outcome.run_id is None, "the one before cannot be told from ours"
        assert before
        assert "could not be seen" in outcome.sentence

    played(scenario, tmp_path)


def test_who_we_are_is_asked_for_where_it_is_not_known_yet(tmp_path: Path) -> None:
    async def scenario(desk: Desk, wire: Wire) -> None:
        outcome = await dispatched(desk)
        assert outcome.run_id == newest(wire).id

    played(scenario, tmp_path, known=False)


def test_where_github_does_not_say_who_we_are_no_run_is_taken(tmp_path: Path) -> None:
    async def scenario(desk: Desk, wire: Wire) -> None:
        wire.server.faults.order(Fault.STATUS, "/user$", value=503)
        outcome = await dispatched(desk)
        assert outcome.run_id is None
        assert "not known who is signed in" in outcome.sentence
        assert len(wire.mutations) == 1

    played(scenario, tmp_path, known=False)


def test_a_tag_is_searched_for_by_its_short_name(tmp_path: Path) -> None:
    async def scenario(desk: Desk, wire: Wire) -> None:
        outcome = await dispatched(desk, "refs/tags/1.0.0-beta3")
        assert outcome.run_id == newest(wire).id
        assert newest(wire).branch == "1.0.0-beta3"

    played(scenario, tmp_path)
