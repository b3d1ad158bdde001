"""Each pane of GitHub's names the scope or permission that its token lacks, when its feed fails for want of it."""

from __future__ import annotations

import pytest

from refactor_console.domain.account import Account, TokenKind, TokenSource
from refactor_console.domain.problem import Problem
from refactor_console.services.feed import Feed
from tests.ui.double_images import at
from tests.ui.double_session import DOWN, DoubleSession

DENIED = Problem("GitHub does not permit this.", "Look at your role.", "HTTP 403", code="not-permitted")
POOR = Account("ada", TokenKind.CLASSIC, TokenSource.GH, "gh", ("read:org",))
FINE_GRAINED = Account("ada", TokenKind.FINE_GRAINED, TokenSource.GH, "gh")


@pytest.mark.parametrize(
    ("pane", "feed", "scope", "permission"),
    [
        ("runs", "runs", "lacks the scope repo (for runs)", "Actions: read"),
        ("images", "images", "lacks the scope read:packages", "needs a classic token with read:packages"),
        ("releases", "releases", "lacks the scope repo (for contents and draft releases)", "Contents: read"),
        ("secrets", "contract", "lacks the scope repo", "Secrets: read and Variables: read"),
        ("alerts", "alerts", "lacks the scope security_events", "Dependabot alerts: read"),
    ],
)
async def test_what_is_missing_is_named_for_classic_and_fine_grained_tokens(
    pane: str, feed: str, scope: str, permission: str
) -> None:
    session = DoubleSession()
    session.github.account.live(POOR)
    failing: Feed[object] = getattr(session.github, feed)
    async with at(pane, session, size=(160, 40)) as stage:
        failing.fail(DENIED, 7)
        await stage.says("✗ failed", DENIED.summary, scope)
        session.github.account.live(FINE_GRAINED)
        failing.fail(DENIED, 6)
        await stage.says(permission)
        failing.fail(DOWN, 7)
        await stage.until(lambda: permission not in stage.text, "what is down is no lack of a permission")
