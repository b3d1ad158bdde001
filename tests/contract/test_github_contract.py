"""The GitHub adapter against the demo world's GitHub.

Both ends are held to GitHub's own OpenAPI description on the way: every request that the client makes and every answer
that it gets (`tests.openapi`).
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
import pytest_asyncio

from refactor_console.adapters import github_errors as errors
from refactor_console.adapters.github import GitHub
from refactor_console.demo.clock import Clock
from refactor_console.demo.engine_http import Request, Response
from refactor_console.demo.github_access import TOKEN
from refactor_console.demo.github_http import TcpHttpServer
from refactor_console.demo.github_server import GitHubServer
from refactor_console.domain.account import Credential, Secret, TokenKind, TokenSource
from refactor_console.domain.alerts import Guard, GuardState
from refactor_console.domain.contract import NameKind, Place
from refactor_console.domain.operations import ApiRequest
from refactor_console.domain.repos import Platform, Repository
from refactor_console.domain.runs import RunState
from tests.openapi import check_request, check_response

PLATFORM = Platform()
BACKEND, FRONTEND = PLATFORM.backend, PLATFORM.frontend
OWNER = BACKEND.owner
BLOBS = "/blobs"


@dataclass
class Watched:
    """The demo's GitHub behind a door that looks at everything which passes."""

    github: GitHubServer
    front: TcpHttpServer
    asked: list[Request] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def paths(self) -> list[str]:
        return [request.path for request in self.asked]


@pytest_asyncio.fixture
async def demo() -> AsyncIterator[Watched]:
    github = GitHubServer(Clock(), seed=7)

    async def through(request: Request) -> Response:
        response = await github.handle(request)
        watched.asked.append(request)
        if not _is_blob(request, github):
            target = request.target
            try:
                check_request(request.method, target, request.query, request.body)
                check_response(request.method, target, response.status, response.body, response.content_type)
            except AssertionError as error:
                watched.wrong.append(str(error))
        return response

    front = TcpHttpServer(through, {})
    watched = Watched(github, front)
    await front.start()
    yield watched
    await front.stop()
    assert watched.wrong == [], "\n".join(watched.wrong)


def _is_blob(request: Request, github: GitHubServer) -> bool:
    from refactor_console.demo.github_actions import BLOBS as PREFIX

    return request.path.startswith(PREFIX)


Sign = Callable[..., GitHub]


@pytest_asyncio.fixture
async def sign(demo: Watched) -> AsyncIterator[Sign]:
    made: list[GitHub] = []

    def signed(token: str | None = TOKEN, *, read_only: bool = False) -> GitHub:
        credential = None if token is None else Credential(Secret(token), TokenSource.DEMO, "demo")
        made.append(GitHub(demo.front.url, credential, read_only=read_only))
        return made[-1]

    yield signed
    for github in made:
        await github.close()


@pytest.fixture
def github(sign: Sign) -> GitHub:
    return sign()


async def test_the_account_is_known_with_its_scopes(github: GitHub, sign: Sign) -> None:
    account = await github.account()
    assert account.login
    assert account.scopes is not None
    assert "repo" in account.scopes
    fine = await sign("github_pat_demo").account()
    assert (fine.kind, fine.scopes) == (TokenKind.FINE_GRAINED, None)
    assert fine.expires_at is not None


async def test_a_wrong_token_is_refused_and_no_token_is_nobody(sign: Sign) -> None:
    for token, code in (("ghp_wrong", "token-refused"), (None, "token-missing")):
        with pytest.raises(errors.TokenRefused) as caught:
            await sign(token).account()
        assert caught.value.problem.code == code


async def test_repositories_say_their_branch_and_what_the_token_may(github: GitHub, sign: Sign) -> None:
    facts = await github.repository(BACKEND)
    assert (facts.default_branch, facts.may_write, facts.owner_is_organisation) == ("main", True, True)
    assert (await sign("demo-no-scopes").repository(BACKEND)).may_write is False
    with pytest.raises(errors.NotFound):
        await github.repository(Repository(OWNER, "nothing"))


