"""Choose the environment to look at."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from refactor_console.domain.environment import Environment
from refactor_console.domain.text import visible
from refactor_console.screens.dialogs.base import Dialog


def environment_line(environment: Environment, *, current: bool) -> Content:
    """One environment in a line: name, words, where it is."""
    words = "  PROTECTED" if environment.protected else ""
    words += "  DEMO" if environment.demo else ""
    return Content.assemble(
        ("● " if current else "  ", "$ok"),
        (visible(environment.name), "bold"),
        (words, "$protected" if environment.protected else "$muted"),
        (f"  {visible(str(environment.ssh))}", "$muted"),
        ("  open now" if current else "", "$muted"),
    )


class EnvironmentDialog(Dialog[str]):
    """The environments; the result is the chosen one's name."""

    def __init__(self, environments: Sequence[Environment], current: str) -> None:
        super().__init__("Environment")
        self._environments = tuple(environments)
        self._current = current

    def compose_body(self) -> ComposeResult:
        """The list, the open one under the cursor."""
        options = [
            Option(environment_line(environment, current=environment.name == self._current), id=f"e{index}")
            for index, environment in enumerate(self._environments)
        ]
        listing = OptionList(*options, markup=False)
        names = [environment.name for environment in self._environments]
        listing.highlighted = names.index(self._current) if self._current in names else 0
        yield listing

    def on_mount(self) -> None:
        """Begin on the list."""
        self.query_one(OptionList).focus()

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(self._environments[event.option_index].name)
