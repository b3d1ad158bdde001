"""The real application over a real session while GitHub or the token is bad: each pane says it, the host's panes live.

The host is the demo world's, and so is GitHub, over HTTP on loopback; what it can do wrong is in `demo.github_faults`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from refactor_console.adapters.audit_file import AuditFile
from refactor_console.app import ConsoleApp
from refactor_console.domain.account import Credential, Secret, TokenSource
from refactor_console.domain.environment import Environment
from refactor_console.domain.reading import Phase
from refactor_console.services.github_link import Endpoints, Identity
from refactor_console.services.github_setup import GitHubSetup
from refactor_console.services.live import LiveSession
from tests.bad_input.test_in_the_app import Seat
from tests.waiting import until
from tests.worlds.demo import DemoWorld, demo_world

GOOD = "demo-token"
PANES = {"4": "runs", "5": "images", "6": "releases", "7": "secrets", "8": "alerts"}


@pytest_asyncio.fixture
async def demo(tmp_path: Path) -> AsyncIterator[DemoWorld]:
    async with demo_world(tmp_path) as world:
        yield world


class Tokens:
    """Where a token is looked for: empty, or one that can be exchanged while the console runs."""

    def __init__(self, token: str = GOOD) -> None:
        self.token = token

    async def find(self, _: Endpoints) -> Identity:
        if not self.token:
            return Identity(None)
        return Identity(Credential(Secret(self.token), TokenSource.ENVIRONMENT, "GH_TOKEN"))


@asynccontextmanager
async def console(demo: DemoWorld, directory: Path, tokens: Tokens | None = None) -> AsyncIterator[Seat]:
    """The console on the demo world's host and GitHub; leaves by its own key."""
    found = tokens or Tokens()

    async def endpoints() -> Endpoints:
        return Endpoints(demo.github_url, demo.github_url, demo.registry_url)

    def open_session(chosen: Environment) -> LiveSession:
        github = GitHubSetup(endpoints=endpoints, find=found.find, observations=directory / "observations.jsonl")
        return LiveSession(chosen, audit_file=AuditFile(directory / "audit.jsonl"), github=github)

    app = ConsoleApp((demo.environment,), open_session, start=demo.environment.name)
    app.animation_level = "none"
    async with app.run_test(size=(160, 50), notifications=True) as pilot:
        seat = Seat(app, pilot, [])
        await until(lambda: app.session is not None, "the session is open")
        yield seat
        await seat.press("1")
        await seat.reads("active (exited)")
        await pilot.press("q")
        await until(lambda: app._exit, "the console ends by its key")


async def the_host_is_untouched(seat: Seat) -> None:
    """Whatever GitHub does, the panes of the host are live, and keys answer."""
    await seat.press("1")
    await seat.reads("rust-app", "active (exited)")
    session = seat.app.session
    assert session is not None
    for feed in (session.link, session.unit, session.vitals, session.engine, session.containers):
        await until(lambda feed=feed: feed.reading.is_live, f"{feed.key} is live")  # type: ignore[misc]


async def everything_is_live(seat: Seat) -> None:
    """All five boards of GitHub's are there and current."""
    session = seat.app.session
    assert session is not None
    github = session.github
    for feed in (github.account, github.runs, github.images, github.releases, github.contract, github.alerts):
        await until(lambda feed=feed: feed.reading.is_live, f"{feed.key} is live", 40)  # type: ignore[misc]


async def test_nobody_signed_in_is_told_on_each_pane_with_what_to_do_and_ends_by_itself_asking(
    demo: DemoWorld, tmp_path: Path
) -> None:
    tokens = Tokens("")
    async with console(demo, tmp_path, tokens) as seat:
        for key in "4678":
            await seat.press(key)
            await seat.reads("○ off", "Nobody is signed in to GitHub", "gh auth login")
        await seat.press("5")
        await seat.reads("stable", "ghcr.io/refactor-group/refactor-platform-rs")
        await the_host_is_untouched(seat)
        tokens.token = GOOD
        await seat.press("r")
        await everything_is_live(seat)
        await seat.press("4")
        await seat.reads("● live", "main")


