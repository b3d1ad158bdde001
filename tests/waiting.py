"""Waiting for conditions instead of sleeping."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

PAUSE = 0.02


async def until(condition: Callable[[], object], what: str, timeout: float = 20.0) -> None:
    """Let the event loop work until `condition()` is true.

    Raises:
        AssertionError: naming `what` was waited for, when it does not come true in time.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    while not condition():
        assert loop.time() < deadline, f"after {timeout:.0f} s still not so: {what}"
        await asyncio.sleep(PAUSE)
