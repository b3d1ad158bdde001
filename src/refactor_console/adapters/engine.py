"""The Docker Engine API over a local Unix socket, which may be the near end of an SSH forward.

The SDK blocks, so nothing here runs on the event loop: requests go through a small pool of threads of their own, each
endless answer has its own thread (`engine_streams`). Were a blocking call made on the loop that also carries the SSH
forward, both would wait for each other for ever.
"""

from __future__ import annotations

import asyncio
import functools
import json
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypeVar

from refactor_console.adapters import engine_errors, engine_payloads, engine_stats
from refactor_console.adapters.engine_errors import ContainerGone, EngineSaid, EngineUnreachable
from refactor_console.adapters.engine_logs import LogDecoder, since_parameter
from refactor_console.adapters.engine_payloads import EngineEvent
from refactor_console.adapters.engine_stats import Counters
from refactor_console.adapters.engine_streams import Answer, Stream
from refactor_console.domain.containers import Container, ContainerDetails, EngineInfo, ProcessTable
from refactor_console.domain.logs import LogLine
from refactor_console.domain.problem import ConsoleError

if TYPE_CHECKING:
    from refactor_console.adapters.engine_transport import Adapter, Client

T = TypeVar("T")

OLDEST_API = "1.41"
"""Docker 20.10, what Debian 11 and later ship."""
NEWEST_API = "1.45"
"""What the SDK in `pyproject.toml` is made for; a newer Engine is spoken to in its oldest dialect if it must be."""
REQUEST_SECONDS = 10.0
"""Time limit of a request that only reads."""
_SOCKET_SECONDS = 20
_THREADS = 6
_REMEMBERED = 256
_JSON_LIMIT = 4 * 1024 * 1024

Diagnosis = Callable[[], Awaitable[ConsoleError]]


