"""What the containers pane says: pure functions from domain values to rows and facts."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from textual.content import Content

from refactor_console.domain.attention import MEMORY_FAIL, MEMORY_WARN, judge
from refactor_console.domain.containers import (
    Container,
    ContainerBoard,
    ContainerDetails,
    ContainerRow,
    Health,
    StatsSample,
)
from refactor_console.domain.text import visible
from refactor_console.domain.verdict import Verdict
from refactor_console.widgets import present
from refactor_console.widgets.facts import Fact
from refactor_console.widgets.present_overview import restarts
from refactor_console.widgets.table import Column, TableRow

LINE_WIDTH = 10
"""Cells of the sparklines in the table."""

COLUMNS = (
    Column("service", "Service", 12, grow=1, limit=26),
    Column("state", "State", 22, grow=2, limit=40),
    Column("image", "Image", 11, grow=1, limit=24, rank=3),
    Column("digest", "Digest", 12, rank=7),
    Column("health", "Health", 11, rank=4),
    Column("restarts", "Rst", 4, right=True, rank=1),
    Column("exit", "Exit", 4, right=True, rank=6),
    Column("up", "Up", 6, right=True),
    Column("cpu", "CPU", 6, right=True),
    Column("cpu-line", "", LINE_WIDTH, rank=6),
    Column("memory", "Memory", 11, right=True),
    Column("memory-line", "", LINE_WIDTH, rank=8),
    Column("net", "Net in/out /s", 13, right=True, rank=5),
    Column("block", "Disk r/w /s", 13, right=True, rank=9),
)

CPU_SAMPLES = 10
"""Seconds over which the processor's use is averaged to sort by it, so that a moment's noise moves no row."""


class Order(StrEnum):
    """How rows are sorted, in the words of the heading."""

    STACK = ""
    """As the stack has them."""
    CPU = "by CPU, most first"
    MEMORY = "by memory, most first"
    RESTARTS = "by restarts, most first"
    UPTIME = "by uptime, youngest first"
    NAME = "by name"

    @property
    def next(self) -> Order:
        """The one after it, round the end."""
        every = list(Order)
        return every[(every.index(self) + 1) % len(every)]


_HEALTH = {
    Health.NONE: Verdict.UNKNOWN,
    Health.STARTING: Verdict.WORKING,
    Health.HEALTHY: Verdict.OK,
    Health.UNHEALTHY: Verdict.FAIL,
}


def short_digest(digest: str) -> str:
    """The first 12 digits of a ``sha256:...`` digest."""
    return digest.removeprefix("sha256:")[:12]


def health_text(health: Health) -> Content:
    """Health in a word; quiet where no check is defined."""
    if health is Health.NONE:
        return present.muted("no check")
    return present.verdict_text(_HEALTH[health], str(health))


def rows_of(
    board: ContainerBoard, now: datetime, *, strangers: bool, faults: bool, wanted: str, order: Order = Order.STACK
) -> list[TableRow]:
    """The rows to show: ours, missing services, and others on request; filtered by a text and by being at fault.

    Sorted by a figure, what has none (a service without a container, or one that does not run) comes last.
    """
    text = wanted.casefold()
    if order is not Order.STACK:
        wide = [row for row in board.rows if row.ours or strangers]
        shown = [row for row in wide if (not faults or at_fault(row)) and matches(row, text)]
        named = [(_rank(row, order, now), row.container.label.casefold(), container_row(row, now)) for row in shown]
        missing = [service for service in board.missing if matches_text(service, text)]
        named += [(_last(order), service.casefold(), _missing(service)) for service in missing]
        return [row for _, _, row in sorted(named, key=lambda each: each[:2])]
    rows: list[TableRow] = []
    strangers_start = False
    for row in board.rows:
        if not row.ours and not strangers_start:
            rows += [_missing(service) for service in board.missing if matches_text(service, text)]
            strangers_start = True
        if (row.ours or strangers) and (not faults or at_fault(row)) and matches(row, text):
            rows.append(container_row(row, now))
    if not strangers_start:
        rows += [_missing(service) for service in board.missing if matches_text(service, text)]
    return rows


def _last(order: Order) -> float:
    """The place of what has no such figure; by name, everything has one."""
    return 0.0 if order is Order.NAME else float("inf")


def _rank(row: ContainerRow, order: Order, now: datetime) -> float:
    """A row's place in an order: the smallest comes first."""
    recent = row.history[-CPU_SAMPLES:]
    if order is Order.CPU and recent:
        return -sum(sample.cpu for sample in recent) / len(recent)
    if order is Order.MEMORY and recent:
        return -float(recent[-1].memory)
    if order is Order.RESTARTS:
        return -float(row.container.restarts)
    if order is Order.UPTIME and (uptime := row.container.uptime(now)) is not None:
        return uptime / timedelta(seconds=1)
    return _last(order)


