"""Releases, tags, versions and what waits to be released, of every repository.

A repository that cannot be asked keeps what was seen last, with the problem beside it; only when none can be asked the
feed itself fails. What a commit holds never changes, so manifests are read once for each commit: a dozen requests when
the head moves, none when it does not.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from refactor_console.adapters.github_api import Comparison, GitHubApi, RepositoryFacts
from refactor_console.domain import versions
from refactor_console.domain.conventional import grouped
from refactor_console.domain.images import Commit
from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.domain.releases import (
    MemberVersion,
    Release,
    ReleaseBoard,
    RepositoryReleases,
    VersionReading,
)
from refactor_console.domain.repos import Platform, Repository, Role
from refactor_console.services.feed import Clock, utc_now
from refactor_console.services.github_pace import Pacer

MOST_RELEASES = 100
MOST_TAGS = 300
MOST_COMMITS = 250
"""Unreleased commits held of one repository; the count tells how many there are."""
MOST_READINGS = 60
"""Commits whose versions are held of one repository; the one asked for longest ago is let go."""
DATED_AT_ONCE = 5
"""Bare tags whose commit's date is asked for in one look: a request each, once for each commit."""
LOST = "it is listed, but GitHub has no such file there"
AT_ONCE = 4
"""Manifests read at the same time."""
CANDIDATES = 3
"""Releases tried as the last one, before one that lies on another branch is taken all the same."""
CUT = "cut"
"""The code of the word that there is more than is held."""
LASTING = (CUT, "not-found", "not-permitted", "sso-required")
"""Codes of problems that another look soon would not end."""
FACTS_SECONDS = 3_600.0
"""How often a repository's facts are asked for; at once when the token changes."""

_NEVER = datetime.min.replace(tzinfo=UTC)
T = TypeVar("T")


@dataclass(slots=True)
class _Kept:
    """What is known of one repository."""

    repository: Repository
    facts: RepositoryFacts | None = None
    facts_at: datetime | None = None
    client: GitHubApi | None = None
    """Who told the facts."""
    releases: tuple[Release, ...] = ()
    bare: tuple[tuple[str, str], ...] = ()
    """Tags without a release, with their commit."""
    dates: dict[str, datetime | None] = field(default_factory=dict)
    """When commits of bare tags were made."""
    head: str = ""
    head_versions: VersionReading | None = None
    members: dict[str, tuple[MemberVersion, ...]] = field(default_factory=dict)
    """Versions by commit, for ever: at most `MOST_READINGS`."""
    asked: dict[str, tuple[str, VersionReading]] = field(default_factory=dict)
    """The commit of tags that somebody asked for, with its versions, at most `MOST_READINGS`."""
    since: str = ""
    unreleased: tuple[Commit, ...] = ()
    unreleased_count: int = 0
    problems: tuple[Problem, ...] = ()
    failed: bool = False
    """Whether nothing at all could be asked in the last look."""

    def commit_of(self, tag: str) -> str:
        """The commit that a tag points to; empty when that is not known."""
        found = (release.sha for release in self.releases if release.tag == tag)
        return next(found, "") or dict(self.bare).get(tag, "")


