"""An OCI registry, read: tags, digests, what an image consists of, and what refers to it.

Everything that is asked for by digest is hashed and has to be what it is called, and is kept then: it cannot change.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Generic, TypeVar

from refactor_console.adapters import registry_errors as errors
from refactor_console.adapters import registry_payloads as payloads
from refactor_console.adapters.registry_api import Referrer
from refactor_console.adapters.registry_http import Answer, Patience, RegistryHttp
from refactor_console.adapters.registry_payloads import Descriptor, ImageConfig, Manifest
from refactor_console.domain.account import Secret
from refactor_console.domain.images import ImageDetails, ImageRepository, PlatformManifest
from refactor_console.domain.problem import Problem
from refactor_console.domain.text import visible

T = TypeVar("T")

MOST_MANIFEST = 4 * 1024 * 1024
"""Bytes; the specification wants registries to take that much."""
MOST_CONFIG = 4 * 1024 * 1024
MOST_TAGS = 8 * 1024 * 1024
"""Bytes of one page."""
_PAGE = 1_000
_SMALL_PAGE = 100
_MOST_PAGES = 200
_MOST_PLATFORMS = 64
"""So many platforms of an index are looked at for their size; the others are listed without."""
_MOST_REFERRERS = 50
_KEPT_DETAILS = 3_000
_KEPT_MANIFESTS = 3_000
_COSIGN = (".sig", ".att")


class _Kept(Generic[T]):
    """The values used last, by digest."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[tuple[str, str], T] = OrderedDict()

    def get(self, path: str, digest: str) -> T | None:
        """What is kept."""
        found = self._values.get((path, digest))
        if found is not None:
            self._values.move_to_end((path, digest))
        return found

    def keep(self, path: str, digest: str, value: T) -> T:
        """Keep a value, and let go of the one not used for longest."""
        self._values[path, digest] = value
        self._values.move_to_end((path, digest))
        if len(self._values) > self._most:
            self._values.popitem(last=False)
        return value


