"""What the host adapter, the link and the host's feeds promise, on the demo world and on the real droplet alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from refactor_console.adapters import host, host_login
from refactor_console.adapters.host_errors import (
    ForwardRefused,
    HostConnectionLost,
    HostKeyRejected,
    HostReadOnly,
    LoginRefused,
)
from refactor_console.domain import commands
from refactor_console.domain.command import RemoteCommand
from refactor_console.domain.environment import Environment
from refactor_console.domain.reading import Phase
from refactor_console.domain.verdict import Verdict
from refactor_console.services.feed import Backoff, Waker
from refactor_console.services.host_feeds import look_at_vitals, measure_clock, read_unit
from refactor_console.services.link import HostLink
from tests.contract.ssh_server import until
from tests.worlds import World

QUICK = Backoff(first=0.1, limit=0.5)


@asynccontextmanager
async def connected(environment: Environment, *, read_only: bool = True) -> AsyncIterator[host.HostConnection]:
    connection = await host.connect(environment.ssh, read_only=read_only)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def linked(environment: Environment) -> AsyncIterator[HostLink]:
    link = HostLink(environment, backoff=QUICK)
    link.start()
    try:
        yield link
    finally:
        await link.close()


@pytest.fixture
def quick_keepalive(monkeypatch: pytest.MonkeyPatch) -> None:
    """Notice a silent network after 1.5 s instead of 15 s."""
    monkeypatch.setattr(host_login, "KEEPALIVE_SECONDS", 0.5)


async def test_the_link_says_who_we_are_on_the_host(world: World) -> None:
    async with linked(world.environment) as link:
        await link.connection()
        identity = link.identity
    assert identity is not None
    assert identity.user == "deploy"
    assert "docker" in identity.groups
    assert identity.hostname
    assert identity.cpus >= 1
    assert identity.fingerprint.startswith("SHA256:")
    assert identity.server.startswith("SSH-2.0-")
    assert identity.can_sudo is True
    assert identity.round_trip is not None
    assert timedelta(0) < identity.round_trip < timedelta(seconds=5)


async def test_a_user_without_sudo_is_told_so_in_the_hosts_words(world: World) -> None:
    async with linked(world.environment_for("nosudo")) as link:
        await link.connection()
        assert link.identity is not None
        assert link.identity.can_sudo is False
        assert link.identity.sudo_note


async def test_an_unknown_account_is_refused_by_name(world: World) -> None:
    with pytest.raises(LoginRefused) as caught:
        await host.connect(world.environment_for("stranger").ssh, read_only=True)
    assert caught.value.problem.code == "auth-failed"
    assert "stranger" in caught.value.problem.summary


async def test_an_unknown_host_key_is_never_accepted(world: World) -> None:
    target = replace(world.environment.ssh, known_hosts_file="/nonexistent/known_hosts")
    with pytest.raises(HostKeyRejected) as caught:
        await host.connect(target, read_only=True)
    assert caught.value.problem.code == "host-key-unknown"


async def test_every_question_to_the_host_is_answered_in_its_format(world: World) -> None:
    environment = world.environment
    async with connected(environment) as connection:
        unit = read_unit(await connection.run(commands.show_unit(environment.unit)), environment.unit)
        assert unit.verdict is Verdict.OK
        assert (unit.active_state, unit.sub_state, unit.kind) == ("active", "exited", "oneshot")
        assert unit.changed_at is not None
        vitals = await look_at_vitals(connection, ("/", environment.compose_directory, "/var/lib/docker"), 2)
        assert vitals.memory_total >= vitals.memory_available > 0
        assert vitals.uptime > timedelta(0)
        assert any(disk.mount == "/" for disk in vitals.disks)
        assert vitals.clock_offset is not None
        assert vitals.clock_error is not None
        assert abs(vitals.clock_offset) < vitals.clock_error + timedelta(seconds=2)


async def test_a_skewed_clock_is_measured_with_its_error(world: World) -> None:
    """Ours is 90 s slow here, so the host's is 90 s ahead."""
    from datetime import UTC, datetime

    async with connected(world.environment) as connection:
        true = await measure_clock(connection)
        skewed = await measure_clock(connection, lambda: datetime.now(UTC) - timedelta(seconds=90))
    assert true.offset is not None
    assert skewed.offset is not None
    assert skewed.error is not None
    assert true.error is not None
    difference = skewed.offset - true.offset - timedelta(seconds=90)
    assert abs(difference) <= skewed.error + true.error


