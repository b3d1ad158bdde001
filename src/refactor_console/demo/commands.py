"""The programs that the demo host has, each answering as the real one of Debian 13 does."""

from __future__ import annotations

import shlex
import stat as modes
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from refactor_console.demo.clock import SECOND
from refactor_console.demo.files import Files
from refactor_console.demo.journalctl import journalctl
from refactor_console.demo.options import Parsed, Takes, UsageError, parse
from refactor_console.demo.shell import Account, ProgramError, Streams
from refactor_console.demo.systemctl import systemctl
from refactor_console.demo.vitals import CPUS
from refactor_console.demo.world import HOSTNAME, World

DOCKER_SOCKETS = ("/var/run/docker.sock", "/run/docker.sock")
_SUDO_COMMANDS = ("systemctl",)
"""What the sudoers file lets ``deploy`` run without a password."""
_ROOT = Account("root", 0, ((0, "root"),), sudo=True)
_SPECIAL = {
    "/": ("directory", "drwxr-xr-x", "root", "root"),
    "/home": ("directory", "drwxr-xr-x", "root", "root"),
    "/etc": ("directory", "drwxr-xr-x", "root", "root"),
    "/run": ("directory", "drwxr-xr-x", "root", "root"),
    "/var/run": ("directory", "drwxr-xr-x", "root", "root"),
    "/var/lib/docker": ("directory", "drwx--x---", "root", "root"),
    **dict.fromkeys(DOCKER_SOCKETS, ("socket", "srw-rw----", "root", "docker")),
}


@dataclass(frozen=True, slots=True)
class Shell:
    """One account's view of the host, in which command lines are run."""

    world: World
    files: Files
    account: Account

    async def run(self, line: str, streams: Streams) -> int:
        """Run one command line (words only: the demo's shell has no pipes, lists or variables); its exit status."""
        try:
            words = tuple(shlex.split(line))
        except ValueError:
            await streams.err(b"bash: -c: line 1: unexpected EOF while looking for matching quote\n")
            return 2
        return await self.execute(words, streams)

    async def execute(self, words: tuple[str, ...], streams: Streams) -> int:
        """Run a program by its words."""
        if not words:
            return 0
        name = words[0].rpartition("/")[2]
        program = _PROGRAMS.get(name)
        if program is None:
            why = "No such file or directory" if "/" in words[0] else "command not found"
            await streams.err(f"bash: {words[0]}: {why}\n".encode())
            return 127
        try:
            return await program(self, words[1:], streams)
        except UsageError as wrong:
            hint = "" if name in ("journalctl", "systemctl") else f"Try '{name} --help' for more information.\n"
            await streams.err(f"{wrong}\n{hint}".encode())
            return 1
        except ProgramError as failed:
            await streams.err(str(failed).encode())
            return failed.status


Program = Callable[[Shell, tuple[str, ...], Streams], Awaitable[int]]


async def _journalctl(shell: Shell, words: tuple[str, ...], streams: Streams) -> int:
    return await journalctl(shell.world.journal, shell.account, words, streams)


async def _systemctl(shell: Shell, words: tuple[str, ...], streams: Streams) -> int:
    return await systemctl(shell.world, shell.account, words, streams)


async def _true(shell: Shell, words: tuple[str, ...], streams: Streams) -> int:
    del shell, words, streams
    return 0


async def _echo(shell: Shell, words: tuple[str, ...], streams: Streams) -> int:
    del shell
    await streams.out(f"{' '.join(words)}\n".encode())
    return 0


async def _id(shell: Shell, words: tuple[str, ...], streams: Streams) -> int:
    given = _options("id", words, {"--user": "-u", "--name": "-n", "--groups": "-G"})
    who = shell.account
    names = given.has("--name")
    if given.has("--user"):
        text = who.name if names else str(who.uid)
    elif given.has("--groups"):
        text = " ".join(name if names else str(number) for number, name in who.groups)
    else:
        groups = ",".join(f"{number}({name})" for number, name in who.groups)
        text = f"uid={who.uid}({who.name}) gid={who.groups[0][0]}({who.groups[0][1]}) groups={groups}"
    await streams.out(f"{text}\n".encode())
    return 0


async def _uname(shell: Shell, words: tuple[str, ...], streams: Streams) -> int:
    del shell
    given = _options("uname", words, {"--nodename": "-n", "--kernel-release": "-r", "--machine": "-m"})
    parts = {"--nodename": HOSTNAME, "--kernel-release": "6.12.48+deb13-amd64", "--machine": "x86_64"}
    chosen = [text for name, text in parts.items() if given.has(name)] or ["Linux"]
    await streams.out(f"{' '.join(chosen)}\n".encode())
    return 0


