"""Facts to read at leisure: titled blocks, folded into the room there is, to scroll and to copy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from refactor_console.screens.dialogs.base import Body, Dialog
from refactor_console.screens.links import open_page
from refactor_console.widgets.facts import Fact
from refactor_console.widgets.pane import Line
from refactor_console.widgets.present_image_dialogs import sections

Blocks = Sequence[tuple[str, Sequence[Fact]]]
"""Titles of ours, each with its facts."""


class FactsDialog(Dialog[None]):
    """Blocks of facts.

    Args:
        title: the heading.
        blocks: what is shown.
        url: the page that belongs to it; empty for none.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "copy_all", "Copy", tooltip="Copy it all as plain text", id="dialog.copy"),
        Binding("enter", "close", "Close", show=False),
    ]

    def __init__(self, title: str, blocks: Blocks, url: str = "") -> None:
        super().__init__(title)
        self.add_class("-full")
        self._blocks, self._url = tuple(blocks), url

    def compose_body(self) -> ComposeResult:
        """The document."""
        yield Line(id="document")

    def on_resize(self) -> None:
        """Fold long values into the room there is."""
        width = self.query_one(Body).scrollable_content_region.width - 1
        self.query_one("#document", Line).put(sections(self._blocks, width))

    def action_copy_all(self) -> None:
        """Copy what is shown."""
        self.copy(self.query_one("#document", Line).current.plain)

    def action_open(self) -> None:
        """Open the page."""
        self.app.say(open_page(self.app, self._url))


class ContractNameDialog(FactsDialog):
    """All about one name of the contract, but its value."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "copy_name", "Copy name", id="secrets.copy-name"),
        Binding("o", "open", "Open", tooltip="Where it is defined, on GitHub", id="secrets.open"),
    ]

    def __init__(self, name: str, blocks: Blocks, url: str) -> None:
        super().__init__(name, blocks, url)
        self._name_of_it = name

    def action_copy_name(self) -> None:
        """Copy the name."""
        self.copy(self._name_of_it)


class ContractSourcesDialog(FactsDialog):
    """Every source of the contract, and why some could not be read."""


class AlertDialog(FactsDialog):
    """All about one alert."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "copy_url", "Copy URL", id="alerts.copy-url"),
        Binding("o", "open", "Open", tooltip="The alert's page on GitHub", id="alerts.open"),
    ]

    def action_copy_url(self) -> None:
        """Copy the address."""
        if self._url:
            self.copy(self._url)
        else:
            self.app.say("It has no address.")


class GuardsDialog(FactsDialog):
    """Every guard of every repository, what its state means and what to do about it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "open", "Settings", tooltip="The repository's security settings on GitHub", id="alerts.open"),
    ]
