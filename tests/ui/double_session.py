"""An environment in memory: fixed readings, a fixed clock, and switches for everything that can go wrong."""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from refactor_console.domain.actions import (
    ActionOutcome,
    ActionPreview,
    ConfirmBy,
    Verb,
    consequences_of,
)
from refactor_console.domain.containers import (
    Container,
    ContainerBoard,
    ContainerDetails,
    ContainerRow,
    ContainerState,
    EngineInfo,
    Health,
    HealthProbe,
    Mount,
    ProcessTable,
    StatsSample,
    Variable,
    arrange,
)
from refactor_console.domain.environment import Environment, SshTarget
from refactor_console.domain.logs import LogBatch, SourceKind, SourceProgress
from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.domain.unit import UnitStatus
from refactor_console.domain.vitals import Disk, HostIdentity, HostVitals
from refactor_console.services.feed import Feed, Unsubscribe
from tests.ui.double_github import DoubleGitHub

NOW = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
MIB = 1024 * 1024
PRODUCTION = Environment("production", SshTarget("refactor-droplet", user="deploy"))
STAGING = Environment("staging", SshTarget("staging.example.net", user="deploy"), protected=False)
DEMO = Environment("demo", SshTarget("127.0.0.1", port=40222, user="deploy"), protected=False, demo=True)
DOWN = Problem(
    "Connecting to deploy@refactor-droplet: no answer within 10 s.",
    "Look whether the tailnet is up: tailscale status.",
    "asyncssh: connect to 100.101.2.3 port 22 timed out\n(attempt 4)",
    code="ssh-timeout",
)
EVIL = "a[red]b[/red][/]\x1b[31mc\x1b]0;title\x07\u202egnp.exe\u2066 " + "x" * 300


class Clock:
    """A clock that moves only when it is told to."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def samples(cpu: float, memory: int, phase: float = 0.0, count: int = 60) -> tuple[StatsSample, ...]:
    """A gentle wave, always the same."""
    return tuple(
        StatsSample(
            at=NOW - timedelta(seconds=count - 1 - i),
            cpu=cpu * (1 + 0.5 * math.sin(i / 5 + phase)),
            memory=int(memory * (1 + 0.02 * math.sin(i / 9 + phase))),
            memory_limit=512 * MIB,
            network_received=40_000 * (1 + math.sin(i / 4 + phase)),
            network_sent=90_000 * (1 + math.cos(i / 4 + phase)),
            block_read=0.0,
            block_written=8_192.0 * (i % 7 == 0),
            processes=9,
        )
        for i in range(count)
    )


def container(service: str, **changes: Any) -> Container:
    """A well container of our stack."""
    digits = hashlib.sha256(service.encode("utf-8", "surrogatepass")).hexdigest()
    base = Container(
        id=digits,
        name=service,
        service=service,
        image=f"ghcr.io/refactor-group/{service}:stable",
        image_id=f"sha256:{digits[::-1]}",
        image_digest=f"sha256:{digits[::-1]}",
        state=ContainerState.RUNNING,
        revision="4f2a91c07d3e5b8a6c1d2e3f4a5b6c7d8e9f0a1b",
        version="1.0.0-beta3",
        project="deploy",
        working_directory="/home/deploy",
        created_at=NOW - timedelta(days=6, hours=3),
        started_at=NOW - timedelta(days=6, hours=3),
        restart_policy="unless-stopped",
    )
    return replace(base, **changes)


def platform_rows() -> list[ContainerRow]:
    """The platform on a good day, with one stranger."""
    probe = HealthProbe(NOW - timedelta(seconds=12), 0, '{"status":"ok"}')
    return [
        ContainerRow(
            container("nginx", name="nginx-reverse-proxy", image="nginx:1.27-alpine"),
            history=samples(0.012, 14 * MIB),
        ),
        ContainerRow(
            container(
                "migrator",
                name="db-migrator",
                state=ContainerState.EXITED,
                exit_code=0,
                finished_at=NOW - timedelta(days=6, hours=2, minutes=59),
                image="ghcr.io/refactor-group/refactor-platform-rs:stable",
                restart_policy="no",
            ),
            oneshot=True,
        ),
        ContainerRow(
            container(
                "rust-app",
                image="ghcr.io/refactor-group/refactor-platform-rs:stable",
                health=Health.HEALTHY,
                probes=(probe,),
            ),
            history=samples(0.18, 96 * MIB, 1.0),
        ),
        ContainerRow(
            container("nextjs-app", image="ghcr.io/refactor-group/refactor-platform-fe:stable"),
            history=samples(0.07, 210 * MIB, 2.0),
        ),
        ContainerRow(
            container("", name="watchtower", image="containrrr/watchtower:latest", working_directory=""),
            ours=False,
            history=samples(0.001, 9 * MIB),
        ),
    ]


def board(rows: list[ContainerRow] | None = None) -> ContainerBoard:
    """A board of these rows, or of the platform's."""
    return arrange(platform_rows() if rows is None else rows, PRODUCTION.services)


