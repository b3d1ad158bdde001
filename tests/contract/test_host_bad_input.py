"""Every way a host can be wrong is a clear sentence with a remedy and a stable code, and never a traceback."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest

from refactor_console.adapters import host
from refactor_console.adapters.host_errors import HostError
from refactor_console.domain import commands
from refactor_console.domain.command import RemoteCommand
from refactor_console.domain.environment import SshTarget
from refactor_console.domain.problem import Problem
from tests.contract.ssh_server import Process, Server, answer_normally, serving, until
from tests.tools import require_tool


@pytest.fixture
async def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    async with serving(tmp_path / "ssh") as running:
        yield running


async def failing(target: SshTarget) -> Problem:
    """The problem of a connection attempt that has to fail, and that has to be said in full."""
    with pytest.raises(HostError) as caught:
        await succeeds(target)
    problem = caught.value.problem
    assert problem.summary.endswith((".", "?"))
    assert problem.remedy
    assert "Traceback" not in problem.detail
    return problem


async def succeeds(target: SshTarget) -> bool:
    connection = await host.connect(target, read_only=True)
    await connection.close()
    return True


@asynccontextmanager
async def connected(target: SshTarget, *, read_only: bool = False) -> AsyncIterator[host.HostConnection]:
    connection = await host.connect(target, read_only=read_only)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def raw_server(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[SshTarget]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        yield SshTarget("127.0.0.1", port=port, user="deploy", config_file="/dev/null", connect_timeout=1.0)


# Reaching it.


async def test_a_name_that_nobody_knows(server: Server) -> None:
    assert (await failing(replace(server.target, host="no-such-host.invalid"))).code == "name-unknown"


async def test_a_port_where_nothing_listens(server: Server) -> None:
    await server.down()
    problem = await failing(server.target)
    assert problem.code == "refused"
    assert f"127.0.0.1:{server.port}" in problem.summary


async def test_every_address_of_a_name_refuses(server: Server) -> None:
    """``localhost`` has two addresses; the system's error is then another one."""
    await server.down()
    assert (await failing(replace(server.target, host="localhost"))).code == "refused"


async def test_a_host_that_is_down_does_not_answer(server: Server) -> None:
    """A listener whose queue is full drops what knocks, as a host that is down does."""
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for filler in (first, second):
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        problem = await failing(replace(server.target, port=full.getsockname()[1], connect_timeout=0.5))
    assert problem.code == "unreachable"
    assert "0.5 s" in problem.summary


async def test_a_web_server_on_the_port() -> None:
    async def web(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"HTTP/1.1 400 Bad \x1b[31mRequest\r\nConnection: close\r\n\r\n")
        await writer.drain()

    async with raw_server(web) as target:
        problem = await failing(target)
    assert problem.code == "not-ssh"
    assert "HTTP/1.1 400" in problem.summary
    assert "\x1b" not in problem.summary + problem.detail


