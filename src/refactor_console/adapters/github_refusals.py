"""From GitHub's error statuses to errors that say what to do: what the token lacks, where to authorise it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from refactor_console.adapters import github_errors as errors
from refactor_console.domain.account import TokenKind
from refactor_console.domain.problem import Problem
from refactor_console.domain.text import visible

_WORDS = 300
_DETAIL = 800
# A scope and those that include it (docs: "Scopes for OAuth apps").
_WIDER: dict[str, tuple[str, ...]] = {
    "public_repo": ("repo",),
    "repo:status": ("repo",),
    "security_events": ("repo",),
    "read:packages": ("write:packages", "delete:packages"),
    "read:org": ("write:org", "admin:org"),
    "write:org": ("admin:org",),
    "read:user": ("user",),
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer with an error status, as far as it explains itself."""

    status: int
    headers: Mapping[str, str]
    """Case-insensitive."""
    body: bytes
    token: TokenKind | None
    """The kind of token that was sent; None when none was."""

    def _payload(self) -> dict[str, Any]:
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}  # an error page without JSON: the status says enough
        return found if isinstance(found, dict) else {}

    @property
    def message(self) -> str:
        """GitHub's own words on one safe line; empty when it says nothing."""
        said = self._payload().get("message")
        return visible(said.strip())[:_WORDS] if isinstance(said, str) else ""

    @property
    def fields(self) -> tuple[str, ...]:
        """What is wrong with which field (``errors`` of a 422), one phrase each."""
        found = self._payload().get("errors")
        phrases: list[str] = []
        for item in found if isinstance(found, list) else [found]:
            if isinstance(item, str):
                phrases.append(item)
            elif isinstance(item, dict):
                place = ".".join(str(item[key]) for key in ("resource", "field") if item.get(key))
                phrases.append(": ".join(p for p in (place, str(item.get("message") or item.get("code") or "")) if p))
        return tuple(visible(phrase)[:_WORDS] for phrase in phrases[:10] if phrase)

    @property
    def evidence(self) -> str:
        """For the problem's detail."""
        request = self.headers.get("x-github-request-id", "")
        parts = [f"HTTP {self.status}" + (f": {self.message}" if self.message else ""), *self.fields]
        return "\n".join([*parts, *([f"GitHub's request id: {request}"] if request else [])])[:_DETAIL]

    @property
    def missing(self) -> str:
        """The scope or permission this token lacks, by GitHub's own headers; empty when they do not tell."""
        wanted = _scopes(self.headers.get("x-accepted-oauth-scopes", ""))
        held = _scopes(self.headers.get("x-oauth-scopes", ""))
        if wanted and "x-oauth-scopes" in self.headers:
            has = any(scope in held or any(wider in held for wider in _WIDER.get(scope, ())) for scope in wanted)
            return "" if has else "the scope " + " or ".join(wanted)
        permissions = self.headers.get("x-accepted-github-permissions", "")
        if permissions and self.token not in (TokenKind.CLASSIC, TokenKind.OAUTH):
            return "the permission " + _permissions(permissions)
        return ""

    @property
    def single_sign_on(self) -> str | None:
        """Where to authorise the token for an organisation's single sign-on; None when that is not the matter."""
        header = self.headers.get("x-github-sso", "")
        if not header.lower().startswith("required"):
            return None
        found = re.search(r"url=(\S+)", header)
        url = found[1].strip('"') if found else ""
        return visible(url) if urlsplit(url).scheme == "https" else ""


def says_not_enabled(message: str) -> bool:
    """Whether a repository's security feature is what is off, by GitHub's words, as against the token's rights."""
    said = message.lower()
    return any(words in said for words in ("disabled", "not enabled", "must be enabled", "no analysis found"))


def _scopes(header: str) -> tuple[str, ...]:
    return tuple(scope.strip() for scope in header.split(",") if scope.strip())


def _permissions(header: str) -> str:
    """``actions=write,contents=read; administration=write`` as people read it on the settings page."""
    ways = []
    for way in visible(header).split(";"):
        pairs = [pair.strip().partition("=") for pair in way.split(",") if pair.strip()]
        ways.append(" and ".join(f"{name.replace('_', ' ').capitalize()}: {level}" for name, _, level in pairs))
    return " or ".join(way for way in ways if way)


