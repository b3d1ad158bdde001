"""``python -m refactor_console.demo --directory DIR``: run a demo world until the starter is gone.

It ends on SIGTERM or SIGINT, when its standard input closes (a pipe, a socket or a terminal), or when its parent dies.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import shutil
import signal
import stat
import sys
import tempfile
from pathlib import Path

import asyncssh

from refactor_console.demo.clock import parse_moment
from refactor_console.demo.control import Control
from refactor_console.demo.engine_api import HEADERS, EngineApi
from refactor_console.demo.engine_http import HttpServer
from refactor_console.demo.engine_streams import Collector
from refactor_console.demo.files import Files
from refactor_console.demo.github_front import GitHubFront
from refactor_console.demo.launcher import DemoWorldInfo
from refactor_console.demo.registry import DemoRegistry
from refactor_console.demo.registry_content import content
from refactor_console.demo.registry_control import RegistryControl
from refactor_console.demo.relay import Relay
from refactor_console.demo.ssh_server import SshHost
from refactor_console.demo.world import ACCOUNTS, HOSTNAME, World

_PATH_LIMIT = 100
"""Longest path of a Unix socket that every system takes (108 on Linux, 104 on macOS, with a NUL)."""


class Demo:
    """A world and its servers, below one directory."""

    def __init__(self, directory: Path, world: World, seed: int) -> None:
        self._directory = directory
        self._world = world
        self._seed = seed
        self._made_directory = not directory.exists()
        self._short: Path | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Start everything, say that it is ready, and clean up when asked to stop."""
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._directory.chmod(0o700)
        self._sweep()
        try:
            await self._serve(stop)
        finally:
            self._sweep()
            if self._made_directory:
                with contextlib.suppress(OSError):  # not empty: something that is not ours lies in it
                    self._directory.rmdir()

    async def _serve(self, stop: asyncio.Event) -> None:
        host_key = asyncssh.generate_private_key("ssh-ed25519", "refactor-droplet (demo)")
        client_key = asyncssh.generate_private_key("ssh-ed25519", "demo")
        sockets = self._sockets()
        world = self._world
        files = Files(self._directory / "files", ACCOUNTS, world.began_ns)
        collector = Collector(world.engine, world.vitals)
        engine = HttpServer(sockets / "docker.sock", EngineApi(world.engine, collector, HOSTNAME), HEADERS)
        ssh = SshHost(world, files, sockets / "docker.sock", host_key)
        relay = Relay(await ssh.start(client_key))
        github = GitHubFront(world, self._seed)
        registry = DemoRegistry(content(world.began_ns))

        async def registry_control() -> RegistryControl:
            return RegistryControl(registry)

        control = Control(world, relay, engine, {"github_": github.control, "registry_": registry_control})
        await engine.start()
        await github.http.start()
        await registry.start()
        await relay.open()
        await control.start(sockets / "control.sock")
        info = DemoWorldInfo(
            host="127.0.0.1",
            port=relay.port,
            user="deploy",
            identity_file=self._directory / "id_ed25519",
            known_hosts_file=self._directory / "known_hosts",
            control_socket=sockets / "control.sock",
            engine_socket=sockets / "docker.sock",
            pid=os.getpid(),
            github_url=github.http.url,
            registry_url=registry.url,
        )
        _write_key(info.identity_file, client_key)
        _write_key(self._directory / "host_key", host_key)
        public = host_key.export_public_key().decode().rpartition(" refactor-droplet")[0]
        info.known_hosts_file.write_text(f"[127.0.0.1]:{relay.port} {public}\n", encoding="ascii")
        world.begin()
        info.write(self._directory)
        try:
            await stop.wait()
        finally:
            control.stop()
            await github.stop()
            await registry.stop()
            await relay.close()
            await ssh.stop()
            await engine.stop()
            await world.end()

    def _sockets(self) -> Path:
        if len(str(self._directory / "control.sock").encode()) <= _PATH_LIMIT:
            return self._directory
        self._short = Path(tempfile.mkdtemp(prefix="refactor-demo-"))
        return self._short

    def _sweep(self) -> None:
        """Remove what a demo world makes, this one or one that was killed here before."""
        for name in (
            "world.json",
            ".world.json",
            "id_ed25519",
            "host_key",
            "known_hosts",
            "docker.sock",
            "control.sock",
        ):
            (self._directory / name).unlink(missing_ok=True)
        shutil.rmtree(self._directory / "files", ignore_errors=True)
        if self._short is not None:
            shutil.rmtree(self._short, ignore_errors=True)


def _write_key(path: Path, key: asyncssh.SSHKey) -> None:
    path.touch(mode=0o600)
    path.write_bytes(key.export_private_key())


async def _stop_when_alone(stop: asyncio.Event) -> None:
    """Set `stop` when standard input ends or another process becomes our parent."""
    loop = asyncio.get_running_loop()
    mode = os.fstat(0).st_mode
    if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(0):
        reader = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)

        async def until_end() -> None:
            while await reader.read(4096):
                pass
            stop.set()

        task = loop.create_task(until_end())
        stop_task = loop.create_task(stop.wait())
        stop_task.add_done_callback(lambda _: task.cancel())
    parent = os.getppid()
    while os.getppid() == parent:  # noqa: ASYNC110 - no event tells of it
        await asyncio.sleep(1.0)
    stop.set()


async def _main(directory: Path, seed: int, frozen: str | None, *, quiet: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    watching = loop.create_task(_stop_when_alone(stop))
    demo = Demo(directory, World(seed, None if frozen is None else parse_moment(frozen)), seed)
    if not quiet:
        sys.stdout.write(f"Demo world in {directory}; see world.json there. Ctrl+C ends it.\n")
        sys.stdout.flush()
    try:
        await demo.run(stop)
    finally:
        watching.cancel()


def main() -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m refactor_console.demo", description="Run a demo world.")
    parser.add_argument(
        "--directory", type=Path, required=True, help="where keys, sockets and world.json go (made 0700)"
    )
    parser.add_argument("--seed", type=int, default=7, help="another number, another past")
    parser.add_argument("--frozen", metavar="TIME", help="stop the clock at this ISO 8601 time, without traffic")
    parser.add_argument("--quiet", action="store_true", help="print nothing")
    given = parser.parse_args()
    asyncio.run(_main(given.directory.absolute(), given.seed, given.frozen, quiet=given.quiet))
    return 0


if __name__ == "__main__":
    sys.exit(main())
