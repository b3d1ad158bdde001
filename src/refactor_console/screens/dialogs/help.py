"""The keys that work now, read from the bindings themselves: nothing here can be out of date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from textual.app import App, ComposeResult
from textual.binding import ActiveBinding
from textual.content import Content

from refactor_console.screens.dialogs.base import Dialog
from refactor_console.widgets.pane import Line


@dataclass(frozen=True, slots=True)
class HelpEntry:
    """One action and the keys that do it."""

    keys: tuple[str, ...]
    label: str
    explanation: str
    enabled: bool


@dataclass(frozen=True, slots=True)
class HelpGroup:
    """The actions of one part of the screen."""

    title: str
    entries: tuple[HelpEntry, ...]


EVERYWHERE = "Everywhere"
_COMMON = ("app.focus_next", "app.focus_previous", "screen.copy_text")
"""Keys of the library's own that every screen has."""


def collect(app: App[None], bindings: Mapping[str, ActiveBinding]) -> tuple[HelpGroup, ...]:
    """Everything that the active screen's bindings do, from the focused widget outward to the whole application."""
    groups: dict[str, dict[str, tuple[list[str], ActiveBinding]]] = {}
    for active in bindings.values():
        if active.binding.system or not active.binding.description:
            continue
        common = active.binding.action in _COMMON
        title = (EVERYWHERE if common else active.node.BINDING_GROUP_TITLE) or "Other"
        actions = groups.setdefault(title, {})
        keys, _ = actions.setdefault(active.binding.action, ([], active))
        keys.append(app.get_key_display(active.binding))
    ordered = sorted(groups.items(), key=lambda item: item[0] == EVERYWHERE)
    return tuple(
        HelpGroup(
            title,
            tuple(
                HelpEntry(
                    tuple(dict.fromkeys(keys)), active.binding.description, active.binding.tooltip, active.enabled
                )
                for keys, active in actions.values()
            ),
        )
        for title, actions in ordered
    )


def help_content(groups: tuple[HelpGroup, ...]) -> Content:
    """The groups one under the other, keys aligned."""
    width = max((len(_keys(entry)) for group in groups for entry in group.entries), default=0)
    labels = max((len(entry.label) for group in groups for entry in group.entries), default=0)
    blocks: list[Content] = []
    for group in groups:
        lines = [Content.assemble((group.title, "bold $accent"))]
        for entry in group.entries:
            style = "" if entry.enabled else "$muted"
            explanation = entry.explanation if entry.enabled else f"{entry.explanation} (not now)".strip()
            lines.append(
                Content.assemble(
                    "  ",
                    (_keys(entry).rjust(width), "bold $accent" if entry.enabled else "$muted"),
                    "  ",
                    (entry.label.ljust(labels), style),
                    "  ",
                    (explanation, "$muted"),
                )
            )
        blocks.append(Content("\n").join(lines))
    return Content("\n\n").join(blocks)


def _keys(entry: HelpEntry) -> str:
    return " ".join(entry.keys)


class HelpDialog(Dialog[None]):
    """Every key of the active screen, and what the signs mean."""

    def __init__(self, groups: tuple[HelpGroup, ...]) -> None:
        super().__init__("Keys that work here")
        self.groups = groups

    def compose_body(self) -> ComposeResult:
        """The keys, then the signs."""
        yield Line(help_content(self.groups))
        yield Line(SIGNS, classes="after")


SIGNS = Content.assemble(
    ("Signs", "bold $accent"),
    "\n  ",
    ("● well", "$ok"),
    "   ",
    ("✓ done", "$ok"),
    "   ",
    ("◐ between two states", "$working"),
    "   ",
    ("▲ look at it", "$warn"),
    "   ",
    ("✗ broken", "$fail"),
    "   ",
    ("? unknown", "$muted"),
    "\n  Dimmed values are not current: their age stands in the heading above them.",
)
