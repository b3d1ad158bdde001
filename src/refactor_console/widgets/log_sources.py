"""The strip of log sources: which are shown, how each is doing, how long it has been silent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.widget import Widget

from refactor_console.domain.logs import SourceProgress
from refactor_console.domain.logtime import to_ns
from refactor_console.domain.reading import Phase, Reading
from refactor_console.domain.text import visible
from refactor_console.widgets.log_palette import source_colours
from refactor_console.widgets.log_rows import cells, drawable
from refactor_console.widgets.present import short_span

_GAP = "   "
_PHASE_STYLES = {
    Phase.LIVE: "$text-success",
    Phase.STALE: "bold $text-warning",
    Phase.FAILED: "bold $text-error",
    Phase.CONNECTING: "$text-accent",
    Phase.OFF: "$text-muted",
}


@dataclass(frozen=True, slots=True)
class Chip:
    """One source as the strip shows it."""

    key: str
    label: str
    shown: bool
    phase: Phase
    retry: str
    """In how many seconds a failed source is tried again, short; empty otherwise."""
    quiet: str
    """How long ago its last line was written, short; empty when there was none."""
    lines: str
    """How many lines of it are held, short."""


def make_chip(key: str, label: str, reading: Reading[SourceProgress], held: int, now: datetime, *, shown: bool) -> Chip:
    """A source's chip at a moment."""
    last = reading.value.last_line_ns if reading.value is not None else None
    quiet = "" if last is None else short_span(timedelta(microseconds=max(to_ns(now) - last, 0) // 1000))
    retry = ""
    if reading.phase is Phase.FAILED and reading.next_try is not None:
        retry = f"{max(round((reading.next_try - now).total_seconds()), 0)}s"
    return Chip(key, drawable(visible(label)), shown, reading.phase, retry, quiet, short_count(held))


def troubles(readings: Iterable[tuple[str, Reading[SourceProgress]]], *, most: int) -> list[str]:
    """What a reader must know about the sources, one sentence a line; sources with the same reason share one."""
    sentences: dict[str, list[str]] = {}
    for label, reading in readings:
        told = [reading.value.notice] if reading.value is not None else []
        if reading.problem is not None and reading.phase in (Phase.FAILED, Phase.CONNECTING):
            told.append(reading.problem.summary)
        if reading.phase is Phase.OFF:
            told.append(reading.reason)
        for sentence in filter(None, told):
            sentences.setdefault(visible(sentence), []).append(visible(label))
    lines = [f"{', '.join(names)}: {sentence}" for sentence, names in sentences.items()]
    if len(lines) > most:
        lines = [*lines[: most - 1], f"{lines[most - 1]} (and {len(lines) - most} more)"]
    return lines


def short_count(count: int) -> str:
    """A number in at most five characters: ``912``, ``12.3k``, ``1.2M``."""
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if count >= size:
            value = count / size
            return f"{value:.1f}{unit}" if value < 99.95 else f"{value:.0f}{unit}"
    return str(count)


class LogSources(Widget, can_focus=True):
    """Chips in as few rows as they need. A click hides or shows a source; with the keyboard, `s` comes here first."""

    ALLOW_SELECT = False
    BINDING_GROUP_TITLE = "Log sources"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "move(-1)", "Previous", tooltip="The source before", id="logs.source_left", show=False),
        Binding("right,l,tab", "move(1)", "Next", tooltip="The source after", id="logs.source_right", show=False),
        Binding("space,enter", "switch", "Hide/show", tooltip="Hide or show this source", id="logs.source_toggle"),
        Binding("o", "only", "Only this", tooltip="Show this source alone", id="logs.source_only"),
        Binding("a", "all", "All", tooltip="Show every source", id="logs.source_all"),
        Binding("escape,s", "leave", "Back", tooltip="Back to the lines", id="logs.source_leave"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"sources--accent"}
    DEFAULT_CSS = """
    LogSources {
        height: auto;
        max-height: 4;
        padding: 0 1;
        & .sources--accent { color: $accent; }
    }
    """

    @dataclass
    class Chosen(Message):
        """A person wants to see other sources."""

        key: str
        what: str
        """``toggle``, ``only`` or ``all``."""

    class Left(Message):
        """The keyboard should go back to the lines."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self.chips: tuple[Chip, ...] = ()
        self._here = 0
        self._roomy = False
        self._arranged: tuple[int, list[list[int]]] | None = None

    def show(self, chips: tuple[Chip, ...]) -> None:
        """Show these; draws nothing when nothing changed."""
        if chips != self.chips:
            before = len(self._rows(self.content_size.width))
            self.chips = chips
            self._arranged = None
            self._here = min(self._here, max(len(chips) - 1, 0))
            self.refresh(layout=len(self._rows(self.content_size.width)) != before)

    @property
    def here(self) -> str:
        """The key of the chip that the keyboard is on; empty when there is none."""
        return self.chips[self._here].key if self.chips else ""

    def action_move(self, step: int) -> None:
        """To the chip beside."""
        if self.chips:
            self._here = (self._here + step) % len(self.chips)
            self.refresh()

    def action_switch(self) -> None:
        """Hide or show."""
        self.post_message(self.Chosen(self.here, "toggle"))

    def action_only(self) -> None:
        """Show one alone."""
        self.post_message(self.Chosen(self.here, "only"))

    def action_all(self) -> None:
        """Show all."""
        self.post_message(self.Chosen("", "all"))

    def action_leave(self) -> None:
        """Back to the lines."""
        self.post_message(self.Left())

    def on_click(self, event: events.Click) -> None:
        """Hide or show the chip that was pointed at."""
        rows = self._rows(self.content_size.width)
        offset = event.get_content_offset(self)
        if offset is None or not 0 <= offset.y < len(rows):
            return
        x = 0
        for number in rows[offset.y]:
            width = cells(self._words(self.chips[number]))
            if x <= offset.x < x + width:
                self._here = number
                self.action_switch()
                return
            x += width + len(_GAP)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002 - Textual's
        """As many rows as the chips need."""
        return max(len(self._rows(width)), 1)

    def _is_roomy(self, width: int) -> bool:
        """Whether all chips fit into one row with everything spelled out."""
        total = sum(cells("".join(_parts(chip, roomy=True))) + len(_GAP) for chip in self.chips)
        return total - len(_GAP) <= width

    def _words(self, chip: Chip) -> str:
        return "".join(_parts(chip, roomy=self._roomy))

    def _rows(self, width: int) -> list[list[int]]:
        """Which chips stand in which row; worked out once for each width and set of chips."""
        if self._arranged is None or self._arranged[0] != width:
            self._arranged = width, self._arrange(width)
        return self._arranged[1]

    def _arrange(self, width: int) -> list[list[int]]:
        rows: list[list[int]] = [[]]
        self._roomy = self._is_roomy(width)
        x = 0
        for number, chip in enumerate(self.chips):
            size = cells(self._words(chip))
            if rows[-1] and x + size > width:
                rows.append([])
                x = 0
            rows[-1].append(number)
            x += size + len(_GAP)
        return rows

    def render(self) -> Content:
        """The chips."""
        colours = source_colours(self.get_component_styles("sources--accent").color)
        lines: list[Content] = []
        for row in self._rows(self.content_size.width):
            parts = [self._chip(number, colours[number % len(colours)].hex) for number in row]
            lines.append(Content(_GAP).join(parts))
        return Content("\n").join(lines) if self.chips else Content.assemble(("no log source yet", "$text-muted"))

    def _chip(self, number: int, colour: str) -> Content:
        chip = self.chips[number]
        here = self.has_focus and number == self._here
        name_style = f"{colour} bold" if chip.shown else "$text-muted"
        if here:
            name_style += " reverse"
        box, name, state, rest = _parts(chip, roomy=self._roomy)
        if here:
            box = "▶ "
        state_style = _PHASE_STYLES[chip.phase] if chip.shown or chip.phase is Phase.FAILED else "$text-muted"
        return Content.assemble((f"{box}{name}", name_style), (state, state_style), (rest, "$text-muted"))


def _parts(chip: Chip, *, roomy: bool) -> tuple[str, str, str, str]:
    """Box, name, state, and the rest of a chip."""
    is_told = chip.shown or chip.phase is Phase.FAILED
    state = chip.phase.value if is_told else "hidden"
    if chip.retry and is_told:
        state += f", again in {chip.retry}"
    rest: list[str] = []
    if chip.shown and roomy:
        rest = [f", last line {chip.quiet} ago" if chip.quiet else ", no line yet", f", {chip.lines} held"]
    elif chip.shown:
        rest = [f" {chip.quiet} ago" if chip.quiet else "", f" {chip.lines}"]
    return "■ " if chip.shown else "□ ", chip.label, f" {state}", "".join(rest)
