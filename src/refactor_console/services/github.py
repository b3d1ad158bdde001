"""GitHub and the registry for one environment: the feeds, and everything that screens may ask, by delegation.

A feed that needs a token is *off*, with what to do about it, while nobody is signed in, and begins by itself when
somebody is. Images are asked for all the same: the registry tells much to anybody.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from refactor_console.adapters import workflow_file
from refactor_console.domain import joblog
from refactor_console.domain.account import Account, Budget, DeviceCode
from refactor_console.domain.alerts import AlertBoard
from refactor_console.domain.containers import ContainerBoard
from refactor_console.domain.contract import EnvironmentContract
from refactor_console.domain.environment import Environment
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
from refactor_console.domain.problem import ConsoleError
from refactor_console.domain.releases import ReleaseBoard
from refactor_console.domain.repos import Platform, Repository
from refactor_console.domain.runs import Job, RunBoard, Workflow, WorkflowRun
from refactor_console.services.alert_feed import AlertFeed
from refactor_console.services.audit_log import AuditLog
from refactor_console.services.contract_feed import ContractFeed
from refactor_console.services.feed import Backoff, Clock, Feed, Waker, supervise, utc_now
from refactor_console.services.github_identity import IdentityFeeds
from refactor_console.services.github_link import GitHubLink
from refactor_console.services.github_pace import CADENCES, Pacer
from refactor_console.services.github_parts import FileReader, HostEnv, Running
from refactor_console.services.image_compare import ImageComparer
from refactor_console.services.image_details import ImageReader
from refactor_console.services.image_feed import ImageFeed
from refactor_console.services.operations import Operations
from refactor_console.services.release_feed import ReleaseFeed
from refactor_console.services.run_feed import RunFeed
from refactor_console.services.run_watch import RunWatcher
from refactor_console.services.sign_in import SignIn
from refactor_console.services.tag_history import TagHistorian

if TYPE_CHECKING:
    from refactor_console.adapters.observations import Observations

T = TypeVar("T")
LOOK_SECONDS = 120.0
"""How long one look at a pane's subject may take, with every page and retry, before what is shown is called stale."""
CLOSE_SECONDS = 1.5
PATIENT = Backoff(first=1.0, limit=60.0)
"""For what is not watched second by second; runs are asked for again sooner."""
SWITCHED_OFF = "GitHub is switched off by the setting github.enabled."


