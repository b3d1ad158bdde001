"""Security alerts of the repositories, and whether the guards that raise them are on at all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from refactor_console.domain.repos import Repository


class Guard(StrEnum):
    """A GitHub feature that watches a repository."""

    DEPENDABOT = "Dependabot"
    CODE_SCANNING = "code scanning"
    SECRET_SCANNING = "secret scanning"  # noqa: S105 - a word, not a secret


class GuardState(StrEnum):
    """What is known of a guard; the difference between the last three matters to whoever has to act."""

    ON = "on"
    OFF = "not enabled"
    NOT_PERMITTED = "not permitted"
    """The token may not see it: whether it is on is not known."""
    UNKNOWN = "unknown"
    """It could not be asked (GitHub is down, or answered what was not understood)."""


class Severity(StrEnum):
    """How bad; what GitHub adds later is UNKNOWN."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Alert:
    """One open alert."""

    repository: Repository
    guard: Guard
    number: int
    severity: Severity
    title: str
    """Package and advisory, rule, or kind of secret: never the secret itself."""
    where: str
    """Manifest or file; empty when not known."""
    created_at: datetime
    html_url: str
    remedy: str = ""
    """Such as the first patched version."""


@dataclass(frozen=True, slots=True)
class GuardReport:
    """One guard of one repository."""

    repository: Repository
    guard: Guard
    state: GuardState
    sentence: str
    """What this means and what to do about it, for people."""
    alerts: tuple[Alert, ...] = ()
    complete: bool = True
    """False when there are more open alerts than those held."""


@dataclass(frozen=True, slots=True)
class AlertBoard:
    """Every guard of every repository."""

    reports: tuple[GuardReport, ...]

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """All open alerts, the worst first, then the oldest."""
        order = list(Severity)
        found = [alert for report in self.reports for alert in report.alerts]
        return tuple(sorted(found, key=lambda a: (order.index(a.severity), a.created_at)))
