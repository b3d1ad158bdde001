"""What differs between two images: commits, pull requests, sizes, labels. Which is older is found out, not assumed.

Bounds: two comparisons, and one request for the pull requests of each of the newest `MOST_LOOKUPS` commits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from refactor_console.adapters.github_api import GitHubApi
from refactor_console.adapters.registry_api import RegistryApi
from refactor_console.domain.images import Commit, ImageComparison, ImageDetails, ImageTag, PullRequest
from refactor_console.domain.problem import ConsoleError
from refactor_console.domain.repos import Platform, Repository
from refactor_console.services.image_details import reference_of, source_of

MOST_COMMITS = 250
MOST_LOOKUPS = 30
AT_ONCE = 4


@dataclass
class _Side:
    """One of the two images."""

    tag: ImageTag
    details: ImageDetails | None

    @property
    def revision(self) -> str:
        return self.details.revision if self.details is not None else ""

    @property
    def created(self) -> datetime | None:
        return self.tag.created_at or (self.details.created if self.details is not None else None)


class ImageComparer:
    """Compares images."""

    def __init__(
        self,
        api: Callable[[], Awaitable[GitHubApi]],
        registry: Callable[[], Awaitable[RegistryApi]],
        platform: Platform,
    ) -> None:
        """Nothing is asked before `compare`.

        Args:
            api: gives the client for the present token.
            registry: gives the client for the present credential.
            platform: which source repositories there are.
        """
        self._api = api
        self._registry = registry
        self._platform = platform

    async def compare(self, one: ImageTag, other: ImageTag) -> ImageComparison:
        """What differs between two rows; what could not be compared is among the notes.

        Raises:
            ConsoleError: there is no registry client to ask with.
        """
        registry = await self._registry()
        notes: list[str] = []
        first, second = await asyncio.gather(*(self._side(registry, tag, notes) for tag in (one, other)))
        if first.created is not None and second.created is not None and second.created < first.created:
            first, second = second, first
        code = _Code(first, second)
        await self._compare_code(code, notes)
        older, newer = code.older, code.newer
        if first.created is None or second.created is None:
            notes += (
                [] if code.decided else ["Which of them is older is not known: one has no time, and no commit tells."]
            )
        return ImageComparison(
            older.tag,
            newer.tag,
            code.commits,
            code.behind,
            code.pull_requests,
            _sizes(older.details, newer.details),
            _labels(older.details, newer.details),
            tuple(notes),
        )

    async def _side(self, registry: RegistryApi, tag: ImageTag, notes: list[str]) -> _Side:
        details = tag.details
        if details is None:
            try:
                details = await registry.details(tag.repository, reference_of(tag))
            except ConsoleError as error:
                notes.append(f"Sizes and labels of {_name(tag)} are missing: {error.problem.summary}")
        return _Side(replace(tag, details=details), details)

    async def _compare_code(self, code: _Code, notes: list[str]) -> None:
        """Commits and pull requests, as far as both images say what they were built from."""
        older, newer = code.older, code.newer
        source = source_of(self._platform, older.tag.repository)
        if source is None or source != source_of(self._platform, newer.tag.repository):
            notes.append("The images are built from different repositories: their commits cannot be compared.")
            return
        silent = [_name(side.tag) for side in (older, newer) if side.details is not None and not side.revision]
        notes += [f"{name} names no commit in its labels: commits cannot be compared." for name in silent]
        if not older.revision or not newer.revision:
            return
        if older.revision == newer.revision:
            code.decided = True
            notes.append(f"Both were built from commit {older.revision[:7]}.")
            return
        try:
            client = await self._api()
            await self._between(client, source, code, notes)
        except ConsoleError as error:
            notes.append(f"Commits could not be compared: {error.problem.summary}")
            return
        await self._pull_requests(client, source, code, notes)

    async def _between(self, client: GitHubApi, source: Repository, code: _Code, notes: list[str]) -> None:
        found = await client.compare(source, code.older.revision, code.newer.revision, limit=MOST_COMMITS)
        if found.behind_by and not found.ahead_by:
            code.older, code.newer = code.newer, code.older
            if code.older.created is not None and code.newer.created is not None:
                notes.append("The image that was built later is the one of the older commit.")
            found = await client.compare(source, code.older.revision, code.newer.revision, limit=MOST_COMMITS)
        code.decided = not found.behind_by
        code.commits, code.behind = found.ahead, found.behind_by
        if found.ahead_by > len(found.ahead):
            notes.append(f"Only {len(found.ahead)} of {found.ahead_by} commits are listed.")
        if found.behind_by:
            notes.append(
                f"They diverged: {found.behind_by} commit{'s' * (found.behind_by != 1)} of {_name(code.older.tag)} "
                f"{'are' if found.behind_by != 1 else 'is'} not in {_name(code.newer.tag)}."
            )

    async def _pull_requests(self, client: GitHubApi, source: Repository, code: _Code, notes: list[str]) -> None:
        commits = code.commits[-MOST_LOOKUPS:]
        if len(commits) < len(code.commits):
            notes.append(f"Pull requests were looked up for the newest {len(commits)} commits only.")
        limit = asyncio.Semaphore(AT_ONCE)
        problems: list[str] = []

        async def of(commit: Commit) -> Sequence[PullRequest]:
            async with limit:
                if problems:
                    return ()
                try:
                    return await client.pull_requests(source, commit.sha)
                except ConsoleError as error:
                    problems.append(error.problem.summary)
                    return ()

        found = await asyncio.gather(*(of(commit) for commit in commits))
        code.pull_requests = tuple({pull.number: pull for pulls in found for pull in pulls}.values())
        if problems:
            notes.append(f"Pull requests are not complete: {problems[0]}")


@dataclass
class _Code:
    """The comparison of what two images were built from."""

    older: _Side
    newer: _Side
    commits: tuple[Commit, ...] = ()
    behind: int = 0
    pull_requests: tuple[PullRequest, ...] = ()
    decided: bool = False
    """Whether the commits say which is older."""


def _sizes(older: ImageDetails | None, newer: ImageDetails | None) -> tuple[tuple[str, int | None, int | None], ...]:
    before, after = _by_platform(older), _by_platform(newer)
    return tuple((name, before.get(name), after.get(name)) for name in sorted(before.keys() | after.keys()))


def _by_platform(details: ImageDetails | None) -> dict[str, int | None]:
    return {manifest.platform: manifest.size for manifest in details.platforms} if details is not None else {}


def _labels(older: ImageDetails | None, newer: ImageDetails | None) -> tuple[tuple[str, str, str], ...]:
    if older is None or newer is None:
        return ()
    before, after = dict(older.labels), dict(newer.labels)
    names = sorted(before.keys() | after.keys())
    return tuple(
        (name, before.get(name, ""), after.get(name, "")) for name in names if before.get(name) != after.get(name)
    )


def _name(tag: ImageTag) -> str:
    return tag.tag or tag.digest[:19]
