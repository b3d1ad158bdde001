"""The real session: everything that is known about one environment, over one SSH connection."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from refactor_console.adapters import host
from refactor_console.adapters.audit_file import AuditFile
from refactor_console.adapters.engine_errors import EngineCut
from refactor_console.adapters.observations import Observations
from refactor_console.domain.actions import ActionOutcome, ActionPreview, Verb
from refactor_console.domain.containers import ContainerBoard, ContainerDetails, EngineInfo, ProcessTable
from refactor_console.domain.environment import Environment
from refactor_console.domain.unit import UnitStatus
from refactor_console.domain.vitals import HostIdentity, HostVitals
from refactor_console.services.actions import Actions
from refactor_console.services.audit_log import AuditLog
from refactor_console.services.container_feed import ContainerWatch
from refactor_console.services.engine_link import EngineLink
from refactor_console.services.feed import Clock, Feed, Waker, supervise, utc_now
from refactor_console.services.github import GitHubHub
from refactor_console.services.github_door import GitHubDoor
from refactor_console.services.github_link import GitHubLink
from refactor_console.services.github_setup import SWITCHED_OFF, GitHubSetup
from refactor_console.services.host_feeds import watch_unit, watch_vitals
from refactor_console.services.journal_source import JournalSource
from refactor_console.services.link import HostLink
from refactor_console.services.log_hub import SourceHub
from refactor_console.services.session import LogHub

STALE_SECONDS = 20.0
"""Silence after which a value that is looked at every few seconds is called stale."""
AUDIT_SECONDS = 3.0
"""How long the host may take to keep a record of what was done at GitHub: the host is not what is changed."""
CLOSE_SECONDS = 3.0
"""How long those who lean on the connection may take to let go of it, before it is closed all the same."""


class LiveSession:
    """A `services.session.ConsoleSession` over a real host.

    Args:
        environment: what to watch.
        read_only: refuse every mutation, in the adapters too.
        clock: the time for readings, marks and records.
        connect: opens the SSH connection; the demo world gives its own.
        audit_file: where mutations are recorded on this machine; the usual place when left out.
        github: which GitHub, and whose token; nothing of GitHub when left out.
    """

    def __init__(
        self,
        environment: Environment,
        *,
        read_only: bool = False,
        clock: Clock = utc_now,
        connect: host.Connect = host.connect,
        audit_file: AuditFile | None = None,
        github: GitHubSetup = SWITCHED_OFF,
    ) -> None:
        self.environment = environment
        self.read_only = read_only
        self._link = HostLink(environment, read_only=read_only, clock=clock, connect=connect)
        self._engine_link = EngineLink(self._link, environment, read_only=read_only)
        self._watch = ContainerWatch(self._engine_link)
        self._actions = Actions(self._engine_link, AuditLog(self._engine_link, audit_file, clock), clock)
        self._hub = SourceHub(self._engine_link, self._link.waker, clock)
        self._journal = JournalSource(self._link, environment.unit, self._hub.deliver, clock=clock)
        self._hub.put_first(self._journal)
        self._look_again = Waker()
        self._clock = clock
        self._unit: Feed[UnitStatus] = Feed("unit", clock)
        self._vitals: Feed[HostVitals] = Feed("vitals", clock)
        self._engine: Feed[EngineInfo] = Feed("engine", clock)
        self._containers: Feed[ContainerBoard] = Feed("containers", clock)
        self._hub.watch(self._containers)
        self._tasks: list[asyncio.Task[None]] = []
        self._github = GitHubHub(
            GitHubLink(
                github.platform,
                read_only=read_only,
                clock=clock,
                endpoints=github.endpoints,
                find=github.find,
                device_flow=bool(github.client_id),
            ),
            environment,
            AuditLog(self._engine_link, audit_file, clock, host_seconds=AUDIT_SECONDS),
            containers=self._containers,
            host=self._link.connection,
            observations=Observations(github.observations),
            client_id=github.client_id,
            enabled=github.enabled,
            clock=clock,
        )

    @property
    def link(self) -> Feed[HostIdentity]:
        """The SSH connection."""
        return self._link.feed

    @property
    def unit(self) -> Feed[UnitStatus]:
        """The systemd unit."""
        return self._unit

    @property
    def vitals(self) -> Feed[HostVitals]:
        """Load, memory, disks, clock."""
        return self._vitals

    @property
    def engine(self) -> Feed[EngineInfo]:
        """The Docker Engine."""
        return self._engine

    @property
    def containers(self) -> Feed[ContainerBoard]:
        """Containers with their use."""
        return self._containers

    @property
    def logs(self) -> LogHub:
        """The log sources."""
        return self._hub

    @property
    def github(self) -> GitHubDoor:
        """GitHub and the registry."""
        return self._github

    def start(self) -> None:
        """Begin to watch; returns at once."""
        if self._tasks:
            return
        self._github.start()
        link, environment = self._link, self.environment
        link.start()
        self._watch_over(
            supervise(
                self._unit,
                lambda: watch_unit(link, environment.unit, self._look_again),
                waker=link.waker,
                stale_after=STALE_SECONDS,
            ),
            "unit",
        )
        self._watch_over(
            supervise(
                self._vitals,
                lambda: watch_vitals(link, self._look_again, clock=self._clock),
                waker=link.waker,
                stale_after=STALE_SECONDS,
            ),
            "vitals",
        )
        self._watch_over(
            supervise(self._engine, self._engine_link.infos, waker=link.waker, stale_after=STALE_SECONDS), "engine"
        )
        self._watch_over(
            supervise(self._containers, self._watch.boards, waker=link.waker, stale_after=STALE_SECONDS), "containers"
        )
        self._watch_over(self._journal.run(), self._journal.key)

    async def close(self) -> None:
        """Stop watching and close the connection; waits a few seconds at most."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._close_followers(tasks)
        except TimeoutError:
            pass  # what hangs has been cancelled, and loses its connection now
        finally:  # whatever hangs, and also when the one who closes is cancelled: a link left alone connects for ever
            try:
                await self._engine_link.close()
            finally:
                await self._link.close()

    def retry_now(self) -> None:
        """End every wait between attempts: a person asked."""
        self._link.retry_now()
        self._look_again.wake()
        self._github.retry_now()

    async def inspect(self, container_id: str) -> ContainerDetails:
        """Everything worth knowing of one container, values masked.

        Raises:
            ConsoleError: with the problem to show.
        """
        try:
            return await (await self._engine_link.engine()).details(container_id)
        except EngineCut as error:
            raise await self._engine_link.explained(error) from error

    async def top(self, container_id: str) -> ProcessTable:
        """The processes of one container.

        Raises:
            ConsoleError: with the problem to show.
        """
        try:
            return await (await self._engine_link.engine()).top(container_id)
        except EngineCut as error:
            raise await self._engine_link.explained(error) from error

    async def preview(self, verb: Verb, container_id: str) -> ActionPreview:
        """Say exactly what the verb would do.

        Raises:
            ConsoleError: refused, or it cannot be known.
        """
        return await self._actions.preview(verb, container_id)

    async def perform(self, preview: ActionPreview, typed: str) -> ActionOutcome:
        """Do what was previewed.

        Raises:
            ConsoleError: refused, or failed.
        """
        try:
            return await self._actions.perform(preview, typed)
        finally:
            self._look_again.wake()

    def _watch_over(self, work: Coroutine[Any, Any, None], name: str) -> None:
        self._tasks.append(asyncio.create_task(work, name=name))

    async def _close_followers(self, tasks: list[asyncio.Task[None]]) -> None:
        """Those who lean on the connection, before it goes itself."""
        github = asyncio.create_task(self._github.close(), name="close GitHub")
        await asyncio.wait([github, *tasks, *self._hub.cancel()])
        await self._actions.close()
