"""What the runs pane says of runs: pure functions from domain values to rows, lines and facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from textual.content import Content

from refactor_console.domain.operations import Operation
from refactor_console.domain.repos import Platform, Repository, Role
from refactor_console.domain.run_rules import past
from refactor_console.domain.runfilter import RunFilter, RunWords, words_of
from refactor_console.domain.runs import PACE_RUNS, Pace, RunBoard, RunDetails, RunState, WorkflowRun, pace_of
from refactor_console.domain.text import visible
from refactor_console.widgets import present
from refactor_console.widgets.facts import Fact
from refactor_console.widgets.lazy_row import LazyRow
from refactor_console.widgets.table import Column, TableRow

COLUMNS = (
    Column("state", "State", 9, grow=3, limit=11),
    Column("workflow", "Workflow", 11, grow=2, limit=44),
    Column("repo", "Repo", 8, grow=1, limit=10),
    Column("branch", "Branch", 8, grow=2, limit=28),
    Column("title", "Title", 16, grow=3, limit=72, rank=5),
    Column("event", "Event", 8, grow=1, limit=17, rank=4),
    Column("actor", "Actor", 6, grow=1, limit=14, rank=3),
    Column("number", "Run", 6, grow=1, limit=7, right=True),
    Column("age", "Age", 4, right=True),
    Column("duration", "Took", 7, right=True),
    Column("usual", "Usually", 8, grow=1, limit=12),
)
_LOOKS: Mapping[RunState, tuple[str, str]] = {
    RunState.QUEUED: ("◌", "$muted"),
    RunState.WAITING: ("▲", "bold $warn"),
    RunState.RUNNING: ("◐", "$working"),
    RunState.SUCCESS: ("✓", "$ok"),
    RunState.FAILURE: ("✗", "bold $fail"),
    RunState.TIMED_OUT: ("✗", "bold $fail"),
    RunState.CANCELLED: ("⊘", "$muted"),
    RunState.SKIPPED: ("–", "$muted"),
    RunState.NEUTRAL: ("–", "$muted"),
    RunState.ACTION_REQUIRED: ("▲", "bold $warn"),
    RunState.STALE: ("–", "$muted"),
    RunState.UNKNOWN: ("?", "$warn"),
}
_LIKE_USUAL = 0.15
"""The share of the usual duration by which one may differ and is still called usual."""
_TWICE = 2.0


def state_text(state: RunState, raw: str = "") -> Content:
    """A shape and a word; GitHub's own words where this console has none."""
    glyph, style = _LOOKS[state]
    words = raw if state is RunState.UNKNOWN and raw else state.value
    return Content.assemble((f"{glyph} {visible(words)}", style))


def glyph_text(state: RunState) -> Content:
    """The shape alone, where the word stands elsewhere."""
    glyph, style = _LOOKS[state]
    return Content.assemble((glyph, style))


def took(length: timedelta) -> str:
    """A duration to the second: ``48s``, ``8m 32s``, ``1h 02m``, ``2d 3h``."""
    seconds = max(int(length.total_seconds()), 0)
    if seconds < 60:
        return f"{seconds}s"
    if seconds < 3600:
        return f"{seconds // 60}m {seconds % 60:02}s"
    if seconds < 86_400:
        return f"{seconds // 3600}h {seconds % 3600 // 60:02}m"
    days = seconds // 86_400
    return f"{days}d {seconds % 86_400 // 3600}h" if days < 10 else f"{days}d"


def short_age(length: timedelta) -> str:
    """An age in at most four characters: ``now``, ``41m``, ``26h``, ``20d``."""
    minutes = max(int(length.total_seconds()), 0) // 60
    if minutes < 1:
        return "now"
    if minutes < 100:
        return f"{minutes}m"
    return f"{minutes // 60}h" if minutes < 48 * 60 else f"{minutes // 1440}d"


def repo_name(platform: Platform, repository: Repository) -> str:
    """``backend``, ``frontend``, or another repository's own name."""
    role = platform.role_of(repository)
    return repository.name if role is Role.OTHER else role.value


def number_text(run: WorkflowRun) -> str:
    """``#407`` or, for a later attempt, ``#407.2``."""
    return f"#{run.number}" + (f".{run.attempt}" if run.attempt > 1 else "")


def run_name(run: WorkflowRun) -> str:
    """A run as people name it; holds outside text."""
    return f"{run.workflow} {number_text(run)}"


