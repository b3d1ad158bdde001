"""What a simulated program is given and how it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Account:
    """One login of the demo host."""

    name: str
    uid: int
    groups: tuple[tuple[int, str], ...]
    """Primary group first."""
    sudo: bool = False

    @property
    def home(self) -> str:
        """The home directory."""
        return "/root" if self.uid == 0 else f"/home/{self.name}"

    def is_in(self, *groups: str) -> bool:
        """Whether it is root or a member of one of these groups."""
        return self.uid == 0 or any(name in groups for _, name in self.groups)


class Streams(Protocol):
    """Standard input, output and error of one program."""

    async def read_all(self) -> bytes:
        """Standard input up to its end."""

    async def out(self, data: bytes) -> None:
        """Write to standard output; waits while the reader is slow."""

    async def err(self, data: bytes) -> None:
        """Write to standard error."""


class ProgramError(Exception):
    """A program ends with this status after saying this on standard error."""

    def __init__(self, message: str, status: int = 1) -> None:
        super().__init__(message)
        self.status = status
