"""What can go wrong with the Docker Engine, as sentences; and how to tell the causes apart.

Exception tree::

    EngineError
    ├── EngineUnreachable    the connection to the socket failed; `diagnose` finds out why
    │   ├── EngineStopped    the socket is there (or would be), nobody answers
    │   ├── SocketAbsent     there is no socket at that path
    │   └── EngineDenied     the login user may not use the socket
    ├── EngineTooOld         it speaks no version of the API that the console understands
    ├── EngineTimeout        no answer in time
    ├── EngineCut            the connection broke in the middle of an answer
    ├── EngineMalformed      the answer is not what the API promises
    ├── EngineReadOnly       a mutation was asked for in read-only mode; nothing was sent
    └── EngineSaid           the Engine refused, in its own words
        ├── ContainerGone    404
        ├── EngineConflict   409
        └── LogsUnsupported  the container's log driver cannot be read

Through an SSH forward every failure of the socket looks the same (the connection closes at once), so `diagnose` asks
the host itself.
"""

from __future__ import annotations

import http.client
import re
from typing import Protocol

from refactor_console.domain import commands
from refactor_console.domain.command import Completed, RemoteCommand
from refactor_console.domain.environment import Environment
from refactor_console.domain.problem import ConsoleError, Problem


class EngineError(ConsoleError):
    """Base of everything that goes wrong between the console and the Docker Engine."""


class EngineUnreachable(EngineError):
    """The connection to the socket failed before the Engine answered."""


class EngineStopped(EngineUnreachable):
    """The Engine does not run."""


class SocketAbsent(EngineUnreachable):
    """There is no socket where the environment says it is."""


class EngineDenied(EngineUnreachable):
    """The login user may not connect to the socket."""


class EngineTooOld(EngineError):
    """The Engine speaks no version of the API that the console understands."""


class EngineTimeout(EngineError):
    """No answer within the time limit; whether a mutation happened is not known."""


class EngineCut(EngineError):
    """The connection broke in the middle of an answer or a stream."""


class EngineMalformed(EngineError):
    """An answer that is not what the Engine API promises."""


class EngineReadOnly(EngineError):
    """A mutation was asked for in read-only mode; nothing was sent."""


class EngineSaid(EngineError):
    """The Engine refused a request, in its own words."""


class ContainerGone(EngineSaid):
    """404: there is no such container."""


class EngineConflict(EngineSaid):
    """409: the container's state does not allow it."""


class LogsUnsupported(EngineSaid):
    """The container's log driver does not support reading."""


class CommandRunner(Protocol):
    """The part of a host connection that `diagnose` needs."""

    async def run(self, command: RemoteCommand) -> Completed:
        """Run one command to its end."""


def read_only(what: str) -> EngineReadOnly:
    """The refusal of a mutation in read-only mode."""
    return EngineReadOnly(
        Problem(
            f"Read-only mode: the request to {what} was not sent.",
            "Leave read-only mode (start without --read-only) if you mean it.",
            code="read-only",
        )
    )


def timed_out(what: str, seconds: float) -> EngineTimeout:
    """No answer in `seconds` to the request to `what`."""
    return EngineTimeout(
        Problem(
            f"The Docker Engine gave no answer to the request to {what} within {seconds:.0f} s.",
            "Look at the host's load and at `journalctl -u docker.service`; the console asks again by itself.",
            code="timeout",
        )
    )


def malformed(what: str, detail: str) -> EngineMalformed:
    """An answer to `what` that cannot be understood."""
    return EngineMalformed(
        Problem(
            f"The Docker Engine's answer to the request to {what} could not be understood.",
            "Check that the configured docker_socket belongs to a Docker Engine.",
            detail[:500],
            code="malformed",
        )
    )


def cut(what: str, detail: str) -> EngineCut:
    """The connection broke while the answer to `what` was read."""
    return EngineCut(
        Problem(
            f"The connection to the Docker Engine broke while the console was trying to {what}.",
            "The console connects again by itself.",
            detail[:500],
            code="cut",
        )
    )


def too_old(version: str, oldest: str) -> EngineTooOld:
    """The Engine's newest API version is older than what the console was made for."""
    return EngineTooOld(
        Problem(
            f"The Docker Engine speaks API {version}; the console needs {oldest} (Docker 20.10) or newer.",
            "Upgrade Docker on the host.",
            code="api-too-old",
        )
    )


def refused(what: str, status: int, words: str) -> EngineSaid:
    """The Engine answered with an error status; `words` is its message."""
    words = words.strip() or f"HTTP status {status}"
    if "does not support reading" in words:
        return LogsUnsupported(
            Problem(
                "This container's log driver does not support reading: its lines cannot be shown here.",
                "Read them where the driver sends them, or give the service the json-file or local driver.",
                words[:500],
                code="logs-unsupported",
            )
        )
    if status == http.client.NOT_FOUND:
        return ContainerGone(
            Problem(
                f"The Docker Engine could not {what}: the container is gone.",
                "It was removed or made anew; choose it again from the list.",
                words[:500],
                code="container-gone",
            )
        )
    if status == http.client.CONFLICT:
        return EngineConflict(
            Problem(
                f"The Docker Engine could not {what}: the container's state does not allow it ({words[:200]}).",
                "Look at its present state and try again.",
                words[:500],
                code="conflict",
            )
        )
    return EngineSaid(
        Problem(
            f"The Docker Engine could not {what}: {words[:300]}",
            "",
            f"HTTP {status}: {words[:500]}",
            code="engine-said",
        )
    )