class Engine:
    """One Engine. All methods are for the event loop's thread; every failure is an `EngineError`.

    Args:
        socket_path: a Unix socket on this machine.
        read_only: refuse everything that changes anything, before it is sent.
        diagnose: asked for the better explanation when the socket cannot be used (see `engine_errors.diagnose`).
    """

    def __init__(self, socket_path: str, *, read_only: bool = False, diagnose: Diagnosis | None = None) -> None:
        self._path = socket_path
        self._read_only = read_only
        self._diagnose = diagnose
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="engine")
        self._lock = threading.Lock()
        self._client: Client | None = None
        self._adapter: Adapter | None = None
        self._digests: OrderedDict[str, tuple[str, ...]] = OrderedDict()
        self._terminals: OrderedDict[str, bool] = OrderedDict()
        self._closed = False

    def close(self) -> None:
        """End everything under way at once. Streams are ended by those who opened them."""
        # Without the lock: a thread holds it while it waits for the network, and this is the event loop's thread.
        self._closed = True
        adapter = self._adapter
        if adapter is not None:
            adapter.sockets.abort()
            adapter.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    # Requests that read.

    async def info(self) -> EngineInfo:
        """Version and totals."""
        version = await self._ask("ask for its version", lambda client: client.version(api_version=False))
        info = await self._ask("ask for its state", lambda client: client.info())
        return engine_payloads.parse_info(version, info)

    async def ping(self) -> datetime:
        """The Engine's own time, to the second (the ``Date`` of its answer); ours when it does not say."""
        response = await self._ask("ping it", lambda client: client.checked("/_ping"))
        try:
            return parsedate_to_datetime(response.headers.get("Date", "")).astimezone(UTC)
        except (TypeError, ValueError):
            return datetime.now(UTC)

    async def containers(self) -> tuple[Container, ...]:
        """Every container, inspected; one that goes away meanwhile is left out."""
        listed = await self._ask("list containers", lambda client: client.containers(all=True))
        names = [engine_payloads.text(engine_payloads.mapping(entry).get("Id")) for entry in listed or ()]
        # Not all at once: the time limit of a request runs while it waits for a thread, and others ask meanwhile.
        turns = asyncio.Semaphore(_THREADS - 2)

        async def look(name: str) -> Container | None:
            async with turns:
                return await self._inspect_or_none(name)

        tasks = [asyncio.create_task(look(name)) for name in names if name]
        try:  # not a TaskGroup: it would wrap our errors in an ExceptionGroup that no feed expects
            return tuple(found for found in await asyncio.gather(*tasks) if found is not None)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def inspect(self, container_id: str) -> Container:
        """One container, fresh.

        Raises:
            ContainerGone: there is none with this id.
        """
        payload = await self._inspect(container_id)
        container = engine_payloads.parse_container(payload)
        return engine_payloads.with_digest(container, await self._image_digests(container.image_id))

    async def details(self, container_id: str) -> ContainerDetails:
        """Everything worth showing of one container; secrets are masked before they get here."""
        payload = await self._inspect(container_id)
        details = engine_payloads.parse_details(payload, datetime.now(UTC))
        digests = await self._image_digests(details.container.image_id)
        return engine_payloads.details_with_digest(details, digests)

    async def top(self, container_id: str) -> ProcessTable:
        """The processes of a running container."""
        what = f"list the processes of {container_id[:12]}"
        return engine_payloads.parse_top(await self._ask(what, lambda client: client.top(container_id)))

    # Requests that change something.

    async def restart(self, container_id: str, grace_seconds: int) -> None:
        """Stop (SIGTERM, then SIGKILL after `grace_seconds`) and start it; returns when the Engine says it is done."""
        await self._change(
            f"restart {container_id[:12]}",
            lambda client: client.restart(container_id, timeout=grace_seconds),
            grace_seconds,
        )

    async def stop(self, container_id: str, grace_seconds: int) -> None:
        """Stop it; done at once when it does not run."""
        await self._change(
            f"stop {container_id[:12]}", lambda client: client.stop(container_id, timeout=grace_seconds), grace_seconds
        )

    async def start(self, container_id: str) -> None:
        """Start an existing container; done at once when it runs."""
        await self._change(f"start {container_id[:12]}", lambda client: client.start(container_id), 0)

    # Endless answers.

    @asynccontextmanager
    async def events(self, since: datetime | None = None) -> AsyncIterator[Stream[EngineEvent]]:
        """Events of containers from `since` on (the Engine keeps its last 256)."""
        params: dict[str, str] = {"filters": json.dumps({"type": ["container"]})}
        if since is not None:
            params["since"] = since_parameter(int(since.timestamp()) * 1_000_000_000)
        what = "follow its events"
        parse = _JsonLines(what, engine_payloads.parse_event)
        async with self._stream(what, "/events", params, parse) as stream:
            yield stream

    @asynccontextmanager
    async def stats(self, container_id: str) -> AsyncIterator[Stream[Counters]]:
        """Counters of one container, about once a second while it runs."""
        what = f"follow the statistics of {container_id[:12]}"
        parse = _JsonLines(what, engine_stats.parse_counters)
        async with self._stream(what, f"/containers/{container_id}/stats", {"stream": "1"}, parse) as stream:
            yield stream

    @asynccontextmanager
    async def logs(
        self, container_id: str, *, since_ns: int | None = None, tail: int | None = None, follow: bool = True
    ) -> AsyncIterator[LogStream]:
        """Lines of one container's log, standard output and error.

        Args:
            container_id: whose.
            since_ns: lines of this time (nanoseconds since the epoch) and later; all when None.
            tail: so many of the last entries at most; all when None.
            follow: stay and wait for more until the container ends.
        """
        params = {"stdout": "1", "stderr": "1", "timestamps": "1", "follow": "1" if follow else "0"}
        params["tail"] = "all" if tail is None else str(tail)
        if since_ns is not None:
            params["since"] = since_parameter(since_ns)
        what = f"follow the log of {container_id[:12]}"
        decoder = LogDecoder(terminal=await self._has_terminal(container_id))
        async with self._stream(what, f"/containers/{container_id}/logs", params, decoder.feed) as stream:
            yield LogStream(stream, decoder)

    # Below: how.

    async def _inspect_or_none(self, container_id: str) -> Container | None:
        try:
            return await self.inspect(container_id)
        except ContainerGone:
            return None

    async def _inspect(self, container_id: str) -> Any:
        what = f"inspect {container_id[:12]}"
        return await self._ask(what, lambda client: client.inspect_container(container_id))

    async def _image_digests(self, image_id: str) -> tuple[str, ...]:
        """Under which digests registries serve an image; remembered, because an image never changes."""
        if not image_id:
            return ()
        known = self._digests.get(image_id)
        if known is None:
            try:
                payload = await self._ask(
                    "inspect an image",
                    lambda client: client.inspect_image(image_id),  # type: ignore[no-untyped-call]
                )
                known = engine_payloads.parse_image_digests(payload)
            except EngineSaid:
                known = ()  # removed by force under a running container: the digest is then simply not known
            _remember(self._digests, image_id, known)
        return known

    async def _has_terminal(self, container_id: str) -> bool:
        known = self._terminals.get(container_id)
        if known is None:
            known = engine_payloads.has_terminal(await self._inspect(container_id))
            _remember(self._terminals, container_id, known)
        return known

    async def _change(self, what: str, request: Callable[[Client], Any], grace_seconds: int) -> None:
        if self._read_only:
            raise engine_errors.read_only(what)
        await self._ask(what, request, limit=grace_seconds + _SOCKET_SECONDS, mutates=True)

    async def _ask(
        self, what: str, request: Callable[[Client], T], *, limit: float = REQUEST_SECONDS, mutates: bool = False
    ) -> T:
        """Run one request in a thread, with a time limit and its errors explained."""
        if self._closed:
            raise engine_errors.cut(what, "the console closed this connection")
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(limit):
                return await loop.run_in_executor(
                    self._threads, functools.partial(self._request, what, request, mutates)
                )
        except TimeoutError as error:
            raise engine_errors.timed_out(what, limit) from error
        except EngineUnreachable as error:
            raise await self._explained(error) from error

    def _request(self, what: str, request: Callable[[Client], T], mutates: bool) -> T:
        """In a thread: the request, its errors translated."""
        client = self._opened(what)
        with client.translating(what, mutates=mutates):
            return request(client)

    def _opened(self, what: str) -> Client:
        """In a thread: the SDK's client, imported and its API version negotiated at first use."""
        # 0.1 s to import, not before the first frame.
        from refactor_console.adapters.engine_transport import Adapter, open_client  # noqa: PLC0415

        with self._lock:
            client = self._client
            if client is None:
                adapter = self._adapter = Adapter(self._path, read_only=self._read_only)
                if self._closed:  # `close` may have looked a moment before
                    adapter.sockets.abort()
                client = self._client = open_client(adapter, what, (OLDEST_API, NEWEST_API), _SOCKET_SECONDS)
        return client

    async def _explained(self, error: EngineUnreachable) -> ConsoleError:
        """The better explanation; the Engine may come back as another version, so that is asked anew."""
        if self._client is not None and self._adapter is not None:
            self._adapter.close()  # its idle connections; the next request makes another one
        self._client = None
        return error if self._diagnose is None else await self._diagnose()

    @asynccontextmanager
    async def _stream(
        self, what: str, path: str, params: dict[str, str], parse: Callable[[bytes], list[T]]
    ) -> AsyncIterator[Stream[T]]:
        answer: Answer = await self._ask(what, lambda client: client.answer(what, path, params))
        stream = Stream(what, answer, parse)
        try:
            await stream.__aenter__()
        except EngineUnreachable as error:
            raise await self._explained(error) from error
        try:
            yield stream
        finally:
            await stream.__aexit__(None, None, None)


