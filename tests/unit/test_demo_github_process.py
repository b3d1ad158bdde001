"""The demo's GitHub in the demo world's process: its address, its controls, and what a deploy does to the host."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import asyncssh
import httpx
import pytest
import pytest_asyncio

from refactor_console.demo import launcher
from refactor_console.demo.registry_content import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST
from refactor_console.domain import commands
from tests.worlds.demo import DemoWorld, demo_world

RUNS = "/repos/refactor-group/refactor-platform-rs/actions/runs"
MANIFESTS = (OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST)
UNIT = "refactor-platform.service"


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[DemoWorld]:
    async with demo_world(tmp_path) as running:
        yield running


@pytest_asyncio.fixture
async def client(world: DemoWorld) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": "Bearer demo-token"}
    async with httpx.AsyncClient(base_url=world.github_url, headers=headers, trust_env=False) as ready:
        yield ready


async def test_it_answers_and_counts(world: DemoWorld, client: httpx.AsyncClient) -> None:
    assert world.github_url.startswith("http://127.0.0.1:")
    assert (await client.get("/user")).json()["login"] == "oncall-olga"
    assert await world.github_counted() == 1


async def test_it_goes_down_and_comes_back(world: DemoWorld, client: httpx.AsyncClient) -> None:
    await world.github_down()
    with pytest.raises(httpx.ConnectError):
        await client.get("/user")
    await world.github_up()
    assert (await client.get("/user")).status_code == 200
    await world.github_fault("status", value=502, times=1)
    assert [(await client.get("/user")).status_code for _ in range(2)] == [502, 200]


async def test_an_unknown_control_or_fault_is_refused(world: DemoWorld) -> None:
    with pytest.raises(launcher.DemoError, match="unknown verb 'github_fly'"):
        await world.github("fly")
    with pytest.raises(launcher.DemoError, match="asteroid"):
        await world.github_fault("asteroid")


async def test_runs_are_started_and_put_into_states(world: DemoWorld, client: httpx.AsyncClient) -> None:
    made = await world.github("start_run", repo="backend", workflow="build-test-push.yml")
    run = f"{RUNS}/{made['run_id']}"
    assert (await client.get(run)).json()["status"] == "queued"
    await world.github("run_state", run_id=made["run_id"], status="completed", conclusion="timed_out")
    assert (await client.get(run)).json()["conclusion"] == "timed_out"


async def test_the_digests_of_packages_are_those_of_the_registry_and_of_what_runs(
    world: DemoWorld, client: httpx.AsyncClient
) -> None:
    name = "refactor-group/refactor-platform-rs"
    path = "/orgs/refactor-group/packages/container/refactor-platform-rs/versions"
    versions = (await client.get(path, params={"per_page": "100"})).json()
    stable = next(v["name"] for v in versions if "stable" in v["metadata"]["container"]["tags"])
    async with httpx.AsyncClient(base_url=world.registry_url, trust_env=False) as registry:
        query = {"service": "demo", "scope": f"repository:{name}:pull"}
        token = (await registry.get("/token", params=query)).json()["token"]
        for version in versions:
            headers = {"Authorization": f"Bearer {token}", "Accept": ", ".join(MANIFESTS)}
            answer = await registry.get(f"/v2/{name}/manifests/{version['name']}", headers=headers)
            assert (answer.status_code, answer.headers["docker-content-digest"]) == (200, version["name"])
    async with httpx.AsyncClient(
        transport=httpx.AsyncHTTPTransport(uds=str(world.process.info.engine_socket))
    ) as engine:
        image = (await engine.get(f"http://engine/images/ghcr.io/{name}:stable/json")).json()
    assert image["RepoDigests"] == [f"ghcr.io/{name}@{stable}"]


async def test_an_approved_deploy_restarts_the_unit_on_the_host(world: DemoWorld, client: httpx.AsyncClient) -> None:
    info = world.process.info
    async with asyncssh.connect(
        info.host, info.port, username="deploy", client_keys=[str(info.identity_file)],
        known_hosts=str(info.known_hosts_file), config=None,
    ) as ssh:  # fmt: skip

        async def entered() -> str:
            shown = str((await ssh.run(commands.show_unit(UNIT).render())).stdout)
            return next(line for line in shown.splitlines() if line.startswith("ActiveEnterTimestamp="))

        before = await entered()
        await world.github("pace", factor=0.01)
        made = await world.github("start_run", workflow="deploy_to_do.yml", event="workflow_dispatch")
        body = {"environment_ids": [4_816_620_113], "state": "approved", "comment": "go"}
        answer = await client.post(f"{RUNS}/{made['run_id']}/pending_deployments", json=body)
        assert answer.status_code == 200
        deadline = time.monotonic() + 20
        while await entered() == before:
            assert time.monotonic() < deadline, "the unit was not restarted"
        assert (await ssh.run(commands.is_active(UNIT).render())).stdout == "active\n"
