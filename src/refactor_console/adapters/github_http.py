"""HTTP to one GitHub with one token: conditional reads, paging, limits, retries. Knows nothing of workflows.

Rules that hold for every request:

- the token goes to the API's own origin and nowhere else; a redirect elsewhere is refused (a job log's is asked bare);
- https, except to loopback (the demo world);
- reads are retried a little, mutations never, and in read-only mode mutations are not even built;
- every body is read up to a bound and every request ends by a time limit.

Imports httpx and stamina: import this module off the first frame's path.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, TypeVar

import httpx
import stamina
import stamina.instrumentation

from refactor_console import __version__
from refactor_console.adapters import github_errors as errors
from refactor_console.adapters import github_refusals
from refactor_console.adapters.github_answers import (
    Answer,
    Listing,
    Page,
    Patience,
    bounded,
    loopback,
    origin,
    trust,
    worth_another,
)
from refactor_console.adapters.github_cache import AnswerCache, Key, fingerprint
from refactor_console.adapters.github_limits import RateLimits
from refactor_console.domain.account import Credential, TokenKind
from refactor_console.domain.text import visible

T = TypeVar("T")

JSON = "application/vnd.github+json"
RAW = "application/vnd.github.raw+json"
API_VERSION = "2022-11-28"
MOST_JSON = 16 * 1024 * 1024
MOST_LOG = 64 * 1024 * 1024
MOST_PAGES = 200
_REDIRECTS = 3
_AT_ONCE = 8
_BIG = 128 * 1024
"""Answers above this are parsed in a thread."""
_NEXT = re.compile(r'<([^>]*)>\s*;[^,]*\brel="?next"?')
_TOKEN = re.compile(r"[\x21-\x7e]+")

# Retries are told by the feeds' readings; the library would write them to the log, which is the terminal.
stamina.instrumentation.set_on_retry_hooks(())


class GitHubHttp:
    """One connection pool, one token, one budget. Belongs to the event loop it was first used on."""

    def __init__(
        self,
        base_url: str,
        credential: Credential | None,
        *,
        read_only: bool,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        cache: AnswerCache | None = None,
        patience: Patience | None = None,
    ) -> None:
        """Nothing is connected before the first request.

        Args:
            base_url: ``https://api.github.com`` or ``https://HOST/api/v3``.
            credential: whose token to send; None asks as nobody.
            read_only: refuse every mutation.
            clock: local, UTC.
            cache: kept answers; may be shared between clients, since answers belong to their token.
            patience: time limits.
        """
        self.base = httpx.URL(base_url.rstrip("/"))
        self.where = self.base.host if self.base.port is None else f"{self.base.host}:{self.base.port}"
        self.limits = RateLimits(self.where, clock)
        self.read_only = read_only
        self._credential = credential
        self._mark = fingerprint(credential.token if credential is not None else None)
        self._cache = cache if cache is not None else AnswerCache()
        self._patience = patience or Patience()
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._making = asyncio.Lock()
        self._client: httpx.AsyncClient | None = None
        self._closed = False
        self.partial = ""
        """Organisations (by number) whose things GitHub leaves out of lists until the token is authorised for their
        single sign-on; empty for none."""
        self._partial_of = ""
        """The list that said so: it also says when that is over."""

    @property
    def kind(self) -> TokenKind | None:
        """The token's kind; None when there is no token."""
        return None if self._credential is None else self._credential.kind

    async def read(
        self,
        path: str,
        what: str,
        parse: Callable[[Answer], T],
        *,
        params: Mapping[str, str | int] | None = None,
        accept: str = JSON,
        fresh: bool = False,
    ) -> Page[T]:
        """GET one answer, conditionally where it was had before.

        Args:
            path: from the base on, quoted; or a whole URL of the API's origin (a next page).
            what: names the thing, for sentences; with the URL it also says how the answer is parsed.
            parse: makes the value; runs in a thread for a big answer.
            params: the query.
            accept: the media type to ask for.
            fresh: neither take nor keep an earlier answer.

        Raises:
            GitHubError: with the problem to show.
        """
        url = self._url(path, params)
        key = Key(self._mark, str(url), accept, what)
        kept = None if fresh else self._cache.get(key)
        answer = await self._get(url, what, accept, kept.conditions if kept is not None else {})
        if answer.status == 304:
            if kept is None:
                raise errors.malformed(what, "HTTP 304 to a request without a condition")
            link = answer.headers.get("link", kept.link)
            return Page(kept.value, self._next(link, what), answer.headers)  # type: ignore[arg-type]
        big = len(answer.body) > _BIG
        value = await asyncio.to_thread(parse, answer) if big else parse(answer)
        if not fresh:
            self._cache.keep(key, value, answer.headers)
        return Page(value, self._next(answer.headers.get("link", ""), what), answer.headers)

    async def listed(
        self,
        path: str,
        what: str,
        parse: Callable[[Answer], Listing[T]],
        *,
        params: Mapping[str, str | int] | None = None,
        limit: int,
        page_size: int = 100,
        fresh: bool = False,
    ) -> Listing[T]:
        """GET a list page by page, until `limit` items are there or GitHub has no more.

        `page_size` is how many items to ask for at once; 0 for operations that know no such parameter.

        Raises:
            GitHubError: with the problem to show; what was read of the list is dropped then.
        """
        wanted = {**(params or {}), **({"per_page": max(1, min(limit, page_size))} if page_size else {})}
        items: list[T] = []
        skipped, reason = 0, ""
        page = await self.read(path, what, parse, params=wanted, fresh=fresh)
        for _ in range(MOST_PAGES):
            items += page.value.items
            skipped += page.value.skipped
            reason = reason or page.value.reason
            if not page.next or len(items) >= limit:
                break
            page = await self.read(page.next, what, parse, fresh=fresh)
        return Listing(tuple(items[:limit]), skipped, reason, not page.next and len(items) <= limit)

    async def download(self, path: str, what: str) -> Answer:
        """GET what GitHub keeps elsewhere and redirects to; the other host is asked without the token.

        Raises:
            GitHubError: with the problem to show; a refusal of the other host is a `GitHubSaid` too.
        """
        url = self._url(path, None)
        for _ in range(_REDIRECTS + 1):
            answer = await self._get(url, what, JSON, {}, most=MOST_LOG, follow=False)
            if answer.status // 100 != 3:
                return answer
            target = self._target(url, answer, what)
            if answer.status == 302 or origin(target) != origin(self.base):
                break
            url = target  # the repository was renamed
        if not (target.scheme == "https" or (loopback(target.host) and loopback(self.base.host))):
            raise errors.redirect_refused(what, target.host, "it is not https")
        return await self._retried(lambda: self._bare(target, what))

    async def send(self, method: str, path: str, body: str, what: str) -> Answer:
        """Perform a mutation, once.

        Raises:
            GitHubReadOnly: nothing was sent.
            OutcomeUnknown: sent, and no clear answer came.
            GitHubError: GitHub said no, or was not reached at all.
        """
        if self.read_only:
            raise errors.read_only(what)
        url = self._url(path, None)
        headers = {**self._headers(JSON), **({"Content-Type": "application/json"} if body else {})}
        try:
            answer = await self._exchange(method, url, what, headers, body.encode(), mutation=True)
        except (httpx.TransportError, TimeoutError) as error:
            if isinstance(error, httpx.TransportError) and errors.never_left(error):
                raise errors.unreachable(what, self.where, error, self._patience.connect) from error
            raise errors.outcome_unknown(what, f"{type(error).__name__}: {error}") from error
        except errors.ServerFault as error:
            raise errors.outcome_unknown(what, error.problem.detail) from error
        if answer.status // 100 == 3:
            host = httpx.URL(url).join(answer.headers.get("location", "")).host
            raise errors.redirect_refused(what, host, "a mutation is not sent on")
        if "html" in answer.headers.get("content-type", ""):
            raise errors.outcome_unknown(what, f"HTTP {answer.status} with a web page, which is not GitHub's API")
        return answer

    async def close(self) -> None:
        """Let go of the connections, for good: requests under way and later ones fail with code ``closed``."""
        self._closed = True
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    # -- one request

    async def _get(
        self,
        url: httpx.URL,
        what: str,
        accept: str,
        conditions: Mapping[str, str],
        *,
        most: int = MOST_JSON,
        follow: bool = True,
    ) -> Answer:
        headers = {**self._headers(accept), **conditions}
        for _ in range(_REDIRECTS + 1):
            answer = await self._retried(lambda url=url: self._read_once(url, what, headers, most))  # type: ignore[misc]
            if answer.status == 304 or answer.status // 100 != 3 or not follow:
                return answer
            target = self._target(url, answer, what)
            if origin(target) != origin(self.base):
                raise errors.redirect_refused(what, target.host, "the token belongs to the API only")
            url = target
        raise errors.redirect_refused(what, url.host, "it goes in circles")

    async def _retried(self, once: Callable[[], Any]) -> Answer:
        patience = self._patience
        async for attempt in stamina.retry_context(
            on=worth_another,
            attempts=patience.attempts,
            timeout=patience.tries_within,
            wait_initial=patience.wait,
            wait_max=2.0,
            wait_jitter=patience.wait,
        ):
            with attempt:
                answer: Answer = await once()
        return answer

    async def _read_once(self, url: httpx.URL, what: str, headers: Mapping[str, str], most: int) -> Answer:
        try:
            return await self._exchange("GET", url, what, headers, b"", most=most)
        except httpx.TransportError as error:
            seconds = self._patience.connect if errors.never_left(error) else self._patience.read
            raise errors.unreachable(what, self.where, error, seconds) from error
        except TimeoutError as error:
            raise errors.timed_out(what, self.where, self._patience.whole) from error

    async def _exchange(
        self,
        method: str,
        url: httpx.URL,
        what: str,
        headers: Mapping[str, str],
        content: bytes,
        *,
        most: int = MOST_JSON,
        mutation: bool = False,
    ) -> Answer:
        """One request with its whole answer; error statuses are raised, redirects are not."""
        async with self._places:
            self.limits.check()
            client = await self._made()
            async with asyncio.timeout(self._patience.log if most == MOST_LOG else self._patience.whole):
                request = client.build_request(method, url, headers=httpx.Headers(dict(headers)), content=content)
                try:
                    response = await client.send(request, stream=True)
                except httpx.InvalidURL as error:  # httpx looks at a redirect's target even if it is not to follow it
                    raise errors.redirect_refused(what, "", "its address is none") from error
                async with contextlib.aclosing(response):
                    self.limits.note(response.status_code, response.headers, authorised=self._credential is not None)
                    try:
                        body = await bounded(response, what, most)
                    except (httpx.TransportError, errors.GitHubMalformed):
                        if not (mutation and response.is_success):
                            raise
                        body = b""  # it was accepted: that the rest got lost does not make it undone
        sign_on = response.headers.get("x-github-sso", "")
        if sign_on.startswith("partial-results"):
            self.partial = visible(sign_on.partition("organizations=")[2])[:200] or "unnamed"
            self._partial_of = what
        elif what == self._partial_of and response.is_success:
            self.partial = ""
        if response.status_code >= 400:
            raise self._refusal(what, response, body)
        return Answer(what, response.status_code, response.headers, body)

    def _refusal(self, what: str, response: httpx.Response, body: bytes) -> errors.GitHubError:
        status, headers = response.status_code, response.headers
        refusal = github_refusals.Refusal(status, headers, body, self.kind)
        limited = self.limits.limited(status, headers, refusal.message)
        if limited is not None:
            return limited
        kind = headers.get("content-type", "")
        if status < 500 and "html" in kind and "x-github-request-id" not in headers:
            return errors.not_json(what, status, kind, body)
        return github_refusals.refused(what, refusal)

    async def _bare(self, url: httpx.URL, what: str) -> Answer:
        """GET from another host, without the token."""
        try:
            async with self._places, asyncio.timeout(self._patience.log):
                client = await self._made()
                response = await client.send(client.build_request("GET", url), stream=True)
                async with contextlib.aclosing(response):
                    body = await bounded(response, what, MOST_LOG)
        except httpx.TransportError as error:
            raise errors.unreachable(what, url.host, error, self._patience.read) from error
        except TimeoutError as error:
            raise errors.timed_out(what, url.host, self._patience.log) from error
        if response.status_code != 200:
            refusal = github_refusals.Refusal(response.status_code, httpx.Headers(), b"", None)
            raise github_refusals.refused(f"{what} (from {url.host})", refusal)
        return Answer(what, response.status_code, response.headers, body)

    # -- parts

    def _headers(self, accept: str) -> dict[str, str]:
        """The API's headers, with the token.

        Raises:
            TokenRefused: the token holds what no header can carry; it is not sent.
        """
        headers = {"Accept": accept, "X-GitHub-Api-Version": API_VERSION}
        if self._credential is not None:
            token = self._credential.token.reveal()
            if not _TOKEN.fullmatch(token):
                raise github_refusals.token_unusable(self._credential.place)
            headers["Authorization"] = f"Bearer {token}"
        return headers

    def _url(self, path: str, params: Mapping[str, str | int] | None) -> httpx.URL:
        if self.base.scheme != "https" and not (self.base.scheme == "http" and loopback(self.base.host)):
            raise errors.insecure(f"{self.base.scheme}://{self.where}")
        url = httpx.URL(path) if path.startswith(("http:", "https:")) else httpx.URL(f"{self.base}{path}")
        return url.copy_merge_params(dict(params)) if params else url

    def _next(self, link: str, what: str) -> str:
        found = _NEXT.search(link)
        if not found:
            return ""
        try:
            url = self.base.join(found[1])
        except httpx.InvalidURL as error:
            raise errors.redirect_refused(what, "", "the next page's address is none") from error
        if origin(url) != origin(self.base):
            raise errors.redirect_refused(what, url.host, "the next page is on another host than the API")
        return str(url)

    def _target(self, url: httpx.URL, answer: Answer, what: str) -> httpx.URL:
        try:
            target = url.join(answer.headers.get("location", ""))
        except httpx.InvalidURL as error:
            raise errors.redirect_refused(what, "", "its address is none") from error
        if "location" not in answer.headers or not target.host:
            raise errors.redirect_refused(what, "", "it does not say where to")
        return target

    async def _made(self) -> httpx.AsyncClient:
        async with self._making:
            if self._closed:
                raise errors.closed(self.where)
            if self._client is None:
                local = loopback(self.base.host)
                # Reading the certificate authorities takes tens of milliseconds.
                verify = await asyncio.to_thread(trust) if self.base.scheme == "https" else False
                patience = self._patience
                self._client = httpx.AsyncClient(
                    verify=verify,
                    timeout=httpx.Timeout(patience.read, connect=patience.connect, pool=patience.whole),
                    limits=httpx.Limits(max_connections=_AT_ONCE, max_keepalive_connections=_AT_ONCE),
                    headers={"User-Agent": f"refactor-console/{__version__}"},
                    cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
                    trust_env=not local,
                    follow_redirects=False,
                )
            return self._client
