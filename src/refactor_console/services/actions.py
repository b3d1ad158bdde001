"""The only place where anything is changed: preview, confirm, record, look again, act, record.

Order within `perform`: refuse what can be refused at once; write the intent; inspect the container afresh and refuse
if it is not what was previewed; act; look at what became of it; write the result, also when the act failed or was
interrupted. Two actions never overlap.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from datetime import timedelta
from typing import Any

from refactor_console.adapters.audit_file import AuditUnwritable
from refactor_console.adapters.engine import Engine
from refactor_console.adapters.engine_errors import ContainerGone, EngineCut, EngineTimeout
from refactor_console.domain.actions import (
    ActionOutcome,
    ActionPreview,
    ConfirmBy,
    Verb,
    consequences_of,
    verbs_for,
)
from refactor_console.domain.containers import Container, ContainerState
from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.services.audit_log import AuditLog, AuditTrail
from refactor_console.services.engine_link import EngineLink
from refactor_console.services.feed import Clock, utc_now

GRACE_SECONDS = 10
"""Between SIGTERM and SIGKILL, the Engine's own default."""
PREVIEW_HOLDS = timedelta(minutes=5)
"""A preview older than this has to be made anew."""


_UNKNOWN = "Whether it happened is not known: look at the container before you try again."


class ActionRefused(ConsoleError):
    """A mutation that may not run; nothing was sent."""


class Actions:
    """Restart, stop and start the containers of one environment."""

    def __init__(self, link: EngineLink, audit: AuditLog, clock: Clock = utc_now) -> None:
        self._link = link
        self._audit = audit
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()
        self._records: set[asyncio.Task[None]] = set()

    async def preview(self, verb: Verb, container_id: str) -> ActionPreview:
        """Observe the container afresh and say exactly what the verb would do. Changes nothing.

        Raises:
            ActionRefused: read-only mode, or the verb does not fit the container's present state.
            ConsoleError: the container is gone, or the Engine cannot be asked.
        """
        if self._link.read_only:
            raise _read_only(verb)
        container = await (await self._link.engine()).inspect(container_id)
        if verb not in verbs_for(container) or container.state is ContainerState.REMOVING:
            raise ActionRefused(
                Problem(
                    f"{container.label} cannot be {_PAST[verb]} now: it is {container.state}.",
                    "Choose what fits its present state.",
                    code="wrong-state",
                )
            )
        environment = self._link.environment
        grace = 0 if verb is Verb.START else GRACE_SECONDS
        typing = environment.protected
        return ActionPreview(
            verb=verb,
            environment=environment.name,
            container=container,
            requests=(_request(verb, container, grace),),
            equivalent=_equivalent(verb, container, grace),
            consequences=consequences_of(verb, container, GRACE_SECONDS),
            confirm_by=ConfirmBy.TYPING if typing else ConfirmBy.BUTTON,
            confirm_word=environment.name if typing else "",
            observed_at=self._clock(),
            grace_seconds=GRACE_SECONDS,
        )

    async def perform(self, preview: ActionPreview, typed: str) -> ActionOutcome:
        """Do what was previewed; waits until the Engine says it is done.

        Raises:
            ActionRefused: nothing was sent.
            AuditUnwritable: nothing was sent, because it could not be recorded.
            ConsoleError: the request failed; the sentence says whether that is certain.
        """
        trail = self._audit.begin(
            f"container.{preview.verb}",
            f"{preview.container.label} ({preview.container.short_id})",
            preview.requests,
        )
        reason = self._reason_to_refuse(preview, typed)
        if reason is not None:
            await trail.refuse(reason.problem.summary, also_there=False)
            raise reason
        async with self._one_at_a_time:
            return await self._perform(preview, trail)

    def _reason_to_refuse(self, preview: ActionPreview, typed: str) -> ActionRefused | None:
        """What needs no look at the world."""
        environment = self._link.environment
        if self._link.read_only:
            return _read_only(preview.verb)
        if preview.environment != environment.name:
            return _refused(
                f"This preview is for {preview.environment}, and the console looks at {environment.name}.",
                "other-environment",
            )
        # Asked of the environment too, and not only of the preview that someone hands in.
        if (environment.protected or preview.confirm_by is ConfirmBy.TYPING) and typed != environment.name:
            return _refused(
                f"{environment.name} is protected, and the word typed was not its name.",
                "wrong-word",
                f"Type {environment.name} exactly.",
            )
        if self._clock() - preview.observed_at > PREVIEW_HOLDS:
            return _refused("This preview is too old: the container was looked at minutes ago.", "too-old")
        return None

    async def _perform(self, preview: ActionPreview, trail: AuditTrail) -> ActionOutcome:
        outcome = "interrupted before anything was sent"
        try:
            await trail.intend()
            engine = await self._link.engine()
            await self._refuse_if_changed(engine, preview)
            outcome = "interrupted: the Engine may still carry it out"
            started = asyncio.get_running_loop().time()
            await _act(engine, preview)
            seconds = asyncio.get_running_loop().time() - started
            outcome = "done, but not looked at afterwards"
            succeeded, outcome = await _became(engine, preview)
        except AuditUnwritable:
            raise
        except ActionRefused as error:
            await self._finish(trail.refuse(error.problem.summary, also_there=True))
            raise
        except (EngineTimeout, EngineCut) as error:
            await self._finish(trail.conclude(f"unknown: {error.problem.summary}"))
            raise type(error)(replace(error.problem, remedy=_UNKNOWN)) from error
        except ConsoleError as error:
            await self._finish(trail.conclude(f"failed: {error.problem.summary}"))
            raise
        except BaseException:  # cancelled, or a bug: what was begun gets its last record all the same
            await self._finish(trail.conclude(outcome))
            raise
        await self._finish(trail.conclude(outcome))
        return ActionOutcome(preview, succeeded, outcome, self._clock(), seconds, trail.notice)

    async def _refuse_if_changed(self, engine: Engine, preview: ActionPreview) -> None:
        """Act only on the very thing that was shown."""
        before = preview.container
        try:
            now = await engine.inspect(before.id)
        except ContainerGone as error:
            raise _refused(
                f"{before.label} changed since it was previewed: that container is gone.", "changed"
            ) from error
        if (now.id, now.state, now.started_at) != (before.id, before.state, before.started_at):
            raise _refused(f"{before.label} changed since it was previewed: it is {now.state} now.", "changed")

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


