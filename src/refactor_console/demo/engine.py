"""The simulated Docker Engine: its containers, what can be done to them, and the events that tell of it."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any

from refactor_console.demo.clock import SECOND, Clock
from refactor_console.demo.containers import Container, HealthResult, Service
from refactor_console.demo.describe import NETWORK, labels, network_id
from refactor_console.demo.images import Image, Json
from refactor_console.demo.tape import Tape

EVENTS_KEPT = 256
"""As many as the Engine keeps for ``since=`` (``daemon/events``)."""
SIGNALS = {"KILL": 9, "TERM": 15, "INT": 2, "QUIT": 3, "HUP": 1, "USR1": 10, "USR2": 12, "WINCH": 28}
_FATAL = (9, 15, 2, 3)


@dataclass(frozen=True, slots=True)
class Event:
    """One event of ``GET /events`` (``EventMessage``)."""

    kind: str
    action: str
    actor: str
    attributes: dict[str, str]
    time_ns: int

    def to_json(self) -> bytes:
        """One line, with the old fields that only containers and images still have."""
        values: Json = {}
        if self.kind == "container":
            values = {"status": self.action, "id": self.actor, "from": self.attributes.get("image", "")}
        values |= {
            "Type": self.kind,
            "Action": self.action,
            "Actor": {"ID": self.actor, "Attributes": self.attributes},
            "scope": "local",
            "time": self.time_ns // SECOND,
            "timeNano": self.time_ns,
        }
        return json.dumps(values, separators=(",", ":")).encode() + b"\n"


class Engine:
    """Containers by id, and the operations on them. An operation returns when it has happened."""

    def __init__(self, clock: Clock, rng: random.Random) -> None:
        self.clock = clock
        self.containers: dict[str, Container] = {}
        self.images: list[Image] = []
        self.events: Tape[Event] = Tape(EVENTS_KEPT)
        self.on_start: Callable[[Container], None] = lambda _: None
        """Called when a container's process begins, so that it can print its first lines."""
        self.on_signal: Callable[[Container, int], None] = lambda _container, _signal: None
        """Called when a signal reaches the process."""
        self._random = rng
        self._next_pid = 1500
        self._last_event_ns = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def find(self, reference: str) -> Container | None:
        """By full id, name, or a prefix of the id that only one container has."""
        if reference in self.containers:
            return self.containers[reference]
        name = reference.removeprefix("/")
        for container in self.containers.values():
            if container.name == name:
                return container
        found = [c for c in self.containers.values() if name and c.id.startswith(name)]
        return found[0] if len(found) == 1 else None

    def of_service(self, service: str) -> Container:
        """The container of a compose service.

        Raises:
            KeyError: when there is none.
        """
        for container in self.containers.values():
            if container.service.name == service:
                return container
        raise KeyError(service)

    def running(self) -> Iterable[Container]:
        """Those whose main process exists."""
        return (c for c in self.containers.values() if c.running)

    def new_pid(self) -> int:
        """A process id that was not used yet."""
        self._next_pid += self._random.randint(3, 90)
        return self._next_pid

    # What people and programs ask for ---------------------------------------------------------------------------

    async def start(self, container: Container) -> bool:
        """Start it; False when it was running already."""
        async with container.busy:
            if container.running:
                return False
            container.manually_stopped = False
            container.restarts = 0
            self._begin(container)
            return True

    async def stop(self, container: Container, grace: float) -> bool:
        """SIGTERM, then SIGKILL after `grace` seconds; False when it was not running."""
        async with container.busy:
            if container.status not in ("running", "restarting"):
                return False
            container.manually_stopped = True
            await self._terminate(container, grace)
            return True

    async def restart(self, container: Container, grace: float) -> None:
        """Stop it where it runs, and start it."""
        async with container.busy:
            if container.status in ("running", "restarting"):
                await self._terminate(container, grace)
            container.manually_stopped = False
            self._begin(container)
            self.emit(container, "restart")

    async def kill(self, container: Container, signal: int) -> None:
        """Send a signal as ``docker kill`` does.

        That also switches the restart policy off, but for signals other than SIGKILL and the stop signal of an image
        that names one (``daemon/kill.go``, ``ExitOnNext``).
        """
        async with container.busy:
            own = container.service.stop_signal
            if own is None or signal in (own, SIGNALS["KILL"]):
                container.manually_stopped = True
            self.emit(container, "kill", signal=str(signal))
            self.on_signal(container, signal)
            if signal in _FATAL:
                self._end(container, 137 if signal == SIGNALS["KILL"] else container.service.stop_code)

    async def crash(self, container: Container, exit_code: int) -> None:
        """Its main process dies by itself; the restart policy decides what follows."""
        async with container.busy:
            if container.running:
                self._end(container, exit_code)
                self._apply_policy(container)

    async def shut_down(self) -> None:
        """The Engine stops and ends its containers; what it remembers of events is lost."""
        for task in list(self._tasks):
            task.cancel()
        for container in self.containers.values():
            if container.status in ("running", "restarting"):
                async with container.busy:
                    await self._terminate(container, 10.0)
        self.events.clear()

    def boot(self) -> None:
        """The Engine starts again, and with it the containers whose policy says so."""
        for container in self.containers.values():
            if container.service.restart in ("always", "unless-stopped") and not container.manually_stopped:
                self._begin(container)

    def close(self) -> None:
        """Forget what is still planned."""
        for task in list(self._tasks):
            task.cancel()

    # Health -----------------------------------------------------------------------------------------------------

    def probe(self, container: Container, *, healthy: bool) -> None:
        """One run of the health check, with the events that the Engine tells of it."""
        check = container.service.health
        if check is None or not container.running:
            return
        words = " ".join(check.test[1:])
        execution = f"{self._random.getrandbits(256):064x}"
        now = self.clock.now()
        self.emit(container, f"exec_create: {words}", execID=execution)
        self.emit(container, f"exec_start: {words}", execID=execution)
        self.emit(container, "exec_die", execID=execution, exitCode="0" if healthy else "1")
        output = "" if healthy else "wget: server returned error: HTTP/1.1 500 Internal Server Error\n"
        container.probes.append(HealthResult(now, now + 41_000_000, 0 if healthy else 1, output))
        del container.probes[:-5]
        container.failing_streak = 0 if healthy else container.failing_streak + 1
        status = container.health
        if healthy:
            status = "healthy"
        elif container.failing_streak >= check.retries:
            status = "unhealthy"
        if status != container.health:
            container.health = status
            self.emit(container, f"health_status: {status}")

    # How it happens ---------------------------------------------------------------------------------------------

    def create(self, service: Service, identifier: str, created_ns: int) -> Container:
        """A new container that has not run yet."""
        container = Container(identifier, service, created_ns)
        self.containers[identifier] = container
        return container

    def remove(self, container: Container) -> None:
        """Remove a container that does not run."""
        self.containers.pop(container.id, None)
        self.emit(container, "destroy")

    def _begin(self, container: Container) -> None:
        self._emit_network(container, "connect")
        container.run += 1
        container.pid = self.new_pid()
        container.started_ns = self.clock.now()
        container.exit_code, container.error, container.oom_killed = 0, "", False
        container.health, container.failing_streak, container.probes = "starting", 0, []
        container.set_status("running")
        self.emit(container, "start")
        self.on_start(container)
        if container.service.oneshot_seconds is not None:
            run = container.run
            self._later(container.service.oneshot_seconds, lambda: self._finish(container, run))

    async def _terminate(self, container: Container, grace: float) -> None:
        if not container.running:
            container.set_status("exited")
            self.emit(container, "stop")
            return
        signal = container.service.stop_signal or SIGNALS["TERM"]
        self.on_signal(container, signal)
        self.emit(container, "kill", signal=str(signal))
        if container.service.stop_seconds <= grace:
            await asyncio.sleep(container.service.stop_seconds)
            self._end(container, container.service.stop_code, stopped=True)
            return
        await asyncio.sleep(grace)
        self.emit(container, "kill", signal="9")
        self._end(container, 137, stopped=True)

    def _end(self, container: Container, exit_code: int, *, stopped: bool = False) -> None:
        container.exit_code = exit_code
        container.finished_ns = max(self.clock.now(), container.started_ns + 1)
        container.health = "unhealthy"
        container.set_status("exited")
        seconds = (container.finished_ns - container.started_ns) // SECOND
        # The order in which Engine 26.1 tells it: whoever asked for the stop hears of it before the death.
        self._emit_network(container, "disconnect")
        if stopped:
            self.emit(container, "stop")
        self.emit(container, "die", execDuration=str(seconds), exitCode=str(exit_code))

    def _apply_policy(self, container: Container) -> None:
        policy = container.service.restart
        wanted = policy in ("always", "unless-stopped") or (policy == "on-failure" and container.exit_code != 0)
        if not wanted or container.manually_stopped:
            return
        ran = (container.finished_ns - container.started_ns) / SECOND
        # restartmanager.go: 100 ms at first, doubled up to a minute, from the beginning after a run of 10 s.
        wait = 0.1 if ran >= 10 else min(60.0, 0.1 * 2 ** min(container.restarts, 10))
        container.restarts += 1
        container.set_status("restarting")
        self._later(wait, lambda: self._restart_by_policy(container))

    async def _restart_by_policy(self, container: Container) -> None:
        async with container.busy:
            if container.status == "restarting":
                self._begin(container)

    async def _finish(self, container: Container, run: int) -> None:
        if container.run == run:
            await self.crash(container, 0)

    def _later(self, seconds: float, then: Callable[[], Coroutine[Any, Any, None]]) -> None:
        async def wait() -> None:
            await asyncio.sleep(seconds)
            await then()

        task = asyncio.get_running_loop().create_task(wait())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def emit(self, container: Container, action: str, **attributes: str) -> None:
        """Tell of something that happened to a container."""
        known = labels(container.service) | {"image": container.service.image.reference, "name": container.name}
        self.events.append(Event("container", action, container.id, known | attributes, self._stamp()))

    def _emit_network(self, container: Container, action: str) -> None:
        about = {"container": container.id, "name": NETWORK, "type": "bridge"}
        self.events.append(Event("network", action, network_id(), about, self._stamp()))

    def tell_network(self, action: str) -> None:
        """Tell that the platform's network was made or is gone."""
        about = {"name": NETWORK, "type": "bridge"}
        self.events.append(Event("network", action, network_id(), about, self._stamp()))

    def _stamp(self) -> int:
        self._last_event_ns = max(self.clock.now(), self._last_event_ns + 1000)
        return self._last_event_ns
