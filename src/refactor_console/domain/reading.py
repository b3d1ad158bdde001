"""A live value and how fresh it is.

State diagram of a feed::

    connecting ──value──▶ live ──silence──▶ stale ──value──▶ live
        │                  │                  │
        └──────error───────┴──▶ failed ◀──────┘   (keeps the last good value and when it was seen)
                                   │ retry
                                   ▼
                              connecting          off: not configured, says why
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Generic, TypeVar

from refactor_console.domain.problem import Problem

T = TypeVar("T")


class Phase(StrEnum):
    """Where a feed stands."""

    CONNECTING = "connecting"
    LIVE = "live"
    STALE = "stale"
    FAILED = "failed"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Reading(Generic[T]):
    """The newest state of one feed; immutable, so equal readings repaint nothing."""

    phase: Phase
    since: datetime
    """When this phase began (UTC)."""
    value: T | None = None
    """The last good value; kept through `STALE`, `FAILED` and re-`CONNECTING`."""
    observed_at: datetime | None = None
    """When `value` was observed (UTC); None while there is none."""
    problem: Problem | None = None
    """Why the feed failed; set in `FAILED`, kept while re-`CONNECTING`."""
    next_try: datetime | None = None
    """When a failed feed tries again (UTC)."""
    reason: str = ""
    """Why the feed is `OFF`, as one sentence."""

    @property
    def is_live(self) -> bool:
        """Whether the value is current as far as anyone can know."""
        return self.phase is Phase.LIVE

    def age(self, now: datetime) -> timedelta | None:
        """How old the value is at `now`; None when there is no value. Never negative."""
        if self.observed_at is None:
            return None
        return max(now - self.observed_at, timedelta(0))

    def lived(self, value: T, now: datetime) -> Reading[T]:
        """The reading after a good value arrived."""
        since = self.since if self.phase is Phase.LIVE else now
        return Reading(Phase.LIVE, since, value, now)

    def went_stale(self, now: datetime) -> Reading[T]:
        """The reading after the source fell silent for longer than it should."""
        return replace(self, phase=Phase.STALE, since=now)

    def failed(self, problem: Problem, now: datetime, next_try: datetime | None) -> Reading[T]:
        """The reading after an error; the last good value stays, with its age."""
        since = self.since if self.phase is Phase.FAILED else now
        return replace(self, phase=Phase.FAILED, since=since, problem=problem, next_try=next_try)

    def connecting_again(self, now: datetime) -> Reading[T]:
        """The reading while a retry is under way."""
        since = self.since if self.phase is Phase.CONNECTING else now
        return replace(self, phase=Phase.CONNECTING, since=since, next_try=None)


def pending(now: datetime) -> Reading[T]:
    """The reading of a feed that has just been asked to start."""
    return Reading(Phase.CONNECTING, now)


def switched_off(reason: str, now: datetime) -> Reading[T]:
    """The reading of a feed that is not configured; `reason` says why in one sentence."""
    return Reading(Phase.OFF, now, reason=reason)
