"""The .env file as compose reads it: names, emptiness and hashes; never a value."""

from __future__ import annotations

import base64
import textwrap
from datetime import UTC, datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from refactor_console.domain.dotenv import MOST_CHARACTERS, MOST_NOTES, DotEnv, keyed_digest, read

KEY = keyed_digest(b"a key of this session")
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True)
# What needs no quoting: no spaces at its ends, no quote in front, nothing that begins a comment.
PLAIN = st.text("abcXYZ0189-_=:/#$\"'\\é", max_size=20).filter(lambda t: t[:1] not in ("'", '"') and t.strip("="))


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


# -- a value that goes astray

SECRETS = st.from_regex(r"[A-Za-z0-9]{10,40}", fullmatch=True).filter(lambda t: not t.isupper() and not t.isdigit())


@given(SECRETS, st.sampled_from(["=", "==", "=abc", ": abc", ""]), st.sampled_from(["\n", "\r\n"]))
def test_no_piece_of_a_value_with_a_wrong_quote_is_shown_as_a_name(secret: str, tail: str, ending: str) -> None:
    texts = [
        f'KEY="-----BEGIN PRIVATE KEY-----{ending}MIIE{ending}{secret}{tail}{ending}Z=1{ending}',
        f"KEY='{ending}{secret}{tail}",
        f'A="x"{secret}{tail}{ending}B=2{ending}',
        f'A="x" {secret}{tail}{ending}B=2{ending}',
        f"A='C:\\dir\\'{ending}B='{secret}{tail}'{ending}C=3",
        f"A='C:\\dir\\'{ending}B='one{ending}{secret}{tail}'{ending}",
    ]
    for text in texts:
        found = read(text, KEY)
        assert all(secret not in name.name for name in found.names), text
        assert found.notes
        assert all(secret not in note for note in found.notes)


@given(st.binary(min_size=8, max_size=200), st.sampled_from([16, 64, 76]), st.sampled_from(["\n", "\r\n"]))
def test_no_line_of_base64_without_quotes_is_shown_as_a_name(secret: bytes, width: int, ending: str) -> None:
    lines = textwrap.wrap(base64.b64encode(secret).decode(), width)
    assume(len(lines) > 2 or not lines[-1].rstrip("=").isupper())  # two lines of which one is all capitals: a name
    found = read(f"CERT=abcd{ending}" + ending.join(lines) + f"{ending}EMPTY={ending}SMTP_PASSWORD=\n", KEY)
    assert [name.name for name in found.names] == ["CERT", "EMPTY", "SMTP_PASSWORD"]


def test_empty_names_as_people_write_them_are_names() -> None:
    text = "A=x\nEMPTY=\nAPI=\nS3_KEY2=\nOAUTH2=\n_X=\nhttp_proxy=\nmixedCase=''\nmixedCase2=x\n"
    found = read(text, KEY)
    assert {name.name for name in found.names} == {
        "A", "EMPTY", "API", "S3_KEY2", "OAUTH2", "_X", "http_proxy", "mixedCase", "mixedCase2",
    }  # fmt: skip
    assert found.notes == ()
    assert found.complete


def test_what_looks_like_the_rest_of_a_value_is_told_by_its_line() -> None:
    found = read("CERT=abcd\nZGVmZ2h==\nB=2\n", KEY)
    assert [name.name for name in found.names] == ["B", "CERT"]
    assert found.notes == ("Line 2: it looks like the rest of a value over several lines without quotes.",)


def test_text_behind_a_closing_quote_is_noted_unless_it_is_a_comment() -> None:
    found = read("A='1' # one\nB=\"2\"   \nC='3'x\nD=4\n", KEY)
    assert [name.name for name in found.names] == ["A", "B", "C", "D"]
    assert found.notes == ("Line 3: text follows a quoted value.",)
    assert found.complete


@pytest.mark.parametrize("text", ["A=1\nB='2\nC=3\n", "A=1\nB='2\n3' x\nC=3\n", "A=1\n" + "#" * MOST_CHARACTERS])
def test_a_file_that_is_not_read_to_its_end_says_so(text: str) -> None:
    found = read(text, KEY)
    assert not found.complete
    assert any("read" in note for note in found.notes)
    assert "C" not in {name.name for name in found.names}


@pytest.mark.parametrize("between", [" ", "\t ", "a ", "[", "="])
def test_a_mebibyte_on_one_line_is_read_in_one_pass(between: str) -> None:
    """Backtracking would take hours."""
    for text in ("a" + between * (MOST_CHARACTERS // len(between) - 2) + "b", "a" + between * 100_000 + "=b"):
        assert isinstance(read(text, KEY), DotEnv)
