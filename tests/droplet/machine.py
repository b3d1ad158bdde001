"""Booting a directory as a machine with systemd-nspawn, entering it and stopping it."""

# ruff: noqa: A002 - `input` is called so in subprocess as well

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.droplet import cgroups
from tests.droplet.errors import CommandFailed, NotRunning, TimedOut
from tests.droplet.network import Cable
from tests.droplet.paths import HERE, cache
from tests.droplet.shell import run, wait_for

_POWER_OFF = signal.SIGRTMIN + 4


@dataclass(frozen=True)
class Process:
    """A process that cannot be mistaken for a later one with the same id."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> Process:
        """The process that has this id now."""
        return cls(pid, _stat(pid)[1])

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        try:
            state, started = _stat(self.pid)
        except OSError:
            return False
        return started == self.started and state not in "ZX"


def _stat(pid: int) -> tuple[str, int]:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return fields[0], int(fields[19])


@dataclass(frozen=True)
class Machine:
    """One directory that can be booted; `process` watches over its systemd-nspawn."""

    name: str
    root: Path
    console: Path
    cable: Cable | None
    process: Process | None = None

    @property
    def running(self) -> bool:
        """Whether it is switched on."""
        return self.process is not None and self.process.alive

    @property
    def leader(self) -> int:
        """The id, outside, of the machine's process 1."""
        if self.process is None or not self.process.alive:
            raise NotRunning(f"The droplet {self.name!r} is switched off.")
        found = _leader(self.process.pid)
        if found is None:
            raise NotRunning(f"The droplet {self.name!r} has not got as far as starting its system.")
        return found

    def boot(self) -> Machine:
        """Switch it on; returns at once, with the process filled in."""
        groups = cgroups.prepare(self.name)
        command = [
            "systemd-nspawn",
            "--quiet",
            f"--directory={self.root}",
            "--boot",
            "--register=no",
            "--keep-unit",
            f"--machine={self.name}",
            "--system-call-filter=@keyring bpf",
            "--resolv-conf=off",
            "--timezone=off",
            "--link-journal=no",
            "--console=read-only",
        ]
        command.append("--private-network" if self.cable is None else f"--network-bridge={self.cable.bridge}")
        environment = dict(os.environ) | {"DROPLET_CACHE": str(cache()), "DROPLET_ROOT": str(self.root)}
        if cgroups.is_legacy():
            environment["SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE"] = "1"
            command.append("--setenv=SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1")
        said = run(
            ["sh", str(HERE / "launch.sh"), str(self.console), *map(str, groups), "--", *command],
            env=environment,
            timeout=20,
        )
        started = Machine(self.name, self.root, self.console, self.cable, Process.of(int(said.stdout)))
        wait_for(f"the system of {self.name!r} starts", lambda: started.has_leader() or not started.running, timeout=20)
        if not started.running:
            tail = self.console.read_text(encoding="utf-8", errors="replace")[-1500:]
            raise NotRunning(f"systemd-nspawn ended at once: {tail}")
        return started

    def has_leader(self) -> bool:
        """Whether process 1 exists by now."""
        return self.process is not None and self.process.alive and _leader(self.process.pid) is not None

    def command(self, argv: Sequence[str], user: str = "root") -> list[str]:
        """The command line that runs `argv` inside."""
        home = "/root" if user == "root" else f"/home/{user}"
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        enter = [
            "nsenter",
            "-t",
            str(self.leader),
            "-m",
            "-u",
            "-i",
            "-n",
            "-p",
            "-C",
            "--root",
            f"--wd=/proc/{self.leader}/root",
        ]
        clean = ["env", "-i", f"PATH={path}", f"HOME={home}", f"USER={user}", "LANG=C.UTF-8"]
        become = [] if user == "root" else ["runuser", "-u", user, "--"]
        return [*enter, *clean, *become, *argv]

    def exec(
        self,
        argv: Sequence[str],
        *,
        user: str = "root",
        check: bool = True,
        input: str | None = None,
        timeout: float | None = 120,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command inside, without the network."""
        try:
            return run(self.command(argv, user), check=check, input=input, timeout=timeout)
        except CommandFailed as problem:
            raise CommandFailed(argv, problem.status, problem.stderr) from None

    def wait_booted(self, timeout: float = 90) -> None:
        """Wait until systemd has nothing left to start."""

        def booted() -> bool:
            if not self.running:
                raise NotRunning(f"The droplet {self.name!r} went away while it booted; see {self.console}.")
            with contextlib.suppress(NotRunning):
                state = self.exec(["systemctl", "is-system-running"], check=False).stdout.strip()
                return state in ("running", "degraded")
            return False

        wait_for(f"{self.name!r} has booted", booted, timeout=timeout)

    def shut_down(self, timeout: float = 60) -> None:
        """Switch it off in an orderly way; a machine that does not obey is killed."""
        if self.has_leader():
            os.kill(self.leader, _POWER_OFF)
            with contextlib.suppress(TimedOut):
                wait_for("the system stops", lambda: not self.running, timeout=timeout)
        self.kill()

    def kill(self) -> None:
        """Pull the plug: every process of the machine ends at once."""
        if self.process is not None and self.process.alive:
            below = descendants(self.process.pid)
            for pid in [self.process.pid, *below]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        cgroups.kill(self.name)
        cgroups.remove(self.name)


def descendants(pid: int) -> list[int]:
    """The ids of all processes below one."""
    found: list[int] = []
    waiting = [pid]
    while waiting:
        parent = waiting.pop()
        with contextlib.suppress(OSError):
            for thread in Path(f"/proc/{parent}/task").iterdir():
                found += (children := [int(c) for c in (thread / "children").read_text(encoding="utf-8").split()])
                waiting += children
    return found


def _leader(keeper: int) -> int | None:
    for pid in descendants(keeper):
        with contextlib.suppress(OSError):
            status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
            ids = next((line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:")), [])
            if len(ids) > 1 and ids[-1] == "1":
                return pid
    return None
