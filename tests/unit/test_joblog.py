"""A job's log: nothing of it is lost, groups fold as GitHub folds them, and the first error is found."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refactor_console.domain.joblog import Group, first_error, fold, kind_of, parse, span_of, text_of
from refactor_console.domain.logs import Level

LOG = "\ufeff" + "\r\n".join(
    (
        "2026-11-24T02:00:00.1234567Z ##[group]Run cargo test --workspace",
        "2026-11-24T02:00:00.2000000Z \x1b[36;1mcargo test --workspace\x1b[0m",
        "2026-11-24T02:00:00.3000000Z shell: /usr/bin/bash -e {0}",
        "2026-11-24T02:00:00.3000001Z ##[endgroup]",
        "2026-11-24T02:00:05.0000000Z test domain::coaching ... FAILED",
        "a line without a time of its own",
        "2026-11-24T02:00:06.0000000Z \x1b[31m##[error]Process completed with exit code 101.",
        "2026-11-24T02:00:07.0000000Z ##[group]Post job cleanup",
        "2026-11-24T02:00:07.5000000Z ##[warning]Node 16 is old",
        "",
    )
)


def test_times_keep_all_their_digits_and_a_line_without_one_has_its_neighbours() -> None:
    lines = parse(LOG)
    base = int(datetime(2026, 11, 24, 2, tzinfo=UTC).timestamp()) * 10**9
    assert lines[0].time_ns == base + 123_456_700
    assert lines[5].time_ns == lines[4].time_ns
    assert lines[5].message == "a line without a time of its own"
    assert len(lines) == 9


def test_errors_and_warnings_are_levels_also_behind_colours() -> None:
    lines = parse(LOG)
    assert [line.level for line in lines[6:]] == [Level.ERROR, Level.UNKNOWN, Level.WARNING]
    assert text_of(lines[6].message) == "Process completed with exit code 101."
    assert first_error(lines) == 6


def test_groups_fold_up_to_their_end_or_the_end_of_the_log() -> None:
    assert fold(parse(LOG)) == (
        Group("Run cargo test --workspace", 0, 3, False),
        Group("Post job cleanup", 7, 8, False),
    )


def test_a_group_that_is_never_closed_ends_where_the_next_begins() -> None:
    lines = parse("##[group]one\nx\n##[error]y\n##[group]two\nz\n")
    assert fold(lines) == (Group("one", 0, 2, True), Group("two", 3, 4, False))


def test_the_lines_of_a_step_are_told_by_its_times() -> None:
    lines = parse(LOG)
    begun = datetime(2026, 11, 24, 2, 0, 5, tzinfo=UTC)
    assert span_of(lines, begun, datetime(2026, 11, 24, 2, 0, 6, tzinfo=UTC)) == (4, 7)
    assert span_of(lines, None, None) is None
    assert span_of(lines, datetime(2027, 1, 1, tzinfo=UTC), None) is None


def test_what_is_beyond_the_bound_is_said() -> None:
    lines = parse("a\nb\nc\nd\n", limit=2)
    assert [line.message for line in lines] == ["a", "b", "2 more lines are not shown."]


@pytest.mark.parametrize("text", ["", "\ufeff", "2026-13-45T99:99:99.1Z x", "2026-02-30T00:00:00Z x"])
def test_nothing_and_nonsense_are_read(text: str) -> None:
    assert all(line.time_ns == 0 for line in parse(text))


@given(st.text(alphabet=st.characters(exclude_characters="\r\n"), max_size=200))
def test_a_lines_text_is_never_lost(text: str) -> None:
    (line,) = parse(f"2026-11-24T02:00:00.0000000Z {text}\n")
    assert line.message == text


@given(st.lists(st.sampled_from(["##[group]t", "##[endgroup]", "##[error]e", "x", "\x1b[1m##[group]u"]), max_size=40))
def test_groups_never_overlap_and_begin_with_their_title(commands: list[str]) -> None:
    lines = parse("\n".join(commands))
    groups = fold(lines)
    end = -1
    for group in groups:
        assert end < group.first <= group.last < len(lines)
        assert kind_of(lines[group.first].message) == "group"
        inside = lines[group.first + 1 : group.last + 1]
        assert group.failed == any(kind_of(line.message) == "error" for line in inside)
        end = group.last
    assert len(groups) == sum(kind_of(line.message) == "group" for line in lines)


@given(st.text(max_size=2_000))
def test_any_text_is_read_line_by_line(text: str) -> None:
    lines = parse(text)
    body = text.removeprefix("\ufeff")
    assert len(lines) == body.count("\n") + (body != "" and not body.endswith("\n"))
    fold(lines)
    first_error(lines)