async def _getconf(shell: Shell, words: tuple[str, ...], streams: Streams) -> int:
    del shell
    values = {"_NPROCESSORS_ONLN": CPUS, "_NPROCESSORS_CONF": CPUS, "PAGESIZE": 4096, "PAGE_SIZE": 4096, "CLK_TCK": 100}
    if len(words) != 1:
        raise ProgramError("Usage: getconf [-v specification] variable_name [pathname]\n", 2)
    if words[0] not in values:
        raise ProgramError(f"getconf: Unrecognized variable `{words[0]}'\n", 2)
    await streams.out(f"{values[words[0]]}\n".encode())
    return 0


async def _sudo(shell: Shell, words: tuple[str, ...], streams: Streams) -> int:
    spec = {"--non-interactive": Takes.NOTHING, "--list": Takes.NOTHING}
    given = parse("sudo", words, spec, {"-n": "--non-interactive", "-l": "--list"}, permute=False)
    name = given.operands[0].rpartition("/")[2] if given.operands else ""
    allowed = shell.account.sudo and (name in _SUDO_COMMANDS or (given.has("--list") and not name))
    if not allowed:
        # Without -n sudo would ask, and there is no terminal to ask on.
        raise ProgramError(
            "sudo: a password is required\n"
            if given.has("--non-interactive")
            else "sudo: a terminal is required to read the password; either use the -S option to read from standard "
            "input or configure an askpass helper\nsudo: a password is required\n"
        )
    if given.has("--list"):
        path = " ".join((f"/usr/bin/{name}", *given.operands[1:]))
        text = (
            path if name else f"User {shell.account.name} may run the following commands on {HOSTNAME}:\n    (root) ALL"
        )
        await streams.out(f"{text}\n".encode())
        return 0
    return await Shell(shell.world, shell.files, _ROOT).execute(given.operands, streams)


async def _cat(shell: Shell, words: tuple[str, ...], streams: Streams) -> int:
    given = _options("cat", words, {})
    vitals = shell.world.vitals
    vitals.advance(list(shell.world.engine.running()))
    special = {"/proc/loadavg": vitals.loadavg, "/proc/uptime": vitals.uptime, "/proc/meminfo": vitals.meminfo}
    status = 0
    for path in given.operands:
        if path in special:
            await streams.out(special[path]().encode())
            continue
        real = shell.files.real(shell.account, path)
        if not shell.files.readable(shell.account, path):
            problem = "Permission denied"
        elif real.is_dir():
            problem = "Is a directory"
        elif not real.is_file():
            problem = "No such file or directory"
        else:
            await streams.out(real.read_bytes())
            continue
        await streams.err(f"cat: {path}: {problem}\n".encode())
        status = 1
    if not given.operands:
        await streams.out(await streams.read_all())
    return status


async def _df(shell: Shell, words: tuple[str, ...], streams: Streams) -> int:
    given = _options("df", words, {"--kilo": "-k", "--portability": "-P"})
    size, used, available = shell.world.vitals.disk_blocks()
    root = ("/dev/vda1", size, used, available, "/")
    rows, status = [], 0
    for path in given.operands:
        if shell.files.exists(shell.account, path):
            rows.append(root)
        else:
            await streams.err(f"df: {path}: No such file or directory\n".encode())
            status = 1
    if not given.operands:
        rows = [root, ("/dev/vda15", 126_678, 8_912, 117_766, "/boot/efi")]
    if rows:
        await streams.out(_df_table(rows).encode())
    return status


def _df_table(rows: list[tuple[str, int, int, int, str]]) -> str:
    """Columns as wide as their widest cell, as df makes them; the share used is rounded up."""
    cells = [("Filesystem", "1024-blocks", "Used", "Available", "Capacity", "Mounted on")]
    for device, size, used, left, mount in rows:
        cells.append((device, str(size), str(used), str(left), f"{-(-used * 100 // (used + left))}%", mount))
    widths = [max(len(row[column]) for row in cells) for column in range(5)]
    return "".join(
        f"{row[0]:<{max(14, widths[0])}} " + " ".join(f"{row[c]:>{widths[c]}}" for c in range(1, 5)) + f" {row[5]}\n"
        for row in cells
    )


