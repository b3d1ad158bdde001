"""HTTP to one registry: whole answers within bounds, redirects, retries, and a token where one is asked for.

Rules that hold for every request:

- it only reads; what does not come is asked for a little more often, within a time limit;
- ``Authorization`` goes to the registry's own origin below ``/v2/`` and nowhere else: blobs lie on other servers;
- from https nothing goes on to http; http is for this machine only (the demo world).

Imports httpx and stamina: import this module off the first frame's path.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx
import stamina
import stamina.instrumentation

from refactor_console import __version__
from refactor_console.adapters import registry_errors as errors
from refactor_console.adapters.registry_auth import Authority, loopback
from refactor_console.domain.account import Secret
from refactor_console.domain.problem import Problem
from refactor_console.domain.text import visible

_REDIRECTS = 4
_AT_ONCE = 8
_MOST_ERROR = 64 * 1024
"""So much of a refusal is read."""
_MOST_TOKEN = 256 * 1024
_WORDS = 300
_MICRO = re.compile(r"(\d+(?:\.\d+)?)\s*(µs|us|ms|s)?")
_UNITS = {"µs": 1e-6, "us": 1e-6, "ms": 1e-3, "s": 1.0}
_IN_WORDS = re.compile(r"retry-after:\s*(\d+(?:\.\d+)?\s*(?:µs|us|ms|s))")

# Retries are told by the feeds' readings; the library would write them to the log, which is the terminal.
stamina.instrumentation.set_on_retry_hooks(())


@dataclass(frozen=True, slots=True)
class Patience:
    """Time limits in seconds, and how often something is asked for."""

    connect: float = 10.0
    read: float = 20.0
    """Between two pieces of an answer."""
    whole: float = 45.0
    """For one request with its whole answer."""
    attempts: int = 4
    tries_within: float = 20.0
    """No new attempt begins later than this after the first one began."""
    wait: float = 0.3
    """Before the first repetition; doubled each time, with as much jitter again."""
    longest_wait: float = 5.0
    """A registry that tells us to wait longer is not waited for."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer that is no error."""

    what: str
    where: str
    status: int
    headers: httpx.Headers
    body: bytes
    url: httpx.URL

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            RegistryBadAnswer: it is none.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            kind = visible(self.headers.get("content-type", "no content type"))
            raise errors.bad_answer(
                self.what, self.where, f"HTTP {self.status}, {kind}, {len(self.body)} bytes: {error}"
            ) from error


