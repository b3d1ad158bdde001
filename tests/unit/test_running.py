"""What runs against what its tag points at: every standing, whoever knows or does not know the digest."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refactor_console.domain.containers import ContainerRow, ContainerState
from refactor_console.domain.images import ImageBoard, ImageUse
from refactor_console.domain.running import Reference, Standing, parse_reference, running_images, uses_of
from tests.ui.boards import BACKEND, container_rows, digest, image_board, image_reports
from tests.ui.double_session import board, container


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ghcr.io/o/n:stable", Reference("ghcr.io/o/n", "stable", "")),
        ("ghcr.io/o/n", Reference("ghcr.io/o/n", "latest", "")),
        ("127.0.0.1:5055/o/n", Reference("127.0.0.1:5055/o/n", "latest", "")),
        ("127.0.0.1:5055/o/n:1.0", Reference("127.0.0.1:5055/o/n", "1.0", "")),
        ("ghcr.io/o/n@sha256:ab", Reference("ghcr.io/o/n", "", "sha256:ab")),
        ("ghcr.io/o/n:stable@sha256:ab", Reference("ghcr.io/o/n", "stable", "sha256:ab")),
        ("nginx", Reference("nginx", "latest", "")),
        ("", Reference("", "latest", "")),
    ],
)
def test_a_reference_is_taken_apart(text: str, expected: Reference) -> None:
    assert parse_reference(text) == expected


@given(st.text())
def test_no_reference_is_too_odd_to_take_apart(text: str) -> None:
    found = parse_reference(text)
    assert found.tag or found.digest or text.endswith((":", "@")) or "@" in text


def _run(image: str, image_digest: str, images: ImageBoard | None = None) -> Standing:
    row = ContainerRow(container("rust-app", image=image, image_digest=image_digest))
    (found,) = running_images(images or image_board(), board([row]), "production")
    return found.standing


def test_a_container_that_runs_what_its_tag_points_at_is_current() -> None:
    assert _run(f"{BACKEND}:stable", digest("backend new")) is Standing.CURRENT


def test_a_platform_s_digest_counts_as_its_index() -> None:
    assert _run(f"{BACKEND}:stable", digest("backend new amd64")) is Standing.CURRENT


def test_a_container_whose_tag_moved_on_says_so_even_where_no_version_has_its_digest() -> None:
    assert _run(f"{BACKEND}:stable", digest("backend old")) is Standing.MOVED
    assert _run(f"{BACKEND}:stable", digest("of another time")) is Standing.MOVED


def test_by_digest_there_is_nothing_to_compare_with() -> None:
    assert _run(f"{BACKEND}@{digest('backend old')}", "") is Standing.PINNED


@pytest.mark.parametrize("missing", ["container", "tag", "digest of the tag"])
def test_what_is_not_known_is_never_called_current_or_moved(missing: str) -> None:
    reports = image_reports()
    if missing == "tag":
        reports[3] = replace(reports[3], tags=reports[3].tags[1:])
    elif missing == "digest of the tag":
        reports[3] = replace(reports[3], tags=(replace(reports[3].tags[0], digest="", details=None),))
    ran = "" if missing == "container" else digest("backend old")
    assert _run(f"{BACKEND}:stable", ran, ImageBoard(tuple(reports))) is Standing.UNKNOWN


def test_services_of_one_image_share_an_entry_and_one_that_is_down_says_so() -> None:
    same = digest("backend new")
    rows = [
        ContainerRow(container("rust-app", image=f"{BACKEND}:stable", image_digest=same)),
        ContainerRow(
            container("worker", image=f"{BACKEND}:stable", image_digest=same, state=ContainerState.EXITED, exit_code=1)
        ),
    ]
    (found,) = running_images(image_board(), board(rows), "production")
    assert found.services == ("rust-app", "worker (exited)")


def test_done_one_shots_strangers_and_other_images_are_left_out() -> None:
    found = running_images(image_board(), board(container_rows()), "production")
    assert [entry.services for entry in found] == [("rust-app",), ("nextjs-app",)]


def test_without_a_board_of_containers_nothing_is_said_to_run() -> None:
    assert running_images(image_board(), None, "production") == ()


def test_uses_of_other_environments_stay_beside_this_one_s_and_none_is_told_twice() -> None:
    reports = image_reports()
    told = (ImageUse("staging", "rust-app"), ImageUse("production", "rust-app"))
    old = replace(reports[3].untagged[0], used_by=told)
    reports[3] = replace(reports[3], untagged=(old,))
    images = ImageBoard(tuple(reports))
    uses = uses_of(images, running_images(images, board(container_rows()), "production"))
    assert sorted(str(use.environment) for use in uses[old.digest]) == ["production", "staging"]
