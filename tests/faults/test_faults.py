"""The whole session on the real droplet while things break under it: it recovers by itself, every line seen once.

Numbered lines flow at 2,000 a second into the journal and into a container's log; afterwards what the console saw is
compared, line by line and in order, with what the host itself kept.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from refactor_console.adapters.audit_file import AuditFile
from refactor_console.domain.logs import LogBatch, MarkKind
from refactor_console.domain.reading import Phase
from refactor_console.services.live import LiveSession
from tests.droplet.droplet import Droplet
from tests.waiting import until
from tests.worlds.droplet import JOURNAL_UNIT, DropletWorld

pytestmark = pytest.mark.droplet

RATE = 2_000
COUNTER = "counter"
JOURNAL = f"journal:{JOURNAL_UNIT}"
CONTAINER = f"container:{COUNTER}"
_IMAGE = "ghcr.io/refactor-group/refactor-platform-rs:stable"
_COUNT = """
import sys, time, uuid
run, total, rate = uuid.uuid4().hex[:8], int(sys.argv[1]), int(sys.argv[2])
begun, sent = time.monotonic(), 0
while sent < total:
    due = min(total, int((time.monotonic() - begun) * rate) + 1)
    if due > sent:
        sys.stdout.write("".join(f"run={run} n={n}\\n" for n in range(sent + 1, due + 1)))
        sys.stdout.flush()
        sent = due
    time.sleep(0.005)
while True:
    time.sleep(3600)
"""


class Observer:
    """A live session, and every numbered line it delivered, by source and in order."""

    def __init__(self, session: LiveSession) -> None:
        self.session = session
        self.seen: dict[str, list[str]] = {JOURNAL: [], CONTAINER: []}
        self.marks: dict[str, list[MarkKind]] = {JOURNAL: [], CONTAINER: []}
        self.ident = uuid.uuid4().hex[:8]
        """Tells the lines of this test from those of earlier ones in the same journal."""
        session.logs.subscribe(self._take)

    def _take(self, batch: LogBatch) -> None:
        if batch.source in self.seen:
            wanted = f"id={self.ident}" if batch.source == JOURNAL else "run="
            self.seen[batch.source] += [line.message for line in batch.lines if wanted in line.message]
            self.marks[batch.source] += [mark.kind for mark in batch.marks]

    def counts(self) -> tuple[int, int]:
        """Lines seen so far: journal, container."""
        return len(self.seen[JOURNAL]), len(self.seen[CONTAINER])

    async def have(self, counts: tuple[int, int], timeout: float) -> None:
        """Wait until at least so many lines have been seen: journal, container."""
        try:
            await until(lambda: all(h >= n for h, n in zip(self.counts(), counts, strict=True)), "lines", timeout)
        except AssertionError:
            sources = {s.key: s.feed.reading for s in self.session.logs.sources() if s.key in self.seen}
            account = {key: gaps(lines) for key, lines in self.seen.items()}
            raise AssertionError(f"seen {self.counts()} of {counts}; {account}; {self.marks}; {sources}") from None

    async def all_live(self, timeout: float) -> None:
        """Wait until every feed says live again, without anybody's help."""
        session = self.session
        feeds = (session.link, session.unit, session.vitals, session.engine, session.containers)
        try:
            await until(lambda: all(feed.reading.phase is Phase.LIVE for feed in feeds), "live", timeout)
        except AssertionError:
            states = {feed.key: (feed.reading.phase, feed.reading.problem) for feed in feeds}
            raise AssertionError(f"not every feed is live after {timeout:.0f} s: {states}") from None


def gaps(lines: list[str]) -> list[str]:
    """Where consecutive numbers do not follow each other, at most ten places."""
    numbers = [int(line.partition(" n=")[2].split()[0]) for line in lines]
    return [f"{a}->{b}" for a, b in pairwise(numbers) if b != a + 1][:10]


def start_counter(droplet: Droplet, total: int) -> None:
    """A container of its own that numbers lines on each of its runs, and comes back with the Engine."""
    droplet.exec(["docker", "rm", "--force", COUNTER], check=False)
    droplet.exec(
        [
            *("docker", "run", "--detach", "--name", COUNTER, "--restart", "always", "--entrypoint", "python3"),
            *(_IMAGE, "-u", "-c", _COUNT, str(total), str(RATE)),
        ]
    )


def kept_in_container(droplet: Droplet) -> list[str]:
    """What the Engine kept of the counter's output."""
    return [line for line in droplet.exec(["docker", "logs", COUNTER]).stdout.splitlines() if "run=" in line]


def kept_in_journal(droplet: Droplet, ident: str) -> list[str]:
    """What the journal kept of one test's numbered lines."""
    words = ["journalctl", "--no-pager", "--output=cat", f"--unit={JOURNAL_UNIT}"]
    return [line for line in droplet.exec(words).stdout.splitlines() if f"id={ident}" in line]


