"""The application: environments, panes, keys that always work, and what it does when things hang or fail."""

from __future__ import annotations

import asyncio
import time

import pytest
from textual.binding import Binding
from textual.events import AppBlur, AppFocus
from textual.theme import Theme

from refactor_console import theme as themes
from refactor_console.app import ConsoleApp
from refactor_console.domain.containers import ContainerDetails
from refactor_console.domain.environment import Environment
from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.screens.dialogs.environments import EnvironmentDialog
from refactor_console.screens.dialogs.help import HelpDialog, collect
from refactor_console.screens.dialogs.problem import ProblemDialog
from refactor_console.screens.opening import OpeningScreen
from refactor_console.screens.shell import PANES
from refactor_console.services.session import ConsoleSession
from tests.ui.double_session import DEMO, DOWN, PRODUCTION, STAGING, Clock, DoubleSession, hostile_rows
from tests.ui.stage import Stage, console, make_app


async def test_the_first_frame_is_painted_before_a_session_is_opened() -> None:
    frames: list[str] = []

    def open_session(environment: Environment) -> ConsoleSession:
        frames.append("\n".join(strip.text for strip in app.screen._compositor.render_strips()))
        return DoubleSession(environment).live()

    app, _ = make_app(open_session)
    async with app.run_test(size=(80, 24)) as pilot:
        stage = Stage(app, pilot, [])
        await stage.until(lambda: app.current_mode == "overview")
        assert "production PROTECTED" in frames[0]
        assert "Opening production" in frames[0]


@pytest.mark.parametrize(
    ("start", "read_only", "words"),
    [
        ("production", False, ["production PROTECTED"]),
        ("production", True, ["production PROTECTED", "READ-ONLY"]),
        ("demo", False, ["demo DEMO"]),
        ("staging", False, ["staging"]),
    ],
)
async def test_the_header_names_the_environment_and_its_words_on_every_pane_at_80_columns(
    start: str, read_only: bool, words: list[str]
) -> None:
    def open_session(environment: Environment) -> ConsoleSession:
        return DoubleSession(environment, read_only=read_only).live()

    async with console(open_session, size=(80, 24), start=start, read_only=read_only) as stage:
        for pane in PANES:
            await stage.press(pane.key)
            header = stage.text.splitlines()[0]
            assert all(word in header for word in words)
            assert f" {pane.key} {pane.title} " in header, "the one that is looked at is written whole"
            assert all(f" {other.key} " in header for other in PANES), header
            assert "● live" in header or "● refactor-droplet" in header


async def test_digits_and_clicks_on_the_tabs_go_to_the_panes() -> None:
    async with console(DoubleSession().live()) as stage:
        for key, mode in (("2", "containers"), ("3", "logs"), ("1", "overview")):
            await stage.press(key)
            assert stage.app.current_mode == mode
        tabs = list(stage.app.screen.query("_TabLabel"))
        await stage.pilot.click(tabs[1])
        await stage.until(lambda: stage.app.current_mode == "containers")


async def test_switching_environment_opens_the_other_and_closes_the_first_in_the_background() -> None:
    first = DoubleSession().live()
    first.may_close.clear()
    async with console(first) as stage:
        await stage.press("e")
        await stage.until(lambda: isinstance(stage.app.screen, EnvironmentDialog))
        await stage.press("down", "enter")
        await stage.until(lambda: len(stage.sessions) == 2 and stage.app.current_mode == "overview")
        assert stage.session.environment == STAGING
        assert "staging" in stage.text.splitlines()[0]
        assert "PROTECTED" not in stage.text.splitlines()[0]
        assert not first.closed, "the old session still hangs, and nobody waits for it"
        first.may_close.set()
        await stage.until(lambda: first.closed)


async def test_a_session_that_cannot_be_opened_says_why_and_r_tries_again() -> None:
    attempts: list[str] = []

    def open_session(environment: Environment) -> ConsoleSession:
        attempts.append(environment.name)
        if len(attempts) == 1:
            raise ConsoleError(Problem("The known_hosts file cannot be read.", "Mend it.", code="known-hosts"))
        return DoubleSession(environment).live()

    app, _ = make_app(open_session)
    async with app.run_test(size=(80, 24)) as pilot:
        stage = Stage(app, pilot, [])
        await stage.says("The known_hosts file cannot be read.", "Mend it.")
        assert isinstance(app.screen, OpeningScreen)
        await stage.press("r")
        await stage.until(lambda: app.current_mode == "overview")
        assert attempts == ["production", "production"]


@pytest.mark.parametrize("keys", [["q"], ["ctrl+q"], ["ctrl+c"], ["?", "q"], ["e", "q"], ["ctrl+p", "ctrl+q"]])
async def test_quitting_works_from_everywhere(keys: list[str]) -> None:
    session = DoubleSession().live()
    async with console(session) as stage:
        await stage.press(*keys)
        await stage.until(lambda: stage.app._exit, "the application leaves")
    assert session.closed


