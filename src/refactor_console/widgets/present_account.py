"""Who is signed in to GitHub, what the token lacks for which pane, and what the API still allows: as words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from textual.content import Content

from refactor_console.domain.account import PANE_NEEDS, Account, Budget, DeviceCode, TokenSource, missing_for
from refactor_console.domain.attention import clock_sentence
from refactor_console.domain.reading import Phase, Reading
from refactor_console.domain.text import visible
from refactor_console.domain.verdict import Verdict
from refactor_console.widgets import present
from refactor_console.widgets.facts import Fact

LOW_SHARE = 0.2
"""The share of the hour's requests below which what is left is worth a warning."""
EXPIRES_SOON = timedelta(days=7)
SOURCES = {
    TokenSource.ENVIRONMENT: "from the environment",
    TokenSource.KEYRING: "from the keyring",
    TokenSource.GH: "from a login of gh",
    TokenSource.DEMO: "of the demo world",
    TokenSource.SESSION: "kept until the console ends",
}


def is_low(budget: Budget) -> bool:
    """Whether so little is left that other uses of the token may starve."""
    return budget.remaining < budget.limit * LOW_SHARE


def budget_words(account: Reading[Account], budget: Budget | None, now: datetime, *, wide: bool) -> Content:
    """What the status bar says of GitHub; nothing where there is little room and nothing is wrong.

    Args:
        account: who is signed in.
        budget: what the API allows; None before the first answer.
        now: the present time.
        wide: whether there is room for what is well, too.
    """
    paused = budget.paused_until if budget is not None else None
    if paused is not None and paused > now:
        return Content.assemble((f"▲ GitHub waits {present.span(paused - now)}", "$warn"))
    if account.phase is Phase.OFF:
        return present.muted("○ GitHub off") if wide else Content("")
    if account.phase is Phase.FAILED:
        return Content.assemble(("✗ GitHub" if wide else "✗ GH", "bold $fail"))
    if budget is None:
        return Content("")
    if is_low(budget):
        words = f"▲ GitHub {budget.remaining} left" if wide else f"▲ GH {budget.remaining}"
        return Content.assemble((words, "$warn"))
    return present.muted(f"GitHub {budget.remaining}/{budget.limit}") if wide else Content("")


def account_facts(account: Account, now: datetime) -> list[Fact]:
    """Who, by which token."""
    kind = "" if account.kind.value == "unknown" else f"{account.kind.value} "
    facts: list[Fact] = [
        ("Login", Content.assemble((visible(account.login), "bold"))),
        ("Token", present.plain(f"{kind}token {SOURCES[account.source]} ({account.place})")),
    ]
    if account.scopes is not None:
        facts.append(("Scopes", present.plain(", ".join(account.scopes) or "none")))
    else:
        facts.append(("Scopes", present.muted("permissions instead, which GitHub does not list")))
    if account.expires_at is not None:
        left = account.expires_at - now
        verdict = Verdict.FAIL if left <= timedelta(0) else Verdict.WARN if left < EXPIRES_SOON else Verdict.OK
        when = f"{present.utc_time(account.expires_at)}, "
        words = when + (f"in {present.span(left)}" if left > timedelta(0) else "expired")
        facts.append(("Expires", present.verdict_text(verdict, words)))
    return facts


def pane_facts(account: Account) -> list[Fact]:
    """What the token lacks, pane by pane."""
    facts: list[Fact] = []
    for pane in PANE_NEEDS:
        lacks = missing_for(account, pane)
        if not lacks:
            words = present.verdict_text(Verdict.OK, "has what it takes")
        else:
            certain = any(lack.certain for lack in lacks)
            takes = "; ".join(f"{lack.takes} (for {', '.join(lack.needs)})" for lack in lacks)
            words = present.verdict_text(
                Verdict.WARN if certain else Verdict.UNKNOWN, f"{'lacks' if certain else 'takes'} {takes}"
            )
        facts.append((pane.capitalize(), words))
    return facts


def budget_facts(budget: Budget | None, now: datetime) -> list[Fact]:
    """What is left of the hour, and who spent it."""
    if budget is None:
        return [("", present.muted("GitHub has not said yet."))]
    share = budget.remaining / budget.limit if budget.limit else 0.0
    style = "$warn" if is_low(budget) else "$ok"
    resets = budget.resets_at - now
    facts: list[Fact] = [
        ("Left", Content.assemble(present.bar(share, 20, style), f"  {budget.remaining} of {budget.limit} requests")),
        ("Resets", present.plain(f"in {present.span(resets)}" if resets > timedelta(0) else "now")),
        ("This hour", present.plain(f"{budget.spent_here} requests of this console counted")),
        ("Free", present.plain(f"{budget.free_here} more were answered 'unchanged' and cost nothing")),
    ]
    if budget.clock_ahead:
        facts.append(("Clock", present.verdict_text(Verdict.WARN, clock_sentence(budget.clock_ahead))))
    if budget.paused_until is not None and budget.paused_until > now:
        words = f"GitHub asked to wait; asking goes on in {present.span(budget.paused_until - now)}"
        facts.append(("Paused", present.verdict_text(Verdict.WARN, words)))
    return facts


def code_lines(code: DeviceCode, now: datetime) -> Sequence[Content]:
    """What a person has to do at GitHub."""
    left = code.expires_at - now
    waiting = (
        f"Waiting for GitHub; the code holds for {present.span(left)}."
        if left > timedelta(0)
        else "The code has expired."
    )
    return (
        Content.assemble("Open  ", (visible(code.verification_uri), "$accent")),
        Content.assemble("and type  ", (visible(code.user_code), "bold reverse")),
        Content.assemble((waiting, "$muted")),
    )
