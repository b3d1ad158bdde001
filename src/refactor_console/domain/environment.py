"""One deployed copy of the platform: where it is and what it is called there."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SshTarget:
    """How to reach a host by SSH; what is None is left to ``~/.ssh/config`` and the library's defaults."""

    host: str
    """Host name, address, or an alias of ``~/.ssh/config``."""
    port: int | None = None
    user: str | None = None
    default_user: str = "deploy"
    """The login when neither `user` nor ``~/.ssh/config`` names one: the platform's own; empty for the local user."""
    identity_file: str | None = None
    """A private key file to offer besides the agent's keys."""
    known_hosts_file: str | None = None
    """A known_hosts file instead of ``~/.ssh/known_hosts``; host keys are always verified."""
    config_file: str | None = None
    """An OpenSSH client configuration instead of ``~/.ssh/config``."""
    connect_timeout: float = 10.0
    """Seconds for TCP, key exchange and authentication together."""

    def __str__(self) -> str:
        name = f"{self.user}@{self.host}" if self.user else self.host
        return f"{name}:{self.port}" if self.port and self.port != 22 else name


@dataclass(frozen=True, slots=True)
class Environment:
    """Everything shown or done belongs to exactly one of these, named in the header."""

    name: str
    ssh: SshTarget
    protected: bool = True
    """Whether a mutation is confirmed by typing the environment's name (production is)."""
    unit: str = "refactor-platform.service"
    """The systemd unit that owns the compose stack."""
    compose_directory: str = "/home/deploy"
    """Where the compose file lies on the host; containers carry it in a label."""
    docker_socket: str = "/var/run/docker.sock"
    services: tuple[str, ...] = ("nginx", "migrator", "rust-app", "nextjs-app")
    """Compose services in the order they are shown; others found follow these."""
    oneshot_services: tuple[str, ...] = ("migrator",)
    """Services that do their work and exit 0: exited is *done*, not dead."""
    demo: bool = False
    """Whether this is the built-in demo world; the header says so."""
