"""Who the console is on GitHub, what its token may do, and what the API allows this hour."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
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
    SESSION = "session"
    """Of the device flow, where no keyring could keep it: gone when the console ends."""


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
    clock_ahead: timedelta = timedelta(0)
    """How far this machine's clock is ahead of GitHub's (behind: negative), as far as that can be told."""


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """What a person types at GitHub to sign this console in (OAuth device flow)."""

    user_code: str
    verification_uri: str
    expires_at: datetime
    interval: float
    """Seconds between polls."""
    device_code: Secret


_HAVE_PERMISSIONS = (TokenKind.FINE_GRAINED, TokenKind.APP)


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
    Need.ORGANISATION_SECRETS: "repo",  # those that a repository may use; the organisation's own list takes more
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
    Need.ORGANISATION_SECRETS: "Secrets: read and Variables: read",
    Need.DEPENDABOT: "Dependabot alerts: read",
    Need.CODE_SCANNING: "Code scanning alerts: read",
    Need.SECRET_SCANNING: "Secret scanning alerts: read",
    Need.ATTESTATIONS: "Attestations: read",
}
_INCLUDES = {
    "read:packages": ("write:packages", "delete:packages"),
    "security_events": ("repo",),
    "repo": (),
}
PANE_NEEDS: Mapping[str, tuple[Need, ...]] = {
    "runs": (Need.RUNS,),
    "images": (Need.PACKAGES, Need.ATTESTATIONS),
    "releases": (Need.CONTENTS, Need.RELEASE_DRAFTS),
    "secrets": (Need.SECRETS, Need.ENVIRONMENT_SECRETS, Need.ORGANISATION_SECRETS),
    "alerts": (Need.DEPENDABOT, Need.CODE_SCANNING, Need.SECRET_SCANNING),
}
"""What each pane of GitHub's asks for, by the pane's name."""
WITHOUT_PERMISSION = ("not-permitted", "not-found")
"""The codes of problems that a missing scope or permission may be behind: GitHub hides what may not be seen."""


def what_it_takes(need: Need, kind: TokenKind) -> str:
    """The scope or permission by the name GitHub's settings page gives it."""
    words = _FINE_GRAINED if kind in _HAVE_PERMISSIONS else _CLASSIC
    return words[need]


def missing_scope(need: Need, account: Account) -> str | None:
    """The classic scope this account certainly lacks; None when it has it or nobody can tell."""
    if account.scopes is None:
        return None
    scope = _CLASSIC[need]
    has = scope in account.scopes or any(other in account.scopes for other in _INCLUDES[scope])
    return None if has else scope


@dataclass(frozen=True, slots=True)
class Lack:
    """A scope or permission that is missing, or that may be."""

    takes: str
    """By the name that GitHub's settings page gives it."""
    needs: tuple[Need, ...]
    """What it is needed for."""
    certain: bool
    """False for a token whose permissions no answer lists: then this is what it takes, and it may be there."""


def missing_for(account: Account, pane: str) -> tuple[Lack, ...]:
    """What a token lacks for a pane, the same things together; empty when it has everything the pane asks for.

    Of a token with scopes, those that are missing. Of one with permissions, which no answer lists, everything that the
    pane takes, as not certain; but GitHub Packages certainly has no permission that such a token could be given.
    """
    found: dict[tuple[str, bool], list[Need]] = {}
    for need in PANE_NEEDS.get(pane, ()):
        if account.scopes is not None:
            scope = missing_scope(need, account)
            if scope is not None:
                found.setdefault((scope, True), []).append(need)
        else:
            permissions = account.kind in _HAVE_PERMISSIONS
            certain = permissions and need is Need.PACKAGES
            found.setdefault((what_it_takes(need, account.kind), certain), []).append(need)
    return tuple(Lack(takes, tuple(needs), certain) for (takes, certain), needs in found.items())


def lack_sentence(account: Account, pane: str) -> str:
    """`missing_for` as one sentence, to stand beside a refusal; empty when the token lacks nothing for the pane."""
    lacks = missing_for(account, pane)
    if not lacks:
        return ""
    if account.scopes is not None:
        words = _listed(f"the scope {lack.takes} (for {_listed(lack.needs)})" for lack in lacks)
        return f"The {account.kind.value} token from {account.place} lacks {words}."
    kind = "" if account.kind is TokenKind.UNKNOWN else f"{account.kind.value} "
    certain = [f"{_listed(lack.needs)}: {lack.takes.removeprefix('none: ')}" for lack in lacks if lack.certain]
    open_ones = [lack.takes for lack in lacks if not lack.certain]
    sentences = [f"The {kind}token from {account.place} cannot have what it takes for {words}." for words in certain]
    if open_ones:
        word = "permissions" if account.kind in _HAVE_PERMISSIONS else "scopes"
        which = f"GitHub does not list which {word} the {kind}token from {account.place} has"
        sentences.append(f"It takes {_listed(open_ones)}; {which}.")
    return " ".join(sentences)


def _listed(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
