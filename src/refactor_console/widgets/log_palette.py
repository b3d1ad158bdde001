"""The styles of log rows, taken from the theme; a word stands beside every colour."""

from __future__ import annotations

from collections.abc import Callable

from rich.style import Style
from textual.color import Color

from refactor_console.domain.logs import Level, MarkKind
from refactor_console.widgets.log_rows import Palette

PARTS = frozenset(
    {
        "time",
        "rule",
        "origin",
        "fold",
        "cursor",
        "range",
        "quiet",
        "text",
        "warning",
        "error",
        "critical",
        "good",
        "source",
    }
)
COMPONENTS = frozenset(f"log--{part}" for part in PARTS)
"""The component classes of a log view."""
STYLES = """
    & .log--time { color: $text-muted; }
    & .log--rule { color: $text-muted; }
    & .log--origin { color: $text-muted; }
    & .log--fold { color: $text-accent; text-style: bold; }
    & .log--cursor { background: $panel; text-style: bold; }
    & .log--range { background: $panel; }
    & .log--quiet { color: $text-muted; }
    & .log--text { color: $foreground; }
    & .log--warning { color: $text-warning; }
    & .log--error { color: $text-error; text-style: bold; }
    & .log--critical { color: $text-error; text-style: bold reverse; }
    & .log--good { color: $text-success; }
    & .log--source { color: $accent; }
"""

_HUES = (0.0, 0.18, -0.11, 0.29, 0.09, -0.19)
"""How far the colour wheel is turned from the theme's accent for each source; a theme without colours gives greys."""


def source_colours(accent: Color) -> tuple[Color, ...]:
    """A colour for each of the first sources; more begin again."""
    hue, saturation, lightness = accent.hsl
    return tuple(Color.from_hsl((hue + turn) % 1, saturation, lightness) for turn in _HUES)


def make_palette(base: Style, look: Callable[[str], Style], accent: Color) -> Palette:
    """The palette of the present theme.

    Args:
        base: the colours of plain text and of the background.
        look: how one of `PARTS` differs from that.
        accent: the theme's accent, from which the sources' colours come.
    """

    def part(name: str) -> Style:
        return base + look(name)

    quiet, warning, error, critical = part("quiet"), part("warning"), part("error"), part("critical")
    bold = Style(bold=True)
    return Palette(
        base=base,
        hit=Style(reverse=True, bold=True),
        time=part("time"),
        rule=part("rule"),
        origin=part("origin"),
        fold=part("fold"),
        levels={
            Level.TRACE: quiet,
            Level.DEBUG: quiet,
            Level.INFO: quiet,
            Level.NOTICE: base + bold,
            Level.WARNING: warning + bold,
            Level.ERROR: error,
            Level.CRITICAL: critical,
        },
        messages={
            Level.TRACE: quiet,
            Level.DEBUG: quiet,
            Level.WARNING: warning,
            Level.ERROR: error + Style(bold=False),
            Level.CRITICAL: error,
        },
        marks={
            MarkKind.CUT: warning + bold,
            MarkKind.GAP: error,
            MarkKind.RESUMED: part("good"),
            MarkKind.STARTED: part("good"),
            MarkKind.STOPPED: warning,
        },
        sources=tuple(base + Style(color=colour.rich_color) for colour in source_colours(accent)),
    )
