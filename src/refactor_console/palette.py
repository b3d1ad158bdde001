"""The command palette's provider: everything the console can do now, over actions and over what is there to act on.

A dangerous entry only opens its preview; the palette never acts by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.fuzzy import FuzzySearch

from refactor_console.domain.text import visible


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the palette."""

    title: str
    """What it does, such as ``Logs of rust-app``; may hold outside text."""
    help: str
    run: Callable[[], None]


@runtime_checkable
class Commander(Protocol):
    """An application that knows what can be done."""

    def palette_entries(self) -> Iterator[Entry]:
        """What can be done now, the likeliest first."""


class ConsoleCommands(Provider):
    """Lists and searches the application's entries."""

    async def startup(self) -> None:
        """Take the entries as they are now."""
        app = self.app
        self._entries = tuple(app.palette_entries()) if isinstance(app, Commander) else ()
        self._fuzzy = FuzzySearch()

    async def discover(self) -> Hits:
        """Everything, before anything is typed."""
        for entry in self._entries:
            title = visible(entry.title)
            yield DiscoveryHit(Content(title), entry.run, title, visible(entry.help))

    async def search(self, query: str) -> Hits:
        """What matches, with the matching letters marked; names from outside are never read as markup."""
        for entry in self._entries:
            title = visible(entry.title)
            score, offsets = self._fuzzy.match(query, title)
            if score > 0:
                shown = Content(title)
                for offset in offsets:
                    shown = shown.stylize(self.match_style or "bold", offset, offset + 1)
                yield Hit(score, shown, entry.run, title, visible(entry.help))
