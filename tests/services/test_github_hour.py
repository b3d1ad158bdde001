"""What an hour of the whole console costs at GitHub, asked over real HTTP while the clock jumps from wait to wait."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from refactor_console.demo.github_access import TOKEN
from refactor_console.domain.repos import Platform
from tests import warp_net
from tests.services.github_scene import PLATFORM, Wire
from tests.services.hub_scene import HubScene, Pocket, hubbed

# A session that ends while the contract is being asked for leaves questions that nobody began.

HOUR = 3_600.0
SETTLED = 180.0
"""Seconds after which everything has been asked for once."""
MOST = 300
PANES = ("runs", "images", "releases", "secrets", "alerts", "logs")


def played(
    scenario: Callable[[HubScene], Awaitable[None]],
    directory: Path,
    *,
    idle: bool,
    token: str = TOKEN,
    platform: Platform = PLATFORM,
    settled: bool = True,
) -> None:
    """Play it with every feed settled; `idle` ends the runs that the demo world has under way for ever."""

    async def play() -> None:
        clock, find = warp_net.LoopClock(), Pocket(token).find
        async with hubbed(directory, clock=clock, find=find, platform=platform) as scene:
            scene.wire.server.platform.history.active = False
            if idle:
                end_everything(scene.wire)
            await asyncio.sleep(SETTLED)
            assert scene.all_live or not settled, {name: f.reading.problem for name, f in scene.feeds.items()}
            await scenario(scene)

    warp_net.run(play())


def end_everything(wire: Wire) -> None:
    book = wire.server.platform.book
    for role in ("backend", "frontend"):
        for run in book.of(role):
            if book.state(run).status != "completed":
                book.force(run, "completed", "success")


class Spent:
    """What came to GitHub since this was made."""

    def __init__(self, scene: HubScene) -> None:
        self._wire = scene.wire
        self._served, self._asked = scene.wire.server.access.served, len(scene.wire.asked)

    @property
    def counted(self) -> int:
        """Requests that count against the primary limit."""
        return self._wire.server.access.served - self._served

    @property
    def asked(self) -> int:
        """Requests, had every answer been new."""
        return len(self._wire.asked) - self._asked

    @property
    def by_kind(self) -> Counter[str]:
        """For a failure's sake."""
        return Counter("/".join(r.target.split("/")[4:6]) or r.target for r in self._wire.asked[self._asked :])


@pytest.mark.parametrize("pane", PANES)
def test_an_idle_hour_of_all_feeds_costs_at_most_300_requests(
    tmp_path: Path, pane: str, record_property: Callable[[str, object], None]
) -> None:
    """Whatever pane is looked at; and even if no answer were ever "not modified"."""

    async def scenario(scene: HubScene) -> None:
        scene.hub.look_at(pane)
        await asyncio.sleep(SETTLED)  # what came into sight is asked once at once
        spent = Spent(scene)
        await asyncio.sleep(HOUR)
        record_property("counted", spent.counted)
        record_property("asked", spent.asked)
        print(f"{pane}: {spent.counted} counted, {spent.asked} asked: {dict(spent.by_kind)}")
        assert scene.all_live
        assert spent.counted <= MOST
        assert spent.asked <= MOST, spent.by_kind
        assert spent.asked > 0

    played(scenario, tmp_path, idle=True)


def test_flipping_through_all_panes_every_few_seconds_costs_at_most_300_requests(tmp_path: Path) -> None:
    async def scenario(scene: HubScene) -> None:
        spent = Spent(scene)
        for round_ in range(int(HOUR // 5)):
            scene.hub.look_at(PANES[round_ % len(PANES)])
            await asyncio.sleep(5)
        print(f"flipping: {spent.counted} counted, {spent.asked} asked: {dict(spent.by_kind)}")
        assert spent.counted <= MOST

    played(scenario, tmp_path, idle=True)


def test_the_budget_that_is_shown_is_what_github_counted(tmp_path: Path) -> None:
    async def scenario(scene: HubScene) -> None:
        await asyncio.sleep(5)
        budget = scene.hub.budget.reading.value
        assert budget is not None
        window = scene.wire.server.access.window(scene.wire.server.access.who("Bearer demo-token"))
        assert (budget.limit, budget.remaining) == (window.limit, window.remaining)
        assert budget.spent_here == scene.wire.server.access.served
        assert budget.free_here == scene.wire.server.access.unchanged

    played(scenario, tmp_path, idle=True)
