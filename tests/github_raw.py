"""A GitHub that sends exactly the bytes a test wants: damaged, late, cut, or hostile.

Everything well-behaved is tested against the demo world's GitHub; this server is for what that one never does.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from refactor_console.adapters.github import GitHub
from refactor_console.adapters.github_answers import Patience
from refactor_console.adapters.github_cache import AnswerCache
from refactor_console.domain.account import Credential, Secret, TokenSource
from refactor_console.domain.repos import Repository

REPOSITORY = Repository("o", "n")
RUNS = "/repos/o/n/actions/runs"
CALM = Patience(wait=0.01)
"""The real time limits, but repetitions come at once."""
HASTY = Patience(connect=2.0, read=0.3, whole=1.0, log=1.0, attempts=2, wait=0.01)
"""For tests that wait time limits out."""


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return {key: values[-1] for key, values in parse_qs(urlsplit(self.target).query).items()}


@dataclass(frozen=True)
class Reply:
    """Bytes to send, and what to do after them."""

    data: bytes
    hang: bool = False
    """Keep the connection open and say nothing more."""


def reply(
    status: int = 200,
    payload: Any = None,
    *,
    body: bytes | None = None,
    kind: str = "application/json; charset=utf-8",
    length: int | None = None,
    hang: bool = False,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """A reply with a true Content-Length, unless another is asked for."""
    content = body if body is not None else b"" if payload is None else json.dumps(payload).encode()
    head = {
        "Content-Type": kind,
        "Content-Length": str(len(content) if length is None else length),
        "Connection": "close",
        "X-GitHub-Request-Id": "ABCD:1234",
        **(headers or {}),
    }
    if status in (204, 304):
        del head["Content-Length"]
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in head.items() if value)]
    return Reply("\r\n".join(lines).encode() + b"\r\n\r\n" + content, hang)


def limits(remaining: int = 4000, *, reset: datetime | None = None, limit: int = 5000, **more: str) -> dict[str, str]:
    """The rate-limit headers."""
    end = reset or datetime.now(UTC) + timedelta(minutes=30)
    return {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset": str(int(end.timestamp())),
        "X-RateLimit-Resource": "core",
        **more,
    }


def run(number: int = 1, **fields: Any) -> dict[str, Any]:
    """A workflow run as far as the console reads it."""
    return {
        "id": number,
        "workflow_id": 7,
        "name": "Build",
        "run_number": number,
        "run_attempt": 1,
        "display_title": "A title",
        "head_branch": "main",
        "head_sha": "a" * 40,
        "event": "push",
        "status": "completed",
        "conclusion": "success",
        "actor": {"login": "olga"},
        "created_at": "2026-11-24T00:00:00Z",
        "run_started_at": "2026-11-24T00:00:01Z",
        "updated_at": "2026-11-24T00:05:00Z",
        "html_url": "https://github.com/o/n/actions/runs/1",
        "path": ".github/workflows/build.yml",
        "pull_requests": [],
        **fields,
    }


def runs(*items: Any) -> dict[str, Any]:
    """The answer of the list of runs."""
    return {"total_count": len(items), "workflow_runs": list(items)}


Script = Callable[[Asked], Reply]


@dataclass
class RawGitHub:
    """Answers by path, in the order given; the last reply for a path is repeated."""

    port: int = 0
    scheme: str = "http"
    asked: list[Asked] = field(default_factory=list)
    scripts: dict[str, list[Reply | Script]] = field(default_factory=dict)
    _open: set[asyncio.Task[None]] = field(default_factory=set)
    _server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def on(self, path: str, *replies: Reply | Script) -> None:
        """What to answer to requests for a path (without query)."""
        self.scripts[path] = list(replies)

    def count(self, path: str) -> int:
        return sum(1 for asked in self.asked if asked.path == path)

    async def start(self, tls: ssl.SSLContext | None = None) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]
        self.scheme = "http" if tls is None else "https"

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in tuple(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            await self._talk(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._open.discard(task)
            with suppress(OSError):
                writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ", 2)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:-2])}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        asked = Asked(method, target, headers, body)
        self.asked.append(asked)
        script = self.scripts.get(asked.path) or [reply(404, {"message": "Not Found"})]
        chosen = script.pop(0) if len(script) > 1 else script[0]
        answer = chosen(asked) if callable(chosen) else chosen
        writer.write(answer.data)
        await writer.drain()
        if answer.hang:
            await asyncio.Event().wait()


@asynccontextmanager
async def raw_github(tls: ssl.SSLContext | None = None) -> AsyncIterator[RawGitHub]:
    """A running server."""
    server = RawGitHub()
    await server.start(tls)
    try:
        yield server
    finally:
        await server.stop()


def credential(token: str = "ghp_first") -> Credential:
    return Credential(Secret(token), TokenSource.ENVIRONMENT, "GH_TOKEN")


@asynccontextmanager
async def client(
    server: RawGitHub | str,
    token: str | None = "ghp_first",
    *,
    read_only: bool = False,
    patience: Patience = CALM,
    cache: AnswerCache | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> AsyncIterator[GitHub]:
    """The adapter, asking that server."""
    url = server if isinstance(server, str) else server.url
    held = None if token is None else credential(token)
    github = GitHub(url, held, read_only=read_only, clock=clock, cache=cache, patience=patience)
    try:
        yield github
    finally:
        await github.close()
