"""The workflow runs of every watched repository, newest first, asked for as often as they deserve.

A repository with a run that is not over is asked every few seconds, the others rarely. One that cannot be asked keeps
the runs seen last, with the problem beside them; only when none can be asked the feed itself fails.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

from refactor_console.adapters.github_api import GitHubApi
from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.domain.repos import Platform, Repository
from refactor_console.domain.runs import RunBoard, Workflow, WorkflowRun
from refactor_console.services.feed import Clock, utc_now
from refactor_console.services.github_pace import Pacer

PAGE = 100
MOST_RUNS = 2_000
"""Runs held of one repository; older ones are let go, and the board says that it is not complete."""
STRAGGLERS = 5
"""Unfinished runs older than the page that are asked for one by one at each look, in turn."""
WORKFLOWS_SECONDS = 900.0
"""How often the list of workflows is asked for: it changes with a push to the default branch."""


@dataclass(slots=True)
class _Kept:
    """What is known of one repository."""

    runs: dict[int, WorkflowRun] = field(default_factory=dict)
    workflows: tuple[Workflow, ...] = ()
    workflows_at: datetime | None = None
    asked_at: datetime | None = None
    problem: Problem | None = None
    complete: bool = False
    wanted: int = PAGE
    straggler: int = 0
    """The run below a page that was asked for last: the next ones come next."""

    @property
    def busy(self) -> bool:
        """Whether a run is under way."""
        return any(not run.state.is_over for run in self.runs.values())


class RunFeed:
    """Makes `RunBoard`s, for `services.feed.supervise`."""

    def __init__(
        self, api: Callable[[], Awaitable[GitHubApi]], platform: Platform, *, pace: Pacer, clock: Clock = utc_now
    ) -> None:
        """Nothing is asked before `boards` is iterated.

        Args:
            api: gives the client for the present token.
            platform: which repositories.
            pace: how often.
            clock: the present time (UTC).
        """
        self._api = api
        self._platform = platform
        self._pace = pace
        self._clock = clock
        self._kept = {repository: _Kept() for repository in platform.repositories}

    @property
    def busy(self) -> bool:
        """Whether any run is under way."""
        return any(kept.busy for kept in self._kept.values())

    async def boards(self) -> AsyncIterator[RunBoard]:
        """Boards for ever: after each look at the repositories that were due.

        Raises:
            ConsoleError: no repository could be asked.
        """
        everyone = True
        while True:
            since = self._pace.mark("runs")
            due = [repository for repository in self._kept if everyone or self._is_due(repository)]
            client = await self._api()
            await asyncio.gather(*(self._look(client, repository) for repository in due))
            problems = [kept.problem for kept in self._kept.values() if kept.problem is not None]
            if len(problems) == len(self._kept):
                raise ConsoleError(problems[0])
            yield self.board()
            everyone = await self._pace.wait("runs", busy=self.busy, since=since)

    async def more(self) -> None:
        """Hold another page of older runs of each repository.

        Raises:
            ConsoleError: no repository could be asked.
        """
        for kept in self._kept.values():
            if not kept.complete:
                kept.wanted = min(kept.wanted + PAGE, MOST_RUNS)
        client = await self._api()
        await asyncio.gather(*(self._look(client, repository) for repository in self._kept))
        problems = [kept.problem for kept in self._kept.values() if kept.problem is not None]
        if len(problems) == len(self._kept):
            raise ConsoleError(problems[0])

    def board(self) -> RunBoard:
        """What is known now."""
        runs = [run for kept in self._kept.values() for run in kept.runs.values()]
        runs.sort(key=lambda run: (run.created_at, run.id), reverse=True)
        return RunBoard(
            runs=tuple(runs),
            workflows=tuple(workflow for kept in self._kept.values() for workflow in kept.workflows),
            problems=tuple((name, kept.problem) for name, kept in self._kept.items() if kept.problem is not None),
            complete=all(kept.complete for kept in self._kept.values()),
        )

    def saw(self, run: WorkflowRun) -> bool:
        """Somebody else looked at one run more recently (an open run, a dispatch); whether that is news."""
        kept = self._kept.get(run.repository)
        if kept is None or kept.runs.get(run.id) == run:
            return False
        if run.id in kept.runs and kept.runs[run.id].updated_at > run.updated_at:
            return False
        kept.runs[run.id] = run
        return True

    def _is_due(self, repository: Repository) -> bool:
        kept = self._kept[repository]
        if kept.busy or kept.problem is not None or kept.asked_at is None:
            return True
        rested = (self._clock() - kept.asked_at).total_seconds()
        return rested >= self._pace.seconds("runs", busy=False) * 0.85

    async def _look(self, client: GitHubApi, repository: Repository) -> None:
        kept = self._kept[repository]
        try:
            # Only the first page again once the older ones are held: what is over does not change any more.
            held = len(kept.runs)
            limit = kept.wanted if held < kept.wanted and not kept.complete else PAGE
            page = await client.runs(repository, limit=limit)
            await self._look_at_workflows(client, repository, kept)
        except ConsoleError as error:
            kept.problem = error.problem
            return
        kept.problem = None
        kept.asked_at = self._clock()
        self._merge(kept, page.runs, whole=page.complete)
        await self._look_at_stragglers(client, repository, kept, {run.id for run in page.runs})

    async def _look_at_workflows(self, client: GitHubApi, repository: Repository, kept: _Kept) -> None:
        now = self._clock()
        if kept.workflows_at is not None and (now - kept.workflows_at).total_seconds() < WORKFLOWS_SECONDS:
            return
        kept.workflows = await client.workflows(repository)
        kept.workflows_at = now

    async def _look_at_stragglers(self, client: GitHubApi, repository: Repository, kept: _Kept, seen: set[int]) -> None:
        """Runs that are not over, yet older than the page (one that waits for days): asked one by one."""
        waiting = sorted(
            (run for run in kept.runs.values() if not run.state.is_over and run.id not in seen),
            key=lambda run: (run.id <= kept.straggler, run.id),
        )
        for run in waiting[:STRAGGLERS]:
            kept.straggler = run.id
            try:
                kept.runs[run.id] = await client.run(repository, run.id)
            except ConsoleError as error:
                if error.problem.code in ("not-found", "gone"):
                    del kept.runs[run.id]  # somebody deleted it
                else:
                    kept.problem = error.problem

    @staticmethod
    def _merge(kept: _Kept, runs: tuple[WorkflowRun, ...], *, whole: bool) -> None:
        """The page's word on its own span of time; what is older stays as it was seen."""
        if whole:
            kept.runs = {}
        elif runs:
            oldest = min(run.created_at for run in runs)
            kept.runs = {i: r for i, r in kept.runs.items() if r.created_at < oldest or not r.state.is_over}
        kept.runs.update((run.id, run) for run in runs)
        kept.complete = whole or kept.complete
        if len(kept.runs) > MOST_RUNS:
            newest = sorted(kept.runs.values(), key=lambda run: run.created_at, reverse=True)[:MOST_RUNS]
            kept.runs = {run.id: run for run in newest}
            kept.complete = False
