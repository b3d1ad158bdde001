"""Which lines a person wants to see: sources, least level, words.

The grammar of a filter, as typed::

    timeout            lines with that text, whatever their case; with a capital in it, exactly as typed
    /5\\d\\d [a-z]+/     a regular expression (the same rule about capitals)
    !/health           lines without it ("!" in front of either form)
    error && !retry    all of several conditions

Marks (a cut, a restart) pass the conditions on level and text: they say whether what is seen is complete.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from refactor_console.domain.logs import Level
from refactor_console.domain.logstore import MARK, Chunk
from refactor_console.domain.text import visible

REACH = 8_192
"""How many characters of a line a regular expression looks at, so that no pattern can hold the console up for long."""
_BLOCK = 16


@dataclass(frozen=True)
class Term:
    """One condition on the text of a line."""

    wanted: str
    """The text, or the pattern, without its decoration."""
    is_pattern: bool = False
    exclude: bool = False

    @property
    def exact(self) -> bool:
        """Whether capitals count: they do as soon as one was typed (``\\S`` and the like are no capitals)."""
        bare = re.sub(r"\\.", "", self.wanted) if self.is_pattern else self.wanted
        return bare != bare.lower()

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The condition as a compiled pattern; plain text is escaped."""
        source = self.wanted if self.is_pattern else re.escape(self.wanted)
        return re.compile(source, 0 if self.exact else re.IGNORECASE)

    @cached_property
    def needle(self) -> bytes | None:
        """What to look for in raw bytes; None where only the pattern can tell."""
        if self.is_pattern or not (self.exact or self.wanted.isascii()):
            return None
        return (self.wanted if self.exact else self.wanted.lower()).encode("utf-8", "surrogatepass")

    def found_in(self, text: str) -> bool:
        """Whether the text holds what is wanted, leaving `exclude` aside."""
        if self.is_pattern:
            return self.pattern.search(text, 0, REACH) is not None
        if self.needle is None:
            return self.wanted.lower() in text.lower()
        return (self.wanted in text) if self.exact else (self.wanted.lower() in _lower_ascii(text))

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where the text holds it, for highlighting; nothing for an excluding term."""
        if self.exclude:
            return []
        found = self.pattern.finditer(text, 0, REACH) if self.is_pattern else self.pattern.finditer(text)
        return [match.span() for match in found if match.end() > match.start()]

    def keep(self, chunk: Chunk, places: Sequence[int]) -> list[int]:
        """Those of the places in a chunk that meet the condition; marks always do."""
        levels = chunk.levels
        if self.needle is not None and len(places) > _BLOCK:
            hits = _block_hits(chunk, places[0], places[-1] + 1, self.needle, lower=not self.exact)
            return [at for at in places if levels[at] >= MARK or (at in hits) is not self.exclude]
        return [at for at in places if levels[at] >= MARK or self.found_in(chunk.text(at)) is not self.exclude]

    def __str__(self) -> str:
        shown = f"/{self.wanted}/" if self.is_pattern else self.wanted
        return f"!{shown}" if self.exclude else shown


def _lower_ascii(text: str) -> str:
    """Lower case for ASCII letters only: what the search in raw bytes does."""
    return text.lower() if text.isascii() else text.encode("utf-8").lower().decode("utf-8")


def _block_hits(chunk: Chunk, start: int, stop: int, needle: bytes, *, lower: bool) -> set[int]:
    """The places whose text holds the needle, found in one sweep over the bytes of them all."""
    base = chunk.span(start)[0]
    hay = bytes(chunk.blob[base : chunk.ends[stop - 1]])
    if lower:
        hay = hay.lower()
    hits: set[int] = set()
    found = hay.find(needle)
    while found >= 0:
        at = bisect_right(chunk.ends, base + found, start, stop)
        hits.add(at)
        found = hay.find(needle, chunk.ends[at] - base)
    return hits


@dataclass(frozen=True, slots=True)
class Parsed:
    """What became of a typed filter."""

    terms: tuple[Term, ...] = ()
    problem: str = ""
    """What is wrong with it, as one sentence; empty when nothing is."""


_ESCAPED = re.compile(r"\\.", re.DOTALL)
_CLASS = re.compile(r"\[\^?\]?[^\]]*\]")
_POSSESSIVE = re.compile(r"(?:[*+?]|\{\d*,?\d*\})\+")
_GROUP = re.compile(r"\((\?>)?([^()]*)\)([*+]|\{\d*,\})?")
_REPEAT = re.compile(r"[*+\ue000]|\{\d*,\}")


def parse(typed: str) -> Parsed:
    """Read a filter as typed; a problem instead of an exception when it makes no sense."""
    terms: list[Term] = []
    for part in typed.split(" && "):
        word = part.strip() if " && " in typed else part
        exclude = word.startswith("!") and len(word) > 1
        word = word[1:] if exclude else word
        if not word.strip():
            continue
        if len(word) > 2 and word.startswith("/") and word.endswith("/"):
            problem = pattern_problem(word[1:-1])
            if problem:
                return Parsed(problem=problem)
            terms.append(Term(word[1:-1], is_pattern=True, exclude=exclude))
        else:
            terms.append(Term(visible(word), exclude=exclude))
    return Parsed(tuple(terms))


def pattern_problem(pattern: str) -> str:
    """What is wrong with a regular expression, as one sentence; empty when it can be used."""
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        where = getattr(error, "pos", None)
        place = f" at character {where + 1}" if isinstance(where, int) else ""
        return f"/{visible(pattern)}/ is not a regular expression: {getattr(error, 'msg', error)}{place}."
    if _can_run_away(pattern):
        shown = visible(pattern)
        return f"/{shown}/ repeats a repeat and could run for ever: make the inner one possessive, as in (a++)+."
    return ""


def _can_run_away(pattern: str) -> bool:
    """Whether a group that repeats without bound holds an unbounded repeat: the shape whose time grows exponentially.

    Possessive (``++``) and atomic forms are exempt, because they cannot backtrack.
    """
    bare = _POSSESSIVE.sub("", _CLASS.sub("x", _ESCAPED.sub("x", pattern)))
    while True:
        group = _GROUP.search(bare)
        if group is None:
            return False
        atomic, inside, quantifier = group.groups()
        repeats = not atomic and _REPEAT.search(inside) is not None
        if repeats and quantifier:
            return True
        bare = f"{bare[: group.start()]}{chr(0xE000) if repeats or quantifier else 'x'}{bare[group.end() :]}"


@dataclass(frozen=True)
class LogFilter:
    """Everything that decides whether an entry is shown."""

    hidden: frozenset[str] = frozenset()
    """Keys of sources that are switched off; a source that is new is therefore shown."""
    only: str | None = None
    """The key of the one source to show, whatever is hidden."""
    level: Level = Level.UNKNOWN
    """The least level; lines without a level pass only when this is `UNKNOWN`."""
    terms: tuple[Term, ...] = ()
    marks: bool = True
    """Whether marks pass."""
    typed: str = field(default="", compare=False)
    """How the terms were typed."""

    @property
    def passes_all(self) -> bool:
        """Whether nothing is held back."""
        return not (self.hidden or self.only or self.level or self.terms) and self.marks

    def shows(self, source: str) -> bool:
        """Whether lines of this source are wanted at all."""
        return source == self.only if self.only else source not in self.hidden

    def select(self, chunk: Chunk, start: int, stop: int) -> Sequence[int]:
        """The places from `start` to `stop` of a chunk that pass."""
        if start >= stop or not self.shows(chunk.source):
            return ()
        levels = chunk.levels
        places: Sequence[int] = range(start, stop)
        if self.level:
            least = int(self.level)
            places = [at for at, level in enumerate(levels[start:stop], start) if level >= least]
        if not self.marks and chunk.marks:
            places = [at for at in places if levels[at] < MARK]
        for term in self.terms:
            if not places:
                break
            places = term.keep(chunk, places)
        return places

    def finding(self, terms: tuple[Term, ...]) -> LogFilter:
        """What passes this filter *and* holds these words: the hits of a search. Marks are no hits."""
        return replace(self, terms=self.terms + terms, marks=False)

    def at_least(self, level: Level) -> LogFilter:
        """What passes this filter and is at least so serious. Marks do not count."""
        return replace(self, level=max(level, self.level), marks=False)

    def describe(self) -> str:
        """The filter on level and text in words, such as ``WARN and worse · !/health``; empty when there is none."""
        parts = [f"{self.level.word} and worse"] if self.level else []
        return " · ".join([*parts, *(str(term) for term in self.terms)])
