"""The preview of what would be asked of GitHub, and the only place from which it is asked."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from textual import on
from textual.content import Content
from textual.widgets import Button

from refactor_console.domain.operations import Operation, OperationOutcome, OperationPreview
from refactor_console.screens.dialogs.confirmation import Confirmation, State, preview_document
from refactor_console.services.github_door import GitHubDoor
from refactor_console.widgets import present
from refactor_console.widgets.facts import Fact

WORDS = {
    Operation.RERUN: ("Re-run all", "Running all jobs again"),
    Operation.RERUN_FAILED: ("Re-run failed", "Running the failed jobs again"),
    Operation.RERUN_JOB: ("Re-run job", "Running the job again"),
    Operation.CANCEL: ("Cancel run", "Cancelling the run"),
    Operation.DISPATCH: ("Dispatch", "Dispatching, and looking for the run"),
    Operation.APPROVE: ("Approve", "Approving"),
    Operation.REJECT: ("Reject", "Rejecting"),
}
"""The button's word, and what is said meanwhile."""


class OperationDialog(Confirmation[OperationPreview, OperationOutcome]):
    """Re-run, cancel, dispatch, approve or reject.

    Args:
        github: who is asked.
        operation: what.
        label: to what, such as a run's name; may hold outside text.
        make: looks afresh and makes the preview.
    """

    def __init__(
        self,
        github: GitHubDoor,
        operation: Operation,
        label: str,
        make: Callable[[], Coroutine[Any, Any, OperationPreview]],
    ) -> None:
        act, doing = WORDS[operation]
        super().__init__(f"{act}: {label}", looking=f"Looking at {label} afresh…", act=act, doing=doing)
        self._github, self._make = github, make
        self._found = ""

    async def look(self) -> OperationPreview:
        """Look at the run, or check the form."""
        return await self._make()

    def document(self, preview: OperationPreview, width: int) -> Content:
        """The target, consequences, the request."""
        facts: list[Fact] = [("What", present.plain(preview.title)), ("Target", present.plain(preview.target))]
        facts += [("Now", present.plain(preview.seen_state))] if preview.seen_state else []
        facts += [("Ref", present.plain(preview.ref))] if preview.ref else []
        facts.append(("Observed", Content(present.utc_time(preview.observed_at))))
        return preview_document(preview, facts, width)

    def ask_for(self, word: str) -> Content:
        """What has to be typed."""
        return Content.assemble("This touches ", (word, "bold $protected"), ". Type its name to allow the button:")

    def work(self, preview: OperationPreview, typed: str) -> Coroutine[Any, Any, OperationOutcome]:
        """Ask GitHub."""
        return self._github.perform(preview, typed)

    def ended(self, outcome: OperationOutcome) -> None:
        """A dispatch leads to the run that it started, when that is certain."""
        if outcome.preview.operation is Operation.DISPATCH and outcome.run_id is not None:
            self._found = f"{outcome.preview.repository.full_name}#{outcome.run_id}"
            button = Button("Go to the run", id="go", compact=True)
            self.query_one("#buttons").mount(button)
            self.call_after_refresh(button.focus)

    @property
    def was_sent(self) -> bool:
        """Whether GitHub was asked, and did not refuse."""
        return self.state in (State.PERFORMING, State.DONE)

    @on(Button.Pressed, "#go")
    def _go(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(None)
        self.app.show_run(self._found)
