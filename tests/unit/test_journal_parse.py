"""The JSON of journalctl as it should be and as it can be: nothing raises, nothing is lost, pieces change nothing."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refactor_console.adapters import journal
from refactor_console.adapters.journal import (
    LINE_LIMIT,
    NOT_JSON,
    JournalParser,
    boot_of,
    journalctl_failed,
    read_cursor_and_time,
)
from refactor_console.domain.logs import Level, LogLine, MarkKind
from refactor_console.domain.text import visible

NOW = 1_700_000_000_000_000_000


def entry(message: object, **fields: object) -> bytes:
    values = {"__CURSOR": "s=1;i=1;b=b;m=1;t=1;x=1", "__REALTIME_TIMESTAMP": "1700000000123456", "PRIORITY": "6"}
    return json.dumps({**values, "MESSAGE": message, "SYSLOG_IDENTIFIER": "docker", **fields}).encode() + b"\n"


def parse(data: bytes) -> list[LogLine]:
    return JournalParser().feed(data, NOW)


def only(data: bytes) -> LogLine:
    (line,) = parse(data)
    return line


def test_an_entry_becomes_a_line_with_its_time_in_microseconds() -> None:
    assert only(entry("started")) == LogLine(1_700_000_000_123_456_000, "started", Level.INFO, "docker")


def test_a_message_that_is_not_utf8_keeps_every_byte() -> None:
    line = only(entry([104, 105, 255, 10, 0]))
    assert line.message.encode("utf-8", "surrogateescape") == b"hi\xff\n\x00"
    assert visible(line.message) == "hi\\xff␊␀"


def test_a_message_of_several_lines_stays_one_entry() -> None:
    assert only(entry("panic\n  at a.rs:1\n\n")).message == "panic\n  at a.rs:1\n\n"


def test_a_repeated_field_keeps_all_its_values() -> None:
    assert only(entry(["one", [255, 254], None, "two"])).message == "one\n\udcff\udcfe\n\ntwo"


def test_repeated_priority_and_identifier_take_the_first_value() -> None:
    line = only(entry("x", PRIORITY=["3", "6"], SYSLOG_IDENTIFIER=["a", "b"]))
    assert (line.level, line.origin) == (Level.ERROR, "a")


@pytest.mark.parametrize("message", [None, []])
def test_an_entry_without_text_is_still_a_line(message: object) -> None:
    assert len(parse(entry(message))) == 1


def test_a_missing_message_says_so() -> None:
    assert "no text" in only(b'{"__CURSOR":"c","PRIORITY":"4"}\n').message


@pytest.mark.parametrize(
    ("priority", "message", "level"),
    [
        ("3", "INFO all is well", Level.ERROR),
        ("6", "12:34:56 [ERROR] db: gone", Level.ERROR),
        ("6", "nothing special", Level.INFO),
        ("", "[WARN] x", Level.WARNING),
        ("", "nothing special", Level.UNKNOWN),
        ("0", "x", Level.CRITICAL),
        ("99", "x", Level.UNKNOWN),
    ],
)
def test_the_text_names_the_level_only_where_the_priority_is_the_default(
    priority: str, message: str, level: Level
) -> None:
    assert only(entry(message, PRIORITY=priority)).level is level


def test_the_sending_time_is_shown_when_it_is_a_little_earlier_and_in_order() -> None:
    early = entry("a", _SOURCE_REALTIME_TIMESTAMP="1700000000123000")
    assert only(early).time_ns == 1_700_000_000_123_000_000


@pytest.mark.parametrize("sent", ["1699990000000000", "1700000000123457", "x", "", "9" * 40])
def test_a_sending_time_that_makes_no_sense_is_not_used(sent: str) -> None:
    assert only(entry("a", _SOURCE_REALTIME_TIMESTAMP=sent)).time_ns == 1_700_000_000_123_456_000


def test_the_sending_time_never_turns_the_order_round() -> None:
    first = entry("a", __CURSOR="1", __REALTIME_TIMESTAMP="1700000000200000")
    second = entry(
        "b", __CURSOR="2", __REALTIME_TIMESTAMP="1700000000300000", _SOURCE_REALTIME_TIMESTAMP="1700000000100000"
    )
    times = [line.time_ns for line in parse(first + second)]
    assert times == sorted(times)


def test_nesting_without_end_is_one_line_whatever_the_decoder_makes_of_it() -> None:
    deep = b'{"a":' * 5000 + b"1" + b"}" * 5000
    assert len(parse(deep + b"\n")) == 1


@pytest.mark.parametrize(
    "garbage",
    [
        b"Welcome to Debian!",
        b"-- No entries --",
        b'{"MESSAGE": "cut sho',
        b"[1, 2]",
        b"null",
        b"\xff\xfe\x00{",
        b'{"MESSAGE": ' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_not_an_entry_is_shown_and_counted(garbage: bytes) -> None:
    parser = JournalParser()
    lines = parser.feed(entry("before") + garbage + b"\n" + entry("after", __CURSOR="2"), NOW)
    assert [line.message for line in lines][::2] == ["before", "after"]
    assert lines[1].origin == NOT_JSON
    assert lines[1].message.encode("utf-8", "surrogateescape") == garbage
    assert parser.unreadable == 1


def test_a_line_of_a_megabyte_is_kept_whole() -> None:
    assert len(only(entry("x" * 1_000_000)).message) == 1_000_000


def test_a_line_over_the_limit_is_cut_says_so_and_moves_the_cursor() -> None:
    parser = JournalParser()
    long = entry("x" * LINE_LIMIT, __CURSOR="long")
    for start in range(0, len(long), 1 << 20):
        lines = parser.feed(long[start : start + (1 << 20)], NOW)
    (line,) = lines
    assert f"an entry of {len(long) - 1} bytes" in line.message
    assert len(line.message) < 100_000
    assert (parser.cursor, parser.unreadable) == ("long", 1)
    assert [line.message for line in parser.feed(entry("next", __CURSOR="2"), NOW)] == ["next"]


def test_an_endless_line_does_not_grow_in_memory() -> None:
    parser = JournalParser()
    for _ in range(40):
        assert parser.feed(b"x" * (1 << 20), NOW) == []
    assert sum(map(len, parser._parts)) == LINE_LIMIT


def test_only_complete_lines_move_the_cursor() -> None:
    parser = JournalParser()
    data = entry("a", __CURSOR="1") + entry("b", __CURSOR="2")
    parser.feed(data[:-1], NOW)
    assert parser.cursor == "1"
    parser.restart()
    assert [line.message for line in parser.feed(entry("b", __CURSOR="2"), NOW)] == ["b"]
    assert parser.cursor == "2"


def test_the_line_after_which_we_asked_to_go_on_is_not_shown_twice() -> None:
    parser = JournalParser()
    parser.feed(entry("a", __CURSOR="1"), NOW)
    parser.restart()
    assert [line.message for line in parser.feed(entry("a", __CURSOR="1") + entry("b", __CURSOR="2"), NOW)] == ["b"]


def test_the_first_cursor_of_an_answer_is_found_behind_a_greeting() -> None:
    answer = b"hello\n" + entry("a", __CURSOR="s=1;b=boot") + entry("b", __CURSOR="2")
    assert read_cursor_and_time(answer) == ("s=1;b=boot", 1_700_000_000_123_456_000)
    assert read_cursor_and_time(b"-- No entries --\n") == ("", None)
    assert boot_of("s=1;i=2;b=boot;m=3") == "boot"
    assert boot_of("whatever") == ""


@pytest.mark.parametrize(
    ("status", "stderr", "code"),
    [
        (127, "sh: journalctl: not found", "no-journalctl"),
        (1, "No journal files were opened due to insufficient permissions.", "journal-forbidden"),
        (1, "Failed to seek to cursor: Invalid argument", "journal-cursor"),
        (1, "", "journal-ended"),
        (255, "Assertion failed", "journal-ended"),
    ],
)
def test_each_way_to_end_has_its_own_problem(status: int, stderr: str, code: str) -> None:
    problem = journalctl_failed("x.service", status, stderr).problem
    assert problem.code == code
    assert problem.summary
    assert problem.remedy


fields = st.one_of(
    st.none(),
    st.text(max_size=20),
    st.integers(),
    st.lists(st.integers(0, 300), max_size=6),
    st.lists(st.one_of(st.text(max_size=5), st.none(), st.lists(st.integers(0, 255), max_size=4)), max_size=3),
)
entries = st.builds(
    lambda **values: json.dumps(values).encode(),
    MESSAGE=fields,
    PRIORITY=fields,
    SYSLOG_IDENTIFIER=fields,
    __CURSOR=fields,
    __REALTIME_TIMESTAMP=fields,
    _SOURCE_REALTIME_TIMESTAMP=fields,
)
streams = st.lists(st.one_of(entries, st.binary(max_size=60)), max_size=8).map(b"\n".join)


@settings(deadline=None)
@given(streams, st.lists(st.integers(0, 400), max_size=12), st.integers(20, 200))
def test_any_bytes_in_any_pieces_give_the_same_lines_and_never_raise(data: bytes, cuts: list[int], limit: int) -> None:
    """The limit is made small, so that cut lines take part."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(journal, "LINE_LIMIT", limit)
        whole, pieces = JournalParser(), JournalParser()
        expected = whole.feed(data + b"\n", NOW)
        got: list[LogLine] = []
        places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
        for start, end in pairwise(places):
            got += pieces.feed(data[start:end], NOW)
        got += pieces.feed(b"\n", NOW)
    assert got == expected
    assert (pieces.cursor, pieces.unreadable, pieces.last_line_ns) == (
        whole.cursor,
        whole.unreadable,
        whole.last_line_ns,
    )


