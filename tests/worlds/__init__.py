"""The two places every adapter is tested against with the same contract tests: the demo world and the real droplet.

A `World` is a running platform with its own controls; the adapters see only its `environment`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from refactor_console.domain.environment import Environment


class World(Protocol):
    """A platform to test against. Controls return when what they ask for has happened (or is certain to)."""

    @property
    def name(self) -> str:
        """``demo`` or ``droplet``."""

    @property
    def environment(self) -> Environment:
        """How the console reaches it: user ``deploy``, with key and known_hosts files of its own."""

    @property
    def journal_unit(self) -> str:
        """A unit that `log_to_journal` and `number_journal` write to (not the platform's own)."""

    def environment_for(self, user: str) -> Environment:
        """The same place with another login: ``nodocker`` (no docker group, no sudo, no journal group),
        ``nosudo`` (docker and journal groups, no sudo), ``stranger`` (no such account)."""

    async def log_to_journal(self, messages: Sequence[bytes]) -> None:
        """Write these lines, in order, to the journal of `journal_unit`."""

    async def log_to_container(self, service: str, messages: Sequence[bytes], *, stderr: bool = False) -> None:
        """Make the service's process print these lines, in order."""

    async def number_journal(self, rate: int, total: int) -> None:
        """Begin to write ``n=1`` ... ``n=total`` to `journal_unit` at `rate` lines a second; returns at once."""

    async def number_container(self, service: str, rate: int, total: int) -> None:
        """The same on a container's standard output."""

    async def sever(self) -> None:
        """End every SSH connection from the server's side; new ones are accepted at once."""

    async def ssh_down(self) -> None:
        """Stop accepting SSH connections (refused) and end those there are."""

    async def ssh_up(self) -> None:
        """Accept them again."""

    async def cut_network(self) -> None:
        """Let packets vanish in both directions; connections hang rather than break."""

    async def restore_network(self) -> None:
        """Let them through again."""

    async def engine_down(self) -> None:
        """Stop the Docker Engine; its containers keep no process (they may stop)."""

    async def engine_up(self) -> None:
        """Start it again, and with it the containers that should run."""

    async def restart_container(self, service: str) -> None:
        """Restart one service's container behind the console's back."""

    async def kill_container(self, service: str) -> None:
        """Kill its main process; its restart policy decides what follows."""
