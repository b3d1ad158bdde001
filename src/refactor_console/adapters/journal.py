"""``journalctl --output=json``, read as it arrives.

Format: systemd's "Journal JSON Format" (systemd.io/JOURNAL_EXPORT_FORMATS). One object a line; a field's value is a
string, a list of byte values where it is not UTF-8, null where it was too large (never with ``--all``), or a list of
those where the entry has the field several times.
"""

from __future__ import annotations

import json
import re

from refactor_console.domain.logs import Level, LogLine, LogMark, MarkKind, guess_level, level_of_priority
from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.domain.text import decode

LINE_LIMIT = 8 * 1024 * 1024
"""Bytes of one line of output that are kept; journald itself takes messages of up to 768 MiB."""
CUT_SHOWN = 64 * 1024
"""Bytes shown of a line over the limit."""
NOT_JSON = "not JSON"
"""The origin of lines that ``journalctl`` should not have printed; see `JournalParser.unreadable`."""

_SOURCE_SKEW_US = 1_000_000
_CURSOR_IN_CUT_LINE = re.compile(rb'"__CURSOR" ?: ?"([^"\\]{1,512})"')
_DECODER = json.JSONDecoder()
_NO_TEXT = "(journalctl gave no text for this entry)"
_DROPPED = "a596d6fe7bfa4994828e72309e95d61e"
"""``SD_MESSAGE_JOURNAL_DROPPED`` (sd-messages.h): journald left messages out because a unit wrote too many at once."""
_FIRST_NUMBER = re.compile(r"\b\d{1,12}\b", re.ASCII)


class JournalError(ConsoleError):
    """``journalctl`` could not do its work on the host."""


class JournalParser:
    """Turns the bytes of ``journalctl`` into lines; how the bytes were cut into pieces makes no difference.

    Nothing is dropped in silence: what is not a journal entry becomes a line of its own and is counted.
    """

    def __init__(self) -> None:
        self.cursor = ""
        """The cursor of the last complete line: where a new stream goes on."""
        self.last_line_ns: int | None = None
        """The time of the last line (UTC, ns)."""
        self.unreadable = 0
        """Lines that were not journal entries, or too long to keep whole."""
        self._marks: list[LogMark] = []
        self._parts: list[bytes] = []
        self._kept = 0
        self._length = 0

    def restart(self) -> None:
        """A new stream begins: forget the incomplete line of the last one, which will come again."""
        self._parts.clear()
        self._kept = self._length = 0

    def feed(self, data: bytes, now_ns: int) -> list[LogLine]:
        """The lines that `data` completes.

        Args:
            data: the next bytes, in any portion.
            now_ns: the time given to lines that bring none of their own, if no line came before them.
        """
        lines: list[LogLine] = []
        pieces = data.split(b"\n")
        rest = pieces.pop()
        for piece in pieces:
            if self._length:
                self._keep(piece)
                line = self._line(b"".join(self._parts), self._length, now_ns)
                self.restart()
            else:
                line = self._line(piece[:LINE_LIMIT], len(piece), now_ns)
            if line is not None:
                lines.append(line)
        self._keep(rest)
        return lines

    def take_marks(self) -> tuple[LogMark, ...]:
        """What journald itself left out, as `feed` found it since the last call."""
        marks, self._marks = tuple(self._marks), []
        return marks

    def _keep(self, piece: bytes) -> None:
        """Add to the incomplete line, up to the limit."""
        self._length += len(piece)
        if piece and self._kept < LINE_LIMIT:
            self._parts.append(piece[: LINE_LIMIT - self._kept])
            self._kept += len(self._parts[-1])

    def _line(self, raw: bytes, length: int, now_ns: int) -> LogLine | None:
        if not raw or raw.isspace():
            return None
        if length > LINE_LIMIT:
            if found := _CURSOR_IN_CUT_LINE.search(raw):
                self.cursor = found.group(1).decode("ascii", "replace")
            shown = decode(raw[:CUT_SHOWN])
            return self._unreadable(f"{shown} … [cut here: an entry of {length} bytes]", now_ns)
        text = decode(raw)
        try:
            fields, end = _DECODER.raw_decode(text)
        except (ValueError, RecursionError):
            return self._unreadable(text, now_ns)
        if not isinstance(fields, dict) or (end < len(text) and not text[end:].isspace()):
            return self._unreadable(text, now_ns)
        return self._entry(fields, now_ns)

    def _entry(self, fields: dict[str, object], now_ns: int) -> LogLine | None:
        cursor = fields.get("__CURSOR")
        if isinstance(cursor, str) and cursor:
            if cursor == self.cursor:
                return None  # the very line after which we asked to go on
            self.cursor = cursor
        value = fields.get("MESSAGE")
        message = value if isinstance(value, str) else _NO_TEXT if value is None else _text(value)
        level = level_of_priority(_first(fields.get("PRIORITY")))
        if level in (Level.INFO, Level.UNKNOWN):  # 6 is also what journald gives to a program's plain output
            level = guess_level(message) or level
        self.last_line_ns = self._time(fields, now_ns)
        if _is_about_dropped(fields):
            self._marks.append(LogMark(self.last_line_ns, MarkKind.GAP, _what_was_dropped(fields, message)))
            return None
        return LogLine(self.last_line_ns, message, level, _first(fields.get("SYSLOG_IDENTIFIER")))

    def _time(self, fields: dict[str, object], now_ns: int) -> int:
        """When the entry was received, or, if that is only a little earlier and keeps the order, when it was sent."""
        received = _microseconds(fields.get("__REALTIME_TIMESTAMP"))
        if received is None:
            return self.last_line_ns or now_ns
        sent = _microseconds(fields.get("_SOURCE_REALTIME_TIMESTAMP"))
        if sent is not None and 0 <= received - sent <= _SOURCE_SKEW_US and sent * 1000 >= (self.last_line_ns or 0):
            return sent * 1000
        return received * 1000

    def _unreadable(self, text: str, now_ns: int) -> LogLine:
        self.unreadable += 1
        self.last_line_ns = self.last_line_ns or now_ns
        return LogLine(self.last_line_ns, text, guess_level(text), NOT_JSON)