def at_fault(row: ContainerRow) -> bool:
    """Whether a row is neither well nor done."""
    return row.verdict not in (Verdict.OK, Verdict.DONE)


def matches_text(name: str, text: str) -> bool:
    """Whether a name holds a text, whatever its case."""
    return text in name.casefold()


def matches(row: ContainerRow, text: str) -> bool:
    """Whether any word of a row that people look for holds the text."""
    container = row.container
    return not text or any(
        text in word.casefold()
        for word in (container.service, container.name, container.image, container.id, row.sentence)
    )


def _missing(service: str) -> TableRow:
    return TableRow(
        f"missing:{service}",
        {"service": present.plain(service), "state": present.verdict_text(Verdict.FAIL, "missing")},
    )


def container_row(row: ContainerRow, now: datetime) -> TableRow:
    """One container's line."""
    container, latest = row.container, row.latest
    uptime = container.uptime(now)
    nothing = present.NOTHING
    name = present.plain(container.label) if row.ours else present.muted(container.label)
    cells: dict[str, Content] = {
        "service": name,
        "state": present.verdict_text(row.verdict, row.sentence),
        "image": present.plain(container.tag or "by digest"),
        "digest": present.muted(short_digest(container.image_digest or container.image_id)),
        "health": health_text(container.health),
        "restarts": restarts(container.restarts),
        "exit": Content(str(container.exit_code)) if container.exit_code is not None else nothing,
        "up": Content(present.short_span(uptime)) if uptime is not None else nothing,
        "cpu": nothing,
        "memory": nothing,
        "net": nothing,
        "block": nothing,
    }
    if latest is not None:
        cells |= {
            "cpu": Content(present.cpu(latest.cpu)),
            "cpu-line": present.muted(present.sparkline([s.cpu for s in row.history], LINE_WIDTH, top=0.1)),
            "memory": memory_text(latest),
            "memory-line": present.muted(_memory_line(row.history, LINE_WIDTH)),
            "net": _pair(latest.network_received, latest.network_sent),
            "block": _pair(latest.block_read, latest.block_written),
        }
    return TableRow(container.id, cells)


def _memory_line(history: tuple[StatsSample, ...], width: int) -> str:
    """Memory over time against twice its present use, so that a leak climbs and a steady process stays level."""
    return present.sparkline([s.memory for s in history], width, top=2.0 * history[-1].memory if history else 0.0)


def memory_text(sample: StatsSample) -> Content:
    """Bytes used and the share of the limit, in a warning's colour and shape when it is high."""
    verdict = judge(sample.memory_fraction, MEMORY_WARN, MEMORY_FAIL)
    words = f"{present.short_size(sample.memory)} {sample.memory_fraction:4.0%}"
    return Content(words) if verdict is Verdict.OK else present.verdict_text(verdict, words)


def _pair(first: float, second: float) -> Content:
    return Content(f"{present.short_size(first):>5} {present.short_size(second):>5}")


def side_facts(row: ContainerRow, width: int) -> list[Fact]:
    """What the panel beside the table says of the selected container."""
    container = row.container
    facts: list[Fact] = [
        ("State", present.verdict_text(row.verdict, row.sentence)),
        ("Image", present.plain(container.image)),
        ("Digest", present.muted(short_digest(container.image_digest or container.image_id))),
        ("Container", present.muted(f"{container.name}  {container.short_id}")),
    ]
    if container.version or container.revision:
        facts.append(("Version", present.plain(f"{container.version or '–'}  {container.revision[:12]}")))
    if container.started_at is not None:
        facts.append(("Started", Content(present.utc_time(container.started_at))))
    if container.finished_at is not None and not container.is_running:
        facts.append(("Ended", Content(present.utc_time(container.finished_at))))
    if container.error:
        facts.append(("Error", Content.assemble((visible(container.error), "$fail"))))
    facts.append(("Health", health_text(container.health)))
    if container.probes:
        facts.append(("Last probe", probe_text(container)))
    if row.latest is not None:
        facts += _use(row, max(min(width - 34, 60), 10))
    return facts