def usual_text(run: WorkflowRun, pace: Pace | None, now: datetime) -> Content:
    """How a run's duration compares with the workflow's last successful ones, in a few characters."""
    length = run.duration(now)
    if pace is None or pace.median <= timedelta(0):
        return present.NOTHING
    if length is None or pace.rests_on_few or run.state in (RunState.QUEUED, RunState.WAITING):
        return present.muted(f"~{_about(pace.median)}")
    ratio = length / pace.median
    if run.state is RunState.RUNNING and ratio <= 1 + _LIKE_USUAL:
        return present.muted(f"{min(ratio, 1):.0%} ~{_about(pace.median)}")
    if run.state in (RunState.RUNNING, RunState.SUCCESS, RunState.FAILURE, RunState.TIMED_OUT):
        return _compared(length, ratio, pace)
    return present.NOTHING  # how long it took to be cancelled or skipped says nothing


def _compared(length: timedelta, ratio: float, pace: Pace) -> Content:
    if ratio >= _TWICE or (length > pace.longest and ratio > 1 + _LIKE_USUAL):
        return Content.assemble((f"▲ {_difference(ratio)}", "$warn"))
    return present.muted(_difference(ratio))


def _difference(ratio: float) -> str:
    if ratio >= _TWICE:
        return f"{ratio:.1f}×" if ratio < 100 else ">100×"
    if abs(ratio - 1) <= _LIKE_USUAL:
        return "as usual"
    return f"{'+' if ratio > 1 else '−'}{abs(ratio - 1):.0%}"


def _about(length: timedelta) -> str:
    seconds = length.total_seconds()
    return f"{seconds:.0f}s" if seconds < 90 else f"{seconds / 60:.0f}m" if seconds < 6000 else f"{seconds / 3600:.0f}h"


def pace_sentence(run: WorkflowRun, pace: Pace | None, now: datetime) -> Content:
    """The comparison in words, with what it was compared with."""
    length = run.duration(now)
    if length is None:
        return present.muted("not begun")
    if pace is None:
        return Content.assemble(took(length), ("  no earlier run of this workflow succeeded to compare with", "$muted"))
    many = f"last {pace.runs} successes" if pace.runs > 1 else "the one success before"
    span = f" ({took(pace.shortest)} to {took(pace.longest)})" if pace.runs > 1 else ""
    mine = [took(length), "  "] if run.state is not RunState.WAITING else []
    told = (f"  {many}: {took(pace.median)}{span}", "$muted")
    return Content.assemble(*mine, usual_text(run, pace, now), told)


# -- rows


