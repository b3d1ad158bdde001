"""Every container of the host with its use: listed once, then kept current by events and statistics.

The event stream is opened before the list is read, and from a moment before that, so that no change falls between
the two. An event re-inspects the container it names and no other; a full list every minute corrects whatever an event
did not say. Each running container has one stream of statistics, which starts and ends with it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

from refactor_console.adapters.engine import Engine
from refactor_console.adapters.engine_errors import ContainerGone, EngineConflict, EngineCut
from refactor_console.adapters.engine_payloads import EngineEvent
from refactor_console.adapters.engine_stats import Counters, usage_between
from refactor_console.adapters.engine_streams import Stream
from refactor_console.domain.containers import (
    STATS_HISTORY,
    Container,
    ContainerBoard,
    ContainerRow,
    StatsSample,
    arrange,
)
from refactor_console.domain.environment import Environment
from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.services.engine_link import EngineLink

RELIST_SECONDS = 60.0
PUBLISH_SECONDS = 1.0
"""Statistics alone publish a board at most this often."""
COALESCE_SECONDS = 0.1
"""A change of state waits this long for those that come with it."""
HEARTBEAT_SECONDS = 5.0
"""After so much silence the Engine is asked for a sign of life, and the board is published as still true."""
STATS_SILENCE = 10.0
"""Seconds after which missing statistics are called a problem."""
STRANGERS_WITH_STATS = 8
"""Containers that are not the environment's own get statistics only while there are this few of them."""
STATS_STREAMS = 40


class ContainerWatch:
    """Watches the containers of one environment; histories outlive a broken connection."""

    def __init__(self, link: EngineLink) -> None:
        self._link = link
        self._histories: dict[str, deque[StatsSample]] = {}

    async def boards(self) -> AsyncIterator[ContainerBoard]:
        """Boards whenever something changed: an attempt for `feed.supervise`.

        Raises:
            ConsoleError: the connection or the Engine failed.
        """
        attempt = _Attempt(await self._link.engine(), self._link.environment, self._histories)
        try:
            await attempt.begin()
            while True:
                yield attempt.board()
                await attempt.change()
        except ConsoleError as error:
            self._link.report_trouble()
            raise await self._link.explained(error) from error
        finally:
            await attempt.end()


