"""The demo world's GitHub in this process, the contract and alert feeds on it, and a host whose ``.env`` is set."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from refactor_console.adapters.github import GitHub
from refactor_console.adapters.github_answers import Patience
from refactor_console.adapters.github_api import GitHubApi
from refactor_console.demo.clock import utc
from refactor_console.demo.github_access import TOKEN
from refactor_console.demo.github_server import GitHubServer
from refactor_console.domain.account import Credential, Secret, TokenSource
from refactor_console.domain.alerts import AlertBoard
from refactor_console.domain.contract import ContractRow, EnvironmentContract, SourceName, SourceReport
from refactor_console.domain.environment import Environment, SshTarget
from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.domain.repos import Platform
from refactor_console.services.alert_feed import AlertFeed
from refactor_console.services.contract_feed import ContractFeed
from refactor_console.services.feed import Backoff, Feed, Waker, supervise
from refactor_console.services.github_pace import Pacer
from refactor_console.services.github_parts import HostEnv
from tests.github_demo import TurnedClock
from tests.waiting import until

PLATFORM = Platform()
NOBODY = Problem("There is no token.", "Sign in.", code="token-missing")
NO_FILE = Problem("Reading /home/deploy/.env: there is no such file.", "Deploy once.", code="no-such-file")
T = TypeVar("T")


class Host:
    """A host that has nothing but its ``.env``; None for not even that."""

    def __init__(self, env: bytes | None, written_at: datetime) -> None:
        self.env, self.written_at = env, written_at
        self.asked: list[str] = []

    async def read_file(self, path: str, limit: int = 0) -> bytes:
        self.asked.append(path)
        if self.env is None:
            raise ConsoleError(NO_FILE)
        return self.env[: limit or None]

    async def modified_at(self, _path: str) -> datetime:
        if self.env is None:
            raise ConsoleError(NO_FILE)
        return self.written_at


@dataclass
class GuardWorld:
    """Everything; `token`, `deployed` and the host may be changed while it runs."""

    github: GitHubServer
    clock: TurnedClock
    platform: Platform = PLATFORM
    token: str = TOKEN
    deployed: str = ""
    pace: Pacer = field(default_factory=lambda: Pacer(jitter=0))
    _clients: dict[str, GitHub] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.host = Host(b"", self.now() - timedelta(days=1))
        self.environment = Environment("production", SshTarget("droplet", user="deploy"))

    def contract_feed(self) -> ContractFeed:
        return ContractFeed(
            self.api,
            self.platform,
            pace=self.pace,
            clock=self.now,
            deployed_ref=lambda: self.deployed,
            read_env=HostEnv(self._host, self.environment).read,
        )

    def alert_feed(self) -> AlertFeed:
        return AlertFeed(self.api, self.platform, pace=self.pace, clock=self.now)

    async def _host(self) -> Host:
        return self.host

    def now(self) -> datetime:
        return utc(self.clock.now())

    async def api(self) -> GitHubApi:
        if not self.token:
            raise ConsoleError(NOBODY)
        if self.token not in self._clients:
            credential = Credential(Secret(self.token), TokenSource.ENVIRONMENT, "GH_TOKEN")
            self._clients[self.token] = GitHub(
                self.github.http.url, credential, read_only=True, clock=self.now, patience=Patience(attempts=1)
            )
        return self._clients[self.token]

    @property
    def head(self) -> str:
        """The newest commit of the backend."""
        return self.github.platform.repos["backend"].head.sha

    async def close(self) -> None:
        for client in self._clients.values():
            await client.close()


@asynccontextmanager
async def guard_world() -> AsyncIterator[GuardWorld]:
    clock = TurnedClock()
    github = GitHubServer(clock, seed=7)
    await github.http.start()
    world = GuardWorld(github, clock)
    try:
        yield world
    finally:
        await world.close()
        await github.http.stop()


class Watched(Generic[T]):
    """A feed under supervision."""

    def __init__(self, world: GuardWorld, name: str) -> None:
        self.world = world
        self.feed: Feed[T] = Feed(name, world.now)
        self.boards = 0
        self.feed.subscribe(lambda reading: self._count(reading.is_live))

    def _count(self, live: bool) -> None:
        self.boards += live

    @property
    def board(self) -> T:
        assert self.feed.reading.value is not None
        return self.feed.reading.value

    async def until(self, condition: Callable[[T], object], what: str) -> T:
        """Wait for a board."""

        def holds() -> object:
            value = self.feed.reading.value
            return value is not None and condition(value)

        await until(holds, what)
        return self.board

    async def look_again(self) -> T:
        """As when a person asks; returns when the next board is there."""
        before = self.boards
        self.world.pace.wake()
        await until(lambda: self.boards > before, "another board")
        return self.board


class ContractScene(Watched[EnvironmentContract]):
    """The contract feed under supervision."""

    def row(self, name: str) -> ContractRow:
        return next(row for row in self.board.rows if row.name == name)

    def source(self, source: SourceName) -> SourceReport:
        return next(report for report in self.board.sources if report.source is source)

    async def known(self) -> EnvironmentContract:
        return await self.until(lambda _: True, "a contract is there")


@asynccontextmanager
async def contract_scene(world: GuardWorld) -> AsyncIterator[ContractScene]:
    scene = ContractScene(world, "contract")
    feed = world.contract_feed()
    async with _supervised(scene, feed.boards):
        yield scene


@asynccontextmanager
async def alert_scene(world: GuardWorld) -> AsyncIterator[Watched[AlertBoard]]:
    scene: Watched[AlertBoard] = Watched(world, "alerts")
    async with _supervised(scene, world.alert_feed().boards):
        yield scene


@asynccontextmanager
async def _supervised(scene: Watched[T], boards: Callable[[], AsyncIterator[T]]) -> AsyncIterator[None]:
    task = asyncio.create_task(supervise(scene.feed, boards, waker=Waker(), backoff=Backoff(first=0.05, limit=0.2)))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