async def _date(shell: Shell, words: tuple[str, ...], streams: Streams) -> int:
    given = _options("date", words, {"--utc": "-u"})
    now = shell.world.clock.now()
    form = next((word[1:] for word in given.operands if word.startswith("+")), "%a %b %e %H:%M:%S UTC %Y")
    form = form.replace("%s", str(now // SECOND)).replace("%N", f"{now % SECOND:09d}")
    await streams.out(f"{datetime.fromtimestamp(now // SECOND, UTC).strftime(form)}\n".encode())
    return 0


async def _stat(shell: Shell, words: tuple[str, ...], streams: Streams) -> int:
    spec = {"--dereference": Takes.NOTHING, "--format": Takes.VALUE}
    given = parse("stat", words, spec, {"-L": "--dereference", "-c": "--format"})
    if not given.operands:
        raise ProgramError("stat: missing operand\nTry 'stat --help' for more information.\n")
    status = 0
    for path in given.operands:
        found = _describe(shell, path)
        if isinstance(found, str):
            await streams.err(f"stat: cannot statx '{path}': {found}\n".encode())
            status = 1
            continue
        kind, mode, owner, group = found
        text = given.last("--format", "%n")
        for letter, value in (("F", kind), ("A", mode), ("U", owner), ("G", group), ("n", path)):
            text = text.replace(f"%{letter}", value)
        await streams.out(f"{text}\n".encode())
    return status


def _describe(shell: Shell, path: str) -> tuple[str, str, str, str] | str:
    where = shell.files.absolute(shell.account, path)
    if where in _SPECIAL:
        return _SPECIAL[where]
    if not shell.files.readable(shell.account, path):
        return "Permission denied"
    try:
        found = shell.files.real(shell.account, path).stat()
    except FileNotFoundError:
        return "No such file or directory"
    except NotADirectoryError:
        return "Not a directory"
    kind = "directory" if modes.S_ISDIR(found.st_mode) else "regular file"
    if kind == "regular file" and found.st_size == 0:
        kind = "regular empty file"
    owner = where.split("/")[2]
    return kind, modes.filemode(found.st_mode), owner, owner


async def _mkdir(shell: Shell, words: tuple[str, ...], streams: Streams) -> int:
    spec = {"--parents": Takes.NOTHING, "--mode": Takes.VALUE}
    given = parse("mkdir", words, spec, {"-p": "--parents", "-m": "--mode"})
    status = 0
    for path in given.operands:
        real = shell.files.real(shell.account, path)
        problem = ""
        if real.is_dir() and given.has("--parents"):
            continue
        if not shell.files.writable(shell.account, path):
            problem = "Permission denied"
        elif real.exists():
            problem = "File exists"
        elif not given.has("--parents") and not real.parent.is_dir():
            problem = "No such file or directory"
        if problem:
            await streams.err(f"mkdir: cannot create directory '{path}': {problem}\n".encode())
            status = 1
            continue
        real.mkdir(parents=True)
        real.chmod(int(given.last("--mode", "755"), 8))
    return status


async def _tee(shell: Shell, words: tuple[str, ...], streams: Streams) -> int:
    given = _options("tee", words, {"--append": "-a"})
    data = await streams.read_all()
    status = 0
    for path in given.operands:
        real = shell.files.real(shell.account, path)
        problem = ""
        if not shell.files.writable(shell.account, path):
            problem = "Permission denied"
        elif real.is_dir():
            problem = "Is a directory"
        elif not real.parent.is_dir():
            problem = "No such file or directory"
        if problem:
            await streams.err(f"tee: {path}: {problem}\n".encode())
            status = 1
            continue
        with real.open("ab" if given.has("--append") else "wb") as file:
            file.write(data)
    await streams.out(data)
    return status


def _options(tool: str, words: tuple[str, ...], flags: dict[str, str]) -> Parsed:
    """Read the words of a tool whose options have no values."""
    return parse(tool, words, dict.fromkeys(flags, Takes.NOTHING), {short: name for name, short in flags.items()})


_PROGRAMS: dict[str, Program] = {
    "cat": _cat,
    "date": _date,
    "df": _df,
    "echo": _echo,
    "getconf": _getconf,
    "id": _id,
    "journalctl": _journalctl,
    "mkdir": _mkdir,
    "stat": _stat,
    "sudo": _sudo,
    "systemctl": _systemctl,
    "tee": _tee,
    "true": _true,
    "uname": _uname,
}
