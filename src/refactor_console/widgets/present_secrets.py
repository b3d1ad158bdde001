"""What the secrets pane says of the names of the contract: pure functions from domain values to rows and facts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from urllib.parse import quote

from textual.content import Content

from refactor_console.domain.contract import (
    ContractRow,
    Defined,
    EnvironmentContract,
    Finding,
    FindingKind,
    HostName,
    NameKind,
    Place,
    SourceName,
)
from refactor_console.domain.problem import Problem
from refactor_console.domain.repos import Platform
from refactor_console.domain.text import visible
from refactor_console.domain.verdict import Verdict
from refactor_console.widgets import present
from refactor_console.widgets.facts import Fact
from refactor_console.widgets.lazy_row import LazyRow
from refactor_console.widgets.table import Column, TableRow

COLUMNS = (
    Column("name", "Name", 20, grow=2, limit=44),
    Column("finding", "Finding", 16, grow=1, limit=46),
    Column("kind", "Kind", 8, rank=3),
    Column("workflow", "Deploy", 6),
    Column("compose", "Compose", 7),
    Column("github", "GitHub", 6),
    Column("host", ".env", 5),
    Column("age", "Age", 5, right=True),
    Column("rotation", "Rotation", 11, rank=2),
)
WORDS: dict[FindingKind, str] = {
    FindingKind.MISSING_ON_GITHUB: "not on GitHub",
    FindingKind.NEVER_WRITTEN: "never written",
    FindingKind.EMPTY_ON_HOST: "empty on host",
    FindingKind.MISSING_ON_HOST: "not on host",
    FindingKind.ROTATION_DUE: "rotation due",
    FindingKind.STALE_ON_HOST: "host is behind",
    FindingKind.UNUSED: "unused",
    FindingKind.NOT_READ: "never read",
}
"""Findings in a column's width; the panel has the sentence."""
_UNTIDY = (FindingKind.UNUSED, FindingKind.NOT_READ)
_KINDS = list(FindingKind)
_PLACE_WORDS = {Place.ENVIRONMENT: "env", Place.REPOSITORY: "repo", Place.ORGANISATION: "org"}
SOURCES_OF: dict[NameKind, tuple[SourceName, ...]] = {
    NameKind.SECRET: (
        SourceName.ENVIRONMENT_SECRETS,
        SourceName.REPOSITORY_SECRETS,
        SourceName.ORGANISATION_SECRETS,
    ),
    NameKind.VARIABLE: (
        SourceName.ENVIRONMENT_VARIABLES,
        SourceName.REPOSITORY_VARIABLES,
        SourceName.ORGANISATION_VARIABLES,
    ),
}
"""Where a name of each kind may be defined, the narrowest first."""


class Showing(StrEnum):
    """Which names are shown."""

    ALL = "all names"
    SECRETS = "secrets"
    VARIABLES = "variables"

    @property
    def following(self) -> Showing:
        """The one after this, round and round."""
        every = list(Showing)
        return every[(every.index(self) + 1) % len(every)]

    def holds(self, row: ContractRow) -> bool:
        """Whether a name is among them."""
        if self is Showing.ALL:
            return True
        return row.kind is (NameKind.SECRET if self is Showing.SECRETS else NameKind.VARIABLE)


class Order(StrEnum):
    """What comes first."""

    FINDING = "findings first"
    AGE = "oldest first"
    NAME = "by name"

    @property
    def following(self) -> Order:
        """The one after this, round and round."""
        every = list(Order)
        return every[(every.index(self) + 1) % len(every)]


@dataclass(frozen=True, slots=True)
class View:
    """What a person asked to see."""

    wanted: str = ""
    showing: Showing = Showing.ALL
    only_findings: bool = False
    order: Order = Order.FINDING


@dataclass(frozen=True, slots=True)
class Scene:
    """A contract, and what is looked up in it again and again."""

    contract: EnvironmentContract
    unread: dict[SourceName, Problem]
    """Sources that could not be read, and why."""
    same: dict[str, tuple[str, ...]]
    """By keyed hash: the names on the host whose values are the same, where there is more than one."""


def scene_of(contract: EnvironmentContract) -> Scene:
    """Look everything up once."""
    unread = {report.source: report.problem for report in contract.sources if report.problem is not None}
    alike: dict[str, dict[str, None]] = {}
    for row in contract.rows:
        host = row.on_host
        if host is not None and not host.empty:
            alike.setdefault(host.digest, {})[host.name] = None
    return Scene(contract, unread, {digest: tuple(names) for digest, names in alike.items() if len(names) > 1})


def row_key(row: ContractRow) -> str:
    """Unique among the rows: a secret and a variable may share a name."""
    return f"{row.kind or 'name'}:{row.name}"


# -- rows


def shown_rows(scene: Scene, view: View) -> list[ContractRow]:
    """The names that are asked for, in the order that is asked for."""
    terms = view.wanted.casefold().split()
    rows = [
        row
        for row in scene.contract.rows
        if view.showing.holds(row)
        and (row.findings or not view.only_findings)
        and (not terms or all(term in _words(row) for term in terms))
    ]
    if view.order is Order.FINDING:
        rows.sort(key=lambda row: (_worst(row), row.name))
    elif view.order is Order.AGE:
        rows.sort(key=lambda row: -1 if row.age_days is None else row.age_days, reverse=True)
    return rows


