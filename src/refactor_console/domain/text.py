"""Neutralising text that came from outside, so that it can only ever be looked at.

A log line, a container's name or a commit message may hold terminal control sequences. Nothing from outside reaches the
terminal before it went through `visible`. (Markup is a separate danger and is avoided by never parsing outside text as
markup: widgets use `textual.content.Content` or ``markup=False``.)
"""

from __future__ import annotations

import re

# CSI (ESC [ ... final), OSC (ESC ] ... BEL or ST), other strings (DCS, SOS, PM, APC) and two-byte escapes, with their
# 8-bit C1 forms: what a program writes to colour its log (ECMA-48, 5th edition, sections 5.4 and 8.3). A string that is
# never ended is not a sequence: what follows its beginning is text that someone may need to read. Where a string begins
# within a string, the first one was never ended; so that a line of nothing but beginnings is looked at only once.
_SEQUENCES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b\]|\x9d)[^\x07\x1b\x90\x98\x9c-\x9f]*(?:\x07|\x1b\\|\x9c)"
    r"|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x90\x98\x9c-\x9f]*(?:\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-~]"
)
_SUSPECT = re.compile(
    r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c\ufeff\ud800-\udfff\t]"
)
_TAB_STOP = 4


def _pictures() -> dict[int, str]:
    """The visible stand-ins of whatever `_SUSPECT` finds.

    C0 controls become Unicode's Control Pictures; C1 controls, line and paragraph separators, and the characters that
    reorder or hide text (bidirectional controls, zero-width no-break space) their code; a byte that was not UTF-8
    (decoded with ``surrogateescape``) ``\\xNN``, other surrogates U+FFFD.
    """
    table = {code: chr(0x2400 + code) for code in range(0x20)}
    table |= {code: f"\\x{code:02x}" for code in range(0x7F, 0xA0)}
    table |= {0x7F: "\u2421", ord("\t"): " " * _TAB_STOP}
    hidden = [*range(0x2028, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x61C, 0xFEFF]
    table |= {code: f"\\u{code:04x}" for code in hidden}
    table |= dict.fromkeys(range(0xD800, 0xE000), "\ufffd")
    return table | {0xDC00 + byte: f"\\x{byte:02x}" for byte in range(0x80, 0x100)}


_PICTURES = _pictures()


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
    return strip_sequences(text).translate(_PICTURES)


def decode(raw: bytes) -> str:
    """Bytes from outside as text without losing any: what is not UTF-8 becomes surrogates that `visible` spells out."""
    return raw.decode("utf-8", "surrogateescape")


def whole_number(text: str) -> int | None:
    """A decimal number that a host printed; None for anything else, also for one that no counter of 64 bits reaches."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 20 else None
