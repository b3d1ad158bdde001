"""The environment contract: what the workflow, the compose file, GitHub and the host say of each name, and its flaws.

A part that is not known (not permitted, failed, not understood) is None, and nothing is called missing because of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from refactor_console.domain.composefile import ComposeNames
from refactor_console.domain.contract import (
    ComposeName,
    ContractRow,
    Defined,
    Finding,
    FindingKind,
    HostName,
    NameKind,
    Place,
    WorkflowNames,
)

AUTOMATIC = frozenset({"GITHUB_TOKEN"})
"""Secrets that GitHub makes for every run."""
AMBIENT = frozenset({"COMPOSE_PROJECT_NAME", "HOME", "LOGNAME", "PATH", "PWD", "SHELL", "USER"})
"""Names that compose finds without any file: its own, and those of every process."""
FOR_COMPOSE_ITSELF = ("COMPOSE_", "DOCKER_")
"""Beginnings of names in ``.env`` that compose takes as settings of its own."""
_PLACES = tuple(Place)
_CONTEXT = {NameKind.SECRET: "secrets", NameKind.VARIABLE: "vars"}

_Key = tuple[NameKind, str]
DefinedNames = Mapping[tuple[NameKind, Place], tuple[Defined, ...] | None]
"""What exists, by kind and place; None where it is not known."""


@dataclass(frozen=True, slots=True)
class ContractParts:
    """Everything that was found out; None: not known."""

    workflow: WorkflowNames | None
    """The deploy workflow at the deployed ref."""
    compose: ComposeNames | None
    defined: DefinedNames
    host: tuple[HostName, ...] | None
    others: tuple[WorkflowNames, ...] | None = None
    """All workflows of the repository: only when they are known, and understood, a name can be called unused."""
    environment: str = "production"
    """The deployment environment's name, for sentences."""
    host_complete: bool = True
    """False when the host's file was not read to its end: nothing is then missing there."""


def contract_rows(parts: ContractParts, now: datetime, rotation_days: int) -> tuple[ContractRow, ...]:
    """One row for each name (one for each kind, where a secret and a variable share a name), by name.

    Args:
        parts: what is known.
        now: for ages.
        rotation_days: age at which a secret is due for rotation; 0 or less for never.
    """
    return _Check(parts, now, rotation_days).rows()


@dataclass(slots=True)
class _OfGitHub:
    """A name of GitHub's in the making."""

    name: str
    kind: NameKind
    defined: tuple[Defined, ...] = ()
    used: bool = False
    written_as: list[str] = field(default_factory=list)

    @property
    def reference(self) -> str:
        return f"{_CONTEXT[self.kind]}.{self.name}"


