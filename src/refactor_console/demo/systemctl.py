"""``systemctl`` over the demo host's units, after systemctl(1) of systemd 257."""

from __future__ import annotations

from refactor_console.demo.clock import SECOND, utc
from refactor_console.demo.options import Takes, parse
from refactor_console.demo.shell import Account, ProgramError, Streams
from refactor_console.demo.world import Unit, World

_SPEC = {
    "--no-pager": Takes.NOTHING,
    "--property": Takes.VALUE,
    "--timestamp": Takes.VALUE,
    "--value": Takes.NOTHING,
    "--quiet": Takes.NOTHING,
    "--all": Takes.NOTHING,
    "--full": Takes.NOTHING,
    "--no-ask-password": Takes.NOTHING,
}
_ALIASES = {"-p": "--property", "-q": "--quiet", "-a": "--all", "-l": "--full", "-P": "--property"}
_ACTIONS = {"start": "start", "stop": "stop", "restart": "restart"}


async def systemctl(world: World, account: Account, words: tuple[str, ...], streams: Streams) -> int:
    """Run ``systemctl`` with these arguments."""
    given = parse("systemctl", words, _SPEC, _ALIASES)
    verb, *names = given.operands or ("list-units",)
    names = [name if "." in name else f"{name}.service" for name in names]
    match verb:
        case "show":
            wanted = [name for value in given.all("--property") for name in value.split(",") if name]
            unix = given.last("--timestamp") == "unix"
            blocks = []
            for name in names:
                values = properties(world.units.get(name), name, unix=unix)
                blocks.append("".join(f"{k}={v}\n" for k, v in values.items() if not wanted or k in wanted))
            await streams.out("\n".join(blocks).encode())
            return 0
        case "is-active":
            states = [world.units[name].active if name in world.units else "inactive" for name in names]
            if not given.has("--quiet"):
                await streams.out("".join(f"{state}\n" for state in states).encode())
            if "active" in states:
                return 0
            return 3 if any(name in world.units for name in names) else 4
        case "is-enabled":
            await streams.out("".join(f"{world.units[n].file_state}\n" for n in names if n in world.units).encode())
            return 0 if all(name in world.units for name in names) else 4
        case "start" | "stop" | "restart":
            for name in names:
                await _act(world, account, verb, name)
            return 0
        case _:
            raise ProgramError(f"Unknown command verb '{verb}'.\n")


async def _act(world: World, account: Account, verb: str, name: str) -> None:
    if account.uid != 0:
        raise ProgramError(
            f"Failed to {verb} {name}: Access denied\nSee system logs and 'systemctl status {name}' for details.\n",
            4,
        )
    if name not in world.units:
        raise ProgramError(f"Failed to {verb} {name}: Unit {name} not found.\n", 5)
    await world.control_unit(_ACTIONS[verb], name)


def properties(unit: Unit | None, name: str, *, unix: bool) -> dict[str, str]:
    """What ``systemctl show`` says of a unit; None for one that does not exist."""

    def when(ns: int) -> str:
        if ns == 0:
            return ""
        return f"@{ns // SECOND}" if unix else f"{utc(ns):%a %Y-%m-%d %H:%M:%S} UTC"

    known = unit or Unit(name, name, "inactive", "dead", "", "")
    values = {
        "Type": known.kind,
        "Restart": "no",
        "MainPID": "0" if known.kind == "oneshot" or unit is None else "812",
        "RemainAfterExit": "yes" if known.kind == "oneshot" else "no",
        "Result": "success",
        "NRestarts": "0",
        "ExecMainStartTimestamp": when(known.entered_ns),
        "ExecMainStatus": "0",
        "Id": name,
        "Names": name,
        "Description": known.description,
        "LoadState": "loaded" if unit else "not-found",
        "ActiveState": known.active,
        "FreezerState": "running",
        "SubState": known.sub,
        "FragmentPath": known.path,
        "UnitFileState": known.file_state,
        "UnitFilePreset": "enabled" if unit else "",
        "StateChangeTimestamp": when(known.changed_ns),
        "InactiveExitTimestamp": when(known.entered_ns - SECOND if known.entered_ns else 0),
        "ActiveEnterTimestamp": when(known.entered_ns),
        "ActiveExitTimestamp": when(known.left_ns - SECOND if known.left_ns else 0),
        "InactiveEnterTimestamp": when(known.left_ns),
        "InvocationID": known.invocation,
    }
    if unit is None:
        del values["UnitFilePreset"]
    return values
