"""The Docker Engine does not answer: its panes say why and what to do; the host's panes do not notice."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from refactor_console.domain.reading import Phase
from tests.bad_input.faults import fault, shell
from tests.bad_input.watch import CONTAINERS, ENGINE, ENGINE_FEEDS, JOURNAL, LINK, UNIT, VITALS, Watch, watched
from tests.droplet.droplet import Droplet
from tests.worlds import World
from tests.worlds.droplet import DropletWorld

LOG = "container:rust-app"
GARBAGE = """
import os, socket
path = "/run/garbage.sock"
if os.path.lexists(path): os.unlink(path)
server = socket.socket(socket.AF_UNIX); server.bind(path); os.chmod(path, 0o666); server.listen(64)
while True:
    client, _ = server.accept()
    try:
        client.recv(4096); client.sendall(b"\\xff\\xfe\\x1b[31m[red]not HTTP[/]\\r\\n" * 50)
    except OSError:
        pass
    client.close()
"""


async def containers_logs_say_so(watch: Watch, code: str) -> None:
    """A container's log source fails for the same reason as the board, or saw its container removed before."""

    def said() -> bool:
        reading = watch.source(LOG).reading
        if reading.phase is Phase.OFF:
            return "has no container now" in reading.reason
        return not reading.is_live and reading.problem is not None and reading.problem.code == code

    await watch.until(said, f"{LOG} says {code}")


async def test_a_stopped_engine_is_said_where_it_matters_and_found_again(world: World, tmp_path: Path) -> None:
    environment = replace(world.environment, unit=world.journal_unit)
    async with watched(environment, tmp_path) as watch:
        await watch.all_live()
        try:
            await world.engine_down()
            await watch.fails(ENGINE_FEEDS, "engine-stopped")
            await containers_logs_say_so(watch, "engine-stopped")
            for name in ENGINE_FEEDS:
                assert "does not run" in watch.problem(name).summary
                assert "systemctl start docker" in watch.problem(name).remedy
            assert watch.session.containers.reading.value is not None, "the last good board stays, with its age"
            await world.log_to_journal([b"said while the engine was down"])
            await watch.until(
                lambda: any("while the engine was down" in line.message for line in watch.lines.get(watch.journal, ())),
                "the journal goes on",
            )
            said = [concern.subject for concern in watch.concerns() if concern.place == "problem"]
            assert said == ["containers"], "one cause is said once"
        finally:
            await world.engine_up()
        await watch.all_live(60)


async def test_no_permission_on_the_socket_is_said_with_the_group_to_join(world: World, tmp_path: Path) -> None:
    async with watched(world.environment_for("nodocker"), tmp_path, read_only=True) as watch:
        await watch.until(lambda: all(f.reading.problem for f in (watch.session.engine, watch.session.containers)), "")
        for name in ENGINE_FEEDS:
            assert watch.problem(name).code == "no-permission"
            assert "User nodocker may not use" in watch.problem(name).summary
            assert "usermod -aG docker nodocker" in watch.problem(name).remedy
        await watch.go_on(frozenset({LINK, UNIT, VITALS}))
        journal = watch.feeds()[JOURNAL].reading
        words = journal.problem.remedy if journal.problem else journal.value.notice if journal.value else ""
        assert "systemd-journal" in words
        with pytest.raises(Exception, match="nodocker may not use"):
            await watch.session.inspect("rust-app")


@pytest.mark.droplet
async def test_joining_the_group_and_a_new_login_are_enough(droplet: Droplet, tmp_path: Path) -> None:
    world = DropletWorld(droplet)
    async with watched(world.environment_for("nodocker"), tmp_path, read_only=True) as watch:
        await watch.until(lambda: watch.session.engine.reading.problem, "the Engine is denied")
        join = "usermod -aG docker,systemd-journal nodocker"
        async with fault(droplet, join, "usermod -G '' nodocker"):
            await world.sever()
            await watch.all_live()


@pytest.mark.droplet
async def test_a_socket_that_was_closed_to_us_is_told_from_a_group_that_is_missing(
    droplet: Droplet, tmp_path: Path
) -> None:
    world = DropletWorld(droplet)
    socket = "/run/docker.sock"
    async with watched(world.environment, tmp_path) as watch:
        await watch.all_live()
        undo = f"chown root:docker {socket}; chmod 0660 {socket}"
        async with fault(droplet, f"chmod 0600 {socket}", undo):
            await world.sever()
            await watch.until(lambda: watch.session.link.reading.is_live, "the connection is back")
            await watch.fails(ENGINE_FEEDS, "no-permission")
            await containers_logs_say_so(watch, "no-permission")
            for name in ENGINE_FEEDS:
                assert "srw-------" in watch.problem(name).summary
                assert "usermod" not in watch.problem(name).remedy, "deploy is in the group already"
                assert "sudo chmod g+rw /var/run/docker.sock" in watch.problem(name).remedy
        await watch.all_live()


@pytest.mark.droplet
async def test_garbage_on_the_socket_is_said_and_the_real_engine_taken_when_it_is_there(
    droplet: Droplet, tmp_path: Path
) -> None:
    environment = replace(DropletWorld(droplet).environment, docker_socket="/run/garbage.sock")
    start = "cat >/run/garbage.py; systemd-run --quiet --collect --unit=garbage python3 /run/garbage.py"
    undo = "systemctl stop garbage 2>/dev/null || true; rm -f /run/garbage.py /run/garbage.sock"
    async with fault(droplet, start, undo, feed=GARBAGE), watched(environment, tmp_path) as watch:
        await watch.fails(ENGINE_FEEDS, "malformed")
        for name in (ENGINE, CONTAINERS):
            assert "docker_socket" in watch.problem(name).remedy
        await shell(droplet, f"{undo}; ln -s /run/docker.sock /run/garbage.sock")
        await watch.all_live()


@pytest.mark.droplet
async def test_a_socket_that_is_not_there_is_said_with_its_path(droplet: Droplet, tmp_path: Path) -> None:
    environment = replace(DropletWorld(droplet).environment, docker_socket="/run/no-such.sock")
    async with watched(environment, tmp_path) as watch:
        await watch.fails(ENGINE_FEEDS, "socket-absent")
        assert "/run/no-such.sock" in watch.problem(ENGINE).summary
        async with fault(droplet, "ln -s /run/docker.sock /run/no-such.sock", "rm -f /run/no-such.sock"):
            await watch.all_live()


@pytest.mark.droplet
async def test_a_container_that_vanishes_in_the_middle_hurts_nobody_else(droplet: Droplet, tmp_path: Path) -> None:
    async with watched(DropletWorld(droplet).environment, tmp_path) as watch:
        await watch.all_live()
        image = "ghcr.io/refactor-group/refactor-platform-rs:stable"
        words = ["docker", "run", "--detach", "--name", "fleeting", "--entrypoint", "sleep", image, "60"]
        try:
            await asyncio.to_thread(droplet.exec, words)
            await watch.until(lambda: _names(watch) >= {"fleeting"}, "it is on the board")
        finally:
            await asyncio.to_thread(droplet.exec, ["docker", "rm", "--force", "fleeting"], check=False)
        await watch.until(lambda: "fleeting" not in _names(watch), "it is gone from the board")
        await watch.until(lambda: watch.source("container:fleeting").reading.phase is Phase.OFF, "its log is over")
        assert "has no container now" in watch.source("container:fleeting").reading.reason
        await watch.all_live()


def _names(watch: Watch) -> set[str]:
    board = watch.session.containers.reading.value
    return {row.container.name for row in board.rows} if board is not None else set()
