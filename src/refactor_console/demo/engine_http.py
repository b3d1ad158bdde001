"""A small HTTP/1.1 server on a Unix socket: as much as the demo world's clients use, with bounds on what it reads."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

_HEAD_LIMIT = 64 * 1024
_BODY_LIMIT = 1024 * 1024
_REASONS = {
    200: "OK",
    201: "Created",
    202: "Accepted",
    204: "No Content",
    302: "Found",
    304: "Not Modified",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    410: "Gone",
    422: "Unprocessable Entity",
    429: "Too Many Requests",
    500: "Internal Server Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
}


@dataclass(frozen=True, slots=True)
class Request:
    """One request."""

    method: str
    path: str
    query: dict[str, str]
    body: bytes
    keep_alive: bool
    target: str = ""
    """The path as it came, percent-encoded, without the query."""
    headers: dict[str, str] = field(default_factory=dict)
    """Names in lower case."""

    def flag(self, name: str, default: bool = False) -> bool:
        """A truth value as the Engine reads it (``httputils.BoolValue``)."""
        if name not in self.query:
            return default
        return self.query[name].strip().lower() not in ("", "0", "no", "false", "none")


@dataclass(frozen=True, slots=True)
class Response:
    """One answer; `stream` is sent in chunks as it comes, whatever `body` says."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    stream: AsyncGenerator[bytes, None] | None = None
    headers: dict[str, str] = field(default_factory=dict)


def answer(value: Any, status: int = 200) -> Response:
    """A JSON answer, with the line feed that Go's encoder adds."""
    return Response(status, json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode() + b"\n")


def refusal(status: int, message: str) -> Response:
    """An error in the Engine's form."""
    return answer({"message": message}, status)


Handler = Callable[[Request], Awaitable[Response]]


class HttpServer:
    """Serves one handler on a Unix socket; can be stopped and started again."""

    def __init__(self, path: Path, handler: Handler, headers: dict[str, str]) -> None:
        self._path = path
        self._handler = handler
        self._headers = headers
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen; connections are accepted when this returns."""
        if self._server is None:
            self._server = await self._listen()

    async def _listen(self) -> asyncio.Server:
        self._path.unlink(missing_ok=True)
        return await asyncio.start_unix_server(self._accept, self._path, limit=_HEAD_LIMIT)

    async def stop(self) -> None:
        """Stop listening and end every connection there is. The socket's file stays, as the Engine's does."""
        if self._server is not None:
            self._server.close()
            self._server = None
        tasks = list(self._connections)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await _read_request(reader)) is not None:
                response = await self._handler(request)
                keep = await self._reply(request, response, reader, writer)
                if not keep:
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the client went away, or speaks something else
        except ValueError:
            with suppress(ConnectionError):
                writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n400 Bad Request")
                await writer.drain()
        finally:
            writer.close()

    async def _reply(
        self, request: Request, response: Response, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        bodiless = response.status in (204, 304)
        lines = [f"HTTP/1.1 {response.status} {_REASONS.get(response.status, 'Unknown')}"]
        headers = {"Date": formatdate(usegmt=True)} | self._headers | response.headers
        if not bodiless:
            headers["Content-Type"] = response.content_type
        if response.stream is not None:
            headers["Transfer-Encoding"] = "chunked"
        elif not bodiless:
            headers["Content-Length"] = str(len(response.body))
        if not request.keep_alive:
            headers["Connection"] = "close"
        lines += [f"{name}: {value}" for name, value in headers.items() if value]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")
        if request.method == "HEAD" or bodiless:
            await writer.drain()
            return request.keep_alive
        if response.stream is None:
            writer.write(response.body)
            await writer.drain()
            return request.keep_alive
        await writer.drain()
        return await _pump(response.stream, reader, writer) and request.keep_alive


async def _pump(
    stream: AsyncGenerator[bytes, None], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> bool:
    """Send a stream in chunks until it ends or the client goes; whether the connection can still be used."""

    async def send() -> None:
        async with aclosing(stream):
            async for piece in stream:
                if piece:
                    writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                    await writer.drain()
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    sending = asyncio.ensure_future(send())
    # A client has nothing to say while it is being answered: what can be read is the end of its connection.
    leaving = asyncio.ensure_future(reader.read(1))
    try:
        await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        if sending.done():
            sending.result()
        return sending.done() and not leaving.done()
    finally:
        for task in (sending, leaving):
            task.cancel()
        await asyncio.gather(sending, leaving, return_exceptions=True)


async def _read_request(reader: asyncio.StreamReader) -> Request | None:
    """The next request; None when the client has closed.

    Raises:
        ValueError: when it is not HTTP, or longer than the bounds.
    """
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as ended:
        if ended.partial:
            raise
        return None
    lines = head[:-4].decode("latin-1").split("\r\n")
    method, target, protocol = lines[0].split(" ")
    if not protocol.startswith("HTTP/1."):
        raise ValueError(protocol)
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    body = await _read_body(reader, headers)
    parts = urlsplit(target)
    connection = headers.get("connection", "").lower()
    return Request(
        method=method,
        path=unquote(parts.path),
        query=dict(parse_qsl(parts.query, keep_blank_values=True)),
        body=body,
        keep_alive="close" not in connection and (protocol == "HTTP/1.1" or "keep-alive" in connection),
        target=parts.path,
        headers=headers,
    )


async def _read_body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = b""
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            if len(body) + size > _BODY_LIMIT:
                raise ValueError("body too long")
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readuntil(b"\r\n")
        return body
    length = int(headers.get("content-length", "0"))
    if not 0 <= length <= _BODY_LIMIT:
        raise ValueError("body too long")
    return await reader.readexactly(length)
