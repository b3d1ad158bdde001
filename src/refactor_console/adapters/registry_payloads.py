"""From a registry's JSON to values: manifests, indexes, image configurations. No I/O."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
ACCEPT = ", ".join((OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST))
"""All four, always: a registry says that an image is not there to whoever does not accept its type."""
_INDEXES = (OCI_INDEX, DOCKER_LIST)
_MANIFESTS = (OCI_MANIFEST, DOCKER_MANIFEST)
_KNOWN = (*_INDEXES, *_MANIFESTS)
_CONFIGS = ("application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json")
_EMPTY = "application/vnd.oci.empty.v1+json"
_ATTESTATION = "vnd.docker.reference.type"
_PREDICATES = ("in-toto.io/predicate-type", "predicateType", "dev.sigstore.bundle.predicateType")

DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
PATH = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
FALLBACK = re.compile(r"sha256-[0-9a-f]{64}(\..*)?|sha512-[0-9a-f]{128}(\..*)?")
"""Tags that stand in for the referrers of a digest; with an ending they are cosign's."""
MOST_ENTRIES = 1_000
_MOST_LABELS = 300
_MOST_VALUE = 4_096
_LARGEST = 2**60


@dataclass(frozen=True, slots=True)
class Descriptor:
    """How one thing in a registry refers to another."""

    media_type: str
    digest: str
    size: int
    platform: str = ""
    """``linux/arm64/v8``; empty when it is not said."""
    attestation: bool = False
    """Whether BuildKit put it beside an image, to attest it."""
    annotations: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest or an index, as far as the console reads it."""

    media_type: str
    entries: tuple[Descriptor, ...] = ()
    """Of an index."""
    config: Descriptor | None = None
    layers: tuple[Descriptor, ...] = ()
    artifact_type: str = ""
    subject: str = ""
    """Digest that it refers to; empty for none."""
    annotations: tuple[tuple[str, str], ...] = ()

    @property
    def is_known(self) -> bool:
        """Whether its type is one that the console understands."""
        return self.media_type in _KNOWN

    @property
    def is_index(self) -> bool:
        """Whether it lists others."""
        return self.media_type in _INDEXES

    @property
    def is_image(self) -> bool:
        """Whether it can be run: a manifest may also carry a chart, a signature or anything else."""
        return self.media_type in _MANIFESTS and self.config is not None and self.config.media_type in _CONFIGS

    @property
    def platforms(self) -> tuple[Descriptor, ...]:
        """The entries that are images, attestations left out."""
        return tuple(
            entry for entry in self.entries if not (entry.attestation or entry.platform.startswith("unknown/unknown"))
        )

    @property
    def size(self) -> int:
        """Compressed bytes of config and layers together."""
        return sum(part.size for part in (*self.layers, *((self.config,) if self.config is not None else ())))

    @property
    def kind(self) -> str:
        """What an artifact is: its own word, else its config's type, else its first layer's."""
        config = self.config.media_type if self.config is not None else ""
        if self.artifact_type or (config not in (_EMPTY, *_CONFIGS, "")):
            return self.artifact_type or config
        return self.layers[0].media_type if self.layers else config

    @property
    def predicate(self) -> str:
        """What kind of statement it carries; empty when it is not said."""
        told = (*self.annotations, *(pair for layer in self.layers for pair in layer.annotations))
        return next((value for name, value in told if name in _PREDICATES), "")


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """What the console reads of an image's configuration."""

    platform: str
    created: datetime | None
    labels: tuple[tuple[str, str], ...]
    """Sorted by name."""