async def test_quitting_waits_two_seconds_at_most_for_a_session_that_hangs() -> None:
    session = DoubleSession().live()
    session.may_close.clear()
    async with console(session) as stage:
        began = time.monotonic()
        await stage.press("q")
        await stage.until(lambda: stage.app._exit)
        assert 1.0 < time.monotonic() - began < 4.0
    session.may_close.set()


async def test_quitting_twice_does_not_wait_at_all() -> None:
    session = DoubleSession().live()
    session.may_close.clear()
    async with console(session) as stage:
        began = time.monotonic()
        await stage.press("q", "q")
        await stage.until(lambda: stage.app._exit)
        assert time.monotonic() - began < 1.5
        session.may_close.set()


async def test_retry_now_reaches_the_session() -> None:
    async with console(DoubleSession().fail()) as stage:
        await stage.press("r")
        assert stage.session.retries == 1


@pytest.mark.parametrize("key", ["1", "2", "3"])
async def test_help_lists_every_binding_of_the_active_pane(key: str) -> None:
    async with console(DoubleSession().live()) as stage:
        await stage.press(key)
        bindings = stage.app.screen.active_bindings
        wanted = {
            active.binding.description
            for active in bindings.values()
            if active.binding.description and not active.binding.system
        }
        assert {entry.label for group in collect(stage.app, bindings) for entry in group.entries} == wanted
        await stage.press("?")
        await stage.until(lambda: isinstance(stage.app.screen, HelpDialog))
        shown = "\n".join(line.current.plain for line in stage.app.screen.query("Line").results())  # type: ignore[attr-defined]
        assert all(label in shown for label in wanted)
        await stage.press("escape")
        assert not isinstance(stage.app.screen, HelpDialog)


async def test_every_binding_has_an_id_so_that_it_can_be_given_another_key() -> None:
    async with console(DoubleSession().live()) as stage:
        for key in "12":
            await stage.press(key)
            for node in (stage.app, stage.app.screen):
                own = [b for b in type(node).BINDINGS if isinstance(b, Binding)]
                assert own
                assert all(binding.id for binding in own)


async def test_a_keymap_moves_a_key_and_the_header_shows_it() -> None:
    async with console(DoubleSession().live(), keymap={"console.containers": "f2"}) as stage:
        assert "f2 Containers" in stage.text.splitlines()[0]
        await stage.press("f2")
        assert stage.app.current_mode == "containers"


async def test_a_click_on_the_failed_connection_opens_its_whole_story() -> None:
    async with console(DoubleSession().fail()) as stage:
        await stage.says("✗ failed")
        await stage.click("#link")
        await stage.until(lambda: isinstance(stage.app.screen, ProblemDialog))
        await stage.says(DOWN.summary, DOWN.remedy, "port 22 timed out", "ssh-timeout")
        await stage.press("c")
        assert DOWN.summary in stage.app.clipboard
        assert "ssh-timeout" in stage.app.clipboard


@pytest.mark.parametrize("size", [(80, 24), (60, 14), (59, 30), (100, 10), (20, 5), (1, 1), (200, 60)])
async def test_no_size_of_terminal_breaks_it(size: tuple[int, int]) -> None:
    async with console(DoubleSession().live(hostile_rows()), size=size) as stage:
        for key in "123":
            await stage.press(key)
        if size in ((59, 30), (100, 10)):
            assert "too small" in stage.text
        await stage.pilot.resize_terminal(80, 24)
        await stage.press("1")
        await stage.says("Services")


@pytest.mark.parametrize("name", themes.NAMES)
async def test_every_theme_draws_every_pane_and_dialog(name: str) -> None:
    async with console(DoubleSession().live(hostile_rows()), theme=name) as stage:
        assert stage.app.theme == name
        for keys in ("1", "2", "R", "escape", "?", "escape", "e", "escape"):
            await stage.press(keys)
        await stage.says("Containers")


async def test_an_unknown_theme_is_said_and_the_default_taken() -> None:
    async with console(DoubleSession().live(), theme="[red]mauve") as stage:
        assert stage.app.theme == themes.DARK
        await stage.says("There is no theme '[red]mauve'")


