"""Images of a registry: repositories, tags, indexes, platforms, and what a moving tag pointed to and when.

Words are those of the OCI image and distribution specifications: a *tag* names a manifest or an *image index*; an index
lists one manifest a platform; a *digest* names content for good.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from refactor_console.domain.problem import Problem
from refactor_console.domain.repos import Repository


@dataclass(frozen=True, slots=True, order=True)
class ImageRepository:
    """A repository of images: ``ghcr.io/refactor-group/refactor-platform-rs/main``."""

    registry: str
    """Host, and port where it is not the usual one."""
    path: str
    """Such as ``refactor-group/refactor-platform-rs``."""

    def __str__(self) -> str:
        return f"{self.registry}/{self.path}"

    def tagged(self, tag: str) -> str:
        """The reference people pull by tag."""
        return f"{self}:{tag}"

    def pinned(self, digest: str) -> str:
        """The reference that never moves."""
        return f"{self}@{digest}"


class Provenance(StrEnum):
    """What is known of a build's attestation."""

    VERIFIED = "verified"
    """Found, its subject is this digest, and its statement names the repository and workflow expected.
    The signature itself is checked only where `ImageDetails.provenance_note` says so."""
    FOUND = "found"
    """An attestation exists; its content was not checked or does not say enough."""
    NONE = "none"
    NOT_PERMITTED = "not permitted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class PlatformManifest:
    """One entry of an index, or the only manifest of a single-platform image."""

    digest: str
    platform: str
    """``linux/amd64``, ``linux/arm64/v8``; ``unknown/unknown`` marks an attestation and is not listed here."""
    size: int | None
    """Compressed bytes of config and layers together; None until its manifest was read."""


@dataclass(frozen=True, slots=True)
class ImageDetails:
    """What the registry says of one digest, unfolded."""

    repository: ImageRepository
    digest: str
    media_type: str
    platforms: tuple[PlatformManifest, ...]
    created: datetime | None
    """From the image configuration."""
    labels: tuple[tuple[str, str], ...]
    """Sorted by name."""
    provenance: Provenance = Provenance.UNKNOWN
    provenance_note: str = ""

    @property
    def revision(self) -> str:
        """The commit it was built from (label ``org.opencontainers.image.revision``); empty when it is not said."""
        return dict(self.labels).get("org.opencontainers.image.revision", "")

    @property
    def version(self) -> str:
        """Label ``org.opencontainers.image.version``; empty when it is not said."""
        return dict(self.labels).get("org.opencontainers.image.version", "")


@dataclass(frozen=True, slots=True)
class PackageVersion:
    """One version of a container package, as GitHub's Packages API lists it: a digest with its tags of today."""

    id: int
    digest: str
    tags: tuple[str, ...]
    created_at: datetime
    updated_at: datetime
    html_url: str


@dataclass(frozen=True, slots=True)
class ImageUse:
    """Who runs a digest now."""

    environment: str
    service: str


@dataclass(frozen=True, slots=True)
class ImageTag:
    """One row of the pane: a tag (or an untagged digest) and what is known of it so far."""

    repository: ImageRepository
    tag: str
    """Empty for an untagged version."""
    digest: str
    """Empty until it was asked for (a registry lists tags without digests)."""
    created_at: datetime | None
    """When the package version was pushed; None where only the registry could be asked."""
    version_id: int | None = None
    details: ImageDetails | None = None
    used_by: tuple[ImageUse, ...] = ()
    moving: bool = False
    """Whether this tag moves (``stable``, ``latest``): what it means depends on the day."""
    problem: Problem | None = None
    """Why its details could not be read: the digest was deleted, its media type is not known ..."""

    @property
    def key(self) -> str:
        """Unique among the rows."""
        return f"{self.repository}:{self.tag}" if self.tag else f"{self.repository}@{self.digest}"


@dataclass(frozen=True, slots=True)
class ImageRepositoryReport:
    """One image repository: its rows and its counts, or why there are none."""

    repository: ImageRepository
    source: Repository
    """The source repository it is built from."""
    tags: tuple[ImageTag, ...]
    """Tagged rows, newest first; signatures' and attestations' fallback tags are not among them."""
    untagged: tuple[ImageTag, ...] = ()
    """Versions without a tag that are not part of a tagged index: still pullable by digest, newest first."""
    orphaned: int = 0
    """Versions that nothing refers to: neither tagged, nor in an index, nor an attestation of something that exists.
    Those of `untagged` that no index lists are among them."""
    orphans_known: bool = False
    """Whether `orphaned` was counted at all (needs the Packages API and every index)."""
    problem: Problem | None = None
    """Why this repository could not be (wholly) read; the rows are those seen last."""


@dataclass(frozen=True, slots=True)
class ImageBoard:
    """Every image repository of the platform."""

    reports: tuple[ImageRepositoryReport, ...]


class Evidence(StrEnum):
    """How a position of a moving tag is known; the stronger first."""

    OBSERVED = "observed"
    """This console saw it."""
    RELEASE_RUN = "release run"
    """A run of the release workflow that succeeded then built this commit."""
    VERSION_TIME = "version time"
    """The package version was pushed then, and carries (or carried) the tag as far as anyone can tell."""


@dataclass(frozen=True, slots=True)
class TagPosition:
    """What a moving tag pointed to, and from when."""

    digest: str
    """Empty when only the commit is known."""
    revision: str
    """Commit; empty when it is not known."""
    since: datetime
    until: datetime | None
    """None: it still does."""
    evidence: tuple[Evidence, ...]
    note: str = ""
    pullable: bool | None = None
    """Whether the registry still has the digest; None when not known."""


@dataclass(frozen=True, slots=True)
class TagHistory:
    """The time machine of one moving tag, newest first."""

    repository: ImageRepository
    tag: str
    positions: tuple[TagPosition, ...]
    caveats: tuple[str, ...] = ()
    """What could not be asked, so that gaps are not read as facts."""


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit as far as a list needs it."""

    sha: str
    subject: str
    """First line of the message."""
    author: str
    at: datetime
    html_url: str = ""
    body: str = ""


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request as far as a list needs it."""

    number: int
    title: str
    html_url: str
    author: str = ""


@dataclass(frozen=True, slots=True)
class RevisionFacts:
    """The commit that an image was built from, and the pull requests that brought it."""

    revision: str
    """By the image's label; empty when it names none."""
    commit: Commit | None = None
    pull_requests: tuple[PullRequest, ...] = ()
    notes: tuple[str, ...] = ()
    """What could not be found out, and why."""


@dataclass(frozen=True, slots=True)
class ImageComparison:
    """What differs between two images of one source repository."""

    older: ImageTag
    newer: ImageTag
    commits: tuple[Commit, ...]
    """In `newer` and not in `older`, oldest first."""
    behind: int
    """Commits in `older` and not in `newer`: more than none means that they diverged, or that it goes back."""
    pull_requests: tuple[PullRequest, ...]
    sizes: tuple[tuple[str, int | None, int | None], ...]
    """Platform, size of the older, size of the newer; None where it has no such platform."""
    labels: tuple[tuple[str, str, str], ...]
    """Name, older, newer: only those that differ; empty for absent."""
    notes: tuple[str, ...] = field(default=())
    """What could not be compared, and why."""
