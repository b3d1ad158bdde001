"""Stand-in for the backend's API server, and the controls by which a test makes it talk, ail or crash.

The API listens on BACKEND_INTERFACE:BACKEND_PORT (4000); the controls on 127.0.0.1:4001, reached from outside the
container by `docker exec rust-app /app/standin ...`.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType
from typing import Any, BinaryIO

from emitter import Emitter, Job, line, write

STARTED = time.time()
VERSION = os.environ.get("STANDIN_VERSION", "0.0.0")
REVISION = os.environ.get("STANDIN_REVISION", "")
CONTROL_PORT = 4001


class State:
    """What the controls have set."""

    health = 200
    delay = 0.0
    emitters: dict[str, Emitter] = {}


def log(level: str, module: str, text: str) -> None:
    """Log one line to standard output."""
    write(sys.stdout.buffer, line(level, module, text))


def stream_named(name: str) -> BinaryIO:
    """Standard output or error."""
    return sys.stderr.buffer if name == "stderr" else sys.stdout.buffer


def panic(message: str) -> None:
    """Die as a Rust program does."""
    write(
        sys.stderr.buffer,
        f"\nthread 'main' panicked at web/src/lib.rs:217:10:\n{message}\nstack backtrace:\n"
        "   0: rust_begin_unwind\n   1: core::panicking::panic_fmt\n   2: refactor_platform_rs::main\n"
        "note: Some details are omitted, run with `RUST_BACKTRACE=full` for a verbose backtrace.\n".encode(),
    )
    os._exit(101)


class Handler(BaseHTTPRequestHandler):
    """JSON in, JSON out."""

    protocol_version = "HTTP/1.1"
    server_version = "refactor-platform"
    sys_version = ""

    def reply(self, status: int, body: object) -> None:
        """Answer with JSON."""
        data = json.dumps(body).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """The API logs through the platform's own format."""
        log("DEBUG", "web::router", format % args)


class Api(Handler):
    """The few endpoints that an operator looks at."""

    def do_GET(self) -> None:
        """Answer /health, /version, /sse; everything else is unknown."""
        path = self.path.partition("?")[0]
        time.sleep(State.delay)
        if path == "/health":
            self.reply(State.health, {"status": "healthy" if State.health == 200 else "unhealthy"})
        elif path == "/version":
            self.reply(200, {"version": VERSION, "revision": REVISION, "started_at": int(STARTED)})
        elif path == "/sse":
            self.events()
        else:
            self.reply(404, {"error": "Not Found"})

    def events(self) -> None:
        """Server-sent events: one at once, then one a second."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        count = 0
        try:
            while True:
                self.wfile.write(f"event: tick\ndata: {count}\n\n".encode())
                self.wfile.flush()
                count += 1
                time.sleep(1)
        except OSError:
            log("INFO", "sse::manager", f"client left after {count} events")


class Control(Handler):
    """The test's side door."""

    def log_message(self, format: str, *args: Any) -> None:
        """The controls leave no line in the log."""

    def do_GET(self) -> None:
        """What is going on."""
        emitters = {k: {"sent": e.sent, "running": e.running} for k, e in State.emitters.items()}
        self.reply(200, {"health": State.health, "delay": State.delay, "emitters": emitters})

    def do_POST(self) -> None:
        """Carry out one control."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            self.reply(200, act(self.path.strip("/"), json.loads(body or b"{}")))
        except (KeyError, ValueError, TypeError) as problem:
            self.reply(400, {"error": repr(problem)})


def act(verb: str, options: dict[str, Any]) -> dict[str, object]:
    """Do what a control says."""
    stream = stream_named(str(options.get("stream", "stdout")))
    if verb == "emit":
        job = Job(
            ident=str(options.get("id", "1")),
            rate=float(options["rate"]),
            total=int(options.get("total", 0)),
            level=str(options.get("level", "INFO")),
        )
        if job.ident in State.emitters:
            State.emitters[job.ident].stop()
        State.emitters[job.ident] = Emitter(job, stream)
    elif verb == "stop":
        for ident in [options["id"]] if "id" in options else list(State.emitters):
            emitter = State.emitters.pop(str(ident))
            emitter.stop()
            return {"sent": emitter.sent}
    elif verb == "raw":
        write(stream, base64.b64decode(options["base64"]))
    elif verb == "big":
        write(stream, line("INFO", "refactor_platform_rs::big", "x" * int(options.get("bytes", 1 << 20))))
    elif verb == "health":
        State.health, State.delay = int(options.get("status", 200)), float(options.get("delay", 0))
    elif verb == "crash":
        threading.Timer(
            0.1, panic, [str(options.get("message", "called `Option::unwrap()` on a `None` value"))]
        ).start()
    elif verb == "exit":
        threading.Timer(0.1, os._exit, [int(options.get("code", 1))]).start()
    else:
        raise ValueError(f"unknown control {verb}")
    return {"ok": True}


def main() -> None:
    """Serve until told to stop."""

    def leave(number: int, frame: FrameType | None) -> None:
        log("INFO", "refactor_platform_rs", f"signal {number} received, shutting down")
        os._exit(0)

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    address = (os.environ.get("BACKEND_INTERFACE") or "0.0.0.0", int(os.environ.get("BACKEND_PORT") or 4000))
    log("INFO", "refactor_platform_rs", f"Starting Refactor Platform {VERSION} ({REVISION[:7]})")
    if message := os.environ.get("STANDIN_PANIC"):
        panic(message)
    control = ThreadingHTTPServer(("127.0.0.1", CONTROL_PORT), Control)
    threading.Thread(target=control.serve_forever, daemon=True).start()
    if at_start := os.environ.get("STANDIN_EMIT"):
        act("emit", json.loads(at_start))
    server = ThreadingHTTPServer(address, Api)
    server.daemon_threads = True
    log("INFO", "web", f"Server starting... listening for connections on http://{address[0]}:{address[1]}")
    server.serve_forever()


if __name__ == "__main__":
    main()
