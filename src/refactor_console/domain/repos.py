"""Repositories of the platform, as GitHub names them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a repository is to the platform."""

    BACKEND = "backend"
    FRONTEND = "frontend"
    OTHER = "other"


@dataclass(frozen=True, slots=True, order=True)
class Repository:
    """One repository."""

    owner: str
    name: str

    @property
    def full_name(self) -> str:
        """``owner/name``."""
        return f"{self.owner}/{self.name}"

    def __str__(self) -> str:
        return self.full_name


@dataclass(frozen=True, slots=True)
class Platform:
    """Where the platform's sources and images live: the GitHub side of the configuration."""

    backend: Repository = Repository("refactor-group", "refactor-platform-rs")
    frontend: Repository = Repository("refactor-group", "refactor-platform-fe")
    others: tuple[Repository, ...] = ()
    """Further repositories whose runs and alerts are watched."""
    api_url: str = "https://api.github.com"
    """Without a trailing slash; ``https://HOST/api/v3`` for GitHub Enterprise Server."""
    web_url: str = "https://github.com"
    """Where people look at it; also where the device flow is."""
    registry: str = "ghcr.io"
    """Host, and port where it is not 443, of the OCI registry."""
    registry_url: str = "https://ghcr.io"
    """The registry's base URL (a demo world's is plain http on loopback)."""
    deploy_workflow: str = ".github/workflows/deploy_to_do.yml"
    deploy_repository: Repository | None = None
    """Where the deploy workflow is; the backend's when None."""
    github_environment: str = "production"
    """GitHub's deployment environment, whose secrets and variables the deploy workflow reads."""
    compose_file: str = "docker-compose.yaml"
    """The compose file's path in the backend's repository."""
    release_workflow: str = ".github/workflows/build_and_push_production_images.yml"
    """The workflow that pushes a release's images and moves their tag, in each repository."""
    image_workflows: tuple[str, ...] = (
        ".github/workflows/build-test-push.yml",
        ".github/workflows/build_and_push_production_images.yml",
        ".github/workflows/build_and_push_nonproduction_images.yml",
    )
    """The workflows that may build images: who else attests one is told, and not taken for verified."""
    rotation_days: int = 90
    """After so many days a secret is due for rotation."""

    @property
    def repositories(self) -> tuple[Repository, ...]:
        """All that are watched: backend, frontend, others; each once."""
        return tuple(dict.fromkeys((self.backend, self.frontend, *self.others)))

    @property
    def deploys_from(self) -> Repository:
        """The repository with the deploy workflow."""
        return self.deploy_repository or self.backend

    def role_of(self, repository: Repository) -> Role:
        """What a repository is to the platform."""
        if repository == self.backend:
            return Role.BACKEND
        return Role.FRONTEND if repository == self.frontend else Role.OTHER
