"""What the alerts pane says: guards first, then alerts; pure functions from domain values to lines, rows and facts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from urllib.parse import urlsplit

from textual.content import Content

from refactor_console.domain.alerts import Alert, AlertBoard, Guard, GuardReport, GuardState, Severity
from refactor_console.domain.repos import Platform, Repository, Role
from refactor_console.domain.text import visible
from refactor_console.domain.verdict import Verdict
from refactor_console.widgets import present
from refactor_console.widgets.facts import Fact
from refactor_console.widgets.lazy_row import LazyRow
from refactor_console.widgets.table import Column, TableRow

COLUMNS = (
    Column("severity", "Severity", 10),
    Column("age", "Open", 5, right=True),
    Column("repository", "Repo", 8, grow=1, limit=18),
    Column("title", "Alert", 22, grow=5, limit=100),
    Column("guard", "Found by", 15, rank=1),
    Column("place", "File", 12, grow=2, limit=40, rank=2),
    Column("remedy", "Remedy", 18, grow=3, limit=60, rank=3),
    Column("number", "No.", 5, right=True, rank=4),
)
_SEVERITIES = list(Severity)
_SIGNS: Mapping[Severity, tuple[str, str]] = {
    Severity.CRITICAL: ("✗", "bold $fail"),
    Severity.HIGH: ("✗", "$fail"),
    Severity.MEDIUM: ("▲", "$warn"),
    Severity.LOW: ("○", present.MUTED),
    Severity.UNKNOWN: ("?", "$warn"),
}
_STATES: Mapping[GuardState, Verdict] = {
    GuardState.ON: Verdict.OK,
    GuardState.OFF: Verdict.WARN,
    GuardState.NOT_PERMITTED: Verdict.UNKNOWN,
    GuardState.UNKNOWN: Verdict.UNKNOWN,
}
_LABEL = 12
"""Cells for a repository's name beside its guards."""
_WIDEST = 34
"""Cells for a guard, at most."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything the pane shows at one moment."""

    platform: Platform
    board: AlertBoard
    alerts: tuple[Alert, ...]
    """The worst first, among those the newest."""

    def label(self, repository: Repository) -> str:
        """What people call a repository."""
        role = self.platform.role_of(repository)
        return repository.name if role is Role.OTHER else role.value

    @property
    def incomplete(self) -> bool:
        """Whether more alerts may be open than are shown, where a guard is on or was."""
        return any(not report.complete for report in self.board.reports)

    def count(self, state: GuardState) -> int:
        """How many guards are in a state."""
        return sum(report.state is state for report in self.board.reports)


def scene_of(platform: Platform, board: AlertBoard) -> Scene:
    """Put the alerts in their order."""
    alerts = [alert for report in board.reports for alert in report.alerts]
    alerts.sort(key=lambda alert: alert.created_at, reverse=True)
    alerts.sort(key=lambda alert: _SEVERITIES.index(alert.severity))
    return Scene(platform, board, tuple(alerts))


def alert_key(alert: Alert) -> str:
    """Unique among the alerts: every guard of every repository numbers its own."""
    return f"{alert.repository}:{alert.guard.value}:{alert.number}"


# -- above the table


def title(scene: Scene, shown: int, wanted: str) -> str:
    """The pane's heading."""
    on, all_of_them = scene.count(GuardState.ON), len(scene.board.reports)
    words = [f"Alerts · {len(scene.alerts):,} open", f"{on} of {all_of_them} guards on"]
    if scene.incomplete:
        words.append("incomplete")
    if wanted:
        words.append(f"{shown:,} like '{visible(wanted)}'")
    return " · ".join(words)