def _worst(row: ContractRow) -> tuple[int, int]:
    """Names with severe findings, with findings, without; the worse kind first."""
    if not row.findings:
        return 2, 0
    return min((0 if finding.severe else 1, _KINDS.index(finding.kind)) for finding in row.findings)


def _words(row: ContractRow) -> str:
    words = [row.name, row.kind.value if row.kind is not None else "", *row.written_as]
    words += [f"{finding.kind.value} {WORDS[finding.kind]}" for finding in row.findings]
    words += [f"{defined.place.value} {_PLACE_WORDS[defined.place]}" for defined in row.defined]
    return "\n".join(words).casefold()


def table_rows(scene: Scene, rows: Sequence[ContractRow]) -> list[TableRow]:
    """Rows for the table; their cells are made when they are seen."""
    unread, days = tuple(scene.unread), scene.contract.rotation_days
    return [LazyRow(row_key(row), (row, unread, days), partial(_cells, scene, row)) for row in rows]


def _cells(scene: Scene, row: ContractRow) -> dict[str, Content]:
    nothing = present.muted("–")
    return {
        "name": present.plain(row.name),
        "finding": _findings_cell(row),
        "kind": present.muted(row.kind.value) if row.kind is not None else nothing,
        "workflow": _workflow_cell(row),
        "compose": _compose_cell(row),
        "github": _github_cell(scene, row),
        "host": _host_cell(row),
        "age": nothing if row.age_days is None else Content(f"{row.age_days}d"),
        "rotation": rotation_text(row, scene.contract.rotation_days, short=True),
    }


_UNKNOWN = Content.assemble(("?", present.MUTED))
_NONE = Content.assemble(("–", present.MUTED))


def finding_verdict(finding: Finding) -> tuple[str, str]:
    """A finding's shape and colour: it breaks a deploy, it wants a look, or it is only untidy."""
    if finding.severe:
        return present.GLYPHS[Verdict.FAIL], present.STYLES[Verdict.FAIL]
    if finding.kind in _UNTIDY:
        return "○", present.MUTED
    return present.GLYPHS[Verdict.WARN], present.STYLES[Verdict.WARN]


def ordered(findings: Sequence[Finding]) -> list[Finding]:
    """The worst first."""
    return sorted(findings, key=lambda finding: (not finding.severe, _KINDS.index(finding.kind)))


def _findings_cell(row: ContractRow) -> Content:
    if not row.findings:
        return Content("")
    first, *others = ordered(row.findings)
    glyph, style = finding_verdict(first)
    words = [WORDS[kind] for kind in dict.fromkeys(finding.kind for finding in (first, *others))]
    return Content.assemble((f"{glyph} {', '.join(words)}", style))


def _workflow_cell(row: ContractRow) -> Content:
    if row.used_by_workflow is None:
        return _UNKNOWN
    if row.written_as:
        return Content("writes")
    return Content("reads") if row.used_by_workflow else _NONE


def _compose_cell(row: ContractRow) -> Content:
    if row.read_by_compose is None:
        return _UNKNOWN
    if not row.read_by_compose:
        return _NONE
    return Content("default") if row.has_default else Content("reads")


def _github_cell(scene: Scene, row: ContractRow) -> Content:
    if row.defined:
        more = f"+{len(row.defined) - 1}" if len(row.defined) > 1 else ""
        return Content(f"{_PLACE_WORDS[row.defined[0].place]}{more}")
    if row.kind is not None and any(source in scene.unread for source in SOURCES_OF[row.kind]):
        return _UNKNOWN
    return _NONE if row.kind is None else Content.assemble(("none", "$fail"))


def _host_cell(row: ContractRow) -> Content:
    if not row.host_known:
        return _UNKNOWN
    if row.on_host is None:
        return _NONE
    return Content.assemble(("empty", "$warn")) if row.on_host.empty else Content("set")


def rotation_text(row: ContractRow, rotation_days: int, *, short: bool = False) -> Content:
    """When a secret is due for rotation."""
    if row.kind is not NameKind.SECRET or not row.defined:
        return _NONE
    if rotation_days <= 0:
        return present.muted("no policy")
    if row.age_days is None:
        return _UNKNOWN if short else present.muted("not known: GitHub does not say when it was changed")
    left = rotation_days - row.age_days
    policy = "" if short else f" (every {rotation_days} days)"
    if left > 0:
        return Content(f"in {left} d{policy}")
    late = f" {-left} d" if left else ""
    words = f"due{late}" if short else f"due{f' for{late}' if late else ' today'}{policy}"
    return present.verdict_text(Verdict.WARN, words)


# -- the selected name


