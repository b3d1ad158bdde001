"""Everything worth knowing of one container; secrets are masked before they come here."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content

from refactor_console.domain.containers import ContainerDetails
from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.domain.text import visible
from refactor_console.screens.dialogs.base import Body, Dialog
from refactor_console.screens.dialogs.problem import problem_content
from refactor_console.services.session import ConsoleSession
from refactor_console.widgets.facts import table_of
from refactor_console.widgets.pane import Line
from refactor_console.widgets.present_containers import inspect_sections


def details_content(details: ContainerDetails, width: int) -> Content:
    """The sections one under the other, each with its names aligned and its values folded into `width` cells."""
    blocks = []
    for title, facts in inspect_sections(details):
        label_width = min(max((len(label) for label, _ in facts), default=0), 32)
        table = table_of(facts, label_width, width)
        blocks.append(Content.assemble((visible(title), "bold $accent"), "\n", table))
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
        self._found: ContainerDetails | Problem | None = None
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
        try:
            self._found = await self._session.inspect(self._container_id)
        except ConsoleError as error:
            self._found = error.problem
        self._draw()

    def on_resize(self) -> None:
        """Fold long values into the room there is."""
        self._draw()

    def _draw(self) -> None:
        match self._found:
            case ContainerDetails() as details:
                content = details_content(details, self.query_one(Body).scrollable_content_region.width - 1)
            case Problem() as problem:
                content = problem_content(problem)
            case None:
                return
        self._text = content.plain
        self.query_one("#details", Line).put(content)

    def action_copy(self) -> None:
        """Copy what is shown."""
        self.copy(self._text)
