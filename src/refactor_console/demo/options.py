"""Command lines read as getopt_long(3) reads them: long and short options, clustered, with GNU's own complaints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Takes(Enum):
    """Whether an option has a value."""

    NOTHING = 0
    VALUE = 1
    MAYBE = 2
    """A long one only after ``=``, a short one only attached (journalctl's ``-n`` also takes the next word)."""


class UsageError(Exception):
    """What the tool says on standard error about a command line that it does not accept."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """Options in their order, by canonical name, and the operands."""

    options: tuple[tuple[str, str], ...]
    operands: tuple[str, ...]

    def has(self, name: str) -> bool:
        """Whether the option was given."""
        return any(key == name for key, _ in self.options)

    def last(self, name: str, default: str = "") -> str:
        """Its last value."""
        return next((value for key, value in reversed(self.options) if key == name), default)

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of it."""
        return tuple(value for key, value in self.options if key == name)


Spec = Mapping[str, Takes]
"""Names such as ``--lines`` and ``-n``; a short one is given its long name by `parse`'s `aliases`."""


def parse(tool: str, words: tuple[str, ...], spec: Spec, aliases: Mapping[str, str], *, permute: bool = True) -> Parsed:
    """Read a command line without its first word.

    Raises:
        UsageError: in the words of getopt_long.
    """
    options: list[tuple[str, str]] = []
    operands: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":
            operands += rest
            break
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            found = [name] if name in spec else [known for known in spec if known.startswith(name)]
            if not found:
                raise UsageError(f"{tool}: unrecognized option '{name}'")
            if len(found) > 1:
                possible = " ".join(f"'{known}'" for known in found)
                raise UsageError(f"{tool}: option '{name}' is ambiguous; possibilities: {possible}")
            takes = spec[found[0]]
            if equals and takes is Takes.NOTHING:
                raise UsageError(f"{tool}: option '{found[0]}' doesn't allow an argument")
            if takes is Takes.VALUE and not equals:
                if not rest:
                    raise UsageError(f"{tool}: option '{found[0]}' requires an argument")
                value = rest.pop(0)
            options.append((found[0], value))
        elif len(word) > 1 and word.startswith("-"):
            _short(tool, word[1:], rest, spec, aliases, options)
        elif permute:
            operands.append(word)
        else:
            operands += [word, *rest]
            break
    return Parsed(tuple(options), tuple(operands))


def _short(
    tool: str,
    cluster: str,
    rest: list[str],
    spec: Spec,
    aliases: Mapping[str, str],
    options: list[tuple[str, str]],
) -> None:
    while cluster:
        letter, cluster = cluster[0], cluster[1:]
        name = aliases.get(f"-{letter}", "")
        if not name:
            raise UsageError(f"{tool}: invalid option -- '{letter}'")
        takes = spec[name]
        value = ""
        if takes is not Takes.NOTHING:
            value, cluster = cluster, ""
            if not value and takes is Takes.VALUE:
                if not rest:
                    raise UsageError(f"{tool}: option requires an argument -- '{letter}'")
                value = rest.pop(0)
        options.append((name, value))
