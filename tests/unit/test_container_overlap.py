"""The rule that makes resuming a log without a cursor exact: nothing lost, nothing twice."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from refactor_console.domain.logs import LogLine
from refactor_console.domain.overlap import Overlap

WINDOW = 1_000
BASE = 1_000_000


def line(time_ns: int, message: str = "x", origin: str = "") -> LogLine:
    return LogLine(time_ns, message, origin=origin)


@st.composite
def logs(draw: st.DrawFn) -> list[LogLine]:
    """A log in file order: few distinct texts, many equal times, each time at most a window behind the newest."""
    newest, lines = BASE, []
    steps = st.tuples(
        st.integers(0, 600), st.integers(0, WINDOW), st.sampled_from(["a", "b", ""]), st.sampled_from(["", "stderr"])
    )
    for ahead, behind, message, origin in draw(st.lists(steps, max_size=120)):
        newest += ahead
        lines.append(line(max(newest - behind if behind % 3 == 0 else newest, BASE), message, origin))
    return lines


@given(logs(), st.lists(st.integers(0, 120), max_size=8), st.integers(1, 40))
def test_a_log_that_is_cut_anywhere_any_number_of_times_is_delivered_exactly_once(
    log: list[LogLine], cuts: list[int], batch: int
) -> None:
    overlap = Overlap(WINDOW, limit=10_000)
    delivered: list[LogLine] = []
    for reach in [*sorted(cuts), len(log)]:
        since = overlap.since()
        overlap.resume()
        stream = [entry for entry in log[:reach] if since is None or entry.time_ns >= since]
        for start in range(0, len(stream), batch):
            delivered.extend(overlap.fresh(stream[start : start + batch]))
    assert Counter(delivered) == Counter(log)
    assert not overlap.gap
    assert not overlap.stepped_back


@given(logs(), st.integers(0, 120), st.integers(0, 120))
def test_a_second_cut_in_the_middle_of_the_repeated_lines_loses_and_doubles_nothing(
    log: list[LogLine], first: int, into_repeat: int
) -> None:
    overlap = Overlap(WINDOW, limit=10_000)
    delivered = overlap.fresh(log[:first])
    since = overlap.since()
    overlap.resume()
    repeated = [entry for entry in log if since is None or entry.time_ns >= since]
    delivered += overlap.fresh(repeated[:into_repeat])
    since = overlap.since()
    overlap.resume()
    delivered += overlap.fresh(entry for entry in log if since is None or entry.time_ns >= since)
    assert Counter(delivered) == Counter(log)


@given(st.integers(50, 400), st.integers(10, 40), st.integers(1, 399))
def test_under_a_flood_the_bounded_memory_still_resumes_exactly_when_times_are_in_order(
    count: int, limit: int, cut: int
) -> None:
    log = [line(BASE + i // 3, f"{i % 2}") for i in range(count)]
    overlap = Overlap(WINDOW, limit=limit)
    delivered = overlap.fresh(log[:cut])
    assert len(overlap._recent) <= 2 * limit + 3
    since = overlap.since()
    assert since is not None
    overlap.resume()
    delivered += overlap.fresh(entry for entry in log if entry.time_ns >= since)
    assert Counter(delivered) == Counter(log)


def test_a_flood_within_one_instant_is_remembered_whole() -> None:
    log = [line(BASE, str(i)) for i in range(500)]
    overlap = Overlap(WINDOW, limit=10)
    overlap.fresh(log[:300])
    overlap.resume()
    assert overlap.fresh(log) == log[300:]


def test_a_log_that_was_rotated_away_during_the_cut_says_that_there_is_a_gap() -> None:
    overlap = Overlap(WINDOW)
    overlap.fresh([line(BASE, "old")])
    overlap.resume()
    assert overlap.fresh([line(BASE + 5 * WINDOW, "new")]) == [line(BASE + 5 * WINDOW, "new")]
    assert overlap.gap


def test_an_orderly_resume_reports_no_gap() -> None:
    overlap = Overlap(WINDOW)
    overlap.fresh([line(BASE, "old")])
    overlap.resume()
    overlap.fresh([line(BASE, "old"), line(BASE + 5 * WINDOW, "new")])
    assert not overlap.gap


def test_a_clock_that_goes_back_is_noticed_and_lines_after_it_are_asked_for() -> None:
    overlap = Overlap(WINDOW)
    overlap.fresh([line(BASE + 10 * WINDOW, "before"), line(BASE, "after")])
    assert overlap.stepped_back
    since = overlap.since()
    assert since is not None
    assert since <= BASE
    overlap.resume()
    assert overlap.fresh([line(BASE, "after"), line(BASE + 1, "later")]) == [line(BASE + 1, "later")]


def test_another_containers_equal_lines_are_new() -> None:
    overlap = Overlap(WINDOW)
    overlap.fresh([line(BASE)])
    overlap.forget()
    assert overlap.since() is None
    overlap.resume()
    assert overlap.fresh([line(BASE)]) == [line(BASE)]


def test_a_line_on_stderr_is_not_its_twin_on_stdout() -> None:
    overlap = Overlap(WINDOW)
    overlap.fresh([line(BASE, "x", "stderr")])
    overlap.resume()
    assert overlap.fresh([line(BASE, "x", "stderr"), line(BASE, "x")]) == [line(BASE, "x")]
