"""The demo world as a `World`: fast, on loopback, in a process of its own."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from refactor_console.demo import launcher
from refactor_console.domain.environment import Environment, SshTarget


class DemoWorld:
    """A running demo process and its controls."""

    name = "demo"
    journal_unit = "console-probe.service"

    def __init__(self, process: launcher.DemoProcess) -> None:
        self.process = process

    @classmethod
    async def start(cls, directory: Path, *, seed: int = 7, frozen: str | None = None) -> DemoWorld:
        """Start one that keeps its files in `directory`."""
        return cls(await launcher.start(directory, seed=seed, frozen=frozen))

    async def stop(self) -> None:
        """End it."""
        await self.process.stop()

    @property
    def environment(self) -> Environment:
        return self.environment_for(self.process.info.user)

    def environment_for(self, user: str) -> Environment:
        info = self.process.info
        return Environment(
            name="demo",
            ssh=SshTarget(
                host=info.host,
                port=info.port,
                user=user,
                identity_file=str(info.identity_file),
                known_hosts_file=str(info.known_hosts_file),
                config_file="/dev/null",
            ),
            demo=True,
        )

    async def log_to_journal(self, messages: Sequence[bytes]) -> None:
        await self.process.control("log_to_journal", messages=_encoded(messages))

    async def log_to_container(self, service: str, messages: Sequence[bytes], *, stderr: bool = False) -> None:
        await self.process.control("log_to_container", service=service, messages=_encoded(messages), stderr=stderr)

    async def number_journal(self, rate: int, total: int) -> None:
        await self.process.control("number_journal", rate=rate, total=total)

    async def number_container(self, service: str, rate: int, total: int) -> None:
        await self.process.control("number_container", service=service, rate=rate, total=total)

    async def sever(self) -> None:
        await self.process.control("sever")

    async def ssh_down(self) -> None:
        await self.process.control("ssh_down")

    async def ssh_up(self) -> None:
        await self.process.control("ssh_up")

    async def cut_network(self) -> None:
        await self.process.control("cut_network")

    async def restore_network(self) -> None:
        await self.process.control("restore_network")

    async def engine_down(self) -> None:
        await self.process.control("engine_down")

    async def engine_up(self) -> None:
        await self.process.control("engine_up")

    async def restart_container(self, service: str) -> None:
        await self.process.control("restart_container", service=service)

    async def kill_container(self, service: str) -> None:
        await self.process.control("kill_container", service=service)

    async def freeze_clock(self, at: str | None) -> None:
        """Stop the host's clock at an ISO 8601 time, or let it run again."""
        await self.process.control("freeze_clock", at=at)

    async def skew_clock(self, seconds: float) -> None:
        """Let the host's clock run ahead of ours."""
        await self.process.control("skew_clock", seconds=seconds)

    async def traffic(self, on: bool) -> None:
        """Let visitors come or stay away."""
        await self.process.control("traffic", on=on)

    # GitHub -----------------------------------------------------------------------------------------------------

    @property
    def github_url(self) -> str:
        """Base address of its GitHub REST API; accepts ``demo-token``."""
        return self.process.info.github_url

    @property
    def registry_url(self) -> str:
        """Base address of its image registry."""
        return self.process.info.registry_url

    async def github(self, do: str, **values: Any) -> dict[str, Any]:
        """One of the controls of its GitHub (`demo.github_control`, without the prefix ``github_``), what it tells."""
        return await self.process.control(f"github_{do}", **values)

    async def github_down(self) -> None:
        """Refuse connections to GitHub."""
        await self.github("down")

    async def github_up(self) -> None:
        """Accept them again, at the same address."""
        await self.github("up")

    async def github_fault(self, fault: str, *, path: str = "", times: int | None = None, value: float = 0.0) -> None:
        """Let a fault (`demo.github_faults.Fault`) strike requests whose path matches, so many times (for ever)."""
        await self.github("fault", fault=fault, path=path, times=times, value=value)

    async def github_clear(self) -> None:
        """No more faults; full limits for every token."""
        await self.github("clear")

    async def github_counted(self) -> int:
        """How many requests have counted against a limit so far."""
        return int((await self.github("counts"))["counted"])

    # The registry -----------------------------------------------------------------------------------------------

    async def registry(self, do: str, **values: Any) -> dict[str, Any]:
        """One of the controls of its registry (`demo.registry_control`, without the prefix ``registry_``)."""
        return await self.process.control(f"registry_{do}", **values)


def _encoded(messages: Sequence[bytes]) -> list[str]:
    return [base64.b64encode(message).decode() for message in messages]


@asynccontextmanager
async def demo_world(directory: Path, *, seed: int = 7, frozen: str | None = None) -> AsyncIterator[DemoWorld]:
    """A demo world for the length of a block."""
    world = await DemoWorld.start(directory / "demo", seed=seed, frozen=frozen)
    try:
        yield world
    finally:
        await world.stop()
