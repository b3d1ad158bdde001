"""Who may do what at the demo's GitHub, and what it costs: tokens, scopes, permissions, rate limits."""

from __future__ import annotations

from dataclasses import dataclass

from refactor_console.demo.clock import SECOND, Clock
from refactor_console.demo.github_wire import Grant, Refusal, Route

TOKEN = "demo-token"  # noqa: S105 - the demo world's, worth nothing elsewhere
LOGIN = "oncall-olga"
NOBODY = Grant("", "", limit=60)
_HOUR = 3600
_MUST_SIGN_IN = "Requires authentication"
_PERSONAL = "Resource not accessible by personal access token"

DEMO_GRANTS = (
    Grant(TOKEN, LOGIN, ("read:org", "read:packages", "repo", "workflow"), may_write=True),
    Grant("demo-no-scopes", "guest-greta", ()),
    Grant(
        "github_pat_demo",
        LOGIN,
        None,
        frozenset({"actions:write", "contents:read", "metadata:read", "secrets:read", "variables:read"}),
        may_write=True,
        expires="2027-01-31 12:00:00 UTC",
    ),
)
"""The tokens that are always there: the demo's own, a classic one without scopes, a fine-grained one."""


@dataclass
class Window:
    """One hour of one token's requests."""

    limit: int
    resets_ns: int
    used: int = 0

    @property
    def remaining(self) -> int:
        """Requests left."""
        return max(0, self.limit - self.used)


class Access:
    """The tokens that are accepted, and their windows."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._grants = {grant.token: grant for grant in DEMO_GRANTS}
        self._windows: dict[str, Window] = {}
        self.served = 0
        """Requests that counted against a limit, since the start."""
        self.unchanged = 0
        """Requests that were answered 304 for nothing, since the start."""

    def admit(self, grant: Grant) -> None:
        """Accept a token, or change what it may do."""
        self._grants[grant.token] = grant
        self._windows.pop(grant.token, None)

    def revoke(self, token: str) -> None:
        """Accept it no more."""
        self._grants.pop(token, None)

    def forget_windows(self) -> None:
        """Every token has its full hour again."""
        self._windows.clear()

    def who(self, authorization: str) -> Grant:
        """Whose request this is, by its ``Authorization`` header.

        Raises:
            Refusal: 401, no such token.
        """
        if not authorization:
            return NOBODY
        scheme, _, token = authorization.partition(" ")
        grant = self._grants.get(token.strip()) if scheme.lower() in ("bearer", "token") else None
        if grant is None:
            raise Refusal(401, "Bad credentials")
        return grant

    def check(self, grant: Grant, route: Route) -> None:
        """Whether a token may use a route.

        Raises:
            Refusal: 401 for nobody, 403 for a token that lacks something.
        """
        if not route.scope and not route.permission and not route.write:
            return
        if not grant.token:
            raise Refusal(401, _MUST_SIGN_IN)
        if not grant.allows(route.scope, route.permission):
            raise Refusal(403, _PERSONAL if grant.scopes is None else route.lacking)
        if route.write and not grant.may_write:
            raise Refusal(403, _PERSONAL if grant.scopes is None else "Must have admin rights to Repository.")

    def window(self, grant: Grant) -> Window:
        """The current hour of a token; a new one when the last is over."""
        now = self._clock.now()
        window = self._windows.get(grant.token)
        if window is None or window.resets_ns <= now:
            window = self._windows[grant.token] = Window(grant.limit, now + _HOUR * SECOND)
        return window

    def count(self, grant: Grant) -> None:
        """One request more.

        Raises:
            Refusal: 403, none were left.
        """
        window = self.window(grant)
        if window.remaining == 0:
            whom = f"user ID {len(grant.login) * 7_919_113}" if grant.token else "127.0.0.1"
            raise Refusal(403, f"API rate limit exceeded for {whom}.")
        window.used += 1
        self.served += 1

    def give_back(self, grant: Grant) -> None:
        """The request was answered 304: it cost nothing, if a valid token was sent with it."""
        if grant.token:
            self.window(grant).used -= 1
            self.served -= 1
            self.unchanged += 1

    def headers(self, grant: Grant, route: Route | None) -> dict[str, str]:
        """What every answer tells of the token and its limit."""
        window = self.window(grant)
        headers = {
            "X-RateLimit-Limit": str(window.limit),
            "X-RateLimit-Remaining": str(window.remaining),
            "X-RateLimit-Reset": str(window.resets_ns // SECOND),
            "X-RateLimit-Used": str(window.used),
            "X-RateLimit-Resource": "core",
        }
        if grant.token and grant.scopes is not None:
            headers["X-OAuth-Scopes"] = ", ".join(grant.scopes)
            # The server leaves out empty headers; GitHub sends this one even when a token has no scope.
            headers["X-OAuth-Scopes"] = headers["X-OAuth-Scopes"] or " "
            headers["X-Accepted-OAuth-Scopes"] = (route.scope if route is not None else "") or " "
        if grant.token and route is not None and route.permission:
            headers["X-Accepted-GitHub-Permissions"] = route.permission.replace(":", "=")
        if grant.expires:
            headers["github-authentication-token-expiration"] = grant.expires
        return headers
