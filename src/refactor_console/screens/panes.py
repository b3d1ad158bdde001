"""Which screen belongs to which pane, and which actions have keys: the one place that knows them all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from textual.binding import Binding
from textual.dom import DOMNode

from refactor_console.screens.alerts import AlertsScreen
from refactor_console.screens.base import PaneScreen
from refactor_console.screens.containers import ContainersScreen
from refactor_console.screens.dialogs.account import AccountDialog
from refactor_console.screens.dialogs.base import Dialog
from refactor_console.screens.dialogs.confirm import ConfirmDialog
from refactor_console.screens.dialogs.dispatch_form import DispatchDialog
from refactor_console.screens.dialogs.environments import EnvironmentDialog
from refactor_console.screens.dialogs.help import HelpDialog
from refactor_console.screens.dialogs.inspect import InspectDialog
from refactor_console.screens.dialogs.job_log import JobLogDialog
from refactor_console.screens.dialogs.problem import ProblemDialog
from refactor_console.screens.dialogs.run_details import RunDialog
from refactor_console.screens.dialogs.top import TopDialog
from refactor_console.screens.images import ImagesScreen
from refactor_console.screens.logs import LogsScreen
from refactor_console.screens.overview import OverviewScreen
from refactor_console.screens.releases import ReleasesScreen
from refactor_console.screens.runs import RunsScreen
from refactor_console.screens.secrets import SecretsScreen
from refactor_console.screens.shell import Shell
from refactor_console.widgets.badge import FeedBadge
from refactor_console.widgets.log_view import LogView
from refactor_console.widgets.run_tree import RunTree
from refactor_console.widgets.table import Table

if TYPE_CHECKING:
    from refactor_console.services.feed import Clock
    from refactor_console.services.log_book import LogBook
    from refactor_console.services.session import ConsoleSession


def action_ids(app: type[Shell]) -> frozenset[str]:
    """The ids of everything that has a key: what ``[keys]`` of the configuration may name."""
    places: tuple[type[DOMNode], ...] = (
        *(app, OverviewScreen, ContainersScreen, LogsScreen, Table, LogView, FeedBadge),
        *(RunsScreen, ImagesScreen, ReleasesScreen, SecretsScreen, AlertsScreen),
        *(Dialog, InspectDialog, ProblemDialog, TopDialog, ConfirmDialog, HelpDialog, EnvironmentDialog, AccountDialog),
        *(RunTree, RunDialog, JobLogDialog, DispatchDialog),
    )
    bindings = (b for place in places for base in place.__mro__ for b in base.__dict__.get("BINDINGS", ()))
    return frozenset(b.id for b in bindings if isinstance(b, Binding) and b.id)


def pane_factories(session: ConsoleSession, book: LogBook, clock: Clock) -> Mapping[str, Callable[[], PaneScreen]]:
    """How to make each pane's screen over this session."""
    return {
        "overview": lambda: OverviewScreen(session, clock),
        "containers": lambda: ContainersScreen(session, clock),
        "logs": lambda: LogsScreen(session, book, clock),
        "runs": lambda: RunsScreen(session, book, clock),
        "images": lambda: ImagesScreen(session, clock),
        "releases": lambda: ReleasesScreen(session, clock),
        "secrets": lambda: SecretsScreen(session, clock),
        "alerts": lambda: AlertsScreen(session, clock),
    }
