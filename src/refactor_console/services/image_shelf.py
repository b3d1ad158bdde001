"""What is known of one image repository: its rows, what its digests hold, and which versions belong to nothing.

No I/O. Rows keep their identity while nothing about them changes, so that a pane redraws what differs. One shelf holds
at most as many rows as GitHub or the registry list (5,000 versions, 10,000 tags).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from refactor_console.domain.images import (
    ImageDetails,
    ImageRepository,
    ImageRepositoryReport,
    ImageTag,
    ImageUse,
    PackageVersion,
)
from refactor_console.domain.problem import Problem
from refactor_console.domain.repos import Repository
from refactor_console.domain.tagtime import is_fallback, is_moving

Uses = Mapping[str, tuple[ImageUse, ...]]
"""Who runs each digest."""


def is_index(media_type: str) -> bool:
    """Whether a manifest of this type lists others."""
    return "image.index" in media_type or "manifest.list" in media_type


def _is_known(media_type: str) -> bool:
    """Whether it is a manifest or an index of a type that this console understands."""
    return is_index(media_type) or "image.manifest" in media_type or "distribution.manifest.v2" in media_type


class Shelf:
    """One image repository."""

    def __init__(self, repository: ImageRepository, source: Repository) -> None:
        self.repository = repository
        self.source = source
        self.problem: Problem | None = None
        """Why it could not be (wholly) listed."""
        self.unread: Problem | None = None
        """Why its digests cannot be read at the moment."""
        self.failed = False
        """Whether the newest look brought nothing."""
        self.listed = False
        """Whether it was ever listed."""
        self.versions: tuple[PackageVersion, ...] | None = None
        """As GitHub lists them; None where only the registry could be asked."""
        self._rows: dict[str, ImageTag] = {}
        self._loose: dict[str, ImageTag] = {}
        """Rows of untagged versions, by digest: those that are no part of anything as far as is known."""
        self._by_digest: dict[str, list[str]] = {}
        """Keys of tagged rows."""
        self._details: dict[str, ImageDetails] = {}
        self._bad: dict[str, Problem] = {}
        """By digest, or by tag where no digest is known: why it cannot be read, ever."""
        self._gone: set[str] = set()
        self._children: dict[str, tuple[str, ...]] = {}
        self._parts: set[str] = set()
        """Every digest that some index lists."""
        self._uses: Uses = {}
        self._ordered = True
        self._report: ImageRepositoryReport | None = None

    # -- what was listed

    def list_versions(self, versions: Sequence[PackageVersion]) -> bool:
        """GitHub's word on everything in the repository; whether it differs from what was known."""
        news = tuple(sorted(versions, key=lambda v: (v.created_at, v.id), reverse=True))
        self.listed, self.failed = True, False
        if news == self.versions:
            return False
        self.versions = news
        rows: list[ImageTag] = []
        for version in news:
            names = [tag for tag in version.tags if not is_fallback(tag)]
            names.sort(key=lambda name: (not is_moving(name), name))
            rows += [ImageTag(self.repository, tag, version.digest, version.created_at, version.id) for tag in names]
        self._place(rows)
        self._forget_all_but({version.digest for version in news})
        return True

    def list_tags(self, tags: Iterable[str], digests: Mapping[str, str]) -> None:
        """The registry's word where GitHub gives none: names, and the digests of those that were asked for."""
        self.listed, self.failed = True, False
        self.versions = None
        rows: list[ImageTag] = []
        for tag in dict.fromkeys(tags):
            if is_fallback(tag):
                continue
            before = self._rows.get(self.repository.tagged(tag))
            digest = digests.get(tag, before.digest if before is not None else "")
            rows.append(ImageTag(self.repository, tag, digest, None))
        self._place(rows)
        self._forget_all_but({row.digest for row in rows} | {row.tag for row in rows})

    def _place(self, rows: Iterable[ImageTag]) -> None:
        known, self._rows, self._by_digest = self._rows, {}, {}
        for fresh in rows:
            row = self._dressed(replace(fresh, moving=is_moving(fresh.tag)))
            before = known.get(row.key)
            self._rows[row.key] = before if before == row else row
            if row.digest:
                self._by_digest.setdefault(row.digest, []).append(row.key)
        self._ordered = self.versions is not None
        self._report = None

    def _order(self) -> None:
        """Newest first; what has no time last, in the registry's own order turned round (often the newest is last)."""
        if self._ordered:
            return
        self._ordered = True
        dated = [row for row in self._rows.values() if _when(row) is not None]
        dated.sort(key=lambda row: _when(row) or 0.0, reverse=True)
        undated = [row for row in self._rows.values() if _when(row) is None]
        self._rows = {row.key: row for row in (*dated, *undated)}

    def _forget_all_but(self, wanted: set[str]) -> None:
        """What is gone from the list needs no memory; the parts of indexes are kept with their index."""
        self._details = {digest: found for digest, found in self._details.items() if digest in wanted}
        self._children = {digest: found for digest, found in self._children.items() if digest in wanted}
        self._bad = {name: problem for name, problem in self._bad.items() if name in wanted}
        self._gone &= wanted
        self._parts = {part for parts in self._children.values() for part in parts}

    # -- what was read

    def learn(self, reference: str, details: ImageDetails, children: Sequence[str] = ()) -> None:
        """What a digest holds; `reference` is what was asked for: a digest, or a tag whose digest was not known."""
        self._details[details.digest] = details
        if _is_known(details.media_type):  # what an index of another type lists, nobody knows
            self._children[details.digest] = tuple(children)
            self._parts.update(children)
        if not details.platforms:
            why = details.provenance_note or f"media type {details.media_type or 'not given'}"
            self._bad[details.digest] = Problem(
                f"{self.repository.pinned(details.digest)} is nothing that one runs: {why}.",
                "Look at it with `docker buildx imagetools inspect --raw`.",
                code="not-an-image" if _is_known(details.media_type) else "unknown-media-type",
            )
        row = self._rows.get(self.repository.tagged(reference))
        if row is not None and not row.digest:
            self._rows[row.key] = replace(row, digest=details.digest)
            self._by_digest.setdefault(details.digest, []).append(row.key)
        self._redress(details.digest)

    def improve(self, details: ImageDetails) -> None:
        """Somebody read a known digest anew, with its provenance."""
        if details.digest in self._by_digest or details.digest in self._loose:
            self._details[details.digest] = details
            self._redress(details.digest)

    def learn_parts(self, digest: str, children: Sequence[str]) -> None:
        """What an index of attestations lists, which is no image itself."""
        self._children[digest] = tuple(children)
        self._parts.update(children)
        self._report = None

    def cannot_read(self, reference: str, problem: Problem, *, gone: bool) -> None:
        """A digest (or a tag without a known one) will not be read: it is gone, or not understood."""
        self._bad[reference] = problem
        if gone:
            self._gone.add(reference)
        keys = self._by_digest.get(reference, [self.repository.tagged(reference)])
        for key in keys:
            if key in self._rows:
                self._rows[key] = replace(self._rows[key], problem=problem)
        self._report = None

    def known(self, reference: str) -> bool:
        """Whether there is nothing more to ask about a digest or tag."""
        row = self._rows.get(self.repository.tagged(reference))
        digest = row.digest if row is not None else reference
        return digest in self._details or digest in self._children or reference in self._bad or digest in self._bad

    def is_part(self, digest: str) -> bool:
        """Whether some index lists it."""
        return digest in self._parts

    def use(self, uses: Uses) -> None:
        """Who runs what now."""
        self._uses = uses
        for row in self._rows.values():
            fresh = self._used_by(row)
            if fresh != row.used_by:
                self._rows[row.key] = replace(row, used_by=fresh)
                self._report = None
        self._report = None if self._loose else self._report

    @property
    def details_held(self) -> int:
        """How many digests' details are in memory."""
        return len(self._details)

    def details_of(self, digest: str) -> ImageDetails | None:
        """What is known of a digest."""
        return self._details.get(digest)

    def _dressed(self, row: ImageTag) -> ImageTag:
        details = self._details.get(row.digest)
        problem = self._bad.get(row.digest or row.tag) or self._bad.get(row.tag)
        dressed = replace(row, details=details, problem=problem)
        return replace(dressed, used_by=self._used_by(dressed)) if self._uses else dressed

    def _redress(self, digest: str) -> None:
        for key in self._by_digest.get(digest, ()):
            row = self._rows[key]
            self._rows[key] = self._dressed(replace(row, used_by=()))
        self._ordered = self.versions is not None
        self._report = None

    def _used_by(self, row: ImageTag) -> tuple[ImageUse, ...]:
        """Who runs the digest, or one of its platforms' manifests."""
        if not row.digest or not self._uses:
            return ()
        platforms = row.details.platforms if row.details is not None else ()
        digests = dict.fromkeys((row.digest, *(manifest.digest for manifest in platforms)))
        return tuple(dict.fromkeys(use for digest in digests for use in self._uses.get(digest, ())))

    # -- what follows

    @property
    def rows(self) -> Iterable[ImageTag]:
        """Tagged rows, newest first."""
        return self._rows.values()

    @property
    def moving(self) -> tuple[ImageTag, ...]:
        """Rows of tags that move."""
        return tuple(row for row in self._rows.values() if row.moving)

    def report(self) -> ImageRepositoryReport:
        """All of it; the same object while nothing changed."""
        problem = self.problem or self.unread
        if self._report is not None and self._report.problem is problem:
            return self._report
        self._order()
        untagged = tuple(self._untagged())
        self._loose = {row.digest: row for row in untagged}
        orphaned = self._orphaned()
        self._report = ImageRepositoryReport(
            self.repository,
            self.source,
            tuple(self._rows.values()),
            untagged,
            orphaned or 0,
            orphaned is not None,
            problem,
        )
        return self._report

    def loose_versions(self) -> Iterator[PackageVersion]:
        """Untagged versions that no known index lists, newest first."""
        for version in self.versions or ():
            if not version.tags and version.digest not in self._parts:
                yield version

    def attestation_versions(self) -> Iterator[PackageVersion]:
        """Versions that are tagged as the referrers of others, and not otherwise."""
        for version in self.versions or ():
            if version.tags and all(is_fallback(tag) for tag in version.tags):
                yield version

    @property
    def _whole(self) -> bool:
        """Whether every index was read, so that what belongs to nothing is known."""
        if self.versions is None:
            return False
        return all(
            version.digest in self._children or version.digest in self._gone or version.digest in self._parts
            for version in self.versions
        )

    def _untagged(self) -> Iterator[ImageTag]:
        whole = self._whole
        for version in self.loose_versions():
            details = self._details.get(version.digest)
            # A plain manifest may be the part of an index not read yet; an index stands for itself. What holds no
            # platform (an attestation) is nothing that one pulls.
            if details is None or not details.platforms or not (whole or is_index(details.media_type)):
                continue
            row = self._dressed(ImageTag(self.repository, "", version.digest, version.created_at, version.id))
            before = self._loose.get(version.digest)
            yield before if before is not None and before == row else row

    def _orphaned(self) -> int | None:
        """How many versions nothing refers to; None when that cannot be told."""
        if not self._whole:
            return None
        loose = {version.digest for version in self.loose_versions()}
        here = {version.digest for version in self.versions or ()}
        for version in self.attestation_versions():
            subjects = {f"sha256:{tag.removeprefix('sha256-')[:64]}" for tag in version.tags}
            if not subjects & here:
                loose.update({version.digest, *(set(self._children.get(version.digest, ())) & here)})
        return len(loose)


def _when(row: ImageTag) -> float | None:
    created = row.created_at or (row.details.created if row.details is not None else None)
    return created.timestamp() if created is not None else None
