"""The tail itself: draws only the rows that are seen, follows the end, and stands still while a person reads.

The book tells of news at most 20 times a second, and only then, or after a key, anything is drawn.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from time import perf_counter
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import BindingType
from textual.color import Color
from textual.geometry import Region
from textual.message import Message
from textual.reactive import var
from textual.selection import Selection
from textual.strip import Strip

from refactor_console.domain.logfilter import LogFilter, Term
from refactor_console.domain.logindex import LogLens
from refactor_console.domain.logstore import Entry
from refactor_console.domain.logtime import Zone
from refactor_console.services.feed import Unsubscribe
from refactor_console.services.log_book import LogBook
from refactor_console.widgets.log_keys import KEYS
from refactor_console.widgets.log_palette import COMPONENTS, STYLES, make_palette
from refactor_console.widgets.log_rows import Look, Palette, Row, cells, drawable, fit, highlighted
from refactor_console.widgets.log_scroll import LogScroller
from refactor_console.widgets.log_tail import Tail

SLICE_SECONDS = 0.004
"""How long older lines are looked through before keys and repaints get their turn."""
REPAINT_SECONDS = 0.1
"""How often the page is filled anew while a filter is looking through older lines."""
NARROW = 100
"""Below this width the sources' names get less room."""


class LogView(LogScroller, can_focus=True, inherit_bindings=False):
    """A tail of a log book through a filter."""

    ALLOW_SELECT = True
    BINDING_GROUP_TITLE = "Log lines"
    BINDINGS: ClassVar[list[BindingType]] = list(KEYS)
    COMPONENT_CLASSES: ClassVar[set[str]] = set(COMPONENTS)
    DEFAULT_CSS = f"""
    LogView {{
        overflow-x: hidden;
        overflow-y: hidden;
        background: $background;
        color: $foreground;
        {STYLES}
    }}
    """

    wrap: var[bool] = var(False)
    """Whether long lines take several rows."""
    waiting: var[str] = var("Waiting for the first line.")
    """What an empty view says while nothing is held."""
    zone: var[Zone] = var(Zone.LOCAL)
    """In which zone times are shown."""

    @dataclass
    class Changed(Message):
        """Something that a status line shows may have changed."""

        view: LogView

        def can_replace(self, message: Message) -> bool:
            """Only the newest counts."""
            return isinstance(message, LogView.Changed)

        @property
        def control(self) -> LogView:
            """The view."""
            return self.view

    def __init__(self, book: LogBook, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self.book = book
        self.lens = LogLens(book.store)
        self.tail = Tail(self.lens)
        self._drawn: list[tuple[object, ...]] = []
        self._thumb = range(0)
        self._palette: Palette | None = None
        self._background: Color | None = None
        self._unsubscribe: Unsubscribe | None = None

    # -- what others may ask and tell

    @property
    def following(self) -> bool:
        """Whether the newest line is kept in sight."""
        return self.tail.following

    @property
    def page(self) -> list[Row]:
        """The rows that are seen."""
        return self.tail.page

    def pause(self) -> None:
        """Stand still."""
        self.tail.pause()
        self.moved()

    def resume(self) -> None:
        """Follow the end again."""
        self.tail.resume()
        self.moved()

    def choose(self, wanted: LogFilter) -> None:
        """Show what passes this filter, keeping the reader's place."""
        if wanted != self.lens.filter:
            self.tail.hold_place()
            place = self.tail.cursor or (self.page[0] if self.page else None)
            self.lens.choose(wanted, None if self.following or place is None else place.time_ns)
            self.restyle()
            self._start_scan()
            if self.lens.complete:
                self.tail.let_place_go()
                self.moved()

    def search(self, wanted: tuple[Term, ...]) -> None:
        """Make these words stand out, and count them; `next_hit` goes to them."""
        if wanted != self.lens.wanted:
            self.lens.search(wanted)
            self.restyle()
            self._start_scan()

    def next_hit(self, step: int) -> bool:
        """Go to the next (1) or previous (-1) hit of the search, round the end if need be."""
        hits = self.lens.hits
        found = hits is not None and self.tail.step_in(hits, step, "No line holds what you look for.")
        self.moved()
        return found

    def next_error(self, step: int) -> bool:
        """Go to the next (1) or previous (-1) line of level ERROR or worse."""
        found = self.tail.step_in(self.lens.errors, step, "No error is held.")
        self.moved()
        return found

    def go_to_time(self, time_ns: int) -> bool:
        """Go to the first line at this time or later; False when there is none at all."""
        found = self.tail.go_to_time(time_ns)
        self.moved()
        return found

    def selected(self, limit: int = 10_000) -> list[Entry]:
        """The selected lines in order; the last visible line when none is selected."""
        return self.tail.selected(limit)

    def catch_up(self) -> None:
        """Bring the view up to date after it was out of sight."""
        self.lens.update()
        self.tail.fill()
        self._show()

    async def scanned(self) -> None:
        """Wait until everything held has been looked at."""
        while not self.lens.complete:  # noqa: ASYNC110 - the scan has no event, it yields after each slice
            await asyncio.sleep(0.01)

    # -- life

    def on_mount(self) -> None:
        """Begin to listen to the book."""
        self._unsubscribe = self.book.subscribe(self._news)
        self._start_scan()

    def on_unmount(self) -> None:
        """Stop listening."""
        if self._unsubscribe is not None:
            self._unsubscribe()

    def on_resize(self) -> None:
        """Fit the rows to the new size; the reader's place stays."""
        self.restyle()

    def notify_style_update(self) -> None:
        """The theme may have changed."""
        super().notify_style_update()
        self._palette = self._background = None
        if self.is_attached and self.size:
            self.call_after_refresh(self.restyle)

    def watch_wrap(self) -> None:
        """Lay the lines out anew."""
        self.restyle()

    def watch_waiting(self) -> None:
        """Say it."""
        self._show()

    def watch_zone(self) -> None:
        """Write the times anew."""
        self.restyle()

    def restyle(self) -> None:
        """Take over everything that decides how rows look (sources and their names among it)."""
        if not self.is_attached or not self.size:
            return
        self.tail.height = self.size.height
        self.tail.set_look(self._look())
        self.tail.refill()
        self._show()

    def _look(self) -> Look:
        keys = dict.fromkeys([source.key for source in self.book.sources()] + list(self.book.store.tallies))
        labels = {key: self.book.label(key) for key in keys}
        shown = [key for key in labels if self.lens.filter.shows(key)]
        widest = max((cells(drawable(labels[key])) for key in shown), default=0)
        alone = len(shown) <= 1 < len(labels)
        width = self.size.width
        return Look(
            width=max(width - 1, 1),
            zone=self.zone,
            wrap=self.wrap,
            shift=0 if self.wrap else self.tail.pager.look.shift,
            label_width=0 if alone else min(widest, 8 if width < NARROW else 16),
            labels=labels,
            numbers={key: number for number, key in enumerate(labels)},
            highlights=self.lens.highlights,
            finding=bool(self.lens.wanted),
            palette=self._colours,
        )

    @property
    def _colours(self) -> Palette:
        if self._palette is None:
            self._palette = make_palette(self.rich_style, self._part, self.get_component_styles("log--source").color)
        return self._palette

    def _part(self, name: str) -> Style:
        style = self.get_component_rich_style(f"log--{name}", partial=True)
        return Style(color=style.color, bold=style.bold, reverse=style.reverse)

    @property
    def _is_seen(self) -> bool:
        return self.is_attached and self.screen in self.app.screen_stack

    def _news(self) -> None:
        """The book has news: at most 20 times a second."""
        self.lens.update()
        if self._is_seen:
            self.tail.fill()
            self._show()

    def moved(self) -> None:
        """The reader did something: draw it now, not at the next tick of Textual's 60 Hz timer."""
        self._show()
        if self._is_seen:
            self._check_refresh()
            self.screen.call_later(self.screen._on_timer_update)

    def _show(self) -> None:
        """Have those rows drawn that differ from what is on the screen, and no other."""
        if not self.is_attached:
            return
        states = self._states()
        before, self._drawn = self._drawn, states
        if self.text_selection is not None and [state[0] for state in states] != [state[0] for state in before]:
            self.screen.clear_selection()
        if len(states) != len(before):
            self.refresh()
        else:
            regions = [Region(0, y, self.size.width, 1) for y, state in enumerate(states) if state != before[y]]
            if len(regions) > len(states) // 2:
                self.refresh()
            elif regions:
                self.refresh(*regions)
        self.screen.post_message(self.Changed(self))  # straight there: on its way up nobody else listens

    def _states(self) -> list[tuple[object, ...]]:
        """All that decides how each row looks; rows are laid out once and kept, so comparing them costs nothing."""
        tail, height = self.tail, self.size.height
        thumb = self._thumb = self.thumb()
        states: list[tuple[object, ...]] = [
            (row, tail.is_selected(row), tail.cursor is not None and row.id == tail.cursor.id, y in thumb)
            for y, row in enumerate(tail.page)
        ]
        empty = self._why_empty() if not self.lens.index.lines else ""
        return states + [(empty, y in thumb) for y in range(len(states), height)]

    def _start_scan(self) -> None:
        if self.is_attached and not self.lens.complete:
            self.run_worker(
                self._scan(),
                exclusive=True,
                group="log-scan",
                exit_on_error=False,
                description="look through older lines",
            )

    async def _scan(self) -> None:
        """Look through older lines in slices, showing what was found so far."""
        shown = perf_counter()
        while not self.lens.complete:
            until = perf_counter() + SLICE_SECONDS
            while not self.lens.scan() and perf_counter() < until:
                pass
            if perf_counter() - shown > REPAINT_SECONDS:
                shown = perf_counter()
                self.tail.refill()
                self._show()
            await asyncio.sleep(0)
        self.tail.let_place_go()
        self._show()

    # -- keys

    def action_cursor(self, step: int) -> None:
        """Select the line above or below, and pause."""
        self.tail.move_cursor(step)
        self.moved()

    def action_extend(self, step: int) -> None:
        """Select more lines."""
        self.tail.move_cursor(step, extend=True)
        self.moved()

    def action_home(self) -> None:
        """To the oldest line."""
        self.tail.home()
        self.moved()

    def action_end(self) -> None:
        """To the newest line, following."""
        self.resume()

    def action_fold(self) -> None:
        """Unfold or fold the selected line."""
        if self.tail.cursor is None:
            self.tail.move_cursor(-1)
        if self.tail.cursor is not None:
            self.tail.toggle_fold(self.tail.cursor.id)
        self.moved()

    # -- drawing

    def render_lines(self, crop: Region) -> list[Strip]:
        """While following, rows as they were laid out: one that only moved is neither made nor coloured anew.

        Textual's own way adds borders, padding and tint, of which a tail has none, and forgets a row that moves; but it
        remembers rows that stand still.
        """
        if self.mouse_hover or not self.tail.following:
            return super().render_lines(crop)
        if self._background is None:
            self._background = self.background_colors[1]
        strips = [self.render_line(y) for y in crop.line_range]
        for line_filter in self.get_line_filters():
            strips = [strip.apply_filter(line_filter, self._background) for strip in strips]
        if crop.column_span != (0, self.size.width):
            strips = [strip.crop(*crop.column_span) for strip in strips]
        return strips

    def render_line(self, y: int) -> Strip:
        """One row of the page."""
        width = self.size.width
        tail = self.tail
        if y >= len(tail.page):
            return self._render_rest(y, width)
        row = tail.page[y]
        has_thumb = y in self._thumb
        if tail.following and not self.mouse_hover and not has_thumb:
            return row.strip.crop(0, width)
        strip = row.strip.crop(0, row.strip.cell_length - 1)
        if tail.cursor is not None and tail.is_selected(row):
            here = row.id == tail.cursor.id
            style = self.get_component_rich_style("log--cursor" if here else "log--range", partial=True)
            rest = Segment.apply_style(strip.crop(1, strip.cell_length), post_style=style)
            strip = Strip([Segment("▌" if here else "│", self._colours.base + style), *rest], strip.cell_length)
        selection = self.text_selection
        span = selection.get_span(y) if selection is not None else None
        if span is not None:
            strip = highlighted(strip, span, self.screen.get_component_rich_style("screen--selection"))
        strip = strip.apply_offsets(0, y)
        bar = Segment("┃" if has_thumb else " ", self._colours.rule)
        return Strip([*strip, bar], strip.cell_length + 1).crop(0, width)

    def _render_rest(self, y: int, width: int) -> Strip:
        """Below the last row: nothing, or one honest sentence where no line is."""
        palette = self._colours
        middle = len(self.tail.page) + 1 if self.tail.page else max((self.size.height - 1) // 3, 0)
        words = drawable(self._why_empty()) if y == middle and not self.lens.index.lines else ""
        pad = max((width - cells(words)) // 2, 0)
        return Strip([Segment(fit(" " * pad + words, width), palette.time)], width).crop(0, width)

    def _why_empty(self) -> str:
        store = self.book.store
        if not store.lines:
            return self.waiting
        if not self.lens.index.complete:
            return f"Looking through {store.lines:,} lines…"
        return f"No line matches the filter ({store.lines:,} lines held)."

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text, as it is on the screen."""
        pieces = [(row.text, selection.get_span(y)) for y, row in enumerate(self.tail.page)]
        return "\n".join(text[span[0] : span[1] if span[1] >= 0 else None] for text, span in pieces if span), "\n"

    def selection_updated(self, selection: Selection | None) -> None:  # noqa: ARG002 - the signature is Textual's
        """Draw the selection."""
        self.refresh()
