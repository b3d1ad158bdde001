"""The link comes up, stays up, comes back, and tells everyone who leans on it; over a real SSH server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest

from refactor_console.adapters import host
from refactor_console.adapters.host_errors import HostConnectionLost
from refactor_console.domain.environment import Environment, SshTarget
from refactor_console.domain.reading import Phase, Reading
from refactor_console.domain.unit import UnitStatus
from refactor_console.domain.vitals import HostIdentity
from refactor_console.services.feed import Backoff, Feed, Waker, supervise
from refactor_console.services.host_feeds import watch_unit, watch_vitals
from refactor_console.services.link import HostLink, LinkDown
from tests.contract.ssh_server import Process, Server, answer_normally, serving, until

QUICK = Backoff(first=0.02, limit=0.05, jitter=0)


@pytest.fixture
async def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    async with serving(tmp_path / "ssh") as running:
        yield running


@asynccontextmanager
async def linked(
    target: SshTarget, *, patient_retry: float = 60.0, backoff: Backoff = QUICK
) -> AsyncIterator[HostLink]:
    link = HostLink(Environment("test", target), backoff=backoff, patient_retry=patient_retry)
    link.start()
    try:
        yield link
    finally:
        await link.close()


def phases(link: HostLink) -> list[Phase]:
    seen: list[Phase] = []
    link.feed.subscribe(lambda reading: seen.append(reading.phase))
    return seen


async def test_it_comes_up_and_says_who_we_are(server: Server) -> None:
    async with linked(server.target) as link:
        connection = await link.connection()
        identity = link.identity
    assert identity is not None
    assert identity == HostIdentity(
        user="deploy",
        groups=("deploy", "docker"),
        hostname="host-1",
        cpus=4,
        fingerprint=server.host_key.get_fingerprint(),
        server=connection.server_version,
        can_sudo=False,
        round_trip=identity.round_trip,
        sudo_note="sh: sudo: not found",
    )
    assert identity.round_trip is not None
    assert connection.closed


async def test_a_dependant_waits_while_the_first_attempt_is_under_way(server: Server) -> None:
    go = asyncio.Event()

    async def slow(command: str, process: Process) -> int:
        await go.wait()
        return await answer_normally(command, process)

    server.handler = slow
    async with linked(server.target) as link:
        waiting = asyncio.create_task(link.connection())
        await until(lambda: bool(server.commands))
        assert not waiting.done()
        go.set()
        assert not (await waiting).closed


async def test_a_dependant_of_a_failed_link_hears_so_at_once_and_why(server: Server) -> None:
    await server.down()
    async with linked(server.target, backoff=Backoff(first=60)) as link:
        for _ in range(2):
            with pytest.raises(LinkDown) as caught:
                async with asyncio.timeout(2):
                    await link.connection()
            assert caught.value.problem.code == "link-down"
            assert "refused the connection" in caught.value.problem.summary
            assert caught.value.problem.remedy


async def test_it_comes_back_by_itself_and_wakes_its_dependants_at_once(server: Server) -> None:
    async with linked(server.target) as link:
        first = await link.connection()
        woken = asyncio.create_task(link.waker.wait(30))
        seen = phases(link)
        await server.sever()
        assert await woken
        second = await link.connection()
    assert second is not first
    assert seen == [Phase.FAILED, Phase.CONNECTING, Phase.LIVE]


async def test_the_identity_is_kept_while_the_link_is_down(server: Server) -> None:
    async with linked(server.target, backoff=Backoff(first=60)) as link:
        await link.connection()
        await server.down()
        await until(lambda: link.feed.reading.phase is Phase.FAILED)
        reading = link.feed.reading
    assert reading.value is not None
    assert reading.problem is not None
    assert reading.problem.code == "connection-lost"
    assert reading.next_try is not None


async def test_an_idle_dependant_learns_of_a_loss_at_once(server: Server) -> None:
    async with linked(server.target, backoff=Backoff(first=60)) as link:
        resting = asyncio.create_task(link.rest(await link.connection(), 60, Waker()))
        await asyncio.sleep(0)
        await server.down()
        async with asyncio.timeout(2):
            with pytest.raises(HostConnectionLost):
                await resting


async def test_a_nudge_ends_a_rest(server: Server) -> None:
    nudge = Waker()
    async with linked(server.target) as link:
        resting = asyncio.create_task(link.rest(await link.connection(), 60, nudge))
        await asyncio.sleep(0.01)
        nudge.wake()
        async with asyncio.timeout(2):
            await resting


async def test_a_refused_login_is_not_hammered_and_a_person_may_retry(server: Server, tmp_path: Path) -> None:
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(str(tmp_path / "stranger"))
    async with linked(replace(server.target, identity_file=str(tmp_path / "stranger"))) as link:
        await until(lambda: link.feed.reading.phase is Phase.FAILED)
        await asyncio.sleep(0.3)  # six waits of the quick backoff
        assert server.logins == 1
        link.retry_now()
        await until(lambda: server.logins == 2)


async def test_a_server_that_drops_every_connection_is_tried_ever_less_often(server: Server) -> None:
    """A connection that comes up and dies at once must not reset the waits."""

    async def drop(command: str, process: Process) -> int:
        process.channel.get_connection().abort()
        return 0

    server.handler = drop
    async with linked(server.target, backoff=Backoff(first=0.05, limit=60, jitter=0)) as link:
        await until(lambda: server.logins == 3)
        await until(lambda: link.feed.reading.phase is Phase.FAILED)
        begun = asyncio.get_running_loop().time()
        await until(lambda: server.logins == 4)
    assert asyncio.get_running_loop().time() - begun > 0.15


async def test_a_login_shell_that_greets_does_no_harm(server: Server) -> None:
    async def greeting(command: str, process: Process) -> int:
        process.stdout.write(b"Welcome to host-1!\n\xff\xfe uid=nonsense\n")
        return await answer_normally(command, process)

    server.handler = greeting
    async with linked(server.target) as link:
        await link.connection()
        assert link.identity is not None
        assert (link.identity.user, link.identity.hostname, link.identity.cpus) == ("deploy", "host-1", 4)


async def test_an_account_without_a_shell_says_so(server: Server) -> None:
    async def nologin(_command: str, process: Process) -> int:
        process.stdout.write(b"This account is currently not available.\n")
        return 1

    server.handler = nologin
    async with linked(server.target) as link:
        with pytest.raises(LinkDown) as caught:
            await link.connection()
    assert "login shell" in caught.value.problem.summary
    assert "not available" in caught.value.problem.detail


async def test_closing_leaves_nothing_behind(server: Server) -> None:
    before = asyncio.all_tasks()
    async with linked(server.target) as link:
        await link.connection()
    await until(lambda: all(connection.is_closed() for connection in server.connections))
    await until(lambda: not {task for task in asyncio.all_tasks() - before if "link" in task.get_name()})


async def test_closing_while_connecting_is_quick(server: Server) -> None:
    async def silent(_command: str, process: Process) -> int:
        await process.stdin.read()
        await process.channel.wait_closed()
        return 0

    server.handler = silent
    async with linked(server.target) as link:
        await until(lambda: bool(server.commands))
        async with asyncio.timeout(3):
            await link.close()


async def test_the_unit_feed_fails_with_the_link_and_comes_back_with_it(server: Server) -> None:
    async with linked(server.target) as link:
        feed: Feed[UnitStatus] = Feed("unit")
        seen: list[Reading[UnitStatus]] = []
        feed.subscribe(seen.append)
        watching = asyncio.create_task(
            supervise(feed, lambda: watch_unit(link, "u.service", Waker()), waker=link.waker, backoff=Backoff(first=60))
        )
        await until(lambda: feed.reading.is_live)
        await server.down()
        await until(lambda: feed.reading.phase is Phase.FAILED)
        assert feed.reading.value is not None
        await server.up()
        await until(lambda: feed.reading.is_live)
        watching.cancel()
        await asyncio.wait({watching})
    assert all(reading.problem is not None for reading in seen if reading.phase is Phase.FAILED)


async def test_vitals_come_without_disks_or_clock_where_the_host_has_no_tools(server: Server) -> None:
    async def poor(command: str, process: Process) -> int:
        if command.startswith("date"):
            process.stdout.write(b"1700000000.%N\n")
            return 0
        return await answer_normally(command, process)

    server.handler = poor
    async with linked(server.target) as link:
        watching = watch_vitals(link, Waker())
        vitals = await anext(watching)
        await watching.aclose()  # type: ignore[attr-defined]
    assert vitals.cpus == 4
    assert vitals.disks == ()
    assert vitals.clock_offset is not None
    assert vitals.clock_error is not None
    assert vitals.clock_error.total_seconds() >= 0.5


async def test_a_bug_while_connecting_is_a_failure_that_dependants_hear_of_and_the_link_still_comes_up(
    server: Server,
) -> None:
    go = asyncio.Event()
    attempts = 0

    async def connect(target: SshTarget, *, read_only: bool) -> host.HostConnection:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            raise KeyError("nobody foresaw this")
        await go.wait()
        return await host.connect(target, read_only=read_only)

    link = HostLink(Environment("test", server.target), connect=connect, backoff=QUICK)
    link.start()
    try:
        await until(lambda: attempts == 2)
        with pytest.raises(LinkDown):
            await link.connection()
        assert link.feed.reading.problem is not None
        assert link.feed.reading.problem.code == "console-bug"
        go.set()
        await until(lambda: link.feed.reading.is_live)
    finally:
        await link.close()
