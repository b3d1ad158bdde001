"""The console's five looks, and the names under which style sheets and text ask for a meaning instead of a colour.

Every theme defines every name in `MEANINGS`; a word and a shape always stand beside the colour.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from textual.theme import Theme

DARK = "console-dark"
LIGHT = "console-light"
HIGH_CONTRAST = "console-contrast"
COLOUR_BLIND = "console-colour-blind"
MONOCHROME = "console-mono"

MEANINGS = ("ok", "warn", "fail", "working", "muted", "rule", "protected", "on-protected", "dimmed")
"""Variables that styles use: ``$ok`` ... ``$dimmed`` (the opacity of values that are not current)."""


def _theme(
    name: str,
    *,
    dark: bool,
    background: str,
    surface: str,
    panel: str,
    foreground: str,
    accent: str,
    on_accent: str,
    meanings: Mapping[str, str],
    cursor: Mapping[str, str] | None = None,
) -> Theme:
    """One theme with one accent; buttons, borders, footer and cursor follow from the same few colours."""
    variables = {
        **meanings,
        "text": foreground,
        "text-muted": meanings["muted"],
        "text-disabled": meanings["muted"],
        "border": accent,
        "border-blurred": meanings["rule"],
        "block-cursor-background": accent,
        "block-cursor-foreground": on_accent,
        "block-cursor-text-style": "bold",
        "block-cursor-blurred-background": panel,
        "block-cursor-blurred-foreground": foreground,
        "block-cursor-blurred-text-style": "none",
        "block-hover-background": panel,
        "button-color-foreground": on_accent,
        "button-focus-text-style": "bold reverse",
        "footer-background": panel,
        "footer-item-background": panel,
        "footer-foreground": foreground,
        "footer-description-foreground": foreground,
        "footer-description-background": panel,
        "footer-key-foreground": accent,
        "footer-key-background": panel,
        "input-cursor-background": foreground,
        "input-cursor-foreground": background,
        "input-selection-background": panel,
        "scrollbar": meanings["rule"],
        "scrollbar-hover": meanings["muted"],
        "scrollbar-active": accent,
        "scrollbar-background": background,
        "scrollbar-background-hover": background,
        "scrollbar-background-active": background,
        "scrollbar-corner-color": background,
        "text-primary": accent,
        "text-secondary": accent,
        "text-accent": accent,
        "text-success": meanings["ok"],
        "text-warning": meanings["warn"],
        "text-error": meanings["fail"],
        **(cursor or {}),
    }
    return Theme(
        name=name,
        primary=accent,
        secondary=accent,
        accent=accent,
        success=meanings["ok"],
        warning=meanings["warn"],
        error=meanings["fail"],
        foreground=foreground,
        background=background,
        surface=surface,
        panel=panel,
        dark=dark,
        variables=variables,
    )


_REVERSED = {
    "block-cursor-background": "#ffffff",
    "block-cursor-foreground": "#000000",
    "block-cursor-text-style": "bold",
    "block-cursor-blurred-background": "#303030",
    "block-cursor-blurred-foreground": "#ffffff",
    "block-cursor-blurred-text-style": "underline",
}

_QUIET = {"block-cursor-background": "#2a4a69", "block-cursor-foreground": "#ffffff"}
"""A cursor that can be seen at once and read for hours."""

THEMES: tuple[Theme, ...] = (
    _theme(
        DARK,
        dark=True,
        background="#13161b",
        surface="#191d24",
        panel="#232a34",
        foreground="#d9dee7",
        accent="#6cb2f5",
        on_accent="#0b1017",
        meanings={
            "ok": "#6cc490",
            "warn": "#e5b94e",
            "fail": "#ff8078",
            "working": "#8cc4f8",
            "muted": "#919baa",
            "rule": "#3a4453",
            "protected": "#f0a35e",
            "on-protected": "#1b1206",
            "dimmed": "62%",
        },
        cursor=_QUIET,
    ),
    _theme(
        LIGHT,
        dark=False,
        background="#fbfbfa",
        surface="#f1f2f3",
        panel="#e3e6ea",
        foreground="#20252c",
        accent="#0b57a8",
        on_accent="#ffffff",
        meanings={
            "ok": "#14672f",
            "warn": "#7a4b00",
            "fail": "#b21a22",
            "working": "#0b57a8",
            "muted": "#59636f",
            "rule": "#bcc3cc",
            "protected": "#8f3d00",
            "on-protected": "#ffffff",
            "dimmed": "70%",
        },
    ),
    _theme(
        HIGH_CONTRAST,
        dark=True,
        background="#000000",
        surface="#000000",
        panel="#1c1c1c",
        foreground="#ffffff",
        accent="#8cc8ff",
        on_accent="#000000",
        meanings={
            "ok": "#63f09a",
            "warn": "#ffd84d",
            "fail": "#ffa3a0",
            "working": "#8cc8ff",
            "muted": "#cfcfcf",
            "rule": "#a0a0a0",
            "protected": "#ffd84d",
            "on-protected": "#000000",
            "dimmed": "85%",
        },
        cursor=_REVERSED,
    ),
    _theme(
        # The Okabe and Ito palette ("Color Universal Design", 2008), lightened for a dark background: blue is well,
        # yellow is a warning, vermillion is a failure; the three differ in brightness too.
        COLOUR_BLIND,
        dark=True,
        background="#13161b",
        surface="#191d24",
        panel="#232a34",
        foreground="#d9dee7",
        accent="#56b4e9",
        on_accent="#0b1017",
        meanings={
            "ok": "#56b4e9",
            "warn": "#f0e442",
            "fail": "#f2803a",
            "working": "#cc9fc0",
            "muted": "#919baa",
            "rule": "#3a4453",
            "protected": "#f0e442",
            "on-protected": "#1b1206",
            "dimmed": "62%",
        },
        cursor=_QUIET,
    ),
    _theme(
        MONOCHROME,
        dark=True,
        background="#000000",
        surface="#000000",
        panel="#1c1c1c",
        foreground="#e6e6e6",
        accent="#ffffff",
        on_accent="#000000",
        meanings={
            "ok": "#e6e6e6",
            "warn": "#ffffff",
            "fail": "#ffffff",
            "working": "#e6e6e6",
            "muted": "#a8a8a8",
            "rule": "#6c6c6c",
            "protected": "#ffffff",
            "on-protected": "#000000",
            "dimmed": "70%",
        },
        cursor=_REVERSED,
    ),
)


def colourless() -> Theme:
    """The monochrome theme for a terminal that gets no colour at all: what colours would mark is reversed."""
    plain = next(theme for theme in THEMES if theme.name == MONOCHROME)
    marked = {"block-cursor-text-style": "bold underline reverse", "block-cursor-blurred-text-style": "underline"}
    return replace(plain, variables=plain.variables | marked)


DEFAULTS: Mapping[str, str] = {name: THEMES[0].variables[name] for name in MEANINGS}
"""What the names mean under a theme that does not define them (Textual's own)."""

NAMES: tuple[str, ...] = tuple(theme.name for theme in THEMES)
