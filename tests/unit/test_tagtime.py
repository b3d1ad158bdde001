"""The time machine of a moving tag: nothing invented, nothing that was seen contradicted, doubts told."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from refactor_console.domain.images import Evidence, TagPosition
from refactor_console.domain.tagtime import (
    LOOK_GAP,
    PushedVersion,
    ReleaseBuild,
    Sighting,
    is_fallback,
    is_moving,
    joined,
    reconstruct,
)

ZERO = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
A, B, C = (f"sha256:{letter * 64}" for letter in "abc")
REV_A, REV_B, REV_C = (f"{number}" * 40 for number in (1, 2, 3))


def at(hours: float) -> datetime:
    return ZERO + timedelta(hours=hours)


def seen(digest: str, first: float, last: float) -> Sighting:
    return Sighting(digest, at(first), at(last))


def push(digest: str, hours: float, revision: str = "", doubt: str = "") -> PushedVersion:
    return PushedVersion(digest, at(hours), revision, doubt)


def run(revision: str, hours: float, name: str = "run #7") -> ReleaseBuild:
    """One that took twelve minutes and ended then."""
    return ReleaseBuild(name, revision, at(hours - 0.2), at(hours))


def place(positions: tuple[TagPosition, ...], when: datetime) -> TagPosition | None:
    """Where the tag was then."""
    found = [p for p in positions if p.since <= when and (p.until is None or when < p.until)]
    assert len(found) <= 1, "positions overlap"
    return found[0] if found else None


@pytest.mark.parametrize(
    "tag", ["stable", "latest", "main", "pr-318", "feat-goal-📈", "deadbeef", "nightly", "release/x"]
)
def test_a_tag_that_names_neither_a_commit_nor_a_version_moves(tag: str) -> None:
    assert is_moving(tag)


@pytest.mark.parametrize(
    "tag",
    ["0" * 40, "1.0.0-beta3", "v2", "1.0-rc1", "1.0-beta1-test2", "sha-1a2b3c4", "20261124", f"sha256-{'a' * 64}", ""],
)
def test_a_commit_a_version_and_a_fallback_tag_do_not_move(tag: str) -> None:
    assert not is_moving(tag)


def test_fallback_tags_and_signatures_are_told_from_tags() -> None:
    assert is_fallback(f"sha256-{'a' * 64}")
    assert is_fallback(f"sha256-{'a' * 64}.sig")
    assert not is_fallback("sha256-abc")


def test_pushes_alone_make_positions_that_say_that_they_are_inferred() -> None:
    positions = reconstruct([], [push(A, 0, REV_A), push(B, 10, REV_B)], [], current=None)
    assert [(p.digest, p.since) for p in positions] == [(B, at(10)), (A, at(0))]
    assert all(p.evidence == (Evidence.VERSION_TIME,) for p in positions)
    assert all(p.note.startswith("Inferred from the time of its push") for p in positions)
    assert positions[0].until == at(10), "nobody knows whether it is still there, so it is not said"
    assert "could not be asked" in positions[0].note


def test_a_run_and_its_push_are_one_position_with_both_as_evidence() -> None:
    (position,) = reconstruct([seen(A, 10, 11)], [push(A, 1.9, REV_A)], [run(REV_A, 2)], current=A)
    assert position.evidence == (Evidence.OBSERVED, Evidence.RELEASE_RUN, Evidence.VERSION_TIME)
    assert (position.since, position.until, position.revision) == (at(1.9), None, REV_A)
    assert "Its start is that of the push" in position.note


def test_a_version_without_a_revision_gets_the_runs_and_the_note_says_how() -> None:
    position = reconstruct([], [push(A, 2)], [run(REV_A, 2)], current=None)[0]
    assert position.revision == REV_A
    assert "the image names none" in position.note


def test_a_run_whose_commit_is_not_the_labels_is_told_as_a_contradiction() -> None:
    positions = reconstruct([], [push(A, 2, REV_B)], [run(REV_A, 2)], current=None)
    assert len(positions) == 1
    assert positions[0].evidence == (Evidence.VERSION_TIME,)
    assert f"built commit {REV_A[:7]}, while its label names {REV_B[:7]}" in positions[0].note


def test_a_push_of_the_runs_commit_soon_after_it_is_its_outcome_and_said_to_be_late() -> None:
    positions = reconstruct([], [push(A, 3, REV_A), push(B, 40, REV_B)], [run(REV_A, 2), run(REV_B, 2.5)], current=None)
    late = next(p for p in positions if p.digest == A)
    assert late.evidence == (Evidence.RELEASE_RUN, Evidence.VERSION_TIME)
    assert "was over at 2026-11-01 14:00 UTC, before the push" in late.note
    assert [p.digest for p in positions] == [B, A, ""], "a day and more is too late"


def test_a_run_without_a_push_is_a_position_without_a_digest() -> None:
    positions = reconstruct([seen(B, 50, 51)], [], [run(REV_A, 2)], current=B)
    assert positions[1].digest == ""
    assert positions[1].revision == REV_A
    assert "no version pushed during it is left" in positions[1].note


def test_a_move_between_two_looks_says_between_which() -> None:
    positions = reconstruct([seen(A, 0, 5), seen(B, 30, 31)], [], [], current=B)
    assert [p.digest for p in positions] == [B, A]
    assert positions[0].since == at(30)
    assert f"it moved between {at(5):%Y-%m-%d %H:%M} UTC and that look" in positions[0].note
    assert "how long it had been so is not known" in positions[1].note


def test_a_push_between_two_looks_dates_the_move() -> None:
    positions = reconstruct([seen(A, 0, 5), seen(B, 30, 31)], [push(B, 12)], [], current=B)
    assert positions[0].since == at(12)
    assert positions[0].evidence == (Evidence.OBSERVED, Evidence.VERSION_TIME)


def test_a_tag_moved_back_is_seen_and_the_push_in_between_is_kept_as_doubt() -> None:
    (position,) = reconstruct([seen(A, 40, 41)], [push(A, 0), push(B, 20)], [], current=A)
    assert position.since == at(0)
    assert f"Version {B[:19]} was pushed" in position.note
    assert "either it never moved there, or it came back" in position.note


def test_a_release_run_in_between_makes_the_way_there_and_back_two_positions_more() -> None:
    pushes = [push(A, 0, REV_A), push(B, 20, REV_B)]
    positions = reconstruct([seen(A, 40, 41)], pushes, [run(REV_B, 20)], current=A)
    assert [p.digest for p in positions] == [A, B, A]
    assert positions[0].since == at(40)


def test_what_happened_while_the_tag_was_watched_does_not_move_it() -> None:
    positions = reconstruct([seen(A, 0, 5)], [push(B, 3, REV_B)], [run(REV_B, 3)], current=A)
    assert [p.digest for p in positions] == [A]
    assert "yet this console saw the tag here before and after" in positions[0].note


def test_a_tag_that_is_gone_is_not_said_to_be_still_there() -> None:
    positions = reconstruct([seen(A, 0, 5)], [], [], current="")
    assert positions[0].until == at(5)
    assert "gone by now" in positions[0].note


def test_a_doubt_is_told_unless_a_run_settles_it() -> None:
    doubtful = push(A, 2, REV_A, doubt="It may have carried another tag.")
    assert "another tag" in reconstruct([], [doubtful], [], current=None)[0].note
    assert "another tag" not in reconstruct([], [doubtful], [run(REV_A, 2)], current=None)[0].note


def test_looks_far_apart_do_not_prove_what_was_in_between() -> None:
    far = LOOK_GAP.total_seconds() / 3600 + 1
    assert len(joined([seen(A, 0, 1), seen(A, 1 + far, 2 + far)])) == 2
    assert joined([seen(A, 0, 1), seen(A, 2, 3)]) == (seen(A, 0, 3),)


def test_two_consoles_that_disagree_about_a_moment_do_not_overlap() -> None:
    assert joined([seen(A, 0, 5), seen(B, 4, 9)]) == (seen(A, 0, 4), seen(B, 4, 9))


def test_what_another_console_saw_in_the_middle_is_not_lost() -> None:
    assert joined([seen(A, 0, 9), seen(B, 4, 5)]) == (seen(A, 0, 4), seen(B, 4, 5), seen(A, 5, 9))


# -- whatever the evidence

moments = st.integers(0, 400).map(at)
digests = st.sampled_from([A, B, C])
revisions = st.sampled_from([REV_A, REV_B, REV_C])


@st.composite
def watches(draw: st.DrawFn) -> list[Sighting]:
    """Sightings in order, none of which touches another."""
    found, hour = [], 0
    for _ in range(draw(st.integers(0, 5))):
        first = hour + draw(st.integers(1, 40))
        hour = first + draw(st.integers(0, 30))
        found.append(seen(draw(digests), first, hour))
    return found


pushes = st.lists(
    st.builds(PushedVersion, digests, moments, st.one_of(st.just(""), revisions), st.just("")),
    max_size=5,
    unique_by=lambda v: v.digest,
)
runs = st.lists(
    st.tuples(revisions, st.integers(0, 400), st.integers(0, 2)).map(
        lambda t: ReleaseBuild(f"run #{t[1]}", t[0], at(t[1]), at(t[1] + t[2]))
    ),
    max_size=4,
)


@given(watches(), pushes, runs, st.booleans())
def test_whatever_the_evidence_nothing_is_invented_and_nothing_seen_is_contradicted(
    sightings: list[Sighting], versions: list[PushedVersion], builds: list[ReleaseBuild], asked: bool
) -> None:
    current = sightings[-1].digest if sightings and asked else None
    positions = reconstruct(sightings, versions, builds, current=current)
    assert {p.digest for p in positions} <= {s.digest for s in sightings} | {v.digest for v in versions} | {""}
    assert {p.revision for p in positions} <= {v.revision for v in versions} | {b.revision for b in builds} | {""}
    times = {s.first for s in sightings} | {v.at for v in versions} | {b.ended for b in builds}
    assert {p.since for p in positions} <= times
    for newer, older in itertools.pairwise(positions):
        assert older.until == newer.since
        assert older.since <= newer.since
    for index, position in enumerate(positions):
        assert position.evidence
        assert Evidence.OBSERVED in position.evidence or "nferred" in position.note
        assert position.until is not None or (index == 0 and position.digest == current)
    for sighting in sightings:
        for moment in {sighting.first, sighting.first + (sighting.last - sighting.first) / 2}:
            found = place(positions, moment)
            assert found is None or found.digest == sighting.digest
        assert any(p.digest == sighting.digest and Evidence.OBSERVED in p.evidence for p in positions)


@given(watches(), pushes, runs, st.randoms(use_true_random=False))
def test_the_order_of_the_evidence_does_not_matter(
    sightings: list[Sighting], versions: list[PushedVersion], builds: list[ReleaseBuild], shuffled: object
) -> None:
    expected = reconstruct(sightings, versions, builds, current=None)
    for items in (sightings, versions, builds):
        shuffled.shuffle(items)  # type: ignore[attr-defined]
    assert reconstruct(sightings, versions, builds, current=None) == expected


@example([Sighting(A, at(0), at(1)), Sighting(B, at(0), at(0)), Sighting(B, at(0), at(1))])
@given(st.lists(st.builds(Sighting, digests, moments, moments), max_size=8))
def test_joining_what_is_joined_changes_nothing(sightings: list[Sighting]) -> None:
    once = joined(sightings)
    assert joined(once) == once
    assert all(a.last <= b.first for a, b in itertools.pairwise(once))
