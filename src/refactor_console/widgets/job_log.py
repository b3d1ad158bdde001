"""A job's log as a book of its own, to be read in the same view as every other log, with GitHub's groups folded.

A folded group is one entry: its title, and its lines as further lines of the same message, which the view folds and
unfolds. A group that holds an error is never folded: its lines are entries, so that going from error to error stops
at the very line.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from refactor_console.domain.joblog import ENDGROUP, Group, first_error, fold, kind_of, span_of, text_of
from refactor_console.domain.logs import Level, LogBatch, LogLine, SourceKind, SourceProgress
from refactor_console.domain.runs import Step
from refactor_console.services.feed import Clock, Feed, Unsubscribe
from refactor_console.services.log_book import LogBook
from refactor_console.services.session import LogSource
from refactor_console.widgets.log_page import Place
from refactor_console.widgets.log_view import LogView

SOURCE = "job"
SLICE = 4_000
"""Lines put into the book before keys and repaints get their turn."""
MOST_BYTES = 512 * 1024 * 1024
_LEAST_FOLDED = 1


@dataclass(frozen=True, slots=True)
class Laid:
    """A log as entries of a view."""

    lines: tuple[LogLine, ...]
    places: tuple[int, ...]
    """For every line as it came, the entry that shows it."""
    groups: int
    """How many groups there are."""


def lay(lines: Sequence[LogLine], *, folded: bool) -> Laid:
    """Commands become levels and signs; groups are folded or not."""
    made: list[LogLine] = []
    places: list[int] = []
    groups = fold(lines)
    for group, start, stop in _parts(groups, len(lines)):
        inside = lines[start:stop]
        if group is None:
            made += [_shown(line) for line in inside]
            places += range(len(made) - len(inside), len(made))
            continue
        body = [line for line in inside[1:] if kind_of(line.message) != ENDGROUP]
        worst = max((line.level for line in body), default=Level.UNKNOWN)
        if folded and len(body) >= _LEAST_FOLDED and not group.failed and worst < Level.ERROR:
            text = "\n".join([f"▸ {text_of(inside[0].message)}", *(f"  {text_of(line.message)}" for line in body)])
            made.append(replace(inside[0], message=text, level=worst if worst >= Level.WARNING else Level.UNKNOWN))
            places += [len(made) - 1] * len(inside)
            continue
        made.append(replace(inside[0], message=f"▾ {text_of(inside[0].message)}", level=Level.UNKNOWN))
        places.append(len(made) - 1)
        for line in inside[1:]:
            if kind_of(line.message) != ENDGROUP:
                made.append(_shown(line, indent="  "))
            places.append(len(made) - 1)
    return Laid(tuple(made), tuple(places), len(groups))


def _parts(groups: Sequence[Group], count: int) -> Iterator[tuple[Group | None, int, int]]:
    """The log in order: a group, or what lies between two of them."""
    at = 0
    for group in groups:
        if group.first > at:
            yield None, at, group.first
        yield group, group.first, group.last + 1
        at = group.last + 1
    if at < count:
        yield None, at, count


def _shown(line: LogLine, indent: str = "") -> LogLine:
    kind = kind_of(line.message)
    if not kind and not indent:
        return line
    sign = "$ " if kind == "command" else ""
    return replace(line, message=f"{indent}{sign}{text_of(line.message) if kind else line.message}")


class _JobSource:
    """The one source of a job's log."""

    key = SOURCE
    kind = SourceKind.JOB

    def __init__(self, label: str, clock: Clock) -> None:
        self.label = label
        self.feed: Feed[SourceProgress] = Feed(SOURCE, clock)


class JobLog:
    """The lines of one job, in a `LogBook`; itself the hub that the book listens to."""

    def __init__(self, label: str, clock: Clock) -> None:
        self._source = _JobSource(label, clock)
        self._listeners: list[Callable[[LogBatch], None]] = []
        self.lines: Sequence[LogLine] = ()
        """As they came."""
        self.folded = True
        self.laid = Laid((), (), 0)
        self.book = LogBook(self)

    # -- what a book asks of a hub

    def sources(self) -> tuple[LogSource, ...]:
        """The job."""
        return (self._source,)

    def subscribe(self, listener: Callable[[LogBatch], None]) -> Unsubscribe:
        """Call `listener` with every batch."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def subscribe_sources(self, _listener: Callable[[], None]) -> Unsubscribe:
        """The one source never changes."""
        return lambda: None

    # -- filling it

    async def take(self, lines: Sequence[LogLine], *, folded: bool) -> LogBook:
        """Put a whole log into a new book, in slices: however long it is, no key waits for it."""
        self.lines, self.folded = lines, folded
        self.laid = laid = await asyncio.to_thread(lay, lines, folded=folded)
        self.book.close()
        self.book = book = LogBook(self, max_lines=len(laid.lines) + 1, max_bytes=MOST_BYTES)
        for start in range(0, len(laid.lines), SLICE):
            if self.book is not book:
                break  # asked for anew meanwhile
            batch = LogBatch(SOURCE, laid.lines[start : start + SLICE])
            for listener in tuple(self._listeners):
                listener(batch)
            await asyncio.sleep(0)
        return book

    def close(self) -> None:
        """Let go of everything."""
        self.book.close()

    # -- places

    def first_error(self) -> int | None:
        """The line to look at first."""
        return first_error(self.lines)

    def step_line(self, step: Step) -> int | None:
        """The first line of a step, as far as its times tell."""
        span = span_of(self.lines, step.started_at, step.completed_at)
        return None if span is None else span[0]

    def show(self, view: LogView, line: int) -> None:
        """Bring a line, or the folded group that holds it, into sight and select it."""
        timeline = self.book.store.timeline
        if len(timeline) != len(self.laid.lines):
            return
        entry = self.laid.places[line]
        place = (self.laid.lines[entry].time_ns, entry)
        at = sum((each.time_ns, index) < place for index, each in enumerate(self.laid.lines))
        view.tail.show(Place(timeline.times[at], timeline.ids[at]))
        view.moved()
