"""The cable to an instance: a bridge with one port, because systemd-nspawn plugs into it again after every reboot."""

from __future__ import annotations

import ipaddress
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.droplet.errors import DropletError, NoFreeNetwork
from tests.droplet.shell import run

DEFAULT_POOL = "100.64.0.0/16"


@dataclass(frozen=True)
class Cable:
    """Four addresses and the names of the interfaces at this machine's end."""

    name: str
    subnet: str

    @property
    def _net(self) -> ipaddress.IPv4Network:
        return ipaddress.IPv4Network(self.subnet)

    @property
    def outer(self) -> str:
        """This machine's address."""
        return str(self._net[1])

    @property
    def inner(self) -> str:
        """The droplet's address."""
        return str(self._net[2])

    @property
    def prefix(self) -> int:
        """The length of the network prefix."""
        return self._net.prefixlen

    @property
    def bridge(self) -> str:
        """The interface with this machine's address."""
        return f"ve-{self.name}"

    @property
    def port(self) -> str:
        """The interface at the end of the droplet's cable, while the droplet runs."""
        return f"vb-{self.name}"

    def plug(self) -> None:
        """Make the bridge and give it this machine's address."""
        run(["ip", "link", "add", "name", self.bridge, "type", "bridge", "forward_delay", "0"])
        run(["ip", "addr", "add", f"{self.outer}/{self.prefix}", "dev", self.bridge])
        run(["ip", "link", "set", self.bridge, "up"])

    def cut(self) -> None:
        """Cut the cable: nothing passes, and nobody is told."""
        run(["ip", "link", "set", self.port, "down"])

    def restore(self) -> None:
        """Mend the cable."""
        run(["ip", "link", "set", self.port, "up"])

    def unplug(self) -> None:
        """Remove the bridge, and the port if a crash left it."""
        for interface in (self.port, self.bridge):
            run(["ip", "link", "delete", interface], check=False)


def choose(name: str, reserved: Iterable[str]) -> Cable:
    """A cable with four addresses that nothing on this machine uses or routes to."""
    pool = ipaddress.IPv4Network(os.environ.get("DROPLET_NETWORK", DEFAULT_POOL))
    if pool.prefixlen > 24:
        raise DropletError(f"DROPLET_NETWORK={pool} is too small: give a network of /24 or larger.")
    taken = [ipaddress.IPv4Network(subnet) for subnet in reserved] + _in_use()
    for block in list(pool.subnets(new_prefix=24))[1:]:
        subnet = ipaddress.IPv4Network((block.network_address, 30))
        if not any(subnet.overlaps(other) for other in taken):
            return Cable(name, str(subnet))
    raise NoFreeNetwork(
        f"Every address range in {pool} is in use or routed on this machine (a running tailnet routes 100.64.0.0/10). "
        "Set DROPLET_NETWORK to a private network that is free here, for example 10.213.0.0/16."
    )


def _in_use() -> list[ipaddress.IPv4Network]:
    found = [
        ipaddress.IPv4Network(f"{info['local']}/{info['prefixlen']}", strict=False)
        for interface in _ip_json("addr", "show")
        for info in interface.get("addr_info", [])
    ]
    for route in _ip_json("route", "show", "table", "all"):
        target = route.get("dst", "default")
        if target != "default" and ":" not in target:
            found.append(ipaddress.IPv4Network(target, strict=False))
    return found


def _ip_json(*words: str) -> list[dict[str, Any]]:
    answer = json.loads(run(["ip", "-4", "-json", *words]).stdout or "[]")
    return [entry for entry in answer if isinstance(entry, dict)]
