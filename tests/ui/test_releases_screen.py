"""The releases pane: both repositories, drafts told apart, what waits, versions on request, and notes as mere text."""

from __future__ import annotations

from dataclasses import replace

import pytest

from refactor_console.domain.problem import Problem
from refactor_console.domain.releases import ReleaseBoard, VersionReading
from refactor_console.screens.dialogs.notes import NotesDialog
from refactor_console.screens.dialogs.problem import ProblemDialog
from refactor_console.screens.releases import ReleasesScreen
from refactor_console.widgets.release_column import ReleaseColumn
from refactor_console.widgets.table import Table
from tests.ui import boards
from tests.ui.double_images import at, live_session, with_door
from tests.ui.double_session import DOWN, DoubleSession
from tests.ui.stage import Stage

SIGNS = ("\x1b", "\x07", "\u202e", "\u2066")


def columns(stage: Stage) -> list[ReleaseColumn]:
    screen = stage.app.screen
    assert isinstance(screen, ReleasesScreen)
    return screen.columns


async def test_both_repositories_are_there_with_whether_they_agree() -> None:
    session, door = live_session()
    async with at("releases", session) as stage:
        await stage.says("▲ Backend 1.0.0-beta3 and frontend 1.0.0-beta2 do not carry the same version.")
        await stage.says("● 1.0.0-beta3 in 12 manifests", "▲ draft", "◇ pre-release", "· tag only", "▲ 1 breaking")
        await stage.says("? not visible to this token", "1.0.0-beta4 by the conventional commits")
        assert "releases" in door.looked_at
        assert columns(stage)[0].releases.has_focus


@pytest.mark.parametrize(("width", "beside"), [(80, False), (120, True), (200, True)])
async def test_columns_are_beside_each_other_where_there_is_room(width: int, beside: bool) -> None:
    async with at("releases", live_session()[0], size=(width, 40)) as stage:
        await stage.says("refactor-platform-fe")
        backend, frontend = columns(stage)
        assert (backend.region.y == frontend.region.y) is beside


async def test_everything_can_be_reached_by_keys_alone_where_room_is_short() -> None:
    async with at("releases", live_session()[0], size=(80, 24)) as stage:
        backend, frontend = columns(stage)
        for table in (backend.releases, backend.commits, frontend.releases, frontend.commits):
            assert stage.app.focused is table
            await stage.press("end")
            await stage.until(lambda t=table: t.region.overlaps(stage.app.screen.query_one("#release-columns").region))
            await stage.says(table.rows[-1].cells["commit"].plain)
            await stage.press("tab")


async def test_arrows_go_to_the_same_table_of_the_other_repository() -> None:
    async with at("releases", live_session()[0]) as stage:
        backend, frontend = columns(stage)
        await stage.press("right")
        assert frontend.releases.has_focus
        await stage.press("right")
        assert frontend.releases.has_focus
        await stage.press("tab", "left")
        assert backend.commits.has_focus


async def test_enter_opens_the_notes_as_text() -> None:
    async with at("releases", live_session()[0]) as stage:
        await stage.press("down", "enter")
        await stage.until(lambda: isinstance(stage.app.screen, NotesDialog))
        await stage.says("refactor-platform-rs 1.0.0-beta3", "## What's Changed", "**Full Changelog**", "v reads them")
        await stage.press("c")
        assert stage.app.clipboard.startswith("## What's Changed\n* Goals")
        await stage.press("y")
        assert stage.app.clipboard.endswith("/releases/tag/1.0.0-beta3")


async def test_enter_on_a_commit_opens_its_message_and_y_copies_its_address() -> None:
    async with at("releases", live_session()[0]) as stage:
        await stage.press("tab", "enter")
        await stage.until(lambda: isinstance(stage.app.screen, NotesDialog))
        await stage.says("feat!: sessions need a relationship (#238)", "Body of feat!")
        await stage.press("escape", "y")
        assert stage.app.clipboard.endswith(f"/commit/{boards.sha('feat!: sessions need a relationship (#238)')}")


async def test_v_reads_the_versions_at_the_tag_and_the_table_shows_them_when_they_are_there() -> None:
    session, door = live_session()
    async with at("releases", session, size=(200, 60)) as stage:
        await stage.press("down", "v")
        await stage.until(lambda: door.asked == [("versions", "refactor-group/refactor-platform-rs", "1.0.0-beta3")])
        reading = VersionReading(boards.PLATFORM.backend, "1.0.0-beta3", boards.manifests("1.0.0-beta3", "1.0.0-beta2"))
        backend, frontend = boards.release_reports()
        door.releases.live(ReleaseBoard((replace(backend, tag_versions=(reading,)), frontend), "", agree=None))
        await stage.says("▲ differ: 1.0.0-beta3", "? Whether the versions agree is not known.")
        await stage.press("enter")
        await stage.says("1.0.0-beta3 in 11 of 12 manifests, but web/Cargo.toml 1.0.0-beta2", "migration/Cargo.toml")


