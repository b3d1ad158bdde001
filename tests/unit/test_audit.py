"""The local audit log: private, append only, whole lines, and an error when it cannot be written."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from refactor_console.adapters import audit_file
from refactor_console.adapters.audit_file import AuditFile, AuditUnwritable, default_path
from refactor_console.domain.audit import AuditRecord, Stage
from refactor_console.domain.command import RemoteCommand


def record(run: str = "1") -> AuditRecord:
    return AuditRecord(
        at=datetime(2026, 1, 1, tzinfo=UTC),
        stage=Stage.INTENT,
        action="container.restart",
        environment="production",
        target="rust-app (0123456789ab)\nnot a second line",
        who="ann",
        origin="laptop",
        what=("POST /containers/0123/restart?t=10",),
        run=run,
    )


async def test_a_record_is_one_line_of_json_in_a_private_file(tmp_path: Path) -> None:
    path = tmp_path / "state" / "audit.jsonl"
    await AuditFile(path).append(record())
    (line,) = path.read_text().splitlines()
    assert json.loads(line)["who"] == "ann"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_records_written_at_once_do_not_mix(tmp_path: Path) -> None:
    file = AuditFile(tmp_path / "audit.jsonl")
    await asyncio.gather(*(file.append(record(str(n))) for n in range(40)))
    runs = [json.loads(line)["run"] for line in file.path.read_text().splitlines()]
    assert sorted(runs, key=int) == [str(n) for n in range(40)]


async def test_half_a_line_of_a_console_that_died_is_kept_and_does_not_spoil_the_next(tmp_path: Path) -> None:
    file = AuditFile(tmp_path / "audit.jsonl")
    file.path.write_bytes(b'{"torn": tr')
    await file.append(record())
    first, second = file.path.read_text().splitlines()
    assert first == '{"torn": tr'
    assert json.loads(second)["action"] == "container.restart"


@pytest.mark.parametrize("hindrance", ["directory", "link", "parent is a file"])
async def test_a_record_that_cannot_be_written_is_an_error_that_names_the_file(tmp_path: Path, hindrance: str) -> None:
    path = tmp_path / "audit.jsonl"
    if hindrance == "directory":
        path.mkdir()
    elif hindrance == "link":
        (tmp_path / "target").touch()
        path.symlink_to(tmp_path / "target")
    else:
        (tmp_path / "file").touch()
        path = tmp_path / "file" / "audit.jsonl"
    with pytest.raises(AuditUnwritable) as caught:
        await AuditFile(path).append(record())
    assert str(path) in caught.value.problem.summary
    assert caught.value.problem.code == "audit-unwritable"


async def test_a_full_disk_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "write", lambda _, data: len(data) - 1)
    with pytest.raises(AuditUnwritable, match="part of the record"):
        await AuditFile(tmp_path / "audit.jsonl").append(record())


def test_the_usual_place_follows_xdg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert default_path() == tmp_path / "refactor-console" / "audit.jsonl"


async def test_a_disk_that_does_not_answer_is_an_error_in_good_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = threading.Event()
    monkeypatch.setattr(os, "fsync", lambda _: answers.wait(20))
    monkeypatch.setattr(audit_file, "WRITE_SECONDS", 0.05)
    try:
        with pytest.raises(AuditUnwritable, match="no answer"):
            await AuditFile(tmp_path / "audit.jsonl").append(record())
    finally:
        answers.set()


def test_what_goes_to_a_commands_standard_input_is_not_in_its_words() -> None:
    command = RemoteCommand(("tee",), stdin=b"hidden")
    assert "hidden" not in f"{command!r} {command}"
