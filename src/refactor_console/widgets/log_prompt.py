"""A question at the bottom of the log, as in a pager: one line to type in, one that says what will happen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static


class LogPrompt(Vertical):
    """Asks for a filter, a search, a time or a file; hidden while nothing is asked."""

    BINDING_GROUP_TITLE = "While typing"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", tooltip="Leave things as they were", id="logs.prompt_cancel"),
    ]
    DEFAULT_CSS = """
    LogPrompt {
        height: 2;
        display: none;
        background: $panel;
        &.-asking { display: block; }
        Horizontal { height: 1; }
        #prompt-label { width: auto; padding: 0 1; color: $text-accent; text-style: bold; }
        Input { width: 1fr; height: 1; border: none; padding: 0; background: $surface; }
        #prompt-hint { height: 1; padding: 0 1; color: $text-muted; text-wrap: nowrap; text-overflow: ellipsis; }
        &.-wrong #prompt-hint { color: $text-error; text-style: bold; }
    }
    """
    input = getters.query_one(Input)

    @dataclass
    class Typed(Message):
        """The text changed; nothing is decided yet."""

        kind: str
        value: str

    @dataclass
    class Answered(Message):
        """Enter: the person means it."""

        kind: str
        value: str

    @dataclass
    class Cancelled(Message):
        """Escape: as if nothing had been asked."""

        kind: str

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self.kind = ""
        """What is asked for; empty while nothing is."""

    def compose(self) -> ComposeResult:
        """Label, input, hint."""
        with Horizontal():
            yield Static("", id="prompt-label", markup=False)
            yield Input(compact=True, id="prompt-input")
        yield Static("", id="prompt-hint", markup=False)

    def ask(self, kind: str, label: str, value: str, hint: str) -> None:
        """Ask a question, with an answer to begin from."""
        self.kind = kind
        self.query_one("#prompt-label", Static).update(Content(label))
        with self.prevent(Input.Changed):
            self.input.value = value
        self.input.cursor_position = len(value)
        self.hint(hint)
        self.add_class("-asking")
        self.input.focus()

    def hint(self, sentence: str, *, wrong: bool = False) -> None:
        """Say what the answer will do, or what is wrong with it."""
        self.set_class(wrong, "-wrong")
        self.query_one("#prompt-hint", Static).update(Content(sentence))

    def done(self) -> None:
        """Go away."""
        self.kind = ""
        self.remove_class("-asking")

    def action_cancel(self) -> None:
        """Give up."""
        self.post_message(self.Cancelled(self.kind))

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if self.kind:
            self.post_message(self.Typed(self.kind, event.value))

    @on(Input.Submitted)
    def _answered(self, event: Input.Submitted) -> None:
        event.stop()
        if self.kind:
            self.post_message(self.Answered(self.kind, event.value))
