"""Stand-in for the frontend: one page, whatever the path. The file /tmp/ail makes every answer a 500."""

from __future__ import annotations

import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import FrameType
from typing import Any

VERSION = os.environ.get("STANDIN_VERSION", "0.0.0")
PAGE = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Refactor Coaching Platform</title></head>
<body><div id="__next">Refactor Coaching Platform {VERSION}</div></body></html>
""".encode()


class Page(BaseHTTPRequestHandler):
    """Answers GET and HEAD."""

    protocol_version = "HTTP/1.1"
    server_version = "Next.js"
    sys_version = ""

    def do_GET(self) -> None:
        """The page, or an error when told to ail."""
        self.send_response(500 if Path("/tmp/ail").exists() else 200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(PAGE)

    do_HEAD = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Next.js in production logs no requests."""


def main() -> None:
    """Serve until told to stop."""

    def leave(number: int, frame: FrameType | None) -> None:
        sys.exit(0)

    signal.signal(signal.SIGTERM, leave)
    port = int(os.environ.get("PORT") or 3000)
    print(
        f"   ▲ Next.js 15.5.0\n   - Local:        http://localhost:{port}\n\n ✓ Starting...\n ✓ Ready in 87ms",
        flush=True,
    )
    ThreadingHTTPServer(("0.0.0.0", port), Page).serve_forever()


if __name__ == "__main__":
    main()