IDENTITY = HostIdentity(
    "deploy",
    ("deploy", "docker", "systemd-journal"),
    "refactor-droplet",
    2,
    "SHA256:pYwV3kq9Jm2sT5uXbZ8aC1dE4fG7hI0jK6lM9nO2pQ",
    "SSH-2.0-OpenSSH_10.0p2 Debian-7",
    can_sudo=True,
    round_trip=timedelta(milliseconds=14),
)
UNIT = UnitStatus(
    "refactor-platform.service",
    "loaded",
    "active",
    "exited",
    "success",
    "oneshot",
    "enabled",
    0,
    "f00d",
    NOW - timedelta(days=6, hours=3),
)
VITALS = HostVitals(
    load=(0.42, 0.38, 0.31),
    cpus=2,
    memory_total=3936 * MIB,
    memory_available=2310 * MIB,
    swap_total=1024 * MIB,
    swap_free=1010 * MIB,
    uptime=timedelta(days=41, hours=7),
    disks=(Disk("/", 80 * 1024 * MIB, 38 * 1024 * MIB, 39 * 1024 * MIB),),
    clock_offset=timedelta(milliseconds=-120),
    clock_error=timedelta(milliseconds=7),
)
ENGINE = EngineInfo("28.3.1", "1.51", "Debian GNU/Linux 13 (trixie)", 4, 1, 7, "overlay2")


class DoubleSource:
    """One log source."""

    def __init__(self, key: str, label: str, kind: SourceKind, clock: Clock) -> None:
        self.key, self.label, self.kind = key, label, kind
        self.feed: Feed[SourceProgress] = Feed(f"log:{key}", clock)


class DoubleHub:
    """Log sources without lines, until `deliver` is called."""

    def __init__(self, clock: Clock, services: tuple[str, ...]) -> None:
        self._listeners: list[Callable[[LogBatch], None]] = []
        unit = "refactor-platform.service"
        self._sources = (
            DoubleSource(f"journal:{unit}", unit, SourceKind.JOURNAL, clock),
            *(DoubleSource(f"container:{name}", name, SourceKind.CONTAINER, clock) for name in services),
        )

    def sources(self) -> tuple[DoubleSource, ...]:
        return self._sources

    def subscribe(self, listener: Callable[[LogBatch], None]) -> Unsubscribe:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def subscribe_sources(self, listener: Callable[[], None]) -> Unsubscribe:
        return lambda: None

    def deliver(self, batch: LogBatch) -> None:
        for listener in tuple(self._listeners):
            listener(batch)


