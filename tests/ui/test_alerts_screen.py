"""The alerts pane: guards before alerts, silence that is no good news, and what may not be seen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from refactor_console.domain.account import Account, TokenKind, TokenSource
from refactor_console.domain.alerts import AlertBoard, Guard, GuardReport, GuardState, Severity
from refactor_console.domain.problem import Problem
from refactor_console.domain.repos import Repository
from refactor_console.screens.alerts import AlertsScreen
from refactor_console.screens.dialogs.contract_facts import AlertDialog, GuardsDialog
from refactor_console.widgets.lazy_row import LazyRow
from tests.ui import double_guards as guards
from tests.ui.double_images import at
from tests.ui.double_runs import BACKEND, EVIL
from tests.ui.double_session import DOWN, DoubleSession
from tests.ui.stage import Stage

SIGNS = ("\x1b", "\x07", "\u202e", "\u2066")
DENIED = Problem("GitHub does not permit the alerts of o/n.", "Look at your role.", "HTTP 403", code="not-permitted")


def live() -> DoubleSession:
    return DoubleSession().live()


def over(board: AlertBoard) -> DoubleSession:
    session = live()
    session.github.alerts.live(board)
    return session


def column(stage: Stage, key: str) -> list[str]:
    return [row.cells[key].plain for row in stage.table("#alerts").rows]


async def test_each_guard_of_each_repository_is_told_before_any_alert() -> None:
    session = live()
    async with at("alerts", session) as stage:
        await stage.says("6 open", "3 of 6 guards on", "incomplete")
        lines = stage.text.splitlines()
        heading = next(
            number for number, line in enumerate(lines) if "Dependabot" in line and "secret scanning" in line
        )
        assert lines[heading + 1].split()[0] == "backend"
        assert "● on, 4 open" in lines[heading + 1]
        assert "▲ not enabled" in lines[heading + 1]
        assert "? not permitted" in lines[heading + 1]
        assert "● on, 0 open" in lines[heading + 2]
        assert "● on, ≥2 open" in lines[heading + 2]
        assert "? unknown" in lines[heading + 2]
        await stage.says(guards.NOT_PERMITTED[:60], "switch it on under", "GitHub has trouble of its own: HTTP 502.")
        await stage.says("frontend code scanning: more is open than is shown.")
        assert "more; w has them" not in stage.text, "all are there"
        assert "alerts" in session.github.looked_at


async def test_the_worst_come_first_and_among_them_the_newest() -> None:
    async with at("alerts", live(), size=(200, 60)) as stage:
        await stage.until(lambda: column(stage, "severity"))
        assert [word.split()[1] for word in column(stage, "severity")] == [
            *("critical", "high", "high", "medium", "low", "unknown")
        ]
        assert column(stage, "age") == ["4d", "2d", "11d", "90d", "40d", "160d"]
        assert column(stage, "repository")[:2] == ["backend", "frontend"]
        await stage.says("✗ 1 critical, 2 high, 1 medium, 1 low, 1 unknown; there may be more.")
        assert stage.table("#alerts").has_focus


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (GuardState.OFF, "6 not enabled"),
        (GuardState.NOT_PERMITTED, "6 not permitted"),
        (GuardState.UNKNOWN, "6 unknown"),
    ],
)
@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_no_alert_is_no_good_news_where_no_guard_is_on(
    state: GuardState, word: str, size: tuple[int, int]
) -> None:
    async with at("alerts", over(guards.guards(state)), size=size) as stage:
        await stage.says("0 open", "0 of 6 guards on", f"✗ No guard is known to be on ({word})", "w ")
        assert "●" not in stage.text.split("Alerts ·")[1].replace("● live", "").split("w Guards")[0]
        assert not stage.table("#alerts").display


async def test_no_alert_from_some_guards_says_nothing_of_the_others() -> None:
    board = guards.guards(GuardState.ON)
    off = replace(board.reports[1], state=GuardState.OFF)
    async with at("alerts", over(AlertBoard((board.reports[0], off, *board.reports[2:])))) as stage:
        await stage.says("▲ No alert from the 5 of 6 guards that are on; the others (1 not enabled) say nothing.")


async def test_no_alert_is_good_news_where_every_guard_is_on() -> None:
    session = over(guards.guards(GuardState.ON))
    async with at("alerts", session) as stage:
        await stage.says("● No open alert, and every guard is on.")
        session.github.alerts.live(guards.guards(GuardState.ON, complete=False))
        await stage.says("▲ Alerts are open, and none of them could be read.")
        session.github.alerts.live(AlertBoard(()))
        await stage.says("No repository is watched.")
        session.github.alerts.live(guards.alert_board())
        await stage.says("tokio: a race")
        await stage.until(lambda: stage.table("#alerts").has_focus, "keys work again")


async def test_alerts_seen_before_github_went_away_are_still_there() -> None:
    board = guards.alert_board()
    unknown = replace(board.reports[0], state=GuardState.UNKNOWN, complete=False)
    async with at("alerts", over(AlertBoard((unknown, *board.reports[1:])))) as stage:
        await stage.says("? unknown, 4 seen before", "tokio: a race")


async def test_the_filter_narrows_as_it_is_typed_is_kept_by_enter_and_forgotten_by_escape() -> None:
    async with at("alerts", live()) as stage:
        await stage.press("slash", *"code high front")
        await stage.until(lambda: len(column(stage, "title")) == 2)
        await stage.press("enter")
        assert stage.table("#alerts").has_focus
        await stage.says("2 like 'code high front'")
        await stage.press("escape")
        await stage.until(lambda: len(column(stage, "title")) == 6)
        await stage.press("slash", *"zzz", "enter")
        await stage.says("No alert is like 'zzz'. Esc clears.")
        for key in ("enter", "i", "o", "y"):
            await stage.press(key)
            assert isinstance(stage.app.screen, AlertsScreen)
        await stage.says("No alert is selected.")


@pytest.mark.parametrize("key", ["i", "enter"])
async def test_details_name_package_file_remedy_age_and_page(key: str) -> None:
    async with at("alerts", live()) as stage:
        await stage.until(lambda: column(stage, "title"))
        await stage.press("down", "down", key)
        await stage.until(lambda: isinstance(stage.app.screen, AlertDialog))
        await stage.says(
            "CodeQL: Prototype pollution",
            "✗ high",
            "src/lib/merge.ts:41",
            "none is named; see its page",
            "since 2026-03-03 09:26:53 UTC, 11 d ago",
            "code scanning of refactor-group/refactor-platform-fe, number 2",
        )
        await stage.press("y")
        assert stage.app.clipboard.endswith("refactor-platform-fe/security/code-scanning/2")
        await stage.press("c")
        assert "Prototype pollution" in stage.app.clipboard


async def test_o_opens_and_y_copies_the_alert_s_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("refactor_console.screens.links.has_desktop", lambda: False)
    page = "https://github.com/refactor-group/refactor-platform-rs/security/dependabot"
    session = live()
    async with at("alerts", session) as stage:
        await stage.until(lambda: column(stage, "title"))
        await stage.press("y")
        assert stage.app.clipboard == f"{page}/7"
        stage.app.copy_to_clipboard("")
        await stage.press("o")
        assert stage.app.clipboard == f"{page}/7"
        odd = guards.alert(1, Severity.HIGH, "x", 1, html_url="javascript:alert(1)")
        session.github.alerts.live(AlertBoard((GuardReport(BACKEND, Guard.DEPENDABOT, GuardState.ON, "", (odd,)),)))
        await stage.until(lambda: column(stage, "title") == ["x"])
        await stage.press("o")
        assert stage.app.clipboard == page, "what is no web page is not opened"


async def test_w_tells_of_every_guard_and_leads_to_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("refactor_console.screens.links.has_desktop", lambda: False)
    async with at("alerts", live()) as stage:
        await stage.until(lambda: column(stage, "title"))
        await stage.press("w")
        await stage.until(lambda: isinstance(stage.app.screen, GuardsDialog))
        await stage.says("refactor-group/refactor-platform-fe", "Dependabot is on: no open alert.", "? not permitted")
        await stage.press("o")
        page = "https://github.com/refactor-group/refactor-platform-rs/settings/security_analysis"
        assert stage.app.clipboard == page


async def test_the_missing_scope_is_named_when_the_feed_fails_for_want_of_it() -> None:
    session = DoubleSession()
    async with at("alerts", session) as stage:
        session.github.alerts.fail(DENIED, 7)
        await stage.says("✗ failed", DENIED.summary)
        session.github.account.live(Account("ada", TokenKind.CLASSIC, TokenSource.GH, "gh", ("read:org",)))
        await stage.says("lacks the scope security_events (for Dependabot alerts, code scanning alerts and secret")
        session.github.account.live(Account("ada", TokenKind.FINE_GRAINED, TokenSource.GH, "gh"))
        await stage.says("Dependabot alerts: read", "Code scanning alerts: read", "Secret scanning alerts: read")


async def test_connecting_off_failed_and_stale_are_told_apart() -> None:
    session = DoubleSession()
    async with at("alerts", session) as stage:
        await stage.says("◐ connecting…")
        await stage.press("w")
        await stage.says("Nothing has been read yet.")
        session.github.alerts.off("No GitHub token: sign in to see alerts.")
        await stage.says("○ off", "No GitHub token: sign in to see alerts.")
        session.github.alerts.fail(DOWN, 7)
        await stage.says("✗ failed · retry in 7 s", DOWN.remedy)
        session.github.alerts.live(guards.alert_board())
        await stage.says("● live", "tokio: a race")
        session.clock.forward(90)
        session.github.alerts.stale()
        await stage.says("◌ stale · 1 min", "tokio: a race")
        session.github.alerts.fail(DOWN, 7)
        await stage.says("✗ failed", "tokio: a race", "no answer within 10 s")


async def test_mouse_selects_opens_and_asks_for_the_guards() -> None:
    async with at("alerts", live()) as stage:
        table = stage.table("#alerts")
        await stage.until(lambda: column(stage, "title"))
        await stage.pilot.click(table, offset=(5, 3))
        await stage.until(lambda: table.cursor_index == 2)
        await stage.says("frontend code scanning 2 ─")
        await stage.pilot.click(table, offset=(5, 1), times=2)
        await stage.until(lambda: isinstance(stage.app.screen, AlertDialog))
        await stage.press("escape")
        await stage.click("#guards")
        await stage.until(lambda: isinstance(stage.app.screen, GuardsDialog))


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_hostile_words_stay_text_everywhere(size: tuple[int, int]) -> None:
    evil = EVIL
    wicked = Repository(evil, evil)
    one = guards.alert(1, Severity.HIGH, evil, 1, where=evil, remedy=evil, html_url=evil, repository=wicked)
    board = AlertBoard(
        (
            GuardReport(wicked, Guard.DEPENDABOT, GuardState.ON, evil, (one,), complete=False),
            GuardReport(wicked, Guard.CODE_SCANNING, GuardState.NOT_PERMITTED, evil),
        )
    )
    async with at("alerts", over(board), size=size) as stage:
        await stage.says("[red]")
        for key in ("i", "escape", "w", "c", "escape", "y", "o", "slash", "[", "escape"):
            await stage.press(key)
            assert not any(sign in stage.text for sign in SIGNS)


async def test_a_thousand_alerts_open_without_making_rows_that_nobody_sees() -> None:
    many = tuple(guards.alert(number, Severity.HIGH, f"package {number}", number % 90) for number in range(1000))
    board = AlertBoard((GuardReport(BACKEND, Guard.DEPENDABOT, GuardState.ON, guards.ON, many, complete=False),))
    async with at("alerts", over(board)) as stage:
        table = stage.table("#alerts")
        await stage.until(lambda: len(table.rows) == 1000)
        assert sum(isinstance(row, LazyRow) and row._cells is not None for row in table.rows) < 60
        await stage.says("● on, ≥1,000 open")


async def test_where_there_is_no_room_the_sentences_are_one_key_away() -> None:
    async with at("alerts", live(), size=(80, 24)) as stage:
        await stage.says("4 guards are not on, not known, or hold more than is shown: w says why.")
        await stage.press("w")
        await stage.says("This token may not see secret scanning alerts")
