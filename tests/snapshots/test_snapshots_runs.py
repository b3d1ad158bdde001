"""What the runs pane and its dialogs look like, to the last cell: fixed data, a fixed clock, nothing that moves."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from refactor_console.domain.logs import Level, LogBatch, LogLine, LogMark, MarkKind
from tests.snapshots.test_snapshots_images import SIZES, Compare
from tests.ui.double_runs import DEPLOYING, FAILED, WAITING
from tests.ui.double_session import DoubleSession
from tests.ui.stage import Stage, make_app
from tests.ui.test_runs_screen import choose

START = 1_773_480_230_000_000_000
SECOND = 1_000_000_000


def _same(
    compare: Compare,
    size: tuple[int, int],
    run: str,
    *keys: str,
    says: str,
    before: Callable[[DoubleSession], None] | None = None,
) -> bool:
    """Choose a run, press keys, wait for words, and compare."""
    session = DoubleSession().live()
    if before is not None:
        before(session)
    app, opened = make_app(session)

    async def run_before(pilot: Pilot[None]) -> None:
        stage = Stage(app, pilot, opened)
        await stage.until(lambda: app.current_mode == "overview")
        if before is _host_speaks:
            _host_says(session)
        app.show_pane("runs")
        await stage.until(lambda: app.current_mode == "runs")
        await choose(stage, run)
        await stage.press(*keys)
        await stage.says(says)
        for field in app.screen.query(Input):
            field.cursor_blink = False
        await pilot.pause()

    return compare(app, terminal_size=size, run_before=run_before)


def _host_speaks(_session: DoubleSession) -> None:
    """The host has something to say once the console listens."""


def _host_says(session: DoubleSession) -> None:
    lines = ("Container rust-app Stopping", "Container rust-app Stopped", "rust-app Pulling", "rust-app Pulled")
    unit = "journal:refactor-platform.service"
    said = tuple(LogLine(START + n * SECOND, text, Level.INFO, "docker") for n, text in enumerate(lines))
    session.logs.deliver(LogBatch(unit, said))
    stopped = LogMark(START + SECOND, MarkKind.STOPPED, "exit code 0")
    started = LogMark(START + 5 * SECOND, MarkKind.STARTED, "")
    hello = LogLine(START + 6 * SECOND, "09:24:01 [INFO] Listening on 0.0.0.0:4000", Level.INFO)
    session.logs.deliver(LogBatch("container:rust-app", (hello,), (stopped, started)))


@pytest.mark.parametrize("size", SIZES)
def test_runs_live(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert _same(snap_compare, size, FAILED.key, says="cargo test")


@pytest.mark.parametrize("size", SIZES)
def test_runs_deploy_open(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert _same(snap_compare, size, DEPLOYING.key, "enter", says="Listening on", before=_host_speaks)


@pytest.mark.parametrize("size", SIZES)
def test_runs_failing_step(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert _same(snap_compare, size, FAILED.key, "f", says="goals::by_relationship failed")


@pytest.mark.parametrize("size", SIZES)
def test_runs_dispatch_form(snap_compare: Compare, size: tuple[int, int]) -> None:
    keys = ("d", "home", "down", "down", "enter")
    assert _same(snap_compare, size, FAILED.key, *keys, says="deploy_branch")


def test_runs_dispatch_wrong(snap_compare: Compare) -> None:
    keys = ("d", "home", "down", "down", "enter", "enter", "backspace", "backspace", "backspace", "backspace", "ctrl+s")
    assert _same(snap_compare, (120, 40), FAILED.key, *keys, says="is required")


@pytest.mark.parametrize("size", SIZES[:2])
def test_runs_preview(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert _same(snap_compare, size, FAILED.key, "R", says="Type its name")


def test_runs_review(snap_compare: Compare) -> None:
    assert _same(snap_compare, (80, 24), WAITING.key, "A", says="reviewers")


def test_runs_filtered(snap_compare: Compare) -> None:
    assert _same(snap_compare, (80, 24), FAILED.key, "slash", *"state:failed repo:fe", says="1 of 20")
