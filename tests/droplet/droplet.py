"""The droplet as tests see it."""

# ruff: noqa: A002 - `input` is called so in subprocess as well

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.droplet import instance as life
from tests.droplet.build import Say, quiet
from tests.droplet.faults import DiskAndClockFaults, DockerFaults, LogFaults, NetworkFaults, SshFaults
from tests.droplet.instance import Instance
from tests.droplet.shell import run


class Droplet(SshFaults, NetworkFaults, DockerFaults, LogFaults, DiskAndClockFaults):
    """One running (or switched off) instance, and everything that can be done to it."""

    port = 22
    """Where sshd listens."""

    user = "deploy"
    """The user that operates the platform; `nodocker` and `nosudo` are there for the bad cases."""

    def __init__(self, name: str) -> None:
        self.name = name
        Instance.find(name)

    def __repr__(self) -> str:
        return f"Droplet({self.name!r})"

    @classmethod
    def up(cls, name: str, *, say: Say = quiet) -> Droplet:
        """Start an instance, or take the running one of that name; builds the disk image when there is none."""
        life.up(name, say=say)
        return cls(name)

    @property
    def instance(self) -> Instance:
        """The instance as it is now."""
        return Instance.find(self.name)

    @property
    def host(self) -> str:
        """Its address."""
        return self.instance.cable.inner

    @property
    def client_key(self) -> Path:
        """The private key that all three users accept."""
        return self.instance.paths.client_key

    @property
    def known_hosts(self) -> Path:
        """Its right host keys."""
        return self.instance.paths.known_hosts

    @property
    def ssh_config(self) -> Path:
        """A configuration for ssh in which the host is called like the instance."""
        return self.instance.paths.ssh_config

    @property
    def ca_cert(self) -> Path:
        """The authority behind the certificates of nginx and PostgreSQL."""
        return self.instance.paths.ca_cert

    @property
    def running(self) -> bool:
        """Whether it is switched on."""
        return self.instance.machine.running

    def tls_context(self) -> ssl.SSLContext:
        """A TLS context that trusts the droplet's own authority and nobody else."""
        return ssl.create_default_context(cafile=str(self.ca_cert))

    def exec(
        self,
        argv: Sequence[str],
        *,
        user: str = "root",
        check: bool = True,
        input: str | None = None,
        timeout: float | None = 120,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command inside, not over the network: it works while the cable is cut and sshd is down."""
        return self.instance.machine.exec(argv, user=user, check=check, input=input, timeout=timeout)

    def ssh(
        self, command: str, *, user: str = "deploy", check: bool = True, input: str | None = None, timeout: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Run a command over SSH with the machine's own ssh client."""
        options = ["-o", "BatchMode=yes", "-o", "ConnectTimeout=5", "-l", user]
        return run(
            ["ssh", "-F", str(self.ssh_config), *options, self.name, command], check=check, input=input, timeout=timeout
        )

    def sql(self, query: str) -> list[str]:
        """Ask the platform's database as its superuser; one string a row, columns parted by `|`."""
        words = ["psql", "-p", "25060", "-d", "refactor_platform", "-qtAX", "-c", query]
        return self.exec(["runuser", "-u", "postgres", "--", *words]).stdout.splitlines()

    def containers(self) -> dict[str, str]:
        """The state of every container by name: `running`, `exited 0`, `restarting 1`, ..."""
        listed = self.exec(["docker", "ps", "--all", "--quiet", "--no-trunc"]).stdout.split()
        if not listed:
            return {}
        form = "{{.Name}} {{.State.Status}} {{.State.ExitCode}}"
        found = {}
        for line in self.exec(["docker", "inspect", "--format", form, *listed]).stdout.splitlines():
            name, state, status = line.split()
            found[name.lstrip("/")] = state if state == "running" else f"{state} {status}"
        return found

    def unit(self, name: str = "refactor-platform.service") -> tuple[str, str]:
        """The active state and the sub state of a unit."""
        shown = self.exec(["systemctl", "show", name, "--property=ActiveState,SubState"]).stdout
        values = dict(line.split("=", 1) for line in shown.splitlines())
        return values["ActiveState"], values["SubState"]

    def power_off(self) -> None:
        """Cut the power: nothing is written back, nobody is told."""
        self.instance.power_off()

    def power_on(self) -> None:
        """Switch it on again: the same disk, host keys and address; returns when it serves."""
        self.instance.power_on()

    def power_cycle(self) -> None:
        """Cut the power and switch it on again."""
        self.power_off()
        self.power_on()

    def reboot(self) -> None:
        """Reboot in an orderly way; returns when it serves again."""
        self.instance.power_off(orderly=True).power_on()

    def reset(self, *, say: Say = quiet) -> None:
        """Back to factory state; address and keys stay."""
        life.reset(self.name, say=say)

    def heal(self) -> None:
        """Undo every fault but what was written to the disk, and wait until the platform serves."""
        if not self.running:
            self.power_on()
        self.restore_network()
        self.free_disk()
        self.restore_clock()
        self.restore_host_key()
        self.start_docker()
        self.start_sshd()
        if self.unit() != ("active", "exited") or not self.instance.serves():
            self.exec(["systemctl", "restart", "refactor-platform.service"])
        self.instance.wait_ready()

    def down(self) -> None:
        """End it and remove every trace."""
        life.down(self.name)

    def leftovers(self) -> list[str]:
        """What still exists of it on this machine; empty after `down`."""
        return life.leftovers(self.name)

    def describe(self) -> dict[str, Any]:
        """How to reach it."""
        return {
            "name": self.name,
            "running": self.running,
            "current": self.instance.current,
            "host": self.host,
            "port": self.port,
            "user": self.user,
            "client_key": str(self.client_key),
            "known_hosts": str(self.known_hosts),
            "ssh_config": str(self.ssh_config),
            "ca_cert": str(self.ca_cert),
        }
