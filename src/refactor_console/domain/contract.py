"""The environment contract: names the deploy workflow writes, names compose reads, names that exist.

Names, ages and keyed hashes only. No value of a secret or variable is read from GitHub, and of the host's ``.env``
only what a keyed hash gives away: whether two values are the same, and whether one is empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from refactor_console.domain.problem import Problem


class NameKind(StrEnum):
    """What a name is on GitHub."""

    SECRET = "secret"  # noqa: S105 - a word, not a secret
    VARIABLE = "variable"


class Place(StrEnum):
    """Where a secret or variable is defined; the narrower one wins."""

    ENVIRONMENT = "environment"
    REPOSITORY = "repository"
    ORGANISATION = "organisation"


@dataclass(frozen=True, slots=True)
class Defined:
    """A secret or variable that exists. Never its value."""

    name: str
    kind: NameKind
    place: Place
    created_at: datetime | None
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class WorkflowNames:
    """What a workflow file names."""

    ref: str
    path: str
    secrets: tuple[str, ...]
    variables: tuple[str, ...]
    written: tuple[tuple[str, tuple[str, ...]], ...]
    """Name in the ``.env`` that the workflow writes, and the GitHub names it is made of (``secrets.X``, ``vars.Y``)."""
    notes: tuple[str, ...] = ()
    """What could not be understood in the file, such as ``secrets[inputs.x]``."""


@dataclass(frozen=True, slots=True)
class ComposeName:
    """A name that a compose file interpolates."""

    name: str
    default: str | None
    """The default in ``${NAME:-default}``; None when it has none."""
    required: bool
    """``${NAME:?message}``."""
    lines: tuple[int, ...]
    conditional: bool = False
    """Whether it only matters when another name is unset or set: ``${OTHER:-${NAME}}``."""
    empty_passes: bool = False
    """Whether an empty value is taken as it is: ``${NAME-default}`` without the colon."""


@dataclass(frozen=True, slots=True)
class HostName:
    """A name in the host's ``.env``."""

    name: str
    empty: bool
    digest: str
    """A keyed hash of the value (HMAC-SHA-256, key made anew for every session, first 12 hex digits)."""
    written_at: datetime | None = None
    """When the file was last written; None when that is not known."""


class FindingKind(StrEnum):
    """What is wrong with a name, the worst first."""

    MISSING_ON_GITHUB = "missing on GitHub"
    """The workflow reads it, and it exists nowhere: it becomes empty."""
    NEVER_WRITTEN = "read but never written"
    """Compose reads it without a default, and the workflow does not write it."""
    EMPTY_ON_HOST = "empty on the host"
    MISSING_ON_HOST = "missing on the host"
    ROTATION_DUE = "rotation due"
    STALE_ON_HOST = "changed since the last deploy"
    """GitHub's is newer than the host's file."""
    UNUSED = "unused"
    """Exists on GitHub, named by no workflow of the repository that was read."""
    NOT_READ = "written but never read"
    """The workflow writes it, compose does not interpolate it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with one name."""

    name: str
    kind: FindingKind
    sentence: str
    severe: bool
    """Whether it can break a deploy, as against being untidy."""


@dataclass(frozen=True, slots=True)
class ContractRow:
    """Everything known of one name."""

    name: str
    kind: NameKind | None
    """None for a name that only compose or the host knows."""
    used_by_workflow: bool | None
    """None when the workflow could not be read."""
    written_as: tuple[str, ...]
    """Names in ``.env`` that the workflow makes of it."""
    read_by_compose: bool | None
    has_default: bool
    defined: tuple[Defined, ...]
    """The narrowest first."""
    on_host: HostName | None
    host_known: bool
    age_days: int | None
    """Since GitHub's last update."""
    findings: tuple[Finding, ...]
    read_lines: tuple[int, ...] = ()
    """Lines of the compose file that read it, or a name that is made of it."""


class SourceName(StrEnum):
    """The parts a contract is put together from; each can fail alone."""

    WORKFLOW = "deploy workflow"
    COMPOSE = "compose file"
    REPOSITORY_SECRETS = "repository secrets"
    REPOSITORY_VARIABLES = "repository variables"
    ENVIRONMENT_SECRETS = "environment secrets"
    ENVIRONMENT_VARIABLES = "environment variables"
    ORGANISATION_SECRETS = "organisation secrets"
    ORGANISATION_VARIABLES = "organisation variables"
    HOST = "host's .env"


@dataclass(frozen=True, slots=True)
class SourceReport:
    """How asking one part went."""

    source: SourceName
    problem: Problem | None = None
    """None when it was read."""
    note: str = ""
    """Such as the ref that was read, or how many names were found."""
    cautions: tuple[str, ...] = ()
    """What was not understood in it: findings may be absent because of it."""


@dataclass(frozen=True, slots=True)
class EnvironmentContract:
    """The whole: rows by name, findings, and how each part went."""

    ref: str
    """The ref whose workflow and compose file were read: the deployed commit where it is known."""
    ref_note: str
    """How that ref was chosen."""
    rows: tuple[ContractRow, ...]
    sources: tuple[SourceReport, ...]
    rotation_days: int
    deployed: bool = False
    """Whether `ref` is the commit that runs."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All of them, the worst first."""
        order = list(FindingKind)
        found = [finding for row in self.rows for finding in row.findings]
        return tuple(sorted(found, key=lambda f: (not f.severe, order.index(f.kind), f.name)))
