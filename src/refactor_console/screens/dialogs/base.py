"""The base of all dialogs: a titled box with a scrolling body, closed by Escape; quitting works from everywhere."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, TypeVar

from textual import getters, on
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer, Static
from textual.worker import Worker, WorkerState

from refactor_console.domain.text import visible
from refactor_console.screens.shell import Shell

R = TypeVar("R")

QUIT = Binding("q", "app.quit", "Quit", id="console.quit")
"""In every dialog too: a modal screen hides the application's own bindings."""


class Body(VerticalScroll, can_focus=False):
    """What a dialog shows; the dialog's own keys scroll it, so that the focus can stay on a button."""


class Dialog(ModalScreen[R]):
    """A titled box. A subclass yields its widgets from `compose_body` and, below the body, from `compose_end`."""

    app = getters.app(Shell)
    BINDING_GROUP_TITLE = "Dialog"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", id="dialog.close"),
        Binding("up,k", "scroll(-1)", "Scroll up", show=False, id="dialog.up"),
        Binding("down,j", "scroll(1)", "Scroll down", show=False, id="dialog.down"),
        Binding("pageup", "scroll(-10)", "Page up", show=False, id="dialog.page-up"),
        Binding("pagedown,space", "scroll(10)", "Page down", show=False, id="dialog.page-down"),
        QUIT,
        Binding("ctrl+c", "copy_or_quit", "Copy selection, or quit", show=False),
    ]

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = visible(title)

    @abstractmethod
    def compose_body(self) -> ComposeResult:
        """What the body holds."""

    def compose_end(self) -> ComposeResult:
        """What stays in sight below the body: buttons, a field."""
        yield from ()

    def compose(self) -> ComposeResult:
        """The box."""
        with Vertical(id="box"):
            yield Static(Content(self._title), markup=False, id="dialog-title")
            with Body(id="dialog-body"):
                yield from self.compose_body()
            yield from self.compose_end()
        yield Footer(show_command_palette=False)

    def dismiss(self, result: R | None = None) -> AwaitComplete:
        """Close with a result, once: Textual would close whatever lies on top, be it another dialog or the pane."""
        if not self.is_attached or self.app.screen is not self:
            return AwaitComplete()
        return super().dismiss(result)

    def action_close(self) -> None:
        """Close without a result."""
        self.dismiss(None)

    def action_scroll(self, lines: int) -> None:
        """Move the body."""
        self.query_one(Body).scroll_relative(y=lines, animate=False)

    async def action_copy_or_quit(self) -> None:
        """Copy what is selected; quit when nothing is."""
        selected = self.get_selected_text()
        if selected:
            self.copy(selected)
        else:
            await self.app.run_action("quit")

    @on(Worker.StateChanged)
    def _worker_moved(self, event: Worker.StateChanged) -> None:
        """An error that nobody foresaw is said, never swallowed."""
        if event.state is WorkerState.ERROR:
            self.app.worker_failed(event.worker)

    def copy(self, text: str) -> None:
        """Hand text to the terminal's clipboard."""
        self.app.copy_to_clipboard(text)
        self.app.say("Sent to the terminal's clipboard (OSC 52).")
