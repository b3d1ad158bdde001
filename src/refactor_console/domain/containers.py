"""Containers of a compose stack: their state, their use of the host, and what counts as well.

Field meanings follow the Docker Engine API v1.41 (``ContainerInspect``, ``ContainerStats``, ``SystemEvents``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from refactor_console.domain.verdict import Verdict


class ContainerState(StrEnum):
    """``State.Status`` of the Engine."""

    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    RESTARTING = "restarting"
    REMOVING = "removing"
    EXITED = "exited"
    DEAD = "dead"
    UNKNOWN = "unknown"


class Health(StrEnum):
    """``State.Health.Status``; `NONE` where the image and the service define no check."""

    NONE = "none"
    STARTING = "starting"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True, slots=True)
class HealthProbe:
    """One run of a container's health check."""

    ended_at: datetime | None
    exit_code: int
    output: str


@dataclass(frozen=True, slots=True)
class Container:
    """One container as ``ContainerInspect`` describes it; values of environment variables are never kept here."""

    id: str
    """64 hexadecimal digits."""
    name: str
    """Without the leading slash."""
    service: str
    """The compose service's name; empty for a container that compose did not make."""
    image: str
    """The reference it was started from, such as ``ghcr.io/owner/name:stable``."""
    image_id: str
    """``sha256:...`` of the image's configuration on this host."""
    state: ContainerState
    image_digest: str = ""
    """``sha256:...`` under which a registry serves it; empty for an image that never was in one."""
    revision: str = ""
    """Label ``org.opencontainers.image.revision``: the commit it was built from."""
    version: str = ""
    """Label ``org.opencontainers.image.version``."""
    project: str = ""
    working_directory: str = ""
    """The compose directory that made it (a label); tells our stack from strangers."""
    health: Health = Health.NONE
    probes: tuple[HealthProbe, ...] = ()
    """The last health checks, oldest first (the Engine keeps five)."""
    restarts: int = 0
    """How often the Engine restarted it by its policy."""
    exit_code: int | None = None
    """Exit status of the last run; None while it has not ended."""
    oom_killed: bool = False
    error: str = ""
    """The Engine's own words when it could not start."""
    created_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    restart_policy: str = ""

    @property
    def short_id(self) -> str:
        """The first 12 digits, as ``docker ps`` shows."""
        return self.id[:12]

    @property
    def label(self) -> str:
        """The service's name, or the container's where there is no service."""
        return self.service or self.name

    @property
    def is_running(self) -> bool:
        """Whether its main process exists (a paused one does)."""
        return self.state in (ContainerState.RUNNING, ContainerState.PAUSED)

    @property
    def tag(self) -> str:
        """The tag of the reference; empty when it is pinned by digest."""
        name = self.image.partition("@")[0].rpartition("/")[2]
        return name.partition(":")[2]

    def uptime(self, now: datetime) -> timedelta | None:
        """How long it has been running at `now`; None when it is not. Never negative."""
        if not self.is_running or self.started_at is None:
            return None
        return max(now - self.started_at, timedelta(0))

    def verdict(self, oneshot: bool) -> Verdict:
        """How it stands; a oneshot that exited 0 is *done*, not dead."""
        match self.state:
            case ContainerState.RUNNING:
                if self.health is Health.UNHEALTHY:
                    return Verdict.FAIL
                if self.health is Health.STARTING or oneshot:
                    return Verdict.WORKING
                return Verdict.OK
            case ContainerState.PAUSED:
                return Verdict.WARN
            case ContainerState.RESTARTING | ContainerState.DEAD:
                return Verdict.FAIL
            case ContainerState.CREATED:
                return Verdict.FAIL if self.error else Verdict.WORKING
            case ContainerState.REMOVING:
                return Verdict.WORKING
            case ContainerState.EXITED:
                if self.exit_code == 0:
                    return Verdict.DONE if oneshot else Verdict.WARN
                return Verdict.FAIL
            case _:
                return Verdict.UNKNOWN

    def sentence(self, oneshot: bool) -> str:
        """The state in words, such as ``done (exit 0)`` or ``restarting (exit 101, 7 restarts)``."""
        code = "" if self.exit_code is None else f"exit {self.exit_code}"
        if self.oom_killed:
            code = f"{code}, out of memory".lstrip(", ")
        match self.state:
            case ContainerState.RUNNING if self.health is not Health.NONE:
                return f"running ({self.health})"
            case ContainerState.EXITED if self.exit_code == 0 and oneshot:
                return "done (exit 0)"
            case ContainerState.EXITED if self.exit_code == 0:
                return "stopped (exit 0)"
            case ContainerState.EXITED:
                return f"exited ({code})"
            case ContainerState.RESTARTING:
                return f"restarting ({code + ', ' if code else ''}{self.restarts} restarts)"
            case ContainerState.CREATED if self.error:
                return "created, could not start"
            case _:
                return str(self.state)