class _Attempt:
    """One unbroken run of watching.

    An async generator is resumed by whoever asks for its next value, so nothing here ties a scope to one task
    (no TaskGroup, no timeout around a yield): the tasks are kept and ended by hand.
    """

    def __init__(self, engine: Engine, environment: Environment, histories: dict[str, deque[StatsSample]]) -> None:
        self._engine = engine
        self._environment = environment
        self._histories = histories
        self._containers: dict[str, Container] = {}
        self._touched: set[str] = set()
        self._stack = AsyncExitStack()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stats: dict[str, asyncio.Task[None]] = {}
        self._heard: dict[str, float] = {}
        self._stats_problems: dict[str, str] = {}
        self._failure: BaseException | None = None
        self._state_changed = asyncio.Event()
        self._anything = asyncio.Event()
        self._published = 0.0

    async def begin(self) -> None:
        """Subscribe, then list."""
        since = await self._engine.ping() - timedelta(seconds=2)
        events = await self._stack.enter_async_context(self._engine.events(since))
        await self._relist()
        self._work(self._follow(events))
        self._work(self._relist_again())

    async def end(self) -> None:
        """End every task and stream."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self._stack.aclose()

    def board(self) -> ContainerBoard:
        """The present state, arranged."""
        self._state_changed.clear()
        self._anything.clear()
        self._published = _now()
        board = arrange((self._row(c) for c in self._containers.values()), self._environment.services)
        return ContainerBoard(board.rows, board.missing, self._stats_problem() or self._silence())

    async def change(self) -> None:
        """Return when it is time for the next board.

        Raises:
            ConsoleError: what ended this attempt.
            Exception: a bug in one of its tasks; `feed.supervise` shows it.
        """
        if not await _within(self._anything, HEARTBEAT_SECONDS):
            await self._engine.ping()
        elif not self._state_changed.is_set():
            await _within(self._state_changed, self._published + PUBLISH_SECONDS - _now())
        if self._state_changed.is_set() and self._failure is None:
            await asyncio.sleep(COALESCE_SECONDS)
        if self._failure is not None:
            raise self._failure

    def _row(self, container: Container) -> ContainerRow:
        ours = _is_ours(container, self._environment)
        oneshot = ours and container.service in self._environment.oneshot_services
        history = tuple(self._histories.get(container.id, ())) if container.is_running else ()
        return ContainerRow(container, oneshot, ours, history)

    def _stats_problem(self) -> str:
        """Why some container has no statistics, in the words of the first one."""
        return next((said for i, said in self._stats_problems.items() if i in self._containers), "")

    def _silence(self) -> str:
        limit = _now() - STATS_SILENCE
        silent = sorted(
            self._containers[i].label for i, at in self._heard.items() if at < limit and i in self._containers
        )
        if not silent:
            return ""
        return f"No CPU and memory figures for more than {STATS_SILENCE:.0f} s: {', '.join(silent)}."

    def _work(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """A task whose failure, foreseen or not, ends the attempt."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._worked)
        return task

    def _worked(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failure = self._failure or error
            self._wake()

    def _wake(self) -> None:
        self._state_changed.set()
        self._anything.set()

    async def _follow(self, events: Stream[EngineEvent]) -> None:
        while batch := await events.take():
            touched = dict.fromkeys(event.container_id for event in batch if event.concerns_state)
            self._touched.update(touched)
            for container_id in touched:
                await self._refresh(container_id)
            if touched:
                self._reconcile()
                self._wake()
        raise EngineCut(
            Problem(
                "The Docker Engine ended its stream of events: it is stopping or restarting.",
                "The console connects again by itself.",
                code="cut",
            )
        )

    async def _refresh(self, container_id: str) -> None:
        try:
            self._containers[container_id] = await self._engine.inspect(container_id)
        except ContainerGone:
            self._containers.pop(container_id, None)

    async def _relist_again(self) -> None:
        while True:
            await asyncio.sleep(RELIST_SECONDS)
            before = dict(self._containers)
            await self._relist()
            if self._containers != before:
                self._wake()

    async def _relist(self) -> None:
        self._touched.clear()
        self._containers = {container.id: container for container in await self._engine.containers()}
        for container_id in tuple(self._touched):  # what changed while the list was read may be older in it
            await self._refresh(container_id)
        self._reconcile()

    def _reconcile(self) -> None:
        """Start statistics for what runs, end those of what does not."""
        running = [c for c in self._containers.values() if c.is_running]
        ours = [c for c in running if _is_ours(c, self._environment)]
        strangers = [c for c in running if not _is_ours(c, self._environment)]
        chosen = ours + (strangers if len(strangers) <= STRANGERS_WITH_STATS else [])
        wanted = {c.id for c in chosen[:STATS_STREAMS]}
        for container_id in self._stats.keys() - wanted:
            self._stats.pop(container_id).cancel()
            self._heard.pop(container_id, None)
            self._stats_problems.pop(container_id, None)
        for container_id in self._histories.keys() - {c.id for c in running}:
            del self._histories[container_id]
        for container_id in wanted:
            task = self._stats.get(container_id)
            if task is None or task.done():
                self._heard[container_id] = _now()
                self._stats[container_id] = self._work(self._measure(container_id))

    async def _measure(self, container_id: str) -> None:
        """Follow one container's statistics; a failure here is said on the board and tried again."""
        while True:
            try:
                async with self._engine.stats(container_id) as stream:
                    await self._samples(container_id, stream)
            except (ContainerGone, EngineConflict):
                return
            except ConsoleError as error:
                self._stats_problems[container_id] = error.problem.summary
                self._anything.set()
            await asyncio.sleep(STATS_SILENCE / 2)

    async def _samples(self, container_id: str, stream: Stream[Counters]) -> None:
        before: Counters | None = None
        while batch := await stream.take():
            for counters in batch:
                sample = usage_between(before, counters) if before is not None else None
                before = counters
                if sample is not None:
                    self._histories.setdefault(container_id, deque(maxlen=STATS_HISTORY)).append(sample)
                    self._heard[container_id] = _now()
                    self._stats_problems.pop(container_id, None)
                    self._anything.set()


def _is_ours(container: Container, environment: Environment) -> bool:
    return container.working_directory.rstrip("/") == environment.compose_directory.rstrip("/")


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _within(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event for so long at most; whether it came."""
    if event.is_set():
        return True
    try:
        async with asyncio.timeout(max(seconds, 0)):
            await event.wait()
    except TimeoutError:
        return False
    return True
