"""A container's log as a source: every line once, across cuts, restarts and re-creations, with its marks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from refactor_console.adapters.engine import LogStream
from refactor_console.adapters.engine_payloads import parse_container
from refactor_console.domain.containers import Container
from refactor_console.domain.logs import Level, LogBatch, LogLine, LogMark, MarkKind
from refactor_console.domain.reading import Phase
from refactor_console.services.container_source import ContainerSource
from refactor_console.services.engine_link import EngineLink
from refactor_console.services.feed import Waker
from tests.services.engine_server import (
    ENVIRONMENT,
    EngineServer,
    LocalConnection,
    LocalLink,
    inspected,
    now_ns,
    until,
)

A, B = "a" * 64, "b" * 64


class Followed:
    """A source over the local server, and what it delivered."""

    def __init__(self, server: EngineServer) -> None:
        self.server = server
        self.link = LocalLink(LocalConnection(server.path))
        self.engine_link = EngineLink(self.link, ENVIRONMENT, read_only=True)
        self.waker = Waker()
        self.batches: list[LogBatch] = []
        self.at: list[float] = []
        self.source = ContainerSource("container:rust-app", "rust-app", self.engine_link, self._take, self.waker)
        self.task: asyncio.Task[None] | None = None

    def _take(self, batch: LogBatch) -> None:
        self.batches.append(batch)
        self.at.append(asyncio.get_running_loop().time())

    def container(self, identifier: str = A) -> Container:
        return parse_container(self.server.containers[identifier])

    def start(self, identifier: str = A) -> None:
        self.source.observe(self.container(identifier))
        self.task = asyncio.create_task(self.source.run())

    @property
    def lines(self) -> list[LogLine]:
        return [line for batch in self.batches for line in batch.lines]

    @property
    def texts(self) -> list[str]:
        return [line.message for line in self.lines]

    @property
    def marks(self) -> list[LogMark]:
        return [mark for batch in self.batches for mark in batch.marks]

    def kinds(self) -> list[MarkKind]:
        return [mark.kind for mark in self.marks]


@pytest_asyncio.fixture
async def followed(tmp_path: Path) -> AsyncIterator[Followed]:
    server = EngineServer(tmp_path / "engine.sock")
    server.up()
    server.add(inspected(A, "rust-app"))
    made = Followed(server)
    yield made
    if made.task is not None:
        made.task.cancel()
        await asyncio.wait({made.task})
    await made.engine_link.close()
    server.down()


async def test_first_the_last_lines_then_everything_with_levels(followed: Followed) -> None:
    for number in range(700):
        followed.server.say(A, b"%d" % number)
    followed.start()
    await until(lambda: len(followed.lines) == 500)
    followed.server.say(A, b"12:00:00 [ERROR] app: no", stream=2)
    await until(lambda: len(followed.lines) == 501)
    assert followed.texts[0] == "200"
    assert (followed.lines[-1].level, followed.lines[-1].origin) == (Level.ERROR, "stderr")
    progress = followed.source.feed.reading.value
    assert progress is not None
    assert progress.received == 501
    assert followed.marks == []


async def test_a_line_alone_is_delivered_at_once_and_a_flood_in_at_most_twenty_deliveries_a_second(
    followed: Followed,
) -> None:
    followed.start()
    await until(lambda: followed.source.feed.reading.is_live)
    loop = asyncio.get_running_loop()
    said = loop.time()
    followed.server.say(A, b"alone")
    await until(lambda: followed.lines)
    assert followed.at[-1] - said < 0.05
    followed.batches.clear()
    followed.at.clear()
    for number in range(200):
        followed.server.say(A, b"%d" % number)
        await asyncio.sleep(0.002)
    await until(lambda: len(followed.lines) == 200)
    span = followed.at[-1] - followed.at[0]
    assert len(followed.at) <= span * 20 + 2


async def test_equal_lines_with_equal_times_survive_cuts_exactly_once(followed: Followed) -> None:
    followed.start()
    await until(lambda: followed.source.feed.reading.is_live)
    expected = 0
    for round_ in range(4):
        at = now_ns()
        for _ in range(50):
            followed.server.say(A, b"same", at=at)
        followed.server.say(A, b"late", at=at - 300_000_000, stream=2)
        expected += 51
        if round_ % 2:
            await until(lambda: len(followed.lines) > 0)
        followed.server.cut()
        followed.server.say(A, b"same", at=at)
        expected += 1
        followed.waker.wake()
        await until(lambda: followed.kinds().count(MarkKind.RESUMED) > round_, what="it did not resume")  # noqa: B023
    await until(lambda: len(followed.lines) >= expected)
    await asyncio.sleep(0.2)
    assert len(followed.lines) == expected
    assert followed.kinds() == [MarkKind.CUT, MarkKind.RESUMED] * 4
    progress = followed.source.feed.reading.value
    assert progress is not None
    assert progress.cuts == 4


async def test_a_cut_inside_a_long_message_delivers_it_once_and_whole(followed: Followed) -> None:
    followed.start()
    await until(lambda: followed.source.feed.reading.is_live)
    at = now_ns()
    followed.server.say(A, b"x" * 16_384, at=at, end=b"")
    await asyncio.sleep(0.1)
    assert followed.lines == []
    followed.server.cut()
    followed.server.say(A, b"end", at=at)
    followed.waker.wake()
    await until(lambda: followed.lines)
    assert followed.texts == ["x" * 16_384 + "end"]


async def test_an_empty_log_that_fills_during_a_cut_is_read_whole(followed: Followed) -> None:
    followed.start()
    await until(lambda: followed.source.feed.reading.is_live)
    await asyncio.sleep(1.1)  # long enough to know that it was empty
    followed.server.cut()
    for number in range(800):
        followed.server.say(A, b"%d" % number)
    followed.waker.wake()
    await until(lambda: len(followed.lines) == 800)


async def test_a_restart_is_marked_with_its_exit_code_and_no_line_is_lost(followed: Followed) -> None:
    followed.server.say(A, b"before")
    followed.start()
    await until(lambda: followed.texts == ["before"])
    followed.server.say(A, b"last words without a break", end=b"")
    followed.server.set_state(A, "die", Status="exited", ExitCode=101, FinishedAt="2026-01-01T00:01:00Z")
    followed.source.observe(followed.container())
    await until(lambda: len(followed.lines) == 2)
    followed.server.set_state(A, "start", Status="running", ExitCode=0, StartedAt="2026-01-01T00:01:01Z")
    followed.source.observe(followed.container())
    followed.server.say(A, b"after")
    await until(lambda: len(followed.lines) == 3)
    assert followed.texts == ["before", "last words without a break", "after"]
    assert followed.kinds() == [MarkKind.STOPPED, MarkKind.STARTED]
    assert "exit code 101" in followed.marks[0].text


async def test_a_new_container_of_the_same_service_is_read_from_its_beginning(followed: Followed) -> None:
    followed.server.say(A, b"old")
    followed.start()
    await until(lambda: followed.texts == ["old"])
    followed.server.set_state(A, "die", Status="exited", FinishedAt="2026-01-01T00:01:00Z")
    followed.server.remove(A)
    followed.source.observe(None)
    await until(lambda: followed.source.feed.reading.phase is Phase.OFF)
    followed.server.add(inspected(B, "rust-app", StartedAt="2026-01-01T00:02:00Z"))
    for number in range(600):
        followed.server.say(B, b"%d" % number)
    followed.source.observe(followed.container(B))
    await until(lambda: len(followed.lines) == 601)
    assert followed.source.feed.reading.phase is Phase.LIVE


async def test_a_stopped_containers_log_is_read_once_and_not_again_and_again(followed: Followed) -> None:
    followed.server.set_state(A, "die", Status="exited", FinishedAt="2026-01-01T00:01:00Z")
    followed.server.say(A, b"migrated")
    followed.start()
    await until(lambda: followed.texts == ["migrated"])
    await asyncio.sleep(0.3)
    asked = sum("/logs" in request for request in followed.server.requests)
    await asyncio.sleep(0.5)
    assert sum("/logs" in request for request in followed.server.requests) == asked
    assert followed.texts == ["migrated"]


async def test_a_driver_that_cannot_be_read_is_said_once_and_not_tried_in_circles(followed: Followed) -> None:
    followed.server.refuse_logs = "configured logging driver does not support reading"
    followed.start()
    await until(lambda: followed.source.feed.reading.phase is Phase.OFF)
    assert "driver" in followed.source.feed.reading.reason
    await asyncio.sleep(0.5)
    assert sum("/logs" in request for request in followed.server.requests) == 1


async def test_hostile_bytes_arrive_as_they_were_written(followed: Followed) -> None:
    hostile = b"\x1b]0;owned\x07[red]\xff\xfe\r50%\r100%"
    followed.server.say(A, hostile)
    followed.start()
    await until(lambda: followed.lines)
    assert followed.texts[0].encode("utf-8", "surrogateescape") == hostile


async def test_an_engine_that_stops_and_starts_costs_no_line(followed: Followed) -> None:
    followed.start()
    followed.server.say(A, b"one")
    await until(lambda: followed.texts == ["one"])
    followed.server.down()
    followed.server.say(A, b"two")
    await until(lambda: followed.source.feed.reading.phase is Phase.FAILED)
    followed.server.up()
    followed.waker.wake()
    followed.server.say(A, b"three")
    await until(lambda: len(followed.lines) == 3)
    assert followed.texts == ["one", "two", "three"]


async def test_a_bug_is_a_visible_cut_and_the_log_goes_on_without_loss(
    followed: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    followed.server.say(A, b"one")
    followed.start()
    await until(lambda: followed.texts == ["one"])
    take = LogStream.take

    async def broken(_: LogStream) -> list[LogLine]:
        monkeypatch.setattr(LogStream, "take", take)
        raise KeyError("nobody foresaw this")

    problems: list[str] = []
    followed.source.feed.subscribe(lambda r: problems.append(r.problem.code if r.problem else ""))
    monkeypatch.setattr(LogStream, "take", broken)
    followed.server.say(A, b"two")
    await until(lambda: "two" in followed.texts)
    followed.server.say(A, b"three")
    await until(lambda: followed.texts == ["one", "two", "three"] and followed.source.feed.reading.is_live)
    assert "console-bug" in problems
    assert followed.kinds() == [MarkKind.CUT, MarkKind.RESUMED]
