"""The demo host's clock: the real one, shifted or stopped on request."""

from __future__ import annotations

import time
from datetime import UTC, datetime

SECOND = 1_000_000_000
"""Nanoseconds."""


class Clock:
    """Time on the demo host in nanoseconds since the epoch (UTC)."""

    def __init__(self) -> None:
        self._frozen: int | None = None
        self._skew = 0

    def now(self) -> int:
        """Nanoseconds since the epoch, as this host believes."""
        return time.time_ns() + self._skew if self._frozen is None else self._frozen

    @property
    def frozen(self) -> bool:
        """Whether it stands still."""
        return self._frozen is not None

    def freeze(self, at: int | None) -> None:
        """Stop it at a moment (ns), or let it run again with None."""
        self._frozen = at

    def skew(self, seconds: float) -> None:
        """Let it run ahead of the real time (or behind, when negative)."""
        self._skew = round(seconds * SECOND)


def parse_moment(text: str) -> int:
    """An ISO 8601 time as nanoseconds; without an offset it is UTC.

    Raises:
        ValueError: when it is not such a time.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1_000_000) * 1000


def utc(nanoseconds: int) -> datetime:
    """The same moment with microseconds."""
    return datetime.fromtimestamp(nanoseconds // SECOND, UTC).replace(microsecond=nanoseconds % SECOND // 1000)


def rfc3339(nanoseconds: int) -> str:
    """Go's RFC3339Nano: trailing zeros of the fraction are cut, as the Engine writes its times."""
    if nanoseconds == 0:
        return "0001-01-01T00:00:00Z"
    fraction = f".{nanoseconds % SECOND:09d}".rstrip("0").rstrip(".")
    return f"{utc(nanoseconds):%Y-%m-%dT%H:%M:%S}{fraction}Z"


def rfc3339_fixed(nanoseconds: int) -> str:
    """The form of log timestamps: always nine digits of fraction."""
    return f"{utc(nanoseconds):%Y-%m-%dT%H:%M:%S}.{nanoseconds % SECOND:09d}Z"
