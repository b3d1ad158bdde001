"""What GitHub's REST API looks like on the wire: requests as handlers see them, answers, errors, pages, times."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from refactor_console.demo.clock import utc
from refactor_console.demo.engine_http import Response

T = TypeVar("T")
Json = dict[str, Any]
"""A JSON object of GitHub's API."""
DOCUMENTATION = "https://docs.github.com/rest"
JSON_TYPE = "application/json; charset=utf-8"
_PER_PAGE = 30
_MOST_PER_PAGE = 100


class Refusal(Exception):
    """GitHub says no: a status and a message in its error form."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        errors: Sequence[Json] | None = None,
        headers: Mapping[str, str] | None = None,
        documentation: str = DOCUMENTATION,
    ) -> None:
        super().__init__(f"{status} {message}")
        self.status = status
        self.message = message
        self.errors = errors
        self.headers = dict(headers or {})
        self.documentation = documentation

    def response(self) -> Response:
        """As it is sent."""
        body: Json = {"message": self.message}
        if self.errors is not None:
            body["errors"] = list(self.errors)
        body |= {"documentation_url": self.documentation, "status": str(self.status)}
        return Response(self.status, encoded(body), JSON_TYPE, headers=self.headers)


def not_found() -> Refusal:
    """What GitHub says of everything that is not there, or not for this token."""
    return Refusal(404, "Not Found")


@dataclass(frozen=True, slots=True)
class Grant:
    """A token and what it may do."""

    token: str
    """Empty for nobody."""
    login: str
    scopes: tuple[str, ...] | None = ()
    """A classic token's scopes; None for a fine-grained one."""
    permissions: frozenset[str] = frozenset()
    """A fine-grained token's, such as ``actions:read``; a write permission implies its read."""
    may_write: bool = False
    """Whether its owner may push to the repositories."""
    limit: int = 5_000
    """Requests an hour."""
    expires: str = ""
    """``github-authentication-token-expiration``; empty when it never does."""

    def allows(self, scope: str, permission: str) -> bool:
        """Whether it covers one of them: a classic token by scope, a fine-grained one by permission."""
        if self.scopes is None:
            area, _, level = permission.partition(":")
            return (
                not permission
                or permission in self.permissions
                or (level == "read" and f"{area}:write" in self.permissions)
            )
        implied = {"read:packages": ("write:packages",), "security_events": ("repo",), "public_repo": ("repo",)}
        return not scope or scope in self.scopes or any(other in self.scopes for other in implied.get(scope, ()))


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that found its route."""

    grant: Grant
    base: str
    """This server's address, for the addresses in answers."""
    path: str
    """As it came, percent-encoded."""
    arguments: Mapping[str, str]
    """The path's parameters, decoded."""
    query: Mapping[str, str]
    body: Any
    """Parsed JSON; None for no body."""
    accept: str = ""
    version: str = ""
    """``X-GitHub-Api-Version``."""

    def number(self, name: str) -> int:
        """A numeric parameter of the path.

        Raises:
            Refusal: 404, it is no number.
        """
        text = self.arguments[name]
        if not text.isdigit():
            raise not_found()
        return int(text)

    def field(self, name: str, kind: type[T], default: T | None = None) -> T:
        """A field of the body.

        Raises:
            Refusal: 422, it is missing or of another kind.
        """
        value = self.body.get(name, default) if isinstance(self.body, dict) else default
        if not isinstance(value, kind):
            given = "null" if value is None else json.dumps(value)
            raise Refusal(422, f"Invalid request.\n\nFor 'properties/{name}', {given} is not of the expected type.")
        return value


@dataclass(frozen=True, slots=True)
class Reply:
    """What a handler answers; headers common to all answers are added later."""

    value: Any = None
    """JSON; ignored where `raw` is set."""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    content_type: str = JSON_TYPE

    def response(self) -> Response:
        """As it is sent, but for the common headers."""
        empty = self.status in (204, 302) and self.raw is None
        body = self.raw if self.raw is not None else b"" if empty else encoded(self.value)
        return Response(self.status, body, self.content_type, headers=dict(self.headers))


