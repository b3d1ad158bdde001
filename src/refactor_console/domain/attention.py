"""What deserves a person's attention now: derived from readings, worst first, each with the place that tells more.

The thresholds stand here once, for the overview and for everything else that judges the same values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from refactor_console.domain.account import Account, Budget
from refactor_console.domain.containers import ContainerBoard, ContainerRow, EngineInfo
from refactor_console.domain.environment import Environment
from refactor_console.domain.reading import Phase, Reading
from refactor_console.domain.repos import Platform
from refactor_console.domain.run_rules import is_deploy
from refactor_console.domain.runs import RunBoard, RunState, WorkflowRun
from refactor_console.domain.unit import UnitStatus
from refactor_console.domain.verdict import Verdict
from refactor_console.domain.vitals import Disk, HostIdentity, HostVitals

DISK_WARN, DISK_FAIL = 0.85, 0.95
"""Used shares of a file system."""
MEMORY_WARN, MEMORY_FAIL = 0.90, 0.97
"""Used shares of the host's memory, and of a container's limit."""
LOAD_WARN, LOAD_FAIL = 1.0, 2.0
"""Five-minute load for each processor."""
CLOCK_WARN = timedelta(seconds=2)
"""How far the host's clock may be off, beyond what the measurement itself may be wrong."""


class Place(StrEnum):
    """Where a concern is looked into."""

    PROBLEM = "problem"
    """The failure's own details."""
    CONTAINER = "container"
    """The containers pane, at the row named by the subject."""
    LOGS = "logs"
    """The logs pane."""
    RUN = "run"
    """The runs pane, at the run named by the key."""
    HERE = "here"
    """The overview tells all there is."""


@dataclass(frozen=True, slots=True)
class Concern:
    """One thing that is not as it should be."""

    verdict: Verdict
    subject: str
    """What it is about, such as ``rust-app`` or ``disk /``."""
    sentence: str
    place: Place = Place.HERE
    key: str = ""
    """What to open there: the feed's key for a problem, the service's label for a container."""


def judge(value: float, warn: float, fail: float) -> Verdict:
    """A share or ratio against its two thresholds."""
    if value >= fail:
        return Verdict.FAIL
    return Verdict.WARN if value >= warn else Verdict.OK


def disk_verdict(disk: Disk) -> Verdict:
    """How full a file system is."""
    return judge(disk.fraction_used, DISK_WARN, DISK_FAIL)


def memory_verdict(vitals: HostVitals) -> Verdict:
    """How full the host's memory is."""
    return judge(vitals.memory_fraction, MEMORY_WARN, MEMORY_FAIL)


def load_verdict(vitals: HostVitals) -> Verdict:
    """How busy the processors have been over five minutes."""
    return judge(vitals.load[1] / max(vitals.cpus, 1), LOAD_WARN, LOAD_FAIL)


def clock_verdict(vitals: HostVitals) -> Verdict:
    """Whether the host's clock can be trusted; UNKNOWN when it could not be measured."""
    if vitals.clock_offset is None:
        return Verdict.UNKNOWN
    return Verdict.WARN if abs(vitals.clock_offset) - (vitals.clock_error or timedelta(0)) > CLOCK_WARN else Verdict.OK


@dataclass(frozen=True, slots=True)
class GitHubSituation:
    """The readings of GitHub that an on-call engineer has to know of at once."""

    platform: Platform
    account: Reading[Account]
    budget: Reading[Budget]
    runs: Reading[RunBoard]


@dataclass(frozen=True, slots=True)
class Situation:
    """Every reading of an environment at one moment."""

    environment: Environment
    link: Reading[HostIdentity]
    unit: Reading[UnitStatus]
    vitals: Reading[HostVitals]
    engine: Reading[EngineInfo]
    containers: Reading[ContainerBoard]
    github: GitHubSituation | None = None


_ORDER = {Verdict.FAIL: 0, Verdict.WARN: 1, Verdict.UNKNOWN: 2, Verdict.WORKING: 3}


def concerns(situation: Situation) -> tuple[Concern, ...]:
    """Everything that deserves attention, worst first; what is merely connecting for the first time is not in it."""
    found = [
        *_feeds(situation),
        *_unit(situation.unit.value),
        *_containers(situation.containers.value),
        *_vitals(situation.vitals.value),
        *_link(situation.link.value, situation.environment),
        *_engine(situation.engine.value),
        *_github(situation.github),
    ]
    return tuple(sorted(found, key=lambda concern: _ORDER.get(concern.verdict, 4)))


def _feeds(situation: Situation) -> Iterator[Concern]:
    """Feeds that do not work; when the connection is down it explains the others, which then are not repeated."""
    link = situation.link
    link_down = link.problem is not None and not link.is_live
    named: Iterable[tuple[str, str, Reading[Any]]] = (
        ("link", "connection", link),
        ("unit", "unit", situation.unit),
        ("containers", "containers", situation.containers),
        ("engine", "engine", situation.engine),
        ("vitals", "vitals", situation.vitals),
    )
    seen: set[str] = set()
    for key, subject, reading in named:
        problem = reading.problem
        if problem is not None and reading.phase in (Phase.FAILED, Phase.CONNECTING):
            if problem.summary not in seen and not (link_down and key != "link"):
                seen.add(problem.summary)
                yield Concern(Verdict.FAIL, subject, problem.summary, Place.PROBLEM, key)
        elif reading.phase is Phase.STALE and not link_down:
            yield Concern(Verdict.WARN, subject, "Nothing new arrives; the values shown are old.", Place.HERE, key)