def refused(what: str, refusal: Refusal) -> errors.GitHubSaid:
    """The error for an answer with an error status (rate limits are sorted out before).

    Args:
        what: what was asked about, or tried: ``the runs of o/n``.
        refusal: the answer.
    """
    match refusal.status:
        case 401:
            return _unauthorised(what, refusal)
        case 403:
            return _forbidden(what, refusal)
        case 404:
            return _not_found(what, refusal)
        case 409:
            return _said(
                errors.Conflict,
                f"GitHub could not serve {what}: the present state does not allow it{_quoted(refusal)}.",
                "Look at its present state and try again.",
                refusal,
                "conflict",
            )
        case 410:
            return _said(
                errors.Gone, f"GitHub no longer has {what}: it has expired or was removed.", "", refusal, "gone"
            )
        case 422:
            why = "; ".join(refusal.fields) or refusal.message or "it does not say why"
            return _said(
                errors.Invalid,
                f"GitHub does not accept the request about {what}: {why}.",
                "Correct what it names and try again.",
                refusal,
                "invalid",
            )
        case status if status >= 500:
            return _said(
                errors.ServerFault,
                f"GitHub has trouble of its own: it answered {what} with HTTP {status}.",
                f"Look at {errors.STATUS_PAGE}; the console asks again by itself.",
                refusal,
                "server-error",
            )
        case status:
            return _said(
                errors.GitHubSaid,
                f"GitHub refused {what} with HTTP {status}{_quoted(refusal)}.",
                "",
                refusal,
                "github-said",
            )


def _unauthorised(what: str, refusal: Refusal) -> errors.GitHubSaid:
    if refusal.token is None:
        return token_missing(what, refusal)
    return _said(
        errors.TokenRefused,
        f"GitHub does not accept the token: it has expired, was revoked, or is mistyped{_quoted(refusal)}.",
        "Sign in again, or set GH_TOKEN to a valid token.",
        refusal,
        "token-refused",
    )


def token_missing(what: str, refusal: Refusal | None = None) -> errors.TokenRefused:
    """Nobody is signed in, and this needs somebody."""
    return errors.TokenRefused(
        Problem(
            f"GitHub gives {what} only to those who are signed in, and there is no token.",
            "Sign in from the console, run `gh auth login`, or set GH_TOKEN.",
            "" if refusal is None else refusal.evidence,
            code="token-missing",
        ),
        401,
        "" if refusal is None else refusal.message,
    )


def _forbidden(what: str, refusal: Refusal) -> errors.GitHubSaid:
    url = refusal.single_sign_on
    if url is not None:
        return _said(
            errors.NotPermitted,
            f"The organisation wants this token authorised for single sign-on before it gives out {what}.",
            f"Authorise it: {url}" if url else "Authorise it on GitHub, at the token's own page (Configure SSO).",
            refusal,
            "sso-required",
        )
    if refusal.token is None:
        return _said(
            errors.NotPermitted,
            f"GitHub does not give out {what} to somebody who is not signed in{_quoted(refusal)}.",
            "Sign in from the console, run `gh auth login`, or set GH_TOKEN.",
            refusal,
            "not-permitted",
        )
    if refusal.missing:
        return _said(
            errors.NotPermitted,
            f"This token may not do this with {what}: it lacks {refusal.missing}.",
            f"Give the token {refusal.missing} on GitHub, or sign in with one that has it.",
            refusal,
            "not-permitted",
        )
    return _said(
        errors.NotPermitted,
        f"GitHub does not permit {what}{_quoted(refusal)}.",
        "Look at your role in the repository and at what the token was given: "
        "GitHub does not name a missing scope or permission.",
        refusal,
        "not-permitted",
    )


def _not_found(what: str, refusal: Refusal) -> errors.GitHubSaid:
    lacking = f" This token lacks {refusal.missing}." if refusal.missing else ""
    signed = "the token may not see" if refusal.token is not None else "somebody not signed in may not see"
    return _said(
        errors.NotFound,
        f"GitHub says that there is no such thing as {what}; it says the same of what {signed}.{lacking}",
        f"Give the token {refusal.missing}." if refusal.missing else "Check the name, and what the token may read.",
        refusal,
        "not-found",
    )


def _quoted(refusal: Refusal) -> str:
    return f" ({refusal.message})" if refusal.message else ""


def _said(kind: type[errors.GitHubSaid], summary: str, remedy: str, refusal: Refusal, code: str) -> errors.GitHubSaid:
    return kind(Problem(summary, remedy, refusal.evidence, code), refusal.status, refusal.message)


def token_unusable(place: str) -> errors.TokenRefused:
    """The token holds spaces, line breaks or the like; it was not sent."""
    return errors.TokenRefused(
        Problem(
            f"The token from {place} holds characters that no token has; it was not sent.",
            "Set it again, without spaces, quotes or line breaks.",
            code="token-refused",
        ),
        401,
    )
