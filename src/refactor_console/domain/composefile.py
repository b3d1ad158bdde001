"""The names that a compose file interpolates, by line.

Grammar: https://github.com/compose-spec/compose-spec/blob/main/12-interpolation.md: ``$NAME``, ``${NAME}``, and in
braces ``:-`` ``-`` (default), ``:?`` ``?`` (required), ``:+`` ``+`` (replacement), nested; ``$$`` is a dollar sign.
Compose interpolates values, not keys, after YAML was read: so comments do not count, and what looks like one in quoted
text or a block of text is none. The file is scanned for that much of YAML and no more: one that is no valid YAML still
tells its names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from refactor_console.domain.contract import ComposeName

MOST_CHARACTERS = 1024 * 1024
"""Of a file; what is beyond is not read, and a note says so."""
MOST_NESTED = 20
MOST_NOTES = 20

_NAME = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*")
_OPERATOR = re.compile(r":[-?+]|[-?+]")
_BRACE = re.compile(r"[{}]")
_ENV_FILE = re.compile(r"^[\s-]*env_file\s*:", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ComposeNames:
    """What a compose file reads."""

    names: tuple[ComposeName, ...]
    """Sorted by name, each once."""
    notes: tuple[str, ...] = ()
    """What compose would refuse, by line number, at most `MOST_NOTES`; never a word of the file itself."""
    reads_files: bool = False
    """Whether a service has an ``env_file``: names may reach a container without being interpolated."""


@dataclass(frozen=True, slots=True)
class Use:
    """One place where a name is read."""

    name: str
    line: int
    operator: str = ""
    """``:-`` and the like; empty for the plain name."""
    argument: str = ""
    """What follows the operator."""
    nested: bool = False
    """Whether it stands in the argument of another."""

    @property
    def default(self) -> str | None:
        """What is taken when it is unset; None when there is nothing."""
        if self.operator in (":-", "-"):
            return self.argument
        return "" if self.operator in (":+", "+") else None

    @property
    def required(self) -> bool:
        """Whether compose refuses to go on without it."""
        return self.operator in (":?", "?")


@dataclass(slots=True)
class _Found:
    uses: list[Use] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def compose_names(text: str) -> ComposeNames:
    """The names that a compose file interpolates. Never fails; see `ComposeNames.notes`."""
    found = _Found()
    if len(text) > MOST_CHARACTERS:
        text = text[:MOST_CHARACTERS]
        found.wrong.append(f"Only the first {MOST_CHARACTERS:,} characters were read.")
    for line, value in values(text):
        _read(value, line, found)
    notes = list(dict.fromkeys(found.wrong))
    if len(notes) > MOST_NOTES:
        notes = [*notes[: MOST_NOTES - 1], f"{len(notes) - MOST_NOTES + 1} more lines were not understood."]
    return ComposeNames(_gathered(found.uses), tuple(notes), _ENV_FILE.search(text) is not None)


def uses(value: str, line: int = 1) -> tuple[Use, ...]:
    """The names that one value interpolates, nested ones after the one they are nested in."""
    found = _Found()
    _read(value, line, found)
    return tuple(found.uses)


def _gathered(all_uses: Iterable[Use]) -> tuple[ComposeName, ...]:
    by_name: dict[str, list[Use]] = {}
    for use in all_uses:
        by_name.setdefault(use.name, []).append(use)
    made = []
    for name, several in sorted(by_name.items()):
        # A place that depends on another name says nothing of those that do not.
        counted = [use for use in several if not use.nested] or several
        defaults = [use.default for use in counted]
        made.append(
            ComposeName(
                name=name,
                # One place without a default is enough for the name to be needed.
                default=None if None in defaults else defaults[0],
                required=any(use.required for use in counted),
                lines=tuple(dict.fromkeys(use.line for use in several)),
                conditional=all(use.nested for use in several),
                empty_passes=any(use.operator in ("-", "?", "+") for use in counted),
            )
        )
    return tuple(made)


# -- interpolation


def _read(value: str, line: int, found: _Found) -> None:
    """Gather the names in a value, and in the arguments of its names."""
    open_texts = [(value, 0)]
    while open_texts:
        text, depth = open_texts.pop()
        if depth > MOST_NESTED:
            found.wrong.append(f"Line {line}: names are nested more than {MOST_NESTED} deep.")
            continue
        nested = [(use.argument, depth + 1) for use in _uses(text, line, depth > 0, found) if "$" in use.argument]
        open_texts += reversed(nested)


def _uses(text: str, line: int, nested: bool, found: _Found) -> Iterator[Use]:
    at = 0
    while (at := text.find("$", at)) >= 0:
        if text.startswith("$$", at):
            at += 2
            continue
        braced = text.startswith("${", at)
        name = _NAME.match(text, at + (2 if braced else 1))
        if not braced:
            at += 1  # a dollar sign before anything but a name is just that
            if name is not None:
                at = name.end()
                use = Use(name.group(), line, nested=nested)
                found.uses.append(use)
                yield use
            continue
        end = _closing(text, at + 1)
        if end is None:
            found.wrong.append(f"Line {line}: a ${{ is not closed.")
            return
        use_or_none = _braced(text, name, end, line, nested)
        if use_or_none is None:
            found.wrong.append(f"Line {line}: what stands in ${{...}} is no interpolation; $$ is a dollar sign.")
        else:
            found.uses.append(use_or_none)
            yield use_or_none
        at = end + 1


def _braced(text: str, name: re.Match[str] | None, end: int, line: int, nested: bool) -> Use | None:
    if name is None or name.end() > end:
        return None
    if name.end() == end:
        return Use(name.group(), line, nested=nested)
    operator = _OPERATOR.match(text, name.end(), end)
    if operator is None:
        return None
    return Use(name.group(), line, operator.group(), text[operator.end() : end], nested)


def _closing(text: str, at: int) -> int | None:
    """Where the brace that opens at a place closes; None when it does not."""
    depth = 0
    for found in _BRACE.finditer(text, at):
        depth += 1 if found.group() == "{" else -1
        if depth == 0:
            return found.start()
    return None


# -- as much of YAML as it takes


def values(text: str) -> Iterator[tuple[int, str]]:
    """Line number and text of what stands in values: no comments, no keys."""
    scanner = _Scanner()
    for number, line in enumerate(text.split("\n"), start=1):
        for piece in scanner.values_of(line.removesuffix("\r")):
            if "$" in piece:
                yield number, piece


@dataclass(slots=True)
class _Scanner:
    """Where in the file we are, as far as it decides what is a comment and what is a key."""

    quote: str = ""
    """The quotation mark that is open."""
    block: int | None = None
    """In a block of text: the column that its lines are to the right of."""
    flow: int = 0
    """Brackets that are open."""

    def values_of(self, line: str) -> list[str]:
        """The values on the next line."""
        if self.block is not None:
            if not line.strip() or _indent(line) > self.block:
                return [line]
            self.block = None
        return self._scanned(line)

    def _scanned(self, line: str) -> list[str]:
        pieces: list[str] = []
        at = begun = 0
        parent = -1
        """Column of the key or dash that the present value belongs to."""
        plain = False
        """Within a text without quotation marks, where most signs mean nothing."""
        while at < len(line):
            letter = line[at]
            if self.quote:
                at = self._inside_quote(line, at)
            elif letter == "#" and (at == 0 or line[at - 1] in _BLANK):
                break
            elif letter == ":" and self._ends_key(line, at):
                parent = begun + _indent(line[begun:])
                at, begun, plain = at + 1, at + 1, False  # what came before was a key
            elif plain:
                at, cut = self._inside_plain(line, at)
                if cut:
                    pieces.append(line[begun : at - 1])
                    begun, plain = at, False
            elif letter in "\"'":
                self.quote, at = letter, at + 1
            elif letter in "-?" and line[at + 1 : at + 2] in _AFTER:
                parent = at
                at, begun = at + 1, at + 1
            elif letter in "[]{},":
                pieces.append(line[begun:at])
                self.flow = max(self.flow + _FLOW[letter], 0)
                at, begun = at + 1, at + 1
            elif letter in "!&":
                at = _word_end(line, at)
            elif letter in "|>" and not self.flow:
                self.block = parent
                return pieces
            else:
                plain = letter not in _BLANK
                at += letter in _BLANK
        pieces.append(line[begun:at])
        return pieces

    def _inside_quote(self, line: str, at: int) -> int:
        letter = line[at]
        if letter == "\\" and self.quote == '"':
            return at + 2
        if letter == self.quote:
            if self.quote == "'" and line.startswith("''", at):
                return at + 2
            self.quote = ""
        return at + 1

    def _inside_plain(self, line: str, at: int) -> tuple[int, bool]:
        """Where to go on, and whether the text ended before that sign."""
        letter = line[at]
        if not self.flow or letter not in "$,[]{}":
            return at + 1, False
        if letter == "$":
            # YAML itself would want quotation marks around this; the name is meant all the same.
            end = _closing(line, at + 1) if line.startswith("${", at) else None
            return (at if end is None else end) + 1, False
        self.flow = max(self.flow + _FLOW[letter], 0)
        return at + 1, True

    def _ends_key(self, line: str, at: int) -> bool:
        following = line[at + 1 : at + 2]
        return following in _AFTER or (self.flow > 0 and following in ",[]{}")


_BLANK = " \t"
_AFTER = ("", " ", "\t")
_FLOW = {"[": 1, "{": 1, "]": -1, "}": -1, ",": 0}


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _word_end(line: str, at: int) -> int:
    while at < len(line) and line[at] not in _BLANK:
        at += 1
    return at
