"""Words about runs: durations, comparisons, groups of a log; nothing in them that outside text could break."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refactor_console.domain.joblog import first_error, parse
from refactor_console.domain.logs import Level
from refactor_console.domain.runfilter import parse as parse_filter
from refactor_console.domain.runs import Pace, RunState, pace_of
from refactor_console.widgets.job_log import lay
from refactor_console.widgets.present_runs import (
    RunIndex,
    heading,
    pace_sentence,
    run_facts,
    short_age,
    state_text,
    took,
    usual_text,
)
from tests.ui.double_runs import DEPLOYING, EVIL, FAILED, NOW, PLATFORM, WAITING, details_of, log_lines, run_board

SIGNS = ("\x1b", "\x07", "\u202e", "\u2066")
PACE = Pace(20, timedelta(minutes=9), timedelta(minutes=8), timedelta(minutes=10))


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(-5, "0s"), (48, "48s"), (512, "8m 32s"), (3600, "1h 00m"), (3720, "1h 02m"), (97_200, "1d 3h")],
)
def test_durations_are_told_to_the_second_while_seconds_matter(seconds: int, expected: str) -> None:
    assert took(timedelta(seconds=seconds)) == expected


@pytest.mark.parametrize(
    ("minutes", "expected"), [(0.5, "now"), (41, "41m"), (99, "99m"), (120, "2h"), (60 * 47, "47h"), (60 * 49, "2d")]
)
def test_ages_fit_four_cells(minutes: float, expected: str) -> None:
    assert short_age(timedelta(minutes=minutes)) == expected


@given(st.integers(0, 5_000_000))
def test_no_age_or_duration_is_wider_than_its_column(minutes: int) -> None:
    assert len(short_age(timedelta(minutes=minutes))) <= 5
    assert len(took(timedelta(minutes=minutes))) <= 7


@pytest.mark.parametrize(
    ("state", "seconds", "expected"),
    [
        (RunState.SUCCESS, 540, "as usual"),
        (RunState.SUCCESS, 400, "−26%"),
        (RunState.SUCCESS, 650, "▲ +20%"),
        (RunState.SUCCESS, 1200, "▲ 2.2×"),
        (RunState.FAILURE, 30, "−94%"),
        (RunState.CANCELLED, 30, "–"),
        (RunState.SKIPPED, 1, "–"),
    ],
)
def test_a_duration_is_compared_with_the_last_ones(state: RunState, seconds: int, expected: str) -> None:
    began = NOW - timedelta(hours=2)
    run = replace(FAILED, state=state, started_at=began, updated_at=began + timedelta(seconds=seconds))
    assert usual_text(run, PACE, NOW).plain == expected


def test_what_runs_shows_how_far_it_is_and_what_waits_how_long_it_will_take() -> None:
    half = replace(DEPLOYING, started_at=NOW - timedelta(minutes=4, seconds=30))
    assert usual_text(half, PACE, NOW).plain == "50% ~9m"
    assert usual_text(replace(half, started_at=NOW - timedelta(minutes=30)), PACE, NOW).plain == "▲ 3.3×"
    assert usual_text(WAITING, PACE, NOW).plain == "~9m"
    assert usual_text(half, None, NOW).plain == "–"
    assert "no earlier run" in pace_sentence(half, None, NOW).plain


def test_two_successes_are_too_few_to_compare_with() -> None:
    few, run = replace(PACE, runs=2), replace(FAILED, state=RunState.SUCCESS)
    assert usual_text(run, few, NOW).plain == "~9m"
    assert usual_text(replace(DEPLOYING, started_at=NOW - timedelta(minutes=40)), few, NOW).plain == "~9m"


def test_a_later_attempt_says_nothing_of_the_usual_duration() -> None:
    runs = tuple(replace(run, attempt=2) for run in run_board().runs)
    assert pace_of(runs, FAILED) is None


def test_the_pace_is_that_of_the_runs_before_in_the_same_workflow() -> None:
    index = RunIndex(PLATFORM)
    index.take(run_board())
    pace = index.pace(FAILED)
    assert pace is not None
    assert pace.runs == 4  # another one succeeded in a later attempt only
    assert index.pace(run_board().runs[-1]) is None


def test_a_new_board_keeps_what_is_known_of_unchanged_runs_and_rows_look_the_same() -> None:
    index = RunIndex(PLATFORM)
    index.take(run_board())
    words, rows = index.words, index.rows(parse_filter(""), NOW)
    index.take(replace(run_board(), problems=()))
    assert all(new is old for new, old in zip(index.words, words, strict=True))
    again = index.rows(parse_filter(""), NOW + timedelta(seconds=2))
    changed = [new.key for new, old in zip(again, rows, strict=True) if not new.same(old)]
    assert sorted(changed) == sorted(run.key for run in run_board().runs if not run.state.is_over)


def test_the_heading_says_what_is_held_back() -> None:
    index = RunIndex(PLATFORM)
    index.take(run_board())
    assert heading(index, 20, "") == "Runs · 20 runs · 4 under way · older ones: m"
    assert heading(index, 2, "state:failed").startswith("Runs · 2 of 20 runs like 'state:failed'")


@pytest.mark.parametrize("state", list(RunState))
def test_every_state_has_a_shape_and_a_word(state: RunState) -> None:
    glyph, _, words = state_text(state).plain.partition(" ")
    assert len(glyph) == 1
    assert words == state.value


def test_a_state_that_is_not_known_is_told_in_githubs_words_made_safe() -> None:
    assert "completed/exploded" in state_text(RunState.UNKNOWN, "completed/exploded").plain
    assert not any(sign in state_text(RunState.UNKNOWN, EVIL).plain for sign in SIGNS)


def test_facts_of_a_wicked_run_are_text() -> None:
    index = RunIndex(PLATFORM)
    index.take(run_board())
    evil = run_board().runs[-1]
    text = "\n".join(value.plain for _, value in run_facts(index, evil, details_of(evil), NOW))
    assert "[red]" in text
    assert not any(sign in text for sign in SIGNS)


def test_a_waiting_run_names_what_it_waits_for_and_who_may_let_it_go() -> None:
    facts = dict(run_facts(RunIndex(PLATFORM), WAITING, details_of(WAITING), NOW))
    assert "▲ production  you may approve it" in facts["Waits for"].plain


# -- a job's log


def test_folding_hides_nothing_but_the_ends_of_groups() -> None:
    lines = log_lines()
    for folded in (True, False):
        laid = lay(lines, folded=folded)
        text = "\n".join(line.message for line in laid.lines)
        assert "Compute Agent" in text
        assert "##[" not in text
        assert len(laid.places) == len(lines)
        assert laid.groups == 5


def test_a_group_with_an_error_stays_open_and_its_error_is_a_line_of_its_own() -> None:
    lines = log_lines()
    laid = lay(lines, folded=True)
    found = first_error(lines)
    assert found is not None
    shown = laid.lines[laid.places[found]]
    assert shown.message == "  test goals::by_relationship failed"
    assert shown.level is Level.ERROR


def test_a_warning_in_a_folded_group_can_be_found_by_its_level() -> None:
    laid = lay(parse("##[group]Set up\nplain\n##[warning]old\n##[endgroup]\nafter\n"), folded=True)
    assert [(line.level, line.message) for line in laid.lines] == [
        (Level.WARNING, "▸ Set up\n  plain\n  old"),
        (Level.UNKNOWN, "after"),
    ]


@given(st.lists(st.sampled_from(["##[group]a", "##[endgroup]", "##[error]e", "x", ""]), max_size=30), st.booleans())
def test_every_line_has_a_place_whatever_the_order_of_groups(pieces: list[str], folded: bool) -> None:
    lines = parse("".join(f"{piece}\n" for piece in pieces))
    laid = lay(lines, folded=folded)
    assert len(laid.places) == len(lines)
    assert all(0 <= place < max(len(laid.lines), 1) for place in laid.places)
