"""What this console saw moving tags point to, kept between its runs: JSON lines, private to the user.

A line is added when a tag's digest changes, when it was not looked at for a while (`domain.tagtime.LOOK_GAP`), and once
an hour while it stays the same. Two consoles may write at once; their lines are put together when they are read.
Bounds: a file larger than `MOST_BYTES` is cut down to the newest `MOST_PER_TAG` sightings a tag and `MOST_SIGHTINGS`
altogether; longer lines than `MOST_LINE` are not read. Nothing in it is secret: repositories, tags, digests, times.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import platformdirs

from refactor_console.domain.images import ImageRepository
from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.domain.tagtime import LOOK_GAP, Sighting, joined

MOST_BYTES = 1024 * 1024
MOST_SIGHTINGS = 3_000
MOST_PER_TAG = 200
MOST_LINE = 4_096
MOST_TAGS = 4_000
"""Tags whose newest look is held in memory."""
WRITE_EVERY = timedelta(hours=1)
"""How much older than the newest look the kept one may be, while nothing changes."""
DISK_SECONDS = 10.0
"""A home directory on a network that is gone must not hold up the images for ever."""
LOCK_SECONDS = 5.0
_LOCK_PAUSE = 0.05
_DIGEST = re.compile(r"[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-zA-Z=_-]{16,128}")

T = TypeVar("T")
Key = tuple[str, str]
"""Image repository and tag."""


class ObservationsUnusable(ConsoleError):
    """What was seen could not be written or read (code ``observations-unusable``)."""


@dataclass(frozen=True, slots=True)
class Look:
    """A tag was read, and this is what it pointed to."""

    repository: ImageRepository
    tag: str
    digest: str


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is kept of one tag."""

    sightings: tuple[Sighting, ...]
    """In order."""
    notes: tuple[str, ...] = ()
    """What could not be read, one sentence each."""


@dataclass
class _Book:
    """The file's content."""

    seen: dict[Key, list[Sighting]] = field(default_factory=dict)
    unreadable: int = 0


def default_path() -> Path:
    """``observations.jsonl`` in the user's state directory (XDG: ``~/.local/state/refactor-console``)."""
    return platformdirs.user_state_path("refactor-console") / "observations.jsonl"


