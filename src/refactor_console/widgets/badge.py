"""A feed's state in a few words; opens the whole story of a failure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.widget import Widget

from refactor_console.domain.problem import Problem
from refactor_console.domain.reading import Reading
from refactor_console.widgets import present


@dataclass
class ProblemRequested(Message):
    """A person wants to read all about a failure."""

    problem: Problem
    title: str
    """What failed, such as ``Vitals``."""


class FeedBadge(Widget):
    """``● live``, ``◌ stale · 42 s``, ``✗ failed · next try in 3 s``; click or Enter on a failure opens it."""

    BINDING_GROUP_TITLE = "Failure"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Details", tooltip="What was tried, what happened, what to do", id="problem.open")
    ]
    ALLOW_SELECT = False

    def __init__(self, title: str, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._title = title
        self._reading: Reading[Any] | None = None
        self._shown = Content("")
        self._now: datetime | None = None

    @property
    def problem(self) -> Problem | None:
        """The failure behind the badge; None while there is none."""
        return self._reading.problem if self._reading else None

    def show(self, reading: Reading[Any], now: datetime) -> None:
        """Show a new reading."""
        self._reading = reading
        self.can_focus = reading.problem is not None
        self.set_class(reading.problem is not None, "-problem")
        if not self.can_focus and self.has_focus:
            self.blur()
        self.tick(now)

    def tick(self, now: datetime) -> None:
        """Bring ages and countdowns up to `now`; draws only what changed."""
        if self._reading is None:
            return
        self._now = now
        content = self.words(self._reading, now)
        if not content.is_same(self._shown):
            wider = content.cell_length != self._shown.cell_length
            self._shown = content
            self.refresh(layout=wider)

    def again(self) -> None:
        """Say the same reading anew, in the room there is now."""
        if self._reading is not None and self._now is not None:
            self.tick(self._now)

    def words(self, reading: Reading[Any], now: datetime) -> Content:
        """What the badge says; a subclass may say more."""
        return present.badge(reading, now)

    def render(self) -> Content:
        """The words."""
        return self._shown

    def on_click(self, event: Click) -> None:
        """Open the failure."""
        event.stop()
        self.action_open()

    def action_open(self) -> None:
        """Ask for the failure's details."""
        if self.problem is not None:
            self.post_message(ProblemRequested(self.problem, self._title))
