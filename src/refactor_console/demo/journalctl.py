"""``journalctl`` over the demo journal, after journalctl(1) of systemd 257."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from refactor_console.demo.clock import parse_moment
from refactor_console.demo.journal import Entry, Journal
from refactor_console.demo.options import Parsed, Takes, parse
from refactor_console.demo.shell import Account, ProgramError, Streams

_N, _V, _M = Takes.NOTHING, Takes.VALUE, Takes.MAYBE
_SPEC = {
    "--no-pager": _N,
    "--follow": _N,
    "--all": _N,
    "--output": _V,
    "--output-fields": _V,
    "--after-cursor": _V,
    "--cursor": _V,
    "--show-cursor": _N,
    "--lines": _M,
    "--no-tail": _N,
    "--unit": _V,
    "--since": _V,
    "--until": _V,
    "--reverse": _N,
    "--priority": _V,
    "--identifier": _V,
    "--quiet": _N,
    "--utc": _N,
    "--boot": _M,
    "--system": _N,
    "--no-hostname": _N,
}
_ALIASES = {
    "-f": "--follow",
    "-a": "--all",
    "-o": "--output",
    "-n": "--lines",
    "-u": "--unit",
    "-S": "--since",
    "-U": "--until",
    "-r": "--reverse",
    "-p": "--priority",
    "-t": "--identifier",
    "-q": "--quiet",
    "-c": "--cursor",
    "-b": "--boot",
}
_OUTPUTS = ("short", "short-iso", "json", "cat")
_PRIORITIES = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
_HINT = """\
Hint: You are currently not seeing messages from other users and the system.
      Users in groups 'adm', 'systemd-journal' can see all messages.
      Pass -q to turn off this notice.
