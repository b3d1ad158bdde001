"""The Docker Engine API v1.45 (Engine 26.1) over the simulated Engine: the calls that a console and ``docker`` use."""

from __future__ import annotations

import re
from collections.abc import Callable

from refactor_console.demo.clock import rfc3339
from refactor_console.demo.containers import Container
from refactor_console.demo.describe import MEMORY, NETWORK, inspect, labels, summary, top
from refactor_console.demo.engine import SIGNALS, Engine
from refactor_console.demo.engine_http import Request, Response, answer, refusal
from refactor_console.demo.engine_streams import (
    ApiError,
    Collector,
    event_stream,
    log_stream,
    parse_filters,
    stats_stream,
)
from refactor_console.demo.images import Json
from refactor_console.demo.vitals import CPUS

ENGINE_VERSION = "26.1.5+dfsg1"
API_VERSION = (1, 45)
OLDEST_API = (1, 24)
KERNEL = "6.12.48+deb13-amd64"
SYSTEM = "Debian GNU/Linux 13 (trixie)"
HEADERS = {
    "Api-Version": "{}.{}".format(*API_VERSION),
    "Docker-Experimental": "false",
    "Ostype": "linux",
    "Server": f"Docker/{ENGINE_VERSION} (linux)",
}
_VERSIONED = re.compile(r"^/v(\d+)\.(\d+)(/.*)$")
_CONTAINER = re.compile(r"^/containers/(?P<name>/?[^/]+)/(?P<verb>[a-z]+)$")
_IMAGE = re.compile(r"^/images/(?P<name>.+)/json$")
_FILTERS = {
    "ancestor", "before", "expose", "exited", "health", "id", "isolation", "is-task", "label", "name", "network",
    "publish", "since", "status", "volume",
}  # fmt: skip


# A path that no route knows is answered before the headers that tell of the Engine are set.
UNKNOWN_PAGE = Response(404, b'{"message":"page not found"}\n', headers=dict.fromkeys(HEADERS, ""))