class GitHubHub:
    """The one `services.github_door.GitHubDoor`."""

    def __init__(
        self,
        link: GitHubLink,
        environment: Environment,
        audit: AuditLog,
        *,
        containers: Feed[ContainerBoard],
        host: Callable[[], Awaitable[FileReader]],
        observations: Observations,
        client_id: str = "",
        enabled: bool = True,
        clock: Clock = utc_now,
    ) -> None:
        """Nothing is asked before `start`.

        Args:
            link: who we are, and the clients.
            environment: what the console looks at.
            audit: where operations are recorded.
            containers: what runs in the environment.
            host: gives the connection to its host, for the names in its ``.env``.
            observations: what moving tags were seen to point to.
            client_id: of the OAuth app for signing in; empty for none.
            enabled: False keeps every feed off.
            clock: the present time (UTC).
        """
        self.platform: Platform = link.platform
        self._link = link
        self._enabled = enabled
        self._pace = Pacer()
        self._waker = Waker()
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        self._watches: set[asyncio.Task[None]] = set()
        self._account: Feed[Account] = Feed("account", clock)
        self._budget: Feed[Budget] = Feed("budget", clock)
        self._runs: Feed[RunBoard] = Feed("runs", clock)
        self._images: Feed[ImageBoard] = Feed("images", clock)
        self._releases: Feed[ReleaseBoard] = Feed("releases", clock)
        self._contract: Feed[EnvironmentContract] = Feed("contract", clock)
        self._alerts: Feed[AlertBoard] = Feed("alerts", clock)
        platform, pace, api, registry = link.platform, self._pace, link.api, link.registry
        running = Running(containers, environment, platform)
        self._run_feed = RunFeed(api, platform, pace=pace, clock=clock)
        self._image_feed = ImageFeed(
            api, registry, platform, pace=pace, uses=running.uses, observations=observations, clock=clock
        )
        self._release_feed = ReleaseFeed(api, platform, pace=pace, clock=clock)
        self._contract_feed = ContractFeed(
            api,
            platform,
            pace=pace,
            clock=clock,
            deployed_ref=running.deployed_ref,
            read_env=HostEnv(host, environment).read,
        )
        self._alert_feed = AlertFeed(api, platform, pace=pace, clock=clock)
        self._reader = ImageReader(api, registry, platform, learned=self._image_feed.learned)
        self._historian = TagHistorian(api, registry, platform, observations=observations, clock=clock)
        self._comparer = ImageComparer(api, registry, platform)
        self._operations = Operations(
            api,
            platform,
            environment,
            audit,
            read_only=link.read_only,
            account=lambda: link.account,
            known=lambda: self._run_feed.board().runs,
            saw=self._saw,
            clock=clock,
        )
        self._sign_in = SignIn(link, client_id, clock)
        self._identity = IdentityFeeds(
            link, self._account, self._budget, pace=pace, again=self._ask_everything, clock=clock
        )
        self._uses_of = running.uses
        self._uses = running.uses()
        self._unsubscribe = containers.subscribe(lambda _: self._look_at_uses())

    # -- feeds

    @property
    def account(self) -> Feed[Account]:
        """Who is signed in; off with the reason when nobody is."""
        return self._account

    @property
    def budget(self) -> Feed[Budget]:
        """What the API allows."""
        return self._budget

    @property
    def runs(self) -> Feed[RunBoard]:
        """Workflow runs."""
        return self._runs

    @property
    def images(self) -> Feed[ImageBoard]:
        """Image repositories with their tags."""
        return self._images

    @property
    def releases(self) -> Feed[ReleaseBoard]:
        """Releases, versions, unreleased commits."""
        return self._releases

    @property
    def contract(self) -> Feed[EnvironmentContract]:
        """Secrets, variables and the environment contract."""
        return self._contract

    @property
    def alerts(self) -> Feed[AlertBoard]:
        """Security alerts and guards."""
        return self._alerts

    def look_at(self, pane: str) -> None:
        """A pane is looked at now."""
        self._pace.look_at(pane)

    def retry_now(self) -> None:
        """End every wait, and ask anew; look for a token where there is none."""
        if self._tasks:
            self._begin(self._look_again(), "look for a token")

    def start(self) -> None:
        """Begin to watch; returns at once."""
        if self._tasks or self._closed:
            return
        if not self._enabled:
            for feed in self._feeds:
                feed.off(SWITCHED_OFF)
            return
        signed_in = self._identity.signed_in
        self._supervise(self._account, self._identity.accounts, PATIENT, "account")
        self._begin(self._identity.watch_budget(), "budget")
        self._supervise(self._runs, signed_in(self._runs, self._run_feed.boards), Backoff(), "runs")
        self._supervise(self._images, self._image_feed.boards, PATIENT, "images")
        self._supervise(self._releases, signed_in(self._releases, self._release_feed.boards), PATIENT, "releases")
        self._supervise(self._contract, signed_in(self._contract, self._contract_feed.boards), PATIENT, "secrets")
        self._supervise(self._alerts, signed_in(self._alerts, self._alert_feed.boards), PATIENT, "alerts")

    async def close(self) -> None:
        """Stop watching and let go of every connection; waits a few seconds at most."""
        self._closed = True
        self._unsubscribe()
        tasks = [*self._tasks, *self._watches]
        for task in tasks:
            task.cancel()
        last = [asyncio.ensure_future(work) for work in (self._operations.close(), self._sign_in.close())]
        try:
            # What hangs then has been cancelled, and loses its connections now.
            await asyncio.wait([*tasks, *last], timeout=CLOSE_SECONDS)
        finally:
            for work in last:
                work.cancel()
            await self._link.close()

    @property
    def _feeds(self) -> tuple[Feed[Any], ...]:
        return (
            self._account,
            self._budget,
            self._runs,
            self._images,
            self._releases,
            self._contract,
            self._alerts,
        )

    def _supervise(self, feed: Feed[T], attempt: Callable[[], AsyncIterator[T]], backoff: Backoff, pane: str) -> None:
        """Keep a feed alive; what is older than the longest wait for its pane and a look's time is stale."""
        stale = CADENCES[pane].away + LOOK_SECONDS
        self._begin(supervise(feed, attempt, waker=self._waker, backoff=backoff, stale_after=stale), feed.key)

    def _begin(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=f"github {name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _look_again(self) -> None:
        with suppress(ConsoleError):  # whoever needs the token is told the same by asking for it
            await self._link.look_again()
        self._ask_everything()

    def _ask_everything(self) -> None:
        self._pace.wake()
        self._waker.wake()

    def _look_at_uses(self) -> None:
        uses = self._uses_of()
        if uses != self._uses:
            self._uses = uses
            self._image_feed.uses_changed()
        self._contract_feed.deployed_changed()

    # -- runs

    def watch_run(self, run: WorkflowRun) -> RunWatcher:
        """Watch one run with its jobs and steps."""
        watch = RunWatcher(self._link.api, run, pace=self._pace, waker=self._waker, saw=self._saw, clock=self._clock)
        if self._closed:
            watch.close()
        self._watches.add(watch.ended)
        watch.ended.add_done_callback(self._watches.discard)
        return watch

    async def more_runs(self) -> None:
        """Hold older runs too.

        Raises:
            ConsoleError: with the problem to show.
        """
        await self._run_feed.more()
        self._runs.live(self._run_feed.board())

    async def job_log(self, run: WorkflowRun, job: Job) -> Sequence[LogLine]:
        """A finished job's whole log.

        Raises:
            ConsoleError: code ``log-not-yet`` while it runs.
        """
        text = await (await self._link.api()).job_log(run.repository, job.id)
        return await asyncio.to_thread(joblog.parse, text)

    async def dispatch_form(self, workflow: Workflow, ref: str = "") -> DispatchForm:
        """The inputs of a workflow at a ref.

        Raises:
            ConsoleError: it has no ``workflow_dispatch`` trigger, or it cannot be read.
        """
        client = await self._link.api()
        ref = ref or (await client.repository(workflow.repository)).default_branch
        text = await client.file(workflow.repository, workflow.path, ref)
        inputs, notes = await asyncio.to_thread(workflow_file.dispatch_inputs, text, workflow.path)
        return DispatchForm(workflow.repository, workflow.id, workflow.name, workflow.path, ref, inputs, notes)

    async def preview(
        self,
        operation: Operation,
        run: WorkflowRun,
        *,
        job: Job | None = None,
        environment_ids: Sequence[int] = (),
        comment: str = "",
    ) -> OperationPreview:
        """Look at the run afresh and say exactly what would be asked.

        Raises:
            ConsoleError: read-only, not signed in, or it does not fit the run's present state.
        """
        return await self._operations.preview(operation, run, job=job, environment_ids=environment_ids, comment=comment)

    async def preview_dispatch(self, form: DispatchForm, ref: str, inputs: Mapping[str, str]) -> OperationPreview:
        """Say exactly what a dispatch would ask.

        Raises:
            ConsoleError: read-only, not signed in, or an input is missing or not among its options.
        """
        return await self._operations.preview_dispatch(form, ref, inputs)

    async def perform(self, preview: OperationPreview, typed: str) -> OperationOutcome:
        """Do what was previewed.

        Raises:
            ConsoleError: refused, or failed.
        """
        try:
            return await self._operations.perform(preview, typed)
        finally:
            self._pace.wake("runs")

    def _saw(self, run: WorkflowRun) -> None:
        """A newer look at one run belongs on the board at once."""
        if self._run_feed.saw(run) and self._runs.reading.is_live:
            self._runs.live(self._run_feed.board())

    # -- images

    async def image_details(self, tag: ImageTag) -> ImageDetails:
        """One row unfolded, with provenance.

        Raises:
            ConsoleError: with the problem to show.
        """
        return await self._reader.details(tag)

    async def image_revision(self, tag: ImageTag) -> RevisionFacts:
        """The commit that a row was built from, with its pull requests.

        Raises:
            ConsoleError: with the problem to show.
        """
        return await self._reader.revision(tag)

    async def tag_history(self, tag: ImageTag) -> TagHistory:
        """The time machine of a moving tag.

        Raises:
            ConsoleError: with the problem to show.
        """
        return await self._historian.history(tag)

    async def compare_images(self, one: ImageTag, other: ImageTag) -> ImageComparison:
        """What differs.

        Raises:
            ConsoleError: with the problem to show.
        """
        return await self._comparer.compare(one, other)

    # -- releases

    async def release_versions(self, repository: Repository, tag: str) -> None:
        """Read the manifests' versions at a tag; the releases feed shows them.

        Raises:
            ConsoleError: with the problem to show.
        """
        await self._release_feed.versions_at(repository, tag)

    # -- signing in

    async def begin_sign_in(self) -> DeviceCode:
        """Start the device flow.

        Raises:
            ConsoleError: no OAuth client is configured, or GitHub cannot be reached.
        """
        return await self._sign_in.begin()

    async def finish_sign_in(self, code: DeviceCode) -> Account:
        """Wait until the person has typed the code.

        Raises:
            ConsoleError: refused, expired, or the keyring cannot be written.
        """
        try:
            return await self._sign_in.finish(code)
        finally:
            self._ask_everything()