"""
_SLICE = 500
"""Entries rendered in one write, so that a long answer does not hold up the loop."""


@dataclass(frozen=True, slots=True)
class _Query:
    output: str
    fields: tuple[str, ...]
    whole: bool
    units: tuple[str, ...]
    identifiers: tuple[str, ...]
    priority: int
    uid: int | None
    """Only entries of this user; None for a reader who may see all."""
    until_us: int | None

    def matches(self, entry: Entry) -> bool:
        if self.units and not any(entry.concerns(unit) for unit in self.units):
            return False
        if entry.priority > self.priority or (self.until_us is not None and entry.time_us > self.until_us):
            return False
        if self.identifiers and entry.writer.identifier not in self.identifiers:
            return False
        return self.uid is None or entry.writer.uid == self.uid

    def render(self, journal: Journal, entry: Entry) -> bytes:
        if self.output == "json":
            return journal.json_line(entry, self.fields, whole=self.whole).encode()
        if self.output == "cat":
            return entry.message + b"\n"
        return journal.short_line(entry, iso=self.output == "short-iso")


async def journalctl(journal: Journal, account: Account, words: tuple[str, ...], streams: Streams) -> int:
    """Run ``journalctl`` with these arguments; a ``--follow`` runs until it is cancelled."""
    given = parse("journalctl", _lines_as_one_word(words), _SPEC, _ALIASES)
    if given.operands:
        raise ProgramError(f"Failed to add match '{given.operands[0]}': Invalid argument\n")
    query = _query(given, account, journal)
    quiet = given.has("--quiet") or query.output in ("json", "cat")
    if query.uid is not None:
        if not quiet:
            await streams.err(_HINT.encode())
        if not any(map(query.matches, journal.tape.items())):
            raise ProgramError("No journal files were opened due to insufficient permissions.\n")
    follow = given.has("--follow")
    entries, position = _first_page(given, query, journal, follow=follow)
    if given.has("--reverse"):
        entries.reverse()
    for start in range(0, len(entries), _SLICE):
        await streams.out(b"".join(query.render(journal, e) for e in entries[start : start + _SLICE]))
    if not follow:
        if not entries and not quiet:
            await streams.out(b"-- No entries --\n")
        if entries and given.has("--show-cursor"):
            await streams.out(f"-- cursor: {journal.cursor(entries[-1])}\n".encode())
        return 0
    while True:
        await journal.tape.wait(position)
        for page in _pages(journal.tape.since(position)):
            if text := b"".join(query.render(journal, e) for e in page if query.matches(e)):
                await streams.out(text)
            position = max(position, page[-1].number)


def _first_page(given: Parsed, query: _Query, journal: Journal, *, follow: bool) -> tuple[list[Entry], int]:
    """What is printed at once, and the tape number from which following goes on."""
    tape, end = journal.tape, journal.tape.end
    lines = _line_count(given, follow=follow)
    backwards = given.has("--reverse")
    cursor = given.last("--after-cursor") or given.last("--cursor")
    if cursor:
        try:
            start = journal.position(cursor)
        except ValueError:
            raise ProgramError("Failed to seek to cursor: Invalid argument\n") from None
        found = tape.since(start)
        if backwards:
            kept = tape.items()
            found = kept[: len(kept) - len(found) + 1]
        if given.has("--after-cursor") and found:
            at = found[-1] if backwards else found[0]
            if journal.cursor(at) == cursor:
                found = found[:-1] if backwards else found[1:]
    elif since := given.last("--since"):
        found = tape.since(journal.position_of_time(_moment(since, journal)))
    else:
        found = tape.items()
    # Without a place to begin, or backwards, the *last* lines count; from a cursor on, the first.
    if lines is not None and (backwards or not (cursor or given.has("--since"))):
        chosen: list[Entry] = []
        for entry in reversed(found):
            if len(chosen) == lines:
                break
            if query.matches(entry):
                chosen.append(entry)
        return chosen[::-1], end
    matching = [entry for entry in found if query.matches(entry)]
    return (matching if lines is None or follow else matching[:lines]), end


def _query(given: Parsed, account: Account, journal: Journal) -> _Query:
    output = given.last("--output", "short")
    if output not in _OUTPUTS:
        raise ProgramError(f"Unknown output format '{output}'.\n")
    priority = given.last("--priority", "7").rpartition("..")[2]
    if priority in _PRIORITIES:
        priority = str(_PRIORITIES.index(priority))
    if not re.fullmatch("[0-7]", priority):
        raise ProgramError(f"Unknown log level {priority}\n")
    until = given.last("--until")
    return _Query(
        output=output,
        fields=tuple(filter(None, given.last("--output-fields").split(","))),
        whole=given.has("--all"),
        units=tuple(unit if "." in unit else f"{unit}.service" for unit in given.all("--unit")),
        identifiers=given.all("--identifier"),
        priority=int(priority),
        uid=None if account.is_in("systemd-journal", "adm") else account.uid,
        until_us=_moment(until, journal) if until else None,
    )


def _line_count(given: Parsed, *, follow: bool) -> int | None:
    if given.has("--lines"):
        text = given.last("--lines") or "10"
        if text == "all":
            return None
        if not text.isdigit():
            raise ProgramError(f"Failed to parse lines '{text}'\n")
        return int(text)
    return 10 if follow and not given.has("--no-tail") else None


def _moment(text: str, journal: Journal) -> int:
    """A systemd.time(7) timestamp of the forms that programs write, in microseconds."""
    if re.fullmatch(r"@\d+(\.\d+)?", text):
        return round(float(text[1:]) * 1_000_000)
    if found := re.fullmatch(r"-(\d+)\s*(s|m|min|h|d)", text):
        unit = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}[found[2]]
        return journal.clock.now() // 1000 - int(found[1]) * unit * 1_000_000
    if text in ("today", "yesterday", "now"):
        now = datetime.fromtimestamp(journal.clock.now() / 1e9, UTC)
        start = now if text == "now" else now.replace(hour=0, minute=0, second=0, microsecond=0)
        return round(start.timestamp() * 1_000_000) - (86_400_000_000 if text == "yesterday" else 0)
    try:
        return parse_moment(text.removesuffix(" UTC")) // 1000
    except ValueError:
        raise ProgramError(f"Failed to parse timestamp: {text}\n") from None


def _lines_as_one_word(words: tuple[str, ...]) -> tuple[str, ...]:
    """``-n 5`` as ``-n5``: journalctl alone looks at the next word for an optional argument."""
    joined: list[str] = []
    for word in words:
        if joined and joined[-1] in ("-n", "--lines") and re.fullmatch(r"\d+|all", word):
            joined[-1] = f"{joined[-1]}{'=' if joined[-1] == '--lines' else ''}{word}"
        else:
            joined.append(word)
    return tuple(joined)


def _pages(entries: list[Entry]) -> Iterator[list[Entry]]:
    for start in range(0, len(entries), _SLICE):
        yield entries[start : start + _SLICE]
