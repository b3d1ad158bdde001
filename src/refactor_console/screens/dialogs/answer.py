"""A dialog that asks once when it opens, shows the answer or the problem, and can ask again."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, Generic, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content

from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.screens.dialogs.base import Body, Dialog
from refactor_console.screens.dialogs.problem import problem_content
from refactor_console.widgets.pane import Line

T = TypeVar("T")


class AnswerDialog(Dialog[None], Generic[T]):
    """A document made of an answer. A subclass says what to ask, and what the answer looks like.

    Args:
        title: the box's heading.
        asking: shown while the answer is awaited.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "copy", "Copy", tooltip="Copy it all as plain text", id="dialog.copy"),
        Binding("r", "reload", "Read again", id="dialog.reload"),
    ]

    def __init__(self, title: str, asking: str) -> None:
        super().__init__(title)
        self.add_class("-full")
        self._asking = asking
        self.answer: T | None = None
        """The last answer; None while there is none."""
        self.problem: Problem | None = None
        """Why there is no newer answer."""

    @abstractmethod
    async def ask(self) -> T:
        """Get the answer.

        Raises:
            ConsoleError: with the problem to show.
        """

    @abstractmethod
    def document(self, answer: T, width: int) -> Content:
        """The answer, folded into so many cells."""

    def compose_body(self) -> ComposeResult:
        """The document."""
        yield Line(self._asking, id="document")

    def on_mount(self) -> None:
        """Ask."""
        self.action_reload()

    def action_reload(self) -> None:
        """Ask again."""
        self.run_worker(self._load(), name="answer", group="answer", exclusive=True, exit_on_error=False)

    async def _load(self) -> None:
        try:
            self.answer = await self.ask()
            self.problem = None
        except ConsoleError as error:
            self.problem = error.problem
        self.show_answer()
        if self.problem is None:
            await self.ask_more()

    async def ask_more(self) -> None:
        """What may come later than the answer; an override draws it with `show_answer`."""

    def on_resize(self) -> None:
        """Fold long values into the room there is."""
        self.show_answer()

    def show_answer(self) -> None:
        """Draw what is known."""
        width = self.query_one(Body).scrollable_content_region.width - 1
        line = self.query_one("#document", Line)
        if self.problem is not None:
            line.put(problem_content(self.problem))
        elif self.answer is not None:
            line.put(self.document(self.answer, width))

    def action_copy(self) -> None:
        """Copy what is shown."""
        self.copy(self.query_one("#document", Line).current.plain)
