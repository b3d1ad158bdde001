"""What was pushed to the demo's image repositories, as GitHub's Packages API counts it: one version a digest."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from refactor_console.demo import story
from refactor_console.demo.github_repos import sha1
from refactor_console.demo.images import digest


@dataclass(frozen=True, slots=True)
class Pushed:
    """One version of a package: what was pushed under one digest."""

    digest: str
    tags: tuple[str, ...]
    """What they are today."""
    days_ago: float
    revision: str
    attested: bool = False

    @property
    def id(self) -> int:
        """GitHub's number."""
        return 300_000_000 + int(self.digest[7:14], 16)


def made_up(path: str, count: int) -> tuple[Pushed, ...]:
    """So many tagged versions whose digests no registry has."""
    return tuple(
        Pushed(f"sha256:{digest(f'{path} {number}')}", (sha1(f"{path} {number}"),), 30.0 + number / 10, sha1(path))
        for number in range(count)
    )


@cache
def pushed() -> dict[str, tuple[Pushed, ...]]:
    """Every version by path of its image repository."""
    found: dict[str, tuple[Pushed, ...]] = {}
    for build in story.BUILDS:
        name = f"sha256:{digest(f'{build.path} {build.sha}')}"
        version = Pushed(name, build.tags, build.days_ago, build.sha, build.attested)
        found[build.path] = (*found.get(build.path, ()), version)
    return found
