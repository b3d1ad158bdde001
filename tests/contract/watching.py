"""Everything of this console that watches containers, over one world: for contract tests."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from refactor_console.adapters.audit_file import AuditFile
from refactor_console.domain.containers import Container, ContainerBoard, ContainerRow, EngineInfo
from refactor_console.domain.environment import Environment
from refactor_console.domain.logs import LogBatch, LogLine, LogMark, MarkKind
from refactor_console.services.actions import Actions
from refactor_console.services.audit_log import AuditLog
from refactor_console.services.container_feed import ContainerWatch
from refactor_console.services.engine_link import EngineLink
from refactor_console.services.feed import Backoff, Feed, supervise
from refactor_console.services.link import HostLink
from refactor_console.services.log_hub import SourceHub

QUICK = Backoff(first=0.1, limit=0.5)
_NUMBER = re.compile(r"\bn=(\d+)\b")


class Watching:
    """A link, the containers' feed, the Engine's feed, the hub and the actions of one environment."""

    def __init__(self, environment: Environment, audit: Path, *, read_only: bool = False) -> None:
        self.environment = environment
        self.link = HostLink(environment, read_only=read_only, backoff=QUICK)
        self.engine_link = EngineLink(self.link, environment, read_only=read_only)
        self.board: Feed[ContainerBoard] = Feed("containers")
        self.info: Feed[EngineInfo] = Feed("engine")
        self.hub = SourceHub(self.engine_link, self.link.waker)
        self.actions = Actions(self.engine_link, AuditLog(self.engine_link, AuditFile(audit)))
        self.batches: list[LogBatch] = []
        self.hub.subscribe(self.batches.append)
        self.hub.watch(self.board)
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self.link.start()
        watch = ContainerWatch(self.engine_link)
        for work in (
            supervise(self.board, watch.boards, waker=self.link.waker, backoff=QUICK, stale_after=15),
            supervise(self.info, self.engine_link.infos, waker=self.link.waker, backoff=QUICK),
        ):
            self._tasks.append(asyncio.create_task(work))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        await self.hub.close()
        await self.engine_link.close()
        await self.link.close()

    def row(self, service: str) -> ContainerRow | None:
        value = self.board.reading.value
        return None if value is None else value.by_label(service)

    def container(self, service: str) -> Container:
        row = self.row(service)
        assert row is not None, f"{service} is not on the board"
        return row.container

    def lines(self, service: str) -> list[LogLine]:
        return [line for batch in self.batches if batch.source == f"container:{service}" for line in batch.lines]

    def messages(self, service: str) -> list[bytes]:
        return [line.message.encode("utf-8", "surrogateescape") for line in self.lines(service)]

    def marks(self, service: str) -> list[LogMark]:
        return [mark for batch in self.batches if batch.source == f"container:{service}" for mark in batch.marks]

    def kinds(self, service: str) -> list[MarkKind]:
        return [mark.kind for mark in self.marks(service)]

    def numbers_since(self, service: str, begun_ns: int) -> list[int]:
        """The numbers that a service printed since a moment, in the order in which they were delivered."""
        found = (_NUMBER.search(line.message) for line in self.lines(service) if line.time_ns >= begun_ns)
        return [int(match[1]) for match in found if match]

    async def live(self) -> None:
        await until(lambda: self.board.reading.is_live and self.row("rust-app"), 30, "the board never became live")
        source = next(s for s in self.hub.sources() if s.label == "rust-app")
        await until(lambda: source.feed.reading.is_live, 10, "the log of rust-app never became live")

    async def world_now_ns(self) -> int:
        """The host's own time, from the Engine."""
        engine = await self.engine_link.engine()
        return int((await engine.ping() - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * 1_000_000_000


@asynccontextmanager
async def watching(environment: Environment, tmp_path: Path, *, read_only: bool = False) -> AsyncIterator[Watching]:
    """Watch a world while the block lasts."""
    made = Watching(environment, tmp_path / "audit.jsonl", read_only=read_only)
    made.start()
    try:
        yield made
    finally:
        await made.close()


async def until(condition: Callable[[], object], seconds: float, what: str) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.02)
