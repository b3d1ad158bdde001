"""The application's part that opens dialogs, and sees a confirmed mutation through.

Dialogs are imported when they are opened: the first frame needs none of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.domain.text import visible
from refactor_console.screens.shell import Shell

if TYPE_CHECKING:
    from refactor_console.domain.actions import ActionOutcome, ActionPreview, Verb
    from refactor_console.services.session import ConsoleSession


class DialogHost(Shell):
    """Opens every dialog of the console."""

    session: ConsoleSession | None = None
    """The open environment's session; None while there is none."""
    performing: int = 0
    """How many confirmed mutations are being done now."""

    def show_problem(self, problem: Problem, title: str = "") -> None:
        """Open a failure's details."""
        from refactor_console.screens.dialogs.problem import ProblemDialog

        self.push_screen(ProblemDialog(problem, title))

    def inspect_container(self, container_id: str, label: str) -> None:
        """Open a container's details."""
        from refactor_console.screens.dialogs.inspect import InspectDialog

        if self.session is not None:
            self.push_screen(InspectDialog(self.session, container_id, label))

    def show_processes(self, container_id: str, label: str) -> None:
        """Open a container's processes."""
        from refactor_console.screens.dialogs.top import TopDialog

        if self.session is not None:
            self.push_screen(TopDialog(self.session, container_id, label))

    def propose(self, verb: Verb, container_id: str, label: str) -> None:
        """Open a mutation's preview."""
        from refactor_console.screens.dialogs.confirm import ConfirmDialog

        if self.session is not None:
            self.push_screen(ConfirmDialog(self.session, verb, container_id, label))

    def perform(
        self,
        session: ConsoleSession,
        preview: ActionPreview,
        typed: str,
        report: Callable[[ActionOutcome | Problem], bool],
    ) -> None:
        """Do what was confirmed; the application's own worker, so that closing the dialog does not cut it off."""

        async def work() -> None:
            self.performing += 1
            result: ActionOutcome | Problem
            try:
                result = await session.perform(preview, typed)
            except ConsoleError as error:
                result = error.problem
            finally:
                self.performing -= 1
            if not report(result):
                self._announce(preview, result)

        self.run_worker(work(), name=preview.title, group="perform", exit_on_error=False)

    def _announce(self, preview: ActionPreview, result: ActionOutcome | Problem) -> None:
        """Say how an action ended whose dialog was left."""
        title = visible(preview.title)
        if isinstance(result, Problem):
            self.say(visible(result.summary), severity="error", title=title)
            return
        sentence = visible(" ".join(part for part in (result.sentence, result.audit_notice) if part))
        well = result.succeeded and not result.audit_notice
        self.say(sentence, severity="information" if well else "warning", title=title)
