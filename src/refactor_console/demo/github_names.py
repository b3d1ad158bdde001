"""Which secrets and variables exist at the demo's GitHub, derived from what its deploy workflow names, with flaws."""

from __future__ import annotations

import re
from dataclasses import dataclass

from refactor_console.demo.github_repos import sha1

CREATED_DAYS = 420
"""Most names are so old; they were changed since."""
_OF_THE_ENVIRONMENT = (
    "ENCRYPTION_KEY",
    "GOOGLE_CLIENT_SECRET",
    "POSTGRES_PASSWORD",
    "POSTGRES_SSL_ROOT_CERT",
    "POSTGRES_USER",
    "RECALL_AI_API_KEY",
    "RESEND_API_KEY",
    "TIPTAP_AUTH_KEY",
    "TIPTAP_JWT_SIGNING_KEY",
)
_OF_THE_ORGANISATION = ("TS_OAUTH_CLIENT_ID", "TS_OAUTH_SECRET")
_MISSING = ("RECALL_AI_WEBHOOK_SECRET", "SESSION_REMINDER_POLL_MINUTES")
"""The workflow reads them, and nobody has made them."""
_UNUSED = ("SLACK_WEBHOOK_URL", "LEGACY_SMTP_HOST")
"""Somebody made them, and nothing reads them: a secret and a variable."""
_OLD = {"GHCR_PAT": 412.0, "DO_SSH_KEY": 203.0, "ENCRYPTION_KEY": 131.0}
_TODAY = {"RESEND_API_KEY": 0.4}
"""Changed after the last deploy: the host does not have it yet."""
_VARIABLES_OF_THE_ENVIRONMENT = ("BACKEND_LOG_FILTER_LEVEL", "RUST_ENV")
_KNOWN_VALUES = {
    "BACKEND_IMAGE_NAME": "ghcr.io/refactor-group/refactor-platform-rs:stable",
    "FRONTEND_IMAGE_NAME": "ghcr.io/refactor-group/refactor-platform-fe:stable",
    "RUST_ENV": "production",
    "BACKEND_LOG_FILTER_LEVEL": "INFO",
}


@dataclass(frozen=True, slots=True)
class Named:
    """A secret or variable."""

    name: str
    days_ago: float
    """Since its last change."""
    value: str = ""
    """A variable's; GitHub tells it, the console must not keep it."""


@dataclass(frozen=True, slots=True)
class Names:
    """Everything defined for a repository."""

    repository_secrets: tuple[Named, ...] = ()
    repository_variables: tuple[Named, ...] = ()
    environment_secrets: tuple[Named, ...] = ()
    environment_variables: tuple[Named, ...] = ()
    organisation_secrets: tuple[Named, ...] = ()
    organisation_variables: tuple[Named, ...] = ()


def names_of(role: str, workflow: str) -> Names:
    """What exists for a repository, given the text of the backend's deploy workflow."""
    organisation = tuple(map(_named, _OF_THE_ORGANISATION))
    shared = (_variable("TAILNET"),)
    if role == "frontend":
        mine = ("BACKEND_DEPLOY_PAT",)
        build = ("BACKEND_API_VERSION", "BACKEND_SERVICE_HOST", "BACKEND_SERVICE_PORT", "BACKEND_SERVICE_PROTOCOL")
        return Names(
            repository_secrets=tuple(map(_named, mine)),
            repository_variables=tuple(map(_variable, (*build, "TIPTAP_APP_ID"))),
            organisation_secrets=organisation,
            organisation_variables=shared,
        )
    secrets, variables = (_read(kind, workflow) for kind in ("secrets", "vars"))
    elsewhere = (*_OF_THE_ENVIRONMENT, *_OF_THE_ORGANISATION, *_VARIABLES_OF_THE_ENVIRONMENT, *_MISSING)
    return Names(
        repository_secrets=tuple(_named(n) for n in sorted((*secrets, _UNUSED[0])) if n not in elsewhere),
        repository_variables=tuple(_variable(n) for n in sorted((*variables, _UNUSED[1])) if n not in elsewhere),
        environment_secrets=tuple(map(_named, _OF_THE_ENVIRONMENT)),
        environment_variables=tuple(map(_variable, _VARIABLES_OF_THE_ENVIRONMENT)),
        organisation_secrets=organisation,
        organisation_variables=shared,
    )


def _read(kind: str, workflow: str) -> list[str]:
    return sorted(set(re.findall(rf"\b{kind}\.(\w+)", workflow)) - {"GITHUB_TOKEN"})


def _named(name: str) -> Named:
    days = _OLD.get(name) or _TODAY.get(name) or 12 + int(sha1(name)[:4], 16) % 7000 / 100
    return Named(name, days)


def _variable(name: str) -> Named:
    return Named(name, _named(name).days_ago, _KNOWN_VALUES.get(name, f"demo-{sha1(name)[:8]}"))
