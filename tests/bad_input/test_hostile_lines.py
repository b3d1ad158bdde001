"""Hostile lines and names through a whole session: they arrive as they were, and drawing them only shows them."""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from refactor_console.domain.logs import LogLine
from refactor_console.domain.logstore import Entry
from refactor_console.domain.text import visible
from tests.bad_input.watch import EVERY_FEED, Watch, watched
from tests.droplet.droplet import Droplet
from tests.worlds import World
from tests.worlds.droplet import DropletWorld

BIG = b"begin of the big one " + b"0123456789abcdef" * 65_536 + b" end of the big one"
HOSTILE = (
    b"first of the hostile ones",
    b"\xff\xfe\x80 not UTF-8 \xc3\x28 \xed\xa0\x80",
    b"\x1b[2J\x1b[H\x1b[31mred\x1b[0m \x1b]0;a title\x07 \x1bP1$r\x1b\\ \x9b31m",
    b"\x1b]52;c;c3RvbGVu\x07 \x1b[6n \x1b[?1049h \x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\",
    b"[red]markup[/red] [/] [@click=app.quit]click[/] [bold {x} %s $ok \\[",
    b"10%\r50%\r100%",
    b"\x00\x01\x02\x7f nulls and others",
    "\u202egnp.exe\u2066 \u2028 \ufeff größe 漢字 \U0001f600".encode(),
    b'{"__CURSOR":"s=0;i=0","MESSAGE":"forged"}',
    b"-- No entries --",
    b"last of the hostile ones",
)
BANNED = {"Cc", "Cs", "Zl", "Zp"}
"""Unicode categories that must not be drawn: controls, surrogates, line and paragraph separators."""
TURNS = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c\ufeff")
"""Characters that reorder or hide their neighbours."""


def raw(line: LogLine) -> bytes:
    """The bytes that a line came from."""
    return line.message.encode("utf-8", "surrogateescape")


def is_harmless(text: str) -> bool:
    """Whether drawing this cannot do more than show it."""
    return not any(unicodedata.category(c) in BANNED or c in TURNS for c in text)


def harmless_entries(entries: Sequence[Entry]) -> None:
    """Everything in the store may be drawn as it is."""
    for entry in entries:
        assert all(is_harmless(line) for line in entry.text.split("\n")), repr(entry.text[:200])
        assert is_harmless(visible(entry.text))


async def arrived(watch: Watch, source: str, first: bytes, last: bytes, timeout: float = 40) -> list[LogLine]:
    """The lines from the newest `first` to the newest `last`."""

    def there() -> bool:
        messages = [raw(line) for line in watch.lines.get(source, ())]
        return last in messages and first in messages

    await watch.until(there, "the lines came", timeout)
    lines = watch.lines[source]
    messages = [raw(line) for line in lines]
    begin, end = (len(messages) - 1 - messages[::-1].index(m) for m in (first, last))
    return lines[begin : end + 1]


async def test_hostile_lines_of_the_journal_arrive_byte_for_byte(world: World, tmp_path: Path) -> None:
    async with watched(replace(world.environment, unit=world.journal_unit), tmp_path) as watch:
        await watch.all_live()
        await world.log_to_journal(HOSTILE)
        lines = await arrived(watch, watch.journal, HOSTILE[0], HOSTILE[-1])
        # A line from a stream ends at a NUL for journald; all else is kept.
        wanted = [message for message in HOSTILE if b"\x00" not in message]
        assert [raw(line) for line in lines if raw(line) in wanted] == wanted
        harmless_entries(watch.entries(watch.journal))
        await watch.go_on(EVERY_FEED)


async def test_hostile_lines_of_a_container_arrive_as_its_log_driver_kept_them(world: World, tmp_path: Path) -> None:
    source = "container:rust-app"
    async with watched(world.environment, tmp_path) as watch:
        await watch.all_live()
        await world.log_to_container("rust-app", HOSTILE)
        lines = await arrived(watch, source, HOSTILE[0], HOSTILE[-1])
        # The json-file driver itself replaces what is not UTF-8; everything else is as it was written.
        got = [raw(line).decode("utf-8", "replace") for line in lines]
        wanted = [message.decode("utf-8", "replace") for message in HOSTILE if b"\xed" not in message]
        assert [text for text in got if text in wanted] == wanted
        harmless_entries(watch.entries(source))
        await watch.go_on(EVERY_FEED)


OWN_LINE = re.compile(rb"\d\d:\d\d:\d\d \[[A-Z]+\] [\w:]+: [^\n]*\n")


async def whole(watch: Watch, key: str) -> None:
    """Wait until the megabyte is there, in one line or in pieces, with nothing lost between them.

    journald cuts a program's output into pieces; the droplet prints it in pieces, between which the backend may print
    a line of its own: that one is taken out, every byte of ours has to be there.
    """

    def there() -> bool:
        lines = [raw(line) for line in watch.lines.get(key, ())]
        if BIG in b"".join(lines):
            return True
        return BIG in OWN_LINE.sub(b"", b"".join(line + b"\n" for line in lines)).replace(b"\n", b"")

    try:
        await watch.until(there, "it came whole", 40)
    except AssertionError as never:
        sizes = [len(raw(line)) for line in watch.lines.get(key, ())][-12:]
        raise AssertionError(f"{key}: the last lines have {sizes} bytes of {len(BIG)}\n{never}") from None


async def test_a_line_of_a_megabyte_is_whole_in_the_store_and_stops_nobody(world: World, tmp_path: Path) -> None:
    source = "container:rust-app"
    async with watched(replace(world.environment, unit=world.journal_unit), tmp_path) as watch:
        await watch.all_live()
        await world.log_to_journal([BIG])
        await whole(watch, watch.journal)
        await world.log_to_container("rust-app", [BIG])
        await whole(watch, source)
        await watch.go_on(EVERY_FEED)


@pytest.mark.droplet
async def test_bytes_without_a_line_break_and_a_flood_of_controls_are_lines_at_last(
    droplet: Droplet, tmp_path: Path
) -> None:
    source = "container:rust-app"
    async with watched(DropletWorld(droplet).environment, tmp_path) as watch:
        await watch.all_live()
        await asyncio.to_thread(droplet.emit_raw, b"half a line \x1b[5n" + bytes(range(1, 10)) * 500)
        await asyncio.to_thread(droplet.emit_raw, b" and its other half\n")
        await watch.until(
            lambda: any(line.message.startswith("half a line") for line in watch.lines.get(source, ())), "the halves"
        )
        line = next(line for line in watch.lines[source] if line.message.startswith("half a line"))
        assert line.message.endswith(" and its other half")
        harmless_entries(watch.entries(source))
        await watch.go_on(EVERY_FEED)
