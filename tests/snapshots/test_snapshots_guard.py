"""What the secrets and alerts panes look like, to the last cell: fixed data, a fixed clock, nothing that moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from refactor_console.domain.account import Account, TokenKind, TokenSource
from refactor_console.domain.alerts import GuardState
from refactor_console.domain.contract import SourceName
from tests.ui.double_guards import DENIED, environment_contract, guards, row, sound_rows, sources
from tests.ui.double_session import DoubleSession
from tests.ui.stage import Stage, make_app

SIZES = [(80, 24), (120, 40), (200, 60)]


class Compare(Protocol):
    """The fixture of pytest-textual-snapshot."""

    def __call__(self, app: Any, *, terminal_size: tuple[int, int], run_before: Callable[[Pilot[None]], Any]) -> bool:
        """Whether the screen is as it was accepted."""


def _same(
    compare: Compare, mode: str, size: tuple[int, int], *keys: str, says: str, session: DoubleSession | None = None
) -> bool:
    """Open a pane, press keys, wait for words, and compare."""
    app, opened = make_app(session or DoubleSession().live())

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


@pytest.mark.parametrize("size", SIZES)
def test_alerts_with_every_guard_off(snap_compare: Compare, size: tuple[int, int]) -> None:
    session = DoubleSession().live()
    session.github.alerts.live(guards(GuardState.OFF))
    assert _same(snap_compare, "alerts", size, says="No guard is known to be on", session=session)


@pytest.mark.parametrize("size", SIZES)
def test_secrets_not_permitted(snap_compare: Compare, size: tuple[int, int]) -> None:
    session = DoubleSession().live()
    session.github.account.live(Account("ada", TokenKind.FINE_GRAINED, TokenSource.KEYRING, "keyring"))
    unread = sources(*(source for source in SourceName if "secrets" in source.value), problem=DENIED)
    rows = (row("APP_SECRET", None), *sound_rows())
    session.github.contract.live(replace(environment_contract(), rows=rows, sources=unread))
    assert _same(snap_compare, "secrets", size, says="could not be read", session=session)
