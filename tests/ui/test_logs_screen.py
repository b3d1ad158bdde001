"""The logs pane as a person uses it."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from refactor_console import theme as themes
from refactor_console.domain.logs import Level, LogMark, MarkKind, SourceProgress
from refactor_console.domain.problem import Problem
from refactor_console.screens.logs import LogsScreen
from refactor_console.screens.shell import Shell
from refactor_console.services.log_book import LogBook
from tests.ui.double_session import NOW, PRODUCTION, Clock, DoubleSession
from tests.ui.doubles_logs import APP, JOURNAL, NGINX, SECOND, START, ScriptedHub, messages, numbered, rows, until


class PaneApp(Shell):
    """The logs pane alone; what it asks of the application is noted."""

    CSS_PATH = str(Path(themes.__file__).parent / "assets" / "console.tcss")

    def __init__(self) -> None:
        self.wall = Clock()
        self.clock = self.wall
        self.keys = {}
        super().__init__()
        for each in themes.THEMES:
            self.register_theme(each)
        self.theme = themes.DARK
        self.session = DoubleSession(PRODUCTION, clock=self.wall)
        self.hub = ScriptedHub(self.clock)
        self.session.logs = self.hub  # type: ignore[assignment]
        self.said: list[str] = []
        self.copied = ""

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return dict(themes.DEFAULTS)

    def on_mount(self) -> None:
        self.book = LogBook(self.hub)
        self.pane = LogsScreen(self.session, self.book, self.clock)
        self.push_screen(self.pane)

    def on_unmount(self) -> None:
        self.book.close()

    def say(self, sentence: str, *, severity: str = "information", title: str = "") -> None:
        self.said.append(sentence)

    def copy_to_clipboard(self, text: str) -> None:
        self.copied = text


@asynccontextmanager
async def opened(size: tuple[int, int] = (80, 24)) -> AsyncIterator[tuple[PaneApp, Pilot[None]]]:
    app = PaneApp()  # type: ignore[abstract]  # what the pane does not ask for is not here
    async with app.run_test(size=size) as pilot:
        await until(lambda: app.screen is getattr(app, "pane", None))
        await pilot.pause()
        yield app, pilot


def words(app: PaneApp) -> str:
    return app.pane.status.words


async def test_pause_and_resume_are_said_in_words() -> None:
    async with opened() as (app, pilot):
        app.hub.say(APP, numbered(0, 100))
        await until(lambda: "FOLLOWING" in words(app) and "100 lines" in words(app))
        await pilot.press("space")
        app.hub.say(APP, numbered(100, 110), at=START + 100 * SECOND)
        await until(lambda: "PAUSED · 10 new lines below" in words(app))
        assert "10 s behind" in words(app)
        await pilot.press("space")
        await until(lambda: "FOLLOWING" in words(app))


async def test_a_filter_is_tried_while_it_is_typed_and_undone_by_escape() -> None:
    async with opened() as (app, pilot):
        app.hub.say(APP, ["GET /health", "timeout", "GET /health"])
        await until(lambda: len(messages(app.pane.view)) == 3)
        await pilot.press("slash", *"!health")
        await until(lambda: messages(app.pane.view) == ["timeout"])
        await until(lambda: "1 of 3 lines" in words(app))
        await pilot.press("escape")
        await until(lambda: len(messages(app.pane.view)) == 3)
        await pilot.press("slash", *"timeout", "enter")
        await until(lambda: messages(app.pane.view) == ["timeout"])
        assert "only timeout" in words(app)
        assert app.focused is app.pane.view
        await pilot.press("escape")
        await until(lambda: len(messages(app.pane.view)) == 3)


async def test_a_wrong_pattern_is_explained_and_changes_nothing() -> None:
    async with opened() as (app, pilot):
        app.hub.say(APP, ["a(", "b"])
        await pilot.press("slash", *"/a(/", "enter")
        await pilot.pause()
        assert app.pane.prompt.kind == "filter"
        assert "is not a regular expression" in str(app.pane.query_one("#prompt-hint").render())
        assert app.pane.view.lens.filter.passes_all


async def test_find_goes_to_the_newest_hit_and_counts() -> None:
    async with opened() as (app, pilot):
        app.hub.say(APP, [f"needle {n}" if n % 50 == 0 else f"hay {n}" for n in range(200)])
        await pilot.press("f", *"needle", "enter")
        await until(lambda: "find needle 4/4" in words(app))
        await pilot.press("N")
        await until(lambda: "find needle 3/4" in words(app))
        assert app.pane.view.selected()[0].text == "needle 100"
        await pilot.press("escape")
        await until(lambda: "find" not in words(app))


async def test_the_level_goes_round() -> None:
    async with opened() as (app, pilot):
        app.hub.say(APP, ["fine"])
        app.hub.say(APP, ["bad"], at=START + SECOND, level=Level.ERROR)
        await pilot.press("l", "l")
        await until(lambda: messages(app.pane.view) == ["bad"])
        assert "only WARN and worse" in words(app)
        await pilot.press("l", "l")
        await until(lambda: messages(app.pane.view) == ["fine", "bad"])


async def test_jumping_to_a_time_reads_the_chosen_zone_and_explains_nonsense() -> None:
    async with opened() as (app, pilot):
        app.hub.say(APP, numbered(0, 300))
        await pilot.press("z")
        await pilot.press("t", *"soon", "enter")
        await pilot.pause()
        assert "“soon” is not a time" in str(app.pane.query_one("#prompt-hint").render())
        app.pane.prompt.input.value = "09:21:40"
        await pilot.press("enter")
        await until(lambda: app.pane.view.tail.cursor is not None)
        assert app.pane.view.selected()[0].text == "n=100"


async def test_sources_are_hidden_shown_and_shown_alone_by_keys() -> None:
    async with opened() as (app, pilot):
        for source in (JOURNAL, NGINX, APP):
            app.hub.say(source, [source])
        await until(lambda: len(messages(app.pane.view)) == 3)
        await pilot.press("s", "right", "space")
        await until(lambda: messages(app.pane.view) == [JOURNAL, APP])
        await pilot.press("o")
        await until(lambda: messages(app.pane.view) == [NGINX])
        await pilot.press("a", "escape")
        await until(lambda: len(messages(app.pane.view)) == 3)
        assert app.focused is app.pane.view


async def test_a_click_on_a_source_hides_it() -> None:
    async with opened() as (app, pilot):
        app.hub.say(NGINX, ["n"])
        app.hub.say(APP, ["a"])
        await until(lambda: len(messages(app.pane.view)) == 2)
        at = str(app.pane.strip.render()).splitlines()[0].index("nginx")
        await pilot.click("#log-sources", offset=(at + 1, 0))
        await until(lambda: messages(app.pane.view) == ["a"])


async def test_a_containers_log_opens_alone_from_its_end() -> None:
    async with opened() as (app, pilot):
        app.hub.say(NGINX, numbered(0, 50))
        app.hub.say(APP, numbered(50, 90))
        await pilot.press("up", "l", "l")
        app.pane.open_source(NGINX)
        await until(lambda: messages(app.pane.view)[-1:] == ["n=49"])
        assert app.pane.view.following
        assert app.pane.view.lens.index.lines == 50
        app.pane.open_source("container:none")
        assert "no log source" in app.said[-1]


async def test_a_failed_source_is_named_with_its_reason_while_others_go_on() -> None:
    async with opened() as (app, pilot):
        for source in app.hub.sources():
            source.feed.live(SourceProgress(1, int(NOW.timestamp() * 1e9)))
        app.hub.source(NGINX).feed.fail(Problem("The log of nginx could not be read: reset."), 7)
        app.hub.say(APP, ["still here"])
        await until(lambda: "nginx failed, again in 7s" in str(app.pane.strip.render()))
        assert "nginx: The log of nginx could not be read: reset." in str(app.pane.query_one("#log-problems").render())
        await until(lambda: messages(app.pane.view) == ["still here"])
        app.hub.source(NGINX).feed.live(SourceProgress(1))
        await until(lambda: "failed" not in str(app.pane.strip.render()))
        assert not app.pane.query_one("#log-problems").display
        del pilot


async def test_how_long_a_live_source_has_been_silent_can_be_seen() -> None:
    async with opened((160, 30)) as (app, pilot):
        for source in app.hub.sources():
            source.feed.live(SourceProgress(1, int(NOW.timestamp() * 1e9)))
        app.wall.forward(120)
        app.pane.on_tick(app.clock())
        await pilot.pause()
        assert "rust-app live, last line 2m ago" in str(app.pane.strip.render())


async def test_an_empty_journal_is_called_empty() -> None:
    async with opened() as (app, pilot):
        await until(lambda: "Waiting for the first line." in "\n".join(rows(app.pane.view)))
        for source in app.hub.sources():
            source.feed.live(SourceProgress(0))
        await until(lambda: "connected and empty" in app.pane.view.waiting)
        await pilot.pause()


async def test_lines_are_copied_with_time_and_source() -> None:
    async with opened() as (app, pilot):
        app.hub.say(APP, ["first", "second\x1b[31m red"])
        await until(lambda: len(messages(app.pane.view)) == 2)
        await pilot.press("up", "shift+up", "c")
        assert app.copied.splitlines() == [
            "2026-03-14T09:20:00.000000Z rust-app INFO first",
            "2026-03-14T09:20:01.000000Z rust-app INFO second red",
        ]
        assert app.said == ["2 lines were copied."]


async def test_saving_writes_what_is_shown_privately_and_never_over_a_file_unasked(tmp_path: Path) -> None:
    async with opened() as (app, pilot):
        app.hub.say(APP, ["keep\x1b]0;x\x07 this", "drop", "keep\nboth"])
        app.hub.mark(APP, LogMark(START + 9 * SECOND, MarkKind.CUT, "broke"))
        await pilot.press("slash", *"keep", "enter")
        await until(lambda: app.pane.view.lens.index.lines == 2)
        path = tmp_path / "out.log"
        await pilot.press("S")
        assert app.pane.prompt.input.value == "production-20260314T092653Z.log"
        app.pane.prompt.input.value = str(path)
        await pilot.press("enter")
        await until(lambda: app.said != [])
        assert app.said[-1].startswith(f"2 lines were saved to {path}. Only: keep.")
        assert path.read_text().splitlines() == [
            "# production: 2 log lines, saved 2026-03-14T09:26:53Z",
            "# Only: keep",
            "2026-03-14T09:20:00.000000Z rust-app INFO keep this",
            "2026-03-14T09:20:02.000000Z rust-app INFO keep",
            "    both",
            "2026-03-14T09:20:09.000000Z rust-app -- CUT: broke",
        ]
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        path.write_text("mine")
        await pilot.press("S")
        app.pane.prompt.input.value = str(path)
        await pilot.press("enter")
        await until(lambda: "exists already" in str(app.pane.query_one("#prompt-hint").render()))
        assert path.read_text() == "mine"
        await pilot.press("enter")
        await until(lambda: len(app.said) == 2)
        assert path.read_text().startswith("# production")
        assert os.listdir(tmp_path) == ["out.log"]  # noqa: PTH208 - in a coroutine


async def test_saving_as_json_lines_keeps_the_fields_apart(tmp_path: Path) -> None:
    async with opened() as (app, pilot):
        app.hub.say(APP, ["two\nlines"], level=Level.ERROR)
        path = tmp_path / "out.jsonl"
        await pilot.press("S")
        app.pane.prompt.input.value = str(path)
        await pilot.press("enter")
        await until(path.exists)
        assert [json.loads(line) for line in path.read_text().splitlines()] == [
            {
                "time": "2026-03-14T09:20:00.000000Z",
                "source": APP,
                "label": "rust-app",
                "level": "error",
                "origin": "",
                "message": "two\nlines",
            }
        ]


@pytest.mark.parametrize("place", ["/nowhere/at/all.log", "/proc/version/x"])
async def test_a_place_that_cannot_be_written_is_said_where_it_was_typed(place: str) -> None:
    async with opened() as (app, pilot):
        app.hub.say(APP, ["x"])
        await pilot.press("S")
        app.pane.prompt.input.value = place
        await pilot.press("enter")
        await until(lambda: "failed" in str(app.pane.query_one("#prompt-hint").render()))
        assert app.pane.prompt.kind == "save"


@pytest.mark.parametrize("size", [(80, 24), (40, 10), (200, 60), (20, 5)])
async def test_the_pane_fits_any_terminal(size: tuple[int, int]) -> None:
    async with opened(size) as (app, pilot):
        app.hub.say(APP, numbered(0, 300))
        for key in ("up", "w", "pageup", "right", "f", "escape", "slash", "escape", "G"):
            await pilot.press(key)
        await pilot.pause()
        assert app.pane.view.following


async def test_every_key_of_the_pane_is_explained_and_can_be_changed() -> None:
    for binding in LogsScreen.BINDINGS:
        assert getattr(binding, "id", "").startswith("logs.")
        assert getattr(binding, "tooltip", "")
        assert getattr(binding, "description", "")
