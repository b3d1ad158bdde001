"""Reads what image digests hold, in the background: a few at a time, the most wanted first, each once.

Order: what tags that move point to; the release repositories, tagged and untagged; the newest of every branch; the
rest; at last what is needed only to count what belongs to nothing. Bounds: `WORKERS` requests at once, `MOST_DETAILS`
digests in memory over all repositories; whoever is beyond them is read when somebody looks closer.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

from refactor_console.adapters.registry_api import RegistryApi
from refactor_console.adapters.registry_errors import (
    RegistryBadAnswer,
    RegistryLimited,
    RegistryNotFound,
    RegistryRefused,
)
from refactor_console.domain.images import ImageTag
from refactor_console.domain.problem import ConsoleError
from refactor_console.services.feed import Backoff, Waker
from refactor_console.services.image_shelf import Shelf, is_index

WORKERS = 4
MOST_DETAILS = 6_000
FIRST_TAGS = 100
"""So many of a branch's newest tags come before anybody's older ones."""
LONGEST_PAUSE = 60.0
_NOT_THE_DIGEST = ("realm-refused", "redirect-refused")
"""Codes of problems that another digest of the same repository would have as well."""
_GONE = ("gone", "not-found")
"""Codes of the registry's word that there is no such thing."""


@dataclass(order=True)
class _Item:
    """One digest (or tag without a known digest) to read."""

    stage: int
    age: float
    """Smaller is newer."""
    number: int
    shelf: Shelf = field(compare=False)
    reference: str = field(compare=False)


class Filler:
    """Fills the shelves."""

    def __init__(
        self,
        registry: Callable[[], Awaitable[RegistryApi]],
        shelves: Callable[[], tuple[Shelf, ...]],
        changed: Callable[[], None],
        *,
        backoff: Backoff | None = None,
    ) -> None:
        """Nothing is asked before `run`.

        Args:
            registry: gives the client for the present credential.
            shelves: all there are now.
            changed: called after each thing learnt.
            backoff: how long to wait after the registry could not be asked.
        """
        self._registry = registry
        self._shelves = shelves
        self._changed = changed
        self._backoff = backoff or Backoff(limit=LONGEST_PAUSE)
        self._waker = Waker()
        self._more = asyncio.Event()
        self._failures = 0
        self._skipped: set[int] = set()
        self._under_way: set[tuple[int, str]] = set()

    def refill(self) -> None:
        """The shelves were listed anew: look again for what is missing, also where the registry refused."""
        self._skipped.clear()
        self._more.set()
        self._waker.wake()

    async def run(self) -> None:
        """Read for ever."""
        while True:
            self._more.clear()
            queue = list(self._missing())
            if not queue:
                await self._more.wait()
                continue
            for stage in sorted({item.stage for item in queue}):
                if not self._more.is_set():
                    await self._read_stage([item for item in queue if item.stage == stage], stage)

    async def _read_stage(self, items: list[_Item], stage: int) -> None:
        heapq.heapify(items)
        # What carries no tag may be a part of the index next to it: one after the other, so that none is read for
        # nothing.
        count = 1 if stage in _LOOSE else WORKERS
        workers = [asyncio.create_task(self._work(items)) for _ in range(count)]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.wait(workers)

    def _missing(self) -> Iterator[_Item]:
        shelves = self._shelves()
        if sum(shelf.details_held for shelf in shelves) >= MOST_DETAILS:
            return
        for shelf in shelves:
            if id(shelf) not in self._skipped:
                for stage, age, reference in _wanted_of(shelf):
                    if not shelf.known(reference):
                        yield _Item(stage, age, len(reference), shelf, reference)

    async def _work(self, queue: list[_Item]) -> None:
        while queue and not self._more.is_set():
            item = heapq.heappop(queue)
            shelf, key = item.shelf, (id(item.shelf), item.reference)
            if key in self._under_way or id(shelf) in self._skipped or shelf.known(item.reference):
                continue
            if item.stage in _LOOSE and shelf.is_part(item.reference):
                continue
            if sum(one.details_held for one in self._shelves()) >= MOST_DETAILS:
                return
            self._under_way.add(key)
            try:
                await self._read(item)
            except ConsoleError as error:
                await self._failed(error, item, queue)
            else:
                self._failures = 0
                shelf.unread = None
            finally:
                self._under_way.discard(key)
            self._changed()

    async def _read(self, item: _Item) -> None:
        registry = await self._registry()
        repository = item.shelf.repository
        if item.stage == _ATTESTATIONS:
            item.shelf.learn_parts(item.reference, await registry.children(repository, item.reference))
            return
        details = await registry.details(repository, item.reference)
        children = await registry.children(repository, details.digest) if is_index(details.media_type) else ()
        item.shelf.learn(item.reference, details, children)

    async def _failed(self, error: ConsoleError, item: _Item, queue: list[_Item]) -> None:
        """One digest is lost, one repository is closed, or the registry is away."""
        about_digest = isinstance(error, RegistryNotFound | RegistryBadAnswer)
        if about_digest and error.problem.code not in _NOT_THE_DIGEST:
            item.shelf.cannot_read(item.reference, error.problem, gone=error.problem.code in _GONE)
            return
        item.shelf.unread = error.problem
        if isinstance(error, RegistryRefused) or about_digest:
            self._skipped.add(id(item.shelf))
            return
        self._changed()
        self._failures += 1
        wait = self._backoff.seconds(self._failures)
        if isinstance(error, RegistryLimited):
            wait = min(max(wait, error.wait), LONGEST_PAUSE)
        heapq.heappush(queue, item)
        await self._waker.wait(wait)


_ATTESTATIONS = 6
_LOOSE = (2, 5)


def _wanted_of(shelf: Shelf) -> Iterator[tuple[int, float, str]]:
    """Stage, age and reference of everything on a shelf that could be read, in no order."""
    release = shelf.repository.path == shelf.source.full_name.lower()
    for place, row in enumerate(shelf.rows):
        stage = 0 if row.moving else 1 if release else 3 if place < FIRST_TAGS else 4
        yield stage, _age(row, place), row.digest or row.tag
    for version in shelf.loose_versions():
        yield 2 if release else 5, -version.created_at.timestamp(), version.digest
    for version in shelf.attestation_versions():
        yield _ATTESTATIONS, -version.created_at.timestamp(), version.digest


def _age(row: ImageTag, place: int) -> float:
    return -row.created_at.timestamp() if row.created_at is not None else float(place)
