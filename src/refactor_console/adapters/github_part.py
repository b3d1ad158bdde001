"""What every part of the GitHub adapter is made of: reads of one object or of a list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar
from urllib.parse import quote

from refactor_console.adapters import github_payloads as payloads
from refactor_console.adapters.github_answers import Answer, Listing
from refactor_console.adapters.github_http import GitHubHttp
from refactor_console.domain.repos import Repository

T = TypeVar("T")
P = TypeVar("P", bound=payloads.Payload)

MOST_NAMES = 1_000
"""Of short lists that are always read whole: workflows, jobs, secrets, packages."""
_MOST_NOTES = 50


def at(repository: Repository) -> str:
    """The repository's path, quoted."""
    return f"/repos/{part(repository.owner)}/{part(repository.name)}"


def part(text: str) -> str:
    """One segment of a path: a branch name may hold slashes, spaces and emoji."""
    # A segment of nothing but dots would be taken for a step in the path.
    return text.replace(".", "%2E") if text in (".", "..") else quote(text, safe="")


class Part:
    """A group of calls on one client."""

    def __init__(self, http: GitHubHttp) -> None:
        self._http = http
        self._drift: dict[str, str] = {}

    @property
    def drift(self) -> tuple[str, ...]:
        """What the newest lists lack, one sentence each; at most 51."""
        hidden = self._http.partial
        sign_on = (
            f"GitHub leaves out what belongs to organisations that want this token authorised for single sign-on "
            f"({hidden}).",
        )
        return (*self._drift.values(), *(sign_on if hidden else ()))

    async def _one(self, model: type[P], path: str, what: str) -> P:
        page = await self._http.read(path, what, lambda answer: payloads.one(model, answer.json(), what))
        return page.value

    async def _many(
        self,
        model: type[P],
        path: str,
        what: str,
        make: Callable[[P], T | None],
        *,
        key: str = "",
        params: Mapping[str, str | int] | None = None,
        limit: int = MOST_NAMES,
        page_size: int = 100,
        fresh: bool = False,
    ) -> Listing[T]:
        def parse(answer: Answer) -> Listing[T]:
            return payloads.many(model, answer.json(), what, make, key=key)

        found = await self._http.listed(path, what, parse, params=params, limit=limit, page_size=page_size, fresh=fresh)
        return self._noted(what, found)

    def _noted(self, what: str, found: Listing[T]) -> Listing[T]:
        self._drift.pop(what, None)
        if found.skipped:
            self._drift[what] = f"{found.skipped} of {what} could not be read and are left out ({found.reason})."
            while len(self._drift) > _MOST_NOTES:
                self._drift.pop(next(iter(self._drift)))
        return found
