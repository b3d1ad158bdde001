"""The jumping clock of `tests.warp`, for work that talks over real sockets to servers in the same loop.

Time passes only when nobody has anything to say: no socket is ready, no thread is at work. An hour of a console that
asks a real HTTP server every few seconds takes as long as those requests take.
"""

from __future__ import annotations

import asyncio
import selectors
import threading
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any, TypeVar

from refactor_console.demo.clock import SECOND, Clock
from tests import warp

T = TypeVar("T")
GRACE = 0.0005
"""Real seconds for what is on its way through the loopback interface."""
LONGEST = 20.0
"""Real seconds after which a thread counts as lost."""


class _Jump(selectors.SelectSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.threads = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        # The keyring is asked in a thread of its own, which no executor knows of.
        busy = self.threads > 0 or any(thread.name == "keyring" for thread in threading.enumerate())
        ready = super().select(LONGEST if busy or timeout is None else GRACE)
        if ready:
            return ready
        if timeout is None or busy:
            raise RuntimeError("everything waits for nothing")
        self.now += timeout
        return []


class NetLoop(asyncio.SelectorEventLoop):
    """See the module."""

    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        return self._jump.now

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]
        future: asyncio.Future[T] = super().run_in_executor(executor, func, *args)
        self._jump.threads += 1
        future.add_done_callback(self._ended)
        return future

    def _ended(self, _: object) -> None:
        self._jump.threads -= 1


class LoopClock(Clock):
    """The demo world's clock, going with the running loop's."""

    def __init__(self) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()

    def now(self) -> int:
        return round((warp.START.timestamp() + self._loop.time()) * 1_000_000) * (SECOND // 1_000_000)


def clock() -> datetime:
    """The wall clock of the running loop (UTC)."""
    return warp.START + timedelta(seconds=asyncio.get_running_loop().time())


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a loop of its own."""
    with asyncio.Runner(loop_factory=NetLoop) as runner:
        return runner.run(work)