class DoubleSession:
    """A session whose readings are set by hand."""

    def __init__(
        self, environment: Environment = PRODUCTION, *, clock: Clock | None = None, read_only: bool = False
    ) -> None:
        self.clock = clock or Clock()
        self.environment = environment
        self.read_only = read_only
        self.link: Feed[HostIdentity] = Feed("link", self.clock)
        self.unit: Feed[UnitStatus] = Feed("unit", self.clock)
        self.vitals: Feed[HostVitals] = Feed("vitals", self.clock)
        self.engine: Feed[EngineInfo] = Feed("engine", self.clock)
        self.containers: Feed[ContainerBoard] = Feed("containers", self.clock)
        self.logs = DoubleHub(self.clock, ("nginx", "rust-app", "nextjs-app"))
        self.github = DoubleGitHub(
            self.clock, environment=environment.name, protected=environment.protected, read_only=read_only
        )
        self.started = False
        self.closed = False
        self.retries = 0
        self.performed: list[tuple[ActionPreview, str]] = []
        self.refuse_preview: Problem | None = None
        self.refuse_perform: Problem | None = None
        self.audit_notice = ""
        self.may_finish = asyncio.Event()
        self.may_finish.set()
        self.may_close = asyncio.Event()
        self.may_close.set()

    # -- switches

    def all_feeds(self) -> tuple[Feed[Any], ...]:
        return (self.link, self.unit, self.vitals, self.engine, self.containers, *self.github.all_feeds())

    def live(self, rows: list[ContainerRow] | None = None) -> DoubleSession:
        """Everything is well (or as `rows` say)."""
        self.link.live(IDENTITY)
        self.unit.live(UNIT)
        self.vitals.live(VITALS)
        self.engine.live(ENGINE)
        self.containers.live(board(rows))
        self.github.live()
        for index, source in enumerate(self.logs.sources()):
            last = int((NOW - timedelta(seconds=3 + 40 * index)).timestamp() * 1e9)
            source.feed.live(SourceProgress(1204 * (index + 1), last))
        return self

    def fail(self, problem: Problem = DOWN, retry_in: float | None = 7.0) -> DoubleSession:
        """Every feed fails."""
        for feed in (*self.all_feeds(), *(source.feed for source in self.logs.sources())):
            feed.fail(problem, retry_in)
        return self

    def off(self, reason: str) -> DoubleSession:
        """Every feed is off."""
        for feed in (*self.all_feeds(), *(source.feed for source in self.logs.sources())):
            feed.off(reason)
        return self

    def stale(self) -> DoubleSession:
        """Every feed went silent."""
        for feed in (*self.all_feeds(), *(source.feed for source in self.logs.sources())):
            feed.stale()
        return self

    # -- the protocol

    def start(self) -> None:
        self.started = True

    async def close(self) -> None:
        await self.may_close.wait()
        self.closed = True

    def retry_now(self) -> None:
        self.retries += 1

    def _row(self, container_id: str) -> ContainerRow:
        value = self.containers.reading.value
        row = value.row(container_id) if value is not None else None
        if row is None:
            raise ConsoleError(Problem(f"There is no container {container_id[:12]}.", code="gone"))
        return row

    async def inspect(self, container_id: str) -> ContainerDetails:
        row = self._row(container_id)
        return ContainerDetails(
            container=row.container,
            command=("/app/entrypoint.sh", "serve", "--port", "4000"),
            variables=(
                Variable("BACKEND_PORT", "4000", masked=False),
                Variable("POSTGRES_PASSWORD", "•••••••• (24 characters)", masked=True),
                Variable("RUST_LOG", "info", masked=False),
                Variable("TIPTAP_AUTH_KEY", "•••••••• (40 characters)", masked=True),
            ),
            mounts=(Mount("bind", "/home/deploy/nginx/logs", "/var/log/nginx", writable=True),),
            ports=("0.0.0.0:443 -> 443/tcp", "0.0.0.0:80 -> 80/tcp"),
            networks=("backend_network 172.18.0.3",),
            labels=(
                ("com.docker.compose.project", "deploy"),
                ("com.docker.compose.service", row.container.service),
                ("org.opencontainers.image.revision", row.container.revision),
            ),
            log_driver="json-file",
            memory_limit=512 * MIB,
            observed_at=self.clock(),
        )

    async def top(self, container_id: str) -> ProcessTable:
        self._row(container_id)
        return ProcessTable(
            ("UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"),
            (
                ("1000", "2114", "2093", "0", "Mar08", "?", "00:00:02", "/bin/sh /app/entrypoint.sh"),
                ("1000", "2140", "2114", "1", "Mar08", "?", "00:41:19", "/app/refactor_platform_rs --port 4000"),
            ),
        )

    async def preview(self, verb: Verb, container_id: str) -> ActionPreview:
        if self.read_only:
            raise ConsoleError(
                Problem(
                    f"The console is read-only: it does not {verb.value} anything.",
                    "Start it without --read-only to act.",
                    code="read-only",
                )
            )
        if self.refuse_preview is not None:
            raise ConsoleError(self.refuse_preview)
        row = self._row(container_id)
        short = row.container.short_id
        protected = self.environment.protected
        return ActionPreview(
            verb=verb,
            environment=self.environment.name,
            container=row.container,
            requests=(f"POST /containers/{short}/{verb.value}?t=10",),
            equivalent=f"docker {verb.value} --time 10 {short}",
            consequences=consequences_of(verb, row.container, 10),
            confirm_by=ConfirmBy.TYPING if protected else ConfirmBy.BUTTON,
            confirm_word=self.environment.name if protected else "",
            observed_at=self.clock(),
        )

    async def perform(self, preview: ActionPreview, typed: str) -> ActionOutcome:
        self.performed.append((preview, typed))
        await self.may_finish.wait()
        if self.refuse_perform is not None:
            raise ConsoleError(self.refuse_perform)
        return ActionOutcome(
            preview,
            succeeded=True,
            sentence=f"{preview.container.label} was restarted and runs again.",
            finished_at=self.clock(),
            seconds=3.4,
            audit_notice=self.audit_notice,
        )


def hostile_rows() -> list[ContainerRow]:
    """Containers with names, images, errors and probes that try to be more than text."""
    probe = HealthProbe(NOW, 1, EVIL)
    return [
        ContainerRow(
            container(
                "rust-app",
                name=EVIL,
                image=f"ghcr.io/{EVIL}:{EVIL}",
                health=Health.UNHEALTHY,
                probes=(probe,),
                version=EVIL,
                revision=EVIL,
                error=EVIL,
            ),
            history=samples(0.2, 500 * MIB),
        ),
        ContainerRow(
            container(EVIL, state=ContainerState.RESTARTING, exit_code=101, restarts=4711, image=EVIL, oom_killed=True)
        ),
        ContainerRow(container("", name=EVIL, image=EVIL), ours=False),
    ]