Handler = Callable[[Asked], Reply]


@dataclass(frozen=True, slots=True)
class Route:
    """One operation that this server knows."""

    method: str
    template: str
    """As GitHub's description writes it: ``/repos/{owner}/{repo}/actions/runs``."""
    handler: Handler
    scope: str = ""
    """What a classic token needs; empty for nothing, so that nobody in particular may ask, too."""
    permission: str = ""
    """What a fine-grained token needs."""
    write: bool = False
    """Whether the token's owner must be able to push."""
    lacking: str = "Must have admin rights to Repository."
    """What a classic token without the scope is told."""

    @property
    def name(self) -> str:
        """``GET /user``."""
        return f"{self.method} {self.template}"


def encoded(value: Any) -> bytes:
    """JSON text as GitHub writes it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def etag(body: bytes, token: str) -> str:
    """A weak entity tag of a body for one token."""
    return f'W/"{hashlib.sha256(token.encode() + body).hexdigest()}"'


def timestamp(nanoseconds: int) -> str:
    """``2026-11-24T09:00:00Z``, the form of most times in the API."""
    return f"{utc(nanoseconds):%Y-%m-%dT%H:%M:%SZ}"


def maybe_timestamp(nanoseconds: int | None) -> str | None:
    """The same, or null."""
    return None if nanoseconds is None else timestamp(nanoseconds)


def node_id(kind: str, number: int) -> str:
    """An opaque global id."""
    return f"{kind}_kwDO{hashlib.sha256(f'{kind}{number}'.encode()).hexdigest()[:16]}"


def page(asked: Asked, items: Sequence[T], describe: Callable[[T], Any], *, key: str = "") -> Reply:
    """One page of a list with its ``Link`` header; with `key` in an object beside ``total_count``.

    Only the items of the page are described, so that long lists cost nothing.
    """
    size, number = _page_size(asked), max(1, _integer(asked.query.get("page"), 1))
    first = (number - 1) * size
    shown = [describe(item) for item in items[first : first + size]]
    last = max(1, -(-len(items) // size))
    headers = {}
    if last > 1:
        places = {"prev": number - 1, "next": number + 1, "last": last, "first": 1}
        wanted = [name for name, at in places.items() if 1 <= at <= last and _points(name, number, last)]
        headers["Link"] = ", ".join(f'<{_address(asked, page=places[name])}>; rel="{name}"' for name in wanted)
    value = {"total_count": len(items), key: shown} if key else shown
    return Reply(value, headers=headers)


def _points(name: str, number: int, last: int) -> bool:
    return number > 1 if name in ("prev", "first") else number < last


def cursor_page(asked: Asked, items: Sequence[T], describe: Callable[[T], Any]) -> Reply:
    """One page of a list that is walked by ``after`` and ``before`` instead of page numbers."""
    size = _page_size(asked)
    first = _integer(asked.query.get("after", "").removeprefix("cursor"), 0)
    shown = [describe(item) for item in items[first : first + size]]
    headers = {}
    if first + size < len(items):
        headers["Link"] = f'<{_address(asked, after=f"cursor{first + size}")}>; rel="next"'
    return Reply(shown, headers=headers)


def _page_size(asked: Asked) -> int:
    return min(_MOST_PER_PAGE, max(1, _integer(asked.query.get("per_page"), _PER_PAGE)))


def _integer(text: str | None, default: int) -> int:
    # GitHub takes its default for what is not a number.
    return int(text) if text is not None and text.isdigit() else default


def _address(asked: Asked, **changed: Any) -> str:
    return f"{asked.base}{asked.path}?{urlencode({**asked.query, **changed})}"


def quoted(name: str) -> str:
    """A name as one segment of a path."""
    return quote(name, safe="")