@asynccontextmanager
async def observed(droplet: Droplet, tmp_path: Path, total: int) -> AsyncIterator[tuple[DropletWorld, Observer]]:
    """A console looking on while both sources are numbered; begins when the first lines of both have been seen."""
    world = DropletWorld(droplet)
    environment = replace(world.environment, unit=JOURNAL_UNIT)
    session = LiveSession(environment, audit_file=AuditFile(tmp_path / "audit.jsonl"))
    observer = Observer(session)
    session.start()
    try:
        await observer.all_live(30)
        await asyncio.to_thread(start_counter, droplet, total)
        await world.number_journal(RATE, total, observer.ident)
        await until(lambda: min(observer.counts()) > 0, "both sources flow", 30)
        yield world, observer
    finally:
        await session.close()
        await asyncio.to_thread(droplet.exec, ["systemctl", "stop", JOURNAL_UNIT], check=False)
        await asyncio.to_thread(droplet.exec, ["docker", "rm", "--force", COUNTER], check=False)
        await asyncio.to_thread(droplet.heal)


async def compare(droplet: Droplet, observer: Observer, timeout: float = 60) -> None:
    """What was seen is what was kept, line by line: nothing lost, nothing twice, nothing out of order."""
    journal = await asyncio.to_thread(kept_in_journal, droplet, observer.ident)
    container = await asyncio.to_thread(kept_in_container, droplet)
    expected = (len(journal), len(container))
    with suppress(AssertionError):  # the comparison below says which are missing
        await observer.have(expected, timeout)
    assert_same("journal", observer.seen[JOURNAL], journal)
    assert_same("container", observer.seen[CONTAINER], container)


def assert_same(what: str, seen: list[str], kept: list[str]) -> None:
    """Equal lists, and a short account when they are not."""
    if seen == kept:  # a plain comparison: pytest would spend minutes on the difference of two long lists
        return
    had = set(seen)
    lost = [line for line in kept if line not in had]
    twice = len(seen) - len(had)
    pytest.fail(
        f"{what}: kept {len(kept)}, seen {len(seen)}, lost {len(lost)} {lost[:3]}, {twice} twice, gaps {gaps(seen)}"
    )


async def flowing(observer: Observer, more: int) -> None:
    """Wait until so many more lines of both came."""
    journal, container = observer.counts()
    await observer.have((journal + more, container + more), 40)


async def test_killed_ssh_sessions_lose_no_line_and_double_none(droplet: Droplet, tmp_path: Path) -> None:
    total = RATE * 15
    async with observed(droplet, tmp_path, total) as (world, observer):
        for _ in range(4):
            await flowing(observer, RATE)
            await world.sever()
        await observer.have((total, total), 60)
        await observer.all_live(30)
        await compare(droplet, observer)
        assert observer.counts() == (total, total)
        assert MarkKind.CUT in observer.marks[JOURNAL]
        assert MarkKind.CUT in observer.marks[CONTAINER]


async def test_a_network_cut_of_30_s_loses_no_line_and_doubles_none(droplet: Droplet, tmp_path: Path) -> None:
    total = RATE * 45
    async with observed(droplet, tmp_path, total) as (world, observer):
        await flowing(observer, RATE)
        await world.cut_network()
        await asyncio.sleep(30)  # the fault itself is a time: 30 s without a packet
        assert observer.session.link.reading.phase is not Phase.LIVE, "a dead line was called live for 30 s"
        await world.restore_network()
        await observer.have((total, total), 90)
        await observer.all_live(30)
        await compare(droplet, observer)
        assert observer.counts() == (total, total)


async def test_a_restarted_engine_loses_no_line_and_doubles_none(droplet: Droplet, tmp_path: Path) -> None:
    total = RATE * 12
    async with observed(droplet, tmp_path, total) as (_, observer):
        await flowing(observer, RATE)
        await asyncio.to_thread(droplet.restart_docker)
        await observer.all_live(90)
        assert observer.session.link.reading.phase is Phase.LIVE
        await until(
            lambda: len({line.split()[0] for line in observer.seen[CONTAINER]}) == 2, "the second run is seen", 60
        )
        await until(lambda: observer.seen[CONTAINER][-1].endswith(f"n={total}"), "the second run is complete", 60)
        await compare(droplet, observer)


async def test_a_rebooted_host_loses_no_line_and_doubles_none(droplet: Droplet, tmp_path: Path) -> None:
    total = RATE * 15
    async with observed(droplet, tmp_path, total) as (_, observer):
        await flowing(observer, RATE)
        await asyncio.to_thread(droplet.reboot)
        await observer.all_live(120)
        await until(
            lambda: observer.seen[CONTAINER][-1].endswith(f"n={total}"), "the run after the boot is complete", 60
        )
        await compare(droplet, observer)