async def test_a_refused_token_is_told_on_each_pane_and_sent_no_more_until_a_person_asks(
    demo: DemoWorld, tmp_path: Path
) -> None:
    tokens = Tokens("ghp_expired")
    async with console(demo, tmp_path, tokens) as seat:
        for key in "4678":
            await seat.press(key)
            await seat.reads("✗ failed", "token")
        await the_host_is_untouched(seat)
        tokens.token = GOOD
        await seat.press("r")
        await everything_is_live(seat)


async def test_a_token_without_scopes_is_told_what_it_takes(demo: DemoWorld, tmp_path: Path) -> None:
    async with console(demo, tmp_path, Tokens("demo-no-scopes")) as seat:
        await seat.press("7")
        await seat.reads("lacks the scope repo")
        await seat.press("8")
        await seat.reads("security_events")
        await seat.press("at")
        await seat.reads("guest-greta", "lacks read:packages", "lacks security_events")
        await seat.press("escape")
        await the_host_is_untouched(seat)


@pytest.mark.parametrize(
    ("fault", "value", "sentence"),
    [
        ("status", 502, "502"),
        ("status", 404, "no such thing"),
        ("truncated", 0, ""),
        ("broken-off", 0, ""),
        ("not-json", 0, ""),
        ("secondary", 30, ""),
        ("sso", 0, "single sign-on"),
    ],
)
async def test_whatever_github_answers_is_a_sentence_on_every_pane_and_over_when_it_is_over(
    demo: DemoWorld, tmp_path: Path, fault: str, value: float, sentence: str
) -> None:
    await demo.github_fault(fault, value=value)
    async with console(demo, tmp_path) as seat:
        for key, name in PANES.items():
            await seat.press(key)
            if name in ("runs", "releases"):
                await seat.reads("✗ failed", *([sentence] if sentence else []))
            assert "Traceback" not in seat.text
        session = seat.app.session
        assert session is not None
        reading = session.github.runs.reading
        assert reading.phase in (Phase.FAILED, Phase.CONNECTING)
        assert reading.problem is not None
        assert reading.problem.summary
        assert reading.problem.remedy
        await the_host_is_untouched(seat)
        await demo.github_clear()
        if fault == "secondary":
            return  # what GitHub told us to wait is waited, whoever asks: the client's own tests see its end
        await seat.press("r")
        await everything_is_live(seat)


async def test_words_that_nobody_has_heard_of_cost_nothing(demo: DemoWorld, tmp_path: Path) -> None:
    await demo.github_fault("drift")
    async with console(demo, tmp_path) as seat:
        await everything_is_live(seat)
        for key in PANES:
            await seat.press(key)
            await seat.reads("● live")
        await the_host_is_untouched(seat)


async def test_github_going_away_leaves_what_was_known_with_its_age_and_comes_back(
    demo: DemoWorld, tmp_path: Path
) -> None:
    async with console(demo, tmp_path) as seat:
        await everything_is_live(seat)
        await demo.github_down()
        await seat.press("4", "r")
        await seat.reads("✗ failed")
        session = seat.app.session
        assert session is not None
        board = session.github.runs.reading.value
        assert board is not None
        assert board.runs, "what was known stays"
        await seat.reads("main", "Build, Test & Push", "old")
        await the_host_is_untouched(seat)
        await demo.github_up()
        await seat.press("r")
        await everything_is_live(seat)


async def test_a_registry_that_is_down_is_the_images_panes_trouble_alone(demo: DemoWorld, tmp_path: Path) -> None:
    await demo.registry("down")
    async with console(demo, tmp_path) as seat:
        await seat.press("4")
        await seat.reads("● live")
        await seat.press("5")
        await seat.reads("registry")
        await the_host_is_untouched(seat)
        await demo.registry("up")


async def test_a_branch_with_slashes_and_an_emoji_and_a_hostile_title_is_only_text(
    demo: DemoWorld, tmp_path: Path
) -> None:
    branch, title = "feat/🚀/[red]x[/]", "fix [/] [@click=app.quit]y[/]\x1b[31m\u202e"
    await demo.github(
        "start_run",
        repo="backend",
        workflow="build-test-push.yml",
        branch=branch,
        title=title,
        actor="eve[bot]",
    )
    async with console(demo, tmp_path) as seat:
        await seat.press("4")
        await seat.reads("eve[bot]")
        assert "\x1b" not in seat.text
        assert "\u202e" not in seat.text
        await the_host_is_untouched(seat)