def read_cursor_and_time(output: bytes) -> tuple[str, int | None]:
    """Cursor and time (ns) of the first entry in `output`; an empty cursor when there is none."""
    parser = JournalParser()
    for raw in output.splitlines(keepends=True):
        parser.feed(raw, 0)
        if parser.cursor:
            return parser.cursor, parser.last_line_ns
    return "", None


def boot_of(cursor: str) -> str:
    """The boot id within a cursor; empty when it has none (the format is systemd's own affair)."""
    return next((part[2:] for part in cursor.split(";") if part.startswith("b=")), "")


def journalctl_failed(unit: str, exit_status: int, stderr: str) -> JournalError:
    """Why ``journalctl`` ended though it was told to follow."""
    detail = f"exit status {exit_status}\n{stderr[:1000]}".strip()
    if exit_status == 127:  # POSIX shells: command not found
        summary, code = "There is no journalctl on this host.", "no-journalctl"
        remedy = "This console reads journals of systemd; the containers' logs can be read all the same."
    elif "insufficient permissions" in stderr or "ermission denied" in stderr:
        summary, code = f"This user may not read the journal of {unit}.", "journal-forbidden"
        remedy = "Add it to the group: sudo usermod -aG systemd-journal USER, then log in again."
    elif "seek to cursor" in stderr:
        summary, code = f"The journal of {unit} cannot be resumed where it was cut.", "journal-cursor"
        remedy = "The console starts anew by itself and marks the gap."
    else:
        said = next((line.strip() for line in reversed(stderr.splitlines()) if line.strip()), "it did not say why")
        summary, code = f"journalctl ended on the host: {said[:200]}", "journal-ended"
        remedy = f"Run it there by hand: journalctl -f -u {unit}"
    return JournalError(Problem(summary, remedy, detail, code=code))


def _is_about_dropped(fields: dict[str, object]) -> bool:
    """Whether journald says that it left messages out: its own word, not that of a program that prints the same.

    Fields that begin with an underscore are journald's own and cannot be forged (systemd.journal-fields(7)).
    """
    return _first(fields.get("_TRANSPORT")) == "driver" and _first(fields.get("MESSAGE_ID")).lower() == _DROPPED


def _what_was_dropped(fields: dict[str, object], message: str) -> str:
    """How many, and journald's own sentence as the evidence; short, since a mark has one row."""
    number = _first(fields.get("N_DROPPED"))
    found = _FIRST_NUMBER.fullmatch(number) or _FIRST_NUMBER.search(message)
    count = int(found.group()) if found else None
    many = "an unknown number of messages" if count is None else f"{count:,} message{'' if count == 1 else 's'}"
    return f"journald dropped {many}: {message}"


def _text(value: object) -> str:
    """A field's value as text, several values one below the other."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        if value and all(type(item) is int and 0 <= item <= 255 for item in value):
            return decode(bytes(value))
        return "\n".join(_text(item) for item in value)
    return "" if value is None else str(value)


def _first(value: object) -> str:
    """The first value of a field that should have one."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and not all(type(item) is int for item in value):
        return _text(value[0])
    return _text(value)


def _microseconds(value: object) -> int | None:
    text = _first(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 17 else None
