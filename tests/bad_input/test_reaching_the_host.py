"""The host cannot be reached or does not let us in: every pane says it, nothing hangs, and it mends itself."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from refactor_console.domain.environment import Environment
from refactor_console.domain.reading import Phase
from tests.bad_input.faults import fault, greeting, new_key, shell
from tests.bad_input.watch import EVERY_FEED, LINK, Watch, watched
from tests.droplet.droplet import Droplet
from tests.worlds import World
from tests.worlds.droplet import DropletWorld

OTHERS = EVERY_FEED - {LINK}


def impatient(environment: Environment) -> Environment:
    """A host that does not answer is given up after a second instead of ten."""
    return replace(environment, ssh=replace(environment.ssh, connect_timeout=1.0))


async def nothing_but(watch: Watch, code: str) -> None:
    """The connection fails with this code; every other feed names that as its own reason."""
    await watch.fails(EVERY_FEED, code, "link-down")
    reason = watch.problem(LINK)
    assert reason.code == code

    def all_say_so() -> bool:
        # Each hears it at its own next attempt: until then it names the loss of the connection that came before.
        return all((p := watch.problem(name)).code == "link-down" and reason.summary in p.summary for name in OTHERS)

    await watch.until(all_say_so, f"every other feed names {code}")
    assert all(watch.problem(name).remedy == reason.remedy for name in OTHERS)


def waits_for_a_person(watch: Watch) -> None:
    """The next attempt is announced, and far enough away not to lock the account."""
    reading = watch.session.link.reading
    assert reading.phase is Phase.FAILED
    assert reading.next_try is not None
    assert reading.next_try - reading.since > timedelta(seconds=30)


async def test_a_host_that_is_down_is_said_and_found_again_when_it_is_up(world: World, tmp_path: Path) -> None:
    await world.cut_network()
    try:
        async with watched(impatient(world.environment), tmp_path) as watch:
            await nothing_but(watch, "unreachable" if world.name == "droplet" else "handshake-timeout")
            assert "1 s" in watch.problem(LINK).summary
            await world.restore_network()
            await watch.all_live()
    finally:
        await world.restore_network()


async def test_a_refused_connection_is_said_and_made_when_the_server_is_back(world: World, tmp_path: Path) -> None:
    async with watched(world.environment, tmp_path) as watch:
        await watch.all_live()
        await world.ssh_down()
        try:
            await nothing_but(watch, "refused")
            for name in OTHERS:
                assert watch.feeds()[name].reading.value is not None, f"{name} forgot its last good value"
        finally:
            await world.ssh_up()
        await watch.all_live()


@pytest.mark.droplet
async def test_a_wrong_key_is_said_and_taken_once_it_is_allowed(droplet: Droplet, tmp_path: Path) -> None:
    identity, public = new_key(tmp_path)
    right = DropletWorld(droplet).environment
    wrong = replace(right, ssh=replace(right.ssh, identity_file=identity))
    keys = "~deploy/.ssh/authorized_keys"
    async with watched(wrong, tmp_path) as watch:
        await nothing_but(watch, "auth-failed")
        waits_for_a_person(watch)
        undo = f"[ ! -e {keys}.kept ] || mv {keys}.kept {keys}"
        async with fault(droplet, f"cp -p {keys} {keys}.kept; echo '{public}' >>{keys}", undo):
            watch.session.retry_now()
            await watch.all_live()


async def test_a_wrong_user_is_named(world: World, tmp_path: Path) -> None:
    async with watched(world.environment_for("stranger"), tmp_path) as watch:
        await nothing_but(watch, "auth-failed")
        waits_for_a_person(watch)
        assert "refused to log in user stranger" in watch.problem(LINK).summary


@pytest.mark.droplet
async def test_a_changed_host_key_stops_everything_until_it_is_the_right_one(droplet: Droplet, tmp_path: Path) -> None:
    world = DropletWorld(droplet)
    async with watched(world.environment, tmp_path) as watch:
        await watch.all_live()
        try:
            await asyncio.to_thread(droplet.set_wrong_host_key)
            await world.sever()
            await watch.until(lambda: not watch.session.link.reading.is_live, "the connection is lost")
            await nothing_but(watch, "host-key-changed")
            waits_for_a_person(watch)
            problem = watch.problem(LINK)
            assert "SHA256:" in problem.summary
            assert "Nothing was sent to it" in problem.summary
            assert f"ssh-keygen -R '{droplet.host}'" in problem.remedy
        finally:
            await asyncio.to_thread(droplet.restore_host_key)
        watch.session.retry_now()
        await watch.all_live()


@pytest.mark.droplet
async def test_a_login_shell_that_only_prints_garbage_is_said(droplet: Droplet, tmp_path: Path) -> None:
    script, undo = greeting("cat /run/greeting; exit 0")
    async with (
        fault(droplet, script, undo, feed="//6AG1szMW1bcmVkXVt4XVsvXQo="),
        watched(DropletWorld(droplet).environment, tmp_path) as watch,
    ):
        await nothing_but(watch, "malformed")
        assert "did not answer 'id'" in watch.problem(LINK).summary
        waits_for_a_person(watch)
        await shell(droplet, undo)
        watch.session.retry_now()
        await watch.all_live()
