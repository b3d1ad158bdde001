"""The demo host's journal: entries, cursors, and the forms in which ``journalctl`` prints them.

After systemd.journal-fields(7), journalctl(1) and ``src/shared/logs-show.c`` of systemd 257.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from refactor_console.demo.clock import Clock, utc
from refactor_console.demo.tape import Tape

THRESHOLD = 4096
"""Fields from this size on (name included) are null in JSON unless ``--all`` is given."""
LINE_MAX = 48 * 1024
"""Journald splits longer lines of a service's output (journald.conf(5), ``LineMax=``)."""

# What logs-show.c does not call printable: C0 but tab and line feed, DEL, C1, surrogates, non-characters.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_PREFIX = re.compile(rb"^<([0-7])>")


@dataclass(frozen=True, eq=False)
class Writer:
    """Who writes: everything of an entry that does not change from line to line."""

    identifier: str
    pid: int
    unit: str
    """``_SYSTEMD_UNIT``: the unit that the process belongs to."""
    about: str = ""
    """``UNIT``: the unit that systemd itself speaks of."""
    uid: int = 0
    comm: str = ""
    transport: str = "stdout"
    extra: tuple[tuple[str, str], ...] = ()

    @cached_property
    def fields(self) -> dict[str, str]:
        """The constant fields by name."""
        comm = self.comm or self.identifier
        values = {
            "SYSLOG_IDENTIFIER": self.identifier,
            "SYSLOG_FACILITY": "3",
            "_PID": str(self.pid),
            "_UID": str(self.uid),
            "_GID": str(self.uid),
            "_COMM": comm,
            "_SYSTEMD_UNIT": self.unit,
            "_SYSTEMD_SLICE": "system.slice",
            "_TRANSPORT": self.transport,
            "_RUNTIME_SCOPE": "system",
        }
        if self.about:
            values["UNIT"] = self.about
        return values | dict(self.extra)


@dataclass(frozen=True, slots=True)
class Entry:
    """One journal entry."""

    number: int
    """Sequence number, from 1."""
    time_us: int
    writer: Writer
    priority: int
    message: bytes

    def concerns(self, unit: str) -> bool:
        """Whether ``--unit`` would show it: written by the unit, or by systemd about it."""
        return unit in (self.writer.unit, self.writer.about)


def field_value(name: str, value: bytes, *, whole: bool) -> str:
    """A field as JSON text: a string where it is printable UTF-8, else an array of bytes; null when too long."""
    if not whole and len(name) + 1 + len(value) >= THRESHOLD:
        return "null"
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return json.dumps(list(value), separators=(",", ":"))
    if _UNPRINTABLE.search(text) or any(ord(c) & 0xFFFE == 0xFFFE for c in text if ord(c) > 0xFFFF):
        return json.dumps(list(value), separators=(",", ":"))
    return json.dumps(text, ensure_ascii=False)


