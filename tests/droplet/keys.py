"""SSH keys of an instance: the client's, made once; the server's, kept over a reset."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.droplet.paths import InstancePaths
from tests.droplet.shell import run

KINDS = ("ed25519", "ecdsa")
USERS = ("deploy", "nodocker", "nosudo")


def generate(paths: InstancePaths, address: str) -> None:
    """Make the keys that do not exist yet, and write known_hosts and a configuration for ssh."""
    paths.host_keys.mkdir(parents=True, exist_ok=True)
    _keygen(paths.client_key, "ed25519", f"droplet-{paths.name}")
    for kind in KINDS:
        _keygen(paths.host_keys / f"ssh_host_{kind}_key", kind, "root@refactor-droplet")
    lines = []
    for kind in KINDS:
        algorithm, key = (paths.host_keys / f"ssh_host_{kind}_key.pub").read_text(encoding="utf-8").split()[:2]
        lines.append(f"{address} {algorithm} {key}\n")
    paths.known_hosts.write_text("".join(lines), encoding="utf-8")
    paths.ssh_config.write_text(
        f"Host {paths.name} droplet-{paths.name}\n"
        f"    HostName {address}\n"
        "    Port 22\n"
        "    User deploy\n"
        f"    IdentityFile {paths.client_key}\n"
        "    IdentitiesOnly yes\n"
        f"    UserKnownHostsFile {paths.known_hosts}\n"
        "    GlobalKnownHostsFile /dev/null\n"
        "    StrictHostKeyChecking yes\n",
        encoding="utf-8",
    )


def install(paths: InstancePaths) -> None:
    """Put the keys on the mounted disk."""
    public = paths.client_key.with_suffix(".pub").read_text(encoding="utf-8")
    for user in USERS:
        folder = paths.root / "home" / user / ".ssh"
        owner = folder.stat()
        allowed = folder / "authorized_keys"
        allowed.write_text(public, encoding="utf-8")
        allowed.chmod(0o600)
        os.chown(allowed, owner.st_uid, owner.st_gid)
    for key in paths.host_keys.iterdir():
        shutil.copy2(key, paths.root / "etc" / "ssh" / key.name)
        os.chown(paths.root / "etc" / "ssh" / key.name, 0, 0)


def _keygen(path: Path, kind: str, comment: str) -> None:
    if not path.exists():
        run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", comment, "-f", str(path)])
