"""The demo's GitHub is held to GitHub's own description: every route of its table, and the refusals."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import pytest_asyncio

from refactor_console.demo.clock import Clock
from refactor_console.demo.github_server import GitHubServer
from refactor_console.demo.github_workflows import BUILD, DEPLOY, of
from tests import openapi
from tests.github_demo import TurnedClock, demo_github

BACKEND = "/repos/refactor-group/refactor-platform-rs"
FRONTEND = "/repos/refactor-group/refactor-platform-fe"
R = "/repos/{owner}/{repo}"
PACKAGE = "/orgs/{org}/packages/{package_type}/{package_name}"


@dataclass(frozen=True)
class Try:
    """One request for a route; words in braces are filled in from the running server."""

    path: str
    query: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] | None = None
    status: int = 200


TRIES: dict[str, tuple[Try, ...]] = {
    "GET /user": (Try("/user"),),
    "GET /rate_limit": (Try("/rate_limit"),),
    f"GET {R}": (Try(BACKEND), Try(FRONTEND), Try("/repos/refactor-group/nothing", status=404)),
    f"GET {R}/commits": (
        Try(f"{BACKEND}/commits", {"per_page": "5"}),
        Try(f"{BACKEND}/commits", {"sha": "{tag}", "per_page": "5"}),
        Try(f"{BACKEND}/commits", {"sha": "no-such-branch"}, status=404),
    ),
    f"GET {R}/commits/{{ref}}": (
        Try(f"{BACKEND}/commits/main"),
        Try(f"{BACKEND}/commits/0000000000", status=422),
    ),
    f"GET {R}/commits/{{commit_sha}}/pulls": (Try(f"{BACKEND}/commits/{{merged}}/pulls"),),
    f"GET {R}/compare/{{basehead}}": (
        Try(f"{BACKEND}/compare/{{tag}}...main"),
        Try(f"{BACKEND}/compare/main...{{tag}}", {"per_page": "3", "page": "1"}),
        Try(f"{BACKEND}/compare/main...main"),
        Try(f"{BACKEND}/compare/main...nowhere", status=404),
    ),
    f"GET {R}/contents/{{path}}": (
        Try(f"{BACKEND}/contents/.github/workflows/deploy_to_do.yml", {"ref": "main"}),
        Try(f"{BACKEND}/contents/.github/workflows"),
        Try(f"{FRONTEND}/contents/package.json"),
        Try(f"{BACKEND}/contents/nothing.txt", status=404),
    ),
    f"GET {R}/git/matching-refs/{{ref}}": (Try(f"{BACKEND}/git/matching-refs/tags/1.0"),),
    f"GET {R}/git/ref/{{ref}}": (Try(f"{BACKEND}/git/ref/heads/main"), Try(f"{BACKEND}/git/ref/heads/x", status=404)),
    f"GET {R}/git/trees/{{tree_sha}}": (
        Try(f"{BACKEND}/git/trees/main", {"recursive": "1"}),
        Try(f"{BACKEND}/git/trees/main"),
    ),
    f"GET {R}/releases": (Try(f"{BACKEND}/releases"), Try(f"{FRONTEND}/releases")),
    f"GET {R}/releases/latest": (Try(f"{BACKEND}/releases/latest", status=-1),),
    f"GET {R}/releases/tags/{{tag}}": (
        Try(f"{BACKEND}/releases/tags/{{tag}}"),
        Try(f"{BACKEND}/releases/tags/none", status=404),
    ),
    f"GET {R}/tags": (Try(f"{BACKEND}/tags"),),
    f"GET {R}/actions/workflows": (Try(f"{BACKEND}/actions/workflows"), Try(f"{FRONTEND}/actions/workflows")),
    f"GET {R}/actions/workflows/{{workflow_id}}": (
        Try(f"{BACKEND}/actions/workflows/deploy_to_do.yml"),
        Try(f"{BACKEND}/actions/workflows/7", status=404),
    ),
    f"GET {R}/actions/workflows/{{workflow_id}}/runs": (
        Try(
            f"{BACKEND}/actions/workflows/{{deploy}}/runs",
            {"event": "workflow_dispatch", "created": ">=2026-11-01T00:00:00Z", "actor": "release-rita"},
        ),
    ),
    f"GET {R}/actions/runs": (
        Try(f"{BACKEND}/actions/runs", {"per_page": "100"}),
        Try(f"{FRONTEND}/actions/runs", {"per_page": "100"}),
        Try(f"{BACKEND}/actions/runs", {"status": "failure", "branch": "main", "created": "2026-10-01..2026-11-24"}),
    ),
    f"GET {R}/actions/runs/{{run_id}}": (
        Try(f"{BACKEND}/actions/runs/{{running}}"),
        Try(f"{BACKEND}/actions/runs/{{queued}}"),
        Try(f"{BACKEND}/actions/runs/{{waiting}}"),
        Try(f"{BACKEND}/actions/runs/{{failed}}"),
        Try(f"{BACKEND}/actions/runs/5", status=404),
    ),
    f"GET {R}/actions/runs/{{run_id}}/attempts/{{attempt_number}}": (
        Try(f"{BACKEND}/actions/runs/{{failed}}/attempts/1"),
        Try(f"{BACKEND}/actions/runs/{{failed}}/attempts/9", status=404),
    ),
    f"GET {R}/actions/runs/{{run_id}}/attempts/{{attempt_number}}/jobs": (
        Try(f"{BACKEND}/actions/runs/{{failed}}/attempts/1/jobs"),
    ),
    f"GET {R}/actions/runs/{{run_id}}/jobs": (
        *(Try(f"{BACKEND}/actions/runs/{{{state}}}/jobs") for state in ("running", "queued", "waiting", "failed")),
        Try(f"{BACKEND}/actions/runs/{{failed}}/jobs", {"filter": "all"}),
    ),
    f"GET {R}/actions/jobs/{{job_id}}": (Try(f"{BACKEND}/actions/jobs/{{job}}"),),
    f"GET {R}/actions/jobs/{{job_id}}/logs": (
        Try(f"{BACKEND}/actions/jobs/{{job}}/logs", status=302),
        Try(f"{BACKEND}/actions/jobs/{{running_job}}/logs", status=404),
    ),
    f"GET {R}/actions/runs/{{run_id}}/pending_deployments": (
        Try(f"{BACKEND}/actions/runs/{{waiting}}/pending_deployments"),
        Try(f"{BACKEND}/actions/runs/{{failed}}/pending_deployments"),
    ),
    f"GET {R}/actions/runs/{{run_id}}/approvals": (
        Try(f"{BACKEND}/actions/runs/{{deployed}}/approvals"),
        Try(f"{BACKEND}/actions/runs/{{waiting}}/approvals"),
    ),
    f"POST {R}/actions/runs/{{run_id}}/rerun": (
        Try(f"{BACKEND}/actions/runs/{{running}}/rerun", status=403),
        Try(f"{BACKEND}/actions/runs/{{failed}}/rerun", status=201),
    ),
    f"POST {R}/actions/runs/{{run_id}}/rerun-failed-jobs": (
        Try(f"{BACKEND}/actions/runs/{{failed}}/rerun-failed-jobs", status=201),
    ),
    f"POST {R}/actions/jobs/{{job_id}}/rerun": (Try(f"{BACKEND}/actions/jobs/{{job}}/rerun", status=201),),
    f"POST {R}/actions/runs/{{run_id}}/cancel": (
        Try(f"{BACKEND}/actions/runs/{{running}}/cancel", status=202),
        Try(f"{BACKEND}/actions/runs/{{failed}}/cancel", status=409),
    ),
    f"POST {R}/actions/runs/{{run_id}}/pending_deployments": (
        Try(
            f"{BACKEND}/actions/runs/{{waiting}}/pending_deployments",
            body={"environment_ids": [4_816_620_113], "state": "approved", "comment": "go"},
        ),
        Try(
            f"{BACKEND}/actions/runs/{{failed}}/pending_deployments",
            body={"environment_ids": [4_816_620_113], "state": "approved", "comment": "go"},
            status=422,
        ),
    ),
    f"POST {R}/actions/workflows/{{workflow_id}}/dispatches": (
        Try(f"{BACKEND}/actions/workflows/{{deploy}}/dispatches", body={"ref": "main"}, status=204),
        Try(
            f"{BACKEND}/actions/workflows/deploy_to_do.yml/dispatches",
            body={"ref": "main", "inputs": {"enable_ssh_debugging": "true"}, "return_run_details": True},
        ),
        Try(f"{BACKEND}/actions/workflows/{{deploy}}/dispatches", body={"ref": "nowhere"}, status=422),
        Try(
            f"{BACKEND}/actions/workflows/{{deploy}}/dispatches", body={"ref": "main", "inputs": {"x": "1"}}, status=422
        ),
    ),
    f"GET {R}/environments": (Try(f"{BACKEND}/environments"),),
    f"GET {R}/environments/{{environment_name}}": (Try(f"{BACKEND}/environments/production"),),
    f"GET {R}/environments/{{environment_name}}/secrets": (
        Try(f"{BACKEND}/environments/production/secrets"),
        Try(f"{BACKEND}/environments/staging/secrets", status=404),
    ),
    f"GET {R}/environments/{{environment_name}}/variables": (Try(f"{BACKEND}/environments/production/variables"),),
    f"GET {R}/actions/secrets": (Try(f"{BACKEND}/actions/secrets"), Try(f"{FRONTEND}/actions/secrets")),
    f"GET {R}/actions/variables": (Try(f"{BACKEND}/actions/variables", {"per_page": "30"}),),
    f"GET {R}/actions/organization-secrets": (Try(f"{BACKEND}/actions/organization-secrets"),),
    f"GET {R}/actions/organization-variables": (Try(f"{BACKEND}/actions/organization-variables"),),
    f"GET {R}/dependabot/alerts": (
        Try(f"{BACKEND}/dependabot/alerts", {"state": "open"}),
        Try(f"{FRONTEND}/dependabot/alerts"),
    ),
    f"GET {R}/code-scanning/alerts": (
        Try(f"{BACKEND}/code-scanning/alerts", status=403),
        Try(f"{FRONTEND}/code-scanning/alerts", status=404),
    ),
    f"GET {R}/secret-scanning/alerts": (
        Try(f"{BACKEND}/secret-scanning/alerts", status=403),
        Try(f"{FRONTEND}/secret-scanning/alerts", status=404),
    ),
    f"GET {R}/attestations/{{subject_digest}}": (
        Try(f"{BACKEND}/attestations/{{attested}}"),
        Try(f"{BACKEND}/attestations/sha256:{'0' * 64}", status=404),
    ),
    "GET /orgs/{org}/packages": (Try("/orgs/refactor-group/packages", {"package_type": "container"}),),
    f"GET {PACKAGE}": (
        Try("/orgs/refactor-group/packages/container/refactor-platform-rs%2Fmain"),
        Try("/orgs/refactor-group/packages/container/nothing", status=404),
    ),
    f"GET {PACKAGE}/versions": (Try("/orgs/refactor-group/packages/container/refactor-platform-rs/versions"),),
    f"GET {PACKAGE}/versions/{{package_version_id}}": (
        Try("/orgs/refactor-group/packages/container/refactor-platform-rs/versions/{version}"),
        Try("/orgs/refactor-group/packages/container/refactor-platform-rs/versions/5", status=404),
    ),
}


@pytest_asyncio.fixture
async def server() -> AsyncIterator[GitHubServer]:
    async with demo_github() as running:
        yield running


@pytest_asyncio.fixture
async def client(server: GitHubServer) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": "Bearer demo-token"}
    async with httpx.AsyncClient(base_url=server.http.url, headers=headers, trust_env=False) as ready:
        yield ready


def words(server: GitHubServer) -> dict[str, str]:
    """What the braces in `TRIES` stand for."""
    book, backend = server.platform.book, server.platform.repos["backend"]
    server.platform.history.advance()
    runs = book.of("backend")

    def first(status: str, conclusion: str | None = None, path: str = "") -> Any:
        for run in runs:
            state = book.state(run)
            if (state.status, state.conclusion) == (status, conclusion) and path in ("", run.workflow.path):
                return run
        raise AssertionError(f"no run is {status}/{conclusion}")

    failed, running = first("completed", "failure", BUILD), first("in_progress")
    packages = server.packages._pushed()
    attested = next(v for v in packages["refactor-group/refactor-platform-rs/main"] if v.attested)
    return {
        "running": str(running.id),
        "queued": str(first("queued").id),
        "waiting": str(first("waiting").id),
        "failed": str(failed.id),
        "deployed": str(first("completed", "success", DEPLOY).id),
        "job": str(next(job.plan.id for job in book.state(failed).jobs if job.steps)),
        "running_job": str(next(job.plan.id for job in book.state(running).jobs if not job.is_over)),
        "deploy": str(of("backend", DEPLOY).id),
        "tag": next(release.tag for release in backend.releases if not release.draft),
        "merged": next(commit.sha for commit in reversed(backend.commits) if commit.pull_request),
        "attested": attested.digest,
        "version": str(packages["refactor-group/refactor-platform-rs"][0].id),
    }


def filled(text: str, known: dict[str, str]) -> str:
    for word, value in known.items():
        text = text.replace(f"{{{word}}}", value)
    return text


def route_names() -> list[str]:
    return [route.name for route in GitHubServer(Clock(), 7).routes]


def test_every_route_has_a_request_here_and_every_request_a_route() -> None:
    assert sorted(TRIES) == sorted(route_names())


@pytest.mark.parametrize("name", route_names())
async def test_an_answer_is_what_github_describes(name: str, server: GitHubServer, client: httpx.AsyncClient) -> None:
    known = words(server)
    for attempt in TRIES[name]:
        method, path = name.partition(" ")[0], filled(attempt.path, known)
        query = {key: filled(value, known) for key, value in attempt.query.items()}
        content = json.dumps(attempt.body).encode() if attempt.body is not None else b""
        if attempt.status < 400 or attempt.status == 409:
            openapi.check_request(method, path, query, content)
        assert openapi.operation(method, path).name == name
        answer = await client.request(method, path, params=query, content=content or None)
        expected = (200, 404) if attempt.status == -1 else (attempt.status,)
        assert answer.status_code in expected, answer.text
        openapi.check_response(method, path, answer.status_code, answer.content, answer.headers.get("content-type", ""))


@pytest.mark.parametrize("name", route_names())
async def test_a_token_that_is_not_known_gets_401_everywhere(
    name: str, server: GitHubServer, client: httpx.AsyncClient
) -> None:
    known = words(server)
    attempt = TRIES[name][0]
    method, path = name.partition(" ")[0], filled(attempt.path, known)
    answer = await client.request(method, path, headers={"Authorization": "Bearer ghp_wrong"})
    assert (answer.status_code, answer.json()["message"]) == (401, "Bad credentials")
    openapi.check_response(method, path, 401, answer.content)


async def test_all_states_of_a_run_from_its_dispatch_to_its_end_are_what_github_describes() -> None:
    clock = TurnedClock()
    async with demo_github(clock) as server, httpx.AsyncClient(base_url=server.http.url, trust_env=False) as client:
        client.headers["Authorization"] = "Bearer demo-token"
        build = of("backend", BUILD).id
        body = {"ref": "main", "return_run_details": True}
        made = await client.post(f"{BACKEND}/actions/workflows/{build}/dispatches", json=body)
        run = f"{BACKEND}/actions/runs/{made.json()['workflow_run_id']}"
        seen: list[str] = []
        for _ in range(60):
            for path in (run, f"{run}/jobs", f"{BACKEND}/actions/runs"):
                answer = await client.get(path)
                openapi.check_response("GET", path, answer.status_code, answer.content)
            word = (await client.get(run)).json()["status"]
            seen += [word] if seen[-1:] != [word] else []
            clock.pass_by(12)
        assert seen == ["queued", "in_progress", "completed"]
