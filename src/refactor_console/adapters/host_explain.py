"""From what the SSH library and the system raise to a `HostError` that a tired person can act on.

Imports the SSH library: import this module off the event loop's thread.
"""

from __future__ import annotations

import asyncio
import errno
import re
import socket
from enum import IntEnum

import asyncssh

from refactor_console.adapters import host_errors as errors
from refactor_console.adapters.host_known import KnownKey, lookup_name
from refactor_console.adapters.host_login import Login
from refactor_console.domain.problem import Problem
from refactor_console.domain.text import visible

GREETING_PATIENCE = 1.0
"""Seconds to look what a server that is no SSH server says."""


class Stage(IntEnum):
    """How far a connection attempt came: the same error means different things at different stages."""

    DIALLING = 0
    GREETING = 1
    """TCP is up; versions and keys are being exchanged."""
    LOGGING_IN = 2
    """The host proved who it is."""
    UP = 3


class Attempt(asyncssh.SSHClient):
    """Watches one connection from its first byte to its end."""

    def __init__(self) -> None:
        self.stage = Stage.DIALLING
        self.connection: asyncssh.SSHClientConnection | None = None
        self.presented: asyncssh.SSHKey | None = None
        """The key that the host showed and that was not trusted."""
        self.methods: tuple[str, ...] = ()
        """What the server would still accept when our keys had run out."""
        self.banner = ""
        self.ended = asyncio.Event()
        self.end_reason: str | None = None
        """Why the connection ended, in the library's words; None when this side closed it."""

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        """TCP is up."""
        self.connection = conn
        self.stage = Stage.GREETING

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection ended; `exc` is None when this side closed it."""
        self.end_reason = None if exc is None else str(exc)
        self.ended.set()

    def validate_host_public_key(self, _host: str, _addr: str, _port: int, key: asyncssh.SSHKey) -> bool:
        """Never trust; remember the key for the error."""
        self.presented = key
        return False

    def validate_host_ca_key(self, _host: str, _addr: str, _port: int, key: asyncssh.SSHKey) -> bool:
        """Never trust; remember the key for the error."""
        self.presented = key
        return False

    def auth_banner_received(self, msg: str, _lang: str) -> None:
        """Keep what the server says before the log in; it often explains a refusal."""
        self.banner = (self.banner + msg)[:2000]

    def begin_auth(self, _username: str) -> None:
        """The host proved who it is."""
        self.stage = Stage.LOGGING_IN

    def auth_completed(self) -> None:
        """We are in."""
        self.stage = Stage.UP

    def public_key_auth_requested(self) -> None:
        """Our keys have run out."""
        if self.connection is not None:
            self.methods = tuple(self.connection.get_server_auth_methods())


async def explain(error: Exception, login: Login, attempt: Attempt) -> errors.HostError:
    """Say why the attempt failed.

    Args:
        error: what the library raised: an `asyncssh.Error`, an `OSError` (a timeout is one) or a `ValueError`.
        login: what was tried.
        attempt: how far it came.
    """
    match error:
        case errors.HostError():
            return error
        case asyncssh.HostKeyNotVerifiable():
            return _host_key(error, login, attempt)
        case asyncssh.PermissionDenied():
            return _auth_failed(error, login, attempt)
        case asyncssh.KeyExchangeFailed():
            return _no_common_algorithm(error, login)
        case asyncssh.ChannelOpenError():
            return _jump_refused(error, login)
        case asyncssh.DisconnectError() if attempt.stage is Stage.LOGGING_IN:
            if "authentication failures" in str(error):
                return _auth_failed(error, login, attempt)
            return _dropped_at_login(error, login, attempt)
        case socket.gaierror():
            return _unresolvable(error, login)
        case TimeoutError() if attempt.stage is Stage.LOGGING_IN:
            return _slow_login(login)
    if attempt.stage is Stage.DIALLING and isinstance(error, OSError):
        return _unreachable(error, login)
    return await _no_ssh(error, login, attempt)


def _host_key(error: Exception, login: Login, attempt: Attempt) -> errors.HostKeyRejected:
    name = lookup_name(login.lookup, login.port)
    known = login.known
    if "revoked" in str(error):
        lines = ", ".join(key.place for key in known.revoked)
        return errors.HostKeyRejected(
            Problem(
                f"The host key of {login.where} is marked as revoked; nothing was sent to it.",
                f"Treat the host as compromised until its owner says otherwise. The mark is at {lines}.",
                f"{error}\nrevoked keys: {_list(known.revoked)}",
                code="host-key-revoked",
            )
        )
    shown = attempt.presented
    seen = f"{shown.get_algorithm()} {shown.get_fingerprint()}" if shown is not None else "a key of unknown type"
    if known.keys or known.authorities:
        places = ", ".join(dict.fromkeys(key.place for key in (*known.keys, *known.authorities)))
        file = (known.keys or known.authorities)[0].file
        return errors.HostKeyRejected(
            Problem(
                f"The host key of {login.where} has CHANGED: it shows {seen}, which is not the one in {places}. "
                "Nothing was sent to it.",
                "Find out why before you connect: somebody may be in between. If the host was rebuilt, remove the "
                f"old key with: ssh-keygen -R '{name}' -f {file}",
                f"shown: {seen}\nexpected: {_list([*known.keys, *known.authorities])}\n{error}",
                code="host-key-changed",
            )
        )
    file = known.files[0] if known.files else "~/.ssh/known_hosts"
    kind = (shown.get_algorithm() if shown is not None else "ssh-ed25519").removeprefix("ssh-")
    kind = "ecdsa" if kind.startswith("ecdsa") else kind
    port = "" if login.port == 22 else f"-p {login.port} "
    ignored = f"\nlines that are no entries: {', '.join(known.unreadable_lines)}" if known.unreadable_lines else ""
    return errors.HostKeyRejected(
        Problem(
            f"The host key of {login.where} is not known: it shows {seen}. Nothing was sent to it.",
            "Compare that fingerprint with one from a source you trust (on the host's own console: "
            f"ssh-keygen -lf /etc/ssh/ssh_host_{kind}_key.pub). If they are equal, record it with: "
            f"ssh-keyscan -t {kind} {port}{login.host} >> {file}",
            f"looked for '{name}' in: {', '.join(known.files) or 'no file'}{ignored}\n{error}",
            code="host-key-unknown",
        )
    )


def _auth_failed(error: Exception, login: Login, attempt: Attempt) -> errors.LoginRefused:
    keys = login.keys
    detail = "\n".join(
        (
            f"offered: {'; '.join(keys.offered) or 'no key at all'}",
            f"not offered: {'; '.join(keys.withheld) or 'nothing'}",
            f"the server would accept: {', '.join(attempt.methods) or 'it did not say'}",
            *((f"the server says: {visible(attempt.banner.strip())}",) if attempt.banner.strip() else ()),
            str(error),
        )
    )
    if login.target.identity_file in keys.encrypted:
        return errors.LoginRefused(
            Problem(
                f"{login.where} refused user {login.user}: the identity file {login.target.identity_file} "
                "is protected by a passphrase and was not offered.",
                f"Load it into the agent: ssh-add {login.target.identity_file}",
                detail,
                code="identity-encrypted",
            )
        )
    if "authentication failures" in str(error):
        remedy = "Too many keys were offered: set identity_file, and IdentitiesOnly yes in the SSH configuration."
    elif not keys.first and not keys.others and all("0 keys" in offer for offer in keys.offered):
        remedy = "No key was offered: load one with ssh-add, or set the environment's identity_file."
    else:
        remedy = f"Look whether {login.user} is the right user and whether its authorized_keys there has your key."
    return errors.LoginRefused(
        Problem(f"{login.where} refused to log in user {login.user}.", remedy, detail, code="auth-failed")
    )


def _dropped_at_login(error: Exception, login: Login, attempt: Attempt) -> errors.HostUnreachable:
    return errors.HostUnreachable(
        Problem(
            f"{login.where} ended the connection while {login.user} was logging in.",
            "Look at the SSH server's own log on the host (journalctl -u ssh).",
            f"{error}\n{visible(attempt.banner.strip())}".strip(),
            code="handshake-closed",
        )
    )


def _slow_login(login: Login) -> errors.HostUnreachable:
    return errors.HostUnreachable(
        Problem(
            f"{login.where} did not finish the log in of {login.user} within {login.target.connect_timeout:g} s.",
            "The host may be overloaded or its name service slow; a security key may be waiting for a touch.",
            code="login-timeout",
        )
    )


def _no_common_algorithm(error: Exception, login: Login) -> errors.HostUnreachable:
    return errors.HostUnreachable(
        Problem(
            f"{login.where} and this console have no encryption in common.",
            "Look at Ciphers, KexAlgorithms and HostKeyAlgorithms on both sides.",
            str(error)[:1000],
            code="no-common-algorithm",
        )
    )


def _jump_refused(error: asyncssh.ChannelOpenError, login: Login) -> errors.HostUnreachable:
    return errors.HostUnreachable(
        Problem(
            f"The jump host {login.jump} could not reach {login.host}:{login.port}.",
            f"Try it from there: ssh {login.jump}, then ssh {login.host}",
            error.reason,
            code="unreachable",
        )
    )


def _unresolvable(error: Exception, login: Login) -> errors.HostUnreachable:
    return errors.HostUnreachable(
        Problem(
            f"The name {login.host} could not be resolved.",
            "Look for a typing error, and whether the VPN or tailnet that knows the name is up.",
            str(error),
            code="name-unknown",
        )
    )


def _unreachable(error: OSError, login: Login) -> errors.HostUnreachable:
    numbers = {error.errno, *(int(n) for n in re.findall(r"\[Errno (\d+)\]", str(error)))} - {None}
    place = f"{login.host}:{login.port}"
    if login.proxied:
        return errors.HostUnreachable(
            Problem(
                f"The ProxyCommand to {login.where} could not be run.",
                "Try it by hand; it is in the SSH configuration.",
                str(error),
                code="unreachable",
            )
        )
    if numbers and numbers <= {errno.ECONNREFUSED}:
        return errors.HostUnreachable(
            Problem(
                f"{place} refused the connection: the host is there, and no SSH server listens on that port.",
                "Look at the port, and on the host's console whether ssh.service runs.",
                str(error),
                code="refused",
            )
        )
    if isinstance(error, TimeoutError):
        summary = f"{place} did not answer within {login.target.connect_timeout:g} s."
    else:
        summary = f"{place} cannot be reached: {error.strerror or error}."
    return errors.HostUnreachable(
        Problem(
            summary,
            "Look whether the host is up, and the VPN or tailnet and the firewalls in between.",
            str(error),
            code="unreachable",
        )
    )


async def _no_ssh(error: Exception, login: Login, attempt: Attempt) -> errors.HostUnreachable:
    """TCP was up and no SSH session came of it: ask the port what it is."""
    place = f"{login.host}:{login.port}"
    connection = attempt.connection
    spoke_ssh = connection is not None and connection.get_extra_info("server_version") is not None
    if not spoke_ssh and not login.jump and not login.proxied:
        said = await _first_words(login.host, login.port)
        if said and not said.startswith(b"SSH-"):
            words = visible(said[:200].decode("utf-8", "replace").splitlines()[0])
            return errors.HostUnreachable(
                Problem(
                    f"{place} is not an SSH server: it says '{words[:80]}'.",
                    "Correct the port.",
                    f"{error}\n{words}",
                    code="not-ssh",
                )
            )
    if isinstance(error, TimeoutError) or "timeout" in str(error):
        return errors.HostUnreachable(
            Problem(
                f"{place} accepted the connection and then said nothing for {login.target.connect_timeout:g} s.",
                "The host may be overloaded, or a proxy in between accepts for it.",
                str(error),
                code="handshake-timeout",
            )
        )
    return errors.HostUnreachable(
        Problem(
            f"{place} closed the connection before SSH was set up.",
            "The server may be starting, full (MaxStartups) or blocking this address: look at its log on the host.",
            f"{type(error).__name__}: {error}",
            code="handshake-closed",
        )
    )


async def _first_words(host: str, port: int) -> bytes:
    """What a server says to an SSH greeting; empty when it says nothing in time."""
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(GREETING_PATIENCE):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(b"SSH-2.0-refactor-console\r\n\r\n")
            return await reader.read(256)
    except OSError:
        return b""  # it does not even accept any more: the first error stands
    finally:
        if writer is not None:
            writer.close()


def _list(keys: list[KnownKey]) -> str:
    return ", ".join(f"{key.algorithm} {key.fingerprint} ({key.place})" for key in keys) or "none"
