"""The time machine of a moving tag: what it pointed to, from when to when, and how that is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content

from refactor_console.domain.images import ImageTag, ImageUse, TagHistory, TagPosition
from refactor_console.domain.repos import Repository
from refactor_console.domain.text import visible
from refactor_console.screens.dialogs.answer import AnswerDialog
from refactor_console.screens.dialogs.image_details import ImageDetailsDialog
from refactor_console.services.github_door import GitHubDoor
from refactor_console.widgets import present
from refactor_console.widgets import present_image_dialogs as say
from refactor_console.widgets.headlines import Headlines
from refactor_console.widgets.present_images import uses_words
from refactor_console.widgets.prose import wrap, wrapped_facts
from refactor_console.widgets.table import Table


class TagHistoryDialog(AnswerDialog[TagHistory]):
    """Positions newest first; the selected one in full below them, to copy or to unfold."""

    CSS = """
    TagHistoryDialog #positions { max-height: 9; }
    TagHistoryDialog.-tall #positions { max-height: 18; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("i", "details", "Details", tooltip="Unfold the selected image", id="images.details"),
        Binding("y", "copy_digest", "Copy digest", id="images.copy-digest"),
        Binding("p", "copy_pull", "Copy pull", tooltip="Copy the command that pulls it", id="images.copy-pull"),
    ]

    def __init__(
        self,
        github: GitHubDoor,
        tag: ImageTag,
        *,
        uses: Mapping[str, tuple[ImageUse, ...]] | None = None,
        headlines: Headlines | None = None,
        source: Repository | None = None,
    ) -> None:
        super().__init__(f"What {tag.repository.tagged(tag.tag)} pointed at (UTC)", "Asking GitHub and the registry…")
        self._github, self._tag = github, tag
        self._uses = dict(uses or {})
        self._headlines: Headlines = headlines or {}
        self._source = source

    def compose_body(self) -> ComposeResult:
        """Caveats, positions, and the selected one in full."""
        yield Table(*say.POSITIONS, id="positions")
        yield from super().compose_body()

    def on_mount(self) -> None:
        """Keys move the cursor (the base class asks)."""
        table = self.query_one("#positions", Table)
        table.display = False
        table.focus()

    async def ask(self) -> TagHistory:
        """Put the past together."""
        return await self._github.tag_history(self._tag)

    def show_answer(self) -> None:
        """The table and what is below it."""
        table = self.query_one("#positions", Table)
        answer = self.answer if self.problem is None else None
        table.display = answer is not None and bool(answer.positions)
        if answer is not None:
            table.show(say.position_rows(answer, frozenset(self._uses), self._headlines))
            if table.display and not table.has_focus:
                table.focus()
        super().show_answer()

    def document(self, answer: TagHistory, width: int) -> Content:
        """The selected position in full, and the caveats."""
        parts = []
        if (position := self.selected) is not None:
            uses = self._uses.get(position.digest, ()) if position.digest else ()
            parts.append(wrapped_facts(say.position_facts(position, uses, self._headlines), 10, width))
        elif not answer.positions:
            parts.append(present.muted("Nothing is known of where it pointed."))
        if answer.caveats:
            caveats = [Content.assemble(("▲ ", "$warn"), visible(caveat)) for caveat in answer.caveats]
            parts.append(Content("\n").join([wrap(caveat, width) for caveat in caveats]))
        return Content.assemble("\n", Content("\n\n").join(parts))

    @property
    def selected(self) -> TagPosition | None:
        """The position under the cursor."""
        key = self.query_one("#positions", Table).cursor_key
        if self.answer is None or key is None or not 0 <= int(key) < len(self.answer.positions):
            return None
        return self.answer.positions[int(key)]

    @on(Table.Highlighted, "#positions")
    def _moved(self, event: Table.Highlighted) -> None:
        event.stop()
        super().show_answer()

    @on(Table.Selected, "#positions")
    def _opened(self, event: Table.Selected) -> None:
        event.stop()
        self.action_details()

    def _digest(self) -> str:
        position = self.selected
        if position is None or not position.digest:
            self.app.say("Of this position no digest is known." if position is not None else "Nothing is selected.")
            return ""
        return position.digest

    def action_details(self) -> None:
        """Unfold the selected position's image."""
        if digest := self._digest():
            image = ImageTag(self._tag.repository, "", digest, None)
            uses = self._uses.get(digest, ())
            runs = present.plain(uses_words(uses)) if uses else Content("")
            dialog = ImageDetailsDialog(self._github, image, runs=runs, headlines=self._headlines, source=self._source)
            self.app.push_screen(dialog)

    def action_copy_digest(self) -> None:
        """Copy the selected position's digest."""
        if digest := self._digest():
            self.copy(digest)

    def action_copy_pull(self) -> None:
        """Copy the command that pulls the selected position."""
        if digest := self._digest():
            self.copy(f"docker pull {self._tag.repository.pinned(digest)}")

    def action_copy(self) -> None:
        """Copy all positions."""
        if self.answer is not None and self.problem is None:
            self.copy(say.history_text(self.answer, self._headlines))
        else:
            super().action_copy()
