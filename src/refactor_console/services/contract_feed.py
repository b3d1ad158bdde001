"""The environment contract, put together from its parts: workflow and compose file, names on GitHub, names on the host.

Each part can fail alone: its report says why, and nothing is called missing because of it. Names, ages and keyed hashes
pass through here, and no value: the adapter drops those of variables, and `domain.dotenv` those of the host.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Generic, TypeVar

from refactor_console.adapters.github_api import GitHubApi, RepositoryFacts
from refactor_console.adapters.workflow_file import workflow_names
from refactor_console.domain.account import WITHOUT_PERMISSION
from refactor_console.domain.composefile import ComposeNames, compose_names
from refactor_console.domain.contract import (
    Defined,
    EnvironmentContract,
    NameKind,
    Place,
    SourceName,
    SourceReport,
    WorkflowNames,
)
from refactor_console.domain.contractcheck import ContractParts, contract_rows
from refactor_console.domain.dotenv import DotEnv
from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.domain.repos import Platform, Repository
from refactor_console.services.feed import Clock, utc_now
from refactor_console.services.github_pace import Pacer

MOST_WORKFLOWS = 40
"""Workflow files read to know what is unused; with more of them nothing is called unused."""
WORKFLOWS = ".github/workflows/"
_INHERIT = re.compile(r"^\s*secrets\s*:\s*[\"']?inherit\b", re.MULTILINE)
_ABSENT = ("not-found", "invalid")
"""How GitHub says that there is no such file, or no such commit."""
_SOURCES = {
    (NameKind.SECRET, Place.REPOSITORY): SourceName.REPOSITORY_SECRETS,
    (NameKind.VARIABLE, Place.REPOSITORY): SourceName.REPOSITORY_VARIABLES,
    (NameKind.SECRET, Place.ENVIRONMENT): SourceName.ENVIRONMENT_SECRETS,
    (NameKind.VARIABLE, Place.ENVIRONMENT): SourceName.ENVIRONMENT_VARIABLES,
    (NameKind.SECRET, Place.ORGANISATION): SourceName.ORGANISATION_SECRETS,
    (NameKind.VARIABLE, Place.ORGANISATION): SourceName.ORGANISATION_VARIABLES,
}
NOTHING_WRITTEN = "No .env that it writes was recognised, so no name is called never written."
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class _Told(Generic[T_co]):
    """A part that was read, and what is to be said of it."""

    value: T_co
    note: str
    cautions: tuple[str, ...] = ()


@dataclass(slots=True)
class _Look:
    """One round of questions, and how each went."""

    reports: dict[SourceName, SourceReport] = field(default_factory=dict)
    answers: list[Problem | None] = field(default_factory=list)
    """How each question to GitHub went."""

    async def tried(self, source: SourceName, work: Callable[[], Awaitable[_Told[T]]]) -> T | None:
        """The part; None when it could not be read. `work` is called here: who is cancelled before begins nothing."""
        told, problem = None, None
        try:
            told = await work()
        except ConsoleError as error:
            problem = error.problem
        if told is None:
            self.reports[source] = SourceReport(source, problem)
        else:
            self.reports[source] = SourceReport(source, None, told.note, told.cautions)
        if source is not SourceName.HOST:
            self.answers.append(problem)
        return None if told is None else told.value

    @property
    def github_failed(self) -> Problem | None:
        """Why GitHub could not be asked, when not one of its parts could."""
        return self.answers[0] if self.answers and all(answer is not None for answer in self.answers) else None


@dataclass(frozen=True, slots=True)
class _File:
    """A file at the deployed ref, or where there is none, at the default branch."""

    text: str
    ref: str


class ContractFeed:
    """Makes `EnvironmentContract`s, for `services.feed.supervise`."""

    def __init__(
        self,
        api: Callable[[], Awaitable[GitHubApi]],
        platform: Platform,
        *,
        pace: Pacer,
        clock: Clock = utc_now,
        deployed_ref: Callable[[], str],
        read_env: Callable[[], Awaitable[DotEnv]],
    ) -> None:
        """Nothing is asked before `boards` is iterated.

        Args:
            api: gives the client for the present token.
            platform: which repositories and files.
            pace: how often.
            clock: the present time (UTC).
            deployed_ref: the backend's commit that runs now; empty while it is not known.
            read_env: what the host's ``.env`` defines; raises `ConsoleError`.
        """
        self._api = api
        self._platform = platform
        self._pace = pace
        self._clock = clock
        self._deployed_ref = deployed_ref
        self._read_env = read_env
        self._looked_at = ""
        """The deployed commit at the last look."""

    async def boards(self) -> AsyncIterator[EnvironmentContract]:
        """The contract for ever: after each look at every part.

        Raises:
            ConsoleError: GitHub could not be asked for anything.
        """
        while True:
            mark = self._pace.mark("secrets")
            board, problem = await self._look(await self._api())
            if problem is not None:
                raise ConsoleError(problem)
            yield board
            if not self._is_behind():
                await self._pace.wait("secrets", busy=any(map(_may_pass, board.sources)), since=mark)

    def deployed_changed(self) -> None:
        """Look again at once if another commit runs than the one that was read: after a deploy, or when it is first
        known, as the host often answers later than GitHub.
        """
        if self._is_behind():
            self._pace.wake("secrets")

    def _is_behind(self) -> bool:
        """Whether another commit runs; one that is not known for a moment, as in a restart, changes nothing."""
        return self._deployed_ref() not in ("", self._looked_at)

    async def _look(self, client: GitHubApi) -> tuple[EnvironmentContract, Problem | None]:
        look = _Look()
        platform = self._platform
        deployed = self._looked_at = self._deployed_ref()
        host = asyncio.ensure_future(look.tried(SourceName.HOST, self._host))
        try:
            branch, organisation = await self._facts(client, platform.deploys_from)
            backend_branch = branch
            if platform.backend != platform.deploys_from:
                backend_branch, _ = await self._facts(client, platform.backend)
            # The commit that runs is the backend's: it says nothing of a workflow in another repository.
            ref = deployed if platform.backend == platform.deploys_from else ""
            workflow, others, compose = await asyncio.gather(
                look.tried(SourceName.WORKFLOW, lambda: self._workflow(client, ref, branch)),
                self._others(client, branch),
                look.tried(SourceName.COMPOSE, lambda: self._compose(client, deployed, backend_branch)),
            )
            defined = await self._defined(client, look, organisation)
            parts = ContractParts(
                workflow=workflow,
                compose=compose[0] if compose is not None else None,
                defined=defined,
                host=None if (env := await host) is None else env.names,
                host_complete=env is None or env.complete,
                others=others,
                environment=platform.github_environment,
            )
        finally:
            host.cancel()
            await asyncio.gather(host, return_exceptions=True)
        read = [name for name in (workflow and workflow.ref, compose and compose[1]) if name]
        shown, note = self._chosen(deployed, branch, read)
        board = EnvironmentContract(
            ref=shown,
            ref_note=note,
            rows=contract_rows(parts, self._clock(), platform.rotation_days),
            sources=tuple(look.reports[source] for source in SourceName if source in look.reports),
            rotation_days=platform.rotation_days,
            deployed=bool(deployed) and shown == deployed,
        )
        return board, look.github_failed

    def _chosen(self, deployed: str, branch: str, read: list[str]) -> tuple[str, str]:
        """The ref that was read, and how it was chosen."""
        branch = branch or "HEAD"
        if not deployed:
            return branch, f"Which commit runs is not known, so {branch} was read."
        if read and deployed not in read:
            return branch, f"The commit that runs ({deployed[:12]}) has not got these files, so {branch} was read."
        note = "This is the commit that runs now."
        if any(ref != deployed for ref in read):
            note += f" What it has not got was read from {branch}."
        return deployed, note

    # -- files

    @staticmethod
    async def _facts(client: GitHubApi, repository: Repository) -> tuple[str, bool]:
        """Default branch (empty when it is not known: GitHub then takes it by itself), and whether there may be an
        organisation.
        """
        try:
            facts: RepositoryFacts = await client.repository(repository)
        except ConsoleError:
            return "", True  # each part says for itself why it cannot be read
        return facts.default_branch, facts.owner_is_organisation

    @staticmethod
    async def _file(client: GitHubApi, repository: Repository, path: str, deployed: str, branch: str) -> _File:
        """A file at the deployed ref, else at the default branch.

        Raises:
            ConsoleError: it is at neither, or GitHub could not be asked.
        """
        branch = branch or "HEAD"
        if deployed:
            try:
                return _File(await client.file(repository, path, deployed), deployed)
            except ConsoleError as error:
                if error.problem.code not in _ABSENT:
                    raise
        return _File(await client.file(repository, path, branch), branch)

    async def _workflow(self, client: GitHubApi, deployed: str, branch: str) -> _Told[WorkflowNames]:
        platform = self._platform
        file = await self._file(client, platform.deploys_from, platform.deploy_workflow, deployed, branch)
        names = _names(file.text, platform.deploy_workflow, file.ref)
        count = f"{len(names.secrets)} secrets and {len(names.variables)} variables at {_short(file.ref)}"
        cautions = names.notes if names.written else (NOTHING_WRITTEN, *names.notes)
        return _Told(names, f"{count}; {len(names.written)} names written.", cautions)

    async def _compose(self, client: GitHubApi, deployed: str, branch: str) -> _Told[tuple[ComposeNames, str]]:
        file = await self._file(client, self._platform.backend, self._platform.compose_file, deployed, branch)
        names = compose_names(file.text)
        return _Told((names, file.ref), f"{len(names.names)} names at {_short(file.ref)}.", names.notes)

    async def _others(self, client: GitHubApi, branch: str) -> tuple[WorkflowNames, ...] | None:
        """All workflows of the repository at its default branch; None when they are not all known.

        They only serve to call a name unused, so that a failure is no problem of its own: that word is then not said.
        """
        repository, ref = self._platform.deploys_from, branch or "HEAD"
        try:
            paths = [path for path in await client.paths(repository, ref) if _is_workflow(path)]
            if len(paths) > MOST_WORKFLOWS:
                return None
            return tuple([_names(await client.file(repository, path, ref), path, ref) for path in paths])
        except ConsoleError:
            return None

    # -- names

    async def _defined(
        self, client: GitHubApi, look: _Look, organisation: bool
    ) -> dict[tuple[NameKind, Place], tuple[Defined, ...] | None]:
        repository, environment = self._platform.deploys_from, self._platform.github_environment
        asked: dict[SourceName, Callable[[], Awaitable[tuple[Defined, ...]]]] = {
            SourceName.REPOSITORY_SECRETS: partial(client.secrets, repository),
            SourceName.REPOSITORY_VARIABLES: partial(client.variables, repository),
            SourceName.ENVIRONMENT_SECRETS: partial(client.environment_secrets, repository, environment),
            SourceName.ENVIRONMENT_VARIABLES: partial(client.environment_variables, repository, environment),
        }
        by_source: dict[SourceName, tuple[Defined, ...] | None] = {}
        if organisation:
            asked[SourceName.ORGANISATION_SECRETS] = partial(client.organisation_secrets, repository)
            asked[SourceName.ORGANISATION_VARIABLES] = partial(client.organisation_variables, repository)
        else:
            for source in (SourceName.ORGANISATION_SECRETS, SourceName.ORGANISATION_VARIABLES):
                by_source[source] = ()
                look.reports[source] = SourceReport(source, None, "The repository belongs to a person.")
        found = await asyncio.gather(*(look.tried(source, partial(_counted, names)) for source, names in asked.items()))
        by_source |= dict(zip(asked, found, strict=True))
        return {key: by_source[source] for key, source in _SOURCES.items()}

    async def _host(self) -> _Told[DotEnv]:
        env = await self._read_env()
        written = next((name.written_at for name in env.names if name.written_at is not None), None)
        when = "" if written is None else f", written {written:%Y-%m-%d %H:%M} UTC"
        count = f"{len(env.names)} name{'' if len(env.names) == 1 else 's'}"
        return _Told(env, f"{count}{when}.", env.notes)


def _may_pass(report: SourceReport) -> bool:
    """Whether a part could not be read for a reason that passes by itself: a missing permission does not."""
    return report.problem is not None and report.problem.code not in WITHOUT_PERMISSION


def _names(text: str, path: str, ref: str) -> WorkflowNames:
    names = workflow_names(text, path, ref)
    if _INHERIT.search(text):
        return replace(names, notes=(*names.notes, "'secrets: inherit' hands every secret on to another workflow."))
    return names


def _is_workflow(path: str) -> bool:
    name = path.removeprefix(WORKFLOWS)
    return path.startswith(WORKFLOWS) and "/" not in name and name.endswith((".yml", ".yaml"))


async def _counted(names: Callable[[], Awaitable[tuple[Defined, ...]]]) -> _Told[tuple[Defined, ...]]:
    found = await names()
    return _Told(found, f"{len(found)} name{'' if len(found) == 1 else 's'}.")


def _short(ref: str) -> str:
    """A commit as people name it; a branch in full."""
    return ref[:12] if re.fullmatch(r"[0-9a-f]{40}", ref) else ref