def probe_text(container: Container) -> Content:
    """The newest health probe in a line."""
    probe = container.probes[-1]
    verdict = Verdict.OK if probe.exit_code == 0 else Verdict.FAIL
    words = f"exit {probe.exit_code}  {probe.output.strip()}"
    return present.verdict_text(verdict, words)


def _use(row: ContainerRow, width: int) -> list[Fact]:
    history, latest = row.history, row.history[-1]

    def line(values: list[float], top: float, words: str) -> Content:
        return Content.assemble((present.sparkline(values, width, top), "$accent"), f"  {words}")

    share = f"{present.size(latest.memory)} of {present.size(latest.memory_limit)}"
    received = [s.network_received for s in history]
    sent = [s.network_sent for s in history]
    blocks = [s.block_read + s.block_written for s in history]
    memory = Content.assemble((_memory_line(history, width), "$accent"), f"  {share}")
    return [
        ("CPU", line([s.cpu for s in history], 0.1, f"{present.cpu(latest.cpu)} of a core")),
        ("Memory", memory),
        ("Net in", line(received, 1024.0, f"{present.size(latest.network_received)}/s")),
        ("Net out", line(sent, 1024.0, f"{present.size(latest.network_sent)}/s")),
        ("Disk", line(blocks, 1024.0, f"{present.size(latest.block_read + latest.block_written)}/s")),
        ("Processes", Content(str(latest.processes))),
    ]


def inspect_sections(details: ContainerDetails) -> list[tuple[str, list[Fact]]]:
    """Everything *inspect* shows, in titled sections; values of variables that may be secret are masked already."""
    container = details.container
    none = [("", present.muted("none"))]
    main: list[Fact] = [
        ("Service", present.plain(container.service or "–")),
        ("Container", present.plain(container.name)),
        ("Id", present.plain(container.id)),
        ("Image", present.plain(container.image)),
        ("Image id", present.plain(container.image_id)),
        ("Digest", present.plain(container.image_digest or "– (not from a registry)")),
        ("Version", present.plain(container.version or "–")),
        ("Revision", present.plain(container.revision or "–")),
        ("Command", present.plain(" ".join(details.command) or "–")),
        ("Created", Content(present.utc_time(container.created_at))),
        ("Started", Content(present.utc_time(container.started_at))),
        ("Ended", Content(present.utc_time(container.finished_at))),
        ("Restarts", present.plain(f"{container.restarts}  policy {container.restart_policy or 'no'}")),
        ("Exit code", present.plain("–" if container.exit_code is None else str(container.exit_code))),
        ("Memory max", Content(present.size(details.memory_limit) if details.memory_limit else "no limit")),
        ("Log driver", present.plain(details.log_driver or "–")),
        ("Observed", Content(present.utc_time(details.observed_at))),
    ]
    probes: list[Fact] = [
        (
            present.utc_time(probe.ended_at),
            present.verdict_text(
                Verdict.OK if probe.exit_code == 0 else Verdict.FAIL, f"exit {probe.exit_code}  {probe.output.strip()}"
            ),
        )
        for probe in reversed(container.probes)
    ]
    mounts: list[Fact] = [
        (mount.kind, present.plain(f"{mount.target}  from {mount.source}  {'rw' if mount.writable else 'ro'}"))
        for mount in details.mounts
    ]
    variables: list[Fact] = [
        (visible(v.name), present.muted(v.shown) if v.masked else present.plain(v.shown)) for v in details.variables
    ]
    return [
        ("Container", main),
        ("Health probes, newest first", probes or none),
        ("Ports", [("", present.plain(port)) for port in details.ports] or none),
        ("Networks", [("", present.plain(network)) for network in details.networks] or none),
        ("Mounts", mounts or none),
        ("Environment (secrets are masked)", variables or none),
        ("Labels", [(visible(key), present.plain(value)) for key, value in details.labels] or none),
    ]
