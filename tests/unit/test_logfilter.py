"""Filters as people type them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refactor_console.domain.logfilter import LogFilter, parse, pattern_problem
from refactor_console.domain.logs import Level, LogBatch, LogLine, LogMark, MarkKind
from refactor_console.domain.logstore import LogStore


def passing(typed: str, *lines: str, level: Level = Level.UNKNOWN) -> list[str]:
    store = LogStore()
    store.append(LogBatch("a", tuple(LogLine(n, text, Level.INFO) for n, text in enumerate(lines))))
    chunk = store.chunks("a")[0]
    wanted = LogFilter(terms=parse(typed).terms, level=level)
    return [chunk.text(at) for at in wanted.select(chunk, 0, len(chunk))]


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("timeout", ["a TIMEOUT", "timeout b"]),
        ("TIMEOUT", ["a TIMEOUT"]),
        ("!timeout", ["fine", "a [1] (x)"]),
        ("/^t.*b$/", ["timeout b"]),
        ("/FINE/", []),
        (r"/\Sine/", ["fine"]),
        ("!/timeout|fine/", ["a [1] (x)"]),
        ("timeout && !a", ["timeout b"]),
        ("[1] (", ["a [1] (x)"]),
        ("", ["a TIMEOUT", "timeout b", "fine", "a [1] (x)"]),
        ("!", []),
        ("/", []),
    ],
)
def test_what_a_filter_lets_through(typed: str, shown: list[str]) -> None:
    assert passing(typed, "a TIMEOUT", "timeout b", "fine", "a [1] (x)") == shown


def test_colour_sequences_are_not_in_the_way_of_a_match() -> None:
    assert passing("connection refused", "connection \x1b[31mrefused\x1b[0m")


@pytest.mark.parametrize("typed", ["/(/", "/[/", "/*a/", "!/a{2,1}/", "/(?P<x/", "ok && /)/", "/a++++b/"])
def test_a_wrong_pattern_is_explained_in_a_sentence(typed: str) -> None:
    parsed = parse(typed)
    assert "is not a regular expression" in parsed.problem
    assert parsed.terms == ()


@pytest.mark.parametrize(
    "pattern", ["(a+)+", r"(\w+\s?)*$", "(x*)*y", "(a{1,})+", "(?:ab*)+c", "((a+))+", "((ab)*c)*", "(a{2,})*"]
)
def test_a_pattern_that_could_run_for_ever_is_refused(pattern: str) -> None:
    assert "for ever" in pattern_problem(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "(a++)+",
        "((?>a+)b)+",
        "(a|(bc))+d*",
        "(?>a+)+",
        "(abc)+",
        r"\(a+\)+",
        "[(a+)]+",
        "(a|b)*",
        "a+b+",
        r"(\d{1,3}\.){3}",
    ],
)
def test_patterns_that_cannot_run_away_are_allowed(pattern: str) -> None:
    assert pattern_problem(pattern) == ""


@given(st.text())
def test_nothing_that_can_be_typed_raises(typed: str) -> None:
    parsed = parse(typed)
    for term in parsed.terms:
        term.found_in("some line")
        term.spans("some line")


WORDS = st.text(st.sampled_from("abAB é\u0130K."), max_size=4)


@given(st.text(st.sampled_from("abAB é\u212a"), min_size=1, max_size=3), st.lists(WORDS, max_size=60), st.booleans())
def test_searching_a_block_of_lines_is_searching_each_of_them(word: str, lines: list[str], exclude: bool) -> None:
    if not word.strip():
        return
    typed = f"!{word}" if exclude else word
    store = LogStore()
    store.append(LogBatch("a", tuple(LogLine(n, text) for n, text in enumerate(lines))))
    if not lines:
        return
    chunk = store.chunks("a")[0]
    terms = parse(typed).terms
    together = list(LogFilter(terms=terms).select(chunk, 0, len(chunk)))
    alone = [at for at in range(len(chunk)) if LogFilter(terms=terms).select(chunk, at, at + 1)]
    assert together == alone


@given(WORDS, WORDS)
def test_highlights_are_where_the_text_is(word: str, text: str) -> None:
    for term in parse(word).terms:
        for start, end in term.spans(text):
            assert text[start:end].lower() == term.wanted.lower() or re.search(term.pattern, text[start:end])


def test_marks_pass_level_and_words_but_not_the_choice_of_sources() -> None:
    store = LogStore()
    store.append(LogBatch("a", (LogLine(1, "x", Level.INFO),), (LogMark(2, MarkKind.CUT, "broke"),)))
    chunk = store.chunks("a")[0]
    assert len(LogFilter(level=Level.ERROR, terms=parse("nothing").terms).select(chunk, 0, 2)) == 1
    assert not LogFilter(hidden=frozenset({"a"})).select(chunk, 0, 2)
    assert not LogFilter(only="b").select(chunk, 0, 2)


def test_a_least_level_hides_lines_without_a_level() -> None:
    store = LogStore()
    levels = (Level.UNKNOWN, Level.INFO, Level.WARNING, Level.CRITICAL)
    store.append(LogBatch("a", tuple(LogLine(n, level.name, level) for n, level in enumerate(levels))))
    chunk = store.chunks("a")[0]
    assert list(LogFilter(level=Level.WARNING).select(chunk, 0, 4)) == [2, 3]


def test_a_filter_says_what_it_does() -> None:
    wanted = LogFilter(level=Level.WARNING, terms=parse("!/health && Timeout").terms)
    assert wanted.describe() == "WARN and worse · !/health · Timeout"
    assert not wanted.passes_all
    assert LogFilter().passes_all
