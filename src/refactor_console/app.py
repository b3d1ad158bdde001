"""The application: opens environments, holds the panes, and answers the keys that work everywhere.

Only what the first frame needs is imported here; panes, dialogs and the palette come from `screens.panes`, which is
imported in a thread while the first frame is looked at.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.command import CommandPalette
from textual.filter import Monochrome, NoColor
from textual.screen import ModalScreen, Screen
from textual.worker import Worker, WorkerState

from refactor_console import theme as themes
from refactor_console.domain.environment import Environment
from refactor_console.domain.problem import ConsoleError
from refactor_console.domain.text import visible
from refactor_console.screens.dialogs.host import DialogHost
from refactor_console.screens.opening import OpeningScreen
from refactor_console.screens.shell import PANES, unforeseen
from refactor_console.services.feed import Clock, utc_now

if TYPE_CHECKING:
    from refactor_console.palette import ConsoleCommands, Entry
    from refactor_console.services.log_book import LogBook
    from refactor_console.services.session import ConsoleSession, LogHub

OPENING = "opening"
SAID_ERRORS = 20
"""Errors of the console itself that are said at most, each once: an error a second would hide what it is about."""
CLOSE_SECONDS = 2.0
"""How long quitting waits for a session to close."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What became known after the first frame."""

    environments: Sequence[Environment]
    keymap: Mapping[str, str]
    """The user's own keys by binding id."""


def _commands() -> type[ConsoleCommands]:
    """The palette's provider, when the palette is first opened."""
    from refactor_console.palette import ConsoleCommands

    return ConsoleCommands


