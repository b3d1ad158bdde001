"""The preview of a container's mutation, and the only place from which one is performed.

`screens.dialogs.confirmation` has the frame; a protected environment's name has to be typed.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, ClassVar

from textual.binding import BindingType
from textual.content import Content

from refactor_console.domain.actions import ActionOutcome, ActionPreview, Verb
from refactor_console.screens.dialogs.confirmation import Confirmation, State, preview_document
from refactor_console.services.session import ConsoleSession
from refactor_console.widgets import present
from refactor_console.widgets.facts import Fact

__all__ = ["ConfirmDialog", "State", "preview_content"]

_DOING = {Verb.RESTART: "Restarting", Verb.STOP: "Stopping", Verb.START: "Starting"}


def preview_content(preview: ActionPreview, width: int, *, oneshot: bool) -> Content:
    """What would be done to which container."""
    container = preview.container
    facts: list[Fact] = [
        ("Container", present.plain(f"{container.name}  {container.short_id}")),
        ("Now", present.plain(container.sentence(oneshot))),
        ("Image", present.plain(container.image)),
        ("Digest", present.muted(container.image_digest or container.image_id)),
        ("Observed", Content(present.utc_time(preview.observed_at))),
    ]
    return preview_document(preview, facts, width)


class ConfirmDialog(Confirmation[ActionPreview, ActionOutcome]):
    """Restart, stop or start one container."""

    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, session: ConsoleSession, verb: Verb, container_id: str, label: str) -> None:
        act = verb.value.capitalize()
        super().__init__(
            f"{act} {label} in {session.environment.name}",
            looking=f"Looking at {label} afresh…",
            act=act,
            doing=f"{_DOING[verb]} {label}",
        )
        self._session, self._verb, self._container_id = session, verb, container_id

    async def look(self) -> ActionPreview:
        """Look at the container afresh."""
        return await self._session.preview(self._verb, self._container_id)

    def document(self, preview: ActionPreview, width: int) -> Content:
        """The container, consequences, requests."""
        oneshot = preview.container.service in self._session.environment.oneshot_services
        return preview_content(preview, width, oneshot=oneshot)

    def ask_for(self, word: str) -> Content:
        """Why a word has to be typed."""
        return Content.assemble((word, "bold $protected"), " is protected. Type its name to allow the button:")

    def work(self, preview: ActionPreview, typed: str) -> Coroutine[Any, Any, ActionOutcome]:
        """Do it."""
        return self._session.perform(preview, typed)
