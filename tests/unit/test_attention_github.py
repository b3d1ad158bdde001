"""What an overview says of GitHub: a token that does not work, a deploy that went wrong, a clock that is off."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from refactor_console.domain.account import Account, Budget
from refactor_console.domain.attention import GitHubSituation, Place, Situation, concerns
from refactor_console.domain.problem import Problem
from refactor_console.domain.reading import Phase, Reading, pending
from refactor_console.domain.runs import RunState, WorkflowRun
from refactor_console.domain.verdict import Verdict
from tests.ui import double_runs
from tests.ui.double_runs import PLATFORM
from tests.ui.double_session import PRODUCTION

NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)


def deploy(number: int, state: RunState) -> WorkflowRun:
    run = next(run for run in double_runs.some_runs() if run.path == PLATFORM.deploy_workflow)
    return replace(
        run, id=9_000 + number, number=number, state=state, created_at=NOW - timedelta(hours=100 - number), attempt=1
    )


def said(
    *runs: WorkflowRun, account: Reading[Account] | None = None, ahead: timedelta = timedelta(0)
) -> list[tuple[Verdict, str, str, Place, str]]:
    budget = Budget(5_000, 4_000, NOW, 0, 0, clock_ahead=ahead)
    github = GitHubSituation(
        PLATFORM,
        account or pending(NOW),
        Reading(Phase.LIVE, NOW, budget, NOW),
        Reading(Phase.LIVE, NOW, replace(double_runs.run_board(), runs=runs), NOW),
    )
    nothing = [pending(NOW) for _ in range(5)]
    found = concerns(Situation(PRODUCTION, *nothing, github))  # type: ignore[arg-type]
    return [(c.verdict, c.subject, c.sentence, c.place, c.key) for c in found]


def test_a_failed_last_deploy_is_first_and_leads_to_its_run() -> None:
    failed = deploy(12, RunState.FAILURE)
    ((verdict, subject, sentence, place, key),) = said(deploy(11, RunState.SUCCESS), failed)
    assert (verdict, subject, place, key) == (Verdict.FAIL, "deploy", Place.RUN, failed.key)
    assert "run #12" in sentence


def test_a_failed_deploy_is_over_when_a_later_one_went_well() -> None:
    assert said(deploy(11, RunState.FAILURE), deploy(12, RunState.SUCCESS)) == []


def test_what_runs_or_was_cancelled_says_nothing_of_how_the_last_one_went() -> None:
    found = said(deploy(11, RunState.FAILURE), deploy(12, RunState.RUNNING), deploy(13, RunState.CANCELLED))
    assert ["run #11" in sentence for _, _, sentence, _, _ in found] == [True]


def test_no_deploy_and_no_account_yet_are_no_concern() -> None:
    assert said() == []


def test_a_refused_token_is_said_with_its_details() -> None:
    refused: Reading[Account] = pending(NOW)
    refused = refused.failed(Problem("GitHub does not accept the token.", code="token-refused"), NOW, None)
    assert said(account=refused) == [
        (Verdict.WARN, "GitHub", "GitHub does not accept the token.", Place.PROBLEM, "account")
    ]


def test_a_clock_that_is_not_githubs_is_said_with_what_follows() -> None:
    ((_, subject, sentence, _, _),) = said(ahead=timedelta(minutes=-10))
    assert subject == "clock"
    assert "10 min behind GitHub's" in sentence
