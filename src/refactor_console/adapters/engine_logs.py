"""The Engine's log stream as lines: frames, timestamps, and long messages joined again.

``GET /containers/{id}/logs?timestamps=1`` sends frames of an eight-byte header (stream type, three zeros, length as
big-endian 32 bits) and a payload; a container with a TTY sends the payloads bare. A payload is an RFC 3339 time with
nine decimals, a space, and one log entry. The Engine cuts messages over 16 KiB into entries of exactly that length
without a line break, each with its time in front (all the time of the first one, since Engine 18.06).
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

from refactor_console.adapters import engine_errors
from refactor_console.adapters.engine_payloads import parse_time_ns
from refactor_console.domain.logs import LogLine, guess_level
from refactor_console.domain.text import decode

PART_SIZE = 16 * 1024
"""Bytes of a message that the Engine's copier takes at a time; a shorter entry without a line break ends a message."""
LONGEST_LINE = 4 * 1024 * 1024
"""Bytes of one message at most; a longer one is shown in pieces, so that memory stays bounded."""
_FRAME_LIMIT = 8 * 1024 * 1024
_STDOUT, _STDERR, _ENGINE = 1, 2, 3
_ORIGINS = {0: "", _STDOUT: "", _STDERR: "stderr"}
_STAMP = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d) ")


@dataclass(slots=True)
class _Pending:
    time_ns: int
    parts: list[bytes]
    size: int


class LogDecoder:
    """Turns the bytes of one log stream into lines. Not shared between streams."""

    def __init__(self, *, terminal: bool) -> None:
        self._terminal = terminal
        self._buffer = bytearray()
        self._pending: dict[int, _Pending] = {}
        self._last_ns = 0
        self._second = b""
        self._second_ns = 0
        self.unreadable = 0
        """Entries without a readable time; each became a line with the time of the line before, or ours."""

    def feed(self, chunk: bytes) -> list[LogLine]:
        """The lines that are complete now.

        Raises:
            EngineMalformed: the bytes are not frames.
            EngineSaid: the Engine itself reported a failure in the stream.
        """
        self._buffer += chunk
        lines: list[LogLine] = []
        for stream, payload in self._bare() if self._terminal else self._frames():
            lines.extend(self._entry(stream, payload))
        return lines

    def finish(self) -> list[LogLine]:
        """What is left when the log is known to be complete: a last line without a line break."""
        lines: list[LogLine] = []
        if self._terminal and self._buffer:
            lines.extend(self._entry(0, bytes(self._buffer)))
            self._buffer.clear()
        for stream in sorted(self._pending, key=lambda s: self._pending[s].time_ns):
            pending = self._pending[stream]
            lines.append(self._line(stream, pending.time_ns, b"".join(pending.parts)))
        self._pending.clear()
        return lines

    def _frames(self) -> Iterator[tuple[int, bytes]]:
        buffer, at = self._buffer, 0
        try:
            while len(buffer) - at >= 8:
                stream, length = buffer[at], int.from_bytes(buffer[at + 4 : at + 8], "big")
                if stream > _ENGINE or buffer[at + 1 : at + 4] != b"\0\0\0" or length > _FRAME_LIMIT:
                    raise engine_errors.malformed("read a container's log", repr(bytes(buffer[at : at + 40])))
                if len(buffer) - at - 8 < length:
                    break
                payload = bytes(buffer[at + 8 : at + 8 + length])
                at += 8 + length
                yield stream, payload
        finally:
            del buffer[:at]

    def _bare(self) -> Iterator[tuple[int, bytes]]:
        *complete, rest = bytes(self._buffer).split(b"\n") if b"\n" in self._buffer else [bytes(self._buffer)]
        if len(rest) > LONGEST_LINE:
            complete, rest = [*complete, rest], b""
        self._buffer[:] = rest
        for line in complete:
            yield 0, line.removesuffix(b"\r") + b"\n"

    def _entry(self, stream: int, payload: bytes) -> Iterator[LogLine]:
        if not payload:
            return
        if stream == _ENGINE:
            raise engine_errors.refused("read this container's log", 500, payload.decode("utf-8", "replace"))
        space = payload.find(b" ", 0, 40)
        time_ns = self._time(payload[:space]) if space > 0 else None
        if time_ns is None:
            self.unreadable += 1
            time_ns, body = self._last_ns or time.time_ns(), payload  # never 1970: nobody would find it there
        else:
            body = payload[space + 1 :]
            self._last_ns = time_ns
        if self._terminal:
            body = _without_inner_stamps(body)
        ended = body.endswith(b"\n")
        pending = self._pending.get(stream)
        if ended and pending is None:  # nearly every line
            yield self._line(stream, time_ns, body[:-1])
            return
        if pending is None:
            pending = self._pending[stream] = _Pending(time_ns, [], 0)
        pending.parts.append(body[:-1] if ended else body)
        pending.size += len(body)
        if ended or len(body) < PART_SIZE or pending.size >= LONGEST_LINE:
            del self._pending[stream]
            yield self._line(stream, pending.time_ns, b"".join(pending.parts))

    def _line(self, stream: int, time_ns: int, body: bytes) -> LogLine:
        message = decode(body)
        return LogLine(time_ns, message, guess_level(message), _ORIGINS.get(stream, ""))

    def _time(self, stamp: bytes) -> int | None:
        """Nanoseconds of a stamp; the usual form (``...T12:34:56.123456789Z``) without parsing the date each time."""
        if len(stamp) == 30 and stamp[19:20] == b"." and stamp[29:] == b"Z":
            fraction = stamp[20:29]
            if fraction.isdigit():
                if stamp[:19] != self._second:
                    whole = parse_time_ns(stamp[:19].decode("ascii", "replace") + "Z")
                    if whole is None:
                        return None
                    self._second, self._second_ns = stamp[:19], whole
                return self._second_ns + int(fraction)
        return parse_time_ns(stamp.decode("ascii", "replace"))


def _without_inner_stamps(body: bytes) -> bytes:
    """A TTY's long message has the stamps of its further parts inside, exactly `PART_SIZE` apart."""
    if len(body) <= PART_SIZE:
        return body
    parts = [body[:PART_SIZE]]
    rest = body[PART_SIZE:]
    while found := _STAMP.match(rest):
        rest = rest[found.end() :]
        parts.append(rest[:PART_SIZE])
        rest = rest[PART_SIZE:]
    return b"".join([*parts, rest])


def since_parameter(time_ns: int) -> str:
    """A time as the ``since`` parameter takes it: seconds with nine decimals; lines of that very time are included."""
    seconds, rest = divmod(max(time_ns, 0), 1_000_000_000)
    return f"{seconds}.{rest:09d}"
