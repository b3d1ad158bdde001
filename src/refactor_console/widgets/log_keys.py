"""The keys of the log lines themselves; those of the pane around them are in `screens.logs`."""

from __future__ import annotations

from textual.binding import Binding


def _hidden(key: str, action: str, label: str, tip: str, name: str) -> Binding:
    """A key that the help lists and the footer does not."""
    return Binding(key, action, label, tooltip=tip, id=f"logs.{name}", show=False)


KEYS: tuple[Binding, ...] = (
    _hidden("end,G", "end", "Follow", "To the newest line, and follow again", "end"),
    _hidden("up,k", "cursor(-1)", "Line up", "Select the line above, and pause", "up"),
    _hidden("down,j", "cursor(1)", "Line down", "Select the line below", "down"),
    _hidden("shift+up,K", "extend(-1)", "Extend up", "Select more lines upward", "extend_up"),
    _hidden("shift+down,J", "extend(1)", "Extend down", "Select more lines downward", "extend_down"),
    _hidden("pageup,ctrl+b", "page(-1)", "Page up", "A page back, and pause", "page_up"),
    _hidden("pagedown", "page(1)", "Page down", "A page on; at the end, follow again", "page_down"),
    _hidden("home,g", "home", "Oldest", "To the oldest line held", "home"),
    _hidden("left,h", "shift(-1)", "Left", "Scroll long lines back", "left"),
    _hidden("right", "shift(1)", "Right", "Scroll long lines to the right", "right"),
    _hidden("enter", "fold", "Unfold", "Unfold or fold the selected line", "fold"),
)
