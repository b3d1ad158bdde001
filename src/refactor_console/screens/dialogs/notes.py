"""A text from outside to read: a release's notes, a commit's message; never more than text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content

from refactor_console.screens.dialogs.base import Body, Dialog
from refactor_console.screens.links import open_page
from refactor_console.widgets import present
from refactor_console.widgets.facts import Fact
from refactor_console.widgets.pane import Line
from refactor_console.widgets.prose import prose, wrapped_facts


class NotesDialog(Dialog[None]):
    """Facts, and a text below them.

    Args:
        title: the heading.
        blocks: titled facts; a block without facts is left out.
        text: what was written, as it came.
        url: where it is.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "copy", "Copy", tooltip="Copy the text as it came", id="dialog.copy"),
        Binding("y", "copy_url", "Copy URL", id="releases.copy-url"),
        Binding("o", "open", "Open", tooltip="Open its page", id="releases.open"),
    ]

    def __init__(self, title: str, blocks: Sequence[tuple[str, Sequence[Fact]]], text: str, url: str) -> None:
        super().__init__(title)
        self.add_class("-full")
        self._blocks, self._text, self._url = tuple(blocks), text, url

    def compose_body(self) -> ComposeResult:
        """The document."""
        yield Line(id="document")

    def on_resize(self) -> None:
        """Fold long lines into the room there is."""
        width = self.query_one(Body).scrollable_content_region.width - 1
        parts = []
        for title, facts in self._blocks:
            if facts:
                label_width = min(max(Content(label).cell_length for label, _ in facts), 34)
                heading = [Content.assemble((title, "bold $accent"))] if title else []
                parts.append(Content("\n").join([*heading, wrapped_facts(facts, label_width, width)]))
        parts.append(prose(self._text, width) if self._text.strip() else present.muted("Nothing was written."))
        self.query_one("#document", Line).put(Content("\n\n").join(parts))

    def action_copy(self) -> None:
        """Copy the text."""
        self.copy(self._text)

    def action_copy_url(self) -> None:
        """Copy the address."""
        self.copy(self._url)

    def action_open(self) -> None:
        """Open the page."""
        self.app.say(open_page(self.app, self._url))
