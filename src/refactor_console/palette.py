"""The command palette's provider: everything the console can do now, over actions and over what is there to act on.

A dangerous entry only opens its preview; the palette never acts by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from textual.binding import Binding
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.fuzzy import FuzzySearch

from refactor_console import theme as themes
from refactor_console.domain.actions import Verb
from refactor_console.domain.operations import Operation
from refactor_console.domain.runs import RunState
from refactor_console.domain.text import visible
from refactor_console.screens.base import PaneScreen
from refactor_console.screens.dialogs.operation_confirm import WORDS
from refactor_console.screens.runs import RunsScreen
from refactor_console.screens.shell import PANES
from refactor_console.widgets.present_runs import run_name

if TYPE_CHECKING:
    from refactor_console.app import ConsoleApp
    from refactor_console.services.session import ConsoleSession


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the palette."""

    title: str
    """What it does, such as ``Logs of rust-app``; may hold outside text."""
    help: str
    run: Callable[[], None]


@runtime_checkable
class Commander(Protocol):
    """An application that knows what can be done."""

    def palette_entries(self) -> Iterator[Entry]:
        """What can be done now, the likeliest first."""


class ConsoleCommands(Provider):
    """Lists and searches the application's entries."""

    async def startup(self) -> None:
        """Take the entries as they are now."""
        app = self.app
        self._entries = tuple(app.palette_entries()) if isinstance(app, Commander) else ()
        self._fuzzy = FuzzySearch()

    async def discover(self) -> Hits:
        """Everything, before anything is typed."""
        for entry in self._entries:
            title = visible(entry.title)
            yield DiscoveryHit(Content(title), entry.run, title, visible(entry.help))

    async def search(self, query: str) -> Hits:
        """What matches, with the matching letters marked; names from outside are never read as markup."""
        for entry in self._entries:
            title = visible(entry.title)
            score, offsets = self._fuzzy.match(query, title)
            if score > 0:
                shown = Content(title)
                for offset in offsets:
                    shown = shown.stylize(self.match_style or "bold", offset, offset + 1)
                yield Hit(score, shown, entry.run, title, visible(entry.help))


def console_entries(app: ConsoleApp) -> Iterator[Entry]:
    """Panes, services, environments, themes, and what the keys do, as they are now."""
    for pane in PANES:
        key = app.key_of(pane.binding, pane.key)
        yield Entry(f"Go to {pane.title}", f"key {key}", partial(app.show_pane, pane.mode))
    yield Entry("Retry now", "Try every failed connection again", app.action_retry)
    yield Entry("Help", "The keys that work here", app.action_help)
    yield Entry("GitHub account", "Who is signed in, what the token lacks, what the API allows", app.show_account)
    if app.session is not None:
        yield from _service_entries(app, app.session)
        yield from _run_entries(app, app.session)
        yield from _pane_entries(app)
    for environment in app.environments:
        if environment.name != app.environment.name:
            where = f"{environment.ssh}{'  PROTECTED' if environment.protected else ''}"
            open_it = partial(app.open_environment, environment.name)
            yield Entry(f"Open environment {environment.name}", where, open_it)
    for name in themes.NAMES:
        yield Entry(f"Theme {name}", "Change the colours", partial(app.use_theme, name))
    yield Entry("Quit", "Leave the console", app.quit_soon)


def _service_entries(app: ConsoleApp, session: ConsoleSession) -> Iterator[Entry]:
    for source in session.logs.sources():
        yield Entry(f"Logs of {source.label}", "This source alone", partial(app.show_logs, source.key))
    board = session.containers.reading.value
    for row in board.rows if board is not None else ():
        container, label = row.container, row.container.label
        yield Entry(f"Inspect {label}", row.sentence, partial(app.inspect_container, container.id, label))
        yield Entry(f"Processes of {label}", row.sentence, partial(app.show_processes, container.id, label))
        for verb in Verb if row.ours else ():
            title = f"{verb.value.capitalize()} {label}"
            yield Entry(title, "Opens a preview and acts on nothing", partial(app.propose, verb, container.id, label))


def _pane_entries(app: ConsoleApp) -> Iterator[Entry]:
    """What the keys of the pane that is looked at do; the runs' own entries name the run they are about."""
    for screen in app.screen_stack:
        if not isinstance(screen, PaneScreen) or isinstance(screen, RunsScreen):
            continue
        for binding in screen.BINDINGS:
            if isinstance(binding, Binding) and binding.id and binding.key != "escape":
                key = app.key_of(binding.id, binding.key_display or binding.key)
                act = partial(_act_later, screen, binding.action)
                yield Entry(binding.tooltip or binding.description, f"{binding.description}: key {key}", act)


def _act_later(screen: PaneScreen, action: str) -> None:
    """As if its key were pressed, when the palette is gone."""
    screen.call_later(screen.run_action, action)


def _run_entries(app: ConsoleApp, session: ConsoleSession) -> Iterator[Entry]:
    """What can be done to the selected run, where the runs are looked at; every workflow's form, everywhere."""
    for screen in app.screen_stack:
        if isinstance(screen, RunsScreen):
            yield from run_entries(screen)
    board = session.github.runs.reading.value
    for workflow in board.workflows if board is not None else ():
        if workflow.state == "active":
            where = f"{workflow.repository.full_name}: opens a form and acts on nothing"
            yield Entry(f"Dispatch {workflow.name}", where, partial(app.propose_dispatch, workflow))


def run_entries(screen: RunsScreen) -> Iterator[Entry]:
    """What can be done to the selected run; each only opens a preview or a log."""
    run = screen.run
    if run is None:
        return
    name = run_name(run)
    yield Entry(f"Open {name}", "Jobs and steps", screen.open_selected)
    yield Entry(f"Log of {name}", "The selected job's log", screen.action_log)
    if run.state.is_bad:
        yield Entry(f"Failing step of {name}", "The log at its first error", screen.action_failure)
    over = (Operation.RERUN, Operation.RERUN_FAILED, Operation.RERUN_JOB)
    for operation in over if run.state.is_over else (Operation.CANCEL,):
        act = partial(screen.action_operate, operation.value)
        yield Entry(f"{WORDS[operation][0]}: {name}", "Opens a preview and acts on nothing", act)
    if run.state is RunState.WAITING:
        yield Entry(f"Approve or reject {name}", "Opens a form and acts on nothing", screen.action_review)
