"""CPU, memory, network and block I/O of a container out of ``GET /containers/{id}/stats`` (``ContainerStats``).

The Engine sends counters about once a second; a rate needs two of them. Counted as ``docker stats`` counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from refactor_console.adapters.engine_payloads import items, mapping, number, parse_time_ns, text
from refactor_console.domain.containers import StatsSample


@dataclass(frozen=True, slots=True)
class Counters:
    """One payload of the stream: counters since the container started, and what is held right now."""

    time_ns: int
    cpu_ns: int
    """CPU time used by all its processes, nanoseconds."""
    system_ns: int
    """CPU time that passed on all cores of the host, nanoseconds."""
    cores: int
    memory: int
    memory_limit: int
    received: int
    sent: int
    block_read: int
    block_written: int
    processes: int


def parse_counters(payload: object) -> Counters | None:
    """The counters; None when the payload is an empty one, as the Engine sends for a container that does not run."""
    top = mapping(payload)
    time_ns = parse_time_ns(top.get("read"))
    cpu = mapping(top.get("cpu_stats"))
    usage = mapping(cpu.get("cpu_usage"))
    memory = mapping(top.get("memory_stats"))
    if time_ns is None or not memory.get("usage"):
        return None
    networks = [mapping(n) for n in mapping(top.get("networks")).values()]
    read, written = _blocks(mapping(top.get("blkio_stats")))
    return Counters(
        time_ns=time_ns,
        cpu_ns=number(usage.get("total_usage")),
        system_ns=number(cpu.get("system_cpu_usage")),
        cores=number(cpu.get("online_cpus")) or len(items(usage.get("percpu_usage"))) or 1,
        memory=_memory(memory),
        memory_limit=number(memory.get("limit")),
        received=sum(number(n.get("rx_bytes")) for n in networks),
        sent=sum(number(n.get("tx_bytes")) for n in networks),
        block_read=read,
        block_written=written,
        processes=number(mapping(top.get("pids_stats")).get("current")),
    )


def _memory(memory: Mapping[str, Any]) -> int:
    """Usage without the page cache that can be dropped: ``total_inactive_file`` (cgroup v1), ``inactive_file`` (v2)."""
    usage = number(memory.get("usage"))
    stats = mapping(memory.get("stats"))
    inactive = number(stats["total_inactive_file"] if "total_inactive_file" in stats else stats.get("inactive_file"))
    return usage - inactive if inactive < usage else usage


def _blocks(blkio: Mapping[str, Any]) -> tuple[int, int]:
    read = written = 0
    for entry in items(blkio.get("io_service_bytes_recursive")):
        match text(mapping(entry).get("op")).lower():
            case "read":
                read += number(entry.get("value"))
            case "write":
                written += number(entry.get("value"))
    return read, written


def usage_between(before: Counters, after: Counters) -> StatsSample | None:
    """What was used between two payloads of one stream; None when no time passed between them.

    A counter that went back was reset (the container started anew): what it shows now was used since then.
    """
    seconds = (after.time_ns - before.time_ns) / 1e9
    if seconds <= 0:
        return None

    def rate(old: int, new: int) -> float:
        return (new - old if new >= old else new) / seconds

    system = after.system_ns - before.system_ns
    if system > 0:
        used = after.cpu_ns - before.cpu_ns if after.cpu_ns >= before.cpu_ns else after.cpu_ns
        cpu = used / system * after.cores
    else:  # an Engine that does not say what the host used: wall time is as good
        cpu = rate(before.cpu_ns, after.cpu_ns) / 1e9
    return StatsSample(
        at=datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=after.time_ns // 1000),
        cpu=min(cpu, float(after.cores)),
        memory=after.memory,
        memory_limit=after.memory_limit,
        network_received=rate(before.received, after.received),
        network_sent=rate(before.sent, after.sent),
        block_read=rate(before.block_read, after.block_read),
        block_written=rate(before.block_written, after.block_written),
        processes=after.processes,
    )
