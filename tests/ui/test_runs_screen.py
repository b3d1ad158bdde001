"""The runs pane: what is found, what is watched, what each key opens, and what can go wrong."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from textual.widgets import Input

from refactor_console.domain import joblog
from refactor_console.domain.logs import LogBatch, LogLine
from refactor_console.domain.problem import Problem
from refactor_console.domain.runs import RunBoard, RunState
from refactor_console.screens.dialogs.help import HelpDialog
from refactor_console.screens.dialogs.job_log import JobLogDialog
from refactor_console.screens.dialogs.problem import ProblemDialog
from refactor_console.screens.dialogs.run_details import RunDialog
from refactor_console.screens.runs import RunsScreen
from refactor_console.widgets.lazy_row import LazyRow
from refactor_console.widgets.run_tree import RunTree
from tests.ui.double_github import GITHUB_DOWN, SIGNED_OUT
from tests.ui.double_images import at
from tests.ui.double_runs import BACKEND, DEPLOYING, FAILED, WAITING, details_of, many_runs, run_board, some_runs
from tests.ui.double_session import DoubleSession
from tests.ui.stage import Stage

SIGNS = ("\x1b", "\x07", "\u202e", "\u2066")


def live() -> DoubleSession:
    return DoubleSession().live()


async def choose(stage: Stage, key: str) -> None:
    """Put the cursor on a run and wait for its jobs."""
    stage.table("#runs").move_to(key)
    await stage.until(lambda: stage.table("#runs").cursor_key == key)
    tree = stage.app.screen.query_one("#run-tree", RunTree)
    await stage.until(lambda: tree.details is not None and tree.details.run.key == key, "the jobs are there")


def numbers(stage: Stage) -> list[str]:
    return [row.cells["number"].plain for row in stage.table("#runs").rows]


# -- the table


async def test_runs_of_both_repositories_newest_first_with_state_and_comparison() -> None:
    async with at("runs", live(), size=(200, 50)) as stage:
        await stage.says(
            "20 runs · 4 under way", "▲ waiting", "✗ failure", "8m 32s", "as usual", "▲ +36%", "#407.2", "~3m"
        )
        assert numbers(stage)[:5] == ["#413", "#412", "#88", "#411", "#410"]
        assert stage.table("#runs").has_focus
        assert "runs" in stage.session.github.looked_at


@pytest.mark.parametrize("width", [60, 80, 120, 200])
async def test_what_matters_most_is_there_at_every_width(width: int) -> None:
    async with at("runs", live(), size=(width, 30)) as stage:
        await stage.until(lambda: stage.table("#runs").rows)
        shown = set(stage.table("#runs").shown_columns)
        assert {"state", "workflow", "repo", "branch", "number", "age", "duration", "usual"} <= shown
        assert ("title" in shown) is (width >= 120)


async def test_the_filter_narrows_as_it_is_typed_by_words_and_fields() -> None:
    async with at("runs", live()) as stage:
        await stage.press("slash", *"state:failed")
        await stage.until(lambda: numbers(stage) == ["#410", "#86"])
        await stage.press("space", *"repo:fe")
        await stage.until(lambda: numbers(stage) == ["#86"])
        await stage.says("1 of 20 runs like 'state:failed repo:fe'")
        await stage.press("enter")
        assert stage.table("#runs").has_focus
        await stage.press("escape")
        await stage.until(lambda: len(numbers(stage)) == 20)


async def test_the_field_says_the_syntax_and_a_wrong_state_is_explained() -> None:
    async with at("runs", live(), size=(160, 40)) as stage:
        await stage.press("slash")
        await stage.says("state:failed branch:main actor:ada workflow:deploy event:push repo:fe")
        await stage.press(*"state:zzz")
        await stage.says("There is no state 'zzz'", "action required")
        field = stage.app.screen.query_one("#run-filter", Input)
        field.value = "nobody-knows"
        await stage.says("No run is like 'nobody-knows'. Esc clears. m loads older ones.")
        for key in ("enter", "enter", "f", "l", "R", "X", "J", "A", "o", "y"):
            await stage.press(key)
            assert isinstance(stage.app.screen, RunsScreen), key
        await stage.says("No run is selected.")


async def test_the_cursor_stays_on_its_run_while_the_board_changes() -> None:
    session = live()
    async with at("runs", session) as stage:
        await choose(stage, FAILED.key)
        newer = replace(FAILED, id=9999, number=500)
        session.github.runs.live(RunBoard((newer, *some_runs()), run_board().workflows))
        await stage.until(lambda: "#500" in numbers(stage))
        assert stage.table("#runs").cursor_key == FAILED.key


async def test_durations_of_what_runs_move_each_second() -> None:
    session = live()
    async with at("runs", session) as stage:
        await stage.says("3m 30s")
        session.clock.forward(2)
        await stage.says("3m 32s")


async def test_older_runs_come_by_key_and_at_the_end() -> None:
    session = live()
    session.github.older = (replace(FAILED, id=1, number=1, title="long ago"),)
    async with at("runs", session) as stage:
        await stage.says("older ones: m")
        await stage.press("m")
        await stage.until(lambda: "#1" in numbers(stage))
        assert "older ones" not in stage.text
        await stage.press("m")
        await stage.says("There are no older runs.")
    session = live()
    session.github.older = (replace(FAILED, id=1, number=1),)
    async with at("runs", session) as stage:
        await stage.press("end")
        await stage.until(lambda: "#1" in numbers(stage))


async def test_a_refused_page_of_older_runs_is_said() -> None:
    session = live()
    session.github.refusal = GITHUB_DOWN
    async with at("runs", session, size=(160, 40)) as stage:
        await stage.press("m")
        await stage.says("GitHub answered 502")
        assert len(numbers(stage)) == 20


async def test_two_thousand_runs_filter_as_typed_and_make_only_the_rows_that_are_seen() -> None:
    session = live()
    session.github.runs.live(many_runs(2000))
    async with at("runs", session) as stage:
        table = stage.table("#runs")
        await stage.until(lambda: len(table.rows) == 2000)
        made = sum(isinstance(row, LazyRow) and row._cells is not None for row in table.rows)
        assert made < 60
        screen = stage.app.screen
        assert isinstance(screen, RunsScreen)
        await stage.press("slash")
        begun = time.process_time()
        await stage.press(*"state:failed")
        await stage.until(lambda: len(table.rows) == 400)
        assert time.process_time() - begun < 3.0, "twelve keys with everything they draw"
        begun = time.process_time()
        screen._show_rows()
        assert time.process_time() - begun < 0.1


# -- watching


async def test_scrolling_through_runs_watches_none_but_the_one_where_the_cursor_rests() -> None:
    session = live()
    async with at("runs", session) as stage:
        github = session.github
        await stage.until(lambda: github.watches)
        before = len(github.watches)
        await stage.pilot.press(*["down"] * 6)
        await stage.until(lambda: len(github.watches) > before)
        assert len(github.watches) <= before + 2, "not one for each row"
        assert [watch for watch in github.watches if not watch.closed] == [github.watches[-1]]
        assert github.watches[-1].run.key == stage.table("#runs").cursor_key


async def test_another_pane_ends_the_watch_and_coming_back_begins_it_anew() -> None:
    session = live()
    async with at("runs", session) as stage:
        await choose(stage, DEPLOYING.key)
        stage.app.show_pane("overview")
        await stage.until(lambda: all(watch.closed for watch in session.github.watches))
        stage.app.show_pane("runs")
        await stage.until(lambda: not session.github.watches[-1].closed)
        assert session.github.watches[-1].run.key == DEPLOYING.key


async def test_a_dialog_over_the_pane_does_not_end_the_watch() -> None:
    session = live()
    async with at("runs", session) as stage:
        await choose(stage, DEPLOYING.key)
        await stage.press("question_mark")
        await stage.until(lambda: isinstance(stage.app.screen, HelpDialog))
        await stage.says("Re-run failed")
        assert not session.github.watches[-1].closed


async def test_a_run_that_is_open_stays_watched_though_it_leaves_the_board() -> None:
    session = live()
    async with at("runs", session) as stage:
        await choose(stage, FAILED.key)
        await stage.press("enter")
        await stage.until(lambda: isinstance(stage.app.screen, RunDialog))
        watch = session.github.watches[-1]
        session.github.runs.live(RunBoard(tuple(run for run in some_runs() if run != FAILED), ()))
        await stage.until(lambda: len(numbers_behind(stage)) == 19)
        assert not watch.closed
        await stage.press("escape")
        await stage.until(lambda: watch.closed)
        await stage.until(lambda: session.github.watches[-1].run.key == stage.table("#runs").cursor_key)


def numbers_behind(stage: Stage) -> list[str]:
    """The rows of the pane under a dialog."""
    pane = next(screen for screen in stage.app.screen_stack if isinstance(screen, RunsScreen))
    return [row.key for row in pane.table.rows]


async def test_jobs_and_steps_are_live() -> None:
    session = live()
    async with at("runs", session) as stage:
        await choose(stage, DEPLOYING.key)
        await stage.says("▾ ◐ deploy", "◐  4 Pull images", "◌  5 Restart the unit")
        watch = session.github.watches[-1]
        details = details_of(DEPLOYING)
        (job,) = details.jobs
        steps = tuple(
            replace(step, state=RunState.SUCCESS, completed_at=session.clock()) if step.number == 4 else step
            for step in job.steps
        )
        watch.feed.live(replace(details, jobs=(replace(job, steps=steps),)))
        await stage.says("✓  4 Pull images")


async def test_a_run_whose_jobs_cannot_be_read_says_why_and_keys_answer() -> None:
    session = live()
    session.github.watched_live = False
    async with at("runs", session, size=(160, 40)) as stage:
        await stage.until(lambda: session.github.watches)
        session.github.watches[-1].feed.fail(GITHUB_DOWN, 7)
        await stage.says("✗ failed", "GitHub answered 502", "githubstatus.com")
        await stage.press("f")
        await stage.says("Reading the runs")
        await stage.press("w")
        await stage.until(lambda: isinstance(stage.app.screen, ProblemDialog))


async def test_steps_fold_and_unfold_and_the_failing_one_is_where_the_cursor_begins() -> None:
    async with at("runs", live()) as stage:
        await choose(stage, FAILED.key)
        tree = stage.app.screen.query_one("#run-tree", RunTree)
        job, step = tree.selected or (None, None)
        assert job is not None
        assert step is not None
        assert (job.name, step.name) == ("test (stable)", "cargo test")
        await stage.says("▸ ✓ lint")
        tree.focus()
        await stage.press("space")
        await stage.says("▸ ✗ test (stable)")
        await stage.press("home", "right")
        await stage.says("▾ ✓ lint", "cargo clippy")


# -- an open run


async def test_enter_opens_the_run_and_escape_leaves_it() -> None:
    async with at("runs", live()) as stage:
        await choose(stage, FAILED.key)
        await stage.press("enter")
        await stage.until(lambda: isinstance(stage.app.screen, RunDialog))
        await stage.says("refactor-group/refactor-platform-rs", "goals by relationship", "test (stable)", "push image")
        assert "Host's side" not in stage.text
        await stage.press("escape")
        assert isinstance(stage.app.screen, RunsScreen)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_a_deploy_shows_the_hosts_side_beside_its_jobs(size: tuple[int, int]) -> None:
    session = live()
    async with at("runs", session, size=size) as stage:
        await choose(stage, DEPLOYING.key)
        await stage.press("enter")
        await stage.says("Pull images", "GitHub serves no log of a running job", "unit ● active", "● rust-app")
        stage.session.logs.deliver(_batch("container:rust-app", "the application says hello"))
        await stage.says("the application says hello")


async def test_the_log_of_a_job_of_a_running_deploy_is_the_hosts_side() -> None:
    async with at("runs", live()) as stage:
        await choose(stage, DEPLOYING.key)
        await stage.press("l")
        await stage.until(lambda: isinstance(stage.app.screen, RunDialog))
        await stage.says("GitHub serves no log", "Host's side")


def _batch(source: str, text: str) -> LogBatch:
    return LogBatch(source, (LogLine(1_773_480_400_000_000_000, text),))


# -- logs


async def test_f_opens_the_failing_jobs_log_at_its_first_error() -> None:
    async with at("runs", live()) as stage:
        await choose(stage, FAILED.key)
        await stage.press("f")
        await stage.until(lambda: isinstance(stage.app.screen, JobLogDialog))
        await stage.says("test goals::by_relationship failed", "▸ Run cargo test --package part_0 ⋯ +2 lines")
        await stage.says("line 11", "2 errors")
        assert stage.session.github.asked[-1] == ("log", FAILED.id, 7004)
        await stage.press("right_square_bracket")
        await stage.says("line 14")
        await stage.press("left_square_bracket")
        await stage.says("line 11")


async def test_a_long_log_shows_its_first_line_with_l_and_its_first_error_with_f_also_when_unfolded() -> None:
    stamp = "2026-03-14T08:45:{:02}.{:03}0000Z"
    lines = [f"{stamp.format(n // 20, n % 20)} plain line {n}." for n in range(900)]
    lines[400] = lines[400].replace("plain line 400.", "##[error]broken in the middle")
    session = live()
    session.github.log = joblog.parse("\n".join(lines) + "\n")
    async with at("runs", session, size=(80, 24)) as stage:
        well = next(run for run in some_runs() if run.state is RunState.SUCCESS)
        await choose(stage, well.key)
        await stage.press("l")
        await stage.says("plain line 0.", "plain line 5.", "line 1 ")
        await stage.press("x")
        await stage.says("plain line 0.", "unfolded")
        await stage.press("escape")
        await stage.until(lambda: not isinstance(stage.app.screen, JobLogDialog))
        await choose(stage, FAILED.key)
        await stage.press("f")
        await stage.says("broken in the middle", "line 401")
        assert "plain line 899." not in stage.text


async def test_f_at_once_after_moving_waits_for_the_jobs() -> None:
    session = live()
    session.github.watched_live = False
    async with at("runs", session) as stage:
        stage.table("#runs").move_to(FAILED.key)
        await stage.press("f")
        await stage.until(lambda: session.github.watches[-1].run.key == FAILED.key)
        session.github.watches[-1].feed.live(details_of(FAILED))
        await stage.until(lambda: isinstance(stage.app.screen, JobLogDialog))


async def test_f_on_a_run_that_did_not_fail_says_so() -> None:
    async with at("runs", live()) as stage:
        await choose(stage, DEPLOYING.key)
        await stage.press("f")
        await stage.says("No job of Deploy to DigitalOcean", "failed so far.")


async def test_groups_fold_one_by_one_and_all_at_once_and_a_search_opens_them() -> None:
    async with at("runs", live()) as stage:
        await choose(stage, FAILED.key)
        await stage.press("f")
        await stage.says("▸ Run cargo test --package part_0 ⋯ +2 lines")
        assert "Compute Agent" not in stage.text
        await stage.press("x")
        await stage.says("▾ Runner Image Provisioner", "Compute Agent", "groups unfolded")
        await stage.press("x")
        await stage.says("groups folded; those with an error stay open")
        assert "Compute Agent" not in stage.text
        await stage.press("home", "down", "enter")
        await stage.says("Compute Agent")
        await stage.press("f")
        await stage.says("find")
        await stage.press(*"compute", "enter")
        depth = len(stage.app.screen_stack)
        await stage.says("find compute 1/1")
        await stage.press("escape")
        assert len(stage.app.screen_stack) == depth, "first the search is taken back"
        await stage.press("escape")
        assert len(stage.app.screen_stack) == depth - 1


async def test_a_log_is_filtered_wrapped_and_saved_as_the_journal_is(tmp_path: object) -> None:
    async with at("runs", live()) as stage:
        await choose(stage, FAILED.key)
        await stage.press("f")
        await stage.says("Process completed")
        await stage.press("slash", *"exit code", "enter")
        await stage.says("1 of 15 lines")
        await stage.press("w")
        await stage.says("wrapped")
        await stage.press("escape", "S")
        field = stage.app.screen.query_one("#prompt-input", Input)
        field.value = f"{tmp_path}/job.log"
        await stage.press("enter")
        await stage.says("15 lines were saved")


async def test_a_running_job_has_no_log_yet_and_it_opens_when_the_job_ends() -> None:
    session = live()
    front = some_runs()[2]
    async with at("runs", session) as stage:
        await choose(stage, front.key)
        await stage.press("l")
        await stage.says("GitHub serves no log of a job that is running")
        assert not [asked for asked in session.github.asked if asked[0] == "log"]
        details = details_of(front)
        ended = replace(details.jobs[0], state=RunState.SUCCESS, completed_at=session.clock())
        session.github.watches[-1].feed.live(replace(details, jobs=(ended,)))
        await stage.says("Current runner version")
        assert "GitHub serves no log" not in stage.text


async def test_a_log_that_github_refuses_says_why_and_can_be_asked_again() -> None:
    session = live()
    async with at("runs", session) as stage:
        await choose(stage, FAILED.key)
        session.github.refusal = Problem("The log is gone: GitHub keeps it for 90 days.", "Run it again.", code="gone")
        await stage.press("f")
        await stage.says("✗ The log is gone", "Run it again.")
        session.github.refusal = None
        await stage.press("r")
        await stage.says("Process completed")


async def test_a_log_left_before_it_comes_leaves_nothing_behind() -> None:
    session = live()
    async with at("runs", session) as stage:
        await choose(stage, FAILED.key)
        session.github.may_answer.clear()
        await stage.press("f")
        await stage.until(lambda: isinstance(stage.app.screen, JobLogDialog))
        await stage.press("escape")
        session.github.may_answer.set()
        await stage.until(lambda: isinstance(stage.app.screen, RunsScreen))
        assert not stage.app._notifications


# -- its page


async def test_its_address_is_copied_and_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("refactor_console.screens.links.has_desktop", lambda: False)
    async with at("runs", live()) as stage:
        await choose(stage, FAILED.key)
        await stage.press("y")
        assert stage.app.clipboard == FAILED.html_url
        stage.app.copy_to_clipboard("")
        await stage.press("o")
        assert stage.app.clipboard == FAILED.html_url


# -- feeds


async def test_connecting_off_failed_and_stale_are_told_apart_with_what_to_do() -> None:
    session = DoubleSession()
    github = session.github
    async with at("runs", session, size=(160, 40)) as stage:
        await stage.says("◐ connecting…")
        github.runs.off(SIGNED_OUT)
        await stage.says("○ off", "set GH_TOKEN")
        github.runs.fail(GITHUB_DOWN, 7)
        await stage.says("✗ failed · retry in 7 s", GITHUB_DOWN.remedy)
        await stage.press("w")
        await stage.until(lambda: isinstance(stage.app.screen, ProblemDialog))
        await stage.press("escape")
        github.runs.live(run_board())
        await stage.says("● live", "#410")
        session.clock.forward(90)
        github.runs.stale()
        await stage.says("◌ stale · 1 min", "#410")
        github.runs.fail(GITHUB_DOWN, 7)
        await stage.says("✗ failed", "#410")


async def test_one_repository_that_cannot_be_asked_hides_nothing() -> None:
    session = live()
    session.github.runs.live(replace(run_board(), problems=((BACKEND, GITHUB_DOWN),)))
    async with at("runs", session, size=(200, 40)) as stage:
        await stage.says("▲ backend: Reading the runs", "#88", "#410")
        await stage.press("w")
        await stage.says("HTTP 502 Bad Gateway")


async def test_nothing_ran_yet() -> None:
    session = live()
    session.github.runs.live(RunBoard((), ()))
    async with at("runs", session) as stage:
        await stage.says("No workflow has run yet; d dispatches one.")
        await stage.press("d")
        await stage.says("No workflow is known yet.")


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_hostile_names_stay_text_everywhere(size: tuple[int, int]) -> None:
    session = live()
    evil = some_runs()[-1]
    async with at("runs", session, size=size) as stage:
        await choose(stage, evil.key)
        await stage.says("[red]")
        for key in ("enter", "escape", "f", "l", "escape", "R", "escape", "colon", "escape", "d", "escape"):
            await stage.press(key)
            assert not any(sign in stage.text for sign in SIGNS), key


async def test_the_mouse_selects_and_opens() -> None:
    async with at("runs", live()) as stage:
        table = stage.table("#runs")
        await stage.until(lambda: table.rows)
        await stage.pilot.click(table, offset=(5, 4))
        await stage.until(lambda: table.cursor_key == WAITING.key)
        await stage.pilot.click(table, offset=(5, 5), times=2)
        await stage.until(lambda: isinstance(stage.app.screen, RunDialog))
