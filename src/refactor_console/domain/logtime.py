"""Times of log lines: how they are shown, and the ways a person may name a moment."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import StrEnum

ACCEPTED = "Try 14:03, 14:03:22, 2026-11-23 14:03, -15m, 2h ago, yesterday 03:00, today 9:30 or now."
"""What `parse_moment` understands, for the person who typed something else."""


class Zone(StrEnum):
    """In which zone times are shown and read."""

    LOCAL = "local"
    UTC = "UTC"

    @property
    def tz(self) -> tzinfo | None:
        """For `datetime.astimezone`: None is the machine's own zone."""
        return UTC if self is Zone.UTC else None

    @property
    def next(self) -> Zone:
        """The other one."""
        return Zone.LOCAL if self is Zone.UTC else Zone.UTC

    def at(self, time_ns: int) -> datetime:
        """The moment in this zone, to the microsecond; the nearest possible one when out of a calendar's reach."""
        return _EPOCH_DAY.astimezone(self.tz) if time_ns == 0 else _from_ns(time_ns).astimezone(self.tz)

    def called(self, now: datetime) -> str:
        """What to call it, such as ``UTC`` or ``CET``."""
        return "UTC" if self is Zone.UTC else (now.astimezone().tzname() or "local")


_EPOCH_DAY = datetime(1970, 1, 1, tzinfo=UTC)


def _from_ns(time_ns: int) -> datetime:
    return _EPOCH_DAY + timedelta(microseconds=time_ns // 1000)


def to_ns(moment: datetime) -> int:
    """Nanoseconds since the epoch of an aware moment, exact to the microsecond."""
    return (moment - _EPOCH_DAY) // timedelta(microseconds=1) * 1000


def clock(time_ns: int, zone: Zone) -> str:
    """``14:03:22.123``: the time of a line, 12 characters."""
    moment = zone.at(time_ns)
    return f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}"


def day(time_ns: int, zone: Zone) -> date:
    """The calendar day of a line."""
    return zone.at(time_ns).date()


def stamp(time_ns: int) -> str:
    """``2026-11-23T14:03:22.123456Z``: for files, always UTC."""
    return _from_ns(time_ns).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def span(seconds: float) -> str:
    """A duration for people: ``0.4 s``, ``42 s``, ``3 min 20 s``, ``2 h 5 min``, ``3 d 4 h``."""
    seconds = max(seconds, 0.0)
    if seconds < 1:
        return "<1 s"
    whole = int(seconds)
    for size, unit, small, small_unit in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // small
            return f"{whole // size} {unit} {rest} {small_unit}" if rest else f"{whole // size} {unit}"
    return f"{whole} s"


@dataclass(frozen=True, slots=True)
class Moment:
    """What became of a typed time."""

    at: datetime | None
    """In UTC; None when it could not be read."""
    problem: str = ""
    """One sentence saying what is accepted; empty when it was read."""


_UNITS = "d|h|m|s|days?|hours?|hrs?|min(?:ute)?s?|sec(?:ond)?s?"
_AGO = re.compile(rf"-?(?P<parts>(?:\d{{1,6}}\s*(?:{_UNITS})\s*)+)(?:ago)?")
_PART = re.compile(r"(\d+)\s*([dhms])")
_CLOCK = re.compile(r"(?P<h>\d{1,2}):(?P<m>\d{2})(?::(?P<s>\d{2})(?:[.,](?P<f>\d{1,6}))?)?")
_DATED = re.compile(r"(?P<day>\d{4}-\d{2}-\d{2}|yesterday|today)(?:[ t]+(?P<clock>\S+))?")
_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}


def parse_moment(typed: str, now: datetime, zone: Zone) -> Moment:
    """Read a time as people type it.

    Args:
        typed: such as the examples in `ACCEPTED`; a trailing ``Z`` or ``UTC`` overrides the zone.
        now: the present (aware).
        zone: the zone in which times are shown.

    Returns:
        The moment in UTC. A time without a date is the latest such time that is not in the future.
    """
    text = typed.strip().lower()
    if not text:
        return Moment(None, ACCEPTED)
    utc = re.search(r"(?<=[\d\s])\s*(?:z|utc)$", text)
    if utc:
        text, zone = text[: utc.start()].strip(), Zone.UTC
    try:
        at = _read(text, now, zone)
    except (ValueError, OverflowError):
        at = None
    shown = "".join(char for char in typed.strip() if char.isprintable())[:40]
    return Moment(at) if at else Moment(None, f"“{shown}” is not a time. {ACCEPTED}")


def _read(text: str, now: datetime, zone: Zone) -> datetime | None:
    if text == "now":
        return now.astimezone(UTC)
    ago = _AGO.fullmatch(text)
    if ago:
        seconds = sum(int(number) * _SECONDS[unit] for number, unit in _PART.findall(ago["parts"]))
        return (now - timedelta(seconds=seconds)).astimezone(UTC)
    today = now.astimezone(zone.tz).date()
    bare = _CLOCK.fullmatch(text)
    if bare:
        at = _placed(today, bare, zone)
        return at if at <= now else _placed(today - timedelta(days=1), bare, zone)
    dated = _DATED.fullmatch(text)
    if not dated:
        return None
    named = {"today": today, "yesterday": today - timedelta(days=1)}.get(dated["day"])
    time = _CLOCK.fullmatch(dated["clock"] or "00:00")
    return _placed(named or date.fromisoformat(dated["day"]), time, zone) if time else None


def _placed(on: date, time: re.Match[str], zone: Zone) -> datetime:
    """A clock time on a day in the zone; where the clocks were put back, the earlier of the two."""
    micros = int((time["f"] or "0").ljust(6, "0"))
    naive = datetime(  # noqa: DTZ001 - the zone is given on the next line; None means the machine's own
        on.year, on.month, on.day, int(time["h"]), int(time["m"]), int(time["s"] or 0), micros
    )
    return (naive.replace(tzinfo=UTC) if zone is Zone.UTC else naive.astimezone()).astimezone(UTC)
