"""The demo's GitHub behaves like the real one where the console depends on it: costs, pages, runs, refusals."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import httpx
import pytest
import pytest_asyncio

from refactor_console.demo.github_content import MEMBERS
from refactor_console.demo.github_faults import Fault
from refactor_console.demo.github_server import GitHubServer
from refactor_console.demo.github_wire import Grant
from refactor_console.demo.github_workflows import BUILD, DEPLOY, WORKFLOWS, of
from tests.github_demo import TurnedClock, demo_github

BACKEND = "/repos/refactor-group/refactor-platform-rs"
RUNS = f"{BACKEND}/actions/runs"
NAMES = re.compile(r"\$\{([A-Z0-9_]+)")


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest_asyncio.fixture
async def server(clock: TurnedClock) -> AsyncIterator[GitHubServer]:
    async with demo_github(clock) as running:
        yield running


@pytest_asyncio.fixture
async def client(server: GitHubServer) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": "Bearer demo-token"}
    async with httpx.AsyncClient(base_url=server.http.url, headers=headers, trust_env=False) as ready:
        yield ready


async def start(client: httpx.AsyncClient, workflow: str = BUILD, **inputs: str) -> int:
    """Dispatch a workflow and return the run's id."""
    body = {"ref": "main", "return_run_details": True, "inputs": inputs}
    path = f"{BACKEND}/actions/workflows/{of('backend', workflow).id}/dispatches"
    answer = await client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return int(answer.json()["workflow_run_id"])


async def state(client: httpx.AsyncClient, run: int) -> tuple[str, str | None]:
    told = (await client.get(f"{RUNS}/{run}")).json()
    return told["status"], told["conclusion"]


async def jobs(client: httpx.AsyncClient, run: int) -> list[dict[str, Any]]:
    return list((await client.get(f"{RUNS}/{run}/jobs")).json()["jobs"])


async def finish(client: httpx.AsyncClient, clock: TurnedClock, run: int) -> str | None:
    for _ in range(200):
        status, conclusion = await state(client, run)
        if status == "completed":
            return conclusion
        clock.pass_by(20)
    raise AssertionError("the run does not end")


# Cost -----------------------------------------------------------------------------------------------------------


