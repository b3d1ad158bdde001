"""A table row whose cells are made when they are first drawn: of thousands of rows a person sees some forty."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from textual.content import Content

from refactor_console.widgets.table import TableRow


class LazyRow(TableRow):
    """A row that knows what it is made of, and makes its cells when somebody looks.

    Args:
        key: unique in the table.
        made_of: everything the cells depend on; rows made of equal things look the same.
        make: makes the cells; called once at most.
    """

    __slots__ = ("_cells", "_make", "made_of")
    _cells: dict[str, Content] | None
    _make: Callable[[], dict[str, Content]]
    made_of: Hashable

    def __init__(self, key: str, made_of: Hashable, make: Callable[[], dict[str, Content]]) -> None:
        object.__setattr__(self, "key", key)
        object.__setattr__(self, "made_of", made_of)
        object.__setattr__(self, "_make", make)
        object.__setattr__(self, "_cells", None)

    @property
    def cells(self) -> dict[str, Content]:
        """The cells by column key."""
        if self._cells is None:
            object.__setattr__(self, "_cells", self._make())
        return self._cells or {}

    def same(self, other: TableRow | None) -> bool:
        """Whether it would look exactly like `other`, without making either."""
        return isinstance(other, LazyRow) and (self is other or self.made_of == other.made_of)
