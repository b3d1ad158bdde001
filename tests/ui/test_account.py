"""The account dialog, and GitHub's budget at the end of the footer."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from refactor_console.domain.account import Account, Budget, TokenKind, TokenSource
from refactor_console.domain.problem import Problem
from refactor_console.screens.dialogs.account import AccountDialog
from refactor_console.widgets.budget import BudgetBadge
from tests.ui.double_github import SIGNED_OUT
from tests.ui.double_runs import EVIL, NOW
from tests.ui.stage import Stage, console

BUDGET = Budget(5000, 4871, NOW + timedelta(minutes=33), spent_here=129, free_here=611)


def last_line(stage: Stage) -> str:
    return stage.text.splitlines()[-1]


async def test_the_budget_stands_at_the_end_of_the_footer_on_every_pane_where_there_is_room() -> None:
    async with console(size=(120, 40)) as stage:
        for key in "12345678":
            await stage.press(key)
            await stage.until(lambda: last_line(stage).rstrip().endswith("GitHub 4871/5000"), f"on pane {key}")
            assert "q Quit" in last_line(stage)


async def test_at_80_columns_only_what_is_wrong_takes_room_from_the_keys() -> None:
    async with console(size=(80, 24)) as stage:
        await stage.says("q Quit")
        assert "4871" not in last_line(stage)
        stage.session.github.budget.live(replace(BUDGET, remaining=312))
        await stage.until(lambda: "▲ GH 312" in last_line(stage), "what is left is said when it is little")
        stage.session.github.budget.live(replace(BUDGET, paused_until=stage.session.clock() + timedelta(minutes=3)))
        await stage.until(lambda: "GitHub waits 3 min" in last_line(stage), "a pause is said")
        stage.session.github.budget.live(BUDGET)
        stage.session.github.account.fail(Problem("GitHub says the token is none.", code="token-refused"), 60)
        await stage.until(lambda: "✗ GH" in last_line(stage), "a refused token is said")


async def test_a_key_and_a_click_open_the_account_with_token_scopes_and_budget() -> None:
    async with console(size=(120, 40)) as stage:
        await stage.press("at")
        await stage.says("ada", "classic token from the environment (GH_TOKEN)", "4871 of 5000 requests")
        await stage.says("129 requests of this console counted", "611 more were answered 'unchanged'")
        await stage.press("escape")
        await stage.click(BudgetBadge)
        await stage.until(lambda: isinstance(stage.app.screen, AccountDialog), "the click opens it")


async def test_what_the_token_lacks_is_named_pane_by_pane() -> None:
    async with console(size=(120, 40)) as stage:
        github = stage.session.github
        github.account.live(Account("ada", TokenKind.CLASSIC, TokenSource.GH, "gh (github.com)", ("repo",)))
        await stage.press("at")
        await stage.says("lacks read:packages", "Runs", "has what it takes")
        github.account.live(Account("ada", TokenKind.FINE_GRAINED, TokenSource.KEYRING, "keyring", None))
        await stage.says("Actions: read", "Packages needs a classic token", "which GitHub does not list")


async def test_a_token_that_expires_soon_is_said_with_how_long_it_holds() -> None:
    async with console(size=(120, 40)) as stage:
        soon = stage.session.clock() + timedelta(days=2, hours=3)
        github = stage.session.github
        github.account.live(Account("ada", TokenKind.CLASSIC, TokenSource.GH, "gh", ("repo",), soon))
        await stage.press("at")
        await stage.says("▲", "in 2 d 3 h")


async def test_signed_out_the_dialog_says_why_and_what_to_do() -> None:
    async with console(size=(80, 24)) as stage:
        stage.session.github.account.off(SIGNED_OUT)
        await stage.press("at")
        await stage.says("Nobody is signed in to GitHub", "○ off")
        assert "ada" not in stage.text, "who was signed in before is not shown as if still"


async def test_signing_in_shows_the_code_until_github_has_it() -> None:
    async with console(size=(80, 24)) as stage:
        github = stage.session.github
        github.account.off(SIGNED_OUT)
        github.may_finish.clear()
        await stage.press("at", "s")
        await stage.says("WDJB-MJHT", "https://github.com/login/device", "the code holds for 15 min")
        await stage.press("y")
        assert stage.app.clipboard == "WDJB-MJHT"
        github.may_finish.set()
        await stage.says("Signed in as ada.")
        await stage.until(lambda: "WDJB-MJHT" not in stage.text, "the code is gone when it was used")


async def test_leaving_the_dialog_gives_the_sign_in_up() -> None:
    async with console(size=(80, 24)) as stage:
        github = stage.session.github
        github.account.off(SIGNED_OUT)
        github.may_finish.clear()
        await stage.press("at", "s")
        await stage.says("WDJB-MJHT")
        await stage.press("escape")
        github.may_finish.set()
        await stage.pilot.pause()
        assert ("signed-in", "WDJB-MJHT") not in github.asked


async def test_a_refused_sign_in_is_told_in_the_dialog_and_can_be_begun_again() -> None:
    async with console(size=(120, 40)) as stage:
        github = stage.session.github
        github.refusal = Problem(f"No OAuth app is configured {EVIL}", "Set oauth_client_id.", code="no-client-id")
        await stage.press("at", "s")
        await stage.says("No OAuth app is configured", "Set oauth_client_id.")
        github.refusal = None
        github.may_finish.clear()
        await stage.press("s")
        await stage.says("WDJB-MJHT")
        assert "No OAuth app" not in stage.text


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_hostile_names_are_data(size: tuple[int, int]) -> None:
    async with console(size=size) as stage:
        stage.session.github.account.live(Account(EVIL, TokenKind.CLASSIC, TokenSource.GH, EVIL, (EVIL,)))
        await stage.press("at")
        await stage.says("Login")
        assert "\x1b" not in stage.text


async def test_looking_again_asks_github_and_the_look_for_a_token() -> None:
    async with console() as stage:
        await stage.press("at", "r")
        await stage.until(lambda: stage.session.github.retries == 1, "asked again")
