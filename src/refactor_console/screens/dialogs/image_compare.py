"""Two images compared: commits, pull requests, sizes and labels between them."""

from __future__ import annotations

from textual.content import Content

from refactor_console.domain.images import ImageComparison, ImageTag
from refactor_console.screens.dialogs.answer import AnswerDialog
from refactor_console.services.feed import Clock
from refactor_console.services.github_door import GitHubDoor
from refactor_console.widgets.present_image_dialogs import comparison_sections, sections
from refactor_console.widgets.present_images import short


class ImageCompareDialog(AnswerDialog[ImageComparison]):
    """A comparison, made when the dialog opens."""

    def __init__(self, github: GitHubDoor, one: ImageTag, other: ImageTag, clock: Clock) -> None:
        names = " with ".join(tag.tag or short(tag.digest) for tag in (one, other))
        super().__init__(f"Compare {names}", "Asking the registry and GitHub…")
        self._github, self._one, self._other, self._clock = github, one, other, clock

    async def ask(self) -> ImageComparison:
        """Compare."""
        return await self._github.compare_images(self._one, self._other)

    def document(self, answer: ImageComparison, width: int) -> Content:
        """All sections."""
        return sections(comparison_sections(answer, self._clock()), width)
