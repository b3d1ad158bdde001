"""The demo world's GitHub and registry in this process, the real adapters on them, and the image services on those."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from refactor_console.adapters.github import GitHub
from refactor_console.adapters.github_answers import Patience as GitHubPatience
from refactor_console.adapters.github_api import GitHubApi
from refactor_console.adapters.observations import Observations
from refactor_console.adapters.registry import Registry
from refactor_console.adapters.registry_api import RegistryApi
from refactor_console.adapters.registry_http import Patience as RegistryPatience
from refactor_console.demo.clock import utc
from refactor_console.demo.github_access import TOKEN
from refactor_console.demo.github_pushed import Pushed
from refactor_console.demo.github_server import GitHubServer
from refactor_console.demo.registry import DemoRegistry
from refactor_console.demo.registry_content import content
from refactor_console.domain.account import Credential, Secret, TokenSource
from refactor_console.domain.images import ImageBoard, ImageRepository, ImageRepositoryReport, ImageTag, ImageUse
from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.domain.repos import Platform
from refactor_console.services.feed import Backoff, Feed, Waker, supervise
from refactor_console.services.github_pace import Pacer
from refactor_console.services.image_compare import ImageComparer
from refactor_console.services.image_details import ImageReader
from refactor_console.services.image_feed import ImageFeed
from refactor_console.services.tag_history import TagHistorian
from tests.github_demo import TurnedClock
from tests.waiting import until

PLATFORM = Platform()
BACKEND = "refactor-group/refactor-platform-rs"
FRONTEND = "refactor-group/refactor-platform-fe"
MAIN = f"{BACKEND}/main"
BRANCH = f"{BACKEND}/feat/group-sessions"
FINE_GRAINED = "github_pat_demo"
NOBODY = Problem("There is no token.", "Sign in.", code="token-missing")


@dataclass
class ImageWorld:
    """Everything; `token` may be changed while it runs."""

    github: GitHubServer
    registry: DemoRegistry
    observations: Observations
    clock: TurnedClock
    token: str = TOKEN
    uses: dict[str, tuple[ImageUse, ...]] = field(default_factory=dict)
    pace: Pacer = field(default_factory=lambda: Pacer(jitter=0))
    _clients: dict[str, GitHub] = field(default_factory=dict)
    _registries: list[Registry] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.feed = ImageFeed(
            self.api,
            self.images,
            PLATFORM,
            pace=self.pace,
            uses=lambda: self.uses,
            observations=self.observations,
            clock=self.now,
        )
        self.reader = ImageReader(self.api, self.images, PLATFORM, learned=self.feed.learned)
        self.comparer = ImageComparer(self.api, self.images, PLATFORM)
        self.historian = TagHistorian(self.api, self.images, PLATFORM, observations=self.observations, clock=self.now)

    def now(self) -> datetime:
        return utc(self.clock.now())

    async def api(self) -> GitHubApi:
        if not self.token:
            raise ConsoleError(NOBODY)
        if self.token not in self._clients:
            credential = Credential(Secret(self.token), TokenSource.ENVIRONMENT, "GH_TOKEN")
            self._clients[self.token] = GitHub(
                self.github.http.url, credential, read_only=True, clock=self.now, patience=GitHubPatience(attempts=1)
            )
        return self._clients[self.token]

    async def images(self) -> RegistryApi:
        if not self._registries:
            self._registries.append(Registry(self.registry.url, None, patience=RegistryPatience(attempts=1)))
        return self._registries[0]

    def digest(self, path: str, name: str) -> str:
        """What a tag points to, or what was built from a commit, in the registry."""
        return self.registry.content.digest_of(path, name)

    def forget(self) -> None:
        """Clients that remember nothing."""
        self._registries.clear()
        self._clients.clear()

    def listed(self, path: str, *versions: Pushed) -> None:
        """More versions of a package in GitHub's list."""
        self.github.packages.crowd(path, versions)

    async def close(self) -> None:
        for client in (*self._clients.values(), *self._registries):
            await client.close()


def repository(path: str) -> ImageRepository:
    return ImageRepository(PLATFORM.registry, path)


def row(path: str, tag: str, digest: str = "") -> ImageTag:
    """A row of which nothing but its name (and digest) is known."""
    return ImageTag(repository(path), tag, digest, None)


@asynccontextmanager
async def image_world(directory: Path) -> AsyncIterator[ImageWorld]:
    clock = TurnedClock()
    github = GitHubServer(clock, seed=7)
    registry = DemoRegistry(content(github.platform.began_ns))
    await github.http.start()
    await registry.start()
    world = ImageWorld(github, registry, Observations(directory / "observations.jsonl"), clock)
    try:
        yield world
    finally:
        await world.close()
        await github.http.stop()
        await registry.stop()


class Watched:
    """The image feed under supervision."""

    def __init__(self, world: ImageWorld) -> None:
        self.feed: Feed[ImageBoard] = Feed("images", world.now)
        self.waker = Waker()
        self._world = world

    @property
    def board(self) -> ImageBoard:
        assert self.feed.reading.value is not None
        return self.feed.reading.value

    def report(self, path: str) -> ImageRepositoryReport:
        return next(report for report in self.board.reports if report.repository.path == path)

    def tag(self, path: str, name: str) -> ImageTag:
        """A tagged row."""
        return next(row for row in self.report(path).tags if row.tag == name)

    async def until(self, condition: Callable[[ImageBoard], object], what: str) -> None:
        """Wait for a board."""

        def holds() -> object:
            value = self.feed.reading.value
            return value is not None and condition(value)

        await until(holds, what)

    async def whole(self) -> None:
        """Wait until everything has been listed and read."""
        await self.until(
            lambda board: len(board.reports) == 4 and all(report.orphans_known for report in board.reports),
            "all is read",
        )

    async def look_again(self) -> None:
        """As when a person asks; returns when GitHub has been asked."""
        before = self._world.github.requests
        self._world.pace.wake()
        await until(lambda: self._world.github.requests > before, "GitHub is asked again")


@asynccontextmanager
async def watched(world: ImageWorld) -> AsyncIterator[Watched]:
    scene = Watched(world)
    task = asyncio.create_task(
        supervise(scene.feed, world.feed.boards, waker=scene.waker, backoff=Backoff(first=0.05, limit=0.2))
    )
    try:
        yield scene
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
