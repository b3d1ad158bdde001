"""An event loop whose clock jumps to the next thing to do: an hour of waiting passes in a moment.

For scheduling only: there is no waiting for real input in it.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")
START = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


class _Jump(selectors.SelectSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("everything waits for nothing")
        self.now += max(timeout, 0.0)
        return super().select(0)


class WarpLoop(asyncio.SelectorEventLoop):
    """See the module."""

    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        return self._jump.now


def clock() -> datetime:
    """The wall clock of the running warp loop (UTC)."""
    return START + timedelta(seconds=asyncio.get_running_loop().time())


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a loop of its own."""
    with asyncio.Runner(loop_factory=WarpLoop) as runner:
        return runner.run(work)