def guard_lines(scene: Scene, width: int) -> Content:
    """A line for each repository, a column for each guard."""
    room = min(max((width - _LABEL - 1) // len(Guard), 12), _WIDEST)
    heading = " " * _LABEL + "".join(guard.value.ljust(room) for guard in Guard)
    lines = [present.muted(heading.rstrip())]
    by_repository: dict[Repository, dict[Guard, GuardReport]] = {}
    for report in scene.board.reports:
        by_repository.setdefault(report.repository, {})[report.guard] = report
    for repository, reports in by_repository.items():
        label = present.plain(scene.label(repository)).truncate(_LABEL - 1, ellipsis=True, pad=True)
        cells = [_guard_cell(reports.get(guard), room) for guard in Guard]
        lines.append(Content.assemble(label, " ", *cells))
    return present.lines(lines)


def _guard_cell(report: GuardReport | None, room: int) -> Content:
    cell = present.NOTHING if report is None else guard_text(report)
    return cell.truncate(room - 1, ellipsis=True, pad=True).pad_right(1)


def guard_text(report: GuardReport) -> Content:
    """A guard's state in a few words, with how many alerts it has open."""
    count = len(report.alerts)
    least = "" if report.complete else "≥"
    if report.state is GuardState.ON:
        return present.verdict_text(Verdict.OK, f"on, {least}{count:,} open")
    seen = f", {count:,} seen before" if count else ""
    return present.verdict_text(_STATES[report.state], f"{report.state.value}{seen}")


def sentence_lines(scene: Scene, limit: int) -> Content | None:
    """What guards that are not simply on mean, at most so many; None when all are on and told everything."""
    told = [report for report in scene.board.reports if report.state is not GuardState.ON or not report.complete]
    told.sort(key=lambda report: report.state is GuardState.ON)
    room = limit if len(told) <= limit else limit - 1
    lines = [_sentence(scene, report) for report in told[:room]]
    left = max(len(told) - room, 0)
    if left and room:
        lines.append(present.muted(f"and {left} more; w has them all"))
    elif left:
        lines.append(present.muted(f"{left} guards are not on, not known, or hold more than is shown: w says why."))
    return present.lines(lines) if lines else None


def _sentence(scene: Scene, report: GuardReport) -> Content:
    verdict = Verdict.WARN if report.state is GuardState.ON else _STATES[report.state]
    more = "more is open than is shown. " if report.state is GuardState.ON else ""
    said = report.sentence.lower()
    named = report.guard.value.lower() in said and report.repository.full_name.lower() in said
    label = "" if named else f" {visible(scene.label(report.repository))} {report.guard.value}:"
    head = f"{present.GLYPHS[verdict]}{label} "
    return Content.assemble((head, present.STYLES[verdict]), f"{more}{visible(report.sentence)}")


def summary_line(scene: Scene) -> Content:
    """What it all comes to; no alert is good news only where every guard is on."""
    if not scene.board.reports:
        return present.muted("No repository is watched.")
    on, all_of_them = scene.count(GuardState.ON), len(scene.board.reports)
    if scene.alerts:
        counts = Counter(alert.severity for alert in scene.alerts)
        words = ", ".join(f"{counts[severity]:,} {severity.value}" for severity in Severity if counts[severity])
        glyph, style = _SIGNS[scene.alerts[0].severity]
        more = "; there may be more" if scene.incomplete or on < all_of_them else ""
        return Content.assemble((f"{glyph} {words}{more}.", style))
    if on == all_of_them:
        if scene.incomplete:
            return present.verdict_text(Verdict.WARN, "Alerts are open, and none of them could be read.")
        return present.verdict_text(Verdict.OK, "No open alert, and every guard is on.")
    states = ", ".join(
        f"{scene.count(state)} {state.value}"
        for state in GuardState
        if state is not GuardState.ON and scene.count(state)
    )
    if on == 0:
        words = f"No guard is known to be on ({states}): that there are no alerts says nothing."
        return present.verdict_text(Verdict.FAIL, words)
    words = f"No alert from the {on} of {all_of_them} guards that are on; the others ({states}) say nothing."
    return present.verdict_text(Verdict.WARN, words)


def why_empty(scene: Scene, wanted: str) -> Content | None:
    """Why the table has no row, where the line above does not say it."""
    if scene.alerts and wanted:
        return present.muted(f"No alert is like '{wanted}'. Esc clears.")
    return None


# -- rows


def shown_alerts(scene: Scene, wanted: str) -> list[Alert]:
    """The alerts that hold every word, whatever its case."""
    terms = wanted.casefold().split()
    if not terms:
        return list(scene.alerts)
    return [alert for alert in scene.alerts if all(term in _words(scene, alert) for term in terms)]


def _words(scene: Scene, alert: Alert) -> str:
    words = [alert.severity.value, alert.title, alert.where, alert.remedy, alert.guard.value, f"#{alert.number}"]
    return "\n".join([*words, scene.label(alert.repository), str(alert.repository)]).casefold()


def table_rows(scene: Scene, alerts: Sequence[Alert], now: datetime) -> list[TableRow]:
    """Rows for the table; their cells are made when they are seen."""
    return [LazyRow(alert_key(alert), (alert, age(alert, now)), partial(_cells, scene, alert, now)) for alert in alerts]


def _cells(scene: Scene, alert: Alert, now: datetime) -> dict[str, Content]:
    return {
        "severity": severity_text(alert.severity),
        "age": Content(age(alert, now)),
        "repository": present.plain(scene.label(alert.repository)),
        "title": present.plain(alert.title or "(no title)"),
        "guard": present.muted(alert.guard.value),
        "place": present.plain(alert.where) if alert.where else present.muted("–"),
        "remedy": present.plain(alert.remedy) if alert.remedy else present.muted("–"),
        "number": present.muted(str(alert.number)),
    }


def severity_text(severity: Severity) -> Content:
    """The word, with a shape."""
    glyph, style = _SIGNS[severity]
    return Content.assemble((f"{glyph} {severity.value}", style))


def age(alert: Alert, now: datetime) -> str:
    """How long it has been open, for a narrow column: days, or hours of the first two days."""
    hours = max(int((now - alert.created_at).total_seconds() // 3600), 0)
    return f"{hours}h" if hours < 48 else f"{hours // 24}d"


# -- looking closer


def alert_facts(alert: Alert, now: datetime) -> list[Fact]:
    """All that is known of an alert."""
    since = f"{present.utc_time(alert.created_at)}, {present.calm_span(now - alert.created_at)} ago"
    return [
        ("Alert", present.plain(alert.title or "(no title)")),
        ("Severity", severity_text(alert.severity)),
        ("Where", present.plain(alert.where) if alert.where else present.muted("not known")),
        ("Remedy", present.plain(alert.remedy) if alert.remedy else present.muted("none is named; see its page")),
        ("Open", Content(f"since {since}")),
        ("Found by", present.plain(f"{alert.guard.value} of {alert.repository}, number {alert.number}")),
        ("Page", present.plain(alert.html_url or "not known")),
    ]


def guard_blocks(scene: Scene) -> list[tuple[str, list[Fact]]]:
    """Every guard of every repository with its sentence, for the dialog."""
    blocks: dict[str, list[Fact]] = {}
    for report in scene.board.reports:
        said = Content.assemble(guard_text(report), "\n", visible(report.sentence))
        blocks.setdefault(report.repository.full_name, []).append((report.guard.value, said))
    return list(blocks.items())


def alert_url(scene: Scene, alert: Alert) -> str:
    """An alert's page; the list of its guard's alerts where GitHub named none that can be opened."""
    if urlsplit(alert.html_url).scheme in ("https", "http"):
        return alert.html_url
    pages = {Guard.DEPENDABOT: "dependabot", Guard.CODE_SCANNING: "code-scanning"}
    page = pages.get(alert.guard, "secret-scanning")
    return f"{scene.platform.web_url}/{alert.repository.full_name}/security/{page}"


def settings_url(scene: Scene) -> str:
    """Where guards are switched on, of the first repository with one that is not on; empty without repositories."""
    reports = sorted(scene.board.reports, key=lambda report: report.state is GuardState.ON)
    if not reports:
        return ""
    return f"{scene.platform.web_url}/{reports[0].repository.full_name}/settings/security_analysis"