class LogStream:
    """The lines of one container's log as they come."""

    def __init__(self, stream: Stream[LogLine], decoder: LogDecoder) -> None:
        self._stream = stream
        self._decoder = decoder

    async def take(self) -> list[LogLine]:
        """All complete lines that have come, waiting for the first; empty at the orderly end.

        Raises:
            EngineError: the stream broke; what was taken before is complete.
        """
        return await self._stream.take()

    def rest(self) -> list[LogLine]:
        """After the orderly end of a log that is known to be complete: a last line without a line break."""
        return self._decoder.finish()

    def take_unreadable(self) -> int:
        """How many entries had no readable time since this was last asked."""
        count, self._decoder.unreadable = self._decoder.unreadable, 0
        return count


class _JsonLines:
    """Parses a stream of JSON objects, one a line."""

    def __init__(self, what: str, parse: Callable[[object], T | None]) -> None:
        self._what = what
        self._parse: Callable[[object], Any] = parse
        self._rest = b""

    def __call__(self, chunk: bytes) -> list[Any]:
        """The items complete now.

        Raises:
            EngineMalformed: a line is not JSON, or has no end.
        """
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > _JSON_LIMIT:
            raise engine_errors.malformed(self._what, repr(self._rest[:200]))
        found = []
        for line in lines:
            if not line.strip():
                continue
            try:
                payload = json.loads(line)
            except ValueError as error:
                raise engine_errors.malformed(self._what, repr(line[:200])) from error
            item = self._parse(payload)
            if item is not None:
                found.append(item)
        return found


def _remember(memory: OrderedDict[str, Any], key: str, value: object) -> None:
    memory[key] = value
    while len(memory) > _REMEMBERED:
        memory.popitem(last=False)
