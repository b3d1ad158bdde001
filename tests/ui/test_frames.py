"""What is drawn for a frame is what Textual itself would draw, and no more than has to be."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest
from rich.cells import get_character_cell_size
from rich.console import Console
from textual._compositor import Compositor, CompositorUpdate
from textual.geometry import Region
from textual.screen import Screen
from textual.widget import Widget

from refactor_console.domain.logs import LogBatch, LogLine
from refactor_console.widgets.frames import FrugalCompositor, merged
from refactor_console.widgets.log_status import LogStatus
from tests.ui.double_session import DoubleSession
from tests.ui.stage import Stage, console

Picture = dict[tuple[int, int], tuple[str, str]]
"""Character and colours by column and row."""

_WORDS = re.compile(r"\x1b\[(\d+);(\d+)H|\x1b\[([\d;]*)m|(\n)|([^\x1b\n])")
TERMINAL = Console(color_system="truecolor", force_terminal=True)


def drawn(update: CompositorUpdate | None) -> Picture:
    """What a terminal would show of an update."""
    picture: Picture = {}
    x, y, colours = 0, 0, ""
    for found in _WORDS.finditer("" if update is None else update.render_segments(TERMINAL)):
        row, column, style, line_break, char = found.groups()
        if row is not None:
            x, y = int(column) - 1, int(row) - 1
        elif style is not None:
            colours = "" if style == "0" else style
        elif line_break is None:
            picture[x, y] = (char, colours)
            x += get_character_cell_size(char)
    return picture


def compositor(stage: Stage) -> FrugalCompositor:
    """The one that draws the pane."""
    found = stage.app.screen._compositor
    assert isinstance(found, FrugalCompositor)
    return found


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
@pytest.mark.parametrize("pane", ["overview", "containers", "logs"])
async def test_a_part_is_drawn_as_textual_would_draw_it(pane: str, size: tuple[int, int]) -> None:
    """With a notification lying over the pane, and regions that cross widgets and the screen's edge."""
    dice = random.Random(f"{pane} {size}")
    async with console(DoubleSession().live(), pane=pane, size=size) as stage:
        stage.app.say("Something lies over the pane.")
        await stage.says("Something lies over the pane.")
        ours = compositor(stage)
        for _ in range(30):
            regions = {
                Region(
                    dice.randrange(size[0]), dice.randrange(size[1]), dice.randrange(1, size[0]), dice.randrange(1, 6)
                ).intersection(ours.size.region)
                for _ in range(dice.randrange(1, 4))
            }
            ours._dirty_regions.update(regions)
            expected = drawn(Compositor.render_partial_update(ours))
            ours._dirty_regions.update(regions)
            assert drawn(ours.render_partial_update()) == expected


async def test_after_many_frames_the_screen_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything a terminal was told, one thing after the other, is what ought to be on it in the end."""
    picture: Picture = {}
    async with console(DoubleSession().live(), pane="logs") as stage:
        display = stage.app._display

        def note(screen: Screen[Any], update: Any) -> None:
            picture.update(drawn(update))
            display(screen, update)

        monkeypatch.setattr(stage.app, "_display", note)
        stage.app.refresh(layout=True)
        source = stage.session.logs.sources()[0].key
        for number in range(0, 72, 6):
            lines = tuple(LogLine((1_000 + n) * 1_000_000_000, f"line {n}") for n in range(number, number + 6))
            stage.session.logs.deliver(LogBatch(source, lines))
            await stage.says(f"line {number + 5}")
            await stage.press(*(("up", "end"), ("w",), ("pageup", "up", "end"), ("z",))[number // 6 % 4])
        await stage.says("line 71", "FOLLOWING")
        await stage.pilot.pause()
        whole = drawn(stage.app.screen._compositor.render_full_update())
        assert {place: what for place, what in picture.items() if what != whole.get(place)} == {}
        assert picture.keys() == whole.keys()


async def test_what_did_not_change_is_not_asked_to_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    """A figure that changes must not cost a look at every tab, table and key."""
    async with console(DoubleSession().live(), pane="logs") as stage:
        await stage.pilot.pause()
        asked: list[Widget] = []
        render = Widget.render_lines

        def note(widget: Widget, crop: Region) -> Any:
            asked.append(widget)
            return render(widget, crop)

        monkeypatch.setattr(Widget, "render_lines", note)
        status = stage.app.screen.query_one(LogStatus)
        compositor(stage)._dirty_regions.add(status.region)
        update = compositor(stage).render_partial_update()
        assert asked == [status]
        assert {y for _, y in drawn(update)} == {status.region.y}


def test_rows_under_each_other_become_one_region() -> None:
    rows = [Region(2, y, 10, 1) for y in (5, 3, 4, 9)]
    assert merged([*rows, Region(0, 4, 3, 1)]) == [Region(0, 4, 3, 1), Region(2, 3, 10, 3), Region(2, 9, 10, 1)]
