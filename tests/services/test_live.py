"""The session as a whole: whatever hangs, it lets go of its host when it is closed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from refactor_console.adapters import host
from refactor_console.adapters.audit_file import AuditFile
from refactor_console.domain.environment import Environment, SshTarget
from refactor_console.services import live
from refactor_console.services.actions import Actions
from refactor_console.services.live import LiveSession
from tests.contract.ssh_server import serving, until


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return tmp_path


async def test_a_session_whose_last_record_hangs_still_closes_its_connection(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[host.HostConnection] = []

    async def connect(target: SshTarget, *, read_only: bool) -> host.HostConnection:
        opened.append(await host.connect(target, read_only=read_only))
        return opened[-1]

    async def never(_: Actions) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(Actions, "close", never)
    monkeypatch.setattr(live, "CLOSE_SECONDS", 0.1)
    async with serving(home / "ssh") as server:
        session = LiveSession(
            Environment("test", server.target), connect=connect, audit_file=AuditFile(home / "audit.jsonl")
        )
        before = asyncio.all_tasks()
        session.start()
        await until(lambda: session.link.reading.is_live)
        await session.close()
        assert [connection.closed for connection in opened] == [True]
        ours = {task.get_name() for task in asyncio.all_tasks() - before}
        assert not ours & {"link", "hold the link", "unit", "vitals", "engine", "containers", "engine forward"}
