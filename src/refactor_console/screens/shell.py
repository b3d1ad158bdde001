"""What panes and dialogs may ask of the application around them; `app.ConsoleApp` is the one implementation."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from textual.app import App
from textual.worker import Worker

from refactor_console.domain.problem import Problem
from refactor_console.domain.text import visible
from refactor_console.services.feed import bug

if TYPE_CHECKING:
    from refactor_console.domain.actions import Verb
    from refactor_console.domain.runs import Workflow
    from refactor_console.services.feed import Clock


class Outcome(Protocol):
    """How a mutation ended, whatever it was."""

    @property
    def succeeded(self) -> bool:
        """Whether it did what was meant."""

    @property
    def sentence(self) -> str:
        """How it ended."""

    @property
    def seconds(self) -> float:
        """How long it took."""

    @property
    def audit_notice(self) -> str:
        """What could not be recorded; empty when all was."""


O = TypeVar("O", bound=Outcome)  # noqa: E741 - an outcome


class PaneTab(NamedTuple):
    """One of the console's panes, as the header and the palette name it."""

    mode: str
    title: str
    binding: str
    """The id of the binding that goes there."""
    key: str
    """Its key unless the user chose another."""
    short: str
    """Its title where there is little room."""


PANES: tuple[PaneTab, ...] = (
    PaneTab("overview", "Overview", "console.overview", "1", "Over"),
    PaneTab("containers", "Containers", "console.containers", "2", "Cont"),
    PaneTab("logs", "Logs", "console.logs", "3", "Logs"),
    PaneTab("runs", "Runs", "console.runs", "4", "Runs"),
    PaneTab("images", "Images", "console.images", "5", "Imgs"),
    PaneTab("releases", "Releases", "console.releases", "6", "Rels"),
    PaneTab("secrets", "Secrets", "console.secrets", "7", "Secr"),
    PaneTab("alerts", "Alerts", "console.alerts", "8", "Alrt"),
)


def unforeseen(worker: Worker[object]) -> Problem:
    """A failure inside the console itself, as a sentence: the console goes on without that job."""
    return broken(worker.name, worker.error, "Try again; if it happens again, report it with its details.")


def broken(job: str, error: BaseException | None, remedy: str) -> Problem:
    """A failure that nobody foresaw: what broke, its kind and its place; not its words, which may hold a secret."""
    kind = "cancelled" if error is None else type(error).__name__
    return replace(bug(error), summary=f"The console itself failed at '{visible(job)}' ({kind}).", remedy=remedy)


class Shell(App[None]):
    """The application as its screens see it."""

    clock: Clock
    """Gives the present time (UTC)."""
    keys: Mapping[str, str]
    """The user's own keys by binding id."""

    @abstractmethod
    def show_pane(self, mode: str) -> None:
        """Go to a pane of `PANES`."""

    @abstractmethod
    def show_logs(self, source_key: str) -> None:
        """Go to the logs and show this source alone, such as ``container:rust-app``."""

    @abstractmethod
    def show_container(self, label: str) -> None:
        """Go to the containers with this service selected."""

    @abstractmethod
    def show_problem(self, problem: Problem, title: str = "") -> None:
        """Open the details of a failure."""

    @abstractmethod
    def show_account(self) -> None:
        """Open who is signed in to GitHub, and what the API allows."""

    @abstractmethod
    def inspect_container(self, container_id: str, label: str) -> None:
        """Open everything there is to know of a container."""

    @abstractmethod
    def show_processes(self, container_id: str, label: str) -> None:
        """Open the processes of a container."""

    @abstractmethod
    def propose(self, verb: Verb, container_id: str, label: str) -> None:
        """Open the preview of a mutation; nothing is done before it is confirmed there."""

    @abstractmethod
    def see_through(self, title: str, work: Coroutine[Any, Any, O], report: Callable[[O | Problem], bool]) -> None:
        """Do what was confirmed, whether or not the dialog stays open.

        Args:
            title: what is done, in one line; may hold outside text.
            work: does it.
            report: called with the end; gives False when nobody looks, and then the application says it.
        """

    @abstractmethod
    def show_run(self, key: str) -> None:
        """Go to the runs with this one selected, as soon as it is on the board."""

    @abstractmethod
    def propose_dispatch(self, workflow: Workflow) -> None:
        """Open the form of a workflow; nothing is dispatched before it is previewed and confirmed."""

    def key_of(self, binding: str, default: str) -> str:
        """The key that a binding has for this user."""
        return self.keys.get(binding, default)

    def say(self, sentence: str, *, severity: str = "information", title: str = "") -> None:
        """Show a sentence for some seconds; outside text in it is never read as markup."""
        known = severity if severity in ("information", "warning", "error") else "information"
        seconds = 5 if known == "information" else 12
        self.notify(sentence, title=title, severity=known, markup=False, timeout=seconds)  # type: ignore[arg-type]

    def worker_failed(self, worker: Worker[object]) -> None:
        """Say that a job ended with an error that nobody foresaw."""
        self.say(unforeseen(worker).summary, severity="error")
