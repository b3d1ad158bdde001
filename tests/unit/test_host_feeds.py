"""What the host says about itself, also when it says it badly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from refactor_console.adapters.host import HostConnection
from refactor_console.adapters.host_errors import CommandTimedOut
from refactor_console.domain import commands
from refactor_console.domain.command import Completed, RemoteCommand
from refactor_console.domain.problem import Problem
from refactor_console.domain.unit import UnitError, parse_unit
from refactor_console.domain.vitals import parse_df
from refactor_console.services.host_feeds import look_at_vitals, read_clock, read_unit
from refactor_console.services.link import last_line
from refactor_console.widgets.present_overview import vitals_facts

UNIT = "refactor-platform.service"
BEFORE = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
AFTER = BEFORE + timedelta(seconds=0.2)
MIDDLE = BEFORE + timedelta(seconds=0.1)


def answer(status: int, stdout: str, stderr: str = "") -> Completed:
    return Completed(commands.show_unit(UNIT), status, stdout.encode(), stderr.encode())


def test_the_clock_is_compared_at_the_middle_of_the_round_trip() -> None:
    theirs = MIDDLE + timedelta(seconds=30)
    reading = read_clock(f"{int(theirs.timestamp())}.{theirs.microsecond * 1000:09d}\n", BEFORE, AFTER)
    assert reading.offset == timedelta(seconds=30)
    assert reading.error == timedelta(seconds=0.1)


@pytest.mark.parametrize("text", ["{s}.%N", "{s}.", "{s}"])
def test_a_date_without_nanoseconds_is_half_a_second_more_uncertain(text: str) -> None:
    reading = read_clock(text.format(s=int(BEFORE.timestamp())), BEFORE, AFTER)
    assert reading.offset is not None
    assert abs(reading.offset) <= timedelta(seconds=0.5)
    assert reading.error == timedelta(seconds=0.6)


@pytest.mark.parametrize("text", ["", "date: invalid option", "%s.%N", "12", "9" * 30])
def test_an_answer_that_is_no_time_gives_no_offset(text: str) -> None:
    reading = read_clock(text, BEFORE, AFTER)
    assert reading.offset is None
    assert reading.error is None


def test_a_greeting_before_the_time_does_no_harm() -> None:
    assert read_clock(f"Welcome!\n\n{int(BEFORE.timestamp())}.5\n", BEFORE, AFTER).offset is not None


def test_a_unit_that_does_not_exist_is_a_state() -> None:
    status = read_unit(answer(0, f"Id={UNIT}\nLoadState=not-found\nActiveState=inactive\nSubState=dead\n"), UNIT)
    assert "does not exist" in status.sentence


@pytest.mark.parametrize(
    ("completed", "code"),
    [
        (answer(127, "", "bash: line 1: systemctl: command not found"), "no-systemd"),
        (answer(1, "", "System has not been booted with systemd as init system (PID 1). Can't operate."), "no-systemd"),
        (answer(1, "", "Failed to connect to bus: No such file or directory"), "no-systemd"),
        (answer(1, "", "Invalid value: --timestamp=unix."), "unit-unreadable"),
        (answer(0, "Welcome to this host!\n"), "malformed"),
        (answer(0, ""), "malformed"),
    ],
)
def test_each_useless_answer_of_systemctl_has_its_own_problem(completed: Completed, code: str) -> None:
    with pytest.raises(UnitError) as caught:
        read_unit(completed, UNIT)
    assert caught.value.problem.code == code
    assert caught.value.problem.remedy


def test_the_answer_is_the_last_line_after_a_greeting() -> None:
    assert last_line("Welcome!\nNews: none\nrefactor-droplet\n\n") == "refactor-droplet"
    assert last_line("") == ""


@pytest.mark.parametrize("number", ["\u00b2", "9" * 5000, "-1", ""], ids=["power", "endless", "negative", "none"])
def test_a_number_that_is_none_is_not_a_bug(number: str) -> None:
    assert parse_df(f"/dev/sda1 {number} 1 1 1% /") == ()
    states = "LoadState=loaded\nActiveState=active\nSubState=exited"
    unit = parse_unit(f"{states}\nExecMainStatus={number}\nStateChangeTimestamp=@{number}", "u")
    assert (unit.main_status, unit.changed_at) == (None, None)


class DfHangs:
    """A host with a dead network mount: everything answers but ``df``."""

    async def run(self, command: RemoteCommand) -> Completed:
        match command.argv[0]:
            case "df":
                raise CommandTimedOut(Problem("'df' on droplet gave no end within 10 s.", code="timed-out"))
            case "cat":
                text = "0.10 0.20 0.30 1/100 4711\n1000.00 2000.00\nMemTotal: 1000 kB\nMemAvailable: 400 kB\n"
            case _:
                text = "1767268800.000000000\n"
        return Completed(command, 0, text.encode(), b"")


async def test_a_hanging_df_takes_neither_load_nor_memory_with_it() -> None:
    vitals = await look_at_vitals(cast(HostConnection, DfHangs()), ("/",), 2)
    assert vitals.load == (0.10, 0.20, 0.30)
    assert vitals.memory_available == 400 * 1024
    assert vitals.disks == ()
    assert "df" in vitals.disks_problem
    shown = dict(vitals_facts(vitals))
    assert "gave no end" in shown["Disks"].plain
