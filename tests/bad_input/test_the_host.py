"""The host itself is not as it should be: each flaw is said in its own place, and nothing else suffers."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from refactor_console.domain.logs import MarkKind
from refactor_console.domain.text import visible
from tests.bad_input.faults import fault, greeting, shell
from tests.bad_input.watch import EVERY_FEED, JOURNAL, VITALS, Watch, watched
from tests.droplet.droplet import Droplet
from tests.worlds import World
from tests.worlds.demo import DemoWorld
from tests.worlds.droplet import DropletWorld

GREETINGS = {
    "a banner": b"Welcome!\nuid=0(root) is not who you are\n",
    "bytes and sequences": b"\xff\xfe\x80\x1b[2J\x1b]0;x\x07[red]x[/]\xe2\x80\xae\n{}\n[1]\nnull\n0\n",
}


def sudo_of(watch: Watch) -> tuple[bool | None, str]:
    """What the console believes about sudo."""
    identity = watch.session.link.reading.value
    return (identity.can_sudo, identity.sudo_note) if identity is not None else (None, "")


def concern(watch: Watch, subject: str) -> str:
    """The sentence on the overview about a subject; empty when there is none."""
    return next((c.sentence for c in watch.concerns() if c.subject == subject), "")


async def test_a_user_without_sudo_is_told_so_and_sees_everything(world: World, tmp_path: Path) -> None:
    async with watched(world.environment_for("nosudo"), tmp_path) as watch:
        await watch.all_live()
        assert sudo_of(watch)[0] is False
        assert "may not run 'sudo systemctl restart refactor-platform.service'" in concern(watch, "sudo")


@pytest.mark.droplet
async def test_a_host_without_sudo_is_said_and_seen_again_at_the_next_login(droplet: Droplet, tmp_path: Path) -> None:
    world = DropletWorld(droplet)
    async with watched(world.environment, tmp_path) as watch:
        await watch.all_live()
        assert sudo_of(watch)[0] is True
        undo = "[ ! -e /usr/bin/sudo.away ] || mv /usr/bin/sudo.away /usr/bin/sudo"
        async with fault(droplet, "mv /usr/bin/sudo /usr/bin/sudo.away", undo):
            await world.sever()
            await watch.until(lambda: sudo_of(watch)[0] is False, "sudo is missed")
            assert "sudo" in sudo_of(watch)[1]
            assert "not found" in sudo_of(watch)[1]
            assert concern(watch, "sudo")
            await watch.all_live()
        await world.sever()
        await watch.until(lambda: sudo_of(watch)[0] is True, "sudo is found again")
        await watch.all_live()


async def test_a_unit_that_does_not_exist_is_a_state_and_not_an_error(world: World, tmp_path: Path) -> None:
    unit = f"absent-{uuid4().hex[:8]}.service"
    async with watched(replace(world.environment, unit=unit), tmp_path) as watch:
        await watch.all_live()
        assert concern(watch, unit) == f"{unit} does not exist on this host"
        assert _notice(watch) == f"The journal of {unit} is empty so far."
        if not isinstance(world, DropletWorld):
            return
        words = ["systemd-run", "--quiet", f"--unit={unit}", "sh", "-c", "echo now it exists; exec sleep 60"]
        try:
            await asyncio.to_thread(world.droplet.exec, words)
            await watch.until(lambda: watch.session.unit.reading.value.active_state == "active", "it is active")  # type: ignore[union-attr]
            await watch.until(lambda: any("now it exists" in e.text for e in watch.entries(watch.journal)), "its line")
            assert concern(watch, unit) == ""
        finally:
            await asyncio.to_thread(world.droplet.exec, ["systemctl", "stop", unit], check=False)


@pytest.mark.droplet
async def test_a_journal_that_is_emptied_is_a_marked_gap_and_goes_on(droplet: Droplet, tmp_path: Path) -> None:
    world = DropletWorld(droplet)
    environment = world.journal_environment()
    async with watched(environment, tmp_path) as watch:
        await watch.all_live()
        await world.log_to_journal([b"before it was emptied"])
        await watch.until(lambda: _has(watch, "before it was emptied"), "the first line")
        await asyncio.to_thread(droplet.empty_journal)
        await watch.go_on(EVERY_FEED - {JOURNAL})
        await world.log_to_journal([b"after it was emptied"])
        await watch.until(lambda: _has(watch, "after it was emptied"), "the line after", 40)
        await watch.all_live()
        before, after = (
            next(i for i, e in enumerate(watch.entries(watch.journal)) if f"{w} it was emptied" in e.text)
            for w in ("before", "after")
        )
        assert before < after, "the lines from before are kept"


@pytest.mark.droplet
async def test_an_empty_journal_says_that_it_is_empty_and_then_fills(droplet: Droplet, tmp_path: Path) -> None:
    world = DropletWorld(droplet)
    await asyncio.to_thread(droplet.empty_journal)
    async with watched(world.journal_environment(), tmp_path) as watch:
        await watch.all_live()
        assert "is empty so far" in _notice(watch)
        await world.log_to_journal([b"the first line ever"])
        await watch.until(lambda: _has(watch, "the first line ever"), "the first line")
        await watch.until(lambda: _notice(watch) == "", "no notice any more")
        assert MarkKind.CUT not in [mark.kind for mark in watch.marks.get(watch.journal, [])]


def _notice(watch: Watch) -> str:
    progress = watch.feeds()[JOURNAL].reading.value
    return str(progress.notice) if progress is not None else "nothing is known"


def _has(watch: Watch, text: str) -> bool:
    return any(text in line.message for line in watch.lines.get(watch.journal, ()))


@pytest.mark.parametrize("seconds", [-90, 3600])
async def test_a_wrong_clock_is_measured_and_said_until_it_is_right(world: World, tmp_path: Path, seconds: int) -> None:
    async def skew(by: int) -> None:
        if isinstance(world, DemoWorld):
            await world.skew_clock(by)
        elif isinstance(world, DropletWorld):
            change: Callable[[], None] = (lambda: world.droplet.skew_clock(by)) if by else world.droplet.restore_clock
            await asyncio.to_thread(change)

    async with watched(world.environment, tmp_path) as watch:
        await watch.all_live()
        assert concern(watch, "clock") == ""
        try:
            await skew(seconds)
            watch.session.retry_now()
            way = "ahead of" if seconds > 0 else "behind"
            await watch.until(lambda: way in concern(watch, "clock"), "the clock is said to be wrong")
            vitals = watch.session.vitals.reading.value
            assert vitals is not None
            assert vitals.clock_offset is not None
            assert abs(vitals.clock_offset - timedelta(seconds=seconds)) < timedelta(seconds=2)
            await watch.go_on(EVERY_FEED)
        finally:
            await skew(0)
        watch.session.retry_now()
        await watch.until(lambda: concern(watch, "clock") == "", "the clock is right again")
        await watch.all_live()


@pytest.mark.droplet
@pytest.mark.parametrize("words", list(GREETINGS.values()), ids=list(GREETINGS))
async def test_a_login_shell_that_prints_garbage_first_hides_nothing(
    droplet: Droplet, tmp_path: Path, words: bytes
) -> None:
    """The shell's words go before every command's own, on every channel."""
    world = DropletWorld(droplet)
    script, undo = greeting("cat /run/greeting")
    async with (
        fault(droplet, script, undo, feed=base64.b64encode(words).decode()),
        watched(world.journal_environment(), tmp_path) as watch,
    ):
        await watch.all_live()
        identity = watch.session.link.reading.value
        assert identity is not None
        assert identity.user == "deploy"
        assert identity.hostname == (await shell(droplet, "uname -n")).strip()
        assert watch.session.unit.reading.value is not None
        vitals = watch.session.vitals.reading.value
        assert vitals is not None
        assert vitals.memory_total > 0
        assert {disk.mount for disk in vitals.disks} >= {"/"}
        assert vitals.clock_offset is not None, "the clock could not be measured"
        await world.log_to_journal([b"a line behind the greeting"])
        await watch.until(lambda: _has(watch, "a line behind the greeting"), "the journal is read all the same")
        for entry in watch.entries(watch.journal):
            assert all(visible(line) == line for line in entry.text.split("\n"))
        await watch.go_on(EVERY_FEED)


@pytest.mark.droplet
async def test_a_greeting_that_runs_into_the_answers_is_named_where_it_spoils_one(
    droplet: Droplet, tmp_path: Path
) -> None:
    """Without a line break at its end it cannot be told from an answer's first line; guessing would be a lie."""
    world = DropletWorld(droplet)
    script, undo = greeting("cat /run/greeting")
    async with (
        fault(droplet, script, undo, feed=base64.b64encode(b"\x1b[31mhalf a line").decode()),
        watched(world.journal_environment(), tmp_path) as watch,
    ):
        await watch.fails(frozenset({VITALS}), "malformed")
        assert "the login shell prints something of its own" in watch.problem(VITALS).remedy
        await world.log_to_journal([b"a line behind the half one", b"and another"])
        await watch.until(lambda: _has(watch, "and another"), "the journal is read all the same")
        assert any("a line behind the half one" in entry.text for entry in watch.entries(watch.journal))
        await shell(droplet, undo)
        await watch.all_live()
