"""What the host and its containers use: processor, memory, network, disk; it wanders with the traffic."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from refactor_console.demo.clock import SECOND, Clock, rfc3339
from refactor_console.demo.containers import Container
from refactor_console.demo.describe import MEMORY
from refactor_console.demo.images import Json

CPUS = 2
SWAP = 2 * 1024**3
MIB = 1024**2
DISK_BLOCKS = 80 * MIB
"""Blocks of 1024 bytes of the only disk."""


@dataclass(frozen=True)
class Appetite:
    """What a service uses at rest, and more for each request a second."""

    cpu: float
    """Cores at rest."""
    cpu_per_request: float
    memory: float
    """MiB."""
    memory_swing: float
    received: float
    """Bytes for each request."""
    sent: float


_APPETITES = {
    "nginx": Appetite(0.002, 0.0022, 14.0, 1.5, 5200, 6100),
    "rust-app": Appetite(0.011, 0.024, 71.0, 9.0, 900, 4300),
    "nextjs-app": Appetite(0.006, 0.041, 148.0, 18.0, 700, 9800),
    "migrator": Appetite(0.08, 0.0, 22.0, 2.0, 0, 0),
}
_PLAIN = Appetite(0.01, 0.0, 30.0, 2.0, 0, 0)


class Usage:
    """The counters of one run of one container."""

    def __init__(self, appetite: Appetite) -> None:
        self.appetite = appetite
        self.cpu_ns = 380_000_000.0
        self.rate = appetite.cpu
        """Cores in use now."""
        self.memory = appetite.memory * MIB
        self.received = 12_000.0
        self.sent = 9_000.0
        self.block_read = 18.0 * MIB
        self.block_written = 0.4 * MIB
        self._mood = 0.0

    def advance(self, seconds: float, requests: float, rng: random.Random | None) -> None:
        """Let time pass with so many requests a second; without `rng` nothing wavers."""
        want = self.appetite
        if rng is not None:
            step = min(seconds, 5.0)
            self._mood += -0.25 * step * self._mood + 0.55 * math.sqrt(step) * rng.gauss(0, 1)
        lively = max(0.15, 1 + 0.35 * self._mood)
        self.rate = min(CPUS * 0.9, (want.cpu + want.cpu_per_request * requests) * lively)
        target = (want.memory + want.memory_swing * (0.4 * requests + 0.5 * self._mood)) * MIB
        self.memory += (max(target, want.memory * 0.7 * MIB) - self.memory) * min(1.0, seconds / 25)
        self.cpu_ns += self.rate * seconds * SECOND
        self.received += (want.received * requests + 40) * seconds * lively
        self.sent += (want.sent * requests + 30) * seconds * lively
        self.block_written += 900 * requests * seconds


class Vitals:
    """Everything that `/proc`, ``df`` and ``docker stats`` are asked for."""

    def __init__(self, clock: Clock, rng: random.Random, boot_ns: int) -> None:
        self._clock = clock
        self._random = rng
        self._boot_ns = boot_ns
        self._usages: dict[tuple[str, int], Usage] = {}
        self._advanced_ns = clock.now()
        self._held_seconds = 0.0
        self.requests = 0.8
        """Requests a second of late, set by the traffic."""
        self._load = [0.18, 0.14, 0.11]
        self._disk_used = 0.243

    def usage(self, container: Container) -> Usage:
        """The counters of the container's present run."""
        key = (container.id, container.run)
        if key not in self._usages:
            for old in [k for k in self._usages if k[0] == container.id]:
                del self._usages[old]
            usage = Usage(_APPETITES.get(container.service.name, _PLAIN))
            since = max(0.0, (self._clock.now() - container.started_ns) / SECOND)
            usage.advance(since, self.requests * 0.4, None)
            self._usages[key] = usage
        return self._usages[key]

    def advance(self, running: list[Container]) -> None:
        """Bring all counters up to now. While the clock stands still each call is one even second."""
        now = self._clock.now()
        frozen = self._clock.frozen
        seconds = 1.0 if frozen else max(0.0, (now - self._advanced_ns) / SECOND)
        if not frozen and seconds < 0.05:
            return
        self._advanced_ns = now
        self._held_seconds += seconds if frozen else 0.0
        present = {container.id for container in running}
        for gone in [key for key in self._usages if key[0] not in present]:
            del self._usages[gone]
        busy = 0.03
        for container in running:
            usage = self.usage(container)
            usage.advance(seconds, self.requests, None if frozen else self._random)
            busy += usage.rate
        if frozen:
            return
        for index, minutes in enumerate((1, 5, 15)):
            weight = 1 - math.exp(-seconds / 60 / minutes)
            self._load[index] += (busy * 1.25 - self._load[index]) * weight

    def stats_time(self) -> int:
        """The time of a sample: it goes on by a second with each even while the clock stands, so that rates exist."""
        return self._clock.now() + round(self._held_seconds * SECOND)

    def system_cpu_ns(self) -> int:
        """What all processors together have spent since boot, idle time included."""
        return (self.stats_time() - self._boot_ns) * CPUS

    def loadavg(self) -> str:
        """``/proc/loadavg``."""
        one, five, fifteen = self._load
        return f"{one:.2f} {five:.2f} {fifteen:.2f} {1 + (one > 0.6)}/231 48113\n"

    def uptime(self) -> str:
        """``/proc/uptime``."""
        up = (self._clock.now() - self._boot_ns) / SECOND
        return f"{up:.2f} {up * CPUS * 0.94:.2f}\n"

    def meminfo(self) -> str:
        """``/proc/meminfo``, the fields of a Linux 6.12."""
        total = MEMORY // 1024 - 83_120
        held = round(sum(u.memory for u in self._usages.values()) / 1024)
        anonymous = held + 402_336
        cached = 1_731_204
        free = total - anonymous - cached - 186_400
        swap = SWAP // 1024
        values = {
            "MemTotal": total,
            "MemFree": free,
            "MemAvailable": free + cached - 121_000,
            "Buffers": 88_204,
            "Cached": cached,
            "SwapCached": 412,
            "Active": 1_204_880,
            "Inactive": 1_071_032,
            "Unevictable": 0,
            "Mlocked": 0,
            "SwapTotal": swap,
            "SwapFree": swap - 9_216,
            "Dirty": 284,
            "Writeback": 0,
            "AnonPages": anonymous,
            "Mapped": 402_112,
            "Shmem": 4_380,
            "KReclaimable": 121_920,
            "Slab": 186_400,
            "KernelStack": 5_216,
            "PageTables": 9_840,
            "CommitLimit": swap + total // 2,
            "Committed_AS": 2_611_400,
            "VmallocTotal": 34_359_738_367,
        }
        return "".join(f"{name + ':':<15}{value:>9} kB\n" for name, value in values.items())

    def disk_blocks(self) -> tuple[int, int, int]:
        """1024-byte blocks of the disk: size, used, available to an ordinary user."""
        used = round(DISK_BLOCKS * self._disk_used)
        return DISK_BLOCKS, used, round(DISK_BLOCKS * 0.95) - used

    def sample(self, container: Container) -> Json:
        """One ``ContainerStats`` (cgroup v2) without what came before it."""
        usage = self.usage(container)
        cpu = round(usage.cpu_ns)
        memory = round(usage.memory)
        cache = round(6 * MIB + usage.block_read * 0.3)
        threads = max(1, len(container.service.processes)) * 4
        return {
            "read": rfc3339(self.stats_time()),
            "pids_stats": {"current": threads, "limit": 4571},
            "blkio_stats": {
                "io_service_bytes_recursive": [
                    {"major": 254, "minor": 0, "op": "read", "value": round(usage.block_read)},
                    {"major": 254, "minor": 0, "op": "write", "value": round(usage.block_written)},
                ],
                "io_serviced_recursive": None,
                "io_queue_recursive": None,
                "io_service_time_recursive": None,
                "io_wait_time_recursive": None,
                "io_merged_recursive": None,
                "io_time_recursive": None,
                "sectors_recursive": None,
            },
            "num_procs": 0,
            "storage_stats": {},
            "cpu_stats": {
                "cpu_usage": {
                    "total_usage": cpu,
                    "usage_in_kernelmode": cpu // 4,
                    "usage_in_usermode": cpu - cpu // 4,
                },
                "system_cpu_usage": self.system_cpu_ns(),
                "online_cpus": CPUS,
                "throttling_data": {"periods": 0, "throttled_periods": 0, "throttled_time": 0},
            },
            "memory_stats": {
                "usage": memory + cache,
                "stats": {
                    "active_anon": 4096,
                    "active_file": cache // 2,
                    "anon": memory - 2 * MIB,
                    "file": cache,
                    "file_dirty": 0,
                    "inactive_anon": memory - 2 * MIB,
                    "inactive_file": cache,
                    "kernel_stack": 98304,
                    "pgfault": 41_223,
                    "pgmajfault": 84,
                    "shmem": 0,
                    "slab": MIB,
                    "unevictable": 0,
                },
                "limit": MEMORY - 83_120 * 1024,
            },
            "networks": {
                "eth0": {
                    "rx_bytes": round(usage.received),
                    "rx_packets": round(usage.received / 700),
                    "rx_errors": 0,
                    "rx_dropped": 0,
                    "tx_bytes": round(usage.sent),
                    "tx_packets": round(usage.sent / 700),
                    "tx_errors": 0,
                    "tx_dropped": 0,
                }
            },
        }
