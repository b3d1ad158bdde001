"""GitHub's JSON becomes domain values, whatever else it brings."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refactor_console.adapters import github_payloads as payloads
from refactor_console.adapters import github_payloads_code as code
from refactor_console.adapters import github_payloads_guards as guards
from refactor_console.adapters.github_errors import GitHubMalformed
from refactor_console.domain.alerts import Severity
from refactor_console.domain.contract import NameKind, Place
from refactor_console.domain.runs import RunState
from tests.github_raw import REPOSITORY, run

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
MODELS: list[tuple[type[payloads.Payload], Any]] = [
    (payloads.RunPayload, lambda item: item.value(REPOSITORY)),
    (payloads.JobPayload, lambda item: item.value()),
    (payloads.WorkflowPayload, lambda item: item.value(REPOSITORY)),
    (payloads.PendingPayload, lambda item: item.value()),
    (code.CommitPayload, lambda item: item.value()),
    (code.ReleasePayload, lambda item: item.value(REPOSITORY)),
    (code.PackageVersionPayload, lambda item: item.value()),
    (code.PackagePayload, lambda item: item.belongs_to(REPOSITORY)),
    (code.AttestationPayload, lambda item: item.value()),
    (guards.DependabotPayload, lambda item: item.value(REPOSITORY)),
    (guards.CodeScanningPayload, lambda item: item.value(REPOSITORY)),
    (guards.SecretScanningPayload, lambda item: item.value(REPOSITORY)),
    (guards.DefinedPayload, lambda item: item.value(NameKind.SECRET, Place.REPOSITORY)),
]


@pytest.mark.parametrize(("model", "make"), MODELS, ids=[model.__name__ for model, _ in MODELS])
@given(st.data())
def test_whatever_comes_is_read_or_counted_never_a_crash(model: type[payloads.Payload], make: Any, data: Any) -> None:
    fields = list(model.model_fields)
    good = {"id": 1, "number": 1, "name": "x", "sha": "a", "created_at": "2026-11-24T00:00:00Z"}
    good |= {"commit": {"message": "m", "author": {"date": "2026-11-24T00:00:00Z"}}, "environment": {"id": 1}}
    odd = data.draw(st.dictionaries(st.sampled_from(fields), JSON, max_size=4))
    plain = {name: good[name] for name in fields if name in good}
    listing = payloads.many(model, [plain, {**plain, **odd}], "things", make)
    assert listing.skipped in (0, 1)
    assert len(listing.items) + listing.skipped in (1, 2)
    assert (listing.reason == "") == (listing.skipped == 0)


def test_what_came_is_not_in_the_reason() -> None:
    with pytest.raises(GitHubMalformed) as caught:
        payloads.many(payloads.RunPayload, [{"id": "sensitive"}], "runs", lambda item: item)
    assert "sensitive" not in caught.value.problem.detail
    assert "id" in caught.value.problem.detail


def test_a_run_is_read_whole() -> None:
    item = payloads.RunPayload.model_validate(
        run(
            9,
            run_attempt=2,
            triggering_actor={"login": "erin"},
            path=".github/workflows/build.yml@refs/heads/main",
            pull_requests=[{"number": 4}, "x", {"number": None}],
        )
    ).value(REPOSITORY)
    assert (item.id, item.attempt, item.actor, item.state) == (9, 2, "erin", RunState.SUCCESS)
    assert item.path == ".github/workflows/build.yml"
    assert item.pull_requests == (4,)
    assert item.started_at == datetime(2026, 11, 24, 0, 0, 1, tzinfo=UTC)


def test_steps_and_reviewers_are_read() -> None:
    step = {"number": 1, "name": "Set up", "status": "in_progress", "conclusion": None}
    job = payloads.JobPayload.model_validate(
        {"id": 1, "run_id": 2, "name": "build", "status": "completed", "conclusion": "failure", "steps": [step, None]}
    ).value()
    assert (job.state, job.steps[0].state, len(job.steps)) == (RunState.FAILURE, RunState.RUNNING, 1)
    pending = payloads.PendingPayload.model_validate(
        {
            "environment": {"id": 3, "name": "production"},
            "wait_timer": 30,
            "current_user_can_approve": True,
            "reviewers": [
                {"type": "User", "reviewer": {"login": "olga"}},
                {"type": "Team", "reviewer": {"slug": "ops"}},
                {},
            ],
        }
    ).value()
    assert (pending.reviewers, pending.may_approve, pending.wait_minutes) == (("olga", "ops"), True, 30)


def test_an_in_toto_statement_says_repository_workflow_and_subject() -> None:
    workflow = {"repository": "https://github.com/o/n", "path": ".github/workflows/build.yml", "ref": "refs/heads/main"}
    statement = {
        "subject": [{"name": "x", "digest": {"sha256": "1" * 64}}, {"digest": None}, 5],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {"buildDefinition": {"externalParameters": {"workflow": workflow}}},
    }
    payload = base64.b64encode(json.dumps(statement).encode()).decode()
    found = code.AttestationPayload.model_validate({"bundle": {"dsseEnvelope": {"payload": payload}}}).value()
    assert found.subjects == ("sha256:" + "1" * 64,)
    assert found.repository == "https://github.com/o/n"
    assert found.workflow == ".github/workflows/build.yml"


@pytest.mark.parametrize(
    ("rule", "severity"),
    [
        ({"security_severity_level": "critical", "severity": "note"}, Severity.CRITICAL),
        ({"severity": "error"}, Severity.HIGH),
        ({"security_severity_level": "apocalyptic"}, Severity.UNKNOWN),
        ({}, Severity.UNKNOWN),
        (None, Severity.UNKNOWN),
    ],
)
def test_a_severity_nobody_knows_is_unknown(rule: object, severity: Severity) -> None:
    alert = guards.CodeScanningPayload.model_validate(
        {"number": 1, "created_at": "2026-11-24T00:00:00Z", "rule": rule}
    ).value(REPOSITORY)
    assert alert.severity is severity


@given(JSON)
def test_a_time_is_a_time_in_utc_or_nothing(value: object) -> None:
    told = payloads.moment(value)
    assert told is None or told.utcoffset() is not None


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-13-01T00:00:00Z"])
def test_a_time_outside_the_calendar_is_none(text: str) -> None:
    assert payloads.moment(text) is None


@pytest.mark.parametrize(
    ("data", "expected"), [({"workflow_run_id": 7}, 7), ({"workflow_run_id": True}, None), ([], None)]
)
def test_the_run_of_a_dispatch_is_a_number_or_nothing(data: object, expected: int | None) -> None:
    assert payloads.started_run(data) == expected
