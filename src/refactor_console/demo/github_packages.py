"""Routes about images: container packages, their versions, and attestations of digests."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence

from refactor_console.demo.github_payloads import WEB, repository, user
from refactor_console.demo.github_platform import Platform
from refactor_console.demo.github_pushed import Pushed, pushed
from refactor_console.demo.github_repos import OWNER, DemoRepo, sha1
from refactor_console.demo.github_wire import (
    Asked,
    Json,
    Refusal,
    Reply,
    Route,
    encoded,
    not_found,
    page,
    quoted,
    timestamp,
)

_PACKAGES = "/orgs/{org}/packages"
_PACKAGE = f"{_PACKAGES}/{{package_type}}/{{package_name}}"
_SCOPE, _PERMISSION = "read:packages", "packages:read"
_KINDS = ("npm", "maven", "rubygems", "docker", "nuget", "container")
_WORKFLOW = ".github/workflows/build-test-push.yml"


class Packages:
    """Answers what is asked about images."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._known: dict[str, tuple[Pushed, ...]] = {}
        self._extra: dict[str, list[Pushed]] = {}

    def routes(self) -> list[Route]:
        """All of them."""
        return [
            self._route(_PACKAGES, self.packages, "You need at least read:packages scope to list packages."),
            self._route(_PACKAGE, self.package, "You need at least read:packages scope to get a package."),
            self._route(
                f"{_PACKAGE}/versions",
                self.versions,
                "You need at least read:packages scope to get a package's versions.",
            ),
            self._route(
                f"{_PACKAGE}/versions/{{package_version_id}}",
                self.version,
                "You need at least read:packages scope to get a package version.",
            ),
            Route("GET", "/repos/{owner}/{repo}/attestations/{subject_digest}", self.attestations),
        ]

    def _route(self, path: str, handler: object, lacking: str) -> Route:
        assert callable(handler)  # noqa: S101 - narrows a method
        return Route("GET", path, handler, _SCOPE, _PERMISSION, lacking=lacking)

    def crowd(self, path: str, versions: Sequence[Pushed]) -> None:
        """More versions of one image."""
        self._extra.setdefault(path, []).extend(versions)

    def packages(self, asked: Asked) -> Reply:
        """The organisation's packages of one kind."""
        if asked.arguments["org"].lower() != OWNER:
            raise not_found()
        if asked.query.get("package_type") not in _KINDS:
            raise Refusal(400, "The package_type is missing or invalid.")
        paths = sorted(self._pushed()) if asked.query["package_type"] == "container" else []
        return page(asked, paths, lambda path: self._package(path, asked.base))

    def package(self, asked: Asked) -> Reply:
        """One package."""
        return Reply(self._package(self._path(asked), asked.base))

    def versions(self, asked: Asked) -> Reply:
        """Its versions, newest first."""
        path = self._path(asked)
        if asked.query.get("state", "active") != "active":
            return Reply([])
        return page(asked, self._pushed()[path], lambda version: self._version(path, version, asked.base))

    def version(self, asked: Asked) -> Reply:
        """One version."""
        path = self._path(asked)
        wanted = asked.number("package_version_id")
        for version in self._pushed()[path]:
            if version.id == wanted:
                return Reply(self._version(path, version, asked.base))
        raise not_found()

    def attestations(self, asked: Asked) -> Reply:
        """What was attested of a digest; 404 when nothing was."""
        repo = self._platform.repo(asked)
        digest = asked.arguments["subject_digest"]
        for path, versions in self._pushed().items():
            for version in versions:
                if version.digest == digest and version.attested and _repository_of(path) == repo.full_name:
                    return Reply({"attestations": [self._attestation(repo, path, version, asked)]})
        raise not_found()

    def _pushed(self) -> dict[str, list[Pushed]]:
        if not self._known:
            self._known = pushed(self._platform.began_ns)
        known = self._known
        return {
            path: sorted([*known.get(path, []), *self._extra.get(path, [])], key=lambda version: version.days_ago)
            for path in {**known, **self._extra}
        }

    def _path(self, asked: Asked) -> str:
        path = f"{OWNER}/{asked.arguments['package_name']}"
        known = asked.arguments["package_type"] == "container" and path in self._pushed()
        if asked.arguments["org"].lower() != OWNER or not known:
            # GitHub's own words, odd as they are.
            raise Refusal(404, "Package not found.")
        return path

    def _at(self, version: Pushed) -> str:
        return timestamp(self._platform.began_ns - round(version.days_ago * 86_400) * 1_000_000_000)

    def _package(self, path: str, base: str) -> Json:
        name = path.removeprefix(f"{OWNER}/")
        versions = self._pushed()[path]
        repo = self._platform.named(_repository_of(path))
        return {
            "id": int(sha1(path)[:6], 16),
            "name": name,
            "package_type": "container",
            "owner": user(OWNER, base),
            "version_count": len(versions),
            "visibility": "public",
            "url": f"{base}/orgs/{OWNER}/packages/container/{quoted(name)}",
            "created_at": self._at(versions[-1]),
            "updated_at": self._at(versions[0]),
            "repository": repository(repo, base),
            "html_url": f"{WEB}/orgs/{OWNER}/packages/container/package/{quoted(name)}",
        }

    def _version(self, path: str, version: Pushed, base: str) -> Json:
        name = path.removeprefix(f"{OWNER}/")
        html = f"{WEB}/orgs/{OWNER}/packages/container/{quoted(name)}"
        at = self._at(version)
        return {
            "id": version.id,
            "name": version.digest,
            "url": f"{base}/orgs/{OWNER}/packages/container/{quoted(name)}/versions/{version.id}",
            "package_html_url": f"{WEB}/orgs/{OWNER}/packages/container/package/{quoted(name)}",
            "created_at": at,
            "updated_at": at,
            "html_url": f"{html}/{version.id}",
            "metadata": {"package_type": "container", "container": {"tags": list(version.tags)}},
        }

    def _attestation(self, repo: DemoRepo, path: str, version: Pushed, asked: Asked) -> Json:
        payload = base64.b64encode(encoded(_statement(repo, path, version))).decode()
        number = version.id * 3
        here = f"{asked.base}/_blobs/attestations/{number}.json.sn"
        bundle = {
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": {"rawBytes": base64.b64encode(b"not a certificate: a demo").decode()},
                "tlogEntries": [],
                "timestampVerificationData": {},
            },
            "dsseEnvelope": {
                "payload": payload,
                "payloadType": "application/vnd.in-toto+json",
                "signatures": [{"sig": base64.b64encode(b"not a signature: a demo").decode()}],
            },
        }
        return {"bundle": bundle, "repository_id": repo.id, "bundle_url": here, "initiator": "user"}


def _repository_of(path: str) -> str:
    """The repository whose workflow pushes to a path: its first two segments."""
    return "/".join(path.split("/")[:2])


def _statement(repo: DemoRepo, path: str, version: Pushed) -> Json:
    source = f"{WEB}/{repo.full_name}"
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": f"ghcr.io/{path}", "digest": {"sha256": version.digest.removeprefix("sha256:")}}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "https://actions.github.io/buildtypes/workflow/v1",
                "externalParameters": {
                    "workflow": {"ref": "refs/heads/main", "repository": source, "path": _WORKFLOW},
                },
                "internalParameters": {"github": {"event_name": "push", "runner_environment": "github-hosted"}},
                "resolvedDependencies": [
                    {"uri": f"git+{source}@refs/heads/main", "digest": {"gitCommit": version.revision}},
                ],
            },
            "runDetails": {"builder": {"id": f"{source}/{_WORKFLOW}@refs/heads/main"}},
        },
    }
    parsed: Json = json.loads(json.dumps(statement))
    return parsed
