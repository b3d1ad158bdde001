"""Actions: only what was previewed, only when confirmed, never in read-only mode, and never without a record."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from refactor_console.adapters.audit_file import AuditFile, AuditUnwritable
from refactor_console.adapters.engine_errors import ContainerGone, EngineError
from refactor_console.domain.actions import ActionPreview, ConfirmBy, Verb
from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.services import actions
from refactor_console.services.actions import ActionRefused, Actions
from refactor_console.services.audit_log import AuditLog
from refactor_console.services.engine_link import EngineLink
from refactor_console.services.feed import utc_now
from tests.services.engine_server import ENVIRONMENT, EngineServer, LocalConnection, LocalLink, inspected, until

A = "a" * 64


class Desk:
    """Actions over the local server, with the records that they wrote."""

    def __init__(self, server: EngineServer, audit: Path, *, read_only: bool = False, protected: bool = True) -> None:
        self.server = server
        self.host = LocalConnection(server.path)
        self.link = EngineLink(LocalLink(self.host), replace(ENVIRONMENT, protected=protected), read_only=read_only)
        self.audit = audit
        self.late = timedelta(0)
        self.actions = Actions(self.link, AuditLog(self.link, AuditFile(audit)), self.clock)

    def clock(self) -> datetime:
        return utc_now() + self.late

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.audit.read_text().splitlines()] if self.audit.exists() else []

    @property
    def stages(self) -> list[str]:
        return [record["stage"] for record in self.records]

    @property
    def on_host(self) -> list[str]:
        return [json.loads(command.stdin)["stage"] for command in self.host.commands if command.argv[0] == "tee"]

    async def restart(self) -> ActionPreview:
        return await self.actions.preview(Verb.RESTART, A)


@pytest_asyncio.fixture
async def server(tmp_path: Path) -> AsyncIterator[EngineServer]:
    made = EngineServer(tmp_path / "engine.sock")
    made.up()
    made.add(inspected(A, "rust-app"))
    yield made
    made.down()


@pytest_asyncio.fixture
async def desk(server: EngineServer, tmp_path: Path) -> AsyncIterator[Desk]:
    made = Desk(server, tmp_path / "audit.jsonl")
    yield made
    await made.link.close()


async def test_a_preview_says_the_exact_request_and_changes_nothing(desk: Desk) -> None:
    preview = await desk.restart()
    assert preview.requests == (f"POST /containers/{A}/restart?t=10",)
    assert preview.equivalent == f"docker restart --time 10 {A[:12]}"
    assert (preview.confirm_by, preview.confirm_word) == (ConfirmBy.TYPING, "production")
    assert preview.consequences
    assert desk.server.mutations == []
    assert desk.records == []


async def test_what_was_previewed_is_what_is_sent(desk: Desk) -> None:
    preview = await desk.restart()
    outcome = await desk.actions.perform(preview, "production")
    assert outcome.succeeded
    assert outcome.sentence == "rust-app was restarted and is running."
    (sent,) = desk.server.mutations
    method, _, path = sent.partition(" ")
    assert f"{method} {path.removeprefix('/v1.45')}" == preview.requests[0]


async def test_the_record_is_written_before_and_after_here_and_on_the_host(desk: Desk) -> None:
    seen: list[list[str]] = []
    act = desk.server.acted
    desk.server.acted = lambda verb, identifier: (seen.append([*desk.stages, *desk.on_host]), act(verb, identifier))[1]  # type: ignore[func-returns-value]
    outcome = await desk.actions.perform(await desk.restart(), "production")
    assert seen == [["intent", "intent"]]
    assert desk.stages == desk.on_host == ["intent", "result"]
    assert outcome.audit_notice == ""
    first, last = desk.records
    assert first["run"] == last["run"]
    assert first["who"]
    assert first["origin"]
    assert last["outcome"] == outcome.sentence
    assert desk.host.commands[0].argv[:2] == ("mkdir", "-p")
    assert all(command.mutates for command in desk.host.commands)


async def test_an_unprotected_environment_is_confirmed_by_a_button(server: EngineServer, tmp_path: Path) -> None:
    desk = Desk(server, tmp_path / "audit.jsonl", protected=False)
    preview = await desk.restart()
    assert preview.confirm_by is ConfirmBy.BUTTON
    assert (await desk.actions.perform(preview, "")).succeeded
    await desk.link.close()


@pytest.mark.parametrize("typed", ["", "Production", "production ", "staging"])
async def test_a_wrong_word_is_refused_and_recorded(desk: Desk, typed: str) -> None:
    with pytest.raises(ActionRefused) as caught:
        await desk.actions.perform(await desk.restart(), typed)
    assert caught.value.problem.code == "wrong-word"
    assert desk.server.mutations == []
    assert desk.stages == ["refused"]


async def test_a_preview_that_claims_a_button_is_enough_does_not_open_a_protected_environment(desk: Desk) -> None:
    forged = replace(await desk.restart(), confirm_by=ConfirmBy.BUTTON, confirm_word="")
    with pytest.raises(ActionRefused):
        await desk.actions.perform(forged, "")
    assert desk.server.mutations == []


async def test_in_read_only_mode_no_mutating_request_leaves_the_process(desk: Desk, tmp_path: Path) -> None:
    """A preview from elsewhere is refused by the service, and past the service by the adapter."""
    preview = await desk.restart()
    reader = Desk(desk.server, tmp_path / "read-only.jsonl", read_only=True)
    with pytest.raises(ActionRefused) as refused:
        await reader.actions.preview(Verb.RESTART, A)
    assert refused.value.problem.code == "read-only"
    with pytest.raises(ActionRefused):
        await reader.actions.perform(preview, "production")
    engine = await reader.link.engine()
    for attempt in (engine.restart(A, 1), engine.stop(A, 1), engine.start(A)):
        with pytest.raises(EngineError):
            await attempt
    assert desk.server.mutations == []
    assert reader.host.commands == []
    assert reader.stages == ["refused"]
    await reader.link.close()


@pytest.mark.parametrize("change", ["restarted", "stopped", "removed"])
async def test_a_container_that_changed_since_the_preview_is_left_alone(desk: Desk, change: str) -> None:
    preview = await desk.restart()
    if change == "restarted":
        desk.server.act("restart", A)
    elif change == "stopped":
        desk.server.act("stop", A)
    else:
        desk.server.remove(A)
    with pytest.raises(ActionRefused) as caught:
        await desk.actions.perform(preview, "production")
    assert caught.value.problem.code == "changed"
    assert desk.server.mutations == []
    assert desk.stages == ["intent", "refused"]


async def test_the_same_preview_acts_once_however_often_it_is_confirmed(desk: Desk) -> None:
    preview = await desk.restart()
    results = await asyncio.gather(
        *(desk.actions.perform(preview, "production") for _ in range(3)), return_exceptions=True
    )
    assert len(desk.server.mutations) == 1
    assert sum(isinstance(result, ActionRefused) for result in results) == 2


async def test_a_preview_from_minutes_ago_has_to_be_made_anew(desk: Desk) -> None:
    preview = await desk.restart()
    desk.late = timedelta(minutes=6)
    with pytest.raises(ActionRefused, match="too old"):
        await desk.actions.perform(preview, "production")


async def test_a_preview_of_another_environment_is_refused(desk: Desk) -> None:
    with pytest.raises(ActionRefused, match="staging"):
        await desk.actions.perform(replace(await desk.restart(), environment="staging"), "production")


async def test_a_verb_that_does_not_fit_the_state_is_refused(desk: Desk) -> None:
    with pytest.raises(ActionRefused) as caught:
        await desk.actions.preview(Verb.START, A)
    assert caught.value.problem.code == "wrong-state"
    with pytest.raises(ContainerGone):
        await desk.actions.preview(Verb.RESTART, "f" * 64)


async def test_without_a_local_record_nothing_is_done(server: EngineServer, tmp_path: Path) -> None:
    (tmp_path / "audit.jsonl").mkdir()
    desk = Desk(server, tmp_path / "audit.jsonl")
    with pytest.raises(AuditUnwritable):
        await desk.actions.perform(await desk.restart(), "production")
    assert server.mutations == []
    assert desk.host.commands == []
    await desk.link.close()


async def test_a_host_that_cannot_keep_the_record_is_said_and_does_not_stop_the_action(desk: Desk) -> None:
    desk.host.answers["mkdir"] = (1, b"No space left on device")
    outcome = await desk.actions.perform(await desk.restart(), "production")
    assert outcome.succeeded
    assert "No space left" in outcome.audit_notice
    desk.host.failure = ConsoleError(Problem("The link is down."))
    assert "The link is down." in (await desk.actions.perform(await desk.restart(), "production")).audit_notice


async def test_a_container_that_dies_at_once_is_no_success(desk: Desk) -> None:
    def stillborn(verb: str, identifier: str) -> None:
        desk.server.act(verb, identifier)
        desk.server.set_state(identifier, "die", Status="exited", ExitCode=101, FinishedAt="2026-01-01T00:00:09Z")

    desk.server.acted = stillborn
    outcome = await desk.actions.perform(await desk.restart(), "production")
    assert not outcome.succeeded
    assert "exit code 101" in outcome.sentence


async def test_a_lost_answer_is_recorded_as_unknown_and_not_as_failed(desk: Desk) -> None:
    desk.server.acted = lambda verb, identifier: desk.server.cut()
    with pytest.raises(EngineError) as caught:
        await desk.actions.perform(await desk.restart(), "production")
    assert caught.value.problem.code == "cut"
    assert "not known" in caught.value.problem.remedy
    assert desk.stages == ["intent", "result"]
    assert desk.records[-1]["outcome"].startswith("unknown: ")


async def test_an_interrupted_action_leaves_a_result_that_says_so(desk: Desk) -> None:
    desk.server.delay = 0.5
    task = asyncio.create_task(desk.actions.perform(await desk.restart(), "production"))
    await until(lambda: desk.server.mutations)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await desk.actions.close()
    assert desk.stages == desk.on_host == ["intent", "result"]
    assert "may still carry it out" in desk.records[-1]["outcome"]


async def test_no_value_of_a_variable_reaches_a_record(desk: Desk) -> None:
    await desk.actions.perform(await desk.restart(), "production")
    assert "hunter2" not in desk.audit.read_text()


async def test_an_act_that_ends_in_a_bug_of_the_console_has_its_last_record(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> tuple[bool, str]:
        raise KeyError("nobody foresaw this")

    preview = await desk.restart()
    monkeypatch.setattr(actions, "_became", broken)
    with pytest.raises(KeyError):
        await desk.actions.perform(preview, "production")
    assert desk.stages == desk.on_host == ["intent", "result"]
    assert desk.records[-1]["outcome"] == "done, but not looked at afterwards"
