"""The demo world's GitHub in this process, with a clock that tests turn."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from refactor_console.demo.clock import SECOND, Clock, parse_moment
from refactor_console.demo.github_server import GitHubServer

NOON = "2026-11-24T12:00:00+00:00"


class TurnedClock(Clock):
    """Stands still until a test moves it on."""

    def __init__(self, at: str = NOON) -> None:
        super().__init__()
        self._at = parse_moment(at)
        self.freeze(self._at)

    def pass_by(self, seconds: float) -> None:
        """Let so much time go by at once."""
        self._at += round(seconds * SECOND)
        self.freeze(self._at)


@asynccontextmanager
async def demo_github(clock: Clock | None = None, seed: int = 7) -> AsyncIterator[GitHubServer]:
    """A running server for the length of a block; ``server.http.url`` is its address."""
    server = GitHubServer(clock or TurnedClock(), seed)
    await server.http.start()
    try:
        yield server
    finally:
        await server.http.stop()
