"""Which workflow runs a person wants to see: plain words, and words for one field.

The grammar, as typed; all conditions have to hold, and case never counts::

    zoom deploy           runs with both words anywhere
    state:failed          runs in that state (`STATES` has the names)
    branch:main actor:ada workflow:deploy event:push repo:fe
    branch:main,develop   one of several
    !state:success !wip   without
    workflow:"build and"  a value with spaces

A word before a colon that is no field (``feat: zoom``) is plain text, as commit messages have them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from refactor_console.domain.repos import Platform, Role
from refactor_console.domain.runs import RunState, WorkflowRun

FIELDS: Mapping[str, str] = {
    "state": "state",
    "status": "state",
    "is": "state",
    "workflow": "workflow",
    "wf": "workflow",
    "repo": "repo",
    "branch": "branch",
    "tag": "branch",
    "event": "event",
    "actor": "actor",
    "user": "actor",
    "number": "number",
    "sha": "sha",
    "commit": "sha",
    "title": "title",
}
"""What may stand before a colon, and the field it means."""
SYNTAX = "words, or state:failed branch:main actor:ada workflow:deploy event:push repo:fe; ! before leaves out"
"""The grammar in one line, for placeholders and help."""

_LIVE = frozenset({RunState.QUEUED, RunState.WAITING, RunState.RUNNING})
_FAILED = frozenset({RunState.FAILURE, RunState.TIMED_OUT})
_ALIASES: Mapping[str, frozenset[RunState]] = {
    "failed": _FAILED,
    "bad": frozenset(state for state in RunState if state.is_bad),
    "live": _LIVE,
    "active": _LIVE,
    "over": frozenset(RunState) - _LIVE,
    "done": frozenset(RunState) - _LIVE,
    "ok": frozenset({RunState.SUCCESS}),
    "succeeded": frozenset({RunState.SUCCESS}),
    "in progress": frozenset({RunState.RUNNING}),
    "pending": frozenset({RunState.QUEUED, RunState.WAITING}),
    "canceled": frozenset({RunState.CANCELLED}),
}
STATES: tuple[str, ...] = (*(state.value for state in RunState), *_ALIASES)
"""What may be said of a state; a beginning is enough."""
_TERM = re.compile(r'(!?)(?:([a-z]+):)?("([^"]*)"?|\S*)', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition; `field` is empty for a word that may be anywhere."""

    field: str
    wanted: tuple[str, ...]
    """Any of these, in lower case."""
    exclude: bool = False


@dataclass(frozen=True, slots=True)
class RunFilter:
    """What was typed, understood."""

    conditions: tuple[Condition, ...] = ()
    problem: str = ""
    """What makes no sense in it, as one sentence; empty when nothing does."""

    @property
    def passes_all(self) -> bool:
        """Whether nothing is held back."""
        return not self.conditions

    def passes(self, run: RunWords) -> bool:
        """Whether a run meets every condition."""
        return all(_meets(run, condition) is not condition.exclude for condition in self.conditions)


@dataclass(frozen=True, slots=True)
class RunWords:
    """A run as a filter sees it: made once, so that each key costs only searches in short texts."""

    state: RunState
    fields: Mapping[str, str]
    everything: str


def words_of(run: WorkflowRun, platform: Platform) -> RunWords:
    """What a run can be found by."""
    role = platform.role_of(run.repository)
    short = {Role.BACKEND: "backend be rs", Role.FRONTEND: "frontend fe"}.get(role, "")
    fields = {
        "state": f"{run.state.value} {run.raw_state}",
        "workflow": f"{run.workflow} {run.path.rpartition('/')[2]}",
        "repo": f"{run.repository.full_name} {short}",
        "branch": run.branch,
        "event": run.event,
        "actor": run.actor,
        "number": f"#{run.number} {run.id}" + "".join(f" #{number}" for number in run.pull_requests),
        "sha": run.sha,
        "title": run.title,
    }
    fields = {name: text.casefold() for name, text in fields.items()}
    return RunWords(run.state, fields, "\n".join(fields.values()))


def parse(typed: str) -> RunFilter:
    """Understand a filter as typed; half-typed words hold nothing back that they need not."""
    conditions: list[Condition] = []
    problem = ""
    for found in _TERM.finditer(typed):
        exclude, name, raw, quoted = found.group(1) == "!", found.group(2), found.group(3), found.group(4)
        field = FIELDS.get(name.lower(), "") if name else ""
        text = (raw if quoted is None else quoted).casefold()
        if name and not field:
            text = f"{name.casefold()}:{text}"
        values = text.split(",") if field and quoted is None else [text]
        wanted = tuple(value.replace("_", " ") if field == "state" else value for value in values if value.strip())
        if not wanted:
            continue
        conditions.append(Condition(field, wanted, exclude))
        unknown = [value for value in wanted if field == "state" and not states_like(value)]
        if unknown:
            problem = f"There is no state '{unknown[0]}': {', '.join(STATES)}."
    return RunFilter(tuple(conditions), problem)


def states_like(word: str) -> frozenset[RunState]:
    """The states that a word, or its beginning, names."""
    if word in _ALIASES:
        return _ALIASES[word]
    named: Iterable[RunState] = (state for state in RunState if state.value.startswith(word))
    found = frozenset(named)
    if found:
        return found
    return frozenset().union(*(states for alias, states in _ALIASES.items() if alias.startswith(word)))


def chosen(filter_: RunFilter, runs: Sequence[WorkflowRun], words: Sequence[RunWords]) -> list[WorkflowRun]:
    """The runs that pass, in their order."""
    if filter_.passes_all:
        return list(runs)
    return [run for run, said in zip(runs, words, strict=True) if filter_.passes(said)]


def _meets(run: RunWords, condition: Condition) -> bool:
    if condition.field == "state":
        return any(run.state in states_like(word) for word in condition.wanted)
    if condition.field == "repo":
        return any(_is_repository(run.fields["repo"], word) for word in condition.wanted)
    text = run.fields[condition.field] if condition.field else run.everything
    return any(word in text for word in condition.wanted)


def _is_repository(text: str, word: str) -> bool:
    """Short names whole, so that ``fe`` is the frontend whatever the other repository is called."""
    name, *short = text.split(" ")
    return word in short or (len(word) > 2 and (word in name or any(each.startswith(word) for each in short)))
