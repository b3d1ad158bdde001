"""Words, shapes and short forms shared by all panes: pure functions from domain values to text.

Outside text goes through `domain.text.visible` here, at the last moment before it is drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from textual.content import Content

from refactor_console.domain.reading import Phase, Reading
from refactor_console.domain.text import visible
from refactor_console.domain.verdict import Verdict

GLYPHS: dict[Verdict, str] = {
    Verdict.OK: "●",
    Verdict.DONE: "✓",
    Verdict.WORKING: "◐",
    Verdict.WARN: "▲",
    Verdict.FAIL: "✗",
    Verdict.UNKNOWN: "?",
}
STYLES: dict[Verdict, str] = {
    Verdict.OK: "$ok",
    Verdict.DONE: "$ok",
    Verdict.WORKING: "$working",
    Verdict.WARN: "$warn",
    Verdict.FAIL: "bold $fail",
    Verdict.UNKNOWN: "$muted",
}
NOTHING = Content("–")
MUTED = "$muted"


def verdict_text(verdict: Verdict, words: str) -> Content:
    """A glyph and words in the verdict's colour; the words may come from outside."""
    return Content.assemble((f"{GLYPHS[verdict]} {visible(words)}", STYLES[verdict]))


def muted(text: str) -> Content:
    """Outside or own text, drawn quietly."""
    return Content.assemble((visible(text), MUTED))


def plain(text: str) -> Content:
    """Outside text, as it is."""
    return Content(visible(text))


def span(length: timedelta) -> str:
    """A length of time in its two largest useful units, such as ``42 s``, ``12 min``, ``3 h 12 min``, ``4 d 3 h``."""
    seconds = max(int(length.total_seconds()), 0)
    if seconds < 60:
        return f"{seconds} s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if hours < 1:
        return f"{minutes} min"
    if days < 1:
        return f"{hours} h {minutes % 60} min" if minutes % 60 else f"{hours} h"
    return f"{days} d {hours % 24} h" if days < 100 and hours % 24 else f"{days} d"


def short_span(length: timedelta) -> str:
    """A length of time for a narrow column: ``40s``, ``12m``, ``3h 12m``, ``6d 3h``; calm like `calm_span`."""
    return calm_span(length).replace(" min", "m").replace(" s", "s").replace(" h", "h").replace(" d", "d")


def calm_span(length: timedelta) -> str:
    """Like `span`, but under a minute in steps of ten seconds: for things that are well, where a tick is only noise."""
    seconds = length.total_seconds()
    return "<10 s" if seconds < 10 else span(timedelta(seconds=seconds // 10 * 10) if seconds < 60 else length)


def size(count: float) -> str:
    """Bytes in binary units with three digits or so: ``912 B``, ``1.4 MiB``."""
    value = float(count)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if value < 999.5 or unit == "TiB":
            return f"{value:.0f} {unit}" if unit == "B" or value >= 99.95 else f"{value:.1f} {unit}"
        value /= 1024
    raise AssertionError  # pragma: no cover - the loop returns at TiB


def short_size(count: float) -> str:
    """Bytes in at most five characters: ``912B``, ``1.4M``, ``340K``."""
    value = float(count)
    for unit in ("B", "K", "M", "G", "T"):
        if value < 999.5 or unit == "T":
            return f"{value:.0f}{unit}" if unit == "B" or value >= 9.95 else f"{value:.1f}{unit}"
        value /= 1024
    raise AssertionError  # pragma: no cover


def cpu(cores: float) -> str:
    """Cores in use as a percentage of one, in at most five characters below 1000 %."""
    value = cores * 100
    return f"{value:.1f}%" if value < 99.95 else f"{value:.0f}%"


def percent(fraction: float) -> str:
    """A share of one as a percentage, one decimal under ten."""
    value = fraction * 100
    return f"{value:.1f} %" if value < 9.95 else f"{value:.0f} %"


def bar(fraction: float, width: int, style: str) -> Content:
    """A thin horizontal bar; the figure belongs beside it."""
    filled = min(max(round(fraction * width), 1 if fraction > 0 else 0), width)
    return Content.assemble(("━" * filled, style), ("─" * (width - filled), "$rule"))


_BLOCKS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], width: int, top: float = 0.0) -> str:
    """The last `width` values as blocks, scaled from 0 to the largest of them and `top`; spaces where there is none."""
    shown = values[-width:] if width else ()
    highest = max([*shown, top, 1e-9])
    blocks = "".join(_BLOCKS[min(int(max(v, 0.0) / highest * 7.999), 7)] for v in shown)
    return blocks.rjust(width)


def clock_time(moment: datetime | None) -> str:
    """A moment in the reader's own time zone, to the second; a dash for none."""
    return "–" if moment is None else moment.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


def utc_time(moment: datetime | None) -> str:
    """A moment in UTC, to the second; a dash for none."""
    return "–" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def next_try(reading: Reading[Any], now: datetime) -> str:
    """When a failed feed tries again, in words."""
    if reading.next_try is None:
        return ""
    seconds = round((reading.next_try - now).total_seconds())
    return f"retry in {seconds} s" if seconds > 0 else "trying again"


PHASES: dict[Phase, str] = {
    Phase.CONNECTING: "◐ connecting…",
    Phase.LIVE: "● live",
    Phase.STALE: "◌ stale",
    Phase.FAILED: "✗ failed",
    Phase.OFF: "○ off",
}
PHASE_STYLES: dict[Phase, str] = {
    Phase.CONNECTING: "$working",
    Phase.LIVE: "$ok",
    Phase.STALE: "$warn",
    Phase.FAILED: "bold $fail",
    Phase.OFF: MUTED,
}


def badge(reading: Reading[Any], now: datetime) -> Content:
    """A feed's state in a few words: glyph, word, age or countdown."""
    age = reading.age(now)
    words = [PHASES[reading.phase]]
    if reading.phase is Phase.STALE:
        words.append(span(age or now - reading.since))
    elif age is not None and reading.phase in (Phase.FAILED, Phase.CONNECTING):
        words.append(f"{span(age)} old")
    if reading.phase is Phase.FAILED:
        words.append(next_try(reading, now))
    return Content.assemble((" · ".join(word for word in words if word), PHASE_STYLES[reading.phase]))


def notice(reading: Reading[Any]) -> Content | None:
    """The sentence under a pane's heading when it is not simply live: why it failed, or why it is off."""
    if reading.phase is Phase.OFF:
        return muted(reading.reason or "Not configured.")
    if reading.problem is not None and reading.phase in (Phase.FAILED, Phase.CONNECTING):
        sentence = Content.assemble((visible(reading.problem.summary), "$fail"))
        if reading.value is None and reading.problem.remedy:  # there is room, and nothing else to look at
            return lines((sentence, muted(reading.problem.remedy)))
        return sentence
    return None


def lines(parts: Iterable[Content]) -> Content:
    """Contents one under the other."""
    return Content("\n").join(list(parts))
