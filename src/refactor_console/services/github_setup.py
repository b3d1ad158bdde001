"""What a session is told about GitHub and the registry, before anything of it is made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from refactor_console.domain.repos import Platform
from refactor_console.services.github_link import Endpoints, Find, find_own


@dataclass(frozen=True, slots=True)
class GitHubSetup:
    """Which platform, and whose token."""

    platform: Platform = field(default_factory=Platform)
    """Repositories, GitHub, registry."""
    enabled: bool = True
    """False: nothing is asked of GitHub or the registry, and no token is looked for."""
    client_id: str = ""
    """Of the OAuth app for signing in by a code; empty for none."""
    endpoints: Callable[[], Awaitable[Endpoints]] | None = None
    """Where GitHub and the registry really are; as the platform says when None."""
    find: Find = find_own
    """Looks for a token."""
    observations: Path | None = None
    """Where it is kept what moving tags were seen to point to; the user's state directory when None."""


SWITCHED_OFF = GitHubSetup(enabled=False)
"""Nothing of GitHub."""
