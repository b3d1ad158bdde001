"""Security alerts of every repository, and whether the guards that raise them are on at all.

One guard that cannot be asked is *unknown*, with the reason and the alerts seen last; only when none can be asked the
feed itself fails.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from refactor_console.adapters.github_api import GitHubApi
from refactor_console.domain.alerts import AlertBoard, Guard, GuardReport, GuardState
from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.domain.repos import Platform, Repository
from refactor_console.services.feed import Clock, utc_now
from refactor_console.services.github_pace import Pacer


class AlertFeed:
    """Makes `AlertBoard`s, for `services.feed.supervise`. Holds at most 1,000 alerts a guard."""

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
        self._seen: dict[tuple[Repository, Guard], tuple[str, GuardReport]] = {}
        """The newest report that says something, and when it was made."""

    async def boards(self) -> AsyncIterator[AlertBoard]:
        """Boards for ever: after each look at every guard.

        Raises:
            ConsoleError: no guard of any repository could be asked.
        """
        while True:
            mark = self._pace.mark("alerts")
            client = await self._api()
            told = await asyncio.gather(*(self._look(client, repository) for repository in self._platform.repositories))
            answers = [answer for answers in told for answer in answers]
            problems = [problem for _, problem in answers if problem is not None]
            if len(problems) == len(answers):
                raise ConsoleError(problems[0])
            yield AlertBoard(tuple(report for report, _ in answers))
            unknown = any(report.state is GuardState.UNKNOWN for report, _ in answers)
            await self._pace.wait("alerts", busy=unknown, since=mark)

    async def _look(self, client: GitHubApi, repository: Repository) -> list[tuple[GuardReport, Problem | None]]:
        """One repository's guards, one after the other, each with the problem that kept it from being asked."""
        answers: list[tuple[GuardReport, Problem | None]] = []
        for guard in Guard:
            problem = None
            try:
                report = await client.guard(repository, guard)
            except ConsoleError as error:
                problem = error.problem
                words = f"{problem.summary} {problem.remedy}".strip()
                report = GuardReport(repository, guard, GuardState.UNKNOWN, words)
            answers.append((self._remembered(report), problem))
        return answers

    def _remembered(self, report: GuardReport) -> GuardReport:
        """The report, with the alerts seen last where it is unknown: an alert is not over because GitHub is down."""
        key = (report.repository, report.guard)
        if report.state is not GuardState.UNKNOWN:
            self._seen[key] = (f"{self._clock():%Y-%m-%d %H:%M} UTC", report)
            return report
        if key not in self._seen or not self._seen[key][1].alerts:
            return report
        when, before = self._seen[key]
        sentence = f"{report.sentence} The alerts are those seen at {when}."
        return GuardReport(report.repository, report.guard, report.state, sentence, before.alerts, complete=False)
