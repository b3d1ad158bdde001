"""The bounded store of log lines: columns in chunks, one merged order, ids that never change.

Text is neutralised once, when it arrives (`domain.text.visible`, line by line of a message): what is drawn, searched,
copied and saved is therefore the same text. Colours vanish; whatever else cannot be drawn is spelled out.

Layout: each source has chunks of its own, appended to until full; a chunk is a handful of arrays and one blob of UTF-8.
An entry's id is its chunk's serial number and its place in the chunk, so ids of one source grow and none is used twice.
"""

from __future__ import annotations

from array import array
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from refactor_console.domain.logs import Level, LogBatch, LogLine, LogMark, MarkKind
from refactor_console.domain.text import visible
from refactor_console.domain.timeline import Timeline

MAX_LINES = 200_000
MAX_BYTES = 128 * 1024 * 1024
LINE_COST = 40
"""Bytes that a line costs besides its text: its columns and its place in the merged order."""
MARK = 0x80
"""Set in the level column of a mark; the rest is the kind's place in `MarkKind`."""

CHUNK_SHIFT = 11
"""An id is a chunk number shifted by this, and a place in the chunk."""
_CHUNK_LINES = 1 << CHUNK_SHIFT
_CHUNK_BYTES = 256 * 1024
_MOST_CHUNKS = 64
_KINDS = tuple(MarkKind)
_BEFORE_LINES = {MarkKind.STARTED: 0, MarkKind.RESUMED: 0}
_INT64 = (1 << 63) - 1
_MOST_ORIGINS = 0xFFF0
_STREAM_NAMES = {"", "stdout", "stderr", "console"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line or mark as it is shown."""

    id: int
    time_ns: int
    source: str
    level: Level
    origin: str
    """Who wrote it within the source; empty when unknown."""
    text: str
    """Safe to draw; may hold line breaks (``\\n``) and nothing else that is not a printable character."""
    said: int
    """Where the message begins in `text`, after the origin's name."""
    mark: MarkKind | None = None
    clipped: int = 0
    """How many bytes of text were left out because a limit was asked for."""

    @property
    def message(self) -> str:
        """The text without the origin's name."""
        return self.text[self.said :]


@dataclass(slots=True)
class Tally:
    """How many lines of one source came, are held and were let go; marks are not counted."""

    received: int = 0
    held: int = 0
    dropped: int = 0
    newest_ns: int | None = None


class Chunk:
    """Some entries of one source, in the order in which they came. Append only."""

    __slots__ = ("blob", "earliest", "ends", "latest", "levels", "marks", "origins", "serial", "source", "times")

    def __init__(self, serial: int, source: str) -> None:
        self.serial = serial
        self.source = source
        self.times = array("q")
        self.levels = bytearray()
        self.origins = array("H")
        self.ends = array("Q")
        """Where each text ends in the blob; a NUL, which no text holds, separates it from the next."""
        self.blob = bytearray()
        self.marks = 0
        self.latest = -_INT64
        self.earliest = _INT64

    def __len__(self) -> int:
        return len(self.ends)

    @property
    def size(self) -> int:
        """What the chunk costs, in bytes."""
        return len(self.blob) + LINE_COST * len(self.ends)

    def span(self, at: int) -> tuple[int, int]:
        """Where the text of one entry lies in the blob."""
        return (self.ends[at - 1] + 1 if at else 0), self.ends[at]

    def text(self, at: int) -> str:
        """The text of one entry."""
        start, end = self.span(at)
        return self.blob[start:end].decode("utf-8")

    def is_mark(self, at: int) -> bool:
        """Whether the entry is a mark and not a line."""
        return self.levels[at] >= MARK


def safe(message: str) -> str:
    """A message neutralised line by line; line breaks stay, one at the very end goes."""
    if message.isprintable():
        return message
    if "\n" not in message and not message.endswith("\r"):
        return visible(message)
    lines = message.removesuffix("\n").split("\n")
    return "\n".join(visible(line.removesuffix("\r")) for line in lines)


class LogStore:
    """Lines and marks of many sources in one order of time, bounded in number and in bytes."""

    def __init__(self, max_lines: int = MAX_LINES, max_bytes: int = MAX_BYTES) -> None:
        self.max_lines = max(max_lines, 1)
        self.max_bytes = max_bytes
        self.timeline = Timeline()
        """Every entry held, by time."""
        self.tallies: dict[str, Tally] = {}
        """By source, in the order in which they first spoke."""
        self.lines = 0
        """Lines held (marks are not counted)."""
        self.bytes = 0
        """What they cost."""
        self.dropped = 0
        """Older lines that were let go because of the bounds."""
        self.dropped_until_ns: int | None = None
        """Up to this time the store may lack lines; None while it lacks none."""
        self.prunes = 0
        """Grows whenever something was let go."""
        self._chunks: dict[int, Chunk] = {}
        self._by_source: dict[str, list[Chunk]] = {}
        self._serial = 0
        self._origins: dict[str, int] = {"": 0}
        self._origin_names: list[str] = [""]
        self._chunk_lines = max(1, min(_CHUNK_LINES, self.max_lines // _MOST_CHUNKS))
        self._chunk_bytes = max(1, min(_CHUNK_BYTES, self.max_bytes // _MOST_CHUNKS))

    def append(self, batch: LogBatch) -> None:
        """Take in a batch; afterwards the bounds hold (one line alone is kept whatever its size)."""
        entries: Sequence[LogLine | LogMark] = batch.lines
        if batch.marks:
            entries = sorted((*batch.lines, *batch.marks), key=_batch_order)
        if not entries:
            return
        tally = self.tallies.setdefault(batch.source, Tally())
        start = 0
        while start < len(entries):
            start = self._append_some(batch.source, entries, start, plain=not batch.marks)
        if batch.lines:
            tally.received += len(batch.lines)
            newest = batch.lines[-1].time_ns
            tally.newest_ns = newest if tally.newest_ns is None else max(newest, tally.newest_ns)
        if len(self.timeline) > self.max_lines or self.bytes > self.max_bytes:
            self._prune()

    def entry(self, entry_id: int, limit: int | None = None) -> Entry | None:
        """One entry; None when it was let go. `limit` bounds the bytes of text that are looked at."""
        chunk = self._chunks.get(entry_id >> CHUNK_SHIFT)
        return None if chunk is None else self.entry_in(chunk, entry_id & (_CHUNK_LINES - 1), limit)

    def entry_in(self, chunk: Chunk, at: int, limit: int | None = None) -> Entry:
        """One entry of a chunk (which may have been let go meanwhile)."""
        start, end = chunk.span(at)
        clipped = max(0, end - start - limit) if limit is not None else 0
        raw = chunk.blob[start : end - clipped]
        text = raw.decode("utf-8", "ignore") if clipped else raw.decode("utf-8")
        level = chunk.levels[at]
        origin = self._origin_names[chunk.origins[at]]
        named = level < MARK and origin not in _STREAM_NAMES
        return Entry(
            id=(chunk.serial << CHUNK_SHIFT) | at,
            time_ns=chunk.times[at],
            source=chunk.source,
            level=Level.UNKNOWN if level >= MARK else Level(level),
            origin=origin,
            text=text,
            said=len(origin) + 2 if named else 0,
            mark=_KINDS[level - MARK] if level >= MARK else None,
            clipped=clipped,
        )

    def line_breaks(self, entry_id: int) -> int:
        """How many line breaks the text of an entry holds; 0 when it was let go."""
        chunk = self._chunks.get(entry_id >> CHUNK_SHIFT)
        return 0 if chunk is None else chunk.blob.count(b"\n", *chunk.span(entry_id & (_CHUNK_LINES - 1)))

    def holds(self, entry_id: int) -> bool:
        """Whether an entry is still here."""
        return entry_id >> CHUNK_SHIFT in self._chunks

    @property
    def serials(self) -> Container[int]:
        """The numbers of the chunks that are here; an id shifted by `CHUNK_SHIFT` is the number of its chunk."""
        return self._chunks.keys()

    def holds_chunk(self, chunk: Chunk) -> bool:
        """Whether a chunk is still here."""
        return chunk.serial in self._chunks

    def chunks(self, source: str) -> Sequence[Chunk]:
        """The chunks of a source, oldest first."""
        return self._by_source.get(source, ())

    def all_chunks(self) -> dict[int, Chunk]:
        """A copy of the table of chunks, for a reader in another thread; appending to a chunk does not disturb it."""
        return dict(self._chunks)

    def _append_some(self, source: str, entries: Sequence[LogLine | LogMark], start: int, *, plain: bool) -> int:
        """Append what fits into the open chunk; returns where to go on."""
        chunk = self._open_chunk(source)
        stop = min(len(entries), start + self._chunk_lines - len(chunk))
        room = self._chunk_bytes - len(chunk.blob)
        some: Sequence[LogLine | LogMark] = entries[start:stop]
        texts = [line.message for line in some] if plain else [_text_of(entry) for entry in some]  # type: ignore[union-attr]
        sizes = list(accumulate(map(len, texts)))
        if sizes[-1] > room:
            fits = next(at for at, size in enumerate(sizes) if size > room)
            del texts[max(fits, 1) :]
            some = some[: len(texts)]
        times = _times(some)
        if plain:
            lines: Sequence[LogLine] = some  # type: ignore[assignment]
            levels = bytes([line.level for line in lines])
            origins = self._origin_ids([line.origin for line in lines])
        else:
            levels = bytes([_level_of(entry) for entry in some])
            origins = self._origin_ids([entry.origin if isinstance(entry, LogLine) else "" for entry in some])
        before = chunk.size
        first = (chunk.serial << CHUNK_SHIFT) | len(chunk)
        texts = self._neutral(texts, levels, origins)
        _extend_blob(chunk, texts)
        chunk.times.extend(times)
        chunk.levels += levels
        chunk.origins.extend(origins)
        newest, oldest = max(times), min(times)
        chunk.latest = max(chunk.latest, newest)
        chunk.earliest = min(chunk.earliest, oldest)
        marks = 0 if plain else sum(level >= MARK for level in levels)
        chunk.marks += marks
        self.bytes += chunk.size - before
        held = len(some) - marks
        self.lines += held
        self.tallies[source].held += held
        self._place(times, first)
        return start + len(some)

    def _neutral(self, texts: list[str], levels: bytes, origins: array[int]) -> list[str]:
        """The texts as they are kept: safe to draw, an origin worth naming in front."""
        if not "".join(texts).isprintable():
            texts = [safe(text) for text in texts]
        if any(origins):
            names = self._origin_names
            texts = [
                f"{names[origin]}: {text}" if origin and level < MARK and names[origin] not in _STREAM_NAMES else text
                for text, level, origin in zip(texts, levels, origins, strict=True)
            ]
        return texts

    def _origin_ids(self, origins: list[str]) -> array[int]:
        """Small numbers for names; when a source makes up too many names, the rest go without one."""
        table = self._origins
        different = set(origins)
        for origin in different:
            if origin not in table and len(table) < _MOST_ORIGINS:
                name = visible(origin).strip()
                if name not in table:
                    table[name] = len(self._origin_names)
                    self._origin_names.append(name)
                table[origin] = table[name]
        if len(different) == 1:
            return array("H", [table.get(origins[0], 0)]) * len(origins)
        return array("H", [table.get(origin, 0) for origin in origins])

    def _place(self, times: array[int], first: int) -> None:
        """Put new entries with ids from `first` on into the merged order."""
        ids: Iterable[int] = range(first, first + len(times))
        pairs = sorted(zip(times, ids, strict=True))
        self.timeline.merge([time for time, _ in pairs], [entry for _, entry in pairs])

    def _open_chunk(self, source: str) -> Chunk:
        chunks = self._by_source.setdefault(source, [])
        if chunks and len(chunks[-1]) < self._chunk_lines and len(chunks[-1].blob) < self._chunk_bytes:
            return chunks[-1]
        chunk = Chunk(self._serial, source)
        self._serial += 1
        self._chunks[chunk.serial] = chunk
        chunks.append(chunk)
        return chunk

    def _prune(self) -> None:
        """Let the oldest chunks go until the bounds hold.

        The newest chunk of every source goes last: a flood of one source does not wash away the few lines of a quiet
        one.
        """
        until = -_INT64
        entries = len(self.timeline)
        while len(self._chunks) > 1 and (entries > self.max_lines or self.bytes > self.max_bytes):
            spare = [chunks[0] for chunks in self._by_source.values() if len(chunks) > 1]
            chunk = min(spare or self._chunks.values(), key=lambda each: (each.latest, each.serial))
            until = max(until, chunk.latest)
            entries -= len(chunk)
            self._let_go(chunk)
        if until == -_INT64:
            return
        self.dropped_until_ns = until if self.dropped_until_ns is None else max(until, self.dropped_until_ns)
        self.timeline.discard(until, CHUNK_SHIFT, self._chunks)
        self.prunes += 1

    def _let_go(self, chunk: Chunk) -> None:
        del self._chunks[chunk.serial]
        self._by_source[chunk.source].remove(chunk)
        lines = len(chunk) - chunk.marks
        self.bytes -= chunk.size
        self.lines -= lines
        self.dropped += lines
        tally = self.tallies[chunk.source]
        tally.held -= lines
        tally.dropped += lines


def _times(entries: Sequence[LogLine | LogMark]) -> array[int]:
    try:
        return array("q", [entry.time_ns for entry in entries])
    except OverflowError:
        return array("q", [_clamped(entry.time_ns) for entry in entries])


def _clamped(time_ns: int) -> int:
    return time_ns if -_INT64 < time_ns < _INT64 else (_INT64 - 1 if time_ns > 0 else 1 - _INT64)


def _batch_order(entry: LogLine | LogMark) -> tuple[int, int]:
    """By time; what begins something stands before the lines of the same moment, what ends it behind them."""
    return entry.time_ns, (1 if isinstance(entry, LogLine) else _BEFORE_LINES.get(entry.kind, 2))


def _text_of(entry: LogLine | LogMark) -> str:
    return entry.message if isinstance(entry, LogLine) else entry.text


def _level_of(entry: LogLine | LogMark) -> int:
    return int(entry.level) if isinstance(entry, LogLine) else MARK + _KINDS.index(entry.kind)


def _extend_blob(chunk: Chunk, texts: list[str]) -> None:
    joined = "\0".join(texts)
    raw = joined.encode("utf-8")
    sizes = map(len, texts) if len(raw) == len(joined) else [len(text.encode("utf-8")) for text in texts]
    start = len(chunk.blob)
    chunk.blob += raw
    chunk.blob += b"\0"
    behind = accumulate(sizes, lambda total, size: total + size + 1, initial=start - 1)
    next(behind)
    chunk.ends.extend(array("Q", behind))