class ReleaseFeed:
    """Makes `ReleaseBoard`s, for `services.feed.supervise`."""

    def __init__(
        self, api: Callable[[], Awaitable[GitHubApi]], platform: Platform, *, pace: Pacer, clock: Clock = utc_now
    ) -> None:
        """Nothing is asked before `boards` is iterated.

        Args:
            api: gives the client for the present token.
            platform: which repositories.
            pace: how often.
            clock: the present time (UTC).
        """
        self._api = api
        self._platform = platform
        self._pace = pace
        self._clock = clock
        self._kept = {repository: _Kept(repository) for repository in platform.repositories}
        self._news = asyncio.Event()

    async def boards(self) -> AsyncIterator[ReleaseBoard]:
        """Boards for ever: after each look, and when versions at a tag were read.

        Raises:
            ConsoleError: no repository could be asked.
        """
        while True:
            since = self._pace.mark("releases")
            client = await self._api()
            await asyncio.gather(*(self._look(client, kept) for kept in self._kept.values()))
            if all(kept.failed for kept in self._kept.values()):
                raise ConsoleError(next(iter(self._kept.values())).problems[0])
            self._news.clear()
            yield self.board()
            rest = asyncio.ensure_future(self._pace.wait("releases", busy=self._has_problems, since=since))
            try:
                while not rest.done():
                    if await self._told(rest):
                        yield self.board()
                rest.result()
            finally:
                rest.cancel()
                await asyncio.gather(rest, return_exceptions=True)

    def board(self) -> ReleaseBoard:
        """What is known now."""
        heads = {self._platform.role_of(repository): kept.head_versions for repository, kept in self._kept.items()}
        agree, sentence = versions.agreement(
            [(role.value, heads[role]) for role in (Role.BACKEND, Role.FRONTEND) if role in heads]
        )
        return ReleaseBoard(tuple(_report(kept) for kept in self._kept.values()), sentence, agree)

    async def versions_at(self, repository: Repository, tag: str) -> None:
        """Read the manifests' versions at a tag; the board shows them then.

        Raises:
            ConsoleError: the repository is not watched, or it could not be read.
        """
        kept = self._kept.get(repository)
        if kept is None:
            raise ConsoleError(Problem(f"{repository} is none of the platform's repositories.", code="not-watched"))
        client = await self._api()
        sha = kept.commit_of(tag)
        reading = await self._versions(client, kept, tag, sha)
        _remember(kept.asked, tag, (sha, reading))
        self._news.set()

    @property
    def _has_problems(self) -> bool:
        """Whether something went wrong that may be right in a moment."""
        return any(problem.code not in LASTING for kept in self._kept.values() for problem in kept.problems)

    async def _told(self, rest: asyncio.Future[bool]) -> bool:
        """Wait until there is news (True) or the rest is over."""
        news = asyncio.ensure_future(self._news.wait())
        either: set[asyncio.Future[Any]] = {rest, news}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            news.cancel()
            await asyncio.gather(news, return_exceptions=True)
        if not self._news.is_set():
            return False
        self._news.clear()
        return True

    # -- one repository

    async def _look(self, client: GitHubApi, kept: _Kept) -> None:
        problems: list[Problem] = []
        facts = await _tried(problems, self._facts(client, kept))
        releases = await _tried(problems, self._releases(client, kept)) if facts is not None else None
        kept.failed = releases is None
        if facts is not None and releases is not None:
            head = await _tried(problems, client.commits(kept.repository, facts.default_branch, limit=1))
            if head:
                await _tried(problems, self._head(client, kept, facts.default_branch, head[0].sha))
            cut = await _tried(problems, self._unreleased(client, kept, facts.default_branch))
            problems += [cut] if cut is not None else []
        kept.problems = tuple(dict.fromkeys(problems))

    async def _facts(self, client: GitHubApi, kept: _Kept) -> RepositoryFacts:
        now = self._clock()
        old = kept.facts_at is None or (now - kept.facts_at).total_seconds() >= FACTS_SECONDS
        if kept.facts is None or old or kept.client is not client:
            kept.facts = await client.repository(kept.repository)
            kept.facts_at, kept.client = now, client
        return kept.facts

    async def _releases(self, client: GitHubApi, kept: _Kept) -> bool:
        releases = await client.releases(kept.repository, limit=MOST_RELEASES)
        tags = await client.tags(kept.repository, limit=MOST_TAGS)
        released = {release.tag for release in releases if not release.draft}
        kept.releases = releases
        kept.bare = tuple((name, sha) for name, sha in tags if name not in released)
        wanted = {sha for _, sha in kept.bare}
        kept.dates = {sha: at for sha, at in kept.dates.items() if sha in wanted}
        # The likeliest to be the last release first: semantic versions, the highest of them on top.
        undated = sorted((tag for tag in kept.bare if tag[1] not in kept.dates), key=lambda tag: _rank(tag[0]))
        for sha in list(dict.fromkeys(sha for _, sha in reversed(undated)))[:DATED_AT_ONCE]:
            found = await client.commits(kept.repository, sha, limit=1)
            kept.dates[sha] = found[0].at if found else None
        return True

    async def _head(self, client: GitHubApi, kept: _Kept, branch: str, sha: str) -> None:
        kept.head = sha
        if kept.head_versions is None or sha not in kept.members or kept.head_versions.ref != branch:
            kept.head_versions = await self._versions(client, kept, branch, sha)
        else:
            kept.head_versions = replace(kept.head_versions, members=kept.members[sha])

    async def _unreleased(self, client: GitHubApi, kept: _Kept, branch: str) -> Problem | None:
        """What waits; the word that there is more of it than could be counted, if that is so."""
        chosen: tuple[Release, Comparison] | None = None
        lost: ConsoleError | None = None
        for release in _candidates(kept)[:CANDIDATES]:
            try:
                compared = await client.compare(kept.repository, release.tag, branch, limit=MOST_COMMITS)
            except ConsoleError as error:
                if error.problem.code != "not-found":
                    raise
                lost = error
                continue  # a release whose tag was deleted: the one before it counts
            if chosen is None or not compared.behind_by:
                chosen = release, compared
            if not compared.behind_by:
                break  # it lies on the branch: a test release from elsewhere is not the last one by accident
        if chosen is not None:
            release, compared = chosen
            kept.since, kept.unreleased_count = release.tag, compared.ahead_by
            kept.unreleased = tuple(reversed(compared.ahead))
            return None
        if lost is not None:
            raise lost
        found = await client.commits(kept.repository, branch, limit=MOST_COMMITS + 1)
        kept.since, kept.unreleased, kept.unreleased_count = "", found[:MOST_COMMITS], len(found)
        if len(found) <= MOST_COMMITS:
            return None
        return Problem(
            f"{kept.repository} has no release to count from and more than {MOST_COMMITS} commits: the newest are "
            "listed, and the rest is not counted.",
            "Look at the whole history on GitHub.",
            code=CUT,
        )

    # -- versions

    async def _versions(self, client: GitHubApi, kept: _Kept, ref: str, sha: str) -> VersionReading:
        """The versions at a ref; nothing is asked when its commit was read before."""
        members = kept.members.get(sha) if sha else None
        if members is None:
            members, whole = await self._read_members(client, kept.repository, sha or ref)
            if sha and whole:
                _remember(kept.members, sha, members)
        return VersionReading(kept.repository, ref, members)

    @staticmethod
    async def _read_members(
        client: GitHubApi, repository: Repository, ref: str
    ) -> tuple[tuple[MemberVersion, ...], bool]:
        """The versions, and whether every file was given that is listed."""
        paths = await client.paths(repository, ref)
        root = await client.file(repository, versions.CARGO, ref) if versions.CARGO in paths else None
        names = versions.manifests(paths, root)
        gate = asyncio.Semaphore(AT_ONCE)

        async def read(path: str) -> str | None:
            if path == versions.CARGO:
                return root
            if path not in known:
                return None
            async with gate:
                try:
                    return await client.file(repository, path, ref)
                except ConsoleError as error:
                    if error.problem.code != "not-found":
                        raise
                    lost.add(path)
                    return None

        known, lost = frozenset(paths), set[str]()
        texts = await _all(*(read(path) for path in names[: versions.MOST_MANIFESTS]))
        found = tuple(
            replace(member, note=LOST) if member.path in lost else member
            for member in versions.members(dict(zip(names, texts, strict=False)), root)
        )
        left = names[versions.MOST_MANIFESTS :]
        return (*found, *(MemberVersion(path, "", "not read: there are too many") for path in left)), not lost