@dataclass(slots=True)
class RunIndex:
    """A board made ready for many questions: what each run is found by, and the runs of each workflow."""

    platform: Platform
    board: RunBoard = field(default_factory=lambda: RunBoard((), ()))
    by_key: dict[str, WorkflowRun] = field(default_factory=dict)
    words: list[RunWords] = field(default_factory=list)
    _known: dict[str, tuple[WorkflowRun, RunWords]] = field(default_factory=dict)
    _families: dict[tuple[Repository, int], list[WorkflowRun]] = field(default_factory=dict)
    _places: dict[str, int] = field(default_factory=dict)
    _stamps: dict[tuple[Repository, int], tuple[int, int]] = field(default_factory=dict)

    def take(self, board: RunBoard) -> None:
        """Take in a newer board; what is known of unchanged runs is kept."""
        self.board = board
        known: dict[str, tuple[WorkflowRun, RunWords]] = {}
        self._families, self._places, self._stamps = {}, {}, {}
        for run in board.runs:
            entry = self._known.get(run.key)
            known[run.key] = entry if entry is not None and entry[0] == run else (run, words_of(run, self.platform))
            family = self._families.setdefault((run.repository, run.workflow_id), [])
            self._places[run.key] = len(family)
            family.append(run)
        self._known = known
        self.by_key = {key: run for key, (run, _) in known.items()}
        self.words = [words for _, words in known.values()]
        for name, family in self._families.items():
            good = [run.id for run in family if run.state is RunState.SUCCESS]
            self._stamps[name] = (len(good), good[0] if good else 0)

    def pace(self, run: WorkflowRun) -> Pace | None:
        """How long the last runs of its workflow took."""
        family = self._families.get((run.repository, run.workflow_id), [])
        return pace_of(tuple(family[self._places.get(run.key, -1) + 1 :]), run, limit=PACE_RUNS)

    def stamp(self, run: WorkflowRun) -> tuple[int, int]:
        """Changes whenever `pace` may."""
        return self._stamps.get((run.repository, run.workflow_id), (0, 0))

    def rows(self, wanted: RunFilter, now: datetime) -> list[TableRow]:
        """The rows that pass; cells are made when they are looked at."""
        minute = int(now.timestamp() // 60)
        held = zip(self.by_key.values(), self.words, strict=True)
        return [self.row(run, now, minute) for run, words in held if wanted.passes(words)]

    def row(self, run: WorkflowRun, now: datetime, minute: int) -> TableRow:
        """One row; that of a run that is not over changes each second."""
        second = 0 if run.state.is_over else int(now.timestamp())
        return LazyRow(run.key, (run, self.stamp(run), minute, second), partial(self._cells, run, now))

    def _cells(self, run: WorkflowRun, now: datetime) -> dict[str, Content]:
        length = None if run.state is RunState.WAITING else run.duration(now)
        return {
            "state": state_text(run.state, run.raw_state),
            "workflow": present.plain(run.workflow),
            "repo": present.muted(repo_name(self.platform, run.repository)),
            "branch": present.plain(run.branch) if run.branch else present.NOTHING,
            "title": present.plain(run.title),
            "event": present.muted(event_word(run.event)),
            "actor": present.plain(run.actor),
            "number": Content(number_text(run)),
            "age": present.muted(short_age(now - run.created_at)),
            "duration": present.NOTHING if length is None else Content(took(length)),
            "usual": usual_text(run, self.pace(run), now),
        }


def event_word(event: str) -> str:
    """GitHub's name of an event, shorter where everybody knows the short one; outside text."""
    return {"workflow_dispatch": "dispatch", "pull_request": "PR", "pull_request_target": "PR target"}.get(event, event)


# -- lines around the table


def heading(index: RunIndex, shown: int, typed: str) -> str:
    """The pane's title with its counts; never unfiltered without saying how many."""
    board, total = index.board, len(index.by_key)
    if typed:  # short: the feed's state beside it must stay in sight
        what = visible(typed)
        return f"Runs · {shown:,} of {total:,} runs like '{what if len(what) <= 24 else what[:23] + '…'}'"
    live = sum(not run.state.is_over for run in board.runs)
    words = [f"{total:,} runs", *([f"{live} under way"] if live else [])]
    words += [] if board.complete else ["older ones: m"]
    return " · ".join(["Runs", *words])


def why_empty(index: RunIndex, wanted: RunFilter, typed: str) -> Content:
    """Why there is no row, and what to do."""
    if wanted.problem:
        return Content.assemble((visible(wanted.problem), "$warn"))
    if typed:
        more = "" if index.board.complete else " m loads older ones."
        return present.muted(f"No run is like '{typed}'. Esc clears.{more}")
    return present.muted("No workflow has run yet; d dispatches one.")


def problem_lines(index: RunIndex) -> Content | None:
    """One line for each repository that could not be asked, with its remedy."""
    lines = [
        Content.assemble(
            (f"▲ {visible(repo_name(index.platform, repository))}: {visible(problem.summary)}", "$warn"),
            (f"  {visible(problem.remedy)}  w: details", "$muted"),
        )
        for repository, problem in index.board.problems
    ]
    return present.lines(lines) if lines else None


def read_only_sentence(operation: Operation) -> str:
    """What is said instead of a preview where nothing may be changed."""
    return f"Read-only mode: nothing can be {past(operation)}. Start the console without it if you mean it."


# -- the selected run


def run_facts(index: RunIndex, run: WorkflowRun, details: RunDetails | None, now: datetime) -> list[Fact]:
    """What is said above the jobs of a run, the most wanted first."""
    run = details.run if details is not None and details.run.updated_at >= run.updated_at else run
    state = Content.assemble(state_text(run.state, run.raw_state), "  ", pace_sentence(run, index.pace(run), now))
    facts: list[Fact] = [("State", state)]
    if details is not None and details.pending:
        facts.append(("Waits for", pending_text(details)))
    what = Content.assemble(visible(run.title), (f"  {visible(run.sha[:7])}", "$muted"))
    pulls = "".join(f"  #{number}" for number in run.pull_requests)
    where = f"{run.branch or 'no branch'}  {event_word(run.event)} by {run.actor}{pulls}"
    began = run.started_at or run.created_at
    facts += [
        ("Title", what),
        ("From", present.plain(where)),
        ("Began", Content(f"{present.utc_time(began)}, {present.calm_span(now - began)} ago")),
    ]
    return facts


def pending_text(details: RunDetails) -> Content:
    """Which environments a run waits for, and who may let it go on."""
    parts = []
    for entry in details.pending:
        who = "you may approve it: A" if entry.may_approve else f"{', '.join(entry.reviewers) or 'its reviewers'} may"
        timer = f", wait timer {entry.wait_minutes} min" if entry.wait_minutes else ""
        parts.append(
            Content.assemble((f"▲ {visible(entry.name)}", "bold $warn"), (f"  {visible(who)}{timer}", "$muted"))
        )
    return Content("   ").join(parts)
