"""Thousands of runs and tags: how long a pane takes to open on what is known, and a filter to follow the typing.

    python -m benchmarks.boards [--runs 2000] [--tags 5000] [--repeat 5] [--json FILE]

In a headless console of 120x40 cells over fixed boards. Beside it, in the same run, Textual's own `DataTable` with as
many rows of as many columns: the ratio is what travels. Measured: from the key until the frame that shows the pane has
been handed to the driver; from a filter's letter until its frame; and the memory that the board and its pane add.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import statistics
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import DataTable

from tests.ui import boards, double_runs
from tests.ui.double_session import DoubleSession
from tests.ui.stage import make_app

SIZE = (120, 40)
COLUMNS = 10
FILTERS = {"4": "main", "5": "stable"}
TABLES = {"4": "#runs", "5": "#images"}


class Plain(App[None]):
    """As many rows in the library's own table."""

    def __init__(self, rows: int) -> None:
        super().__init__()
        self._rows = rows

    def compose(self) -> ComposeResult:
        yield DataTable()

    def fill(self) -> None:
        table = self.query_one(DataTable)
        table.clear(columns=True)
        table.add_columns(*(f"column {n}" for n in range(COLUMNS)))
        table.add_rows([[f"cell {row} {column}" for column in range(COLUMNS)] for row in range(self._rows)])


async def drawn(pilot: Pilot[Any], condition: Callable[[], bool]) -> None:
    """Until the condition holds and what it asks for has been drawn."""
    while not condition():  # noqa: ASYNC110 - the library tells no event for a row that was added
        await asyncio.sleep(0)
    await pilot.pause()


async def plain(rows: int, repeat: int) -> float:
    """Seconds to fill and draw the library's table."""
    app, took = Plain(rows), []
    async with app.run_test(size=SIZE) as pilot:
        for _ in range(repeat):
            begun = perf_counter()
            app.fill()
            await drawn(pilot, lambda: app.query_one(DataTable).row_count == rows)
            took.append(perf_counter() - begun)
    return statistics.median(took)


def session_with(runs: int, tags: int) -> DoubleSession:
    session = DoubleSession().live()
    session.github.runs.live(double_runs.many_runs(runs))
    session.github.images.live(boards.many_tags(tags))
    return session


async def pane(key: str, runs: int, tags: int, repeat: int) -> tuple[list[float], list[float], int]:
    """Seconds to open, seconds per letter of a filter, bytes that the pane holds."""
    opened, letters, held = [], [], 0
    for _ in range(repeat):
        session = session_with(runs, tags)
        app, _sessions = make_app(session)
        app.animation_level = "none"
        async with app.run_test(size=SIZE) as pilot:
            await drawn(pilot, lambda app=app: app.current_mode == "overview")  # type: ignore[misc]
            gc.collect()
            begun = perf_counter()
            await pilot.press(key)
            await drawn(pilot, lambda app=app: bool(app.screen.query(TABLES[key])) and has_rows(app, key))  # type: ignore[misc]
            opened.append(perf_counter() - begun)
            await pilot.press("slash")
            for letter in FILTERS[key]:
                begun = perf_counter()
                await pilot.press(letter)
                await pilot.pause()
                letters.append(perf_counter() - begun)
    session = session_with(runs, tags)
    app, _sessions = make_app(session)
    async with app.run_test(size=SIZE) as pilot:
        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()
        await pilot.press(key)
        await drawn(pilot, lambda: has_rows(app, key))
        gc.collect()
        held = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
    return opened, letters, held


def has_rows(app: App[Any], key: str) -> bool:
    found = list(app.screen.query(TABLES[key]))
    return bool(found) and len(found[0].rows) > 0  # type: ignore[attr-defined]


async def measure(runs: int, tags: int, repeat: int) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, name, rows in (("4", "runs", runs), ("5", "tags", tags)):
        opened, letters, held = await pane(key, runs, tags, repeat)
        few, _, _ = await pane(key, 20, 20, repeat)
        beside = await plain(rows, repeat)
        result[name] = {
            "rows": rows,
            "open_s": statistics.median(opened),
            "open_20_rows_s": statistics.median(few),
            "datatable_s": beside,
            "open_against_datatable": statistics.median(opened) / beside,
            "letter_s": statistics.median(letters),
            "letter_worst_s": max(letters),
            "held_mib": held / 2**20,
        }
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=2_000)
    parser.add_argument("--tags", type=int, default=5_000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    result = asyncio.run(measure(options.runs, options.tags, options.repeat))
    for name, found in result.items():
        print(f"{found['rows']:,} {name}:")
        print(
            f"  pane opens in {found['open_s'] * 1000:.0f} ms ({found['open_20_rows_s'] * 1000:.0f} ms with 20 rows);"
        )
        print(
            f"  Textual's DataTable takes {found['datatable_s'] * 1000:.0f} ms: {found['open_against_datatable']:.2f}x"
        )
        print(
            f"  a filter's letter {found['letter_s'] * 1000:.0f} ms, at worst {found['letter_worst_s'] * 1000:.0f} ms"
        )
        print(f"  the pane holds {found['held_mib']:.1f} MiB")
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
