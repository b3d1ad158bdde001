"""What the console looks like, to the last cell: fixed data, a fixed clock, nothing that moves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from refactor_console import theme as themes
from refactor_console.screens.dialogs.confirm import ConfirmDialog, State
from tests.ui.double_session import DOWN, DoubleSession
from tests.ui.stage import Stage, make_app

SIZES = [(80, 24), (120, 40), (200, 60)]
Prepare = Callable[[Stage], Awaitable[None]]


class Compare(Protocol):
    """The fixture of pytest-textual-snapshot."""

    def __call__(self, app: Any, *, terminal_size: tuple[int, int], run_before: Callable[[Pilot[None]], Any]) -> bool:
        """Whether the screen is as it was accepted."""


def _same(
    compare: Compare, session: DoubleSession, size: tuple[int, int], prepare: Prepare | None = None, **settings: Any
) -> bool:
    """Start the console over `session`, bring it to the wanted state, and compare."""
    app, opened = make_app(session, **settings)

    async def run_before(pilot: Pilot[None]) -> None:
        stage = Stage(app, pilot, opened)
        await stage.until(lambda: app.current_mode == "overview")
        if prepare is not None:
            await prepare(stage)
        for field in app.screen.query(Input):
            field.cursor_blink = False
        await pilot.pause()

    return compare(app, terminal_size=size, run_before=run_before)


def _press(*keys: str) -> Prepare:
    async def prepare(stage: Stage) -> None:
        await stage.press(*keys)

    return prepare


def _failed() -> DoubleSession:
    """Everything was well, and 45 seconds ago the connection broke."""
    session = DoubleSession().live()
    session.clock.forward(42)
    session.fail(DOWN, 7)
    session.clock.forward(3)
    return session


@pytest.mark.parametrize("size", SIZES)
def test_overview_live(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert _same(snap_compare, DoubleSession().live(), size)


@pytest.mark.parametrize("size", SIZES)
def test_overview_failed(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert _same(snap_compare, _failed(), size)


@pytest.mark.parametrize("size", SIZES)
def test_containers_live(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert _same(snap_compare, DoubleSession().live(), size, _press("2", "down", "down"))


@pytest.mark.parametrize("size", SIZES)
def test_inspect(snap_compare: Compare, size: tuple[int, int]) -> None:
    async def prepare(stage: Stage) -> None:
        await stage.press("2", "down", "down", "i")
        await stage.says("Service")

    assert _same(snap_compare, DoubleSession().live(), size, prepare)


@pytest.mark.parametrize("size", SIZES)
def test_confirm_in_a_protected_environment(snap_compare: Compare, size: tuple[int, int]) -> None:
    async def prepare(stage: Stage) -> None:
        await stage.press("2", "down", "down", "R")
        await stage.until(
            lambda: isinstance(stage.app.screen, ConfirmDialog) and stage.app.screen.state is State.ASKING
        )

    assert _same(snap_compare, DoubleSession().live(), size, prepare)


@pytest.mark.parametrize("size", SIZES)
def test_help(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert _same(snap_compare, DoubleSession().live(), size, _press("2", "?"))


@pytest.mark.parametrize("theme", [name for name in themes.NAMES if name != themes.DARK])
def test_themes(snap_compare: Compare, theme: str) -> None:
    session = _failed()
    session.link.live(session.link.reading.value)  # type: ignore[arg-type]
    assert _same(snap_compare, session, (120, 40), theme=theme)


def test_read_only(snap_compare: Compare) -> None:
    assert _same(snap_compare, DoubleSession(read_only=True).live(), (80, 24), _press("2"), read_only=True)