class Registry:
    """One registry with one credential or none; implements `adapters.registry_api.RegistryApi`.

    Belongs to the event loop it was first used on. In memory it keeps at most 3,000 manifests and 3,000 descriptions
    of images, and a token each for 256 repositories.
    """

    def __init__(
        self,
        base_url: str,
        credential: tuple[str, Secret] | None,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        patience: Patience | None = None,
        realm_hosts: Iterable[str] = (),
    ) -> None:
        """Nothing is connected before the first request.

        Args:
            base_url: ``https://ghcr.io``; plain http only for this machine.
            credential: name and password or token; for GHCR any name will do. None reads what is public.
            clock: local, UTC.
            patience: time limits.
            realm_hosts: hosts of another site that may be given the credential, if the registry says that they give
                out its tokens.
        """
        self._http = RegistryHttp(
            base_url, credential, clock=clock, patience=patience, realm_hosts=frozenset(realm_hosts)
        )
        self._details: _Kept[ImageDetails] = _Kept(_KEPT_DETAILS)
        self._manifests: _Kept[Manifest] = _Kept(_KEPT_MANIFESTS)
        self._no_referrers = False
        """Whether this registry has shown that it does not know that endpoint."""

    @property
    def refusal(self) -> Problem | None:
        """Why the credential was not taken, where the registry still told what it tells everybody."""
        return self._http.refusal

    async def tags(self, repository: ImageRepository, *, limit: int = 10_000) -> tuple[str, ...]:
        """All tags, in the registry's order (which is not by date); fallback tags of referrers are left out."""
        path, what = _path(repository), f"the tags of {repository}"
        found: dict[str, None] = {}
        prefix = f"/v2/{path}/tags/list"
        # Not fewer than a page's worth: the first ones may all be fallback tags.
        url = f"tags/list?n={min(_PAGE, max(_SMALL_PAGE, limit))}"
        seen: set[str] = set()
        while url and len(found) < limit:
            if url in seen or len(seen) == _MOST_PAGES:
                raise errors.bad_answer(what, self._http.where, f"the list does not end after {len(seen)} pages")
            seen.add(url)
            answer = await self._http.ask(path, url, what, most=MOST_TAGS, accept="application/json")
            page = self._read(answer, lambda answer: payloads.tags(answer.json()))
            found |= dict.fromkeys(tag for tag in page if not payloads.FALLBACK.fullmatch(tag))
            url = self._http.page(answer, prefix)
        return tuple(found)[:limit]

    async def digest(self, repository: ImageRepository, reference: str) -> str:
        """The digest that a tag points to now (HEAD; code ``not-found`` when there is none)."""
        path, what = _path(repository), _named(repository, reference)
        answer = await self._manifest_answer(path, reference, what, method="HEAD")
        said: str = answer.headers.get("docker-content-digest", "")
        if payloads.DIGEST.fullmatch(reference) and said not in ("", reference):
            raise errors.mismatch(what, self._http.where, reference, visible(said))
        if said and not payloads.DIGEST.fullmatch(said):
            raise errors.bad_answer(what, self._http.where, f"{said[:100]!r} is no digest")
        if said:
            return said
        # The header is optional in the protocol: the digest is that of the bytes, whoever says so.
        return _sha256((await self._manifest_answer(path, reference, what)).body)

    async def exists(self, repository: ImageRepository, digest: str) -> bool:
        """Whether a digest can still be pulled."""
        path, what = _path(repository), _named(repository, digest)
        try:
            await self._manifest_answer(path, digest, what, method="HEAD")
        except errors.RegistryNotFound:
            return False
        return True

    async def details(self, repository: ImageRepository, reference: str) -> ImageDetails:
        """One tag or digest, unfolded: platforms with sizes, labels and creation time. By digest it is kept for good.

        What is no image, or of a type nobody knows, has no platforms, and `provenance_note` says what it is.
        """
        path = _path(repository)
        by_digest = payloads.DIGEST.fullmatch(reference) is not None
        digest = reference if by_digest else await self.digest(repository, reference)
        kept = self._details.get(path, digest)
        if kept is not None:
            return kept if kept.repository == repository else replace(kept, repository=repository)
        found = await self._manifest(repository, digest)
        bare = ImageDetails(repository, digest, found.media_type, (), None, ())
        if not found.is_known:
            return self._details.keep(
                path, digest, replace(bare, provenance_note=f"unknown media type {visible(found.media_type)}")
            )
        if found.is_index:
            return await self._unfolded(bare, found)
        if not found.is_image:
            note = f"not an image but {visible(found.kind) or 'an artifact without a type'}"
            return self._details.keep(path, digest, replace(bare, provenance_note=note))
        config = await self._config(repository, found)
        platform = PlatformManifest(digest, config.platform or "unknown", found.size)
        full = replace(bare, platforms=(platform,), created=config.created, labels=config.labels)
        return self._details.keep(path, digest, full)

    async def children(self, repository: ImageRepository, digest: str) -> tuple[str, ...]:
        """Digests of every manifest that an index lists, attestations included; empty for a plain manifest."""
        return tuple(entry.digest for entry in (await self._manifest(repository, digest)).entries)

    async def referrers(self, repository: ImageRepository, digest: str) -> tuple[Referrer, ...]:
        """What refers to a digest: the referrers endpoint, else the fallback tag, else BuildKit's attestation
        manifests in the index itself and the signatures that cosign keeps under tags."""
        listed = await self._endpoint(repository, digest)
        if not listed:
            listed = await self._fallback(repository, digest)
        found = [await self._referrer(repository, entry, digest) for entry in listed[:_MOST_REFERRERS]]
        proper = [one for one in found if one is not None]
        if proper:
            return tuple(proper)
        index = await self._manifest(repository, digest)
        beside = [entry.digest for entry in index.entries if entry.attestation]
        loose = [await self._cosign(repository, digest, ending) for ending in _COSIGN]
        wanted = [*beside, *(one for one in loose if one is not None)][:_MOST_REFERRERS]
        found = [await self._referrer(repository, one, "") for one in wanted]
        return tuple(one for one in found if one is not None)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.close()

    # Manifests ----------------------------------------------------------------------------------------------------

    async def _manifest_answer(self, path: str, reference: str, what: str, method: str = "GET") -> Answer:
        return await self._http.ask(
            path,
            f"manifests/{reference}",
            what,
            most=MOST_MANIFEST,
            method=method,
            accept=payloads.ACCEPT,
            digest=":" in reference,
        )

    async def _manifest(self, repository: ImageRepository, digest: str) -> Manifest:
        """The manifest under a digest, which is what it is called."""
        path, what = _path(repository), _named(repository, digest)
        kept = self._manifests.get(path, digest)
        if kept is not None:
            return kept
        answer = await self._manifest_answer(path, digest, what)
        self._verify(answer, digest)
        kind = answer.headers.get("content-type", "")
        return self._manifests.keep(path, digest, self._read(answer, lambda a: payloads.manifest(a.body, kind)))

    async def _config(self, repository: ImageRepository, of: Manifest) -> ImageConfig:
        descriptor = of.config
        if descriptor is None:
            return ImageConfig("", None, ())
        path, what = _path(repository), f"the configuration {descriptor.digest} of {repository}"
        answer = await self._http.ask(path, f"blobs/{descriptor.digest}", what, most=MOST_CONFIG, digest=True)
        self._verify(answer, descriptor.digest)
        return self._read(answer, lambda answer: payloads.config(answer.body))

    async def _unfolded(self, bare: ImageDetails, index: Manifest) -> ImageDetails:
        """Sizes from each platform's manifest; labels and time from the first that has a configuration."""
        repository, listed = bare.repository, index.platforms
        looked_at = listed[:_MOST_PLATFORMS]
        asked = await asyncio.gather(*(self._child(repository, entry) for entry in looked_at), return_exceptions=True)
        children: list[Manifest | None] = []
        for child in asked:
            if isinstance(child, BaseException):
                raise child
            children.append(child)
        config = ImageConfig("", None, ())
        first = next((child for child in children if child is not None and child.is_image), None)
        if first is not None:
            config = await self._config(repository, first)
        children += [None] * (len(listed) - len(looked_at))
        platforms = tuple(
            PlatformManifest(
                entry.digest,
                entry.platform or (config.platform if child is first and child is not None else "") or "unknown",
                child.size if child is not None and child.is_image else None,
            )
            for entry, child in zip(listed, children, strict=True)
        )
        full = replace(bare, platforms=platforms, created=config.created, labels=config.labels)
        lost = sum(child is None for child in children[: len(looked_at)])
        if lost:
            # It may be a registry that has not caught up with itself: not kept.
            return replace(full, provenance_note=f"{lost} of {len(listed)} platforms can no longer be pulled")
        return self._details.keep(repository.path, bare.digest, full)

    async def _child(self, repository: ImageRepository, entry: Descriptor) -> Manifest | None:
        """One platform's manifest; None when it was deleted from under its index."""
        try:
            return await self._manifest(repository, entry.digest)
        except errors.RegistryNotFound:
            return None

    # Referrers ----------------------------------------------------------------------------------------------------

    async def _endpoint(self, repository: ImageRepository, digest: str) -> list[str]:
        """What the registry lists itself; nothing where it does not know how."""
        if self._no_referrers:
            return []
        path, what = _path(repository), f"what refers to {_named(repository, digest)}"
        listed: list[str] = []
        url = f"referrers/{digest}"
        for _ in range(_MOST_REFERRERS):
            try:
                answer = await self._http.ask(path, url, what, most=MOST_MANIFEST, accept=payloads.OCI_INDEX)
            except errors.RegistryNotFound as error:
                # Those that know it answer with an empty list: whoever has none does not know it at all.
                self._no_referrers = "NAME_UNKNOWN" not in error.problem.detail
                return []
            found = self._read(answer, lambda answer: payloads.manifest(answer.body, payloads.OCI_INDEX))
            listed += [entry.digest for entry in found.entries]
            url = self._http.page(answer, f"/v2/{path}/referrers/")
            if not url or len(listed) >= _MOST_REFERRERS:
                break
        return listed

    async def _fallback(self, repository: ImageRepository, digest: str) -> list[str]:
        """What is listed under the tag that stands in for the endpoint."""
        path, tag = _path(repository), digest.replace(":", "-")
        what = _named(repository, tag)
        try:
            answer = await self._manifest_answer(path, tag, what)
        except errors.RegistryNotFound:
            return []
        kind = answer.headers.get("content-type", "")
        found = self._read(answer, lambda answer: payloads.manifest(answer.body, kind))
        return [entry.digest for entry in found.entries]

    async def _cosign(self, repository: ImageRepository, digest: str, ending: str) -> str | None:
        try:
            return await self.digest(repository, f"{digest.replace(':', '-')}{ending}")
        except errors.RegistryNotFound:
            return None

    async def _referrer(self, repository: ImageRepository, digest: str, subject: str) -> Referrer | None:
        """One that refers to a digest; None when it is gone, or refers to something else."""
        try:
            found = await self._manifest(repository, digest)
        except errors.RegistryNotFound:
            return None
        if subject and found.subject and found.subject != subject:
            return None
        return Referrer(digest, found.kind, found.annotations, found.predicate)

    # Checks -------------------------------------------------------------------------------------------------------

    def _verify(self, answer: Answer, digest: str) -> None:
        """The body has to be what its digest names."""
        algorithm = digest.partition(":")[0]
        got = f"{algorithm}:{hashlib.new(algorithm, answer.body).hexdigest()}"
        if got != digest:
            raise errors.mismatch(answer.what, answer.where, digest, got)

    def _read(self, answer: Answer, parse: Callable[[Answer], T]) -> T:
        try:
            return parse(answer)
        except (ValueError, RecursionError) as error:
            detail = f"HTTP {answer.status}, {len(answer.body)} bytes: {visible(str(error))}"
            raise errors.bad_answer(answer.what, answer.where, detail) from error


def _path(repository: ImageRepository) -> str:
    if len(repository.path) > 255 or not payloads.PATH.fullmatch(repository.path):
        why = "the names of images are of lower-case letters, digits, and single . _ - between them"
        raise errors.bad_name(visible(str(repository)), why)
    return repository.path


def _named(repository: ImageRepository, reference: str) -> str:
    """The reference for sentences; it is looked at first, since it becomes part of a URL."""
    if payloads.DIGEST.fullmatch(reference):
        return repository.pinned(reference)
    if payloads.TAG.fullmatch(reference):
        return repository.tagged(reference)
    shown = visible(reference[:140])
    raise errors.bad_name(f"{repository}:{shown}", "a tag is of letters, digits and . _ -, and so is no digest")


def _sha256(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"
