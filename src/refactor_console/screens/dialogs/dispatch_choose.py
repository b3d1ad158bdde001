"""Choose a workflow to dispatch, of any repository."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from refactor_console.domain.repos import Platform
from refactor_console.domain.runs import Workflow
from refactor_console.domain.text import visible
from refactor_console.screens.dialogs.base import Dialog
from refactor_console.widgets.pane import Line
from refactor_console.widgets.present_runs import repo_name


def workflow_line(platform: Platform, workflow: Workflow) -> Content:
    """One workflow in a line: name, repository, file, and why it cannot run."""
    active = workflow.state == "active"
    return Content.assemble(
        (visible(workflow.name), "bold" if active else "$muted"),
        (f"  {visible(repo_name(platform, workflow.repository))}", "$accent"),
        (f"  {visible(workflow.path.rpartition('/')[2])}", "$muted"),
        ("" if active else f"  {visible(workflow.state.replace('_', ' '))}", "$warn"),
    )


class DispatchChooser(Dialog[Workflow]):
    """Every known workflow; the result is the chosen one. Whether it can be dispatched is read from its file then."""

    def __init__(self, platform: Platform, workflows: Sequence[Workflow], preferred: int | None = None) -> None:
        super().__init__("Dispatch which workflow?")
        self._platform, self._workflows, self._preferred = platform, tuple(workflows), preferred

    def compose_body(self) -> ComposeResult:
        """The list; the selected run's workflow under the cursor."""
        if not self._workflows:
            yield Line("No workflow is known yet.")
            return
        options = [Option(workflow_line(self._platform, workflow)) for workflow in self._workflows]
        listing = OptionList(*options, markup=False)
        ids = [workflow.id for workflow in self._workflows]
        listing.highlighted = ids.index(self._preferred) if self._preferred in ids else 0
        yield listing

    def on_mount(self) -> None:
        """Begin on the list."""
        for listing in self.query(OptionList):
            listing.focus()

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(self._workflows[event.option_index])
