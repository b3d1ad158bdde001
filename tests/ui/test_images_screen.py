"""The images pane: what runs against what tags point at, filters, the time machine, comparisons, and what fails."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from refactor_console.domain.images import ImageBoard
from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.screens.dialogs.image_compare import ImageCompareDialog
from refactor_console.screens.dialogs.image_details import ImageDetailsDialog
from refactor_console.screens.dialogs.problem import ProblemDialog
from refactor_console.screens.dialogs.tag_history import TagHistoryDialog
from refactor_console.screens.images import ImagesScreen
from refactor_console.widgets.lazy_row import LazyRow
from refactor_console.widgets.present_images import COLUMNS, short
from tests.ui import boards
from tests.ui.double_images import at, live_session, with_door
from tests.ui.double_session import DOWN, EVIL, DoubleSession, board
from tests.ui.stage import Stage

SIGNS = ("\x1b", "\x07", "\u202e", "\u2066")
OLD, NEW = boards.digest("backend old"), boards.digest("backend new")


def tags(stage: Stage) -> list[str]:
    return [row.cells["tag"].plain for row in stage.table("#images").rows]


async def test_what_runs_and_what_the_tag_points_at_now_are_said_first() -> None:
    session, door = live_session()
    async with at("images", session) as stage:
        await stage.says(f"▲ rust-app runs {short(OLD)}", f"moved on to {short(NEW)}", "which is not deployed")
        await stage.says("● nextjs-app runs what frontend:stable points at")
        assert stage.table("#images").has_focus
        assert "images" in door.looked_at


@pytest.mark.parametrize(
    ("width", "there", "gone"),
    [
        (80, {"image", "tag", "runs", "digest", "age"}, {"subject", "platforms", "size"}),
        (120, {"image", "tag", "runs", "digest", "age", "revision", "subject", "provenance"}, {"size"}),
        (200, {column.key for column in COLUMNS}, set()),
    ],
)
async def test_columns_leave_in_a_sensible_order(width: int, there: set[str], gone: set[str]) -> None:
    async with at("images", live_session()[0], size=(width, 40)) as stage:
        shown = set(stage.table("#images").shown_columns)
        assert there <= shown
        assert not gone & shown


async def test_untagged_versions_come_on_request_but_what_runs_is_always_there() -> None:
    async with at("images", live_session()[0]) as stage:
        await stage.until(lambda: tags(stage).count("(no tag)") == 1)
        await stage.press("u")
        await stage.until(lambda: tags(stage).count("(no tag)") == 3)
        await stage.says("3 untagged, shown")
        await stage.press("u")
        await stage.until(lambda: tags(stage).count("(no tag)") == 1)


async def test_the_filter_narrows_as_it_is_typed_is_kept_by_enter_and_forgotten_by_escape() -> None:
    async with at("images", live_session()[0]) as stage:
        everything = len(tags(stage))
        await stage.press("slash", *"calen")
        await stage.until(lambda: len(tags(stage)) == 2)
        await stage.press("enter")
        assert stage.table("#images").has_focus
        await stage.says("2 like 'calen'")
        await stage.press("escape")
        await stage.until(lambda: len(tags(stage)) == everything)


async def test_a_filter_without_a_hit_says_so_and_keys_on_nothing_are_answered() -> None:
    async with at("images", live_session()[0]) as stage:
        await stage.press("slash", *"zzz", "enter")
        await stage.says("No image is like 'zzz'. Esc clears.")
        for key in ("enter", "i", "t", "c", "y", "p", "o"):
            await stage.press(key)
            assert isinstance(stage.app.screen, ImagesScreen)
        await stage.press("i")
        await stage.says("No image is selected.")


@pytest.mark.parametrize("key", ["i", "enter"])
async def test_details_show_every_platform_labels_commit_provenance_and_how_to_pull(key: str) -> None:
    session, door = live_session()
    async with at("images", session, size=(160, 60)) as stage:
        await stage.press("down", "down", "down", "down", key)
        await stage.until(lambda: isinstance(stage.app.screen, ImageDetailsDialog))
        built = boards.digest("main 3")
        await stage.says("linux/amd64", "linux/arm64/v8", "45.0 MiB", "org.opencontainers.image.source")
        await stage.says(
            "a calendar for coaches (#240)",
            "/pull/240",
            "One more pull request could not be read.",
            "✓ verified",
            "The signature was not checked.",
        )
        await stage.says(f"docker pull {boards.MAIN}@{built}", f"docker pull {boards.MAIN}:latest   (this tag moves)")
        await stage.press("y")
        assert stage.app.clipboard == built
        await stage.press("p")
        assert stage.app.clipboard == f"docker pull {boards.MAIN}@{built}"
        await stage.press("c")
        assert "org.opencontainers.image.title" in stage.app.clipboard
        await stage.press("escape")
        assert isinstance(stage.app.screen, ImagesScreen)
        key = f"{boards.MAIN}:latest"
        assert door.asked == [("details", key), ("revision", key)], "each once"


async def test_a_refused_answer_is_said_in_the_dialog_and_can_be_asked_again() -> None:
    session, door = live_session()
    door.refusal = boards.NOT_PERMITTED
    async with at("images", session) as stage:
        await stage.press("i")
        await stage.says("GitHub refused (403)", "Give the token the scope read:packages.")
        door.refusal = None
        await stage.press("r")
        await stage.says("Platforms, compressed")


async def test_the_registry_s_answer_does_not_wait_for_github_s_and_its_refusal_is_only_noted() -> None:
    session, door = live_session()

    async def refused(_tag: object) -> None:
        raise ConsoleError(DOWN)

    door.image_revision = refused  # type: ignore[method-assign, assignment]
    async with at("images", session, size=(160, 60)) as stage:
        await stage.press("i")
        await stage.says(
            "Platforms, compressed", "chore: release 1.0.0-beta3", "✗ Connecting to deploy@refactor-droplet"
        )


async def test_a_row_whose_contents_cannot_be_read_says_why() -> None:
    session, door = live_session()
    reports = boards.image_reports()
    gone = Problem("Reading main@2: the registry has no such manifest.", "It was deleted.", code="not-found")
    rows = (replace(reports[1].tags[0], details=None, problem=gone), *reports[1].tags[1:])
    door.images.live(ImageBoard((replace(reports[1], tags=rows),)))
    async with at("images", session, size=(160, 40)) as stage:
        await stage.says(
            "✗ not read", "Contents   ✗ Reading main@2: the registry has no such manifest.  It was deleted."
        )


async def test_a_dialog_closed_before_its_answer_comes_leaves_nothing_behind() -> None:
    session, door = live_session()
    door.may_answer.clear()
    async with at("images", session) as stage:
        await stage.press("i")
        await stage.says("Asking the registry")
        await stage.press("escape")
        door.may_answer.set()
        await stage.until(lambda: isinstance(stage.app.screen, ImagesScreen))
        assert not stage.app._notifications


async def test_the_time_machine_shows_positions_with_evidence_and_hands_out_their_digests() -> None:
    session, door = live_session()
    async with at("images", session, size=(160, 50)) as stage:
        await stage.press("t")
        await stage.until(lambda: isinstance(stage.app.screen, TagHistoryDialog))
        await stage.says("2026-03-12 09:26", "● now", "observed, release run", "✗ gone", "? unknown")
        await stage.says("▲ Runs older than 400 days are not kept by GitHub.")
        await stage.press("down")
        await stage.says(OLD, "Runs now   production: rust-app")
        await stage.press("y")
        assert stage.app.clipboard == OLD
        await stage.press("p")
        assert stage.app.clipboard == f"docker pull {boards.BACKEND}@{OLD}"
        await stage.press("enter")
        await stage.until(lambda: isinstance(stage.app.screen, ImageDetailsDialog))
        assert ("details", f"{boards.BACKEND}@{OLD}") in door.asked
        await stage.press("escape", "down", "down", "y")
        await stage.says("Of this position no digest is known.")
        await stage.press("c")
        assert stage.app.clipboard.count(" UTC") >= 4
        assert [what for what, *_ in door.asked] == ["history", "details", "revision"]


async def test_the_time_machine_of_another_row_is_that_of_its_repository_s_moving_tag() -> None:
    session, door = live_session()
    async with at("images", session) as stage:
        await stage.press("down", "down", "t")
        await stage.until(lambda: door.asked == [("history", f"{boards.BACKEND}:stable")])


async def test_where_no_tag_moves_there_is_no_time_machine() -> None:
    session, door = live_session()
    reports = boards.image_reports()
    fixed = tuple(replace(row, moving=False) for row in reports[2].tags)
    door.images.live(ImageBoard((replace(reports[2], tags=fixed),)))
    async with at("images", session) as stage:
        await stage.press("t")
        await stage.says("No tag of frontend moves")
        assert not door.asked


async def test_an_empty_past_is_said() -> None:
    session, door = live_session()
    door.history = replace(door.history, positions=())
    async with at("images", session) as stage:
        await stage.press("t")
        await stage.says("Nothing is known of where it pointed.", "400 days")
        await stage.press("y", "enter")
        await stage.says("Nothing is selected.")


async def test_one_is_marked_and_compared_with_another() -> None:
    session, door = live_session()
    async with at("images", session) as stage:
        await stage.press("c")
        await stage.says("◆ ↻ stable", "c on another row compares them, Esc forgets it")
        await stage.press("down", "c")
        await stage.until(lambda: isinstance(stage.app.screen, ImageCompareDialog))
        assert door.asked == [("compare", f"{boards.BACKEND}:stable", f"{boards.BACKEND}@{OLD}")]
        await stage.says("2 commits more in the newer", "#231", "48.0 MiB → 51.0 MiB", "only in the newer")
        await stage.says("Attestations were not compared.")
        await stage.press("escape")
        assert "is marked" not in stage.text


@pytest.mark.parametrize("key", ["c", "escape"])
async def test_a_mark_is_taken_back(key: str) -> None:
    session, door = live_session()
    async with at("images", session) as stage:
        await stage.press("c")
        await stage.says("is marked")
        await stage.press(key)
        await stage.until(lambda: "is marked" not in stage.text)
        assert isinstance(stage.app.screen, ImagesScreen)
        assert not door.asked


async def test_digest_and_pull_command_are_copied_from_the_table() -> None:
    async with at("images", live_session()[0]) as stage:
        await stage.press("y")
        assert stage.app.clipboard == NEW
        await stage.press("p")
        assert stage.app.clipboard == f"docker pull {boards.BACKEND}@{NEW}"


async def test_without_a_desktop_o_hands_over_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("refactor_console.screens.links.has_desktop", lambda: False)
    async with at("images", live_session()[0]) as stage:
        await stage.press("o")
        page = "https://github.com/refactor-group/refactor-platform-rs/pkgs/container/refactor-platform-rs"
        assert stage.app.clipboard.startswith(page)


async def test_a_repository_that_may_not_be_read_is_named_with_its_remedy_and_hides_nothing() -> None:
    async with at("images", live_session()[0], size=(160, 40)) as stage:
        await stage.says("▲ backend/feat/zoom:", "Give the token the scope read:packages.", "1.0.0-beta2")
        await stage.press("w")
        await stage.until(lambda: isinstance(stage.app.screen, ProblemDialog))
        await stage.says("Resource not accessible by personal access token")


async def test_connecting_off_failed_and_stale_are_told_apart() -> None:
    session = DoubleSession().live(boards.container_rows())
    door = with_door(session)
    async with at("images", session) as stage:
        await stage.says("◐ connecting…")
        door.images.off("No GitHub token: sign in to see images.")
        await stage.says("○ off", "No GitHub token: sign in to see images.")
        door.images.fail(DOWN, 7)
        await stage.says("✗ failed · retry in 7 s", DOWN.remedy)
        door.images.live(boards.image_board())
        await stage.says("● live", "1.0.0-beta2")
        session.clock.forward(90)
        door.images.stale()
        await stage.says("◌ stale · 1 min", "1.0.0-beta2")
        door.images.fail(DOWN, 7)
        await stage.says("✗ failed", "1.0.0-beta2", "no answer within 10 s")


async def test_what_runs_is_not_guessed_while_the_host_is_away() -> None:
    session = DoubleSession()
    with_door(session).live()
    async with at("images", session) as stage:
        await stage.says("? What runs in production is not known yet.", "1.0.0-beta2")
        session.containers.fail(DOWN, 7)
        await stage.says("What runs in production is not known: Connecting to deploy@refactor-droplet")
        session.containers.live(board(boards.container_rows()))
        await stage.says("which is not deployed")
        session.clock.forward(300)
        session.containers.fail(DOWN, 7)
        await stage.says("Containers as they were 5 min ago.")


async def test_the_cursor_stays_on_its_tag_while_rows_come() -> None:
    session, door = live_session()
    async with at("images", session) as stage:
        table = stage.table("#images")
        await stage.press("down", "down", "down")
        chosen = table.cursor_key
        reports = boards.image_reports()
        reports[3] = replace(reports[3], tags=(*reports[3].tags, boards.tag(boards.BACKEND, "1.0.1", "new one", 0)))
        count = len(table.rows)
        door.images.live(ImageBoard(tuple(reports)))
        await stage.until(lambda: len(table.rows) == count + 1)
        assert table.cursor_key == chosen


async def test_figures_that_change_every_second_do_not_make_the_table_anew() -> None:
    session, _ = live_session()
    async with at("images", session) as stage:
        before = stage.table("#images").rows
        session.containers.live(board(boards.container_rows()))
        await stage.pilot.pause()
        assert stage.table("#images").rows is before
        session.containers.live(board([]))
        await stage.says("No container in production runs an image of these repositories.")


async def test_mouse_selects_a_row_and_a_double_click_opens_it() -> None:
    async with at("images", live_session()[0]) as stage:
        table = stage.table("#images")
        await stage.pilot.click(table, offset=(5, 3))
        await stage.until(lambda: table.cursor_index == 2)
        await stage.pilot.click(table, offset=(5, 4), times=2)
        await stage.until(lambda: isinstance(stage.app.screen, ImageDetailsDialog))
        await stage.says("refactor-platform-fe:stable")


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_hostile_names_stay_text_in_table_lines_panel_and_dialogs(size: tuple[int, int]) -> None:
    session, door = live_session()
    session.containers.live(board(boards.hostile_containers()))
    door.images.live(boards.hostile_images())
    door.history = replace(
        door.history,
        tag=EVIL,
        positions=tuple(replace(p, revision=EVIL, note=EVIL) for p in door.history.positions),
        caveats=(EVIL,),
    )
    pair = door.comparison
    door.comparison = replace(
        pair,
        commits=tuple(replace(c, subject=EVIL, author=EVIL, sha=EVIL) for c in pair.commits),
        pull_requests=tuple(replace(p, title=EVIL, author=EVIL) for p in pair.pull_requests),
        sizes=((EVIL, 1, None),),
        labels=((EVIL, EVIL, ""),),
        notes=(EVIL,),
    )
    async with at("images", session, size=size) as stage:
        await stage.says("[red]")
        for key in ("i", "escape", "t", "down", "escape", "c", "u", "w", "escape", "slash", "[", "escape", "y", "o"):
            await stage.press(key)
            assert not any(sign in stage.text for sign in SIGNS)
        one, other = boards.image_reports()[3].tags
        stage.app.push_screen(ImageCompareDialog(door, one, other, session.clock))  # type: ignore[arg-type]
        await stage.says("[red]")
        assert not any(sign in stage.text for sign in SIGNS)


async def test_five_thousand_tags_open_and_filter_without_making_rows_that_nobody_sees() -> None:
    session, door = live_session()
    door.images.live(boards.many_tags(5000))
    async with at("images", session) as stage:
        table = stage.table("#images")
        assert len(table.rows) > 5000
        made = sum(isinstance(row, LazyRow) and row._cells is not None for row in table.rows)
        assert made < 60, "only what is on the screen"
        await stage.press("end")
        await stage.says(table.rows[-1].cells["digest"].plain)
        await stage.press("home")
        begun = time.perf_counter()
        await stage.press("slash", *"main 4")
        elapsed = time.perf_counter() - begun
        await stage.until(lambda: len(table.rows) < 5000)
        assert elapsed < 5.0, "six keys, on a busy machine"
        session.clock.forward(61)
        begun = time.process_time()
        stage.app.screen._again()  # type: ignore[attr-defined]
        assert time.process_time() - begun < 0.5
