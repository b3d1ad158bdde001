"""The simulated platform: one droplet with its journal, its Engine, its users and its traffic."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any

from refactor_console.demo.clock import SECOND, Clock
from refactor_console.demo.containers import Container
from refactor_console.demo.deployed import deployed
from refactor_console.demo.engine import Engine
from refactor_console.demo.journal import Journal, Writer
from refactor_console.demo.lines import gap, starting, stopping, visit
from refactor_console.demo.past import DAY, RATE, UNIT, Diary, down_lines, fill_logs, up_lines
from refactor_console.demo.shell import Account
from refactor_console.demo.vitals import Vitals

HOSTNAME = "refactor-droplet"
PROBE_UNIT = "console-probe.service"
"""A unit that does nothing but print what a test wants to see."""
ACCOUNTS = {
    account.name: account
    for account in (
        Account("deploy", 1000, ((1000, "deploy"), (4, "adm"), (100, "users"), (988, "docker")), sudo=True),
        Account("nodocker", 1001, ((1001, "nodocker"), (100, "users"))),
        Account("nosudo", 1002, ((1002, "nosudo"), (100, "users"), (999, "systemd-journal"), (988, "docker"))),
    )
}
_UPTIME = 31 * DAY
_TICK = 0.02
"""Seconds between the batches of numbered lines."""


@dataclass
class Unit:
    """What systemd knows of a unit."""

    name: str
    description: str
    active: str = "active"
    sub: str = "exited"
    kind: str = "oneshot"
    file_state: str = "enabled"
    changed_ns: int = 0
    entered_ns: int = 0
    left_ns: int = 0
    invocation: str = ""
    path: str = ""


class World:
    """Everything there is, and what makes it go on."""

    def __init__(self, seed: int, frozen_ns: int | None = None) -> None:
        self.clock = Clock()
        self.clock.freeze(frozen_ns)
        self._random = random.Random(seed)  # noqa: S311 - scenery, not secrets
        now = self.clock.now()
        self.began_ns = now
        """From when the story counts back: one moment for what runs here, for GitHub and for the registry, since the
        digests of images depend on it."""
        self._deployed = deployed(now)
        boot_ns = now - _UPTIME
        self.journal = Journal(
            self.clock,
            seqnum_id=self._hex(),
            boot_id=self._hex(),
            boot_us=boot_ns // 1000,
            machine_id=self._hex(),
            hostname=HOSTNAME,
        )
        self.engine = Engine(self.clock, random.Random(seed + 1))  # noqa: S311
        self.vitals = Vitals(self.clock, random.Random(seed + 2), boot_ns)  # noqa: S311
        self.traffic = frozen_ns is None
        self._tasks: set[asyncio.Task[None]] = set()
        self._unit_busy = asyncio.Lock()
        self._traffic_changed = asyncio.Event()
        diary = Diary(self.journal, self._random)
        diary.write(now)
        self.units = self._make_units(diary, boot_ns)
        self._make_containers(diary.started_ns)
        fill_logs(self.engine, now, self._random)
        self.engine.on_start = self._on_start
        self.engine.on_signal = self._on_signal

    # Life -------------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Let time pass: visitors come, health checks run."""
        self._spawn(self._visitors())
        self._spawn(self._health())

    async def end(self) -> None:
        """Stop everything that is going on."""
        self.engine.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def set_traffic(self, on: bool) -> None:
        """Let visitors come or stay away; health checks pause with them."""
        self.traffic = on
        self._traffic_changed.set()

    # What tests ask for -----------------------------------------------------------------------------------------

    def log_to_journal(self, messages: list[bytes]) -> None:
        """The probe unit prints these lines."""
        self.journal.write(self._probe, messages)

    def number_journal(self, rate: int, total: int) -> None:
        """Begin to write ``n=1`` ... ``n=total`` to the journal."""
        self._number(rate, total, self.log_to_journal)

    def number_container(self, service: str, rate: int, total: int) -> None:
        """Begin to write ``n=1`` ... ``n=total`` to a container's output."""
        container = self.engine.of_service(service)
        self._number(rate, total, lambda lines: container.write(lines, self.clock.now()))

    # The unit ---------------------------------------------------------------------------------------------------

    async def control_unit(self, verb: str, name: str) -> None:
        """``systemctl start|stop|restart`` of a unit; the platform's takes its containers with it.

        Raises:
            KeyError: when there is no such unit.
        """
        unit = self.units[name]
        if name != UNIT:
            unit.changed_ns = self.clock.now()
            return
        async with self._unit_busy:
            await self._control_platform(verb, unit)

    async def engine_down(self) -> None:
        """Docker is stopped; the platform's unit requires it, so that it goes first, and its containers with it."""
        await self.control_unit("stop", UNIT)
        await self.engine.shut_down()
        self._unit_state(self.units["docker.service"], "inactive", "dead")

    async def engine_up(self) -> None:
        """Docker is started, and then the platform's unit, which makes new containers."""
        self.engine.boot()
        self._unit_state(self.units["docker.service"], "active", "running")
        await self.control_unit("start", UNIT)

    async def _control_platform(self, verb: str, unit: Unit) -> None:
        if verb in ("stop", "restart") and unit.active != "inactive":
            self._unit_state(unit, "deactivating", "stop")
            await self._compose_down()
            self._unit_state(unit, "inactive", "dead")
        if verb in ("start", "restart") and unit.active != "active":
            unit.invocation = self._hex()
            self._unit_state(unit, "activating", "start")
            await self._compose_up()
            self._unit_state(unit, "active", "exited")

    def _unit_state(self, unit: Unit, active: str, sub: str) -> None:
        now = self.clock.now()
        unit.active, unit.sub, unit.changed_ns = active, sub, now
        if active == "active":
            unit.entered_ns = now
        elif active == "inactive":
            unit.left_ns = now

    async def _compose_down(self) -> None:
        lines = iter(down_lines(self.engine.new_pid()))
        self._journal_lines(lines, 1)
        for service in reversed(self._deployed.services):
            self._journal_lines(lines, 1)
            with suppress(KeyError):
                container = self.engine.of_service(service.name)
                await self.engine.stop(container, 10.0)
                self.engine.remove(container)
            self._journal_lines(lines, 3)
        self.engine.tell_network("destroy")
        self._journal_lines(lines, 99)

    async def _compose_up(self) -> None:
        lines = iter(up_lines(self.engine.new_pid()))
        self._journal_lines(lines, 3 + 2 * len(self._deployed.services))
        self.engine.tell_network("create")
        made = [self.engine.create(service, self._hex(256), self.clock.now()) for service in self._deployed.services]
        for container in made:
            self.engine.emit(container, "create")
        for container in made:
            self._journal_lines(lines, 1)
            await self.engine.start(container)
            await asyncio.sleep(0.15)
            self._journal_lines(lines, 1)
        self._journal_lines(lines, 99)

    def _journal_lines(self, lines: Iterator[tuple[Writer, str, int]], count: int) -> None:
        for writer, text, _ in islice(lines, count):
            self.journal.write(writer, [text.encode()])

    # Inside -----------------------------------------------------------------------------------------------------

    def _hex(self, bits: int = 128) -> str:
        return f"{self._random.getrandbits(bits):0{bits // 4}x}"

    def _make_units(self, diary: Diary, boot_ns: int) -> dict[str, Unit]:
        platform = Unit(
            UNIT,
            "Refactor Platform (Docker Compose)",
            changed_ns=diary.finished_ns,
            entered_ns=diary.finished_ns,
            left_ns=diary.stopped_ns,
            invocation=self._hex(),
            path=f"/etc/systemd/system/{UNIT}",
        )
        units = [platform]
        for name, text in (
            ("docker.service", "Docker Application Container Engine"),
            ("ssh.service", "OpenBSD Secure Shell server"),
            (PROBE_UNIT, "Prints what a test wants to see"),
        ):
            at = boot_ns + 5 * SECOND
            unit = Unit(name, text, sub="running", kind="notify", changed_ns=at, entered_ns=at, invocation=self._hex())
            unit.path = f"/usr/lib/systemd/system/{name}"
            units.append(unit)
        self._probe = Writer("console-probe", 4711, PROBE_UNIT, comm="console-probe")
        return {unit.name: unit for unit in units}

    def _make_containers(self, deployed_ns: int) -> None:
        self.engine.images = list(self._deployed.images)
        created = deployed_ns + 780_000_000
        for number, service in enumerate(self._deployed.services):
            made = created + number * 61_000_000
            container = self.engine.create(service, self._hex(256), made)
            container.started_ns = made + 700_000_000 + number * 418_000_000
            container.run, container.pid = 1, self.engine.new_pid()
            if service.oneshot_seconds is None:
                container.status, container.health = "running", "healthy"
            else:
                container.status = "exited"
                container.finished_ns = container.started_ns + round(service.oneshot_seconds * SECOND)
            self.vitals.usage(container)

    def _on_start(self, container: Container) -> None:
        now = self.clock.now()
        for line in starting(container.service.name, now):
            container.write([line.text.encode()], now + line.after_ns, stderr=line.stderr)

    def _on_signal(self, container: Container, signal: int) -> None:
        if signal in (15, container.service.stop_signal):
            now = self.clock.now()
            for line in stopping(container.service.name, now):
                container.write([line.text.encode()], now, stderr=line.stderr)

    async def _visitors(self) -> None:
        while True:
            await self._while_traffic(gap(self._random, RATE) / SECOND)
            lines = visit(self.clock.now() - 200_000_000, self._random)
            base = self.clock.now() - max(line.after_ns for line in lines)
            nginx_up = self._running("nginx") is not None
            for line in sorted(lines, key=lambda said: said.after_ns):
                container = self._running(line.service)
                if container is not None and nginx_up:
                    container.write([line.text.encode()], base + line.after_ns, stderr=line.stderr)
            self.vitals.requests += (RATE * self._random.uniform(0.3, 1.9) - self.vitals.requests) * 0.2

    def _running(self, service: str) -> Container | None:
        return next((c for c in self.engine.running() if c.service.name == service), None)

    async def _health(self) -> None:
        while True:
            await self._while_traffic(10.0)
            for container in list(self.engine.running()):
                self.engine.probe(container, healthy=True)

    async def _while_traffic(self, seconds: float) -> None:
        """Sleep, and longer while there is no traffic."""
        await asyncio.sleep(seconds)
        while not self.traffic:
            self._traffic_changed.clear()
            await self._traffic_changed.wait()

    def _number(self, rate: int, total: int, write: Callable[[list[bytes]], None]) -> None:
        async def run() -> None:
            loop = asyncio.get_running_loop()
            begin, done = loop.time(), 0
            while done < total:
                due = min(total, int((loop.time() - begin) * rate) + 1)
                if due > done:
                    write([b"n=%d" % n for n in range(done + 1, due + 1)])
                    done = due
                await asyncio.sleep(max(_TICK, 1 / rate))

        self._spawn(run())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
