"""What counts as well: a migrator that is done, a service that is missing, strangers who are not ours."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from refactor_console.domain.actions import Verb, consequences_of, verbs_for
from refactor_console.domain.containers import (
    Container,
    ContainerRow,
    ContainerState,
    Health,
    arrange,
    worst,
)
from refactor_console.domain.verdict import Verdict

S = ContainerState
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def container(service: str = "rust-app", state: ContainerState = S.RUNNING, **more: object) -> Container:
    made = Container(id=service.ljust(64, "0"), name=service, service=service, image="i:t", image_id="", state=state)
    return replace(made, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "oneshot", "verdict", "sentence"),
    [
        (container(), False, Verdict.OK, "running"),
        (container(health=Health.HEALTHY), False, Verdict.OK, "running (healthy)"),
        (container(health=Health.UNHEALTHY), False, Verdict.FAIL, "running (unhealthy)"),
        (container(health=Health.STARTING), False, Verdict.WORKING, "running (starting)"),
        (container(), True, Verdict.WORKING, "running"),
        (container(state=S.EXITED, exit_code=0), True, Verdict.DONE, "done (exit 0)"),
        (container(state=S.EXITED, exit_code=0), False, Verdict.WARN, "stopped (exit 0)"),
        (container(state=S.EXITED, exit_code=1), True, Verdict.FAIL, "exited (exit 1)"),
        (
            container(state=S.EXITED, exit_code=137, oom_killed=True),
            False,
            Verdict.FAIL,
            "exited (exit 137, out of memory)",
        ),
        (
            container(state=S.RESTARTING, exit_code=101, restarts=7),
            False,
            Verdict.FAIL,
            "restarting (exit 101, 7 restarts)",
        ),
        (container(state=S.CREATED, error="no"), False, Verdict.FAIL, "created, could not start"),
        (container(state=S.CREATED), False, Verdict.WORKING, "created"),
        (container(state=S.PAUSED), False, Verdict.WARN, "paused"),
        (container(state=S.UNKNOWN), False, Verdict.UNKNOWN, "unknown"),
    ],
)
def test_every_state_has_a_verdict_and_words(found: Container, oneshot: bool, verdict: Verdict, sentence: str) -> None:
    assert (found.verdict(oneshot), found.sentence(oneshot)) == (verdict, sentence)


def test_our_services_come_first_in_their_order_and_missing_ones_are_named() -> None:
    rows = [
        ContainerRow(container("zzz"), ours=True),
        ContainerRow(container("stranger"), ours=False),
        ContainerRow(container("rust-app"), ours=True),
        ContainerRow(container("nginx"), ours=True),
    ]
    board = arrange(rows, ("nginx", "migrator", "rust-app"))
    assert [row.container.service for row in board.rows] == ["nginx", "rust-app", "zzz", "stranger"]
    assert board.missing == ("migrator",)
    assert board.verdict is Verdict.FAIL


def test_a_stranger_with_our_services_name_does_not_fill_its_place() -> None:
    assert arrange([ContainerRow(container("nginx"), ours=False)], ("nginx",)).missing == ("nginx",)


def test_a_strangers_failure_is_not_ours() -> None:
    rows = [ContainerRow(container("nginx")), ContainerRow(container("x", S.DEAD), ours=False)]
    assert arrange(rows, ("nginx",)).verdict is Verdict.OK


def test_what_deserves_attention_wins() -> None:
    assert worst([Verdict.OK, Verdict.DONE, Verdict.WARN]) is Verdict.WARN
    assert worst([]) is Verdict.UNKNOWN


def test_an_uptime_is_never_negative_and_ends_with_the_run() -> None:
    running = container(started_at=NOW)
    assert running.uptime(NOW + timedelta(hours=1)) == timedelta(hours=1)
    assert running.uptime(NOW - timedelta(hours=1)) == timedelta(0)
    assert replace(running, state=S.EXITED).uptime(NOW) is None


def test_only_what_fits_the_state_is_offered_and_its_cost_is_said() -> None:
    assert verbs_for(container()) == (Verb.RESTART, Verb.STOP)
    assert verbs_for(container(state=S.EXITED)) == (Verb.START,)
    assert any("server-sent" in sentence for sentence in consequences_of(Verb.RESTART, container(), 10))
    assert any("10 s" in sentence for sentence in consequences_of(Verb.STOP, container("nginx"), 10))
