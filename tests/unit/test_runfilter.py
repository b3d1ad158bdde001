"""Filters over runs: words anywhere, words for one field, and nothing that was typed half ever breaks."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refactor_console.domain.runfilter import FIELDS, STATES, chosen, parse, states_like, words_of
from refactor_console.domain.runs import RunState
from tests.ui.double_runs import EVIL, PLATFORM, many_runs, some_runs

RUNS = some_runs()
WORDS = [words_of(run, PLATFORM) for run in RUNS]


def numbers(typed: str) -> list[int]:
    return [run.number for run in chosen(parse(typed), RUNS, WORDS)]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("zoom", [411]),
        ("ZOOM", [411]),
        ("deploy stable", [412, 11]),
        ("state:failed", [410, 86]),
        ("state:bad", [410, 86, 85, 401]),
        ("state:live", [413, 412, 88, 411]),
        ("is:run", [412, 88]),
        ("state:action_required", [85]),
        ("state:queued,waiting", [413, 411]),
        ("actor:grace", [412, 11]),
        ("branch:goals", [410, 408]),
        ("event:schedule", [404]),
        ("workflow:deploy_to_do", [412, 411, 11]),
        ('workflow:"production images"', [88, 87, 86, 12, 85]),
        ("repo:fe", [88, 87, 86, 85]),
        ("repo:be event:release", [12]),
        ("repo:frontend state:success", [87]),
        ("number:#412", [412]),
        ("feat: notes", [407]),
        ("feat:", [407]),
        ("repo:fe !state:live", [87, 86, 85]),
        ("!repo:be !actor:lin", [85]),
    ],
)
def test_words_and_fields_find_what_they_say(typed: str, expected: list[int]) -> None:
    assert numbers(typed) == expected


@pytest.mark.parametrize("typed", ["", " ", "state:", "!", "!state:", "branch:,", '""', 'workflow:"', "! !"])
def test_half_typed_conditions_hold_nothing_back(typed: str) -> None:
    assert len(numbers(typed)) == len(RUNS)
    assert not parse(typed).problem


def test_an_unknown_state_is_named_with_those_there_are() -> None:
    parsed = parse("state:exploded")
    assert "no state 'exploded'" in parsed.problem
    assert "failure" in parsed.problem
    assert numbers("state:exploded") == []


@pytest.mark.parametrize("state", list(RunState))
def test_every_state_is_found_by_its_own_word(state: RunState) -> None:
    assert states_like(state.value) == {state}


def test_every_name_of_a_state_and_field_is_understood() -> None:
    assert all(states_like(word) for word in STATES)
    for name in FIELDS:
        (condition,) = parse(f"{name}:success").conditions
        assert condition.field == FIELDS[name]


def test_a_wicked_name_is_only_text() -> None:
    assert numbers("gnp.exe") == [401]
    assert numbers(EVIL.split()[0]) == [401]


@given(st.text(max_size=40))
def test_nothing_that_can_be_typed_fails(typed: str) -> None:
    for run in chosen(parse(typed), RUNS, WORDS):
        assert run in RUNS


def test_two_thousand_runs_are_filtered_far_faster_than_a_key_repeats() -> None:
    runs = many_runs(2000).runs
    words = [words_of(run, PLATFORM) for run in runs]
    wanted = parse("state:success branch:goals !wip many")
    begun = time.process_time()
    found = chosen(wanted, runs, words)
    assert time.process_time() - begun < 0.25
    assert 0 < len(found) < 2000
