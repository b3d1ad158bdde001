"""Answers kept for conditional requests, in memory only.

An answer belongs to the token that got it: the key carries the token's keyed fingerprint, so that no token is ever
served what another one was given. What is kept is the parsed value, so a 304 costs no parsing.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import sys
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple

from refactor_console.domain.account import Secret

MOST_ENTRIES = 512
MOST_BYTES = 24 * 1024 * 1024

_KEY = os.urandom(32)
"""Fingerprints mean nothing outside this process."""


def fingerprint(token: Secret | None) -> str:
    """What stands for a token where it must not be kept; the same text for the same token within this process."""
    if token is None:
        return "anonymous"
    return hmac.new(_KEY, token.reveal().encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


class Key(NamedTuple):
    """What makes two requests the same one."""

    token: str
    url: str
    accept: str
    what: str
    """How the answer was parsed."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One answer."""

    value: object
    """As the parser made it."""
    etag: str
    last_modified: str
    link: str
    """The ``Link`` header: a 304 may lack it."""
    weight: int

    @property
    def conditions(self) -> dict[str, str]:
        """Headers that turn a request into "only if it changed"."""
        if self.etag:
            return {"If-None-Match": self.etag}
        return {"If-Modified-Since": self.last_modified}


class AnswerCache:
    """The least recently used answers go first: at most so many, and at most so many bytes of values."""

    def __init__(self, entries: int = MOST_ENTRIES, size: int = MOST_BYTES) -> None:
        self._entries = entries
        self._size = size
        self._kept: OrderedDict[Key, Kept] = OrderedDict()
        self.weight = 0
        """Bytes of the values held, roughly (see `weigh`)."""

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Key) -> Kept | None:
        """The answer kept for a request."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def keep(self, key: Key, value: object, headers: Mapping[str, str]) -> None:
        """Keep an answer that can be asked for conditionally; forget an older one in any case."""
        self.forget(key)
        etag, modified = headers.get("etag", ""), headers.get("last-modified", "")
        if not (etag or modified) or "no-store" in headers.get("cache-control", ""):
            return
        weight = weigh(value) + 2 * len(key.url) + 500
        if weight > self._size // 4:
            return
        self._kept[key] = Kept(value, etag, modified, headers.get("link", ""), weight)
        self.weight += weight
        while len(self._kept) > self._entries or self.weight > self._size:
            _, dropped = self._kept.popitem(last=False)
            self.weight -= dropped.weight

    def forget(self, key: Key) -> None:
        """Drop one answer."""
        dropped = self._kept.pop(key, None)
        if dropped is not None:
            self.weight -= dropped.weight


def weigh(value: object) -> int:
    """Roughly the bytes that a parsed value holds; what it shares with others is counted each time."""
    if isinstance(value, (Enum, type(None), bool)):
        return 0
    if isinstance(value, (str, bytes, int, float, datetime, timedelta)):
        return sys.getsizeof(value)
    if isinstance(value, (tuple, list)):
        return sys.getsizeof(value) + sum(weigh(item) for item in value)
    if isinstance(value, dict):
        return sys.getsizeof(value) + sum(weigh(key) + weigh(item) for key, item in value.items())
    if is_dataclass(value) and not isinstance(value, type):
        return sys.getsizeof(value) + sum(weigh(getattr(value, field.name)) for field in fields(value))
    return sys.getsizeof(value)
