"""The demo world as a process: it starts quickly, obeys, and leaves nothing behind however it ends."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import textwrap
from pathlib import Path

import asyncssh
import pytest

from refactor_console.demo import launcher
from refactor_console.domain import commands
from tests.waiting import until
from tests.worlds.demo import DemoWorld, demo_world


def exists(pid: int) -> bool:
    """Whether there is such a process that is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def files_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


async def connect(world: DemoWorld, user: str = "deploy") -> asyncssh.SSHClientConnection:
    info = world.process.info
    return await asyncssh.connect(
        info.host,
        info.port,
        username=user,
        client_keys=[str(info.identity_file)],
        known_hosts=str(info.known_hosts_file),
        config=None,
    )


async def test_it_starts_answers_and_leaves_neither_process_nor_file(tmp_path: Path) -> None:
    async with demo_world(tmp_path) as world:
        info = world.process.info
        assert (tmp_path / "demo").stat().st_mode & 0o777 == 0o700
        assert info.identity_file.stat().st_mode & 0o777 == 0o600
        async with await connect(world) as connection:
            answer = await connection.run(commands.host_name().render())
            assert answer.stdout == "refactor-droplet\n"
    assert not exists(info.pid)
    assert files_in(tmp_path) == []


async def test_it_ends_when_its_starter_is_killed(tmp_path: Path) -> None:
    starter = textwrap.dedent(
        f"""
        import asyncio, pathlib
        from refactor_console.demo import launcher
        async def main():
            process = await launcher.start(pathlib.Path({str(tmp_path / "demo")!r}))
            print(process.info.pid, flush=True)
            await asyncio.sleep(60)
        asyncio.run(main())
        """
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", starter, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    pid = int(await process.stdout.readline())
    assert exists(pid)
    process.kill()
    await process.wait()
    await until(lambda: not exists(pid), "the demo world has ended")
    assert files_in(tmp_path) == []


async def test_what_a_killed_world_left_does_not_keep_the_next_from_starting(tmp_path: Path) -> None:
    world = await DemoWorld.start(tmp_path / "demo")
    os.kill(world.process.info.pid, signal.SIGKILL)
    await world.stop()
    assert (tmp_path / "demo" / "world.json").exists()
    async with demo_world(tmp_path) as again, await connect(again) as connection:
        assert (await connection.run("true")).exit_status == 0
    assert not (tmp_path / "demo" / "world.json").exists()


async def test_files_that_are_not_its_own_stay(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "notes.txt").write_text("mine")
    async with demo_world(tmp_path):
        pass
    assert files_in(tmp_path / "demo") == ["notes.txt"]


async def test_a_place_where_it_cannot_start_is_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("a file, not a directory")
    with pytest.raises(launcher.DemoError, match=r"ended while starting \(status 1\)"):
        await launcher.start(tmp_path / "demo")


async def test_an_unknown_control_is_refused(tmp_path: Path) -> None:
    async with demo_world(tmp_path) as world:
        with pytest.raises(launcher.DemoError, match="unknown verb 'fly'"):
            await world.process.control("fly")
        with pytest.raises(launcher.DemoError, match="no-such-service"):
            await world.process.control("restart_container", service="no-such-service")


async def test_every_command_of_the_console_succeeds_there(tmp_path: Path) -> None:
    unit, home = "refactor-platform.service", "/home/deploy"
    async with demo_world(tmp_path) as world, await connect(world) as connection:
        for command in (
            commands.identify(),
            commands.cpu_count(),
            commands.may_restart_unit(unit),
            commands.proc_vitals(),
            commands.disk_usage(home, "/var/lib/docker"),
            commands.clock(),
            commands.show_unit(unit),
            commands.is_active(unit),
            commands.describe_path("/var/run/docker.sock"),
            commands.journal_access(),
            commands.last_journal_entry(unit),
            commands.make_audit_directory(),
            commands.append_audit('{"a": "é"}'),
            commands.append_audit('{"b": 2}'),
        ):
            done = await connection.run(command.render(), input=command.stdin, encoding=None)
            assert (done.exit_status, done.stderr) == (0, b""), command
        kept = await connection.run("cat .refactor-console/audit.jsonl")
        assert kept.stdout == '{"a": "é"}\n{"b": 2}\n'


async def test_an_unknown_program_or_option_fails_as_on_a_real_host(tmp_path: Path) -> None:
    async with demo_world(tmp_path) as world, await connect(world) as connection:
        unknown = await connection.run("frobnicate --now")
        assert (unknown.exit_status, unknown.stderr) == (127, "bash: frobnicate: command not found\n")
        option = await connection.run("journalctl --frobnicate")
        assert (option.exit_status, option.stderr) == (1, "journalctl: unrecognized option '--frobnicate'\n")
