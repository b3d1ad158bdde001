"""GitHub is away, or asks for a pause: every value stays, every feed says why, and all ends by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from refactor_console.demo.github_faults import Fault
from refactor_console.domain.reading import Phase
from tests.services.github_scene import FRONT
from tests.services.hub_scene import HubScene
from tests.services.test_github_hub import played

# A session that ends while the contract is being asked for leaves questions that nobody began.


async def refuse(scene: HubScene) -> Callable[[], Awaitable[None]]:
    await scene.wire.http.stop()
    return scene.wire.http.start


async def fail(scene: HubScene) -> Callable[[], Awaitable[None]]:
    scene.wire.server.faults.order(Fault.STATUS, value=503)
    return clear(scene)


async def hang(scene: HubScene) -> Callable[[], Awaitable[None]]:
    scene.wire.server.faults.order(Fault.SLOW, value=86_400)
    return clear(scene)


def clear(scene: HubScene) -> Callable[[], Awaitable[None]]:
    async def cleared() -> None:
        scene.wire.server.faults.clear()

    return cleared


@pytest.mark.parametrize("away", [refuse, fail, hang])
def test_ten_minutes_without_github_keep_every_value_say_why_and_end_by_themselves(
    tmp_path: Path, away: Callable[[HubScene], Awaitable[Callable[[], Awaitable[None]]]]
) -> None:
    async def scenario(scene: HubScene) -> None:
        values = {name: feed.reading.value for name, feed in scene.feeds.items()}
        before = scene.hub.images.reading.value
        assert before is not None
        back = await away(scene)
        scene.hub.look_at("runs")
        scene.hub.retry_now()
        tries: set[str] = set()
        for _ in range(600):
            await asyncio.sleep(1)
            now = scene.wire.now()
            for name, feed in scene.feeds.items():
                reading = feed.reading
                if reading.phase is Phase.FAILED:
                    assert reading.next_try is not None
                    assert 0 <= (reading.next_try - now).total_seconds() < 120
                    tries.add(name)
        # Every part of the contract and of the alerts can be unknown by itself: then the rest is shown all the same.
        assert tries >= {"account", "runs", "images", "releases"}
        for name in tries:
            reading = scene.feeds[name].reading
            assert reading.phase in (Phase.FAILED, Phase.CONNECTING), name
            assert reading.problem is not None, name
            assert reading.problem.summary.endswith("."), name
            if name != "images":
                assert reading.value == values[name], name
        images = scene.hub.images.reading.value
        assert images is not None
        assert [report.tags for report in images.reports] == [report.tags for report in before.reports]
        await back()
        await asyncio.sleep(120)
        assert scene.all_live, {name: feed.reading for name, feed in scene.feeds.items() if not feed.reading.is_live}
        board = scene.hub.runs.reading.value
        assert board is not None
        assert board.problems == ()

    played(scenario, tmp_path)


def test_while_github_asks_for_a_pause_nothing_is_asked_and_afterwards_all_is_well(tmp_path: Path) -> None:
    async def scenario(scene: HubScene) -> None:
        scene.wire.server.faults.order(Fault.SECONDARY, value=120, times=20)
        scene.hub.retry_now()
        await asyncio.sleep(20)
        scene.wire.server.faults.clear()
        asked = len(scene.wire.asked)
        problem = scene.hub.runs.reading.problem
        assert problem is not None
        assert problem.code == "rate-limited"
        budget = scene.hub.budget.reading.value
        assert budget is not None
        assert budget.paused_until is not None
        await asyncio.sleep(90)
        assert len(scene.wire.asked) == asked
        await asyncio.sleep(100)
        assert scene.all_live

    played(scenario, tmp_path)


def test_one_repository_out_of_two_that_cannot_be_asked_leaves_the_feeds_live(tmp_path: Path) -> None:
    async def scenario(scene: HubScene) -> None:
        scene.wire.server.faults.order(Fault.STATUS, f"/{FRONT.name}/", value=503)
        scene.hub.retry_now()
        await asyncio.sleep(30)
        assert scene.hub.runs.reading.is_live
        assert scene.hub.releases.reading.is_live
        board = scene.hub.runs.reading.value
        assert board is not None
        assert [repository for repository, _ in board.problems] == [FRONT]
        assert any(run.repository == FRONT for run in board.runs)

    played(scenario, tmp_path)
