"""What of a screen is drawn for one frame: the widgets that changed, and nothing beside or beneath them.

Textual draws every widget whose *clip* meets the smallest rectangle around all changes, and the clip of most widgets is
the whole screen: one figure that changes costs a look at every tab, table and key of the footer. Here a widget is asked
for the rows where something changed, and only if nothing in front of it covers them.

This leans on private parts of Textual 8 (`Compositor._get_renders`, `ChopsUpdate`); `tests/ui/test_frames.py` holds its
frames against those that Textual itself would draw.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from textual._compositor import ChopsUpdate, Compositor
from textual.geometry import Region
from textual.strip import Strip


def merged(regions: Iterable[Region]) -> list[Region]:
    """The same cells in fewer regions: rows that lie one under the other become one."""
    whole: list[Region] = []
    for region in sorted(regions, key=lambda each: (each.x, each.width, each.y)):
        last = whole[-1] if whole else None
        if last is not None and (last.x, last.width) == (region.x, region.width) and region.y <= last.bottom:
            whole[-1] = Region(last.x, last.y, last.width, max(last.bottom, region.bottom) - last.y)
        else:
            whole.append(region)
    return whole


class Update(ChopsUpdate):
    """The pieces of a frame that changed, as text for the terminal."""

    def render_segments(self, console: Console) -> str:
        """Each piece behind a move to its place, so that a terminal's idea of a character's width shifts nothing."""
        words: list[str] = []
        for y, left, right in self.spans:
            for end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                if strip is None or x >= right or end <= left:
                    continue
                shown = strip if end <= right else strip.crop(0, right - x)
                words.append(f"\x1b[{y + 1};{x + 1}H{shown.render(console)}")
        return "".join(words)


class FrugalCompositor(Compositor):
    """Puts a screen's widgets together, asking only those that have something new to show."""

    def __init__(self) -> None:
        super().__init__()
        self._changed: Sequence[Region] = ()
        """What is being drawn; empty while everything is."""

    def render_partial_update(self) -> ChopsUpdate | None:
        """The pieces that changed; None when nothing did."""
        self._changed = merged(self._dirty_regions)
        try:
            update = super().render_partial_update()
        finally:
            self._changed = ()
        return None if update is None else Update(update.chops, update.spans, update.chop_ends)

    def _get_renders(self, crop: Region | None = None) -> Iterable[tuple[Region, Region, list[Strip]]]:
        """Widgets from front to back, each with the rows that are drawn of it."""
        if not self._changed:
            yield from super()._get_renders(crop)
            return
        uncovered = list(self._changed)
        for widget, (region, clip) in self.visible_widgets.items():
            seen = region.intersection(clip)
            touched = [each for each in uncovered if each.overlaps(seen)]
            if not touched:
                continue
            top = max(min(each.y for each in touched), seen.y)
            bottom = min(max(each.bottom for each in touched), seen.bottom)
            band = Region(seen.x, top, seen.width, bottom - top)
            yield region, band, widget.render_lines(band.translate(-region.offset))
            uncovered = [each for each in uncovered if not seen.contains_region(each)]
            if not uncovered:
                return
