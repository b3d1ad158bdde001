"""Neutralising text that came from outside, so that it can only ever be looked at.

A log line, a container's name or a commit message may hold terminal control sequences. Nothing from outside reaches the
terminal before it went through `visible`. (Markup is a separate danger and is avoided by never parsing outside text as
markup: widgets use `textual.content.Content` or ``markup=False``.)
"""

from __future__ import annotations

import re

# CSI (ESC [ ... final), OSC (ESC ] ... BEL or ST), other strings (DCS, SOS, PM, APC) and two-byte escapes, with their
# 8-bit C1 forms: what a program writes to colour its log (ECMA-48, 5th edition, sections 5.4 and 8.3). A string that is
# never ended is not a sequence: what follows its beginning is text that someone may need to read.
_SEQUENCES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"
    r"|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x9c]*(?:\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-~]"
)
# What is left after that: C0 and C1 controls, DEL, the lone surrogates of undecodable bytes, line and paragraph
# separators, and the characters that reorder or hide text (bidirectional controls, zero-width no-break space).
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c\ufeff]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")
_SUSPECT = re.compile(
    r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c\ufeff\ud800-\udfff\t]"
)
_TAB_STOP = 4


def _picture(match: re.Match[str]) -> str:
    """The visible stand-in of one control character (Unicode's Control Pictures block for C0)."""
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    return f"\\u{code:04x}" if code > 0xFF else f"\\x{code:02x}"


def _escaped_byte(match: re.Match[str]) -> str:
    """A byte that was not UTF-8 (decoded with ``surrogateescape``) as ``\\xNN``; other surrogates as U+FFFD."""
    code = ord(match.group())
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else "\ufffd"


def strip_sequences(text: str) -> str:
    """Remove whole terminal control sequences (colours and the like), leaving the words between them."""
    if "\x1b" not in text and not any(c in text for c in "\x90\x98\x9b\x9d\x9e\x9f"):
        return text
    return _SEQUENCES.sub("", text)


def visible(text: str) -> str:
    """One line of outside text made safe to draw: no control character, separator or surrogate is left.

    Colour sequences vanish, other controls become their picture, tabs become spaces, and a line break becomes ``␊``.
    Idempotent, and the identity on text that has none of these.
    """
    if not _SUSPECT.search(text):
        return text
    text = strip_sequences(text).replace("\t", " " * _TAB_STOP)
    text = _SURROGATES.sub(_escaped_byte, text)
    return _CONTROLS.sub(_picture, text)


def decode(raw: bytes) -> str:
    """Bytes from outside as text without losing any: what is not UTF-8 becomes surrogates that `visible` spells out."""
    return raw.decode("utf-8", "surrogateescape")
