"""The demo's GitHub REST server: finds the route, checks the token, counts, answers, and fails on request."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from email.utils import formatdate
from functools import cached_property
from urllib.parse import unquote

from refactor_console.demo.clock import SECOND, Clock
from refactor_console.demo.engine_http import Request, Response
from refactor_console.demo.github_access import NOBODY, Access
from refactor_console.demo.github_actions import BLOBS, Actions
from refactor_console.demo.github_faults import Faults, Order, after
from refactor_console.demo.github_git import Git
from refactor_console.demo.github_http import TcpHttpServer
from refactor_console.demo.github_operations import Operations
from refactor_console.demo.github_packages import Packages
from refactor_console.demo.github_people import People
from refactor_console.demo.github_platform import Platform
from refactor_console.demo.github_security import Security
from refactor_console.demo.github_wire import Asked, Grant, Refusal, Route, etag, not_found

_HEADERS = {
    "Server": "github.com",
    "X-GitHub-Media-Type": "github.v3; format=json",
    "Vary": "Accept, Authorization, Cookie, X-GitHub-OTP,Accept-Encoding, Accept, X-Requested-With",
    "X-Content-Type-Options": "nosniff",
}
_API_VERSIONS = ("2022-11-28", "2026-03-10")
_SPANNING = ("path", "basehead", "ref", "tag", "tree_sha")
"""Parameters that may hold slashes, when they come last."""
_FREE = ("/rate_limit",)
"""Paths that do not count."""


class GitHubServer:
    """Everything of the demo's GitHub behind one address."""

    def __init__(self, clock: Clock, seed: int, http: TcpHttpServer | None = None, began_ns: int | None = None) -> None:
        """With an address of its own unless `http` is given, whose requests somebody else brings to `handle`."""
        self._clock = clock
        self.access = Access(clock)
        self.faults = Faults(clock, self.access)
        self.platform = Platform(clock, seed, began_ns)
        self.http = http or TcpHttpServer(self.handle, {})
        self.requests = 0
        """All that came, counted or not."""

    @cached_property
    def actions(self) -> Actions:
        """Routes that read runs."""
        return Actions(self.platform)

    @cached_property
    def operations(self) -> Operations:
        """Routes that change runs."""
        return Operations(self.platform, self.actions)

    @cached_property
    def packages(self) -> Packages:
        """Routes about images."""
        return Packages(self.platform)

    @cached_property
    def routes(self) -> tuple[Route, ...]:
        """The routing table."""
        parts = (
            People(self.platform, self.access),
            Git(self.platform),
            self.actions,
            self.operations,
            self.packages,
            Security(self.platform),
        )
        return tuple(route for part in parts for route in part.routes())

    @cached_property
    def _patterns(self) -> list[tuple[Route, re.Pattern[str]]]:
        return [(route, _pattern(route.template)) for route in self.routes]

    async def handle(self, request: Request) -> Response:
        """Answer one request."""
        self.requests += 1
        if request.path.startswith(BLOBS):
            return replace(self.actions.blob(request), headers={"Server": "Windows-Azure-Blob/1.0", **self._date()})
        orders = self.faults.strike(request.target)
        grant = NOBODY
        route: Route | None = None
        try:
            grant = self.access.who(request.headers.get("authorization", ""))
            instead = await self.faults.before(orders, grant)
            if instead is not None:
                return self._dressed(instead, grant, None)
            route, arguments = self._find(request)
            if request.target not in _FREE:
                self.access.count(grant)
            self.access.check(grant, route)
            response = route.handler(self._asked(request, grant, arguments)).response()
        except Refusal as refusal:
            return self._dressed(refusal.response(), grant, route)
        return self._conditional(request, response, grant, route, orders)

    def _find(self, request: Request) -> tuple[Route, dict[str, str]]:
        best: tuple[Route, dict[str, str]] | None = None
        for route, pattern in self._patterns:
            found = pattern.fullmatch(request.target) if route.method == request.method else None
            if found is not None and (best is None or len(found.groupdict()) < len(best[1])):
                best = route, {name: unquote(value) for name, value in found.groupdict().items()}
        if best is None:
            raise not_found()
        return best

    def _asked(self, request: Request, grant: Grant, arguments: dict[str, str]) -> Asked:
        version = request.headers.get("x-github-api-version", _API_VERSIONS[0])
        if version not in _API_VERSIONS:
            raise Refusal(400, f'"{version}" is not a supported version. Please use one of {", ".join(_API_VERSIONS)}.')
        try:
            body = json.loads(request.body) if request.body else None
        except ValueError as wrong:
            raise Refusal(400, "Problems parsing JSON") from wrong
        if body is not None and not isinstance(body, dict):
            raise Refusal(400, "Body should be a JSON object")
        return Asked(
            grant=grant,
            base=f"http://{request.headers.get('host', f'127.0.0.1:{self.http.port}')}",
            path=request.target,
            arguments=arguments,
            query=request.query,
            body=body,
            accept=request.headers.get("accept", ""),
            version=version,
        )

    def _conditional(
        self, request: Request, response: Response, grant: Grant, route: Route, orders: list[Order]
    ) -> Response:
        if request.method != "GET" or response.status != 200:
            return self._dressed(response, grant, route)
        tag = etag(response.body + response.content_type.encode(), grant.token)
        known = [word.strip() for word in request.headers.get("if-none-match", "").split(",")]
        headers = {"ETag": tag, "Cache-Control": "private, max-age=60, s-maxage=60"}
        if tag in known or tag.removeprefix("W/") in known:
            if request.target not in _FREE:
                self.access.give_back(grant)
            return self._dressed(Response(304, headers=headers), grant, route)
        good = replace(response, headers=response.headers | headers)
        return self._dressed(after(orders, good), grant, route)

    def _dressed(self, response: Response, grant: Grant, route: Route | None) -> Response:
        """With the headers that every answer has."""
        extra = self.access.headers(grant, route)
        number = f"{self.requests:04X}:DEMO:{self.requests * 7919:X}"
        common = _HEADERS | {"X-GitHub-Request-Id": number, "X-GitHub-Api-Version-Selected": _API_VERSIONS[0]}
        return replace(response, headers=common | self._date() | extra | response.headers)

    def _date(self) -> dict[str, str]:
        return {"Date": formatdate(self._clock.now() / SECOND, usegmt=True)}


def _pattern(template: str) -> re.Pattern[str]:
    def group(found: re.Match[str]) -> str:
        spanning = found[1] in _SPANNING and found.end() == len(template)
        return f"(?P<{found[1]}>{'.+' if spanning else '[^/]+'})"

    return re.compile(re.sub(r"\{(\w+)\}", group, template))
