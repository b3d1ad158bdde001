"""Who the console is on GitHub, what its token may do, and what the API allows this hour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class TokenKind(StrEnum):
    """Told by the token's prefix (https://github.blog/2021-04-05-behind-githubs-new-authentication-token-formats/)."""

    CLASSIC = "classic"
    """``ghp_``: has scopes."""
    FINE_GRAINED = "fine-grained"
    """``github_pat_``: has permissions, which no answer lists."""
    OAUTH = "oauth"
    """``gho_``: from the device flow or ``gh``; has scopes."""
    APP = "app"
    """``ghu_``, ``ghs_``: a GitHub App's; has permissions."""
    UNKNOWN = "unknown"


class TokenSource(StrEnum):
    """Where the token was found."""

    ENVIRONMENT = "environment"
    """``GH_TOKEN`` or ``GITHUB_TOKEN``."""
    KEYRING = "keyring"
    GH = "gh"
    """An existing login of the ``gh`` program."""
    DEMO = "demo"


class Secret:
    """A text that shows itself to nobody: its repr and str are a mask, and it is compared and hashed by identity only.

    `reveal` is called where the secret is used and nowhere else.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __bool__(self) -> bool:
        return bool(self._text)

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        raise TypeError("a secret is not serialised")


@dataclass(frozen=True, slots=True)
class Credential:
    """A token and where it came from."""

    token: Secret
    source: TokenSource
    place: str
    """Such as ``GH_TOKEN``, ``keyring``, ``gh (github.com)``: for people."""

    @property
    def kind(self) -> TokenKind:
        """By the token's prefix."""
        text = self.token.reveal()
        prefixes = {
            "ghp_": TokenKind.CLASSIC,
            "github_pat_": TokenKind.FINE_GRAINED,
            "gho_": TokenKind.OAUTH,
            "ghu_": TokenKind.APP,
            "ghs_": TokenKind.APP,
        }
        return next((kind for prefix, kind in prefixes.items() if text.startswith(prefix)), TokenKind.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Account:
    """Who is signed in."""

    login: str
    kind: TokenKind
    source: TokenSource
    place: str
    scopes: tuple[str, ...] | None = None
    """The scopes that GitHub lists (``X-OAuth-Scopes``); None for tokens with permissions instead."""
    expires_at: datetime | None = None
    """From ``github-authentication-token-expiration``; None when it does not expire, or nothing is said."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What GitHub's REST API allows: the ``core`` resource of the rate limit."""

    limit: int
    remaining: int
    resets_at: datetime
    spent_here: int
    """Requests of this console that counted, in the last 60 minutes."""
    free_here: int
    """Requests of this console in the last 60 minutes that were answered 304 and cost nothing."""
    paused_until: datetime | None = None
    """Set while GitHub told us to wait (a secondary limit, or nothing remains)."""


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """What a person types at GitHub to sign this console in (OAuth device flow)."""

    user_code: str
    verification_uri: str
    expires_at: datetime
    interval: float
    """Seconds between polls."""
    device_code: Secret


class Need(StrEnum):
    """What a pane needs of a token; the words are the panes' own."""

    RUNS = "runs"
    RUN_ACTIONS = "run actions"
    PACKAGES = "packages"
    CONTENTS = "contents"
    RELEASE_DRAFTS = "draft releases"
    SECRETS = "secrets"
    ENVIRONMENT_SECRETS = "environment secrets"
    ORGANISATION_SECRETS = "organisation secrets"
    DEPENDABOT = "Dependabot alerts"
    CODE_SCANNING = "code scanning alerts"
    SECRET_SCANNING = "secret scanning alerts"  # noqa: S105 - a word, not a secret
    ATTESTATIONS = "attestations"


_CLASSIC: dict[Need, str] = {
    Need.RUNS: "repo",
    Need.RUN_ACTIONS: "repo",
    Need.PACKAGES: "read:packages",
    Need.CONTENTS: "repo",
    Need.RELEASE_DRAFTS: "repo",
    Need.SECRETS: "repo",
    Need.ENVIRONMENT_SECRETS: "repo",
    Need.ORGANISATION_SECRETS: "admin:org",
    Need.DEPENDABOT: "security_events",
    Need.CODE_SCANNING: "security_events",
    Need.SECRET_SCANNING: "security_events",
    Need.ATTESTATIONS: "repo",
}
_FINE_GRAINED: dict[Need, str] = {
    Need.RUNS: "Actions: read",
    Need.RUN_ACTIONS: "Actions: write",
    Need.PACKAGES: "none: GitHub Packages needs a classic token with read:packages",
    Need.CONTENTS: "Contents: read",
    Need.RELEASE_DRAFTS: "Contents: write",
    Need.SECRETS: "Secrets: read and Variables: read",
    Need.ENVIRONMENT_SECRETS: "Environments: read",
    Need.ORGANISATION_SECRETS: "organisation Secrets: read and Variables: read",
    Need.DEPENDABOT: "Dependabot alerts: read",
    Need.CODE_SCANNING: "Code scanning alerts: read",
    Need.SECRET_SCANNING: "Secret scanning alerts: read",
    Need.ATTESTATIONS: "Attestations: read",
}
_INCLUDES = {
    "read:packages": ("write:packages", "delete:packages"),
    "security_events": ("repo",),
    "repo": (),
    "admin:org": (),
}


def what_it_takes(need: Need, kind: TokenKind) -> str:
    """The scope or permission by the name GitHub's settings page gives it."""
    words = _FINE_GRAINED if kind in (TokenKind.FINE_GRAINED, TokenKind.APP) else _CLASSIC
    return words[need]


def missing_scope(need: Need, account: Account) -> str | None:
    """The classic scope this account certainly lacks; None when it has it or nobody can tell."""
    if account.scopes is None:
        return None
    scope = _CLASSIC[need]
    has = scope in account.scopes or any(other in account.scopes for other in _INCLUDES[scope])
    return None if has else scope
