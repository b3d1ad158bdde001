"""The hub against the demo world in a process of its own, in real time: GitHub goes away and comes back."""

from __future__ import annotations

import asyncio
from pathlib import Path

from refactor_console.adapters.audit_file import AuditFile
from refactor_console.adapters.observations import Observations
from refactor_console.domain.containers import ContainerBoard
from refactor_console.domain.operations import Operation
from refactor_console.domain.reading import Phase
from refactor_console.domain.runs import RunState
from refactor_console.services.audit_log import AuditLog
from refactor_console.services.feed import Feed, utc_now
from refactor_console.services.github import GitHubHub
from refactor_console.services.github_link import Endpoints, GitHubLink, find_demo
from tests.services.github_scene import ENVIRONMENT, PLATFORM, Host
from tests.services.hub_scene import EnvFile
from tests.waiting import until
from tests.worlds.demo import DemoWorld, demo_world

# A session that ends while the contract is being asked for leaves questions that nobody began.


def hub_of(world: DemoWorld, directory: Path) -> GitHubHub:
    async def endpoints() -> Endpoints:
        return Endpoints(world.github_url, PLATFORM.web_url, world.registry_url)

    containers: Feed[ContainerBoard] = Feed("containers")
    return GitHubHub(
        GitHubLink(PLATFORM, read_only=False, endpoints=endpoints, find=find_demo),
        ENVIRONMENT,
        AuditLog(Host(), AuditFile(directory / "audit.jsonl")),
        containers=containers,
        host=EnvFile(utc_now).connection,
        observations=Observations(directory / "observations.jsonl"),
    )


async def test_github_in_another_process_goes_away_and_comes_back_by_itself(tmp_path: Path) -> None:
    async with demo_world(tmp_path) as world:
        hub = hub_of(world, tmp_path)
        hub.start()
        feeds = (hub.account, hub.runs, hub.images, hub.releases, hub.contract, hub.alerts)
        try:
            await until(lambda: all(feed.reading.is_live for feed in feeds), "all feeds are live")
            before = hub.runs.reading.value
            assert before is not None
            await world.github_down()
            hub.retry_now()
            await until(lambda: hub.runs.reading.phase is Phase.FAILED, "the runs feed says that GitHub is away")
            reading = hub.runs.reading
            assert reading.problem is not None
            assert reading.problem.code == "refused"
            assert reading.next_try is not None
            assert reading.value is not None
            assert reading.value.runs == before.runs
            await world.github_up()
            await until(lambda: hub.runs.reading.is_live and hub.account.reading.is_live, "back by themselves", 30)
        finally:
            await hub.close()


async def test_an_approval_reaches_the_other_process_and_its_end_is_seen(tmp_path: Path) -> None:
    async with demo_world(tmp_path) as world:
        hub = hub_of(world, tmp_path)
        hub.start()
        try:
            await until(lambda: hub.runs.reading.is_live, "runs are live")
            board = hub.runs.reading.value
            assert board is not None
            waiting = next(run for run in board.runs if run.state is RunState.WAITING)
            preview = await hub.preview(Operation.REJECT, waiting, comment="not now")
            outcome = await hub.perform(preview, preview.confirm_word)
            assert outcome.succeeded
            told = await world.github("counts")
            assert told["requests"] > 0
            board = hub.runs.reading.value
            assert board is not None
            assert next(run for run in board.runs if run.id == waiting.id).state is RunState.FAILURE
            await asyncio.wait_for(hub.close(), 4)
        finally:
            await hub.close()