async def test_a_server_that_closes_in_the_handshake() -> None:
    async def close(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-Gone\r\n")
        await writer.drain()

    async with raw_server(close) as target:
        assert (await failing(target)).code == "handshake-closed"


async def test_a_server_that_closes_at_once() -> None:
    async def close(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        return

    async with raw_server(close) as target:
        assert (await failing(target)).code == "handshake-closed"


async def test_a_server_that_accepts_and_says_nothing() -> None:
    async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with raw_server(silent) as target:
        assert (await failing(replace(target, connect_timeout=0.5))).code == "handshake-timeout"


@pytest.mark.parametrize(
    "noise", [bytes(range(256)) * 40, b"\x00" * 5000, b"\xff" * 9000, b"SSH-2.0-x\r\n" + b"\x7f" * 999]
)
async def test_a_server_that_talks_nonsense(noise: bytes) -> None:
    async def babble(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(noise)
        await writer.drain()

    async with raw_server(babble) as target:
        assert (await failing(target)).code in {"not-ssh", "handshake-closed", "handshake-timeout"}


# Knowing it.


async def test_an_unknown_host_key_shows_its_fingerprint_and_what_to_do(server: Server) -> None:
    problem = await failing(server.know())
    assert problem.code == "host-key-unknown"
    assert server.host_key.get_fingerprint() in problem.summary
    assert "ssh-keyscan" in problem.remedy
    assert f"-p {server.port}" in problem.remedy
    assert server.name in problem.detail


async def test_a_missing_known_hosts_file_means_an_unknown_key(server: Server) -> None:
    assert (await failing(replace(server.target, known_hosts_file="/nonexistent/file"))).code == "host-key-unknown"


async def test_no_known_hosts_anywhere_means_an_unknown_key(server: Server) -> None:
    assert (await failing(replace(server.target, known_hosts_file=None))).code == "host-key-unknown"


async def test_a_configuration_cannot_switch_the_check_off(server: Server, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Host *\n  UserKnownHostsFile none\n  GlobalKnownHostsFile none\n  StrictHostKeyChecking no\n")
    target = replace(server.target, known_hosts_file=None, config_file=str(config))
    assert (await failing(target)).code == "host-key-unknown"


async def test_an_unreadable_known_hosts_file_says_so(server: Server, tmp_path: Path) -> None:
    assert (await failing(replace(server.target, known_hosts_file=str(tmp_path)))).code == "known-hosts-unreadable"


async def test_a_changed_host_key_shows_both_fingerprints_and_the_line(server: Server) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519")
    target = server.know("# a comment", f"{{name}} {other.export_public_key().decode().strip()}")
    problem = await failing(target)
    assert problem.code == "host-key-changed"
    assert server.host_key.get_fingerprint() in problem.detail
    assert other.get_fingerprint() in problem.detail
    assert f"{target.known_hosts_file}:2" in problem.summary
    assert "ssh-keygen -R" in problem.remedy


async def test_a_known_key_of_another_type_counts_as_changed(server: Server) -> None:
    """The server has no key of the known type any more: it is not the host we know."""
    other = asyncssh.generate_private_key("ecdsa-sha2-nistp256")
    problem = await failing(server.know(f"{{name}} {other.export_public_key().decode().strip()}"))
    assert problem.code == "host-key-changed"
    assert server.host_key.get_fingerprint() in problem.summary


async def test_a_revoked_host_key_is_refused_though_it_is_known(server: Server) -> None:
    target = server.know("{name} {key}", "@revoked * {key}")
    problem = await failing(target)
    assert problem.code == "host-key-revoked"
    assert f"{target.known_hosts_file}:2" in problem.remedy


@pytest.mark.parametrize(
    "lines",
    [
        ("{name} {key}",),
        ("127.0.0.1 {key}",),
        ("127.0.0.* {key}",),
        ("other,{name} {key}",),
        ("garbage", "{name} not-a-key AAAA", "@nonsense x y", "|1|bad|", "{name} {key}"),
    ],
)
async def test_known_hosts_lines_as_openssh_reads_them(server: Server, lines: tuple[str, ...]) -> None:
    assert await succeeds(server.know(*lines))


async def test_a_negated_pattern_knows_nothing(server: Server) -> None:
    assert (await failing(server.know("!{name},!127.0.0.1,* {key}"))).code == "host-key-unknown"


def hash_names(file: str) -> None:
    require_tool("ssh-keygen", "openssh-client")
    subprocess.run(["ssh-keygen", "-H", "-f", file], check=True, capture_output=True)
    assert "|1|" in Path(file).read_text()


async def test_a_hashed_known_hosts_file(server: Server) -> None:
    target = server.know("{name} {key}")
    hash_names(str(target.known_hosts_file))
    assert await succeeds(target)


async def test_a_host_certificate_of_a_known_authority(tmp_path: Path) -> None:
    authority = asyncssh.generate_private_key("ssh-ed25519")
    async with serving(tmp_path / "ssh") as server:
        certificate = authority.generate_host_certificate(server.host_key, "host", principals=["127.0.0.1"])
        await server.down()
        assert server._acceptor is not None
        host_keys = [(server.host_key, certificate)]
        server._acceptor = await asyncssh.listen(
            "127.0.0.1",
            server.port,
            server_host_keys=host_keys,
            authorized_client_keys=str(server.directory / "authorized"),
            process_factory=server._serve,
            encoding=None,
        )
        public = authority.export_public_key().decode().strip()
        assert await succeeds(server.know(f"@cert-authority {{name}} {public}"))
        stranger = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
        assert (await failing(server.know(f"@cert-authority {{name}} {stranger}"))).code == "host-key-changed"


# Being let in.


async def test_a_key_that_the_host_does_not_know(server: Server, tmp_path: Path) -> None:
    stranger = tmp_path / "stranger"
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(str(stranger))
    problem = await failing(replace(server.target, identity_file=str(stranger)))
    assert problem.code == "auth-failed"
    assert "deploy" in problem.summary
    assert str(stranger) in problem.detail
    assert "SSH agent" in problem.detail


async def test_no_key_at_all_says_so(server: Server) -> None:
    problem = await failing(replace(server.target, identity_file=None))
    assert problem.code == "auth-failed"
    assert "ssh-add" in problem.remedy


async def test_an_identity_file_that_is_missing(server: Server) -> None:
    assert (await failing(replace(server.target, identity_file="/nonexistent/key"))).code == "identity-missing"


async def test_an_identity_file_that_is_no_key(server: Server, tmp_path: Path) -> None:
    (tmp_path / "junk").write_bytes(b"\xff\x00 junk")
    assert (await failing(replace(server.target, identity_file=str(tmp_path / "junk")))).code == "identity-unreadable"


async def test_an_identity_file_with_a_passphrase(server: Server, tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    server.client_key.write_private_key(str(locked), "pkcs8-pem", "secret")
    problem = await failing(replace(server.target, identity_file=str(locked)))
    assert problem.code == "identity-encrypted"
    assert f"ssh-add {locked}" in problem.remedy


@pytest.fixture
def agent(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> object:
    """A real ssh-agent that holds six strange keys and then the right one."""
    path = str(tmp_path / "agent")
    require_tool("ssh-agent", "openssh-client")
    process = subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL)
    monkeypatch.setenv("SSH_AUTH_SOCK", path)
    while not Path(path).exists():
        assert process.poll() is None
    for number in range(6):
        asyncssh.generate_private_key("ssh-ed25519").write_private_key(str(tmp_path / f"strange{number}"))
    keys = [*(str(tmp_path / f"strange{number}") for number in range(6)), str(server.directory / "key")]
    for key in keys:
        Path(key).chmod(0o600)
    subprocess.run(["ssh-add", *keys], check=True, capture_output=True)
    yield path
    process.send_signal(signal.SIGTERM)
    process.wait()


async def test_the_keys_of_the_agent_are_offered(server: Server, agent: object) -> None:
    assert await succeeds(replace(server.target, identity_file=None))


async def test_the_named_identity_file_comes_before_a_full_agent(server: Server, agent: object) -> None:
    """OpenSSH's server gives up after six keys: the one that is known to be right must not be the eighth."""
    offered: list[str] = []
    real = asyncssh.SSHAuthorizedKeys.validate

    def note(self: asyncssh.SSHAuthorizedKeys, key: asyncssh.SSHKey, *rest: object) -> object:
        offered.append(key.get_fingerprint())
        return real(self, key, *rest)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncssh.SSHAuthorizedKeys, "validate", note)
        assert await succeeds(server.target)
    assert offered[0] == server.client_key.get_fingerprint()


async def test_a_dead_agent_is_named_and_does_no_other_harm(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "nobody"))
    assert await succeeds(server.target)
    assert str(tmp_path / "nobody") in (await failing(replace(server.target, identity_file=None))).detail


# The configuration.


async def test_the_configuration_says_where_the_host_is(server: Server, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(
        f"Host alias\n  HostName 127.0.0.1\n  Port {server.port}\n  User deploy\n  RequestTTY force\n"
        f"  RemoteCommand false\n  IdentityFile {server.directory}/key\n  IdentityFile ~/.ssh/not-there\n"
        f"  UserKnownHostsFile {server.directory}/known_hosts\n"
    )
    async with connected(SshTarget("alias", config_file=str(config))) as connection:
        assert (await connection.run(commands.host_name())).text == "host-1\n"


@pytest.mark.parametrize("line", ["Port many", "Compression maybe", "IdentityFile %q", 'Host "'])
async def test_a_configuration_that_cannot_be_read(server: Server, tmp_path: Path, line: str) -> None:
    config = tmp_path / "config"
    config.write_text(f"Host *\n{line}\n")
    assert (await failing(replace(server.target, config_file=str(config)))).code == "ssh-config"


async def test_a_configuration_that_is_missing(server: Server) -> None:
    assert (await failing(replace(server.target, config_file="/nonexistent/config"))).code == "ssh-config"


async def test_a_jump_host_carries_the_connection_and_is_verified_itself(server: Server, tmp_path: Path) -> None:
    async with serving(tmp_path / "jump") as jump:
        (jump.directory / "authorized").write_bytes((server.directory / "authorized").read_bytes())
        config = tmp_path / "config"
        config.write_text(
            f"Host 127.0.0.1\n  ProxyJump deploy@localhost:{jump.port}\nHost localhost\n  ProxyJump none\n"
        )
        known = tmp_path / "known"
        right = (server.directory / "known_hosts").read_text()
        public = jump.host_key.export_public_key().decode()
        known.write_text(f"{right}[localhost]:{jump.port} {public}")
        target = replace(server.target, config_file=str(config), known_hosts_file=str(known))
        assert await succeeds(target)
        assert jump.logins == 1

        known.write_text(right)
        problem = await failing(target)
        assert problem.code == "host-key-unknown"
        assert "jump host deploy@localhost" in problem.summary

        known.write_text(f"{right}[localhost]:{jump.port} {public}")
        await server.down()
        assert (await failing(target)).code == "unreachable"


async def test_a_circle_of_jump_hosts_ends(server: Server, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Host *\n  ProxyJump 127.0.0.1\n")
    assert (await failing(replace(server.target, config_file=str(config)))).code == "ssh-config"


# Running things.


async def test_exit_status_output_and_errors_are_kept_apart(server: Server) -> None:
    async def handler(command: str, process: Process) -> int:
        if command != "both":
            return await answer_normally(command, process)
        process.stdout.write(b"out\xff\n" + await process.stdin.read())
        process.stderr.write(b"err\n")
        return 3

    server.handler = handler
    async with connected(server.target) as connection:
        done = await connection.run(RemoteCommand(("both",), stdin=b"in"))
    assert (done.exit_status, done.stdout, done.stderr) == (3, b"out\xff\nin", b"err\n")


async def test_a_word_with_a_space_stays_one_word(server: Server) -> None:
    async with connected(server.target) as connection:
        await connection.run(RemoteCommand(("echo", "a b", "$(id)", "")))
    assert server.commands[-1] == "echo 'a b' '$(id)' ''"


async def forever(command: str, process: Process) -> int:
    if command == "forever":
        process.stdout.write(b"begun\n")
        await process.stdin.read()
        await process.stdout.channel.wait_closed()
    if command == "flood":
        while True:
            process.stdout.write(b"x" * 65536)
            await process.stdout.drain()
    return await answer_normally(command, process)


async def test_a_command_that_does_not_end_is_ended(server: Server) -> None:
    server.handler = forever
    async with connected(server.target) as connection:
        with pytest.raises(HostError) as caught:
            await connection.run(RemoteCommand(("forever",), timeout=0.2))
        assert caught.value.problem.code == "command-timeout"
        await until(lambda: "forever" in server.ended)
        assert (await connection.run(commands.host_name())).ok


async def test_a_command_that_prints_without_end_is_ended(server: Server) -> None:
    server.handler = forever
    async with connected(server.target) as connection:
        with pytest.raises(HostError) as caught:
            await connection.run(RemoteCommand(("flood",)), limit=100_000)
        assert caught.value.problem.code == "output-too-large"
        await until(lambda: "flood" in server.ended)


async def test_a_stream_that_nobody_reads_holds_little(server: Server) -> None:
    """The remote side waits for us; memory here does not grow."""
    server.handler = forever
    async with (
        connected(server.target) as connection,
        connection.stream(RemoteCommand(("flood",), timeout=None)) as stream,
    ):
        await stream.wait_for_news(5)
        await asyncio.sleep(0.2)
        assert len(await anext(stream)) < 2 * 1024 * 1024


async def test_leaving_a_stream_ends_its_program(server: Server) -> None:
    server.handler = forever
    async with connected(server.target) as connection:
        async with connection.stream(RemoteCommand(("forever",), timeout=None)) as stream:
            assert await anext(stream) == b"begun\n"
        await until(lambda: "forever" in server.ended)


async def test_errors_beyond_a_bound_are_dropped_and_nothing_hangs(server: Server) -> None:
    async def handler(command: str, process: Process) -> int:
        if command == "complain":
            for _ in range(100):
                process.stderr.write(b"e" * 65536)
                await process.stderr.drain()
            process.stdout.write(b"done")
            return 0
        return await answer_normally(command, process)

    server.handler = handler
    async with connected(server.target) as connection:
        done = await connection.run(RemoteCommand(("complain",)))
    assert done.stdout == b"done"
    assert len(done.stderr) == 65536


async def test_a_connection_that_dies_under_a_command(server: Server) -> None:
    server.handler = forever
    async with connected(server.target) as connection:
        running = asyncio.create_task(connection.run(RemoteCommand(("forever",))))
        await until(lambda: "forever" in server.commands)
        await server.sever()
        with pytest.raises(HostError) as caught:
            await running
        assert caught.value.problem.code == "connection-lost"
        with pytest.raises(HostError) as again:
            await connection.run(commands.host_name())
        assert again.value.problem.code == "connection-lost"
        assert (await connection.wait_closed()).problem.code == "connection-lost"


async def test_a_server_without_room_for_another_session(server: Server) -> None:
    async with connected(server.target) as connection:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(asyncssh.SSHServerConnection, "_process_session_open", _no_room)
            with pytest.raises(HostError) as caught:
                await connection.run(commands.host_name())
    assert caught.value.problem.code == "channel-refused"
    assert "MaxSessions" in caught.value.problem.remedy


def _no_room(*_: object) -> object:
    raise asyncssh.ChannelOpenError(asyncssh.OPEN_RESOURCE_SHORTAGE, "open failed")


@pytest.mark.parametrize("command", [commands.make_audit_directory(), commands.append_audit("x")])
async def test_read_only_refuses_here_whatever_the_caller_says(server: Server, command: RemoteCommand) -> None:
    async with connected(server.target, read_only=True) as connection:
        for attempt in (connection.run(command), connection.start(command), connection.write_file("f", b"x")):
            with pytest.raises(HostError) as caught:
                await attempt
            assert caught.value.problem.code == "read-only"
    assert command.render() not in server.commands
    assert not list((server.directory / "files").iterdir())


async def test_a_file_is_replaced_in_one_step_with_its_mode(server: Server) -> None:
    async with connected(server.target) as connection:
        await connection.write_file("/note", b"one", 0o600)
        await connection.write_file("/note", b"two", 0o640)
        assert await connection.read_file("/note") == b"two"
        with pytest.raises(HostError) as caught:
            await connection.read_file("/note", limit=2)
        assert caught.value.problem.code == "file-too-large"
        with pytest.raises(HostError) as missing:
            await connection.read_file("/nothing")
        assert missing.value.problem.code == "file-missing"
    files = list((server.directory / "files").iterdir())
    assert [file.name for file in files] == ["note"]
    assert files[0].stat().st_mode & 0o777 == 0o640


async def test_a_forwarded_port_leads_to_the_hosts_own(server: Server) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read(100))
        writer.close()

    listening = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    async with connected(server.target) as connection:
        async with connection.forward_port("127.0.0.1", port) as local:
            reader, writer = await asyncio.open_connection("127.0.0.1", local)
            writer.write(b"hello")
            assert await reader.read() == b"hello"
            writer.close()
        listening.close()
        with pytest.raises(HostError) as caught:
            async with connection.forward_port("127.0.0.1", port):
                pass
        assert caught.value.problem.code == "socket-refused"


async def test_a_forwarded_socket_is_private_and_gone_afterwards(server: Server, tmp_path: Path) -> None:
    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()

    there = tmp_path / "there"
    listening = await asyncio.start_unix_server(greet, there)
    async with listening, connected(server.target) as connection:
        async with connection.forward_socket(str(there)) as path:
            assert path.parent.stat().st_mode & 0o777 == 0o700
            reader, writer = await asyncio.open_unix_connection(path)
            assert await reader.read() == b"hello"
            writer.close()
        assert not path.parent.exists()


# The machine it runs on.


def test_importing_the_adapter_does_not_import_the_ssh_library() -> None:
    """It costs half a second; the first frame does not wait for it."""
    modules = "refactor_console.adapters.host, refactor_console.services.link"
    code = f"import sys, {modules}; sys.exit('asyncssh' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


async def test_nothing_is_printed_over_the_screen(server: Server, capfd: pytest.CaptureFixture[str]) -> None:
    await failing(server.know())
    async with connected(server.target) as connection:
        await server.sever()
        await connection.wait_closed()
    assert capfd.readouterr() == ("", "")
