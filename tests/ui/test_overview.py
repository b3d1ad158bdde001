"""The overview: problems first, everything with its freshness, nothing that lies."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from refactor_console.domain.attention import Place, Situation, concerns
from refactor_console.domain.containers import ContainerRow, ContainerState
from refactor_console.domain.problem import Problem
from refactor_console.domain.runs import RunState
from refactor_console.domain.verdict import Verdict
from refactor_console.domain.vitals import Disk
from refactor_console.screens.dialogs.problem import ProblemDialog
from refactor_console.screens.logs import LogsScreen
from refactor_console.widgets.badge import FeedBadge
from refactor_console.widgets.pane import Pane
from tests.ui import double_runs
from tests.ui.double_session import (
    DOWN,
    EVIL,
    MIB,
    PRODUCTION,
    UNIT,
    VITALS,
    DoubleSession,
    container,
    hostile_rows,
    platform_rows,
)
from tests.ui.stage import console


async def test_on_a_good_day_everything_is_said_and_nothing_needs_attention() -> None:
    async with console(DoubleSession().live(), size=(200, 60)) as stage:
        await stage.says(
            "✓ Nothing on the host needs attention",
            "✓ done (exit 0)",
            "● running (healthy)",
            "● active (exited)",
            "0.42 0.38 0.31 on 2 CPUs",
            "39.0 GiB of 80.0 GiB free",
            "-0.12 s ± 0.01 s",
            "● yes, may restart the unit",
            "SHA256:pYwV3kq9Jm2sT5uXbZ8aC",
            "28.3.1",
            "41 d 7 h",
        )


async def test_problems_come_first_and_enter_leads_to_the_service() -> None:
    rows = [row for row in platform_rows() if row.container.service != "nginx"]
    rows[1] = ContainerRow(container("rust-app", state=ContainerState.RESTARTING, exit_code=101, restarts=7))
    async with console(DoubleSession().live(rows)) as stage:
        await stage.says("This service has no container.", "restarting (exit 101, 7 restarts)")
        table = stage.table("#concerns")
        assert [row.cells["subject"].plain for row in table.rows][:2] == ["nginx", "rust-app"]
        table.focus()
        await stage.press("down", "enter")
        await stage.until(lambda: stage.app.current_mode == "containers")
        await stage.until(lambda: stage.table("#containers").cursor_key == rows[1].container.id)


async def test_a_failed_last_deploy_and_a_refused_token_are_among_them_and_lead_on() -> None:
    session = DoubleSession().live()
    board = double_runs.run_board()
    deploys = [run for run in board.runs if run.path == double_runs.PLATFORM.deploy_workflow and run.state.is_over]
    failed = replace(max(deploys, key=lambda run: run.created_at), state=RunState.FAILURE)
    session.github.runs.live(double_runs.with_run(board, failed))
    session.github.account.fail(Problem("GitHub does not accept the token.", "Give it another.", code="token-refused"))
    async with console(session, size=(120, 40)) as stage:
        await stage.says(f"The last deploy that ended, run #{failed.number}", "GitHub does not accept the token.")
        table = stage.table("#concerns")
        assert [row.cells["subject"].plain for row in table.rows] == ["deploy", "GitHub"]
        table.focus()
        await stage.press("down", "enter")
        await stage.says("Give it another.")
        await stage.press("escape")
        stage.table("#concerns").focus()
        await stage.press("up", "enter")
        await stage.until(lambda: stage.app.current_mode == "runs")
        await stage.until(lambda: stage.table("#runs").cursor_key == failed.key)


async def test_a_missing_service_can_be_gone_to_as_well() -> None:
    rows = [row for row in platform_rows() if row.container.service != "nginx"]
    async with console(DoubleSession().live(rows)) as stage:
        stage.table("#concerns").focus()
        await stage.press("enter")
        await stage.until(lambda: stage.app.current_mode == "containers")
        await stage.until(lambda: stage.table("#containers").cursor_key == "missing:nginx")
        await stage.says("nginx has no container")


async def test_a_dead_connection_is_said_once_and_old_values_stay_with_their_age() -> None:
    session = DoubleSession().live()
    async with console(session) as stage:
        session.clock.forward(42)
        session.fail(DOWN, 7.0)
        await stage.says("✗ failed · 42 s old · retry in 7 s", "● active (exited)", "refactor-droplet")
        assert stage.text.count("no answer within 10 s") <= 2, "in the list, and under the connection's heading"
        assert all(pane.has_class("-aged") for pane in stage.app.screen.query(Pane) if pane.id in ("unit", "vitals"))
        session.clock.forward(3)
        await stage.says("42 s old".replace("42", "45"), "retry in 4 s")


async def test_a_failure_of_one_feed_leaves_the_others_live_and_says_its_sentence() -> None:
    session = DoubleSession().live()
    async with console(session) as stage:
        session.engine.fail(Problem("The Docker socket refuses deploy.", "Join the docker group.", code="no-docker"), 5)
        await stage.says("The Docker socket refuses deploy.", "● live", "✗ failed")
        await stage.press("d")
        await stage.until(lambda: isinstance(stage.app.screen, ProblemDialog))
        await stage.says("Join the docker group.", "no-docker")


async def test_silence_is_called_stale_with_an_age() -> None:
    session = DoubleSession().live()
    async with console(session) as stage:
        session.clock.forward(42)
        session.vitals.stale()
        await stage.says("◌ stale · 42 s")
        session.clock.forward(60)
        await stage.says("◌ stale · 1 min")


async def test_an_age_under_a_heading_ticks_by_itself() -> None:
    session = DoubleSession().live()
    async with console(session) as stage:
        session.vitals.stale()
        await stage.says("◌ stale · 0 s")
        session.clock.forward(5)
        await stage.says("◌ stale · 5 s")


async def test_what_is_off_says_why() -> None:
    async with console(DoubleSession().off("The [red]socket[/red] is not configured.")) as stage:
        await stage.says("○ off", "The [red]socket[/red] is not configured.")


async def test_enter_on_a_failed_badge_opens_its_details() -> None:
    async with console(DoubleSession().live()) as stage:
        stage.session.vitals.fail(DOWN)
        badge = stage.app.screen.query_one("#vitals", Pane).query_one(FeedBadge)
        await stage.until(lambda: badge.can_focus)
        badge.focus()
        await stage.press("enter")
        await stage.until(lambda: isinstance(stage.app.screen, ProblemDialog))


async def test_outside_text_is_only_ever_looked_at() -> None:
    session = DoubleSession().live(hostile_rows())
    session.unit.live(replace(UNIT, name=EVIL, active_state="failed", result=EVIL))
    session.engine.fail(Problem(EVIL, EVIL, EVIL, code=EVIL), 3)
    async with console(session) as stage:
        await stage.says("a[red]b[/red][/]c\\u202egnp.exe")
        assert not any(sign in stage.text for sign in ("\x1b", "\x07", "\u202e", "\u2066"))
        await stage.press("d")
        await stage.until(lambda: isinstance(stage.app.screen, ProblemDialog))
        assert "\u202e" not in stage.text


async def test_l_opens_the_logs_of_the_selected_service() -> None:
    async with console(DoubleSession().live()) as stage:
        await stage.press("down", "down", "l")
        await stage.until(lambda: isinstance(stage.app.screen, LogsScreen))


async def test_nothing_is_drawn_again_when_nothing_changed() -> None:
    session = DoubleSession().live()
    async with console(session) as stage:
        table = stage.table("#services")
        strips = dict(table._strips)
        assert strips
        session.containers.put(session.containers.reading)
        await stage.pilot.pause()
        assert all(table._strips[key] is strip for key, strip in strips.items())


def _situation(session: DoubleSession) -> Situation:
    return Situation(
        PRODUCTION,
        session.link.reading,
        session.unit.reading,
        session.vitals.reading,
        session.engine.reading,
        session.containers.reading,
    )


def test_a_good_day_has_no_concern_and_neither_has_a_first_connecting() -> None:
    assert concerns(_situation(DoubleSession().live())) == ()
    assert concerns(_situation(DoubleSession())) == ()


@pytest.mark.parametrize(
    ("changes", "verdict", "subject"),
    [
        ({"disks": (Disk("/", 100, 86, 14),)}, Verdict.WARN, "disk /"),
        ({"disks": (Disk("/data", 100, 96, 4),)}, Verdict.FAIL, "disk /data"),
        ({"memory_available": 200 * MIB}, Verdict.WARN, "memory"),
        ({"load": (0.1, 4.2, 0.1)}, Verdict.FAIL, "load"),
        ({"clock_offset": timedelta(seconds=-3)}, Verdict.WARN, "clock"),
    ],
)
def test_vitals_beyond_their_threshold_are_a_concern(
    changes: dict[str, object], verdict: Verdict, subject: str
) -> None:
    session = DoubleSession().live()
    session.vitals.live(replace(VITALS, **changes))  # type: ignore[arg-type]
    (concern,) = concerns(_situation(session))
    assert (concern.verdict, concern.subject) == (verdict, subject)


def test_a_clock_within_its_own_error_is_no_concern() -> None:
    session = DoubleSession().live()
    session.vitals.live(replace(VITALS, clock_offset=timedelta(seconds=3), clock_error=timedelta(seconds=2)))
    assert concerns(_situation(session)) == ()


def test_a_dead_connection_explains_the_feeds_that_run_over_it() -> None:
    found = concerns(_situation(DoubleSession().fail()))
    assert [(c.subject, c.place, c.key) for c in found] == [("connection", Place.PROBLEM, "link")]


def test_the_worst_comes_first() -> None:
    session = DoubleSession().live()
    session.vitals.live(replace(VITALS, memory_available=200 * MIB))
    session.unit.live(replace(UNIT, active_state="failed", sub_state="failed", result="exit-code"))
    assert [c.verdict for c in concerns(_situation(session))] == [Verdict.FAIL, Verdict.WARN]
