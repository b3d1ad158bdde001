"""The systemd unit that owns the stack, as ``systemctl show`` describes it (systemctl(1))."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.domain.text import whole_number
from refactor_console.domain.verdict import Verdict

UNIT_PROPERTIES = (
    "Id",
    "LoadState",
    "ActiveState",
    "SubState",
    "Result",
    "Type",
    "UnitFileState",
    "ExecMainStatus",
    "InvocationID",
    "StateChangeTimestamp",
    "ActiveEnterTimestamp",
    "InactiveEnterTimestamp",
)
"""What the console asks ``systemctl show --timestamp=unix --property=...`` for."""


class UnitError(ConsoleError):
    """The output of ``systemctl show`` could not be understood."""


@dataclass(frozen=True, slots=True)
class UnitStatus:
    """One unit's state."""

    name: str
    load_state: str
    active_state: str
    sub_state: str
    result: str = ""
    kind: str = ""
    """The unit's ``Type=``, such as ``oneshot``."""
    file_state: str = ""
    """``enabled``, ``disabled``, ``static`` ...; empty when the unit has no file."""
    main_status: int | None = None
    """Exit status of the last main process."""
    invocation: str = ""
    changed_at: datetime | None = None
    """When the unit last changed state (UTC)."""

    @property
    def verdict(self) -> Verdict:
        """``active (exited)`` is healthy: the unit is a oneshot that stays after ``docker compose up -d`` returned."""
        if self.load_state == "not-found":
            return Verdict.FAIL
        match self.active_state:
            case "active":
                return Verdict.OK
            case "activating" | "deactivating" | "reloading" | "refreshing" | "maintenance":
                return Verdict.WORKING
            case "failed":
                return Verdict.FAIL
            case "inactive":
                return Verdict.WARN
            case _:
                return Verdict.UNKNOWN

    @property
    def sentence(self) -> str:
        """The state in words, as ``systemctl status`` writes it, with what it means here."""
        if self.load_state == "not-found":
            return f"{self.name} does not exist on this host"
        state = f"{self.active_state} ({self.sub_state})"
        if self.active_state == "failed":
            status = "" if self.main_status is None else f", exit status {self.main_status}"
            return f"{state}: {self.result or 'failed'}{status}"
        if self.active_state == "inactive":
            return f"{state}: the stack was stopped"
        return state


def parse_unit(output: str, unit: str) -> UnitStatus:
    """Read ``systemctl show`` output (``Key=value`` lines; other lines are ignored, shells do print greetings).

    Raises:
        UnitError: when the states are not in the output.
    """
    values: dict[str, str] = {}
    for line in output.splitlines():
        key, equals, value = line.partition("=")
        if equals and key in UNIT_PROPERTIES:
            values[key] = value.strip()
    if not {"LoadState", "ActiveState", "SubState"} <= values.keys():
        raise UnitError(
            Problem(
                f"The host's answer to 'systemctl show {unit}' has no unit state in it.",
                "Run that command on the host by hand and look at what it prints.",
                output[:500],
                code="malformed",
            )
        )
    return UnitStatus(
        name=values.get("Id") or unit,
        load_state=values["LoadState"],
        active_state=values["ActiveState"],
        sub_state=values["SubState"],
        result=values.get("Result", ""),
        kind=values.get("Type", ""),
        file_state=values.get("UnitFileState", ""),
        main_status=whole_number(values.get("ExecMainStatus", "")),
        invocation=values.get("InvocationID", ""),
        changed_at=_unix_time(values.get("StateChangeTimestamp", "")),
    )


def _unix_time(text: str) -> datetime | None:
    """A ``--timestamp=unix`` value (``@1700000000``) in UTC; None for an unset one or another format."""
    seconds = whole_number(text.removeprefix("@")) if text.startswith("@") else None
    if not seconds:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
