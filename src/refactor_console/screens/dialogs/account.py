"""Who the console is on GitHub: the token, what it lacks for which pane, what the API allows, and signing in."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.worker import Worker

from refactor_console.domain.account import DeviceCode
from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.domain.reading import Phase
from refactor_console.domain.text import visible
from refactor_console.screens.dialogs.base import Body, Dialog
from refactor_console.screens.dialogs.problem import problem_content
from refactor_console.screens.links import open_page
from refactor_console.services.feed import Clock
from refactor_console.services.github_door import GitHubDoor
from refactor_console.widgets import present
from refactor_console.widgets import present_account as say
from refactor_console.widgets.facts import Fact
from refactor_console.widgets.pane import Line
from refactor_console.widgets.present_image_dialogs import sections

TICK_SECONDS = 1.0


class AccountDialog(Dialog[None]):
    """The account, live; a sign-in ends with the dialog unless it is over by then."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "sign_in", "Sign in", tooltip="By a code that you type at GitHub", id="account.sign-in"),
        Binding("o", "open", "Open page", tooltip="Where the code is typed", id="account.open"),
        Binding("y", "copy_code", "Copy code", id="account.copy-code"),
        Binding("r", "retry", "Look again", tooltip="Look for a token, and ask everything anew", id="account.retry"),
    ]

    def __init__(self, github: GitHubDoor, clock: Clock) -> None:
        super().__init__("GitHub account")
        self._github, self._clock = github, clock
        self._code: DeviceCode | None = None
        self._problem: Problem | None = None
        self._signing: Worker[None] | None = None
        self._endings = [github.account.subscribe(self._changed), github.budget.subscribe(self._changed)]

    def compose_body(self) -> ComposeResult:
        """The document, and what a sign-in asks for."""
        yield Line(id="account-sign-in")
        yield Line(id="account-document")

    def on_mount(self) -> None:
        """Show what is known, and keep its ages right."""
        self._draw()
        self.set_interval(TICK_SECONDS, self._draw)

    def on_unmount(self) -> None:
        """Stop listening; the sign-in's worker ends with the screen."""
        while self._endings:
            self._endings.pop()()

    def on_resize(self) -> None:
        """Fold long values into the room there is."""
        self._draw()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's
        """The code's keys are there while there is a code."""
        return self._code is not None if action in ("open", "copy_code") else True

    def _changed(self, _reading: object) -> None:
        if self.is_mounted:
            self.call_later(self._draw)

    # -- drawing

    def _draw(self) -> None:
        if not self.is_mounted:
            return
        sign_in = self.query_one("#account-sign-in", Line)
        content = self._sign_in_content()
        sign_in.display = content is not None
        if content is not None:
            sign_in.put(content)
        width = self.query_one(Body).scrollable_content_region.width - 1
        self.query_one("#account-document", Line).put(sections(self._blocks(), max(width, 20)))

    def _sign_in_content(self) -> Content | None:
        if self._code is not None:
            return Content("\n").join([*say.code_lines(self._code, self._clock()), Content("")])
        if self._problem is not None:
            return Content("\n").join([problem_content(self._problem), Content("")])
        return None

    def _blocks(self) -> list[tuple[str, list[Fact]]]:
        now, reading, budget = self._clock(), self._github.account.reading, self._github.budget.reading.value
        blocks: list[tuple[str, list[Fact]]] = []
        state: list[Fact] = []
        if not reading.is_live:
            state.append(("State", present.badge(reading, now)))
        if reading.phase is Phase.OFF:
            state.append(("Why", present.plain(reading.reason)))
        elif reading.problem is not None and reading.phase is not Phase.LIVE:
            state.append(("Why", Content.assemble((visible(reading.problem.summary), "$fail"))))
            state.append(("What to do", present.plain(reading.problem.remedy)))
        account = reading.value if reading.phase is not Phase.OFF else None
        blocks.append(("Signed in", [*state, *(say.account_facts(account, now) if account is not None else ())]))
        if account is not None:
            blocks.append(("What the token may do", say.pane_facts(account)))
        if account is not None or budget is not None:
            blocks.append(("What the API allows", say.budget_facts(budget, now)))
        where = self._github.platform
        blocks.append(
            ("Where", [("API", present.plain(where.api_url)), ("Registry", present.plain(where.registry_url))])
        )
        return [(title, facts) for title, facts in blocks if facts]

    # -- keys

    def action_retry(self) -> None:
        """Look for a token again, and ask everything anew."""
        self._github.retry_now()
        self.app.say("Looking again.")

    def action_sign_in(self) -> None:
        """Begin the device flow; a second time gives the first code up."""
        self._signing = self.run_worker(
            self._sign_in(), name="sign in", group="sign-in", exclusive=True, exit_on_error=False
        )

    async def _sign_in(self) -> None:
        self._show_code(None)
        self._problem = None
        self._draw()
        try:
            code = await self._github.begin_sign_in()
            self._show_code(code)
            account = await self._github.finish_sign_in(code)
        except ConsoleError as error:
            self._problem = error.problem
        else:
            self.app.say(f"Signed in as {visible(account.login)}.")
        self._show_code(None)
        self._draw()

    def _show_code(self, code: DeviceCode | None) -> None:
        self._code = code
        self.refresh_bindings()
        self._draw()

    def action_open(self) -> None:
        """Open the page where the code is typed."""
        if self._code is not None:
            self.app.say(open_page(self.app, self._code.verification_uri))

    def action_copy_code(self) -> None:
        """Copy the code."""
        if self._code is not None:
            self.copy(self._code.user_code)