@dataclass
class Journal:
    """The journal of one boot."""

    clock: Clock
    seqnum_id: str
    boot_id: str
    boot_us: int
    machine_id: str
    hostname: str
    bound: int = 400_000
    tape: Tape[Entry] = field(init=False)
    _last_us: int = 0
    _heads: dict[tuple[Writer, tuple[str, ...]], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tape = Tape(self.bound)

    def write(self, writer: Writer, messages: Iterable[bytes], *, priority: int = 6, at_us: int | None = None) -> None:
        """Add lines as journald takes them from a service's output: split, empty ones dropped, ``<N>`` read."""
        entries: list[Entry] = []
        number = self.tape.end + 1
        for line in _lines(messages):
            level, text = priority, line
            if writer.transport == "stdout" and (prefix := _PREFIX.match(line)):
                level, text = int(prefix[1]), line[3:]
            if not text:
                continue
            stamp = max(self.clock.now() // 1000 if at_us is None else at_us, self._last_us + 1)
            self._last_us = stamp
            entries.append(Entry(number, stamp, writer, level, text))
            number += 1
        self.tape.extend(entries)

    def cursor(self, entry: Entry) -> str:
        """The entry's cursor, as sd_journal_get_cursor(3) forms it."""
        mixed = entry.number * 0x9E3779B97F4A7C15 & 0xFFFF_FFFF_FFFF_FFFF
        return (
            f"s={self.seqnum_id};i={entry.number:x};b={self.boot_id};"
            f"m={max(0, entry.time_us - self.boot_us):x};t={entry.time_us:x};x={mixed:x}"
        )

    def position(self, cursor: str) -> int:
        """The tape number of a cursor's entry, or of the first later one.

        Raises:
            ValueError: when it is not a cursor.
        """
        parts = dict(part.split("=", 1) for part in cursor.split(";"))
        if not {"s", "i", "b", "m", "t", "x"} <= parts.keys():
            raise ValueError(cursor)
        number, time_us = int(parts["i"], 16), int(parts["t"], 16)
        if parts["s"] == self.seqnum_id:
            return max(self.tape.first, number - 1)
        return self.position_of_time(time_us)

    def position_of_time(self, time_us: int) -> int:
        """The tape number of the first entry at or after a time."""
        items = self.tape.items()
        low, high = 0, len(items)
        while low < high:
            middle = (low + high) // 2
            if items[middle].time_us < time_us:
                low = middle + 1
            else:
                high = middle
        return self.tape.first + low

    def json_line(self, entry: Entry, names: tuple[str, ...] = (), *, whole: bool = False) -> str:
        """One line of ``--output=json``; `names` are those of ``--output-fields`` (all when empty)."""
        key = (entry.writer, names)
        if (tail := self._heads.get(key)) is None:
            chosen = {k: v for k, v in self._constant(entry.writer).items() if not names or k in names}
            chosen["_BOOT_ID"] = self.boot_id
            tail = "".join(f',"{k}":{field_value(k, v.encode(), whole=True)}' for k, v in chosen.items())
            if len(self._heads) > 1000:
                self._heads.clear()
            self._heads[key] = tail
        parts = [
            f'{{"__CURSOR":"{self.cursor(entry)}","__REALTIME_TIMESTAMP":"{entry.time_us}"',
            f',"__MONOTONIC_TIMESTAMP":"{max(0, entry.time_us - self.boot_us)}"',
            f',"__SEQNUM":"{entry.number}","__SEQNUM_ID":"{self.seqnum_id}"',
            tail,
        ]
        if not names or "PRIORITY" in names:
            parts.append(f',"PRIORITY":"{entry.priority}"')
        # Only what comes by the journal's own protocol or by syslog has a time of its source; a pipe has none.
        if entry.writer.transport != "stdout" and (not names or "_SOURCE_REALTIME_TIMESTAMP" in names):
            parts.append(f',"_SOURCE_REALTIME_TIMESTAMP":"{entry.time_us - 23}"')
        if not names or "MESSAGE" in names:
            parts.append(f',"MESSAGE":{field_value("MESSAGE", entry.message, whole=whole)}')
        return "".join(parts) + "}\n"

    def short_line(self, entry: Entry, *, iso: bool = False) -> bytes:
        """One line of ``--output=short`` (or ``short-iso``) in UTC; unprintable messages as ``[12B blob data]``."""
        when = utc(entry.time_us * 1000)
        stamp = f"{when:%Y-%m-%dT%H:%M:%S}+00:00" if iso else f"{when:%b %d %H:%M:%S}"
        head = f"{stamp} {self.hostname} {entry.writer.identifier}[{entry.writer.pid}]: "
        if field_value("MESSAGE", entry.message, whole=True).startswith("["):
            return f"{head}[{len(entry.message)}B blob data]\n".encode()
        return head.encode() + entry.message.replace(b"\n", b"\n" + b" " * len(head)) + b"\n"

    def _constant(self, writer: Writer) -> dict[str, str]:
        return writer.fields | {"_MACHINE_ID": self.machine_id, "_HOSTNAME": self.hostname}


def _lines(messages: Iterable[bytes]) -> Iterator[bytes]:
    """Messages cut at line breaks, at NUL, and at the longest line journald takes."""
    for message in messages:
        pieces = message.split(b"\n") if b"\0" not in message else message.replace(b"\0", b"\n").split(b"\n")
        for piece in pieces:
            if len(piece) <= LINE_MAX:
                yield piece
            else:
                for start in range(0, len(piece), LINE_MAX):
                    yield piece[start : start + LINE_MAX]
