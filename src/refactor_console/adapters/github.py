"""GitHub's REST API as domain values: one token at one GitHub.

What can go wrong is in `github_errors`; how requests are made, in `github_http`; the calls by subject in
`github_actions`, `github_code` and `github_names`. Memory is bounded: at most 512 kept answers of 24 MiB together, and
whatever one call returns.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

from refactor_console.adapters import github_errors as errors
from refactor_console.adapters import github_payloads as payloads
from refactor_console.adapters import github_refusals
from refactor_console.adapters.github_actions import Actions
from refactor_console.adapters.github_answers import Answer, Patience
from refactor_console.adapters.github_api import RepositoryFacts, Sent
from refactor_console.adapters.github_cache import AnswerCache
from refactor_console.adapters.github_code import Code
from refactor_console.adapters.github_http import GitHubHttp
from refactor_console.adapters.github_names import Names
from refactor_console.adapters.github_part import at
from refactor_console.domain.account import Account, Budget, Credential, TokenKind
from refactor_console.domain.operations import ApiRequest
from refactor_console.domain.repos import Repository
from refactor_console.domain.text import visible

_SCOPES = "x-oauth-scopes"
_EXPIRES = "github-authentication-token-expiration"


def _utc() -> datetime:
    return datetime.now(UTC)


class GitHub(Actions, Code, Names):
    """The one implementation of `github_api.GitHubApi`. Belongs to the event loop it is first used on."""

    def __init__(
        self,
        platform_api_url: str,
        credential: Credential | None,
        *,
        read_only: bool,
        clock: Callable[[], datetime] = _utc,
        web_url: str = "https://github.com",
        cache: AnswerCache | None = None,
        patience: Patience | None = None,
    ) -> None:
        """Nothing is connected before the first call.

        Args:
            platform_api_url: ``https://api.github.com``, or ``https://HOST/api/v3`` for GitHub Enterprise Server.
            credential: whose token to use; None asks as nobody (60 requests an hour, public things only).
            read_only: refuse every mutation.
            clock: local, UTC.
            web_url: where people look at it.
            cache: kept answers; may outlive this client and be shared, since answers belong to their token.
            patience: time limits and attempts.
        """
        self.web_url = web_url.rstrip("/")
        self._credential = credential
        http = GitHubHttp(
            platform_api_url, credential, read_only=read_only, clock=clock, cache=cache, patience=patience
        )
        super().__init__(http)

    @property
    def budget(self) -> Budget | None:
        """What the newest answer said of the rate limit; None before the first. Never asks."""
        return self._http.limits.budget

    @property
    def now(self) -> datetime:
        """GitHub's clock as far as the last answer's Date header tells, else the local one (UTC)."""
        return self._http.limits.now

    async def account(self) -> Account:
        """Who the token belongs to."""
        what = "the account of this token"
        held = self._credential
        if held is None:
            raise github_refusals.token_missing(what)

        def parse(answer: Answer) -> tuple[str, dict[str, str]]:
            told = {name: answer.headers[name] for name in (_SCOPES, _EXPIRES) if name in answer.headers}
            return payloads.one(payloads.User, answer.json(), what).login, told

        try:
            page = await self._http.read("/user", what, parse)
        except errors.NotPermitted:
            if held.kind is not TokenKind.APP:
                raise
            # An app's installation is nobody, and is told so by a 403; the token works all the same.
            return Account("GitHub App", held.kind, held.source, held.place)
        login, told = page.value
        headers = {**told, **page.headers}  # what a 304 says is newer, and may be less
        scopes = headers.get(_SCOPES)
        listed = None if scopes is None else tuple(visible(s.strip()) for s in scopes.split(",") if s.strip())
        if held.kind in (TokenKind.FINE_GRAINED, TokenKind.APP):
            listed = None
        expires = _expiry(headers.get(_EXPIRES, ""))
        return Account(login, held.kind, held.source, held.place, listed, expires)

    async def repository(self, repository: Repository) -> RepositoryFacts:
        """Its default branch and what the token may do there."""
        found = await self._one(payloads.RepositoryPayload, at(repository), f"the repository {repository}")
        organisation = found.owner.type == "Organization"
        if found.owner.type:
            self._owners[repository.owner.lower()] = "orgs" if organisation else "users"
        return RepositoryFacts(repository, found.default_branch, found.private, found.permissions.push, organisation)

    async def send(self, request: ApiRequest, what: str = "") -> Sent:
        """Perform a mutation. Never retried, never sent in read-only mode.

        Args:
            request: exactly what is sent.
            what: what it is done to, for sentences: ``run 7 of Build``; the request itself when empty.

        Raises:
            GitHubError: refused (code ``read-only``), or GitHub said no; for a time-out or a broken connection the
                code is ``outcome-unknown``.
        """
        if not request.path.startswith("/") or request.method not in ("POST", "PUT", "PATCH", "DELETE"):
            raise ValueError(f"not a mutation of the API: {request.method} {request.path}")
        what = visible(what) or f"{request.method} {request.path}"
        answer = await self._http.send(request.method, request.path, request.body, what)
        try:
            return Sent(payloads.started_run(json.loads(answer.body)) if answer.body else None)
        except (ValueError, RecursionError):
            return Sent()  # it was accepted; only the details are unreadable

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.close()


def _expiry(header: str) -> datetime | None:
    """``2026-12-01 10:00:00 UTC`` or with ``+0100``; None when nothing (readable) is said."""
    for form in ("%Y-%m-%d %H:%M:%S UTC", "%Y-%m-%d %H:%M:%S %z"):
        try:
            told = datetime.strptime(header.strip(), form)  # noqa: DTZ007 - given its zone on the next line
        except ValueError:
            continue  # the other form
        return told.replace(tzinfo=UTC) if told.tzinfo is None else told.astimezone(UTC)
    return None
