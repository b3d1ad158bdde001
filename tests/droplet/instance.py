"""The life of an instance: up, down, power, reset; and what is remembered about it between commands."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from tests.droplet import cgroups, disk, keys, network
from tests.droplet.build import Say, build, locked, quiet
from tests.droplet.errors import NotRunning
from tests.droplet.machine import Machine, Process
from tests.droplet.network import Cable
from tests.droplet.paths import LIBRARY, InstancePaths, cache, recipe_hash
from tests.droplet.shell import run, wait_for


@dataclass(frozen=True)
class State:
    """What is remembered about an instance."""

    name: str
    subnet: str
    recipe: str
    pid: int
    pid_started: int

    @classmethod
    def load(cls, paths: InstancePaths) -> State | None:
        """Read it, if there is any."""
        try:
            data = json.loads(paths.state.read_text(encoding="utf-8"))
            return cls(data["name"], data["subnet"], data["recipe"], data["pid"], data["pid_started"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def save(self, paths: InstancePaths) -> None:
        """Write it whole or not at all."""
        draft = paths.state.with_suffix(".part")
        draft.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")
        draft.rename(paths.state)


@dataclass(frozen=True)
class Instance:
    """An instance that exists, running or switched off."""

    paths: InstancePaths
    state: State

    @classmethod
    def find(cls, name: str) -> Instance:
        """The instance of that name. Raises NotRunning when there is none."""
        paths = InstancePaths.of(name)
        if (state := State.load(paths)) is None:
            raise NotRunning(f"There is no droplet named {name!r}. Start one: python -m tests.droplet up --name {name}")
        return cls(paths, state)

    @property
    def cable(self) -> Cable:
        """Its link to this machine."""
        return Cable(self.state.name, self.state.subnet)

    @property
    def machine(self) -> Machine:
        """The machine, with the process that runs it."""
        process = Process(self.state.pid, self.state.pid_started) if self.state.pid else None
        return Machine(self.state.name, self.paths.root, self.paths.console, self.cable, process)

    @property
    def current(self) -> bool:
        """Whether it was made from the present recipe."""
        return self.state.recipe == recipe_hash()

    def power_on(self) -> Instance:
        """Boot it from the disk as it is, and wait until it serves."""
        if self.machine.running:
            return self
        if not disk.is_mounted(self.paths.root):
            disk.mount(self.paths.disk, self.paths.root)
        process = self.machine.boot().process
        assert process is not None
        started = replace(self, state=replace(self.state, pid=process.pid, pid_started=process.started))
        started.state.save(started.paths)
        started.wait_ready()
        return started

    def power_off(self, *, orderly: bool = False) -> Instance:
        """Switch it off: at once, as by a power cut, or in an orderly way."""
        if orderly:
            self.machine.shut_down()
        else:
            self.machine.kill()
        disk.unmount(self.paths.root)
        disk.release(self.paths.disk)
        stopped = replace(self, state=replace(self.state, pid=0, pid_started=0))
        stopped.state.save(stopped.paths)
        return stopped

    def wait_ready(self, timeout: float = 120) -> None:
        """Wait until it has booted, answers by SSH and serves the application."""
        begun = time.monotonic()
        self.machine.wait_booted(timeout)

        def left() -> float:
            return max(1.0, timeout - (time.monotonic() - begun))

        wait_for("the droplet answers by SSH", lambda: ssh_answers(self.cable.inner), timeout=left())
        if self.machine.exec(["systemctl", "is-enabled", "refactor-platform"], check=False).stdout.strip() == "enabled":
            wait_for("nginx serves the API", self.serves, timeout=left(), pause=0.2)

    def serves(self) -> bool:
        """Whether the API answers through nginx, asked from inside."""
        probe = ["curl", "-sfo", "/dev/null", "--max-time", "3", "--resolve", "myrefactor.com:443:127.0.0.1"]
        done = self.machine.exec([*probe, "https://myrefactor.com/api/health"], check=False)
        return done.returncode == 0


def ssh_answers(address: str, port: int = 22) -> bool:
    """Whether an SSH server introduces itself there."""
    with contextlib.suppress(OSError), socket.create_connection((address, port), timeout=2) as probe:
        probe.settimeout(2)
        return probe.recv(4) == b"SSH-"
    return False


def names() -> list[str]:
    """The names of all instances."""
    folder = cache() / "instances"
    return sorted(p.name for p in folder.iterdir() if (p / "state.json").exists()) if folder.exists() else []


def up(name: str, *, say: Say = quiet) -> Instance:
    """Start an instance in factory state; what a crashed run of that name left is cleaned away first."""
    paths = InstancePaths.of(name)
    if (state := State.load(paths)) and (there := Instance(paths, state)).machine.running:
        if not there.current:
            say(f"{name} runs an older recipe; `reset` brings it up to date")
        return there
    image = build(say=say)
    with locked(f"instance-{name}"):
        down(name)
        with locked("network"):
            cable = network.choose(name, (Instance.find(other).state.subnet for other in names()))
            cable.plug()
            paths.folder.mkdir(parents=True, exist_ok=True)
            State(name, cable.subnet, recipe_hash(), 0, 0).save(paths)
        try:
            return _furnish(paths, image, cable).power_on()
        except BaseException:
            down(name, keep_console=True)
            raise


def reset(name: str, *, say: Say = quiet) -> Instance:
    """Put a running instance back into factory state: same address, same keys, nothing else."""
    before = Instance.find(name)
    image = build(say=say)
    with locked(f"instance-{name}"):
        before.power_off()
        before.state.save(before.paths)
        before.cable.unplug()
        before.cable.plug()
        return _furnish(before.paths, image, before.cable).power_on()


def _furnish(paths: InstancePaths, image: Path, cable: Cable) -> Instance:
    """A fresh disk with the instance's own keys, certificates and address."""
    state = State(paths.name, cable.subnet, recipe_hash(), 0, 0)
    paths.disk.unlink(missing_ok=True)
    disk.copy(image, paths.disk)
    keys.generate(paths, cable.inner)
    disk.mount(paths.disk, paths.root)
    keys.install(paths)
    (paths.root / "etc" / "droplet-address").write_text(f"{cable.inner}/{cable.prefix}\n", encoding="utf-8")
    run(["chroot", str(paths.root), "sh", f"{LIBRARY}/personalise"])
    shutil.copy(paths.root / "etc" / "droplet-ca" / "ca.crt", paths.ca_cert)
    state.save(paths)
    return Instance(paths, state)