def _unit(unit: UnitStatus | None) -> Iterator[Concern]:
    if unit is not None and unit.verdict in (Verdict.FAIL, Verdict.WARN, Verdict.WORKING):
        yield Concern(unit.verdict, unit.name, unit.sentence, Place.LOGS, f"journal:{unit.name}")


def _containers(board: ContainerBoard | None) -> Iterator[Concern]:
    if board is None:
        return
    for service in board.missing:
        yield Concern(Verdict.FAIL, service, "This service has no container.", Place.CONTAINER, service)
    for row in board.rows:
        if row.ours:
            yield from _row(row)
    if board.stats_problem:
        yield Concern(Verdict.WARN, "container use", board.stats_problem)


def _row(row: ContainerRow) -> Iterator[Concern]:
    label = row.container.label
    if row.verdict in (Verdict.FAIL, Verdict.WARN, Verdict.WORKING, Verdict.UNKNOWN):
        yield Concern(row.verdict, label, row.sentence, Place.CONTAINER, label)
    elif row.latest is not None and row.latest.memory_fraction >= MEMORY_WARN:
        verdict = judge(row.latest.memory_fraction, MEMORY_WARN, MEMORY_FAIL)
        share = f"{row.latest.memory_fraction:.0%}"
        yield Concern(verdict, label, f"It uses {share} of the memory it may have.", Place.CONTAINER, label)


def _vitals(vitals: HostVitals | None) -> Iterator[Concern]:
    if vitals is None:
        return
    for disk in vitals.disks:
        verdict = disk_verdict(disk)
        if verdict is not Verdict.OK:
            yield Concern(verdict, f"disk {disk.mount}", f"It is {disk.fraction_used:.0%} full.")
    if vitals.disks_problem:
        yield Concern(Verdict.WARN, "disks", vitals.disks_problem)
    if (verdict := memory_verdict(vitals)) is not Verdict.OK:
        yield Concern(verdict, "memory", f"{vitals.memory_fraction:.0%} of the host's memory is in use.")
    if (verdict := load_verdict(vitals)) is not Verdict.OK:
        sentence = f"Load {vitals.load[1]:.2f} over five minutes on {vitals.cpus} processors."
        yield Concern(verdict, "load", sentence)
    if clock_verdict(vitals) is Verdict.WARN and vitals.clock_offset is not None:
        seconds = vitals.clock_offset.total_seconds()
        way = "ahead of" if seconds > 0 else "behind"
        sentence = f"The host's clock is {abs(seconds):.1f} s {way} this machine's: times in logs differ by as much."
        yield Concern(Verdict.WARN, "clock", sentence)


def _link(identity: HostIdentity | None, environment: Environment) -> Iterator[Concern]:
    if identity is not None and identity.can_sudo is False:
        sentence = f"{identity.user} may not run 'sudo systemctl restart {environment.unit}' without a password."
        yield Concern(Verdict.WARN, "sudo", sentence)


def _engine(engine: EngineInfo | None) -> Iterator[Concern]:
    for warning in engine.warnings if engine is not None else ():
        yield Concern(Verdict.WARN, "engine", warning)


def clock_sentence(ahead: timedelta) -> str:
    """That this machine's clock is not GitHub's, and what follows."""
    seconds = abs(int(ahead.total_seconds()))
    much = f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"
    way = "ahead of" if ahead > timedelta(0) else "behind"
    return f"This machine's clock is {much} {way} GitHub's: ages and durations of its runs are off by as much."


def _github(github: GitHubSituation | None) -> Iterator[Concern]:
    """A token that does not work, a deploy that went wrong, a clock that is off; the rest has panes of its own."""
    if github is None:
        return
    account = github.account
    if account.problem is not None and account.phase in (Phase.FAILED, Phase.CONNECTING):
        yield Concern(Verdict.WARN, "GitHub", account.problem.summary, Place.PROBLEM, "account")
    budget = github.budget.value
    if budget is not None and budget.clock_ahead:
        yield Concern(Verdict.WARN, "clock", clock_sentence(budget.clock_ahead))
    last = _last_deploy(github)
    if last is not None and last.state.is_bad:
        sentence = f"The last deploy that ended, run #{last.number}, ended with '{last.state.value}'."
        yield Concern(Verdict.FAIL, "deploy", sentence, Place.RUN, last.key)


def _last_deploy(github: GitHubSituation) -> WorkflowRun | None:
    """The newest finished run of the workflow that deploys; cancelled and skipped ones changed nothing for certain."""
    board = github.runs.value
    over = (
        run
        for run in (board.runs if board is not None else ())
        if run.repository == github.platform.deploys_from
        and is_deploy(github.platform, run.repository, run.path)
        and run.state.is_over
        and run.state not in (RunState.CANCELLED, RunState.SKIPPED)
    )
    return max(over, key=lambda run: run.created_at, default=None)
