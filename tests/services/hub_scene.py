"""The whole GitHub hub of one environment, on the demo world's GitHub and registry in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from refactor_console.adapters.audit_file import AuditFile
from refactor_console.adapters.observations import Observations
from refactor_console.demo.clock import Clock
from refactor_console.demo.github_access import TOKEN
from refactor_console.demo.registry import DemoRegistry
from refactor_console.demo.registry_content import content
from refactor_console.domain.containers import ContainerBoard
from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.domain.repos import Platform
from refactor_console.services.audit_log import AuditLog
from refactor_console.services.feed import Feed
from refactor_console.services.github import GitHubHub
from refactor_console.services.github_link import Endpoints, Find, GitHubLink, Identity
from tests.services.github_scene import ENVIRONMENT, PLATFORM, Host, Wire, held, wired

ENV = b"DB_PASSWORD=hunter2\nBACKEND_PORT=4000\n"


class EnvFile:
    """The host, as far as its ``.env`` is read."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.down = False
        self.asked: list[str] = []

    async def connection(self) -> EnvFile:
        if self.down:
            raise ConsoleError(Problem("The host is away.", code="link-down"))
        return self

    async def read_file(self, path: str, limit: int = 1 << 20) -> bytes:
        self.asked.append(path)
        return ENV[:limit]

    async def modified_at(self, path: str) -> datetime:
        return self._now()


@dataclass
class HubScene:
    """Everything around one hub."""

    wire: Wire
    registry: DemoRegistry
    link: GitHubLink
    hub: GitHubHub
    containers: Feed[ContainerBoard]
    env: EnvFile
    audit: Path

    @property
    def feeds(self) -> dict[str, Feed[Any]]:
        """All but the budget, which asks nobody."""
        hub = self.hub
        return {
            "account": hub.account,
            "runs": hub.runs,
            "images": hub.images,
            "releases": hub.releases,
            "contract": hub.contract,
            "alerts": hub.alerts,
        }

    @property
    def all_live(self) -> bool:
        return all(feed.reading.is_live for feed in self.feeds.values())


class Pocket:
    """Where a token is looked for; tests put one in and take it out."""

    def __init__(self, token: str = TOKEN) -> None:
        self.token = token
        self.looks = 0
        self.notices: tuple[Problem, ...] = ()

    async def find(self, _: Endpoints) -> Identity:
        self.looks += 1
        return Identity(held(self.token) if self.token else None, self.notices)


@asynccontextmanager
async def hubbed(
    directory: Path,
    *,
    clock: Clock | None = None,
    find: Find | None = None,
    platform: Platform = PLATFORM,
    read_only: bool = False,
    client_id: str = "",
    enabled: bool = True,
    prefix: str = "",
    web_url: str = "",
    before: Callable[[HubScene], Awaitable[object]] | None = None,
) -> AsyncIterator[HubScene]:
    """A started hub for the length of a block; `before` is called before it starts."""
    async with wired(clock, prefix=prefix) as wire:
        registry = DemoRegistry(content(wire.server.platform.began_ns))
        await registry.start()

        async def endpoints() -> Endpoints:
            return Endpoints(wire.url, web_url or platform.web_url, registry.url)

        link = GitHubLink(
            platform,
            read_only=read_only,
            clock=wire.now,
            endpoints=endpoints,
            find=find or Pocket().find,
            device_flow=bool(client_id),
        )
        containers: Feed[ContainerBoard] = Feed("containers", wire.now)
        env = EnvFile(wire.now)
        audit = directory / "audit.jsonl"
        hub = GitHubHub(
            link,
            ENVIRONMENT,
            AuditLog(Host(), AuditFile(audit), wire.now),
            containers=containers,
            host=env.connection,
            observations=Observations(directory / "observations.jsonl"),
            client_id=client_id,
            enabled=enabled,
            clock=wire.now,
        )
        scene = HubScene(wire, registry, link, hub, containers, env, audit)
        try:
            if before is not None:
                await before(scene)
            hub.start()
            yield scene
        finally:
            await hub.close()
            await registry.stop()
