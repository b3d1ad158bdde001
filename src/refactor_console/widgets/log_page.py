"""Pages of log rows: which rows of which entries fill the screen from a given place. Positions are ids, never numbers.

Only what is looked at is laid out, so that a page costs the same whether a thousand lines are held or a million.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from textual.cache import LRUCache

from refactor_console.domain.logindex import LogLens
from refactor_console.domain.logtime import day
from refactor_console.domain.timeline import Timeline
from refactor_console.widgets.log_rows import TEXT_LIMIT, Look, Row, lay_out

_CACHED_ENTRIES = 2_048
_QUARTER = 15 * 60 * 1_000_000_000
"""Every zone's midnight falls on a quarter of an hour, so one look-up tells the day of all its lines."""


class Place(NamedTuple):
    """A row, named so that it stays the same while entries come and go around it."""

    time_ns: int
    id: int
    part: int = 0


def place_of(row: Row) -> Place:
    """The place of a row."""
    return Place(row.time_ns, row.id, row.part)


class Pager:
    """Lays out entries and fills pages with them."""

    def __init__(self, lens: LogLens) -> None:
        self.lens = lens
        self.look = Look(width=80)
        self.unfolded: set[int] = set()
        self._rows: LRUCache[tuple[int, bool], tuple[Row, ...]] = LRUCache(_CACHED_ENTRIES)
        self._days: LRUCache[int, date] = LRUCache(512)

    @property
    def timeline(self) -> Timeline:
        """What there is to page through."""
        return self.lens.index.timeline

    def set_look(self, look: Look) -> bool:
        """Lay entries out like this from now on; True when that makes a difference."""
        if look == self.look:
            return False
        if look.zone is not self.look.zone:
            self._days.clear()
        self.look = look
        self._rows.clear()
        return True

    def toggle(self, entry_id: int) -> None:
        """Fold or unfold an entry."""
        self.unfolded ^= {entry_id}
        self._rows.discard((entry_id, True))
        self._rows.discard((entry_id, False))
        self.unfolded = {each for each in self.unfolded if self.lens.store.holds(each)}

    def rows(self, at: int) -> tuple[Row, ...]:
        """The rows of the entry at an index of the timeline."""
        timeline = self.timeline
        entry_id = timeline.ids[at]
        dated = at == 0 or self._day(timeline.times[at]) != self._day(timeline.times[at - 1])
        cached = self._rows.get((entry_id, dated))
        if cached is not None:
            return cached
        store = self.lens.store
        unfolded = entry_id in self.unfolded
        look = self.look
        limit = TEXT_LIMIT if unfolded or look.wrap else 4 * (look.shift + look.room) + 1024
        entry = store.entry(entry_id, limit)
        if entry is None:
            return ()
        rows = lay_out(entry, look, dated=dated, unfolded=unfolded, line_breaks=store.line_breaks(entry_id))
        self._rows[(entry_id, dated)] = rows
        return rows

    def ending_at(self, at: int, height: int) -> list[Row]:
        """The page whose last row is the last one of the entry at this index (the first page when that is shorter)."""
        rows: list[Row] = []
        first = min(at, len(self.timeline) - 1) + 1
        while first > 0 and len(rows) < height:
            first -= 1
            rows[:0] = self.rows(first)
        if len(rows) < height:
            return self._from(0, 0, height)
        return rows[len(rows) - height :]

    def last(self, height: int) -> list[Row]:
        """The page at the end."""
        return self.ending_at(len(self.timeline) - 1, height)

    def starting_at(self, place: Place, height: int) -> list[Row]:
        """The page whose first row is here, or the last page when too little follows. An entry that is gone is replaced
        by the next one."""
        at = self.timeline.index_of(place.time_ns, place.id)
        here = at < len(self.timeline) and self.timeline.ids[at] == place.id
        rows = self._from(at, place.part if here else 0, height)
        return rows if len(rows) >= height else self.last(height)

    def around(self, place: Place, height: int) -> list[Row]:
        """The page that shows this entry a third of the way down."""
        return self.shifted(Place(place.time_ns, place.id), -(height // 3), height)

    def shifted(self, top: Place, rows: int, height: int) -> list[Row]:
        """The page so many rows below (or above) the one that begins at `top`."""
        at = self.timeline.index_of(top.time_ns, top.id)
        if at >= len(self.timeline):
            return self.last(height)
        part = (top.part if self.timeline.ids[at] == top.id else 0) + rows
        while part < 0 and at > 0:
            at -= 1
            part += len(self.rows(at))
        while at < len(self.timeline) - 1 and part >= len(self.rows(at)):
            part -= len(self.rows(at))
            at += 1
        page = self._from(at, max(part, 0), height)
        return page if len(page) >= height else self.last(height)

    def _from(self, at: int, part: int, height: int) -> list[Row]:
        rows: list[Row] = []
        while at < len(self.timeline) and len(rows) < height:
            rows.extend(self.rows(at)[part:])
            part = 0
            at += 1
        return rows[:height]

    def _day(self, time_ns: int) -> date:
        quarter = time_ns // _QUARTER
        known = self._days.get(quarter)
        if known is None:
            known = self._days[quarter] = day(time_ns, self.look.zone)
        return known
