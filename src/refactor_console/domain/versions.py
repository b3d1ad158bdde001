"""Versions: in Cargo's and npm's manifests, in tags, and the next one.

Formats: https://doc.rust-lang.org/cargo/reference/workspaces.html, npm's package.json, and
https://semver.org/spec/v2.0.0.html. Tags such as ``1.0-rc1`` are not semantic versions; they are nobody's mistake and
raise nothing here.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from posixpath import normpath

from refactor_console.domain.releases import MemberVersion, VersionReading

CARGO = "Cargo.toml"
PACKAGE = "package.json"
MOST_MANIFESTS = 60
"""Manifests read at one ref; a platform with more workspace members is told so."""
MOST_CHARACTERS = 512 * 1024
"""Of one manifest."""
INHERITED = "inherited from the workspace"
NO_FILE = "a member of the workspace, but there is no such file"
NO_VERSION = "it names no version"

_SEMANTIC = re.compile(
    r"(?P<v>[vV]?)(?P<major>0|[1-9]\d{0,17})\.(?P<minor>0|[1-9]\d{0,17})\.(?P<patch>0|[1-9]\d{0,17})"
    r"(?:-(?P<pre>(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?"
    r"(?:\+(?P<build>[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?",
    re.ASCII,
)
_LAST_NUMBER = re.compile(r"(.*?)(\d{1,18})", re.ASCII)
_LONGEST = 256


# -- semantic versions


@dataclass(frozen=True, slots=True)
class Version:
    """A semantic version, as a tag spells it."""

    major: int
    minor: int
    patch: int
    prerelease: str = ""
    """``beta3``, ``rc.1``; empty for a release."""
    build: str = ""
    prefix: str = ""
    """A ``v`` in front, which the standard does not know and many tags have."""

    def __str__(self) -> str:
        pre = f"-{self.prerelease}" if self.prerelease else ""
        build = f"+{self.build}" if self.build else ""
        return f"{self.prefix}{self.major}.{self.minor}.{self.patch}{pre}{build}"

    @property
    def precedence(self) -> tuple[int, int, int, bool, tuple[tuple[int, int, str], ...]]:
        """Sorts as the standard says (section 11); the build does not count."""
        identifiers = tuple(
            (0, int(part), "") if part.isdigit() else (1, 0, part) for part in self.prerelease.split(".") if part
        )
        return self.major, self.minor, self.patch, not self.prerelease, identifiers


def semantic(tag: str) -> Version | None:
    """A tag as a semantic version; None for any other tag."""
    found = _SEMANTIC.fullmatch(tag) if len(tag) <= _LONGEST else None
    if found is None:
        return None
    major, minor, patch = (int(found[name]) for name in ("major", "minor", "patch"))
    return Version(major, minor, patch, found["pre"] or "", found["build"] or "", found["v"])


def next_version(last: str, *, breaking: bool, features: bool) -> str:
    """The version that comes after a tag, given what changed since; empty when the tag is no semantic version.

    In a series of prereleases only the series is counted on, whatever changed: ``1.0.0-beta3`` becomes ``1.0.0-beta4``.
    (By the standard's order ``beta10`` comes before ``beta9``, being text; the platform's tags go by date.)
    Before 1.0.0 a breaking change raises the minor number, as Cargo reads it.
    """
    version = semantic(last)
    if version is None:
        return ""
    if version.prerelease:
        parts = version.prerelease.split(".")
        counted = _LAST_NUMBER.fullmatch(parts[-1])
        if counted is not None:
            parts[-1] = f"{counted[1]}{str(int(counted[2]) + 1).zfill(len(counted[2]))}"
        else:
            parts.append("1")
        return str(Version(version.major, version.minor, version.patch, ".".join(parts), prefix=version.prefix))
    major, minor, patch = version.major, version.minor, version.patch
    if breaking and major:
        major, minor, patch = major + 1, 0, 0
    elif features or breaking:
        minor, patch = minor + 1, 0
    else:
        patch += 1
    return str(Version(major, minor, patch, prefix=version.prefix))


# -- manifests


@dataclass(frozen=True, slots=True)
class CargoManifest:
    """What a ``Cargo.toml`` says of versions and members."""

    is_package: bool = False
    version: str = ""
    inherits: bool = False
    """``version.workspace = true``."""
    workspace_version: str = ""
    """Of ``[workspace.package]``."""
    members: tuple[str, ...] = ()
    """Directories, as written: globs too."""
    excluded: tuple[str, ...] = ()
    problem: str = ""
    """Why it could not be read; empty when it was."""


def cargo(text: str) -> CargoManifest:
    """Read a ``Cargo.toml``; one that cannot be read says so. Never fails."""
    if len(text) > MOST_CHARACTERS:
        return CargoManifest(problem="too large to read")
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError):
        return CargoManifest(problem="no TOML that can be read")
    package, workspace = _table(data.get("package")), _table(data.get("workspace"))
    version = package.get("version")
    return CargoManifest(
        is_package="package" in data,
        version=version if isinstance(version, str) else "",
        inherits=_table(version).get("workspace") is True,
        workspace_version=_text(_table(workspace.get("package")).get("version")),
        members=_texts(workspace.get("members")),
        excluded=_texts(workspace.get("exclude")),
    )


def cargo_members(root: CargoManifest, paths: Iterable[str]) -> tuple[str, ...]:
    """The manifests of a workspace's members beside the root, globs expanded against a list of paths, sorted.

    A member that is named without a glob is among them even where there is no such file: that is worth telling.
    """
    directories = {path.removesuffix(f"/{CARGO}") for path in paths if path.endswith(f"/{CARGO}")}
    excluded = tuple(_clean(path) for path in root.excluded)
    found: set[str] = set()
    for member in (_clean(member) for member in root.members):
        if any(letter in member for letter in "*?["):
            found |= {directory for directory in directories if _fits(directory.split("/"), member.split("/"))}
        elif member not in ("", ".") and not member.startswith(("/", "../")):
            found.add(member)
    kept = (d for d in found if not any(d == out or d.startswith(f"{out}/") for out in excluded if out != "."))
    return tuple(f"{directory}/{CARGO}" for directory in sorted(kept))


def manifests(paths: Iterable[str], root_cargo: str | None) -> tuple[str, ...]:
    """The manifests that carry a repository's version: the workspace's at its root, and ``package.json`` there.

    Args:
        paths: every file of the repository.
        root_cargo: the text of ``Cargo.toml``; None when there is none.
    """
    known = frozenset(paths)
    found: list[str] = []
    if root_cargo is not None:
        root = cargo(root_cargo)
        found += [CARGO] if root.is_package or root.problem else []
        found += cargo_members(root, known)
    if PACKAGE in known:
        found.append(PACKAGE)
    return tuple(found)


def members(texts: Mapping[str, str | None], root_cargo: str | None) -> tuple[MemberVersion, ...]:
    """The version in each manifest, in the order given.

    Args:
        texts: path to text; None where there is no such file.
        root_cargo: the text of the root's ``Cargo.toml``, which versions may be inherited from.
    """
    inherited = cargo(root_cargo).workspace_version if root_cargo is not None else ""
    return tuple(
        MemberVersion(path, "", NO_FILE)
        if text is None
        else _of_npm(path, text)
        if path.endswith(PACKAGE)
        else _of_cargo(path, text, inherited)
        for path, text in texts.items()
    )


def agreement(readings: Iterable[tuple[str, VersionReading | None]]) -> tuple[bool | None, str]:
    """Whether several repositories carry the same version, and that in one sentence.

    Args:
        readings: the name for people, and the versions at the head; None where they are not known.
    """
    carried: list[tuple[str, str]] = []
    for name, reading in readings:
        if reading is None:
            return None, f"Whether the versions agree is not known: those of the {name} could not be read."
        if not reading.versions:
            return None, f"Whether the versions agree is not known: the {name} names no version."
        if not reading.agree:
            one = len(reading.versions) == 1
            why = "some of its manifests name none" if one else f"its manifests carry {_listed(reading.versions)}"
            return False, f"The {name} does not agree with itself: {why}."
        carried.append((name, reading.versions[0]))
    if not carried:
        return None, "There is nothing to compare."
    if len({version for _, version in carried}) == 1:
        names = _listed([name for name, _ in carried])
        verb = "carries" if len(carried) == 1 else "both carry" if len(carried) == 2 else "all carry"
        return True, f"{names[0].upper()}{names[1:]} {verb} {carried[0][1]}."
    told = _listed([f"the {name} carries {version}" for name, version in carried])
    return False, f"The versions differ: {told}."


def _of_cargo(path: str, text: str, inherited: str) -> MemberVersion:
    manifest = cargo(text)
    if manifest.problem:
        return MemberVersion(path, "", manifest.problem)
    if manifest.inherits:
        return MemberVersion(path, inherited, INHERITED if inherited else f"{INHERITED}, which names none")
    return MemberVersion(path, manifest.version, "" if manifest.version else NO_VERSION)


def _of_npm(path: str, text: str) -> MemberVersion:
    if len(text) > MOST_CHARACTERS:
        return MemberVersion(path, "", "too large to read")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return MemberVersion(path, "", "no JSON that can be read")
    version = _text(_table(data).get("version"))
    return MemberVersion(path, version, "" if version else NO_VERSION)


def _fits(directory: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether a path fits a member's pattern, both in parts: stars stay within a part, a pair of them does not."""
    # Which ends of the directory's beginning fit the pattern so far: work in proportion to both lengths.
    reached = {0}
    for part in pattern:
        if part == "**":
            reached = set(range(min(reached), len(directory) + 1))
        else:
            reached = {at + 1 for at in reached if at < len(directory) and fnmatchcase(directory[at], part)}
        if not reached:
            return False
    return len(directory) in reached


def _clean(path: str) -> str:
    return normpath(path.strip()) if path.strip() else ""


def _listed(names: Iterable[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def _table(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: object) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()
