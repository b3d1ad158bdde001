"""Remote commands as values: the preview, the audit line and the execution are the same object."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RemoteCommand:
    """One program to run on a host, as an argument list."""

    argv: tuple[str, ...]
    mutates: bool = False
    """Whether it changes anything on the host; refused in read-only mode by the host adapter."""
    timeout: float | None = 20.0
    """Seconds until it is given up; None for a stream that runs until cancelled."""
    stdin: bytes = field(default=b"", repr=False)
    """What the program reads from standard input; never shown, so a secret may go this way."""

    def render(self) -> str:
        """The command as one POSIX shell line: the only place where quoting happens."""
        return shlex.join(self.argv)

    def __str__(self) -> str:
        return self.render()


def sudo(command: RemoteCommand) -> RemoteCommand:
    """The same command through ``sudo -n`` (never prompts: fails at once where a password would be asked)."""
    return RemoteCommand(("sudo", "-n", *command.argv), command.mutates, command.timeout, command.stdin)


@dataclass(frozen=True, slots=True)
class Completed:
    """How a remote command ended."""

    command: RemoteCommand
    exit_status: int
    """The exit status; 255 when the program was ended by a signal or the channel closed without one."""
    stdout: bytes
    stderr: bytes

    @property
    def ok(self) -> bool:
        """Whether it ended with status 0."""
        return self.exit_status == 0

    @property
    def text(self) -> str:
        """Standard output as text; bytes that are not UTF-8 become replacement characters."""
        return self.stdout.decode("utf-8", "replace")

    @property
    def errors(self) -> str:
        """Standard error as text, stripped; bytes that are not UTF-8 become replacement characters."""
        return self.stderr.decode("utf-8", "replace").strip()
