"""How fast the tail is, beside Textual's own `Log` and `RichLog`, in one run on one machine: only ratios travel.

    python benchmarks/log_view.py [--lines 200000] [--seconds 6] [--json FILE]

Measured in a headless application of 120x40 cells, with the same lines for everybody:

- ingest: lines per second from the first delivery until the last line has been drawn;
- key to repaint: from posting a key until the frame that shows its effect has been handed to the driver, while lines
  pour in twenty times a second; the keys are "page up" and "page down" while reading older lines (`Log` cannot leave
  its end under a flood), and for the tail itself also "up" and "end".
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import statistics
from collections.abc import Callable, Iterable
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from textual.app import App, ComposeResult
from textual.events import Key
from textual.widget import Widget
from textual.widgets import Log, RichLog

from refactor_console.domain.logfilter import LogFilter, parse
from refactor_console.domain.logs import Level, LogBatch, LogLine, SourceKind, SourceProgress
from refactor_console.services.feed import Feed, Unsubscribe
from refactor_console.services.log_book import LogBook
from refactor_console.widgets.log_view import LogView

TEXT = "INFO refactor_platform::web: request finished method=GET path=/api/coaching_sessions status=200 latency_ms=12 "
HELD = 100_000
TICK = 0.05


class BenchSource:
    def __init__(self, key: str) -> None:
        self.key, self.label, self.kind = key, key.partition(":")[2], SourceKind.CONTAINER
        self.feed: Feed[SourceProgress] = Feed(key)


class BenchHub:
    def __init__(self, count: int) -> None:
        self._sources = tuple(BenchSource(f"container:app-{n}") for n in range(count))
        self._listeners: list[Callable[[LogBatch], None]] = []

    def sources(self) -> tuple[BenchSource, ...]:
        return self._sources

    def subscribe(self, listener: Callable[[LogBatch], None]) -> Unsubscribe:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def subscribe_sources(self, listener: Callable[[], None]) -> Unsubscribe:  # noqa: ARG002
        return lambda: None

    def deliver(self, batch: LogBatch) -> None:
        for listener in self._listeners:
            listener(batch)


class Bench(App[None]):
    """One widget, and a note of every frame."""

    def __init__(self, kind: str, sources: int = 1, filter_text: str = "") -> None:
        super().__init__()
        self.kind = kind
        self.filter_text = filter_text
        self.hub = BenchHub(sources)
        self.on_frame: Callable[[], None] = lambda: None
        self.animation_level = "none"

    def compose(self) -> ComposeResult:
        self.book = LogBook(self.hub, max_lines=HELD)
        if self.kind == "LogView":
            self.target: Widget = LogView(self.book)
        elif self.kind == "Log":
            self.target = Log(max_lines=HELD)
        else:
            self.target = RichLog(max_lines=HELD)
        yield self.target

    def on_mount(self) -> None:
        self.target.focus()
        if self.filter_text and isinstance(self.target, LogView):
            self.target.choose(LogFilter(terms=parse(self.filter_text).terms))

    def _display(self, screen: Any, renderable: Any) -> None:
        super()._display(screen, renderable)
        self.on_frame()

    def feed(self, texts: list[str], batch: list[LogBatch]) -> None:
        if isinstance(self.target, LogView):
            for each in batch:
                self.hub.deliver(each)
        elif isinstance(self.target, Log):
            self.target.write_lines(texts)
            self.target.refresh()
        elif isinstance(self.target, RichLog):
            for text in texts:
                self.target.write(text)

    def place(self) -> object:
        """What a key moves."""
        if isinstance(self.target, LogView):
            return self.target.page[0].id, self.target.following
        return round(self.target.scroll_y)


def texts_of(start: int, count: int) -> list[str]:
    return [f"{TEXT}n={number}" for number in range(start, start + count)]


def batches_of(texts: list[str], start: int, sources: int) -> list[LogBatch]:
    lines = [LogLine((start + n) * 50_000, text, Level.INFO) for n, text in enumerate(texts)]
    return [LogBatch(f"container:app-{each}", tuple(lines[each::sources])) for each in range(sources)]


def is_drawn(app: Bench, text: str) -> bool:
    widget = app.target
    height = widget.size.height
    return any(
        text in "".join(segment.text for segment in widget.render_line(y)) for y in range(max(height - 3, 0), height)
    )


async def ingest(kind: str, count: int) -> float:
    """Lines per second."""
    size = 1_000
    work = [texts_of(start, size) for start in range(0, count, size)]
    batches = [batches_of(texts, n * size, 1) for n, texts in enumerate(work)]
    app = Bench(kind)
    async with app.run_test(size=(160, 40)) as pilot:
        await pilot.pause()
        gc.collect()
        begun = perf_counter()
        for texts, batch in zip(work, batches, strict=True):
            app.feed(texts, batch)
            await asyncio.sleep(0)
        drawn = asyncio.Event()
        app.on_frame = lambda: drawn.set() if is_drawn(app, f"n={count - 1}") else None
        app.target.refresh()
        await asyncio.wait_for(drawn.wait(), 60)
        return count / (perf_counter() - begun)


async def keys(
    kind: str, rate: int, seconds: float, *, sources: int = 1, filter_text: str = "", tailing: bool = False
) -> dict[str, float]:
    """Milliseconds from key to frame, and the share of a core that was used."""
    per_tick = int(rate * TICK)
    work = [texts_of(n * per_tick, per_tick) for n in range(int(seconds / TICK) + 40)]
    batches = [batches_of(texts, n * per_tick, sources) for n, texts in enumerate(work)]
    before = texts_of(0, 1_000)
    app = Bench(kind, sources, filter_text)
    async with app.run_test(size=(160, 40)) as pilot:
        app.feed(before, batches_of(before, -2_000, sources))
        await pilot.pause()
        if not tailing:
            await pilot.press("home", "pagedown", "pagedown", "pagedown")
            await pilot.pause()
        gc.collect()
        gc.freeze()

        async def pour() -> None:
            due = perf_counter()
            for texts, batch in zip(work, batches, strict=True):
                app.feed(texts, batch)
                due += TICK
                await asyncio.sleep(max(due - perf_counter(), 0))

        pouring = asyncio.create_task(pour())
        waits: list[float] = []
        wall, cpu = perf_counter(), process_time()
        number = 0
        while perf_counter() - wall < seconds and not pouring.done():
            number += 1
            key = ("up" if number % 2 else "end") if tailing else ("pageup" if number % 2 else "pagedown")
            waits.append(await time_of_key(app, key))
            await asyncio.sleep(0.017 + 0.013 * (number % 3))
        used = (process_time() - cpu) / (perf_counter() - wall)
        pouring.cancel()
        gc.unfreeze()
    return {"p50": percentile(waits, 50), "p99": percentile(waits, 99), "keys": len(waits), "cpu": used * 100}


async def time_of_key(app: Bench, key: str) -> float:
    """Seconds from posting a key to the frame that shows what it moved."""
    place = app.place()
    handed: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    def frame() -> None:
        if not handed.done() and app.place() != place:
            handed.set_result(perf_counter())

    app.on_frame = frame
    pressed = perf_counter()
    app.post_message(Key(key, None))
    return await asyncio.wait_for(handed, 5) - pressed


def percentile(values: Iterable[float], share: int) -> float:
    ordered = list(values)
    return 1000 * (
        statistics.quantiles(ordered, n=100, method="inclusive")[share - 1] if len(ordered) > 1 else ordered[0]
    )


async def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    results: dict[str, Any] = {"ingest": {}, "keys": {}}
    for kind, share in (("LogView", 1.0), ("Log", 0.5), ("RichLog", 0.02)):
        rates = [await ingest(kind, max(int(arguments.lines * share) // 1_000, 2) * 1_000) for _ in range(3)]
        results["ingest"][kind] = statistics.median(rates)
        print(f"ingest   {kind:8} {results['ingest'][kind]:>12,.0f} lines/s")
    flood = 20_000
    for name, found in (
        ("LogView@2000", await keys("LogView", 2_000, arguments.seconds)),
        ("Log@2000", await keys("Log", 2_000, arguments.seconds)),
        ("LogView@20000", await keys("LogView", flood, arguments.seconds)),
        ("Log@20000", await keys("Log", flood, arguments.seconds)),
        (
            "LogView@20000, ten sources and a filter",
            await keys("LogView", flood, arguments.seconds, sources=10, filter_text="!n=1"),
        ),
        ("LogView@20000, leaving and finding the end", await keys("LogView", flood, arguments.seconds, tailing=True)),
    ):
        results["keys"][name] = found
        print(f"keys     {name:44} p50 {found['p50']:6.1f}  p99 {found['p99']:6.1f} ms  cpu {found['cpu']:3.0f} %")
    ratios = {
        "ingest over Log": results["ingest"]["LogView"] / results["ingest"]["Log"],
        "ingest over RichLog": results["ingest"]["LogView"] / results["ingest"]["RichLog"],
        "p50 of Log's, 20,000/s": results["keys"]["LogView@20000"]["p50"] / results["keys"]["Log@20000"]["p50"],
        "p99 of Log's, 20,000/s": results["keys"]["LogView@20000"]["p99"] / results["keys"]["Log@20000"]["p99"],
    }
    results["ratios"] = ratios
    for name, ratio in ratios.items():
        print(f"ratio    {name:24} {ratio:8.2f}")
    return results


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=200_000)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    found = asyncio.run(measure(given))
    print(json.dumps(found))
    if given.json:
        given.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
