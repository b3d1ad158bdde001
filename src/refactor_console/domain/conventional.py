"""Conventional commits: what kind of change a commit message announces, and whether it breaks something.

Format: https://www.conventionalcommits.org/en/v1.0.0/. Around it, what GitHub and git make of a message: squash titles
that end in ``(#123)``, merge commits, and git's own ``Revert "..."``. A message that follows no convention is *other*.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from refactor_console.domain.images import Commit
from refactor_console.domain.releases import CommitGroup

OTHER = "other"
TITLES = {
    "feat": "Features",
    "fix": "Fixes",
    "perf": "Performance",
    "refactor": "Refactoring",
    "docs": "Documentation",
    "test": "Tests",
    "build": "Build and dependencies",
    "ci": "Continuous integration",
    "chore": "Chores",
    "style": "Style",
    "revert": "Reverts",
    OTHER: "Other",
}
"""Groups in the order in which they are shown, with their titles for people."""

_HEADER = re.compile(
    r"(?P<type>[^\W\d][\w-]{0,40})(?:\((?P<scope>[^()]*)\))?(?P<bang>!)?: +(?P<description>\S.*)", re.DOTALL
)
_NUMBER = re.compile(r"\s*\(#(\d{1,9})\)\s*\Z")
_MERGED = re.compile(
    r"Merge (?:pull request #(?P<number>\d{1,9}) from \S+|(?:remote-tracking )?branch(?:es)? |tag |commit )"
)
_REVERTED = re.compile(r'Revert "(?P<what>.*)"\s*\Z', re.DOTALL)
_BREAKING = re.compile(r"^BREAKING[ -]CHANGE(?:: | #)", re.MULTILINE)
_FOOTER = re.compile(r"(?P<token>BREAKING CHANGE|[A-Za-z][A-Za-z0-9-]*)(?:: | #)(?P<value>.*)")


@dataclass(frozen=True, slots=True)
class Change:
    """What one commit message announces."""

    type: str
    """In lower case, as written: ``feat``, but also ``wip``; `OTHER` for what follows no convention."""
    scope: str
    description: str
    """The subject without type, scope and pull request."""
    breaking: bool
    """By ``!`` or by a ``BREAKING CHANGE`` footer."""
    pull_request: int | None = None
    merge: bool = False
    """Whether it only joins two lines of history."""
    footers: tuple[tuple[str, str], ...] = ()
    """Token and value, in the order of the message; a value may have several lines."""

    @property
    def group(self) -> str:
        """The key in `TITLES` that it belongs to."""
        return self.type if self.type in TITLES else OTHER


def parse(subject: str, body: str = "") -> Change:
    """Read a commit message: its first line, and the rest without the blank line in between. Never fails."""
    subject = subject.strip()
    merged = _MERGED.match(subject)
    number = None
    if merged is not None and merged["number"]:
        # GitHub puts the pull request's title into the body; it says what was merged.
        number = int(merged["number"])
        title, _, rest = body.strip().partition("\n")
        subject, body = title.strip() or subject, rest
    squashed = _NUMBER.search(subject)
    if squashed is not None:
        number, subject = int(squashed[1]), subject[: squashed.start()]
    breaks = _BREAKING.search(body.replace("\r\n", "\n")) is not None
    kind, scope, description, bang = _header(subject)
    return Change(
        type=kind,
        scope=scope,
        description=description,
        breaking=breaks or bang,
        pull_request=number,
        merge=merged is not None,
        footers=footers(body),
    )


def footers(body: str) -> tuple[tuple[str, str], ...]:
    """The footers of a message's body: what begins, after a blank line, with ``Token: value`` or ``Token #value``."""
    found: list[tuple[str, list[str]]] = []
    blank = True
    for line in body.replace("\r\n", "\n").split("\n"):
        footer = _FOOTER.fullmatch(line) if blank or found else None
        if footer is not None:
            found.append((footer["token"], [footer["value"]]))
        elif found:
            found[-1][1].append(line)
        blank = not line.strip()
    return tuple((token, "\n".join(lines).strip()) for token, lines in found)


def grouped(commits: Iterable[Commit]) -> tuple[tuple[CommitGroup, ...], tuple[str, ...]]:
    """Commits by type, empty groups left out, and the SHAs of those that break something; the order given is kept."""
    held: dict[str, list[Commit]] = {name: [] for name in TITLES}
    breaking = []
    for commit in commits:
        change = parse(commit.subject, commit.body)
        held[change.group].append(commit)
        if change.breaking:
            breaking.append(commit.sha)
    groups = tuple(CommitGroup(name, TITLES[name], tuple(found)) for name, found in held.items() if found)
    return groups, tuple(breaking)


def _header(subject: str) -> tuple[str, str, str, bool]:
    """Type, scope, description, and whether there is a ``!``."""
    found = _HEADER.fullmatch(subject)
    if found is not None:
        return found["type"].lower(), (found["scope"] or "").strip(), found["description"], bool(found["bang"])
    undone = _REVERTED.fullmatch(subject)
    if undone is not None:
        return "revert", "", undone["what"], False
    return OTHER, "", subject, False
