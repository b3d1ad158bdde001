"""Audit records: one JSON line per mutation and stage, append only, without secrets."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum


class Stage(StrEnum):
    """When a record was written."""

    INTENT = "intent"
    """Before the act: an intent without a result is a console that died in between."""
    RESULT = "result"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """Who did what, when, from where, to what, and how it ended."""

    at: datetime
    stage: Stage
    action: str
    """The action's name, such as ``container.restart``."""
    environment: str
    target: str
    """What it was done to, such as ``rust-app (0123456789ab)``."""
    who: str
    """The local user."""
    origin: str
    """The local machine's name."""
    what: tuple[str, ...]
    """The exact requests or commands."""
    run: str
    """An identifier shared by the records of one action."""
    outcome: str = ""
    version: str = ""
    """The console's version."""

    def to_json(self) -> str:
        """One line of JSON with sorted keys; the time is RFC 3339 in UTC."""
        values = asdict(self) | {"at": self.at.isoformat()}
        return json.dumps(values, ensure_ascii=True, sort_keys=True)
