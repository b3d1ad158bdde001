"""What happened on the demo host before it was first looked at: deploys in the journal, traffic in the logs."""

from __future__ import annotations

import random

from refactor_console.demo.clock import SECOND, rfc3339_fixed
from refactor_console.demo.engine import Engine
from refactor_console.demo.journal import Journal, Writer
from refactor_console.demo.lines import Said, gap, starting, visit
from refactor_console.demo.services import SERVICES

UNIT = "refactor-platform.service"
DESCRIPTION = "Refactor Platform (Docker Compose)"
DAY = 86_400 * SECOND
DEPLOYS_AGO = (27.3, 25.1, 22.8, 20.9, 18.2, 16.0, 14.3, 11.4, 9.6, 8.1, 6.2, 4.3, 2.2)
"""Days before now of each deploy; the last one made the containers that run."""
_LIVELY = 9 * 60 * SECOND
"""So much of the past is as busy as the present."""
_BURSTS = 34
MILLISECOND = SECOND // 1000


def systemd(about: str) -> Writer:
    """The service manager, speaking of a unit."""
    return Writer("systemd", 1, "init.scope", about=about, comm="systemd", transport="journal")


def compose(pid: int) -> Writer:
    """``docker compose`` run by the platform's unit."""
    return Writer("docker", pid, UNIT, uid=1000, comm="docker-compose")


