"""Who we are to a host: the resolved configuration, the known host keys, and the private keys that may be offered.

Imports the SSH library: import this module off the event loop's thread. `prepare` blocks on files.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import asyncssh

from refactor_console.adapters import host_known
from refactor_console.adapters.host_errors import LoginRefused, SshConfigError
from refactor_console.domain.environment import SshTarget
from refactor_console.domain.problem import Problem

AGENT_PATIENCE = 3.0
"""Seconds for the SSH agent to list its keys; a dead forwarded agent never answers."""

KEEPALIVE_SECONDS = 5.0
"""Seconds of silence after which the server is asked whether it is there; three times that, and it is called lost."""

_DEFAULT_IDENTITIES = tuple(f"~/.ssh/id_{kind}" for kind in ("ed25519", "ecdsa", "rsa"))


@dataclass(slots=True)
class Keys:
    """The private keys for one attempt, and a word on each that explains a refusal."""

    first: list[asyncssh.SSHKeyPair] = field(default_factory=list)
    """Of the identity file that the environment names: offered before the agent's, which may be many."""
    others: list[asyncssh.SSHKeyPair] = field(default_factory=list)
    offered: list[str] = field(default_factory=list)
    """One phrase each, such as ``/home/me/.ssh/id_ed25519 (ssh-ed25519)``."""
    withheld: list[str] = field(default_factory=list)
    """Keys that could not be offered, with the reason."""
    encrypted: list[str] = field(default_factory=list)
    """Key files that need a passphrase."""
    public: set[bytes] = field(default_factory=set)
    """Public parts of the configured files, by which ``IdentitiesOnly`` filters the agent."""


@dataclass(slots=True)
class Login:
    """Everything one connection attempt needs, resolved from the target and the SSH configuration."""

    target: SshTarget
    where: str
    """How sentences name this host."""
    host: str
    """The name or address that is dialled, after ``HostName``."""
    port: int
    user: str
    lookup: str
    """The name its key is filed under: the host, or its ``HostKeyAlias``."""
    known: host_known.KnownHost
    keys: Keys
    agent_path: str
    """The agent's socket; empty when there is none."""
    identities_only: bool
    jump: str
    """``ProxyJump`` as configured; empty for none."""
    proxied: bool
    """Whether a ``ProxyCommand`` carries the connection."""
    options: dict[str, object]
    """Keyword arguments for the SSH library, without the keys."""


def prepare(target: SshTarget, where: str) -> Login:
    """Read configuration, known_hosts and key files for `target`.

    Raises:
        SshConfigError: the configuration cannot be used.
        LoginRefused: the environment's own identity file cannot be used.
    """
    options = _common_options(target)
    try:
        resolved = asyncssh.SSHClientConnectionOptions(
            host=target.host, port=target.port or (), known_hosts=b"", client_keys=None, **options
        )
    except (ValueError, OSError, asyncssh.Error) as error:  # ConfigParseError and bad algorithm names are ValueErrors
        raise _bad_config(target, error) from error
    config = resolved.config
    user = str(resolved.username)
    if target.user is None and target.default_user and config.get("User") is None:
        user = target.default_user
        options["username"] = user
    host = str(resolved.host)
    port = int(resolved.port)
    lookup = str(config.get("HostKeyAlias") or host)
    known = host_known.find(_known_hosts_files(target, config), lookup, port)
    if config.get("HostKeyAlgorithms") is None:
        options["server_host_key_algs"] = known.algorithms()
    if config.get("Ciphers") is None:
        # AES-GCM runs in hardware: nearly twice the throughput of the default on a log flood.
        options["encryption_algs"] = "^aes128-gcm@openssh.com,aes256-gcm@openssh.com"
    if not config.get("Compression"):
        options["compression_algs"] = None
    options["known_hosts"] = host_known.trusting(known)
    return Login(
        target=target,
        where=where,
        host=host,
        port=port,
        user=user,
        lookup=lookup,
        known=known,
        keys=_load_keys(target, _strings(config.get("IdentityFile"))),
        agent_path=_agent_path(config),
        identities_only=bool(config.get("IdentitiesOnly")),
        jump=resolved.tunnel if isinstance(resolved.tunnel, str) else "",
        proxied=bool(resolved.proxy_command),
        options=options,
    )


@asynccontextmanager
async def offered_keys(login: Login) -> AsyncIterator[list[asyncssh.SSHKeyPair]]:
    """The keys to offer, in order: the environment's own file, the agent's, then the other files.

    The agent stays open while the keys are used. Notes in ``login.keys`` what is offered.
    """
    keys = login.keys
    if not login.agent_path:
        keys.withheld.append("SSH agent: none is running (SSH_AUTH_SOCK is not set)")
        yield [*keys.first, *keys.others]
        return
    agent: asyncssh.SSHAgentClient | None = None
    held: list[asyncssh.SSHKeyPair] = []
    try:
        try:
            async with asyncio.timeout(AGENT_PATIENCE):
                agent = await asyncssh.connect_agent(login.agent_path)
                held = list(await agent.get_keys())
        except (OSError, ValueError) as error:  # TimeoutError is an OSError
            reason = str(error) or f"no answer within {AGENT_PATIENCE:g} s"
            keys.withheld.append(f"SSH agent at {login.agent_path}: {reason}")
        if login.identities_only:
            held = [pair for pair in held if pair.key_public_data in keys.public]
        from_agent = {pair.key_public_data for pair in held}
        keys.offered.append(f"SSH agent: {len(held)} key{'' if len(held) == 1 else 's'}")
        rest = [pair for pair in keys.others if pair.key_public_data not in from_agent]
        yield [*keys.first, *held, *rest]
    finally:
        if agent is not None:
            agent.close()


