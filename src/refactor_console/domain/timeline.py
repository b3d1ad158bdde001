"""A merged order of entries by time: two parallel arrays, nothing else.

The order is total: by time, then by id. Ids of one source grow, so lines of one source with the same time stay in the
source's own order.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Container, Sequence


class Timeline:
    """Ids in the order of their times. Appending at the end is cheap; entries that come late go where they belong."""

    __slots__ = ("ids", "times")

    def __init__(self) -> None:
        self.times = array("q")
        self.ids = array("q")

    def __len__(self) -> int:
        return len(self.ids)

    def merge(self, times: Sequence[int], ids: Sequence[int]) -> None:
        """Take in new entries, given in their order (by time, then id), none of which is here already."""
        if not ids:
            return
        mine, here = self.times, self.ids
        if not here or (times[0], ids[0]) > (mine[-1], here[-1]):
            mine.extend(array("q", times))
            here.extend(array("q", ids))
            return
        first = self.index_of(times[0], ids[0])
        late_times, late_ids = array("q"), array("q")
        done = first
        for time, entry in zip(times, ids, strict=True):
            here_at = self.index_of(time, entry, done)
            if here_at > done:
                late_times.extend(mine[done:here_at])
                late_ids.extend(here[done:here_at])
                done = here_at
            late_times.append(time)
            late_ids.append(entry)
        late_times.extend(mine[done:])
        late_ids.extend(here[done:])
        mine[first:] = late_times
        here[first:] = late_ids

    def index_of(self, time: int, entry: int, start: int = 0) -> int:
        """Where this entry stands or would stand: the number of entries before it."""
        low = bisect_left(self.times, time, start)
        if low == len(self.times) or self.times[low] != time:
            return low
        return bisect_left(self.ids, entry, low, bisect_right(self.times, time, low))

    def holds(self, time: int, entry: int) -> bool:
        """Whether the entry is here."""
        at = self.index_of(time, entry)
        return at < len(self.ids) and self.ids[at] == entry

    def first_at(self, time: int) -> int:
        """The index of the first entry at `time` or later; the length when there is none."""
        return bisect_left(self.times, time)

    def discard(self, until: int, shift: int, alive: Container[int]) -> None:
        """Let go of the entries up to and including the time `until` whose id, shifted right, is not among `alive`."""
        stop = bisect_right(self.times, until)
        kept = [at for at, entry in enumerate(self.ids[:stop]) if entry >> shift in alive]
        if len(kept) < stop:
            self.times[:stop] = array("q", [self.times[at] for at in kept])
            self.ids[:stop] = array("q", [self.ids[at] for at in kept])
