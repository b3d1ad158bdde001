"""Where the reader of a tail is: following the end, or standing still somewhere. No widget; the view draws it.

Paused, the page is a fixed list of rows that nothing but the reader's own moves changes, whatever is merged or let go
meanwhile; what came since is counted.
"""

from __future__ import annotations

from dataclasses import replace

from refactor_console.domain.logindex import LogIndex, LogLens
from refactor_console.domain.logstore import Entry
from refactor_console.domain.timeline import Timeline
from refactor_console.widgets.log_page import Pager, Place, place_of
from refactor_console.widgets.log_rows import TEXT_LIMIT, Look, Row, cells, drawable


class Tail:
    """A page of rows over a lens, and the ways to move it."""

    def __init__(self, lens: LogLens) -> None:
        self.lens = lens
        self.pager = Pager(lens)
        self.height = 0
        """Rows there are to fill."""
        self.page: list[Row] = []
        """The rows that are seen."""
        self.following = True
        self.cursor: Place | None = None
        """The selected entry; None while none is."""
        self.range_start: Place | None = None
        """The other end of the selected entries; None when at most one is selected."""
        self.notice = ""
        """One sentence about the last move; empty when there is nothing to say."""
        self._paused_at: Place | None = None
        self._held: tuple[Place, int] | None = None
        """Where the reader was, and on which row, while a new filter is looking for what is there."""

    @property
    def timeline(self) -> Timeline:
        """What there is to read."""
        return self.lens.index.timeline

    @property
    def new_below(self) -> int:
        """How many entries came after the end as it was when the reader paused; 0 while following."""
        if self.following:
            return 0
        if self._paused_at is None:
            return len(self.timeline)
        at = self.timeline.index_of(self._paused_at.time_ns, self._paused_at.id)
        here = self.timeline.holds(self._paused_at.time_ns, self._paused_at.id)
        return len(self.timeline) - at - (1 if here else 0)

    @property
    def behind_ns(self) -> int:
        """How much older the last visible entry is than the newest one, in nanoseconds."""
        times = self.timeline.times
        return max(times[-1] - self.page[-1].time_ns, 0) if self.page and len(times) else 0

    @property
    def late(self) -> int:
        """How many entries belong between those on a page that stands still, but came later."""
        if self.following or not self.page:
            return 0
        ids = list(dict.fromkeys((row.time_ns, row.id) for row in self.page))
        between = self.timeline.index_of(*ids[-1]) - self.timeline.index_of(*ids[0])
        held = sum(self.timeline.holds(*each) for each in ids[:-1])
        return max(between - held, 0)

    @property
    def gone(self) -> int:
        """How many of the entries on a page that stands still were let go by the store meanwhile."""
        holds = self.lens.store.holds
        return 0 if self.following else len({row.id for row in self.page if not holds(row.id)})

    # -- the page

    def pause(self) -> None:
        """Stand still."""
        self._held = None
        if self.following:
            timeline = self.timeline
            self._paused_at = Place(timeline.times[-1], timeline.ids[-1]) if len(timeline) else None
            self.following = False

    def resume(self) -> None:
        """Follow the end again."""
        self._held = None
        self.cursor = self.range_start = None
        self.notice = ""
        self.following = True
        self.fill()

    def fill(self) -> None:
        """Take in the newest entries; only while following."""
        if self.following:
            self.page = self.pager.last(self.height)

    def refill(self) -> None:
        """Fill the page anew at the reader's place, because the look, the size or the filter changed."""
        if self.following or not (self.page or self._held):
            self.page = self.pager.last(self.height)
            return
        place, y = self._held or self._place_and_row()
        if y:
            self.page = self.pager.shifted(Place(place.time_ns, place.id), -min(y, self.height - 1), self.height)
        else:
            self.page = self.pager.starting_at(place, self.height)
        if self._held is None and self.cursor is not None and self.page:
            row = self.page[min(y, len(self.page) - 1)]
            if not any(each.id == self.cursor.id for each in self.page):
                self.cursor = Place(row.time_ns, row.id)

    def hold_place(self) -> None:
        """Remember where the reader is until `let_place_go`, although what is there is not known yet."""
        if not self.following and self.page:
            self._held = self._place_and_row()

    def let_place_go(self) -> None:
        """All that could be there is known: the nearest entry is selected if one was."""
        self.refill()
        self._held = None
        self.refill()

    def _place_and_row(self) -> tuple[Place, int]:
        """The selected entry, or else the first visible one, and the row where it begins."""
        if self.cursor is not None:
            y = next((y for y, row in enumerate(self.page) if row.id == self.cursor.id), self.height // 3)
            return self.cursor, y
        return place_of(self.page[0]), 0

    # -- moving

    def show(self, place: Place) -> None:
        """Select an entry and bring it into sight, moving the page only if it must."""
        self.pause()
        self.cursor = Place(place.time_ns, place.id)
        self.range_start = None
        if not any(row.id == place.id for row in self.page):
            self.page = self.pager.around(place, self.height)

    def step_in(self, index: LogIndex, step: int, nothing: str) -> bool:
        """Go to the next (1) or previous (-1) entry of an index, round the end if need be.

        Returns:
            Whether there was one; `notice` says `nothing` otherwise.
        """
        timeline = index.timeline
        count = len(timeline)
        if not count:
            self.notice = nothing if index.complete else "Still looking through older lines."
            return False
        if self.cursor is not None:
            here = self.cursor
        elif self.page:
            here = place_of(self.page[-1 if self.following or step < 0 else 0])
        else:
            here = Place(timeline.times[-1], timeline.ids[-1])
        at = timeline.index_of(here.time_ns, here.id)
        on_one = timeline.holds(here.time_ns, here.id)
        is_first_step = self.cursor is None and on_one
        found = at if is_first_step else at + (step if on_one else min(step, 0))
        self.notice = ""
        if not 0 <= found < count:
            self.notice = (
                "Past the newest: went on from the oldest."
                if found >= count
                else ("Past the oldest: went on from the newest.")
            )
            found %= count
        self.show(Place(timeline.times[found], timeline.ids[found]))
        return True

    def go_to_time(self, time_ns: int) -> bool:
        """Go to the first entry at this time or later, or the nearest; False when there is none at all."""
        timeline = self.timeline
        if not len(timeline):
            self.notice = "There is no line to go to."
            return False
        at = timeline.first_at(time_ns)
        self.notice = ""
        if at >= len(timeline):
            self.notice = "Nothing is newer than that: this is the last line."
            at = len(timeline) - 1
        elif at == 0 and timeline.times[0] > time_ns:
            self.notice = "Nothing older is held: this is the oldest line."
        self.show(Place(timeline.times[at], timeline.ids[at]))
        return True

    def move_cursor(self, step: int, *, extend: bool = False) -> None:
        """Select the entry above (-1) or below (1); extending keeps the other end."""
        self.pause()
        self.notice = ""
        start = (self.range_start or self.cursor) if extend else None
        self._step_cursor(step)
        self.range_start = (start or self.cursor) if extend else None

    def _step_cursor(self, step: int) -> None:
        entries = list(dict.fromkeys((row.time_ns, row.id) for row in self.page))
        if not entries:
            return
        here = (self.cursor.time_ns, self.cursor.id) if self.cursor else None
        if here not in entries:
            self.cursor = Place(*entries[-1 if step < 0 else 0])
        elif 0 <= entries.index(here) + step < len(entries):
            self.cursor = Place(*entries[entries.index(here) + step])
        else:
            timeline = self.timeline
            at = timeline.index_of(*here)
            at = at - 1 if step < 0 else at + timeline.holds(*here)
            if not 0 <= at < len(timeline):
                return
            self.cursor = Place(timeline.times[at], timeline.ids[at])
        self._reveal(self.cursor, step)

    def _reveal(self, place: Place, step: int) -> None:
        """Bring all rows of an entry into sight if they fit."""
        if not self.timeline.holds(place.time_ns, place.id):
            return
        at = self.timeline.index_of(place.time_ns, place.id)
        wanted = len(self.pager.rows(at))
        seen = sum(row.id == place.id for row in self.page)
        if seen >= min(wanted, self.height):
            return
        if step < 0 or wanted >= self.height:
            self.page = self.pager.starting_at(place, self.height)
        else:
            self.page = self.pager.ending_at(at, self.height)

    def scroll(self, rows: int) -> None:
        """Scroll so many rows down (or up); reaching the end by scrolling down follows again."""
        if not self.page or (rows > 0 and self.following):
            return
        self.pause()
        page = self.pager.shifted(place_of(self.page[0]), rows, self.height)
        if rows > 0 and self._is_last(page):
            self.resume()
            return
        self.page = page
        self._keep_cursor_in_sight()

    def scroll_to(self, at: int) -> None:
        """Show the entry at an index on top; near the end, follow."""
        timeline = self.timeline
        at = min(max(at, 0), len(timeline) - 1)
        if at < 0:
            return
        page = self.pager.starting_at(Place(timeline.times[at], timeline.ids[at]), self.height)
        if self._is_last(page):
            self.resume()
            return
        self.pause()
        self.page = page
        self._keep_cursor_in_sight()

    def home(self) -> None:
        """Select the oldest entry."""
        if len(self.timeline):
            self.page = self.pager.starting_at(Place(self.timeline.times[0], self.timeline.ids[0]), self.height)
            self.show(Place(self.timeline.times[0], self.timeline.ids[0]))

    def toggle_fold(self, entry_id: int) -> None:
        """Unfold or fold an entry, keeping its first visible row where it is."""
        self.pause()
        y = next((y for y, row in enumerate(self.page) if row.id == entry_id), None)
        if y is None or not self.lens.store.holds(entry_id):
            return
        self.pager.toggle(entry_id)
        place = Place(self.page[y].time_ns, entry_id)
        self.page = self.pager.shifted(place, -y, self.height)
        self._reveal(place, 1)

    def shift(self, step: int) -> None:
        """Scroll long lines sideways by half of their room."""
        look = self.pager.look
        if look.wrap:
            self.notice = "Lines are wrapped: nothing lies beyond the edge."
            return
        widest = max((self._width_of(row.id) for row in self.page), default=0) if step > 0 else 0
        most = max(widest - look.room // 2, look.shift)
        shift = min(max(look.shift + step * (look.room // 2), 0), most)
        if self.set_look(replace(look, shift=shift)):
            self.refill()

    def set_look(self, look: Look) -> bool:
        """Lay entries out like this from now on; True when that makes a difference."""
        return self.pager.set_look(look)

    def selected(self, limit: int) -> list[Entry]:
        """The selected entries in order, so many at most; the last visible one when none is selected."""
        cursor = self.cursor or (place_of(self.page[-1]) if self.page else None)
        if cursor is None:
            return []
        other = self.range_start or cursor
        timeline = self.timeline
        ends = (cursor, other) if cursor[:2] <= other[:2] else (other, cursor)
        first, last = (timeline.index_of(end.time_ns, end.id) for end in ends)
        entries = (self.lens.store.entry(entry) for entry in timeline.ids[first : min(last + 1, first + limit)])
        return [entry for entry in entries if entry is not None]

    def is_selected(self, row: Row) -> bool:
        """Whether a row belongs to the selected entries."""
        if self.cursor is None or not row.is_entry:
            return False
        here = (row.time_ns, row.id)
        first, last = sorted((self.cursor[:2], (self.range_start or self.cursor)[:2]))
        return first <= here <= last

    def _width_of(self, entry_id: int) -> int:
        entry = self.lens.store.entry(entry_id, TEXT_LIMIT)
        return 0 if entry is None or entry.mark else cells(drawable(entry.text.partition("\n")[0]))

    def _is_last(self, page: list[Row]) -> bool:
        timeline = self.timeline
        if not page or page[-1].id != timeline.ids[-1]:
            return False
        return page[-1].part == len(self.pager.rows(len(timeline) - 1)) - 1

    def _keep_cursor_in_sight(self) -> None:
        """A cursor that scrolled away stays on the edge where it left."""
        if self.cursor is None or not self.page or any(row.id == self.cursor.id for row in self.page):
            return
        above = (self.cursor.time_ns, self.cursor.id) < (self.page[0].time_ns, self.page[0].id)
        row = self.page[0 if above else -1]
        self.cursor = Place(row.time_ns, row.id)
