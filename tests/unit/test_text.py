"""Outside text becomes harmless, whatever it holds."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from refactor_console.domain.text import decode, strip_sequences, visible

# Text in which what is dangerous is as likely as what is not.
NASTY = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from(
            "\x00\x07\x08\t\n\r\x1b[]()0;1mHKPX^_\\\x7f\x85\x9b\x9d\x90\u202e\u2066\u200f\ufeff\u2028\ud800\udc9b"
        ),
    )
)


@given(NASTY)
@example("\x1b\x1b[m[31m")
@example("\x1b]0;title\x07after")
@example("\x9d0;title")
def test_nothing_that_a_terminal_would_obey_is_left(text: str) -> None:
    shown = visible(text)
    assert not [char for char in shown if unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"}]
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c\ufeff")


@given(NASTY)
def test_making_text_visible_twice_changes_nothing_more(text: str) -> None:
    assert visible(visible(text)) == visible(text)


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Cf", "Zl", "Zp"])))
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


@given(st.binary())
def test_every_byte_string_can_be_shown(raw: bytes) -> None:
    visible(decode(raw)).encode("utf-8")


@given(st.binary())
def test_decoding_loses_no_byte(raw: bytes) -> None:
    assert decode(raw).encode("utf-8", "surrogateescape") == raw


def test_colours_vanish_and_their_words_stay() -> None:
    assert strip_sequences("\x1b[1;31mERROR\x1b[0m: no") == "ERROR: no"


def test_a_byte_that_is_not_utf8_is_spelled_out() -> None:
    assert visible(decode(b"caf\xe9")) == "caf\\xe9"


def test_control_characters_become_their_pictures() -> None:
    assert visible("a\rb\x00c\x7f") == "a␍b␀c␡"


def test_a_sequence_that_never_ends_hides_nothing() -> None:
    assert "the rest" in visible("\x1b]0;title the rest")
    assert "the rest" in visible("\x9dtitle the rest")
    assert visible("\x1b]0;title\x07the rest") == "the rest"


@pytest.mark.parametrize("beginning", ["\x9d", "\x90", "\x98", "\x9f", "\x1b]", "\x1b]\x9d", "\x1bP\x90", "\x9b0 "])
def test_a_line_of_nothing_but_beginnings_takes_no_longer_than_another(beginning: str) -> None:
    begun = time.process_time()
    visible(beginning * 50_000)
    assert time.process_time() - begun < 2  # looked at once for each beginning, it takes nine


def test_a_string_that_begins_within_another_ends_only_itself() -> None:
    assert visible("\x9da\x9db\x07c") == "\\x9dac"
