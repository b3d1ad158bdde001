"""Conventional commits: the specification's own examples, and what GitHub and git make of messages."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refactor_console.domain.conventional import OTHER, TITLES, footers, grouped, parse
from refactor_console.domain.images import Commit

AT = datetime(2026, 11, 24, tzinfo=UTC)
WORDS = st.text("abcdefghij XYZ,.", min_size=1).map(str.strip).filter(bool)
TYPES = st.sampled_from([name for name in TITLES if name != OTHER])


def commit(number: int, subject: str, body: str = "") -> Commit:
    return Commit(f"{number:040x}", subject, "alex", AT, body=body)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("feat: allow provided config object to extend other configs", ("feat", "", False)),
        ("feat!: send an email to the customer when a product is shipped", ("feat", "", True)),
        ("feat(api)!: send an email to the customer when a product is shipped", ("feat", "api", True)),
        ("docs: correct spelling of CHANGELOG", ("docs", "", False)),
        ("feat(lang): add Polish language", ("feat", "lang", False)),
        ("FEAT(Lang): case does not matter", ("feat", "Lang", False)),
        ("build(deps): bump actions/checkout from 4 to 5", ("build", "deps", False)),
        ("wip: not one of ours, yet conventional", ("wip", "", False)),
    ],
)
def test_the_specifications_examples_are_understood(message: str, expected: tuple[str, str, bool]) -> None:
    change = parse(message)
    assert (change.type, change.scope, change.breaking) == expected


@pytest.mark.parametrize(
    "subject", ["quick fix for the demo", "fix:no space", "fix :space", "WIP tidy up", "", "(#12)", ": x", "feat(a: b"]
)
def test_what_follows_no_convention_is_other_and_keeps_its_words(subject: str) -> None:
    assert parse(subject).type == OTHER
    assert parse(subject).group == OTHER


def test_a_type_that_is_none_of_the_groups_is_shown_among_the_others() -> None:
    assert parse("wip: later").group == OTHER


@pytest.mark.parametrize("token", ["BREAKING CHANGE", "BREAKING-CHANGE"])
@pytest.mark.parametrize("before", ["", "Some body.\n\n", "Some body.\n\nReviewed-by: Z\n"])
def test_a_breaking_change_footer_breaks_whatever_the_type(token: str, before: str) -> None:
    assert parse("chore!: drop", "").breaking
    assert parse("chore: drop support", f"{before}{token}: uses features of Node 6").breaking
    assert parse("chore: drop support", f"{before}{token}: uses it\r\nand more\r\n").breaking


@pytest.mark.parametrize("body", ["breaking change: lower case", "a BREAKING CHANGE: in the middle", "BREAKING CHANGE"])
def test_only_the_upper_case_footer_breaks(body: str) -> None:
    assert not parse("fix: x", body).breaking


def test_footers_are_read_as_the_specification_shows_them() -> None:
    body = (
        "Introduce a request id and a reference to latest request.\n\n"
        "Reviewed-by: Z\nRefs #133\nBREAKING CHANGE: several\nlines\n\nof it"
    )
    assert footers(body) == (("Reviewed-by", "Z"), ("Refs", "133"), ("BREAKING CHANGE", "several\nlines\n\nof it"))
    assert footers("Note: this paragraph follows nothing") == (("Note", "this paragraph follows nothing"),)
    assert footers("text\nNot-a: footer, for no blank line is before it") == ()


def test_a_squashed_pull_request_is_named_and_taken_off_the_description() -> None:
    change = parse("fix(web): a session that has ended answers 401 (#317)")
    assert (change.pull_request, change.description) == (317, "a session that has ended answers 401")


def test_a_merge_commit_is_what_its_pull_request_says() -> None:
    change = parse("Merge pull request #12 from org/feat/x", "feat(api)!: goals are shared\n\nmore")
    assert (change.type, change.scope, change.breaking, change.pull_request) == ("feat", "api", True, 12)
    assert change.merge
    plain = parse("Merge branch 'main' into feat/session-reminders")
    assert (plain.type, plain.merge, plain.pull_request) == (OTHER, True, None)


def test_a_revert_by_git_is_a_revert() -> None:
    change = parse('Revert "feat(web): notes are saved while typing" (#280)')
    assert (change.type, change.pull_request) == ("revert", 280)
    assert change.description == "feat(web): notes are saved while typing"
    assert parse("revert: feat: x").type == "revert"


def test_groups_come_in_their_order_with_titles_and_without_empty_ones() -> None:
    commits = [
        commit(1, "odd one"),
        commit(2, "fix: a"),
        commit(3, "feat: b", "BREAKING CHANGE: c"),
        commit(4, "fix!: d"),
    ]
    groups, breaking = grouped(commits)
    assert [(group.type, group.title, [c.sha[-1] for c in group.commits]) for group in groups] == [
        ("feat", "Features", ["3"]),
        ("fix", "Fixes", ["2", "4"]),
        ("other", "Other", ["1"]),
    ]
    assert [sha[-1] for sha in breaking] == ["3", "4"]


@given(TYPES, st.one_of(st.just(""), WORDS), st.booleans(), WORDS, st.none() | st.integers(1, 99_999))
def test_what_is_written_by_the_rules_is_read_back(
    kind: str, scope: str, bang: bool, description: str, number: int | None
) -> None:
    tail = f" (#{number})" if number is not None else ""
    written = f"{kind}{f'({scope})' if scope else ''}{'!' if bang else ''}: {description}{tail}"
    change = parse(written)
    assert (change.type, change.scope, change.breaking) == (kind, scope, bang)
    assert (change.description, change.pull_request) == (description, number)


@given(st.text(), st.text())
def test_no_message_is_too_strange(subject: str, body: str) -> None:
    change = parse(subject, body)
    assert change.group in TITLES


@given(st.lists(st.tuples(st.text(max_size=40), st.text(max_size=40)), max_size=30))
def test_grouping_loses_and_doubles_nothing(messages: list[tuple[str, str]]) -> None:
    commits = [commit(number, *message) for number, message in enumerate(messages)]
    groups, breaking = grouped(commits)
    held = [c for group in groups for c in group.commits]
    assert sorted(c.sha for c in held) == sorted(c.sha for c in commits)
    assert set(breaking) <= {c.sha for c in commits}


def test_a_message_made_to_be_slow_is_not() -> None:
    for subject in ("a" * 200_000, "feat(" * 50_000, "(#" * 100_000, " " * 100_000 + "(#1"):
        parse(subject, "A: b\n" * 20_000)
