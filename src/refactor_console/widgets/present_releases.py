"""What the releases pane says: pure functions from domain values to rows, facts and notes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from textual.content import Content

from refactor_console.domain import versions
from refactor_console.domain.images import Commit
from refactor_console.domain.releases import (
    CommitGroup,
    Release,
    ReleaseBoard,
    RepositoryReleases,
    VersionReading,
)
from refactor_console.domain.repos import Repository
from refactor_console.domain.text import visible
from refactor_console.domain.verdict import Verdict
from refactor_console.widgets import present
from refactor_console.widgets.facts import Fact
from refactor_console.widgets.table import Column, TableRow

RELEASES = (
    Column("tag", "Tag", 13, grow=1, limit=26),
    Column("state", "State", 13, grow=1, limit=16),
    Column("age", "Age", 7, right=True),
    Column("versions", "Versions", 14, grow=3, limit=40, rank=2),
    Column("name", "Title", 14, grow=2, limit=60, rank=4),
    Column("commit", "Commit", 7, rank=3),
)
COMMITS = (
    Column("type", "Type", 8, grow=1, limit=12),
    Column("subject", "Unreleased commit", 28, grow=4),
    Column("commit", "Commit", 7, rank=2),
    Column("author", "Author", 10, grow=1, limit=18, rank=3),
    Column("age", "Age", 7, right=True, rank=1),
)
_CONVENTIONAL = re.compile(r"(?P<type>[A-Za-z]+)(?:\((?P<scope>[^()]*)\))?!?: +(?P<rest>\S.*)")
FILES_NAMED = 4
"""Manifests that are named when versions differ; the rest is counted."""


def agreement_line(board: ReleaseBoard) -> Content:
    """Whether backend and frontend carry the same version, in a sentence."""
    verdict = {True: Verdict.OK, False: Verdict.WARN, None: Verdict.UNKNOWN}[board.agree]
    return present.verdict_text(verdict, board.agreement or "Whether the versions agree is not known.")


# -- releases


def release_key(release: Release) -> str:
    """Unique among one repository's rows: several drafts may name the same tag."""
    return "\n".join((release.tag, release.name, release.html_url, str(release.created_at)))


def release_rows(report: RepositoryReleases, now: datetime) -> list[TableRow]:
    """One repository's releases and bare tags."""
    readings = {reading.ref: reading for reading in report.tag_versions}
    return [
        TableRow(release_key(release), _release_cells(release, readings.get(release.tag), now))
        for release in report.releases
    ]


def _release_cells(release: Release, reading: VersionReading | None, now: datetime) -> dict[str, Content]:
    nothing = present.NOTHING
    moment = released_at(release)
    return {
        "tag": present.plain(release.tag) if release.tag else present.muted("(no tag)"),
        "state": state_text(release),
        "age": nothing if moment is None else Content(present.short_span(now - moment)),
        "versions": nothing if reading is None else versions_text(reading),
        "name": present.plain(release.name) if release.name and release.name != release.tag else Content(""),
        "commit": present.muted(release.sha[:7]) if release.sha else nothing,
    }


def released_at(release: Release) -> datetime | None:
    """When it was published, else made; None where that is not known."""
    return release.published_at or release.created_at


def state_text(release: Release) -> Content:
    """Draft, pre-release, release, or a tag alone."""
    if release.draft:
        return present.verdict_text(Verdict.WARN, "draft")
    if not release.is_release:
        return present.muted("· tag only")
    return (
        Content.assemble(("◇ pre-release", "$accent"))
        if release.prerelease
        else present.verdict_text(Verdict.OK, "released")
    )


# -- versions


def versions_text(reading: VersionReading) -> Content:
    """The version that all manifests carry, or how many there are."""
    if reading.agree:
        return present.verdict_text(Verdict.OK, reading.versions[0])
    if not reading.members:
        return present.verdict_text(Verdict.UNKNOWN, "no manifest")
    if not reading.versions:
        return present.verdict_text(Verdict.UNKNOWN, "no version")
    return present.verdict_text(Verdict.WARN, "differ: " + ", ".join(reading.versions))


def versions_sentence(reading: VersionReading) -> Content:
    """The manifests' versions in a line, naming those that differ from most."""
    count = len(reading.members)
    manifests = f"{count} manifest{'' if count == 1 else 's'}"
    if reading.agree:
        return present.verdict_text(Verdict.OK, f"{reading.versions[0]} in {manifests}")
    if not reading.versions:
        return present.verdict_text(Verdict.UNKNOWN, f"no version in {manifests}")
    carried = [member.version for member in reading.members if member.version]
    common = max(reading.versions, key=carried.count)
    odd = [member for member in reading.members if member.version != common]
    named = ", ".join(f"{member.path} {member.version or 'has none'}" for member in odd[:FILES_NAMED])
    more = f" and {len(odd) - FILES_NAMED} more" if len(odd) > FILES_NAMED else ""
    agreeing = f"{common} in {carried.count(common)} of {manifests}"
    return present.verdict_text(Verdict.WARN, f"{agreeing}, but {named}{more}")


def member_facts(reading: VersionReading) -> list[Fact]:
    """Every manifest with its version."""
    return [
        (
            visible(member.path),
            Content.assemble(visible(member.version or "no version"), (f"  {visible(member.note)}", present.MUTED)),
        )
        for member in reading.members
    ]