async def test_workflows_and_runs_are_listed_newest_first(github: GitHub) -> None:
    for repository in (BACKEND, FRONTEND):
        workflows = await github.workflows(repository)
        assert any(workflow.path == PLATFORM.deploy_workflow for workflow in workflows)
        page = await github.runs(repository, limit=150)
        assert page.runs
        assert page.skipped == 0
        assert all(newer.created_at >= older.created_at for newer, older in pairwise(page.runs))
        assert {run.workflow_id for run in page.runs} <= {workflow.id for workflow in workflows}
        assert all(run.state is not RunState.UNKNOWN for run in page.runs)
        again = await github.run(repository, page.runs[0].id)
        assert again.id == page.runs[0].id
    assert github.drift == ()


async def test_an_unchanged_list_costs_nothing(github: GitHub) -> None:
    await github.workflows(BACKEND)
    assert github.budget is not None
    remaining = github.budget.remaining
    for _ in range(3):
        await github.workflows(BACKEND)
    assert github.budget.remaining == remaining
    assert (github.budget.spent_here, github.budget.free_here) == (1, 3)


async def test_a_finished_run_has_jobs_steps_and_logs(demo: Watched, github: GitHub) -> None:
    runs = (await github.runs(BACKEND)).runs
    failed = next(run for run in runs if run.state is RunState.FAILURE)
    jobs = await github.jobs(BACKEND, failed.id)
    job = next(job for job in jobs if job.state is RunState.FAILURE)
    assert job.failing_step is not None
    assert job.run_id == failed.id
    log = await github.job_log(BACKEND, job.id)
    assert "##[error]" in log
    assert "authorization" not in demo.asked[-1].headers, "the log's store is asked without the token"
    with pytest.raises(errors.NotFound) as caught:
        await github.job_log(BACKEND, 1)
    assert caught.value.problem.code == "log-not-yet"


async def test_a_dispatch_names_its_run_which_can_be_found_cancelled_and_run_again(github: GitHub) -> None:
    workflow = next(w for w in await github.workflows(BACKEND) if w.path == PLATFORM.deploy_workflow)
    since = datetime.now(UTC)
    body = json.dumps({"inputs": {}, "ref": "main", "return_run_details": True}, sort_keys=True)
    path = f"/repos/{BACKEND}/actions/workflows/{workflow.id}/dispatches"
    sent = await github.send(ApiRequest("POST", path, body))
    assert sent.run_id is not None
    assert [run.id for run in await github.dispatched(BACKEND, workflow.id, since)] == [sent.run_id]
    assert await github.dispatched(BACKEND, workflow.id, since + timedelta(hours=1)) == ()
    await github.send(ApiRequest("POST", f"/repos/{BACKEND}/actions/runs/{sent.run_id}/cancel"))
    quiet = json.dumps({"ref": "main"})
    assert (await github.send(ApiRequest("POST", path, quiet))).run_id is None


async def test_mutations_that_do_not_fit_are_refused_with_a_reason(github: GitHub, sign: Sign) -> None:
    over = next(run for run in (await github.runs(BACKEND)).runs if run.state is RunState.SUCCESS)
    cancel = ApiRequest("POST", f"/repos/{BACKEND}/actions/runs/{over.id}/cancel")
    with pytest.raises(errors.Conflict):
        await github.send(cancel)
    workflow = next(w for w in await github.workflows(BACKEND) if w.path == PLATFORM.deploy_workflow)
    path = f"/repos/{BACKEND}/actions/workflows/{workflow.id}/dispatches"
    with pytest.raises(errors.Invalid) as caught:
        await github.send(ApiRequest("POST", path, '{"inputs":{"nonsense":"1"},"ref":"main"}'))
    assert "nonsense" in f"{caught.value.problem.summary}"
    with pytest.raises(errors.GitHubReadOnly):
        await sign(read_only=True).send(cancel)
    with pytest.raises(errors.GitHubSaid) as denied:
        await sign("demo-no-scopes").send(cancel)
    assert denied.value.problem.code in ("not-permitted", "not-found")


async def test_a_waiting_run_names_its_environments(github: GitHub) -> None:
    for run in (await github.runs(BACKEND)).runs:
        pending = await github.pending(BACKEND, run.id)
        assert bool(pending) == (run.state is RunState.WAITING)
        if pending:
            assert pending[0].name == PLATFORM.github_environment
            return
    workflow = next(w for w in await github.workflows(BACKEND) if w.path == PLATFORM.deploy_workflow)
    path = f"/repos/{BACKEND}/actions/workflows/{workflow.id}/dispatches"
    sent = await github.send(ApiRequest("POST", path, '{"ref":"main","return_run_details":true}'))
    assert sent.run_id is not None
    await github.pending(BACKEND, sent.run_id)


