"""Every image repository of the platform: listed first, filled in afterwards.

GitHub's Packages API says which repositories of images there are, and lists their versions with tags and times. Where
it may not be used (fine-grained tokens cannot, and nobody without a token), the registry alone is asked: for the
release repositories, and for those of branches with recent runs; then there are tags without times, and nothing is
known of untagged versions: the report's problem says so. What digests hold is read in the background (`image_filler`).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from refactor_console.adapters.github_api import GitHubApi
from refactor_console.adapters.observations import Look, Observations
from refactor_console.adapters.registry_api import RegistryApi
from refactor_console.domain.images import ImageBoard, ImageDetails, ImageRepository, ImageUse
from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.domain.repos import Platform, Repository
from refactor_console.services.feed import Clock, utc_now
from refactor_console.services.github_pace import Pacer
from refactor_console.services.image_filler import Filler
from refactor_console.services.image_shelf import Shelf

PUBLISH_SECONDS = 0.5
"""Boards come at most this often."""
NAMES_SECONDS = 900.0
"""How often the list of packages is asked for: it changes with a new branch."""
WHOLE_SECONDS = 1_800.0
"""How often all versions are listed; in between the newest page, and all when it differs."""
PAGE = 100
MOST_VERSIONS = 5_000
MOST_BRANCHES = 10
"""Branches whose repositories are looked for where GitHub does not list them."""
AT_ONCE = 4
"""Repositories listed at the same time."""
REFUSALS = ("not-permitted", "sso-required", "not-found", "token-missing", "token-refused")
"""Codes with which GitHub says that this token has no business with packages."""
_PATH = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")


@dataclass
class _Source:
    """What is known of the packages of one source repository."""

    names_at: datetime | None = None
    """When GitHub last said which there are, or that this token may not know."""
    guessed_at: datetime | None = None
    paths: tuple[str, ...] = ()
    refusal: Problem | None = None
    """Why GitHub does not list them."""
    whole_at: dict[str, datetime] = field(default_factory=dict)


class ImageFeed:
    """Makes `ImageBoard`s, for `services.feed.supervise`. What was learnt outlives a failed attempt."""

    def __init__(
        self,
        api: Callable[[], Awaitable[GitHubApi]],
        registry: Callable[[], Awaitable[RegistryApi]],
        platform: Platform,
        *,
        pace: Pacer,
        uses: Callable[[], Mapping[str, tuple[ImageUse, ...]]],
        observations: Observations,
        clock: Clock = utc_now,
    ) -> None:
        """Nothing is asked before `boards` is iterated.

        Args:
            api: gives the client for the present token.
            registry: gives the client for the present credential.
            platform: which repositories, which registry.
            pace: how often.
            uses: who runs each digest now; cheap to ask.
            observations: where it is kept what tags that move point to.
            clock: the present time (UTC).
        """
        self._api = api
        self._registry = registry
        self._platform = platform
        self._pace = pace
        self._uses = uses
        self._observations = observations
        self._clock = clock
        self._sources = {repository: _Source() for repository in platform.repositories}
        self._shelves: dict[str, Shelf] = {}
        self._filler = Filler(registry, self._all, self._changed)
        self._news = asyncio.Event()
        self._applied: Mapping[str, tuple[ImageUse, ...]] = {}
        self.unkept: Problem | None = None
        """Why the newest look at tags that move could not be kept; None when it was."""

    # -- what others ask

    async def boards(self) -> AsyncIterator[ImageBoard]:
        """Boards whenever something changed, at most two a second.

        Raises:
            ConsoleError: neither GitHub nor the registry could be asked about any repository.
        """
        tasks = _Tasks()
        looked = asyncio.Event()
        tasks.start(self._look_for_ever(looked), self._news)
        tasks.start(self._filler.run(), self._news)
        try:
            while True:
                await self._news.wait()
                self._news.clear()
                tasks.check()
                if looked.is_set():
                    yield self.board()
                    await asyncio.sleep(PUBLISH_SECONDS)
        finally:
            await tasks.end()

    def board(self) -> ImageBoard:
        """What is known now."""
        uses = self._uses()
        if uses != self._applied:
            self._applied = dict(uses)
            for shelf in self._shelves.values():
                shelf.use(self._applied)
        known = (shelf for shelf in self._shelves.values() if shelf.listed or shelf.failed)
        return ImageBoard(tuple(shelf.report() for shelf in known))

    def uses_changed(self) -> None:
        """Somebody runs something else now."""
        self._changed()

    def learned(self, details: ImageDetails) -> None:
        """Somebody looked closer at one digest."""
        shelf = self._shelves.get(details.repository.path)
        if shelf is not None:
            shelf.improve(details)
            self._changed()

    # -- looking

    def _all(self) -> tuple[Shelf, ...]:
        return tuple(self._shelves.values())

    def _changed(self) -> None:
        self._news.set()

    async def _look_for_ever(self, looked: asyncio.Event) -> None:
        everything = False
        while True:
            since = self._pace.mark("images")
            await self.look(everything=everything, first=looked.set)
            looked.set()
            self._filler.refill()
            self._changed()
            await self._keep()
            failed = any(shelf.failed for shelf in self._shelves.values())
            everything = await self._pace.wait("images", busy=failed, since=since)

    async def look(self, *, everything: bool = False, first: Callable[[], object] = lambda: None) -> None:
        """List every repository once.

        Args:
            everything: ask also for what was asked for not long ago.
            first: called when something can be shown.

        Raises:
            ConsoleError: no repository could be listed.
        """
        try:
            client: GitHubApi | None = await self._api()
            problem = None
        except ConsoleError as error:
            client, problem = None, error.problem
        for source, known in self._sources.items():
            await self._look_for_names(client, source, known, problem, everything=everything)
        limit = asyncio.Semaphore(AT_ONCE)

        async def listed(shelf: Shelf) -> None:
            async with limit:
                await self._list(client, shelf, problem)
            if not shelf.failed:
                first()
                self._filler.refill()
                self._changed()

        await asyncio.gather(*(listed(shelf) for shelf in self._shelves.values()))
        shelves = self._shelves.values()
        if shelves and all(shelf.failed for shelf in shelves):
            raise ConsoleError(next(shelf.problem for shelf in shelves if shelf.problem is not None))

    async def _look_for_names(
        self, client: GitHubApi | None, source: Repository, known: _Source, problem: Problem | None, *, everything: bool
    ) -> None:
        """Which image repositories belong to a source repository."""
        if self._is_fresh(known.names_at) and not everything:
            return
        try:
            if client is None:
                raise ConsoleError(problem or Problem("GitHub could not be asked."))
            names = await client.packages(source.owner, source)
        except ConsoleError as error:
            if error.problem.code in REFUSALS and client is not None:
                known.names_at = self._clock()  # asking again would cost, and change nothing before the token does
            elif known.paths and known.refusal is None:
                return  # what is known stays; each repository's own listing says that GitHub is away
            known.refusal = error.problem
            names = ()
        else:
            known.refusal = None
            known.names_at = self._clock()
            known.paths = tuple(f"{source.owner}/{name}".lower() for name in names)
        if not names:
            known.paths = await self._guessed(client, source, known)
        self._shelve()

    async def _guessed(self, client: GitHubApi | None, source: Repository, known: _Source) -> tuple[str, ...]:
        """The release repository, and those of branches with recent runs that the registry has."""
        if source not in (self._platform.backend, self._platform.frontend):
            return ()
        release = source.full_name.lower()
        if known.paths and self._is_fresh(known.guessed_at):
            return known.paths
        if client is None:
            return known.paths or (release,)
        known.guessed_at = self._clock()
        try:
            page = await client.runs(source, limit=PAGE)
            registry = await self._registry()
        except ConsoleError:
            return (release,)  # branches are more than what is needed; the release repository's look says what is wrong
        branches = dict.fromkeys(run.branch.lower() for run in page.runs if _PATH.fullmatch(run.branch.lower()))
        paths = [f"{release}/{branch}" for branch in list(branches)[:MOST_BRANCHES]]
        found = await asyncio.gather(*(self._has_tags(registry, path) for path in paths))
        return (release, *(path for path, there in zip(paths, found, strict=True) if there))

    def _is_fresh(self, at: datetime | None) -> bool:
        return at is not None and (self._clock() - at).total_seconds() < NAMES_SECONDS

    async def _has_tags(self, registry: RegistryApi, path: str) -> bool:
        try:
            return bool(await registry.tags(ImageRepository(self._platform.registry, path), limit=1))
        except ConsoleError:
            return False  # most branches have no images, and a registry does not tell that from "you may not"

    def _shelve(self) -> None:
        """A shelf for every path, in the order of the sources; known ones are kept."""
        shelves: dict[str, Shelf] = {}
        for source, known in self._sources.items():
            for path in known.paths:
                shelf = self._shelves.get(path)
                if shelf is None:
                    shelf = Shelf(ImageRepository(self._platform.registry, path), source)
                    shelf.use(self._applied)
                shelves[path] = shelf
        self._shelves = shelves

    async def _list(self, client: GitHubApi | None, shelf: Shelf, problem: Problem | None) -> None:
        """What is in one image repository now; `problem` says why there is no client."""
        refusal = self._sources[shelf.source].refusal or problem
        if refusal is None and client is not None:
            try:
                await self._list_versions(client, shelf)
            except ConsoleError as error:
                refusal = error.problem
            else:
                shelf.problem = None
                return
        if shelf.versions is not None:  # the rows are those seen last
            shelf.problem, shelf.failed = refusal, refusal is None or refusal.code not in REFUSALS
            return
        try:
            await self._list_tags(shelf)
        except ConsoleError as error:
            shelf.problem, shelf.failed = error.problem, True
        else:
            shelf.problem = _registry_only(shelf, refusal)

    async def _list_versions(self, client: GitHubApi, shelf: Shelf) -> None:
        known, path, now = self._sources[shelf.source], shelf.repository.path, self._clock()
        package = path.partition("/")[2]
        whole_at = known.whole_at.get(path)
        if shelf.versions is not None and whole_at is not None and (now - whole_at).total_seconds() < WHOLE_SECONDS:
            newest = await client.package_versions(shelf.source.owner, package, limit=PAGE)
            if {v.id: v for v in newest} == {v.id: v for v in shelf.versions[: len(newest)]}:
                shelf.failed = False
                return
        versions = await client.package_versions(shelf.source.owner, package, limit=MOST_VERSIONS)
        known.whole_at[path] = now
        shelf.list_versions(versions)

    async def _list_tags(self, shelf: Shelf) -> None:
        registry = await self._registry()
        tags = await registry.tags(shelf.repository)
        shelf.list_tags(tags, {})
        digests: dict[str, str] = {}
        for row in shelf.moving[:PAGE]:
            digests[row.tag] = await registry.digest(shelf.repository, row.tag)
        shelf.list_tags(tags, digests)

    async def _keep(self) -> None:
        """What tags that move point to at this moment goes into the book."""
        looks = [
            Look(row.repository, row.tag, row.digest)
            for shelf in self._shelves.values()
            if shelf.listed and not shelf.failed
            for row in shelf.moving
            if row.digest
        ]
        try:
            await self._observations.saw(looks, self._clock())
        except ConsoleError as error:
            self.unkept = error.problem
        else:
            self.unkept = None


class _Tasks:
    """Tasks of one attempt; the first failure of any of them is the attempt's."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, work: Coroutine[Any, Any, None], news: asyncio.Event) -> None:
        """Begin one; its end wakes whoever waits for news."""
        task = asyncio.create_task(work)
        task.add_done_callback(lambda _: news.set())
        self._tasks.append(task)

    def check(self) -> None:
        """Raise what ended one of them.

        Raises:
            ConsoleError: foreseen.
            Exception: a bug; `feed.supervise` shows it.
        """
        for task in self._tasks:
            if task.done():
                task.result()

    async def end(self) -> None:
        """End them all."""
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)


def _registry_only(shelf: Shelf, refusal: Problem | None) -> Problem:
    """Why there are neither times nor untagged versions."""
    why = refusal or Problem(f"GitHub lists no container package for {shelf.source}.", code="not-found")
    return Problem(
        f"{shelf.repository} is shown as the registry alone knows it, without push times and untagged versions: "
        f"GitHub's list of packages could not be used.",
        why.remedy or "A classic token with the scope read:packages may list them; fine-grained tokens may not.",
        "\n".join(part for part in (why.summary, why.detail) if part),
        code="registry-only",
    )