async def test_no_color_sends_no_colour_and_states_stay_readable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with console(DoubleSession().fail()) as stage:
        assert stage.app.theme == themes.MONOCHROME
        await stage.says("✗ failed")
        stage.session.live()
        await stage.press("2")
        await stage.says("nextjs-app")
        cursor = stage.table("#containers").render_line(1)
        assert any(segment.style is not None and segment.style.reverse for segment in cursor), "the cursor can be seen"
        filters = stage.app.get_line_filters()
        background = stage.app.screen.background_colors[1]
        for strip in stage.app.screen._compositor.render_strips():
            for line_filter in filters:
                strip = strip.apply_filter(line_filter, background)  # noqa: PLW2901
            colours = {
                colour.name
                for segment in strip
                if segment.style is not None
                for colour in (segment.style.color, segment.style.bgcolor)
                if colour is not None
            }
            assert colours <= {"default"}


def _luminance(hexadecimal: str) -> float:
    channels = [int(hexadecimal[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", themes.THEMES, ids=themes.NAMES)
def test_every_word_can_be_read_in_every_theme(theme: Theme) -> None:
    """WCAG 2.1: 4.5 to 1 (AA); the high-contrast theme 7 to 1 (AAA)."""
    least = 7.0 if theme.name == themes.HIGH_CONTRAST else 4.5
    words = [theme.variables[name] for name in ("ok", "warn", "fail", "working", "muted")]
    words += [theme.foreground or "", theme.accent or ""]
    for ground in (theme.background, theme.surface):
        assert ground is not None
        assert all(_contrast(word, ground) >= least for word in words)
    pairs = [("protected", "on-protected"), ("block-cursor-background", "block-cursor-foreground")]
    assert all(_contrast(theme.variables[a], theme.variables[b]) >= least for a, b in pairs)


async def test_what_happens_in_a_feed_while_another_pane_is_looked_at_is_there_on_return() -> None:
    session = DoubleSession().live()
    async with console(session, pane="containers") as stage:
        session.vitals.fail(DOWN)
        await stage.press("1")
        await stage.says("no answer within 10 s")


async def test_leaving_the_console_leaves_no_listener_behind() -> None:
    session = DoubleSession().live()
    async with console(session) as stage:
        for key in "231":
            await stage.press(key)
        assert session.containers._listeners
    assert not any(feed._listeners for feed in session.all_feeds())
    assert not session.logs._listeners


def test_environments_are_known_by_name() -> None:
    app = ConsoleApp((PRODUCTION, DEMO), lambda _: DoubleSession(), start="demo", clock=Clock())
    assert [environment.name for environment in app.environments] == ["production", "demo"]


async def test_an_action_that_runs_holds_the_environment() -> None:
    session = DoubleSession(STAGING).live()
    session.may_finish.clear()
    async with console(session, start="staging", pane="containers") as stage:
        await stage.press("R")
        await stage.says("What will be sent")
        await stage.press("tab", "enter")
        await stage.until(lambda: session.performed)
        await stage.press("escape")
        stage.app.open_environment("production")
        await stage.says("still running")
        assert len(stage.sessions) == 1
        session.may_finish.set()
        await stage.says("was restarted and runs again")
        await asyncio.sleep(0)


async def test_an_error_nobody_foresaw_is_said_and_the_console_goes_on() -> None:
    class Broken(DoubleSession):
        async def inspect(self, container_id: str) -> ContainerDetails:
            raise KeyError(f"[red]{container_id[:4]}")

    async with console(Broken().live(), pane="containers") as stage:
        await stage.press("i")
        await stage.says("The console itself failed at 'inspect' (KeyError)")
        assert "[red]" not in stage.text, "an error's words may hold a secret"
        await stage.press("escape", "1")
        await stage.says("Needs attention")


async def test_an_environment_that_breaks_the_console_while_opening_leaves_a_sentence_and_the_keys() -> None:
    def open_session(environment: Environment) -> ConsoleSession:
        raise ZeroDivisionError("division by zero")

    app, _ = make_app(open_session)
    async with app.run_test(size=(80, 24)) as pilot:
        stage = Stage(app, pilot, [])
        await stage.says("The console itself failed at 'open' (ZeroDivisionError).", "e opens another environment")
        await stage.press("e")
        await stage.until(lambda: isinstance(app.screen, EnvironmentDialog))


async def test_an_error_that_reached_nobody_is_said_once() -> None:
    async with console() as stage:
        for _ in range(3):
            asyncio.get_running_loop().call_exception_handler(
                {"message": "a listener failed", "exception": KeyError("\x1b[2Jx")}
            )
        await stage.says("a listener failed (KeyError)")
        assert len(stage.app._notifications) == 1


async def test_github_is_asked_less_often_while_the_terminal_is_not_looked_at() -> None:
    session = DoubleSession().live()
    async with console(session) as stage:
        await stage.press("4")
        await stage.until(lambda: session.github.looked_at[-1:] == ["runs"])
        stage.app.post_message(AppBlur())
        await stage.until(lambda: session.github.looked_at[-1] == "")
        stage.app.post_message(AppFocus())
        await stage.until(lambda: session.github.looked_at[-1] == "runs")
