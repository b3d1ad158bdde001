"""Endless answers of the Engine (events, statistics, logs): one thread each, handed to the event loop in batches.

The thread reads and parses; the loop takes what has come. A full hand-over blocks the thread, and with it the Engine:
nothing is dropped. Leaving the ``async with`` shuts the socket down, which ends the thread at once, also while it waits
for the first byte.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Iterable
from types import TracebackType
from typing import Generic, Protocol, TypeVar

from refactor_console.adapters import engine_errors
from refactor_console.domain.problem import ConsoleError, Problem

T = TypeVar("T")
OPEN_SECONDS = 15.0
"""Until the Engine has to begin its answer."""
_ITEMS = 8_192
_BYTES = 8 * 1024 * 1024
_JOIN_SECONDS = 3.0


class Answer(Protocol):
    """A request that is being answered.

    `open` and `chunks` block, are called in the stream's thread, and raise nothing but `ConsoleError`.
    """

    def open(self) -> None:
        """Send the request and wait for the answer to begin."""

    def chunks(self) -> Iterable[bytes]:
        """The body's bytes as they arrive, until its orderly end."""

    def abort(self) -> None:
        """End `open` or `chunks` at once; called from any thread."""

    def close(self) -> None:
        """Give the connection back; called in the stream's thread at the end."""


class _HandOver(Generic[T]):
    """A bounded buffer between one thread and the event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._room = threading.Condition()
        self._items: list[T] = []
        self._weight = 0
        self._ended = False
        self._closed = False
        self._error: ConsoleError | None = None
        self._arrived = asyncio.Event()

    def put(self, items: list[T], weight: int) -> bool:
        """Thread side: wait for room, then hand over; False when nobody wants it any more."""
        with self._room:
            self._room.wait_for(lambda: self._closed or (len(self._items) < _ITEMS and self._weight < _BYTES))
            if self._closed:
                return False
            wake = not self._items
            self._items.extend(items)
            self._weight += weight
        return self._wake() if wake else True

    def end(self, error: ConsoleError | None) -> None:
        """Thread side: nothing more will come."""
        with self._room:
            self._ended = True
            self._error = error
        self._wake()

    def close(self) -> None:
        """Loop side: nobody listens any more."""
        with self._room:
            self._closed = True
            self._items.clear()
            self._room.notify_all()

    async def take(self) -> list[T]:
        """Loop side: all there is, waiting for the first; empty at the orderly end.

        Raises:
            ConsoleError: what ended the stream, after everything before it was taken.
        """
        while True:
            with self._room:
                if self._items:
                    items, self._items, self._weight = self._items, [], 0
                    self._room.notify_all()
                    return items
                if self._ended:
                    if self._error is not None:
                        raise self._error
                    return []
                self._arrived.clear()
            await self._arrived.wait()

    def _wake(self) -> bool:
        try:
            self._loop.call_soon_threadsafe(self._arrived.set)
        except RuntimeError:  # the loop is closed: the program is ending
            return False
        return True


class Stream(Generic[T]):
    """One endless answer: ``async with stream: async for batch in stream``."""

    def __init__(
        self, what: str, answer: Answer, parse: Callable[[bytes], list[T]], open_seconds: float = OPEN_SECONDS
    ) -> None:
        """Prepare; nothing happens before ``async with``.

        Args:
            what: what is tried, for error sentences and the thread's name.
            answer: the request.
            parse: turns a piece of the body into items; called in the thread, raises `ConsoleError` only.
            open_seconds: until the answer has to begin.
        """
        self._what = what
        self._answer = answer
        self._parse = parse
        self._open_seconds = open_seconds

    async def __aenter__(self) -> Stream[T]:
        """Start the thread and wait until the answer has begun.

        Raises:
            ConsoleError: the request failed.
        """
        loop = asyncio.get_running_loop()
        self._begun: asyncio.Future[ConsoleError | None] = loop.create_future()
        self._done = asyncio.Event()
        self._buffer: _HandOver[T] = _HandOver(loop)
        thread = threading.Thread(target=self._run, args=(loop,), name=f"engine: {self._what}", daemon=True)
        thread.start()
        error: ConsoleError | None
        opened = False
        try:
            async with asyncio.timeout(self._open_seconds):
                error = await self._begun
            opened = error is None
        except TimeoutError:
            error = engine_errors.timed_out(self._what, self._open_seconds)
        finally:
            if not opened:
                await self._end()
        if error is not None:
            raise error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the thread and give the connection back."""
        await self._end()

    async def take(self) -> list[T]:
        """All items that have come, waiting for the first; empty at the orderly end.

        Raises:
            ConsoleError: the stream broke.
        """
        return await self._buffer.take()

    async def __aiter__(self) -> AsyncIterator[list[T]]:
        """Batches until the orderly end."""
        while batch := await self._buffer.take():
            yield batch

    async def _end(self) -> None:
        self._answer.abort()
        self._buffer.close()
        with contextlib.suppress(TimeoutError):  # a daemon thread that holds nothing but itself
            async with asyncio.timeout(_JOIN_SECONDS):
                await self._done.wait()

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        """The thread: open, read, parse, hand over."""
        # What stays when something raises that nobody foresaw: the stream must never seem to end in good order then.
        error: ConsoleError | None = ConsoleError(
            Problem(f"The console failed while it tried to {self._what}.", "Please report this.", code="console-bug")
        )
        begun = False
        try:
            self._answer.open()
            begun = True
            self._tell(loop, None)
            for chunk in self._answer.chunks():
                items = self._parse(chunk)
                if items and not self._buffer.put(items, len(chunk)):
                    break
            error = None
        except ConsoleError as told:
            error = told
        finally:
            if not begun:
                self._tell(loop, error)
            self._buffer.end(error)
            self._answer.close()
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
                loop.call_soon_threadsafe(self._done.set)

    def _tell(self, loop: asyncio.AbstractEventLoop, error: ConsoleError | None) -> None:
        def tell() -> None:
            if not self._begun.done():
                self._begun.set_result(error)

        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(tell)