def unreachable(path: str, what: str, cause: BaseException | None) -> EngineUnreachable:
    """The connection failed; the local reasons are plain when the socket is on this machine."""
    detail = "" if cause is None else f"{type(cause).__name__}: {cause}"[:500]
    match cause:
        case FileNotFoundError():
            return SocketAbsent(
                Problem(
                    f"There is no socket at {path}.", "Check docker_socket in the settings.", detail, "socket-absent"
                )
            )
        case PermissionError():
            return EngineDenied(
                Problem(f"This user may not connect to {path}.", "Join the docker group.", detail, "no-permission")
            )
        case ConnectionRefusedError():
            return EngineStopped(
                Problem(
                    f"Nobody answers at {path}.",
                    "Start it on the host: sudo systemctl start docker",
                    detail,
                    "engine-stopped",
                )
            )
        case _:
            return EngineUnreachable(
                Problem(
                    f"The connection to the Docker Engine was closed at once when the console tried to {what}.",
                    "The console tries again by itself.",
                    detail,
                    code="unreachable",
                )
            )


async def diagnose(host: CommandRunner, environment: Environment) -> EngineUnreachable:
    """Find out on the host why the Engine's socket cannot be used.

    Raises:
        ConsoleError: when the host itself cannot be asked; that is the better explanation then.
    """
    path = environment.docker_socket
    described = await host.run(commands.describe_path(path))
    unit = (await host.run(commands.is_active("docker.service"))).text.strip().rpartition("\n")[2]
    if not described.ok:
        return _absent(path, unit, described.errors)
    kind, mode, owner, group = _fields(described.text)
    if kind != "socket":
        return SocketAbsent(
            Problem(
                f"{path} on the host is not a socket but a {kind or 'thing that stat could not name'}.",
                "Check docker_socket in the settings.",
                described.text.strip()[:300],
                code="socket-absent",
            )
        )
    identity = await host.run(commands.identify())
    user, uid, groups = _identity(identity.text)
    if user and not _may_write(mode, owner, group, user, uid, groups):
        return EngineDenied(
            Problem(
                f"User {user} may not use the Docker Engine's socket {path}: it belongs to {owner}:{group} ({mode}).",
                _way_in(path, mode, group, user),
                f"{user} is in: {', '.join(groups)}",
                code="no-permission",
            )
        )
    if unit in ("active", "reloading"):
        return EngineUnreachable(
            Problem(
                f"docker.service is {unit}, but a connection to {path} was closed at once.",
                "It may be starting, or sshd forbids forwarding (AllowStreamLocalForwarding, DisableForwarding).",
                described.text.strip()[:300],
                code="unreachable",
            )
        )
    return _stopped(path, unit)


def _absent(path: str, unit: str, words: str) -> EngineUnreachable:
    if unit in ("inactive", "failed", "activating", "deactivating"):
        return _stopped(path, unit, words)
    return SocketAbsent(
        Problem(
            f"There is no Docker Engine socket at {path} on the host.",
            "Check docker_socket in the settings, and that Docker is installed there.",
            words[:300],
            code="socket-absent",
        )
    )


def _stopped(path: str, unit: str, words: str = "") -> EngineStopped:
    return EngineStopped(
        Problem(
            f"The Docker Engine does not run: docker.service is {unit or 'unknown'}, and nobody answers at {path}.",
            "On the host: sudo systemctl start docker, and journalctl -u docker.service tells why it stopped.",
            words[:300],
            code="engine-stopped",
        )
    )


def _fields(text: str) -> tuple[str, str, str, str]:
    """The four fields of ``stat -c '%F|%A|%U|%G'``, whatever a shell printed before them."""
    for line in reversed(text.splitlines()):
        parts = line.strip().split("|")
        if len(parts) == 4:
            return parts[0], parts[1], parts[2], parts[3]
    return "", "", "", ""


_ID = re.compile(r"uid=(\d+)\(([^)]*)\).*?groups=(.*)")


def _identity(text: str) -> tuple[str, int, tuple[str, ...]]:
    """User name, number and group names out of ``id``; an empty name when there is no such line."""
    found = _ID.search(text)
    if not found:
        return "", -1, ()
    return found[2], int(found[1]), tuple(re.findall(r"\d+\(([^)]*)\)", found[3]))


def _way_in(path: str, mode: str, group: str, user: str) -> str:
    """What to do about a socket that the user may not write to: joining its group helps only where that may write."""
    if mode[5] != "w" or group == "root":
        return f"On the host: sudo chgrp docker {path} && sudo chmod g+rw {path}, as Docker itself makes it."
    return f"On the host: sudo usermod -aG {group} {user}, then log in again (reconnect the console)."


def _may_write(mode: str, owner: str, group: str, user: str, uid: int, groups: tuple[str, ...]) -> bool:
    """Whether the mode bits (``srw-rw----``) let this user connect; what they do not say is taken as yes."""
    if uid == 0 or len(mode) < 10:
        return True
    if user == owner:
        return mode[2] == "w"
    if group in groups:
        return mode[5] == "w"
    return mode[8] == "w"
