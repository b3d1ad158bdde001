"""The demo host's containers: what they are made from and how they stand; `inspect` says it in the Engine's words."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from refactor_console.demo.images import Image, digest
from refactor_console.demo.tape import Tape

LOG_BOUND = 400_000
"""Records kept of one container's log."""
LOG_CHUNK = 16 * 1024
"""The Engine cuts longer lines of output into records of this size (``daemon/logger/copier.go``)."""


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One record of the json-file log driver."""

    time_ns: int
    stream: int
    """1 is standard output, 2 standard error."""
    data: bytes
    """With its line break; without one it is a part of a longer line."""


@dataclass(frozen=True)
class HealthCheck:
    """A service's ``healthcheck``."""

    test: tuple[str, ...]
    interval: float
    """Seconds."""
    timeout: float = 3.0
    retries: int = 3
    start_period: float = 5.0


@dataclass(frozen=True)
class Mounted:
    """One bind mount."""

    source: str
    target: str
    writable: bool = False


@dataclass(frozen=True)
class Service:
    """One service of the compose file."""

    name: str
    container: str
    image: Image
    env: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    mounts: tuple[Mounted, ...] = ()
    ports: tuple[int, ...] = ()
    """Published under the same number on all addresses."""
    restart: str = "unless-stopped"
    depends_on: str = ""
    health: HealthCheck | None = None
    address: int = 2
    """Last byte of its address in the network."""
    stop_signal: int | None = None
    """``StopSignal`` of its image, where it has one (else SIGTERM)."""
    stop_seconds: float = 0.3
    """How long its process takes from SIGTERM to its end."""
    stop_code: int = 0
    """Exit status after SIGTERM."""
    processes: tuple[str, ...] = ()
    """Command lines of its processes, the main one first."""
    oneshot_seconds: float | None = None
    """How long a process that ends by itself runs; None for one that serves."""


@dataclass(frozen=True, slots=True)
class HealthResult:
    """One run of the health check."""

    start_ns: int
    end_ns: int
    exit_code: int
    output: str


@dataclass
class Container:
    """One container and its present state."""

    id: str
    service: Service
    created_ns: int
    status: str = "created"
    pid: int = 0
    exit_code: int = 0
    error: str = ""
    oom_killed: bool = False
    started_ns: int = 0
    finished_ns: int = 0
    restarts: int = 0
    manually_stopped: bool = False
    health: str = "starting"
    failing_streak: int = 0
    probes: list[HealthResult] = field(default_factory=list)
    log: Tape[LogRecord] = field(default_factory=lambda: Tape(LOG_BOUND))
    run: int = 0
    """Counts its starts: a follower of one run sees by it that the run is over."""
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while it is started or stopped."""
    _last_log_ns: int = 0
    _state_changed: set[asyncio.Future[None]] = field(default_factory=set)

    @property
    def name(self) -> str:
        """Its name without the slash."""
        return self.service.container

    @property
    def running(self) -> bool:
        """Whether its main process exists."""
        return self.status == "running"

    @property
    def short_id(self) -> str:
        """The first 12 digits."""
        return self.id[:12]

    def endpoint_id(self) -> str:
        """Identifier of its place in the network; another one after each start."""
        return digest(f"endpoint {self.id} {self.run}")

    def set_status(self, status: str) -> None:
        """Change the state and tell those who wait for it."""
        self.status = status
        waiters, self._state_changed = self._state_changed, set()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def wait_run_over(self, run: int) -> None:
        """Return when the given run has ended."""
        while self.running and self.run == run:
            waiter = asyncio.get_running_loop().create_future()
            self._state_changed.add(waiter)
            try:
                await waiter
            finally:
                self._state_changed.discard(waiter)

    def write(self, lines: list[bytes], now_ns: int, *, stderr: bool = False) -> None:
        """Let the process print lines; each becomes a record, or several when it is long."""
        stream = 2 if stderr else 1
        records: list[LogRecord] = []
        for line in lines:
            stamp = max(now_ns, self._last_log_ns + 1)
            self._last_log_ns = stamp
            whole = line + b"\n"
            if len(whole) <= LOG_CHUNK:
                records.append(LogRecord(stamp, stream, whole))
                continue
            # Parts share the first one's time (copier.go, partialTS).
            for at in range(0, len(whole), LOG_CHUNK):
                part = line[at : at + LOG_CHUNK]
                records.append(LogRecord(stamp, stream, part if at + LOG_CHUNK < len(whole) else part + b"\n"))
        self.log.extend(records)
