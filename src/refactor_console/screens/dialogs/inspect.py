"""Everything worth knowing of one container; secrets are masked before they come here."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content

from refactor_console.domain.containers import ContainerDetails
from refactor_console.domain.problem import ConsoleError
from refactor_console.domain.text import visible
from refactor_console.screens.dialogs.base import Dialog
from refactor_console.screens.dialogs.problem import problem_content
from refactor_console.services.session import ConsoleSession
from refactor_console.widgets.facts import table_of
from refactor_console.widgets.pane import Line
from refactor_console.widgets.present_containers import inspect_sections


def details_content(details: ContainerDetails) -> Content:
    """The sections one under the other, each with its names aligned."""
    blocks = []
    for title, facts in inspect_sections(details):
        width = min(max((len(label) for label, _ in facts), default=0), 32)
        blocks.append(
            Content.assemble(
                (visible(title), "bold $accent"), "\n", table_of([(label, v) for label, v in facts], width)
            )
        )
    return Content("\n\n").join(blocks)


class InspectDialog(Dialog[None]):
    """A container's details, read when the dialog opens."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c,y", "copy", "Copy", tooltip="Copy it all as plain text, secrets masked", id="dialog.copy"),
        Binding("r", "reload", "Read again", id="dialog.reload"),
    ]

    def __init__(self, session: ConsoleSession, container_id: str, label: str) -> None:
        super().__init__(f"Inspect {label}")
        self.add_class("-full")
        self._session = session
        self._container_id = container_id
        self._text = ""

    def compose_body(self) -> ComposeResult:
        """The document."""
        yield Line("Asking the Engine…", id="details")

    def on_mount(self) -> None:
        """Read the details."""
        self.action_reload()

    def action_reload(self) -> None:
        """Read the details again."""
        self.run_worker(self._load(), name="inspect", group="inspect", exclusive=True, exit_on_error=False)

    async def _load(self) -> None:
        line = self.query_one("#details", Line)
        try:
            content = details_content(await self._session.inspect(self._container_id))
        except ConsoleError as error:
            content = problem_content(error.problem)
        self._text = content.plain
        line.put(content)

    def action_copy(self) -> None:
        """Copy what is shown."""
        self.copy(self._text)
