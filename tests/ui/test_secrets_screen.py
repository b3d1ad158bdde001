"""The secrets pane: findings first, what was read and what was not, filters, and never a value."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from refactor_console.domain.account import Account, TokenKind, TokenSource
from refactor_console.domain.contract import EnvironmentContract, NameKind, Place, SourceName
from refactor_console.domain.problem import Problem
from refactor_console.screens.dialogs.contract_facts import ContractNameDialog, ContractSourcesDialog
from refactor_console.screens.secrets import SecretsScreen
from refactor_console.widgets.lazy_row import LazyRow
from refactor_console.widgets.present_secrets import COLUMNS
from tests.ui import double_guards as guards
from tests.ui.double_images import at
from tests.ui.double_runs import EVIL
from tests.ui.double_session import DOWN, DoubleSession
from tests.ui.stage import Stage

SIGNS = ("\x1b", "\x07", "\u202e", "\u2066")
FINE_GRAINED = Account("ada", TokenKind.FINE_GRAINED, TokenSource.KEYRING, "keyring")
DENIED = Problem("GitHub does not permit the secrets of o/n.", "Look at your role.", "HTTP 403", code="not-permitted")


def live() -> DoubleSession:
    return DoubleSession().live()


def over(contract: EnvironmentContract) -> DoubleSession:
    session = live()
    session.github.contract.live(contract)
    return session


def names(stage: Stage) -> list[str]:
    return [row.cells["name"].plain for row in stage.table("#secrets").rows]


async def test_findings_come_first_the_severe_ones_on_top() -> None:
    session = live()
    async with at("secrets", session) as stage:
        await stage.until(lambda: names(stage))
        assert names(stage)[:6] == [
            "SMTP_PASSWORD",
            "TIPTAP_URL",
            "ZOOM_SECRET",
            "NEW_FLAG",
            "POSTGRES_PASSWORD",
            "RUST_LOG",
        ]
        assert names(stage)[-1] == "TAILSCALE_OAUTH_SECRET"
        await stage.says("14 names", "9 findings", "3 can break a deploy", "✗ not on GitHub", "✗ never written")
        assert stage.table("#secrets").has_focus
        assert "secrets" in session.github.looked_at


async def test_the_four_worlds_age_and_rotation_are_told_for_each_name() -> None:
    async with at("secrets", live()) as stage:
        await stage.until(lambda: names(stage))
        cells = {
            row.cells["name"].plain: {k: c.plain for k, c in row.cells.items()} for row in stage.table("#secrets").rows
        }
        worlds = ("workflow", "compose", "github", "host", "age", "rotation")
        assert [cells["SMTP_PASSWORD"][w] for w in worlds] == ["writes", "reads", "none", "–", "–", "–"]
        assert [cells["TIPTAP_URL"][w] for w in worlds] == ["–", "reads", "–", "–", "–", "–"]
        assert [cells["ZOOM_SECRET"][w] for w in worlds] == ["writes", "reads", "env", "empty", "40d", "in 50 d"]
        assert [cells["POSTGRES_PASSWORD"][w] for w in worlds] == [
            *("writes", "reads", "env+1", "set", "120d", "▲ due 30 d"),
        ]
        assert [cells["RUST_LOG"][w] for w in worlds] == ["writes", "reads", "env", "set", "2d", "–"]
        assert [cells["OLD_TOKEN"][w] for w in worlds] == ["–", "–", "repo", "–", "412d", "▲ due 322 d"]
        assert cells["BACKEND_PORT"]["compose"] == "default"
        assert cells["TAILSCALE_OAUTH_SECRET"]["github"] == "org"


@pytest.mark.parametrize(("width", "gone"), [(80, {"kind", "rotation"}), (120, set()), (200, set())])
async def test_the_four_worlds_stay_at_every_width(width: int, gone: set[str]) -> None:
    async with at("secrets", live(), size=(width, 40)) as stage:
        assert set(stage.table("#secrets").shown_columns) == {column.key for column in COLUMNS} - gone


async def test_which_ref_was_read_is_said_and_that_another_one_is_not_the_deployed_one() -> None:
    session = live()
    async with at("secrets", session) as stage:
        await stage.says(f"● {guards.DEPLOYED[:12]}: This is the commit that runs now.")
        note = "Which commit runs is not known, so main was read."
        other = replace(guards.environment_contract(), ref="main", ref_note=note, deployed=False)
        session.github.contract.live(other)
        await stage.says(f"▲ main: {note} What is deployed may differ.")
        files = guards.sources(SourceName.WORKFLOW, SourceName.COMPOSE)
        session.github.contract.live(replace(other, sources=files))
        await stage.says("✗ Neither the deploy workflow nor the compose file could be read")


async def test_an_unread_source_is_named_with_its_scope_and_nothing_is_missing_because_of_it() -> None:
    async with at("secrets", live(), size=(200, 60)) as stage:
        await stage.says(
            "▲ organisation variables not read: This token may not",
            "it lacks the scope repo",
            "Until then no variable is called missing on GitHub.",
            "incomplete",
        )
        await stage.press("w")
        await stage.until(lambda: isinstance(stage.app.screen, ContractSourcesDialog))
        await stage.says("deploy workflow", "host's .env", "● 18 names.", "✗ This token may not", "HTTP 403")


async def test_a_name_that_may_be_where_nobody_could_look_is_unknown_and_not_missing() -> None:
    contract = replace(
        guards.environment_contract(),
        rows=(guards.row("MAYBE", None), guards.row("PORT", None, kind=NameKind.VARIABLE)),
        sources=guards.sources(SourceName.ENVIRONMENT_SECRETS),
    )
    async with at("secrets", over(contract)) as stage:
        await stage.until(lambda: len(names(stage)) == 2)
        assert [row.cells["github"].plain for row in stage.table("#secrets").rows] == ["?", "none"]
        await stage.says("? not known: environment secrets could not be read")


async def test_unread_files_and_host_are_question_marks() -> None:
    blind = replace(guards.row("A", 3), used_by_workflow=None, written_as=(), read_by_compose=None, host_known=False)
    unread = guards.sources(SourceName.WORKFLOW, SourceName.COMPOSE, SourceName.HOST, problem=DOWN)
    contract = replace(guards.environment_contract(), rows=(replace(blind, on_host=None),), sources=unread)
    async with at("secrets", over(contract), size=(200, 60)) as stage:
        await stage.until(lambda: len(names(stage)) == 1)
        row = stage.table("#secrets").rows[0]
        assert [row.cells[world].plain for world in ("workflow", "compose", "host")] == ["?", "?", "?"]
        await stage.says("? the host's .env could not be read: Connecting to deploy@refactor-droplet")
        await stage.says("no name is called missing or empty on the host", "no name is called never written or unused")


async def test_what_the_workflow_hides_is_said() -> None:
    contract = guards.environment_contract()
    sources = tuple(
        replace(report, cautions=("secrets[inputs.x] is only known when the workflow runs.",))
        if report.source is SourceName.WORKFLOW
        else report
        for report in guards.sources()
    )
    async with at("secrets", over(replace(contract, sources=sources))) as stage:
        await stage.says("▲ deploy workflow: secrets[inputs.x] is only known when the workflow runs.")
        await stage.press("w")
        await stage.says("▲ secrets[inputs.x] is only known")


async def test_the_permission_that_a_fine_grained_token_may_lack_is_named() -> None:
    session = live()
    session.github.account.live(FINE_GRAINED)
    session.github.contract.live(
        replace(guards.environment_contract(), sources=guards.sources(SourceName.REPOSITORY_SECRETS, problem=DENIED))
    )
    async with at("secrets", session, size=(200, 60)) as stage:
        await stage.says("Secrets: read and Variables: read", "Environments: read", "the fine-grained token")


async def test_the_missing_scope_is_named_when_the_feed_fails_for_want_of_it() -> None:
    session = DoubleSession()
    session.github.account.live(Account("ada", TokenKind.CLASSIC, TokenSource.GH, "gh", ("read:org",)))
    async with at("secrets", session) as stage:
        session.github.contract.fail(DENIED, 7)
        await stage.says("✗ failed", DENIED.summary, "The classic token from gh lacks the scope repo")
        session.github.contract.fail(DOWN, 7)
        await stage.until(lambda: "lacks the scope" not in stage.text, "a host that is down is no lack of a scope")


async def test_the_filter_narrows_as_it_is_typed_is_kept_by_enter_and_forgotten_by_escape() -> None:
    async with at("secrets", live()) as stage:
        await stage.press("slash", *"post sec")
        await stage.until(lambda: names(stage) == ["POSTGRES_PASSWORD", "POSTGRES_URL"])
        await stage.press("enter")
        assert stage.table("#secrets").has_focus
        await stage.says("2 shown: like 'post sec'")
        await stage.press("escape")
        await stage.until(lambda: len(names(stage)) == 14)


async def test_only_findings_only_secrets_only_variables_and_back() -> None:
    async with at("secrets", live()) as stage:
        await stage.until(lambda: len(names(stage)) == 14)
        await stage.press("f")
        await stage.until(lambda: len(names(stage)) == 9)
        await stage.says("9 shown: findings")
        await stage.press("a")
        await stage.until(lambda: "TIPTAP_URL" not in names(stage) and "RUST_LOG" not in names(stage))
        await stage.press("a")
        await stage.until(lambda: names(stage) == ["NEW_FLAG", "RUST_LOG", "UNREAD_NAME"])
        await stage.press("a", "f")
        await stage.until(lambda: len(names(stage)) == 14)


async def test_sorted_by_age_and_by_name() -> None:
    async with at("secrets", live()) as stage:
        await stage.press("s")
        await stage.until(lambda: names(stage)[:2] == ["OLD_TOKEN", "POSTGRES_PASSWORD"])
        await stage.says("oldest first")
        await stage.press("s")
        await stage.until(lambda: names(stage)[0] == "BACKEND_PORT")
        await stage.press("s")
        await stage.until(lambda: names(stage)[0] == "SMTP_PASSWORD")


async def test_an_empty_table_says_why() -> None:
    session = over(replace(guards.environment_contract(), rows=tuple(guards.sound_rows()), sources=guards.sources()))
    async with at("secrets", session) as stage:
        await stage.press("f")
        await stage.says("● Nothing is wrong with any. f shows every name.")
        await stage.press("escape", "slash", *"zzz", "enter")
        await stage.says("No name is like 'zzz'. Esc clears.")
        for key in ("enter", "i", "y", "o"):
            await stage.press(key)
            assert isinstance(stage.app.screen, SecretsScreen)
        await stage.says("No name is selected.")
        session.github.contract.live(replace(guards.environment_contract(), rows=()))
        await stage.press("escape")
        await stage.says("No name could be read; w says why.")


@pytest.mark.parametrize("key", ["i", "enter"])
async def test_details_explain_the_name_and_the_hash_only_compares(key: str) -> None:
    async with at("secrets", live(), size=(160, 40)) as stage:
        await stage.press("down", "down", "down", "down", key)
        await stage.until(lambda: isinstance(stage.app.screen, ContractNameDialog))
        await stage.says(
            "▲ rotation due: The secret in the environment was last changed 120 days ago",
            "reads it (lines 31, 77); it has no default",
            "secret of the environment, changed 2025-11-14 (120 d ago); hides the one of the repository",
            f"keyed hash {guards.HASH}, the same value as GHCR_PAT",
            "due for 30 d (every 90 days)",
        )
        await stage.press("y")
        assert stage.app.clipboard == "POSTGRES_PASSWORD"
        await stage.press("c")
        assert "rotation due" in stage.app.clipboard
        await stage.press("escape")
        assert isinstance(stage.app.screen, SecretsScreen)


async def test_the_name_is_copied_from_the_table() -> None:
    async with at("secrets", live()) as stage:
        await stage.until(lambda: names(stage))
        await stage.press("y")
        assert stage.app.clipboard == "SMTP_PASSWORD"
        await stage.says("Copied: SMTP_PASSWORD")


BASE = "https://github.com/refactor-group/refactor-platform-rs"


@pytest.mark.parametrize(
    ("row", "url"),
    [
        (guards.row("A", 3, places=(Place.REPOSITORY,)), f"{BASE}/settings/secrets/actions"),
        (guards.row("A", 3, kind=NameKind.VARIABLE, places=(Place.REPOSITORY,)), f"{BASE}/settings/variables/actions"),
        (guards.row("A", 3), f"{BASE}/settings/environments"),
        (
            guards.row("A", 3, places=(Place.ORGANISATION,)),
            "https://github.com/organizations/refactor-group/settings/secrets/actions",
        ),
        (guards.row("A", None), f"{BASE}/settings/secrets/actions"),
        (guards.row("A", None, kind=None), f"{BASE}/blob/{guards.DEPLOYED}/.github/workflows/deploy_to_do.yml"),
    ],
)
async def test_o_opens_where_the_name_is_defined(monkeypatch: pytest.MonkeyPatch, row: object, url: str) -> None:
    monkeypatch.setattr("refactor_console.screens.links.has_desktop", lambda: False)
    session = over(replace(guards.environment_contract(), rows=(row,)))  # type: ignore[arg-type]
    async with at("secrets", session) as stage:
        await stage.until(lambda: names(stage) == ["A"])
        await stage.press("o")
        assert stage.app.clipboard == url


async def test_connecting_off_failed_and_stale_are_told_apart() -> None:
    session = DoubleSession()
    async with at("secrets", session) as stage:
        await stage.says("◐ connecting…")
        await stage.press("w")
        await stage.says("Nothing has been read yet.")
        session.github.contract.off("No GitHub token: sign in to see secrets.")
        await stage.says("○ off", "No GitHub token: sign in to see secrets.")
        session.github.contract.fail(DOWN, 7)
        await stage.says("✗ failed · retry in 7 s", DOWN.remedy)
        session.github.contract.live(guards.environment_contract())
        await stage.says("● live", "SMTP_PASSWORD")
        session.clock.forward(90)
        session.github.contract.stale()
        await stage.says("◌ stale · 1 min", "SMTP_PASSWORD")
        session.github.contract.fail(DOWN, 7)
        await stage.says("✗ failed", "SMTP_PASSWORD", "no answer within 10 s")


async def test_the_cursor_stays_on_its_name_while_rows_come_and_an_equal_contract_draws_nothing() -> None:
    session = live()
    async with at("secrets", session) as stage:
        await stage.until(lambda: names(stage))
        await stage.press("down", "down")
        chosen = stage.table("#secrets").cursor_key
        contract = guards.environment_contract()
        session.github.contract.live(replace(contract, rows=(*contract.rows, guards.row("AAA", 1))))
        await stage.until(lambda: "AAA" in names(stage))
        assert stage.table("#secrets").cursor_key == chosen


async def test_mouse_selects_opens_and_asks_why() -> None:
    async with at("secrets", live()) as stage:
        table = stage.table("#secrets")
        await stage.until(lambda: names(stage))
        await stage.pilot.click(table, offset=(5, 3))
        await stage.until(lambda: table.cursor_index == 2)
        await stage.says("secret ZOOM_SECRET", "is empty in the host's .env")
        await stage.pilot.click(table, offset=(5, 4), times=2)
        await stage.until(lambda: isinstance(stage.app.screen, ContractNameDialog))
        await stage.press("escape")
        await stage.click("#contract-sources")
        await stage.until(lambda: isinstance(stage.app.screen, ContractSourcesDialog))


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_hostile_words_stay_text_everywhere(size: tuple[int, int]) -> None:
    evil = EVIL
    wicked = Problem(evil, evil, evil, code="not-permitted")
    contract = replace(
        guards.environment_contract(),
        ref=evil,
        ref_note=evil,
        deployed=False,
        sources=tuple(
            replace(report, cautions=(evil,), note=evil)
            for report in guards.sources(SourceName.COMPOSE, SourceName.REPOSITORY_SECRETS, problem=wicked)
        ),
    )
    async with at("secrets", over(contract), size=size) as stage:
        await stage.says("[red]")
        await stage.press("slash", *"[red]", "enter")
        await stage.until(lambda: len(names(stage)) == 1)
        for key in ("i", "escape", "w", "c", "escape", "y", "o", "slash", "[", "escape"):
            await stage.press(key)
            assert not any(sign in stage.text for sign in SIGNS)


async def test_five_thousand_names_open_and_filter_without_making_rows_that_nobody_sees() -> None:
    async with at("secrets", over(guards.many_names(5000))) as stage:
        table = stage.table("#secrets")
        await stage.until(lambda: len(table.rows) > 5000)
        made = sum(isinstance(row, LazyRow) and row._cells is not None for row in table.rows)
        assert made < 60, "only what is on the screen"
        begun = time.process_time()
        await stage.press("slash", *"name_042")
        await stage.until(lambda: len(table.rows) == 100)
        assert time.process_time() - begun < 5.0, "eight keys"
