"""Releases, tags and versions of the repositories, and what waits to be released."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from refactor_console.domain.images import Commit
from refactor_console.domain.problem import Problem
from refactor_console.domain.repos import Repository


@dataclass(frozen=True, slots=True)
class Release:
    """A release, or a tag without one."""

    repository: Repository
    tag: str
    name: str
    draft: bool
    prerelease: bool
    is_release: bool
    """False for a bare tag."""
    created_at: datetime | None
    published_at: datetime | None
    sha: str
    """The tagged commit; empty for a draft whose tag does not exist yet."""
    author: str
    html_url: str
    body: str = ""


@dataclass(frozen=True, slots=True)
class MemberVersion:
    """The version that one manifest of a repository carries."""

    path: str
    """``entity/Cargo.toml``, ``package.json``."""
    version: str
    """Empty when the manifest names none."""
    note: str = ""
    """Such as that it is inherited from the workspace."""


@dataclass(frozen=True, slots=True)
class VersionReading:
    """The versions in all manifests at one ref."""

    repository: Repository
    ref: str
    members: tuple[MemberVersion, ...]

    @property
    def versions(self) -> tuple[str, ...]:
        """The distinct versions, in the order of the members; one when all agree."""
        return tuple(dict.fromkeys(member.version for member in self.members if member.version))

    @property
    def agree(self) -> bool:
        """Whether every manifest carries the same version."""
        return len(self.versions) == 1 and all(member.version for member in self.members)


@dataclass(frozen=True, slots=True)
class CommitGroup:
    """Unreleased commits of one conventional type."""

    type: str
    """``feat``, ``fix`` ...; ``other`` for what follows no convention."""
    title: str
    """For people: ``Features``, ``Fixes`` ..."""
    commits: tuple[Commit, ...]
    """Newest first."""


@dataclass(frozen=True, slots=True)
class RepositoryReleases:
    """One repository's releases and what waits."""

    repository: Repository
    releases: tuple[Release, ...]
    """Newest first, drafts on top."""
    head_versions: VersionReading | None
    """Versions at the default branch's head."""
    unreleased: tuple[CommitGroup, ...]
    since_tag: str
    """The release that `unreleased` is counted from; empty when there is none."""
    unreleased_count: int
    breaking: tuple[str, ...]
    """SHAs of breaking changes among them."""
    proposed: str
    """The next version by the conventional commits; empty when the last tag is not a semantic version."""
    drafts_visible: bool
    """Whether this token may see drafts: without write access GitHub hides them silently."""
    problems: tuple[Problem, ...] = ()
    tag_versions: tuple[VersionReading, ...] = ()
    """Versions at tags that somebody asked for (`GitHubDoor.release_versions`), each tag once."""


@dataclass(frozen=True, slots=True)
class ReleaseBoard:
    """All repositories."""

    repositories: tuple[RepositoryReleases, ...]
    agreement: str
    """One sentence on whether backend and frontend carry the same version."""
    agree: bool | None
    """None when it is not known."""
