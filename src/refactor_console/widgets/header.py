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
    short: str = ""
    """The title where there is little room; the whole one when empty."""


@dataclass(frozen=True, slots=True)
class TabStyle:
    """How much of the tabs is written; the one that is looked at is always written whole."""

    words: str
    """``title``, ``short`` or ``key``."""
    before: int
    """Cells in front of each; behind each there is one."""

    def written(self, tab: Tab, *, current: bool) -> str:
        """What follows the key."""
        if current or self.words == "title":
            return f" {tab.title}"
        return f" {tab.short or tab.title}" if self.words == "short" else ""

    def width(self, tabs: Sequence[Tab], current: str) -> int:
        """Cells for all of them."""
        words = (tab.key + self.written(tab, current=tab.mode == current) for tab in tabs)
        return sum(len(word) + self.before + 1 for word in words)


STYLES = (
    TabStyle("title", 1),
    TabStyle("title", 0),
    TabStyle("short", 1),
    TabStyle("short", 0),
    TabStyle("key", 1),
    TabStyle("key", 0),
)
"""The roomiest first."""


def style_for(tabs: Sequence[Tab], current: str, room: int) -> TabStyle:
    """The roomiest style that fits; the tightest when none does."""
    return next((style for style in STYLES if style.width(tabs, current) <= room), STYLES[-1])


class _TabLabel(Static):
    """One pane's name with its key; a click goes there."""

    ALLOW_SELECT = False

    def __init__(self, tab: Tab, *, current: bool) -> None:
        super().__init__("", markup=False, classes="-current" if current else "")
        self._tab = tab
        self._is_current = current
        self._style: TabStyle | None = None
        self.tooltip = tab.title

    def write(self, style: TabStyle) -> None:
        """Write the tab so."""
        if style != self._style:
            self._style = style
            words = style.written(self._tab, current=self._is_current)
            key = (self._tab.key, "" if self._is_current else "$accent")
            self.update(Content.assemble(" " * style.before, key, words, " "))

    async def on_click(self, event: Click) -> None:
        """Go to the pane."""
        event.stop()
        await self.run_action(f"app.show_pane({self._tab.mode!r})")


WIDE = 100
"""From this width on there is room for more words."""
NARROW_NAME, WIDE_NAME = 14, 40
"""Cells for an environment's name."""
READ_ONLY = "READ-ONLY"
LINK_LEAST = 15
"""Cells that the connection's state has at least, whatever it is."""


class LinkBadge(FeedBadge):
    """The SSH connection's state; live, it names the host and the round trip, as far as there is room."""

    room: int = 0
    """Cells there are."""

    def words(self, reading: Reading[Any], now: datetime) -> Content:
        """The state, and for a live connection its host and round trip; less where there is no room for it."""
        identity = reading.value
        shortest = Content.assemble((present.PHASES[reading.phase], present.PHASE_STYLES[reading.phase]))
        if reading.phase is Phase.LIVE and isinstance(identity, HostIdentity):
            trip = identity.round_trip
            time = "" if trip is None else f" {trip.total_seconds() * 1000:.0f} ms"
            name = Content.assemble(("● ", "$ok"), (visible(identity.hostname) or "connected", ""))
            forms = [Content.assemble(name, (time, "$muted")), name]
        else:
            forms = [present.badge(reading, now)]
        return next((form for form in forms if form.cell_length <= self.room), shortest)


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
            yield Static(READ_ONLY, markup=False, id="read-only")
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

    def on_mount(self) -> None:
        """Write the tabs."""
        self._share_room()

    def on_resize(self) -> None:
        """Give everything the room there is."""
        self._share_room()

    def _share_room(self) -> None:
        """The name comes first, then the tabs; the connection has what is left."""
        named = self._named()
        self.query_one("#environment", Static).update(named)
        room = self.app.size.width - named.cell_length - 2 - (len(READ_ONLY) + 2 if self._read_only else 0)
        style = style_for(self._tabs, self._current, room - LINK_LEAST)
        for label in self.query(_TabLabel):
            label.write(style)
        badge = self.query_one(LinkBadge)
        badge.room = room - style.width(self._tabs, self._current) - 2
        badge.again()

    def show_link(self, reading: Reading[HostIdentity], now: datetime) -> None:
        """Show how the connection is."""
        self.query_one(LinkBadge).show(reading, now)

    def tick(self, now: datetime) -> None:
        """Bring the connection's age up to `now`."""
        self.query_one(LinkBadge).tick(now)
