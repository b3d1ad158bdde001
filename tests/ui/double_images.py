"""GitHub as the images and releases panes see it: boards set by hand, answers that can be held back or refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from refactor_console.domain.images import (
    ImageBoard,
    ImageComparison,
    ImageDetails,
    ImageTag,
    RevisionFacts,
    TagHistory,
)
from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.domain.releases import ReleaseBoard
from refactor_console.domain.repos import Repository
from refactor_console.domain.runs import RunBoard
from refactor_console.services.feed import Feed
from tests.ui import boards
from tests.ui.double_session import Clock, DoubleSession
from tests.ui.stage import Stage, console


class ImagesDoor:
    """The part of `GitHubDoor` that these panes use; the rest is what stands behind it."""

    def __init__(self, clock: Clock, behind: Any = None) -> None:
        self.platform = boards.PLATFORM
        self.images: Feed[ImageBoard] = Feed("images", clock)
        self.releases: Feed[ReleaseBoard] = Feed("releases", clock)
        self.runs: Feed[RunBoard] = Feed("runs", clock)
        self.looked_at: list[str] = []
        self.asked: list[tuple[str, ...]] = []
        self.refusal: Problem | None = None
        self.history = boards.history()
        self.comparison = boards.comparison()
        self.revision = boards.revision()
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self._behind = behind

    def __getattr__(self, name: str) -> Any:
        return getattr(self._behind, name)

    def live(self) -> ImagesDoor:
        """Everything is known."""
        self.images.live(boards.image_board())
        self.releases.live(boards.release_board())
        self.runs.live(boards.runs())
        return self

    def look_at(self, pane: str) -> None:
        self.looked_at.append(pane)

    async def _answer(self, *what: str) -> None:
        self.asked.append(what)
        await self.may_answer.wait()
        if self.refusal is not None:
            raise ConsoleError(self.refusal)

    async def image_details(self, tag: ImageTag) -> ImageDetails:
        await self._answer("details", tag.key)
        return tag.details or boards.details(tag.repository, "found later")

    async def image_revision(self, tag: ImageTag) -> RevisionFacts:
        await self._answer("revision", tag.key)
        return self.revision

    async def tag_history(self, tag: ImageTag) -> TagHistory:
        await self._answer("history", tag.key)
        return self.history

    async def compare_images(self, one: ImageTag, other: ImageTag) -> ImageComparison:
        await self._answer("compare", one.key, other.key)
        return self.comparison

    async def release_versions(self, repository: Repository, tag: str) -> None:
        await self._answer("versions", repository.full_name, tag)


def live_session(**settings: Any) -> tuple[DoubleSession, ImagesDoor]:
    """A session in which everything is well, and its door."""
    session = DoubleSession(**settings).live(boards.container_rows())
    return session, with_door(session).live()


def with_door(session: DoubleSession) -> ImagesDoor:
    """Put the door into a session."""
    door = ImagesDoor(session.clock, getattr(session, "github", None))
    session.github = door  # type: ignore[assignment]
    return door


@asynccontextmanager
async def at(
    mode: str, session: DoubleSession, *, size: tuple[int, int] = (120, 40), **settings: Any
) -> AsyncIterator[Stage]:
    """A running console at one of these panes."""
    async with console(session, size=size, **settings) as stage:
        stage.app.show_pane(mode)
        await stage.until(lambda: stage.app.current_mode == mode, f"{mode} opens")
        await stage.pilot.pause()
        yield stage