# -- a repository


def repository_facts(report: RepositoryReleases) -> list[Fact]:
    """What is above a repository's tables."""
    head = report.head_versions
    facts: list[Fact] = [
        ("Head", versions_sentence(head) if head is not None else present.muted("versions not known yet")),
        ("Next", _proposed(report)),
        ("Waiting", waiting_text(report)),
        ("Drafts", _drafts(report)),
    ]
    for problem in report.problems:
        advice = (f"  {visible(problem.remedy)}", present.MUTED) if problem.remedy else ""
        facts.append(("Problem", Content.assemble((f"✗ {visible(problem.summary)}", "$fail"), advice)))
    return facts


def _proposed(report: RepositoryReleases) -> Content:
    if report.proposed:
        return Content.assemble((visible(report.proposed), "bold"), (" by the conventional commits", present.MUTED))
    if not report.since_tag:
        return present.muted("no proposal: there is no release to count from")
    if not report.unreleased_count:
        return present.muted("nothing to release")
    if versions.semantic(report.since_tag) is None:
        return present.muted(f"no proposal: {report.since_tag} is no semantic version")
    return present.muted("no proposal: not all commits are listed, and one of the others may break something")


def waiting_text(report: RepositoryReleases) -> Content:
    """The unreleased commits in figures, breaking ones first."""
    since = f"since {report.since_tag}" if report.since_tag else "in all: there is no release yet"
    count = report.unreleased_count
    parts = [f"{len(group.commits)} {visible(group.type)}" for group in report.unreleased if group.commits]
    held = sum(len(group.commits) for group in report.unreleased)
    words = f"{count:,} commit{'' if count == 1 else 's'} {visible(since)}"
    if held < count:
        parts.append(f"{count - held:,} more not listed")
    tail = f": {', '.join(parts)}" if parts else ""
    breaking = f"{present.GLYPHS[Verdict.WARN]} {len(report.breaking)} breaking  " if report.breaking else ""
    return Content.assemble((breaking, "bold $warn"), words, (tail, present.MUTED))


def _drafts(report: RepositoryReleases) -> Content:
    if not report.drafts_visible:
        return present.verdict_text(
            Verdict.UNKNOWN, "not visible to this token: GitHub hides drafts from who may not write"
        )
    drafts = [release for release in report.releases if release.draft]
    return present.plain(", ".join(release.name or release.tag for release in drafts) if drafts else "none")


def ordered_commits(report: RepositoryReleases) -> Iterator[tuple[CommitGroup, Commit, bool]]:
    """Unreleased commits with their group and whether they break: breaking ones on top, then by group."""
    breaking = set(report.breaking)
    everything = [(group, commit, commit.sha in breaking) for group in report.unreleased for commit in group.commits]
    yield from (each for each in everything if each[2])
    yield from (each for each in everything if not each[2])


def commit_rows(report: RepositoryReleases, now: datetime) -> list[TableRow]:
    """Unreleased commits, breaking ones on top, then by type."""
    rows: dict[str, TableRow] = {}
    for group, commit, breaks in ordered_commits(report):
        kind = visible(group.type)
        cells = {
            "type": Content.assemble((f"▲ {kind}!", "bold $warn")) if breaks else present.muted(kind),
            "subject": present.plain(bare_subject(commit.subject, group.type)),
            "commit": present.muted(commit.sha[:7]),
            "author": present.muted(commit.author),
            "age": Content(present.short_span(now - commit.at)),
        }
        rows.setdefault(commit.sha, TableRow(commit.sha, cells))
    return list(rows.values())


def bare_subject(subject: str, kind: str) -> str:
    """A conventional subject without the type that stands beside it; its scope stays."""
    found = _CONVENTIONAL.match(subject)
    if found is None or found["type"].casefold() != kind:
        return subject
    return f"{found['scope']}: {found['rest']}" if found["scope"] else found["rest"]


# -- documents


def release_facts(release: Release, reading: VersionReading | None) -> list[Fact]:
    """What a release's dialog says above its notes."""
    return [
        ("State", state_text(release)),
        ("Title", present.plain(release.name or "–")),
        ("Commit", present.plain(release.sha) if release.sha else present.muted("the tag does not exist yet")),
        ("Author", present.plain(release.author or "–")),
        ("Created", Content(present.utc_time(release.created_at))),
        ("Published", Content(present.utc_time(release.published_at))),
        ("URL", present.plain(release.html_url or "–")),
        ("Versions", versions_sentence(reading) if reading is not None else present.muted("not read; v reads them")),
    ]


def commit_facts(commit: Commit) -> list[Fact]:
    """What a commit's dialog says above its message."""
    return [
        ("Commit", present.plain(commit.sha)),
        ("Author", present.plain(commit.author)),
        ("When", Content(present.utc_time(commit.at))),
        ("URL", present.plain(commit.html_url or "–")),
    ]


def tag_url(web_url: str, repository: Repository, release: Release) -> str:
    """Where GitHub shows a release; a bare tag's page where it has none."""
    return release.html_url or f"{web_url}/{repository.full_name}/tree/{release.tag}"
