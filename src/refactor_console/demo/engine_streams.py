"""What the Engine sends as long as one listens: events, logs and stats."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import AsyncGenerator
from typing import Any

from refactor_console.demo.clock import SECOND, rfc3339, rfc3339_fixed
from refactor_console.demo.containers import Container, LogRecord
from refactor_console.demo.engine import Engine, Event
from refactor_console.demo.engine_http import Request
from refactor_console.demo.images import Json
from refactor_console.demo.vitals import Vitals

_BATCH = 1000
"""Log records joined into one chunk of the answer."""


class ApiError(Exception):
    """A request is refused with this status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def moment(text: str) -> int | None:
    """``since`` and ``until``: seconds since the epoch with up to nine digits of fraction; None for none.

    Raises:
        ApiError: when it is not such a number.
    """
    if text in ("", "0"):
        return None
    seconds, _, fraction = text.partition(".")
    try:
        return int(seconds) * SECOND + int(fraction[:9].ljust(9, "0") if fraction else 0)
    except ValueError:
        raise ApiError(500, f'strconv.ParseInt: parsing "{seconds}": invalid syntax') from None


def parse_filters(text: str) -> dict[str, list[str]]:
    """The ``filters`` parameter: ``{"label": ["a=b"]}`` or the older ``{"label": {"a=b": true}}``.

    Raises:
        ApiError: when it is neither.
    """
    if not text:
        return {}
    try:
        values = json.loads(text)
        return {str(name): [str(value) for value in wanted] for name, wanted in values.items()}
    except (ValueError, AttributeError, TypeError):
        raise ApiError(400, "invalid filter") from None


# Events -----------------------------------------------------------------------------------------------------------


def event_stream(engine: Engine, request: Request) -> AsyncGenerator[bytes, None]:
    """``GET /events``: what was from `since` on, then what happens, up to `until`."""
    since, until = moment(request.query.get("since", "")), moment(request.query.get("until", ""))
    if since is not None and until is not None and until < since:
        times = f"`since` time ({since // SECOND}) cannot be after `until` time ({until // SECOND})"
        raise ApiError(400, times)
    filters = parse_filters(request.query.get("filters", ""))
    # The place is taken here and not at the first `anext`: nothing that happens from now on is missed.
    position = engine.events.end
    past = [] if since is None and until is None else engine.events.items()
    kept = [e for e in past if (since is None or e.time_ns >= since) and (until is None or e.time_ns <= until)]
    return _events(engine, [e for e in kept if event_passes(e, filters)], position, until, filters)


async def _events(
    engine: Engine, past: list[Event], position: int, until: int | None, filters: dict[str, list[str]]
) -> AsyncGenerator[bytes, None]:
    yield b"".join(event.to_json() for event in past)
    remaining = None if until is None else (until - engine.clock.now()) / SECOND
    try:
        async with asyncio.timeout(remaining):
            while remaining is None or remaining > 0:
                await engine.events.wait(position)
                news = engine.events.since(position)
                position = engine.events.end
                yield b"".join(event.to_json() for event in news if event_passes(event, filters))
    except TimeoutError:
        return


def event_passes(event: Event, filters: dict[str, list[str]]) -> bool:
    """Whether an event is asked for (``daemon/events/filter.go``)."""
    for name, wanted in filters.items():
        match name:
            case "type":
                found = event.kind in wanted
            case "event":
                found = any(event.action == w or event.action.startswith(f"{w}:") for w in wanted)
            case "container":
                own = (event.actor, event.attributes.get("name", ""))
                found = event.kind == "container" and any(w in own or event.actor.startswith(w) for w in wanted)
            case "image":
                found = event.attributes.get("image", "") in wanted
            case "label":
                pairs = (w.partition("=") for w in wanted)
                found = all(
                    event.attributes.get(k) is not None and (not e or event.attributes[k] == v) for k, e, v in pairs
                )
            case "scope":
                found = "local" in wanted
            case _:
                found = True
        if not found:
            return False
    return True


# Logs -------------------------------------------------------------------------------------------------------------


def select(records: list[LogRecord], *, tail: int | None, since: int | None, until: int | None) -> list[LogRecord]:
    """The records of ``GET /logs`` that are there already: the last `tail` first, then those within the times."""
    if tail is not None:
        records = records[-tail:] if tail else []
    return [r for r in records if (since is None or r.time_ns >= since) and (until is None or r.time_ns <= until)]


def frame(record: LogRecord, *, timestamps: bool) -> bytes:
    """A record as a multiplexed frame: stream, three zeros, length, payload."""
    payload = record.data
    if timestamps:
        payload = rfc3339_fixed(record.time_ns).encode() + b" " + payload
    return struct.pack(">BxxxL", record.stream, len(payload)) + payload


def log_stream(container: Container, request: Request, engine: Engine) -> AsyncGenerator[bytes, None]:
    """``GET /containers/{id}/logs``; one that follows ends with the container's run."""
    streams = {number for number, name in ((1, "stdout"), (2, "stderr")) if request.flag(name)}
    if not streams:
        raise ApiError(400, "Bad parameters: you must choose at least one stream")
    text = request.query.get("tail", "all")
    tail = int(text) if text.isascii() and text.isdigit() else None
    since, until = moment(request.query.get("since", "")), moment(request.query.get("until", ""))
    follow = request.flag("follow") and container.running
    past = select(container.log.items(), tail=tail, since=since, until=until)
    position = container.log.end
    return _logs(
        container, [r for r in past if r.stream in streams], position, container.run if follow else None,
        streams=streams, timestamps=request.flag("timestamps"), since=since, until=until, engine=engine,
    )  # fmt: skip


