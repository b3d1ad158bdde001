"""Workflow runs: seen soon while they run, asked for seldom while nothing does, and never lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

from refactor_console.adapters.github_api import GitHubApi
from refactor_console.domain.problem import Problem
from refactor_console.domain.reading import Phase, Reading
from refactor_console.domain.runs import RunBoard, RunState
from refactor_console.services.feed import Feed, Waker, supervise
from refactor_console.services.github_pace import Pacer
from refactor_console.services.run_feed import MOST_RUNS, RunFeed
from refactor_console.services.run_watch import RunWatcher
from tests import warp
from tests.services.double_actions import PLATFORM, ActionsDouble, made_run

DOWN = Problem("GitHub gave no answer.", code="unreachable")
BACK, FRONT = PLATFORM.backend, PLATFORM.frontend


class Scene:
    """A run feed under supervision, and everything it said with the time it said it."""

    def __init__(self) -> None:
        self.github = ActionsDouble(warp.clock)
        self.pace = Pacer()
        self.waker = Waker()
        self.feed: Feed[RunBoard] = Feed("runs", warp.clock)
        self.seen: list[tuple[float, Reading[RunBoard]]] = []
        self.feed.subscribe(lambda reading: self.seen.append((asyncio.get_running_loop().time(), reading)))
        self.runs = RunFeed(self.client, PLATFORM, pace=self.pace, clock=warp.clock)

    async def client(self) -> GitHubApi:
        return self.github.api()

    @property
    def board(self) -> RunBoard:
        assert self.feed.reading.value is not None
        return self.feed.reading.value

    def state_of(self, number: int) -> RunState:
        return next(run.state for run in self.board.runs if run.id == number)

    def first_seen(self, number: int, state: RunState) -> float:
        """When the board first showed a run in a state."""
        return next(
            at
            for at, reading in self.seen
            if reading.value is not None and any(r.id == number and r.state is state for r in reading.value.runs)
        )


@asynccontextmanager
async def watched(older: int) -> AsyncIterator[Scene]:
    scene = Scene()
    for number in range(older):
        scene.github.put(made_run(10_000 + number, minutes_ago=20_000 + number))
    for repository in PLATFORM.repositories:
        for number in range(1, 31):
            offset = 1_000 if repository == FRONT else 0
            scene.github.put(made_run(number + offset, repository=repository, minutes_ago=6_000 - number * 60))
    task = asyncio.create_task(supervise(scene.feed, scene.runs.boards, waker=scene.waker))
    try:
        yield scene
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def played(scenario: Callable[[Scene], Awaitable[None]], *, older: int = 0) -> None:
    async def play() -> None:
        async with watched(older) as scene:
            await asyncio.sleep(1)
            await scenario(scene)

    warp.run(play())


def test_an_idle_hour_costs_few_requests_even_if_every_answer_were_new() -> None:
    async def scenario(scene: Scene) -> None:
        scene.pace.look_at("runs")
        scene.github.calls.clear()
        await asyncio.sleep(3_600)
        assert 60 <= len(scene.github.calls) <= 180, len(scene.github.calls)

    played(scenario)


def test_an_idle_hour_costs_less_out_of_sight() -> None:
    async def scenario(scene: Scene) -> None:
        scene.pace.look_at("logs")
        scene.github.calls.clear()
        await asyncio.sleep(3_600)
        assert len(scene.github.calls) <= 90

    played(scenario)


def test_a_change_of_a_run_in_progress_is_seen_within_ten_seconds_looked_at_or_not() -> None:
    async def scenario(scene: Scene) -> None:
        for pane in ("runs", "logs"):
            number = 500 if pane == "runs" else 501
            run = made_run(number, RunState.RUNNING, minutes_ago=0.1)
            scene.pace.look_at(pane)
            scene.github.put(run)
            await asyncio.sleep(130)  # by now it was found
            assert scene.state_of(number) is RunState.RUNNING
            for wait in (3.3, 5.9, 7.1):
                await asyncio.sleep(wait)
            changed = asyncio.get_running_loop().time()
            scene.github.finish(run, RunState.FAILURE)
            await asyncio.sleep(15)
            assert scene.first_seen(number, RunState.FAILURE) - changed <= 10

    played(scenario)


def test_only_the_repository_with_a_run_under_way_is_asked_often() -> None:
    async def scenario(scene: Scene) -> None:
        scene.github.put(made_run(500, RunState.RUNNING, minutes_ago=0.1))
        await asyncio.sleep(150)
        scene.github.calls.clear()
        await asyncio.sleep(600)
        assert scene.github.calls.count(("runs", BACK)) >= 60
        assert scene.github.calls.count(("runs", FRONT)) <= 12

    played(scenario)


def test_one_repository_that_cannot_be_asked_keeps_its_runs_and_says_why() -> None:
    async def scenario(scene: Scene) -> None:
        scene.github.down[FRONT] = DOWN
        scene.pace.wake()
        await asyncio.sleep(5)
        assert scene.feed.reading.phase is Phase.LIVE
        assert scene.board.problems == ((FRONT, DOWN),)
        assert any(run.repository == FRONT for run in scene.board.runs)
        del scene.github.down[FRONT]
        await asyncio.sleep(130)
        assert scene.board.problems == ()

    played(scenario)


def test_ten_minutes_without_github_lose_nothing_and_end_by_themselves() -> None:
    async def scenario(scene: Scene) -> None:
        run = made_run(500, RunState.RUNNING, minutes_ago=0.1)
        scene.github.put(run)
        await asyncio.sleep(150)
        before = {r.id for r in scene.board.runs}
        scene.github.down = {BACK: DOWN, FRONT: DOWN}
        await asyncio.sleep(300)
        reading = scene.feed.reading
        assert reading.phase in (Phase.FAILED, Phase.CONNECTING)
        assert reading.problem == DOWN
        assert reading.value is not None
        assert {r.id for r in reading.value.runs} == before
        scene.github.finish(run)
        await asyncio.sleep(300)
        scene.github.down = {}
        await asyncio.sleep(25)
        assert scene.feed.reading.phase is Phase.LIVE
        assert scene.state_of(500) is RunState.SUCCESS
        assert {r.id for r in scene.board.runs} == before

    played(scenario)


def test_older_runs_are_held_on_request_and_the_newest_stay_in_front() -> None:
    async def scenario(scene: Scene) -> None:
        assert not scene.board.complete
        held = len(scene.board.runs)
        await scene.runs.more()
        board = scene.runs.board()
        assert len(board.runs) > held
        assert [r.created_at for r in board.runs] == sorted((r.created_at for r in board.runs), reverse=True)
        scene.github.asked_limits.clear()
        await asyncio.sleep(300)
        assert set(scene.github.asked_limits) == {100}, "what is over is not asked for again"
        assert len(scene.board.runs) == len(board.runs)

    played(scenario, older=150)


def test_the_number_of_runs_held_is_bounded() -> None:
    async def scenario(scene: Scene) -> None:
        for _ in range(MOST_RUNS // 100 + 2):
            await scene.runs.more()
        assert sum(run.repository == BACK for run in scene.runs.board().runs) <= MOST_RUNS
        assert not scene.runs.board().complete

    played(scenario, older=MOST_RUNS + 300)


def test_a_run_that_waits_for_days_is_still_seen_when_it_ends() -> None:
    async def scenario(scene: Scene) -> None:
        run = made_run(500, RunState.WAITING, minutes_ago=0.1)
        scene.github.put(run)
        await asyncio.sleep(150)
        for number in range(600, 720):  # so many newer ones that it is on no first page
            scene.github.put(made_run(number, minutes_ago=-1))
        await asyncio.sleep(30)
        scene.github.put(replace(run, state=RunState.CANCELLED, raw_state="completed/cancelled"))
        await asyncio.sleep(12)
        assert scene.state_of(500) is RunState.CANCELLED

    played(scenario)


def test_many_old_runs_that_wait_are_each_asked_for_in_turn() -> None:
    async def scenario(scene: Scene) -> None:
        waiting = [made_run(500 + number, RunState.WAITING, minutes_ago=0.1) for number in range(12)]
        for run in waiting:
            scene.github.put(run)
        await asyncio.sleep(150)
        for number in range(600, 720):
            scene.github.put(made_run(number, minutes_ago=-1))
        await asyncio.sleep(30)
        for run in waiting:
            scene.github.put(replace(run, state=RunState.CANCELLED, raw_state="completed/cancelled"))
        await asyncio.sleep(40)
        assert {scene.state_of(run.id) for run in waiting} == {RunState.CANCELLED}

    played(scenario)


def test_a_deleted_run_goes_away() -> None:
    async def scenario(scene: Scene) -> None:
        scene.github.put(made_run(500, minutes_ago=0.1))
        scene.pace.wake()
        await asyncio.sleep(5)
        assert scene.state_of(500) is RunState.SUCCESS
        scene.github.all_runs[BACK] = [run for run in scene.github.all_runs[BACK] if run.id != 500]
        scene.pace.wake()
        await asyncio.sleep(5)
        assert all(run.id != 500 for run in scene.board.runs)

    played(scenario)


def test_a_pane_that_comes_into_sight_is_asked_when_its_shorter_interval_is_over() -> None:
    async def scenario(scene: Scene) -> None:
        scene.pace.look_at("logs")
        scene.pace.wake()
        await asyncio.sleep(70)
        scene.github.calls.clear()
        scene.pace.look_at("runs")
        await asyncio.sleep(1)
        assert ("runs", BACK) in scene.github.calls

    played(scenario)


def test_flipping_between_panes_does_not_cost_a_request_each_time() -> None:
    async def scenario(scene: Scene) -> None:
        scene.pace.look_at("runs")
        scene.pace.wake()
        await asyncio.sleep(2)
        scene.github.calls.clear()
        for _ in range(20):
            scene.pace.look_at("logs")
            await asyncio.sleep(0.5)
            scene.pace.look_at("runs")
            await asyncio.sleep(0.5)
        assert scene.github.calls == []

    played(scenario)


def test_an_open_run_is_followed_with_its_jobs_until_it_is_closed() -> None:
    async def scenario(scene: Scene) -> None:
        run = made_run(500, RunState.WAITING, minutes_ago=0.1)
        scene.github.put(run)
        watch = RunWatcher(scene.client, run, pace=scene.pace, waker=scene.waker, saw=scene.runs.saw, clock=warp.clock)
        await asyncio.sleep(1)
        details = watch.feed.reading.value
        assert details is not None
        assert details.pending[0].name == "production"
        assert any(r.id == 500 for r in scene.runs.board().runs), "the list agrees with the open run"
        scene.github.finish(run)
        await asyncio.sleep(9)
        assert watch.feed.reading.value is not None
        assert watch.feed.reading.value.run.state is RunState.SUCCESS
        watch.close()
        await asyncio.gather(watch.ended, return_exceptions=True)
        scene.github.calls.clear()
        await asyncio.sleep(40)
        assert ("jobs", BACK) not in scene.github.calls

    played(scenario)


def test_waits_are_shortened_by_chance_and_never_lengthened() -> None:
    async def measure(roll: float) -> timedelta:
        pace = Pacer(roll=lambda: roll)
        begun = warp.clock()
        await pace.wait("runs", busy=True)
        return warp.clock() - begun

    shortest, longest = warp.run(measure(0.999)), warp.run(measure(0.0))
    assert timedelta(seconds=6) < shortest < longest <= timedelta(seconds=7.01)
