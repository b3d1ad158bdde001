"""Runs under way: every change is seen within ten seconds, and watching them closely costs next to nothing."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from refactor_console.demo.github_faults import Fault
from refactor_console.domain.runs import RunState
from refactor_console.services.github_pace import Pacer
from tests import warp_net
from tests.services.github_scene import BACK, DEPLOY
from tests.services.hub_scene import HubScene
from tests.services.test_github_hour import HOUR, MOST, SETTLED, Spent, played

# A session that ends while the contract is being asked for leaves questions that nobody began.


def test_an_hour_beside_a_run_that_waits_for_approval_costs_at_most_300_requests(tmp_path: Path) -> None:
    """As the demo world stands: asked for every few seconds, but answered "not modified" for nothing."""

    async def scenario(scene: HubScene) -> None:
        scene.hub.look_at("runs")
        spent = Spent(scene)
        await asyncio.sleep(HOUR)
        print(f"waiting: {spent.counted} counted, {spent.asked} asked: {dict(spent.by_kind)}")
        assert spent.asked > 400, "it is watched closely"
        assert spent.counted <= MOST

    played(scenario, tmp_path, idle=False)


@pytest.mark.parametrize("pane", ["runs", "logs"])
def test_every_change_of_a_run_under_way_is_seen_within_ten_seconds(tmp_path: Path, pane: str) -> None:
    async def scenario(scene: HubScene) -> None:
        wire, loop = scene.wire, asyncio.get_running_loop()
        scene.hub.look_at(pane)
        number = await wire.start_run(DEPLOY, event="workflow_dispatch")
        await asyncio.sleep(130)  # by now the run was found
        shown: list[tuple[float, RunState]] = []
        scene.hub.runs.subscribe(
            lambda reading: shown.extend(
                (loop.time(), run.state)
                for run in (reading.value.runs if reading.value is not None else ())
                if (run.repository, run.id) == (BACK, number)
            )
        )

        def first(state: RunState, since: float) -> float:
            return next((at for at, seen in shown if seen is state and at >= since), float("inf")) - since

        await asyncio.sleep(3.3)
        approved = loop.time()
        wire.server.platform.book.review(wire.run(number), "release-rita", "", approve=True)
        await asyncio.sleep(20)
        assert first(RunState.RUNNING, approved) <= 10 + 7, "GitHub itself takes a few seconds to find a runner"
        begun = loop.time()
        wire.server.platform.book.force(wire.run(number), "completed", "failure")
        await asyncio.sleep(15)
        assert first(RunState.FAILURE, begun) <= 10

    played(scenario, tmp_path, idle=True)


def test_the_open_run_is_seen_to_change_within_ten_seconds_too(tmp_path: Path) -> None:
    async def scenario(scene: HubScene) -> None:
        wire = scene.wire
        number = await wire.start_run(DEPLOY, event="workflow_dispatch")
        scene.hub.retry_now()
        await asyncio.sleep(3)
        board = scene.hub.runs.reading.value
        assert board is not None
        run = next(run for run in board.runs if run.id == number)
        watch = scene.hub.watch_run(run)
        await asyncio.sleep(3)
        assert watch.feed.reading.value is not None
        assert [entry.name for entry in watch.feed.reading.value.pending] == ["production"]
        wire.server.platform.book.force(wire.run(number), "completed", "cancelled")
        await asyncio.sleep(10)
        assert watch.feed.reading.value.run.state is RunState.CANCELLED
        watch.close()

    played(scenario, tmp_path, idle=True)


def test_consoles_started_together_do_not_ask_in_step() -> None:
    async def waits() -> list[float]:
        loop = asyncio.get_running_loop()

        async def one() -> float:
            await Pacer().wait("runs", busy=True)
            return loop.time()

        return await asyncio.gather(*(one() for _ in range(20)))

    ends = warp_net.run(waits())
    assert max(ends) <= 7.01
    assert len({round(end, 3) for end in ends}) > 10


def test_who_asks_while_a_look_is_under_way_gets_another_one(tmp_path: Path) -> None:
    """What was asked before a person acted may be answered with how it was before."""

    async def scenario(scene: HubScene) -> None:
        scene.hub.look_at("logs")
        await asyncio.sleep(SETTLED)
        looks = {"runs": r"/actions/runs$", "releases": r"/releases$", "images": r"/packages/container/"}
        for name, pattern in looks.items():
            scene.wire.server.faults.order(Fault.SLOW, pattern, value=3)
            scene.hub.retry_now()
            await asyncio.sleep(1)
            scene.wire.server.faults.clear()

            def asked(pattern: str = pattern) -> int:
                return sum(re.search(pattern, request.target) is not None for request in scene.wire.asked)

            before = asked()
            scene.hub.retry_now()
            await asyncio.sleep(6)
            assert asked() > before, name
            await asyncio.sleep(SETTLED)

    played(scenario, tmp_path, idle=True)


def test_an_open_run_is_asked_again_too_when_somebody_asks_while_it_is_looked_at(tmp_path: Path) -> None:
    async def scenario(scene: HubScene) -> None:
        board = scene.hub.runs.reading.value
        assert board is not None
        run = next(run for run in board.runs if run.repository == BACK)
        watch = scene.hub.watch_run(run)
        await asyncio.sleep(3)
        here = f"/repos/{BACK}/actions/runs/{run.id}"
        scene.wire.server.faults.order(Fault.SLOW, f"{here}$", value=3)
        scene.hub.retry_now()
        await asyncio.sleep(1)
        scene.wire.server.faults.clear()
        before = sum(request.target == here for request in scene.wire.asked)
        scene.hub.retry_now()
        await asyncio.sleep(6)
        assert sum(request.target == here for request in scene.wire.asked) > before
        watch.close()

    played(scenario, tmp_path, idle=True)