class EngineApi:
    """Answers requests."""

    def __init__(self, engine: Engine, collector: Collector, hostname: str) -> None:
        self._engine = engine
        self._collector = collector
        self._hostname = hostname

    async def __call__(self, request: Request) -> Response:
        """Answer one request; what is refused is said in the Engine's words."""
        path, version = request.path, API_VERSION
        if found := _VERSIONED.match(path):
            version, path = (int(found[1]), int(found[2])), found[3]
            asked, newest, oldest = (".".join(map(str, v)) for v in (version, API_VERSION, OLDEST_API))
            if version > API_VERSION:
                why = f"client version {asked} is too new. Maximum supported API version is {newest}"
                return refusal(400, why)
            if version < OLDEST_API:
                why = (
                    f"client version {asked} is too old. Minimum supported API version is {oldest}, please upgrade "
                    "your client to a newer version"
                )
                return refusal(400, why)
        try:
            return await self._route(request, path, version)
        except ApiError as refused:
            return refusal(refused.status, str(refused))

    async def _route(self, request: Request, path: str, version: tuple[int, int]) -> Response:
        if path == "/_ping" and request.method in ("GET", "HEAD"):
            return self._ping()
        if found := _CONTAINER.match(path):
            container = self._engine.find(found["name"])
            if container is None:
                raise ApiError(404, f"No such container: {found['name'].removeprefix('/')}")
            if request.method == "GET":
                return await self._read_container(container, found["verb"], request, version)
            if request.method == "POST":
                return await self._act(container, found["verb"], request)
        if request.method == "GET":
            match path:
                case "/version":
                    return answer(self._version())
                case "/info":
                    return answer(self._info())
                case "/containers/json":
                    return answer(self._list(request))
                case "/images/json":
                    return answer([image.summary() for image in self._engine.images])
                case "/events":
                    return Response(stream=event_stream(self._engine, request))
            if found := _IMAGE.match(path):
                return self._image(found["name"])
        return UNKNOWN_PAGE

    async def _read_container(
        self, container: Container, verb: str, request: Request, version: tuple[int, int]
    ) -> Response:
        match verb:
            case "json":
                return answer(inspect(container))
            case "top":
                if not container.running:
                    raise ApiError(409, f"container {container.id} is not running")
                return answer(top(container))
            case "stats":
                sent = stats_stream(self._collector, container, request)
                return Response(body=sent) if isinstance(sent, bytes) else Response(stream=sent)
            case "logs":
                kind = "application/vnd.docker.multiplexed-stream"
                if version < (1, 42):
                    kind = "application/vnd.docker.raw-stream"
                return Response(stream=log_stream(container, request, self._engine), content_type=kind)
        return UNKNOWN_PAGE

    async def _act(self, container: Container, verb: str, request: Request) -> Response:
        match verb:
            case "start":
                return Response(204 if await self._engine.start(container) else 304)
            case "stop":
                return Response(204 if await self._engine.stop(container, _grace(request)) else 304)
            case "restart":
                await self._engine.restart(container, _grace(request))
                return Response(204)
            case "kill":
                signal = _signal(request.query.get("signal") or "KILL", container)
                if not container.running:
                    message = f"cannot kill container: {container.name}: container {container.id} is not running"
                    raise ApiError(409, message)
                await self._engine.kill(container, signal)
                return Response(204)
        return UNKNOWN_PAGE

    def _ping(self) -> Response:
        headers = {
            "Builder-Version": "2",
            "Cache-Control": "no-cache, no-store, must-revalidate",
            "Pragma": "no-cache",
            "Swarm": "inactive",
        }
        return Response(body=b"OK", content_type="text/plain; charset=utf-8", headers=headers)

    def _list(self, request: Request) -> list[Json]:
        filters = parse_filters(request.query.get("filters", ""))
        if unknown := sorted(filters.keys() - _FILTERS):
            raise ApiError(400, f"invalid filter '{unknown[0]}'")
        everything = request.flag("all") or bool({"status", "exited"} & filters.keys())
        limit = int(request.query.get("limit") or 0)
        chosen = sorted(self._engine.containers.values(), key=lambda c: (c.created_ns, c.id), reverse=True)
        if limit > 0:
            everything = True
        chosen = [c for c in chosen if (everything or c.running or c.status == "restarting") and _passes(c, filters)]
        now = self._engine.clock.now()
        return [summary(c, now, size=request.flag("size")) for c in (chosen[:limit] if limit > 0 else chosen)]

    def _image(self, name: str) -> Response:
        plain = name.removeprefix("sha256:")
        for image in self._engine.images:
            identifier = image.id.removeprefix("sha256:")
            if name in (image.reference, image.repo_digest) or (len(plain) >= 6 and identifier.startswith(plain)):
                return answer(image.inspect())
        tagged = name if ":" in name.rpartition("/")[2] or "@" in name else f"{name}:latest"
        raise ApiError(404, f"No such image: {tagged}")

    def _version(self) -> Json:
        details = {
            "ApiVersion": HEADERS["Api-Version"],
            "Arch": "amd64",
            "BuildTime": "2025-04-02T10:08:54.000000000+00:00",
            "Experimental": "false",
            "GitCommit": "411e817",
            "GoVersion": "go1.24.2",
            "KernelVersion": KERNEL,
            "MinAPIVersion": "{}.{}".format(*OLDEST_API),
            "Os": "linux",
        }
        return {
            "Platform": {"Name": ""},
            "Components": [
                {"Name": "Engine", "Version": ENGINE_VERSION, "Details": details},
                {"Name": "containerd", "Version": "1.7.24~ds1", "Details": {"GitCommit": "1.7.24~ds1-6+deb13u1"}},
                {"Name": "runc", "Version": "1.1.15+ds1", "Details": {"GitCommit": "1.1.15+ds1-2+b4"}},
                {"Name": "docker-init", "Version": "0.19.0", "Details": {"GitCommit": ""}},
            ],
            "Version": ENGINE_VERSION,
            **{name: value for name, value in details.items() if name != "Experimental"},
        }

    def _info(self) -> Json:
        containers = list(self._engine.containers.values())
        running = sum(1 for c in containers if c.running)
        return {
            "ID": "5f3b1f4e-6d0c-4b52-9a55-3f4c6b1f0d2e",
            "Containers": len(containers),
            "ContainersRunning": running,
            "ContainersPaused": 0,
            "ContainersStopped": len(containers) - running,
            "Images": len(self._engine.images),
            "Driver": "overlay2",
            "DriverStatus": [["Backing Filesystem", "extfs"], ["Supports d_type", "true"]],
            "Plugins": {
                "Volume": ["local"],
                "Network": ["bridge", "host", "ipvlan", "macvlan", "null", "overlay"],
                "Authorization": None,
                "Log": ["journald", "json-file", "local", "syslog"],
            },
            "MemoryLimit": True,
            "SwapLimit": True,
            "CpuCfsPeriod": True,
            "CpuCfsQuota": True,
            "CPUShares": True,
            "CPUSet": True,
            "PidsLimit": True,
            "IPv4Forwarding": True,
            "Debug": False,
            "OomKillDisable": False,
            "NGoroutines": 61,
            "SystemTime": rfc3339(self._engine.clock.now()),
            "LoggingDriver": "json-file",
            "CgroupDriver": "systemd",
            "CgroupVersion": "2",
            "NEventsListener": 1,
            "KernelVersion": KERNEL,
            "OperatingSystem": SYSTEM,
            "OSVersion": "13",
            "OSType": "linux",
            "Architecture": "x86_64",
            "IndexServerAddress": "https://index.docker.io/v1/",
            "NCPU": CPUS,
            "MemTotal": MEMORY - 83_120 * 1024,
            "DockerRootDir": "/var/lib/docker",
            "Name": self._hostname,
            "Labels": [],
            "ExperimentalBuild": False,
            "ServerVersion": ENGINE_VERSION,
            "Runtimes": {"runc": {"path": "runc"}},
            "DefaultRuntime": "runc",
            "Swarm": {
                "NodeID": "",
                "NodeAddr": "",
                "LocalNodeState": "inactive",
                "ControlAvailable": False,
                "Error": "",
                "RemoteManagers": None,
            },
            "BridgeNfIptables": True,
            "BridgeNfIp6tables": True,
            "CDISpecDirs": [],
            "GenericResources": None,
            "HttpProxy": "",
            "HttpsProxy": "",
            "NoProxy": "",
            "NFd": 43,
            "ContainerdCommit": {"ID": "1.7.24~ds1-6+deb13u1", "Expected": "1.7.24~ds1-6+deb13u1"},
            "RuncCommit": {"ID": "1.1.15+ds1-2+b4", "Expected": "1.1.15+ds1-2+b4"},
            "InitCommit": {"ID": "", "Expected": ""},
            "LiveRestoreEnabled": False,
            "Isolation": "",
            "InitBinary": "docker-init",
            "SecurityOptions": ["name=apparmor", "name=seccomp,profile=builtin", "name=cgroupns"],
            "Warnings": None,
        }


