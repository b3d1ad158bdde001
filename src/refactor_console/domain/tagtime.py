"""The time machine of a moving tag: what it pointed to and when, put together from three kinds of evidence.

- *Sightings*: this console read the tag, and saw a digest. Nothing contradicts them.
- *Release runs*: a run that succeeded and whose work it is to push the tag.
- *Pushes*: a version appeared in the repository, untagged by now or tagged otherwise. That it carried the tag is likely
  and no more than that.

What is only inferred says so, and evidence that does not fit is told rather than dropped.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from refactor_console.domain.images import Evidence, TagPosition

LOOK_GAP = timedelta(hours=6)
"""Sightings of one digest further apart than this do not prove that the tag stayed there in between."""
RUN_SLACK = timedelta(minutes=2)
"""What two clocks of GitHub may differ: a push so long before or after a run still belongs to it."""
LATE_PUSH = timedelta(days=1)
"""A push of the run's commit so long after it is still taken for its outcome, and said to be late."""

_FALLBACK = re.compile(r"sha256-[0-9a-f]{64}(\..*)?")
_VERSION = re.compile(r"[vV]?\d+(\.\d+)*([-+._].*)?")
_SHA = re.compile(r"(sha-)?(?=[0-9a-f]*\d)[0-9a-f]{7,64}")


def is_fallback(tag: str) -> bool:
    """Whether a tag is a registry's stand-in for the referrers of a digest, or a signature: nothing that one pulls."""
    return _FALLBACK.fullmatch(tag) is not None


def is_moving(tag: str) -> bool:
    """Whether a tag is of a kind that moves: neither a commit nor a version (``stable``, ``latest``, a branch)."""
    return bool(tag) and not (_VERSION.fullmatch(tag) or _SHA.fullmatch(tag) or is_fallback(tag))


@dataclass(frozen=True, slots=True)
class Sighting:
    """The tag was read time and again from `first` to `last`, and pointed to `digest` each time."""

    digest: str
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class PushedVersion:
    """A version that may have carried the tag when it was pushed."""

    digest: str
    at: datetime
    revision: str = ""
    """Commit by the image's label; empty when it is not known."""
    doubt: str = ""
    """A sentence about why it may never have carried this tag; empty when there is no such reason."""


@dataclass(frozen=True, slots=True)
class ReleaseBuild:
    """A run that succeeded and whose work it is to push the tag."""

    name: str
    """For people: ``run #17``."""
    revision: str
    began: datetime
    ended: datetime


@dataclass
class _Entry:
    """A position in the making."""

    digest: str
    revision: str
    at: datetime
    evidence: set[Evidence]
    notes: list[str] = field(default_factory=list)
    seen_until: datetime | None = None
    """The last sighting; None where nothing was seen."""

    @property
    def weak(self) -> bool:
        """Whether nothing but a push speaks for it."""
        return self.evidence == {Evidence.VERSION_TIME}

    def told(self, other: _Entry) -> None:
        """Take over what another entry of the same digest knows."""
        self.evidence |= other.evidence
        self.revision = self.revision or other.revision
        self.notes += other.notes
        self.seen_until = other.seen_until or self.seen_until


def joined(sightings: Iterable[Sighting]) -> tuple[Sighting, ...]:
    """Sightings of several consoles as one line of time: in order, without overlaps, close ones of a digest as one.

    Where one console saw something else in the middle of what another took for unchanged, the finer one is right.
    """
    line = _joined_once(sightings)
    for _ in range(len(line)):  # sightings of one instant may come to lie in another order, and then belong together
        again = _joined_once(line)
        if again == line:
            break
        line = again
    return line


def _joined_once(sightings: Iterable[Sighting]) -> tuple[Sighting, ...]:
    line: list[Sighting] = []
    waiting = [(s.first, max(s.first, s.last), s.digest) for s in sightings]
    heapq.heapify(waiting)
    while waiting:
        first, last, digest = heapq.heappop(waiting)
        before = line[-1] if line else None
        if before is not None and before.digest == digest and first - before.last <= LOOK_GAP:
            line[-1] = Sighting(digest, before.first, max(before.last, last))
            continue
        if before is not None and before.last > first:
            line[-1] = Sighting(before.digest, before.first, first)
            if before.last > last:
                heapq.heappush(waiting, (last, before.last, before.digest))
        line.append(Sighting(digest, first, last))
    return tuple(line)


def reconstruct(
    sightings: Iterable[Sighting],
    pushed: Iterable[PushedVersion],
    builds: Iterable[ReleaseBuild],
    *,
    current: str | None,
) -> tuple[TagPosition, ...]:
    """Put the evidence together, newest position first.

    Args:
        sightings: what this console saw, the newest look included.
        pushed: versions that may have carried the tag.
        builds: runs that pushed it, if they did what they say.
        current: what the tag points to now; empty when it is gone, None when that could not be asked.
    """
    versions = sorted(set(pushed), key=lambda version: (version.at, version.digest))
    inferred = _inferred(versions, sorted(set(builds), key=lambda build: (build.ended, build.revision, build.name)))
    revisions = {entry.digest: entry.revision for entry in inferred if entry.digest and entry.revision}
    seen = [
        _Entry(s.digest, revisions.get(s.digest, ""), s.first, {Evidence.OBSERVED}, seen_until=s.last)
        for s in joined(sightings)
    ]
    free = [entry for entry in inferred if not _absorbed(entry, seen)]
    line: list[_Entry] = []
    for entry in sorted([*free, *seen], key=lambda e: (e.at, e.seen_until is not None)):
        _append(line, entry)
    return _positions(line, current)


