"""Putting the console on a stage: an application over doubles, and waiting for what it should come to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from textual.pilot import Pilot
from textual.widget import Widget

from refactor_console.app import ConsoleApp
from refactor_console.domain.environment import Environment
from refactor_console.services.session import ConsoleSession
from refactor_console.widgets.table import Table
from tests.ui.double_session import DEMO, PRODUCTION, STAGING, Clock, DoubleSession

SECONDS = 10.0
"""How long a condition may take to come true before a test fails."""


class Stage:
    """A running console, its pilot, and the sessions it opened."""

    def __init__(self, app: ConsoleApp, pilot: Pilot[None], sessions: list[DoubleSession]) -> None:
        self.app, self.pilot, self.sessions = app, pilot, sessions

    @property
    def session(self) -> DoubleSession:
        """The session opened last."""
        return self.sessions[-1]

    async def until(self, condition: Callable[[], object], what: str = "") -> None:
        """Wait for a condition; the screen's text tells why it never came."""
        deadline = time.monotonic() + SECONDS
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"never came true: {what or condition}\n{self.text}")
            await self.pilot.pause()
            await asyncio.sleep(0.005)
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def says(self, *words: str) -> None:
        """Wait until every one of these can be read on the screen."""
        await self.until(lambda: all(word in self.text for word in words), f"the screen says {words}")

    @property
    def text(self) -> str:
        """What can be read on the screen, line by line."""
        screen = self.app.screen
        width, height = self.app.size
        lines = self.app.screen._compositor.render_strips()
        assert len(lines) <= height or width
        assert screen is not None
        return "\n".join(strip.text.rstrip() for strip in lines)

    def table(self, selector: str) -> Table:
        """A table of the present screen."""
        return self.app.screen.query_one(selector, Table)

    async def click(self, selector: str | type[Widget], **where: Any) -> None:
        """Click a widget."""
        await self.pilot.click(selector, **where)
        await self.pilot.pause()


def make_app(
    session: DoubleSession | Callable[[Environment], ConsoleSession] | None = None,
    *,
    start: str = "production",
    clock: Clock | None = None,
    **settings: Any,
) -> tuple[ConsoleApp, list[DoubleSession]]:
    """A console over one session (for every environment), or over what a function opens."""
    opened: list[DoubleSession] = []
    clock = clock or (session.clock if isinstance(session, DoubleSession) else Clock())

    def open_session(environment: Environment) -> ConsoleSession:
        if callable(session):
            found = session(environment)
        elif session is not None and not opened:
            session.environment = environment
            found = session
        else:
            found = DoubleSession(environment, clock=clock).live()
        assert isinstance(found, DoubleSession)
        opened.append(found)
        return found

    app = ConsoleApp((PRODUCTION, STAGING, DEMO), open_session, start=start, clock=clock, **settings)
    app.animation_level = "none"
    return app, opened


@asynccontextmanager
async def console(
    session: DoubleSession | Callable[[Environment], ConsoleSession] | None = None,
    *,
    size: tuple[int, int] = (120, 40),
    pane: str = "overview",
    **settings: Any,
) -> AsyncIterator[Stage]:
    """A running console, at a pane."""
    app, opened = make_app(session, **settings)
    async with app.run_test(size=size, notifications=True) as pilot:
        stage = Stage(app, pilot, opened)
        await stage.until(lambda: app.current_mode == "overview", "the overview opens")
        if pane != "overview":
            await stage.press({"containers": "2", "logs": "3"}[pane])
            await stage.until(lambda: app.current_mode == pane, f"{pane} opens")
        await stage.until(lambda: opened and opened[-1].started)
        await pilot.pause()
        yield stage
