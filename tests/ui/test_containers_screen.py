"""The containers pane: the cursor stays, columns come and go by width, filters say so, and keys open previews only."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from refactor_console.domain.containers import ContainerBoard, ContainerRow, ContainerState
from refactor_console.screens.containers import SLOW_TICK_SECONDS, ContainersScreen
from refactor_console.screens.dialogs.confirm import ConfirmDialog
from refactor_console.screens.dialogs.inspect import InspectDialog
from refactor_console.screens.dialogs.top import TopDialog
from refactor_console.screens.logs import LogsScreen
from refactor_console.widgets.present_containers import COLUMNS
from refactor_console.widgets.table import Column, fit
from tests.ui.double_session import (
    DOWN,
    NOW,
    DoubleSession,
    board,
    container,
    hostile_rows,
    platform_rows,
    samples,
)
from tests.ui.stage import Stage, console


async def test_the_platform_is_there_with_the_migrator_done_and_strangers_on_request() -> None:
    async with console(DoubleSession().live(), pane="containers") as stage:
        await stage.says("nginx", "✓ done (exit 0)", "● running (healthy)", "20.1%", "19%")
        assert "watchtower" not in stage.text
        await stage.press("o")
        await stage.says("watchtower", "with others")
        await stage.press("o")
        await stage.until(lambda: "watchtower" not in stage.text)


@pytest.mark.parametrize(
    ("width", "there", "gone"),
    [
        (80, {"service", "state", "up", "cpu", "memory"}, {"digest", "block", "cpu-line"}),
        (120, {"service", "state", "image", "health", "restarts", "cpu", "memory", "net"}, {"block", "memory-line"}),
        (200, {column.key for column in COLUMNS}, set()),
    ],
)
async def test_columns_leave_in_a_sensible_order(width: int, there: set[str], gone: set[str]) -> None:
    async with console(DoubleSession().live(), pane="containers", size=(width, 40)) as stage:
        shown = set(stage.table("#containers").shown_columns)
        assert there <= shown
        assert not gone & shown


@pytest.mark.parametrize("width", range(1, 260, 7))
def test_columns_never_ask_for_more_room_than_there_is_unless_two_cells_are_too_many(width: int) -> None:
    columns = fit(COLUMNS, width)
    assert all(room >= 1 for _, room in columns)
    needed = sum(room for _, room in columns) + 2 * (len(columns) - 1) + 2
    least = sum(1 for c in COLUMNS if c.rank == 0)
    assert needed <= max(width, 3 * least + 30)


def test_a_growing_column_stops_at_its_limit() -> None:
    columns = (Column("a", "A", 4, grow=1, limit=6), Column("b", "B", 4, grow=1))
    assert [room for _, room in fit(columns, 40)] == [6, 30]


async def test_the_cursor_stays_on_its_container_while_rows_come_and_go() -> None:
    session = DoubleSession().live()
    async with console(session, pane="containers") as stage:
        table = stage.table("#containers")
        await stage.press("down", "down")
        chosen = table.cursor_key
        rows = platform_rows()
        assert chosen == rows[2].container.id
        session.containers.live(board([ContainerRow(container("aaa")), *rows[1:]]))
        await stage.until(lambda: len(table.rows) == 5)
        assert table.cursor_key == chosen
        session.containers.live(board([row for row in rows if row.container.id != chosen]))
        await stage.until(lambda: table.cursor_key != chosen)
        assert table.cursor_index >= 0, "the row is gone: its neighbour has the cursor"


async def test_only_the_row_that_changed_is_drawn_again() -> None:
    session = DoubleSession().live()
    async with console(session, pane="containers") as stage:
        table = stage.table("#containers")
        before = dict(table._strips)
        rows = platform_rows()
        rows[3] = replace(rows[3], history=samples(0.5, 300 * 1024 * 1024))
        session.containers.live(board(rows))
        await stage.until(lambda: table._strips.get(rows[3].container.id) not in (None, before[rows[3].container.id]))
        assert all(table._strips[row.container.id] is before[row.container.id] for row in rows[:3])


async def test_the_filter_narrows_is_kept_by_enter_and_forgotten_by_escape() -> None:
    async with console(DoubleSession().live(), pane="containers") as stage:
        table = stage.table("#containers")
        await stage.press("slash", *"next")
        await stage.until(lambda: [row.cells["service"].plain for row in table.rows] == ["nextjs-app"])
        await stage.press("enter")
        assert table.has_focus
        assert len(table.rows) == 1
        await stage.press("escape")
        await stage.until(lambda: len(table.rows) == 4)


async def test_a_filter_without_a_hit_says_so() -> None:
    async with console(DoubleSession().live(), pane="containers") as stage:
        await stage.press("slash", *"zzz")
        await stage.says("No container is like 'zzz'")


async def test_faults_only_hides_what_is_well() -> None:
    rows = platform_rows()
    rows[0] = ContainerRow(container("nginx", state=ContainerState.EXITED, exit_code=137, oom_killed=True))
    async with console(DoubleSession().live(rows), pane="containers") as stage:
        await stage.press("f")
        await stage.says("faults only", "exited (exit 137, out of memory)")
        assert len(stage.table("#containers").rows) == 1


@pytest.mark.parametrize(
    ("key", "dialog", "words"),
    [
        ("i", InspectDialog, ("POSTGRES_PASSWORD", "••••••••", "backend_network 172.18.0.3", "0.0.0.0:443")),
        ("enter", InspectDialog, ("/app/entrypoint.sh",)),
        ("t", TopDialog, ("PID", "/app/refactor_platform_rs --port 4000", "2 processes")),
    ],
)
async def test_keys_open_the_details_of_the_selected_container(key: str, dialog: type, words: tuple[str, ...]) -> None:
    async with console(DoubleSession().live(), pane="containers", size=(160, 60)) as stage:
        await stage.press("down", "down", key)
        await stage.until(lambda: isinstance(stage.app.screen, dialog))
        await stage.says(*words)
        await stage.press("c")
        assert words[0] in stage.app.clipboard
        await stage.press("escape")
        assert isinstance(stage.app.screen, ContainersScreen)


async def test_l_shows_this_containers_log() -> None:
    async with console(DoubleSession().live(), pane="containers") as stage:
        await stage.press("down", "down", "l")
        await stage.until(lambda: isinstance(stage.app.screen, LogsScreen))


@pytest.mark.parametrize(("key", "title"), [("R", "Restart rust-app"), ("S", "Stop rust-app"), ("s", "Start rust-app")])
async def test_a_mutation_key_only_opens_a_preview(key: str, title: str) -> None:
    session = DoubleSession().live()
    async with console(session, pane="containers") as stage:
        await stage.press("down", "down", key)
        await stage.until(lambda: isinstance(stage.app.screen, ConfirmDialog))
        await stage.says(f"{title} in production")
        assert not session.performed


async def test_read_only_says_why_it_does_not_act() -> None:
    session = DoubleSession(read_only=True).live()
    async with console(session, pane="containers", read_only=True) as stage:
        await stage.press("R")
        await stage.says("The console is read-only", "Start it without --read-only")
        await stage.press("enter")
        assert isinstance(stage.app.screen, ContainersScreen)
        assert not session.performed


async def test_mouse_selects_a_row_and_a_double_click_opens_it() -> None:
    async with console(DoubleSession().live(), pane="containers") as stage:
        table = stage.table("#containers")
        await stage.pilot.click(table, offset=(5, 3))
        await stage.until(lambda: table.cursor_index == 2)
        await stage.pilot.click(table, offset=(5, 4), times=2)
        await stage.until(lambda: isinstance(stage.app.screen, InspectDialog))
        await stage.says("Inspect nextjs-app")


async def test_keys_on_a_missing_service_say_that_there_is_no_container() -> None:
    async with console(DoubleSession().live([]), pane="containers") as stage:
        await stage.says("✗ missing")
        for key in "itRl":
            await stage.press(key)
            assert isinstance(stage.app.screen, ContainersScreen)
        await stage.says("has no container")


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_hostile_names_stay_text_in_table_panel_and_details(size: tuple[int, int]) -> None:
    async with console(DoubleSession().live(hostile_rows()), pane="containers", size=size) as stage:
        await stage.press("o")
        for key in ("down", "i", "escape", "up", "i", "escape", "t", "escape", "R", "escape"):
            await stage.press(key)
            assert not any(sign in stage.text for sign in ("\x1b", "\x07", "\u202e", "\u2066"))
        await stage.says("[red]")


async def test_old_containers_stay_while_the_feed_fails_and_the_failure_is_named() -> None:
    session = DoubleSession().live()
    async with console(session, pane="containers") as stage:
        session.clock.forward(90)
        session.fail(DOWN, 4)
        await stage.says("rust-app", "✗ failed · 1 min old · retry in 4 s", "no answer within 10 s")


async def test_unknown_use_is_said_and_not_shown_as_zero() -> None:
    rows = [replace(row, history=()) for row in platform_rows()]
    session = DoubleSession().live(rows)
    value = session.containers.reading.value
    assert value is not None
    session.containers.live(ContainerBoard(value.rows, value.missing, "CPU and memory: the Engine answers too slowly."))
    async with console(session, pane="containers") as stage:
        await stage.says("▲ CPU and memory: the Engine answers too slowly.")
        assert "0.0%" not in stage.text


async def test_a_container_that_vanished_is_said_in_the_dialog() -> None:
    session = DoubleSession().live()
    async with console(session, pane="containers") as stage:
        stage.app.inspect_container("0" * 64, "ghost")
        await stage.says("There is no container 000000000000.", "gone")


def used(name: str, cpu: float, memory: int, restarts: int, minutes: int) -> ContainerRow:
    """A container of the stack with figures to sort by."""
    started = NOW - timedelta(minutes=minutes)
    one = replace(container(name), restarts=restarts, started_at=started)
    return ContainerRow(one, False, True, samples(cpu, memory))


RACE = [
    used("alpha", 0.1, 300, 0, 50),
    used("Beta", 0.9, 100, 2, 40),
    used("gamma", 0.5, 200, 7, 30),
]


def names(stage: Stage) -> list[str]:
    """The services as the table has them."""
    return [row.cells["service"].plain for row in stage.table("#containers").rows]


def cpus(stage: Stage) -> list[str]:
    """The processor's use, of those that have any."""
    cells = [row.cells["cpu"].plain for row in stage.table("#containers").rows if "cpu" in row.cells]
    return [cell for cell in cells if cell.endswith("%")]


