"""A part of a screen over one feed: a heading with the feed's state, a sentence when something is wrong, and a body.

What is not current stays visible but dimmed, with its age in the heading.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from refactor_console.domain.reading import Phase, Reading
from refactor_console.widgets import present
from refactor_console.widgets.badge import FeedBadge


class Line(Static):
    """Text that is drawn again only when it changed; never parsed as markup."""

    def __init__(self, content: Content | str = "", *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        self._current = content if isinstance(content, Content) else Content(content)
        super().__init__(self._current, markup=False, id=id, classes=classes)

    @property
    def current(self) -> Content:
        """What is shown."""
        return self._current

    def put(self, content: Content) -> None:
        """Show `content`."""
        if not content.is_same(self._current):
            same_size = content.plain.count("\n") == self._current.plain.count("\n")
            same_size = same_size and content.cell_length == self._current.cell_length
            self._current = content
            self.update(content, layout=not same_size)


class _Rule(Widget):
    """A thin line that fills the room between a heading's title and its badge."""

    def render(self) -> Content:
        """The line."""
        return Content("─" * self.size.width)


class Heading(Horizontal):
    """A title, a thin rule, and the state of a feed."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title
        self.badge = FeedBadge(title)

    def compose(self) -> ComposeResult:
        """Title, rule, badge."""
        yield Line(self._title, classes="title")
        yield _Rule()
        yield self.badge


class Pane(Vertical):
    """One feed's corner of a screen."""

    def __init__(self, title: str, *children: Widget, id: str | None = None, feed: bool = True) -> None:  # noqa: A002
        self._heading = Heading(title)
        self._notice = Line(classes="notice")
        self._notice.display = False
        self._has_feed = feed
        super().__init__(self._heading, self._notice, *children, id=id)
        self._heading.badge.display = feed

    def show(
        self, reading: Reading[Any], now: datetime, *, explained: bool = False, lack: Content | None = None
    ) -> None:
        """Show the feed's state; the body is the caller's to fill.

        Args:
            reading: the feed's newest reading.
            now: the present time.
            explained: whether the failure's cause is told elsewhere on the screen and need not be repeated here.
            lack: what the token lacks, to stand below the failure (`widgets.present_permissions.lack_line`).
        """
        self._heading.badge.show(reading, now)
        for phase in Phase:
            self.set_class(phase is reading.phase, f"-{phase.value}")
        self.set_class(not reading.is_live and reading.value is not None, "-aged")
        notice = None if explained and reading.problem is not None else present.notice(reading)
        if notice is None and reading.value is None and reading.problem is not None:
            notice = present.muted("Nothing known yet.")
        elif notice is not None and lack is not None:
            notice = present.lines((notice, lack))
        self._notice.display = notice is not None
        if notice is not None:
            self._notice.put(notice)

    def retitle(self, title: str) -> None:
        """Name the pane anew."""
        self._heading.query_one(".title", Line).put(Content(title))

    def tick(self, now: datetime) -> None:
        """Bring the heading's age or countdown up to `now`."""
        if self._has_feed:
            self._heading.badge.tick(now)
