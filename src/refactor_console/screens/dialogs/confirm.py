"""The preview of a mutation, and the only place from which one is performed.

States::

    looking ──preview──▶ asking ──button──▶ performing ──▶ done
       └──────error──────▶ refused              └──error──▶ failed

Cancel has the focus first and Enter cancels; a protected environment's name has to be typed besides. Closing the dialog
while it performs stops nothing: the outcome is said in a notification instead.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, Input

from refactor_console.domain.actions import ActionOutcome, ActionPreview, ConfirmBy, Verb
from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.domain.text import visible
from refactor_console.domain.verdict import Verdict
from refactor_console.screens.dialogs.base import Body, Dialog
from refactor_console.screens.dialogs.problem import problem_content
from refactor_console.services.session import ConsoleSession
from refactor_console.widgets import present
from refactor_console.widgets.facts import Fact, table_of
from refactor_console.widgets.pane import Line

_DOING = {Verb.RESTART: "Restarting", Verb.STOP: "Stopping", Verb.START: "Starting"}


class State(StrEnum):
    """Where the dialog stands."""

    LOOKING = "looking"
    REFUSED = "refused"
    ASKING = "asking"
    PERFORMING = "performing"
    DONE = "done"
    FAILED = "failed"


def preview_content(preview: ActionPreview, width: int, *, oneshot: bool) -> Content:
    """What would be done to what, whole: nothing is done that is not shown here."""
    container = preview.container
    facts: list[Fact] = [
        ("Container", present.plain(f"{container.name}  {container.short_id}")),
        ("Now", present.plain(container.sentence(oneshot))),
        ("Image", present.plain(container.image)),
        ("Digest", present.muted(container.image_digest or container.image_id)),
        ("Observed", Content(present.utc_time(preview.observed_at))),
    ]
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


def outcome_content(outcome: ActionOutcome) -> Content:
    """How it ended, in a sentence, and what could not be recorded."""
    verdict = Verdict.DONE if outcome.succeeded else Verdict.FAIL
    parts = [present.verdict_text(verdict, f"{outcome.sentence}  ({outcome.seconds:.1f} s)")]
    if outcome.audit_notice:
        parts.append(present.verdict_text(Verdict.WARN, outcome.audit_notice))
    return Content("\n").join(parts)


class ConfirmDialog(Dialog[None]):
    """Looks afresh, shows everything, and asks."""

    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, session: ConsoleSession, verb: Verb, container_id: str, label: str) -> None:
        super().__init__(f"{verb.value.capitalize()} {label} in {session.environment.name}")
        self._session = session
        self._verb = verb
        self._container_id = container_id
        self._label = label
        self._preview: ActionPreview | None = None
        self._began = datetime.min.replace(tzinfo=UTC)
        self.state = State.LOOKING

    # -- frame

    def compose_body(self) -> ComposeResult:
        """The preview."""
        yield Line(f"Looking at {visible(self._label)} afresh…", id="preview")

    def compose_end(self) -> ComposeResult:
        """The field, the outcome, the buttons; Cancel first."""
        yield Line(id="ask")
        field = Input(id="word", placeholder="the environment's name", compact=True)
        field.display = False
        yield field
        yield Line(id="outcome")
        with Horizontal(id="buttons"):
            yield Button("Cancel", id="cancel", compact=True)
            yield Button(self._verb.value.capitalize(), id="act", disabled=True, compact=True)

    def on_mount(self) -> None:
        """Put the focus where it can do no harm, and look."""
        self.query_one("#cancel", Button).focus()
        for line in ("#ask", "#outcome"):
            self.query_one(line, Line).display = False
        self.run_worker(self._look(), name="preview", group="preview", exclusive=True, exit_on_error=False)

    async def _look(self) -> None:
        try:
            preview = await self._session.preview(self._verb, self._container_id)
        except ConsoleError as error:
            self.state = State.REFUSED
            self.add_class("-refused")
            self.query_one("#preview", Line).put(problem_content(error.problem))
            self._only_close()
            return
        self._preview = preview
        self.state = State.ASKING
        self.on_resize()
        if preview.confirm_by is ConfirmBy.TYPING:
            word = visible(preview.confirm_word)
            self._tell(
                "#ask", Content.assemble((word, "bold $protected"), " is protected. Type its name to allow the button:")
            )
            self.query_one("#word", Input).display = True
        else:
            self.query_one("#act", Button).disabled = False

    def on_resize(self) -> None:
        """Fold long values into the room there is."""
        if self._preview is not None:
            width = self.query_one(Body).scrollable_content_region.width - 1
            oneshot = self._preview.container.service in self._session.environment.oneshot_services
            self.query_one("#preview", Line).put(preview_content(self._preview, width, oneshot=oneshot))

    # -- asking

    @on(Input.Changed, "#word")
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if self.state is State.ASKING and self._preview is not None:
            self.query_one("#act", Button).disabled = event.value != self._preview.confirm_word

    @on(Input.Submitted, "#word")
    def _entered(self, event: Input.Submitted) -> None:
        """Enter in the field never acts: it goes to the button when the word is right."""
        event.stop()
        button = self.query_one("#act", Button)
        if not button.disabled:
            button.focus()

    @on(Button.Pressed, "#cancel")
    def _cancelled(self, event: Button.Pressed) -> None:
        event.stop()
        self.action_close()

    @on(Button.Pressed, "#act")
    def _confirmed(self, event: Button.Pressed) -> None:
        event.stop()
        if self.state is not State.ASKING or self._preview is None:
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
        self.app.perform(self._session, self._preview, field.value, self._report)

    def _tick(self) -> None:
        """Say how long it has been going on."""
        if self.state is State.PERFORMING:
            seconds = present.span(self.app.clock() - self._began)
            doing = f"◐ {_DOING[self._verb]} {visible(self._label)}… {seconds}"
            self._tell("#outcome", Content.assemble((doing, "$working"), ("  closing this stops nothing", "$muted")))

    # -- the end

    def _report(self, result: ActionOutcome | Problem) -> bool:
        """Show how it ended; False when nobody looks any more, and it has to be said elsewhere."""
        if not self.is_attached or self.app.screen is not self:
            return False
        if isinstance(result, Problem):
            self.state = State.FAILED
            self._tell("#outcome", problem_content(result))
        else:
            self.state = State.DONE if result.succeeded else State.FAILED
            self._tell("#outcome", outcome_content(result))
        self._only_close()
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
