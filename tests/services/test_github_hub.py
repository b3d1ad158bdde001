"""The hub: every feed says how it is, outlives what GitHub does to it, and comes back by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from refactor_console.demo.github_access import TOKEN
from refactor_console.demo.github_faults import Fault
from refactor_console.demo.github_wire import Grant
from refactor_console.demo.registry_faults import Fault as RegistryFault
from refactor_console.domain.containers import ContainerRow
from refactor_console.domain.operations import Operation
from refactor_console.domain.problem import ConsoleError
from refactor_console.domain.reading import Phase
from refactor_console.domain.runs import RunState
from tests import warp_net
from tests.services.github_scene import BACK, BUILD, DEPLOY
from tests.services.hub_scene import HubScene, Pocket, hubbed
from tests.ui.double_session import board, container
from tests.waiting import until

# A session that ends while the contract is being asked for leaves questions that nobody began.

Scenario = Callable[[HubScene], Awaitable[None]]
SIGNED_IN = ("account", "runs", "releases", "contract", "alerts")
"""Feeds that need a token."""


def played(scenario: Scenario, directory: Path, *, settled: bool = True, **options: Any) -> None:
    """Play it with a jumping clock, once every feed is live (unless told)."""

    async def play() -> None:
        async with hubbed(directory, clock=warp_net.LoopClock(), **options) as scene:
            scene.wire.server.platform.history.active = False
            await asyncio.sleep(60)
            if settled:
                assert scene.all_live, {name: feed.reading.problem for name, feed in scene.feeds.items()}
            await scenario(scene)

    warp_net.run(play())


# -- tokens


def test_without_a_token_feeds_are_off_with_the_three_ways_and_begin_when_one_is_there(tmp_path: Path) -> None:
    pocket = Pocket("")

    async def scenario(scene: HubScene) -> None:
        for name in SIGNED_IN:
            reading = scene.feeds[name].reading
            assert reading.phase is Phase.OFF, name
            assert all(way in reading.reason for way in ("GH_TOKEN", "`gh auth login`", "by a code")), name
        assert scene.hub.budget.reading.phase is Phase.OFF
        assert scene.hub.images.reading.is_live, "the registry tells anybody"
        assert [request for request in scene.wire.asked if request.headers.get("authorization")] == []
        looks = pocket.looks
        await asyncio.sleep(600)
        assert pocket.looks == looks, "nobody looks for a token again and again"
        pocket.token = TOKEN
        scene.hub.retry_now()
        await asyncio.sleep(60)
        assert scene.all_live
        assert scene.hub.budget.reading.is_live

    played(scenario, tmp_path, settled=False, find=pocket.find)


def test_a_revoked_token_is_said_and_not_sent_again_and_again(tmp_path: Path) -> None:
    pocket = Pocket()

    async def scenario(scene: HubScene) -> None:
        scene.hub.look_at("runs")
        scene.wire.server.access.revoke(TOKEN)
        before = len(scene.wire.asked)
        await asyncio.sleep(3_600)
        sent = [token for token in scene.wire.tokens[before:] if token]
        assert 0 < len(sent) <= 20, "a look from time to time by the account's own feed, and those who saw it first"
        reading = scene.hub.runs.reading
        assert reading.problem is not None
        assert reading.problem.code == "token-refused"
        assert reading.value is not None
        assert reading.value.runs, "what was seen stays"

    played(scenario, tmp_path, find=pocket.find)


def test_any_feed_that_hears_of_the_refusal_stops_the_others(tmp_path: Path) -> None:
    """The account is asked for every quarter of an hour: nobody waits that long."""

    async def scenario(scene: HubScene) -> None:
        scene.hub.look_at("runs")
        await asyncio.sleep(30)
        scene.wire.server.access.revoke(TOKEN)
        before = len(scene.wire.asked)
        await asyncio.sleep(800)
        sent = [request.target for request in scene.wire.asked[before:] if request.headers.get("authorization")]
        assert len(sent) <= 10, sent

    played(scenario, tmp_path)


def test_a_new_token_is_found_when_a_person_asks_again(tmp_path: Path) -> None:
    pocket = Pocket()

    async def scenario(scene: HubScene) -> None:
        scene.wire.server.access.revoke(TOKEN)
        scene.hub.retry_now()
        await asyncio.sleep(60)
        assert not scene.hub.runs.reading.is_live
        pocket.token = "ghp_new"
        scene.wire.server.access.admit(Grant("ghp_new", "oncall-olga", ("repo", "read:packages"), may_write=True))
        scene.hub.retry_now()
        await asyncio.sleep(60)
        assert scene.all_live
        assert set(scene.wire.tokens[-20:]) == {"ghp_new"}

    played(scenario, tmp_path, find=pocket.find)


def test_a_token_that_github_accepts_again_is_noticed_by_the_account_s_own_look(tmp_path: Path) -> None:
    async def scenario(scene: HubScene) -> None:
        scene.wire.server.faults.order(Fault.STATUS, value=401)
        scene.hub.retry_now()
        await asyncio.sleep(60)
        reading = scene.hub.account.reading
        assert reading.phase is Phase.FAILED
        assert reading.next_try is not None
        assert 600 < (reading.next_try - scene.wire.now()).total_seconds() < 900
        scene.wire.server.faults.clear()
        await asyncio.sleep(900)
        assert scene.all_live

    played(scenario, tmp_path)


def test_a_refusal_of_the_old_token_does_not_spoil_the_new_one(tmp_path: Path) -> None:
    """A 401 may be on its way while a person signs in."""

    async def scenario(scene: HubScene) -> None:
        from tests.services.github_scene import held

        old = await scene.link.api()
        scene.wire.server.access.revoke(TOKEN)
        scene.wire.server.access.admit(Grant("ghp_new", "oncall-olga", ("repo", "read:packages"), may_write=True))
        with pytest.raises(ConsoleError) as caught:
            await old.account()
        await scene.link.use(held("ghp_new"))
        scene.link.refused(caught.value.problem, old)
        await scene.link.api()
        await asyncio.sleep(120)
        assert scene.all_live

    played(scenario, tmp_path)


def test_single_sign_on_names_the_page_where_it_is_authorised(tmp_path: Path) -> None:
    async def scenario(scene: HubScene) -> None:
        scene.wire.server.faults.order(Fault.SSO, "/repos/")
        scene.hub.retry_now()
        await asyncio.sleep(60)
        problem = scene.hub.runs.reading.problem
        assert problem is not None
        assert problem.code == "sso-required"
        assert "https://github.com/orgs/refactor-group/sso?authorization_request=DEMO" in problem.remedy

    played(scenario, tmp_path)


# -- switched off, started, closed


async def test_switched_off_nothing_is_asked_and_every_feed_says_why(tmp_path: Path) -> None:
    pocket = Pocket()
    async with hubbed(tmp_path, enabled=False, find=pocket.find) as scene:
        for feed in (*scene.feeds.values(), scene.hub.budget):
            assert feed.reading.phase is Phase.OFF
            assert "github.enabled" in feed.reading.reason
        scene.hub.retry_now()
        scene.hub.look_at("runs")
        await asyncio.sleep(0)
        assert (scene.wire.asked, pocket.looks) == ([], 0)


def test_starting_twice_asks_once(tmp_path: Path) -> None:
    async def scenario(scene: HubScene) -> None:
        asked = sum(request.target == "/user" for request in scene.wire.asked)
        assert asked == 1
        scene.hub.start()
        await asyncio.sleep(30)
        assert sum(request.target == "/user" for request in scene.wire.asked) == asked

    played(scenario, tmp_path)


@pytest.mark.parametrize("way", ["before anything was answered", "in the middle of everything"])
async def test_closing_takes_seconds_whatever_hangs(tmp_path: Path, way: str) -> None:
    async def hanging(scene: HubScene) -> None:
        scene.wire.server.faults.order(Fault.SLOW, value=600)
        scene.registry.faults.order(RegistryFault.SLOW, value=600)

    before = hanging if way.startswith("before") else None
    async with hubbed(tmp_path, before=before) as scene:
        if before is None:
            await until(lambda: scene.all_live, "all is live")
            await hanging(scene)
            board = scene.hub.runs.reading.value
            assert board is not None
            scene.hub.watch_run(board.runs[0])
            scene.hub.retry_now()
        asked = len(scene.wire.asked)
        await until(lambda: len(scene.wire.asked) > asked or before, "something hangs")
        begun = time.monotonic()
        await scene.hub.close()
        assert time.monotonic() - begun < 4
        left = [task for task in asyncio.all_tasks() if task.get_name().startswith(("github ", "run "))]
        assert left == []


async def test_closing_twice_and_asking_afterwards_opens_nothing_anew(tmp_path: Path) -> None:
    async with hubbed(tmp_path) as scene:
        await until(lambda: scene.hub.runs.reading.is_live, "runs are live")
        await scene.hub.close()
        await scene.hub.close()
        asked = len(scene.wire.asked)
        with pytest.raises(ConsoleError) as caught:
            await scene.hub.release_versions(BACK, "1.0.0-beta3")
        assert caught.value.problem.code == "closed"
        assert len(scene.wire.asked) == asked
        assert scene.link.client is None


async def test_a_mutation_under_way_when_the_hub_closes_has_its_last_record(tmp_path: Path) -> None:
    async with hubbed(tmp_path) as scene:
        scene.wire.server.platform.history.active = False
        number = await scene.wire.start_run(BUILD)
        await until(lambda: scene.hub.runs.reading.is_live, "runs are live")
        board = scene.hub.runs.reading.value
        assert board is not None
        run = next(run for run in board.runs if run.id == number)
        preview = await scene.hub.preview(Operation.CANCEL, run)
        scene.wire.held = asyncio.Event()
        task = asyncio.create_task(scene.hub.perform(preview, preview.confirm_word))
        await until(lambda: scene.wire.mutations, "it is sent")
        task.cancel()
        await scene.hub.close()
        await asyncio.gather(task, return_exceptions=True)
        assert scene.audit.read_text().count("\n") == 2
        assert "may still carry it out" in scene.audit.read_text()


# -- what screens ask


def test_containers_that_change_are_shown_on_the_images_at_once_and_cost_nothing(tmp_path: Path) -> None:
    async def scenario(scene: HubScene) -> None:
        images = scene.hub.images.reading.value
        assert images is not None
        report = next(report for report in images.reports if report.repository.path == BACK.full_name)
        stable = next(tag for tag in report.tags if tag.tag == "stable")
        assert stable.used_by == ()
        asked = [request.target for request in scene.wire.asked if "packages" in request.target]
        row = ContainerRow(container("rust-app", image=f"ghcr.io/{BACK}:stable", image_digest=stable.digest))
        scene.containers.live(board([row]))
        await asyncio.sleep(1.5)

        def used() -> list[str]:
            value = scene.hub.images.reading.value
            assert value is not None
            tags = next(report for report in value.reports if report.repository.path == BACK.full_name).tags
            return [use.service for tag in tags if tag.tag == "stable" for use in tag.used_by]

        assert used() == ["rust-app"]
        scene.containers.live(board([]))
        await asyncio.sleep(1.5)
        assert used() == []
        assert [request.target for request in scene.wire.asked if "packages" in request.target] == asked

    played(scenario, tmp_path)


def test_containers_that_change_after_the_end_reach_nobody(tmp_path: Path) -> None:
    async def scenario(scene: HubScene) -> None:
        await scene.hub.close()
        before = scene.hub.images.reading
        row = ContainerRow(container("rust-app", image=f"ghcr.io/{BACK}:stable", image_digest=f"sha256:{'a' * 64}"))
        scene.containers.live(board([row]))
        await asyncio.sleep(5)
        assert scene.hub.images.reading is before

    played(scenario, tmp_path)


def test_an_operation_is_on_the_board_at_once(tmp_path: Path) -> None:
    async def scenario(scene: HubScene) -> None:
        value = scene.hub.runs.reading.value
        assert value is not None
        waiting = next(run for run in value.runs if run.state is RunState.WAITING)
        preview = await scene.hub.preview(Operation.REJECT, waiting)
        outcome = await scene.hub.perform(preview, preview.confirm_word)
        assert outcome.succeeded
        value = scene.hub.runs.reading.value
        assert value is not None
        assert next(run for run in value.runs if run.id == waiting.id).state is RunState.FAILURE

    played(scenario, tmp_path)


def test_a_dispatch_by_its_form_is_on_the_board_at_once(tmp_path: Path) -> None:
    async def scenario(scene: HubScene) -> None:
        value = scene.hub.runs.reading.value
        assert value is not None
        workflow = next(w for w in value.workflows if w.repository == BACK and w.path.endswith(DEPLOY))
        form = await scene.hub.dispatch_form(workflow)
        assert (form.ref, [entry.name for entry in form.inputs]) == ("main", ["enable_ssh_debugging"])
        preview = await scene.hub.preview_dispatch(form, "", {"enable_ssh_debugging": "true"})
        outcome = await scene.hub.perform(preview, "production")
        value = scene.hub.runs.reading.value
        assert value is not None
        assert value.runs[0].id == outcome.run_id

    played(scenario, tmp_path)


def test_a_workflow_that_is_not_dispatched_says_so(tmp_path: Path) -> None:
    async def scenario(scene: HubScene) -> None:
        value = scene.hub.runs.reading.value
        assert value is not None
        workflow = next(w for w in value.workflows if w.path.startswith("dynamic/"))
        with pytest.raises(ConsoleError) as caught:
            await scene.hub.dispatch_form(workflow)
        assert caught.value.problem.summary.endswith(".")

    played(scenario, tmp_path)


def test_a_finished_job_s_log_comes_whole_and_a_running_one_s_not_yet(tmp_path: Path) -> None:
    async def scenario(scene: HubScene) -> None:
        value = scene.hub.runs.reading.value
        assert value is not None
        run = next(run for run in value.runs if run.state is RunState.SUCCESS)
        watch = scene.hub.watch_run(run)
        await asyncio.sleep(2)
        assert watch.feed.reading.value is not None
        lines = await scene.hub.job_log(run, watch.feed.reading.value.jobs[0])
        assert len(lines) > 10
        watch.close()
        number = await scene.wire.start_run(BUILD)
        await asyncio.sleep(20)
        client = await scene.link.api()
        running = await client.run(BACK, number)
        job = (await client.jobs(BACK, number))[0]
        with pytest.raises(ConsoleError) as caught:
            await scene.hub.job_log(running, job)
        assert caught.value.problem.code == "log-not-yet"

    played(scenario, tmp_path)


def test_the_contract_knows_the_names_of_the_host_and_no_value_leaves_it(tmp_path: Path) -> None:
    async def scenario(scene: HubScene) -> None:
        value = scene.hub.contract.reading.value
        assert "DB_PASSWORD" in repr(value)
        assert "hunter2" not in repr(value)
        assert scene.env.asked == ["/home/deploy/.env"]

    played(scenario, tmp_path)