async def test_a_draft_s_tag_does_not_exist_and_nothing_is_asked() -> None:
    session, door = live_session()
    async with at("releases", session) as stage:
        await stage.press("v")
        await stage.says("The draft's tag does not exist yet")
        assert not door.asked


async def test_versions_that_cannot_be_read_open_the_reason() -> None:
    session, door = live_session()
    door.refusal = boards.NOT_PERMITTED
    async with at("releases", session) as stage:
        await stage.press("down", "v")
        await stage.until(lambda: isinstance(stage.app.screen, ProblemDialog))
        await stage.says("Versions at 1.0.0-beta3", "Give the token the scope read:packages.")


async def test_a_bare_tag_has_an_address_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("refactor_console.screens.links.has_desktop", lambda: False)
    async with at("releases", live_session()[0]) as stage:
        await stage.press("end", "o")
        assert stage.app.clipboard == "https://github.com/refactor-group/refactor-platform-rs/tree/1.0-beta1-test2"


async def test_connecting_off_failed_and_stale_are_told_apart() -> None:
    session = DoubleSession().live()
    door = with_door(session)
    async with at("releases", session) as stage:
        await stage.says("◐ connecting…")
        await stage.press("enter", "v", "o", "y", "w", "right")
        assert isinstance(stage.app.screen, ReleasesScreen)
        door.releases.off("No GitHub token: sign in to see releases.")
        await stage.says("○ off", "No GitHub token")
        door.releases.fail(DOWN, 7)
        await stage.says("✗ failed · retry in 7 s", DOWN.remedy)
        door.releases.live(boards.release_board())
        await stage.says("● live", "1.0.0-beta2")
        await stage.until(lambda: columns(stage)[0].releases.has_focus)
        session.clock.forward(90)
        door.releases.fail(DOWN, 7)
        await stage.says("✗ failed · 1 min old", "1.0.0-beta2", "no answer within 10 s")


async def test_one_repository_s_problem_is_named_beside_the_rest() -> None:
    session, door = live_session()
    backend, frontend = boards.release_reports()
    problem = Problem("Listing tags of refactor-platform-fe: GitHub answered 502.", "It is asked again.", "evidence")
    broken = replace(frontend, releases=(), problems=(problem,), unreleased=(), unreleased_count=0, head_versions=None)
    door.releases.live(ReleaseBoard((backend, broken), "", agree=None))
    async with at("releases", session) as stage:
        await stage.says("No releases and no tags.", "versions not known yet", "answered 502.", "1.0-rc1")
        await stage.press("w")
        await stage.says("evidence")


async def test_a_repository_without_releases_is_left_by_the_arrows_without_harm() -> None:
    session, door = live_session()
    backend, frontend = boards.release_reports()
    empty = replace(frontend, releases=(), unreleased=(), unreleased_count=0)
    door.releases.live(ReleaseBoard((backend, empty), "", agree=None))
    async with at("releases", session) as stage:
        await stage.says("No releases and no tags.")
        await stage.press("right")
        assert columns(stage)[0].releases.has_focus


async def test_mouse_selects_and_opens() -> None:
    async with at("releases", live_session()[0]) as stage:
        table = columns(stage)[1].releases
        await stage.pilot.click(table, offset=(5, 2), times=2)
        await stage.until(lambda: isinstance(stage.app.screen, NotesDialog))
        await stage.says("refactor-platform-fe 1.0-rc1")


async def test_hundreds_of_unreleased_commits_scroll_in_their_own_table() -> None:
    session, door = live_session()
    backend, frontend = boards.release_reports()
    group = replace(backend.unreleased[0], commits=tuple(boards.commit(f"feat: number {n}", n) for n in range(400)))
    door.releases.live(ReleaseBoard((replace(backend, unreleased=(group,), unreleased_count=400), frontend), "", None))
    async with at("releases", session) as stage:
        await stage.press("tab", "end")
        await stage.says("number 399", "1.0.0-beta3")


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_hostile_text_stays_text(size: tuple[int, int]) -> None:
    session, door = live_session()
    door.releases.live(boards.hostile_releases())
    async with at("releases", session, size=size) as stage:
        await stage.says("[red]")
        assert [table for table in stage.app.screen.query(Table) if table.display]
        for key in ("enter", "escape", "v", "tab", "enter", "escape", "w", "escape", "y", "o"):
            await stage.press(key)
            assert not any(sign in stage.text for sign in SIGNS)
