"""The demo platform as its GitHub sees it: made when it is first asked for, so that starting a world costs nothing."""

from __future__ import annotations

from functools import cached_property

from refactor_console.demo.clock import Clock
from refactor_console.demo.github_describe_runs import RunPayloads
from refactor_console.demo.github_history import History
from refactor_console.demo.github_repos import OWNER, DemoRepo, from_story
from refactor_console.demo.github_runbook import RunBook
from refactor_console.demo.github_wire import Asked, not_found


class Platform:
    """Repositories and runs, from the moment at which the world began."""

    def __init__(self, clock: Clock, seed: int, began_ns: int | None = None) -> None:
        self.clock = clock
        self.began_ns = clock.now() if began_ns is None else began_ns
        self.seed = seed

    @cached_property
    def repos(self) -> dict[str, DemoRepo]:
        """By role."""
        return from_story(self.began_ns)

    @cached_property
    def book(self) -> RunBook:
        """All runs, the past written."""
        return self._runs[0]

    @cached_property
    def history(self) -> History:
        """What keeps the runs going."""
        return self._runs[1]

    @cached_property
    def payloads(self) -> RunPayloads:
        """Describes runs."""
        return RunPayloads(self.book)

    @cached_property
    def _runs(self) -> tuple[RunBook, History]:
        book = RunBook(self.clock, self.seed)
        history = History(self.clock, book, self.repos, self.seed, self.began_ns)
        history.write()
        return book, history

    def repo(self, asked: Asked) -> DemoRepo:
        """The repository of a request.

        Raises:
            Refusal: 404, there is none.
        """
        owner, name = asked.arguments["owner"].lower(), asked.arguments["repo"].lower()
        for repo in self.repos.values():
            if (owner, name) == (OWNER, repo.name):
                return repo
        raise not_found()

    def named(self, full_name: str) -> DemoRepo:
        """A repository by role, name or ``owner/name``.

        Raises:
            KeyError: there is none.
        """
        for repo in self.repos.values():
            if full_name in (repo.role, repo.name, repo.full_name):
                return repo
        raise KeyError(full_name)
