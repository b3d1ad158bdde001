"""Routes that read GitHub Actions: workflows, runs, jobs, logs, waiting environments."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial

from refactor_console.demo import github_describe_runs as describe
from refactor_console.demo.clock import parse_moment
from refactor_console.demo.engine_http import Request, Response
from refactor_console.demo.github_logs import job_log
from refactor_console.demo.github_platform import Platform
from refactor_console.demo.github_repos import DemoRepo, sha1
from refactor_console.demo.github_runs import JobState, Run
from refactor_console.demo.github_wire import Asked, Refusal, Reply, Route, not_found, page
from refactor_console.demo.github_workflows import WORKFLOWS, Workflow

BLOBS = "/_blobs/job-logs/"
"""Where logs are really kept, as at another company's storage: with a signed address and no other credential."""
_ACTIONS = "/repos/{owner}/{repo}/actions"
_READ = "actions:read"
_MOST_SEARCHED = 1_000
"""GitHub lists no more runs than these when it filters."""


class Actions:
    """Answers what is asked about runs."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def routes(self) -> list[Route]:
        """All of them."""
        jobs = f"{_ACTIONS}/jobs/{{job_id}}"
        run = f"{_ACTIONS}/runs/{{run_id}}"
        workflow = f"{_ACTIONS}/workflows/{{workflow_id}}"
        return [
            Route("GET", f"{_ACTIONS}/workflows", self.workflows),
            Route("GET", workflow, self.workflow),
            Route("GET", f"{workflow}/runs", self.runs_of_workflow),
            Route("GET", f"{_ACTIONS}/runs", self.runs),
            Route("GET", run, self.run),
            Route("GET", f"{run}/attempts/{{attempt_number}}", self.attempt),
            Route("GET", f"{run}/attempts/{{attempt_number}}/jobs", self.jobs_of_attempt),
            Route("GET", f"{run}/jobs", self.jobs),
            Route("GET", jobs, self.job),
            Route("GET", f"{jobs}/logs", self.log, scope="public_repo", permission=_READ),
            Route("GET", f"{run}/pending_deployments", self.pending),
            Route("GET", f"{run}/approvals", self.approvals),
        ]

    def workflows(self, asked: Asked) -> Reply:
        """The repository's workflows."""
        repo = self._platform.repo(asked)
        found = [workflow for workflow in WORKFLOWS if workflow.role == repo.role]
        return page(asked, found, lambda w: describe.workflow(repo, w, asked.base), key="workflows")

    def workflow(self, asked: Asked) -> Reply:
        """One of them."""
        repo = self._platform.repo(asked)
        return Reply(describe.workflow(repo, find_workflow(repo, asked), asked.base))

    def runs(self, asked: Asked) -> Reply:
        """The repository's runs, newest first, filtered."""
        return self._page(asked, self._platform.repo(asked), None)

    def runs_of_workflow(self, asked: Asked) -> Reply:
        """One workflow's runs."""
        repo = self._platform.repo(asked)
        return self._page(asked, repo, find_workflow(repo, asked))

    def _page(self, asked: Asked, repo: DemoRepo, workflow: Workflow | None) -> Reply:
        self._platform.history.advance()
        runs = self._platform.book.of(repo.role)
        if workflow is not None:
            runs = [run for run in runs if run.workflow is workflow]
        keep = list(self._filters(asked))
        if keep:
            runs = [run for run in runs if all(test(run) for test in keep)][:_MOST_SEARCHED]
        return page(asked, runs, lambda run: self._platform.payloads.run(repo, run, asked.base), key="workflow_runs")

    def _filters(self, asked: Asked) -> Sequence[Callable[[Run], bool]]:
        query = asked.query
        tests: list[Callable[[Run], bool]] = []
        for name, read in (("actor", "actor"), ("branch", "branch"), ("event", "event"), ("head_sha", "sha")):
            if wanted := query.get(name):
                tests.append(partial(_has, read, wanted))
        if status := query.get("status"):
            tests.append(
                lambda run: status in (self._platform.book.state(run).status, self._platform.book.state(run).conclusion)
            )
        if created := query.get("created"):
            tests.append(_created(created))
        return tests

    def run(self, asked: Asked) -> Reply:
        """One run."""
        repo, run = self.find(asked)
        return Reply(self._platform.payloads.run(repo, run, asked.base))

    def attempt(self, asked: Asked) -> Reply:
        """One attempt of a run."""
        repo, run = self.find(asked)
        return Reply(self._platform.payloads.run(repo, run, asked.base, _attempt(asked, run)))

    def jobs(self, asked: Asked) -> Reply:
        """The jobs of the newest attempt, or with ``filter=all`` of every one."""
        repo, run = self.find(asked)
        numbers = range(1, len(run.attempts) + 1) if asked.query.get("filter") == "all" else [len(run.attempts)]
        found = {job.plan.id: job for n in numbers for job in self._platform.book.state(run, n).jobs}
        return self._jobs(asked, repo, run, list(found.values()))

    def jobs_of_attempt(self, asked: Asked) -> Reply:
        """The jobs of one attempt."""
        repo, run = self.find(asked)
        return self._jobs(asked, repo, run, self._platform.book.state(run, _attempt(asked, run)).jobs)

    def _jobs(self, asked: Asked, repo: DemoRepo, run: Run, jobs: Sequence[JobState]) -> Reply:
        return page(asked, jobs, lambda job: describe.job(repo, run, job, asked.base), key="jobs")

    def job(self, asked: Asked) -> Reply:
        """One job."""
        repo = self._platform.repo(asked)
        found = self._platform.book.job(repo.role, asked.number("job_id"))
        if found is None:
            raise not_found()
        return Reply(describe.job(repo, *found, asked.base))

    def log(self, asked: Asked) -> Reply:
        """Where a job's log is; 404 while the job runs, 410 when it was deleted."""
        repo = self._platform.repo(asked)
        found = self._platform.book.job(repo.role, asked.number("job_id"))
        if found is None or not found[1].is_over or not found[1].steps:
            raise not_found()
        run, job = found
        if run.id in self._platform.book.expired:
            raise Refusal(410, "Gone")
        return Reply(status=302, headers={"Location": f"{asked.base}{BLOBS}{repo.role}/{job.plan.id}?{_signed(job)}"})

    def blob(self, request: Request) -> Response:
        """A log at its signed address; like the real storage it refuses a request that brings another credential."""
        if "authorization" in request.headers:
            return _azure(403, "AuthenticationFailed", "Server failed to authenticate the request.")
        role, _, number = request.path.removeprefix(BLOBS).partition("/")
        found = self._platform.book.job(role, int(number)) if number.isdigit() else None
        if found is None or request.query.get("sig") != sha1(f"sig {number}"):
            return _azure(404, "BlobNotFound", "The specified blob does not exist.")
        return Response(200, job_log(*found), "text/plain")

    def pending(self, asked: Asked) -> Reply:
        """The environments that a run waits for."""
        repo, run = self.find(asked)
        waiting = [job for job in self._platform.book.state(run).jobs if job.status == "waiting"]
        names = dict.fromkeys(job.plan.kind.environment for job in waiting)
        return Reply([describe.pending(repo, name, asked.grant.login, asked.base) for name in names])

    def approvals(self, asked: Asked) -> Reply:
        """Who has approved what."""
        repo, run = self.find(asked)
        state = self._platform.book.state(run)
        given = state.attempt.approved_ns
        return Reply(
            [describe.approval(repo, state, asked.base)] if given and given <= self._platform.clock.now() else []
        )

    def find(self, asked: Asked) -> tuple[DemoRepo, Run]:
        """The run of a request.

        Raises:
            Refusal: 404, there is none.
        """
        repo = self._platform.repo(asked)
        run = self._platform.book.get(repo.role, asked.number("run_id"))
        if run is None:
            raise not_found()
        return repo, run


