"""Secrets, variables and alerts in memory: an environment contract with one of each flaw, guards in every state."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta

from refactor_console.domain.alerts import Alert, AlertBoard, Guard, GuardReport, GuardState, Severity
from refactor_console.domain.contract import (
    ContractRow,
    Defined,
    EnvironmentContract,
    Finding,
    FindingKind,
    HostName,
    NameKind,
    Place,
    SourceName,
    SourceReport,
)
from refactor_console.domain.problem import Problem
from tests.ui.double_runs import BACKEND, EVIL, FRONTEND, NOW

DEPLOYED = "4f2a91c07d3e5b8a6c1d2e3f4a5b6c7d8e9f0a1b"
DENIED = Problem(
    "This token may not do this with the organisation variables of refactor-group/refactor-platform-rs: it lacks the "
    "scope repo.",
    "Give the token the scope repo on GitHub, or sign in with one that has it.",
    "HTTP 403: Resource not accessible by personal access token",
    code="not-permitted",
)
HASH = "0123456789ab"
_WRITTEN = NOW - timedelta(days=9, hours=4)


def digest(name: str) -> str:
    """What would be the keyed hash of a name's value; two have the same one."""
    return HASH if name in ("GHCR_PAT", "POSTGRES_PASSWORD") else hashlib.sha256(name.encode()).hexdigest()[:12]


def defined(name: str, days: int, kind: NameKind = NameKind.SECRET, place: Place = Place.ENVIRONMENT) -> Defined:
    """One that exists, changed so many days ago."""
    changed = NOW - timedelta(days=days)
    return Defined(name, kind, place, changed - timedelta(days=200), changed)


def row(
    name: str,
    days: int | None,
    *findings: Finding,
    kind: NameKind | None = NameKind.SECRET,
    places: tuple[Place, ...] = (Place.ENVIRONMENT,),
    host: HostName | None = None,
) -> ContractRow:
    """A name that the workflow writes and compose reads; without days it exists nowhere."""
    exists = days is not None and kind is not None
    return ContractRow(
        name,
        kind,
        used_by_workflow=kind is not None,
        written_as=(name,) if kind is not None else (),
        read_by_compose=True,
        has_default=False,
        defined=tuple(defined(name, days or 0, kind, place) for place in places) if exists and kind else (),
        on_host=host or (HostName(name, empty=False, digest=digest(name), written_at=_WRITTEN) if exists else None),
        host_known=True,
        age_days=days,
        findings=findings,
        read_lines=(31, 77),
    )


def _with(name: str, days: int | None, flaw: FindingKind, sentence: str, **more: object) -> ContractRow:
    severe = flaw in (FindingKind.MISSING_ON_GITHUB, FindingKind.NEVER_WRITTEN, FindingKind.EMPTY_ON_HOST)
    return row(name, days, Finding(name, flaw, sentence, severe), **more)  # type: ignore[arg-type]


def flawed_rows() -> list[ContractRow]:
    """One of each kind of finding."""
    empty = HostName("ZOOM_SECRET", empty=True, digest="ffffffffffff", written_at=_WRITTEN)
    unread = _with(
        "UNREAD_NAME",
        12,
        FindingKind.NOT_READ,
        "The deploy workflow writes UNREAD_NAME into .env, and the compose file does not interpolate it.",
        places=(Place.REPOSITORY,),
        kind=NameKind.VARIABLE,
    )
    unused = _with(
        "OLD_TOKEN",
        412,
        FindingKind.UNUSED,
        "The secret exists in the repository, and no workflow names it.",
        places=(Place.REPOSITORY,),
    )
    behind = _with(
        "RUST_LOG",
        2,
        FindingKind.STALE_ON_HOST,
        "vars.RUST_LOG was changed on 2026-03-12 09:26 UTC, after the host's .env was written (2026-03-05 05:26): the "
        "host does not have it before the next deploy.",
        kind=NameKind.VARIABLE,
    )
    never = _with(
        "TIPTAP_URL",
        None,
        FindingKind.NEVER_WRITTEN,
        "The compose file reads TIPTAP_URL (lines 31, 77), and the deploy workflow does not write it: it becomes "
        "empty.",
        kind=None,
    )
    return [
        _with(
            "SMTP_PASSWORD",
            None,
            FindingKind.MISSING_ON_GITHUB,
            "The deploy workflow reads secrets.SMTP_PASSWORD, which exists neither in the environment production nor "
            "in the repository nor in the organisation: it becomes empty.",
        ),
        never,
        _with(
            "ZOOM_SECRET",
            40,
            FindingKind.EMPTY_ON_HOST,
            "ZOOM_SECRET is empty in the host's .env, and the compose file takes it as it is.",
            host=empty,
        ),
        replace(
            _with(
                "NEW_FLAG",
                3,
                FindingKind.MISSING_ON_HOST,
                "NEW_FLAG is not in the host's .env; the next deploy would write it.",
                kind=NameKind.VARIABLE,
                places=(Place.REPOSITORY,),
            ),
            on_host=None,
        ),
        _with(
            "POSTGRES_PASSWORD",
            120,
            FindingKind.ROTATION_DUE,
            "The secret in the environment was last changed 120 days ago; it is due for rotation after 90.",
            places=(Place.ENVIRONMENT, Place.REPOSITORY),
        ),
        behind,
        replace(unused, used_by_workflow=False, written_as=(), read_by_compose=False, read_lines=(), on_host=None),
        replace(unread, read_by_compose=False, read_lines=()),
    ]


