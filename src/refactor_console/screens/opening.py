"""What is shown before a session exists: which environment is being opened, or why it could not be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from textual import getters
from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer

from refactor_console.domain.environment import Environment
from refactor_console.domain.problem import Problem
from refactor_console.domain.text import visible
from refactor_console.screens.dialogs.problem import problem_content
from refactor_console.screens.shell import PANES, Shell
from refactor_console.widgets.header import ConsoleHeader, Tab
from refactor_console.widgets.pane import Line

PAINT_SECONDS = 1.0
"""How long opening waits for the frame that announces it."""


class OpeningScreen(Screen[None]):
    """The first frame, and the frame between two environments."""

    app = getters.app(Shell)

    def __init__(self, environment: Environment, ready: Callable[[], None], *, read_only: bool) -> None:
        super().__init__()
        self._ready = ready
        self._environment = environment
        self._read_only = read_only

    def compose(self) -> ComposeResult:
        """The same frame as a pane's, so that nothing jumps when it gives way."""
        tabs = [Tab(pane.mode, pane.title, self.app.key_of(pane.binding, pane.key), pane.short) for pane in PANES]
        yield ConsoleHeader(self._environment, tabs, "", read_only=self._read_only)
        with Container(id="body"):
            yield Line(self._opening(), id="opening")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Tell that the frame is there."""
        self.call_after_refresh(self._ready)

    def _opening(self) -> Content:
        name = visible(self._environment.name)
        where = f" ({visible(str(self._environment.ssh))})" if self._environment.ssh.host else ""
        return Content.assemble(("◐ ", "$working"), f"Opening {name}{where}…")

    async def show_environment(self, environment: Environment) -> None:
        """Name an environment; returns when that has been painted."""
        if environment is not self._environment:
            self._environment = environment
            await self.recompose()
        self.query_one("#opening", Line).put(self._opening())
        painted = asyncio.Event()
        self.query_one(ConsoleHeader).call_after_refresh(self.call_after_refresh, painted.set)
        with suppress(TimeoutError):  # a terminal that is never painted must not keep the session from opening
            await asyncio.wait_for(painted.wait(), PAINT_SECONDS)

    def show_problem(self, problem: Problem) -> None:
        """Say why it could not be opened, and what can be done."""
        again = Content.assemble(("r tries again, e opens another environment.", "$muted"))
        self.query_one("#opening", Line).put(Content("\n\n").join([problem_content(problem), again]))
