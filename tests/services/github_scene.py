"""The demo world's GitHub behind its real HTTP server in this process, with a record of every request that came.

Every test of what the console asks of GitHub looks at that record: what was sent, by which method, and how often.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from refactor_console.adapters.github import GitHub
from refactor_console.adapters.github_answers import Patience
from refactor_console.demo.clock import Clock, utc
from refactor_console.demo.engine_http import Request, Response
from refactor_console.demo.github_access import TOKEN
from refactor_console.demo.github_control import GitHubControl
from refactor_console.demo.github_http import TcpHttpServer
from refactor_console.demo.github_repos import DemoRepo
from refactor_console.demo.github_runs import Run
from refactor_console.demo.github_server import GitHubServer
from refactor_console.domain.account import Credential, Secret, TokenSource
from refactor_console.domain.command import Completed, RemoteCommand
from refactor_console.domain.environment import Environment, SshTarget
from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.domain.repos import Platform
from refactor_console.domain.runs import WorkflowRun
from tests.github_demo import TurnedClock

PLATFORM = Platform()
BACK, FRONT = PLATFORM.backend, PLATFORM.frontend
ENTERPRISE = replace(PLATFORM, api_url="https://ghe.example.com/api/v3", web_url="https://ghe.example.com")
ENVIRONMENT = Environment(name="production", ssh=SshTarget(host="droplet"))
ONCE = Patience(attempts=1)
BUILD, DEPLOY = "build-test-push.yml", "deploy_to_do.yml"
RITA = "rita-token"
"""Somebody else's token, once `Wire.admit` has let it in."""


@dataclass
class Wire:
    """The server, and everything that came over the wire."""

    server: GitHubServer
    http: TcpHttpServer
    clock: Clock
    prefix: str = ""
    """Where the API is, as a GitHub Enterprise Server has it: ``/api/v3``."""
    asked: list[Request] = field(default_factory=list)
    cut: Callable[[Request], bool] = lambda _: False
    """Requests that are carried out, and whose answer never arrives."""
    held: asyncio.Event | None = None
    """Mutations are carried out, and answered only when it is set."""
    seen: Callable[[Request], None] = lambda _: None

    @property
    def url(self) -> str:
        return f"{self.http.url}{self.prefix}"

    @property
    def mutations(self) -> list[str]:
        """As `ApiRequest` prints itself."""
        found = [request for request in self.asked if request.method not in ("GET", "HEAD")]
        return [
            f"{request.method} {request.target}" + (f"  {request.body.decode()}" if request.body else "")
            for request in found
        ]

    @property
    def tokens(self) -> list[str]:
        """The tokens that were sent, in order."""
        return [request.headers.get("authorization", "").removeprefix("Bearer ") for request in self.asked]

    @property
    def control(self) -> GitHubControl:
        return GitHubControl(self.server)

    def repo(self, role: str = "backend") -> DemoRepo:
        return self.server.platform.repos[role]

    def run(self, number: int, role: str = "backend") -> Run:
        found = self.server.platform.book.get(role, number)
        assert found is not None
        return found

    def now(self) -> datetime:
        return utc(self.clock.now())

    async def handle(self, request: Request) -> Response:
        self.asked.append(request)
        self.seen(request)
        if not request.target.startswith(self.prefix):
            return Response(404, b"{}")
        inner = replace(
            request, path=request.path.removeprefix(self.prefix), target=request.target.removeprefix(self.prefix)
        )
        response = await self.server.handle(inner)
        if self.prefix and "Link" in response.headers:
            moved = response.headers["Link"].replace(self.http.url, self.url)
            response = replace(response, headers={**response.headers, "Link": moved})
        if self.cut(request):
            raise ConnectionResetError
        if self.held is not None and request.method == "POST":
            await self.held.wait()
        return response

    async def start_run(self, workflow: str = BUILD, *, fails: tuple[str, str] | None = None, **values: Any) -> int:
        """Somebody starts a run; its number."""
        told = await self.control.do_github_start_run({"workflow": workflow, "fails": fails, **values})
        return int(told["run_id"])

    def admit_rita(self) -> None:
        """Let somebody else in."""
        from refactor_console.demo.github_wire import Grant

        self.server.access.admit(Grant(RITA, "release-rita", ("repo",), may_write=True))


@asynccontextmanager
async def wired(clock: Clock | None = None, *, prefix: str = "", seed: int = 7) -> AsyncIterator[Wire]:
    """A running server for the length of a block."""
    told = clock or TurnedClock()
    waiting: list[Wire] = []

    async def handle(request: Request) -> Response:
        return await waiting[0].handle(request)

    http = TcpHttpServer(handle, {})
    wire = Wire(GitHubServer(told, seed, http=http), http, told, prefix)
    waiting.append(wire)
    await http.start()
    try:
        yield wire
    finally:
        if wire.held is not None:
            wire.held.set()
        await http.stop()


def held(token: str = TOKEN) -> Credential:
    return Credential(Secret(token), TokenSource.ENVIRONMENT, "GH_TOKEN")


def client(wire: Wire, token: str = TOKEN, *, read_only: bool = False) -> GitHub:
    return GitHub(wire.url, held(token), read_only=read_only, clock=wire.now, patience=ONCE)


@dataclass
class Host:
    """The host that records are written to."""

    environment: Environment = ENVIRONMENT
    failure: ConsoleError | None = None
    records: list[dict[str, Any]] = field(default_factory=list)

    async def host(self) -> Host:
        if self.failure is not None:
            raise self.failure
        return self

    async def run(self, command: RemoteCommand) -> Completed:
        if command.stdin:
            self.records.append(json.loads(command.stdin))
        return Completed(command, 0, b"", b"")

    @property
    def stages(self) -> list[str]:
        return [record["stage"] for record in self.records]

    def lose(self) -> None:
        self.failure = ConsoleError(Problem("The link is down."))


async def seen(wire: Wire, number: int, token: str = TOKEN) -> WorkflowRun:
    """A run as the adapter reads it."""
    github = client(wire, token)
    try:
        return await github.run(BACK, number)
    finally:
        await github.close()
