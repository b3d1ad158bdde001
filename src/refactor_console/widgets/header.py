"""The one line on top of every pane: where we are, what we may do there, which panes there are, and how the link is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.events import Click
from textual.widgets import Static

from refactor_console.domain.environment import Environment
from refactor_console.domain.reading import Phase, Reading
from refactor_console.domain.text import visible
from refactor_console.domain.vitals import HostIdentity
from refactor_console.widgets import present
from refactor_console.widgets.badge import FeedBadge


@dataclass(frozen=True, slots=True)
class Tab:
    """A pane that can be gone to."""

    mode: str
    title: str
    key: str


class _TabLabel(Static):
    """One pane's name with its key; a click goes there."""

    ALLOW_SELECT = False

    def __init__(self, tab: Tab, *, current: bool) -> None:
        content = Content.assemble((tab.key, "" if current else "$accent"), " ", tab.title)
        super().__init__(content, markup=False, classes="-current" if current else "")
        self._mode = tab.mode

    async def on_click(self, event: Click) -> None:
        """Go to the pane."""
        event.stop()
        await self.run_action(f"app.show_pane({self._mode!r})")


WIDE = 100
"""From this width on the header has room for more words."""
NARROW_NAME, WIDE_NAME = 14, 40
"""Cells for an environment's name."""


class LinkBadge(FeedBadge):
    """The SSH connection's state; live, it names the host and the round trip."""

    def words(self, reading: Reading[Any], now: datetime) -> Content:
        """The state, and for a live connection its host and round trip where there is room."""
        identity = reading.value
        if self.app.size.width < WIDE:
            return Content.assemble((present.PHASES[reading.phase], present.PHASE_STYLES[reading.phase]))
        if reading.phase is Phase.LIVE and isinstance(identity, HostIdentity):
            trip = identity.round_trip
            time = "" if trip is None else f" {trip.total_seconds() * 1000:.0f} ms"
            return Content.assemble(("● ", "$ok"), (visible(identity.hostname) or "connected", ""), (time, "$muted"))
        return present.badge(reading, now)


class ConsoleHeader(Horizontal):
    """Names the environment always: a protected one in its own colour and in a word."""

    def __init__(self, environment: Environment, tabs: Sequence[Tab], current: str, *, read_only: bool) -> None:
        super().__init__()
        self._environment = environment
        self._tabs = tabs
        self._current = current
        self._read_only = read_only

    def compose(self) -> ComposeResult:
        """Environment and its words, the panes, the connection."""
        kind = "-protected" if self._environment.protected else "-free"
        yield Static(self._named(), markup=False, id="environment", classes=kind)
        if self._read_only:
            yield Static("READ-ONLY", markup=False, id="read-only")
        for tab in self._tabs:
            yield _TabLabel(tab, current=tab.mode == self._current)
        yield LinkBadge("Connection", id="link")

    def _named(self) -> Content:
        """The environment's name, shortened before any of its words is."""
        room = NARROW_NAME if self.app.size.width < WIDE else WIDE_NAME
        words = [Content(visible(self._environment.name)).truncate(room, ellipsis=True).plain]
        if self._environment.protected:
            words.append("PROTECTED")
        if self._environment.demo:
            words.append("DEMO")
        return Content(" ".join(words))

    def on_resize(self) -> None:
        """Give the name the room there is."""
        self.query_one("#environment", Static).update(self._named())
        self.query_one(LinkBadge).again()

    def show_link(self, reading: Reading[HostIdentity], now: datetime) -> None:
        """Show how the connection is."""
        self.query_one(LinkBadge).show(reading, now)

    def tick(self, now: datetime) -> None:
        """Bring the connection's age up to `now`."""
        self.query_one(LinkBadge).tick(now)
