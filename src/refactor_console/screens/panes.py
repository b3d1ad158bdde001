"""Which screen belongs to which pane: the one place that knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from refactor_console.screens.base import PaneScreen
from refactor_console.screens.containers import ContainersScreen
from refactor_console.screens.logs import LogsScreen
from refactor_console.screens.overview import OverviewScreen

if TYPE_CHECKING:
    from refactor_console.services.feed import Clock
    from refactor_console.services.log_book import LogBook
    from refactor_console.services.session import ConsoleSession


def pane_factories(session: ConsoleSession, book: LogBook, clock: Clock) -> Mapping[str, Callable[[], PaneScreen]]:
    """How to make each pane's screen over this session."""
    return {
        "overview": lambda: OverviewScreen(session, clock),
        "containers": lambda: ContainersScreen(session, clock),
        "logs": lambda: LogsScreen(session, book, clock),
    }
