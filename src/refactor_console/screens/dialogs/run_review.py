"""Which of the environments a run waits for are approved or rejected, and what the reviewer says."""

from __future__ import annotations

from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, Checkbox, Input

from refactor_console.domain.operations import Operation
from refactor_console.domain.runs import PendingEnvironment, WorkflowRun
from refactor_console.domain.text import visible
from refactor_console.screens.dialogs.base import Dialog
from refactor_console.widgets import present
from refactor_console.widgets.pane import Line
from refactor_console.widgets.present_runs import run_name


@dataclass(frozen=True, slots=True)
class Review:
    """What a reviewer means to do; nothing is sent before it is previewed and confirmed."""

    operation: Operation
    environment_ids: tuple[int, ...]
    comment: str


class ReviewDialog(Dialog[Review]):
    """The waiting environments, a comment, and three buttons; the result is None when nothing was chosen."""

    def __init__(self, run: WorkflowRun, pending: tuple[PendingEnvironment, ...]) -> None:
        super().__init__(f"{run_name(run)} waits for approval")
        self.add_class("-form")
        self._pending = pending

    def compose_body(self) -> ComposeResult:
        """A box for each environment; those of others are told, and cannot be chosen."""
        for entry in self._pending:
            box = Checkbox(Content(visible(entry.name)), entry.may_approve, id=f"e{entry.id}", compact=True)
            box.disabled = not entry.may_approve
            yield box
            who = ", ".join(entry.reviewers) or "its reviewers"
            timer = f"; its wait timer is {entry.wait_minutes} min" if entry.wait_minutes else ""
            words = "you are one of its reviewers" if entry.may_approve else "not yours to approve"
            yield Line(present.muted(f"    reviewers: {who}; {words}{timer}"))

    def compose_end(self) -> ComposeResult:
        """Comment and buttons."""
        yield Line("Comment (shown on GitHub)", classes="after")
        yield Input(id="comment", placeholder="optional", compact=True)
        yield Line(id="form-problem")
        with Horizontal(id="buttons"):
            yield Button("Cancel", id="cancel", compact=True)
            yield Button("Reject…", id="reject", compact=True)
            yield Button("Approve…", id="approve", compact=True)

    def on_mount(self) -> None:
        """Begin where nothing can happen."""
        self.query_one("#cancel", Button).focus()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "cancel":
            self.action_close()
            return
        chosen = tuple(entry.id for entry in self._pending if self.query_one(f"#e{entry.id}", Checkbox).value)
        if not chosen:
            sentence = "Choose an environment that you may approve."
            self.query_one("#form-problem", Line).put(Content.assemble((sentence, "$fail")))
            return
        operation = Operation.APPROVE if event.button.id == "approve" else Operation.REJECT
        self.dismiss(Review(operation, chosen, self.query_one("#comment", Input).value.strip()))
