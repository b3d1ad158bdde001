"""What the images pane says: pure functions from domain values to rows, lines and facts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from urllib.parse import quote

from textual.content import Content

from refactor_console.domain.containers import ContainerBoard
from refactor_console.domain.images import (
    ImageBoard,
    ImageDetails,
    ImageRepositoryReport,
    ImageTag,
    ImageUse,
    Provenance,
)
from refactor_console.domain.repos import Platform, Role
from refactor_console.domain.running import RunningImage, Standing, running_images, uses_of
from refactor_console.domain.text import visible
from refactor_console.domain.verdict import Verdict
from refactor_console.widgets import present
from refactor_console.widgets.facts import Fact
from refactor_console.widgets.headlines import Headlines, commit_text
from refactor_console.widgets.lazy_row import LazyRow
from refactor_console.widgets.table import Column, TableRow

COLUMNS = (
    Column("image", "Image", 12, grow=1, limit=26),
    Column("tag", "Tag", 12, grow=1, limit=32),
    Column("runs", "Runs now", 24, grow=2, limit=48),
    Column("digest", "Digest", 12, rank=2),
    Column("age", "Pushed", 7, right=True),
    Column("revision", "Commit", 7, rank=3),
    Column("subject", "Subject", 17, grow=3, limit=80, rank=5),
    Column("provenance", "Provenance", 10, grow=1, limit=15, rank=4),
    Column("platforms", "Platforms", 11, grow=1, limit=20, rank=6),
    Column("size", "Size", 5, right=True, rank=7),
)
MOVES = "↻"
"""Stands before a tag that moves."""
MARK = "◆"
"""Stands before the row that waits for its partner in a comparison."""
_PROVENANCE = {
    Provenance.VERIFIED: Verdict.DONE,
    Provenance.FOUND: Verdict.OK,
    Provenance.NOT_PERMITTED: Verdict.UNKNOWN,
    Provenance.UNKNOWN: Verdict.UNKNOWN,
}


def short(digest: str) -> str:
    """The first 12 digits of a ``sha256:...`` digest; a dash for none."""
    return visible(digest.rpartition(":")[2][:12]) or "–"


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything the pane shows at one moment; made anew when one of its parts changes."""

    platform: Platform
    board: ImageBoard
    running: tuple[RunningImage, ...]
    uses: Mapping[str, tuple[ImageUse, ...]]
    headlines: Headlines
    now: datetime
    reports: tuple[ImageRepositoryReport, ...] = ()
    """In the order they are shown: releases, then branches, the main one first."""
    moved: Mapping[str, RunningImage] = field(default_factory=dict)
    """By the key of a tag's row: who runs something else than it points at now."""
    old: frozenset[str] = frozenset()
    """Digests that run although their tag moved on."""

    def label(self, report: ImageRepositoryReport) -> str:
        """What people call an image repository: ``backend``, ``backend/main``, ``frontend``."""
        role = self.platform.role_of(report.source)
        name = report.source.name if role is Role.OTHER else role.value
        return name + branch_of(report)


def scene_of(
    platform: Platform,
    board: ImageBoard,
    containers: ContainerBoard | None,
    environment: str,
    headlines: Headlines,
    now: datetime,
) -> Scene:
    """Put what several feeds say together."""
    running = running_images(board, containers, environment)
    moved = {e.target.key: e for e in running if e.standing is Standing.MOVED and e.target is not None}
    old = frozenset(
        digest
        for e in running
        if e.standing is Standing.MOVED
        for digest in (e.digest, e.row.digest if e.row is not None else "")
        if digest
    )
    reports = tuple(sorted(board.reports, key=lambda report: _place(platform, report)))
    return Scene(platform, board, running, uses_of(board, running), headlines, now, reports, moved, old)


def branch_of(report: ImageRepositoryReport) -> str:
    """``/main`` for a branch's images, empty for those of releases; registries have lower case only."""
    path, base = report.repository.path, report.source.full_name
    return path[len(base) :] if path.casefold().startswith(base.casefold()) else f"/{path.rpartition('/')[2]}"


def _place(platform: Platform, report: ImageRepositoryReport) -> tuple[bool, bool, int, str]:
    branch = branch_of(report)
    order = [Role.BACKEND, Role.FRONTEND, Role.OTHER]
    return (bool(branch), branch not in ("/main", "/master"), order.index(platform.role_of(report.source)), branch)


# -- rows


