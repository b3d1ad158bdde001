"""What the overview says: pure functions from domain values to facts and rows."""

from __future__ import annotations

from datetime import datetime, timedelta

from textual.content import Content

from refactor_console.domain import attention
from refactor_console.domain.attention import Concern, Place
from refactor_console.domain.containers import ContainerBoard, ContainerRow, EngineInfo
from refactor_console.domain.environment import Environment
from refactor_console.domain.reading import Phase
from refactor_console.domain.text import visible
from refactor_console.domain.unit import UnitStatus
from refactor_console.domain.verdict import Verdict
from refactor_console.domain.vitals import HostIdentity, HostVitals
from refactor_console.services.session import LogSource
from refactor_console.widgets import present
from refactor_console.widgets.facts import Fact
from refactor_console.widgets.table import Column, TableRow

BAR_WIDTH = 10

CONCERN_COLUMNS = (
    Column("state", "", 2),
    Column("subject", "Subject", 12, grow=1, limit=18),
    Column("sentence", "What", 50, grow=6),
    Column("way", "Enter", 10, right=True, rank=1),
)
SERVICE_COLUMNS = (
    Column("service", "Service", 10, grow=1, limit=24),
    Column("state", "State", 19, grow=2, limit=32),
    Column("image", "Image", 7, grow=1, limit=20, rank=2),
    Column("up", "Up", 6, right=True),
    Column("restarts", "Rst", 3, right=True, rank=1),
    Column("cpu", "CPU", 5, right=True),
    Column("memory", "Mem", 5, right=True),
)
SOURCE_COLUMNS = (
    Column("source", "Source", 14, grow=1, limit=30),
    Column("state", "State", 14, grow=3, limit=60),
    Column("lines", "Lines", 8, right=True, rank=1),
    Column("last", "Last line", 10, right=True),
)

_WAYS = {
    Place.PROBLEM: "details",
    Place.CONTAINER: "containers",
    Place.LOGS: "logs",
    Place.RUN: "runs",
    Place.HERE: "",
}


def concern_row(concern: Concern, index: int) -> TableRow:
    """One line of what needs attention."""
    style = present.STYLES[concern.verdict]
    return TableRow(
        f"{concern.subject}|{concern.place}|{concern.key}|{index if concern.place is Place.HERE else ''}",
        {
            "state": Content.assemble((present.GLYPHS[concern.verdict], style)),
            "subject": Content.assemble((visible(concern.subject), style)),
            "sentence": present.plain(concern.sentence),
            "way": present.muted(_WAYS[concern.place]),
        },
    )


def connection_facts(identity: HostIdentity, environment: Environment) -> list[Fact]:
    """Who we are on which host, and how far away it is."""
    trip = identity.round_trip
    facts: list[Fact] = [
        ("Host", present.plain(identity.hostname)),
        ("Login", Content.assemble(visible(identity.user), (f"  via {visible(_where(environment))}", "$muted"))),
        ("Round trip", Content(f"{trip.total_seconds() * 1000:.0f} ms") if trip is not None else present.NOTHING),
        ("Host key", _fingerprint(identity.fingerprint)),
    ]
    match identity.can_sudo:
        case True:
            facts.append(("sudo", present.verdict_text(Verdict.OK, "yes, may restart the unit")))
        case False:
            facts.append(("sudo", present.verdict_text(Verdict.WARN, "no, may not restart the unit")))
        case None:
            facts.append(("sudo", present.verdict_text(Verdict.UNKNOWN, "unknown")))
    return facts


def _where(environment: Environment) -> str:
    """The address or alias that was connected to."""
    ssh = environment.ssh
    return f"{ssh.host}:{ssh.port}" if ssh.port and ssh.port != 22 else ssh.host


def _fingerprint(fingerprint: str) -> Content:
    """A host key's fingerprint whole, in two lines: half of one is good for nothing."""
    kind, colon, digits = visible(fingerprint).partition(":")
    if len(fingerprint) < 40:
        return present.muted(fingerprint or "–")
    half = (len(digits) + 1) // 2
    return Content.assemble((f"{kind}{colon}{digits[:half]}\n{digits[half:]}", "$muted"))


def engine_facts(engine: EngineInfo) -> list[Fact]:
    """Which Engine answers."""
    version = Content.assemble(visible(engine.version), (f"  API {visible(engine.api_version)}", "$muted"))
    system = visible(engine.operating_system)
    running = f"{engine.containers_running} running, {engine.containers_stopped} stopped, {engine.images} images"
    return [
        ("Engine", version),
        ("System", Content.assemble(system, (f"  {visible(engine.storage_driver)}", "$muted"))),
        ("Holds", Content(running)),
    ]


def unit_facts(unit: UnitStatus, now: datetime) -> list[Fact]:
    """The unit's state; ``active (exited)`` is well and says why."""
    words: list[Content] = [present.verdict_text(unit.verdict, unit.sentence)]
    if unit.active_state == "active" and unit.sub_state == "exited":
        words.append(present.muted("  compose is up"))
    facts: list[Fact] = [
        ("Unit", present.plain(unit.name)),
        ("State", Content("").join(words)),
    ]
    if unit.changed_at is not None:
        age = present.calm_span(max(now - unit.changed_at, timedelta(0)))
        since = Content.assemble(present.utc_time(unit.changed_at), (f"  {age} ago", "$muted"))
        facts.append(("Since", since))
    if unit.file_state and unit.file_state != "enabled":
        facts.append(("At boot", present.verdict_text(Verdict.WARN, f"{unit.file_state}: it does not start by itself")))
    return facts


