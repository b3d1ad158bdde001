"""Feeds keep their last good value, say how old it is, and wait longer and longer, but never for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.domain.reading import Phase, Reading
from refactor_console.services.feed import Backoff, Feed, Waker, supervise

QUICK = Backoff(first=0.01, limit=0.02, jitter=0)


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@asynccontextmanager
async def supervised(
    attempt: Callable[[], AsyncIterator[int]], *, backoff: Backoff = QUICK, stale_after: float | None = None
) -> AsyncIterator[tuple[Feed[int], list[Reading[int]], Waker]]:
    feed: Feed[int] = Feed("test")
    seen: list[Reading[int]] = []
    waker = Waker()
    feed.subscribe(seen.append)
    task = asyncio.create_task(supervise(feed, attempt, waker=waker, backoff=backoff, stale_after=stale_after))
    try:
        yield feed, seen, waker
    finally:
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - nobody sets an event for it
            await asyncio.sleep(0.005)


def broken() -> ConsoleError:
    return ConsoleError(Problem("It broke.", code="broke"))


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_a_wait_is_never_longer_than_the_limit_and_its_jitter_and_never_nothing(failures: int, roll: float) -> None:
    backoff = Backoff()
    wait = backoff.seconds(failures, lambda: roll)
    assert 0.3 < wait <= backoff.limit * (1 + backoff.jitter)


def test_waits_double_up_to_the_limit() -> None:
    backoff = Backoff(first=1, limit=10, jitter=0)
    assert [backoff.seconds(n) for n in range(1, 7)] == [1, 2, 4, 8, 10, 10]


def test_a_failure_keeps_the_last_value_and_its_age() -> None:
    clock = Clock()
    feed: Feed[int] = Feed("test", clock)
    feed.live(7)
    clock.now += timedelta(seconds=30)
    feed.fail(Problem("It broke."), 5)
    reading = feed.reading
    assert (reading.phase, reading.value, reading.age(clock.now)) == (Phase.FAILED, 7, timedelta(seconds=30))
    assert reading.next_try == clock.now + timedelta(seconds=5)


def test_a_listener_that_left_hears_nothing_more() -> None:
    feed: Feed[int] = Feed("test")
    seen: list[Reading[int]] = []
    leave = feed.subscribe(seen.append)
    feed.live(1)
    leave()
    leave()
    feed.live(2)
    assert [reading.value for reading in seen] == [1]


async def test_values_are_published_and_a_failure_is_retried() -> None:
    attempts = 0

    async def attempt() -> AsyncIterator[int]:
        nonlocal attempts
        attempts += 1
        yield attempts
        raise broken()

    async with supervised(attempt) as (_, seen, _waker):
        await until(lambda: attempts >= 3)
    assert [r.phase for r in seen[:4]] == [Phase.LIVE, Phase.FAILED, Phase.CONNECTING, Phase.LIVE]
    assert seen[1].problem == Problem("It broke.", code="broke")
    assert seen[2].problem == seen[1].problem


async def test_a_source_that_ends_is_a_failure_too() -> None:
    async def attempt() -> AsyncIterator[int]:
        yield 1

    async with supervised(attempt, backoff=Backoff(first=60)) as (feed, _, _waker):
        await until(lambda: feed.reading.phase is Phase.FAILED)
        assert feed.reading.problem is not None
        assert feed.reading.problem.code == "ended"


async def test_a_person_does_not_have_to_wait() -> None:
    attempts = 0

    async def attempt() -> AsyncIterator[int]:
        nonlocal attempts
        attempts += 1
        if attempts:
            raise broken()
        yield 0

    async with supervised(attempt, backoff=Backoff(first=60)) as (feed, _, waker):
        await until(lambda: feed.reading.phase is Phase.FAILED)
        waker.wake()
        await until(lambda: attempts == 2)


async def test_what_starts_well_and_dies_at_once_is_tried_ever_more_slowly() -> None:
    async def attempt() -> AsyncIterator[int]:
        yield 1
        raise broken()

    async with supervised(attempt, backoff=Backoff(first=0.01, limit=60, jitter=0)) as (_, seen, _waker):
        await until(lambda: sum(r.phase is Phase.FAILED for r in seen) >= 4)
    waits = [r.next_try - r.since for r in seen if r.phase is Phase.FAILED and r.next_try is not None][:4]
    assert [round(wait.total_seconds(), 2) for wait in waits] == [0.01, 0.02, 0.04, 0.08]


async def test_an_attempt_that_was_good_for_a_while_makes_the_next_failure_the_first_again() -> None:
    async def attempt() -> AsyncIterator[int]:
        yield 1
        raise broken()

    patient = Backoff(first=0.02, limit=60, jitter=0, steady=0)
    async with supervised(attempt, backoff=patient) as (_, seen, _waker):
        await until(lambda: sum(r.phase is Phase.FAILED for r in seen) >= 4)
    waits = [r.next_try - r.since for r in seen if r.phase is Phase.FAILED and r.next_try is not None]
    assert all(wait < timedelta(seconds=0.03) for wait in waits)


async def test_silence_makes_a_value_stale_and_the_next_one_live_again() -> None:
    go = asyncio.Event()

    async def attempt() -> AsyncIterator[int]:
        yield 1
        await go.wait()
        yield 2
        await asyncio.Event().wait()

    async with supervised(attempt, stale_after=0.05) as (feed, seen, _waker):
        await until(lambda: feed.reading.phase is Phase.STALE)
        assert feed.reading.value == 1
        go.set()
        await until(lambda: feed.reading.value == 2)
    assert [r.phase for r in seen[:3]] == [Phase.LIVE, Phase.STALE, Phase.LIVE]


async def test_a_cancelled_feed_closes_its_source() -> None:
    closed = asyncio.Event()

    async def attempt() -> AsyncIterator[int]:
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            closed.set()

    async with supervised(attempt) as (feed, _, _waker):
        await until(lambda: feed.reading.is_live)
    assert closed.is_set()


async def test_a_wake_reaches_everyone_who_waits_and_nobody_after_that() -> None:
    waker = Waker()
    waiting = [asyncio.create_task(waker.wait(30)) for _ in range(3)]
    await asyncio.sleep(0)
    waker.wake()
    assert await asyncio.gather(*waiting) == [True, True, True]
    assert not await waker.wait(0.01)


async def test_a_bug_in_an_attempt_is_shown_as_one_and_tried_again() -> None:
    attempts = 0

    async def attempt() -> AsyncIterator[int]:
        nonlocal attempts
        attempts += 1
        yield attempts
        if attempts == 1:
            raise KeyError("a secret that the error holds")
        await asyncio.Event().wait()

    async with supervised(attempt) as (feed, seen, _):
        await until(lambda: feed.reading.value == 2)
        (problem,) = [reading.problem for reading in seen if reading.phase is Phase.FAILED]
        assert problem is not None
        assert problem.code == "console-bug"
        assert "KeyError" in problem.summary
        assert "in attempt" in problem.detail
        assert "secret" not in str(problem)


async def test_a_listener_with_a_bug_ends_neither_the_feed_nor_the_others_and_is_reported() -> None:
    reported: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context.get("exception")))
    feed: Feed[int] = Feed("test")
    seen: list[int | None] = []

    def broken_listener(_: Reading[int]) -> None:
        raise KeyError("pane")

    feed.subscribe(broken_listener)
    feed.subscribe(lambda reading: seen.append(reading.value))
    feed.live(7)
    assert seen == [7]
    assert [type(error) for error in reported] == [KeyError]


async def test_a_value_from_before_the_laptop_slept_is_stale_when_it_wakes() -> None:
    clock = Clock()
    feed: Feed[int] = Feed("test", clock)

    async def attempt() -> AsyncIterator[int]:
        yield 1
        await asyncio.Event().wait()

    task = asyncio.create_task(supervise(feed, attempt, waker=Waker(), stale_after=60))
    try:
        await until(lambda: feed.reading.is_live)
        clock.now += timedelta(hours=8)  # the loop's own clock stood still meanwhile
        await until(lambda: feed.reading.phase is Phase.STALE)
    finally:
        task.cancel()
        await asyncio.wait({task})
