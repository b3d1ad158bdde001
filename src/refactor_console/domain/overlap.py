"""Resuming a log that has no cursor: nothing lost, nothing twice.

The Engine can only be asked for lines *since a time*, that time included. Lines of one container are written by two
copiers (stdout, stderr), so their times may be slightly out of order, many lines may share one time, and equal lines
may come again and again. Therefore:

- everything delivered within a window before the newest line is remembered, as a multiset of (time, stream, text);
- after a cut the log is asked for again from the window's beginning;
- of what comes then, each remembered line is dropped as often as it was delivered, and everything else is new.

This holds as long as no line is written later than `WINDOW_NS` after a line with a higher time. Memory is bounded:
under a flood the window is narrowed to the newest `LIMIT` lines, never splitting the lines of one instant.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable

from refactor_console.domain.logs import LogLine

WINDOW_NS = 1_000_000_000
LIMIT = 20_000

_Key = tuple[int, int]


class Overlap:
    """What was delivered of one container's log lately."""

    def __init__(self, window_ns: int = WINDOW_NS, limit: int = LIMIT) -> None:
        self._window_ns = window_ns
        self._limit = self._bound = limit
        self._recent: deque[_Key] = deque()
        self._repeated: Counter[_Key] = Counter()
        self._resumed_at = 0
        self._awaiting_first = False
        self._newest: int | None = None
        self._floor = 0
        self.stepped_back = False
        """Whether the host's clock went back by more than the window: then lines may come twice, but none is lost."""
        self.gap = False
        """Whether the resumed log began after what was remembered: the lines between were rotated away."""

    @property
    def newest_ns(self) -> int | None:
        """The highest time delivered; None while there was no line."""
        return self._newest

    def since(self) -> int | None:
        """From which time to ask again; None when nothing was delivered yet."""
        if self._newest is None:
            return None
        return max(self._newest - self._window_ns, self._floor, 0)

    def resume(self) -> None:
        """A new stream begins, asked from `since()`: the remembered lines are expected once more."""
        since = self.since()
        if since is None:
            return
        self._repeated = Counter(key for key in self._recent if key[0] >= since)
        self._resumed_at = self._newest or 0
        self._awaiting_first = bool(self._repeated)
        self.gap = False

    def forget(self) -> None:
        """Another container's log begins: its lines are all new."""
        self._recent.clear()
        self._repeated.clear()
        self._newest = None
        self._floor = 0
        self._awaiting_first = False
        self.stepped_back = self.gap = False

    def fresh(self, lines: Iterable[LogLine]) -> list[LogLine]:
        """Those of the lines that were not delivered before; they count as delivered from now on."""
        new: list[LogLine] = []
        for line in lines:
            key = (line.time_ns, hash((line.origin, line.message)))
            if self._repeated:
                count = self._repeated.get(key, 0)
                if count:
                    self._awaiting_first = False
                    if count == 1:
                        del self._repeated[key]
                    else:
                        self._repeated[key] = count - 1
                    continue
                if self._awaiting_first and line.time_ns > self._resumed_at:
                    self._awaiting_first = False
                    self.gap = True
                if line.time_ns > self._resumed_at + self._window_ns:
                    self._repeated.clear()  # what has not come again by now was rotated away
            new.append(line)
            self._remember(key)
        return new

    def _remember(self, key: _Key) -> None:
        time_ns = key[0]
        if self._newest is not None and time_ns < self._newest - self._window_ns:
            self.stepped_back = True
            self._newest = time_ns
            self._floor = 0
            self._recent.clear()
        elif self._newest is None or time_ns > self._newest:
            self._newest = time_ns
        self._recent.append(key)
        horizon = self._newest - self._window_ns
        while self._recent and self._recent[0][0] < horizon:
            self._recent.popleft()
        if len(self._recent) > self._bound:
            self._narrow()
            self._bound = max(self._limit, 2 * len(self._recent))

    def _narrow(self) -> None:
        """Forget the oldest half by time, whole instants only, and never the newest instant."""
        times = sorted(key[0] for key in self._recent)
        cut_at = times[len(times) // 2]
        if cut_at == times[-1]:
            below = [time for time in times if time < cut_at]
            if not below:
                return  # one single instant: there is nothing that could be told apart by time
            cut_at = below[-1]
        self._recent = deque(key for key in self._recent if key[0] > cut_at)
        self._floor = max(self._floor, cut_at + 1)
