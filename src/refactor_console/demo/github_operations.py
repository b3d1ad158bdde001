"""Routes that change something at GitHub Actions: re-run, cancel, dispatch, approve."""

from __future__ import annotations

from collections.abc import Callable

from refactor_console.demo import github_describe_runs as describe
from refactor_console.demo.github_actions import Actions, find_workflow
from refactor_console.demo.github_payloads import WEB
from refactor_console.demo.github_platform import Platform
from refactor_console.demo.github_repos import DAY
from refactor_console.demo.github_runs import Run
from refactor_console.demo.github_wire import Asked, Refusal, Reply, Route, not_found
from refactor_console.demo.github_workflows import Workflow

_ACTIONS = "/repos/{owner}/{repo}/actions"
_DETAILS_ALWAYS = "2026-03-10"
"""From this version of the API on, a dispatch always answers with the run it made."""
_MOST_INPUTS = 25


class Operations:
    """Performs what is asked of runs."""

    def __init__(self, platform: Platform, actions: Actions) -> None:
        self._platform = platform
        self._actions = actions
        self.on_run: Callable[[Run], None] = _nobody
        """Told of every attempt that somebody started or approved."""

    def routes(self) -> list[Route]:
        """All of them."""
        run = f"{_ACTIONS}/runs/{{run_id}}"
        table = (
            (f"{run}/rerun", self.rerun),
            (f"{run}/rerun-failed-jobs", self.rerun_failed),
            (f"{run}/cancel", self.cancel),
            (f"{run}/pending_deployments", self.review),
            (f"{_ACTIONS}/jobs/{{job_id}}/rerun", self.rerun_job),
            (f"{_ACTIONS}/workflows/{{workflow_id}}/dispatches", self.dispatch),
        )
        return [Route("POST", path, handler, "repo", "actions:write", write=True) for path, handler in table]

    def rerun(self, asked: Asked) -> Reply:
        """All jobs once more."""
        _, run = self._finished(asked)
        return self._again(asked, run, "")

    def rerun_failed(self, asked: Asked) -> Reply:
        """The jobs that did not succeed, and those that need them."""
        _, run = self._finished(asked)
        if self._platform.book.state(run).conclusion == "success":
            raise Refusal(403, "This workflow run cannot be rerun because it has no failed jobs")
        return self._again(asked, run, "failed")

    def rerun_job(self, asked: Asked) -> Reply:
        """One job, and those that need it."""
        repo = self._platform.repo(asked)
        found = self._platform.book.job(repo.role, asked.number("job_id"))
        if found is None:
            raise not_found()
        run, job = found
        if self._platform.book.state(run).status != "completed":
            raise Refusal(403, "The workflow run containing this job is already running")
        return self._again(asked, run, job.plan.kind.key)

    def _again(self, asked: Asked, run: Run, only: str) -> Reply:
        if self._platform.clock.now() - run.created_ns > 30 * DAY:
            raise Refusal(403, "Unable to retry this workflow run because it was created over a month ago")
        self._platform.book.rerun(run, asked.grant.login, only=only)
        self.on_run(run)
        return Reply({}, 201)

    def _finished(self, asked: Asked) -> tuple[object, Run]:
        repo, run = self._actions.find(asked)
        if self._platform.book.state(run).status != "completed":
            raise Refusal(403, "This workflow is already running")
        return repo, run

    def cancel(self, asked: Asked) -> Reply:
        """Stop what runs; 409 when nothing does."""
        _, run = self._actions.find(asked)
        if self._platform.book.state(run).status == "completed":
            raise Refusal(409, "Cannot cancel a workflow run that is completed.")
        self._platform.book.cancel(run)
        return Reply({}, 202)

    def review(self, asked: Asked) -> Reply:
        """Approve or reject the environments that a run waits for."""
        repo, run = self._actions.find(asked)
        ids = asked.field("environment_ids", list)
        word = asked.field("state", str)
        comment = asked.field("comment", str)
        if word not in ("approved", "rejected"):
            raise Refusal(
                422, "Validation Failed", errors=[{"resource": "Deployment", "field": "state", "code": "invalid"}]
            )
        if self._platform.book.state(run).status != "waiting" or ids != [describe.PRODUCTION]:
            raise Refusal(422, "No pending deployment requests to approve or reject")
        if asked.grant.login not in describe.REVIEWERS:
            raise Refusal(403, "You are not authorized to approve or reject this deployment")
        self._platform.book.review(run, asked.grant.login, comment, approve=word == "approved")
        self.on_run(run)
        now = self._platform.clock.now()
        return Reply([describe.deployment(repo, run, "production", now, asked.base)])

    def dispatch(self, asked: Asked) -> Reply:
        """Start a workflow by hand."""
        repo = self._platform.repo(asked)
        workflow = find_workflow(repo, asked)
        ref = asked.field("ref", str)
        inputs = asked.field("inputs", dict, {})
        short = ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
        commit = repo.resolve(ref) if short in (*repo.branches, *repo.tags) else None
        if not workflow.dispatchable:
            raise Refusal(422, "Workflow does not have 'workflow_dispatch' trigger")
        if commit is None:
            raise Refusal(422, f"No ref found for: {ref}")
        _check_inputs(workflow, inputs)
        run = self._platform.book.start(
            workflow, commit, event="workflow_dispatch", branch=short, actor=asked.grant.login, title=workflow.name
        )
        self.on_run(run)
        if asked.version < _DETAILS_ALWAYS and not asked.field("return_run_details", bool, False):
            return Reply(status=204)
        return Reply(
            {
                "workflow_run_id": run.id,
                "run_url": f"{asked.base}/repos/{repo.full_name}/actions/runs/{run.id}",
                "html_url": f"{WEB}/{repo.full_name}/actions/runs/{run.id}",
            }
        )


def _nobody(_: Run) -> None:
    """Nobody wants to know."""


def _check_inputs(workflow: Workflow, inputs: dict[str, object]) -> None:
    if len(inputs) > _MOST_INPUTS:
        raise Refusal(422, f"Invalid request.\n\nNo more than {_MOST_INPUTS} inputs are allowed.")
    known = {name for name, _ in workflow.inputs}
    unknown = [name for name in inputs if name not in known]
    if unknown:
        told = ", ".join(f'"{name}"' for name in unknown)
        raise Refusal(422, f"Unexpected inputs provided: [{told}]")
    for name, required in workflow.inputs:
        if required and inputs.get(name) in (None, ""):
            raise Refusal(422, f"Required input '{name}' not provided")
