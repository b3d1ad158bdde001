"""The Engine adapter against a real HTTP server on a Unix socket: failures are sentences, nothing blocks or leaks."""

from __future__ import annotations

import asyncio
import json
import socketserver
import threading
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from refactor_console.adapters.engine import Engine
from refactor_console.adapters.engine_errors import (
    ContainerGone,
    EngineCut,
    EngineError,
    EngineMalformed,
    EngineReadOnly,
    EngineTimeout,
    EngineTooOld,
    diagnose,
)
from refactor_console.adapters.engine_transport import Adapter, Client
from refactor_console.domain.containers import Container, ContainerState
from tests.services.engine_server import ENVIRONMENT, EngineServer, LocalConnection, inspected, until

A = "a" * 64


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EngineServer]:
    made = EngineServer(tmp_path / "engine.sock")
    made.up()
    made.add(inspected(A, "rust-app"))
    yield made
    made.down()


@pytest_asyncio.fixture
async def engine(server: EngineServer) -> AsyncIterator[Engine]:
    made = Engine(str(server.path))
    yield made
    made.close()


def stream_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("engine: ")]


async def test_containers_come_inspected_with_the_digest_of_their_image(engine: Engine) -> None:
    (container,) = await engine.containers()
    assert container.state is ContainerState.RUNNING
    assert container.image_digest == "sha256:" + "d" * 64
    assert (await engine.info()).api_version == "1.45"
    assert abs((await engine.ping() - datetime.now(UTC)).total_seconds()) < 5


async def test_a_request_for_a_container_that_is_gone_says_so(engine: Engine) -> None:
    with pytest.raises(ContainerGone) as caught:
        await engine.inspect("b" * 64)
    assert caught.value.problem.code == "container-gone"


async def test_read_only_mode_sends_no_request_that_changes_anything(server: EngineServer) -> None:
    engine = Engine(str(server.path), read_only=True)
    await engine.inspect(A)
    for attempt in (engine.restart(A, 1), engine.stop(A, 1), engine.start(A)):
        with pytest.raises(EngineReadOnly):
            await attempt
    # The transport refuses too, whatever a later version of the adapter might forget.
    client = Client(Adapter(str(server.path), read_only=True), "1.45", 5)
    with pytest.raises(EngineReadOnly):
        await asyncio.to_thread(client.restart, A, timeout=1)
    assert server.mutations == []
    engine.close()
    client.close()


async def test_a_mutation_is_sent_once_with_its_grace_period(engine: Engine, server: EngineServer) -> None:
    await engine.restart(A, 7)
    assert [request.partition("/containers")[2] for request in server.mutations] == [f"/{A}/restart?t=7"]


