"""Saves log lines to a file: what is shown, neutralised, complete or saying what it lacks."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from refactor_console.domain.logindex import LogIndex
from refactor_console.domain.logs import Level
from refactor_console.domain.logstore import CHUNK_SHIFT, Chunk, Entry, LogStore
from refactor_console.domain.logtime import stamp
from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.domain.text import visible

_PLACE = (1 << CHUNK_SHIFT) - 1


class ExportError(ConsoleError):
    """The file was not written; nothing of it is left behind."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What will be saved: taken on the event loop's thread, written in another; the store may go on meanwhile."""

    environment: str
    taken_at: datetime
    labels: Mapping[str, str]
    filter: str
    """The filter in words; empty when there is none."""
    lines: int
    lacks: str
    """One sentence about what is missing; empty when nothing is known to be."""
    store: LogStore
    ids: array[int]
    chunks: Mapping[int, Chunk]

    def entries(self) -> Iterator[Entry]:
        """The entries in order."""
        for entry_id in self.ids:
            chunk = self.chunks.get(entry_id >> CHUNK_SHIFT)
            if chunk is not None:
                yield self.store.entry_in(chunk, entry_id & _PLACE)


def take(index: LogIndex, labels: Mapping[str, str], environment: str, now: datetime) -> Snapshot:
    """Note what passes the filter now."""
    store, wanted = index.store, index.filter
    names = [visible(labels.get(key, key)) for key in store.tallies if not wanted.shows(key)]
    words = [wanted.describe(), f"without {', '.join(names)}" if names else ""]
    lacks = ""
    if store.dropped and store.dropped_until_ns is not None:
        until = stamp(store.dropped_until_ns)
        lacks = f"{store.dropped:,} older lines were no longer held; it is complete from {until} on."
    return Snapshot(
        environment=environment,
        taken_at=now.astimezone(UTC),
        labels=dict(labels),
        filter=" · ".join(word for word in words if word),
        lines=index.lines,
        lacks=lacks,
        store=store,
        ids=array("q", index.timeline.ids),
        chunks=store.all_chunks(),
    )


def default_name(environment: str, now: datetime) -> str:
    """``production-20261123T140322Z.log``: the environment and the time in UTC."""
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", environment).strip(".-") or "logs"
    return f"{safe}-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}.log"


def text_line(entry: Entry, label: str) -> str:
    """One entry for a file or the clipboard; further lines of a message are indented."""
    text = entry.text.replace("\n", "\n    ")
    if entry.mark is not None:
        return f"{stamp(entry.time_ns)} {label} -- {entry.mark.value.upper()}: {text}"
    return " ".join(part for part in (stamp(entry.time_ns), label, entry.level.word, text) if part)


def json_line(entry: Entry, label: str) -> str:
    """One entry as a JSON object on one line."""
    record: dict[str, str] = {"time": stamp(entry.time_ns), "source": entry.source, "label": label}
    if entry.mark is not None:
        record |= {"mark": entry.mark.value, "text": entry.text}
    else:
        level = "" if entry.level is Level.UNKNOWN else entry.level.name.lower()
        record |= {"level": level, "origin": entry.origin, "message": entry.message}
    return json.dumps(record, ensure_ascii=False)


def write(snapshot: Snapshot, path: Path, *, replace: bool) -> int:
    """Write the file whole or not at all, readable by its owner only. Blocks: call it in a thread.

    Args:
        snapshot: what to write.
        path: where; a name ending in ``.jsonl`` makes JSON lines.
        replace: whether a file that is there may be replaced.

    Returns:
        How many lines were written (marks are not counted).

    Raises:
        ExportError: the file exists and may not be replaced, or cannot be written.
    """
    if path.is_dir():
        raise ExportError(Problem(f"{_shown(path)} is a directory.", "Name a file in it.", code="is-directory"))
    if not replace and path.exists():
        raise _exists(path)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with open(descriptor, "w", encoding="utf-8", newline="\n") as file:  # noqa: PTH123 - a descriptor
                count = _write_all(snapshot, file, as_json=path.suffix == ".jsonl")
                file.flush()
                os.fsync(file.fileno())
            _put(draft, path, replace=replace)
        finally:
            with contextlib.suppress(FileNotFoundError):
                draft.unlink()
    except OSError as error:
        why = error.strerror or str(error)
        raise ExportError(
            Problem(
                f"Saving to {_shown(path)} failed: {why}.",
                "Choose another place; no part of a file was left.",
                code="not-saved",
            )
        ) from error
    return count


def _write_all(snapshot: Snapshot, file: TextIO, *, as_json: bool) -> int:
    line_of = json_line if as_json else text_line
    if not as_json:
        when = f"{snapshot.taken_at:%Y-%m-%dT%H:%M:%SZ}"
        file.write(f"# {visible(snapshot.environment)}: {snapshot.lines:,} log lines, saved {when}\n")
        if snapshot.filter:
            file.write(f"# Only: {snapshot.filter}\n")
        if snapshot.lacks:
            file.write(f"# Lacks: {snapshot.lacks}\n")
    count = 0
    for entry in snapshot.entries():
        file.write(line_of(entry, visible(snapshot.labels.get(entry.source, entry.source))))
        file.write("\n")
        count += entry.mark is None
    return count


def _put(draft: Path, path: Path, *, replace: bool) -> None:
    """Give the finished file its name; without `replace`, never over a file that came meanwhile."""
    if replace:
        draft.replace(path)
        return
    try:
        os.link(draft, path)
    except FileExistsError as error:
        raise _exists(path) from error
    except OSError:
        # A file system without hard links: the check and the renaming are two steps there.
        if path.exists():
            raise _exists(path) from None
        draft.replace(path)


def _exists(path: Path) -> ExportError:
    return ExportError(Problem(f"{_shown(path)} exists already.", "Enter again replaces it.", code="exists"))


def _shown(path: Path) -> str:
    return visible(str(path))