async def test_files_trees_commits_and_comparisons(github: GitHub) -> None:
    text = await github.file(BACKEND, PLATFORM.deploy_workflow, "main")
    assert "workflow_dispatch" in text
    assert PLATFORM.deploy_workflow in await github.paths(BACKEND, "main")
    with pytest.raises(errors.NotFound):
        await github.file(BACKEND, "no/such.yml", "main")
    commits = await github.commits(BACKEND, "main", limit=10)
    assert len(commits) == 10
    assert all(newer.at >= older.at for newer, older in pairwise(commits))
    told = await github.compare(BACKEND, commits[4].sha, commits[0].sha)
    assert [commit.sha for commit in told.ahead] == [commit.sha for commit in reversed(commits[:4])]
    assert (told.ahead_by, told.behind_by) == (4, 0)
    assert (await github.compare(BACKEND, commits[0].sha, commits[4].sha)).behind_by == 4
    paged = await github.compare(BACKEND, commits[4].sha, commits[0].sha, limit=500)
    assert paged.ahead == told.ahead
    for commit in commits:
        for request in await github.pull_requests(BACKEND, commit.sha):
            assert request.number > 0


async def test_releases_name_their_commits_and_drafts_only_who_may_write_sees(github: GitHub, sign: Sign) -> None:
    releases = await github.releases(BACKEND)
    tags = dict(await github.tags(BACKEND))
    assert any(release.draft for release in releases)
    assert all(release.sha == tags.get(release.tag, "") for release in releases)
    assert all(release.sha for release in releases if not release.draft)
    assert not any(release.draft for release in await sign("demo-no-scopes").releases(BACKEND))


async def test_packages_have_versions_with_digests_and_attestations(github: GitHub) -> None:
    packages = await github.packages(OWNER, BACKEND)
    assert BACKEND.name in packages
    assert all(name.startswith(BACKEND.name) for name in packages)
    attested = 0
    for package in packages:
        versions = await github.package_versions(OWNER, package)
        assert versions
        assert all(version.digest.startswith("sha256:") for version in versions)
        for version in versions[:5]:
            for found in await github.attestations(BACKEND, version.digest):
                attested += 1
                assert found.predicate_type
                assert version.digest in found.subjects
                assert found.repository.endswith(BACKEND.full_name)
    assert attested
    assert await github.attestations(BACKEND, "sha256:" + "0" * 64) == ()


async def test_secrets_and_variables_are_names_and_times(github: GitHub) -> None:
    environment = PLATFORM.github_environment
    calls: list[tuple[Awaitable[tuple[object, ...]], NameKind, Place]] = [
        (github.secrets(BACKEND), NameKind.SECRET, Place.REPOSITORY),
        (github.variables(BACKEND), NameKind.VARIABLE, Place.REPOSITORY),
        (github.environment_secrets(BACKEND, environment), NameKind.SECRET, Place.ENVIRONMENT),
        (github.environment_variables(BACKEND, environment), NameKind.VARIABLE, Place.ENVIRONMENT),
        (github.organisation_secrets(BACKEND), NameKind.SECRET, Place.ORGANISATION),
        (github.organisation_variables(BACKEND), NameKind.VARIABLE, Place.ORGANISATION),
    ]
    total = 0
    for call, kind, place in calls:
        found = await call
        total += len(found)
        for defined in found:
            assert (defined.kind, defined.place) == (kind, place)  # type: ignore[attr-defined]
    assert total > 20


async def test_guards_say_on_off_or_out_of_sight(github: GitHub, sign: Sign) -> None:
    states = set()
    for repository in (BACKEND, FRONTEND):
        for guard in Guard:
            report = await github.guard(repository, guard)
            states.add(report.state)
            assert report.sentence
            assert report.state is not GuardState.UNKNOWN, report.sentence
            assert all(alert.repository == repository for alert in report.alerts)
    assert {GuardState.ON, GuardState.OFF} <= states
    hidden = {(await sign("demo-no-scopes").guard(BACKEND, guard)).state for guard in Guard}
    assert GuardState.NOT_PERMITTED in hidden
    assert GuardState.ON not in hidden


async def test_a_token_without_the_permission_is_told_which_one(sign: Sign) -> None:
    with pytest.raises(errors.GitHubSaid) as caught:
        await sign("demo-no-scopes").secrets(BACKEND)
    assert "repo" in f"{caught.value.problem.summary} {caught.value.problem.remedy}"
