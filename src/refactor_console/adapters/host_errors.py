"""Everything that can go wrong with a host, as a few exceptions that each carry a `Problem`.

Exception tree (codes in brackets; they are stable)::

    HostError
    ├── HostUnreachable      [name-unknown] [unreachable] [refused] [not-ssh] [handshake-closed]
    │                        [handshake-timeout] [no-common-algorithm] [login-timeout]
    ├── HostKeyRejected      [host-key-unknown] [host-key-changed] [host-key-revoked]
    ├── LoginRefused         [auth-failed] [identity-missing] [identity-unreadable] [identity-encrypted]
    ├── SshConfigError       [ssh-config] [known-hosts-unreadable]
    ├── HostConnectionLost   [connection-lost] [connection-closed]
    ├── CommandTimedOut      [command-timeout]
    ├── OutputTooLarge       [output-too-large]
    ├── ChannelRefused       [channel-refused]
    ├── ForwardRefused       [socket-missing] [socket-forbidden] [socket-refused] [forward-prohibited]
    │                        [local-socket]
    ├── HostFileError        [file-missing] [file-forbidden] [file-too-large] [file-failed]
    └── HostReadOnly         [read-only]

`HostKeyRejected`, `LoginRefused` and `SshConfigError` stay as they are until a person acts: whoever retries does so
slowly.
"""

from __future__ import annotations

from refactor_console.domain.command import RemoteCommand
from refactor_console.domain.problem import ConsoleError, Problem


class HostError(ConsoleError):
    """The SSH connection, or something that ran over it, failed."""

    needs_a_person = False
    """Whether trying again is pointless until somebody changes something."""


class HostUnreachable(HostError):
    """No SSH session came about: the name, the network, the port, or the server behind it."""


class HostKeyRejected(HostError):
    """The host could not prove that it is the one we know; nothing was sent to it."""

    needs_a_person = True


class LoginRefused(HostError):
    """The host is the right one, and does not let us in."""

    needs_a_person = True


class SshConfigError(HostError):
    """The SSH configuration on this machine could not be used."""

    needs_a_person = True


class HostConnectionLost(HostError):
    """A connection that was up is gone, and whatever ran over it with it."""


class CommandTimedOut(HostError):
    """A command did not end within its time limit; it was ended."""


class OutputTooLarge(HostError):
    """A command printed more than is kept; it was ended."""


class ChannelRefused(HostError):
    """The server would not open another session on the connection."""


class ForwardRefused(HostError):
    """A socket or port on the host could not be reached through the connection."""


class HostFileError(HostError):
    """A file on the host could not be read or written."""


class HostReadOnly(HostError):
    """The console is read-only, and this would have changed something on the host."""


def read_only(what: str) -> HostReadOnly:
    """The refusal of a mutation; `what` is the command or file it would have touched."""
    return HostReadOnly(
        Problem(
            f"Refused in read-only mode: {what}",
            "Start the console without --read-only to allow changes.",
            code="read-only",
        )
    )


def connection_lost(where: str, reason: str) -> HostConnectionLost:
    """The end of a connection that was up; `reason` is the library's own word for it."""
    if "keepalive" in reason:
        return HostConnectionLost(
            Problem(
                f"The connection to {where} went silent: no answer to keep-alives.",
                "Look at the network or VPN in between; the console reconnects by itself.",
                reason,
                code="connection-lost",
            )
        )
    return HostConnectionLost(
        Problem(
            f"The connection to {where} was lost.",
            "The console reconnects by itself.",
            reason,
            code="connection-lost",
        )
    )


def connection_closed(where: str) -> HostConnectionLost:
    """Something was asked of a connection that this console has closed."""
    return HostConnectionLost(Problem(f"The connection to {where} is closed.", code="connection-closed"))


def command_timed_out(command: RemoteCommand, where: str) -> CommandTimedOut:
    """A command ran into its time limit."""
    return CommandTimedOut(
        Problem(
            f"'{brief(command)}' did not end within {command.timeout:g} s on {where}.",
            "Run it there by hand to see whether the host is overloaded.",
            command.render(),
            code="command-timeout",
        )
    )


def output_too_large(command: RemoteCommand, where: str, limit: int) -> OutputTooLarge:
    """A command printed more than `limit` bytes."""
    return OutputTooLarge(
        Problem(
            f"'{brief(command)}' printed more than {limit // 1024} KiB on {where} and was ended.",
            "Run it there by hand, into a file.",
            command.render(),
            code="output-too-large",
        )
    )


def channel_refused(what: str, where: str, reason: str) -> ChannelRefused:
    """The server refused a session channel."""
    return ChannelRefused(
        Problem(
            f"{where} would not open a session for '{what}'.",
            "The server's MaxSessions may be used up (sshd_config): close other sessions over this connection.",
            reason,
            code="channel-refused",
        )
    )


def brief(command: RemoteCommand) -> str:
    """A command short enough for a sentence; the whole of it belongs in the detail."""
    text = command.render()
    return text if len(text) <= 60 else f"{text[:57]}..."
