"""Who the console is on GitHub, and the clients that speak for it: made when first needed, replaced by signing in.

The HTTP library is imported with the first client, in a thread: nothing of it is on the first frame's path. A token
that GitHub refused is not sent again and again: until it is replaced, or a person asks, everyone is told so without a
request (the account's own feed looks from time to time).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from refactor_console.adapters.github_api import GitHubApi
from refactor_console.adapters.registry_api import RegistryApi
from refactor_console.domain.account import Account, Credential, Secret, TokenSource
from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.domain.repos import Platform
from refactor_console.services.feed import Clock, Waker, utc_now

if TYPE_CHECKING:
    from refactor_console.adapters.github_cache import AnswerCache

CLOSE_SECONDS = 1.0
NOT_SIGNED_IN = "token-missing"
_DEMO_TOKEN = "demo-token"  # noqa: S105 - what the demo world accepts, and nothing else does


class NotSignedIn(ConsoleError):
    """There is no token for GitHub (code ``token-missing``), or GitHub refused the one there is."""


class LinkClosed(ConsoleError):
    """The session is over: nobody is asked any more (code ``closed``)."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where GitHub and the registry are; a demo world knows its own only when its process is up."""

    api_url: str
    web_url: str
    registry_url: str


def endpoints_of(platform: Platform) -> Endpoints:
    """As configured."""
    return Endpoints(platform.api_url, platform.web_url, platform.registry_url)


@dataclass(frozen=True, slots=True)
class Identity:
    """A token, or why there is none."""

    credential: Credential | None
    notices: tuple[Problem, ...] = ()
    """Places that could not be looked at."""


Find = Callable[[Endpoints], Awaitable[Identity]]


async def find_own(endpoints: Endpoints) -> Identity:
    """The user's own token, by `adapters.credentials`."""
    from refactor_console.adapters import credentials  # noqa: PLC0415 - not on the first frame's path

    found = await credentials.find(endpoints.api_url, endpoints.web_url)
    return Identity(found.credential, found.notices)


async def find_demo(_: Endpoints) -> Identity:
    """The demo world's token; the user's own is not looked for."""
    return Identity(Credential(Secret(_DEMO_TOKEN), TokenSource.DEMO, "demo world"))


def three_ways(web_url: str, *, device_flow: bool) -> str:
    """How to sign in, as one sentence."""
    host = urlsplit(web_url).netloc
    there = "" if host == "github.com" else f" --hostname {host}"
    variable = "GH_TOKEN" if host == "github.com" or host.endswith(".ghe.com") else "GH_ENTERPRISE_TOKEN"
    code = "sign in here by a code" if device_flow else "sign in by a code (set oauth_client_id under [github] first)"
    return f"Set {variable}, or run `gh auth login{there}`, or {code}; then ask again."