class Observations:
    """One file of sightings. A demo world needs one of its own: its tags bear the same names as the real ones."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or default_path()
        self._guard = threading.Lock()
        self._newest: dict[Key, Sighting] | None = None
        """This console's last look at each tag, which may be newer than the file's; None before the file was read."""
        self._written: dict[Key, datetime] = {}

    async def saw(self, looks: Sequence[Look], at: datetime) -> None:
        """Keep what tags point to at a moment (UTC).

        Raises:
            ObservationsUnusable: it could not be written; it is remembered until the console ends.
        """
        await self._in_thread(lambda: self._saw(looks, at.astimezone(UTC)))

    async def remembered(self, repository: ImageRepository, tag: str) -> Remembered:
        """Everything kept of a tag, by whichever console.

        Raises:
            ObservationsUnusable: the file could not be read.
        """
        return await self._in_thread(lambda: self._remembered((str(repository), tag)))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        def guarded() -> T:
            if not self._guard.acquire(timeout=LOCK_SECONDS):
                raise TimeoutError("an earlier access has not come back")
            try:
                return work()
            finally:
                self._guard.release()

        try:
            async with asyncio.timeout(DISK_SECONDS):
                return await asyncio.to_thread(guarded)
        except OSError as error:  # also TimeoutError
            words = error.strerror or str(error) or f"the disk gave no answer within {DISK_SECONDS:.0f} s"
            raise ObservationsUnusable(
                Problem(
                    f"What tags pointed to could not be kept in {self.path}: {words}.",
                    "Make room or mend the permissions there; until then the past of a tag has gaps.",
                    repr(error),
                    code="observations-unusable",
                )
            ) from error

    # -- in a thread

    def _saw(self, looks: Sequence[Look], at: datetime) -> None:
        newest = self._newest
        if newest is None:
            newest = self._newest = self._last_of(self._read())
        lines: list[bytes] = []
        for look in looks:
            if not _DIGEST.fullmatch(look.digest):
                continue
            key = (str(look.repository), look.tag)
            before = newest.pop(key, None)
            if before is not None and before.digest == look.digest and at - before.last <= LOOK_GAP:
                now = Sighting(look.digest, before.first, max(before.last, at))
                if now.last - self._written.get(key, before.first) < WRITE_EVERY:
                    newest[key] = now
                    continue
            else:
                now = Sighting(look.digest, at, at)
                if before is not None and self._written.get(key, before.last) < before.last:
                    lines.append(_line(key, before))  # the end of what it was is as telling as the beginning of what is
            newest[key] = now  # at the end: the first ones are those not looked at for the longest
            lines.append(_line(key, now))
            self._written[key] = now.last
        while len(newest) > MOST_TAGS:
            self._written.pop(next(iter(newest)), None)
            del newest[next(iter(newest))]
        if lines:
            self._append(b"".join(lines))

    def _remembered(self, key: Key) -> Remembered:
        book = self._read()
        mine = (self._newest or {}).get(key)
        sightings = joined([*book.seen.get(key, []), *([mine] if mine is not None else [])])
        notes: tuple[str, ...] = ()
        if book.unreadable:
            lines = "1 line" if book.unreadable == 1 else f"{book.unreadable} lines"
            notes = (f"{lines} of {self.path} could not be read; what this console saw then is missing.",)
        return Remembered(sightings, notes)

    def _last_of(self, book: _Book) -> dict[Key, Sighting]:
        last = {key: joined(seen)[-1] for key, seen in book.seen.items()}
        self._written = {key: sighting.last for key, sighting in last.items()}
        return dict(sorted(last.items(), key=lambda item: item[1].last))

    def _read(self) -> _Book:
        book = _Book()
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            return book
        with os.fdopen(descriptor, "rb") as file:
            size = os.fstat(descriptor).st_size
            if size > 2 * MOST_BYTES:  # not ours to begin with, or never cut down: the newest part is enough
                file.seek(size - 2 * MOST_BYTES)
                file.readline()
            data = file.read(2 * MOST_BYTES)
        for line in data.split(b"\n"):
            if not line.strip():
                continue
            found = _parsed(line)
            if found is None:
                book.unreadable += 1
            else:
                book.seen.setdefault(found[0], []).append(found[1])
        return book

    def _append(self, data: bytes) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._locked():
            # NOFOLLOW: a link put there by someone else must not make us write into another file.
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            descriptor = os.open(self.path, flags, 0o600)
            try:
                size = os.fstat(descriptor).st_size
                # A console that died while it wrote left half a line: it must not become the beginning of ours.
                torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
                whole = (b"\n" if torn else b"") + data
                if os.write(descriptor, whole) != len(whole):
                    raise OSError(0, "only part of it fitted")
            finally:
                os.close(descriptor)
            if size + len(data) > MOST_BYTES:
                self._cut_down()

    def _cut_down(self) -> None:
        """Write the newest part anew beside the file, and put it in its place."""
        found = [(key, sighting) for key, seen in self._read().seen.items() for sighting in joined(seen)]
        found.sort(key=lambda item: item[1].last, reverse=True)
        counts: Counter[Key] = Counter()
        kept: list[bytes] = []
        room = MOST_BYTES // 2
        for key, sighting in found:
            counts[key] += 1
            line = _line(key, sighting)
            if counts[key] <= MOST_PER_TAG and len(kept) < MOST_SIGHTINGS and len(line) <= room:
                kept.append(line)
                room -= len(line)
        beside = self.path.with_name(f"{self.path.name}.new")
        with suppress(FileNotFoundError):
            beside.unlink()  # left by a console that died in the middle of this
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(b"".join(reversed(kept)))
            file.flush()
            os.fsync(descriptor)
        beside.replace(self.path)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Nobody else writes: the lock is a file of its own, since the data's own file may be replaced.

        Raises:
            TimeoutError: another console holds it for too long.
        """
        lock = self.path.with_name(f"{self.path.name}.lock")
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            deadline = time.monotonic() + LOCK_SECONDS
            while not _taken(descriptor):
                if time.monotonic() > deadline:
                    raise TimeoutError(f"another program holds {lock.name}")
                time.sleep(_LOCK_PAUSE)
            yield
        finally:
            os.close(descriptor)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _line(key: Key, sighting: Sighting) -> bytes:
    repository, tag = key
    record = {
        "repository": repository,
        "tag": tag,
        "digest": sighting.digest,
        "first": sighting.first.isoformat(timespec="seconds"),
        "last": sighting.last.isoformat(timespec="seconds"),
    }
    return json.dumps(record, ensure_ascii=True, separators=(",", ":")).encode("ascii") + b"\n"


def _parsed(line: bytes) -> tuple[Key, Sighting] | None:
    """A line as it was written; None for anything else."""
    if len(line) > MOST_LINE:
        return None
    try:
        record = json.loads(line)
        words = [record[name] for name in ("repository", "tag", "digest", "first", "last")]
        if not all(isinstance(word, str) and word for word in words):
            return None
        repository, tag, digest = words[:3]
        first, last = (datetime.fromisoformat(word) for word in words[3:])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if first.tzinfo is None or last.tzinfo is None or last < first or not _DIGEST.fullmatch(digest):
        return None
    return (repository, tag), Sighting(digest, first.astimezone(UTC), last.astimezone(UTC))
