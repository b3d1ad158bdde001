"""A GitHub whose workflow runs change by a plan: for scheduling, which no server has to be asked about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import cast

from refactor_console.adapters.github_api import GitHubApi, RunPage
from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.domain.repos import Platform, Repository
from refactor_console.domain.runs import Job, PendingEnvironment, RunState, Workflow, WorkflowRun
from tests.warp import START

PLATFORM = Platform()


def made_run(
    number: int,
    state: RunState = RunState.SUCCESS,
    *,
    repository: Repository = PLATFORM.backend,
    minutes_ago: float = 60.0,
    took: float = 5.0,
    workflow: int = 1,
    attempt: int = 1,
) -> WorkflowRun:
    """A run; times in minutes before the warp loop's start."""
    begun = START - timedelta(minutes=minutes_ago)
    return WorkflowRun(
        repository=repository,
        id=number,
        workflow_id=workflow,
        workflow="Build",
        number=number,
        attempt=attempt,
        title=f"run {number}",
        branch="main",
        sha=f"{number:040x}",
        event="push",
        actor="alex",
        state=state,
        raw_state=state.value,
        created_at=begun,
        started_at=begun,
        updated_at=begun + timedelta(minutes=took),
        html_url=f"https://github.com/{repository}/actions/runs/{number}",
    )


@dataclass
class ActionsDouble:
    """The part of `GitHubApi` that run services use. Every call is counted, as if no answer were ever a 304."""

    clock: Callable[[], datetime]
    all_runs: dict[Repository, list[WorkflowRun]] = field(default_factory=dict)
    down: dict[Repository, Problem] = field(default_factory=dict)
    calls: list[tuple[str, Repository]] = field(default_factory=list)
    asked_limits: list[int] = field(default_factory=list)

    def api(self) -> GitHubApi:
        return cast(GitHubApi, self)

    def put(self, run: WorkflowRun) -> None:
        held = [other for other in self.all_runs.get(run.repository, []) if other.id != run.id]
        self.all_runs[run.repository] = sorted([run, *held], key=lambda r: r.created_at, reverse=True)

    def finish(self, run: WorkflowRun, state: RunState = RunState.SUCCESS) -> None:
        self.put(replace(run, state=state, raw_state=state.value, updated_at=self.clock()))

    def _called(self, what: str, repository: Repository) -> None:
        self.calls.append((what, repository))
        if repository in self.down:
            raise ConsoleError(self.down[repository])

    async def runs(self, repository: Repository, *, limit: int = 100) -> RunPage:
        self.asked_limits.append(limit)
        for _ in range(max(1, -(-limit // 100))):
            self._called("runs", repository)
        held = self.all_runs.get(repository, [])
        return RunPage(tuple(held[:limit]), complete=len(held) <= limit)

    async def workflows(self, repository: Repository) -> tuple[Workflow, ...]:
        self._called("workflows", repository)
        return (Workflow(repository, 1, "Build", ".github/workflows/build-test-push.yml", "active"),)

    async def run(self, repository: Repository, run_id: int) -> WorkflowRun:
        self._called("run", repository)
        for run in self.all_runs.get(repository, []):
            if run.id == run_id:
                return run
        raise ConsoleError(Problem("There is no such run.", code="not-found"))

    async def jobs(self, repository: Repository, run_id: int) -> tuple[Job, ...]:
        self._called("jobs", repository)
        return ()

    async def pending(self, repository: Repository, run_id: int) -> tuple[PendingEnvironment, ...]:
        self._called("pending", repository)
        return (PendingEnvironment(1, "production", True, ("sam",), 0),)