def _inferred(versions: Sequence[PushedVersion], builds: Sequence[ReleaseBuild]) -> list[_Entry]:
    """One entry a push, with the run that did it; one for each run whose push is not there."""
    entries: list[_Entry] = []
    claimed: set[ReleaseBuild] = set()
    during = {
        version: [b for b in builds if b.began - RUN_SLACK <= version.at <= b.ended + RUN_SLACK] for version in versions
    }
    for version in versions:
        claimed.update(build for build in during[version] if build.revision == version.revision)
    for version in versions:
        entry = _Entry(version.digest, version.revision, version.at, {Evidence.VERSION_TIME})
        own = [build for build in during[version] if build.revision == version.revision]
        others = [build for build in during[version] if build not in claimed]
        if own:
            entry.evidence.add(Evidence.RELEASE_RUN)
        elif others and not version.revision:
            claimed.add(others[-1])
            entry.evidence.add(Evidence.RELEASE_RUN)
            entry.revision = others[-1].revision
            entry.notes.append(
                f"Its commit is that of {others[-1].name}, during which it was pushed; the image names none."
            )
        elif others and version.revision:
            claimed.update(others)
            entry.notes.append(
                f"It was pushed during {others[-1].name}, which built commit {others[-1].revision[:7]}, "
                f"while its label names {version.revision[:7]}."
            )
        elif late := _late(version, [build for build in builds if build not in claimed]):
            claimed.add(late)
            entry.evidence.add(Evidence.RELEASE_RUN)
            entry.notes.append(
                f"{late.name} built the same commit and was over at {_time(late.ended)}, before the push."
            )
        if version.doubt and entry.weak:
            entry.notes.append(version.doubt)
        entries.append(entry)
    for build in builds:
        if build not in claimed:
            note = f"The end of {build.name}; no version pushed during it is left, or none is listed."
            entries.append(_Entry("", build.revision, build.ended, {Evidence.RELEASE_RUN}, [note]))
    return entries


def _late(version: PushedVersion, builds: Sequence[ReleaseBuild]) -> ReleaseBuild | None:
    """The last run of a version's commit that was over not long before the push."""
    if not version.revision:
        return None
    same = [b for b in builds if b.revision == version.revision and timedelta(0) < version.at - b.ended <= LATE_PUSH]
    return max(same, key=lambda build: build.ended, default=None)


def _absorbed(entry: _Entry, seen: Sequence[_Entry]) -> bool:
    """Whether something inferred falls into a watched time: there it confirms, or is told as not fitting."""
    for watched in seen:
        if watched.seen_until is None or not watched.at <= entry.at <= watched.seen_until:
            continue
        same_commit = not entry.digest and entry.revision and entry.revision == watched.revision
        if same_commit or entry.digest == watched.digest:
            watched.evidence |= entry.evidence
            watched.revision = watched.revision or entry.revision
            watched.notes += entry.notes if entry.digest else []
        else:
            watched.notes.append(
                f"{_name(entry)} at {_time(entry.at)}, yet this console saw the tag here before and after."
            )
        return True
    return False


def _append(line: list[_Entry], entry: _Entry) -> None:
    """Add the next entry in time; what was seen settles what was only inferred before it."""
    if entry.seen_until is None:
        line.append(entry)
        return
    index = len(line) - 1
    while index >= 0 and line[index].weak and line[index].digest != entry.digest:
        index -= 1  # that the tag went away and came back takes better evidence than a push
    if index >= 0 and line[index].digest == entry.digest:
        keeper = line[index]
        for passed in line[index + 1 :]:
            keeper.notes.append(
                f"{_name(passed)} at {_time(passed.at)}, and the tag is here after that: "
                "either it never moved there, or it came back."
            )
        if keeper.seen_until is None:
            keeper.notes.append(f"Its start is that of the push; this console saw it here from {_time(entry.at)}.")
        keeper.told(entry)
        del line[index + 1 :]
        return
    before = line[-1] if line else None
    if before is None:
        entry.notes.insert(0, "Seen here first then; how long it had been so is not known.")
    else:
        since = before.seen_until or before.at
        entry.notes.insert(0, f"Seen here first then; it moved between {_time(since)} and that look.")
    line.append(entry)


def _positions(line: Sequence[_Entry], current: str | None) -> tuple[TagPosition, ...]:
    positions: list[TagPosition] = []
    until: datetime | None = None
    for index, entry in enumerate(reversed(line)):
        notes = list(dict.fromkeys(entry.notes))
        if Evidence.OBSERVED not in entry.evidence:
            notes.insert(0, _inference(entry))
        if index == 0 and (not current or current != entry.digest):
            until = entry.seen_until or entry.at
            notes.append(
                "The tag is gone by now; when it went is not known."
                if current == ""
                else "Whether it is still here could not be asked."
                if current is None
                else "The tag is elsewhere by now; when it moved is not known."
            )
        evidence = tuple(kind for kind in Evidence if kind in entry.evidence)
        positions.append(TagPosition(entry.digest, entry.revision, entry.at, until, evidence, " ".join(notes)))
        until = entry.at
    return tuple(positions)


def _inference(entry: _Entry) -> str:
    if Evidence.RELEASE_RUN in entry.evidence:
        return "Inferred from a release run, not seen."
    return "Inferred from the time of its push, not seen."


def _name(entry: _Entry) -> str:
    if entry.digest:
        return f"Version {entry.digest[:19]} was pushed"
    return f"A release run built commit {entry.revision[:7]}"


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