async def test_a_unit_that_does_not_exist_is_a_state_not_an_error(world: World) -> None:
    async with connected(world.environment) as connection:
        status = read_unit(await connection.run(commands.show_unit("absent.service")), "absent.service")
    assert status.verdict is Verdict.FAIL
    assert "does not exist" in status.sentence


async def test_a_missing_program_is_an_answer_with_status_127(world: World) -> None:
    async with connected(world.environment) as connection:
        done = await connection.run(RemoteCommand(("no-such-program", "--x")))
    assert done.exit_status == 127
    assert "not found" in done.errors


async def test_the_docker_socket_is_forwarded_and_answers(world: World) -> None:
    async with (
        connected(world.environment) as connection,
        connection.forward_socket(world.environment.docker_socket) as path,
    ):
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b"GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()
        assert answer.startswith(b"HTTP/1.1 200")
    assert not path.exists()


async def test_a_user_outside_the_docker_group_is_told_how_to_get_in(world: World) -> None:
    environment = world.environment_for("nodocker")
    async with connected(environment) as connection:
        with pytest.raises(ForwardRefused) as caught:
            await connection.try_socket(environment.docker_socket)
    assert caught.value.problem.code == "socket-forbidden"
    assert "usermod -aG docker nodocker" in caught.value.problem.remedy


async def test_a_socket_that_does_not_exist_says_so(world: World) -> None:
    async with connected(world.environment) as connection:
        with pytest.raises(ForwardRefused) as caught:
            await connection.try_socket("/run/no-such.sock")
    assert caught.value.problem.code == "socket-missing"


async def test_read_only_refuses_mutations_before_they_leave(world: World) -> None:
    async with connected(world.environment, read_only=True) as connection:
        with pytest.raises(HostReadOnly):
            await connection.run(commands.make_audit_directory())


async def test_an_audit_line_is_appended(world: World) -> None:
    async with connected(world.environment, read_only=False) as connection:
        assert (await connection.run(commands.make_audit_directory())).ok
        done = await connection.run(commands.append_audit('{"contract": "ü"}'))
        assert done.ok
        assert done.text == '{"contract": "ü"}\n'


async def test_many_questions_at_once_do_not_use_up_the_servers_sessions(world: World) -> None:
    async with connected(world.environment) as connection:
        answers = await asyncio.gather(*(connection.run(commands.host_name()) for _ in range(30)))
    assert all(answer.ok for answer in answers)


async def test_a_severed_connection_is_noticed_at_once_and_comes_back(world: World) -> None:
    async with linked(world.environment) as link:
        resting = asyncio.create_task(link.rest(await link.connection(), 60, Waker()))
        woken = asyncio.create_task(link.waker.wait(30))
        await asyncio.sleep(0)
        await world.sever()
        async with asyncio.timeout(5):
            with pytest.raises(HostConnectionLost):
                await resting
        assert await woken
        assert (await (await link.connection()).run(commands.host_name())).ok


async def test_a_stopped_ssh_server_is_a_refused_connection_until_it_is_back(world: World) -> None:
    async with linked(world.environment) as link:
        await link.connection()
        await world.ssh_down()
        await until(_says(link, "refused"), 10)
        await world.ssh_up()
        await until(lambda: link.feed.reading.phase is Phase.LIVE, 10)


@pytest.mark.usefixtures("quick_keepalive")
async def test_a_silent_network_is_noticed_by_keepalives_and_survived(world: World) -> None:
    async with linked(world.environment) as link:
        connection = await link.connection()
        asking = asyncio.create_task(connection.run(commands.host_name()))
        await asking
        await world.cut_network()
        async with asyncio.timeout(10):
            lost = await connection.wait_closed()
        assert "silent" in lost.problem.summary
        await world.restore_network()
        await until(lambda: link.feed.reading.phase is Phase.LIVE, 20)


def _says(link: HostLink, code: str) -> Callable[[], bool]:
    def condition() -> bool:
        problem = link.feed.reading.problem
        return link.feed.reading.phase is Phase.FAILED and problem is not None and problem.code == code

    return condition
