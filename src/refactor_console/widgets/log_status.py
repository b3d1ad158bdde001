"""One line that says where the reader is and what is held back: the most important words stay when room is short."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from textual.content import Content
from textual.widget import Widget

from refactor_console.domain.logtime import clock, span
from refactor_console.widgets.log_rows import cells, drawable, fit
from refactor_console.widgets.log_view import LogView

_SEPARATOR = " · "


@dataclass(frozen=True, slots=True)
class Part:
    """Some words of the line."""

    words: str
    style: str = ""
    weight: int = 0
    """The lightest parts go first when room is short."""


def fitted(parts: Sequence[Part], width: int) -> list[Part]:
    """The parts that fit, in their order."""
    kept = [part for part in parts if part.words]
    while len(kept) > 1 and sum(cells(part.words) for part in kept) + len(_SEPARATOR) * (len(kept) - 1) > width:
        lightest = min(range(len(kept)), key=lambda at: (kept[at].weight, -at))
        del kept[lightest]
    return kept


def describe(view: LogView, now: datetime) -> list[Part]:
    """Everything worth saying about a view."""
    tail, lens, store = view.tail, view.lens, view.book.store
    wanted, index = lens.filter, lens.index
    shown = index.lines
    counts = f"{store.lines:,} lines" if wanted.passes_all else f"{shown:,} of {store.lines:,} lines"
    parts: list[Part] = []
    if tail.following:
        parts.append(Part(" ▼ FOLLOWING ", "bold $text-success", 10))
    else:
        below = tail.new_below
        new = f"{below:,} new {'line' if below == 1 else 'lines'} below" if below else "nothing new"
        parts.append(Part(f" ‖ PAUSED · {new} ", "bold reverse $text-warning", 10))
        behind = tail.behind_ns / 1e9
        parts.append(Part(f"{span(behind)} behind" if behind >= 1 else "", "$text-warning", 8))
        parts.append(_date(view, now))
    parts.append(Part(drawable(tail.notice), "bold $text-warning", 9))
    if tail.gone:
        parts.append(Part("the lines above are no longer held", "bold $text-warning", 9))
    elif tail.late:
        parts.append(Part(f"{tail.late:,} late lines belong here: scroll to see", "$text-warning", 7))
    if lens.hits is not None:
        parts.append(Part(_search(view), "bold $text-accent", 8))
    words = wanted.describe()
    parts.append(Part(f"only {fit(drawable(words), 40).rstrip()}" if words else "", "$text-accent", 7))
    if not lens.complete:
        parts.append(Part("looking through older lines…", "$text-accent", 6))
    parts.append(Part(counts, "", 6))
    if store.dropped and store.dropped_until_ns is not None:
        held = f"older let go: {store.dropped:,}, complete from {clock(store.dropped_until_ns, view.zone)[:8]}"
        parts.append(Part(held, "$text-warning", 3))
    errors = lens.errors.lines
    parts.append(Part(f"{errors:,} {'error' if errors == 1 else 'errors'}" if errors else "", "$text-error", 5))
    parts.append(Part(view.zone.called(now), "", 4))
    parts.append(Part("wrapped" if view.wrap else "", "$text-muted", 1))
    shift = tail.pager.look.shift
    parts.append(Part(f"→ {shift}" if shift else "", "$text-accent", 4))
    return parts


def _date(view: LogView, now: datetime) -> Part:
    """The day of what is read; a clock time alone would lie about yesterday."""
    tail = view.tail
    if not tail.page:
        return Part("")
    here = view.zone.at((tail.cursor or tail.page[0]).time_ns).date()
    is_today = here == now.astimezone(view.zone.tz).date()
    return Part(f"{here:%a %Y-%m-%d}", "" if is_today else "bold $text-warning", 2 if is_today else 9)


def _search(view: LogView) -> str:
    """``find timeout 3/128``."""
    hits = view.lens.hits
    if hits is None:
        return ""
    words = drawable(" && ".join(str(term) for term in view.lens.wanted))
    words = fit(words, 24).rstrip() if cells(words) > 24 else words
    total = hits.lines
    cursor = view.tail.cursor
    place = "–"
    if cursor is not None and hits.timeline.holds(cursor.time_ns, cursor.id):
        place = f"{hits.timeline.index_of(cursor.time_ns, cursor.id) + 1:,}"
    return f"find {words} {place}/{total:,}{'' if hits.complete else '+'}"


class LogStatus(Widget):
    """The line."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    LogStatus { height: 1; background: $panel; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._parts: list[Part] = []

    @property
    def words(self) -> str:
        """All that could be said, fitting or not."""
        return _SEPARATOR.join(part.words for part in self._parts if part.words)

    def show(self, parts: list[Part]) -> None:
        """Say this; draws nothing when it is said already."""
        if parts != self._parts:
            self._parts = parts
            self.refresh()

    def render(self) -> Content:
        """The words that fit."""
        kept = fitted(self._parts, self.size.width)
        return Content.assemble((_SEPARATOR, "$text-muted")).join(
            [Content.assemble((part.words, part.style)) for part in kept]
        )
