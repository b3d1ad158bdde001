"""Finds the run that a dispatch of ours started, where GitHub's answer does not name it; never another's.

A run fits when it is of the workflow, was dispatched, by us, on our ref, at or after the moment we sent (GitHub's own
clock), and was not there before. If two fit, or none within the time, nothing is shown and the sentence says so.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from refactor_console.adapters.github_api import GitHubApi
from refactor_console.domain.dispatch import short_ref
from refactor_console.domain.operations import OperationPreview
from refactor_console.domain.problem import ConsoleError
from refactor_console.domain.runs import WorkflowRun

SEARCH_SECONDS = 30.0
"""How long a run may take to appear."""
POLL_SECONDS = 2.0
ALONE_SECONDS = 6.0
"""How long a run has to be the only one that fits: ours may appear after another console's."""
SLACK = timedelta(seconds=1)
"""GitHub's times have no fractions."""

_UNNAMED = "GitHub accepted it without naming the run"


@dataclass(frozen=True, slots=True)
class Sought:
    """What is known of a dispatch before it is sent."""

    workflow_id: int
    login: str
    """Who sends; empty when GitHub did not say."""
    ref: str
    since: datetime
    before: frozenset[int] | None
    """Runs that were already there; None when they could not be seen."""

    def fits(self, run: WorkflowRun) -> bool:
        """Whether a run can be the one."""
        return (
            self.before is not None
            and run.id not in self.before
            and run.event == "workflow_dispatch"
            and run.workflow_id == self.workflow_id
            and run.actor.lower() == self.login.lower()
            and run.branch == self.ref
            and run.created_at >= self.since
        )


@dataclass(frozen=True, slots=True)
class Search:
    """How a search ended."""

    run: WorkflowRun | None
    sentence: str


async def prepare(client: GitHubApi, preview: OperationPreview, login: str) -> Sought:
    """Look at what is there before a dispatch is sent; a failure to do so does not keep it from being sent."""
    workflow, since = preview.workflow_id or 0, client.now - SLACK
    before: frozenset[int] | None
    try:
        already = await client.dispatched(preview.repository, workflow, since)
        asked, since = since, client.now - SLACK  # that answer's own date is the better clock
        if since.replace(microsecond=0) < asked.replace(microsecond=0):  # ours was ahead: too little was asked for
            already = await client.dispatched(preview.repository, workflow, since)
        before = frozenset(run.id for run in already)
    except ConsoleError:
        before = None
    return Sought(workflow, login, short_ref(preview.ref), since, before)


async def find(client: GitHubApi, preview: OperationPreview, sought: Sought) -> Search:
    """Look until a run was the only one that fits for some seconds; for half a minute at most, and those seconds."""
    if not sought.login:
        return Search(None, f"{_UNNAMED}, and it is not known who is signed in: look for it among the newest ones.")
    if sought.before is None:
        return Search(None, f"{_UNNAMED}, and what was there before could not be seen: look among the newest ones.")
    loop = asyncio.get_running_loop()
    deadline = loop.time() + SEARCH_SECONDS
    fitting: dict[int, WorkflowRun] = {}
    trouble, first_seen = "", 0.0
    while True:
        try:
            found = await client.dispatched(preview.repository, sought.workflow_id, sought.since)
            before, fitting = fitting, {run.id: run for run in found if sought.fits(run)}
            if fitting.keys() != before.keys():
                first_seen = loop.time()
            trouble = ""
        except ConsoleError as error:
            trouble = f" The last look failed: {error.problem.summary}"
        over = loop.time() >= deadline
        if len(fitting) > 1:
            numbers = " and ".join(str(run.number) for run in fitting.values())
            return Search(None, f"{_UNNAMED}: runs {numbers} both fit, so neither is taken for it.")
        if fitting and not trouble and loop.time() - first_seen >= ALONE_SECONDS:
            (run,) = fitting.values()
            return Search(run, f"It is run {run.number}, the only new one by {run.actor} on {run.branch}.")
        if over and not (fitting and loop.time() < deadline + ALONE_SECONDS):
            break
        await asyncio.sleep(POLL_SECONDS)
    return Search(None, f"{_UNNAMED}, and no new one of yours appeared within {SEARCH_SECONDS:.0f} s.{trouble}")
