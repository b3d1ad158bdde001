"""What services may ask of GitHub's REST API; `adapters.github.GitHub` is the one implementation.

Every method raises `adapters.github_errors.GitHubError` (a `ConsoleError`) with the problem to show. Reads are
conditional requests: an answer that did not change costs nothing of the primary rate limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from refactor_console.domain.account import Account, Budget
from refactor_console.domain.alerts import Guard, GuardReport
from refactor_console.domain.contract import Defined
from refactor_console.domain.images import Commit, PackageVersion, PullRequest
from refactor_console.domain.operations import ApiRequest
from refactor_console.domain.releases import Release
from refactor_console.domain.repos import Repository
from refactor_console.domain.runs import Job, PendingEnvironment, Workflow, WorkflowRun


@dataclass(frozen=True, slots=True)
class RepositoryFacts:
    """What a repository says of itself."""

    repository: Repository
    default_branch: str
    private: bool
    may_write: bool
    """Whether the token may push: only then are draft releases among the answers."""
    owner_is_organisation: bool


@dataclass(frozen=True, slots=True)
class RunPage:
    """Some runs, newest first."""

    runs: tuple[WorkflowRun, ...]
    complete: bool
    """False when GitHub has older ones."""
    skipped: int = 0
    """How many could not be read (the API has changed) and are left out."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Commits between two refs."""

    ahead: tuple[Commit, ...]
    """In head and not in base, oldest first."""
    ahead_by: int
    """How many there are; more than `ahead` holds when GitHub cut the list."""
    behind_by: int


@dataclass(frozen=True, slots=True)
class AttestationFound:
    """One attestation bundle of a subject digest, as far as it was read (in-toto statement, unverified signature)."""

    predicate_type: str
    subjects: tuple[str, ...]
    """``sha256:...`` digests that it names."""
    repository: str
    """Source repository by the statement; empty when it does not say."""
    workflow: str
    """Workflow path by the statement; empty when it does not say."""


@dataclass(frozen=True, slots=True)
class Sent:
    """GitHub accepted a mutation."""

    run_id: int | None = None
    """The run that a dispatch started, where the answer says so."""


class GitHubApi(Protocol):
    """One token at one GitHub."""

    @property
    def budget(self) -> Budget | None:
        """What the newest answer said of the rate limit; None before the first. Never asks."""

    @property
    def now(self) -> datetime:
        """GitHub's clock as far as the last answer's Date header tells, else the local one (UTC)."""

    @property
    def drift(self) -> tuple[str, ...]:
        """What the newest lists lack because it could not be read, one sentence each; empty when all is well."""

    async def account(self) -> Account:
        """Who the token belongs to."""

    async def repository(self, repository: Repository) -> RepositoryFacts:
        """Its default branch and what the token may do there."""

    async def workflows(self, repository: Repository) -> tuple[Workflow, ...]:
        """All workflows, also disabled ones."""

    async def runs(self, repository: Repository, *, limit: int = 100) -> RunPage:
        """The newest runs; pages as far as `limit` asks (100 runs a request)."""

    async def run(self, repository: Repository, run_id: int) -> WorkflowRun:
        """One run."""

    async def dispatched(self, repository: Repository, workflow_id: int, since: datetime) -> tuple[WorkflowRun, ...]:
        """Runs of a workflow with event ``workflow_dispatch`` created at `since` or later; never from a cache."""

    async def jobs(self, repository: Repository, run_id: int) -> tuple[Job, ...]:
        """The jobs of the run's newest attempt, all pages."""

    async def pending(self, repository: Repository, run_id: int) -> tuple[PendingEnvironment, ...]:
        """The environments that a waiting run waits for."""

    async def job_log(self, repository: Repository, job_id: int) -> str:
        """The whole log of a job that is over; what is not UTF-8 as surrogates.

        The redirect's target is asked without the token.

        Raises:
            GitHubError: code ``log-not-yet`` while the job runs (404), ``log-gone`` when it has expired (410).
        """

    async def send(self, request: ApiRequest, what: str = "") -> Sent:
        """Perform a mutation. Never retried, never sent in read-only mode.

        Args:
            request: exactly what is sent.
            what: what it is done to, for sentences: ``run 7 of Build``; the request itself when empty.

        Raises:
            GitHubError: refused (code ``read-only``), or GitHub said no; for a time-out or a broken connection the
                code is ``outcome-unknown``.
        """

    async def file(self, repository: Repository, path: str, ref: str) -> str:
        """A text file at a ref (code ``not-found`` when there is none)."""

    async def paths(self, repository: Repository, ref: str) -> tuple[str, ...]:
        """Every file's path at a ref (the recursive git tree; a cut tree raises code ``tree-cut``)."""

    async def commits(self, repository: Repository, ref: str, *, limit: int = 100) -> tuple[Commit, ...]:
        """Commits reachable from a ref, newest first."""

    async def compare(self, repository: Repository, base: str, head: str, *, limit: int = 250) -> Comparison:
        """What `head` has over `base`."""

    async def pull_requests(self, repository: Repository, sha: str) -> tuple[PullRequest, ...]:
        """Pull requests that a commit belongs to."""

    async def releases(self, repository: Repository, *, limit: int = 100) -> tuple[Release, ...]:
        """Releases, drafts included where the token may see them, newest first."""

    async def tags(self, repository: Repository, *, limit: int = 300) -> tuple[tuple[str, str], ...]:
        """Tags as (name, commit)."""

    async def packages(self, owner: str, repository: Repository) -> tuple[str, ...]:
        """Names of the container packages that belong to a repository, such as ``refactor-platform-rs/main``."""

    async def package_versions(self, owner: str, package: str, *, limit: int = 5_000) -> tuple[PackageVersion, ...]:
        """Versions of a container package, newest first."""

    async def attestations(self, repository: Repository, digest: str) -> tuple[AttestationFound, ...]:
        """Attestations whose subject is a digest; empty when there is none."""

    async def secrets(self, repository: Repository) -> tuple[Defined, ...]:
        """The repository's own secrets: names and times."""

    async def variables(self, repository: Repository) -> tuple[Defined, ...]:
        """The repository's own variables: names and times (values are dropped before anything else happens)."""

    async def environment_secrets(self, repository: Repository, environment: str) -> tuple[Defined, ...]:
        """A deployment environment's secrets."""

    async def environment_variables(self, repository: Repository, environment: str) -> tuple[Defined, ...]:
        """A deployment environment's variables."""

    async def organisation_secrets(self, repository: Repository) -> tuple[Defined, ...]:
        """The organisation's secrets that this repository may use."""

    async def organisation_variables(self, repository: Repository) -> tuple[Defined, ...]:
        """The organisation's variables that this repository may use."""

    async def guard(self, repository: Repository, guard: Guard) -> GuardReport:
        """One guard of a repository with its open alerts; "off" and "not permitted" are reports, not errors."""

    async def close(self) -> None:
        """Let go of the connections."""
