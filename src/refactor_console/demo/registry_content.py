"""What the demo's registry holds: manifests, indexes and blobs made from the story, each named by its true digest.

Only layers are not there: manifests name them with plausible digests and sizes, and nobody in the demo pulls them.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from refactor_console.demo.clock import SECOND, parse_moment, rfc3339
from refactor_console.demo.images import Image, Json, digest
from refactor_console.demo.services import BACKEND, FRONTEND
from refactor_console.demo.story import BUILDS, StoryBuild

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
OCI_EMPTY = "application/vnd.oci.empty.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
STATEMENT = "application/vnd.in-toto+json"
PROVENANCE = "https://slsa.dev/provenance/v1"

STORY_NOW = parse_moment("2026-11-24T09:00:00")
"""From when the story counts back where nobody says."""
_DAY = 86_400 * SECOND
_BUILD_TIME = 150 * SECOND
"""An image is so much older than its push."""
_DOCKER_UNTIL = 40.0
"""Builds that many days old and older have Docker's media types."""
_COMPRESSED = 0.36
_SHARES = (0.52, 0.23, 0.11, 0.07)
"""Of an image's size, what its first layers have; the others share the rest."""


@dataclass(frozen=True, slots=True)
class StoredManifest:
    """One manifest or index."""

    digest: str
    media_type: str
    body: bytes

    def descriptor(self, **more: object) -> Json:
        """How others refer to it."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.body), **more}


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """One manifest as GitHub's Packages API lists it: everything that was ever pushed is a version."""

    digest: str
    tags: tuple[str, ...]
    days_ago: float
    sha: str
    """The commit it was built from."""
    kind: str
    """``index``; ``manifest`` (of a platform); ``buildkit`` (its attestation); ``bundle`` (an attestation that refers
    to a digest); ``fallback`` (the index that lists those)."""
    attested: bool = False
    """Whether GitHub has an attestation of this digest."""


@dataclass(slots=True)
class StoredRepository:
    """Everything under one path."""

    manifests: dict[str, StoredManifest] = field(default_factory=dict)
    """By digest."""
    tags: dict[str, str] = field(default_factory=dict)
    """Digest by tag."""
    blobs: dict[str, bytes] = field(default_factory=dict)
    """By digest."""
    versions: list[StoredVersion] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class RegistryContent:
    """All repositories. It is shared: whoever wants to change it copies it first (`copied`)."""

    repositories: dict[str, StoredRepository]
    """By path."""

    def digest_of(self, path: str, tag_or_sha: str) -> str:
        """The digest a tag points to, or that was built from a commit (the index, where there is one).

        Raises:
            KeyError: there is no such thing.
        """
        stored = self.repositories[path]
        if tag_or_sha in stored.tags:
            return stored.tags[tag_or_sha]
        built = (v for v in stored.versions if v.sha == tag_or_sha and v.kind in ("index", "manifest"))
        # An index before what it lists.
        found = min(built, key=lambda version: (version.kind, version.days_ago), default=None)
        if found is None:
            raise KeyError(tag_or_sha)
        return found.digest

    def config(self, path: str, digest: str, architecture: str = "amd64") -> str:
        """The digest of the configuration of an image (of one architecture, where it is an index).

        Raises:
            KeyError: there is no such thing.
        """
        body = json.loads(self.repositories[path].manifests[digest].body)
        for entry in body.get("manifests", ()):
            if entry["platform"]["architecture"] == architecture:
                return self.config(path, entry["digest"], architecture)
        found: str = body["config"]["digest"]
        return found

    def copied(self) -> RegistryContent:
        """The same, to be changed."""
        return RegistryContent(
            {
                path: StoredRepository(dict(s.manifests), dict(s.tags), dict(s.blobs), list(s.versions))
                for path, s in self.repositories.items()
            }
        )


