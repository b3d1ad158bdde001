"""One log entry as rows of a grid: which characters go where, in which style. No widget, no state.

Widths are counted in terminal cells. Characters that join or hide others (zero-width joiner, variation selectors and
the like) are left out of what is drawn, because terminals disagree about their width and the grid must not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rich.cells import get_character_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from refactor_console.domain.logfilter import Term
from refactor_console.domain.logs import Level, MarkKind
from refactor_console.domain.logstore import Entry
from refactor_console.domain.logtime import Zone, clock, day

TEXT_LIMIT = 64 * 1024
"""Bytes of one entry that are laid out; of a longer one the rest is counted, copied and saved, but not drawn."""
CLOCK_WIDTH = 12
LEVEL_WIDTH = 5
FOLDED_ROWS = 6
"""Rows that a long line may take before it is folded, when lines are wrapped."""
LEFT_OUT = re.compile(
    "[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u206f\ufe00-\ufe0f\ufff0-\ufffb"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


@dataclass(frozen=True)
class Palette:
    """The styles of the parts of a row, background included, so that a row is drawn as it was laid out."""

    base: Style = field(default_factory=Style)
    time: Style = field(default_factory=Style)
    rule: Style = field(default_factory=Style)
    origin: Style = field(default_factory=Style)
    fold: Style = field(default_factory=Style)
    hit: Style = field(default_factory=lambda: Style(reverse=True, bold=True))
    levels: Mapping[Level, Style] = field(default_factory=dict)
    messages: Mapping[Level, Style] = field(default_factory=dict)
    marks: Mapping[MarkKind, Style] = field(default_factory=dict)
    sources: tuple[Style, ...] = (Style(),)


@dataclass(frozen=True)
class Look:
    """Everything besides the entry that decides how its rows look."""

    width: int
    """Cells for the row's words, without the bar's column."""
    zone: Zone = Zone.LOCAL
    wrap: bool = False
    shift: int = 0
    """How many cells of each message lie to the left of what is seen, when lines are not wrapped."""
    label_width: int = 10
    """Cells for the source's name; 0 when only one source is shown."""
    labels: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, int] = field(default_factory=dict)
    """Which of the palette's source styles a source has."""
    highlights: tuple[Term, ...] = ()
    finding: bool = False
    """Whether a hit beyond the right edge is brought into sight, at the cost of the beginning of its line."""
    palette: Palette = field(default_factory=Palette)

    @property
    def indent(self) -> int:
        """The cell where messages begin."""
        return 1 + CLOCK_WIDTH + 1 + (self.label_width + 1 if self.label_width else 0) + LEVEL_WIDTH + 1

    @property
    def room(self) -> int:
        """Cells for a message; at least a few, however narrow the terminal is."""
        return max(self.width - self.indent, 8)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the grid."""

    id: int
    time_ns: int
    part: int
    """Which row of its entry this is; a date above an entry is row 0."""
    strip: Strip
    """As wide as the look and one blank cell more, for the bar: as it is, ready for any place on the screen."""
    folds: bool = False
    """Whether a click or Enter here folds or unfolds the entry."""
    is_entry: bool = True
    """False for a date."""

    @property
    def text(self) -> str:
        """What is read there."""
        return "".join(segment.text for segment in self.strip).rstrip()


def drawable(text: str) -> str:
    """Text without the characters that would upset the grid."""
    return text if text.isascii() else LEFT_OUT.sub("", text)


def cells(text: str) -> int:
    """The width of drawable text."""
    return len(text) if text.isascii() else sum(map(get_character_cell_size, text))


def fit(text: str, width: int) -> str:
    """Text cut or padded to exactly so many cells; a cut shows as an ellipsis."""
    size = cells(text)
    if size > width:
        end = _reach(text, 0, width - 1)
        text = text[:end] + "…"
        size = cells(text)
    return text + " " * (width - size)


def _reach(text: str, start: int, width: int) -> int:
    """Where text from `start` on stops fitting into so many cells."""
    if text.isascii():
        return min(len(text), start + max(width, 0))
    for at in range(start, len(text)):
        width -= get_character_cell_size(text[at])
        if width < 0:
            return at
    return len(text)


def wrapped(text: str, width: int) -> list[tuple[int, int]]:
    """Text cut into pieces that fit, preferably behind a space in the last third of a row; at least one piece."""
    pieces: list[tuple[int, int]] = []
    start = 0
    while start < len(text):
        end = _reach(text, start, width)
        if end >= len(text):
            pieces.append((start, len(text)))
            break
        end = max(end, start + 1)
        space = text.rfind(" ", start + (end - start) * 2 // 3, end)
        end = space + 1 if space > start else end
        pieces.append((start, end))
        start = end
    return pieces or [(0, 0)]


def lay_out(entry: Entry, look: Look, *, dated: bool, unfolded: bool, line_breaks: int = 0) -> tuple[Row, ...]:
    """The rows of an entry.

    Args:
        entry: a line or mark, its text possibly clipped to `TEXT_LIMIT`.
        look: how it has to look.
        dated: whether the day is written above it.
        unfolded: whether all of it is shown.
        line_breaks: how many line breaks the whole text has.
    """
    rows: list[Row] = []

    def add(segments: Sequence[Segment], *, folds: bool = False, is_entry: bool = True) -> None:
        size = sum(cells(segment.text) for segment in segments)
        if size > look.width:
            segments, size = list(Strip(segments, size).crop(0, look.width)), look.width
        strip = Strip([*segments, Segment(" " * (look.width + 1 - size), look.palette.base)], look.width + 1)
        rows.append(Row(entry.id, entry.time_ns, len(rows), strip, folds, is_entry))

    if dated:
        add(_rule(f"{day(entry.time_ns, look.zone):%A %Y-%m-%d}", look, look.palette.rule), is_entry=False)
    if entry.mark is not None:
        add(_mark(entry, look))
        return tuple(rows)
    head = _head(entry, look)
    if unfolded:
        pieces = list(_all_pieces(entry, look))
        for body in pieces:
            add([*head, *body], folds=len(pieces) > 1)
            head = [Segment(" " * look.indent, look.palette.time)]
        if entry.clipped:
            rest = f"⋯ and {entry.clipped:,} bytes more; saving writes them"
            add([*head, Segment(fit(rest, look.room), look.palette.fold)], folds=True)
        return tuple(rows)
    for body, folds in _folded_pieces(entry, look, line_breaks):
        add([*head, *body], folds=folds)
        head = [Segment(" " * look.indent, look.palette.time)]
    return tuple(rows)


def _rule(text: str, look: Look, style: Style) -> list[Segment]:
    """A rule across the whole width with text in it."""
    room = max(look.width - 5, 1)
    text = fit(text, room) if cells(text) > room else text
    return [Segment(f"── {text} ", style), Segment("─" * max(look.width - cells(text) - 4, 0), look.palette.rule)]


def _mark(entry: Entry, look: Look) -> list[Segment]:
    kind = entry.mark or MarkKind.GAP
    label = drawable(look.labels.get(entry.source, entry.source))
    words = drawable(entry.text.replace("\n", " "))
    text = f"{clock(entry.time_ns, look.zone)} {label} {kind.value.upper()}{': ' if words else ''}{words}"
    return _rule(text, look, look.palette.marks.get(kind, look.palette.rule))


def _head(entry: Entry, look: Look) -> list[Segment]:
    """Time, source and level."""
    palette = look.palette
    head = [Segment(f" {clock(entry.time_ns, look.zone)} ", palette.time)]
    if look.label_width:
        label = fit(drawable(look.labels.get(entry.source, entry.source)), look.label_width)
        head.append(Segment(f"{label} ", palette.sources[look.numbers.get(entry.source, 0) % len(palette.sources)]))
    head.append(Segment(f"{entry.level.word:<{LEVEL_WIDTH}}", palette.levels.get(entry.level, palette.base)))
    head.append(Segment(" ", palette.time))
    return head


def _all_pieces(entry: Entry, look: Look) -> Iterator[list[Segment]]:
    """Every line of an unfolded entry, cut to fit."""
    for number, part in enumerate(entry.text.split("\n")):
        line = _Line(part, entry.said if number == 0 else 0, entry.level, look)
        for start, end in wrapped(line.text, look.room):
            yield line.piece(start, end)


def _folded_pieces(entry: Entry, look: Look, line_breaks: int) -> Iterator[tuple[list[Segment], bool]]:
    """The first line of an entry, or its first rows, and a marker for what is folded away."""
    line = _Line(entry.text.partition("\n")[0], entry.said, entry.level, look)
    skipped = 0
    if look.wrap:
        pieces = wrapped(line.text, look.room)
        hidden = len(pieces) - FOLDED_ROWS
        pieces = pieces[:FOLDED_ROWS]
    else:
        start = _reach(line.text, 0, look.shift) if look.shift or not look.finding else line.start_for_hit()
        skipped = 1 if start and not look.shift else 0
        pieces = [(start, _reach(line.text, start, look.room - skipped))]
        hidden = 0
    if line_breaks:
        marker = f" ⋯ +{line_breaks:,} {'line' if line_breaks == 1 else 'lines'}"
    elif hidden > 0:
        marker = f" ⋯ +{hidden:,} {'row' if hidden == 1 else 'rows'}"
    else:
        marker = "›" if pieces[-1][1] < len(line.text) or entry.clipped else ""
    for at, (start, end) in enumerate(pieces):
        before = [Segment("‹", look.palette.fold)] * skipped
        if at < len(pieces) - 1 or not marker:
            yield [*before, *line.piece(start, end)], False
            continue
        marker = marker if len(marker) < look.room - skipped else marker[: look.room - skipped]
        cut = min(end, _reach(line.text, start, look.room - skipped - len(marker)))
        yield [*before, *line.piece(start, cut), Segment(marker, look.palette.fold)], True


class _Line:
    """One line of text with the hits in it."""

    def __init__(self, raw: str, said: int, level: Level, look: Look) -> None:
        self.text = drawable(raw)
        self._said = said
        self._style = look.palette.messages.get(level, look.palette.base)
        self._look = look
        self._hits = sorted(span for term in look.highlights for span in term.spans(self.text))

    def start_for_hit(self) -> int:
        """Where to begin so that the first hit can be seen: at the beginning if it can be seen from there."""
        room = self._look.room
        if not self._hits or cells(self.text[: self._hits[0][1]]) < room:
            return 0
        start, _ = self._hits[0]
        left = room // 3
        while start > 0 and left > 0:
            start -= 1
            left -= cells(self.text[start])
        return start

    def piece(self, start: int, end: int) -> list[Segment]:
        """A piece of the line, its origin's name quiet and every hit standing out."""
        segments: list[Segment] = []
        at = start
        for first, last in self._hits:
            a, b = max(first, at), min(last, end)
            if a < b:
                segments.extend(self._plain(at, a))
                segments.append(Segment(self.text[a:b], self._style + self._look.palette.hit))
                at = b
        segments.extend(self._plain(at, end))
        return segments

    def _plain(self, start: int, end: int) -> Iterator[Segment]:
        middle = min(max(start, self._said), end)
        if start < middle:
            yield Segment(self.text[start:middle], self._look.palette.origin)
        if middle < end:
            yield Segment(self.text[middle:end], self._style)


def highlighted(strip: Strip, span: tuple[int, int], style: Style) -> Strip:
    """A strip with a span of characters drawn as selected; the span may reach beyond it."""
    start, end = span
    text = strip.text
    first = cells(text[: max(start, 0)])
    last = strip.cell_length if end < 0 else cells(text[:end])
    if last <= first:
        return strip
    middle = [Segment(segment.text, (segment.style or Style()) + style) for segment in strip.crop(first, last)]
    return Strip([*strip.crop(0, first), *middle, *strip.crop(last, strip.cell_length)], strip.cell_length)
