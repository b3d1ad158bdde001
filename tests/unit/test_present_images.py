"""What the images pane says, from values alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from refactor_console.domain.containers import ContainerBoard
from refactor_console.domain.images import ImageBoard, ImageComparison, Provenance
from refactor_console.domain.reading import Phase, Reading
from refactor_console.domain.repos import Platform, Repository
from refactor_console.widgets import present_image_dialogs as dialogs
from refactor_console.widgets import present_image_lines as lines
from refactor_console.widgets import present_images as say
from refactor_console.widgets.headlines import headline, headlines_of
from refactor_console.widgets.lazy_row import LazyRow
from tests.ui import boards
from tests.ui.double_session import DOWN, NOW, board


def scene(images: ImageBoard | None = None, containers: ContainerBoard | None = None) -> say.Scene:
    headlines = headlines_of(boards.runs(), boards.release_board())
    images = images or boards.image_board()
    return say.scene_of(
        boards.PLATFORM, images, containers or board(boards.container_rows()), "production", headlines, NOW
    )


def names(untagged: bool = False, wanted: str = "", images: ImageBoard | None = None) -> list[str]:
    made = say.RowMaker().rows(scene(images), untagged=untagged, wanted=wanted)
    return [f"{row.cells['image'].plain} {row.cells['tag'].plain}" for row in made]


def test_releases_come_first_then_branches_the_main_one_before_others() -> None:
    shown = names()
    assert [name.split()[0] for name in dict.fromkeys(shown)] == [
        *["backend", "backend", "backend", "frontend"],
        *["backend/main"] * 4,
        "backend/feat/zoom",
    ]


def test_a_running_digest_without_a_tag_is_there_though_untagged_ones_are_not() -> None:
    assert names()[:3] == ["backend ↻ stable", "backend (no tag)", "backend 1.0.0-beta2"]
    assert names(untagged=True).count("backend (no tag)") == 2


def test_a_running_digest_that_the_registry_does_not_list_is_there_too() -> None:
    reports = boards.image_reports()
    reports[3] = replace(reports[3], untagged=())
    maker = say.RowMaker()
    rows = maker.rows(scene(ImageBoard(tuple(reports))), untagged=False, wanted="")
    assert rows[1].cells["digest"].plain == say.short(boards.digest("backend old"))
    assert rows[1].cells["runs"].plain == "▲ production: rust-app"


def test_the_tag_that_moved_on_names_who_runs_something_else() -> None:
    row = say.RowMaker().rows(scene(), untagged=False, wanted="")[0]
    assert row.cells["runs"].plain == f"▲ rust-app runs {say.short(boards.digest('backend old'))}"


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        ("stable", 2),
        ("backend stable", 1),
        ("CALENDAR", 2),
        ("#240", 2),
        ("production rust-app", 1),
        ("untagged", 1),
        (boards.digest("main 2")[7:15], 1),
        ("verified", 2),
        ("backend nothing", 0),
    ],
)
def test_every_word_of_a_filter_must_be_somewhere_in_the_row(wanted: str, count: int) -> None:
    assert len(names(wanted=wanted)) == count


def test_what_a_row_is_searched_by_follows_its_image() -> None:
    maker = say.RowMaker()
    assert len(maker.rows(scene(), untagged=False, wanted="verified")) == 2
    reports = boards.image_reports()
    first = reports[1].tags[0]
    assert first.details is not None
    plain = replace(first, details=replace(first.details, provenance=Provenance.FOUND))
    reports[1] = replace(reports[1], tags=(plain, *reports[1].tags[1:]))
    assert len(maker.rows(scene(ImageBoard(tuple(reports))), untagged=False, wanted="verified")) == 1


def test_cells_are_made_only_for_rows_that_somebody_looks_at() -> None:
    rows = say.RowMaker().rows(scene(boards.many_tags(300)), untagged=True, wanted="")
    assert all(isinstance(row, LazyRow) and row._cells is None for row in rows)
    assert rows[7].cells["size"].plain


def test_rows_made_anew_from_equal_values_look_the_same_and_others_do_not() -> None:
    maker = say.RowMaker()
    before = maker.rows(scene(), untagged=False, wanted="")
    again = say.RowMaker().rows(scene(boards.image_board()), untagged=False, wanted="")
    assert all(new.same(old) for new, old in zip(again, before, strict=True))
    marked = maker.rows(scene(), untagged=False, wanted="", marked=before[2].key)
    assert [new.same(old) for new, old in zip(marked, before, strict=True)].count(False) == 1


def test_what_runs_is_said_in_a_sentence_for_every_standing() -> None:
    live = Reading(Phase.LIVE, NOW, board(boards.container_rows()), NOW)
    old, new = say.short(boards.digest("backend old")), say.short(boards.digest("backend new"))
    said = lines.running_lines(scene(), live, "production").plain.split("\n")
    assert said == [
        f"▲ rust-app runs {old} (no tag points at it, 34 d old); backend:stable moved on to {new} (2 d old), "
        "which is not deployed",
        f"● nextjs-app runs what frontend:stable points at, {say.short(boards.digest('frontend'))} (6 d old)",
    ]


def test_what_runs_is_not_guessed_where_containers_are_not_known() -> None:
    failed: Reading[ContainerBoard] = Reading(Phase.FAILED, NOW, problem=DOWN)
    assert "not known: Connecting to" in lines.running_lines(scene(), failed, "production").plain
    waiting: Reading[ContainerBoard] = Reading(Phase.CONNECTING, NOW)
    assert lines.running_lines(scene(), waiting, "production").plain == "? What runs in production is not known yet."


def test_alike_problems_share_a_line_with_the_remedy() -> None:
    reports = boards.image_reports()
    reports[1] = replace(reports[1], problem=boards.NOT_PERMITTED)
    found = lines.problem_lines(scene(ImageBoard(tuple(reports))))
    assert found is not None
    assert found.plain.startswith("▲ backend/main, backend/feat/zoom: Listing the versions")
    assert found.plain.endswith("Give the token the scope read:packages.")
    assert "\n" not in found.plain


def test_problems_beyond_the_limit_are_counted() -> None:
    reports = [
        replace(report, problem=replace(boards.NOT_PERMITTED, code=f"code {index}"))
        for index, report in enumerate(boards.image_reports())
    ]
    found = lines.problem_lines(scene(ImageBoard(tuple(reports))), limit=2)
    assert found is not None
    assert found.plain.endswith("and 2 other problems")


def test_the_heading_says_how_far_orphans_were_counted() -> None:
    assert lines.title(scene(), 9, untagged=False, wanted="") == (
        "Images · 8 tags · 3 untagged · 4 orphaned (counted in 3 of 4)"
    )
    nowhere = ImageBoard(tuple(replace(r, orphans_known=False) for r in boards.image_reports()))
    assert "orphans not counted" in lines.title(scene(nowhere), 9, untagged=True, wanted="")


def test_the_pull_command_is_by_digest_and_by_tag_only_where_there_is_none() -> None:
    tag = boards.image_reports()[3].tags[0]
    assert say.pull_command(tag) == f"docker pull {boards.BACKEND}@{boards.digest('backend new')}"
    assert say.pull_command(replace(tag, digest="")) == f"docker pull {boards.BACKEND}:stable"


def test_the_package_s_page_is_addressed_with_slashes_and_tags_escaped() -> None:
    report = boards.image_reports()[0]
    tag = replace(report.tags[0], tag="a b")
    url = say.package_url(boards.PLATFORM, report, tag)
    assert url == (
        "https://github.com/refactor-group/refactor-platform-rs/pkgs/container/"
        f"refactor-platform-rs%2Ffeat%2Fzoom/{tag.version_id}?tag=a%20b"
    )


def test_a_repository_of_another_role_goes_by_its_name() -> None:
    other = Repository("refactor-group", "tools")
    report = replace(
        boards.image_reports()[1],
        source=other,
        repository=replace(boards.MAIN, path="refactor-group/tools/main"),
    )
    found = say.scene_of(Platform(others=(other,)), ImageBoard((report,)), None, "production", {}, NOW)
    assert found.label(report) == "tools/main"


@pytest.mark.parametrize(
    ("subject", "number"),
    [
        ("feat: x (#12)", 12),
        ("Merge pull request #7 from a/b", 7),
        ("fix (#1) again", None),
        ("", None),
        ("x (#99999999999)", None),
    ],
)
def test_the_pull_request_is_read_from_where_github_writes_it(subject: str, number: int | None) -> None:
    assert headline(subject).pull_request == number


def _verdict(comparison: ImageComparison) -> str:
    return dict(dialogs.comparison_sections(comparison, NOW)[0][1])["Verdict"].plain


def test_a_comparison_says_which_way_it_goes() -> None:
    base = boards.comparison()
    assert _verdict(base) == "● 2 commits more in the newer"
    assert "they diverged" in _verdict(replace(base, behind=1))
    assert "goes back" in _verdict(replace(base, behind=1, commits=()))
    assert "no difference in commits is known" in _verdict(replace(base, commits=()))
    assert _verdict(replace(base, commits=(), notes=())) == "● built from the same commit"
    assert _verdict(replace(base, older=base.newer)) == "● the same image"


def test_a_platform_that_one_of_two_images_lacks_is_said() -> None:
    blocks = dict(dialogs.comparison_sections(boards.comparison(), NOW))
    sizes = {label: value.plain for label, value in blocks["Size, compressed"]}
    assert sizes == {"linux/amd64": "48.0 MiB → 51.0 MiB  +3.0 MiB", "linux/arm64/v8": "45.0 MiB  only in the newer"}


def test_a_position_without_a_digest_is_unknown_and_not_gone() -> None:
    rows = dialogs.position_rows(boards.history(), frozenset(), {})
    assert [row.cells["pull"].plain for row in rows] == ["● yes", "● yes", "✗ gone", "? unknown"]
    assert rows[3].cells["digest"].plain == "unknown"
    assert rows[0].cells["until"].plain == "● now"