class _Check:
    """One look at all the parts."""

    def __init__(self, parts: ContractParts, now: datetime, rotation_days: int) -> None:
        self._parts = parts
        self._now = now
        self._rotation_days = rotation_days
        self._compose = {name.name: name for name in parts.compose.names} if parts.compose is not None else {}
        self._host = {name.name: name for name in parts.host or ()}
        written = dict(parts.workflow.written) if parts.workflow is not None else {}
        # A workflow that writes nothing as far as anyone can tell may write the file in a way not understood.
        self._written = written or None
        self._of_github = self._github_names()

    def rows(self) -> tuple[ContractRow, ...]:
        owners = self._owners()
        rows = [self._github_row(key, entry, owners) for key, entry in self._of_github.items()]
        rows += [self._plain_row(name) for name in self._env_names() if name not in owners]
        kinds = [*NameKind, None]
        return tuple(sorted(rows, key=lambda row: (row.name, kinds.index(row.kind))))

    # -- putting together

    def _github_names(self) -> dict[_Key, _OfGitHub]:
        found: dict[_Key, _OfGitHub] = {}

        def entry(kind: NameKind, name: str) -> _OfGitHub:
            name = name.upper()  # GitHub's names know no case
            return found.setdefault((kind, name), _OfGitHub(name, kind))

        workflow = self._parts.workflow
        if workflow is not None:
            for kind, names in ((NameKind.SECRET, workflow.secrets), (NameKind.VARIABLE, workflow.variables)):
                for name in names:
                    if name.upper() not in AUTOMATIC:
                        entry(kind, name).used = True
        for kind in NameKind:
            for place in _PLACES:
                for defined in self._parts.defined.get((kind, place)) or ():
                    made = entry(kind, defined.name)
                    made.defined = (*made.defined, defined)
        for name, sources in (self._written or {}).items():
            for source in sources:
                context, _, source_name = source.partition(".")
                source_kind = NameKind.SECRET if context == "secrets" else NameKind.VARIABLE
                if source_name.upper() not in AUTOMATIC:
                    entry(source_kind, source_name).written_as.append(name)
        return found

    def _env_names(self) -> set[str]:
        return {*self._compose, *self._host, *(self._written or {})}

    def _owners(self) -> dict[str, _Key]:
        """The one row that tells what is wrong with a name in the file: by its name, else the first it is made of."""
        owners: dict[str, _Key] = {}
        for key, entry in self._of_github.items():
            for name in entry.written_as:
                if name not in owners or entry.name == name:
                    owners[name] = key
        # What nobody is known to write belongs to what bears the same name on GitHub.
        for name in self._env_names() - set(self._written or {}):
            same = next(((kind, name) for kind in NameKind if (kind, name) in self._of_github), None)
            if same is not None:
                owners[name] = same
        return owners

    def _github_row(self, key: _Key, entry: _OfGitHub, owners: Mapping[str, _Key]) -> ContractRow:
        mine = [name for name, owner in owners.items() if owner == key]
        names = sorted({*entry.written_as, *mine})
        reads = [self._compose[name] for name in names if name in self._compose]
        changed = None if not entry.defined else entry.defined[0].updated_at or entry.defined[0].created_at
        age = None if changed is None else max((self._now - changed).days, 0)
        findings = list(self._of_definition(entry, age))
        for name in sorted(mine):
            findings += self._of_env_name(name)
            findings += self._stale(entry, name)
        return ContractRow(
            name=entry.name,
            kind=entry.kind,
            used_by_workflow=None if self._parts.workflow is None else entry.used,
            written_as=tuple(dict.fromkeys(entry.written_as)),
            read_by_compose=None if self._parts.compose is None else bool(reads),
            has_default=bool(reads) and all(read.default is not None for read in reads),
            defined=entry.defined,
            on_host=next((self._host[name] for name in names if name in self._host), None),
            host_known=self._host_known(*names),
            age_days=age,
            findings=tuple(findings),
            read_lines=tuple(sorted({line for read in reads for line in read.lines})),
        )

    def _plain_row(self, name: str) -> ContractRow:
        return ContractRow(
            name=name,
            kind=None,
            used_by_workflow=None if self._parts.workflow is None else name in (self._written or {}),
            written_as=(name,) if name in (self._written or {}) else (),
            read_by_compose=None if self._parts.compose is None else name in self._compose,
            has_default=name in self._compose and self._compose[name].default is not None,
            defined=(),
            on_host=self._host.get(name),
            host_known=self._host_known(name),
            age_days=None,
            findings=tuple(self._of_env_name(name)),
            read_lines=self._compose[name].lines if name in self._compose else (),
        )

    # -- what is wrong with what GitHub knows

    def _of_definition(self, entry: _OfGitHub, age: int | None) -> Iterator[Finding]:
        if not entry.defined:
            if entry.used and self._all_places_known(entry.kind):
                yield self._missing(entry)
            return
        if not entry.used and self._unused(entry):
            yield Finding(
                entry.name,
                FindingKind.UNUSED,
                f"The {entry.kind.value} exists in the {_where(entry.defined)}, and no workflow names it.",
                severe=False,
            )
        due = age is not None and 0 < self._rotation_days <= age
        if entry.kind is NameKind.SECRET and due:
            yield Finding(
                entry.name,
                FindingKind.ROTATION_DUE,
                f"The secret in the {entry.defined[0].place.value} was last changed {age} days ago; it is due for "
                f"rotation after {self._rotation_days}.",
                severe=False,
            )

    def _missing(self, entry: _OfGitHub) -> Finding:
        # Harmless only where all that is made of it has a default in the compose file, or is not read there at all.
        harmless = bool(entry.written_as) and self._parts.compose is not None
        severe = not harmless or any(self._needed(name) for name in entry.written_as)
        return Finding(
            entry.name,
            FindingKind.MISSING_ON_GITHUB,
            f"The deploy workflow reads {entry.reference}, which exists neither in the environment "
            f"{self._parts.environment} nor in the repository nor in the organisation: it becomes empty.",
            severe,
        )

    def _all_places_known(self, kind: NameKind) -> bool:
        return all(self._parts.defined.get((kind, place)) is not None for place in _PLACES)

    def _unused(self, entry: _OfGitHub) -> bool:
        """Whether it is certain that nothing reads it: an organisation's may be for other repositories."""
        own = [defined for defined in entry.defined if defined.place is not Place.ORGANISATION]
        if not own or self._parts.workflow is None or self._parts.others is None:
            return False
        if self._parts.workflow.notes or any(other.notes for other in self._parts.others):
            return False  # such as secrets[inputs.which]
        named = (o.secrets if entry.kind is NameKind.SECRET else o.variables for o in self._parts.others)
        return not any(entry.name in {name.upper() for name in names} for names in named)

    # -- what is wrong with what stands in the file

    def _of_env_name(self, name: str) -> Iterator[Finding]:
        read, host = self._compose.get(name), self._host.get(name)
        written = self._written is not None and name in self._written
        never = read is not None and self._written is not None and not written and self._needed(name)
        if never and read is not None:
            yield Finding(name, FindingKind.NEVER_WRITTEN, self._never_sentence(read, host), severe=True)
        if self._host_known(name):
            if host is None:
                if not never and (written or self._needed(name)):
                    yield from self._missing_on_host(name)
            elif host.empty:
                yield from self._empty_on_host(name)
        if written and self._not_read(name):
            yield Finding(
                name,
                FindingKind.NOT_READ,
                f"The deploy workflow writes {name} into .env, and the compose file does not interpolate it.",
                severe=False,
            )

    def _never_sentence(self, read: ComposeName, host: HostName | None) -> str:
        lines = ", ".join(map(str, read.lines[:5])) + (" ..." if len(read.lines) > 5 else "")
        place = f"line{'' if len(read.lines) == 1 else 's'} {lines}"
        begin = f"The compose file reads {read.name} ({place}), and the deploy workflow does not write it: "
        if host is not None and not host.empty:
            return begin + "the host has it from elsewhere, and the next deploy replaces that file."
        return begin + ("compose refuses to start without it." if read.required else "it becomes empty.")

    def _host_known(self, *names: str) -> bool:
        """Whether it is known if the host's file has one of these names."""
        whole = self._parts.host is not None and self._parts.host_complete
        return whole or any(name in self._host for name in names)

    def _missing_on_host(self, name: str) -> Iterator[Finding]:
        if self._parts.compose is not None and name not in self._compose:
            return  # written and not read: NOT_READ says so
        needed = self._needed(name)
        end = "the compose file reads it without a default" if needed else "the next deploy would write it"
        yield Finding(name, FindingKind.MISSING_ON_HOST, f"{name} is not in the host's .env; {end}.", severe=needed)

    def _empty_on_host(self, name: str) -> Iterator[Finding]:
        read = self._compose.get(name)
        if self._parts.compose is None:
            yield Finding(name, FindingKind.EMPTY_ON_HOST, f"{name} is empty in the host's .env.", severe=False)
        elif read is not None and not read.conditional and (read.default is None or read.empty_passes):
            yield Finding(
                name,
                FindingKind.EMPTY_ON_HOST,
                f"{name} is empty in the host's .env, and the compose file takes it as it is.",
                severe=read.default is None,
            )

    def _stale(self, entry: _OfGitHub, name: str) -> Iterator[Finding]:
        host = self._host.get(name)
        changed = entry.defined[0].updated_at if entry.defined else None
        if host is None or host.written_at is None or changed is None or changed <= host.written_at:
            return
        yield Finding(
            entry.name,
            FindingKind.STALE_ON_HOST,
            f"{entry.reference} was changed on {changed:%Y-%m-%d %H:%M} UTC, after the host's .env was written "
            f"({host.written_at:%Y-%m-%d %H:%M}): the host does not have it before the next deploy.",
            severe=False,
        )

    def _not_read(self, name: str) -> bool:
        compose = self._parts.compose
        known = compose is not None and not compose.reads_files
        return known and name not in self._compose and not name.startswith(FOR_COMPOSE_ITSELF)

    def _needed(self, name: str) -> bool:
        """Whether compose reads it and has nothing to put in its place."""
        read = self._compose.get(name)
        return read is not None and read.default is None and not read.conditional and name not in AMBIENT


def _where(defined: Iterable[Defined]) -> str:
    return " and the ".join(dict.fromkeys(one.place.value for one in defined))
