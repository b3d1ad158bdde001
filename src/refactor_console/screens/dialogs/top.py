"""The processes of one container."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content

from refactor_console.domain.containers import ProcessTable
from refactor_console.domain.problem import ConsoleError
from refactor_console.domain.text import visible
from refactor_console.screens.dialogs.base import Dialog
from refactor_console.screens.dialogs.problem import problem_content
from refactor_console.services.session import ConsoleSession
from refactor_console.widgets.pane import Line


def processes_content(table: ProcessTable) -> Content:
    """The table with aligned columns; the last column (the command) keeps its whole length."""
    rows = [tuple(visible(cell) for cell in row) for row in table.rows]
    titles = tuple(visible(title) for title in table.titles)
    widths = [
        max(Content(row[index]).cell_length for row in (titles, *rows) if index < len(row))
        for index in range(len(titles))
    ]

    def line(row: tuple[str, ...]) -> Content:
        cells = [Content(cell) for cell in row]
        padded = [c.pad_right(widths[i] - c.cell_length) if i < len(widths) - 1 else c for i, c in enumerate(cells)]
        return Content("  ").join(padded)

    header = line(titles).stylize("$muted")
    count = Content.assemble((f"{len(rows)} process{'' if len(rows) == 1 else 'es'}", "$muted"))
    return Content("\n").join([header, *(line(row) for row in rows), Content(""), count])


class TopDialog(Dialog[None]):
    """Processes, read when the dialog opens and on request."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c,y", "copy", "Copy", tooltip="Copy it all as plain text", id="dialog.copy"),
        Binding("r", "reload", "Read again", id="dialog.reload"),
    ]

    def __init__(self, session: ConsoleSession, container_id: str, label: str) -> None:
        super().__init__(f"Processes of {label}")
        self.add_class("-full")
        self._session = session
        self._container_id = container_id
        self._text = ""

    def compose_body(self) -> ComposeResult:
        """The table."""
        yield Line("Asking the Engine…", id="processes", classes="nowrap")

    def on_mount(self) -> None:
        """Read the processes."""
        self.action_reload()

    def action_reload(self) -> None:
        """Read the processes again."""
        self.run_worker(self._load(), name="top", group="top", exclusive=True, exit_on_error=False)

    async def _load(self) -> None:
        line = self.query_one("#processes", Line)
        try:
            content = processes_content(await self._session.top(self._container_id))
        except ConsoleError as error:
            content = problem_content(error.problem)
        self._text = content.plain
        line.put(content)

    def action_copy(self) -> None:
        """Copy what is shown."""
        self.copy(self._text)