def tags_of(scene: Scene, *, untagged: bool) -> Iterator[tuple[ImageRepositoryReport, ImageTag]]:
    """The rows in their order: in every repository moving tags, what runs, the rest, and untagged ones on request.

    What runs is always there, whether or not a tag or the registry knows it.
    """
    unknown: dict[str, list[ImageTag]] = {}
    for entry in scene.running:
        if entry.row is None and entry.digest:
            row = ImageTag(entry.repository, "", entry.digest, None)
            unknown.setdefault(str(entry.repository), []).append(row)
    for report in scene.reports:
        first: list[ImageTag] = []
        used: list[ImageTag] = unknown.get(str(report.repository), [])
        rest: list[ImageTag] = []
        for tag in report.tags:
            (first if tag.moving else used if tag.digest in scene.uses else rest).append(tag)
        for tag in report.untagged:
            if tag.digest in scene.uses:
                used.append(tag)
            elif untagged:
                rest.append(tag)
        seen: set[str] = set()
        for tag in (*first, *used, *rest):
            if tag.key not in seen:
                seen.add(tag.key)
                yield report, tag


class RowMaker:
    """Makes rows, and remembers what each is searched by; no more of them than there are rows."""

    def __init__(self) -> None:
        self._words: dict[str, tuple[object, str]] = {}
        self.tags: dict[str, tuple[ImageRepositoryReport, ImageTag]] = {}
        """Rows of the last call by key."""

    def rows(self, scene: Scene, *, untagged: bool, wanted: str, marked: str = "") -> list[TableRow]:
        """The rows that hold every word of `wanted`, whatever its case."""
        terms = wanted.casefold().split()
        minute = int(scene.now.timestamp() // 60)
        words: dict[str, tuple[object, str]] = {}
        self.tags = {}
        rows: list[TableRow] = []
        for report, tag in tags_of(scene, untagged=untagged):
            key = tag.key
            uses = scene.uses.get(tag.digest, ())
            if terms:
                known = self._words.get(key)
                if known is None or known[0] is not tag:
                    known = (tag, _words(scene, report, tag, uses))
                words[key] = known
                if not all(term in known[1] for term in terms):
                    continue
            headline = scene.headlines.get(tag.details.revision) if tag.details is not None else None
            made_of = (tag, uses, scene.moved.get(key), tag.digest in scene.old, headline, key == marked, minute)
            rows.append(LazyRow(key, made_of, partial(_cells, scene, report, tag, key == marked)))
            self.tags[key] = (report, tag)
        self._words = words
        return rows


def _words(scene: Scene, report: ImageRepositoryReport, tag: ImageTag, uses: Sequence[ImageUse]) -> str:
    words = [scene.label(report), str(tag.repository), tag.tag or "untagged", tag.digest]
    words += [f"{use.environment} {use.service}" for use in uses]
    if tag.details is not None:
        words += [tag.details.revision, tag.details.version, tag.details.provenance.value]
        headline = scene.headlines.get(tag.details.revision)
        words += [headline.subject, f"#{headline.pull_request}"] if headline is not None else []
    return "\n".join(words).casefold()


def _cells(scene: Scene, report: ImageRepositoryReport, tag: ImageTag, marked: bool) -> dict[str, Content]:
    nothing = present.NOTHING
    created = created_of(tag)
    cells = {
        "image": present.muted(scene.label(report)),
        "tag": tag_text(tag, marked=marked),
        "runs": runs_text(scene, tag),
        "digest": Content(short(tag.digest)) if tag.digest else present.muted("not asked"),
        "age": nothing if created is None else Content(short_age(scene.now - created)),
        "revision": nothing,
        "subject": nothing,
        "provenance": nothing,
        "platforms": nothing,
        "size": nothing,
    }
    if tag.problem is not None and tag.details is None:
        cells["subject"] = Content.assemble((visible(tag.problem.summary), "$fail"))
        cells["provenance"] = present.verdict_text(Verdict.FAIL, "not read")
    if (details := tag.details) is not None:
        sizes = [manifest.size for manifest in details.platforms if manifest.size is not None]
        headline = scene.headlines.get(details.revision)
        cells |= {
            "revision": present.plain(details.revision[:7]) if details.revision else nothing,
            "subject": present.plain(headline.subject) if headline is not None else nothing,
            "provenance": provenance_text(details.provenance),
            "platforms": present.plain(platforms(details)),
            "size": Content(present.short_size(max(sizes))) if sizes else nothing,
        }
    return cells


def created_of(tag: ImageTag) -> datetime | None:
    """When it was pushed, else when it was built; None when neither is known."""
    return tag.created_at or (tag.details.created if tag.details is not None else None)


def age_words(length: timedelta) -> str:
    """A length of time in words; from two days on in days alone."""
    return f"{length.days} d" if length.days >= 2 else present.calm_span(length)


def short_age(length: timedelta) -> str:
    """`age_words` for a narrow column."""
    return f"{length.days}d" if length.days >= 2 else present.short_span(length)


def tag_text(tag: ImageTag, *, marked: bool = False) -> Content:
    """A tag's name, with its signs: marked for a comparison, moving."""
    if not tag.tag:
        name = present.muted("(no tag)")
    else:
        name = Content.assemble((f"{MOVES} {visible(tag.tag)}", "bold")) if tag.moving else present.plain(tag.tag)
    return Content.assemble((f"{MARK} ", "bold $accent"), name) if marked else name


def runs_text(scene: Scene, tag: ImageTag) -> Content:
    """Who runs it now; for a tag that moved on, who runs something else."""
    uses = scene.uses.get(tag.digest, ()) if tag.digest else ()
    if uses:
        old = tag.digest in scene.old
        verdict, style = (Verdict.WARN, "bold $warn") if old else (Verdict.OK, "bold $ok")
        return Content.assemble((f"{present.GLYPHS[verdict]} {visible(uses_words(uses))}", style))
    if (entry := scene.moved.get(tag.key)) is not None:
        verb = "runs" if len(entry.services) == 1 else "run"
        return present.verdict_text(Verdict.WARN, f"{', '.join(entry.services)} {verb} {short(entry.digest)}")
    return Content("")


def uses_words(uses: Iterable[ImageUse]) -> str:
    """``production: rust-app, migrator``; environments apart by ``;``."""
    places: dict[str, list[str]] = {}
    for use in uses:
        places.setdefault(use.environment, []).append(use.service)
    return "; ".join(f"{place}: {', '.join(services)}" for place, services in places.items())


def provenance_text(provenance: Provenance) -> Content:
    """The word for what is known of the attestation, with a shape; none is usual for a branch, and said quietly."""
    if provenance is Provenance.NONE:
        return present.muted(f"– {provenance.value}")
    return present.verdict_text(_PROVENANCE[provenance], provenance.value)


def platforms(details: ImageDetails) -> str:
    """``amd64+arm64``: variants left out, and the system where it is Linux."""
    names = [manifest.platform.removeprefix("linux/") for manifest in details.platforms]
    names = [
        name.partition("/")[0] if manifest.platform.startswith("linux/") else name
        for name, manifest in zip(names, details.platforms, strict=True)
    ]
    return "+".join(dict.fromkeys(names)) or "–"


# -- the selected row


def side_facts(scene: Scene, report: ImageRepositoryReport, tag: ImageTag) -> list[Fact]:
    """What the panel below the table says of a row, the most wanted first."""
    uses = scene.uses.get(tag.digest, ()) if tag.digest else ()
    created = created_of(tag)
    reference = tag.repository.tagged(tag.tag) if tag.tag else f"{tag.repository}  (no tag points at it)"
    runs = runs_text(scene, tag) if uses or tag.key in scene.moved else present.muted("nobody, as far as is known")
    facts: list[Fact] = [("Image", present.plain(reference)), ("Runs now", runs)]
    if tag.digest:
        facts.append(("Digest", present.plain(tag.digest)))
    details = tag.details
    if details is not None:
        facts.append(("Commit", commit_text(details.revision, scene.headlines.get(details.revision))))
        facts.append(("Platforms", sizes_text(details)))
    elif tag.problem is not None:
        remedy = (f"  {visible(tag.problem.remedy)}", present.MUTED)
        facts.append(("Contents", Content.assemble((f"✗ {visible(tag.problem.summary)}", "$fail"), remedy)))
    else:
        facts.append(("Contents", present.muted("not read yet; Enter reads platforms, sizes, labels, provenance")))
    if created is not None:
        facts.append(("Pushed", Content(f"{present.utc_time(created)}, {age_words(scene.now - created)} ago")))
    if details is not None:
        note = f"  {visible(details.provenance_note)}" if details.provenance_note else ""
        facts.append(("Provenance", Content.assemble(provenance_text(details.provenance), (note, present.MUTED))))
    if tag.moving:
        facts.append(("Moves", present.muted("what it names depends on the day; t shows what it pointed at, and when")))
    facts.append(("Repository", present.plain(report_words(report))))
    return facts


def sizes_text(details: ImageDetails) -> Content:
    """Every platform with its size."""
    parts = [
        f"{manifest.platform} {present.size(manifest.size) if manifest.size is not None else '?'}"
        for manifest in details.platforms
    ]
    return present.plain(" · ".join(parts) or "–")


def report_words(report: ImageRepositoryReport) -> str:
    """A repository's counts."""
    orphans = f"{report.orphaned:,} orphaned" if report.orphans_known else "orphans not counted"
    return f"{report.repository}  {len(report.tags):,} tags, {len(report.untagged):,} untagged, {orphans}"


def pull_command(tag: ImageTag) -> str:
    """The command that pulls exactly this; by tag only where the digest is not known."""
    reference = tag.repository.pinned(tag.digest) if tag.digest else tag.repository.tagged(tag.tag)
    return f"docker pull {reference}"


def package_url(platform: Platform, report: ImageRepositoryReport, tag: ImageTag) -> str:
    """Where GitHub shows this version of the package; the package's own page when the version is not known."""
    package = quote(report.repository.path.partition("/")[2], safe="")
    page = f"{platform.web_url}/{report.source.full_name}/pkgs/container/{package}"
    if tag.version_id is None:
        return page
    return f"{page}/{tag.version_id}" + (f"?tag={quote(tag.tag, safe='')}" if tag.tag else "")
