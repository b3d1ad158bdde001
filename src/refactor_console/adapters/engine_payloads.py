"""The Engine API's JSON as domain values (``ContainerInspect``, ``SystemInfo``, ``ImageInspect``, ``ContainerTop``).

Tolerant on purpose: a key that is missing or null, a state nobody knows, a strange name cost one field, never the pane.
Values of environment variables end here: only a short list of harmless ones goes on, the others become a mask.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from refactor_console.adapters import engine_errors
from refactor_console.domain.containers import (
    Container,
    ContainerDetails,
    ContainerState,
    EngineInfo,
    Health,
    HealthProbe,
    Mount,
    ProcessTable,
    Variable,
)

HARMLESS_VARIABLES = frozenset(
    [
        "PATH",
        "ROLE",
        "RUST_LOG",
        "RUST_BACKTRACE",
        "PORT",
        "HOSTNAME",
        "HOST",
        "TZ",
        "LANG",
        "LC_ALL",
        "HOME",
        "PWD",
        "TERM",
        "NODE_ENV",
        "NODE_VERSION",
        "YARN_VERSION",
        "NGINX_VERSION",
        "NJS_VERSION",
        "PKG_RELEASE",
        "PYTHON_VERSION",
        "PG_MAJOR",
        "PG_VERSION",
        "PGDATA",
        "BACKEND_PORT",
        "BACKEND_INTERFACE",
        "BACKEND_LOG_FILTER_LEVEL",
        "FRONTEND_PORT",
        "NEXT_TELEMETRY_DISABLED",
    ]
)
"""Variables whose values are shown: none of them can hold a secret in this platform or its base images."""

_PROBE_OUTPUT = 4096
_SHOWN_VALUE = 300
_PASSWORD_IN_URL = re.compile(r"(\b[a-z][a-z0-9+.-]*://[^/\s:@]*):[^/\s@]+@", re.IGNORECASE)
_SECRET_ARGUMENT = re.compile(
    r"((?:pass(?:word|wd)?|pwd|secret|token|api[-_]?key|private[-_]?key)[\w-]*[=:]|\bbearer )\S+", re.IGNORECASE
)
_SECRET_FLAG = re.compile(
    r"^--?[\w-]*(?:pass(?:word|wd)?|secret|token|api[-_]?key|private[-_]?key)[\w-]*$", re.IGNORECASE
)
MASK = "••••••"


def mapping(value: object) -> Mapping[str, Any]:
    """The value when it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[Any]:
    """The value when it is a JSON array, else an empty one."""
    return value if isinstance(value, list) else []


def text(value: object) -> str:
    """The value when it is a string, else an empty one."""
    return value if isinstance(value, str) else ""


def number(value: object) -> int:
    """The value when it is a whole number, else 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9})\d*)?(?:Z|([+-])(\d\d):(\d\d))$")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_time_ns(value: object) -> int | None:
    """An RFC 3339 time with up to nine decimals as nanoseconds since the epoch; None for Go's zero time or nonsense."""
    found = _TIME.match(value) if isinstance(value, str) else None
    if not found:
        return None
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    if year <= 1:
        return None
    try:
        moment = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
        if found[8]:
            offset = timedelta(hours=int(found[9]), minutes=int(found[10]))
            moment = moment - offset if found[8] == "+" else moment + offset
    except (ValueError, OverflowError):
        return None
    return (moment - _EPOCH) // timedelta(seconds=1) * 1_000_000_000 + int((found[7] or "0").ljust(9, "0"))


