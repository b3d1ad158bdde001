"""The .env file as compose reads it: names, emptiness and hashes; never a value."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refactor_console.domain.dotenv import MOST_CHARACTERS, MOST_NOTES, DotEnv, keyed_digest, read

KEY = keyed_digest(b"a key of this session")
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True)
# What needs no quoting: no spaces at its ends, no quote in front, nothing that begins a comment.
PLAIN = st.text("abcXYZ0189-_=:/#$\"'\\é", max_size=20).filter(lambda t: t[:1] not in ("'", '"'))


def hashes(text: str) -> dict[str, str]:
    """Names with the hash of their values, each the value itself: what compose would make of the file."""
    values: dict[str, str] = {}

    def keep(value: str) -> str:
        values[str(len(values))] = value
        return str(len(values) - 1)

    return {name.name: values[name.digest] for name in read(text, keep).names}


def test_values_are_told_as_compose_reads_them() -> None:
    text = (
        "PLAIN=one\n"
        "  SPACED = two words  # a comment\n"
        "export EXPORTED=three\n"
        "YAML: four\n"
        "HASH=a#b\n"
        "SINGLE='fi#ve $X \\' ' # comment\n"
        'DOUBLE="six\\n\\"quoted\\" \\$X"\n'
        "MANY='first\nsecond\n'\n"
        "EMPTY=\nQUOTED_EMPTY=''\n"
        "# COMMENTED=1\n"
        "PASSED_ON\n"
        "URL=postgres://u:p@h/d?x=y\n"
        "LAST=end"
    )
    assert hashes(text) == {
        "PLAIN": "one",
        "SPACED": "two words",
        "EXPORTED": "three",
        "YAML": "four",
        "HASH": "a#b",
        "SINGLE": "fi#ve $X ' ",
        "DOUBLE": 'six\n"quoted" $X',
        "MANY": "first\nsecond\n",
        "EMPTY": "",
        "QUOTED_EMPTY": "",
        "URL": "postgres://u:p@h/d?x=y",
        "LAST": "end",
    }


def test_lines_may_end_as_windows_ends_them_and_begin_with_a_byte_order_mark() -> None:
    assert hashes("\ufeffA=1\r\nB='2'\r\n\r\n# c\r\nC=\r\n") == {"A": "1", "B": "2", "C": ""}


def test_of_two_lines_for_a_name_the_last_counts() -> None:
    assert hashes("A=1\nA=2\n") == {"A": "2"}


def test_names_that_begin_with_a_digit_are_passed_over_as_compose_does() -> None:
    assert hashes("1A=1\nA=2\n") == {"A": "2"}


def test_emptiness_and_sameness_are_all_that_is_kept() -> None:
    found = read("A=s3cret\nB='s3cret'\nC=other\nD=\nE=''\n", KEY)
    by_name = {name.name: name for name in found.names}
    assert [name for name, told in by_name.items() if told.empty] == ["D", "E"]
    assert by_name["A"].digest == by_name["B"].digest != by_name["C"].digest
    assert "s3cret" not in repr(found)
    other = read("A=s3cret\n", keyed_digest(b"another key"))
    assert other.names[0].digest != by_name["A"].digest, "hashes of two sessions cannot be compared"


def test_the_time_of_the_file_goes_with_every_name() -> None:
    at = datetime(2026, 11, 20, tzinfo=UTC)
    assert {name.written_at for name in read("A=1\nB=2", KEY, at).names} == {at}


@pytest.mark.parametrize(
    "text", ["s3cret words=1\n", "A='s3cret\n", 'A="s3cret \\"\n', "=s3cret\n", "s3cret!=x\n", "a s3cret\n"]
)
def test_what_compose_refuses_is_noted_by_its_line_and_not_by_its_words(text: str) -> None:
    found = read(f"# first\n\n{text}Z=1\n", KEY)
    assert "Line 3" in found.notes[0]
    assert "s3cret" not in repr(found)


def test_what_follows_a_bad_line_is_read_and_lines_are_counted_through_quotes() -> None:
    found = read("A='1\n2\n3'\nb d=1\nC=3\n", KEY)
    assert [name.name for name in found.names] == ["A", "C"]
    assert found.notes == ("Line 4: what stands before the = is no name.",)


def test_notes_and_length_are_bounded() -> None:
    found = read("! \n" * 500, KEY)
    assert len(found.notes) == MOST_NOTES
    found = read("A=" + "x" * 2 * MOST_CHARACTERS, KEY)
    assert "first" in found.notes[0]


def test_a_file_made_to_be_slow_is_not() -> None:
    for text in ("a" * 400_000, "A='" * 3_000, " " * 400_000, "A=\\" * 100_000, "#" * 400_000, "a\n" * 200_000):
        assert isinstance(read(text, KEY), DotEnv)


@given(st.dictionaries(NAMES, PLAIN, max_size=8), st.sampled_from(["\n", "\r\n"]))
def test_plain_values_are_read_back(values: dict[str, str], ending: str) -> None:
    text = "".join(f"{name}={value}{ending}" for name, value in values.items())
    assert hashes(text) == values


@given(st.dictionaries(NAMES, st.text(st.characters(exclude_characters="\\'")), max_size=8), st.booleans())
def test_single_quoted_values_are_read_back_over_any_number_of_lines(values: dict[str, str], export: bool) -> None:
    prefix = "export " if export else ""
    text = "".join(f"{prefix}{name}='{value}'  # comment\n" for name, value in values.items())
    assert hashes(text) == values


@given(st.text())
def test_no_file_is_too_strange(text: str) -> None:
    found = read(text, KEY)
    assert all(name.name for name in found.names)
    assert [name.name for name in found.names] == sorted({name.name for name in found.names})
