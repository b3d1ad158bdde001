"""A keyed table that draws only the rows that changed.

Textual's own `DataTable` forgets every rendered cell whenever one changes; here a row is rendered once for each value,
so that a table that is updated every second costs next to nothing. The cursor belongs to a row's key: it never jumps
because rows came, went or changed places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import ScrollableContainer
from textual.content import Content
from textual.events import Click, Resize
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.style import Style

GAP = 2
"""Cells between columns."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column."""

    key: str
    title: str
    width: int
    right: bool = False
    """Whether figures are aligned to the right."""
    grow: int = 0
    """Share of the room that is left."""
    limit: int = 0
    """Width up to which it grows; 0 for any."""
    rank: int = 0
    """Columns with the highest rank leave first when there is no room; rank 0 always stays."""


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row: its key and its cells by column key (a missing one is empty)."""

    key: str
    cells: dict[str, Content]

    def same(self, other: TableRow | None) -> bool:
        """Whether it would look exactly like `other`."""
        if other is None or other.cells.keys() != self.cells.keys():
            return False
        return all(cell.is_same(other.cells[key]) for key, cell in self.cells.items())


def fit(columns: Sequence[Column], width: int) -> tuple[tuple[Column, int], ...]:
    """The columns that have room in `width` cells, in their order, each with the width it gets."""
    kept = list(columns)
    while len(kept) > 1 and _needed(kept) > width and max(column.rank for column in kept) > 0:
        highest = max(column.rank for column in kept)
        kept.remove([column for column in kept if column.rank == highest][-1])
    spare = max(width - _needed(kept), 0)
    widths = {column.key: column.width for column in kept}
    growing = [column for column in kept if column.grow]
    for _ in range(_needed(kept) - width):
        # nothing more may leave: the columns that would grow give way
        widest = max(growing or kept, key=lambda column: widths[column.key])
        widths[widest.key] = max(widths[widest.key] - 1, 1)
    while spare > 0 and growing:
        share = max(spare // sum(column.grow for column in growing), 1)
        for column in tuple(growing):
            room = column.limit - widths[column.key] if column.limit else spare
            extra = min(share * column.grow, room, spare)
            widths[column.key] += extra
            spare -= extra
            if extra >= room or spare <= 0:
                growing.remove(column)
    return tuple((column, widths[column.key]) for column in kept)


def _needed(columns: Sequence[Column]) -> int:
    return sum(column.width for column in columns) + GAP * (len(columns) - 1) + 2


class Table(ScrollView, can_focus=True, inherit_bindings=False):
    """Rows with a cursor."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"table--header", "table--cursor", "table--blurred"}
    BINDING_GROUP_TITLE = "Table"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "cursor(-1)", "Up", show=False, id="table.up"),
        Binding("down,j", "cursor(1)", "Down", show=False, id="table.down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="table.page-up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="table.page-down"),
        Binding("home,g", "cursor(-1000000)", "First row", show=False, id="table.first"),
        Binding("end,G", "cursor(1000000)", "Last row", show=False, id="table.last"),
        Binding("enter", "select", "Open", show=False, id="table.open"),
    ]
    ALLOW_SELECT = False

    @dataclass
    class Highlighted(Message):
        """The cursor is on another row now."""

        table: Table
        key: str | None

        @property
        def control(self) -> Table:
            """The table."""
            return self.table

    @dataclass
    class Selected(Message):
        """A row was opened, by Enter or by a double click."""

        table: Table
        key: str

        @property
        def control(self) -> Table:
            """The table."""
            return self.table

    def __init__(self, *columns: Column, id: str | None = None, header: bool = True) -> None:  # noqa: A002
        super().__init__(id=id)
        self._columns = columns
        self._header = 1 if header else 0
        self._rows: tuple[TableRow, ...] = ()
        self._layout: tuple[tuple[Column, int], ...] = ()
        self._strips: dict[str, Strip] = {}
        self._cursor: str | None = None
        self._announced: str | None = None

    # -- content

    @property
    def rows(self) -> tuple[TableRow, ...]:
        """The rows shown."""
        return self._rows

    @property
    def shown_columns(self) -> tuple[str, ...]:
        """Keys of the columns that have room."""
        return tuple(column.key for column, _ in self._layout)

    def show(self, rows: Sequence[TableRow]) -> None:
        """Show these rows; draws only what is new."""
        old = {row.key: row for row in self._rows}
        old_order = [row.key for row in self._rows]
        before = self.cursor_index
        self._rows = tuple(rows)
        order = [row.key for row in rows]
        kept = order == old_order
        for index, row in enumerate(rows):
            if not row.same(old.get(row.key)):
                self._strips.pop(row.key, None)
                if kept and self._is_in_sight(index):
                    self._refresh_row(index)
        if not kept:
            present = set(order)
            self._strips = {key: strip for key, strip in self._strips.items() if key in present}
            self.virtual_size = Size(0, len(rows) + self._header)
            self.refresh()
        if self._cursor not in order:
            self._cursor = order[min(max(before, 0), len(order) - 1)] if order else None
            self.refresh()
        self._announce()

    # -- cursor

    @property
    def cursor_key(self) -> str | None:
        """The key of the row under the cursor; None when there is no row."""
        return self._cursor

    @property
    def cursor_index(self) -> int:
        """The place of the row under the cursor; -1 when there is none."""
        return next((index for index, row in enumerate(self._rows) if row.key == self._cursor), -1)

    def move_to(self, key: str) -> bool:
        """Put the cursor on a row; False when there is no such row."""
        index = next((index for index, row in enumerate(self._rows) if row.key == key), None)
        if index is None:
            return False
        self._move(index)
        return True

    def action_cursor(self, steps: int) -> None:
        """Move the cursor by some rows."""
        self._move(self.cursor_index + steps)

    def action_page(self, pages: int) -> None:
        """Move the cursor by a screenful."""
        self._move(self.cursor_index + pages * max(self.size.height - self._header - 1, 1))

    def action_select(self) -> None:
        """Open the row under the cursor."""
        if self._cursor is not None:
            self.post_message(self.Selected(self, self._cursor))

    def _move(self, index: int) -> None:
        if not self._rows:
            return
        index = min(max(index, 0), len(self._rows) - 1)
        before = self.cursor_index
        self._cursor = self._rows[index].key
        for changed in {before, index}:
            if changed >= 0:
                self._strips.pop(self._rows[changed].key, None)
                self._refresh_row(changed)
        top = int(self.scroll_y)
        room = max(self.scrollable_content_region.height - self._header, 1)
        if index < top:
            self.scroll_to(y=index, animate=False)
        elif index >= top + room:
            self.scroll_to(y=index - room + 1, animate=False)
        elif not self.max_scroll_y:
            # the table is as tall as its rows, inside something that scrolls
            self.call_after_refresh(self._bring_row_into_view)
        self._announce()

    def _bring_row_into_view(self) -> None:
        """Scroll what is around the table, so that the cursor's row can be seen."""
        around = next((node for node in self.ancestors if isinstance(node, ScrollableContainer)), None)
        if around is None or self.cursor_index < 0:
            return
        place = self.region.offset - around.region.offset + around.scroll_offset
        row = Region(place.x, place.y + self.cursor_index + self._header, self.size.width, 1)
        around.scroll_to_region(row, animate=False, force=True)

    def _announce(self) -> None:
        if self._announced != self._cursor:
            self._announced = self._cursor
            if self.is_attached:
                self.post_message(self.Highlighted(self, self._cursor))

    # -- mouse and focus

    def on_click(self, event: Click) -> None:
        """Put the cursor where the click was; a double click opens the row."""
        index = event.y + int(self.scroll_y) - self._header
        if event.y < self._header or not 0 <= index < len(self._rows):
            return
        self._move(index)
        if event.chain == 2:
            self.action_select()

    def on_focus(self) -> None:
        """Draw the cursor as the one that keys move."""
        self._redraw_cursor()

    def on_blur(self) -> None:
        """Draw the cursor quietly."""
        self._redraw_cursor()

    def _redraw_cursor(self) -> None:
        if self._cursor is not None:
            self._strips.pop(self._cursor, None)
            self._refresh_row(self.cursor_index)

    # -- drawing

    def on_resize(self, _event: Resize) -> None:
        """Choose columns anew."""
        self._lay_out()

    def notify_style_update(self) -> None:
        """Forget what was drawn in other colours."""
        super().notify_style_update()
        self._strips.clear()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        """As tall as its rows, where the height is ``auto``."""
        return len(self._rows) + self._header

    def _lay_out(self) -> None:
        layout = fit(self._columns, self.scrollable_content_region.width)
        if layout != self._layout:
            self._layout = layout
            self._strips.clear()
            self.virtual_size = Size(0, len(self._rows) + self._header)
            self.refresh()

    def _is_in_sight(self, index: int) -> bool:
        """Whether a row can be seen: thousands of others may change at once, such as their ages."""
        line = index + self._header - int(self.scroll_y)
        return self._header <= line < max(self.size.height, 1)

    def _refresh_row(self, index: int) -> None:
        if index >= 0:
            self.refresh(Region(0, index + self._header - int(self.scroll_y), self.size.width, 1))

    def render_line(self, y: int) -> Strip:
        """One line: the header, or a row."""
        width = self.scrollable_content_region.width
        if not self._layout:
            self._lay_out()
        if y < self._header:
            return self._draw([Content(column.title) for column, _ in self._layout], width, "table--header", flat=True)
        index = y - self._header + int(self.scroll_y)
        if index >= len(self._rows):
            return Strip.blank(self.size.width, self.visual_style.rich_style)
        row = self._rows[index]
        if row.key not in self._strips:
            cells = [row.cells.get(column.key, Content("")) for column, _ in self._layout]
            if row.key != self._cursor:
                drawn = self._draw(cells, width)
            elif self.has_focus:
                drawn = self._draw(cells, width, "table--cursor", flat=True)
            else:
                drawn = self._draw(cells, width, "table--blurred")
            self._strips[row.key] = drawn
        return self._strips[row.key]

    def _draw(self, cells: Sequence[Content], width: int, component: str = "", *, flat: bool = False) -> Strip:
        """Cells as one strip, `flat` without their own colours."""
        parts: list[Content] = []
        for (column, room), cell in zip(self._layout, cells, strict=True):
            short = cell.truncate(room, ellipsis=True)
            spare = room - short.cell_length
            parts.append(short.pad_left(spare) if column.right else short.pad_right(spare))
        line = Content(" " * GAP).join(parts).pad_left(1).truncate(width, pad=True)
        style = self.get_visual_style(component) if component else self.visual_style
        if component and self.get_component_styles(component).text_style.reverse:
            style += Style(reverse=True)  # which the library's own look-up leaves out
        if flat:
            line = line.without_spans
        segments = line.render_segments(style)
        return Strip(segments, line.cell_length)