def _meter(label: str, fraction: float, verdict: Verdict, words: str) -> Fact:
    """A bar with its figure, and a word when it is over a threshold."""
    style = present.STYLES[verdict] if verdict is not Verdict.OK else "$ok"
    parts: list[Content] = [
        present.bar(min(fraction, 1.0), BAR_WIDTH, style),
        Content.assemble(" ", (f"{fraction:4.0%}", style if verdict is not Verdict.OK else "")),
        present.muted(f"  {words}"),
    ]
    if verdict is not Verdict.OK:
        parts.append(Content.assemble("  ", present.verdict_text(verdict, "high")))
    return (visible(label), Content("").join(parts))


def vitals_facts(vitals: HostVitals) -> list[Fact]:
    """Load, memory, disks, uptime and clock."""
    load = vitals.load
    used = vitals.memory_total - vitals.memory_available
    facts = [
        _meter(
            "Load",
            load[0] / max(vitals.cpus, 1),
            attention.load_verdict(vitals),
            f"{load[0]:.2f} {load[1]:.2f} {load[2]:.2f} on {vitals.cpus} CPU{'s' if vitals.cpus != 1 else ''}",
        ),
        _meter(
            "Memory",
            vitals.memory_fraction,
            attention.memory_verdict(vitals),
            f"{present.size(used)} of {present.size(vitals.memory_total)}",
        ),
    ]
    facts += [
        _meter(
            f"Disk {disk.mount}",
            disk.fraction_used,
            attention.disk_verdict(disk),
            f"{present.size(disk.available)} of {present.size(disk.size)} free",
        )
        for disk in vitals.disks
    ]
    if not vitals.disks:
        facts.append(("Disks", present.verdict_text(Verdict.UNKNOWN, visible(vitals.disks_problem) or "not known")))
    if vitals.swap_total:
        swap = vitals.swap_total - vitals.swap_free
        facts.append(("Swap", Content(f"{present.size(swap)} of {present.size(vitals.swap_total)}")))
    facts.append(("Uptime", Content(present.calm_span(vitals.uptime))))
    facts.append(("Clock", _clock(vitals)))
    return facts


def _clock(vitals: HostVitals) -> Content:
    if vitals.clock_offset is None:
        return present.verdict_text(Verdict.UNKNOWN, "not measured")
    offset = vitals.clock_offset.total_seconds()
    error = "" if vitals.clock_error is None else f" ± {vitals.clock_error.total_seconds():.2f} s"
    words = f"{offset:+.2f} s{error}"
    if attention.clock_verdict(vitals) is Verdict.WARN:
        return present.verdict_text(Verdict.WARN, f"{words}  off")
    return Content.assemble(words, ("  to this machine", "$muted"))


def service_rows(board: ContainerBoard, now: datetime) -> list[TableRow]:
    """Our services at a glance, missing ones too."""
    rows = [_service_row(row, now) for row in board.rows if row.ours]
    return [*rows, *(missing_row(service) for service in board.missing)]


def missing_row(service: str) -> TableRow:
    """A service that ought to be there and is not."""
    return TableRow(
        f"missing:{service}",
        {"service": present.plain(service), "state": present.verdict_text(Verdict.FAIL, "missing")},
    )


def _service_row(row: ContainerRow, now: datetime) -> TableRow:
    container, latest = row.container, row.latest
    uptime = container.uptime(now)
    return TableRow(
        container.id,
        {
            "service": present.plain(container.label),
            "state": present.verdict_text(row.verdict, row.sentence),
            "image": present.muted(container.tag or "by digest"),
            "up": Content(present.short_span(uptime)) if uptime is not None else present.NOTHING,
            "restarts": restarts(container.restarts),
            "cpu": Content(present.cpu(latest.cpu)) if latest else present.NOTHING,
            "memory": Content(present.short_size(latest.memory)) if latest else present.NOTHING,
        },
    )


def restarts(count: int) -> Content:
    """A count of restarts: quiet at none."""
    return Content.assemble((str(count), "$warn" if count else "$muted"))


def source_row(source: LogSource, now: datetime) -> TableRow:
    """How one log source is doing."""
    reading = source.feed.reading
    progress = reading.value
    state = present.badge(reading, now)
    if reading.phase is Phase.FAILED:
        state = Content.assemble((f"✗ failed · {present.next_try(reading, now)}".rstrip(" ·"), "$fail"))
    elif progress is not None and progress.notice:
        state = Content.assemble((f"▲ {visible(progress.notice)}", "$warn"))
    last = present.NOTHING
    if progress is not None and progress.last_line_ns is not None:
        age = max(now.timestamp() - progress.last_line_ns / 1e9, 0.0)
        last = present.muted(f"{present.calm_span(timedelta(seconds=age))} ago")
    return TableRow(
        source.key,
        {
            "source": present.plain(source.label),
            "state": state,
            "lines": Content(f"{progress.received:,}") if progress is not None else present.NOTHING,
            "last": last,
        },
    )
