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
from refactor_console.domain import commands
from tests.worlds.demo import DemoWorld, demo_world

RUNS = "/repos/refactor-group/refactor-platform-rs/actions/runs"
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
