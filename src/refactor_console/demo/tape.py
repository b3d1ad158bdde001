"""A bounded, append-only sequence that can be followed: the journal, a container's log and the Engine's events."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Generic, TypeVar

T = TypeVar("T")


class Tape(Generic[T]):
    """Items numbered from 0; the oldest are dropped once there are more than `bound`."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._items: list[T] = []
        self._first = 0
        self._waiters: set[asyncio.Future[None]] = set()

    @property
    def first(self) -> int:
        """Number of the oldest item kept."""
        return self._first

    @property
    def end(self) -> int:
        """Number that the next item will get."""
        return self._first + len(self._items)

    def append(self, item: T) -> None:
        """Add one item and wake those who wait."""
        self.extend((item,))

    def extend(self, items: Iterable[T]) -> None:
        """Add items in order and wake those who wait."""
        self._items.extend(items)
        excess = len(self._items) - self._bound
        if excess > self._bound // 8:  # dropped in slices: cutting a list's head costs its whole length
            del self._items[:excess]
            self._first += excess
        waiters, self._waiters = self._waiters, set()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def since(self, number: int) -> list[T]:
        """The items from `number` on that are still kept."""
        return self._items[max(0, number - self._first) :]

    def items(self) -> list[T]:
        """All items; the list itself, not to be changed."""
        return self._items

    def clear(self) -> None:
        """Forget every item; numbers go on."""
        self._first = self.end
        self._items.clear()

    async def wait(self, number: int) -> None:
        """Return once there is an item with this number or a later one."""
        while self.end <= number:
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.add(waiter)
            try:
                await waiter
            finally:
                self._waiters.discard(waiter)