def _common_options(target: SshTarget) -> dict[str, object]:
    """What holds for every connection; nothing here weakens the verification of the host's key."""
    options: dict[str, object] = {
        "x509_trusted_certs": None,  # X.509 chains would be a second way to trust a host, past known_hosts
        "gss_host": None,
        "agent_path": None,  # the agent's keys are fetched by offered_keys, so that a refusal can name them
        "agent_forwarding": False,
        "x11_forwarding": False,
        "request_pty": False,
        "command": None,  # a RemoteCommand of the configuration is for people's shells
        "send_env": [],
        "env": {"LC_ALL": "C"},  # answers are parsed: keep them in one language
        "connect_timeout": None,  # one limit holds for everything: SshTarget.connect_timeout
        "keepalive_interval": KEEPALIVE_SECONDS,
        "keepalive_count_max": 2,  # two questions unanswered: given up after three intervals
        "client_version": "refactor-console",
        "encoding": None,
    }
    if target.user is not None:
        options["username"] = target.user
    if target.config_file is not None:
        if not Path(target.config_file).expanduser().exists():
            raise SshConfigError(
                Problem(
                    f"The SSH configuration {target.config_file} does not exist.",
                    "Correct the environment's config_file setting.",
                    code="ssh-config",
                )
            )
        options["config"] = [str(Path(target.config_file).expanduser())]
    return options


def _bad_config(target: SshTarget, error: Exception) -> SshConfigError:
    return SshConfigError(
        Problem(
            f"The SSH configuration for {target} could not be used.",
            f"Correct it: {error}",
            f"{type(error).__name__}: {error}",
            code="ssh-config",
        )
    )


def _known_hosts_files(target: SshTarget, config: asyncssh.config.SSHConfig) -> tuple[str, ...]:
    """The files to look in: the environment's own, or the configuration's, or OpenSSH's defaults.

    ``UserKnownHostsFile none`` means that nothing is known, never that everything is trusted.
    """
    if target.known_hosts_file is not None:
        return (target.known_hosts_file,)
    user = config.get("UserKnownHostsFile")
    everyone = config.get("GlobalKnownHostsFile")
    return (
        *(host_known.USER_FILES if user is None else _strings(user)),
        *(host_known.GLOBAL_FILES if everyone is None else _strings(everyone)),
    )


def _agent_path(config: asyncssh.config.SSHConfig) -> str:
    configured = config.get("IdentityAgent", "SSH_AUTH_SOCK")
    if configured is None:
        return ""
    path = os.environ.get("SSH_AUTH_SOCK", "") if configured == "SSH_AUTH_SOCK" else str(configured)
    return str(Path(path).expanduser()) if path else ""


def _load_keys(target: SshTarget, configured: tuple[str, ...]) -> Keys:
    keys = Keys()
    if target.identity_file is not None:
        keys.first.extend(_load_file(keys, target.identity_file, required=True))
    files = configured or (() if target.identity_file else _DEFAULT_IDENTITIES)
    for file in files:
        if configured or Path(file).expanduser().exists():
            keys.others.extend(_load_file(keys, file, required=False))
    return keys


def _load_file(keys: Keys, file: str, *, required: bool) -> list[asyncssh.SSHKeyPair]:
    path = str(Path(file).expanduser())
    with suppress(OSError, ValueError):  # the public half is optional; it helps to recognise the key in the agent
        keys.public.add(asyncssh.read_public_key(f"{path}.pub").public_data)
    try:
        pairs = list(asyncssh.load_keypairs(path))
    except OSError as error:
        keys.withheld.append(f"{file}: {error.strerror or error}")
        if required:
            raise _unusable_identity(file, error) from error
        return []
    except ValueError as error:  # KeyImportError, KeyEncryptionError
        if "assphrase" in str(error):
            keys.withheld.append(f"{file}: needs a passphrase")
            keys.encrypted.append(file)
            return []
        keys.withheld.append(f"{file}: {error}")
        if required:
            raise _unusable_identity(file, error) from error
        return []
    keys.public.update(pair.key_public_data for pair in pairs)
    keys.offered.append(f"{file} ({', '.join(sorted({pair.get_algorithm() for pair in pairs}))})")
    return pairs


def _unusable_identity(file: str, error: Exception) -> LoginRefused:
    if isinstance(error, FileNotFoundError):
        summary, code = f"The identity file {file} does not exist.", "identity-missing"
        remedy = "Correct the environment's identity_file setting, or leave it out to use the agent's keys."
    elif isinstance(error, OSError):
        summary, code = f"The identity file {file} cannot be read.", "identity-unreadable"
        remedy = f"Look at its owner and mode: ls -l {file}"
    else:
        summary, code = f"The identity file {file} holds no private key.", "identity-unreadable"
        remedy = f"Look what it is: ssh-keygen -lf {file}"
    return LoginRefused(Problem(summary, remedy, str(error), code=code))


def _strings(value: object) -> tuple[str, ...]:
    return tuple(cast("list[str]", value)) if isinstance(value, list) else ()
