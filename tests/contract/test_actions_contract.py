"""Actions against both worlds, with their records on the host."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from refactor_console.domain.actions import Verb
from refactor_console.domain.command import RemoteCommand
from refactor_console.domain.containers import ContainerState
from refactor_console.domain.problem import ConsoleError
from refactor_console.services.actions import ActionRefused
from tests.contract.watching import until, watching
from tests.worlds import World


async def test_restart_stop_and_start_do_what_they_say_and_are_on_record_in_both_places(
    world: World, tmp_path: Path
) -> None:
    async with watching(world.environment, tmp_path) as seen:
        await seen.live()
        word = world.environment.name
        for verb, state in (
            (Verb.RESTART, ContainerState.RUNNING),
            (Verb.STOP, ContainerState.EXITED),
            (Verb.START, ContainerState.RUNNING),
        ):
            before = seen.container("nextjs-app")
            preview = await seen.actions.preview(verb, before.id)
            outcome = await seen.actions.perform(preview, word)
            assert outcome.succeeded, outcome.sentence
            assert outcome.audit_notice == ""
            await until(
                lambda state=state: seen.container("nextjs-app").state is state,  # type: ignore[misc]
                10,
                f"{verb} is not on the board",
            )
        here = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
        assert [record["stage"] for record in here] == ["intent", "result"] * 3
        host = await seen.link.connection()
        told = await host.run(RemoteCommand(("cat", ".refactor-console/audit.jsonl")))
        there = [json.loads(line) for line in told.text.splitlines()][-6:]
        assert there == here


async def test_a_restart_behind_our_back_spoils_the_preview(world: World, tmp_path: Path) -> None:
    async with watching(world.environment, tmp_path) as seen:
        await seen.live()
        preview = await seen.actions.preview(Verb.RESTART, seen.container("rust-app").id)
        await world.restart_container("rust-app")
        with pytest.raises(ActionRefused) as caught:
            await seen.actions.perform(preview, world.environment.name)
        assert caught.value.problem.code == "changed"


async def test_read_only_leaves_everything_as_it_is(world: World, tmp_path: Path) -> None:
    async with watching(world.environment, tmp_path) as seen:
        await seen.live()
        before = seen.container("rust-app")
        preview = await seen.actions.preview(Verb.RESTART, before.id)
    async with watching(world.environment, tmp_path, read_only=True) as seen:
        await seen.live()
        with pytest.raises(ActionRefused):
            await seen.actions.perform(preview, world.environment.name)
        engine = await seen.engine_link.engine()
        with pytest.raises(ConsoleError):
            await engine.stop(before.id, 1)
        assert (await engine.inspect(before.id)).started_at == before.started_at
