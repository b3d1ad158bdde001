"""The application's part that opens dialogs, and sees a confirmed mutation through.

Dialogs are imported when they are opened: the first frame needs none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.domain.text import visible
from refactor_console.screens.shell import O, Outcome, Shell, broken

if TYPE_CHECKING:
    from refactor_console.domain.actions import Verb
    from refactor_console.domain.runs import Workflow
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

    def show_account(self) -> None:
        """Open GitHub's account."""
        from refactor_console.screens.dialogs.account import AccountDialog

        if self.session is not None:
            self.push_screen(AccountDialog(self.session.github, self.clock))

    def action_account(self) -> None:
        """The key of `show_account`."""
        self.show_account()

    def action_help(self) -> None:
        """Show the keys that work now."""
        from refactor_console.screens.dialogs.help import HelpDialog, collect

        self.push_screen(HelpDialog(collect(self, self.screen.active_bindings)))

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

    def propose_dispatch(self, workflow: Workflow) -> None:
        """Open a workflow's form."""
        from refactor_console.domain.operations import Operation
        from refactor_console.screens.dialogs.dispatch_form import DispatchDialog
        from refactor_console.widgets.present_runs import read_only_sentence

        if self.session is None:
            return
        if self.session.read_only:
            self.say(read_only_sentence(Operation.DISPATCH), severity="warning")
        else:
            self.push_screen(DispatchDialog(self.session, workflow))

    def see_through(self, title: str, work: Coroutine[Any, Any, O], report: Callable[[O | Problem], bool]) -> None:
        """Do what was confirmed; the application's own worker, so that closing the dialog does not cut it off."""

        async def see() -> None:
            self.performing += 1
            result: O | Problem
            try:
                result = await work
            except ConsoleError as error:
                result = error.problem
            except Exception as error:  # then the worker's failure is said as any other
                report(broken(title, error, "It may have been done all the same: look before you do it again."))
                raise
            finally:
                self.performing -= 1
            if not report(result):
                self._announce(visible(title), result)

        self.run_worker(see(), name=title, group="perform", exit_on_error=False)

    def _announce(self, title: str, result: Outcome | Problem) -> None:
        """Say how an action ended whose dialog was left."""
        if isinstance(result, Problem):
            self.say(visible(result.summary), severity="error", title=title)
            return
        sentence = visible(" ".join(part for part in (result.sentence, result.audit_notice) if part))
        well = result.succeeded and not result.audit_notice
        self.say(sentence, severity="information" if well else "warning", title=title)
