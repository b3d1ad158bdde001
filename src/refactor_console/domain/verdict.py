"""How a thing stands, in one word; a word and a shape always accompany the colour."""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """The few answers that panes and checks give."""

    OK = "ok"
    DONE = "done"
    """Finished its work and left with success, as a migrator does."""
    WORKING = "working"
    """Between two states; look again soon."""
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"