async def test_an_unchanged_answer_is_304_and_costs_nothing(client: httpx.AsyncClient) -> None:
    first = await client.get(RUNS)
    assert first.headers["x-ratelimit-remaining"] == "4999"
    assert first.headers["etag"].startswith('W/"')
    for _ in range(3):
        again = await client.get(RUNS, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["x-ratelimit-remaining"] == "4999"
        assert again.headers["etag"] == first.headers["etag"]


async def test_a_changed_answer_has_another_tag_and_counts(client: httpx.AsyncClient, clock: TurnedClock) -> None:
    first = await client.get(RUNS)
    clock.pass_by(700)
    again = await client.get(RUNS, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 200
    assert again.headers["etag"] != first.headers["etag"]
    assert again.headers["x-ratelimit-used"] == "2"


async def test_a_step_that_moves_on_changes_the_jobs_and_not_the_list_of_runs(
    client: httpx.AsyncClient, clock: TurnedClock
) -> None:
    run = await start(client)
    clock.pass_by(12)
    path = f"{RUNS}/{run}/jobs"
    before = (await client.get(path)).headers["etag"], (await client.get(RUNS)).headers["etag"]
    clock.pass_by(6)
    after = (await client.get(path)).headers["etag"], (await client.get(RUNS)).headers["etag"]
    assert before[0] != after[0]
    assert before[1] == after[1]


async def test_a_304_without_a_token_still_counts(server: GitHubServer) -> None:
    async with httpx.AsyncClient(base_url=server.http.url, trust_env=False) as nobody:
        first = await nobody.get(RUNS)
        assert (first.status_code, first.headers["x-ratelimit-limit"]) == (200, "60")
        again = await nobody.get(RUNS, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.headers["x-ratelimit-remaining"]) == (304, "58")


async def test_an_hour_later_the_limit_is_full_again(client: httpx.AsyncClient, clock: TurnedClock) -> None:
    first = await client.get("/user")
    assert (await client.get("/user")).headers["x-ratelimit-remaining"] == "4998"
    clock.pass_by(3601)
    later = await client.get("/user")
    assert later.headers["x-ratelimit-remaining"] == "4999"
    assert int(later.headers["x-ratelimit-reset"]) > int(first.headers["x-ratelimit-reset"])


async def test_asking_for_the_limit_costs_nothing_and_an_exhausted_one_is_said(
    client: httpx.AsyncClient, server: GitHubServer
) -> None:
    server.access.admit(Grant("small", "somebody", ("repo",), limit=1))
    headers = {"Authorization": "token small"}
    assert (await client.get("/rate_limit", headers=headers)).json()["rate"]["remaining"] == 1
    assert (await client.get("/user", headers=headers)).status_code == 200
    refused = await client.get("/user", headers=headers)
    assert (refused.status_code, refused.headers["x-ratelimit-remaining"]) == (403, "0")
    assert refused.json()["message"].startswith("API rate limit exceeded")
    assert (await client.get("/rate_limit", headers=headers)).json()["rate"]["remaining"] == 0


# Tokens ---------------------------------------------------------------------------------------------------------


async def test_a_token_is_told_its_scopes_and_a_fine_grained_one_is_not(client: httpx.AsyncClient) -> None:
    classic = await client.get("/user")
    assert "repo" in classic.headers["x-oauth-scopes"].split(", ")
    fine = await client.get("/user", headers={"Authorization": "Bearer github_pat_demo"})
    assert "x-oauth-scopes" not in fine.headers
    assert fine.headers["github-authentication-token-expiration"]


@pytest.mark.parametrize(
    ("token", "path", "status"),
    [
        ("", f"{BACKEND}/actions/secrets", 401),
        ("", "/user", 401),
        ("demo-no-scopes", RUNS, 200),
        ("demo-no-scopes", f"{BACKEND}/actions/secrets", 403),
        ("demo-no-scopes", "/orgs/refactor-group/packages?package_type=container", 403),
        ("github_pat_demo", f"{BACKEND}/actions/secrets", 200),
        ("github_pat_demo", "/orgs/refactor-group/packages?package_type=container", 403),
        ("github_pat_demo", f"{BACKEND}/dependabot/alerts", 403),
    ],
)
async def test_what_a_token_may_not_do_is_refused(server: GitHubServer, token: str, path: str, status: int) -> None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx.AsyncClient(base_url=server.http.url, headers=headers, trust_env=False) as one:
        assert (await one.get(path)).status_code == status


async def test_drafts_are_hidden_without_a_word_from_who_may_not_push(client: httpx.AsyncClient) -> None:
    mine = (await client.get(f"{BACKEND}/releases")).json()
    guest = (await client.get(f"{BACKEND}/releases", headers={"Authorization": "Bearer demo-no-scopes"})).json()
    assert [release["tag_name"] for release in mine if release["draft"]]
    assert [release for release in mine if not release["draft"]] == guest


# Pages ----------------------------------------------------------------------------------------------------------


async def test_pages_lead_to_one_another_and_hold_every_run_once(
    client: httpx.AsyncClient, server: GitHubServer
) -> None:
    server.platform.book.crowd(server.platform.repos["backend"], of("backend", BUILD), 250)
    url: str | None = f"{RUNS}?per_page=100"
    found: list[int] = []
    moments: list[str] = []
    while url:
        answer = await client.get(url)
        found += [run["id"] for run in answer.json()["workflow_runs"]]
        moments += [run["created_at"] for run in answer.json()["workflow_runs"]]
        assert answer.json()["total_count"] >= 310
        url = answer.links.get("next", {}).get("url")
    assert len(found) == len(set(found)) == answer.json()["total_count"]
    assert all(newer >= older for newer, older in pairwise(moments))
    assert answer.links["first"]["url"].endswith("page=1")
    assert "last" not in answer.links


async def test_two_thousand_runs_are_listed_page_by_page(client: httpx.AsyncClient, server: GitHubServer) -> None:
    server.platform.book.crowd(server.platform.repos["backend"], of("backend", BUILD), 2_000)
    answer = await client.get(RUNS, params={"per_page": "100", "page": "20"})
    assert len(answer.json()["workflow_runs"]) == 100
    assert answer.json()["total_count"] > 2_000


# Runs -----------------------------------------------------------------------------------------------------------


async def test_there_is_a_past_and_something_running_queued_and_waiting(client: httpx.AsyncClient) -> None:
    answer = (await client.get(RUNS, params={"per_page": "100"})).json()
    found = {(run["status"], run["conclusion"]) for run in answer["workflow_runs"]}
    assert answer["total_count"] >= 60
    assert found >= {
        ("in_progress", None), ("queued", None), ("waiting", None),
        ("completed", "success"), ("completed", "failure"), ("completed", "cancelled"),
    }  # fmt: skip
    assert any("📈" in run["head_branch"] and "/" in run["head_branch"] for run in answer["workflow_runs"])


async def test_two_worlds_with_one_seed_and_one_time_are_the_same() -> None:
    told = []
    for _ in range(2):
        async with demo_github(TurnedClock()) as server, httpx.AsyncClient(trust_env=False) as client:
            headers = {"Authorization": "Bearer demo-token", "Host": "demo"}
            told.append((await client.get(f"{server.http.url}{RUNS}?per_page=100", headers=headers)).content)
    assert told[0] == told[1]


async def test_a_dispatched_run_goes_through_its_jobs_by_the_clock(
    client: httpx.AsyncClient, clock: TurnedClock
) -> None:
    run = await start(client)
    assert await state(client, run) == ("queued", None)
    assert [job["name"] for job in await jobs(client, run)] == ["Lint & Format", "Build & Test"]
    clock.pass_by(15)
    assert await state(client, run) == ("in_progress", None)
    steps = (await jobs(client, run))[0]["steps"]
    assert [step["status"] for step in steps].count("in_progress") == 1
    assert await finish(client, clock, run) == "success"
    done = await jobs(client, run)
    assert [job["conclusion"] for job in done] == ["success"] * 3
    assert done[2]["started_at"] >= max(done[0]["completed_at"], done[1]["completed_at"])


async def test_a_dispatch_without_details_says_nothing_unless_the_version_is_new(client: httpx.AsyncClient) -> None:
    path = f"{BACKEND}/actions/workflows/deploy_to_do.yml/dispatches"
    assert (await client.post(path, json={"ref": "main"})).status_code == 204
    newer = await client.post(path, json={"ref": "main"}, headers={"X-GitHub-Api-Version": "2026-03-10"})
    assert newer.json().keys() == {"workflow_run_id", "run_url", "html_url"}
    assert (await client.get("/user", headers={"X-GitHub-Api-Version": "1999-01-01"})).status_code == 400


async def test_cancelling_ends_a_run_and_a_second_time_is_a_conflict(
    client: httpx.AsyncClient, clock: TurnedClock
) -> None:
    run = await start(client)
    clock.pass_by(40)
    assert (await client.post(f"{RUNS}/{run}/cancel")).status_code == 202
    clock.pass_by(1)
    assert await state(client, run) == ("completed", "cancelled")
    again = await client.post(f"{RUNS}/{run}/cancel")
    assert (again.status_code, again.json()["message"]) == (409, "Cannot cancel a workflow run that is completed.")


async def test_rerunning_failed_jobs_keeps_those_that_succeeded(
    client: httpx.AsyncClient, clock: TurnedClock, server: GitHubServer
) -> None:
    backend = server.platform.repos["backend"]
    made = server.platform.book.start(
        of("backend", BUILD), backend.head, event="push", branch="main", actor="caleb", fails=("test", "Run tests")
    )
    assert await finish(client, clock, made.id) == "failure"
    before = {job["name"]: job for job in await jobs(client, made.id)}
    assert before["Build & Push Docker Image"]["conclusion"] == "skipped"
    assert [s["name"] for s in before["Build & Test"]["steps"] if s["conclusion"] == "failure"] == ["Run tests"]
    assert (await client.post(f"{RUNS}/{made.id}/rerun-failed-jobs")).status_code == 201
    assert (await client.post(f"{RUNS}/{made.id}/rerun-failed-jobs")).status_code == 403
    assert await finish(client, clock, made.id) == "success"
    after = {job["name"]: job for job in await jobs(client, made.id)}
    assert after["Lint & Format"]["id"] == before["Lint & Format"]["id"]
    assert after["Build & Test"]["id"] != before["Build & Test"]["id"]
    told = (await client.get(f"{RUNS}/{made.id}")).json()
    assert (told["run_attempt"], told["triggering_actor"]["login"], told["actor"]["login"]) == (
        2,
        "oncall-olga",
        "caleb",
    )
    first = (await client.get(f"{RUNS}/{made.id}/attempts/1")).json()
    assert (first["conclusion"], first["run_attempt"]) == ("failure", 1)


async def test_a_deploy_waits_for_its_approval(client: httpx.AsyncClient, clock: TurnedClock) -> None:
    run = await start(client, DEPLOY, enable_ssh_debugging="true")
    clock.pass_by(3600)
    assert await state(client, run) == ("waiting", None)
    (pending,) = (await client.get(f"{RUNS}/{run}/pending_deployments")).json()
    assert (pending["environment"]["name"], pending["current_user_can_approve"]) == ("production", True)
    body = {"environment_ids": [pending["environment"]["id"]], "state": "approved", "comment": "now"}
    assert (await client.post(f"{RUNS}/{run}/pending_deployments", json=body)).status_code == 200
    assert await finish(client, clock, run) == "success"
    (approval,) = (await client.get(f"{RUNS}/{run}/approvals")).json()
    assert (approval["state"], approval["user"]["login"], approval["comment"]) == ("approved", "oncall-olga", "now")
    assert (await client.post(f"{RUNS}/{run}/pending_deployments", json=body)).status_code == 422


async def test_a_rejected_deploy_has_failed_without_a_step(client: httpx.AsyncClient) -> None:
    run = await start(client, DEPLOY)
    body = {"environment_ids": [4_816_620_113], "state": "rejected", "comment": "no"}
    await client.post(f"{RUNS}/{run}/pending_deployments", json=body)
    assert await state(client, run) == ("completed", "failure")
    (job,) = await jobs(client, run)
    assert job["steps"] == []


async def test_runs_are_found_by_event_actor_and_time(client: httpx.AsyncClient, clock: TurnedClock) -> None:
    clock.pass_by(60)
    mine = await start(client, DEPLOY)
    query = {"event": "workflow_dispatch", "actor": "oncall-olga", "created": ">=2026-11-24T12:01:00Z"}
    path = f"{BACKEND}/actions/workflows/deploy_to_do.yml/runs"
    found = (await client.get(path, params=query)).json()["workflow_runs"]
    assert [run["id"] for run in found] == [mine]
    assert (await client.get(path, params={**query, "created": ">=2026-11-24T12:02:00Z"})).json()["workflow_runs"] == []


# Logs -----------------------------------------------------------------------------------------------------------


async def test_a_log_is_served_after_the_job_elsewhere_and_without_the_token(
    client: httpx.AsyncClient, clock: TurnedClock, server: GitHubServer
) -> None:
    head = server.platform.repos["backend"].head
    workflow = of("backend", BUILD)
    run = server.platform.book.start(
        workflow, head, event="push", branch="main", actor="caleb", fails=("test", "Run tests")
    )
    clock.pass_by(60)
    job = next(job for job in await jobs(client, run.id) if job["name"] == "Build & Test")
    path = f"{BACKEND}/actions/jobs/{job['id']}/logs"
    assert (await client.get(path)).status_code == 404
    await finish(client, clock, run.id)
    moved = await client.get(path)
    assert (moved.status_code, moved.content) == (302, b"")
    place = moved.headers["location"]
    assert (await client.get(place)).status_code == 403
    async with httpx.AsyncClient(trust_env=False) as nobody:
        log = await nobody.get(place)
        assert (await nobody.get(place.replace("sig=", "sig=x"))).status_code == 404
    lines = log.content.decode("utf-8-sig").splitlines()
    assert log.content.startswith(b"\xef\xbb\xbf")
    assert all(re.match(r"2026-11-24T\d\d:\d\d:\d\d\.\d{7}Z ", line) for line in lines)
    assert any(line.endswith(" ##[error]Process completed with exit code 101.") for line in lines)
    assert sum("##[group]" in line for line in lines) == sum("##[endgroup]" in line for line in lines) > 5
    assert any("\x1b[1m\x1b[32m" in line for line in lines)
    assert any("##[warning]" in line for line in lines)
    server.platform.book.expired.add(run.id)
    assert (await client.get(path)).status_code == 410


# Files ----------------------------------------------------------------------------------------------------------


async def raw(client: httpx.AsyncClient, path: str, ref: str = "main") -> str:
    headers = {"Accept": "application/vnd.github.raw+json"}
    answer = await client.get(f"{BACKEND}/contents/{path}", params={"ref": ref}, headers=headers)
    assert answer.status_code == 200
    assert "raw" in answer.headers["content-type"]
    return answer.text


async def test_the_deploy_workflow_and_the_compose_file_have_the_known_flaws(client: httpx.AsyncClient) -> None:
    workflow, compose = await raw(client, DEPLOY), await raw(client, "docker-compose.yaml")
    read = set(NAMES.findall(compose))
    written = set(re.findall(r"^ +([A-Z0-9_]+)=\$\{\{", workflow, re.MULTILINE))
    assert len(read) == 68
    assert len(set(re.findall(r"secrets\.(\w+)", workflow))) == 18
    assert len(set(re.findall(r"vars\.(\w+)", workflow))) == 53
    assert read - written >= {
        "RESEND_BASE_URL",
        "SESSION_SCHEDULED_EMAIL_URL_PATH",
        "ACTION_ASSIGNED_EMAIL_URL_PATH",
        "ADDED_TO_ORGANIZATION_EMAIL_URL_PATH",
    }
    assert workflow.index("systemctl stop") < workflow.index("docker pull")


async def test_names_are_missing_unused_and_old(client: httpx.AsyncClient) -> None:
    workflow = await raw(client, DEPLOY)
    exist: dict[str, str] = {}
    for place in ("actions/secrets", "environments/production/secrets", "actions/organization-secrets"):
        told = (await client.get(f"{BACKEND}/{place}", params={"per_page": "100"})).json()["secrets"]
        exist |= {secret["name"]: secret["updated_at"] for secret in told}
    named = set(re.findall(r"secrets\.(\w+)", workflow))
    assert named - set(exist) == {"RECALL_AI_WEBHOOK_SECRET"}
    assert set(exist) - named == {"SLACK_WEBHOOK_URL"}
    assert exist["GHCR_PAT"] < "2026-01-01"


async def test_the_twelve_members_carry_the_version_of_their_time(client: httpx.AsyncClient) -> None:
    tree = (await client.get(f"{BACKEND}/git/trees/main", params={"recursive": "1"})).json()
    manifests = [entry["path"] for entry in tree["tree"] if entry["path"].endswith("Cargo.toml")]
    assert len(manifests) == len(MEMBERS) + 1 == 12
    newest = next(r["tag_name"] for r in (await client.get(f"{BACKEND}/releases")).json() if not r["draft"])
    for path in manifests:
        assert f'version = "{newest}"' in await raw(client, path)
    assert 'version = "1.0.0-beta2"' in await raw(client, "web/Cargo.toml", "1.0.0-beta2")
    blob = next(entry for entry in tree["tree"] if entry["path"] == "Cargo.toml")
    file = (await client.get(f"{BACKEND}/contents/Cargo.toml")).json()
    assert (file["sha"], len(base64.b64decode(file["content"]))) == (blob["sha"], blob["size"])


async def test_every_workflow_that_is_a_file_is_in_the_tree(client: httpx.AsyncClient) -> None:
    for name in ("refactor-platform-rs", "refactor-platform-fe"):
        base = f"/repos/refactor-group/{name}"
        tree = (await client.get(f"{base}/git/trees/main", params={"recursive": "1"})).json()["tree"]
        files = {entry["path"] for entry in tree}
        told = (await client.get(f"{base}/actions/workflows")).json()["workflows"]
        assert {w["path"] for w in told if w["path"].startswith(".github/")} == {
            path for path in files if path.startswith(".github/workflows/")
        }


async def test_jobs_and_steps_of_the_workflow_files_are_those_that_run(client: httpx.AsyncClient) -> None:
    for workflow in WORKFLOWS:
        if workflow.role == "backend":
            text = await raw(client, workflow.path)
            for job in workflow.jobs:
                assert f"  {job.key}:\n" in text
                for step in job.steps[1:-1]:
                    assert step.name.startswith("Post ") or f"name: {step.name}\n" in text, (workflow.file, step.name)


async def test_comparing_counts_both_sides(client: httpx.AsyncClient) -> None:
    forward = (await client.get(f"{BACKEND}/compare/1.0.0-beta2...1.0.0-beta3")).json()
    back = (await client.get(f"{BACKEND}/compare/1.0.0-beta3...1.0.0-beta2")).json()
    assert (forward["status"], forward["behind_by"]) == ("ahead", 0)
    assert (back["status"], back["behind_by"]) == ("behind", forward["ahead_by"])
    assert forward["ahead_by"] == len(forward["commits"]) > 3
    moments = [commit["commit"]["author"]["date"] for commit in forward["commits"]]
    assert moments == sorted(moments)


async def test_an_attestation_names_its_digest(client: httpx.AsyncClient) -> None:
    path = "/orgs/refactor-group/packages/container/refactor-platform-rs%2Fmain/versions"
    found = 0
    for version in (await client.get(path)).json():
        answer = await client.get(f"{BACKEND}/attestations/{version['name']}")
        if answer.status_code == 200:
            found += 1
            envelope = answer.json()["attestations"][0]["bundle"]["dsseEnvelope"]
            statement = json.loads(base64.b64decode(envelope["payload"]))
            assert f"sha256:{statement['subject'][0]['digest']['sha256']}" == version["name"]
    assert found >= 1


# Faults ---------------------------------------------------------------------------------------------------------


async def test_faults_strike_where_and_as_often_as_ordered(client: httpx.AsyncClient, server: GitHubServer) -> None:
    server.faults.order(Fault.STATUS, "/actions/runs", 2, 503)
    assert [(await client.get(RUNS)).status_code for _ in range(3)] == [503, 503, 200]
    server.faults.order(Fault.SECONDARY, value=7)
    limited = await client.get("/user")
    assert (limited.status_code, limited.headers["retry-after"]) == (403, "7")
    server.faults.clear()
    server.faults.order(Fault.SSO, times=1)
    sso = await client.get("/user")
    assert (sso.status_code, sso.headers["x-github-sso"].startswith("required; url=")) == (403, True)
    server.faults.order(Fault.EXHAUSTED, times=1, value=30)
    assert [(await client.get("/user")).headers["x-ratelimit-remaining"] for _ in range(2)] == ["0", "0"]


async def test_spoilt_answers(client: httpx.AsyncClient, server: GitHubServer) -> None:
    server.faults.order(Fault.TRUNCATED, times=1)
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        (await client.get("/user")).json()
    server.faults.order(Fault.BROKEN_OFF, times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        await client.get("/user")
    server.faults.order(Fault.DRIFT, times=1)
    told = (await client.get(RUNS, params={"per_page": "100"})).json()
    assert "warming_up" in {run["status"] for run in told["workflow_runs"]}
    server.faults.order(Fault.NOT_JSON, times=1)
    assert (await client.get("/user")).headers["content-type"].startswith("text/html")
    assert (await client.get("/user")).status_code == 200


async def test_it_refuses_connections_when_it_is_down_and_comes_back_at_the_same_address(
    client: httpx.AsyncClient, server: GitHubServer
) -> None:
    url = server.http.url
    await server.http.stop()
    with pytest.raises(httpx.TransportError):
        await client.get("/user")
    await server.http.start()
    assert server.http.url == url
    assert (await client.get("/user")).status_code == 200
