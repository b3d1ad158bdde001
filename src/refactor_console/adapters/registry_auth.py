"""Tokens of a registry: what it challenges with (RFC 9110, section 11), and the token server it names.

The distribution protocol lets the registry say where to fetch a token, and with which scope. A registry that is not
what it seems could say anything, so:

- the credential goes to a realm of the registry's own site only, over https (or within this machine);
- a token is asked for nothing but reading, and for no other repository than the one that is read;
- it is sent to the registry alone, and kept in memory only.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address

import httpx

from refactor_console.adapters import registry_errors as errors
from refactor_console.domain.account import Secret
from refactor_console.domain.problem import Problem

_TOKENS_KEPT = 256
_MOST_HEADER = 8_192
_SHORTEST = 60.0
"""Seconds a token is good for where the server does not say (distribution specification, token authentication)."""
_LONGEST = 86_400.0
_MARGIN = 0.85
"""A token is used for so much of its lifetime."""
_PARAMETER = re.compile(r"([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[ \t]*=[ \t]*(?:\"((?:[^\"\\]|\\.)*)\"|([^\s,\"=][^\s,\"]*))")
_SCHEME = re.compile(r"([!#$%&'*+\-.^_`|~0-9A-Za-z]+)(?=[ \t,]|$)")
_TOKEN68 = re.compile(r"[ \t]+[A-Za-z0-9\-._~+/]+=*[ \t]*(?=,|$)")
_BETWEEN = re.compile(r"[ \t,]*")
_PRINTABLE = re.compile(r"[\x21-\x7e]{1,16384}")
_READING = frozenset({"pull", "metadata_read"})
_SECOND_LEVEL = frozenset({"ac", "co", "com", "edu", "go", "gob", "gov", "gv", "ne", "net", "or", "org"})
"""Names under which countries register others: two hosts below ``co.uk`` have nothing in common."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """One challenge of ``WWW-Authenticate``."""

    scheme: str
    """In lower case."""
    parameters: Mapping[str, str]
    """Names in lower case."""


def challenges(header: str) -> list[Challenge]:
    """The challenges of a header, as far as it can be read."""
    found: list[tuple[str, dict[str, str]]] = []
    text = header[:_MOST_HEADER]
    at = 0
    while True:
        at = _BETWEEN.match(text, at).end()  # type: ignore[union-attr]  # it matches nothing at all, too
        if found and (parameter := _PARAMETER.match(text, at)):
            quoted = parameter[2]
            value = parameter[3] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            found[-1][1].setdefault(parameter[1].lower(), value)
            at = parameter.end()
        elif scheme := _SCHEME.match(text, at):
            found.append((scheme[1].lower(), {}))
            at = scheme.end()
            if blob := _TOKEN68.match(text, at):
                at = blob.end()
        else:
            return [Challenge(name, parameters) for name, parameters in found]


@dataclass(frozen=True, slots=True)
class _Token:
    header: Secret
    until: datetime


Fetch = Callable[[httpx.URL, Mapping[str, str], str], Awaitable[tuple[int, bytes, str]]]
"""GET a URL with headers, about something: the status, the body, and the server's words where it refused."""


