"""What services may ask of an OCI registry; `adapters.registry.Registry` is the one implementation.

Every method raises `adapters.registry_errors.RegistryError` (a `ConsoleError`) with the problem to show.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from refactor_console.domain.images import ImageDetails, ImageRepository


@dataclass(frozen=True, slots=True)
class Referrer:
    """A manifest whose subject is another one: an attestation, a signature, a bill of materials."""

    digest: str
    artifact_type: str
    """Read from the manifest itself: an index's own word for it is not reliable."""
    annotations: tuple[tuple[str, str], ...]
    predicate_type: str = ""
    """``in-toto.io/predicate-type`` or ``dev.sigstore.bundle.predicateType``; empty when it is not said."""


class RegistryApi(Protocol):
    """One registry, with one credential or none."""

    async def tags(self, repository: ImageRepository, *, limit: int = 10_000) -> tuple[str, ...]:
        """All tags, in the registry's order (which is not by date); fallback tags of referrers are left out."""

    async def digest(self, repository: ImageRepository, reference: str) -> str:
        """The digest that a tag points to now (HEAD; code ``not-found`` when there is none)."""

    async def exists(self, repository: ImageRepository, digest: str) -> bool:
        """Whether a digest can still be pulled."""

    async def details(self, repository: ImageRepository, reference: str) -> ImageDetails:
        """One tag or digest, unfolded: platforms with sizes, labels, creation time. By digest it is kept for good."""

    async def children(self, repository: ImageRepository, digest: str) -> tuple[str, ...]:
        """Digests of every manifest that an index lists, attestations included; empty for a plain manifest."""

    async def referrers(self, repository: ImageRepository, digest: str) -> tuple[Referrer, ...]:
        """What refers to a digest: the referrers endpoint, else the fallback tag, else BuildKit's attestation
        manifests in the index itself."""

    async def close(self) -> None:
        """Let go of the connections."""
