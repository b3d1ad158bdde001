"""Scrolling a tail by wheel, bar and page: none of it in Textual's way, because the tail has no fixed height in rows.

Textual's scroll offset stays at zero; the bar is moved by hand and counts entries.
"""

from __future__ import annotations

from abc import abstractmethod

from textual import events
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollDown, ScrollTo, ScrollUp

from refactor_console.widgets.log_page import Place
from refactor_console.widgets.log_tail import Tail

WHEEL_ROWS = 3


class LogScroller(ScrollView):
    """A widget over a `Tail` that can be scrolled."""

    tail: Tail
    """Where the reader is."""

    @abstractmethod
    def moved(self, *, drawn: bool = True) -> None:
        """The tail was moved: draw it."""

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

    def move_scrollbar(self) -> None:
        """The bar counts entries, not rows: rows are only known where they are seen."""
        timeline, page = self.tail.timeline, self.tail.page
        if not len(timeline) or not page or not self.show_vertical_scrollbar:
            return
        seen = len({row.id for row in page})
        bar = self.vertical_scrollbar
        bar.window_virtual_size = len(timeline)
        bar.window_size = min(seen, len(timeline))
        bar.position = timeline.index_of(page[0].time_ns, page[0].id)

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

    def _on_scroll_up(self, event: ScrollUp) -> None:
        _take(event)
        self.action_page(-1)

    def _on_scroll_down(self, event: ScrollDown) -> None:
        _take(event)
        self.action_page(1)

    def _on_scroll_to(self, message: ScrollTo) -> None:
        """The bar was dragged."""
        _take(message)
        if message.y is not None:
            self.tail.scroll_to(round(message.y))
            self.moved()

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Whoever points at a line wants it to stand still."""
        if event.button == 1 and self.tail.page:
            self.tail.pause()
            self.moved()

    def on_click(self, event: events.Click) -> None:
        """Select the line; on a fold's marker, or a second time, unfold it."""
        if not 0 <= event.y < len(self.tail.page):
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
