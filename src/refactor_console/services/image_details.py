"""One image looked at closely: what the registry says of its digest, who attests it, which commit it came from.

No signature is checked: what an attestation says is read, compared with what is expected, and said to be just that.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from refactor_console.adapters.github_api import AttestationFound, GitHubApi
from refactor_console.adapters.registry_api import Referrer, RegistryApi
from refactor_console.domain.images import (
    ImageDetails,
    ImageRepository,
    ImageTag,
    Provenance,
    RevisionFacts,
)
from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.domain.repos import Platform, Repository

UNCHECKED = "The signature was not checked cryptographically."
SLSA = "https://slsa.dev/provenance/"
_NOT_ALLOWED = ("not-permitted", "sso-required", "token-missing", "token-refused")
_MOST_FOUND = 30
"""Attestations of one digest that are looked at."""


def source_of(platform: Platform, repository: ImageRepository) -> Repository | None:
    """The source repository that an image repository belongs to by its path; None for a stranger's."""
    path = repository.path.lower()
    for source in platform.repositories:
        name = source.full_name.lower()
        if path == name or path.startswith(f"{name}/"):
            return source
    return None


def reference_of(tag: ImageTag) -> str:
    """What to ask the registry for: the digest that was shown; the tag only where none is known."""
    return tag.digest or tag.tag


class ImageReader:
    """Answers what is asked about one row."""

    def __init__(
        self,
        api: Callable[[], Awaitable[GitHubApi]],
        registry: Callable[[], Awaitable[RegistryApi]],
        platform: Platform,
        *,
        learned: Callable[[ImageDetails], None] = lambda _: None,
    ) -> None:
        """Nothing is asked before it is needed.

        Args:
            api: gives the client for the present token.
            registry: gives the client for the present credential.
            platform: which repositories and workflows are expected.
            learned: told of everything read, so that the list shows it as well.
        """
        self._api = api
        self._registry = registry
        self._platform = platform
        self._learned = learned

    async def details(self, tag: ImageTag) -> ImageDetails:
        """A row unfolded, with its provenance.

        Raises:
            ConsoleError: the registry does not give the image.
        """
        registry = await self._registry()
        found = await registry.details(tag.repository, reference_of(tag))
        provenance, note = await self._provenance(registry, found)
        found = replace(found, provenance=provenance, provenance_note=_sentences(_said(found), note))
        self._learned(found)
        return found

    async def revision(self, tag: ImageTag) -> RevisionFacts:
        """The commit a row was built from, and its pull requests.

        Raises:
            ConsoleError: the registry does not give the image.
        """
        details = tag.details or await (await self._registry()).details(tag.repository, reference_of(tag))
        revision = details.revision
        source = source_of(self._platform, tag.repository)
        if not revision:
            return RevisionFacts("", notes=("The image's labels name no commit.",))
        if source is None:
            return RevisionFacts(revision, notes=("The image's repository belongs to none of the watched ones.",))
        notes: list[str] = []
        facts = RevisionFacts(revision)
        try:
            client = await self._api()
            commits = await client.commits(source, revision, limit=1)
            facts = replace(facts, commit=commits[0] if commits else None)
            facts = replace(facts, pull_requests=await client.pull_requests(source, revision))
        except ConsoleError as error:
            notes.append(error.problem.summary)
        return replace(facts, notes=tuple(notes))

    async def _provenance(self, registry: RegistryApi, details: ImageDetails) -> tuple[Provenance, str]:
        """What GitHub has attested of a digest, else what lies beside it in the registry."""
        source = source_of(self._platform, details.repository)
        refusal: Problem | None = None
        if source is not None:
            try:
                found = await (await self._api()).attestations(source, details.digest)
            except ConsoleError as error:
                refusal = error.problem
            else:
                if found:
                    return judged(found[:_MOST_FOUND], details.digest, source, self._platform)
        try:
            referrers = await registry.referrers(details.repository, details.digest)
        except ConsoleError as error:
            said = refusal or error.problem
            why = Provenance.NOT_PERMITTED if said.code in _NOT_ALLOWED else Provenance.UNKNOWN
            return why, _sentences(refusal.summary if refusal is not None else None, error.problem.summary)
        return beside(referrers[:_MOST_FOUND], refusal, asked=source is not None)


def judged(
    found: Sequence[AttestationFound], digest: str, source: Repository, platform: Platform
) -> tuple[Provenance, str]:
    """What attestations that GitHub keeps are worth for a digest: the best of them, and a sentence."""
    doubts: list[str] = []
    for attestation in found:
        doubt = _doubt(attestation, digest, source, platform)
        if not doubt:
            words = f"GitHub's attestation names this digest, {source} and {attestation.workflow}."
            return Provenance.VERIFIED, f"{words} {UNCHECKED}"
        doubts.append(doubt)
    return Provenance.FOUND, f"{_sentences(*dict.fromkeys(doubts))} {UNCHECKED}"


def _doubt(found: AttestationFound, digest: str, source: Repository, platform: Platform) -> str:
    """Why an attestation does not say enough; empty when it does."""
    if not found.predicate_type and not found.subjects:
        return "An attestation was found that could not be read."
    if digest not in found.subjects:
        return "An attestation was found that names another digest."
    if not found.predicate_type.startswith(SLSA):
        return f"An attestation was found that is no build provenance ({found.predicate_type or 'no type'})."
    if not found.repository or not found.workflow:
        return "An attestation was found that does not say which repository and workflow built it."
    built_in = found.repository.lower().removesuffix(".git").rstrip("/")
    if built_in not in (source.full_name.lower(), f"{platform.web_url}/{source.full_name}".lower()):
        return f"The attestation names another repository: {found.repository}."
    if found.workflow not in platform.image_workflows:
        return f"The attestation names a workflow that is not expected to build images: {found.workflow}."
    return ""


def beside(referrers: Sequence[Referrer], refusal: Problem | None, *, asked: bool) -> tuple[Provenance, str]:
    """What lies beside a digest in the registry, where GitHub has nothing or could not be asked.

    Args:
        referrers: what refers to the digest.
        refusal: why GitHub could not be asked; None when it could.
        asked: whether there was a repository to ask GitHub about.
    """
    kinds = [referrer.predicate_type or referrer.artifact_type for referrer in referrers]
    for kind in kinds:
        if kind.startswith(SLSA) or ("sigstore.bundle" in kind):
            words = f"The registry holds an attestation of it ({kind}), which was not read."
            return Provenance.FOUND, _sentences(words, UNCHECKED, refusal.summary if refusal is not None else None)
    others = f"The registry holds other statements about it: {', '.join(sorted(set(kinds)))}." if kinds else ""
    if refusal is not None:
        why = Provenance.NOT_PERMITTED if refusal.code in _NOT_ALLOWED else Provenance.UNKNOWN
        return why, _sentences(refusal.summary, "The registry holds no build provenance beside it.", others)
    places = "Neither GitHub nor the registry has" if asked else "The registry does not have"
    return Provenance.NONE, _sentences(f"{places} an attestation of how it was built.", others)


def _said(details: ImageDetails) -> str:
    """What the registry's side had to say of the image (a platform that is gone), as a sentence."""
    note = details.provenance_note
    return f"{note[:1].upper()}{note[1:]}." if note else ""


def _sentences(*parts: str | None) -> str:
    return " ".join(part for part in parts if part)