@lru_cache(maxsize=2)
def content(now_ns: int = STORY_NOW) -> RegistryContent:
    """Everything the story tells of, counted back from a moment: the same moment gives the same digests."""
    repositories: dict[str, StoredRepository] = {}
    for build in sorted(BUILDS, key=lambda told: -told.days_ago):
        _Push(repositories.setdefault(build.path, StoredRepository()), build, now_ns).push()
    for stored in repositories.values():
        stored.versions.sort(key=lambda version: version.days_ago)
    return RegistryContent(repositories)


def digest_of(path: str, tag_or_sha: str, now_ns: int = STORY_NOW) -> str:
    """See `RegistryContent.digest_of`.

    Raises:
        KeyError: there is no such thing.
    """
    return content(now_ns).digest_of(path, tag_or_sha)


def manifest(media_type: str, body: Json) -> StoredManifest:
    """A manifest from its content."""
    raw = json.dumps({"schemaVersion": 2, "mediaType": media_type, **body}, indent=2).encode()
    return StoredManifest(sha256(raw), media_type, raw)


def sha256(raw: bytes) -> str:
    """The digest of some bytes."""
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


def labels(build: StoryBuild, image: Image) -> dict[str, str]:
    """The labels that the workflow puts on an image."""
    prefix = "org.opencontainers.image"
    fixed = {name: value for name, value in image.labels.items() if not name.endswith((".revision", ".version"))}
    versioned = {f"{prefix}.version": build.version} if build.version else {}
    return dict(sorted((fixed | {f"{prefix}.revision": build.sha} | versioned).items()))


