"""Containers in the words of the Engine API v1.45: ``ContainerSummary``, ``ContainerInspect``, ``ContainerTop``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from refactor_console.demo.clock import SECOND, rfc3339
from refactor_console.demo.images import Json, digest, overlay

if TYPE_CHECKING:
    from refactor_console.demo.containers import Container, Service

PROJECT = "deploy"
PROJECT_DIRECTORY = "/home/deploy"
NETWORK = f"{PROJECT}_backend_network"
SUBNET = "172.18.0"
MEMORY = 4 * 1024**3
"""Bytes of memory of the host."""


_NO_LIMITS = (
    "BlkioDeviceReadBps",
    "BlkioDeviceReadIOps",
    "BlkioDeviceWriteBps",
    "BlkioDeviceWriteIOps",
    "BlkioWeightDevice",
    "DeviceCgroupRules",
    "DeviceRequests",
    "Devices",
    "GroupAdd",
)
_ZERO_LIMITS = (
    "CpuCount",
    "CpuPercent",
    "CpuPeriod",
    "CpuQuota",
    "CpuRealtimePeriod",
    "CpuRealtimeRuntime",
    "IOMaximumBandwidth",
    "IOMaximumIOps",
)


def network_id() -> str:
    """Identifier of the compose network."""
    return digest(f"network {NETWORK}")


def labels(service: Service) -> Json:
    """The image's labels and those that compose adds."""
    compose = "com.docker.compose"
    return {
        f"{compose}.config-hash": digest(f"config {service.name} {service.image.id}"),
        f"{compose}.container-number": "1",
        f"{compose}.depends_on": service.depends_on,
        f"{compose}.image": service.image.id,
        f"{compose}.oneoff": "False",
        f"{compose}.project": PROJECT,
        f"{compose}.project.config_files": f"{PROJECT_DIRECTORY}/docker-compose.yaml",
        f"{compose}.project.working_dir": PROJECT_DIRECTORY,
        f"{compose}.service": service.name,
        f"{compose}.version": "2.26.1",
        **service.image.labels,
    }


def summary(container: Container, now_ns: int, *, size: bool = False) -> Json:
    """One element of ``GET /containers/json``."""
    service = container.service
    return {
        "Id": container.id,
        "Names": [f"/{container.name}"],
        "Image": service.image.reference,
        "ImageID": service.image.id,
        "Command": _command_line(service),
        "Created": container.created_ns // SECOND,
        "Ports": _port_list(container),
        **({"SizeRw": 1095 + len(service.name) * 211, "SizeRootFs": service.image.size + 1095} if size else {}),
        "Labels": labels(service),
        "State": container.status,
        "Status": status_text(container, now_ns),
        "HostConfig": {"NetworkMode": NETWORK},
        "NetworkSettings": {"Networks": {NETWORK: _endpoint(container, summary_form=True)}},
        "Mounts": _mounts(service),
    }


def inspect(container: Container) -> Json:
    """``GET /containers/{id}/json``."""
    service = container.service
    directory = f"/var/lib/docker/containers/{container.id}"
    entry = service.image.entrypoint
    words = (*entry, *(service.command or service.image.command))
    return {
        "Id": container.id,
        "Created": rfc3339(container.created_ns),
        "Path": words[0] if words else "",
        "Args": list(words[1:]),
        "State": _state(container),
        "Image": service.image.id,
        "ResolvConfPath": f"{directory}/resolv.conf",
        "HostnamePath": f"{directory}/hostname",
        "HostsPath": f"{directory}/hosts",
        "LogPath": f"{directory}/{container.id}-json.log",
        "Name": f"/{container.name}",
        "RestartCount": container.restarts,
        "Driver": "overlay2",
        "Platform": "linux",
        "MountLabel": "",
        "ProcessLabel": "",
        "AppArmorProfile": "docker-default",
        "ExecIDs": None,
        "HostConfig": _host_config(service),
        "GraphDriver": {
            "Data": overlay(digest(container.id)),
            "Name": "overlay2",
        },
        "Mounts": _mounts(service),
        "Config": _config(container),
        "NetworkSettings": _network_settings(container),
    }


