"""A laptop that slept, and a clock that is not GitHub's: both are noticed, and neither is taken for news."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from refactor_console.demo.clock import SECOND
from refactor_console.demo.github_faults import Fault
from refactor_console.domain.reading import Phase
from refactor_console.services.github_identity import clock_ahead
from tests import warp_net
from tests.services.hub_scene import hubbed


class Sleeper(warp_net.LoopClock):
    """A wall clock that goes on while the loop's stands still, as in a machine that sleeps."""

    def __init__(self) -> None:
        super().__init__()
        self.slept = 0.0

    def now(self) -> int:
        return super().now() + round(self.slept * SECOND)


def test_after_a_sleep_everything_is_asked_anew_within_seconds(tmp_path: Path) -> None:
    async def play() -> None:
        clock = Sleeper()
        async with hubbed(tmp_path, clock=clock) as scene:
            scene.wire.server.platform.history.active = False
            scene.hub.look_at("runs")
            await asyncio.sleep(60)
            assert scene.all_live
            seen = {name: feed.reading.observed_at for name, feed in scene.feeds.items()}
            clock.slept = 8 * 3600
            await asyncio.sleep(15)
            assert scene.all_live
            for name, before in seen.items():
                now = scene.feeds[name].reading.observed_at
                if name != "account":  # a token is not looked at for every nap
                    assert before is not None
                    assert now is not None
                    assert now - before > timedelta(hours=7), name

    warp_net.run(play())


def test_after_a_sleep_without_github_nothing_old_is_called_live(tmp_path: Path) -> None:
    async def play() -> None:
        clock = Sleeper()
        async with hubbed(tmp_path, clock=clock) as scene:
            scene.wire.server.platform.history.active = False
            await asyncio.sleep(60)
            scene.wire.server.faults.order(Fault.SLOW, value=1_000)
            clock.slept = 8 * 3600
            await asyncio.sleep(12)
            for name in ("runs", "releases", "contract", "alerts"):
                reading = scene.feeds[name].reading
                assert reading.phase in (Phase.STALE, Phase.FAILED), name
                assert reading.value is not None, "what was known stays"

    warp_net.run(play())


@pytest.mark.parametrize(
    ("seconds", "ahead"), [(0.4, 0), (-1.9, 0), (6, 0), (11, 10), (-11, -10), (600, 600), (-7_201, -7_200)]
)
def test_a_clock_is_called_wrong_only_beyond_what_the_measurement_may_be(seconds: float, ahead: int) -> None:
    there = warp_net.warp.START
    assert clock_ahead(there + timedelta(seconds=seconds), there) == timedelta(seconds=ahead)
