"""Workflows, runs, jobs and waiting environments as GitHub's REST API describes them."""

from __future__ import annotations

from refactor_console.demo.github_payloads import WEB, head_commit, repository, user
from refactor_console.demo.github_repos import DemoRepo, GitCommit
from refactor_console.demo.github_runbook import RunBook
from refactor_console.demo.github_runs import JobState, Run, RunState, StepState
from refactor_console.demo.github_wire import Json, maybe_timestamp, node_id, timestamp
from refactor_console.demo.github_workflows import HOSTED, Workflow

PRODUCTION = 4_816_620_113
"""The number of the environment ``production``."""
REVIEWERS = ("release-rita", "oncall-olga")
_LONG_AGO = 1_712_000_000_000_000_000


def workflow(repo: DemoRepo, told: Workflow, base: str) -> Json:
    """A ``workflow``."""
    web = f"{WEB}/{repo.full_name}"
    return {
        "id": told.id,
        "node_id": node_id("W", told.id),
        "name": told.name,
        "path": told.path,
        "state": told.state,
        "created_at": timestamp(_LONG_AGO),
        "updated_at": timestamp(_LONG_AGO),
        "url": f"{base}/repos/{repo.full_name}/actions/workflows/{told.id}",
        "html_url": f"{web}/blob/main/{told.path}" if told.dispatchable else f"{web}/actions/workflows/{told.file}",
        "badge_url": f"{web}/actions/workflows/{told.file}/badge.svg",
    }


class RunPayloads:
    """Describes runs; those that are over only once."""

    def __init__(self, book: RunBook) -> None:
        self._book = book
        self._kept: dict[tuple[int, int, str], Json] = {}

    def run(self, repo: DemoRepo, told: Run, base: str, number: int | None = None) -> Json:
        """A ``workflow-run``: an attempt, the newest unless told."""
        state = self._book.state(told, number)
        key = (told.id, state.attempt.number, base)
        if told.forced is None and key in self._kept:
            return self._kept[key]
        described = _run(repo, told, state, base)
        if state.status == "completed" and told.forced is None:
            self._kept[key] = described
        return described

    def forget(self, told: Run) -> None:
        """It changed although it was over."""
        for key in [key for key in self._kept if key[0] == told.id]:
            del self._kept[key]


def _run(repo: DemoRepo, told: Run, state: RunState, base: str) -> Json:
    api = f"{base}/repos/{repo.full_name}"
    here = f"{api}/actions/runs/{told.id}"
    attempt = state.attempt
    suite = 60_000_000_000 + told.id % 1_000_000_007
    head = repo.resolve(told.sha) or GitCommit(told.sha, told.title, told.actor, told.created_ns, "")
    described = repository(repo, base)
    before = f"{here}/attempts/{attempt.number - 1}" if attempt.number > 1 else None
    return {
        "id": told.id,
        "name": told.workflow.name,
        "node_id": node_id("WFR", told.id),
        "head_branch": told.branch,
        "head_sha": told.sha,
        "path": told.workflow.path,
        "display_title": told.title,
        "run_number": told.number,
        "event": told.event,
        "status": state.status,
        "conclusion": state.conclusion,
        "workflow_id": told.workflow.id,
        "check_suite_id": suite,
        "check_suite_node_id": node_id("CS", suite),
        "url": here,
        "html_url": f"{WEB}/{repo.full_name}/actions/runs/{told.id}",
        "pull_requests": [] if told.pull_request is None else [_pull(repo, told, told.pull_request, base)],
        "created_at": timestamp(told.created_ns),
        "updated_at": timestamp(state.updated_ns),
        "actor": user(told.actor, base),
        "run_attempt": attempt.number,
        "referenced_workflows": [],
        "run_started_at": timestamp(attempt.created_ns),
        "triggering_actor": user(attempt.actor, base),
        "jobs_url": f"{here}/jobs",
        "logs_url": f"{here}/logs",
        "check_suite_url": f"{api}/check-suites/{suite}",
        "artifacts_url": f"{here}/artifacts",
        "cancel_url": f"{here}/cancel",
        "rerun_url": f"{here}/rerun",
        "previous_attempt_url": before,
        "workflow_url": f"{api}/actions/workflows/{told.workflow.id}",
        "head_commit": head_commit(head),
        "repository": described,
        "head_repository": described,
    }