class Diary:
    """Writes the journal's history, one happening after the other."""

    def __init__(self, journal: Journal, rng: random.Random) -> None:
        self._journal = journal
        self._random = rng
        self._ns = 0
        self.stopped_ns = self.started_ns = self.finished_ns = 0
        """When the last deploy stopped the unit, began to start it, and had started it."""

    def write(self, now_ns: int) -> None:
        """Fill the journal up to now."""
        first = self._journal.boot_us * 1000
        events = [(first + 3 * SECOND, self._boot)]
        events += [(now_ns - round(days * DAY), self._deploy) for days in DEPLOYS_AGO]
        hours = range(1, int((now_ns - first) / SECOND / 3600), 6)
        events += [(first + h * 3600 * SECOND + 977 * SECOND, self._routine) for h in hours]
        for self._ns, happening in sorted(events, key=lambda event: event[0]):
            happening()

    def _say(self, writer: Writer, text: str, after_ms: int = 3, priority: int = 6) -> None:
        self._ns += after_ms * MILLISECOND + self._random.randrange(MILLISECOND)
        self._journal.write(writer, [text.encode()], priority=priority, at_us=self._ns // 1000)

    def _boot(self) -> None:
        docker = Writer("dockerd", 812, "docker.service", comm="dockerd")
        self._say(systemd("docker.service"), "Starting docker.service - Docker Application Container Engine...")
        for message, after in (("Loading containers: start.", 210), ("Daemon has completed initialization", 900)):
            when = rfc3339_fixed(self._ns + after * MILLISECOND)
            self._say(docker, f'time="{when}" level=info msg="{message}"', after)
        self._say(systemd("docker.service"), "Started docker.service - Docker Application Container Engine.")
        self._say(systemd("ssh.service"), "Started ssh.service - OpenBSD Secure Shell server.", 40)
        self._up()

    def _deploy(self) -> None:
        self.session("deploy")
        self.down()
        self.stopped_ns = self._ns
        self._up()

    def _up(self) -> None:
        self.started_ns = self._ns
        for writer, text, after in up_lines(self._random.randrange(9_000, 4_000_000)):
            self._say(writer, text, after)
        self.finished_ns = self._ns

    def down(self) -> None:
        """The unit is stopped."""
        for writer, text, after in down_lines(self._random.randrange(9_000, 4_000_000)):
            self._say(writer, text, after)

    def session(self, user: str) -> None:
        """Somebody logs in by SSH."""
        pid = self._random.randrange(9_000, 4_000_000)
        daemon = Writer("sshd-session", pid, "ssh.service", comm="sshd-session", transport="syslog")
        port = self._random.randrange(40_000, 60_000)
        self._say(daemon, f"Accepted publickey for {user} from 100.101.12.7 port {port} ssh2: ED25519")
        text = f"pam_unix(sshd:session): session opened for user {user}(uid=1000) by {user}(uid=0)"
        self._say(daemon, text, 18)

    def _routine(self) -> None:
        cron = Writer("CRON", self._random.randrange(9_000, 4_000_000), "cron.service", comm="cron", transport="syslog")
        self._say(cron, "(root) CMD (cd / && run-parts --report /etc/cron.hourly)")
        if self._random.random() < 0.3:
            certbot = "certbot.service"
            self._say(systemd(certbot), "Starting certbot.service - Certbot...", 400)
            self._say(systemd(certbot), "certbot.service: Deactivated successfully.", 5200)
            self._say(systemd(certbot), "Finished certbot.service - Certbot.")


def up_lines(pid: int) -> list[tuple[Writer, str, int]]:
    """What the journal gets when the unit is started: who, what, milliseconds after the line before."""
    manager, output = systemd(UNIT), compose(pid)
    lines = [
        (manager, f"Starting {UNIT} - {DESCRIPTION}...", 20),
        (output, " Network deploy_backend_network  Creating", 640),
        (output, " Network deploy_backend_network  Created", 92),
    ]
    names = [service.container for service in SERVICES]
    lines += [(output, f" Container {name}  Creating", 14) for name in names]
    lines += [(output, f" Container {name}  Created", 61) for name in names]
    for name in names:
        lines += [(output, f" Container {name}  Starting", 8), (output, f" Container {name}  Started", 410)]
    return [*lines, (manager, f"Finished {UNIT} - {DESCRIPTION}.", 31)]


def down_lines(pid: int) -> list[tuple[Writer, str, int]]:
    """What the journal gets when the unit is stopped."""
    manager, output = systemd(UNIT), compose(pid)
    lines = [(manager, f"Stopping {UNIT} - {DESCRIPTION}...", 25)]
    for service in reversed(SERVICES):
        took = round(service.stop_seconds * 1000) if service.oneshot_seconds is None else 2
        verbs = (("Stopping", 12), ("Stopped", took), ("Removing", 4), ("Removed", 33))
        lines += [(output, f" Container {service.container}  {verb}", after) for verb, after in verbs]
    return [
        *lines,
        (output, " Network deploy_backend_network  Removing", 9),
        (output, " Network deploy_backend_network  Removed", 240),
        (manager, f"{UNIT}: Deactivated successfully.", 12),
        (manager, f"Stopped {UNIT} - {DESCRIPTION}.", 2),
        (manager, f"{UNIT}: Consumed 1.204s CPU time, 61.3M memory peak.", 1),
    ]


def fill_logs(engine: Engine, now_ns: int, rng: random.Random) -> None:
    """Let the containers have run since the last deploy, with visitors in bursts and of late as lively as now."""
    started = {c.service.name: c.started_ns for c in engine.containers.values()}
    said: list[tuple[int, Said]] = []
    for service, at in started.items():
        said += [(at + line.after_ns, line) for line in starting(service, at)]
    begin = max(started.values()) + 60 * SECOND
    quiet_until = now_ns - _LIVELY
    for number in range(_BURSTS):
        at = begin + round((quiet_until - begin) * (number + rng.random()) / _BURSTS)
        for _ in range(rng.randint(9, 26)):
            said += [(at + line.after_ns, line) for line in visit(at, rng)]
            at += gap(rng, 0.4)
    at = quiet_until
    while at < now_ns - SECOND:
        said += [(at + line.after_ns, line) for line in visit(at, rng)]
        at += gap(rng, RATE)
    for at, line in sorted(said, key=lambda item: item[0]):
        engine.of_service(line.service).write([line.text.encode()], min(at, now_ns), stderr=line.stderr)


RATE = 1.1
"""Requests a second on a usual day; each leaves two to three lines."""