def side_facts(scene: Scene, row: ContractRow, now: datetime) -> list[Fact]:
    """All that is known of one name, the findings first. Never a value: there is none to show."""
    facts: list[Fact] = []
    for finding in ordered(row.findings):
        glyph, style = finding_verdict(finding)
        words = visible(finding.sentence)
        facts.append(("Finding", Content.assemble((f"{glyph} {WORDS[finding.kind]}: ", style), words)))
    facts += [
        ("Deploy", _workflow_words(scene, row)),
        ("Compose", _compose_words(scene, row)),
        ("GitHub", _github_words(scene, row, now)),
        (".env", _host_words(scene, row, now)),
    ]
    if row.kind is NameKind.SECRET and row.defined:
        facts.append(("Rotation", rotation_text(row, scene.contract.rotation_days)))
    return facts


def _not_read(scene: Scene, source: SourceName, what: str) -> Content:
    problem = scene.unread.get(source)
    why = f": {problem.summary}" if problem is not None else ""
    return present.verdict_text(Verdict.UNKNOWN, f"{what} could not be read{why}")


def _workflow_words(scene: Scene, row: ContractRow) -> Content:
    if row.used_by_workflow is None:
        return _not_read(scene, SourceName.WORKFLOW, "the deploy workflow")
    names = " and ".join(row.written_as)
    if row.kind is None:
        return present.plain(f"writes {names} into .env" if names else "does not write it into .env")
    if names:
        same = row.written_as == (row.name,)
        return present.plain("writes it into .env" if same else f"writes it into .env as {names}")
    return Content("reads it, and writes it into no .env" if row.used_by_workflow else "does not name it")


def _compose_words(scene: Scene, row: ContractRow) -> Content:
    if row.read_by_compose is None:
        return _not_read(scene, SourceName.COMPOSE, "the compose file")
    if not row.read_by_compose:
        return Content("does not read it")
    lines = ", ".join(map(str, row.read_lines[:8])) + (" …" if len(row.read_lines) > 8 else "")
    place = f" (line{'' if len(row.read_lines) == 1 else 's'} {lines})" if row.read_lines else ""
    return Content(f"reads it{place}; {'it has a default' if row.has_default else 'it has no default'}")


def _github_words(scene: Scene, row: ContractRow, now: datetime) -> Content:
    if row.kind is None:
        return present.muted("no secret and no variable has this name, and none is written as it")
    missing = [source.value for source in SOURCES_OF[row.kind] if source in scene.unread]
    unread = f"{' and '.join(missing)} could not be read" if missing else ""
    if not row.defined:
        if unread:
            return present.verdict_text(Verdict.UNKNOWN, f"not known: {unread}")
        return present.plain(f"no {row.kind.value} of this name in environment, repository or organisation")
    first, *others = [_defined_words(defined, now) for defined in row.defined]
    words = [f"{row.kind.value} of the {first}", *(f"hides the one of the {other}" for other in others)]
    if unread:
        words.append(unread)
    return present.plain("; ".join(words))


def _defined_words(defined: Defined, now: datetime) -> str:
    changed = defined.updated_at or defined.created_at
    if changed is None:
        return defined.place.value
    return f"{defined.place.value}, changed {changed:%Y-%m-%d} ({max((now - changed).days, 0)} d ago)"


def _host_words(scene: Scene, row: ContractRow, now: datetime) -> Content:
    if not row.host_known:
        return _not_read(scene, SourceName.HOST, "the host's .env")
    host = row.on_host
    if host is None:
        return Content("not in the host's .env")
    name = "" if host.name == row.name else f" as {host.name}"
    written = "" if host.written_at is None else f"; the file was written {present.span(now - host.written_at)} ago"
    if host.empty:
        return Content.assemble((f"{present.GLYPHS[Verdict.WARN]} empty", "$warn"), visible(f"{name}{written}"))
    return present.plain(f"set{name}, {_hash_words(scene, host)}{written}")


def _hash_words(scene: Scene, host: HostName) -> str:
    """The keyed hash is of use only for comparing, so what it compares to is said."""
    alike = [name for name in scene.same.get(host.digest, ()) if name != host.name]
    if not alike:
        return f"keyed hash {host.digest}, like no other"
    more = f" and {len(alike) - 4} more" if len(alike) > 4 else ""
    return f"keyed hash {host.digest}, the same value as {', '.join(alike[:4])}{more}"


def settings_url(platform: Platform, contract: EnvironmentContract, row: ContractRow) -> str:
    """The page where the name is, or would be, defined; the deploy workflow for one that is neither kind."""
    repository = platform.deploys_from
    base = f"{platform.web_url}/{repository.full_name}"
    if row.kind is None:
        ref = contract.ref if platform.deploys_from == platform.backend else "HEAD"
        return f"{base}/blob/{quote(ref)}/{quote(platform.deploy_workflow)}"
    page = f"settings/{row.kind.value}s/actions"
    place = row.defined[0].place if row.defined else Place.REPOSITORY
    if place is Place.ENVIRONMENT:
        return f"{base}/settings/environments"
    if place is Place.ORGANISATION:
        return f"{platform.web_url}/organizations/{quote(repository.owner, safe='')}/{page}"
    return f"{base}/{page}"
