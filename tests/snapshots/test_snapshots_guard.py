"""What the secrets and alerts panes look like, to the last cell: fixed data, a fixed clock, nothing that moves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.ui.double_session import DoubleSession
from tests.ui.stage import Stage, make_app

SIZES = [(80, 24), (120, 40), (200, 60)]


class Compare(Protocol):
    """The fixture of pytest-textual-snapshot."""

    def __call__(self, app: Any, *, terminal_size: tuple[int, int], run_before: Callable[[Pilot[None]], Any]) -> bool:
        """Whether the screen is as it was accepted."""


def _same(compare: Compare, mode: str, size: tuple[int, int], *keys: str, says: str) -> bool:
    """Open a pane, press keys, wait for words, and compare."""
    app, opened = make_app(DoubleSession().live())

    async def run_before(pilot: Pilot[None]) -> None:
        stage = Stage(app, pilot, opened)
        await stage.until(lambda: app.current_mode == "overview")
        app.show_pane(mode)
        await stage.until(lambda: app.current_mode == mode)
        await stage.press(*keys)
        await stage.says(says)
        for field in app.screen.query(Input):
            field.cursor_blink = False
        await pilot.pause()

    return compare(app, terminal_size=size, run_before=run_before)


@pytest.mark.parametrize("size", SIZES)
def test_secrets_live(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert _same(snap_compare, "secrets", size, says="TIPTAP_URL")


@pytest.mark.parametrize("size", SIZES)
def test_secrets_details(snap_compare: Compare, size: tuple[int, int]) -> None:
    keys = ("down", "down", "down", "down", "i")
    assert _same(snap_compare, "secrets", size, *keys, says="the same value as")


def test_secrets_sources(snap_compare: Compare) -> None:
    assert _same(snap_compare, "secrets", (120, 40), "w", says="What this means")


@pytest.mark.parametrize("size", SIZES)
def test_alerts_live(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert _same(snap_compare, "alerts", size, says="broadcast")


def test_alerts_guards(snap_compare: Compare) -> None:
    assert _same(snap_compare, "alerts", (120, 40), "w", says="Advanced Security")


def test_alerts_details(snap_compare: Compare) -> None:
    assert _same(snap_compare, "alerts", (120, 40), "i", says="Remedy")