async def _act(engine: Engine, preview: ActionPreview) -> None:
    container = preview.container
    match preview.verb:
        case Verb.RESTART:
            await engine.restart(container.id, preview.grace_seconds)
        case Verb.STOP:
            await engine.stop(container.id, preview.grace_seconds)
        case Verb.START:
            await engine.start(container.id)


async def _became(engine: Engine, preview: ActionPreview) -> tuple[bool, str]:
    """What the container is after the act: a request that the Engine accepted is not yet a container that runs."""
    label = preview.container.label
    try:
        now = await engine.inspect(preview.container.id)
    except ConsoleError as error:
        return True, f"{label} was {_PAST[preview.verb]}; how it is now could not be seen: {error.problem.summary}"
    if preview.verb is Verb.STOP:
        stopped = not now.is_running
        return stopped, f"{label} was stopped." if stopped else f"{label} was stopped, but is {now.state} again."
    ran = now.is_running or (now.state is ContainerState.EXITED and now.exit_code == 0)
    if ran and now.started_at != preview.container.started_at:
        return True, f"{label} was {_PAST[preview.verb]} and is {now.state}."
    code = "" if now.exit_code is None else f" with exit code {now.exit_code}"
    return False, f"{label} was {_PAST[preview.verb]}, but is {now.state}{code} now."


_PAST = {Verb.RESTART: "restarted", Verb.STOP: "stopped", Verb.START: "started"}


def _request(verb: Verb, container: Container, grace_seconds: int) -> str:
    wait = "" if verb is Verb.START else f"?t={grace_seconds}"
    return f"POST /containers/{container.id}/{verb}{wait}"


def _equivalent(verb: Verb, container: Container, grace_seconds: int) -> str:
    wait = "" if verb is Verb.START else f" --time {grace_seconds}"
    return f"docker {verb}{wait} {container.short_id}"


def _refused(summary: str, code: str, remedy: str = "Look at it again and choose anew.") -> ActionRefused:
    return ActionRefused(Problem(summary, remedy, code=code))


def _read_only(verb: Verb) -> ActionRefused:
    return ActionRefused(
        Problem(
            f"Read-only mode: nothing can be {_PAST[verb]}.",
            "Start the console without read-only mode if you mean it.",
            code="read-only",
        )
    )