DROPPED = {"MESSAGE_ID": "a596d6fe7bfa4994828e72309e95d61e", "_TRANSPORT": "driver", "N_DROPPED": "2417"}
SUPPRESSED = "Suppressed 2417 messages from refactor-platform.service"


def test_what_journald_itself_left_out_is_a_gap_that_says_how_much() -> None:
    """A plain line among thousands is overlooked, and what is missing is not seen to be missing."""
    parser = JournalParser()
    assert parser.feed(entry(SUPPRESSED, **DROPPED), NOW) == []
    (mark,) = parser.take_marks()
    assert (mark.kind, mark.time_ns) == (MarkKind.GAP, 1_700_000_000_123_456_000)
    assert "2,417 messages" in mark.text
    assert mark.text.endswith(SUPPRESSED), "journald's own words are the evidence"
    assert parser.cursor, "a resumed stream goes on behind it"
    assert parser.take_marks() == ()


@pytest.mark.parametrize(
    ("said", "dropped", "words"),
    [
        ("Suppressed 31 messages from a.service", {"N_DROPPED": None}, "31 messages"),
        ("Suppressed 1 messages from a.service", {"N_DROPPED": "1"}, "1 message:"),
        ("Something else", {"N_DROPPED": "many"}, "an unknown number"),
    ],
)
def test_a_gap_of_journald_is_told_however_little_it_says(said: str, dropped: dict[str, object], words: str) -> None:
    parser = JournalParser()
    assert parser.feed(entry(said, **{**DROPPED, **dropped}), NOW) == []
    (mark,) = parser.take_marks()
    assert words in mark.text
    assert said in mark.text


@pytest.mark.parametrize("transport", ["stdout", "syslog", "journal", None])
def test_a_program_that_says_the_same_is_only_a_line(transport: str | None) -> None:
    parser = JournalParser()
    (line,) = parser.feed(entry(SUPPRESSED, **{**DROPPED, "_TRANSPORT": transport}), NOW)
    assert line.message == SUPPRESSED
    assert parser.take_marks() == ()