async def _all(*reads: Awaitable[T]) -> list[T]:
    """All at once; the first failure ends the others and is raised as it is."""
    tasks = [asyncio.ensure_future(read) for read in reads]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _tried(problems: list[Problem], work: Awaitable[T]) -> T | None:
    """The result; None when it failed, with the problem added to the list."""
    try:
        return await work
    except ConsoleError as error:
        problems.append(error.problem)
        return None


def _remember(kept: dict[str, T], key: str, value: T) -> None:
    """Keep a value as the newest, and let the oldest go where there are too many."""
    kept.pop(key, None)
    kept[key] = value
    while len(kept) > MOST_READINGS:
        del kept[next(iter(kept))]


def _moment(release: Release) -> datetime:
    return release.published_at or release.created_at or _NEVER


def _rank(tag: str) -> tuple[bool, object, str]:
    version = versions.semantic(tag)
    return version is not None, () if version is None else version.precedence, tag


def _candidates(kept: _Kept) -> list[Release]:
    """What may be the last release, the newest by date first; bare tags only where nothing was ever released."""
    published = [release for release in kept.releases if not release.draft and release.tag]
    if not published:
        dated = [release for release in _bare(kept) if release.created_at is not None]
        published = [release for release in dated if versions.semantic(release.tag) is not None]
    return sorted(published, key=_moment, reverse=True)


def _bare(kept: _Kept) -> list[Release]:
    drafts = {release.tag for release in kept.releases if release.draft}
    return [
        Release(
            repository=kept.repository,
            tag=name,
            name="",
            draft=False,
            prerelease=False,
            is_release=False,
            created_at=kept.dates.get(sha),
            published_at=None,
            sha=sha,
            author="",
            html_url="",
        )
        for name, sha in kept.bare
        if name not in drafts
    ]


def _report(kept: _Kept) -> RepositoryReleases:
    """One repository, drafts on top, then by date; tags without a known date last."""
    everything = [*kept.releases, *_bare(kept)]
    everything.sort(key=lambda release: (release.draft, _moment(release)), reverse=True)
    groups, breaking = grouped(kept.unreleased)
    proposed = ""
    if kept.unreleased_count:
        features = any(group.type == "feat" for group in groups)
        proposed = versions.next_version(kept.since, breaking=bool(breaking), features=features)
        cut = len(kept.unreleased) < kept.unreleased_count
        if cut and proposed != versions.next_version(kept.since, breaking=True, features=True):
            proposed = ""  # what was not listed may ask for more
    return RepositoryReleases(
        repository=kept.repository,
        releases=tuple(everything),
        head_versions=kept.head_versions,
        unreleased=groups,
        since_tag=kept.since,
        unreleased_count=kept.unreleased_count,
        breaking=breaking,
        proposed=proposed,
        drafts_visible=kept.facts is not None and kept.facts.may_write,
        problems=kept.problems,
        tag_versions=tuple(reading for tag, (sha, reading) in kept.asked.items() if sha == kept.commit_of(tag)),
    )
