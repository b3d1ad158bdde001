"""Every command the console runs on a host: built here, run by `adapters.host`, imitated by the demo world.

Plain POSIX and systemd tools; nothing is installed on the host.
"""

from __future__ import annotations

from refactor_console.domain.command import RemoteCommand
from refactor_console.domain.unit import UNIT_PROPERTIES

JOURNAL_FIELDS = (
    "MESSAGE",
    "PRIORITY",
    "SYSLOG_IDENTIFIER",
    "_PID",
    "_SYSTEMD_UNIT",
    "_SOURCE_REALTIME_TIMESTAMP",
    "_TRANSPORT",
    "MESSAGE_ID",
    "N_DROPPED",
)
"""Fields asked of ``journalctl``; cursor and timestamps always come besides (journalctl(1), ``--output-fields``)."""

AUDIT_DIRECTORY = ".refactor-console"
"""Where the console keeps its records on a host, below the login user's home."""


def identify() -> RemoteCommand:
    """User and groups: ``uid=1000(deploy) gid=1000(deploy) groups=1000(deploy),999(docker)``."""
    return RemoteCommand(("id",))


def host_name() -> RemoteCommand:
    """The kernel's name for the host."""
    return RemoteCommand(("uname", "-n"))


def cpu_count() -> RemoteCommand:
    """Processors on line."""
    return RemoteCommand(("getconf", "_NPROCESSORS_ONLN"))


def may_restart_unit(unit: str) -> RemoteCommand:
    """Exit status 0 when sudo lets us restart the unit without a password; runs nothing."""
    return RemoteCommand(("sudo", "-n", "-l", "systemctl", "restart", unit))


def proc_vitals() -> RemoteCommand:
    """Load, uptime and memory in one answer."""
    return RemoteCommand(("cat", "/proc/loadavg", "/proc/uptime", "/proc/meminfo"))


def disk_usage(*paths: str) -> RemoteCommand:
    """File systems that hold `paths`, in 1024-byte blocks, POSIX format."""
    return RemoteCommand(("df", "-kP", *paths))


def clock() -> RemoteCommand:
    """Seconds since the epoch with nanoseconds (GNU date)."""
    return RemoteCommand(("date", "-u", "+%s.%N"))


def show_unit(unit: str) -> RemoteCommand:
    """The unit's state as ``Key=value`` lines with times as ``@seconds``."""
    return RemoteCommand(
        ("systemctl", "show", "--no-pager", "--timestamp=unix", f"--property={','.join(UNIT_PROPERTIES)}", "--", unit)
    )


def follow_journal(unit: str, *, after_cursor: str = "", lines: int | None = 500) -> RemoteCommand:
    """Follow a unit's journal as JSON: from after a cursor, or from the last `lines` lines (None: from the first).

    ``--all`` keeps fields over 4096 bytes (they are null otherwise); ``--no-tail`` gives every line since the cursor.
    Where the unit has no line yet, ask for all: with ``--lines`` journalctl 257 then loses the first ones that come.
    """
    tail = "--no-tail" if after_cursor or lines is None else f"--lines={lines}"
    start = (tail, f"--after-cursor={after_cursor}") if after_cursor else (tail,)
    return RemoteCommand(
        (
            "journalctl",
            "--no-pager",
            "--follow",
            "--all",
            "--output=json",
            f"--output-fields={','.join(JOURNAL_FIELDS)}",
            *start,
            f"--unit={unit}",
        ),
        timeout=None,
    )


def journal_access() -> RemoteCommand:
    """Prints a hint on standard error when this user sees only a part of the journal (``--output=json`` is silent)."""
    return RemoteCommand(("journalctl", "--no-pager", "--lines=0"))


def last_journal_entry(unit: str) -> RemoteCommand:
    """The unit's newest entry; prints nothing when it has none."""
    return RemoteCommand(
        ("journalctl", "--no-pager", "--output=json", "--output-fields=PRIORITY", "--lines=1", f"--unit={unit}")
    )


def journal_entry_from(cursor: str) -> RemoteCommand:
    """The first entry at or after a cursor: another one than the cursor's own when that is gone."""
    return RemoteCommand(
        ("journalctl", "--no-pager", "--output=json", "--output-fields=PRIORITY", f"--cursor={cursor}", "--lines=1")
    )


def describe_path(path: str) -> RemoteCommand:
    """Type, mode, owner and group of a path (GNU stat), to explain why a socket cannot be used."""
    return RemoteCommand(("stat", "-L", "-c", "%F|%A|%U|%G", "--", path))


def is_active(unit: str) -> RemoteCommand:
    """One word about a unit, such as ``active`` or ``inactive``; the exit status is not 0 unless active."""
    return RemoteCommand(("systemctl", "is-active", "--", unit))


def make_audit_directory() -> RemoteCommand:
    """Create the host's record directory, private to the login user."""
    return RemoteCommand(("mkdir", "-p", "-m", "0700", "--", AUDIT_DIRECTORY), mutates=True)


def append_audit(line: str) -> RemoteCommand:
    """Append one JSON line to the host's audit log."""
    return RemoteCommand(
        ("tee", "-a", "--", f"{AUDIT_DIRECTORY}/audit.jsonl"), mutates=True, stdin=line.encode() + b"\n"
    )