def sound_rows() -> list[ContractRow]:
    """Names with which nothing is wrong."""
    other = HostName("DATABASE_URL", empty=False, digest="ba9876543210", written_at=_WRITTEN)
    return [
        row("GHCR_PAT", 20, places=(Place.REPOSITORY,)),
        row("TAILSCALE_OAUTH_SECRET", 31, places=(Place.ORGANISATION,)),
        replace(row("POSTGRES_URL", 61, host=other), written_as=("DATABASE_URL",)),
        replace(row("BACKEND_PORT", 61, kind=NameKind.VARIABLE), has_default=True),
        replace(row("COMPOSE_PROFILES", None, kind=None), on_host=HostName("COMPOSE_PROFILES", False, "aaaaaaaaaaaa")),
    ]


def sources(*unread: SourceName, problem: Problem = DENIED) -> tuple[SourceReport, ...]:
    """Every source, some of which could not be read."""
    return tuple(
        SourceReport(source, problem) if source in unread else SourceReport(source, None, "18 names.")
        for source in SourceName
    )


def environment_contract() -> EnvironmentContract:
    """Names that are well, and one of each kind of finding; one name is wicked, one source not permitted."""
    wicked = row(EVIL, 3, Finding(EVIL, FindingKind.UNUSED, EVIL, severe=False))
    rows = [*flawed_rows(), *sound_rows(), wicked]
    return EnvironmentContract(
        DEPLOYED,
        "This is the commit that runs now.",
        tuple(sorted(rows, key=lambda found: found.name)),
        sources(SourceName.ORGANISATION_VARIABLES),
        90,
        deployed=True,
    )


def many_names(count: int) -> EnvironmentContract:
    """A contract with so many names more."""
    return replace(
        environment_contract(),
        rows=(*environment_contract().rows, *(row(f"NAME_{number:05}", number % 300) for number in range(count))),
    )


ON = "Dependabot is on: 4 open alerts."
OFF = f"Code scanning is not enabled for {BACKEND}: switch it on under Settings, Advanced Security."
NOT_PERMITTED = (
    f"This token may not see secret scanning alerts of {BACKEND} (it takes security_events, and the right to see "
    "security alerts there): whether the guard is on is not known."
)


def alert(number: int, severity: Severity, title: str, days: float, **more: object) -> Alert:
    """An open alert, raised so many days ago."""
    found = Alert(
        BACKEND,
        Guard.DEPENDABOT,
        number,
        severity,
        title,
        "Cargo.lock",
        NOW - timedelta(days=days),
        f"https://github.com/refactor-group/refactor-platform-rs/security/dependabot/{number}",
        "Update it to 1.44.2 or newer.",
    )
    return replace(found, **more)  # type: ignore[arg-type]


def alert_board() -> AlertBoard:
    """Alerts of every severity, a guard in each state, one wicked title."""
    found = (
        alert(7, Severity.CRITICAL, "tokio: a race in the broadcast channel", 4),
        alert(8, Severity.LOW, EVIL, 40, where=EVIL, remedy=EVIL),
        alert(9, Severity.MEDIUM, "ring: AES panics", 90, remedy="No patched version is known."),
        alert(10, Severity.UNKNOWN, "rsa: Marvin attack", 160),
    )
    scanning = (
        alert(
            2,
            Severity.HIGH,
            "CodeQL: Prototype pollution",
            11,
            repository=FRONTEND,
            guard=Guard.CODE_SCANNING,
            where="src/lib/merge.ts:41",
            remedy="",
            html_url="https://github.com/refactor-group/refactor-platform-fe/security/code-scanning/2",
        ),
        alert(3, Severity.HIGH, "CodeQL: Open redirect", 2, repository=FRONTEND, guard=Guard.CODE_SCANNING, remedy=""),
    )
    return AlertBoard(
        (
            GuardReport(BACKEND, Guard.DEPENDABOT, GuardState.ON, ON, found),
            GuardReport(BACKEND, Guard.CODE_SCANNING, GuardState.OFF, OFF),
            GuardReport(BACKEND, Guard.SECRET_SCANNING, GuardState.NOT_PERMITTED, NOT_PERMITTED),
            GuardReport(FRONTEND, Guard.DEPENDABOT, GuardState.ON, "Dependabot is on: no open alert."),
            GuardReport(
                FRONTEND,
                Guard.CODE_SCANNING,
                GuardState.ON,
                "Code scanning is on: at least 2 open alerts.",
                scanning,
                complete=False,
            ),
            GuardReport(
                FRONTEND, Guard.SECRET_SCANNING, GuardState.UNKNOWN, "GitHub has trouble of its own: HTTP 502."
            ),
        )
    )


def guards(state: GuardState, *, complete: bool = True) -> AlertBoard:
    """Every guard in one state, and no alert."""
    return AlertBoard(
        tuple(
            GuardReport(repository, guard, state, f"{guard.value} of {repository}: {state.value}.", (), complete)
            for repository in (BACKEND, FRONTEND)
            for guard in Guard
        )
    )
