"""The command line: `python -m tests.droplet VERB [--name NAME]`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence

from tests.droplet import instance as life
from tests.droplet.build import build
from tests.droplet.droplet import Droplet
from tests.droplet.errors import DropletError
from tests.droplet.requirements import missing_requirements

_PLAIN: dict[str, tuple[str, Callable[[Droplet], object]]] = {
    "power-off": ("cut the power", Droplet.power_off),
    "power-on": ("switch it on again", Droplet.power_on),
    "power-cycle": ("cut the power and switch it on again", Droplet.power_cycle),
    "reboot": ("reboot in an orderly way", Droplet.reboot),
    "heal": ("undo every fault, keep the disk", Droplet.heal),
    "kill-ssh": ("end every SSH session", Droplet.kill_ssh_sessions),
    "stop-sshd": ("stop listening for SSH", Droplet.stop_sshd),
    "start-sshd": ("listen for SSH again", Droplet.start_sshd),
    "cut": ("cut the network", Droplet.cut_network),
    "restore": ("mend the network", Droplet.restore_network),
    "stop-docker": ("stop the Docker daemon", Droplet.stop_docker),
    "start-docker": ("start the Docker daemon", Droplet.start_docker),
    "restart-docker": ("restart the Docker daemon", Droplet.restart_docker),
    "reload-nginx": ("have nginx resolve its upstreams again", Droplet.reload_nginx),
    "free-disk": ("take the filler away", Droplet.free_disk),
    "wrong-host-key": ("present other host keys", Droplet.set_wrong_host_key),
    "right-host-key": ("present the known host keys again", Droplet.restore_host_key),
    "empty-journal": ("begin the journal anew", Droplet.empty_journal),
    "restore-clock": ("have `date` be right again", Droplet.restore_clock),
}


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.droplet", description="A real Debian server in a box.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument(
        "--name", default=os.environ.get("DROPLET_NAME", "t1"), help="which instance (default: %(default)s)"
    )

    def verb(name: str, text: str) -> argparse.ArgumentParser:
        return verbs.add_parser(name, help=text, parents=[shared])

    verb("requirements", "what this machine lacks")
    verb("build", "build the disk image").add_argument("--force", action="store_true", help="even if it is built")
    verb("up", "start an instance")
    verb("down", "end it and remove every trace")
    verb("reset", "back to factory state; address and keys stay")
    verb("status", "how to reach it, and how it is, as JSON")
    verb("list", "all instances")
    verb("ssh-config", "print a configuration for ssh")
    inside = verb("exec", "run a command inside, without the network")
    inside.add_argument("--user", default="root")
    inside.add_argument("argv", nargs=argparse.REMAINDER, metavar="-- COMMAND")
    for name, (text, _) in _PLAIN.items():
        verb(name, text)
    verb("fill-disk", "fill the disk").add_argument("--leave-kib", type=int, default=0)
    verb("publish-stable", "move `stable` in the registry to a version").add_argument("version")
    verb("skew-clock", "have `date` be wrong for deploy").add_argument("seconds", type=int)
    for name in ("journal-numbers", "container-numbers"):
        numbers = verb(name, f"numbered lines to the {name.partition('-')[0]}; --rate 0 stops them")
        numbers.add_argument("--rate", type=float, required=True)
        numbers.add_argument("--total", type=int, default=0)
        numbers.add_argument("--id", default="1")
    raw = verb("raw", "write the bytes of standard input as they are")
    raw.add_argument("--to", choices=["container", "journal"], default="container")
    app = verb("app", "the stand-in backend's controls: emit, stop, raw, big, health, crash, exit, status")
    app.add_argument("control")
    app.add_argument("options", nargs="?", default="{}", help="JSON")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit status."""
    options = _parser().parse_args(argv)
    try:
        return _run(options)
    except DropletError as problem:
        _say(str(problem))
        return 1


def _run(options: argparse.Namespace) -> int:
    match options.verb:
        case "requirements":
            lacking = missing_requirements()
            print("\n".join(lacking) or "Nothing is missing.")
            return 1 if lacking else 0
        case "build":
            print(build(say=_say, force=options.force))
        case "up":
            print(json.dumps(Droplet.up(options.name, say=_say).describe(), indent=2))
        case "down":
            life.down(options.name)
        case "list":
            print("\n".join(life.names()))
        case _:
            return _run_on(Droplet(options.name), options)
    return 0


def _run_on(droplet: Droplet, options: argparse.Namespace) -> int:
    match options.verb:
        case "reset":
            droplet.reset(say=_say)
        case "status":
            about = droplet.describe()
            if droplet.running:
                about |= {"unit": " ".join(droplet.unit()), "containers": droplet.containers()}
            print(json.dumps(about, indent=2))
        case "ssh-config":
            print(droplet.ssh_config.read_text(encoding="utf-8"), end="")
        case "exec":
            words = options.argv[1:] if options.argv[:1] == ["--"] else options.argv
            command = droplet.instance.machine.command(words or ["bash"], options.user)
            os.execvp(command[0], command)
        case "fill-disk":
            droplet.fill_disk(leave_kib=options.leave_kib)
        case "publish-stable":
            droplet.publish_stable(options.version)
        case "skew-clock":
            droplet.skew_clock(options.seconds)
        case "journal-numbers" if options.rate:
            droplet.start_journal_numbers(rate=options.rate, total=options.total, ident=options.id)
        case "journal-numbers":
            droplet.stop_journal_numbers(options.id)
        case "container-numbers" if options.rate:
            droplet.start_container_numbers(rate=options.rate, total=options.total, ident=options.id)
        case "container-numbers":
            print(droplet.stop_container_numbers(options.id))
        case "raw":
            droplet.emit_raw(sys.stdin.buffer.read(), to=options.to)
        case "app":
            print(json.dumps(droplet.control_app(options.control, **json.loads(options.options))))
        case plain:
            answer = _PLAIN[plain][1](droplet)
            if answer is not None:
                print(answer)
    return 0
