"""Load, memory, disks, uptime and clock of a host, read from ``/proc`` and ``df`` (proc(5), df(1p))."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.domain.text import whole_number


class VitalsError(ConsoleError):
    """The host's answer about itself could not be understood."""


@dataclass(frozen=True, slots=True)
class Disk:
    """One mounted file system."""

    mount: str
    size: int
    """Bytes in all."""
    used: int
    """Bytes used."""
    available: int
    """Bytes an ordinary user can still write."""

    @property
    def fraction_used(self) -> float:
        """Used share as ``df`` counts it: used / (used + available), 0 to 1."""
        total = self.used + self.available
        return self.used / total if total else 0.0


@dataclass(frozen=True, slots=True)
class HostIdentity:
    """Who the console is on the host, asked once after connecting."""

    user: str
    groups: tuple[str, ...]
    hostname: str
    cpus: int
    fingerprint: str = ""
    """The verified host key's SHA-256 fingerprint."""
    server: str = ""
    """The SSH server's version banner."""
    can_sudo: bool | None = None
    """Whether ``sudo -n systemctl restart UNIT`` is allowed; None when it could not be found out."""
    round_trip: timedelta | None = None
    """Time of one small command over the connection."""
    sudo_note: str = ""
    """Why `can_sudo` is not True, in the host's own words; empty when it is."""


@dataclass(frozen=True, slots=True)
class HostVitals:
    """How a host is at one moment."""

    load: tuple[float, float, float]
    """Load averages over 1, 5 and 15 minutes."""
    cpus: int
    memory_total: int
    """Bytes."""
    memory_available: int
    """Bytes that can be had without swapping (``MemAvailable``)."""
    swap_total: int
    swap_free: int
    uptime: timedelta
    disks: tuple[Disk, ...]
    disks_problem: str = ""
    """Why the disks are not known, as a sentence (a mount that hangs lets ``df`` hang); empty when they are."""
    clock_offset: timedelta | None = None
    """The host's clock minus ours, from the middle of the round trip; None when it could not be measured."""
    clock_error: timedelta | None = None
    """Half the round trip: how wrong `clock_offset` may be."""

    @property
    def memory_fraction(self) -> float:
        """Used share of memory, 0 to 1."""
        return 1 - self.memory_available / self.memory_total if self.memory_total else 0.0


def parse_proc(output: str, cpus: int) -> HostVitals:
    """Read ``cat /proc/loadavg /proc/uptime /proc/meminfo``, whatever a shell printed before it.

    Raises:
        VitalsError: when one of the three is not in the output.
    """
    load: tuple[float, float, float] | None = None
    uptime: timedelta | None = None
    memory: dict[str, int] = {}
    for line in output.splitlines():
        words = line.split()
        try:
            if len(words) == 5 and "/" in words[3]:
                load = (float(words[0]), float(words[1]), float(words[2]))
            elif len(words) == 2 and load is not None and uptime is None:
                uptime = timedelta(seconds=float(words[0]))
            elif len(words) == 3 and words[0].endswith(":") and words[2] == "kB":
                memory[words[0][:-1]] = int(words[1]) * 1024
        except (ValueError, OverflowError):
            continue  # a line that only looks like one of ours; what is missing is said below
    if load is None or uptime is None or "MemTotal" not in memory:
        raise VitalsError(
            Problem(
                "The host's answer to 'cat /proc/loadavg /proc/uptime /proc/meminfo' could not be read.",
                "Look whether the login shell prints something of its own, and whether /proc is mounted.",
                output[:500],
                code="malformed",
            )
        )
    return HostVitals(
        load=load,
        cpus=cpus,
        memory_total=memory["MemTotal"],
        memory_available=memory.get("MemAvailable", memory.get("MemFree", 0)),
        swap_total=memory.get("SwapTotal", 0),
        swap_free=memory.get("SwapFree", 0),
        uptime=uptime,
        disks=(),
    )


def parse_df(output: str) -> tuple[Disk, ...]:
    """Read ``df -kP``: one line a file system (POSIX format, 1024-byte blocks), the same device listed once."""
    disks: dict[str, Disk] = {}
    for line in output.splitlines():
        words = line.split(None, 5)
        if len(words) != 6 or not words[4].endswith("%"):
            continue
        size, used, available = (whole_number(word) for word in words[1:4])
        if size is None or used is None or available is None:
            continue
        disks.setdefault(f"{words[0]}:{size}", Disk(words[5], size * 1024, used * 1024, available * 1024))
    return tuple(disks.values())
