"""Workflow runs in memory: a night with a deploy that runs, one that waits, one that failed, and wicked names."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from refactor_console.domain.joblog import parse
from refactor_console.domain.logs import LogLine
from refactor_console.domain.operations import DispatchForm, DispatchInput
from refactor_console.domain.repos import Platform, Repository
from refactor_console.domain.runs import (
    Job,
    PendingEnvironment,
    RunBoard,
    RunDetails,
    RunState,
    Step,
    Workflow,
    WorkflowRun,
)

NOW = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
PLATFORM = Platform()
BACKEND, FRONTEND = PLATFORM.backend, PLATFORM.frontend
EVIL = "a[red]b[/red][/]\x1b[31mc\x1b]0;title\x07\u202egnp.exe\u2066 🚀" + "x" * 200

BUILD = Workflow(BACKEND, 11, "Build, Test & Push to GHCR", ".github/workflows/build-test-push.yml", "active")
RELEASE = Workflow(
    BACKEND,
    12,
    "Build and Push Production Images",
    ".github/workflows/build_and_push_production_images.yml",
    "active",
)
DEPLOY = Workflow(BACKEND, 13, "Deploy to DigitalOcean via Tailscale", ".github/workflows/deploy_to_do.yml", "active")
FRONT = Workflow(
    FRONTEND,
    21,
    "Build and Push Nonproduction Images",
    ".github/workflows/build_and_push_nonproduction_images.yml",
    "active",
)
OLD = Workflow(FRONTEND, 22, "Old checks", ".github/workflows/old.yml", "disabled_manually")
WORKFLOWS = (BUILD, RELEASE, DEPLOY, FRONT, OLD)

_RAW = {
    RunState.QUEUED: "queued",
    RunState.WAITING: "waiting",
    RunState.RUNNING: "in_progress",
    RunState.TIMED_OUT: "completed/timed_out",
    RunState.ACTION_REQUIRED: "completed/action_required",
    RunState.UNKNOWN: "completed/exploded",
}


def run(
    number: int,
    workflow: Workflow,
    state: RunState,
    title: str,
    minutes: float,
    seconds: float,
    *,
    branch: str = "main",
    event: str = "push",
    actor: str = "ada",
    attempt: int = 1,
) -> WorkflowRun:
    """A run that began so many minutes before the fixed present and took so many seconds."""
    began = NOW - timedelta(minutes=minutes)
    ended = began + timedelta(seconds=seconds) if state.is_over else NOW
    return WorkflowRun(
        repository=workflow.repository,
        id=5000 + number,
        workflow_id=workflow.id,
        workflow=workflow.name,
        number=number,
        attempt=attempt,
        title=title,
        branch=branch,
        sha=hashlib.sha1(title.encode("utf-8", "surrogatepass")).hexdigest(),
        event=event,
        actor=actor,
        state=state,
        raw_state=_RAW.get(state, f"completed/{state.value}"),
        created_at=began - timedelta(seconds=4),
        started_at=None if state is RunState.QUEUED else began,
        updated_at=ended,
        html_url=f"https://github.com/{workflow.repository.full_name}/actions/runs/{5000 + number}",
        path=workflow.path,
    )


DEPLOYING = run(412, DEPLOY, RunState.RUNNING, "Deploy stable", 3.5, 0, event="workflow_dispatch", actor="grace")
WAITING = run(411, DEPLOY, RunState.WAITING, "Deploy feat/zoom", 12, 0, event="workflow_dispatch", branch="feat/zoom")
FAILED = run(410, BUILD, RunState.FAILURE, "feat(coaching): goals by relationship (#231)", 41, 512, branch="feat/goals")


def some_runs() -> tuple[WorkflowRun, ...]:
    """Every state, newest first; builds of main that took nine minutes."""
    s, front = RunState, FRONT
    return (
        run(413, BUILD, s.QUEUED, "chore: bump axum (#245)", 0.3, 0, branch="dependabot/axum-0.9", actor="dependabot"),
        DEPLOYING,
        run(88, front, s.RUNNING, "A calendar for coaches 📅 (#102)", 4, 0, branch="feat/calendar-📅", actor="lin"),
        WAITING,
        FAILED,
        run(409, BUILD, s.SUCCESS, "fix: a session's time zone (#233)", 96, 731),
        run(87, front, s.SUCCESS, "fix: the menu closes (#99)", 130, 241, actor="lin"),
        run(408, BUILD, s.CANCELLED, "wip", 150, 88, branch="feat/goals", event="pull_request"),
        run(407, BUILD, s.SUCCESS, "feat: notes can be shared (#230)", 300, 540, attempt=2),
        run(86, front, s.TIMED_OUT, "test: the end-to-end suite", 420, 3600, branch="e2e", actor="lin"),
        run(12, RELEASE, s.SUCCESS, "1.0.0-beta3", 60 * 26, 904, branch="1.0.0-beta3", event="release"),
        run(406, BUILD, s.SKIPPED, "docs: README", 60 * 30, 1, event="pull_request"),
        run(405, BUILD, s.SUCCESS, "fix: Merge without a number", 60 * 31, 548),
        run(85, front, s.ACTION_REQUIRED, "From a fork", 60 * 33, 0, event="pull_request", actor="stranger"),
        run(404, BUILD, s.NEUTRAL, "ci: nothing to do", 60 * 50, 4, event="schedule"),
        run(11, DEPLOY, s.SUCCESS, "Deploy stable", 60 * 72, 190, event="workflow_dispatch", actor="grace"),
        run(403, BUILD, s.SUCCESS, "refactor: entity_api", 60 * 75, 533),
        run(402, BUILD, s.STALE, "gone stale", 60 * 24 * 20, 30),
        run(400, BUILD, s.SUCCESS, "chore: tidy", 60 * 24 * 20 + 30, 536),
        run(401, BUILD, s.UNKNOWN, EVIL, 60 * 24 * 21, 30, branch=EVIL, actor=EVIL, event=EVIL),
    )


def run_board() -> RunBoard:
    """The runs as a board."""
    return RunBoard(some_runs(), WORKFLOWS, complete=False)


def many_runs(count: int) -> RunBoard:
    """So many runs, newest first."""
    states = (RunState.SUCCESS, RunState.SUCCESS, RunState.FAILURE, RunState.SUCCESS, RunState.CANCELLED)
    branches = ("main", "feat/goals", "feat/zoom", "dependabot/axum")
    made = [
        run(
            9000 + count - n,
            (BUILD, FRONT, DEPLOY)[n % 3],
            states[n % 5],
            f"change number {count - n} of many",
            10 * n + 60,
            400 + n % 90,
            branch=branches[n % 4],
            actor=("ada", "grace", "lin")[n % 3],
        )
        for n in range(count)
    ]
    return RunBoard(tuple(made), WORKFLOWS)


def step(number: int, name: str, state: RunState, begin: float, seconds: float) -> Step:
    """A step that began so many seconds before the fixed present."""
    began = NOW - timedelta(seconds=begin)
    started = None if state is RunState.QUEUED else began
    ended = began + timedelta(seconds=seconds) if state.is_over else None
    return Step(number, name, state, _RAW.get(state, f"completed/{state.value}"), started, ended)


def job(number: int, of: WorkflowRun, name: str, state: RunState, steps: tuple[Step, ...]) -> Job:
    """A job with these steps."""
    started = steps[0].started_at if steps else None
    ended = steps[-1].completed_at if steps and state.is_over else None
    url = f"{of.html_url}/job/{number}"
    raw = _RAW.get(state, f"completed/{state.value}")
    return Job(number, of.id, name, state, raw, started, ended, steps, "ubuntu-24.04" if steps else "", url)


def details_of(which: WorkflowRun) -> RunDetails:
    """A run with its jobs."""
    s = RunState
    if which.id == DEPLOYING.id:
        steps = (
            step(1, "Set up job", s.SUCCESS, 210, 3),
            step(2, "Connect to Tailscale", s.SUCCESS, 207, 11),
            step(3, "Write the .env file", s.SUCCESS, 196, 4),
            step(4, "Pull images", s.RUNNING, 192, 0),
            step(5, "Restart the unit", s.QUEUED, 0, 0),
            step(6, "Verify deployment", s.QUEUED, 0, 0),
        )
        return RunDetails(which, (job(7001, which, "deploy", s.RUNNING, steps),))
    if which.id == WAITING.id:
        pending = PendingEnvironment(1, "production", may_approve=True, reviewers=("ada", "ops"), wait_minutes=0)
        return RunDetails(which, (job(7002, which, "deploy", s.WAITING, ()),), (pending,))
    if which.id == FAILED.id:
        good = (
            step(1, "Set up job", s.SUCCESS, 2460, 2),
            step(2, "Checkout repository", s.SUCCESS, 2458, 3),
            step(3, "cargo clippy", s.SUCCESS, 2455, 94),
            step(4, "Complete job", s.SUCCESS, 2361, 1),
        )
        bad = (
            step(1, "Set up job", s.SUCCESS, 2459, 2),
            step(2, "Checkout repository", s.SUCCESS, 2457, 3),
            step(3, "cargo test", s.FAILURE, 2454, 401),
            step(4, "Upload coverage", s.SKIPPED, 2053, 0),
            step(5, "Complete job", s.SUCCESS, 2053, 1),
        )
        jobs = (job(7003, which, "lint", s.SUCCESS, good), job(7004, which, "test (stable)", s.FAILURE, bad))
        return RunDetails(which, (*jobs, job(7005, which, "push image", s.SKIPPED, ())))
    few = (step(1, "Set up job", s.SUCCESS, 900, 3), step(2, which.title, which.state, 897, 60))
    return RunDetails(which, (job(7100 + which.number, which, "build", which.state, few),))


def with_run(board: RunBoard, changed: WorkflowRun) -> RunBoard:
    """A board in which one run is another."""
    return replace(board, runs=tuple(changed if each.key == changed.key else each for each in board.runs))


def log_lines(repeat: int = 3) -> tuple[LogLine, ...]:
    """A job's log: groups, one of which holds an error; colours; a wicked line."""
    text = ["2026-03-14T08:45:54.1234567Z Current runner version: '2.329.0'"]
    text += ["2026-03-14T08:45:54.2000000Z ##[group]Runner Image Provisioner", "2026-03-14T08:45:54.2100000Z Hosted"]
    text += ["2026-03-14T08:45:54.2200000Z Compute Agent", "2026-03-14T08:45:54.2300000Z ##[endgroup]"]
    for number in range(repeat):
        stamp = f"2026-03-14T08:45:{55 + number // 2:02}.{number % 2}000000Z"
        text += [f"{stamp} ##[group]Run cargo test --package part_{number}", f"{stamp} \x1b[36;1mcargo test\x1b[0m"]
        text += [
            f"{stamp} shell: /usr/bin/bash -e {{0}}",
            f"{stamp} ##[endgroup]",
            f"{stamp} test part_{number} ... ok",
        ]
    text += [
        "2026-03-14T08:52:30.1000000Z ##[group]Summary of failures",
        "2026-03-14T08:52:30.2000000Z goals::by_relationship: assertion failed: left == right",
        "2026-03-14T08:52:30.3000000Z ##[error]test goals::by_relationship failed",
        "2026-03-14T08:52:30.4000000Z ##[endgroup]",
        "2026-03-14T08:52:31.0000000Z wicked \x1b]0;title\x07 \u202e line",
        "2026-03-14T08:52:35.0000000Z ##[warning]The cache is old",
        "2026-03-14T08:52:35.1000000Z ##[error]Process completed with exit code 101.",
        "2026-03-14T08:52:36.0000000Z Cleaning up orphan processes",
    ]
    return parse("\n".join(text) + "\n")


def dispatch_form(workflow: Workflow, ref: str = "main") -> DispatchForm:
    """One input of each type."""
    inputs = (
        DispatchInput("deploy_branch", "Branch whose image is deployed", "string", required=True, default="main"),
        DispatchInput("deploy_frontend", "Deploy the frontend too", "boolean", required=False, default="true"),
        DispatchInput(
            "image_tag", "Which tag", "choice", required=True, default="stable", options=("stable", "latest")
        ),
        DispatchInput("wait_seconds", "How long to wait", "number", required=False, default="30"),
        DispatchInput("target", "Where to", "environment", required=False, default="production"),
    )
    return DispatchForm(workflow.repository, workflow.id, workflow.name, workflow.path, ref or "main", inputs)


def repository_of(name: str) -> Repository:
    """A repository by its name."""
    return BACKEND if name == "backend" else FRONTEND
