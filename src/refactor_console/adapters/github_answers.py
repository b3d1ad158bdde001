"""What HTTP with GitHub is made of: time limits, whole answers, pages and lists, and rules about hosts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Generic, TypeVar

import httpx

from refactor_console.adapters import github_errors as errors

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """Time limits in seconds, and how often a read is tried."""

    connect: float = 10.0
    read: float = 20.0
    """Between two pieces of an answer."""
    whole: float = 60.0
    """For one request with its whole answer."""
    log: float = 180.0
    """The same for a job's log."""
    attempts: int = 3
    tries_within: float = 15.0
    """No new attempt begins later than this after the first one began."""
    wait: float = 0.3
    """Before the first repetition; doubled each time, with as much jitter again."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer that is no error."""

    what: str
    status: int
    headers: httpx.Headers
    body: bytes

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            GitHubMalformed: it is none.
        """
        kind = self.headers.get("content-type", "")
        if "html" in kind or self.body[:256].lstrip()[:1] == b"<":
            raise errors.not_json(self.what, self.status, kind, self.body)
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise errors.malformed(self.what, f"HTTP {self.status}, {len(self.body)} bytes: {error}") from error


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One parsed answer."""

    value: T
    next: str
    """URL of the next page; empty when this is the last."""
    headers: httpx.Headers


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """Some items of a list."""

    items: tuple[T, ...]
    skipped: int = 0
    """How many could not be read."""
    reason: str = ""
    """Why the first of those could not."""
    complete: bool = True
    """False when GitHub has more."""


def trust() -> Any:
    """Who is believed: the authorities that come with httpx (or SSL_CERT_FILE), and the system's own."""
    context = httpx.create_ssl_context()
    context.load_default_certs()
    return context


async def bounded(response: httpx.Response, what: str, most: int) -> bytes:
    """The whole body, of at most `most` bytes.

    Raises:
        GitHubMalformed: it is larger, or not compressed as it says.
    """
    pieces: list[bytes] = []
    size = 0
    try:
        async for piece in response.aiter_bytes():
            size += len(piece)
            if size > most:
                raise errors.too_large(what, most)
            pieces.append(piece)
    except httpx.DecodingError as error:
        raise errors.malformed(what, f"HTTP {response.status_code}: {error}") from error
    return b"".join(pieces)


def worth_another(error: Exception) -> bool:
    """Whether a read may be tried again at once: nothing came, or a gateway said that it could not."""
    if isinstance(error, errors.GitHubUnreachable):
        return error.problem.code not in ("tls", "insecure", "proxy", "closed")
    return isinstance(error, errors.ServerFault) and error.status in (502, 503, 504)


def origin(url: httpx.URL) -> tuple[str, str, int | None]:
    """What has to be equal for the token to go along."""
    return url.scheme, url.host, url.port


def loopback(host: str) -> bool:
    """Whether a host is this machine itself."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False  # a name