class ConsoleApp(DialogHost):
    """The console.

    Args:
        environments: what can be opened, in the order they are listed.
        open_session: makes a session for one of them; called after the first frame, on the event loop's thread. It
            may raise `ConsoleError`, which is shown.
        start: the name of the environment that opens first.
        clock: gives the present time.
        read_only: whether every mutation is refused; only for the header before a session exists.
        keymap: the user's own keys by binding id.
        theme: the name of a theme; None for the default, or the monochrome one when ``NO_COLOR`` is set.
        prepare: called in a thread before the first session is made, for what is slow to import or to check. What it
            returns replaces the environments and keys; a `ConsoleError` it raises ends the application, which keeps it
            in `startup_error`.
        log_book: makes the store of log lines for a session.
    """

    TITLE = "refactor-console"
    CSS_PATH = "assets/console.tcss"
    COMMANDS: ClassVar[set[Callable[[], type[ConsoleCommands]]]] = {_commands}  # type: ignore[assignment]
    DEFAULT_MODE = OPENING
    HORIZONTAL_BREAKPOINTS: list[tuple[int, str]] | None = [  # noqa: RUF012 - as the library declares it
        (0, "-tiny"),
        (60, "-narrow"),
        (100, "-wide"),
        (160, "-ultra"),
    ]
    VERTICAL_BREAKPOINTS: list[tuple[int, str]] | None = [(0, "-flat"), (14, "-short"), (30, "-tall")]  # noqa: RUF012
    BINDING_GROUP_TITLE = "Everywhere"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(p.key, f"show_pane('{p.mode}')", p.title, show=False, id=p.binding) for p in PANES),
        Binding("r", "retry", "Retry", tooltip="Try every failed connection again now", id="console.retry", show=False),
        Binding("e", "environment", "Env", tooltip="Open another environment", id="console.environment"),
        Binding("at", "account", "GitHub account", key_display="@", show=False, id="console.account"),
        Binding("colon", "command_palette", "Commands", key_display=":", show=False, id="console.palette-colon"),
        Binding("ctrl+p", "command_palette", "Commands", show=False, priority=True, id="console.palette"),
        Binding("question_mark", "help", "Help", key_display="?", tooltip="The keys that work here", id="console.help"),
        Binding("q", "quit", "Quit", id="console.quit"),
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True, id="console.quit-always"),
        Binding("ctrl+c", "quit", "Quit", tooltip="Copies when text is selected", show=False, id="console.interrupt"),
    ]

    def __init__(
        self,
        environments: Sequence[Environment],
        open_session: Callable[[Environment], ConsoleSession],
        *,
        start: str,
        clock: Clock = utc_now,
        read_only: bool = False,
        keymap: Mapping[str, str] | None = None,
        theme: str | None = None,
        prepare: Callable[[], Prepared | None] | None = None,
        log_book: Callable[[LogHub], LogBook] | None = None,
    ) -> None:
        self.environments = tuple(environments)
        self.clock = clock
        self.keys = dict(keymap or {})
        self._book: LogBook | None = None
        self._open_session = open_session
        self.environment = next(e for e in self.environments if e.name == start)
        self._read_only = read_only
        self._prepare = prepare
        self.startup_error: ConsoleError | None = None
        """Why the console left by itself right after the first frame."""
        self._make_book = log_book
        self._wanted_pane = PANES[0].mode
        self._wanted_source = ""
        self._quitting = False
        self._exit_code = 0
        self._said_errors: set[str] = set()
        self._closing_tasks: set[asyncio.Task[None]] = set()
        super().__init__()
        self.add_mode(OPENING, self._make_opening)
        for each in themes.THEMES:
            self.register_theme(each)
        for name in set(self.available_themes) - set(themes.NAMES):
            if name not in ("textual-dark", "textual-light"):
                self.unregister_theme(name)
        self._be_colourless_if_asked()
        default = themes.MONOCHROME if self.no_color else themes.DARK
        self.theme = theme if theme in self.available_themes and not self.no_color else default
        self._unknown_theme = theme if theme is not None and theme not in self.available_themes else ""

    def _be_colourless_if_asked(self) -> None:
        """``NO_COLOR`` means no colour at all: Textual would still send shades of grey (https://no-color.org)."""
        if self.no_color:
            self._filters = [f for f in self._filters if not isinstance(f, Monochrome)]
            self._filters.append(NoColor())
            self.register_theme(themes.colourless())

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """The console's own variables under a theme that does not define them."""
        return dict(themes.DEFAULTS)

    # -- opening and closing environments

    def on_mount(self) -> None:
        """Settle keys and theme; the opening screen asks for the session once it has been painted."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._say_loop_error)
        if not self.is_headless:  # SIGHUP keeps its own way: without a terminal there is nothing to give back
            loop.add_signal_handler(signal.SIGTERM, self._quit_by_signal)
        if self.keys:
            self.set_keymap(self.keys)
        if self._unknown_theme:
            self.say(f"There is no theme '{visible(self._unknown_theme)}'.", severity="warning")

    def _say_loop_error(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """An error that would reach nobody otherwise: the library's own handler prints where a screen is."""
        error = context.get("exception")
        where = str(context.get("message", "the event loop"))
        sentence = f"The console itself failed: {where}" + (f" ({type(error).__name__})" if error else "")
        if sentence not in self._said_errors and not self._quitting and len(self._said_errors) < SAID_ERRORS:
            self._said_errors.add(sentence)
            self.say(visible(sentence)[:300], severity="error", title="Please report this")

    def _make_opening(self) -> Screen[None]:
        return OpeningScreen(self.environment, self._open_first, read_only=self._read_only)

    def _open_first(self) -> None:
        self._start_opening(self.environment)

    def _start_opening(self, environment: Environment) -> None:
        self.environment = environment
        self.run_worker(self._open(environment), name="open", group="environment", exclusive=True, exit_on_error=False)

    async def _open(self, environment: Environment) -> None:
        """Leave what is open and open `environment`; a failure is shown where the panes would be."""
        await self._leave()
        opening = self.screen
        try:
            prepared = await asyncio.to_thread(self._import_the_rest)
        except ConsoleError as error:
            self.startup_error = error
            self.exit(return_code=2)
            return
        if prepared is not None:
            self.environments = tuple(prepared.environments)
            self.keys = dict(prepared.keymap)
            self.set_keymap(self.keys)
            environment = next((e for e in self.environments if e.name == environment.name), self.environments[0])
            self.environment = environment
        if isinstance(opening, OpeningScreen):
            await opening.show_environment(environment)
        try:
            session = self._open_session(environment)
        except ConsoleError as error:
            if isinstance(opening, OpeningScreen):
                opening.show_problem(error.problem)
            return
        self.session = session
        session.start()
        from refactor_console.screens.panes import pane_factories
        from refactor_console.services.log_book import LogBook

        self._book = book = (self._make_book or LogBook)(session.logs)
        for mode, factory in pane_factories(session, book, self.clock).items():
            self.add_mode(mode, factory)
        await self._enter(self._wanted_pane)

    def _import_the_rest(self) -> Prepared | None:
        """What the frames after the first one need, and what a session needs; called in a thread."""
        import refactor_console.palette
        import refactor_console.screens.panes
        import refactor_console.services.log_book  # noqa: F401

        if self._prepare is None:
            return None
        prepare, self._prepare = self._prepare, None
        return prepare()

    async def _leave(self) -> None:
        """Put the opening screen up, drop the panes, and close the session in the background."""
        if self.session is None:
            return
        session, self.session = self.session, None
        await self.switch_mode(OPENING)
        for pane in PANES:
            await self.remove_mode(pane.mode)
        if self._book is not None:
            self._book.close()
        self._close_later(session)

    def _close_later(self, session: ConsoleSession) -> asyncio.Task[None]:
        task = asyncio.create_task(self._close(session), name=f"close {session.environment.name}")
        self._closing_tasks.add(task)
        task.add_done_callback(self._closing_tasks.discard)
        return task

    async def _close(self, session: ConsoleSession) -> None:
        try:
            await session.close()
        except ConsoleError as error:
            if not self._quitting:
                self.say(visible(error.problem.summary), severity="warning", title="Closing")

    def _quit_by_signal(self) -> None:
        """Leave as by key, so that the terminal is given back clean and the session is closed."""
        self._exit_code = 128 + signal.SIGTERM
        self.quit_soon()

    async def action_quit(self) -> None:
        """Quit: at once from a person's view, giving the session a moment to close; a second time without waiting."""
        if self._quitting:
            self.exit()
            return
        self._quitting = True
        self.run_worker(self._quit(), name="quit", group="quit", exit_on_error=False)

    async def _quit(self) -> None:
        if self.session is not None:
            session, self.session = self.session, None
            self._close_later(session)
        if self._closing_tasks:
            await asyncio.wait(tuple(self._closing_tasks), timeout=CLOSE_SECONDS)
        self.exit(return_code=self._exit_code)

    async def on_unmount(self) -> None:
        """However the application ends, its session is closed, or given up after a moment."""
        self._quitting = True
        if self._book is not None:
            self._book.close()
        if self.session is not None:
            session, self.session = self.session, None
            self._close_later(session)
        if self._closing_tasks:
            _, hanging = await asyncio.wait(tuple(self._closing_tasks), timeout=CLOSE_SECONDS)
            for task in hanging:
                task.cancel()

    @on(Worker.StateChanged)
    def _worker_moved(self, event: Worker.StateChanged) -> None:
        """An error that nobody foresaw is said, never swallowed."""
        if event.state is not WorkerState.ERROR:
            return
        if event.worker.name == "open" and isinstance(self.screen, OpeningScreen):
            self.screen.show_problem(unforeseen(event.worker))
        else:
            self.worker_failed(event.worker)

    # -- panes

    def show_pane(self, mode: str) -> None:
        """Go to a pane; remembered while there is no session yet."""
        self._wanted_pane = mode
        if self.session is not None and mode in {pane.mode for pane in PANES}:
            self.run_worker(self._enter(mode), name="pane", group="pane", exclusive=True, exit_on_error=False)

    async def action_show_pane(self, mode: str) -> None:
        """The keys and tabs of `show_pane`."""
        self._wanted_pane = mode
        if self.session is not None:
            await self._enter(mode)

    async def _enter(self, mode: str) -> None:
        if mode != self.current_mode:
            await self.switch_mode(mode)

    def show_logs(self, source_key: str) -> None:
        """Go to the logs with one source alone."""

        async def go() -> None:
            await self._enter("logs")
            from refactor_console.screens.logs import LogsScreen

            if isinstance(self.screen, LogsScreen):
                self.screen.open_source(source_key)

        self._go(go, "logs")

    def show_container(self, label: str) -> None:
        """Go to the containers with one service selected."""

        async def go() -> None:
            await self._enter("containers")
            from refactor_console.screens.containers import ContainersScreen

            if isinstance(self.screen, ContainersScreen):
                self.screen.open_service(label)

        self._go(go, "containers")

    def show_run(self, key: str) -> None:
        """Go to the runs with one of them selected."""

        async def go() -> None:
            await self._enter("runs")
            from refactor_console.screens.runs import RunsScreen

            for screen in self.screen_stack:
                if isinstance(screen, RunsScreen):
                    screen.open_run(key)

        self._go(go, "runs")

    def _go(self, go: Callable[[], Coroutine[None, None, None]], mode: str) -> None:
        self._wanted_pane = mode
        if self.session is not None:
            self.run_worker(go(), name="pane", group="pane", exclusive=True, exit_on_error=False)

    # -- keys that work everywhere

    def action_retry(self) -> None:
        """Try again now whatever waits."""
        if self.session is not None:
            self.session.retry_now()
            self.say("Trying again now.")
        else:
            self._start_opening(self.environment)

    def action_environment(self) -> None:
        """Choose another environment."""
        from refactor_console.screens.dialogs.environments import EnvironmentDialog

        self.push_screen(EnvironmentDialog(self.environments, self.environment.name), self._environment_chosen)

    def _environment_chosen(self, name: str | None) -> None:
        if name is not None:
            self.open_environment(name)

    def open_environment(self, name: str) -> None:
        """Leave the present environment and open another."""
        if self.performing:
            self.say("An action is still running here; wait for its end.", severity="warning")
            return
        environment = next((e for e in self.environments if e.name == name), None)
        if environment is None or (self.session is not None and name == self.environment.name):
            return
        self._start_opening(environment)

    def action_command_palette(self) -> None:
        """Open the palette, except over a dialog: what it lists would act on what the dialog hides."""
        if isinstance(self.screen, ModalScreen) and not isinstance(self.screen, CommandPalette):
            self.bell()
            return
        super().action_command_palette()

    def palette_entries(self) -> Iterator[Entry]:
        """What the palette offers now."""
        from refactor_console.palette import console_entries

        return console_entries(self)

    def use_theme(self, name: str) -> None:
        """Change the colours."""
        self.theme = name

    def quit_soon(self) -> None:
        """Quit, from where nothing can be awaited."""
        self.run_worker(self.action_quit(), name="quit", group="quit-asked", exit_on_error=False)
