"""Starts and stops a demo world in a process of its own; imports nothing of the world itself."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

WORLD_FILE = "world.json"
_START_SECONDS = 20.0
_STOP_SECONDS = 5.0
_POLL_SECONDS = 0.02


class DemoError(Exception):
    """The demo world did not start, or refused a request; the message says why."""


@dataclass(frozen=True, slots=True)
class DemoWorldInfo:
    """How to reach a running demo world."""

    host: str
    port: int
    user: str
    identity_file: Path
    """The private key that all of the world's accounts accept."""
    known_hosts_file: Path
    control_socket: Path
    engine_socket: Path
    """The Engine's own socket, for ``docker -H unix://...`` without SSH."""
    pid: int
    github_url: str = ""
    """Base address of the world's GitHub REST API; accepts the token ``demo-token``."""
    registry_url: str = ""
    """Base address of the world's image registry."""

    def write(self, directory: Path) -> None:
        """Leave it as ``world.json``, whole or not at all."""
        values = {name: str(value) if isinstance(value, Path) else value for name, value in asdict(self).items()}
        draft = directory / f".{WORLD_FILE}"
        draft.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
        draft.replace(directory / WORLD_FILE)

    @classmethod
    def read(cls, directory: Path) -> DemoWorldInfo:
        """Read ``world.json``.

        Raises:
            FileNotFoundError: when the world is not ready.
            DemoError: when it is not such a file.
        """
        try:
            values = json.loads((directory / WORLD_FILE).read_text(encoding="utf-8"))
            paths = {n: Path(v) for n, v in values.items() if n.endswith(("_file", "_socket"))}
            return cls(**(values | paths))
        except (ValueError, TypeError, AttributeError) as wrong:
            raise DemoError(f"{directory / WORLD_FILE} does not describe a demo world: {wrong}") from wrong


class DemoProcess:
    """A running demo world. It ends with this process at the latest: it reads a pipe that only we hold."""

    def __init__(self, process: asyncio.subprocess.Process, info: DemoWorldInfo) -> None:
        self._process = process
        self.info = info

    @property
    def running(self) -> bool:
        """Whether the process still exists."""
        return self._process.returncode is None

    async def control(self, do: str, **values: Any) -> dict[str, Any]:
        """Ask the world to do something; see `demo.control` for the verbs. Returns when it is done, what it tells.

        Raises:
            DemoError: when it refuses.
            OSError: when it cannot be reached.
        """
        reader, writer = await asyncio.open_unix_connection(self.info.control_socket)
        try:
            writer.write(json.dumps({"do": do, **values}).encode() + b"\n")
            await writer.drain()
            answer = json.loads(await reader.readline() or b"{}")
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
        if not answer.get("ok"):
            raise DemoError(f"The demo world refused '{do}': {answer.get('error', 'it went away')}")
        return {name: value for name, value in answer.items() if name != "ok"}

    async def stop(self) -> None:
        """End the process and wait for its end; it removes its files."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


async def start(directory: Path, *, seed: int = 7, frozen: str | None = None) -> DemoProcess:
    """Start a demo world that keeps its files in `directory` (made if need be), ready when this returns.

    `frozen` (an ISO 8601 time) stops its clock and its traffic, so that two worlds with one seed look the same.

    Raises:
        DemoError: when it does not start in time.
    """
    words = [
        sys.executable,
        "-m",
        "refactor_console.demo",
        "--directory",
        str(directory),
        "--seed",
        str(seed),
        "--quiet",
    ]
    if frozen is not None:
        words += ["--frozen", frozen]
    with tempfile.TemporaryFile() as errors:
        process = await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=errors,
            # Not the terminal's foreground group: a Ctrl+C is the console's business, which stops the world itself.
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(_START_SECONDS):
                return DemoProcess(process, await _ready(process, directory, errors))
        except BaseException as error:
            if process.returncode is None:
                process.kill()
            await process.wait()
            if isinstance(error, TimeoutError):
                raise DemoError(f"The demo world was not ready after {_START_SECONDS:.0f} s.") from error
            raise


async def _ready(process: asyncio.subprocess.Process, directory: Path, errors: IO[bytes]) -> DemoWorldInfo:
    while True:
        try:
            info = DemoWorldInfo.read(directory)
        except (FileNotFoundError, NotADirectoryError):
            info = None
        if info is not None and info.pid == process.pid:
            return info
        if process.returncode is not None:
            errors.seek(0)
            last = errors.read()[-4000:].decode("utf-8", "replace").strip().rpartition("\n")[2]
            raise DemoError(f"The demo world ended while starting (status {process.returncode}): {last}")
        await asyncio.sleep(_POLL_SECONDS)
