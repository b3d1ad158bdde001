"""GitHub's budget at the end of the footer; a click opens the account."""

from __future__ import annotations

from datetime import datetime

from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.widget import Widget

from refactor_console.domain.account import Account, Budget
from refactor_console.domain.reading import Reading
from refactor_console.widgets.present_account import budget_words


class AccountRequested(Message):
    """A person wants to see who is signed in, and what the API allows."""


class BudgetBadge(Widget):
    """``GitHub 4871/5000``; in narrow terminals only what is wrong."""

    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__(id="budget")
        self._account: Reading[Account] | None = None
        self._budget: Budget | None = None
        self._shown = Content("")
        self.wide = True
        """Whether there is room for what is well."""

    def show_account(self, reading: Reading[Account], now: datetime) -> None:
        """Who is signed in changed."""
        self._account = reading
        self.tick(now)

    def show_budget(self, reading: Reading[Budget], now: datetime) -> None:
        """What the API allows changed."""
        self._budget = reading.value
        self.tick(now)

    def tick(self, now: datetime) -> None:
        """Bring countdowns up to `now`; draws only what changed."""
        if self._account is None:
            return
        content = budget_words(self._account, self._budget, now, wide=self.wide)
        if not content.is_same(self._shown):
            wider = content.cell_length != self._shown.cell_length
            self._shown = content
            self.refresh(layout=wider)

    def render(self) -> Content:
        """The words."""
        return self._shown

    def on_click(self, event: Click) -> None:
        """Open the account."""
        event.stop()
        self.post_message(AccountRequested())
