"""The ``.env`` file as docker compose reads it: names, whether they are empty, and a keyed hash. No value is kept.

Format: https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/#env-file-syntax, and where
that is silent, what compose does: it also takes ``NAME: value``, quoted values over several lines, and a ``#`` after a
space as a comment. References to other names (``$NAME``) are left as they are.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from refactor_console.domain.contract import HostName

MOST_CHARACTERS = 1024 * 1024
"""Of a file; what is beyond is not read, and a note says so."""
MOST_NOTES = 20

_SPACES = " \t\v\f\r\x85\xa0"
"""What compose takes for space within a line."""
_EXPORT = re.compile(rf"export[{_SPACES}]+")
_NAME = re.compile(r"[\w.\[\]-]+")
_ORDINARY = re.compile(r"[A-Z_][A-Z0-9_]*|[a-z]+(_[a-z]+)+")
"""Names that people give to variables; all others may be a line of base64 when nothing follows their ``=``."""
_BASE64 = re.compile(r"[A-Za-z0-9+/=_-]+")
_ENDLESS = "a quoted value does not end, so what follows is not read"
_TRAILED = "text follows a quoted value of several lines, so what is below is not read"
_STOPS = (_ENDLESS, _TRAILED)
_PEM_BEGIN = "-----BEGIN "
_PEM_END = "-----END "
_ESCAPE = re.compile(r"\\([abfnrtv$\"\\])")
_ESCAPED = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "$": "$", '"': '"', "\\": "\\"}


@dataclass(frozen=True, slots=True)
class DotEnv:
    """What a file defines. Holds no value."""

    names: tuple[HostName, ...]
    """Sorted; of several lines for one name the last counts, as for compose."""
    notes: tuple[str, ...] = ()
    """What compose would refuse, by line number, at most `MOST_NOTES`; never a word of the file itself."""
    complete: bool = True
    """False when there may be names below what was read."""


def keyed_digest(key: bytes) -> Callable[[str], str]:
    """The function that turns a value into what may be kept of it (see `HostName.digest`)."""

    def digest(value: str) -> str:
        return hmac.new(key, value.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:12]

    return digest


def read(text: str, digest: Callable[[str], str], written_at: datetime | None = None) -> DotEnv:
    """Read a file. Never fails: what compose would refuse is noted and skipped.

    Args:
        text: the file.
        digest: what to keep of a value; see `keyed_digest`.
        written_at: when the file was last written.
    """
    names: dict[str, HostName] = {}
    notes: list[str] = []
    complete = len(text) <= MOST_CHARACTERS
    if not complete:
        text = text[:MOST_CHARACTERS]
        notes.append(f"Only the first {MOST_CHARACTERS:,} characters were read.")
    for line, name, value in _statements(text.removeprefix("\ufeff")):
        if value is None:
            notes.append(f"Line {line}: {name}.")
            complete = complete and name not in _STOPS
        elif not name[0].isdigit():  # compose passes over such names in silence
            names[name] = HostName(name, not value, digest(value), written_at)
    if len(notes) > MOST_NOTES:
        notes = [*notes[: MOST_NOTES - 1], f"{len(notes) - MOST_NOTES + 1} more lines were not understood."]
    return DotEnv(tuple(sorted(names.values(), key=lambda found: found.name)), tuple(notes), complete)


def _statements(text: str) -> Iterator[tuple[int, str, str | None]]:
    """Line, name and value of each definition; for what is wrong, line, reason and None.

    Where compose would take a piece of a value for a name, the piece is passed over: it would be shown.
    """
    at, line = 0, 1
    within = False
    """Whether the line before was one of a value that goes on without quotes."""
    while at < len(text):
        if text[at].isspace():
            line += text[at] == "\n"
            at += 1
            continue
        end = _line_end(text, at)
        if text[at] == "#":
            at = end
            continue
        begun, name, sign = _head(text, at, end)
        if _NAME.fullmatch(name) is None:
            yield line, "what stands before the = is no name", None
            within = _goes_on(text[begun:end].rstrip())
            at = end
            continue
        if sign is None:  # only a name: it is passed on from the environment, and defined elsewhere if at all
            within = _goes_on(name)
            at = end
            continue
        at = end - len(text[sign + 1 : end].lstrip(_SPACES))
        if text[at : at + 1] not in ("'", '"'):
            value = text[at:end].split(" #", 1)[0].rstrip()
            at = end
            ends, within = within, False
            if not value.strip("=") and (value or _may_be_base64(name, ends)):
                yield line, "it looks like the rest of a value over several lines without quotes", None
                continue
            yield line, name, value
            if _PEM_BEGIN in value and _PEM_END not in value:
                # Compose would take the lines of the key for names; here they would be shown.
                yield line, "a key or certificate stands there without quotes; its lines are not read", None
                at = _pem_end(text, end)
                line += text.count("\n", end, at)
            continue
        within = False
        closing = _quote_end(text, at)
        if closing is None:
            yield line, _ENDLESS, None
            return  # nor does compose; whatever is below may be part of the value
        yield line, name, _unquoted(text[at + 1 : closing], text[at])
        lines = text.count("\n", at, closing)
        line += lines
        at = _line_end(text, closing)
        rest = text[closing + 1 : at].strip()
        if rest and not rest.startswith("#"):
            if lines:  # whose quote that was is not known, so neither is where the next value ends
                yield line, _TRAILED, None
                return
            yield line, "text follows a quoted value", None


def _head(text: str, at: int, end: int) -> tuple[int, str, int | None]:
    """Where a line's name begins, the name, and where the first ``=`` or ``:`` stands."""
    exported = _EXPORT.match(text, at, end)
    begun = exported.end() if exported is not None else at
    signs = [place for place in (text.find("=", begun, end), text.find(":", begun, end)) if place >= 0]
    sign = min(signs, default=None)
    return begun, text[begun : end if sign is None else sign].rstrip(_SPACES), sign


def _goes_on(words: str) -> bool:
    """Whether a line may be one of a value in base64, and not its last one."""
    piece = _BASE64.fullmatch(words) is not None and _ORDINARY.fullmatch(words) is None
    return piece and not words.endswith("=")


def _may_be_base64(name: str, ends: bool) -> bool:
    """Whether a name that stands before a lone ``=`` may be the end of a value in base64.

    Args:
        name: in front of it.
        ends: the line before was one of such a value: then even capitals may be, if four by four.
    """
    return _ORDINARY.fullmatch(name) is None or (ends and "_" not in name and len(name) % 4 == 3)


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _pem_end(text: str, at: int) -> int:
    """Where the last line of a key ends that was begun without quotes; the end of the text when it has none."""
    last = text.find(_PEM_END, at)
    return len(text) if last < 0 else _line_end(text, last)


def _quote_end(text: str, at: int) -> int | None:
    """Where the quote that opens at a place closes; a backslash protects what follows."""
    quote, place = text[at], at + 1
    while place < len(text):
        if text[place] == "\\":
            place += 2
        elif text[place] == quote:
            return place
        else:
            place += 1
    return None


def _unquoted(inside: str, quote: str) -> str:
    if quote == "'":
        return inside.replace("\\'", "'")
    return _ESCAPE.sub(lambda found: _ESCAPED[found[1]], inside)