def _pull(repo: DemoRepo, told: Run, number: int, base: str) -> Json:
    api = f"{base}/repos/{repo.full_name}"
    small = {"id": repo.id, "url": api, "name": repo.name}
    return {
        "url": f"{api}/pulls/{number}",
        "id": 2_000_000_000 + repo.id + number,
        "number": number,
        "head": {"ref": told.branch, "sha": told.sha, "repo": small},
        "base": {"ref": "main", "sha": repo.at(told.created_ns).sha, "repo": small},
    }


def job(repo: DemoRepo, told: Run, state: JobState, base: str) -> Json:
    """A ``job``."""
    api = f"{base}/repos/{repo.full_name}"
    plan = state.plan
    started = state.status == "in_progress" or (state.is_over and bool(state.steps))
    hosted = plan.kind.labels == HOSTED
    runner = 1_000_000_000 + plan.id % 97_003
    return {
        "id": plan.id,
        "run_id": told.id,
        "workflow_name": told.workflow.name,
        "head_branch": told.branch,
        "run_url": f"{api}/actions/runs/{told.id}",
        "run_attempt": plan.attempt,
        "node_id": node_id("CR", plan.id),
        "head_sha": told.sha,
        "url": f"{api}/actions/jobs/{plan.id}",
        "html_url": f"{WEB}/{repo.full_name}/actions/runs/{told.id}/job/{plan.id}",
        "status": state.status,
        "conclusion": state.conclusion,
        "created_at": timestamp(state.created_ns),
        "started_at": timestamp(state.started_ns),
        "completed_at": maybe_timestamp(state.completed_ns),
        "name": plan.kind.name,
        "steps": [_step(step) for step in state.steps],
        "check_run_url": f"{api}/check-runs/{plan.id}",
        "labels": list(plan.kind.labels),
        "runner_id": runner if started else None,
        "runner_name": (f"GitHub Actions {runner}" if hosted else "rpi5-preview") if started else None,
        "runner_group_id": 0 if started else None,
        "runner_group_name": "GitHub Actions" if started else None,
    }


def _step(state: StepState) -> Json:
    return {
        "name": state.name,
        "status": state.status,
        "conclusion": state.conclusion,
        "number": state.number,
        "started_at": maybe_timestamp(state.started_ns),
        "completed_at": maybe_timestamp(state.completed_ns),
    }


def environment_small(repo: DemoRepo, name: str, base: str) -> Json:
    """An environment as a waiting run names it."""
    return {
        "id": PRODUCTION,
        "node_id": node_id("EN", PRODUCTION),
        "name": name,
        "url": f"{base}/repos/{repo.full_name}/environments/{name}",
        "html_url": f"{WEB}/{repo.full_name}/deployments/activity_log?environments_filter={name}",
    }


def reviewers(base: str) -> list[Json]:
    """Who may approve a deploy to production."""
    return [{"type": "User", "reviewer": user(login, base)} for login in REVIEWERS]


def pending(repo: DemoRepo, name: str, login: str, base: str) -> Json:
    """A ``pending-deployment``."""
    return {
        "environment": environment_small(repo, name, base),
        "wait_timer": 0,
        "wait_timer_started_at": None,
        "current_user_can_approve": login in REVIEWERS,
        "reviewers": reviewers(base),
    }


def deployment(repo: DemoRepo, told: Run, name: str, at_ns: int, base: str) -> Json:
    """A ``deployment``: what approving one returns."""
    api = f"{base}/repos/{repo.full_name}"
    number = 3_000_000_000 + told.id % 1_000_000
    return {
        "url": f"{api}/deployments/{number}",
        "id": number,
        "node_id": node_id("DE", number),
        "task": "deploy",
        "original_environment": name,
        "environment": name,
        "description": None,
        "created_at": timestamp(at_ns),
        "updated_at": timestamp(at_ns),
        "statuses_url": f"{api}/deployments/{number}/statuses",
        "repository_url": api,
        "creator": user(told.actor, base),
        "sha": told.sha,
        "ref": told.branch,
        "payload": {},
        "transient_environment": False,
        "production_environment": True,
    }


def approval(repo: DemoRepo, state: RunState, base: str) -> Json:
    """An ``environment-approvals``."""
    attempt = state.attempt
    small = environment_small(repo, "production", base)
    at = timestamp(attempt.created_ns)
    return {
        "environments": [small | {"created_at": at, "updated_at": at}],
        "state": "rejected" if attempt.rejected else "approved",
        "user": user(attempt.approved_by, base),
        "comment": attempt.comment,
    }
