"""Reading one log view with a status line and a question below it: the keys of the logs pane and of a job's log."""

from __future__ import annotations

from dataclasses import replace
from time import monotonic

from textual import getters, on
from textual.screen import Screen
from textual.timer import Timer

from refactor_console.domain.logs import Level
from refactor_console.domain.text import visible
from refactor_console.screens.log_questions import LogQuestions
from refactor_console.screens.shell import Shell
from refactor_console.services import log_export
from refactor_console.services.feed import Clock
from refactor_console.services.log_book import LogBook
from refactor_console.services.session import ConsoleSession
from refactor_console.widgets.log_prompt import LogPrompt
from refactor_console.widgets.log_status import LogStatus, Part, describe
from refactor_console.widgets.log_view import LogView

LEVELS = (Level.UNKNOWN, Level.INFO, Level.WARNING, Level.ERROR)
"""What `l` goes through."""
STATUS_SECONDS = 0.25
"""How often the status line is brought up to date while following, at most."""
COPY_LINES = 10_000


class LogReading(Screen[None]):
    """A screen with ``#log``, ``#log-status`` and ``#log-prompt``."""

    app = getters.app(Shell)
    session: ConsoleSession
    clock: Clock
    book: LogBook
    view = getters.query_one("#log", LogView)
    status = getters.query_one("#log-status", LogStatus)
    prompt = getters.query_one("#log-prompt", LogPrompt)

    def begin_reading(self) -> None:
        """For the subclass's constructor."""
        self._status_timer: Timer | None = None
        self._status_shown = 0.0
        self._was_following = True
        self.questions = LogQuestions(self)

    # -- status

    @on(LogView.Changed)
    def _view_changed(self, event: LogView.Changed) -> None:
        event.stop()
        wait = self._status_shown + STATUS_SECONDS - monotonic()
        if wait <= 0 or not (event.view.following and self._was_following):
            self.show_status()  # in the same frame as the lines that it counts
        elif self._status_timer is None:
            self._status_timer = self.set_timer(wait, self.show_status)

    def show_status(self) -> None:
        """Bring the status line up to date."""
        if self._status_timer is not None:
            self._status_timer.stop()
            self._status_timer = None
        self._was_following = self.view.following
        self._status_shown = monotonic()
        self.status.show(self.status_parts())

    def status_parts(self) -> list[Part]:
        """What the status line says."""
        return describe(self.view, self.clock())

    # -- keys

    def action_pause(self) -> None:
        """Stand still, or follow again."""
        if self.view.following:
            self.view.pause()
        else:
            self.view.resume()

    def action_hit(self, step: int) -> None:
        """From hit to hit."""
        if self.view.lens.hits is None:
            self.questions.ask_find()
        else:
            self.view.next_hit(step)

    def action_error(self, step: int) -> None:
        """From error to error."""
        self.view.next_error(step)

    def action_level(self) -> None:
        """The next least level."""
        wanted = self.view.lens.filter
        at = LEVELS.index(wanted.level) if wanted.level in LEVELS else 0
        self.view.choose(replace(wanted, level=LEVELS[(at + 1) % len(LEVELS)]))
        self.show_status()

    def action_wrap(self) -> None:
        """Wrap or cut."""
        self.view.wrap = not self.view.wrap

    def action_zone(self) -> None:
        """The other zone."""
        self.view.zone = self.view.zone.next
        self.show_status()

    def action_copy(self) -> None:
        """Copy the selected text, or the selected lines."""
        text = self.get_selected_text()
        if text:
            self.app.copy_to_clipboard(text)
            self.app.say("The selected text was copied.")
            return
        entries = self.view.selected(COPY_LINES)
        if not entries:
            self.app.say("There is no line to copy.", severity="warning")
            return
        lines = [log_export.text_line(entry, visible(self.book.label(entry.source))) for entry in entries]
        self.app.copy_to_clipboard("\n".join(lines))
        cut = f" (no more than {COPY_LINES:,} at a time: S saves all)" if len(lines) == COPY_LINES else ""
        self.app.say(f"{len(lines):,} {'line was' if len(lines) == 1 else 'lines were'} copied{cut}.")

    def action_back(self) -> None:
        """Take back one thing: the selection, the search, the filter."""
        view = self.view
        if self.get_selected_text():
            self.clear_selection()
        elif view.tail.range_start is not None:
            view.tail.range_start = None
            view.restyle()
        elif view.lens.hits is not None:
            view.search(())
        elif view.lens.filter.terms:
            view.choose(replace(view.lens.filter, terms=(), typed=""))
        elif view.lens.filter.level:
            view.choose(replace(view.lens.filter, level=Level.UNKNOWN))
        self.show_status()

    # -- questions

    def action_filter(self) -> None:
        """Ask for words to filter by."""
        self.questions.ask_filter()

    def action_find(self) -> None:
        """Ask for words to find."""
        self.questions.ask_find()

    def action_time(self) -> None:
        """Ask for a time."""
        self.questions.ask_time()

    def action_save(self) -> None:
        """Ask for a file."""
        self.questions.ask_save()

    @on(LogPrompt.Typed)
    def _typed(self, event: LogPrompt.Typed) -> None:
        event.stop()
        self.questions.typed(event.kind, event.value)

    @on(LogPrompt.Answered)
    def _answered(self, event: LogPrompt.Answered) -> None:
        event.stop()
        self.questions.answered(event.kind, event.value)

    @on(LogPrompt.Cancelled)
    def _cancelled(self, event: LogPrompt.Cancelled) -> None:
        event.stop()
        self.questions.cancelled(event.kind)

    def question_closed(self) -> None:
        """The keyboard goes back to the lines."""
        self.view.focus()
        self.show_status()
