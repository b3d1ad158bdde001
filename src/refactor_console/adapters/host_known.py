"""known_hosts files: which keys may a host have, and on which line does it say so.

Format: sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT". Each line is parsed by the SSH library on its own, so that one bad line
costs that line and not the file (as OpenSSH does), and so that an error can name file and line. Imports the SSH
library: import this module off the event loop's thread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh

from refactor_console.adapters.host_errors import SshConfigError
from refactor_console.domain.problem import Problem

Trusted = tuple[list[asyncssh.SSHKey], list[asyncssh.SSHKey], list[asyncssh.SSHKey]]
"""Host keys, certificate authorities and revoked keys: what the SSH library wants to be given."""

USER_FILES = ("~/.ssh/known_hosts", "~/.ssh/known_hosts2")
"""Where OpenSSH looks when ``UserKnownHostsFile`` is not set (ssh_config(5))."""
GLOBAL_FILES = ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")
"""Where OpenSSH looks when ``GlobalKnownHostsFile`` is not set."""

_ALGORITHMS = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
_CERTIFICATES = tuple(
    f"{name.removesuffix('@openssh.com')}-cert-v01@openssh.com" for name in _ALGORITHMS if not name.startswith("sk-")
)


@dataclass(frozen=True, slots=True)
class KnownKey:
    """One key of a known_hosts file."""

    key: asyncssh.SSHKey
    file: str
    line: int

    @property
    def algorithm(self) -> str:
        """The key's type, such as ``ssh-ed25519``."""
        return self.key.get_algorithm()

    @property
    def fingerprint(self) -> str:
        """``SHA256:...`` as ``ssh-keygen -lf`` prints it."""
        return self.key.get_fingerprint()

    @property
    def place(self) -> str:
        """``file:line``."""
        return f"{self.file}:{self.line}"


@dataclass(slots=True)
class KnownHost:
    """What the known_hosts files say about one host."""

    files: tuple[str, ...]
    """The files that were looked at, whether they exist or not."""
    keys: list[KnownKey] = field(default_factory=list)
    authorities: list[KnownKey] = field(default_factory=list)
    revoked: list[KnownKey] = field(default_factory=list)
    unreadable_lines: list[str] = field(default_factory=list)
    """``file:line`` of lines that are no known_hosts entries; they are ignored."""

    @property
    def trusted(self) -> Trusted:
        """The keys alone."""
        return ([k.key for k in self.keys], [k.key for k in self.authorities], [k.key for k in self.revoked])

    def algorithms(self) -> list[str]:
        """Host key algorithms in the order to ask for them.

        What is known of this host comes first, so that a host with several keys shows the one that can be verified; the
        others follow, so that a changed key can be named.
        """
        known: list[str] = []
        for entry in self.keys:
            known.extend(name.decode("ascii") for name in entry.key.sig_algorithms)
        wanted = [*known, *(_CERTIFICATES if self.authorities else ()), *_ALGORITHMS]
        allowed = {*_ALGORITHMS, *_CERTIFICATES}
        return list(dict.fromkeys(name for name in wanted if name in allowed))


def lookup_name(host: str, port: int) -> str:
    """The name under which OpenSSH files a host: ``host``, or ``[host]:port`` for another port than 22."""
    return host.lower() if port == 22 else f"[{host.lower()}]:{port}"


def find(files: Sequence[str], host: str, port: int) -> KnownHost:
    """Look a host up in `files`: under its name and port, then (as OpenSSH does) under its name alone.

    A file that does not exist holds no keys. Blocks on file access.

    Raises:
        SshConfigError: a file exists but cannot be read.
    """
    lines = [(file, number, line) for file in files for number, line in enumerate(_read(file), 1)]
    result = KnownHost(tuple(files))
    for name in dict.fromkeys((lookup_name(host, port), host.lower())):
        result = KnownHost(tuple(files))
        for file, number, line in lines:
            _match_line(result, name, file, number, line)
        if result.keys or result.authorities:
            break
    return result


def trusting(host_of: KnownHost) -> Callable[[str, str, int | None], Trusted]:
    """What the SSH library calls to learn the trusted keys; it never answers "anything goes"."""

    def trusted(_host: str, _address: str, _port: int | None) -> Trusted:
        return host_of.trusted

    return trusted


def _match_line(result: KnownHost, name: str, file: str, number: int, line: str) -> None:
    stripped = line.strip()
    if not stripped or stripped.startswith("#"):
        return
    try:
        host_keys, authorities, revoked, *_ = asyncssh.import_known_hosts(stripped).match(name, "", None)
    except ValueError:
        result.unreadable_lines.append(f"{file}:{number}")
        return
    result.keys.extend(KnownKey(key, file, number) for key in host_keys)
    result.authorities.extend(KnownKey(key, file, number) for key in authorities)
    result.revoked.extend(KnownKey(key, file, number) for key in revoked)


def _read(file: str) -> list[str]:
    try:
        return Path(file).expanduser().read_bytes().decode("utf-8", "surrogateescape").split("\n")
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise SshConfigError(
            Problem(
                f"The known_hosts file {file} cannot be read, so no host can be verified.",
                f"Look at its owner and mode: ls -l {file}",
                str(error),
                code="known-hosts-unreadable",
            )
        ) from error
