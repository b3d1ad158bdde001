"""Secrets and variables by name, never by value, and the guards that watch a repository."""

from __future__ import annotations

from refactor_console.adapters import github_errors as errors
from refactor_console.adapters import github_guards
from refactor_console.adapters.github_part import MOST_NAMES, Part, at, part
from refactor_console.adapters.github_payloads_guards import DefinedPayload
from refactor_console.domain.alerts import Guard, GuardReport
from refactor_console.domain.contract import Defined, NameKind, Place
from refactor_console.domain.repos import Repository

_VARIABLES_A_PAGE = 30
"""GitHub's bound; it gives 100 of anything else."""


class Names(Part):
    """The calls about secrets, variables and guards."""

    async def secrets(self, repository: Repository) -> tuple[Defined, ...]:
        """The repository's own secrets: names and times."""
        return await self._defined(repository, "actions/secrets", NameKind.SECRET, Place.REPOSITORY)

    async def variables(self, repository: Repository) -> tuple[Defined, ...]:
        """The repository's own variables: names and times (values are dropped before anything else happens)."""
        return await self._defined(repository, "actions/variables", NameKind.VARIABLE, Place.REPOSITORY)

    async def environment_secrets(self, repository: Repository, environment: str) -> tuple[Defined, ...]:
        """A deployment environment's secrets."""
        path = f"environments/{part(environment)}/secrets"
        return await self._defined(repository, path, NameKind.SECRET, Place.ENVIRONMENT)

    async def environment_variables(self, repository: Repository, environment: str) -> tuple[Defined, ...]:
        """A deployment environment's variables."""
        path = f"environments/{part(environment)}/variables"
        return await self._defined(repository, path, NameKind.VARIABLE, Place.ENVIRONMENT)

    async def organisation_secrets(self, repository: Repository) -> tuple[Defined, ...]:
        """The organisation's secrets that this repository may use."""
        return await self._defined(repository, "actions/organization-secrets", NameKind.SECRET, Place.ORGANISATION)

    async def organisation_variables(self, repository: Repository) -> tuple[Defined, ...]:
        """The organisation's variables that this repository may use."""
        path = "actions/organization-variables"
        return await self._defined(repository, path, NameKind.VARIABLE, Place.ORGANISATION)

    async def guard(self, repository: Repository, guard: Guard) -> GuardReport:
        """One guard of a repository with its open alerts; "off" and "not permitted" are reports, not errors."""
        return await github_guards.report(self._http, at(repository), repository, guard)

    async def _defined(self, repository: Repository, path: str, kind: NameKind, place: Place) -> tuple[Defined, ...]:
        secret = kind is NameKind.SECRET
        what = f"the {place.value}'s {kind.value} names of {repository}"
        found = await self._many(
            DefinedPayload,
            f"{at(repository)}/{path}",
            what,
            lambda item: item.value(kind, place),
            key="secrets" if secret else "variables",
            limit=MOST_NAMES,
            page_size=100 if secret else _VARIABLES_A_PAGE,
        )
        if found.skipped:  # a name that is left out would be called missing
            raise errors.schema_drift(what, f"{found.skipped} could not be read ({found.reason})")
        if not found.complete:
            raise errors.schema_drift(what, f"there are more than {MOST_NAMES:,}")
        return found.items
