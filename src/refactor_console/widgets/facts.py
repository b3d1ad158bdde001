"""Names and values in two aligned columns."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from refactor_console.widgets.pane import Line

Fact = tuple[str, Content]
"""A name of ours and a value that may come from outside."""

LABEL_WIDTH = 10


def table_of(facts: Sequence[Fact], label_width: int = LABEL_WIDTH, width: int = 0) -> Content:
    """The facts one under the other, names quiet and padded.

    Args:
        facts: names and values; a value may have several lines.
        label_width: cells for the names.
        width: cells in all, into which long values are folded; 0 leaves them as they are.
    """
    room = max(width - label_width - 1, 16)
    if width:
        facts = [(label, Content("\n").join(value.fold(room)) if value else value) for label, value in facts]
    indent = Content("\n" + " " * (label_width + 1))
    return Content("\n").join(
        [
            Content.assemble((label.ljust(label_width), "$muted"), " ", indent.join(value.split("\n")))
            for label, value in facts
        ]
    )


class Facts(Line):
    """A block of facts; drawn again only when one of them changed."""

    def show(self, facts: Sequence[Fact], label_width: int = LABEL_WIDTH) -> None:
        """Show these facts."""
        self.put(table_of(facts, label_width))
