"""What the logs pane asks at its bottom line, and what it does with the answers: filter, search, time, file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from textual.timer import Timer

from refactor_console.domain.logfilter import Parsed, Term, parse
from refactor_console.domain.logtime import ACCEPTED, parse_moment, to_ns
from refactor_console.domain.problem import ConsoleError
from refactor_console.domain.text import visible
from refactor_console.services import log_export

if TYPE_CHECKING:
    from refactor_console.screens.log_reading import LogReading

TYPING_SECONDS = 0.15
"""How long a pause in typing has to be before a filter is tried."""
_FILTER_HINT = "text, /regex/, !without, a && b · Capitals count once typed · Enter keeps, Esc undoes"
_FIND_HINT = "text or /regex/ · Enter goes there, then n and N · Esc undoes"


class LogQuestions:
    """The questions of one screen that shows a log."""

    def __init__(self, screen: LogReading) -> None:
        self.screen = screen
        self._typing: Timer | None = None
        self._was_typed = ""
        self._was_wanted: tuple[Term, ...] = ()
        self._may_replace = ""

    def ask_filter(self) -> None:
        """Ask for words to filter by."""
        self._was_typed = self.screen.view.lens.filter.typed
        self.screen.prompt.ask("filter", "filter", self._was_typed, _FILTER_HINT)

    def ask_find(self) -> None:
        """Ask for words to find."""
        self._was_wanted = self.screen.view.lens.wanted
        self.screen.prompt.ask("find", "find", " && ".join(str(term) for term in self._was_wanted), _FIND_HINT)

    def ask_time(self) -> None:
        """Ask for a time."""
        self.screen.prompt.ask(
            "time", f"go to time ({self.screen.view.zone.called(self.screen.clock())})", "", ACCEPTED
        )

    def ask_save(self) -> None:
        """Ask for a file."""
        self._may_replace = ""
        name = log_export.default_name(self.screen.session.environment.name, self.screen.clock())
        self.screen.prompt.ask("save", "save to", name, self._save_hint())

    def _save_hint(self) -> str:
        index = self.screen.view.lens.index
        which = "all lines held" if index.filter.passes_all else "what passes the filter"
        return f"{index.lines:,} lines ({which}), with times in UTC · a name in .jsonl gives JSON lines"

    def typed(self, kind: str, value: str) -> None:
        """Show at once what an answer would do."""
        match kind:
            case "filter" | "find":
                parsed = parse(value)
                if parsed.problem:
                    self.screen.prompt.hint(parsed.problem, wrong=True)
                else:
                    self.screen.prompt.hint(_FILTER_HINT if kind == "filter" else _FIND_HINT)
                self._later(lambda: self._try(kind, value, parsed))
            case "time":
                moment = parse_moment(value, self.screen.clock(), self.screen.view.zone)
                shown = (
                    ""
                    if moment.at is None
                    else f"{moment.at.astimezone(self.screen.view.zone.tz):%A %Y-%m-%d %H:%M:%S %Z}"
                )
                self.screen.prompt.hint(shown or ACCEPTED)
            case _:
                self._may_replace = ""
                self.screen.prompt.hint(self._save_hint())

    def _later(self, job: Callable[[], None]) -> None:
        if self._typing is not None:
            self._typing.stop()
        self._typing = self.screen.set_timer(TYPING_SECONDS, job)

    def _try(self, kind: str, typed: str, parsed: Parsed) -> None:
        """Apply what is being typed, unless it makes no sense yet."""
        if self._typing is not None:
            self._typing.stop()
            self._typing = None
        if parsed.problem:
            return
        if kind == "find":
            self.screen.view.search(tuple(term for term in parsed.terms if not term.exclude))
        else:
            self.screen.view.choose(replace(self.screen.view.lens.filter, terms=parsed.terms, typed=typed))
        self.screen.show_status()

    def cancelled(self, kind: str) -> None:
        """As if nothing had been asked."""
        if kind == "filter":
            self._try("filter", self._was_typed, parse(self._was_typed))
        elif kind == "find":
            self._try("find", "", Parsed(self._was_wanted))
        self._close_prompt()

    def _close_prompt(self) -> None:
        if self._typing is not None:
            self._typing.stop()
            self._typing = None
        self.screen.prompt.done()
        self.screen.question_closed()

    def answered(self, kind: str, value: str) -> None:
        """The person means it."""
        match kind:
            case "filter" | "find":
                self._answer_words(kind, value)
            case "time":
                self._answer_time(value)
            case _:
                self._answer_save(value)

    def _answer_words(self, kind: str, typed: str) -> None:
        parsed = parse(typed)
        if parsed.problem:
            self.screen.prompt.hint(parsed.problem, wrong=True)
            return
        if kind == "find" and any(term.exclude for term in parsed.terms):
            self.screen.prompt.hint(
                "A search looks for words that are there; the filter (/) can leave lines out.", wrong=True
            )
            return
        self._try(kind, typed, parsed)
        self._close_prompt()
        if kind == "find" and parsed.terms:
            self.screen.run_worker(self._first_hit(), group="log-find", exclusive=True, exit_on_error=False)

    async def _first_hit(self) -> None:
        """Go to the hit nearest to where the reader is, as soon as one is known."""
        view = self.screen.view
        while view.lens.hits is not None and not view.lens.hits.lines and not view.lens.complete:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        view.next_hit(-1)

    def _answer_time(self, typed: str) -> None:
        moment = parse_moment(typed, self.screen.clock(), self.screen.view.zone)
        if moment.at is None:
            self.screen.prompt.hint(moment.problem, wrong=True)
            return
        self._close_prompt()
        self.screen.view.go_to_time(to_ns(moment.at))

    def _answer_save(self, typed: str) -> None:
        name = typed.strip()
        if not name:
            self.screen.prompt.hint("Name a file.", wrong=True)
            return
        path = Path(name).expanduser()
        replacing = self._may_replace == name
        self.screen.run_worker(self._save(name, path, replacing), group="log-save", exclusive=True, exit_on_error=False)

    async def _save(self, name: str, path: Path, replacing: bool) -> None:
        """Write the file in a thread; what goes wrong is said where the name was typed."""
        await self.screen.view.scanned()
        labels = {key: self.screen.book.label(key) for key in self.screen.book.store.tallies}
        snapshot = log_export.take(
            self.screen.view.lens.index, labels, self.screen.session.environment.name, self.screen.clock()
        )
        try:
            count = await asyncio.to_thread(log_export.write, snapshot, path, replace=replacing)
        except ConsoleError as error:
            problem = error.problem
            self._may_replace = name if problem.code == "exists" else ""
            if self.screen.prompt.kind == "save":
                self.screen.prompt.hint(f"{problem.summary} {problem.remedy}", wrong=True)
            else:
                self.screen.app.say(problem.summary, severity="error", title="Saving the log")
            return
        if self.screen.prompt.kind == "save":
            self._close_prompt()
        lacks = f" It lacks {snapshot.lacks}" if snapshot.lacks else ""
        only = f" Only: {snapshot.filter}." if snapshot.filter else ""
        self.screen.app.say(f"{count:,} lines were saved to {visible(str(path))}.{only}{lacks}", title="Saving the log")
