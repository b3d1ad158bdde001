"""GitHub in memory: fixed boards, switches for refusals and for answers that are held back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from refactor_console.domain.account import Account, Budget, DeviceCode, Secret, TokenKind, TokenSource
from refactor_console.domain.actions import ConfirmBy
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
from refactor_console.domain.operations import (
    ApiRequest,
    DispatchForm,
    Operation,
    OperationOutcome,
    OperationPreview,
)
from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.domain.releases import ReleaseBoard
from refactor_console.domain.repos import Platform, Repository
from refactor_console.domain.runs import Job, RunBoard, RunDetails, Workflow, WorkflowRun
from refactor_console.services.feed import Clock, Feed
from refactor_console.services.github_door import GitHubDoor
from tests.ui import double_runs
from tests.ui.double_guards import alert_board, environment_contract
from tests.ui.double_runs import NOW, PLATFORM

SIGNED_OUT = "Nobody is signed in to GitHub: set GH_TOKEN, log in with gh, or sign in here."
GITHUB_DOWN = Problem(
    "Reading the runs of refactor-group/refactor-platform-rs: GitHub answered 502.",
    "Look at githubstatus.com; the console asks again by itself.",
    "HTTP 502 Bad Gateway",
    code="github-unavailable",
)
NOT_YET = Problem(
    "GitHub serves no log of a job that is running.",
    "Wait for its end; for a deploy, look at the host's side in the logs pane.",
    code="log-not-yet",
)


class DoubleWatch:
    """One run, watched."""

    def __init__(self, run: WorkflowRun, clock: Clock) -> None:
        self.run = run
        self.feed: Feed[RunDetails] = Feed(f"run {run.key}", clock)
        self.closed = False

    def close(self) -> None:
        self.closed = True


class DoubleGitHub:
    """A `GitHubDoor` whose readings are set by hand."""

    def __init__(
        self, clock: Clock, *, environment: str = "production", protected: bool = True, read_only: bool = False
    ) -> None:
        self.clock = clock
        self.environment, self.protected, self.read_only = environment, protected, read_only
        self.platform: Platform = PLATFORM
        self.account: Feed[Account] = Feed("account", clock)
        self.budget: Feed[Budget] = Feed("budget", clock)
        self.runs: Feed[RunBoard] = Feed("runs", clock)
        self.images: Feed[ImageBoard] = Feed("images", clock)
        self.releases: Feed[ReleaseBoard] = Feed("releases", clock)
        self.contract: Feed[EnvironmentContract] = Feed("contract", clock)
        self.alerts: Feed[AlertBoard] = Feed("alerts", clock)
        self.looked_at: list[str] = []
        self.retries = 0
        self.watches: list[DoubleWatch] = []
        self.watched_live = True
        """Whether a watch knows its run's jobs at once."""
        self.asked: list[tuple[Any, ...]] = []
        self.log: Sequence[LogLine] = double_runs.log_lines()
        self.older: tuple[WorkflowRun, ...] = ()
        self.performed: list[tuple[OperationPreview, str]] = []
        self.outcome_run: int | None = None
        self.refusal: Problem | None = None
        """What is raised instead of an answer."""
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.may_finish = asyncio.Event()
        self.may_finish.set()

    # -- switches

    def all_feeds(self) -> tuple[Feed[Any], ...]:
        boards = (self.runs, self.images, self.releases, self.contract, self.alerts)
        return (self.account, self.budget, *boards)

    def live(self) -> DoubleGitHub:
        """Everything is known."""
        from tests.ui import boards

        scopes = ("repo", "read:packages", "security_events")
        self.account.live(Account("ada", TokenKind.CLASSIC, TokenSource.ENVIRONMENT, "GH_TOKEN", scopes))
        self.budget.live(Budget(5000, 4871, NOW + timedelta(minutes=33), spent_here=129, free_here=611))
        self.runs.live(double_runs.run_board())
        self.images.live(boards.image_board())
        self.releases.live(boards.release_board())
        self.contract.live(environment_contract())
        self.alerts.live(alert_board())
        return self

    async def _answer(self, *what: Any) -> None:
        self.asked.append(what)
        await self.may_answer.wait()
        if self.refusal is not None:
            raise ConsoleError(self.refusal)

    # -- the protocol

    def look_at(self, pane: str) -> None:
        self.looked_at.append(pane)

    def retry_now(self) -> None:
        self.retries += 1

    def watch_run(self, run: WorkflowRun) -> DoubleWatch:
        watch = DoubleWatch(run, self.clock)
        self.watches.append(watch)
        if self.watched_live:
            watch.feed.live(double_runs.details_of(run))
        return watch

    async def more_runs(self) -> None:
        await self._answer("more")
        board = self.runs.reading.value
        if board is not None:
            self.runs.live(replace(board, runs=(*board.runs, *self.older), complete=True))

    async def job_log(self, run: WorkflowRun, job: Job) -> Sequence[LogLine]:
        await self._answer("log", run.id, job.id)
        if not job.state.is_over:
            raise ConsoleError(NOT_YET)
        return self.log

    async def dispatch_form(self, workflow: Workflow, ref: str = "") -> DispatchForm:
        await self._answer("form", workflow.id, ref)
        if workflow.id not in (double_runs.DEPLOY.id, double_runs.BUILD.id):
            raise ConsoleError(
                Problem(f"{workflow.name} has no workflow_dispatch trigger.", "Choose another.", code="no-dispatch")
            )
        return double_runs.dispatch_form(workflow, ref)

    def _refuse_read_only(self) -> None:
        if self.read_only:
            raise ConsoleError(
                Problem(
                    "The console is read-only: it asks GitHub for no change.",
                    "Start it without --read-only to act.",
                    code="read-only",
                )
            )

    async def preview(
        self,
        operation: Operation,
        run: WorkflowRun,
        *,
        job: Job | None = None,
        environment_ids: Sequence[int] = (),
        comment: str = "",
    ) -> OperationPreview:
        self._refuse_read_only()
        await self._answer("preview", operation, run.id, job and job.id, tuple(environment_ids), comment)
        path = f"/repos/{run.repository.full_name}/actions/runs/{run.id}/{operation.value}"
        verb = operation.value.replace("-", " ")
        return OperationPreview(
            operation,
            self.environment,
            run.repository,
            f"run {run.number} of {run.workflow}",
            f"{verb.capitalize()}: run {run.number} of {run.workflow}",
            ApiRequest("POST", path, f'{{"comment":"{comment}"}}' if comment else ""),
            f"gh run {operation.value} {run.id} --repo {run.repository.full_name}",
            ("Jobs begin anew and may deploy.",),
            ConfirmBy.TYPING if self.protected else ConfirmBy.BUTTON,
            self.environment if self.protected else "",
            self.clock(),
            run_id=run.id,
            seen_state=run.raw_state,
        )

    async def preview_dispatch(self, form: DispatchForm, ref: str, inputs: Mapping[str, str]) -> OperationPreview:
        self._refuse_read_only()
        await self._answer("preview-dispatch", form.workflow_id, ref, dict(inputs))
        for item in form.inputs:
            if item.required and not inputs.get(item.name):
                raise ConsoleError(Problem(f"{item.name} is required.", "Give it a value.", code="input-missing"))
        path = f"/repos/{form.repository.full_name}/actions/workflows/{form.workflow_id}/dispatches"
        return OperationPreview(
            Operation.DISPATCH,
            self.environment,
            form.repository,
            f"workflow {form.workflow} at {ref}",
            f"Dispatch {form.workflow} at {ref}",
            ApiRequest("POST", path, f'{{"inputs":{dict(inputs)},"ref":"{ref}"}}'.replace("'", '"')),
            f"gh workflow run {form.workflow_id} --ref {ref}",
            (f"It deploys to {self.environment}.",),
            ConfirmBy.TYPING if self.protected else ConfirmBy.BUTTON,
            self.environment if self.protected else "",
            self.clock(),
            workflow_id=form.workflow_id,
            ref=ref,
        )

    async def perform(self, preview: OperationPreview, typed: str) -> OperationOutcome:
        self.performed.append((preview, typed))
        await self.may_finish.wait()
        if self.refusal is not None:
            raise ConsoleError(self.refusal)
        sentence = f"GitHub accepted it: {preview.target}."
        return OperationOutcome(preview, True, sentence, self.clock(), 0.8, run_id=self.outcome_run)

    async def image_details(self, tag: ImageTag) -> ImageDetails:
        from tests.ui import boards

        await self._answer("details", tag.key)
        return tag.details or boards.details(tag.repository, "found later")

    async def image_revision(self, tag: ImageTag) -> RevisionFacts:
        await self._answer("revision", tag.key)
        raise ConsoleError(Problem("The commit is not known here.", code="not-known"))

    async def tag_history(self, tag: ImageTag) -> TagHistory:
        from tests.ui import boards

        await self._answer("history", tag.key)
        return boards.history()

    async def compare_images(self, one: ImageTag, other: ImageTag) -> ImageComparison:
        from tests.ui import boards

        await self._answer("compare", one.key, other.key)
        return boards.comparison()

    async def release_versions(self, repository: Repository, tag: str) -> None:
        await self._answer("versions", repository.full_name, tag)

    async def begin_sign_in(self) -> DeviceCode:
        await self._answer("sign-in")
        until = self.clock() + timedelta(minutes=15)
        return DeviceCode("WDJB-MJHT", "https://github.com/login/device", until, 5.0, Secret("device"))

    async def finish_sign_in(self, code: DeviceCode) -> Account:
        await self.may_finish.wait()
        await self._answer("signed-in", code.user_code)
        account = Account("ada", TokenKind.OAUTH, TokenSource.KEYRING, "keyring", ("repo",))
        self.account.live(account)
        return account


if TYPE_CHECKING:
    _DOOR: GitHubDoor = DoubleGitHub(lambda: NOW)