class _Push:
    """One build on its way into its repository."""

    def __init__(self, stored: StoredRepository, build: StoryBuild, now_ns: int) -> None:
        self._stored = stored
        self._build = build
        self._image = FRONTEND if build.repo == "frontend" else BACKEND
        self._at_ns = now_ns - round(build.days_ago * _DAY)
        self._docker = build.days_ago >= _DOCKER_UNTIL

    def push(self) -> None:
        """All of it: platforms, index, attestations, tags."""
        build = self._build
        platforms = [(name, self._platform(name)) for name in build.platforms]
        if len(platforms) == 1 and not build.attested:
            self._version(platforms[0][1], "manifest", build.tags)
            return
        listed = [made.descriptor(platform=_platform(name)) for name, made in platforms]
        if build.attested:
            listed += [self._buildkit(made) for _, made in platforms]
        index = manifest(DOCKER_LIST if self._docker else OCI_INDEX, {"manifests": listed})
        for _, made in platforms:
            self._version(made, "manifest")
        self._version(index, "index", build.tags)
        if build.attested:
            self._sigstore(index)

    def _version(self, made: StoredManifest, kind: str, tags: tuple[str, ...] = ()) -> None:
        self._stored.manifests[made.digest] = made
        for tag in tags:
            self._stored.tags[tag] = made.digest
        self._stored.versions.append(
            StoredVersion(
                made.digest,
                tags,
                self._build.days_ago,
                self._build.sha,
                kind,
                attested=self._build.attested and kind == "index",
            )
        )

    def _blob(self, raw: bytes, media_type: str, **more: object) -> Json:
        name = sha256(raw)
        self._stored.blobs[name] = raw
        return {"mediaType": media_type, "digest": name, "size": len(raw), **more}

    def _platform(self, name: str) -> StoredManifest:
        config = json.dumps(self._config(name), separators=(",", ":")).encode()
        layer_type = DOCKER_LAYER if self._docker else OCI_LAYER
        return manifest(
            DOCKER_MANIFEST if self._docker else OCI_MANIFEST,
            {
                "config": self._blob(config, DOCKER_CONFIG if self._docker else OCI_CONFIG),
                "layers": [
                    {"mediaType": layer_type, "digest": f"sha256:{digest(f'{seed} compressed')}", "size": size}
                    for seed, size in self._layers(name)
                ],
            },
        )

    def _config(self, platform: str) -> Json:
        # Empty fields are left out, as BuildKit does.
        bare = {name: value for name, value in self._image.config().items() if value}
        return {
            **_platform(platform),
            "created": rfc3339(self._at_ns - _BUILD_TIME),
            "config": {**bare, "Labels": labels(self._build, self._image)},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest(seed)}" for seed, _ in self._layers(platform)]},
            "history": [
                {
                    "created": rfc3339(self._at_ns - _BUILD_TIME),
                    "created_by": "demo",
                    "comment": "buildkit.dockerfile.v0",
                }
            ],
        }

    def _layers(self, platform: str) -> Iterator[tuple[str, int]]:
        """Seed and compressed size of each; the base layers change with the month only."""
        count = self._image.layers
        # Images grow slowly, and those for arm64 are a little smaller.
        factor = _COMPRESSED * (1 - self._build.days_ago / 1200) * (0.94 if "arm64" in platform else 1.0)
        rest = (1 - sum(_SHARES)) / (count - len(_SHARES))
        for number in range(count):
            base = number < 2
            of = f"month {int(self._build.days_ago / 30)}" if base else self._build.sha
            share = _SHARES[number] if number < len(_SHARES) else rest
            jitter = 0 if base else int(digest(f"{self._build.sha}{platform}{number}")[:4], 16)
            yield (
                f"{self._build.path} {platform} {of} layer {number}",
                round(self._image.size * factor * share) + jitter,
            )

    def _buildkit(self, of: StoredManifest) -> Json:
        """The attestation that BuildKit puts into the index, beside what it attests."""
        statement = self._statement(of.digest, "https://mobyproject.org/buildkit@v1")
        layer = self._blob(statement, STATEMENT, annotations={"in-toto.io/predicate-type": PROVENANCE})
        config = {
            "architecture": "unknown",
            "os": "unknown",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
        }
        made = manifest(
            OCI_MANIFEST, {"config": self._blob(json.dumps(config).encode(), OCI_CONFIG), "layers": [layer]}
        )
        self._version(made, "buildkit")
        return made.descriptor(
            annotations={
                "vnd.docker.reference.digest": of.digest,
                "vnd.docker.reference.type": "attestation-manifest",
            },
            platform={"architecture": "unknown", "os": "unknown"},
        )

    def _sigstore(self, of: StoredManifest) -> None:
        """The attestation that GitHub's action pushes, and the fallback tag under which it is found."""
        builder = "https://actions.github.io/buildtypes/workflow/v1"
        envelope = {
            "payload": base64.b64encode(self._statement(of.digest, builder)).decode(),
            "payloadType": "application/vnd.in-toto+json",
            "signatures": [{"sig": base64.b64encode(b"not a signature: a demo").decode()}],
        }
        bundle = json.dumps({"mediaType": BUNDLE, "verificationMaterial": {}, "dsseEnvelope": envelope}).encode()
        told = {
            "dev.sigstore.bundle.content": "dsse-envelope",
            "dev.sigstore.bundle.predicateType": PROVENANCE,
            "org.opencontainers.image.created": rfc3339(self._at_ns),
        }
        made = manifest(
            OCI_MANIFEST,
            {
                "artifactType": BUNDLE,
                "config": self._blob(b"{}", OCI_EMPTY),
                "layers": [self._blob(bundle, BUNDLE)],
                "subject": of.descriptor(),
                "annotations": told,
            },
        )
        self._version(made, "bundle")
        # What the action writes here as the type is the config's, not the artifact's.
        listing = manifest(OCI_INDEX, {"manifests": [made.descriptor(artifactType=OCI_EMPTY, annotations=told)]})
        self._version(listing, "fallback", (of.digest.replace(":", "-"),))

    def _statement(self, subject: str, builder: str) -> bytes:
        source = self._image.labels["org.opencontainers.image.source"]
        statement = {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": f"ghcr.io/{self._build.path}", "digest": {"sha256": subject.removeprefix("sha256:")}}],
            "predicateType": PROVENANCE,
            "predicate": {
                "buildDefinition": {
                    "buildType": builder,
                    "resolvedDependencies": [{"uri": f"git+{source}", "digest": {"gitCommit": self._build.sha}}],
                },
            },
        }
        return json.dumps(statement, separators=(",", ":")).encode()


def _platform(name: str) -> dict[str, str]:
    os, _, architecture = name.partition("/")
    return {"architecture": architecture, "os": os}
