"""Stands where the logs pane will be."""

from __future__ import annotations

from textual.app import ComposeResult

from refactor_console.screens.base import PaneScreen
from refactor_console.services.log_book import LogBook
from refactor_console.services.session import ConsoleSession
from refactor_console.widgets.pane import Line


class LogsScreen(PaneScreen):
    """Nothing yet."""

    MODE = "logs"

    def __init__(self, session: ConsoleSession, book: LogBook) -> None:
        super().__init__(session)
        self.book = book
        self.opened = ""

    def compose_body(self) -> ComposeResult:
        """A line."""
        yield Line("Logs", id="logs-line")

    def open_source(self, key: str) -> None:
        """Remember the source."""
        self.opened = key
