"""What is in the repositories and comes of them: files, commits, releases, packages, attestations."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar
from urllib.parse import quote

from refactor_console.adapters import github_errors as errors
from refactor_console.adapters import github_payloads as payloads
from refactor_console.adapters import github_payloads_code as code
from refactor_console.adapters.github_answers import Answer, Listing
from refactor_console.adapters.github_api import AttestationFound, Comparison
from refactor_console.adapters.github_http import MOST_PAGES, RAW, GitHubHttp
from refactor_console.adapters.github_part import MOST_NAMES, Part, at, part
from refactor_console.domain.images import Commit, PackageVersion, PullRequest
from refactor_console.domain.problem import Problem
from refactor_console.domain.releases import Release
from refactor_console.domain.repos import Repository

T = TypeVar("T")
P = TypeVar("P", bound=payloads.Payload)

_UNPAGED_COMMITS = 250
"""A comparison asked for without paging holds the newest so many commits."""


class Code(Part):
    """The calls about what is in the repositories and comes of them."""

    def __init__(self, http: GitHubHttp) -> None:
        super().__init__(http)
        self._owners: dict[str, str] = {}
        """``orgs`` or ``users`` for each owner, in lower case, as far as it is known."""

    async def file(self, repository: Repository, path: str, ref: str) -> str:
        """A text file at a ref (code ``not-found`` when there is none)."""
        what = f"the file {path} of {repository} at {ref}"
        page = await self._http.read(
            f"{at(repository)}/contents/{'/'.join(part(name) for name in path.strip('/').split('/'))}",
            what,
            lambda answer: _file(answer, what),
            params={"ref": ref},
            accept=RAW,
        )
        return page.value

    async def paths(self, repository: Repository, ref: str) -> tuple[str, ...]:
        """Every file's path at a ref (the recursive git tree; a cut tree raises code ``tree-cut``)."""
        what = f"the files of {repository} at {ref}"
        page = await self._http.read(
            f"{at(repository)}/git/trees/{part(ref)}",
            what,
            lambda answer: _files(payloads.one(code.TreePayload, answer.json(), what), what),
            params={"recursive": 1},
        )
        return page.value

    async def commits(self, repository: Repository, ref: str, *, limit: int = 100) -> tuple[Commit, ...]:
        """Commits reachable from a ref, newest first."""
        found = await self._many(
            code.CommitPayload,
            f"{at(repository)}/commits",
            f"the commits of {repository} at {ref}",
            lambda item: item.value(),
            params={"sha": ref},
            limit=limit,
        )
        return found.items

    async def compare(self, repository: Repository, base: str, head: str, *, limit: int = 250) -> Comparison:
        """What `head` has over `base`; of more than `limit` commits the newest ones where GitHub gives them in one
        answer (up to 250), else the oldest.
        """
        what = f"the commits of {repository} between {base} and {head}"
        path = f"{at(repository)}/compare/{part(base)}...{part(head)}"

        def parse(answer: Answer) -> tuple[code.ComparisonPayload, Listing[Commit]]:
            data = answer.json()
            listed = payloads.many(code.CommitPayload, data, what, lambda item: item.value(), key="commits")
            return payloads.one(code.ComparisonPayload, data, what), listed

        if limit <= _UNPAGED_COMMITS:
            page = await self._http.read(path, what, parse)
            counts, found = page.value
            return Comparison(self._noted(what, found).items[-limit:], counts.ahead_by, counts.behind_by)
        commits: list[Commit] = []
        more = await self._http.read(path, what, parse, params={"per_page": 100, "page": 1})
        counts = more.value[0]
        for _ in range(MOST_PAGES):
            commits += self._noted(what, more.value[1]).items
            if not more.next or len(commits) >= limit:
                break
            more = await self._http.read(more.next, what, parse)
        return Comparison(tuple(commits[:limit]), counts.ahead_by, counts.behind_by)

    async def pull_requests(self, repository: Repository, sha: str) -> tuple[PullRequest, ...]:
        """Pull requests that a commit belongs to."""
        found = await self._many(
            code.PullRequestPayload,
            f"{at(repository)}/commits/{part(sha)}/pulls",
            f"the pull requests of commit {sha[:12]} of {repository}",
            lambda item: item.value(),
        )
        return found.items

    async def releases(self, repository: Repository, *, limit: int = 100) -> tuple[Release, ...]:
        """Releases, drafts included where the token may see them, newest first."""
        found, tags = await asyncio.gather(
            self._many(
                code.ReleasePayload,
                f"{at(repository)}/releases",
                f"the releases of {repository}",
                lambda item: item.value(repository),
                limit=limit,
            ),
            self.tags(repository),  # only they name the commits
        )
        commits = dict(tags)
        return tuple(replace(release, sha=commits.get(release.tag, "")) for release in found.items)

    async def tags(self, repository: Repository, *, limit: int = 300) -> tuple[tuple[str, str], ...]:
        """Tags as (name, commit)."""
        found = await self._many(
            code.TagPayload,
            f"{at(repository)}/tags",
            f"the tags of {repository}",
            lambda item: (item.name, item.commit.sha),
            limit=limit,
        )
        return found.items

    async def packages(self, owner: str, repository: Repository) -> tuple[str, ...]:
        """Names of the container packages that belong to a repository, such as ``refactor-platform-rs/main``."""
        found = await self._owned(
            code.PackagePayload,
            owner,
            "packages",
            f"the container packages of {repository}",
            lambda item: (item.name, item.belongs_to(repository)),
            params={"package_type": "container"},
            limit=MOST_NAMES,
        )
        return tuple(name for name, ours in found.items if ours)

    async def package_versions(self, owner: str, package: str, *, limit: int = 5_000) -> tuple[PackageVersion, ...]:
        """Versions of a container package, newest first."""
        found = await self._owned(
            code.PackageVersionPayload,
            owner,
            f"packages/container/{part(package)}/versions",
            f"the versions of package {owner}/{package}",
            lambda item: item.value(),
            limit=limit,
        )
        return found.items

    async def attestations(self, repository: Repository, digest: str) -> tuple[AttestationFound, ...]:
        """Attestations whose subject is a digest; empty when there is none."""
        try:
            found = await self._many(
                code.AttestationPayload,
                f"{at(repository)}/attestations/{quote(digest, safe=':')}",
                f"the attestations of {digest[:19]} in {repository}",
                lambda item: item.value(),
                key="attestations",
            )
        except errors.NotFound:
            return ()  # this is how GitHub says that there is none
        return found.items

    async def _owned(
        self,
        model: type[P],
        owner: str,
        rest: str,
        what: str,
        make: Callable[[P], T | None],
        *,
        params: Mapping[str, str | int] | None = None,
        limit: int,
    ) -> Listing[T]:
        """A list that GitHub keeps under ``/orgs`` or ``/users``: both are tried until the owner is known."""
        key = owner.lower()
        if self._owners.get(key) != "users":
            try:
                found = await self._many(model, f"/orgs/{part(owner)}/{rest}", what, make, params=params, limit=limit)
            except errors.NotFound:
                if key in self._owners:
                    raise
            else:
                self._owners[key] = "orgs"
                return found
        # GitHub describes no page size for a person's package versions.
        size = 0 if rest.endswith("/versions") else 100
        found = await self._many(
            model, f"/users/{part(owner)}/{rest}", what, make, params=params, limit=limit, page_size=size
        )
        self._owners[key] = "users"
        return found


def _file(answer: Answer, what: str) -> str:
    body = answer.body
    if "raw" not in answer.headers.get("content-type", "") and body[:1] in (b"[", b"{"):
        body = _unwrapped(body, what)
    if b"\0" in body[:8192]:
        raise errors.malformed(what, "it is not a text file")
    return body.decode("utf-8-sig", "replace")


def _unwrapped(body: bytes, what: str) -> bytes:
    """The file in an answer by a server that does not know the raw media type; any other body is the file itself."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return body
    if isinstance(data, list):
        missing = Problem(f"GitHub has no file where {what} should be: it is a directory.", code="not-found")
        raise errors.NotFound(missing, 404)
    if not isinstance(data, dict) or data.get("encoding") != "base64" or not isinstance(data.get("content"), str):
        return body
    try:
        return base64.b64decode(data["content"])
    except (binascii.Error, ValueError) as error:
        raise errors.malformed(what, f"base64: {error}") from error


def _files(tree: code.TreePayload, what: str) -> tuple[str, ...]:
    if tree.truncated:
        raise errors.GitHubMalformed(
            Problem(
                f"GitHub cut the list of {what}: there are too many to give at once.",
                "Ask for single files instead.",
                code="tree-cut",
            )
        )
    return tree.files
