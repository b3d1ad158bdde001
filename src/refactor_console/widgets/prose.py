"""Text of several lines, wrapped at words into the room there is."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from refactor_console.domain.text import visible
from refactor_console.widgets.facts import Fact, table_of

LEAST = 16
"""Cells below which wrapping helps nobody."""


def wrap(content: Content, width: int) -> Content:
    """Content wrapped at words; a word longer than a line is folded."""
    return Content("\n").join(content.wrap(max(width, LEAST))) if content else content


def prose(text: str, width: int) -> Content:
    """Outside text, each of its lines made safe; nothing in it is markup."""
    lines = text.replace("\r\n", "\n").split("\n")
    return Content("\n").join([wrap(Content(visible(line)), width) for line in lines])


def wrapped_facts(facts: Sequence[Fact], label_width: int, width: int) -> Content:
    """Facts as `table_of` lays them out, with their values wrapped at words into `width` cells in all."""
    return table_of([(label, wrap(value, width - label_width - 1)) for label, value in facts], label_width)
