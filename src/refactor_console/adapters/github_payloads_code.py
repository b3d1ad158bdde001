"""GitHub's JSON as domain values: commits, releases, tags, packages, attestations."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Annotated, Any

from pydantic import Field

from refactor_console.adapters.github_api import AttestationFound
from refactor_console.adapters.github_payloads import (
    Flag,
    Id,
    Items,
    Moment,
    Name,
    Number,
    Payload,
    Person,
    Record,
    Records,
    When,
    Words,
)
from refactor_console.domain.images import Commit, PackageVersion, PullRequest
from refactor_console.domain.releases import Release
from refactor_console.domain.repos import Repository


class _Signature(Payload):
    name: Words = ""
    date: When = None


class _CommitText(Payload):
    message: Words = ""
    author: Annotated[_Signature, Record] = _Signature()
    committer: Annotated[_Signature, Record] = _Signature()


class CommitPayload(Payload):
    """``commit``."""

    sha: Name
    html_url: Words = ""
    commit: _CommitText
    author: Annotated[Person, Record] = Person()

    def value(self) -> Commit | None:
        """As the domain has it; None without any date (nothing can be said of when)."""
        text = self.commit
        at = text.committer.date or text.author.date
        if at is None:
            return None
        subject, _, body = text.message.partition("\n")
        author = self.author.login or text.author.name
        return Commit(self.sha, subject.strip(), author, at, self.html_url, body.strip())


class ComparisonPayload(Payload):
    """``commit-comparison``, but for its commits."""

    ahead_by: Number = 0
    behind_by: Number = 0
    total_commits: Number = 0


class PullRequestPayload(Payload):
    """``pull-request-simple``."""

    number: Id
    title: Words = ""
    html_url: Words = ""
    user: Annotated[Person, Record] = Person()

    def value(self) -> PullRequest:
        """As the domain has it."""
        return PullRequest(self.number, self.title, self.html_url, self.user.login)


class ReleasePayload(Payload):
    """``release``."""

    tag_name: Words = ""
    name: Words = ""
    body: Words = ""
    draft: Flag = False
    prerelease: Flag = False
    created_at: When = None
    published_at: When = None
    author: Annotated[Person, Record] = Person()
    html_url: Words = ""
    id: Id

    def value(self, repository: Repository) -> Release:
        """As the domain has it, without the commit: this answer does not name it."""
        return Release(
            repository=repository,
            tag=self.tag_name,
            name=self.name or self.tag_name,
            draft=self.draft,
            prerelease=self.prerelease,
            is_release=True,
            created_at=self.created_at,
            published_at=self.published_at,
            sha="",
            author=self.author.login,
            html_url=self.html_url,
            body=self.body,
        )


class _TagCommit(Payload):
    sha: Name


class TagPayload(Payload):
    """``tag``."""

    name: Name
    commit: _TagCommit


class _TreeEntry(Payload):
    path: Name
    type: Words = ""


class TreePayload(Payload):
    """``git-tree``."""

    tree: Annotated[list[_TreeEntry], Records]
    truncated: Flag = False

    @property
    def files(self) -> tuple[str, ...]:
        """Paths of files and links."""
        return tuple(entry.path for entry in self.tree if entry.type == "blob")


class _PackageRepository(Payload):
    full_name: Words = ""


class PackagePayload(Payload):
    """``package``."""

    name: Name
    repository: Annotated[_PackageRepository, Record] = _PackageRepository()

    def belongs_to(self, repository: Repository) -> bool:
        """By what GitHub links it to; by its name where it is linked to nothing."""
        if self.repository.full_name:
            return self.repository.full_name.lower() == repository.full_name.lower()
        return self.name == repository.name or self.name.startswith(f"{repository.name}/")


class _ContainerMetadata(Payload):
    tags: Annotated[tuple[Words, ...], Items] = ()


class _Metadata(Payload):
    container: Annotated[_ContainerMetadata, Record] = _ContainerMetadata()


class PackageVersionPayload(Payload):
    """``package-version``; a container's name is its digest."""

    id: Id
    name: Name
    created_at: Moment
    updated_at: When = None
    html_url: Words = ""
    package_html_url: Words = ""
    metadata: Annotated[_Metadata, Record] = _Metadata()

    def value(self) -> PackageVersion:
        """As the domain has it."""
        tags = tuple(tag for tag in self.metadata.container.tags if tag)
        url = self.html_url or self.package_html_url
        return PackageVersion(self.id, self.name, tags, self.created_at, self.updated_at or self.created_at, url)


class AttestationPayload(Payload):
    """One attestation: a Sigstore bundle whose envelope holds an in-toto statement."""

    bundle: Annotated[dict[str, Any], Record] = Field(default_factory=dict)

    def value(self) -> AttestationFound:
        """What the statement says; empty where it cannot be read. The signature is not looked at."""
        envelope = _record(self.bundle.get("dsseEnvelope"))
        statement = _statement(envelope.get("payload"))
        build = _record(_record(statement.get("predicate")).get("buildDefinition"))
        workflow = _record(_record(build.get("externalParameters")).get("workflow"))
        listed = statement.get("subject")
        subjects = [_record(subject) for subject in listed] if isinstance(listed, list) else []
        hashes = [_record(subject.get("digest")).get("sha256") for subject in subjects]
        return AttestationFound(
            predicate_type=_string(statement.get("predicateType")),
            subjects=tuple(f"sha256:{text}" for text in hashes if isinstance(text, str) and text),
            repository=_string(workflow.get("repository")),
            workflow=_string(workflow.get("path")),
        )


def _statement(payload: object) -> dict[str, Any]:
    if not isinstance(payload, str):
        return {}
    try:
        return _record(json.loads(base64.b64decode(payload)))
    except (binascii.Error, ValueError, RecursionError):
        return {}  # found, and not readable: that is what an empty statement says


def _record(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""


class ContentPayload(Payload):
    """A file by a server that does not know the raw media type."""

    content: Words
    encoding: Words = ""
