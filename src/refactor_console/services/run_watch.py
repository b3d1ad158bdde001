"""One run with its jobs and steps, watched while a screen looks at it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from refactor_console.adapters.github_api import GitHubApi
from refactor_console.domain.runs import RunDetails, RunState, WorkflowRun
from refactor_console.services.feed import Clock, Feed, Waker, supervise, utc_now
from refactor_console.services.github_pace import Pacer


class RunWatcher:
    """A `services.github_door.RunWatch`: asks at once, then as often as the run deserves, until it is closed."""

    def __init__(
        self,
        api: Callable[[], Awaitable[GitHubApi]],
        run: WorkflowRun,
        *,
        pace: Pacer,
        waker: Waker,
        saw: Callable[[WorkflowRun], object],
        clock: Clock = utc_now,
    ) -> None:
        """Starts by itself; must be made on the event loop.

        Args:
            api: gives the client for the present token.
            run: which one.
            pace: how often.
            waker: ends a wait after a failure.
            saw: told of every newer look at the run, so that the list of runs agrees with it.
            clock: the present time (UTC).
        """
        self._api = api
        self._run = run
        self._pace = pace
        self._saw = saw
        self.feed: Feed[RunDetails] = Feed(f"run {run.key}", clock)
        self._task = asyncio.create_task(supervise(self.feed, self._details, waker=waker), name=self.feed.key)

    def close(self) -> None:
        """Stop watching."""
        self._task.cancel()

    @property
    def ended(self) -> asyncio.Task[None]:
        """The task, for whoever has to wait for its end."""
        return self._task

    async def _details(self) -> AsyncIterator[RunDetails]:
        while True:
            since = self._pace.mark("runs")
            client = await self._api()
            repository = self._run.repository
            run, jobs = await asyncio.gather(
                client.run(repository, self._run.id), client.jobs(repository, self._run.id)
            )
            waiting = run.state is RunState.WAITING
            pending = await client.pending(repository, run.id) if waiting else ()
            self._saw(run)
            yield RunDetails(run, jobs, pending)
            await self._pace.wait("runs", busy=not run.state.is_over, since=since)
