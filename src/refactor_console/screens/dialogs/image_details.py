"""One image unfolded: platforms, labels, the commit it was built from, provenance, and how to pull it."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from refactor_console.domain.images import ImageDetails, ImageTag, RevisionFacts
from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.domain.repos import Repository
from refactor_console.screens.dialogs.answer import AnswerDialog
from refactor_console.services.github_door import GitHubDoor
from refactor_console.widgets.headlines import Headlines
from refactor_console.widgets.present_image_dialogs import details_sections, sections
from refactor_console.widgets.present_images import short

_NOBODY = Content("")


class ImageDetailsDialog(AnswerDialog[ImageDetails]):
    """An image's details, read when the dialog opens."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "copy_digest", "Copy digest", id="images.copy-digest"),
        Binding("p", "copy_pull", "Copy pull", tooltip="Copy the command that pulls it", id="images.copy-pull"),
    ]

    def __init__(
        self,
        github: GitHubDoor,
        tag: ImageTag,
        *,
        runs: Content = _NOBODY,
        headlines: Headlines | None = None,
        source: Repository | None = None,
    ) -> None:
        name = tag.repository.tagged(tag.tag) if tag.tag else f"{tag.repository}@{short(tag.digest)}"
        super().__init__(f"Image {name}", "Asking the registry…")
        self._github, self._tag, self._runs = github, tag, runs
        self._headlines: Headlines = headlines or {}
        self._source = source
        self._revision: RevisionFacts | Problem | None = None

    async def ask(self) -> ImageDetails:
        """Unfold it."""
        return await self._github.image_details(self._tag)

    async def ask_more(self) -> None:
        """The commit and its pull requests, which GitHub knows and the registry does not wait for."""
        try:
            self._revision = await self._github.image_revision(self._tag)
        except ConsoleError as error:
            self._revision = error.problem
        self.show_answer()

    def document(self, answer: ImageDetails, width: int) -> Content:
        """All sections."""
        web = self._github.platform.web_url
        blocks = details_sections(self._tag, answer, self._runs, self._headlines, self._revision, self._source, web)
        return sections(blocks, width)

    def _digest(self) -> str:
        return self.answer.digest if self.answer is not None else self._tag.digest

    def action_copy_digest(self) -> None:
        """Copy the digest."""
        if self._digest():
            self.copy(self._digest())
        else:
            self.app.say("The digest is not known yet.", severity="warning")

    def action_copy_pull(self) -> None:
        """Copy the command that pulls exactly this."""
        digest, repository = self._digest(), self._tag.repository
        self.copy(f"docker pull {repository.pinned(digest) if digest else repository.tagged(self._tag.tag)}")
