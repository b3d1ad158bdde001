"""What can be done to a droplet: every fault that the tests stage, and its cure."""

# ruff: noqa: A002 - `input` is called so in subprocess as well

from __future__ import annotations

import base64
import contextlib
import json
import os
import shlex
import signal
import subprocess
from pathlib import Path
from typing import Any, Protocol

from tests.droplet.errors import DropletError
from tests.droplet.instance import Instance, ssh_answers
from tests.droplet.machine import descendants
from tests.droplet.shell import wait_for

REGISTRY_LOGIN = "refactor-bot:fake-ghcr-pat"
"""User and password of the registry that stands in for ghcr.io, as curl wants them."""

_FILLER = "/var/tmp/filler"
_AWAY = "/etc/ssh/keys-put-away"
_SSH_SESSION = ("sshd-session", "sshd-auth")


class Host(Protocol):
    """What the faults need from a droplet."""

    @property
    def instance(self) -> Instance:
        """The instance as it is now."""

    def exec(
        self,
        argv: list[str],
        *,
        user: str = ...,
        check: bool = ...,
        input: str | None = ...,
        timeout: float | None = ...,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command inside."""


class SshFaults:
    """sshd, its sessions and its host key."""

    def kill_ssh_sessions(self: Host) -> int:
        """End every SSH session as if its process had died, and return how many there were. sshd goes on listening."""
        ended = 0
        for pid in descendants(self.instance.machine.leader):
            with contextlib.suppress(OSError):
                if Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip() in _SSH_SESSION:
                    os.kill(pid, signal.SIGKILL)
                    ended += 1
        return ended

    def stop_sshd(self: Host) -> None:
        """Stop listening; sessions that are open stay open."""
        self.exec(["systemctl", "stop", "ssh.service"])

    def start_sshd(self: Host) -> None:
        """Listen again, and wait until it does."""
        self.exec(["systemctl", "start", "ssh.service"])
        wait_for("sshd listens again", lambda: ssh_answers(self.instance.cable.inner), timeout=20)

    def set_wrong_host_key(self: Host) -> None:
        """Give the droplet other host keys than known_hosts has, as after a rebuild or in an attack."""
        script = (
            f"set -e; [ ! -e {_AWAY} ]; mkdir {_AWAY}; mv /etc/ssh/ssh_host_* {_AWAY}/; "
            "ssh-keygen -q -A; systemctl restart ssh.service"
        )
        self.exec(["sh", "-c", script])

    def restore_host_key(self: Host) -> None:
        """Take the wrong host keys away again; fine when they are right."""
        script = (
            f"[ -e {_AWAY} ] || exit 0; set -e; rm /etc/ssh/ssh_host_*; mv {_AWAY}/* /etc/ssh/; rmdir {_AWAY}; "
            "systemctl restart ssh.service"
        )
        self.exec(["sh", "-c", script])


class NetworkFaults:
    """The cable between this machine and the droplet."""

    def cut_network(self: Host) -> None:
        """Pull the cable: packets vanish in both directions, connections are not told."""
        self.instance.cable.cut()

    def restore_network(self: Host) -> None:
        """Put the cable back."""
        self.instance.cable.restore()


class DockerFaults:
    """The Docker daemon."""

    def stop_docker(self: Host) -> None:
        """Stop the daemon and its socket, and with it the unit that needs it."""
        self.exec(["systemctl", "stop", "docker.socket", "docker.service"])

    def start_docker(self: Host) -> None:
        """Start the daemon; the platform's unit stays as it is."""
        self.exec(["systemctl", "start", "docker.socket", "docker.service"])

    def restart_docker(self: Host) -> None:
        """Restart the daemon; systemd restarts the platform's unit with it."""
        self.exec(["systemctl", "restart", "docker.service"])

    def publish_stable(self: Host, version: str) -> None:
        """Move `stable` in the registry to another version, as a release does; the machine's own images stay."""
        for repository in ("refactor-platform-rs", "refactor-platform-fe"):
            script = (
                "set -e; kind=application/vnd.docker.distribution.manifest.v2+json; "
                f"at=https://ghcr.io/v2/refactor-group/{repository}/manifests; "
                'curl -sSf -u "$0" -H "Accept: $kind" -o /run/manifest "$at/$1"; '
                'curl -sSf -u "$0" -H "Content-Type: $kind" -X PUT --data-binary @/run/manifest "$at/stable"'
            )
            self.exec(["sh", "-c", script, REGISTRY_LOGIN, version])

    def reload_nginx(self: Host) -> None:
        """Have nginx resolve its upstreams again: a container that restarted alone may have another address."""
        self.exec(["docker", "exec", "nginx-reverse-proxy", "nginx", "-s", "reload"])

    def control_app(self: Host, verb: str, **options: Any) -> dict[str, Any]:
        """Speak to the controls of the stand-in backend: emit, stop, raw, big, health, crash, exit, status."""
        words = ["docker", "exec", "rust-app", "/app/standin", verb]
        answer = self.exec(words if verb == "status" else [*words, json.dumps(options)])
        parsed: dict[str, Any] = json.loads(answer.stdout)
        return parsed


class LogFaults:
    """Lines in the journal and in a container's log."""

    def start_journal_numbers(self: Host, *, rate: float, total: int = 0, ident: str = "1") -> None:
        """Write `numbered id=IDENT n=1 of=TOTAL` lines to the journal (unit numbered@IDENT); 0 is without end."""
        self.exec(["systemctl", "stop", f"numbered@{ident}.service"])
        self.exec(["tee", f"/run/numbered-{ident}.env"], input=f"RATE={rate}\nTOTAL={total}\n")
        self.exec(["systemctl", "start", f"numbered@{ident}.service"])

    def stop_journal_numbers(self: Host, ident: str = "1") -> None:
        """Stop them."""
        self.exec(["systemctl", "stop", f"numbered@{ident}.service"])

    def journal_numbers_running(self: Host, ident: str = "1") -> bool:
        """Whether lines are still to come."""
        return self.exec(["systemctl", "is-active", f"numbered@{ident}.service"], check=False).returncode == 0

    def start_container_numbers(
        self: Host, *, rate: float, total: int = 0, ident: str = "1", level: str = "INFO", stream: str = "stdout"
    ) -> None:
        """Write numbered lines to the log of the container rust-app, in the backend's format."""
        options = {"id": ident, "rate": rate, "total": total, "level": level, "stream": stream}
        self.exec(["docker", "exec", "rust-app", "/app/standin", "emit", json.dumps(options)])

    def stop_container_numbers(self: Host, ident: str = "1") -> int:
        """Stop them, and return how many were written."""
        options = json.dumps({"id": ident})
        answer = self.exec(["docker", "exec", "rust-app", "/app/standin", "stop", options])
        return int(json.loads(answer.stdout)["sent"])

    def emit_raw(self: Host, data: bytes, *, to: str = "container", stream: str = "stdout") -> None:
        """Write bytes as they are, newline or not, to rust-app's output or into the journal."""
        encoded = base64.b64encode(data).decode()
        if to == "container":
            options = json.dumps({"base64": encoded, "stream": stream})
            self.exec(["docker", "exec", "rust-app", "/app/standin", "raw", options])
        elif to == "journal":
            self.exec(["sh", "-c", "base64 -d | systemd-cat -t raw"], input=encoded)
        else:
            raise DropletError(f"Raw bytes go to 'container' or to 'journal', not to {to!r}.")

    def empty_journal(self: Host) -> None:
        """Begin the journal anew, as on a fresh server; cursors from before lead nowhere."""
        sockets = "systemd-journald.socket systemd-journald-dev-log.socket"
        self.exec(
            [
                "sh",
                "-c",
                f"systemctl stop {sockets} systemd-journald.service; rm -rf /var/log/journal/* /run/log/journal/*; "
                f"systemctl start {sockets} systemd-journald.service; journalctl --flush",
            ]
        )


class DiskAndClockFaults:
    """A full disk and a wrong clock."""

    def fill_disk(self: Host, *, leave_kib: int = 0) -> None:
        """Fill the disk up to so many KiB."""
        # Most of it in one stroke; the file system needs some blocks of its own for that, so the rest is written.
        script = (
            "free() { echo $(($(df --output=avail -k / | tail -1) - $1)); }; "
            f"rm -f {_FILLER}; big=$(free {leave_kib + 8192}); [ $big -le 0 ] || fallocate -l ${{big}}K {_FILLER}; "
            f"rest=$(free {leave_kib}); [ $rest -le 0 ] || head -c ${{rest}}K /dev/zero >>{_FILLER}; "
        )
        if not leave_kib:
            script += f"sync {_FILLER}; cat /dev/zero >>{_FILLER}; sync {_FILLER}"
        self.exec(["sh", "-c", script], check=False)

    def free_disk(self: Host) -> None:
        """Take the filler away."""
        self.exec(["rm", "-f", _FILLER])

    def skew_clock(self: Host, seconds: int, *, user: str = "deploy") -> None:
        """Have `date` be wrong for one user by so many seconds; the kernel's clock is shared and stays right."""
        self.exec(["tee", f"/etc/clock-skew/{user}"], input=f"{seconds}\n")

    def restore_clock(self: Host, *, user: str = "deploy") -> None:
        """Have `date` be right again."""
        self.exec(["rm", "-f", f"/etc/clock-skew/{shlex.quote(user)}"])
