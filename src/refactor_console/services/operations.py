"""The only place where anything is changed on GitHub: preview, confirm, record, look again, send, record.

The counterpart of `services.actions`, with the same order within `perform`. A preview is sent once at most: what was
sent, or may have been, has to be previewed anew. No two are sent at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from refactor_console.adapters.audit_file import AuditUnwritable
from refactor_console.adapters.github_api import GitHubApi, Sent
from refactor_console.domain import dispatch, run_rules
from refactor_console.domain.account import Account
from refactor_console.domain.actions import ConfirmBy
from refactor_console.domain.environment import Environment
from refactor_console.domain.operations import DispatchForm, Operation, OperationOutcome, OperationPreview
from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.domain.repos import Platform
from refactor_console.domain.runs import Job, WorkflowRun
from refactor_console.services import dispatch_search
from refactor_console.services.audit_log import AuditLog, AuditTrail
from refactor_console.services.feed import Clock, utc_now

PREVIEW_HOLDS = timedelta(minutes=5)
"""A preview older than this has to be made anew."""
MOST_PREVIEWS = 32
"""Previews that can still be performed; making more lets go of the oldest."""
_UNKNOWN = "Whether it happened is not known: look at the runs on GitHub before you try again."


class OperationRefused(ConsoleError):
    """A mutation that may not be sent; nothing was sent."""


@dataclass(frozen=True, slots=True)
class _Made:
    """A preview of ours, and what it was made from."""

    preview: OperationPreview
    run: WorkflowRun | None
    environment_ids: tuple[int, ...] = ()


class Operations:
    """Re-runs, cancels, dispatches and reviews, for one environment."""

    def __init__(
        self,
        api: Callable[[], Awaitable[GitHubApi]],
        platform: Platform,
        environment: Environment,
        audit: AuditLog,
        *,
        read_only: bool,
        account: Callable[[], Account | None],
        known: Callable[[], Sequence[WorkflowRun]] = tuple,
        saw: Callable[[WorkflowRun], object] = lambda _: None,
        clock: Clock = utc_now,
    ) -> None:
        """Nothing is asked before it is needed.

        Args:
            api: gives the client for the present token.
            platform: which workflow deploys, and where GitHub is.
            environment: what the console looks at.
            audit: where it is recorded.
            read_only: refuse everything.
            account: who is signed in, as far as is known.
            known: the runs that are known now.
            saw: told of every newer look at a run.
            clock: the present time (UTC).
        """
        self._api = api
        self._platform = platform
        self._environment = environment
        self._audit = audit
        self._read_only = read_only
        self._account = account
        self._known = known
        self._saw = saw
        self._clock = clock
        self._made: OrderedDict[int, _Made] = OrderedDict()
        self._one_at_a_time = asyncio.Lock()
        self._records: set[asyncio.Task[None]] = set()

    # -- previews

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

        Args:
            operation: anything but a dispatch.
            run: which run, as it was seen.
            job: which job, for `Operation.RERUN_JOB`.
            environment_ids: which environments, for a review; all that the run waits for when empty.
            comment: what a reviewer says.

        Raises:
            OperationRefused: read-only mode, or it does not fit the run's present state.
            ConsoleError: GitHub cannot be asked, or the comment cannot be sent (code ``bad-input``).
        """
        if self._read_only:
            raise _read_only(operation)
        dispatch.checked_text("The comment", comment)
        client = await self._api()
        now = await client.run(run.repository, run.id)
        self._saw(now)
        asks_jobs = operation in (Operation.RERUN_FAILED, Operation.RERUN_JOB)
        jobs = await client.jobs(run.repository, run.id) if asks_jobs and run_rules.is_over(now) else ()
        _refuse_if(run_rules.why_not(operation, now, jobs=jobs, job=job, now=client.now))
        deploys_to = self._deploys_to(run_rules.is_deploy(self._platform, now.repository, now.path))
        ids: tuple[int, ...] = ()
        names: tuple[str, ...] = (job.name,) if job is not None else ()
        target = f"run {now.number} of {now.workflow} in {now.repository} ({now.id})"
        if operation in run_rules.REVIEWS:
            pending = await client.pending(run.repository, run.id)
            ids = tuple(environment_ids) or tuple(entry.id for entry in pending)
            _refuse_if(run_rules.why_not_reviewed(ids, pending, now))
            names = tuple(entry.name for entry in pending if entry.id in ids)
            request = dispatch.review_request(
                now.repository, now.id, ids, approve=operation is Operation.APPROVE, comment=comment
            )
            equivalent = dispatch.gh_api(self._platform, request)
        else:
            job_id = job.id if job is not None and operation is Operation.RERUN_JOB else None
            request = dispatch.run_request(operation, now.repository, now.id, job_id)
            equivalent = dispatch.gh_run(self._platform, operation, now.repository, now.id, job_id)
        confirm_by, word = run_rules.confirmation(
            operation,
            self._environment,
            github_environment=self._platform.github_environment,
            deploys_to=deploys_to,
            approves=names if ids else (),
            state=now.state,
        )
        # The audit's own environment is the console's, which the workflow does not know.
        where = ", ".join(names) if ids else deploys_to
        if where:
            target = f"{target}, GitHub's environment {where}"
        made = OperationPreview(
            operation=operation,
            environment=self._environment.name,
            repository=now.repository,
            target=target,
            title=run_rules.title(operation, now, names),
            request=request,
            equivalent=equivalent,
            consequences=run_rules.consequences(
                operation,
                now,
                jobs=jobs,
                deploys_to=deploys_to,
                names=names,
                under_way=self._under_way(but=now.id) if deploys_to else (),
            ),
            confirm_by=confirm_by,
            confirm_word=word,
            observed_at=self._clock(),
            run_id=now.id,
            seen_state=now.raw_state,
            workflow_id=now.workflow_id,
            ref=now.branch,
        )
        return self._keep(_Made(made, now, ids))

    async def preview_dispatch(self, form: DispatchForm, ref: str, inputs: Mapping[str, str]) -> OperationPreview:
        """Say exactly what a dispatch would ask.

        Raises:
            OperationRefused: read-only mode.
            ConsoleError: not signed in, or an input is missing or not among its options (code ``bad-input``).
        """
        if self._read_only:
            raise _read_only(Operation.DISPATCH)
        name = dispatch.checked_ref(ref or form.ref)
        values = dispatch.checked_inputs(form, inputs)
        await self._api()
        deploys_to = self._deploys_to(run_rules.is_deploy(self._platform, form.repository, form.path))
        confirm_by, word = run_rules.confirmation(
            Operation.DISPATCH,
            self._environment,
            github_environment=self._platform.github_environment,
            deploys_to=deploys_to,
        )
        where = f", GitHub's environment {deploys_to}" if deploys_to else ""
        made = OperationPreview(
            operation=Operation.DISPATCH,
            environment=self._environment.name,
            repository=form.repository,
            target=f"{form.workflow} in {form.repository} on {name}{where}",
            title=f"Dispatch {form.workflow} on {name}",
            request=dispatch.dispatch_request(
                form, name, values, wants_id=not self._platform.api_url.rstrip("/").endswith("/api/v3")
            ),
            equivalent=dispatch.gh_dispatch(self._platform, form, name, values),
            consequences=run_rules.consequences(
                Operation.DISPATCH,
                None,
                deploys_to=deploys_to,
                under_way=self._under_way() if deploys_to else (),
            ),
            confirm_by=confirm_by,
            confirm_word=word,
            observed_at=self._clock(),
            workflow_id=form.workflow_id,
            ref=name,
        )
        return self._keep(_Made(made, None))

    def _keep(self, made: _Made) -> OperationPreview:
        self._made[id(made.preview)] = made
        while len(self._made) > MOST_PREVIEWS:
            self._made.popitem(last=False)
        return made.preview

    def _deploys_to(self, deploy: bool) -> str:
        return self._platform.github_environment if deploy else ""

    def _under_way(self, *, but: int = 0) -> tuple[WorkflowRun, ...]:
        """Deploys that are not over, whoever started them and wherever."""
        return tuple(
            run
            for run in self._known()
            if run.id != but
            and not run_rules.is_over(run)
            and run_rules.is_deploy(self._platform, run.repository, run.path)
        )

    # -- performing

    async def perform(self, preview: OperationPreview, typed: str) -> OperationOutcome:
        """Send what was previewed; a dispatch then looks for its own run.

        Raises:
            OperationRefused: nothing was sent.
            AuditUnwritable: nothing was sent, because it could not be recorded.
            ConsoleError: it failed; the sentence says whether that is certain (code ``outcome-unknown`` when not).
        """
        trail = self._audit.begin(f"github.{preview.operation}", preview.target, preview.requests)
        reason = self._reason_to_refuse(preview, typed)
        if reason is not None:
            await trail.refuse(reason.problem.summary, also_there=False)
            raise reason
        async with contextlib.AsyncExitStack() as turn:
            await turn.enter_async_context(self._one_at_a_time)
            reason = self._reason_to_refuse(preview, typed)  # it may have been sent, or grown old, while this waited
            if reason is not None:
                await trail.refuse(reason.problem.summary, also_there=False)
                raise reason
            return await self._perform(self._made.pop(id(preview)), trail, turn)

    def _reason_to_refuse(self, preview: OperationPreview, typed: str) -> OperationRefused | None:
        """What needs no look at the world."""
        if self._read_only:
            return _read_only(preview.operation)
        if preview.environment != self._environment.name:
            return _refused(
                f"This preview is for {preview.environment}, and the console looks at {self._environment.name}.",
                "other-environment",
            )
        made = self._made.get(id(preview))
        if made is None or made.preview is not preview:
            return _not_ours()
        if preview.confirm_by is ConfirmBy.TYPING and typed != preview.confirm_word:
            return _refused(
                f"This is confirmed by typing {preview.confirm_word}, and the word typed was another.",
                "wrong-word",
                f"Type {preview.confirm_word} exactly.",
            )
        if self._clock() - preview.observed_at > PREVIEW_HOLDS:
            return _refused("This preview is too old: the run was looked at minutes ago.", "too-old")
        return None

    async def _perform(self, made: _Made, trail: AuditTrail, turn: contextlib.AsyncExitStack) -> OperationOutcome:
        preview = made.preview
        outcome = "interrupted before anything was sent"
        try:
            await trail.intend()
            client = await self._api()
            await self._refuse_if_changed(client, made)
            sought = await self._seek(client, preview) if preview.operation is Operation.DISPATCH else None
            outcome = "interrupted: GitHub may still carry it out"
            started = asyncio.get_running_loop().time()
            sent = await client.send(preview.request, preview.target)
            seconds = asyncio.get_running_loop().time() - started
            outcome = "sent and accepted, but not looked at afterwards"
            await turn.aclose()  # the next one need not wait while this one's run is looked for
            run_id, outcome = await self._became(client, made, sent, sought)
        except AuditUnwritable:
            raise
        except OperationRefused as error:
            await self._finish(trail.refuse(error.problem.summary, also_there=True))
            raise
        except ConsoleError as error:
            if error.problem.code == "outcome-unknown":
                await self._finish(trail.conclude(f"unknown: {error.problem.summary}"))
                raise type(error)(replace(error.problem, remedy=_UNKNOWN)) from error
            await self._finish(trail.conclude(f"failed: {error.problem.summary}"))
            raise
        except BaseException:  # cancelled, or a bug: what was begun gets its last record all the same
            await self._finish(trail.conclude(outcome))
            raise
        await self._finish(trail.conclude(outcome))
        return OperationOutcome(preview, True, outcome, self._clock(), seconds, run_id, trail.notice)

    async def _refuse_if_changed(self, client: GitHubApi, made: _Made) -> None:
        """Send only for the very thing that was shown."""
        before, operation = made.run, made.preview.operation
        if before is None:
            return
        now = await client.run(before.repository, before.id)
        self._saw(now)
        if run_rules.changed(operation, before, now):
            newer = f" (attempt {now.attempt})" if now.attempt != before.attempt else ""
            label = f"Run {now.number} of {now.workflow}"
            raise _refused(f"{label} changed since it was previewed: it is {now.state.value} now{newer}.", "changed")
        if made.environment_ids:
            pending = await client.pending(before.repository, before.id)
            reason = run_rules.why_not_reviewed(made.environment_ids, pending, now)
            if reason is not None:
                raise _refused(reason.summary, "changed")

    async def _seek(self, client: GitHubApi, preview: OperationPreview) -> dispatch_search.Sought:
        account = self._account()
        if account is None:
            try:
                account = await client.account()
            except ConsoleError:
                account = None  # the answer may name the run all the same
        return await dispatch_search.prepare(client, preview, account.login if account is not None else "")

    async def _became(
        self, client: GitHubApi, made: _Made, sent: Sent, sought: dispatch_search.Sought | None
    ) -> tuple[int | None, str]:
        """What is there after GitHub accepted: the id of the run that a dispatch started, and a sentence."""
        preview = made.preview
        done = f"{preview.target}: {run_rules.past(preview.operation)}."
        if sought is not None and sent.run_id is None:
            search = await dispatch_search.find(client, preview, sought)
            if search.run is not None:
                self._saw(search.run)
            return (None if search.run is None else search.run.id), f"{done} {search.sentence}"
        number = preview.run_id if sought is None else sent.run_id
        started = None if sought is None else number
        if number is None:
            return None, done
        try:
            run = await client.run(preview.repository, number)
        except ConsoleError as error:
            return started, f"{done} How it is now could not be seen: {error.problem.summary}"
        self._saw(run)
        return started, f"{done} It is {run.state.value} now." if sought is None else f"{done} It is run {run.number}."

    async def _finish(self, record: Coroutine[Any, Any, None]) -> None:
        """Write the last record even when the one who asked is cancelled meanwhile."""
        task = asyncio.create_task(record)
        self._records.add(task)
        task.add_done_callback(self._records.discard)
        await asyncio.shield(task)

    async def close(self) -> None:
        """Wait for records that are still being written."""
        if self._records:
            await asyncio.wait(self._records, timeout=5)


def _refuse_if(reason: Problem | None) -> None:
    if reason is not None:
        raise OperationRefused(reason)


def _refused(summary: str, code: str, remedy: str = "Look at it again and choose anew.") -> OperationRefused:
    return OperationRefused(Problem(summary, remedy, code=code))


def _not_ours() -> OperationRefused:
    return _refused("This preview was performed already, or is no longer held: nothing was sent.", "spent")


def _read_only(operation: Operation) -> OperationRefused:
    return OperationRefused(
        Problem(
            f"Read-only mode: nothing can be {run_rules.past(operation)}.",
            "Start the console without read-only mode if you mean it.",
            code="read-only",
        )
    )
