"""Scrolling a tail by wheel, bar and page: none of it in Textual's way, because the tail has no fixed height in rows.

Textual's scroll offset stays at zero. The bar is the last column of the rows: it counts entries, and drawing it there
costs nothing, while a scrollbar widget takes a third of every frame.
"""

from __future__ import annotations

from abc import abstractmethod

from textual import events
from textual.message import Message
from textual.scroll_view import ScrollView

from refactor_console.widgets.log_page import Place
from refactor_console.widgets.log_tail import Tail

WHEEL_ROWS = 3


class LogScroller(ScrollView):
    """A widget over a `Tail` that can be scrolled."""

    tail: Tail
    """Where the reader is."""

    @abstractmethod
    def moved(self) -> None:
        """The reader moved the tail: draw it at once."""

    def scroll_rows(self, rows: int) -> None:
        """Scroll so many rows down (or up)."""
        self.tail.scroll(rows)
        self.moved()

    def action_page(self, step: int) -> None:
        """A page back or on."""
        self.scroll_rows(step * max(self.size.height - 2, 1))

    def action_shift(self, step: int) -> None:
        """Scroll long lines sideways."""
        self.tail.shift(step)
        self.moved()

    def thumb(self) -> range:
        """The rows of the bar's thumb, in the last column; none when everything is in sight."""
        timeline, page, height = self.tail.timeline, self.tail.page, self.size.height
        total = len(timeline)
        if not total or not page or not height:
            return range(0)
        seen = len({row.id for row in page})
        if seen >= total:
            return range(0)
        size = max(1, round(height * seen / total))
        above = timeline.index_of(page[0].time_ns, page[0].id)
        at = round((height - size) * min(above / max(total - seen, 1), 1.0))
        return range(at, at + size)

    def _on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        _take(event)
        if event.shift or event.ctrl:
            self.action_shift(1)
        else:
            self.scroll_rows(WHEEL_ROWS)

    def _on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        _take(event)
        if event.shift or event.ctrl:
            self.action_shift(-1)
        else:
            self.scroll_rows(-WHEEL_ROWS)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Whoever points at a line wants it to stand still; in the last column the bar is taken hold of."""
        if event.button != 1 or not self.tail.page:
            return
        if event.x >= self.size.width - 1:
            self.screen.clear_selection()
            self.capture_mouse()
            self._drag(event.y)
        else:
            self.tail.pause()
            self.moved()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Drag the bar."""
        if self.app.mouse_captured is self:
            self._drag(event.y)

    def on_mouse_up(self) -> None:
        """Let go of the bar."""
        if self.app.mouse_captured is self:
            self.release_mouse()

    def _drag(self, y: int) -> None:
        height = max(self.size.height - 1, 1)
        self.tail.scroll_to(round(min(max(y, 0), height) / height * (len(self.tail.timeline) - 1)))
        self.moved()

    def on_click(self, event: events.Click) -> None:
        """Select the line; on a fold's marker, or a second time, unfold it."""
        if not 0 <= event.y < len(self.tail.page) or event.x >= self.size.width - 1:
            return
        row = self.tail.page[event.y]
        again = self.tail.cursor is not None and self.tail.cursor.id == row.id
        self.tail.cursor, self.tail.range_start = Place(row.time_ns, row.id), None
        if row.folds and (again or event.x >= self.tail.pager.look.width - len(row.text.rpartition(" ⋯ ")[2]) - 3):
            self.tail.toggle_fold(row.id)
        self.moved()


def _take(message: Message) -> None:
    """Handle a message here alone: neither the base class nor anything around this widget sees it."""
    message.stop()
    message.prevent_default()