class GitHubLink:
    """One identity at one GitHub, and its clients. For the event loop's thread."""

    def __init__(
        self,
        platform: Platform,
        *,
        read_only: bool,
        clock: Clock = utc_now,
        endpoints: Callable[[], Awaitable[Endpoints]] | None = None,
        find: Find = find_own,
        device_flow: bool = False,
    ) -> None:
        """Nothing is looked for before the first call.

        Args:
            platform: what is configured.
            read_only: the client refuses every mutation then.
            clock: the local time (UTC).
            endpoints: where GitHub and the registry really are; as configured when None.
            find: looks for a token.
            device_flow: whether a person can sign in here, for the sentence that says how.
        """
        self.platform = platform
        self.read_only = read_only
        self.changed = Waker()
        """Wakes whoever waits for a token."""
        self._clock = clock
        self._endpoints = endpoints
        self._find = find
        self._device_flow = device_flow
        self._where: Endpoints | None = None
        self._identity: Identity | None = None
        self._account: Account | None = None
        self._refused: Problem | None = None
        self._closed = False
        self._cache: AnswerCache | None = None
        self._github: GitHubApi | None = None
        self._registry: RegistryApi | None = None
        self._making = asyncio.Lock()
        self._leaving: set[asyncio.Task[None]] = set()

    async def where(self) -> Endpoints:
        """Where GitHub and the registry are.

        Raises:
            ConsoleError: the demo world did not start.
        """
        if self._where is None:
            self._where = await self._endpoints() if self._endpoints is not None else endpoints_of(self.platform)
        return self._where

    async def credential(self) -> Credential | None:
        """The token in use; looked for once, until somebody asks again. None when there is none."""
        async with self._making:
            return (await self._identified()).credential

    @property
    def account(self) -> Account | None:
        """Who the token belongs to, once GitHub said so."""
        return self._account

    @property
    def refusal(self) -> Problem | None:
        """What GitHub said when it refused the present token; None while it does not."""
        return self._refused

    @property
    def client(self) -> GitHubApi | None:
        """The present client, if one was made: for what never asks."""
        return self._github

    @property
    def missing(self) -> Problem:
        """That nobody is signed in, and what to do about it."""
        notices = self._identity.notices if self._identity is not None else ()
        return Problem(
            "Nobody is signed in to GitHub.",
            three_ways(self.platform.web_url, device_flow=self._device_flow),
            "\n".join(f"{notice.summary} {notice.remedy}".strip() for notice in notices),
            NOT_SIGNED_IN,
        )

    async def api(self) -> GitHubApi:
        """The client for the present token.

        Raises:
            NotSignedIn: there is no token, or GitHub refused it.
            ConsoleError: it cannot be known where GitHub is.
        """
        if self._refused is not None:
            raise NotSignedIn(self._refused)
        return await self.api_anyway()

    async def api_anyway(self) -> GitHubApi:
        """As `api`, also for a token that was refused before.

        Raises:
            NotSignedIn: there is no token.
            ConsoleError: it cannot be known where GitHub is, or the session is over.
        """
        async with self._making:
            self._check_open()
            credential = (await self._identified()).credential
            if credential is None:
                raise NotSignedIn(self.missing)
            if self._github is None:
                self._github = await self._make_github(credential)
            return self._github

    async def registry(self) -> RegistryApi:
        """The registry's client, with the present token where it belongs there, else as nobody.

        A token that GitHub refused is no use there either, and what is public is given to nobody in particular.

        Raises:
            ConsoleError: it cannot be known where the registry is, or the session is over.
        """
        async with self._making:
            self._check_open()
            if self._registry is None:
                credential = (await self._identified()).credential
                self._registry = await self._make_registry(credential if self._refused is None else None)
            return self._registry

    async def look_again(self) -> None:
        """Look for a token anew, if there is none or it was refused: a person may have logged in elsewhere."""
        async with self._making:
            if self._identity is not None and self._identity.credential is not None and self._refused is None:
                return
            before = self._identity.credential if self._identity is not None else None
            self._identity = await self._find(await self.where())
            after, refused, self._refused = self._identity.credential, self._refused, None
            if before is None or after is None or before.token.reveal() != after.token.reveal():
                self._replace()
            elif refused is not None:
                self._drop_registry()  # it was asked as nobody meanwhile
        self.changed.wake()

    async def use(self, credential: Credential) -> None:
        """From now on everything is asked with this token."""
        async with self._making:
            self._identity = Identity(credential)
            self._refused = None
            self._replace()
        self.changed.wake()

    def belongs_to(self, account: Account, client: GitHubApi) -> None:
        """GitHub said to a client who its token belongs to; that of an earlier token is news no more."""
        if client is not self._github:
            return
        self._account = account
        if self._refused is not None:
            self._refused = None
            self._drop_registry()
            self.changed.wake()

    def refused(self, problem: Problem, client: GitHubApi) -> None:
        """GitHub said to a client that its token is none (any more); that of an earlier token is news no more."""
        if client is self._github and self._refused is None:
            self._refused = problem
            self._drop_registry()

    async def close(self) -> None:
        """Let go of every connection, for good; waits a moment at most."""
        self._closed = True
        self._replace()
        if self._leaving:
            _, hanging = await asyncio.wait(self._leaving, timeout=CLOSE_SECONDS)
            for task in hanging:
                task.cancel()

    def _check_open(self) -> None:
        if self._closed:
            raise LinkClosed(Problem("GitHub is not asked any more: this session is over.", code="closed"))

    async def _identified(self) -> Identity:
        if self._identity is None:
            self._identity = await self._find(await self.where())
        return self._identity

    def _replace(self) -> None:
        """Drop the clients: whoever is in the middle of a request is told so, and asks again with the next one."""
        client, self._github, self._account = self._github, None, None
        self._leave(client)
        self._drop_registry()

    def _drop_registry(self) -> None:
        """The next one is made with what is known of the token then."""
        client, self._registry = self._registry, None
        self._leave(client)

    def _leave(self, client: GitHubApi | RegistryApi | None) -> None:
        if client is not None:
            task = asyncio.get_running_loop().create_task(client.close(), name="close a GitHub client")
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)

    async def _make_github(self, credential: Credential) -> GitHubApi:
        where = await self.where()

        def imported() -> Callable[[], GitHubApi]:
            from refactor_console.adapters.github import GitHub  # noqa: PLC0415 - a tenth of a second
            from refactor_console.adapters.github_cache import AnswerCache  # noqa: PLC0415

            if self._cache is None:
                self._cache = AnswerCache()
            cache = self._cache
            return lambda: GitHub(
                where.api_url,
                credential,
                read_only=self.read_only,
                clock=self._clock,
                web_url=where.web_url,
                cache=cache,
            )

        return (await asyncio.to_thread(imported))()

    async def _make_registry(self, credential: Credential | None) -> RegistryApi:
        where = await self.where()
        pair = ("token", credential.token) if credential is not None and takes_token(where) else None

        def imported() -> Callable[[], RegistryApi]:
            from refactor_console.adapters.registry import Registry  # noqa: PLC0415 - a tenth of a second

            return lambda: Registry(where.registry_url, pair)

        return (await asyncio.to_thread(imported))()


def takes_token(where: Endpoints) -> bool:
    """Whether the registry is GitHub's own, and may see GitHub's token: any other one gets none.

    ``ghcr.io`` belongs to github.com, ``containers.HOST`` to a GitHub Enterprise Server or a tenant of ghe.com, and a
    demo world's both are on loopback.
    """
    api, web, registry = (urlsplit(url).hostname or "" for url in (where.api_url, where.web_url, where.registry_url))
    if registry == "ghcr.io":
        return api == "api.github.com"
    if registry in ("127.0.0.1", "::1"):
        return api == registry
    return bool(web) and registry == f"containers.{web}"