def _passes(container: Container, filters: dict[str, list[str]]) -> bool:
    own = labels(container.service)
    image = container.service.image
    health = container.health if container.service.health and container.running else "none"
    tests: dict[str, Callable[[str], bool]] = {
        "name": lambda v: any(re.search(v, name) for name in (container.name, f"/{container.name}")),
        "id": container.id.startswith,
        "status": lambda v: v == container.status,
        "health": lambda v: v == health,
        "exited": lambda v: container.status == "exited" and v == str(container.exit_code),
        "network": lambda v: v == NETWORK,
        "ancestor": lambda v: v in (image.reference, image.id, image.reference.rpartition(":")[0]),
    }
    for name, wanted in filters.items():
        if name == "label":
            for label in wanted:  # every label has to be there
                key, equals, value = label.partition("=")
                if key not in own or (equals and own[key] != value):
                    return False
        elif name in tests and not any(tests[name](value) for value in wanted):
            return False
    return True


def _grace(request: Request) -> float:
    text = request.query.get("t", "10") or "10"
    try:
        seconds = int(text)
    except ValueError:
        raise ApiError(500, f'strconv.Atoi: parsing "{text}": invalid syntax') from None
    return float("inf") if seconds < 0 else float(seconds)


def _signal(name: str, container: Container) -> int:
    plain = name.upper().removeprefix("SIG")
    number = int(plain) if plain.isdigit() else SIGNALS.get(plain, 0)
    if not 0 < number < 65:
        raise ApiError(400, f"cannot kill container: {container.name}: invalid signal: {name}")
    return number