async def _logs(
    container: Container,
    past: list[LogRecord],
    position: int,
    run: int | None,
    *,
    streams: set[int],
    timestamps: bool,
    since: int | None,
    until: int | None,
    engine: Engine,
) -> AsyncGenerator[bytes, None]:
    for start in range(0, len(past), _BATCH):
        yield b"".join(frame(r, timestamps=timestamps) for r in past[start : start + _BATCH])
    if run is None:
        return
    over = asyncio.ensure_future(container.wait_run_over(run))
    remaining = None if until is None else max(0.0, (until - engine.clock.now()) / SECOND)
    try:
        async with asyncio.timeout(remaining):
            while True:
                more = asyncio.ensure_future(container.log.wait(position))
                try:
                    await asyncio.wait((more, over), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    more.cancel()
                ended = over.done()
                news = select(container.log.since(position), tail=None, since=since, until=until)
                position = container.log.end
                for start in range(0, len(news), _BATCH):
                    page = news[start : start + _BATCH]
                    yield b"".join(frame(r, timestamps=timestamps) for r in page if r.stream in streams)
                if ended:
                    return
    except TimeoutError:
        return
    finally:
        over.cancel()


# Stats ------------------------------------------------------------------------------------------------------------


class Collector:
    """Takes a sample of every container that somebody watches, once a second, for all its watchers at once."""

    def __init__(self, engine: Engine, vitals: Vitals) -> None:
        self._engine = engine
        self._vitals = vitals
        self._watchers: dict[asyncio.Queue[Json], Container] = {}
        self._task: asyncio.Task[None] | None = None

    def watch(self, container: Container) -> asyncio.Queue[Json]:
        """A queue that gets each new sample; a watcher that does not read it misses samples."""
        queue: asyncio.Queue[Json] = asyncio.Queue(2)
        self._watchers[queue] = container
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._collect())
        return queue

    def leave(self, queue: asyncio.Queue[Json]) -> None:
        """Nobody reads this queue any more."""
        self._watchers.pop(queue, None)
        if not self._watchers and self._task is not None:
            self._task.cancel()
            self._task = None

    def sample(self, container: Container) -> Json:
        """The container's use now; nearly nothing when it does not run."""
        if not container.running:
            return {}
        self._vitals.advance(list(self._engine.running()))
        return self._vitals.sample(container)

    async def _collect(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            self._vitals.advance(list(self._engine.running()))
            samples: dict[str, Json] = {}
            for queue, container in list(self._watchers.items()):
                if container.id not in samples:
                    samples[container.id] = self._vitals.sample(container) if container.running else {}
                if not queue.full():
                    queue.put_nowait(samples[container.id])
            due = max(due + 1.0, loop.time())
            await asyncio.sleep(due - loop.time())


def stats_stream(collector: Collector, container: Container, request: Request) -> AsyncGenerator[bytes, None] | bytes:
    """``GET /containers/{id}/stats``: a line a second, or one answer (``stream=0``; at once with ``one-shot``)."""
    if request.flag("stream", True):
        return _samples(collector, container)
    if request.flag("one-shot") or not container.running:
        return stats_line(container, collector.sample(container), None)
    return _difference(collector, container)


async def _difference(collector: Collector, container: Container) -> AsyncGenerator[bytes, None]:
    before = collector.sample(container)
    await asyncio.sleep(1.0)
    yield stats_line(container, collector.sample(container), before or None)


async def _samples(collector: Collector, container: Container) -> AsyncGenerator[bytes, None]:
    queue = collector.watch(container)
    before: Json | None = None
    try:
        while True:
            now = await queue.get()
            yield stats_line(container, now, before)
            before = now or None
    finally:
        collector.leave(queue)


_NOTHING_BEFORE: Json = {
    "cpu_usage": {"total_usage": 0, "usage_in_kernelmode": 0, "usage_in_usermode": 0},
    "throttling_data": {"periods": 0, "throttled_periods": 0, "throttled_time": 0},
}
_NO_BLOCK_IO: Json = dict.fromkeys(
    (
        "io_service_bytes_recursive", "io_serviced_recursive", "io_queue_recursive", "io_service_time_recursive",
        "io_wait_time_recursive", "io_merged_recursive", "io_time_recursive", "sectors_recursive",
    )
)  # fmt: skip


def stats_line(container: Container, now: Json, before: Json | None) -> bytes:
    """One ``ContainerStats``; that of a container that does not run has a name and zeros."""
    values: dict[str, Any] = {"read": rfc3339(0), "preread": before["read"] if before else rfc3339(0)}
    empty: Json = {
        "pids_stats": {},
        "blkio_stats": _NO_BLOCK_IO,
        "num_procs": 0,
        "storage_stats": {},
        "cpu_stats": _NOTHING_BEFORE,
        "memory_stats": {},
    }
    values |= now or empty
    values["precpu_stats"] = before["cpu_stats"] if before else _NOTHING_BEFORE
    values |= {"name": f"/{container.name}", "id": container.id}
    return json.dumps(values, separators=(",", ":")).encode() + b"\n"
