"""A journal that cannot be read as it should be is a clear state; over a real SSH server with a scripted journalctl."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from refactor_console.adapters.journal import JournalParser
from refactor_console.domain.environment import Environment
from refactor_console.domain.logs import LogBatch, LogLine, MarkKind, SourceProgress
from refactor_console.domain.reading import Phase
from refactor_console.services.feed import Backoff
from refactor_console.services.journal_source import JournalSource
from refactor_console.services.link import HostLink
from tests.contract.ssh_server import Process, Server, answer_normally, serving, until

QUICK = Backoff(first=0.02, limit=0.05, jitter=0)
HINT = b"Hint: You are currently not seeing messages from other users and the system.\n"


class Journalctl:
    """Answers as ``journalctl`` would over `entries`; each stream ends after `streams` said so."""

    def __init__(self) -> None:
        self.entries = [self.entry(number) for number in range(1, 4)]
        self.first = 0
        """Entries before this one were vacuumed."""
        self.limited = False
        self.sudo = False
        self.status: int | None = None
        """Set: every call ends at once with this exit status."""
        self.stderr = b""
        self.noise = b""
        self.follows: list[str] = []
        self.hang_up = asyncio.Event()

    @staticmethod
    def entry(number: int) -> bytes:
        cursor = f"s=1;i={number};b=boot"
        time = str(1_700_000_000_000_000 + number)
        return (
            json.dumps({"__CURSOR": cursor, "__REALTIME_TIMESTAMP": time, "MESSAGE": f"line {number}"}).encode() + b"\n"
        )

    async def __call__(self, command: str, process: Process) -> int:
        by_sudo = command.startswith("sudo -n journalctl")
        if not by_sudo and not command.startswith("journalctl"):
            return await answer_normally(command, process)
        if by_sudo and not self.sudo:
            process.stderr.write(b"sudo: a password is required\n")
            return 1
        if self.status is not None:
            process.stderr.write(self.stderr)
            return self.status
        if "--lines=0" in command:
            process.stderr.write(HINT if self.limited and not by_sudo else b"")
            return 0
        if "--unit" in command and "--follow" not in command:
            process.stdout.write(b"".join(self.entries[self.first :][-1:]))
            return 0
        if "--follow" not in command:
            after = int(re.findall(r";i=(\d+);", command)[0])
            process.stdout.write(b"".join(self.entries[max(after - 1, self.first) :][:1]))
            return 0
        self.follows.append(command)
        after = int(re.findall(r";i=(\d+);", command)[0]) if "after-cursor" in command else 0
        process.stdout.write(self.noise + b"".join(self.entries[max(after, self.first) :]))
        await self.hang_up.wait()
        self.hang_up.clear()
        return 1


@pytest.fixture
async def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    async with serving(tmp_path / "ssh") as running:
        yield running


@pytest.fixture
async def journalctl(server: Server) -> AsyncIterator[Journalctl]:
    script = Journalctl()
    server.handler = script
    yield script
    script.hang_up.set()


@asynccontextmanager
async def following(server: Server) -> AsyncIterator[tuple[JournalSource, list[LogBatch]]]:
    link = HostLink(Environment("test", server.target), backoff=QUICK)
    batches: list[LogBatch] = []
    source = JournalSource(link, "u.service", batches.append, backoff=QUICK)
    link.start()
    running = asyncio.create_task(source.run())
    try:
        yield source, batches
    finally:
        running.cancel()
        await asyncio.wait({running})
        await link.close()


def messages(batches: list[LogBatch]) -> list[str]:
    return [line.message for batch in batches for line in batch.lines]


def kinds(batches: list[LogBatch]) -> list[MarkKind]:
    return [mark.kind for batch in batches for mark in batch.marks]


def progress(source: JournalSource) -> SourceProgress:
    value = source.feed.reading.value
    assert value is not None
    return value


async def test_a_stream_that_ends_is_resumed_after_its_last_line(server: Server, journalctl: Journalctl) -> None:
    async with following(server) as (source, batches):
        await until(lambda: len(messages(batches)) == 3)
        journalctl.entries.append(Journalctl.entry(4))
        journalctl.hang_up.set()
        await until(lambda: len(messages(batches)) == 4)
        assert progress(source).cuts == 1
    assert messages(batches) == ["line 1", "line 2", "line 3", "line 4"]
    assert kinds(batches) == [MarkKind.CUT, MarkKind.RESUMED]
    assert "--after-cursor=s=1;i=3;b=boot" in journalctl.follows[1]


async def test_lines_that_were_vacuumed_meanwhile_are_a_marked_gap(server: Server, journalctl: Journalctl) -> None:
    async with following(server) as (_, batches):
        await until(lambda: len(messages(batches)) == 3)
        journalctl.entries += [Journalctl.entry(4), Journalctl.entry(5)]
        journalctl.first = 4
        journalctl.hang_up.set()
        await until(lambda: len(messages(batches)) == 4)
    assert messages(batches)[-1] == "line 5"
    assert kinds(batches) == [MarkKind.CUT, MarkKind.GAP, MarkKind.RESUMED]


async def test_a_journal_that_was_emptied_is_a_marked_gap(server: Server, journalctl: Journalctl) -> None:
    async with following(server) as (_, batches):
        await until(lambda: len(messages(batches)) == 3)
        journalctl.first = 3
        journalctl.hang_up.set()
        await until(lambda: MarkKind.GAP in kinds(batches))
    assert len(messages(batches)) == 3
    assert "cursor" not in journalctl.follows[1]


async def test_an_empty_journal_is_live_and_says_so(server: Server, journalctl: Journalctl) -> None:
    journalctl.entries.clear()
    async with following(server) as (source, batches):
        await until(lambda: source.feed.reading.is_live)
        assert "empty" in progress(source).notice
    assert batches == []
    assert "--no-tail" in journalctl.follows[0]


async def test_a_reader_without_the_right_uses_sudo_where_it_may(server: Server, journalctl: Journalctl) -> None:
    journalctl.limited = journalctl.sudo = True
    async with following(server) as (source, batches):
        await until(lambda: len(messages(batches)) == 3)
        assert progress(source).notice == ""
    assert journalctl.follows[0].startswith("sudo -n journalctl")


async def test_a_reader_without_any_right_is_told_which_group_is_missing(
    server: Server, journalctl: Journalctl
) -> None:
    journalctl.limited = True
    async with following(server) as (source, _):
        await until(lambda: source.feed.reading.is_live)
        assert "usermod -aG systemd-journal deploy" in progress(source).notice
    assert journalctl.follows[0].startswith("journalctl")


@pytest.mark.parametrize(
    ("status", "stderr", "code"),
    [
        (127, b"sh: journalctl: not found\n", "no-journalctl"),
        (1, b"No journal files were opened due to insufficient permissions.\n", "journal-forbidden"),
        (1, b"Something else.\n", "journal-ended"),
    ],
)
async def test_a_journalctl_that_cannot_work_is_a_failed_feed(
    server: Server, journalctl: Journalctl, status: int, stderr: bytes, code: str
) -> None:
    journalctl.status, journalctl.stderr = status, stderr
    async with following(server) as (source, batches):
        await until(lambda: source.feed.reading.phase is Phase.FAILED)
        problem = source.feed.reading.problem
    assert problem is not None
    assert problem.code == code
    assert batches == []


async def test_a_login_shell_that_prints_is_shown_and_counted(server: Server, journalctl: Journalctl) -> None:
    journalctl.noise = b"Welcome!\n\xff\xfe\n"
    async with following(server) as (source, batches):
        await until(lambda: len(messages(batches)) == 5)
        assert progress(source).unreadable == 2
    assert messages(batches)[:2] == ["Welcome!", "\udcff\udcfe"]


async def test_a_cut_under_load_is_told_apart_from_the_sources_own_end(server: Server, journalctl: Journalctl) -> None:
    async with following(server) as (source, batches):
        await until(lambda: len(messages(batches)) == 3)
        await server.sever()
        await until(lambda: kinds(batches) == [MarkKind.CUT, MarkKind.RESUMED] and source.feed.reading.is_live)
    cut = next(mark for batch in batches for mark in batch.marks)
    assert "connection" in cut.text
    assert messages(batches) == ["line 1", "line 2", "line 3"]


async def test_a_bug_while_lines_are_read_is_seen_and_loses_none_of_them(
    server: Server, journalctl: Journalctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = JournalParser.feed

    def broken(self: JournalParser, data: bytes, now_ns: int) -> list[LogLine]:
        lines = feed(self, data, now_ns)
        if b"line 5" in data:
            monkeypatch.setattr(JournalParser, "feed", feed)
            raise KeyError("nobody foresaw this")
        return lines

    monkeypatch.setattr(JournalParser, "feed", broken)
    async with following(server) as (source, batches):
        problems: list[str] = []
        source.feed.subscribe(lambda reading: problems.append(reading.problem.code if reading.problem else ""))
        await until(lambda: len(messages(batches)) == 3)
        journalctl.entries += [Journalctl.entry(number) for number in (4, 5, 6)]
        journalctl.hang_up.set()
        await until(lambda: len(messages(batches)) == 6)
        await until(lambda: source.feed.reading.is_live)
    assert "console-bug" in problems
    assert messages(batches) == [f"line {number}" for number in range(1, 7)]


async def test_what_journald_dropped_is_marked_in_its_place(server: Server, journalctl: Journalctl) -> None:
    fields = {"MESSAGE_ID": "a596d6fe7bfa4994828e72309e95d61e", "_TRANSPORT": "driver", "N_DROPPED": "12"}
    entry = json.loads(Journalctl.entry(4)) | fields | {"MESSAGE": "Suppressed 12 messages from u.service"}
    journalctl.entries += [json.dumps(entry).encode() + b"\n", Journalctl.entry(5)]
    async with following(server) as (source, batches):
        await until(lambda: len(messages(batches)) == 4)
        assert progress(source).received == 4, "a mark is no line"
        journalctl.hang_up.set()
        await until(lambda: progress(source).cuts == 1 and source.feed.reading.is_live)
    assert messages(batches)[-1] == "line 5"
    assert kinds(batches) == [MarkKind.GAP, MarkKind.CUT, MarkKind.RESUMED], "and it is not told again"
    (gap,) = (mark for batch in batches for mark in batch.marks if mark.kind is MarkKind.GAP)
    assert "12 messages" in gap.text
    assert gap.time_ns == 1_700_000_000_000_004_000
