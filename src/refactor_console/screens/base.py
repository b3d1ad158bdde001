"""The base of every pane: header, body, footer, and how a pane listens to feeds without ever being in their way."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar, TypeVar

from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.events import Callback, Resize
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Footer, Static

from refactor_console.domain.reading import Reading
from refactor_console.screens.shell import PANES, Shell
from refactor_console.services.feed import Clock, Feed, Unsubscribe, utc_now
from refactor_console.services.session import ConsoleSession
from refactor_console.widgets.badge import ProblemRequested
from refactor_console.widgets.budget import AccountRequested, BudgetBadge
from refactor_console.widgets.frames import FrugalCompositor
from refactor_console.widgets.header import WIDE, ConsoleHeader, Tab
from refactor_console.widgets.present_permissions import lack_line

T = TypeVar("T")

TICK_SECONDS = 1.0
"""How often ages are looked at; only text that changed is drawn again."""


TOO_SMALL = "This terminal is too small: the console needs 60 columns and 14 lines, and is made for 80 by 24."


class PaneScreen(Screen[None]):
    """One pane over one session; made anew for every session, so nothing of another environment can linger.

    A subclass names its `MODE`, yields its widgets from `compose_body`, and in `on_pane_ready` calls `follow` for every
    feed it shows. `on_tick` is called every second while the pane can be seen, for ages and countdowns.
    """

    app = getters.app(Shell)
    MODE: ClassVar[str] = ""
    """Which of `PANES` this is."""
    BINDING_GROUP_TITLE = "This pane"

    def __init__(self, session: ConsoleSession, clock: Clock = utc_now) -> None:
        super().__init__()
        self._compositor = FrugalCompositor()
        self.session = session
        self.clock = clock
        self._pending: dict[str, Callable[[], None]] = {}
        self._scheduled = False
        self._followed = 0
        self._endings: list[Unsubscribe] = []
        self._ticker: Timer | None = None

    # -- for subclasses

    @abstractmethod
    def compose_body(self) -> ComposeResult:
        """The pane's own widgets, between header and footer."""

    def on_pane_ready(self) -> None:
        """The widgets exist: follow feeds here."""

    def on_tick(self, now: datetime) -> None:
        """A second went by while the pane can be seen."""

    def follow(self, feed: Feed[T], show: Callable[[Reading[T]], None]) -> None:
        """Call `show` with the feed's newest reading, now and after each change, while the pane can be seen.

        Readings that arrive in one turn of the loop, or while another pane is looked at, are folded into the newest.
        `show` runs as the screen's own message, so an error in it can never reach the feed.
        """

        self._followed += 1
        name = f"{feed.key} {self._followed}"

        def deliver() -> None:
            show(feed.reading)

        def changed(_reading: Reading[T]) -> None:
            self.soon(name, deliver)

        self.until_unmount(feed.subscribe(changed))
        self.soon(name, deliver)

    def soon(self, name: str, job: Callable[[], None]) -> None:
        """Run `job` in the screen's next message, once whatever number of times it is asked; later if out of sight."""
        self._pending[name] = job
        if not self._scheduled and self.is_seen:
            self._scheduled = True
            self.post_message(Callback(self._run_pending))

    def until_unmount(self, ending: Unsubscribe) -> None:
        """Call `ending` when the screen goes away."""
        self._endings.append(ending)

    @property
    def is_seen(self) -> bool:
        """Whether the pane belongs to the mode being looked at (a dialog may lie over it)."""
        return self.is_attached and self in self.app.screen_stack

    def lack(self, reading: Reading[Any]) -> Content | None:
        """What GitHub's token lacks for this pane, where the feed's failure may come from that; for `Pane.show`."""
        return lack_line(self.session.github.account.reading.value, self.MODE, reading.problem)

    # -- the frame

    def compose(self) -> ComposeResult:
        """Header, the pane's body, footer."""
        tabs = [Tab(pane.mode, pane.title, self.app.key_of(pane.binding, pane.key), pane.short) for pane in PANES]
        yield ConsoleHeader(self.session.environment, tabs, self.MODE, read_only=self.session.read_only)
        with Container(id="body"):
            yield from self.compose_body()
        yield Static(TOO_SMALL, markup=False, id="too-small")
        with Horizontal(id="foot"):
            yield Footer(show_command_palette=False)
            yield BudgetBadge()

    def on_mount(self) -> None:
        """Begin to listen."""
        header, budget, github = self.query_one(ConsoleHeader), self.query_one(BudgetBadge), self.session.github
        self.follow(self.session.link, lambda reading: header.show_link(reading, self.clock()))
        self.follow(github.account, lambda reading: budget.show_account(reading, self.clock()))
        self.follow(github.budget, lambda reading: budget.show_budget(reading, self.clock()))
        self.watch(self.app, "app_focus", self._terminal_focus_moved, init=False)
        self.on_pane_ready()
        self._ticker = self.set_interval(TICK_SECONDS, self._tick, pause=not self.is_seen)

    def on_unmount(self) -> None:
        """Stop listening."""
        while self._endings:
            self._endings.pop()()

    def on_resize(self, event: Resize) -> None:
        """Less air in the footer where there is little room."""
        self.query_one(Footer).compact = event.size.width < WIDE
        badge = self.query_one(BudgetBadge)
        badge.wide = event.size.width >= WIDE
        badge.tick(self.clock())

    def on_screen_resume(self) -> None:
        """Catch up with what happened while another pane was looked at; GitHub's feeds ask more often for this one."""
        self.session.github.look_at(self.MODE)
        if self._pending and not self._scheduled:
            self._scheduled = True
            self.post_message(Callback(self._run_pending))
        if self._ticker is not None:
            self._ticker.resume()
        self._tick()

    def on_screen_suspend(self) -> None:
        """Nothing ages where nobody looks; under a dialog it does."""
        if self._ticker is not None and not self.is_seen:
            self._ticker.pause()

    def _terminal_focus_moved(self, focused: bool) -> None:
        """GitHub is asked less often while the terminal is not looked at, as far as it tells."""
        if self.is_seen:
            self.session.github.look_at(self.MODE if focused else "")

    def _run_pending(self) -> None:
        self._scheduled = False
        if not self.is_seen:
            return
        jobs, self._pending = self._pending, {}
        for job in jobs.values():
            job()

    def _tick(self) -> None:
        if self.is_mounted and self.is_seen:
            now = self.clock()
            self.query_one(ConsoleHeader).tick(now)
            self.query_one(BudgetBadge).tick(now)
            self.on_tick(now)

    @on(AccountRequested)
    def _open_account(self, request: AccountRequested) -> None:
        request.stop()
        self.app.show_account()

    @on(ProblemRequested)
    def _open_problem(self, request: ProblemRequested) -> None:
        request.stop()
        self.app.show_problem(request.problem, request.title)
