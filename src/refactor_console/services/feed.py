"""Feeds: live values that say how fresh they are, each with its own backoff and its own failures.

A feed never raises to its listeners and never touches another feed. What nobody foresaw (a bug of the console) ends
neither a feed nor its listeners: `outlive_bugs` makes the feed say so and tries again.
"""

from __future__ import annotations

import asyncio
import random
import traceback
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import PurePath
from typing import Any, Generic, TypeVar

from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.domain.reading import Phase, Reading, pending, switched_off

T = TypeVar("T")
BUG = "console-bug"
"""The code of problems that are the console's own fault."""
HEALTHY_SECONDS = 60.0
"""Work that lasted so long before it failed is tried again as quickly as the first time."""
GLANCE_SECONDS = 1.0
"""How often the wall clock is compared while a value is awaited, at least; seldom where values come seldom."""
GLANCES = 20
"""How often it is compared in the time after which a value is stale."""
MOST_GLANCE_SECONDS = 5.0
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
    steady: float = 5.0
    """Seconds that an attempt with a good value must have lasted for the next failure to count as the first again: what
    starts well and dies at once, each time, is tried ever more slowly."""

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
        tell(self._listeners, reading)

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


def tell(listeners: Iterable[Callable[..., None]], *news: object) -> None:
    """Call every listener; one that fails keeps the news neither from the others nor from whoever brought them.

    Its error goes to the event loop's exception handler.
    """
    for listener in tuple(listeners):
        try:
            listener(*news)
        except Exception as error:  # noqa: BLE001 - a pane's bug must not end the feed that everyone else looks at
            asyncio.get_running_loop().call_exception_handler({"message": "A listener failed.", "exception": error})


def bug(error: BaseException | None) -> Problem:
    """A failure that nobody foresaw, as a problem: its kind and its place, not its words, which may hold a secret."""
    frames = traceback.extract_tb(error.__traceback__) if error is not None else []
    places = [f"{PurePath(frame.filename).name}:{frame.lineno} in {frame.name}" for frame in frames[-8:]]
    return Problem(
        f"The console itself failed here ({type(error).__name__ if error is not None else 'cancelled'}).",
        "It tries again by itself; please report this with its details.",
        "\n".join(reversed(places)),
        code=BUG,
    )


async def outlive_bugs(
    name: str,
    work: Callable[[], Coroutine[Any, Any, None]],
    failed: Callable[[Problem, float], None],
    again: Callable[[], None],
    *,
    waker: Waker,
    backoff: Backoff | None = None,
) -> None:
    """Keep work alive that should never end: when it ends all the same, say so, wait, and begin anew.

    Args:
        name: of the task that the work becomes.
        work: runs for ever, and handles every failure that it knows of.
        failed: told of an end that nobody foresaw, with the seconds until the next attempt.
        again: told that the next attempt begins.
        waker: ends that wait early.
        backoff: how long to wait; work that lasted a minute counts as healthy.
    """
    backoff = backoff or Backoff()
    failures = 0
    while True:
        begun = asyncio.get_running_loop().time()
        task = asyncio.create_task(work(), name=name)
        try:
            await asyncio.wait({task})
        finally:
            task.cancel()
            await asyncio.wait({task})
            error = None if task.cancelled() else task.exception()
        failures = 1 if asyncio.get_running_loop().time() - begun > HEALTHY_SECONDS else failures + 1
        wait = backoff.seconds(failures)
        failed(bug(error), wait)
        await waker.wait(wait)
        again()


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
        backoff: how long to wait between attempts; the count starts anew after an attempt that was good for a while.
        stale_after: seconds of silence after which the value is called stale; None where silence is normal.
    """
    waits = backoff or Backoff()
    await outlive_bugs(
        feed.key,
        lambda: _supervise(feed, attempt, waker=waker, backoff=waits, stale_after=stale_after),
        feed.fail,
        feed.connecting,
        waker=waker,
        backoff=waits,
    )


async def _supervise(
    feed: Feed[T],
    attempt: Callable[[], AsyncIterator[T]],
    *,
    waker: Waker,
    backoff: Backoff,
    stale_after: float | None,
) -> None:
    failures = 0
    loop = asyncio.get_running_loop()
    while True:
        begun, good = loop.time(), False
        try:
            async with aclosing(_watched(attempt(), feed, stale_after)) as values:  # type: ignore[type-var]
                async for value in values:
                    good = True
                    feed.live(value)
            problem = Problem("The source ended the stream.", "The console asks again by itself.", code="ended")
        except ConsoleError as error:
            problem = error.problem
        failures = 1 if good and loop.time() - begun >= backoff.steady else failures + 1
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
                if stale_after is not None and not await _in_time(upcoming, feed.clock, stale_after):
                    feed.stale()
                value = await upcoming
            except StopAsyncIteration:
                return
            finally:
                if not upcoming.done():
                    upcoming.cancel()
                    await asyncio.gather(upcoming, return_exceptions=True)
            yield value
    finally:
        close = getattr(iterator, "aclose", None)
        if close is not None:
            await close()


async def _in_time(upcoming: asyncio.Future[T], clock: Clock, seconds: float) -> bool:
    """Whether a value came within so many seconds, by the event loop's clock and by the wall's.

    The loop's clock stands still while a laptop sleeps; a value from before is stale as soon as it wakes.
    """
    since, deadline = clock(), asyncio.get_running_loop().time() + seconds
    glance = min(max(seconds / GLANCES, GLANCE_SECONDS), MOST_GLANCE_SECONDS)
    while (left := deadline - asyncio.get_running_loop().time()) > 0:
        done, _ = await asyncio.wait({upcoming}, timeout=min(left, glance))
        if done:
            return True
        if (clock() - since).total_seconds() > seconds + glance:
            return False
    return upcoming.done()
