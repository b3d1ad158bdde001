"""What the images and releases panes look like, to the last cell: fixed data, a fixed clock, nothing that moves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.ui.double_images import live_session
from tests.ui.stage import Stage, make_app

SIZES = [(80, 24), (120, 40), (200, 60)]


class Compare(Protocol):
    """The fixture of pytest-textual-snapshot."""

    def __call__(self, app: Any, *, terminal_size: tuple[int, int], run_before: Callable[[Pilot[None]], Any]) -> bool:
        """Whether the screen is as it was accepted."""


def _same(compare: Compare, mode: str, size: tuple[int, int], *keys: str, says: str) -> bool:
    """Open a pane, press keys, wait for words, and compare."""
    app, opened = make_app(live_session()[0])

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
def test_images_live(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert _same(snap_compare, "images", size, says="1.0.0-beta2")


@pytest.mark.parametrize("size", SIZES)
def test_images_time_machine(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert _same(snap_compare, "images", size, "t", says="Runs older than 400 days")


def test_images_details(snap_compare: Compare) -> None:
    assert _same(snap_compare, "images", (120, 40), "i", says="Provenance")


def test_images_comparison(snap_compare: Compare) -> None:
    assert _same(snap_compare, "images", (120, 40), "c", "down", "c", says="Labels that differ")


@pytest.mark.parametrize("size", SIZES)
def test_releases_live(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert _same(snap_compare, "releases", size, says="1.0.0-beta4")
