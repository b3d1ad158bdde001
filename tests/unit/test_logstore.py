"""The store: one order whatever the deliveries, ids that never change, bounds that hold."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from refactor_console.domain.logfilter import LogFilter, parse
from refactor_console.domain.logindex import LogIndex, LogLens
from refactor_console.domain.logs import Level, LogBatch, LogLine, LogMark, MarkKind
from refactor_console.domain.logstore import LINE_COST, LogStore

SOURCES = ("a", "b", "c")


def batch(source: str, *lines: tuple[int, str], level: Level = Level.INFO) -> LogBatch:
    return LogBatch(source, tuple(LogLine(time, text, level) for time, text in lines))


def texts(store: LogStore) -> list[str]:
    return [entry.text for entry in map(store.entry, store.timeline.ids) if entry is not None]


LINES = st.lists(
    st.tuples(
        st.integers(0, 20),
        st.sampled_from(["timeout", "Timeout é", "ok", "a\nb", "\x1b[31mred\x1b[0m"]),
        st.sampled_from(list(Level)),
    ),
    max_size=12,
)
BATCHES = st.lists(
    st.builds(
        lambda source, lines, marks: LogBatch(
            source,
            tuple(LogLine(time, text, level) for time, text, level in lines),
            tuple(LogMark(time, MarkKind.CUT, "cut") for time in marks),
        ),
        st.sampled_from(SOURCES),
        LINES,
        st.lists(st.integers(0, 20), max_size=2),
    ),
    max_size=12,
)


@given(BATCHES)
def test_whatever_the_deliveries_the_order_is_by_time_and_within_a_source_as_it_came(
    batches: Sequence[LogBatch],
) -> None:
    store = LogStore()
    for each in batches:
        store.append(each)
    times = list(store.timeline.times)
    assert times == sorted(times)
    assert len(set(store.timeline.ids)) == len(times) == sum(len(each.lines) + len(each.marks) for each in batches)
    for source in SOURCES:
        entries = [store.entry(each) for each in store.timeline.ids]
        mine = [(entry.time_ns, entry.id) for entry in entries if entry is not None and entry.source == source]
        assert mine == sorted(mine)


@given(BATCHES)
def test_an_id_always_names_the_same_line(batches: Sequence[LogBatch]) -> None:
    store = LogStore(max_lines=20)
    known: dict[int, str] = {}
    for each in batches:
        store.append(each)
        for entry_id in store.timeline.ids:
            entry = store.entry(entry_id)
            assert entry is not None
            assert known.setdefault(entry_id, f"{entry.source} {entry.time_ns} {entry.text}") == (
                f"{entry.source} {entry.time_ns} {entry.text}"
            )


@given(BATCHES, st.integers(1, 30), st.integers(200, 4_000))
def test_the_bounds_hold_and_nothing_goes_uncounted(batches: Sequence[LogBatch], lines: int, size: int) -> None:
    store = LogStore(max_lines=lines, max_bytes=size)
    for each in batches:
        store.append(each)
        assert len(store.timeline) <= lines
        assert store.bytes <= size or len(store.timeline) <= 1
        assert store.bytes >= LINE_COST * len(store.timeline)
    received = sum(len(each.lines) for each in batches)
    assert store.lines + store.dropped == received
    assert sum(tally.held for tally in store.tallies.values()) == store.lines
    assert all(store.holds(entry_id) for entry_id in store.timeline.ids)
    assert (store.dropped_until_ns is None) or store.prunes


FILTERS = st.builds(
    LogFilter,
    hidden=st.frozensets(st.sampled_from(SOURCES), max_size=2),
    only=st.none() | st.sampled_from(SOURCES),
    level=st.sampled_from([Level.UNKNOWN, Level.WARNING]),
    terms=st.sampled_from(["", "timeout", "!timeout", "Timeout", "/t.m/", "é", "ok && !timeout"]).map(
        lambda typed: parse(typed).terms
    ),
    marks=st.booleans(),
)


@settings(max_examples=150)
@given(BATCHES, BATCHES, FILTERS, st.integers(1, 60), st.integers(0, 5))
def test_a_filter_kept_up_to_date_is_a_filter_from_scratch(
    before: Sequence[LogBatch], after: Sequence[LogBatch], wanted: LogFilter, lines: int, steps: int
) -> None:
    store = LogStore(max_lines=lines)
    for each in before:
        store.append(each)
    index = LogIndex(store, wanted)
    for number, each in enumerate(after):
        store.append(each)
        index.update()
        if number < steps:
            index.scan()
    while not index.scan():
        pass
    index.update()
    fresh = LogIndex(store, wanted)
    while not fresh.scan():
        pass
    assert list(index.timeline.ids) == list(fresh.timeline.ids)
    assert index.lines == fresh.lines
    assert list(index.timeline.times) == sorted(index.timeline.times)


def test_hundreds_of_old_lines_of_another_source_go_where_they_belong() -> None:
    store = LogStore()
    store.append(batch("a", *((1000 + 10 * n, f"a{n}") for n in range(500))))
    store.append(batch("b", *((1005 + 10 * n, f"b{n}") for n in range(300))))
    assert texts(store)[:4] == ["a0", "b0", "a1", "b1"]
    assert texts(store)[-1] == "a499"


def test_a_flood_does_not_wash_away_the_few_lines_of_a_quiet_source() -> None:
    store = LogStore(max_lines=1_000)
    store.append(batch("quiet", (1, "migrations applied")))
    for number in range(50):
        store.append(batch("loud", *((10 + number * 1_000 + n, "x") for n in range(1_000))))
    assert texts(store)[0] == "migrations applied"
    assert len(store.timeline) <= 1_000
    assert store.tallies["loud"].dropped == store.dropped > 48_000


def test_a_line_of_a_megabyte_is_held_and_can_be_looked_at_in_part() -> None:
    store = LogStore(max_bytes=4 * 1024 * 1024)
    for number in range(6):
        store.append(batch("a", (number, "é" * 500_000), (number, "short")))
    assert store.bytes <= 4 * 1024 * 1024
    entry = store.entry(store.timeline.ids[-1], limit=10)
    assert entry is not None
    long = next(e for e in (store.entry(i, limit=11) for i in store.timeline.ids) if e is not None and e.clipped)
    assert long.text == "é" * 5
    assert long.clipped == 1_000_000 - 11


def test_marks_stand_where_their_time_is_and_are_not_counted_as_lines() -> None:
    store = LogStore()
    line = LogLine(5, "line")
    marks = (LogMark(5, MarkKind.CUT, "broke"), LogMark(5, MarkKind.RESUMED, "back"))
    store.append(LogBatch("a", (line,), marks))
    entries = [store.entry(each) for each in store.timeline.ids]
    assert [entry.mark for entry in entries if entry is not None] == [MarkKind.RESUMED, None, MarkKind.CUT]
    assert store.lines == 1


def test_who_wrote_a_journal_line_stands_before_it_and_stream_names_do_not() -> None:
    store = LogStore()
    lines = (LogLine(1, "Started.", origin="systemd"), LogLine(2, "hello", origin="stderr"))
    store.append(LogBatch("a", lines))
    first, second = (store.entry(each) for each in store.timeline.ids)
    assert first is not None
    assert second is not None
    assert (first.text, first.message, first.origin) == ("systemd: Started.", "Started.", "systemd")
    assert (second.text, second.origin) == ("hello", "stderr")


def test_a_message_keeps_its_line_breaks_and_nothing_else_that_acts() -> None:
    store = LogStore()
    store.append(batch("a", (1, "panicked\r\n  at \x1b[31mx\x1b[0m\n"), (2, "progress 10%\r")))
    assert texts(store) == ["panicked\n  at x", "progress 10%"]
    assert store.line_breaks(store.timeline.ids[0]) == 1


def test_times_out_of_any_calendar_do_not_break_the_store() -> None:
    store = LogStore()
    store.append(batch("a", (1 << 80, "late"), (-(1 << 80), "early")))
    assert texts(store) == ["early", "late"]


def test_a_lens_counts_errors_and_hits_within_the_filter() -> None:
    store = LogStore()
    store.append(batch("a", (1, "timeout here"), (2, "fine"), level=Level.ERROR))
    store.append(batch("b", (3, "timeout there"), level=Level.ERROR))
    lens = LogLens(store)
    lens.choose(LogFilter(only="a"))
    lens.search(parse("timeout").terms)
    while not lens.scan():
        pass
    assert lens.hits is not None
    assert (lens.index.lines, lens.errors.lines, lens.hits.lines) == (2, 2, 1)
    store.append(batch("a", (4, "timeout again"), level=Level.INFO))
    lens.update()
    assert (lens.index.lines, lens.errors.lines, lens.hits.lines) == (3, 2, 2)