def top(container: Container) -> Json:
    """``GET /containers/{id}/top`` with the Engine's default, ``ps -ef``."""
    started = rfc3339(container.started_ns)[11:16]
    rows = []
    for index, command in enumerate(container.service.processes or (_command_line(container.service),)):
        parent = container.pid - 22 if index == 0 else container.pid
        owner = "root" if index == 0 else "101"
        rows.append([owner, str(container.pid + index * 23), str(parent), "0", started, "?", "00:00:0" + "4", command])
    return {"Titles": ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"], "Processes": rows}


def status_text(container: Container, now_ns: int) -> str:
    """The status column of ``docker ps``."""
    match container.status:
        case "running":
            text = f"Up {human_duration((now_ns - container.started_ns) / SECOND)}"
            if container.service.health is None:
                return text
            return f"{text} ({'health: starting' if container.health == 'starting' else container.health})"
        case "created":
            return "Created"
        case "restarting":
            ago = human_duration((now_ns - container.finished_ns) / SECOND)
            return f"Restarting ({container.exit_code}) {ago} ago"
        case _:
            ago = human_duration((now_ns - container.finished_ns) / SECOND)
            return f"Exited ({container.exit_code}) {ago} ago"


def human_duration(seconds: float) -> str:
    """docker/go-units ``HumanDuration``."""
    whole = int(seconds)
    minutes, hours = whole // 60, int(seconds / 3600 + 0.5)
    steps = (
        (whole < 1, "Less than a second"),
        (whole == 1, "1 second"),
        (whole < 60, f"{whole} seconds"),
        (minutes == 1, "About a minute"),
        (minutes < 60, f"{minutes} minutes"),
        (hours == 1, "About an hour"),
        (hours < 48, f"{hours} hours"),
        (hours < 24 * 7 * 2, f"{hours // 24} days"),
        (hours < 24 * 30 * 2, f"{hours // 24 // 7} weeks"),
        (hours < 24 * 365 * 2, f"{hours // 24 // 30} months"),
    )
    return next((text for holds, text in steps if holds), f"{whole // 3600 // 24 // 365} years")


def _command_line(service: Service) -> str:
    words = (*service.image.entrypoint, *(service.command or service.image.command))
    return " ".join(f"'{word}'" if " " in word else word for word in words)


def _state(container: Container) -> Json:
    state: Json = {
        "Status": container.status,
        "Running": container.status in ("running", "restarting"),
        "Paused": False,
        "Restarting": container.status == "restarting",
        "OOMKilled": container.oom_killed,
        "Dead": False,
        "Pid": container.pid if container.running else 0,
        "ExitCode": container.exit_code,
        "Error": container.error,
        "StartedAt": rfc3339(container.started_ns),
        "FinishedAt": rfc3339(container.finished_ns),
    }
    if container.service.health is not None:
        state["Health"] = {
            "Status": container.health if container.running else "unhealthy",
            "FailingStreak": container.failing_streak,
            "Log": [
                {
                    "Start": rfc3339(probe.start_ns),
                    "End": rfc3339(probe.end_ns),
                    "ExitCode": probe.exit_code,
                    "Output": probe.output,
                }
                for probe in container.probes
            ],
        }
    return state


def _host_config(service: Service) -> Json:
    return {
        "Binds": [f"{m.source}:{m.target}:{'rw' if m.writable else 'ro'}" for m in service.mounts] or None,
        "ContainerIDFile": "",
        "LogConfig": {"Type": "json-file", "Config": {}},
        "NetworkMode": NETWORK,
        "PortBindings": {f"{port}/tcp": [{"HostIp": "", "HostPort": str(port)}] for port in service.ports},
        "RestartPolicy": {"Name": service.restart, "MaximumRetryCount": 0},
        "AutoRemove": False,
        "VolumeDriver": "",
        "VolumesFrom": None,
        "ConsoleSize": [0, 0],
        "CapAdd": None,
        "CapDrop": None,
        "CgroupnsMode": "private",
        "Dns": [],
        "DnsOptions": [],
        "DnsSearch": [],
        "ExtraHosts": [],
        "IpcMode": "private",
        "Cgroup": "",
        "Links": None,
        "OomScoreAdj": 0,
        "PidMode": "",
        "Privileged": False,
        "PublishAllPorts": False,
        "ReadonlyRootfs": False,
        "SecurityOpt": None,
        "UTSMode": "",
        "UsernsMode": "",
        "ShmSize": 67108864,
        "Runtime": "runc",
        "Isolation": "",
        "CpuShares": 0,
        "Memory": 0,
        "NanoCpus": 0,
        "CgroupParent": "",
        "BlkioWeight": 0,
        "MemoryReservation": 0,
        "MemorySwap": 0,
        "MemorySwappiness": None,
        "OomKillDisable": None,
        "PidsLimit": None,
        **dict.fromkeys(_NO_LIMITS),
        **dict.fromkeys(_ZERO_LIMITS, 0),
        "CpusetCpus": "",
        "CpusetMems": "",
        "Ulimits": None,
        "MaskedPaths": ["/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/timer_list"],
        "ReadonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
    }


def _config(container: Container) -> Json:
    service = container.service
    config = service.image.config() | {
        "Hostname": container.short_id,
        "AttachStdout": True,
        "AttachStderr": True,
        "Env": [*service.env, *service.image.env],
        "Cmd": list(service.command or service.image.command) or None,
        "Image": service.image.reference,
        "Labels": labels(service),
    }
    if service.stop_signal == 3:
        config["StopSignal"] = "SIGQUIT"
    if check := service.health:
        config["Healthcheck"] = {
            "Test": list(check.test),
            "Interval": round(check.interval * SECOND),
            "Timeout": round(check.timeout * SECOND),
            "StartPeriod": round(check.start_period * SECOND),
            "Retries": check.retries,
        }
    return config


def _mounts(service: Service) -> list[Json]:
    return [
        {
            "Type": "bind",
            "Source": mount.source,
            "Destination": mount.target,
            "Mode": "rw" if mount.writable else "ro",
            "RW": mount.writable,
            "Propagation": "rprivate",
        }
        for mount in service.mounts
    ]


def _port_list(container: Container) -> list[Json]:
    if not container.running:
        return []
    exposed = sorted(int(port.partition("/")[0]) for port in container.service.image.exposed)
    listed: list[Json] = [
        {"IP": address, "PrivatePort": port, "PublicPort": port, "Type": "tcp"}
        for port in container.service.ports
        for address in ("0.0.0.0", "::")  # noqa: S104 - what the Engine publishes on, nothing is bound here
    ]
    return listed + [{"PrivatePort": p, "Type": "tcp"} for p in exposed if p not in container.service.ports]


def _endpoint(container: Container, *, summary_form: bool = False) -> Json:
    service, up = container.service, container.running
    address = service.address
    return {
        "IPAMConfig": None,
        "Links": None,
        "Aliases": None if summary_form else [service.container, service.name],
        "MacAddress": f"02:42:ac:12:00:{address:02x}" if up else "",
        "NetworkID": network_id(),
        "EndpointID": container.endpoint_id() if up else "",
        "Gateway": f"{SUBNET}.1" if up else "",
        "IPAddress": f"{SUBNET}.{address}" if up else "",
        "IPPrefixLen": 16 if up else 0,
        "IPv6Gateway": "",
        "GlobalIPv6Address": "",
        "GlobalIPv6PrefixLen": 0,
        "DriverOpts": None,
        "DNSNames": None if summary_form else [service.container, service.name, container.short_id],
    }


def _network_settings(container: Container) -> Json:
    up = container.running
    ports: Json = dict.fromkeys(container.service.image.exposed) if up else {}
    for port in container.service.ports if up else ():
        ports[f"{port}/tcp"] = [
            {"HostIp": "0.0.0.0", "HostPort": str(port)},  # noqa: S104 - a simulated address
            {"HostIp": "::", "HostPort": str(port)},
        ]
    return {
        "Bridge": "",
        "SandboxID": digest(f"sandbox {container.id} {container.run}") if up else "",
        "SandboxKey": f"/var/run/docker/netns/{digest(f'sandbox {container.id} {container.run}')[:12]}" if up else "",
        "Ports": ports,
        "HairpinMode": False,
        "LinkLocalIPv6Address": "",
        "LinkLocalIPv6PrefixLen": 0,
        "SecondaryIPAddresses": None,
        "SecondaryIPv6Addresses": None,
        "EndpointID": "",
        "Gateway": "",
        "GlobalIPv6Address": "",
        "GlobalIPv6PrefixLen": 0,
        "IPAddress": "",
        "IPPrefixLen": 0,
        "IPv6Gateway": "",
        "MacAddress": "",
        "Networks": {NETWORK: _endpoint(container)},
    }