class RegistryHttp:
    """One connection pool and one credential. Belongs to the event loop it was first used on."""

    def __init__(
        self,
        base_url: str,
        credential: tuple[str, Secret] | None,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        patience: Patience | None = None,
        realm_hosts: frozenset[str] = frozenset(),
    ) -> None:
        """Nothing is connected before the first request; see `adapters.registry.Registry` for the arguments."""
        self.base = httpx.URL(base_url.rstrip("/"))
        self.where = self.base.host if self.base.port is None else f"{self.base.host}:{self.base.port}"
        self._patience = patience or Patience()
        self._clock = clock
        self._authority = Authority(self.base, self.where, credential, clock, self._fetch_token, realm_hosts)
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._making = asyncio.Lock()
        self._client: httpx.AsyncClient | None = None
        self._closed = False

    @property
    def refusal(self) -> Problem | None:
        """Why the credential was not taken, where the registry still told what it tells everybody."""
        return self._authority.refusal

    async def ask(
        self,
        path: str,
        rest: str,
        what: str,
        *,
        most: int,
        method: str = "GET",
        accept: str = "*/*",
        digest: bool = False,
    ) -> Answer:
        """GET or HEAD something of one repository.

        Args:
            path: the repository, which the token is for.
            rest: what follows it in the URL, such as ``manifests/stable``; or a whole URL (a next page).
            what: names the thing, for sentences.
            most: bytes that the answer may have.
            method: ``GET`` or ``HEAD``.
            accept: media types.
            digest: whether it is asked for by digest, so that its absence means that it was deleted.

        Raises:
            RegistryError: with the problem to show.
        """
        self._check()
        url = httpx.URL(rest) if rest.startswith(("http:", "https:")) else httpx.URL(f"{self.base}/v2/{path}/{rest}")
        for _ in range(_REDIRECTS + 1):
            answer = await self._authorised(path, method, url, what, accept, most, digest=digest)
            if answer.status not in (301, 302, 303, 307, 308):
                return answer
            url = self._target(answer)
        raise errors.redirect_refused(what, url.host, "it goes in circles")

    def page(self, answer: Answer, prefix: str) -> str:
        """URL of the next page, by ``Link``; empty when there is none.

        Raises:
            RegistryBadAnswer: it is not below `prefix` at the registry.
        """
        found = re.search(r'<([^>]*)>\s*;[^,]*\brel="?next"?', answer.headers.get("link", ""))
        if found is None:
            return ""
        url = self._joined(answer.url, found[1], answer.what)
        if _origin(url) != _origin(self.base) or not url.path.startswith(f"{self.base.path.rstrip('/')}{prefix}"):
            raise errors.redirect_refused(answer.what, url.host, "the next page is not one of this list")
        return str(url)

    async def close(self) -> None:
        """Let go of the connections, for good: requests under way and later ones fail with code ``closed``."""
        self._closed = True
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    # One request --------------------------------------------------------------------------------------------------

    async def _authorised(
        self, path: str, method: str, url: httpx.URL, what: str, accept: str, most: int, *, digest: bool
    ) -> Answer:
        """With a token where the registry wants one; a token that it takes no more is fetched anew, once."""
        ours = _origin(url) == _origin(self.base) and url.path.startswith(f"{self.base.path.rstrip('/')}/v2/")
        token = await self._authority.header(path) if ours else None
        answer = await self._retried(method, url, what, accept, token, most)
        if answer.status == 401 and ours:
            token = await self._authority.answer(path, _all(answer.headers, "www-authenticate"), token)
            if token is not None:
                answer = await self._retried(method, url, what, accept, token, most)
        if answer.status >= 400:
            raise self._refusal(answer, token, digest=digest)
        return answer

    async def _retried(
        self, method: str, url: httpx.URL, what: str, accept: str, token: Secret | None, most: int
    ) -> Answer:
        headers = {"Accept": accept} | ({} if token is None else {"Authorization": token.reveal()})
        patience = self._patience
        async for attempt in stamina.retry_context(
            on=self._worth_another,
            attempts=patience.attempts,
            timeout=patience.tries_within,
            wait_initial=patience.wait,
            wait_max=3.0,
            wait_jitter=patience.wait,
        ):
            with attempt:
                answer = await self._once(method, url, what, headers, most)
        return answer

    def _worth_another(self, error: Exception) -> bool | float:
        """Whether to ask again, and when: the registry's own word, as long as it is short."""
        if isinstance(error, errors.RegistryLimited):
            return max(error.wait, self._patience.wait) if error.wait <= self._patience.longest_wait else False
        return isinstance(error, errors.RegistryDown) and error.problem.code == "registry-down"

    async def _once(self, method: str, url: httpx.URL, what: str, headers: Mapping[str, str], most: int) -> Answer:
        """One exchange; raises for what may be better next time, returns everything else."""
        host = self.where if _origin(url) == _origin(self.base) else url.host
        patience = self._patience
        try:
            async with self._places, asyncio.timeout(patience.whole):
                client = await self._made()
                # Digests are of bytes as they are stored: compression in between would only be in the way.
                request = client.build_request(method, url, headers={"Accept-Encoding": "identity", **headers})
                try:
                    response = await client.send(request, stream=True)
                except httpx.InvalidURL as error:
                    raise errors.redirect_refused(what, "", "its address is none") from error
                async with contextlib.aclosing(response):
                    error_status = response.status_code >= 400
                    body = b"" if method == "HEAD" else await _body(response, what, host, most, cut=error_status)
        except httpx.TransportError as error:
            seconds = patience.connect if isinstance(error, httpx.ConnectTimeout) else patience.read
            raise errors.unreachable(what, host, error, seconds) from error
        except TimeoutError as error:
            raise errors.timed_out(what, host, patience.whole) from error
        answer = Answer(what, host, response.status_code, response.headers, body, url)
        if answer.status == 429:
            raise errors.limited(what, host, self._wait(answer), _words(answer))
        if answer.status >= 500:
            raise errors.trouble(what, host, answer.status, _words(answer))
        return answer

    async def _fetch_token(self, url: httpx.URL, headers: Mapping[str, str], what: str) -> tuple[int, bytes, str]:
        token = Secret(headers["Authorization"]) if "Authorization" in headers else None
        answer = await self._retried("GET", url, what, "application/json", token, _MOST_TOKEN)
        if answer.status // 100 == 3:
            raise errors.realm_refused(self.where, url.host, "it sends on to another address")
        return answer.status, answer.body, _words(answer) if answer.status >= 400 else ""

    # Parts --------------------------------------------------------------------------------------------------------

    def _check(self) -> None:
        if self.base.scheme != "https" and not (self.base.scheme == "http" and loopback(self.base.host)):
            raise errors.insecure(f"{self.base.scheme}://{self.where}")

    def _refusal(self, answer: Answer, token: Secret | None, *, digest: bool) -> errors.RegistryError:
        words, what, where = _words(answer), answer.what, answer.where
        signed = self._authority.signed
        if answer.status == 401 and token is not None and signed and not token.reveal().startswith("Basic "):
            # The token server knew us; what it gave is not enough for the registry.
            return self._denied(what, where, words)
        match answer.status:
            case 401:
                return errors.unauthorised(what, where, signed=signed, words=words)
            case 403:
                return self._denied(what, where, words)
            case 404 if digest and "NAME_UNKNOWN" not in words:
                return errors.gone(what, where, words)
            case 410:
                return errors.gone(what, where, words)
            case 404:
                return errors.not_found(what, where, words)
            case _:
                return errors.bad_answer(what, where, words)

    def _denied(self, what: str, where: str, words: str) -> errors.Denied:
        """A token that is not enough; it may be nobody's, because the credential was refused before."""
        earlier = self.refusal.detail if self.refusal is not None else ""
        said = "\n".join(part for part in (words, earlier) if part)
        return errors.denied(what, where, signed=self._authority.signed, words=said)

    def _wait(self, answer: Answer) -> float:
        """Seconds to wait, by the header (seconds, GHCR's ``190.793µs``, or a date) or by the message."""
        said = answer.headers.get("retry-after", "").strip()
        number = _MICRO.fullmatch(said)
        if number is None:
            try:
                return max(0.0, (parsedate_to_datetime(said) - self._clock()).total_seconds())
            except (ValueError, TypeError):
                in_words = _IN_WORDS.search(_words(answer))
                number = _MICRO.fullmatch(in_words[1]) if in_words else None
        return 1.0 if number is None else float(number[1]) * _UNITS[number[2] or "s"]

    def _joined(self, url: httpx.URL, text: str, what: str) -> httpx.URL:
        try:
            return url.join(text)
        except httpx.InvalidURL as error:
            raise errors.redirect_refused(what, "", "its address is none") from error

    def _target(self, answer: Answer) -> httpx.URL:
        target = self._joined(answer.url, answer.headers.get("location", ""), answer.what)
        if "location" not in answer.headers or not target.host or target.userinfo:
            raise errors.redirect_refused(answer.what, target.host, "it does not say where to")
        inside = loopback(target.host) and loopback(self.base.host)
        if target.scheme != "https" and not (target.scheme == "http" and inside):
            raise errors.redirect_refused(answer.what, target.host, "it is not https")
        return target

    async def _made(self) -> httpx.AsyncClient:
        async with self._making:
            if self._closed:
                raise errors.closed(self.where)
            if self._client is None:
                # Reading the certificate authorities takes tens of milliseconds.
                verify = await asyncio.to_thread(_trust) if self.base.scheme == "https" else False
                patience = self._patience
                self._client = httpx.AsyncClient(
                    verify=verify,
                    timeout=httpx.Timeout(patience.read, connect=patience.connect, pool=patience.whole),
                    limits=httpx.Limits(max_connections=_AT_ONCE, max_keepalive_connections=_AT_ONCE),
                    headers={"User-Agent": f"refactor-console/{__version__}"},
                    cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
                    trust_env=not loopback(self.base.host),
                    follow_redirects=False,
                    event_hooks={"response": [_look_at_target]},
                )
            return self._client


