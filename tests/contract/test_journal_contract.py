"""The journal, followed on the demo world and on the real droplet: every line once, in order, whatever happens."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from itertools import pairwise
from uuid import uuid4

import pytest

from refactor_console.domain.logs import Level, LogBatch, LogLine, LogMark, MarkKind
from refactor_console.domain.reading import Phase
from refactor_console.services.feed import Backoff
from refactor_console.services.journal_source import DELIVERY_INTERVAL, FIRST_LINES, JournalSource
from refactor_console.services.link import HostLink
from tests.contract.ssh_server import until
from tests.worlds import World
from tests.worlds.droplet import DropletWorld

QUICK = Backoff(first=0.05, limit=0.3)


class Reader:
    """Collects what a source delivers."""

    def __init__(self) -> None:
        self.lines: list[LogLine] = []
        self.marks: list[LogMark] = []
        self.times: list[float] = []

    def __call__(self, batch: LogBatch) -> None:
        self.lines += batch.lines
        self.marks += batch.marks
        if batch.lines:
            self.times.append(asyncio.get_running_loop().time())

    @property
    def messages(self) -> list[str]:
        """What the unit's own program wrote; systemd writes of its starts and stops into the same journal."""
        return [line.message for line in self.lines if line.origin != "systemd"]

    @property
    def numbers(self) -> list[int]:
        return [int(found[1]) for message in self.messages if (found := re.search(r"\bn=(\d+)", message))]

    def has_numbers(self, count: int) -> bool:
        return len(self.numbers) >= count

    def has_resumed(self, times: int) -> bool:
        return self.kinds.count(MarkKind.RESUMED) == times

    @property
    def kinds(self) -> list[MarkKind]:
        return [mark.kind for mark in self.marks]


@asynccontextmanager
async def following(
    world: World, *, user: str = "deploy", unit: str | None = None
) -> AsyncIterator[tuple[JournalSource, Reader]]:
    environment = replace(world.environment_for(user), unit=unit or world.journal_unit)
    link = HostLink(environment, backoff=QUICK)
    reader = Reader()
    source = JournalSource(link, environment.unit, reader, backoff=QUICK)
    link.start()
    running = asyncio.create_task(source.run())
    try:
        await until(lambda: source.feed.reading.phase is not Phase.CONNECTING, 10)
        yield source, reader
    finally:
        running.cancel()
        await asyncio.wait({running})
        await link.close()


async def begin(world: World, reader: Reader) -> None:
    """Draw a line under what other tests left in the journal: only what comes from now on is in `reader`."""
    marker = f"begin {uuid4()}"
    await world.log_to_journal([marker.encode()])
    await until(lambda: marker in reader.messages, 10)
    del reader.lines[: [line.message for line in reader.lines].index(marker) + 1]
    reader.times.clear()


async def test_the_units_past_is_shown_first(world: World) -> None:
    marker = f"past {uuid4()}"
    await world.log_to_journal([marker.encode()])
    async with following(world) as (source, reader):
        await until(lambda: marker in reader.messages, 10)
        progress = source.feed.reading.value
    assert progress is not None
    assert progress.received == len(reader.lines) <= FIRST_LINES
    assert progress.unreadable == 0
    assert progress.last_line_ns == reader.lines[-1].time_ns
    assert [line.time_ns for line in reader.lines] == sorted(line.time_ns for line in reader.lines)


async def test_new_lines_come_in_order_with_every_byte(world: World) -> None:
    messages = [
        b"caf\xc3\xa9 \xe2\x9c\x93",
        b"not utf-8: \xff\xfe\x80.",
        b"\x1b[31m12:34:56 [ERROR] db: gone\x1b[0m",
        b"tab\there",
        b"[/] [red]markup[/]",
        b"the end",
    ]
    async with following(world) as (_, reader):
        await begin(world, reader)
        await world.log_to_journal(messages)
        await until(lambda: "the end" in reader.messages, 10)
        levels = {line.message: line.level for line in reader.lines}
    assert [message.encode("utf-8", "surrogateescape") for message in reader.messages] == messages
    assert levels[messages[2].decode()] is Level.ERROR


async def test_a_line_of_a_megabyte_arrives_whole(world: World) -> None:
    """In one entry, or in the pieces that journald cuts a program's plain output into."""
    message = b"x" * 1_000_000
    async with following(world) as (_, reader):
        await begin(world, reader)
        await world.log_to_journal([message, b"the end"])
        await until(lambda: "the end" in reader.messages, 20)
    assert "".join(reader.messages[:-1]) == message.decode()


