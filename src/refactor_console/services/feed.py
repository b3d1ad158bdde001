"""Feeds: live values that say how fresh they are, each with its own backoff and its own failures.

A feed never raises to its listeners and never touches another feed.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.domain.reading import Phase, Reading, pending, switched_off

T = TypeVar("T")
Clock = Callable[[], datetime]
Unsubscribe = Callable[[], None]


def utc_now() -> datetime:
    """The wall clock in UTC: the one every service uses unless a test gives another."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long a feed waits before it tries again: doubling, bounded, spread so that feeds do not march in step."""

    first: float = 0.5
    """Seconds before the first retry."""
    limit: float = 15.0
    """Seconds at most, small because a person is watching."""
    factor: float = 2.0
    jitter: float = 0.3
    """The share by which a wait is spread, either way."""

    def seconds(self, failures: int, roll: Callable[[], float] = random.random) -> float:
        """The wait after `failures` failures in a row (1 or more); `roll` gives a number in [0, 1)."""
        base = min(self.limit, self.first * self.factor ** min(max(failures - 1, 0), 16))
        return base * (1 + self.jitter * (2 * roll() - 1))


class Feed(Generic[T]):
    """One live value: its newest `Reading` and those who listen to it. Lives on the event loop's thread."""

    def __init__(self, key: str, clock: Clock = utc_now) -> None:
        self.key = key
        self.clock = clock
        self.reading: Reading[T] = pending(clock())
        self._listeners: list[Callable[[Reading[T]], None]] = []

    def subscribe(self, listener: Callable[[Reading[T]], None]) -> Unsubscribe:
        """Call `listener` with every new reading, from now on; returns the function that ends it."""
        self._listeners.append(listener)

        def unsubscribe() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return unsubscribe

    def put(self, reading: Reading[T]) -> None:
        """Make `reading` the newest one and tell the listeners."""
        self.reading = reading
        for listener in tuple(self._listeners):
            listener(reading)

    def live(self, value: T) -> None:
        """A good value arrived."""
        self.put(self.reading.lived(value, self.clock()))

    def stale(self) -> None:
        """The source has been silent for longer than it should."""
        if self.reading.phase is Phase.LIVE:
            self.put(self.reading.went_stale(self.clock()))

    def fail(self, problem: Problem, retry_in: float | None = None) -> None:
        """An attempt failed; the last good value stays. `retry_in` is in seconds."""
        now = self.clock()
        next_try = None if retry_in is None else now + timedelta(seconds=retry_in)
        self.put(self.reading.failed(problem, now, next_try))

    def connecting(self) -> None:
        """A new attempt begins."""
        self.put(self.reading.connecting_again(self.clock()))

    def off(self, reason: str) -> None:
        """There is nothing to watch; `reason` says why in one sentence."""
        self.put(switched_off(reason, self.clock()))


class Waker:
    """Ends a wait early: when the connection is back, or when a person asks to try again now."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def wake(self) -> None:
        """End the present wait of everyone who waits."""
        self._event.set()
        self._event = asyncio.Event()

    async def wait(self, seconds: float) -> bool:
        """Wait so long at most; True when it was ended early."""
        try:
            await asyncio.wait_for(self._event.wait(), seconds)
        except TimeoutError:
            return False
        return True


async def supervise(
    feed: Feed[T],
    attempt: Callable[[], AsyncIterator[T]],
    *,
    waker: Waker,
    backoff: Backoff | None = None,
    stale_after: float | None = None,
) -> None:
    """Keep a feed alive for ever: run `attempt`, publish what it yields, and try again when it fails or ends.

    Args:
        feed: where the values go.
        attempt: opens the source and yields values; raises `ConsoleError` when it cannot go on.
        waker: ends the wait between attempts early.
        backoff: how long to wait between attempts; the count starts anew after a good value.
        stale_after: seconds of silence after which the value is called stale; None where silence is normal.
    """
    backoff = backoff or Backoff()
    failures = 0
    while True:
        try:
            async with aclosing(_watched(attempt(), feed, stale_after)) as values:  # type: ignore[type-var]
                async for value in values:
                    failures = 0
                    feed.live(value)
            problem = Problem("The source ended the stream.", "The console asks again by itself.", code="ended")
        except ConsoleError as error:
            problem = error.problem
        failures += 1
        wait = backoff.seconds(failures)
        feed.fail(problem, wait)
        await waker.wait(wait)
        feed.connecting()


async def _watched(values: AsyncIterator[T], feed: Feed[T], stale_after: float | None) -> AsyncIterator[T]:
    """Pass values on, and call the feed stale when none arrives in time (the wait for the value goes on)."""
    iterator = aiter(values)
    try:
        while True:
            upcoming = asyncio.ensure_future(anext(iterator))
            try:
                if stale_after is not None:
                    done, _ = await asyncio.wait({upcoming}, timeout=stale_after)
                    if not done:
                        feed.stale()
                value = await upcoming
            except StopAsyncIteration:
                return
            finally:
                if not upcoming.done():
                    upcoming.cancel()
                    await asyncio.wait({upcoming})
            yield value
    finally:
        close = getattr(iterator, "aclose", None)
        if close is not None:
            await close()