def parse_time(value: object) -> datetime | None:
    """The same as a datetime in UTC, to the microsecond."""
    nanoseconds = parse_time_ns(value)
    return None if nanoseconds is None else _EPOCH + timedelta(microseconds=nanoseconds // 1000)


def parse_container(payload: object) -> Container:
    """One container out of ``GET /containers/{id}/json``; the image's digest is added by `with_digest`.

    Raises:
        EngineMalformed: when there is no id in it.
    """
    top = mapping(payload)
    identifier = text(top.get("Id"))
    if not identifier:
        raise engine_errors.malformed("inspect a container", f"no Id among: {', '.join(sorted(map(str, top)))}")
    state = mapping(top.get("State"))
    config = mapping(top.get("Config"))
    labels = mapping(config.get("Labels"))
    status = _state(state)
    finished = parse_time(state.get("FinishedAt"))
    health = mapping(state.get("Health"))
    return Container(
        id=identifier,
        name=text(top.get("Name")).removeprefix("/") or identifier[:12],
        service=text(labels.get("com.docker.compose.service")),
        image=text(config.get("Image")) or text(top.get("Image")),
        image_id=text(top.get("Image")),
        state=status,
        revision=text(labels.get("org.opencontainers.image.revision")),
        version=text(labels.get("org.opencontainers.image.version")),
        project=text(labels.get("com.docker.compose.project")),
        working_directory=text(labels.get("com.docker.compose.project.working_dir")),
        health=_health(health),
        probes=tuple(_probe(mapping(entry)) for entry in items(health.get("Log"))[-5:]),
        restarts=number(top.get("RestartCount")),
        exit_code=_exit_code(state, status, finished),
        oom_killed=state.get("OOMKilled") is True,
        error=text(state.get("Error")),
        created_at=parse_time(top.get("Created")),
        started_at=parse_time(state.get("StartedAt")),
        finished_at=finished,
        restart_policy=text(mapping(mapping(top.get("HostConfig")).get("RestartPolicy")).get("Name")),
    )


def _state(state: Mapping[str, Any]) -> ContainerState:
    word = text(state.get("Status"))
    try:
        return ContainerState(word)
    except ValueError:
        return ContainerState.UNKNOWN


def _exit_code(state: Mapping[str, Any], status: ContainerState, finished: datetime | None) -> int | None:
    """The Engine says 0 for a run that has not ended, too; only the end gives the number a meaning."""
    if status in (ContainerState.RUNNING, ContainerState.PAUSED) or (
        finished is None and status != ContainerState.DEAD
    ):
        return None
    return number(state.get("ExitCode"))


def _health(health: Mapping[str, Any]) -> Health:
    try:
        return Health(text(health.get("Status")) or "none")
    except ValueError:
        return Health.NONE


def _probe(entry: Mapping[str, Any]) -> HealthProbe:
    return HealthProbe(
        parse_time(entry.get("End")), number(entry.get("ExitCode")), text(entry.get("Output"))[:_PROBE_OUTPUT]
    )


def has_terminal(payload: object) -> bool:
    """Whether the container has a TTY: its log stream then comes without frames."""
    return mapping(mapping(payload).get("Config")).get("Tty") is True


def parse_image_digests(payload: object) -> tuple[str, ...]:
    """``RepoDigests`` of ``GET /images/{id}/json``: ``name@sha256:...`` each."""
    return tuple(d for d in items(mapping(payload).get("RepoDigests")) if isinstance(d, str) and "@" in d)


def with_digest(container: Container, digests: tuple[str, ...]) -> Container:
    """The container with the digest that its own repository serves; another repository's when that is all there is."""
    if not digests:
        return container
    repository = repository_of(container.image)
    chosen = next((d for d in digests if d.partition("@")[0] == repository), digests[0])
    return replace(container, image_digest=chosen.partition("@")[2])


def repository_of(reference: str) -> str:
    """The name part of an image reference: without tag and digest; a registry's port is not a tag."""
    name = reference.partition("@")[0]
    last = name.rpartition("/")[2]
    return name[: -len(last) + last.index(":")] if ":" in last else name


def parse_details(payload: object, observed_at: datetime) -> ContainerDetails:
    """Everything *inspect* shows.

    Raises:
        EngineMalformed: when there is no id in it.
    """
    top = mapping(payload)
    config = mapping(top.get("Config"))
    host = mapping(top.get("HostConfig"))
    network = mapping(top.get("NetworkSettings"))
    words = [text(top.get("Path")), *(text(a) for a in items(top.get("Args")))]
    return ContainerDetails(
        container=parse_container(payload),
        command=mask_arguments([word for word in words if word]),
        variables=tuple(_variable(entry) for entry in items(config.get("Env")) if isinstance(entry, str)),
        mounts=tuple(_mount(mapping(entry)) for entry in items(top.get("Mounts"))),
        ports=tuple(_ports(mapping(network.get("Ports")))),
        networks=tuple(
            f"{name} {text(mapping(value).get('IPAddress'))}".rstrip()
            for name, value in sorted(mapping(network.get("Networks")).items())
        ),
        labels=tuple((key, mask_text(text(value))) for key, value in sorted(mapping(config.get("Labels")).items())),
        log_driver=text(mapping(host.get("LogConfig")).get("Type")),
        memory_limit=number(host.get("Memory")),
        observed_at=observed_at,
    )


def details_with_digest(details: ContainerDetails, digests: tuple[str, ...]) -> ContainerDetails:
    """The same for details."""
    return replace(details, container=with_digest(details.container, digests))


def _variable(entry: str) -> Variable:
    name, _, value = entry.partition("=")
    if name in HARMLESS_VARIABLES and len(value) <= _SHOWN_VALUE and mask_text(value) == value:
        return Variable(name, value, masked=False)
    return Variable(name, mask_of(value), masked=True)


def mask_of(value: str) -> str:
    """What stands for a hidden value: enough to tell *empty* and *probably cut off* from *plausible*, and no more."""
    length = len(value)
    if length == 0:
        return "(empty)"
    for limit, words in ((8, "1 to 8"), (16, "9 to 16"), (32, "17 to 32"), (64, "33 to 64"), (256, "65 to 256")):
        if length <= limit:
            return f"{MASK} ({words} characters)"
    return f"{MASK} (over 256 characters)"


def mask_text(value: str) -> str:
    """Text with passwords in URLs and in ``password=...`` hidden."""
    return _SECRET_ARGUMENT.sub(rf"\1{MASK}", _PASSWORD_IN_URL.sub(rf"\1:{MASK}@", value))


def mask_arguments(words: list[str]) -> tuple[str, ...]:
    """A command line with what looks like a secret hidden, also as the word after ``--password``."""
    shown: list[str] = []
    for index, word in enumerate(words):
        secret = index > 0 and _SECRET_FLAG.match(words[index - 1])
        shown.append(MASK if secret else mask_text(word))
    return tuple(shown)


def _mount(entry: Mapping[str, Any]) -> Mount:
    source = text(entry.get("Name")) if entry.get("Type") == "volume" else text(entry.get("Source"))
    return Mount(
        kind=text(entry.get("Type")),
        source=source or text(entry.get("Source")),
        target=text(entry.get("Destination")),
        writable=entry.get("RW") is True,
    )


def _ports(ports: Mapping[str, Any]) -> list[str]:
    lines: list[str] = []
    for inside, bindings in sorted(ports.items()):
        for binding in items(bindings):
            address, port = text(mapping(binding).get("HostIp")) or "*", text(mapping(binding).get("HostPort"))
            lines.append(f"[{address}]:{port} -> {inside}" if ":" in address else f"{address}:{port} -> {inside}")
    return lines


def parse_info(version: object, info: object) -> EngineInfo:
    """``GET /version`` and ``GET /info`` together."""
    spoken, told = mapping(version), mapping(info)
    return EngineInfo(
        version=text(spoken.get("Version")) or text(told.get("ServerVersion")),
        api_version=text(spoken.get("ApiVersion")),
        operating_system=text(told.get("OperatingSystem")),
        containers_running=number(told.get("ContainersRunning")),
        containers_stopped=number(told.get("ContainersStopped")) + number(told.get("ContainersPaused")),
        images=number(told.get("Images")),
        storage_driver=text(told.get("Driver")),
        warnings=tuple(w for w in items(told.get("Warnings")) if isinstance(w, str)),
    )


def parse_top(payload: object) -> ProcessTable:
    """``GET /containers/{id}/top``; command lines are masked as arguments are."""
    titles = tuple(text(t) for t in items(mapping(payload).get("Titles")))
    # Word by word, and as a whole: a secret may be the word after its flag.
    rows = (
        tuple(mask_text(" ".join(mask_arguments(text(cell).split(" ")))) for cell in items(row))
        for row in items(mapping(payload).get("Processes"))
    )
    return ProcessTable(titles, tuple(row for row in rows if row))


@dataclass(frozen=True, slots=True)
class EngineEvent:
    """One event of a container (``SystemEvents``)."""

    action: str
    """Such as ``die`` or ``health_status: healthy``."""
    container_id: str
    time_ns: int

    @property
    def concerns_state(self) -> bool:
        """Whether the container may look different now; processes run inside it (health checks) do not count."""
        return not self.action.startswith(("exec_", "top", "attach", "detach", "resize", "export", "copy", "commit"))


def parse_event(payload: object) -> EngineEvent | None:
    """A container's event; None for anything else."""
    top = mapping(payload)
    identifier = text(mapping(top.get("Actor")).get("ID")) or text(top.get("id"))
    action = text(top.get("Action")) or text(top.get("status"))
    if text(top.get("Type")) not in ("container", "") or not identifier or not action:
        return None
    return EngineEvent(action, identifier, number(top.get("timeNano")) or number(top.get("time")) * 1_000_000_000)