async def test_a_line_that_comes_alone_is_not_held_back_and_a_flood_is_bundled(world: World) -> None:
    async with following(world) as (_, reader):
        await begin(world, reader)
        await world.number_journal(2000, 2000)
        await until(lambda: 2000 in reader.numbers[-3:], 20)
    assert reader.numbers == list(range(1, 2001))
    assert all(after - before > DELIVERY_INTERVAL * 0.8 for before, after in pairwise(reader.times))


async def test_cuts_lose_nothing_and_show_nothing_twice(world: World) -> None:
    async with following(world) as (source, reader):
        await begin(world, reader)
        await world.number_journal(500, 1500)
        for part in (1, 2, 3):
            await until(partial(reader.has_numbers, part * 300), 10)
            await world.sever()
            await until(partial(reader.has_resumed, part), 10)
        await until(lambda: 1500 in reader.numbers[-3:], 20)
        progress = source.feed.reading.value
    assert reader.numbers == list(range(1, 1501))
    assert reader.kinds == [MarkKind.CUT, MarkKind.RESUMED] * 3
    assert progress is not None
    assert progress.cuts == 3


async def test_lines_written_while_nobody_was_there_come_after_the_cut(world: World) -> None:
    async with following(world) as (_, reader):
        await begin(world, reader)
        await world.ssh_down()
        await until(lambda: MarkKind.CUT in reader.kinds, 10)
        await world.log_to_journal([b"outage-1", b"outage-2"])
        await world.ssh_up()
        await until(lambda: "outage-2" in reader.messages, 15)
    assert reader.messages == ["outage-1", "outage-2"]
    assert MarkKind.GAP not in reader.kinds


async def test_a_unit_that_never_wrote_is_live_and_says_that_it_is_empty(world: World) -> None:
    async with following(world, unit="never-wrote.service") as (source, reader):
        await until(lambda: source.feed.reading.is_live, 10)
        progress = source.feed.reading.value
    assert progress is not None
    assert (progress.received, reader.lines) == (0, [])
    assert "empty" in progress.notice


async def test_the_very_first_line_of_a_unit_is_not_lost(world: World) -> None:
    """journalctl itself loses it when it is told to begin with the last lines of a unit that has none."""
    if not isinstance(world, DropletWorld):
        pytest.skip("the demo world cannot make units")
    unit = f"first-{uuid4()}.service"
    async with following(world, unit=unit) as (_, reader):
        command = ["systemd-run", "--quiet", "--wait", "--collect", f"--unit={unit}", "printf", "one\\ntwo\\n"]
        await asyncio.to_thread(world.droplet.exec, command)
        await until(lambda: "two" in reader.messages, 10)
    assert reader.messages == ["one", "two"]


async def test_a_user_who_may_not_read_the_journal_is_told_how_to(world: World) -> None:
    """journalctl itself either follows nothing or ends; both have to say which group is missing."""
    async with following(world, user="nodocker") as (source, _):
        reading = source.feed.reading
    said = reading.value.notice if reading.value is not None else ""
    if reading.problem is not None:
        assert reading.problem.code == "journal-forbidden"
        said += reading.problem.remedy
    assert "systemd-journal" in said


async def test_rotation_and_vacuum_under_a_follower_lose_nothing(world: World) -> None:
    if not isinstance(world, DropletWorld):
        pytest.skip("the demo world's journal has no files to rotate")
    machine = world.droplet
    async with following(world) as (_, reader):
        await begin(world, reader)
        await world.number_journal(400, 1600)
        for part in range(1, 5):
            await until(partial(reader.has_numbers, part * 250), 10)
            await asyncio.to_thread(machine.exec, ["journalctl", "--rotate"])
            if part > 1:
                await asyncio.to_thread(machine.exec, ["journalctl", "--vacuum-files=2"])
        await until(lambda: 1600 in reader.numbers[-3:], 20)
    assert reader.numbers == list(range(1, 1601))


async def test_a_vacuum_while_nobody_was_there_is_a_marked_gap(world: World) -> None:
    if not isinstance(world, DropletWorld):
        pytest.skip("the demo world's journal has no files to rotate")
    machine = world.droplet
    async with following(world) as (_, reader):
        await begin(world, reader)
        await world.ssh_down()
        await until(lambda: MarkKind.CUT in reader.kinds, 10)
        await world.log_to_journal([b"lost-in-vacuum"])
        await asyncio.to_thread(machine.exec, ["journalctl", "--rotate"])
        await asyncio.to_thread(machine.exec, ["journalctl", "--vacuum-time=1us"])
        await world.log_to_journal([b"after-vacuum"])
        await world.ssh_up()
        await until(lambda: "after-vacuum" in reader.messages, 15)
    assert MarkKind.GAP in reader.kinds
    gap = next(mark for mark in reader.marks if mark.kind is MarkKind.GAP)
    assert "trimmed" in gap.text
    assert reader.messages == ["after-vacuum"]
