"""Small real images, and what else lies in a registry: every test registry is given the same."""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from refactor_console.demo.registry_content import StoredManifest, StoredRepository, manifest, sha256

OCI = "application/vnd.oci.image"
DOCKER = "application/vnd.docker"
EMPTY = "application/vnd.oci.empty.v1+json"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
COSIGN = "application/vnd.dev.cosign.simplesigning.v1+json"
CHART = "application/vnd.cncf.helm.config.v1+json"
PREDICATE = "https://slsa.dev/provenance/v1"
REVISION = hashlib.sha1(b"a commit", usedforsecurity=False).hexdigest()
LABELS = {
    "org.opencontainers.image.revision": REVISION,
    "org.opencontainers.image.source": "https://github.com/o/app",
    "org.opencontainers.image.version": "1.2.0",
}
CREATED = "2026-11-20T08:15:30.123456789Z"


@dataclass
class Images:
    """What is pushed to one repository, in an order in which a registry takes it."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: list[StoredManifest] = field(default_factory=list)
    tags: dict[str, StoredManifest] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    """Compressed bytes of config and layers, by digest of the manifest."""

    def stored(self) -> StoredRepository:
        """For the demo's registry."""
        return StoredRepository(
            {made.digest: made for made in self.manifests},
            {tag: made.digest for tag, made in self.tags.items()},
            dict(self.blobs),
        )

    def blob(self, raw: bytes, media_type: str, **more: Any) -> dict[str, Any]:
        self.blobs[sha256(raw)] = raw
        return {"mediaType": media_type, "digest": sha256(raw), "size": len(raw), **more}

    def add(self, made: StoredManifest, *tags: str) -> StoredManifest:
        self.manifests.append(made)
        self.tags |= dict.fromkeys(tags, made)
        return made

    def image(self, seed: str, architecture: str, *tags: str, docker: bool = False, **more: str) -> StoredManifest:
        """One platform's image of one layer."""
        layer = gzip.compress(f"the layer of {seed} for {architecture}".encode() * 9, mtime=0)
        config = {
            "os": "linux",
            "architecture": architecture,
            **more,
            "created": CREATED,
            "config": {"Labels": LABELS, "Cmd": ["/app"]},
            "rootfs": {"type": "layers", "diff_ids": [sha256(seed.encode())]},
        }
        raw = json.dumps(config).encode()
        body = {
            "config": self.blob(raw, f"{DOCKER}.container.image.v1+json" if docker else f"{OCI}.config.v1+json"),
            "layers": [
                self.blob(layer, f"{DOCKER}.image.rootfs.diff.tar.gzip" if docker else f"{OCI}.layer.v1.tar+gzip")
            ],
        }
        made = manifest(f"{DOCKER}.distribution.manifest.v2+json" if docker else f"{OCI}.manifest.v1+json", body)
        self.sizes[made.digest] = len(raw) + len(layer)
        return self.add(made, *tags)

    def index(self, *entries: dict[str, Any], tags: tuple[str, ...], docker: bool = False) -> StoredManifest:
        kind = f"{DOCKER}.distribution.manifest.list.v2+json" if docker else f"{OCI}.index.v1+json"
        return self.add(manifest(kind, {"manifests": list(entries)}), *tags)

    def artifact(self, kind: str, config: str, *tags: str, subject: StoredManifest | None = None) -> StoredManifest:
        """A manifest that is no image."""
        statement = self.blob(f"content of {kind}".encode(), kind)
        told = {} if subject is None else {"subject": subject.descriptor()}
        typed = {"artifactType": kind} if config == EMPTY else {}
        body = {**typed, "config": self.blob(b"{}", config), "layers": [statement], **told}
        return self.add(
            manifest(
                f"{OCI}.manifest.v1+json", {**body, "annotations": {"dev.sigstore.bundle.predicateType": PREDICATE}}
            ),
            *tags,
        )


def platform(os: str, architecture: str, variant: str = "") -> dict[str, str]:
    return {"os": os, "architecture": architecture} | ({"variant": variant} if variant else {})


def images() -> Images:
    """Everything.

    ``stable`` and ``1.2.0`` are an index of two platforms with BuildKit's attestation and, under the fallback tag, a
    sigstore bundle; ``attested`` is one with BuildKit's only; ``plain`` has one platform, ``docker`` Docker's media
    types; ``signed`` is signed by cosign; ``chart`` is no image.
    """
    all_of = Images()
    amd, arm = all_of.image("app", "amd64"), all_of.image("app", "arm64", variant="v8")
    stable = all_of.index(
        amd.descriptor(platform=platform("linux", "amd64")),
        arm.descriptor(platform=platform("linux", "arm64", "v8")),
        _buildkit(all_of, amd),
        tags=("stable", "1.2.0"),
    )
    bundle = all_of.artifact(BUNDLE, EMPTY, subject=stable)
    # The index's own word for what it lists is not to be relied upon.
    all_of.index(bundle.descriptor(artifactType=EMPTY), tags=(stable.digest.replace(":", "-"),))
    other = all_of.image("other", "amd64")
    all_of.index(other.descriptor(platform=platform("linux", "amd64")), _buildkit(all_of, other), tags=("attested",))
    all_of.image("plain", "amd64", "plain")
    old = all_of.image("old", "amd64", docker=True)
    all_of.index(old.descriptor(platform=platform("linux", "amd64")), tags=("docker",), docker=True)
    signed = all_of.image("signed", "arm64", "signed")
    all_of.artifact(COSIGN, f"{OCI}.config.v1+json", f"{signed.digest.replace(':', '-')}.sig")
    all_of.artifact("application/vnd.cncf.helm.chart.content.v1.tar+gzip", CHART, "chart")
    return all_of


def _buildkit(all_of: Images, of: StoredManifest) -> dict[str, Any]:
    """BuildKit's attestation of an image, as an index lists it."""
    statement = all_of.blob(
        b'{"_type": "https://in-toto.io/Statement/v1"}',
        "application/vnd.in-toto+json",
        annotations={"in-toto.io/predicate-type": PREDICATE},
    )
    config = all_of.blob(b'{"os": "unknown", "architecture": "unknown"}', f"{OCI}.config.v1+json")
    made = all_of.add(manifest(f"{OCI}.manifest.v1+json", {"config": config, "layers": [statement]}))
    return made.descriptor(
        annotations={"vnd.docker.reference.digest": of.digest, "vnd.docker.reference.type": "attestation-manifest"},
        platform=platform("unknown", "unknown"),
    )
