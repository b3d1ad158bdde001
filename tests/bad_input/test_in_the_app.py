"""The real application over a real session while things are bad: panes say it, and every key goes on working."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from refactor_console.adapters.audit_file import AuditFile
from refactor_console.app import ConsoleApp
from refactor_console.domain.environment import Environment
from refactor_console.services.live import LiveSession
from tests.bad_input.test_hostile_lines import BIG, HOSTILE, is_harmless
from tests.droplet.droplet import Droplet
from tests.ui.stage import Stage
from tests.waiting import until
from tests.worlds import World
from tests.worlds.droplet import DropletWorld

LABEL = "[red]x[/] [@click=app.quit]y[/]\x1b[31m\u202e{z}"
LABEL_SEEN = "[red]x[/]"
LOAD = re.compile(r"Load [\d.]+ over five minutes on \d+ processors?\.")


class Seat(Stage):
    """A person before the console: presses keys and reads, with as much patience as a real host needs."""

    async def reads(self, *words: str, timeout: float = 30) -> str:
        """Wait until all these words can be read, wrapped or not, and return the screen."""
        try:
            await until(lambda: all(word in self.flat for word in words), f"{words} on the screen", timeout)
        except AssertionError as never:
            raise AssertionError(f"{never}\n{self.text}") from None
        return self.text

    async def all_is_well(self, timeout: float = 30) -> None:
        """Wait until every feed is live and nothing needs attention but, at most, the load.

        The droplet has its machine's own load, which is rightly called high while other tests run there.
        """

        def is_well() -> bool:
            session = self.app.session
            if session is None or not self.app.screen.query("#calm"):
                return False
            feeds = (session.link, session.unit, session.vitals, session.engine, session.containers)
            said = [row.cells["sentence"].plain for row in self.table("#concerns").rows]
            told = "✓ Nothing on the host needs attention." in self.text or bool(said)
            return told and all(feed.reading.is_live for feed in feeds) and all(map(LOAD.match, said))

        try:
            await until(is_well, "everything is live and well", timeout)
        except AssertionError as never:
            raise AssertionError(f"{never}\n{self.text}") from None

    @property
    def flat(self) -> str:
        """The screen with every run of white space as one space."""
        return " ".join(self.text.split())


@asynccontextmanager
async def console(environment: Environment, directory: Path) -> AsyncIterator[Seat]:
    """The console on this environment; leaves by its own key."""

    def open_session(chosen: Environment) -> LiveSession:
        return LiveSession(chosen, audit_file=AuditFile(directory / "audit.jsonl"))

    app = ConsoleApp((environment,), open_session, start=environment.name)
    app.animation_level = "none"
    async with app.run_test(size=(160, 50), notifications=True) as pilot:
        seat = Seat(app, pilot, [])
        await until(lambda: app.current_mode == "overview", "the overview opens")
        yield seat
        await seat.press("q")
        await until(lambda: app._exit, "the console leaves", 10)


async def looks_around(seat: Seat, panes: Sequence[tuple[str, str]]) -> None:
    """Go to each pane by its key, read a word there, open its help and the environments, and come back."""
    for key, word in panes:
        await seat.press(key)
        await seat.reads(word)
        await seat.press("question_mark")
        await seat.reads("Keys that work here")
        await seat.press("escape")
        await seat.reads(word)
    await seat.press("1")
    assert all(is_harmless(line) for line in seat.text.split("\n"))


async def test_a_stopped_engine_on_every_pane(world: World, tmp_path: Path) -> None:
    async with console(world.environment, tmp_path) as seat:
        await seat.all_is_well()
        try:
            await world.engine_down()
            await seat.reads("The Docker Engine does not run")
            await looks_around(seat, [("2", "The Docker Engine does not run"), ("3", "rust-app"), ("1", "failed")])
            await seat.press("2")
            await seat.reads("nextjs-app")  # the last board stays
            await seat.press("1", "d")
            await seat.reads("systemctl start docker", "engine-stopped")
            await seat.press("escape")
        finally:
            await world.engine_up()
        await seat.all_is_well(timeout=60)


async def test_no_permission_on_the_socket_on_every_pane(world: World, tmp_path: Path) -> None:
    async with console(world.environment_for("nodocker"), tmp_path) as seat:
        await seat.reads("User nodocker may not use the Docker Engine's socket", "active (exited)")
        await looks_around(seat, [("2", "User nodocker may not use"), ("3", "journal"), ("1", "active (exited)")])
        await seat.press("d")
        await seat.reads("usermod -aG docker nodocker", "nodocker is in:", "no-permission")
        await seat.press("escape")


async def test_a_lost_connection_on_every_pane(world: World, tmp_path: Path) -> None:
    async with console(world.environment, tmp_path) as seat:
        await seat.all_is_well()
        await world.ssh_down()
        try:
            await seat.reads("refused the connection")
            await looks_around(seat, [("2", "refused the connection"), ("3", "journal"), ("1", "active (exited)")])
        finally:
            await world.ssh_up()
        await seat.press("r")
        await seat.all_is_well()
        await seat.reads("● live")


@pytest.mark.droplet
async def test_hostile_lines_and_a_hostile_container_are_only_text(droplet: Droplet, tmp_path: Path) -> None:
    world = DropletWorld(droplet)
    labels = {
        "com.docker.compose.project": "deploy",
        "com.docker.compose.service": LABEL,
        "com.docker.compose.project.working_dir": "/home/deploy",
        "org.opencontainers.image.version": f"[bold]{LABEL}",
    }
    words = [word for key, value in labels.items() for word in ("--label", f"{key}={value}")]
    image = "ghcr.io/refactor-group/refactor-platform-rs:stable"
    async with console(world.journal_environment(), tmp_path) as seat:
        await seat.reads("nextjs-app")
        try:
            run = ["docker", "run", "--detach", "--name", "hostile", *words, "--entrypoint", "sleep", image, "60"]
            await asyncio.to_thread(droplet.exec, run)
            await seat.reads(LABEL_SEEN)
            await world.log_to_journal([BIG, *HOSTILE])
            await world.log_to_container("rust-app", HOSTILE)
            await looks_around(seat, [("2", LABEL_SEEN), ("3", "[red]markup[/red]"), ("1", LABEL_SEEN)])
            await seat.press("2", "end", "i")
            await seat.reads("Image id", "Labels")
            assert all(is_harmless(line) for line in seat.text.split("\n"))
            await seat.press("escape", "t")
            await seat.reads("sleep 60")
            await seat.press("escape", "R")
            screen = await seat.reads(f"Restart {LABEL_SEEN}")
            assert all(is_harmless(line) for line in screen.split("\n"))
            await seat.press("escape", "l")
            await until(lambda: seat.app.current_mode == "logs", "its log opens")
            await seat.press("w", "1")
        finally:
            await asyncio.to_thread(droplet.exec, ["docker", "rm", "--force", "hostile"], check=False)
        session = seat.app.session
        assert session is not None
        feed = session.containers
        await until(lambda: all(row.container.name != "hostile" for row in feed.reading.value.rows), "it is gone", 20)  # type: ignore[union-attr]
