"""Times as they are shown and typed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refactor_console.domain.logtime import Zone, clock, parse_moment, span, stamp, to_ns

NOW = datetime(2026, 11, 23, 14, 5, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "at"),
    [
        ("14:03", "2026-11-23 14:03:00"),
        ("14:03:22", "2026-11-23 14:03:22"),
        ("14:03:22.5", "2026-11-23 14:03:22.500000"),
        ("9:30", "2026-11-23 09:30:00"),
        ("14:06", "2026-11-22 14:06:00"),
        ("2026-11-23 14:03", "2026-11-23 14:03:00"),
        ("2026-11-22", "2026-11-22 00:00:00"),
        ("2026-11-23T14:03:22Z", "2026-11-23 14:03:22"),
        ("14:03 utc", "2026-11-23 14:03:00"),
        ("-15m", "2026-11-23 13:50:00"),
        ("15 min ago", "2026-11-23 13:50:00"),
        ("2h ago", "2026-11-23 12:05:00"),
        ("1h30m", "2026-11-23 12:35:00"),
        ("-90s", "2026-11-23 14:03:30"),
        ("1 day ago", "2026-11-22 14:05:00"),
        ("yesterday 03:00", "2026-11-22 03:00:00"),
        ("Today 09:30", "2026-11-23 09:30:00"),
        ("now", "2026-11-23 14:05:00"),
    ],
)
def test_times_as_people_type_them(typed: str, at: str) -> None:
    moment = parse_moment(typed, NOW, Zone.UTC)
    assert moment.problem == ""
    assert moment.at == datetime.fromisoformat(at).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "typed", ["", "25:00", "14:61", "soon", "2026-13-01", "yesterday noon", "-999999d", "5 parsecs ago"]
)
def test_what_is_not_a_time_is_answered_with_what_is_accepted(typed: str) -> None:
    moment = parse_moment(typed, NOW, Zone.UTC)
    assert moment.at is None
    assert "yesterday 03:00" in moment.problem


@given(st.text())
def test_nothing_that_can_be_typed_raises(typed: str) -> None:
    for zone in Zone:
        moment = parse_moment(typed, NOW, zone)
        assert (moment.at is None) == bool(moment.problem)


@given(st.integers(-(1 << 63) + 2, (1 << 63) - 2))
def test_every_time_of_a_line_can_be_shown(time_ns: int) -> None:
    for zone in Zone:
        assert len(clock(time_ns, zone)) == 12
    assert stamp(time_ns).endswith("Z")
    assert to_ns(Zone.UTC.at(time_ns)) == time_ns // 1000 * 1000


@pytest.fixture
def _in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("_in_berlin")
def test_local_times_follow_the_machines_zone_and_its_summer() -> None:
    winter, summer = datetime(2026, 1, 15, 12, tzinfo=UTC), datetime(2026, 7, 15, 12, tzinfo=UTC)
    assert clock(to_ns(winter), Zone.LOCAL) == "13:00:00.000"
    assert clock(to_ns(summer), Zone.LOCAL) == "14:00:00.000"
    assert parse_moment("13:30", datetime(2026, 7, 15, 12, tzinfo=UTC), Zone.LOCAL).at == datetime(
        2026, 7, 15, 11, 30, tzinfo=UTC
    )
    assert Zone.LOCAL.called(winter) == "CET"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "<1 s"),
        (42, "42 s"),
        (200, "3 min 20 s"),
        (7_500, "2 h 5 min"),
        (7_200, "2 h"),
        (273_600, "3 d 4 h"),
        (-5, "<1 s"),
    ],
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert span(seconds) == words