@dataclass(frozen=True, slots=True)
class StatsSample:
    """What a running container used at one moment (``ContainerStats``), rates taken against the sample before."""

    at: datetime
    cpu: float
    """Cores in use: 1.0 is one whole core."""
    memory: int
    """Bytes, without the page cache that can be dropped (as ``docker stats`` counts)."""
    memory_limit: int
    """Bytes; the host's memory where no limit is set."""
    network_received: float = 0.0
    """Bytes a second, all interfaces."""
    network_sent: float = 0.0
    block_read: float = 0.0
    """Bytes a second."""
    block_written: float = 0.0
    processes: int = 0

    @property
    def memory_fraction(self) -> float:
        """Used share of the limit, 0 to 1."""
        return self.memory / self.memory_limit if self.memory_limit else 0.0


STATS_HISTORY = 60
"""Samples kept for the sparklines, about one a second."""


@dataclass(frozen=True, slots=True)
class ContainerRow:
    """A container and its recent use: one line of the table."""

    container: Container
    oneshot: bool = False
    ours: bool = True
    """Whether it belongs to the environment's compose directory."""
    history: tuple[StatsSample, ...] = ()
    """The last `STATS_HISTORY` samples, oldest first; empty while it does not run."""

    @property
    def latest(self) -> StatsSample | None:
        """The newest sample; None when there is none."""
        return self.history[-1] if self.history else None

    @property
    def verdict(self) -> Verdict:
        """How it stands, see `Container.verdict`."""
        return self.container.verdict(self.oneshot)

    @property
    def sentence(self) -> str:
        """The state in words, see `Container.sentence`."""
        return self.container.sentence(self.oneshot)


@dataclass(frozen=True, slots=True)
class ContainerBoard:
    """Every container of the host, the environment's own services first and in their order."""

    rows: tuple[ContainerRow, ...] = ()
    missing: tuple[str, ...] = ()
    """Expected services that have no container at all."""
    stats_problem: str = ""
    """Why CPU and memory are not current, as one sentence; empty when they are."""

    def row(self, container_id: str) -> ContainerRow | None:
        """The row with this id; None when it is gone."""
        return next((row for row in self.rows if row.container.id == container_id), None)

    def by_label(self, label: str) -> ContainerRow | None:
        """The row of this service (or container name); our own stack's first."""
        return next((row for row in self.rows if label in (row.container.service, row.container.name)), None)

    @property
    def verdict(self) -> Verdict:
        """The worst of our own rows; FAIL when a service is missing."""
        ours = [row.verdict for row in self.rows if row.ours]
        if self.missing:
            ours.append(Verdict.FAIL)
        return worst(ours)


_WORST_FIRST = (Verdict.FAIL, Verdict.WARN, Verdict.WORKING, Verdict.UNKNOWN, Verdict.OK, Verdict.DONE)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict that deserves attention first; UNKNOWN when there is none at all."""
    found = set(verdicts)
    return next((v for v in _WORST_FIRST if v in found), Verdict.UNKNOWN)


def arrange(rows: Iterable[ContainerRow], services: Sequence[str]) -> ContainerBoard:
    """Put rows in the order of `services`, then our other services by name, then strangers; name what is missing."""
    rank = {service: index for index, service in enumerate(services)}

    def key(row: ContainerRow) -> tuple[bool, int, str, str]:
        return (not row.ours, rank.get(row.container.service, len(rank)), row.container.label, row.container.id)

    ordered = tuple(sorted(rows, key=key))
    present = {row.container.service for row in ordered if row.ours}
    return ContainerBoard(ordered, tuple(s for s in services if s not in present))


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """The Docker Engine at the other end of the socket."""

    version: str
    api_version: str
    operating_system: str = ""
    containers_running: int = 0
    containers_stopped: int = 0
    images: int = 0
    storage_driver: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mount:
    """One mount of a container."""

    kind: str
    source: str
    target: str
    writable: bool


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable of a container: its name, and its value only where it cannot be a secret."""

    name: str
    shown: str
    """The value, or a mask that says how long it is; the value behind a mask is not in this object."""
    masked: bool


@dataclass(frozen=True, slots=True)
class ContainerDetails:
    """What *inspect* shows of one container."""

    container: Container
    command: tuple[str, ...] = ()
    """Entry point and arguments."""
    variables: tuple[Variable, ...] = ()
    mounts: tuple[Mount, ...] = ()
    ports: tuple[str, ...] = ()
    """Published ports, such as ``0.0.0.0:443 -> 443/tcp``."""
    networks: tuple[str, ...] = ()
    """Network names with the address in each, such as ``backend_network 172.18.0.3``."""
    labels: tuple[tuple[str, str], ...] = ()
    log_driver: str = ""
    memory_limit: int = 0
    """Bytes; 0 where none is set."""
    observed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ProcessTable:
    """What *top* shows: the processes of one container (``ContainerTop``)."""

    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...] = field(default=())
