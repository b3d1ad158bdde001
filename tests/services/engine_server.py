"""A small Engine API over a real Unix socket, for tests of the adapter and of what is built on it.

It keeps containers, their logs and an event stream, counts every request, and can be cut, stopped and started.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import socketserver
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from refactor_console.domain.command import Completed, RemoteCommand
from refactor_console.domain.environment import Environment, SshTarget
from refactor_console.domain.problem import ConsoleError, Problem

ENVIRONMENT = Environment("production", SshTarget("nowhere.test"), docker_socket="/var/run/docker.sock")


def stamp(time_ns: int) -> str:
    seconds, rest = divmod(time_ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


def now_ns() -> int:
    return time.time_ns()


def frame(payload: bytes, stream: int = 1) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(payload).to_bytes(4, "big") + payload


def inspected(identifier: str, service: str, **state: Any) -> dict[str, Any]:
    """A payload as ``GET /containers/{id}/json`` has it."""
    return {
        "Id": identifier,
        "Name": f"/{service}",
        "Created": "2026-01-01T00:00:00.5Z",
        "Image": "sha256:" + "1" * 64,
        "RestartCount": 0,
        "State": {
            "Status": "running",
            "ExitCode": 0,
            "StartedAt": "2026-01-01T00:00:01.123456789Z",
            "FinishedAt": "0001-01-01T00:00:00Z",
            **state,
        },
        "Config": {
            "Image": "ghcr.io/o/n:stable",
            "Tty": False,
            "Env": ["POSTGRES_PASSWORD=hunter2-hunter2", "ROLE=app"],
            "Labels": {
                "com.docker.compose.service": service,
                "com.docker.compose.project.working_dir": ENVIRONMENT.compose_directory,
            },
        },
        "HostConfig": {"RestartPolicy": {"Name": "unless-stopped"}},
    }


class EngineServer:
    """The Engine's state and its controls; all of them may be called from any thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.changed = threading.Condition()
        self.containers: dict[str, dict[str, Any]] = {}
        self.logs: dict[str, list[tuple[int, bytes]]] = {}
        self.events: list[dict[str, Any]] = []
        self.requests: list[str] = []
        self.refuse_logs = ""
        self.delay = 0.0
        self.cut_inspections = False
        self.acted: Callable[[str, str], None] = self.act
        self.generation = 0
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self._open: set[socket.socket] = set()

    def up(self) -> None:
        self.path.unlink(missing_ok=True)
        self._server = _Server(str(self.path), self)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def down(self) -> None:
        """Nobody answers any more; the socket's file stays, as after a crash."""
        assert self._server is not None
        assert self._thread is not None
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
        self.cut()

    def cut(self) -> None:
        """Break every connection there is."""
        with self.changed:
            self.generation += 1
            for sock in self._open:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
            self._open.clear()
            self.changed.notify_all()

    def add(self, payload: dict[str, Any]) -> str:
        with self.changed:
            self.containers[payload["Id"]] = payload
            self.logs.setdefault(payload["Id"], [])
        self.happen(payload["Id"], "create")
        return str(payload["Id"])

    def remove(self, identifier: str) -> None:
        with self.changed:
            del self.containers[identifier]
        self.happen(identifier, "destroy")

    def set_state(self, identifier: str, action: str, **state: Any) -> None:
        with self.changed:
            self.containers[identifier]["State"].update(state)
        self.happen(identifier, action)

    def happen(self, identifier: str, action: str) -> None:
        now = now_ns()
        event = {
            "Type": "container",
            "Action": action,
            "Actor": {"ID": identifier},
            "timeNano": now,
            "time": now // 10**9,
        }
        with self.changed:
            self.events.append(event)
            self.changed.notify_all()

    def say(self, identifier: str, line: bytes, *, stream: int = 1, at: int | None = None, end: bytes = b"\n") -> None:
        """Append one log entry."""
        at = now_ns() if at is None else at
        with self.changed:
            self.logs[identifier].append((at, frame(stamp(at).encode() + b" " + line + end, stream)))
            self.changed.notify_all()

    def act(self, verb: str, identifier: str) -> None:
        """What the mutating requests do."""
        now = stamp(now_ns())
        if verb in ("restart", "stop"):
            self.set_state(identifier, "die", Status="exited", ExitCode=0, FinishedAt=now)
        if verb in ("restart", "start"):
            self.set_state(identifier, "start", Status="running", ExitCode=0, StartedAt=now)

    @property
    def mutations(self) -> list[str]:
        return [request for request in self.requests if not request.startswith(("GET ", "HEAD "))]


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, path: str, engine: EngineServer) -> None:
        self.engine = engine
        super().__init__(path, _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        with self.server.engine.changed:
            self.server.engine._open.add(self.connection)

    def address_string(self) -> str:
        return "unix"

    def log_message(self, *args: Any) -> None:
        return

    def handle(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().handle()

    def finish(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().finish()
        with self.server.engine.changed:
            self.server.engine._open.discard(self.connection)

    def do_POST(self) -> None:
        engine = self.server.engine
        engine.requests.append(f"POST {self.path}")
        found = re.match(r"/v[\d.]+/containers/(\w+)/(\w+)", self.path)
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not found or found[1] not in engine.containers:
            self._json({"message": "No such container"}, 404)
            return
        time.sleep(engine.delay)
        engine.acted(found[2], found[1])
        self.send_response(204)
        self.end_headers()

    def do_GET(self) -> None:
        engine = self.server.engine
        engine.requests.append(f"GET {self.path}")
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        path = re.sub(r"^/v[\d.]+", "", parts.path)
        container = re.match(r"/containers/(\w+)/(json|logs|stats|top)$", path)
        if path == "/version":
            self._json({"Version": "26.1.5", "ApiVersion": "1.45", "MinAPIVersion": "1.24"})
        elif path == "/_ping":
            self._json("OK")
        elif path == "/info":
            self._json({"ContainersRunning": len(engine.containers), "Driver": "overlay2", "Warnings": None})
        elif path == "/containers/json":
            self._json([{"Id": identifier} for identifier in engine.containers])
        elif path.startswith("/images/"):
            self._json({"RepoDigests": ["ghcr.io/o/n@sha256:" + "d" * 64]})
        elif path == "/events":
            self._events(float(query.get("since", "0")))
        elif container and container[1] not in engine.containers:
            self._json({"message": f"No such container: {container[1]}"}, 404)
        elif container and container[2] == "json":
            if engine.cut_inspections:
                engine.cut()
            self._json(engine.containers[container[1]])
        elif container and container[2] == "logs":
            self._logs(container[1], query)
        elif container and container[2] == "stats":
            self._stats()
        else:
            self._json({"message": "page not found"}, 404)

    def _json(self, payload: object, status: int = 200) -> None:
        body = json.dumps(payload).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _chunked(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def _events(self, since: float) -> None:
        engine, sent = self.server.engine, 0
        self._chunked()
        with engine.changed:
            mine = engine.generation
            while engine.generation == mine:
                for event in engine.events[sent:]:
                    if event["time"] >= int(since):
                        self._chunk(json.dumps(event).encode() + b"\n")
                sent = len(engine.events)
                engine.changed.wait(0.5)

    def _logs(self, identifier: str, query: dict[str, str]) -> None:
        engine = self.server.engine
        if engine.refuse_logs:
            self._json({"message": engine.refuse_logs}, 501)
            return
        seconds, _, fraction = query.get("since", "0").partition(".")
        since = int(seconds) * 1_000_000_000 + int((fraction or "0").ljust(9, "0"))
        self._chunked()
        with engine.changed:
            mine = engine.generation
            entries = engine.logs[identifier]
            sent = 0 if query.get("tail", "all") == "all" else max(0, len(entries) - int(query["tail"]))
            while engine.generation == mine:
                for at, data in entries[sent:]:
                    if at >= since:
                        self._chunk(data)
                sent = len(entries)
                running = engine.containers.get(identifier, {}).get("State", {}).get("Status") == "running"
                if query.get("follow") != "1" or not running:
                    self._chunk(b"")
                    return
                engine.changed.wait(0.5)

    def _stats(self) -> None:
        engine, count = self.server.engine, 0
        self._chunked()
        with engine.changed:
            mine = engine.generation
            while engine.generation == mine:
                count += 1
                self._chunk(json.dumps(stats_payload(count)).encode() + b"\n")
                engine.changed.wait(0.05)


def stats_payload(second: int) -> dict[str, Any]:
    """The `second`-th payload of a container that uses half a core of two, 1 MiB/s of network, on cgroup v2."""
    return {
        "read": stamp(1_767_225_600_000_000_000 + second * 1_000_000_000),
        "cpu_stats": {
            "cpu_usage": {"total_usage": second * 500_000_000},
            "system_cpu_usage": second * 2_000_000_000,
            "online_cpus": 2,
        },
        "memory_stats": {"usage": 3_000_000, "limit": 8_000_000, "stats": {"inactive_file": 1_000_000}},
        "networks": {"eth0": {"rx_bytes": second * 1_048_576, "tx_bytes": second}},
        "blkio_stats": {
            "io_service_bytes_recursive": [{"op": "read", "value": second * 10}, {"op": "Write", "value": 0}]
        },
        "pids_stats": {"current": 3},
    }


class LocalConnection:
    """A host connection whose forwarded socket is a local one; commands get the answers that a test prepares."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.commands: list[RemoteCommand] = []
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.failure: ConsoleError | None = None
        self.ended = asyncio.Event()

    @asynccontextmanager
    async def forward_socket(self, remote_path: str, /) -> AsyncIterator[Path]:
        yield self.path

    async def run(self, command: RemoteCommand) -> Completed:
        self.commands.append(command)
        if self.failure is not None:
            raise self.failure
        status, output = self.answers.get(command.argv[0], (0, b""))
        return Completed(command, status, output if status == 0 else b"", output if status else b"")

    async def wait_closed(self) -> None:
        await self.ended.wait()


class LocalLink:
    """Has one connection, or none."""

    def __init__(self, connection: LocalConnection) -> None:
        self.present: LocalConnection | None = connection

    async def connection(self) -> LocalConnection:
        if self.present is None:
            raise ConsoleError(Problem("No connection to nowhere.test.", code="link-down"))
        return self.present


async def until(condition: Callable[[], object], seconds: float = 10.0, what: str = "") -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what or "it did not happen in time"
        await asyncio.sleep(0.01)
