"""The frame of every confirmation: it looks afresh, shows everything, asks, and sees it through.

States::

    looking ──preview──▶ asking ──button──▶ performing ──▶ done
       └──────error──────▶ refused              └──error──▶ failed

Enter never acts by itself: Cancel has the focus first, or the field where a word has to be typed. Closing the dialog
while it performs stops nothing: the outcome is said in a notification instead.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Coroutine
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, Input

from refactor_console.domain.actions import ConfirmBy
from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.domain.text import visible
from refactor_console.domain.verdict import Verdict
from refactor_console.screens.dialogs.base import Body, Dialog
from refactor_console.screens.dialogs.problem import problem_content
from refactor_console.screens.shell import Outcome, broken
from refactor_console.widgets import present
from refactor_console.widgets.facts import Fact, table_of
from refactor_console.widgets.pane import Line


class Preview(Protocol):
    """A mutation ready to be confirmed, as every preview is."""

    @property
    def title(self) -> str:
        """What would be done to what, in one line."""

    @property
    def requests(self) -> tuple[str, ...]:
        """The exact requests."""

    @property
    def equivalent(self) -> str:
        """The command line that does the same."""

    @property
    def consequences(self) -> tuple[str, ...]:
        """What will happen, one sentence each."""

    @property
    def confirm_by(self) -> ConfirmBy:
        """How it is confirmed."""

    @property
    def confirm_word(self) -> str:
        """What has to be typed."""


HELD_SECONDS = 0.8
"""A key that is held repeats after 660 ms at the latest (X11's default): so long one Enter is not taken for two."""
P = TypeVar("P", bound=Preview)
O = TypeVar("O", bound=Outcome)  # noqa: E741 - an outcome, beside P for a preview


class State(StrEnum):
    """Where the dialog stands."""

    LOOKING = "looking"
    REFUSED = "refused"
    ASKING = "asking"
    PERFORMING = "performing"
    DONE = "done"
    FAILED = "failed"


def preview_document(preview: Preview, facts: list[Fact], width: int) -> Content:
    """What would be done to what, whole: nothing is done that is not shown here."""
    blocks = [table_of(facts, 9, width)]
    blocks.append(
        Content("\n").join(
            [Content.assemble(("What will happen", "bold $accent"))]
            + [Content.assemble(("▲ ", "$warn"), visible(sentence)) for sentence in preview.consequences]
        )
    )
    blocks.append(
        Content("\n").join(
            [Content.assemble(("What will be sent", "bold $accent"))]
            + [Content(f"  {visible(request)}") for request in preview.requests]
            + [Content.assemble(("by hand  ", "$muted"), visible(preview.equivalent))]
        )
    )
    return Content("\n\n").join(blocks)


def outcome_content(outcome: Outcome) -> Content:
    """How it ended, in a sentence, and what could not be recorded."""
    verdict = Verdict.DONE if outcome.succeeded else Verdict.FAIL
    parts = [present.verdict_text(verdict, f"{outcome.sentence}  ({outcome.seconds:.1f} s)")]
    if outcome.audit_notice:
        parts.append(present.verdict_text(Verdict.WARN, outcome.audit_notice))
    return Content("\n").join(parts)


class Confirmation(Dialog[None], Generic[P, O]):
    """Looks afresh, shows everything, and asks. A subclass says at what, how it looks, and what is done.

    Args:
        title: the heading.
        looking: what is said while it looks.
        act: the button's word.
        doing: what is said while it is done.
    """

    def __init__(self, title: str, *, looking: str, act: str, doing: str) -> None:
        super().__init__(title)
        self._looking, self._act, self._doing = visible(looking), act, visible(doing)
        self._preview: P | None = None
        self._began = datetime.min.replace(tzinfo=UTC)
        self._holds_until = 0.0
        self.state = State.LOOKING

    # -- for subclasses

    @abstractmethod
    async def look(self) -> P:
        """Look afresh.

        Raises:
            ConsoleError: it cannot, or may not, be done.
        """

    @abstractmethod
    def document(self, preview: P, width: int) -> Content:
        """The preview, whole."""

    @abstractmethod
    def ask_for(self, word: str) -> Content:
        """The sentence above the field."""

    @abstractmethod
    def work(self, preview: P, typed: str) -> Coroutine[Any, Any, O]:
        """Do what was confirmed."""

    def ended(self, outcome: O) -> None:
        """It was done, and somebody still looks."""

    # -- frame

    def compose_body(self) -> ComposeResult:
        """The preview."""
        yield Line(self._looking, id="preview")

    def compose_end(self) -> ComposeResult:
        """The field, the outcome, the buttons; Cancel first."""
        yield Line(id="ask")
        field = Input(id="word", placeholder="the environment's name", compact=True)
        field.display = False
        yield field
        yield Line(id="outcome")
        with Horizontal(id="buttons"):
            yield Button("Cancel", id="cancel", compact=True)
            yield Button(self._act, id="act", disabled=True, compact=True)

    def on_mount(self) -> None:
        """Put the focus where it can do no harm, and look."""
        self.query_one("#cancel", Button).focus()
        for line in ("#ask", "#outcome"):
            self.query_one(line, Line).display = False
        self.run_worker(self._look(), name="preview", group="preview", exclusive=True, exit_on_error=False)

    async def _look(self) -> None:
        try:
            preview = await self.look()
        except ConsoleError as error:
            self._refused(error.problem)
            return
        except Exception as error:  # then the worker's failure is said as any other
            self._refused(broken(self._act, error, "Nothing was done. Try again; report it if it happens again."))
            raise
        self._preview = preview
        self.state = State.ASKING
        self.on_resize()
        if preview.confirm_by is ConfirmBy.TYPING:
            self._tell("#ask", self.ask_for(visible(preview.confirm_word)))
            field = self.query_one("#word", Input)
            field.display = True
            field.focus()
        else:
            self.query_one("#act", Button).disabled = False

    def _refused(self, problem: Problem) -> None:
        self.state = State.REFUSED
        self.add_class("-refused")
        self.query_one("#preview", Line).put(problem_content(problem))
        self._only_close()

    def on_resize(self) -> None:
        """Fold long values into the room there is."""
        if self._preview is not None:
            width = self.query_one(Body).scrollable_content_region.width - 1
            self.query_one("#preview", Line).put(self.document(self._preview, width))

    # -- asking

    @on(Input.Changed, "#word")
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if self.state is State.ASKING and self._preview is not None:
            self.query_one("#act", Button).disabled = event.value != self._preview.confirm_word
            self._tell("#ask", self.ask_for(visible(self._preview.confirm_word)))

    @on(Input.Submitted, "#word")
    def _entered(self, event: Input.Submitted) -> None:
        """Enter in the field never acts: it goes to the button when the word is right, and says so when it is not."""
        event.stop()
        if self.state is not State.ASKING or self._preview is None:
            return
        button = self.query_one("#act", Button)
        if not button.disabled:
            button.focus()
            self._holds_until = time.monotonic() + HELD_SECONDS
        else:
            word = visible(self._preview.confirm_word)
            refusal = ("✗ Nothing was done: type ", "$fail"), (word, "bold $fail"), (" exactly. Esc leaves.", "$fail")
            self._tell("#ask", Content.assemble(*refusal))

    @on(Button.Pressed, "#cancel")
    def _cancelled(self, event: Button.Pressed) -> None:
        event.stop()
        self.action_close()

    @on(Button.Pressed, "#act")
    def _confirmed(self, event: Button.Pressed) -> None:
        event.stop()
        if self.state is not State.ASKING or self._preview is None:
            return
        if time.monotonic() < self._holds_until:  # the Enter that left the field is still held down, and repeats
            self._holds_until = time.monotonic() + HELD_SECONDS
            return
        self.state = State.PERFORMING
        field, button, cancel = self.query_one("#word", Input), self.query_one("#act", Button), self._cancel_button()
        field.disabled = True
        button.disabled = True
        for line in (field, self.query_one("#ask", Line)):
            line.display = False
        cancel.label = "Close"
        cancel.focus()
        self._began = self.app.clock()
        self._tick()
        self.set_interval(1.0, self._tick)
        self.app.see_through(self._preview.title, self.work(self._preview, field.value), self._report)

    def _tick(self) -> None:
        """Say how long it has been going on."""
        if self.state is State.PERFORMING:
            seconds = present.span(self.app.clock() - self._began)
            doing = f"◐ {self._doing}… {seconds}"
            self._tell("#outcome", Content.assemble((doing, "$working"), ("  closing this stops nothing", "$muted")))

    # -- the end

    def _report(self, result: O | Problem) -> bool:
        """Show how it ended; False when nobody looks any more, and it has to be said elsewhere."""
        if not self.is_attached or self.app.screen is not self:
            return False
        self._only_close()
        if isinstance(result, Problem):
            self.state = State.FAILED
            self._tell("#outcome", problem_content(result))
        else:
            self.state = State.DONE if result.succeeded else State.FAILED
            self._tell("#outcome", outcome_content(result))
            self.ended(result)
        return True

    def _only_close(self) -> None:
        self.query_one("#act", Button).display = False
        self.query_one("#word", Input).display = False
        self.query_one("#ask", Line).display = False
        cancel = self._cancel_button()
        cancel.label = "Close"
        cancel.focus()

    def _cancel_button(self) -> Button:
        return self.query_one("#cancel", Button)

    def _tell(self, where: str, content: Content) -> None:
        line = self.query_one(where, Line)
        line.display = True
        line.put(content)