def manifest(body: bytes, content_type: str) -> Manifest:
    """Read a manifest or an index; of an unknown type only that type.

    Raises:
        ValueError: what is wrong with it.
    """
    value = _object(json.loads(body), "the manifest")
    outer = content_type.partition(";")[0].strip().lower()
    said = _text(value.get("mediaType"))
    if said in _KNOWN and outer in _KNOWN and said != outer:
        # A manifest that two readers understand differently (CVE-2021-41190).
        raise ValueError(f"it calls itself {said}, and the registry calls it {outer}")
    kind = said or (outer if outer in _KNOWN else _by_shape(value, outer))
    if kind not in _KNOWN:
        return Manifest(kind or "none given")
    if "manifests" in value and ("layers" in value or "config" in value):
        raise ValueError("it is an index and a manifest at once")
    index = kind in _INDEXES
    return Manifest(
        kind,
        entries=tuple(_listed(value, "manifests")) if index else (),
        config=None if index else _descriptor(value.get("config")),
        layers=() if index else tuple(_listed(value, "layers")),
        artifact_type=_text(value.get("artifactType")),
        subject="" if value.get("subject") is None else _descriptor(value["subject"]).digest,
        annotations=_strings(value.get("annotations")),
    )


def config(body: bytes) -> ImageConfig:
    """Read an image's configuration.

    Raises:
        ValueError: what is wrong with it.
    """
    value = _object(json.loads(body), "the image configuration")
    inner = value.get("config")
    labels = _strings(inner.get("Labels")) if isinstance(inner, dict) else ()
    return ImageConfig(_platform(value), _moment(value.get("created")), labels)


def tags(value: Any) -> list[str]:
    """Read one page of tags; a name that no tag can have is left out, since nobody could ask for it.

    Raises:
        ValueError: what is wrong with it.
    """
    listed = _object(value, "the list of tags").get("tags")
    if listed is None:  # what Go makes of an empty list
        return []
    if not isinstance(listed, list):
        raise ValueError("its tags are no list")
    return [tag for tag in listed if isinstance(tag, str) and TAG.fullmatch(tag)]


def _by_shape(value: dict[str, Any], outer: str) -> str:
    """The type of a manifest that does not say it (OCI leaves that free)."""
    if value.get("schemaVersion") != 2:
        return outer
    if isinstance(value.get("manifests"), list):
        return OCI_INDEX
    return OCI_MANIFEST if isinstance(value.get("layers"), list) and "config" in value else outer


def _listed(value: dict[str, Any], name: str) -> list[Descriptor]:
    listed = value.get(name)
    if not isinstance(listed, list):
        raise ValueError(f"its {name} are no list")
    if len(listed) > MOST_ENTRIES:
        raise ValueError(f"it has {len(listed)} {name}")
    return [_descriptor(one) for one in listed]


def _descriptor(value: Any) -> Descriptor:
    told = _object(value, "a descriptor")
    digest, size = told.get("digest"), told.get("size")
    if not isinstance(digest, str) or not DIGEST.fullmatch(digest):
        raise ValueError(f"{str(digest)[:80]!r} is no digest")
    if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size < _LARGEST:
        raise ValueError(f"{str(size)[:80]!r} is no size")
    platform = told.get("platform")
    annotations = _strings(told.get("annotations"))
    return Descriptor(
        _text(told.get("mediaType")),
        digest,
        size,
        _platform(platform) if isinstance(platform, dict) else "",
        any(name == _ATTESTATION for name, _ in annotations),
        annotations,
    )


def _platform(value: dict[str, Any]) -> str:
    os, architecture, variant = (_text(value.get(name)) for name in ("os", "architecture", "variant"))
    if not os and not architecture:
        return ""
    return "/".join(part for part in (os or "unknown", architecture or "unknown", variant) if part)


def _moment(value: Any) -> datetime | None:
    """An RFC 3339 time with any number of digits after the point; None for Go's zero time and what is none."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", value[:64]))
    except ValueError:
        return None
    found = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    try:
        return found.astimezone(UTC) if found.year > 1 else None
    except OverflowError:
        return None


def _strings(value: Any) -> tuple[tuple[str, str], ...]:
    """The texts of a JSON object, sorted by name, within bounds."""
    if not isinstance(value, dict):
        return ()
    pairs = [(name[:256], text[:_MOST_VALUE]) for name, text in value.items() if isinstance(text, str)]
    return tuple(sorted(pairs[:_MOST_LABELS]))


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{what} is no JSON object")
    return value


def _text(value: Any) -> str:
    return value[:256] if isinstance(value, str) else ""
