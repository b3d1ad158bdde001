"""The real droplet as a `World`: every control is the fault or the command it names."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ParamSpec, TypeVar

from refactor_console.domain.environment import Environment, SshTarget
from tests.droplet.droplet import Droplet
from tests.droplet.shell import run

P = ParamSpec("P")
T = TypeVar("T")

JOURNAL_UNIT = "contract-journal.service"
STREAM_LIMIT = 40_000
"""journald cuts a line that comes from a stream at LineMax (48 KiB); longer ones go by its native protocol."""
_SYSTEMD_RUN = (
    "systemd-run",
    "--quiet",
    "--collect",
    f"--unit={JOURNAL_UNIT}",
    # 0 would not be passed on to journald (systemd 257), which then drops lines at its default limit
    "--property=LogRateLimitIntervalSec=1s",
    "--property=LogRateLimitBurst=1000000",
    "--property=SyslogIdentifier=contract",
)
_ONE_ENTRY = Path(__file__).with_name("one_entry.py")
_NUMBERED = "/usr/local/lib/refactor-droplet/numbered.py"


class DropletWorld:
    """Implements `tests.worlds.World`."""

    name = "droplet"
    journal_unit = JOURNAL_UNIT

    def __init__(self, droplet: Droplet) -> None:
        self.droplet = droplet
        self.hurt = False
        """Whether something was done that `heal` has to undo."""

    @property
    def environment(self) -> Environment:
        return self.environment_for("deploy")

    def environment_for(self, user: str) -> Environment:
        droplet = self.droplet
        target = SshTarget(
            host=droplet.host,
            port=droplet.port,
            user=user,
            identity_file=str(droplet.client_key),
            known_hosts_file=str(droplet.known_hosts),
            config_file="/dev/null",
        )
        return Environment(name="production", ssh=target)

    def journal_environment(self) -> Environment:
        """The same place, with the unit that tests write to."""
        return replace(self.environment, unit=JOURNAL_UNIT)

    async def _do(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.to_thread(function, *args, **kwargs)

    def _write_bytes(self, path: str, data: bytes) -> None:
        command = self.droplet.instance.machine.command(["sh", "-c", f"base64 -d > {path}"])
        import base64

        run(command, input=base64.b64encode(data).decode())

    async def log_to_journal(self, messages: Sequence[bytes]) -> None:
        def write() -> None:
            exec_ = self.droplet.exec
            short: list[bytes] = []
            for message in [*messages, None]:
                if message is not None and len(message) <= STREAM_LIMIT:
                    short.append(message)
                    continue
                if short:
                    self._write_bytes("/run/contract-lines", b"".join(line + b"\n" for line in short))
                    exec_([*_SYSTEMD_RUN, "--wait", "cat", "/run/contract-lines"])
                    short = []
                if message is not None:
                    self._write_bytes("/run/one_entry.py", _ONE_ENTRY.read_bytes())
                    self._write_bytes("/run/contract-entry", b"PRIORITY=6\nMESSAGE=" + message + b"\n")
                    exec_([*_SYSTEMD_RUN, "--wait", "/usr/bin/python3", "/run/one_entry.py", "/run/contract-entry"])

        await self._do(write)

    async def log_to_container(self, service: str, messages: Sequence[bytes], *, stderr: bool = False) -> None:
        assert service == "rust-app", "only the backend's stand-in can be told what to print"
        data = b"".join(message + b"\n" for message in messages)
        stream = "stderr" if stderr else "stdout"
        for start in range(0, len(data), 60_000):  # the argument list of docker exec is bounded
            await self._do(self.droplet.emit_raw, data[start : start + 60_000], stream=stream)

    async def number_journal(self, rate: int, total: int, ident: str = "1") -> None:
        words = [*_SYSTEMD_RUN, f"--setenv=RATE={rate}", f"--setenv=TOTAL={total}"]
        await self._do(self.droplet.exec, [*words, "/usr/bin/python3", "-u", _NUMBERED, ident])

    async def number_container(self, service: str, rate: int, total: int) -> None:
        assert service == "rust-app", "only the backend's stand-in can be told what to print"
        await self._do(self.droplet.start_container_numbers, rate=rate, total=total)

    async def sever(self) -> None:
        await self._do(self.droplet.kill_ssh_sessions)

    async def ssh_down(self) -> None:
        self.hurt = True
        await self._do(self.droplet.stop_sshd)
        await self._do(self.droplet.kill_ssh_sessions)

    async def ssh_up(self) -> None:
        await self._do(self.droplet.start_sshd)

    async def cut_network(self) -> None:
        self.hurt = True
        await self._do(self.droplet.cut_network)

    async def restore_network(self) -> None:
        await self._do(self.droplet.restore_network)

    async def engine_down(self) -> None:
        self.hurt = True
        await self._do(self.droplet.stop_docker)

    async def engine_up(self) -> None:
        def start() -> None:
            self.droplet.start_docker()
            self.droplet.exec(["systemctl", "start", "refactor-platform.service"])

        await self._do(start)

    async def restart_container(self, service: str) -> None:
        self.hurt = True
        await self._do(self.droplet.exec, ["docker", "restart", "--time", "1", self._container(service)])

    async def kill_container(self, service: str) -> None:
        """Kill its process from outside the Engine's knowledge, so that the restart policy applies."""
        self.hurt = True
        name = self._container(service)

        def kill() -> None:
            shown = self.droplet.exec(["docker", "inspect", "--format", "{{json .State.Pid}}", name]).stdout
            self.droplet.exec(["kill", "-KILL", str(json.loads(shown))])

        await self._do(kill)

    @staticmethod
    def _container(service: str) -> str:
        return {"nginx": "nginx-reverse-proxy", "migrator": "db-migrator"}.get(service, service)

    async def heal(self) -> None:
        """Undo whatever a test left behind; nothing to do after a test that only looked."""
        if self.hurt:
            await self._do(self.droplet.heal)
        self.hurt = False