async def _look_at_target(response: httpx.Response) -> None:
    """httpx reads a redirect's target even if it is not to follow it, and takes a bad one for a broken connection.

    Raises:
        httpx.InvalidURL: before httpx does so.
    """
    if response.has_redirect_location:
        httpx.URL(response.headers["location"])


async def _body(response: httpx.Response, what: str, where: str, most: int, *, cut: bool) -> bytes:
    """The whole body within a bound; of a refusal (`cut`) its beginning is enough."""
    most = _MOST_ERROR if cut else most
    if response.headers.get("content-encoding", "identity").lower() not in ("", "identity"):
        if cut:
            return b""
        raise errors.bad_answer(what, where, "the answer is compressed, which was not asked for")
    pieces: list[bytes] = []
    size = 0
    async for piece in response.aiter_raw():
        size += len(piece)
        pieces.append(piece)
        if size > most:
            if cut:
                break
            raise errors.too_large(what, where, most)
    return b"".join(pieces)


def _words(answer: Answer) -> str:
    """The registry's own words (``errors`` of the distribution specification) on one safe line."""
    status = f"HTTP {answer.status}"
    try:
        said = json.loads(answer.body)
        told = said["errors"]
        phrases = [f"{one.get('code', '')}: {one.get('message', '')}" for one in told[:3]]
    except (ValueError, RecursionError, TypeError, KeyError, AttributeError):
        return status  # an error page: the status says enough
    return visible(f"{status} {'; '.join(phrases)}")[:_WORDS]


def _all(headers: httpx.Headers, name: str) -> str:
    return ", ".join(headers.get_list(name))


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _trust() -> Any:
    """Who is believed: the authorities that come with httpx (or SSL_CERT_FILE), and the system's own."""
    context = httpx.create_ssl_context()
    context.load_default_certs()
    return context