async def test_nothing_of_the_users_docker_configuration_is_read(
    server: EngineServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for poison in (
        '{"auths": 7, "HttpHeaders": {"X-Leak": "1"}, "proxies": {"default": {"httpProxy": "http://x"}}}',
        "[]",
    ):
        (tmp_path / "config.json").write_text(poison)
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
        engine = Engine(str(server.path))
        assert (await engine.inspect(A)).id == A
        engine.close()


async def test_nobody_at_the_socket_and_no_socket_are_told_apart(tmp_path: Path) -> None:
    server = EngineServer(tmp_path / "engine.sock")
    server.up()
    server.down()
    for path, code in ((server.path, "engine-stopped"), (tmp_path / "none.sock", "socket-absent")):
        engine = Engine(str(path))
        with pytest.raises(EngineError) as caught:
            await engine.info()
        assert caught.value.problem.code == code
        engine.close()


async def test_a_list_that_is_cut_in_its_middle_is_one_engine_error(engine: Engine, server: EngineServer) -> None:
    for number in range(9):
        server.add(inspected(f"{number:064x}", f"n{number}"))
    server.cut_inspections = True
    with pytest.raises(EngineError):
        await engine.containers()


async def test_an_engine_that_comes_back_is_used_again_without_being_told(engine: Engine, server: EngineServer) -> None:
    await engine.inspect(A)
    server.down()
    with pytest.raises(EngineError):
        await engine.inspect(A)
    server.up()
    assert (await engine.inspect(A)).id == A


async def test_a_slow_answer_ends_in_time_and_blocks_nothing_meanwhile(
    server: EngineServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("refactor_console.adapters.engine._SOCKET_SECONDS", 0.3)
    engine = Engine(str(server.path))
    server.delay = 1.0
    gaps: list[float] = []

    async def heartbeat() -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.01)
            gaps.append(time.monotonic() - before)

    beating = asyncio.create_task(heartbeat())
    with pytest.raises(EngineTimeout) as caught:
        await engine.restart(A, 0)
    assert "restart" in caught.value.problem.summary
    beating.cancel()
    assert max(gaps) < 0.25
    engine.close()


class _Canned(socketserver.StreamRequestHandler):
    answer = b""

    def handle(self) -> None:
        self.rfile.readline()
        self.wfile.write(self.answer)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", EngineMalformed),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n<html></h", EngineMalformed),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", EngineMalformed),
        (b'HTTP/1.1 200 OK\r\nContent-Length: 22\r\n\r\n{"ApiVersion": "1.39"}', EngineTooOld),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", EngineError),
        (b"", EngineError),
    ],
)
async def test_strange_answers_are_sentences_and_not_tracebacks(
    tmp_path: Path, answer: bytes, expected: type[EngineError]
) -> None:
    handler = type("Handler", (_Canned,), {"answer": answer})
    with socketserver.ThreadingUnixStreamServer(str(tmp_path / "s"), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        engine = Engine(str(tmp_path / "s"))
        with pytest.raises(expected) as caught:
            await engine.info()
        assert caught.value.problem.summary.endswith(".")
        engine.close()
        server.shutdown()


async def test_leaving_a_stream_ends_its_thread_at_once_also_while_it_waits(engine: Engine) -> None:
    async with engine.logs(A) as stream, engine.events():
        waiting = asyncio.create_task(stream.take())
        await asyncio.sleep(0)
        assert len(stream_threads()) == 2
        before = time.monotonic()
        waiting.cancel()
    await until(lambda: stream_threads() == [])
    assert time.monotonic() - before < 1


async def test_a_stream_whose_answer_never_begins_can_be_left_too(tmp_path: Path) -> None:
    class Silent(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            if b"/version" in self.rfile.readline():
                body = json.dumps({"ApiVersion": "1.45"}).encode()
                self.wfile.write(
                    b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
                )
            else:
                self.rfile.read()

    with socketserver.ThreadingUnixStreamServer(str(tmp_path / "s"), Silent) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        engine = Engine(str(tmp_path / "s"))

        async def follow() -> None:
            async with engine.events():
                pytest.fail("it never answered")

        task = asyncio.create_task(follow())
        await until(lambda: stream_threads() != [])
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: stream_threads() == [])
        engine.close()
        server.shutdown()


async def test_a_cut_stream_gives_what_came_before_and_then_says_that_it_was_cut(
    engine: Engine, server: EngineServer
) -> None:
    server.say(A, b"one")
    async with engine.logs(A) as stream:
        assert [line.message for line in await stream.take()] == ["one"]
        server.cut()
        with pytest.raises(EngineCut):
            await stream.take()


async def test_a_reader_who_does_not_take_holds_the_stream_back_and_loses_nothing(
    engine: Engine, server: EngineServer
) -> None:
    for number in range(300):
        server.say(A, b"%d " % number + b"x" * 100_000)
    async with engine.logs(A, follow=False) as stream:
        await asyncio.sleep(0.3)
        held = stream._stream._buffer._weight
        got = []
        while lines := await stream.take():
            got += [int(line.message.split()[0]) for line in lines]
    assert held < 10 * 1024 * 1024
    assert got == list(range(300))


SOCKET = (0, b"socket|srw-rw----|root|docker\n")
DEPLOY = (0, b"uid=1000(deploy) gid=1000(deploy) groups=1000(deploy),999(docker)\n")
NOBODY = (0, b"Welcome!\nuid=1001(nodocker) gid=1001(nodocker) groups=1001(nodocker)\n")


@pytest.mark.parametrize(
    ("stat", "who", "unit", "code", "word"),
    [
        (SOCKET, NOBODY, (0, b"active\n"), "no-permission", "usermod -aG docker nodocker"),
        ((0, b"socket|srw-------|root|docker\n"), DEPLOY, (0, b"active\n"), "no-permission", "sudo chmod g+rw"),
        (SOCKET, DEPLOY, (3, b"inactive\n"), "engine-stopped", "systemctl start docker"),
        (SOCKET, DEPLOY, (0, b"active\n"), "unreachable", "AllowStreamLocalForwarding"),
        ((1, b"stat: cannot statx"), DEPLOY, (4, b"inactive\n"), "socket-absent", "docker_socket"),
        ((0, b"regular file|-rw-r--r--|root|root\n"), DEPLOY, (0, b"active\n"), "socket-absent", "docker_socket"),
    ],
)
async def test_the_host_is_asked_why_the_socket_cannot_be_used(
    tmp_path: Path, stat: tuple[int, bytes], who: tuple[int, bytes], unit: tuple[int, bytes], code: str, word: str
) -> None:
    host = LocalConnection(tmp_path)
    host.answers = {"stat": stat, "id": who, "systemctl": unit}
    problem = (await diagnose(host, ENVIRONMENT)).problem
    assert problem.code == code
    assert word in problem.remedy


async def test_closing_never_waits_for_a_connection_that_is_being_opened(tmp_path: Path) -> None:
    class Mute(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while self.rfile.readline():
                pass

    with socketserver.ThreadingUnixStreamServer(str(tmp_path / "s"), Mute) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        engine = Engine(str(tmp_path / "s"))
        asking = asyncio.create_task(engine.info())
        await until(lambda: engine._adapter is not None and len(engine._adapter.sockets._open) > 0)
        before = time.monotonic()
        engine.close()
        with pytest.raises(EngineError):
            await asking
        assert time.monotonic() - before < 1
        server.shutdown()


async def test_a_host_with_hundreds_of_containers_is_not_asked_about_all_of_them_at_once(
    server: EngineServer, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time limit of a request runs while it waits for a thread."""
    for number in range(60):
        server.add(inspected(f"{number:064x}", f"job-{number}"))
    inspect, under_way, most = Engine.inspect, 0, 0

    async def counted(self: Engine, container_id: str) -> Container:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        try:
            return await inspect(self, container_id)
        finally:
            under_way -= 1

    monkeypatch.setattr(Engine, "inspect", counted)
    assert len(await engine.containers()) == 61
    assert most < 6  # the Engine's own threads, of which others need some


async def test_an_engine_that_went_and_came_back_leaves_no_connection_of_the_time_before(
    server: EngineServer, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[Adapter] = []
    close = Adapter.close

    def noted(adapter: Adapter) -> None:
        closed.append(adapter)
        close(adapter)

    monkeypatch.setattr(Adapter, "close", noted)
    await engine.ping()
    first = engine._adapter
    server.down()
    with pytest.raises(EngineError):
        await engine.ping()
    server.up()
    await engine.ping()
    assert engine._adapter is not first
    assert first in closed