async def test_one_key_goes_through_the_orders_and_the_heading_names_each() -> None:
    async with console(DoubleSession().live(RACE), pane="containers") as stage:
        at_first = names(stage)
        missing = [name for name in at_first if name not in {"alpha", "Beta", "gamma"}]
        assert missing
        for order, words in (
            (["Beta", "gamma", "alpha"], "by CPU, most first"),
            (["alpha", "gamma", "Beta"], "by memory, most first"),
            (["gamma", "Beta", "alpha"], "by restarts, most first"),
            (["gamma", "Beta", "alpha"], "by uptime, youngest first"),
            (["alpha", "Beta", "gamma"], "by name"),
        ):
            await stage.press("b")
            await stage.says(f"Containers · {words}")
            assert [name for name in names(stage) if name not in missing] == order
            assert set(missing) < set(names(stage)), "what is missing is never sorted away"
        await stage.press("b")
        await stage.until(lambda: "by name" not in stage.text)
        assert names(stage) == at_first


async def test_sorting_moves_neither_the_cursor_nor_at_once_the_rows() -> None:
    """Whoever aims at a row must not hit another because a figure changed in between."""
    session = DoubleSession().live(RACE)
    async with console(session, pane="containers") as stage:
        table = stage.table("#containers")
        table.move_to(RACE[0].container.id)
        chosen = table.cursor_key
        await stage.press("b")
        assert names(stage)[:3] == ["Beta", "gamma", "alpha"]
        assert table.cursor_key == chosen == RACE[0].container.id
        session.containers.live(board([replace(RACE[0], history=samples(3.0, 300)), *RACE[1:]]))
        await stage.until(lambda: any(float(cpu.rstrip("%")) > 150 for cpu in cpus(stage)))
        assert names(stage)[:3] == ["Beta", "gamma", "alpha"]
        pane = stage.app.screen
        assert isinstance(pane, ContainersScreen)
        for _ in range(SLOW_TICK_SECONDS):
            pane.on_tick(NOW)
        await stage.until(lambda: names(stage)[:3] == ["alpha", "Beta", "gamma"])
        assert table.cursor_key == chosen
