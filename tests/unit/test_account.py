"""What a token lacks for each pane, for tokens with scopes and for those with permissions."""

from __future__ import annotations

import pytest

from refactor_console.domain.account import (
    PANE_NEEDS,
    Account,
    Lack,
    Need,
    TokenKind,
    TokenSource,
    lack_sentence,
    missing_for,
    what_it_takes,
)


def account(kind: TokenKind = TokenKind.CLASSIC, scopes: tuple[str, ...] | None = ()) -> Account:
    return Account("ada", kind, TokenSource.ENVIRONMENT, "GH_TOKEN", scopes)


def test_of_a_classic_token_each_missing_scope_is_named_with_what_it_is_for() -> None:
    assert missing_for(account(scopes=("read:org",)), "secrets") == (
        Lack("repo", (Need.SECRETS, Need.ENVIRONMENT_SECRETS, Need.ORGANISATION_SECRETS), certain=True),
    )
    assert missing_for(account(scopes=("repo",)), "images") == (Lack("read:packages", (Need.PACKAGES,), certain=True),)


@pytest.mark.parametrize("pane", list(PANE_NEEDS))
def test_a_token_with_everything_lacks_nothing(pane: str) -> None:
    whole = account(scopes=("repo", "read:packages"))
    assert missing_for(whole, pane) == ()
    assert lack_sentence(whole, pane) == ""


def test_a_wider_scope_includes_the_narrower() -> None:
    assert missing_for(account(scopes=("repo",)), "alerts") == ()
    assert missing_for(account(scopes=("repo", "write:packages")), "images") == ()
    assert [lack.takes for lack in missing_for(account(scopes=("security_events",)), "runs")] == ["repo"]


@pytest.mark.parametrize("kind", [TokenKind.FINE_GRAINED, TokenKind.APP])
@pytest.mark.parametrize("pane", list(PANE_NEEDS))
def test_of_a_token_with_permissions_all_that_a_pane_takes_is_named_and_called_uncertain(
    kind: TokenKind, pane: str
) -> None:
    lacks = missing_for(account(kind, None), pane)
    assert {need for lack in lacks for need in lack.needs} == set(PANE_NEEDS[pane])
    assert [lack.needs for lack in lacks if lack.certain] == ([(Need.PACKAGES,)] if pane == "images" else [])
    sentence = lack_sentence(account(kind, None), pane)
    assert all(what_it_takes(need, kind).removeprefix("none: ") in sentence for need in PANE_NEEDS[pane])
    assert "does not list which permissions" in sentence


def test_packages_have_no_permission_for_a_fine_grained_token() -> None:
    sentence = lack_sentence(account(TokenKind.FINE_GRAINED, None), "images")
    assert sentence.startswith("The fine-grained token from GH_TOKEN cannot have what it takes for packages: ")
    assert "GitHub Packages needs a classic token with read:packages" in sentence


def test_the_sentence_names_token_place_scope_and_use() -> None:
    assert lack_sentence(account(scopes=()), "runs") == (
        "The classic token from GH_TOKEN lacks the scope repo (for runs)."
    )
    assert lack_sentence(account(scopes=()), "images") == (
        "The classic token from GH_TOKEN lacks the scope read:packages (for packages) and the scope repo "
        "(for attestations)."
    )


def test_nothing_is_called_certain_of_a_token_whose_scopes_nobody_listed() -> None:
    lacks = missing_for(account(TokenKind.UNKNOWN, None), "alerts")
    assert [(lack.takes, lack.certain) for lack in lacks] == [("security_events", False)]
    assert "does not list which scopes the token" in lack_sentence(account(TokenKind.UNKNOWN, None), "alerts")


@pytest.mark.parametrize("pane", ["logs", "overview", "", "no such pane"])
def test_other_panes_need_nothing_of_github(pane: str) -> None:
    assert missing_for(account(), pane) == ()
    assert lack_sentence(account(TokenKind.FINE_GRAINED, None), pane) == ""
