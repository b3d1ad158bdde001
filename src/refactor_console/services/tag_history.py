"""Gathers the evidence for the time machine of a moving tag; `domain.tagtime` puts it together.

What cannot be asked becomes a caveat, never an error: some history is better than none while GitHub is away. Bounds:
`MOST_VERSIONS` versions and `MOST_RUNS` runs listed, `MOST_READ` tagged and as many untagged digests read, all of
them the newest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

from refactor_console.adapters.github_api import GitHubApi
from refactor_console.adapters.observations import Observations
from refactor_console.adapters.registry_api import RegistryApi
from refactor_console.adapters.registry_errors import RegistryBadAnswer, RegistryNotFound
from refactor_console.domain.images import (
    ImageDetails,
    ImageRepository,
    ImageTag,
    PackageVersion,
    TagHistory,
    TagPosition,
)
from refactor_console.domain.problem import ConsoleError
from refactor_console.domain.repos import Platform, Repository
from refactor_console.domain.runs import RunState, WorkflowRun
from refactor_console.domain.tagtime import (
    PushedVersion,
    ReleaseBuild,
    Sighting,
    is_fallback,
    is_moving,
    reconstruct,
)
from refactor_console.services.feed import Clock, utc_now
from refactor_console.services.image_details import source_of
from refactor_console.services.image_shelf import is_index

MOST_VERSIONS = 300
MOST_RUNS = 300
MOST_READ = 40
AT_ONCE = 6
_RELEASE_EVENTS = ("release", "workflow_dispatch")


@dataclass
class _Evidence:
    """What was found out about one tag."""

    repository: ImageRepository
    tag: str
    current: str | None = None
    """What it points to now; empty when it is gone, None when nobody could be asked."""
    versions: tuple[PackageVersion, ...] = ()
    builds: list[ReleaseBuild] = field(default_factory=list)
    sightings: tuple[Sighting, ...] = ()
    details: dict[str, ImageDetails] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    caveats: list[str] = field(default_factory=list)


class TagHistorian:
    """Answers what a tag pointed to, and when."""

    def __init__(
        self,
        api: Callable[[], Awaitable[GitHubApi]],
        registry: Callable[[], Awaitable[RegistryApi]],
        platform: Platform,
        *,
        observations: Observations,
        clock: Clock = utc_now,
    ) -> None:
        """Nothing is asked before `history`.

        Args:
            api: gives the client for the present token.
            registry: gives the client for the present credential.
            platform: which repositories, and which workflow releases.
            observations: what this console saw.
            clock: the present time (UTC).
        """
        self._api = api
        self._registry = registry
        self._platform = platform
        self._observations = observations
        self._clock = clock

    async def history(self, tag: ImageTag) -> TagHistory:
        """The time machine of a row's tag.

        Raises:
            ConsoleError: nobody could be asked, and nothing was ever seen.
        """
        found = _Evidence(tag.repository, tag.tag)
        source = source_of(self._platform, tag.repository)
        problems = await asyncio.gather(
            self._now(found), self._pushes(found, source), self._runs(found, source), self._seen(found)
        )
        if found.current is None:
            carriers = [v.digest for v in found.versions if tag.tag in v.tags]
            found.current = carriers[0] if carriers else None
        pushed = await self._candidates(found)
        now = self._clock()
        seen = found.sightings
        if found.current:
            seen = (*seen, Sighting(found.current, now, now))
        self._cross_check(found)
        positions = reconstruct(seen, pushed, found.builds, current=found.current)
        positions = await self._pullable(found, positions)
        first = next((problem for problem in problems if problem is not None), None)
        if not positions and first is not None:
            raise first
        return TagHistory(tag.repository, tag.tag, positions, tuple(dict.fromkeys(found.caveats)))

    # -- each of these gathers one kind of evidence, and gives back the error that kept it from it

    async def _now(self, found: _Evidence) -> ConsoleError | None:
        try:
            registry = await self._registry()
            found.current = await registry.digest(found.repository, found.tag)
        except RegistryNotFound:
            found.current = ""
        except ConsoleError as error:
            found.caveats.append(
                f"What the tag points to now could not be asked of the registry: {error.problem.summary}"
            )
            return error
        return None

    async def _pushes(self, found: _Evidence, source: Repository | None) -> ConsoleError | None:
        if source is None:
            found.caveats.append(
                "The image repository belongs to none of the watched ones: pushes and runs are unknown."
            )
            return None
        package = found.repository.path.partition("/")[2]
        try:
            client = await self._api()
            found.versions = await client.package_versions(source.owner, package, limit=MOST_VERSIONS)
        except ConsoleError as error:
            found.caveats.append(f"When versions were pushed is not known: {error.problem.summary}")
            return error
        if len(found.versions) >= MOST_VERSIONS:
            oldest = min(version.created_at for version in found.versions)
            found.caveats.append(f"Only the newest {MOST_VERSIONS} versions were looked at, back to {oldest:%Y-%m-%d}.")
        return None

    async def _runs(self, found: _Evidence, source: Repository | None) -> ConsoleError | None:
        """Runs of the release workflow, which pushes to the repository's own path and to no branch's."""
        if source is None or found.repository.path.lower() != source.full_name.lower():
            return None
        try:
            page = await (await self._api()).runs(source, limit=MOST_RUNS)
        except ConsoleError as error:
            found.caveats.append(f"Release runs are not known: {error.problem.summary}")
            return error
        found.builds = [_build(run) for run in page.runs if self._released(run)]
        if not page.complete and page.runs:
            oldest = min(run.created_at for run in page.runs)
            found.caveats.append(f"Release runs before {oldest:%Y-%m-%d} were not looked at.")
        return None

    def _released(self, run: WorkflowRun) -> bool:
        path = run.path.partition("@")[0]
        return (
            run.state is RunState.SUCCESS and run.event in _RELEASE_EVENTS and path == self._platform.release_workflow
        )

    async def _seen(self, found: _Evidence) -> ConsoleError | None:
        try:
            kept = await self._observations.remembered(found.repository, found.tag)
        except ConsoleError as error:
            found.caveats.append(f"What this console saw is missing: {error.problem.summary}")
            return None
        found.sightings = kept.sightings
        found.caveats += kept.notes
        if not kept.sightings:
            found.caveats.append("This console has not looked at this tag before: nothing here was seen by itself.")
        return None

    # -- versions

    async def _candidates(self, found: _Evidence) -> list[PushedVersion]:
        """Versions that may have carried the tag: those that do, and those that carry no other tag that moves.

        Parts of an index (platforms, attestations) are pushed just before it and are left out.
        """
        rivals = sorted({name for v in found.versions for name in v.tags if is_moving(name) and name != found.tag})
        wanted = [version for version in found.versions if _may_have_carried(version, found.tag)]
        wanted.sort(key=lambda version: (found.tag not in version.tags, -version.created_at.timestamp()))
        tagged, untagged = [v for v in wanted if v.tags], [v for v in wanted if not v.tags]
        parts = await self._read(found, tagged, set())
        parts = await self._read(found, untagged, parts)
        carrier = next(
            (found.details[v.digest] for v in wanted if found.tag in v.tags and v.digest in found.details), None
        )
        pushed: list[PushedVersion] = []
        for version in wanted:
            details = found.details.get(version.digest)
            if version.digest in parts or (details is None and not version.tags):
                continue
            if details is not None and not version.tags and not _could_be_pulled(details, carrier):
                continue
            doubt = ""
            if found.tag not in version.tags and rivals:
                doubt = f"It may have carried another tag that moves ({', '.join(rivals[:3])}) instead."
            pushed.append(PushedVersion(version.digest, version.created_at, details.revision if details else "", doubt))
        return pushed

    async def _read(self, found: _Evidence, wanted: Sequence[PackageVersion], parts: set[str]) -> set[str]:
        """Read what versions hold, a few at a time; gives back the digests that are parts of others, with `parts`."""
        try:
            registry = await self._registry()
        except ConsoleError as error:
            found.caveats.append(f"What versions hold could not be read: {error.problem.summary}")
            return parts
        read = 0
        waiting = list(wanted)
        while waiting and read < MOST_READ:
            batch: list[PackageVersion] = []
            while waiting and len(batch) < AT_ONCE:
                version = waiting.pop(0)
                if version.digest not in parts:
                    batch.append(version)
            read += len(batch)
            results = await asyncio.gather(*(self._read_one(registry, found, version) for version in batch))
            for children, trouble in results:
                parts.update(children)
                if trouble is not None:
                    found.caveats.append(f"What some versions hold could not be read: {trouble.problem.summary}")
                    return parts
        left = [version for version in waiting if version.digest not in parts]
        if left:
            found.caveats.append(f"{len(left)} older versions were not read.")
        return parts

    async def _read_one(
        self, registry: RegistryApi, found: _Evidence, version: PackageVersion
    ) -> tuple[Sequence[str], ConsoleError | None]:
        try:
            details = await registry.details(found.repository, version.digest)
            children = await registry.children(found.repository, version.digest) if is_index(details.media_type) else ()
        except RegistryNotFound:
            found.gone.add(version.digest)
            return (), None
        except RegistryBadAnswer:
            return (), None  # a version that nobody can read is no candidate; its row in the list says why
        except ConsoleError as error:
            return (), error
        found.details[version.digest] = details
        return children, None

    # -- at the end

    @staticmethod
    def _cross_check(found: _Evidence) -> None:
        """Two that should say the same, and do not."""
        carriers = [v.digest for v in found.versions if found.tag in v.tags]
        if carriers and found.current and found.current not in carriers:
            found.caveats.append(
                f"GitHub's list has the tag at {carriers[0][:19]}, the registry at {found.current[:19]}: "
                "the list may be a little behind."
            )

    async def _pullable(self, found: _Evidence, positions: Sequence[TagPosition]) -> tuple[TagPosition, ...]:
        """Whether each digest can still be had, and the commit of those that no list had."""
        try:
            registry = await self._registry()
        except ConsoleError:
            return tuple(positions)  # said already when the tag itself was asked for
        limit = asyncio.Semaphore(AT_ONCE)

        async def completed(position: TagPosition) -> TagPosition:
            digest = position.digest
            if not digest:
                return position
            async with limit:
                there = await self._is_there(registry, found, digest)
                details = found.details.get(digest)
                if there and details is None and not position.revision:
                    details = await self._details(registry, found, digest)
            revision = position.revision or (details.revision if details is not None else "")
            return replace(position, pullable=there, revision=revision)

        return tuple(await asyncio.gather(*(completed(position) for position in positions)))

    @staticmethod
    async def _is_there(registry: RegistryApi, found: _Evidence, digest: str) -> bool | None:
        if digest in found.gone:
            return False
        if digest in found.details and digest == found.current:
            return True
        try:
            return await registry.exists(found.repository, digest)
        except ConsoleError as error:
            found.caveats.append(f"Whether some digests can still be pulled is not known: {error.problem.summary}")
            return None

    @staticmethod
    async def _details(registry: RegistryApi, found: _Evidence, digest: str) -> ImageDetails | None:
        try:
            return await registry.details(found.repository, digest)
        except ConsoleError as error:
            found.caveats.append(f"Which commit {digest[:19]} was built from is not known: {error.problem.summary}")
            return None


def _may_have_carried(version: PackageVersion, tag: str) -> bool:
    """Whether nothing in a version's tags speaks against it; a tag that moves and is not this one does."""
    if tag in version.tags:
        return True
    return not any(is_moving(name) or is_fallback(name) for name in version.tags)


def _could_be_pulled(details: ImageDetails, carrier: ImageDetails | None) -> bool:
    """Whether an untagged version is of the kind that gets tagged here, and no leftover part of a deleted index."""
    if not details.platforms:
        return False
    return is_index(details.media_type) or carrier is None or not is_index(carrier.media_type)


def _build(run: WorkflowRun) -> ReleaseBuild:
    return ReleaseBuild(f"run #{run.number} ({run.title})", run.sha, run.started_at or run.created_at, run.updated_at)