def find_workflow(repo: DemoRepo, asked: Asked) -> Workflow:
    """The workflow of a request, by number or by the name of its file.

    Raises:
        Refusal: 404, there is none.
    """
    wanted = asked.arguments["workflow_id"]
    for workflow in WORKFLOWS:
        if workflow.role == repo.role and wanted in (str(workflow.id), workflow.file):
            return workflow
    raise not_found()


def _has(name: str, wanted: str, run: Run) -> bool:
    return getattr(run, name) == wanted  # type: ignore[no-any-return]


def _created(text: str) -> Callable[[Run], bool]:
    """GitHub's search syntax for dates: ``>=2026-11-24T09:00:00Z``, ``a..b``, ``2026-11-24``."""
    found = re.fullmatch(r"(>=|<=|>|<)?([^.]+?)(?:\.\.(.+))?", text)
    if found is None:
        raise Refusal(422, "Validation Failed")
    sign, first, last = found.groups()
    try:
        low = 0 if first == "*" else parse_moment(first)
        high = None if last in (None, "*") else parse_moment(last)
    except ValueError as wrong:
        raise Refusal(422, "Validation Failed") from wrong
    day = 86_400_000_000_000 if len(first) == 10 else 1_000_000_000
    if last is not None:
        return lambda run: low <= run.created_ns and (high is None or run.created_ns <= high)
    bounds: dict[str | None, Callable[[int], bool]] = {
        ">=": lambda at: at >= low,
        ">": lambda at: at >= low + day,
        "<=": lambda at: at < low + day,
        "<": lambda at: at < low,
        None: lambda at: low <= at < low + day,
    }
    test = bounds[sign]
    return lambda run: test(run.created_ns)


def _attempt(asked: Asked, run: Run) -> int:
    number = asked.number("attempt_number")
    if not 1 <= number <= len(run.attempts):
        raise not_found()
    return number


def _signed(job: JobState) -> str:
    return f"se=2026-12-31T00%3A00%3A00Z&sp=r&sv=2025-11-05&sig={sha1(f'sig {job.plan.id}')}"


def _azure(status: int, code: str, message: str) -> Response:
    text = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Response(status, text.encode(), "application/xml")
