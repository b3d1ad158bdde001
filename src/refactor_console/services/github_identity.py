"""The feeds that say who is signed in and what the API allows, and the waiting of all others until somebody is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from refactor_console.domain.account import Account, Budget
from refactor_console.domain.problem import ConsoleError
from refactor_console.domain.reading import Phase
from refactor_console.services.feed import Clock, Feed, utc_now
from refactor_console.services.github_link import GitHubLink
from refactor_console.services.github_pace import Pacer

T = TypeVar("T")
BUDGET_SECONDS = 2.0
"""How often the budget is read off the client, which asks nobody."""
NOBODY_SECONDS = 3_600.0
"""How long it is waited for a token before it is looked whether there is one: whoever finds one wakes all who wait."""
REFUSED = "token-refused"
SLEPT_SECONDS = 30.0
"""The wall clock went on by so much more than the event loop's: this machine was asleep meanwhile."""
CLOCK_STEP = timedelta(seconds=5)
"""GitHub's answers tell whole seconds, some of them late: a smaller difference says nothing."""


def clock_ahead(here: datetime, there: datetime) -> timedelta:
    """How far this machine's clock is ahead of GitHub's, in steps; nothing where it may be the measurement's error."""
    steps = round((here - there) / CLOCK_STEP)
    return steps * CLOCK_STEP if abs(steps) > 1 else timedelta(0)


class IdentityFeeds:
    """Who the console is, looked at now and then; a refused token is noticed by any feed and then sent by none."""

    def __init__(
        self,
        link: GitHubLink,
        account: Feed[Account],
        budget: Feed[Budget],
        *,
        pace: Pacer,
        again: Callable[[], None],
        clock: Clock = utc_now,
    ) -> None:
        """Nothing is asked before `accounts` is iterated.

        Args:
            link: who we are, and the clients.
            account: where it goes who is signed in.
            budget: where it goes what the API allows.
            pace: how often.
            again: called when all may ask anew: a token that was refused is accepted again, or this machine slept.
            clock: the present time (UTC).
        """
        self._clock = clock
        self._link = link
        self._account = account
        self._budget = budget
        self._pace = pace
        self._again = again

    def signed_in(self, feed: Feed[T], boards: Callable[[], AsyncIterator[T]]) -> Callable[[], AsyncIterator[T]]:
        """An attempt that waits, with the feed off, until there is a token."""

        async def attempt() -> AsyncIterator[T]:
            await self._wait_for_token(feed)
            try:
                async with aclosing(boards()) as values:  # type: ignore[type-var]
                    async for value in values:
                        yield value
            except ConsoleError as error:
                if error.problem.code == REFUSED and self._link.refusal is None:
                    self._pace.wake("account")  # it finds out, and then nobody sends that token again
                raise

        return attempt

    async def accounts(self) -> AsyncIterator[Account]:
        """Who we are, looked at again now and then: tokens expire, and are revoked.

        Raises:
            ConsoleError: GitHub does not say, or refuses the token.
        """
        while True:
            await self._wait_for_token(self._account)
            refusal = self._link.refusal
            if refusal is not None:
                self._account.fail(refusal, self._pace.seconds("account", busy=False))
                await self._pace.wait("account")
                self._account.connecting()
            client = await self._link.api_anyway()
            try:
                account = await client.account()
            except ConsoleError as error:
                if error.problem.code == REFUSED:
                    self._link.refused(error.problem, client)
                raise
            accepted_again = self._link.refusal is not None
            self._link.belongs_to(account, client)
            yield account
            if accepted_again:
                self._again()
            await self._pace.wait("account")

    async def watch_budget(self) -> None:
        """Read the budget off the present client, for ever; notice when this machine slept, and have all asked anew."""
        loop = asyncio.get_running_loop()
        wall, awake = self._clock(), loop.time()
        while True:
            slept = (self._clock() - wall).total_seconds() - (loop.time() - awake)
            wall, awake = self._clock(), loop.time()
            if slept > SLEPT_SECONDS:
                self._again()
            account, client = self._account.reading, self._link.client
            if account.phase is Phase.OFF and self._budget.reading.reason != account.reason:
                self._budget.off(account.reason)
            budget = client.budget if client is not None else None
            if budget is not None and client is not None:
                budget = replace(budget, clock_ahead=clock_ahead(self._clock(), client.now))
                if budget != self._budget.reading.value:
                    self._budget.live(budget)
            await asyncio.sleep(BUDGET_SECONDS)

    async def _wait_for_token(self, feed: Feed[Any]) -> None:
        while await self._link.credential() is None:
            missing = self._link.missing
            feed.off(f"{missing.summary} {missing.remedy}")
            await self._link.changed.wait(NOBODY_SECONDS)
            feed.connecting()