class Authority:
    """Finds the ``Authorization`` for one repository after the other. Belongs to one event loop."""

    def __init__(
        self,
        base: httpx.URL,
        where: str,
        credential: tuple[str, Secret] | None,
        clock: Callable[[], datetime],
        fetch: Fetch,
        realm_hosts: frozenset[str],
    ) -> None:
        self._base = base
        self._where = where
        self._credential = credential
        self._clock = clock
        self._fetch = fetch
        self._realm_hosts = realm_hosts
        self._kept: OrderedDict[str, _Token] = OrderedDict()
        self._known: Challenge | None = None
        self._locks: dict[str, asyncio.Lock] = {}
        self.refusal: Problem | None = None
        """Why the credential was not taken, where the registry still told what it tells everybody."""

    @property
    def signed(self) -> bool:
        """Whether there is a credential."""
        return self._credential is not None

    async def header(self, path: str) -> Secret | None:
        """What to send for a repository; None while the registry has not asked for anything.

        Raises:
            RegistryError: the token server did not give a token.
        """
        if self._known is None:
            return None
        async with self._lock(path):
            kept = self._kept.get(path)
            if kept is not None and kept.until > self._clock():
                self._kept.move_to_end(path)
                return kept.header
            return await self._obtain(path, self._known)

    async def answer(self, path: str, header: str, used: Secret | None) -> Secret | None:
        """Answer a 401; None when it asks for what cannot be given.

        Args:
            path: the repository.
            header: ``WWW-Authenticate``.
            used: what was sent with the request that was refused.

        Raises:
            RegistryError: the token server did not give a token.
        """
        async with self._lock(path):
            kept = self._kept.get(path)
            if kept is not None and kept.header is not used and kept.until > self._clock():
                return kept.header  # somebody else was faster
            self._kept.pop(path, None)
            offered = {challenge.scheme: challenge for challenge in reversed(challenges(header))}
            chosen = offered.get("bearer") or offered.get("basic")
            if chosen is None or (chosen.scheme == "basic" and (self._credential is None or used is not None)):
                return None
            self._known = Challenge(chosen.scheme, {k: v for k, v in chosen.parameters.items() if k != "scope"})
            return await self._obtain(path, chosen)

    def _lock(self, path: str) -> asyncio.Lock:
        if len(self._locks) > _TOKENS_KEPT:
            self._locks = {name: lock for name, lock in self._locks.items() if lock.locked()}
        return self._locks.setdefault(path, asyncio.Lock())

    async def _obtain(self, path: str, challenge: Challenge) -> Secret | None:
        if challenge.scheme == "basic":
            if self._credential is None:
                return None
            token = _Token(_basic(self._credential), self._clock() + timedelta(seconds=_LONGEST))
        else:
            token = await self._bearer(path, challenge.parameters)
        self._kept[path] = token
        while len(self._kept) > _TOKENS_KEPT:
            self._kept.popitem(last=False)
        return token.header

    async def _bearer(self, path: str, parameters: Mapping[str, str]) -> _Token:
        realm = self._trusted(parameters.get("realm", ""))
        query = {"scope": _scope(path, parameters.get("scope", ""))}
        if "service" in parameters:
            query["service"] = parameters["service"]
        url = realm.copy_merge_params(query)
        what = f"a token for {path}"
        asked_at = self._clock()
        headers = {} if self._credential is None else {"Authorization": _basic(self._credential).reveal()}
        status, body, words = await self._fetch(url, headers, what)
        if status in (401, 403) and headers:
            # What is public is told to those without a token, but not always to those with a wrong one.
            refused = _refusal(status, path, self._where, True, words)
            status, body, _ = await self._fetch(url, {}, what)
            if status in (401, 403):
                raise refused
            self.refusal = refused.problem
        elif status == 200 and headers:
            self.refusal = None
        if status in (401, 403):
            raise _refusal(status, path, self._where, False, words)
        if status != 200:
            raise errors.bad_answer(what, self._where, f"HTTP {status}: {words}")
        text, lifetime = _parsed(body)
        if text is None:
            # Never the body itself: there may be a token in it.
            raise errors.bad_answer(what, self._where, f"{len(body)} bytes without a token")
        return _Token(Secret(f"Bearer {text}"), asked_at + timedelta(seconds=lifetime * _MARGIN))

    def _trusted(self, text: str) -> httpx.URL:
        """The realm as a URL.

        Raises:
            RegistryBadAnswer: it is none, or not to be trusted.
        """
        try:
            realm = httpx.URL(text)
        except httpx.InvalidURL as error:
            raise errors.realm_refused(self._where, "", "its address is none") from error
        shown = realm.host or "nowhere"
        if realm.userinfo or not realm.host:
            raise errors.realm_refused(self._where, shown, "its address is not one of a token server")
        inside = loopback(realm.host) and loopback(self._base.host)
        if realm.scheme != "https" and not (realm.scheme == "http" and inside):
            raise errors.realm_refused(self._where, shown, "the credential would travel unencrypted")
        if not (inside or realm.host in self._realm_hosts or same_site(self._base.host, realm.host)):
            raise errors.realm_refused(self._where, shown, "it is not of the registry's own site")
        return realm


def same_site(one: str, other: str) -> bool:
    """Whether two hosts belong together, as far as their names tell: the same, or below one registered name."""
    if one == other:
        return True
    if _is_address(one) or _is_address(other):
        return False
    labels = [host.lower().rstrip(".").split(".")[-3:] for host in (one, other)]
    short = 2
    if any(len(parts) < 2 for parts in labels):
        return False
    if len(labels[0][-1]) == 2 and labels[0][-2] in _SECOND_LEVEL:
        short = 3
    return all(len(parts) >= short for parts in labels) and labels[0][-short:] == labels[1][-short:]


def loopback(host: str) -> bool:
    """Whether a host is this machine itself."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False  # a name


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _scope(path: str, offered: str) -> str:
    """The scope to ask for: the registry's own wording where it is about reading this repository, else the usual."""
    kind, _, rest = offered.partition(":")
    name, _, actions = rest.rpartition(":")
    if kind == "repository" and name == path and actions and set(actions.split(",")) <= _READING:
        return offered
    return f"repository:{path}:pull"


def _basic(credential: tuple[str, Secret]) -> Secret:
    name, secret = credential
    pair = f"{name}:{secret.reveal()}".encode()
    return Secret(f"Basic {base64.b64encode(pair).decode()}")


def _refusal(status: int, path: str, where: str, signed: bool, words: str) -> errors.RegistryRefused:
    make = errors.unauthorised if status == 401 else errors.denied
    return make(path, where, signed=signed, words=words)


def _parsed(body: bytes) -> tuple[str | None, float]:
    """The token and its lifetime in seconds; None for what is no such answer."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return None, 0.0
    if not isinstance(said, dict):
        return None, 0.0
    token = said.get("token") or said.get("access_token")
    if not isinstance(token, str) or not _PRINTABLE.fullmatch(token):
        return None, 0.0
    lifetime = said.get("expires_in")
    if isinstance(lifetime, bool) or not isinstance(lifetime, (int, float)) or not lifetime > 0:
        lifetime = _SHORTEST
    return token, min(float(lifetime), _LONGEST)