def down(name: str, *, keep_console: bool = False) -> None:
    """End an instance and remove every trace of it; fine when there is none."""
    paths = InstancePaths.of(name)
    state = State.load(paths)
    if state is not None:
        Instance(paths, state).machine.kill()
    cgroups.kill(name)
    cgroups.remove(name)
    disk.unmount(paths.root)
    if paths.disk.exists():
        disk.release(paths.disk)
        disk.detach(paths.disk)
    Cable(name, "100.64.0.0/30").unplug()
    if keep_console and paths.console.exists():
        shutil.copy(paths.console, cache() / f"{name}-console.log")
    shutil.rmtree(paths.folder, ignore_errors=True)


def leftovers(name: str) -> list[str]:
    """What still exists of an instance: sentences for a person; empty after `down`."""
    paths = InstancePaths.of(name)
    cable = Cable(name, "100.64.0.0/30")
    found = [f"process {pid}" for pid in sorted(cgroups.members(name))]
    found += [f"control group {folder}" for folder in cgroups.leftovers(name)]
    found += [f"interface {i}" for i in (cable.bridge, cable.port) if Path(f"/sys/class/net/{i}").exists()]
    if disk.is_mounted(paths.root):
        found.append(f"mount {paths.root}")
    loops = run(["losetup", "--list", "--noheadings", "--output", "NAME,BACK-FILE"]).stdout.splitlines()
    found += [f"loop device {line.split()[0]}" for line in loops if str(paths.disk) in line]
    if paths.folder.exists():
        found.append(f"directory {paths.folder}")
    return found
