"""What screens and the command line may ask of GitHub and the registry: the other half of `services.session`.

Every feed is on its own: its failure is told by its own reading. A feed asks only as often as its pane deserves
(`look_at`): fast while something runs and is looked at, slow when idle or out of sight.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from refactor_console.domain.account import Account, Budget, DeviceCode
from refactor_console.domain.alerts import AlertBoard
from refactor_console.domain.contract import EnvironmentContract
from refactor_console.domain.images import (
    ImageBoard,
    ImageComparison,
    ImageDetails,
    ImageTag,
    RevisionFacts,
    TagHistory,
)
from refactor_console.domain.logs import LogLine
from refactor_console.domain.operations import DispatchForm, Operation, OperationOutcome, OperationPreview
from refactor_console.domain.releases import ReleaseBoard
from refactor_console.domain.repos import Platform, Repository
from refactor_console.domain.runs import Job, RunBoard, RunDetails, Workflow, WorkflowRun
from refactor_console.services.feed import Feed


class RunWatch(Protocol):
    """One run, watched while a screen looks at it."""

    @property
    def feed(self) -> Feed[RunDetails]:
        """The run with its jobs, live."""

    def close(self) -> None:
        """Stop watching."""


class GitHubDoor(Protocol):
    """GitHub and the registry, for one environment. All methods are called on the event loop's thread."""

    @property
    def platform(self) -> Platform:
        """Which repositories and images."""

    @property
    def account(self) -> Feed[Account]:
        """Who is signed in; ``off`` with the reason when nobody is."""

    @property
    def budget(self) -> Feed[Budget]:
        """What the API allows, for the status bar."""

    @property
    def runs(self) -> Feed[RunBoard]:
        """Workflow runs of every repository."""

    @property
    def images(self) -> Feed[ImageBoard]:
        """Image repositories with their tags; filled in over time, published at most twice a second."""

    @property
    def releases(self) -> Feed[ReleaseBoard]:
        """Releases, versions, unreleased commits."""

    @property
    def contract(self) -> Feed[EnvironmentContract]:
        """Secrets, variables and the environment contract."""

    @property
    def alerts(self) -> Feed[AlertBoard]:
        """Security alerts and guards."""

    def look_at(self, pane: str) -> None:
        """A pane (``runs``, ``images``, ``releases``, ``secrets``, ``alerts``, or another) is looked at now."""

    def retry_now(self) -> None:
        """End every wait between attempts, and ask anew."""

    # -- runs

    def watch_run(self, run: WorkflowRun) -> RunWatch:
        """Watch one run with its jobs and steps."""

    async def more_runs(self) -> None:
        """Hold older runs too (the next pages); the runs feed shows them.

        Raises:
            ConsoleError: with the problem to show.
        """

    async def job_log(self, run: WorkflowRun, job: Job) -> Sequence[LogLine]:
        """A finished job's whole log (`domain.joblog` says how groups and errors are marked).

        Raises:
            ConsoleError: code ``log-not-yet`` while it runs: GitHub serves no log of a running job.
        """

    async def dispatch_form(self, workflow: Workflow, ref: str = "") -> DispatchForm:
        """The inputs of a workflow at a ref (the default branch when empty).

        Raises:
            ConsoleError: it has no ``workflow_dispatch`` trigger, or it cannot be read.
        """

    async def preview(
        self,
        operation: Operation,
        run: WorkflowRun,
        *,
        job: Job | None = None,
        environment_ids: Sequence[int] = (),
        comment: str = "",
    ) -> OperationPreview:
        """Look at the run afresh and say exactly what would be asked. Changes nothing.

        Raises:
            ConsoleError: read-only, not signed in, or it does not fit the run's present state.
        """

    async def preview_dispatch(self, form: DispatchForm, ref: str, inputs: Mapping[str, str]) -> OperationPreview:
        """Say exactly what a dispatch would ask.

        Raises:
            ConsoleError: read-only, not signed in, or an input is missing or not among its options.
        """

    async def perform(self, preview: OperationPreview, typed: str) -> OperationOutcome:
        """Do what was previewed, with an audit record before and after; a dispatch finds its own run or says that it
        could not.

        Raises:
            ConsoleError: refused, or failed.
        """

    # -- images

    async def image_details(self, tag: ImageTag) -> ImageDetails:
        """One row unfolded, with provenance.

        Raises:
            ConsoleError: with the problem to show.
        """

    async def image_revision(self, tag: ImageTag) -> RevisionFacts:
        """The commit that a row was built from, with its pull requests; what cannot be found out is among its notes.

        Raises:
            ConsoleError: with the problem to show.
        """

    async def tag_history(self, tag: ImageTag) -> TagHistory:
        """The time machine of a moving tag.

        Raises:
            ConsoleError: with the problem to show.
        """

    async def compare_images(self, one: ImageTag, other: ImageTag) -> ImageComparison:
        """What differs; the older one is found by itself.

        Raises:
            ConsoleError: with the problem to show.
        """

    # -- releases

    async def release_versions(self, repository: Repository, tag: str) -> None:
        """Read the manifests' versions at a tag; the releases feed shows them when they are there.

        Raises:
            ConsoleError: with the problem to show.
        """

    # -- signing in

    async def begin_sign_in(self) -> DeviceCode:
        """Start the device flow.

        Raises:
            ConsoleError: no OAuth client is configured, or GitHub cannot be reached.
        """

    async def finish_sign_in(self, code: DeviceCode) -> Account:
        """Wait until the person has typed the code; keeps the token in the keyring. Cancel to give up.

        Raises:
            ConsoleError: refused, expired, or the keyring cannot be written (the token is then used for this session
                only, and the sentence says so).
        """
