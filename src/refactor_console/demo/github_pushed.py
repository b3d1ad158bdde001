"""What was pushed to the demo's registry, as GitHub's Packages API has it: every manifest is a version."""

from __future__ import annotations

from dataclasses import dataclass

from refactor_console.demo.github_repos import sha1
from refactor_console.demo.images import digest
from refactor_console.demo.registry_content import content


@dataclass(frozen=True, slots=True)
class Pushed:
    """One version of a package: what was pushed under one digest."""

    digest: str
    tags: tuple[str, ...]
    """What they are today."""
    days_ago: float
    revision: str
    """The commit it was built from."""
    attested: bool = False
    """Whether GitHub has an attestation of it."""

    @property
    def id(self) -> int:
        """GitHub's number."""
        return 300_000_000 + int(self.digest[7:14], 16)


def pushed(now_ns: int) -> dict[str, tuple[Pushed, ...]]:
    """Every version by path of its image repository; the digests are the registry's of the same moment."""
    return {
        path: tuple(Pushed(v.digest, v.tags, v.days_ago, v.sha, v.attested) for v in stored.versions)
        for path, stored in content(now_ns).repositories.items()
    }


def made_up(path: str, count: int) -> tuple[Pushed, ...]:
    """So many tagged versions whose digests no registry has."""
    return tuple(
        Pushed(f"sha256:{digest(f'{path} {number}')}", (sha1(f"{path} {number}"),), 30.0 + number / 100, sha1(path))
        for number in range(count)
    )
