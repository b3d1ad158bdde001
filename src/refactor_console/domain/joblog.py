"""A job's log as GitHub Actions serves it: one text, each line after a time, with commands between the lines.

Format (workflow-command reference of GitHub's documentation): an RFC 3339 time with up to seven digits of a second, one
space, the text. ``##[group]`` and ``##[endgroup]`` enclose what the web page folds; ``##[error]``, ``##[warning]``,
``##[notice]``, ``##[debug]`` and ``##[command]`` begin a line of that kind. A text with line breaks inside continues on
lines that may have no time of their own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from refactor_console.domain.logs import Level, LogLine, guess_level

MOST_LINES = 500_000
"""Lines read of one log; GitHub's own limit is far below in bytes."""
_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9})\d*)?Z ?")
_COLOURS = re.compile(r"\x1b\[[0-9;:]*m")
_COMMAND = re.compile(r"##\[(group|endgroup|error|warning|notice|debug|command|section)\]")
_LEVELS = {
    "error": Level.ERROR,
    "warning": Level.WARNING,
    "notice": Level.NOTICE,
    "debug": Level.DEBUG,
    "command": Level.INFO,
}
GROUP, ENDGROUP = "group", "endgroup"


@dataclass(frozen=True, slots=True)
class Group:
    """What GitHub's page folds: lines between ``##[group]`` and ``##[endgroup]``."""

    title: str
    """As it came: not yet safe to draw."""
    first: int
    """Index of the line with the title."""
    last: int
    """Index of the last line inside (of the title itself when it is empty)."""
    failed: bool
    """Whether an error is among its lines."""

    @property
    def lines(self) -> int:
        """How many lines folding it hides."""
        return self.last - self.first


def kind_of(message: str) -> str:
    """The command a line begins with, after colours: ``error``, ``group`` ...; empty for plain text."""
    found = _COMMAND.match(_COLOURS.sub("", message[:200]) if "\x1b" in message[:200] else message)
    return found.group(1) if found else ""


def text_of(message: str) -> str:
    """A line without its command: what GitHub's page shows."""
    if "\x1b" in message[:200]:
        message = _COLOURS.sub("", message[:200]) + message[200:]
    found = _COMMAND.match(message)
    return message[found.end() :] if found else message


def parse(text: str, *, limit: int = MOST_LINES) -> tuple[LogLine, ...]:
    """Read a whole log.

    Lines keep their command (``##[error]``) in the message, so that nothing is lost in a copy; `text_of` takes it off.
    A line without a time has the one before it.

    Args:
        text: as served; a byte-order mark and both kinds of line breaks are understood.
        limit: lines at most; what is beyond is said in a last line.
    """
    lines: list[LogLine] = []
    now = 0
    pieces = text.removeprefix("\ufeff").split("\n")
    if pieces and not pieces[-1]:
        pieces.pop()
    for piece in pieces[:limit]:
        message = piece.removesuffix("\r")
        found = _TIME.match(message)
        stamp = _nanoseconds(found) if found else None
        if found is not None and stamp is not None:
            now, message = stamp, message[found.end() :]
        lines.append(LogLine(now, message, _level_of(message), ""))
    if len(pieces) > limit:
        lines.append(LogLine(now, f"{len(pieces) - limit:,} more lines are not shown.", Level.WARNING, "console"))
    return tuple(lines)


def fold(lines: Sequence[LogLine]) -> tuple[Group, ...]:
    """The groups, in order. GitHub does not nest them: a group ends where the next one begins, and at the log's end."""
    groups: list[Group] = []
    title, first, failed = "", -1, False
    for index, line in enumerate(lines):
        kind = kind_of(line.message)
        if kind in (GROUP, ENDGROUP) and first >= 0:
            groups.append(Group(title, first, index if kind == ENDGROUP else index - 1, failed))
            first = -1
        if kind == GROUP:
            title, first, failed = text_of(line.message), index, False
        elif kind == "error":
            failed = True
    if first >= 0:
        groups.append(Group(title, first, len(lines) - 1, failed))
    return tuple(groups)


def first_error(lines: Sequence[LogLine]) -> int | None:
    """Where to look first: the first ``##[error]`` line, else the first of level error; None when there is none."""
    for index, line in enumerate(lines):
        if kind_of(line.message) == "error":
            return index
    return next((index for index, line in enumerate(lines) if line.level >= Level.ERROR), None)


def span_of(lines: Sequence[LogLine], begun: datetime | None, ended: datetime | None) -> tuple[int, int] | None:
    """The lines of a step, as first index and one past the last, by its times; None when that cannot be told.

    GitHub gives a step's times in whole seconds, so that lines of its neighbours within the same second may be inside.
    """
    if begun is None:
        return None
    since = int(begun.timestamp()) * 1_000_000_000
    until = None if ended is None else (int(ended.timestamp()) + 1) * 1_000_000_000
    inside = [i for i, line in enumerate(lines) if line.time_ns >= since and (until is None or line.time_ns < until)]
    return (inside[0], inside[-1] + 1) if inside else None


def _level_of(message: str) -> Level:
    kind = kind_of(message)
    if kind:
        return _LEVELS.get(kind, Level.UNKNOWN)
    return guess_level(message)


def _nanoseconds(found: re.Match[str]) -> int | None:
    """Since the epoch; None for a date that does not exist (a text that only looks like a time)."""
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    try:
        whole = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
    except ValueError:
        return None
    fraction = (found.group(7) or "").ljust(9, "0")
    return int(whole.timestamp()) * 1_000_000_000 + int(fraction)
