"""Log lines: one record type whatever the source.

A `LogLine` is what travels from a source to the store; the store (`domain.logstore`) keeps columns, not objects.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Level(IntEnum):
    """How serious a line is; ordered, so that *at least WARNING* is a comparison."""

    UNKNOWN = 0
    TRACE = 1
    DEBUG = 2
    INFO = 3
    NOTICE = 4
    WARNING = 5
    ERROR = 6
    CRITICAL = 7

    @property
    def word(self) -> str:
        """Five letters at most, so that levels align in a column."""
        return _WORDS[self]


_WORDS = {
    Level.UNKNOWN: "",
    Level.TRACE: "TRACE",
    Level.DEBUG: "DEBUG",
    Level.INFO: "INFO",
    Level.NOTICE: "NOTE",
    Level.WARNING: "WARN",
    Level.ERROR: "ERROR",
    Level.CRITICAL: "CRIT",
}


class SourceKind(StrEnum):
    """Where a line came from."""

    JOURNAL = "journal"
    CONTAINER = "container"
    JOB = "job"


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of one source."""

    time_ns: int
    """Nanoseconds since the epoch, UTC, with the precision of the source (journal: microseconds)."""
    message: str
    """The text as it came, without its line break; bytes that are not UTF-8 are surrogates. Not yet safe to draw."""
    level: Level = Level.UNKNOWN
    origin: str = ""
    """Who wrote it within the source: the journal's identifier, ``stderr`` of a container."""


class MarkKind(StrEnum):
    """Things that happened to a source, shown between its lines."""

    CUT = "cut"
    """The stream broke; what follows is the resumed stream, complete unless the text says otherwise."""
    RESUMED = "resumed"
    GAP = "gap"
    """Lines are missing for good, and the text says why and, where known, how many."""
    STARTED = "started"
    """A container began a run."""
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class LogMark:
    """A mark in the timeline."""

    time_ns: int
    kind: MarkKind
    text: str


@dataclass(frozen=True, slots=True)
class LogBatch:
    """Lines and marks of one source, in the source's own order, in one delivery."""

    source: str
    """The source's key, such as ``journal:refactor-platform.service`` or ``container:rust-app``."""
    lines: tuple[LogLine, ...] = ()
    marks: tuple[LogMark, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceProgress:
    """How a source is doing: the value of its feed."""

    received: int
    """Lines delivered since the console started."""
    last_line_ns: int | None = None
    """Time of the newest line (UTC, ns); None while there was none."""
    cuts: int = 0
    """How often the stream broke and was resumed."""
    notice: str = ""
    """Something the reader must know, such as that only part of the journal may be read; empty otherwise."""
    unreadable: int = 0
    """Pieces of output that were not what the source promises; each is shown as a line of its own, none is dropped."""


_PRIORITIES = {
    "0": Level.CRITICAL,
    "1": Level.CRITICAL,
    "2": Level.CRITICAL,
    "3": Level.ERROR,
    "4": Level.WARNING,
    "5": Level.NOTICE,
    "6": Level.INFO,
    "7": Level.DEBUG,
}


def level_of_priority(priority: str) -> Level:
    """The level of a syslog priority (RFC 5424, table 2: 0 emergency to 7 debug)."""
    return _PRIORITIES.get(priority, Level.UNKNOWN)


_LEVEL_WORDS: Mapping[str, Level] = {
    "TRACE": Level.TRACE,
    "DEBUG": Level.DEBUG,
    "INFO": Level.INFO,
    "LOG": Level.INFO,
    "NOTICE": Level.NOTICE,
    "WARN": Level.WARNING,
    "WARNING": Level.WARNING,
    "ERROR": Level.ERROR,
    "ERR": Level.ERROR,
    "FATAL": Level.CRITICAL,
    "PANIC": Level.CRITICAL,
    "CRITICAL": Level.CRITICAL,
    "CRIT": Level.CRITICAL,
    "EMERG": Level.CRITICAL,
    "ALERT": Level.CRITICAL,
}
# A level word near the start: simplelog "12:34:56 [INFO] module: text", tracing "2026-01-01T..Z  INFO target: text",
# nginx error log "2026/01/01 12:34:56 [error] 7#7: text", PostgreSQL "... LOG:  text", JSON "level":"info".
_LEVEL = re.compile(
    r"[\[<\s\"]?\b(TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERR(?:OR)?|FATAL|PANIC|CRIT(?:ICAL)?|EMERG|ALERT|LOG)\b[\]>:\s\"]"
    r"|\blevel\"?[=:]\s*\"?(trace|debug|info|notice|warn(?:ing)?|err(?:or)?|fatal|panic|crit(?:ical)?)\b"
    r"|\[(debug|info|notice|warn|error|crit|alert|emerg)\]"
)
_RUST_PANIC = re.compile(r"^thread '[^']*'(?: \(\d+\))? panicked at ")
_LEVEL_REACH = 120
# Looking for these first is several times cheaper than letting the pattern fail, and most lines of most logs do fail.
_LEVEL_HINTS = ("INFO", "ERR", "WARN", "DEBUG", "level", "[", "LOG", "TRACE", "NOTICE", "FATAL", "PANIC", "CRIT")
_RARE_HINTS = ("EMERG", "ALERT", "panicked")


def guess_level(message: str) -> Level:
    """The level a line's own text names near its start; UNKNOWN when it names none."""
    head = message[:_LEVEL_REACH]
    if "\x1b" in head:
        head = re.sub(r"\x1b\[[0-9;]*m", "", head)
    if not any(hint in head for hint in _LEVEL_HINTS) and not any(hint in head for hint in _RARE_HINTS):
        return Level.UNKNOWN
    found = _LEVEL.search(head)
    if found:
        return _LEVEL_WORDS[next(group for group in found.groups() if group).upper()]
    return Level.CRITICAL if _RUST_PANIC.match(head) else Level.UNKNOWN
