"""Puts the console together: settings, sessions, application. The one module that knows both ends."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from refactor_console.domain.environment import Environment, SshTarget
from refactor_console.domain.problem import ConsoleError, Problem

if TYPE_CHECKING:
    from refactor_console.adapters.host import HostConnection
    from refactor_console.services.session import ConsoleSession


class NoTerminal(ConsoleError):  # noqa: N818 - says what is the case
    """The console was started where it cannot draw."""


def console(*, config: Path | None, environment: str | None, read_only: bool, theme: str | None) -> int:
    """Open the console on the configured environments.

    Raises:
        ConsoleError: a setting is wrong, or there is no terminal.
    """
    from refactor_console import settings as configuration  # noqa: PLC0415 - pydantic costs a tenth of a second

    found, file = configuration.load(config)
    if environment is not None:
        found = found.model_copy(update={"default_environment": environment})
    environments, start = configuration.environments(found, file)
    only_read = read_only or found.read_only

    def open_session(chosen: Environment) -> ConsoleSession:
        from refactor_console.services.live import LiveSession  # noqa: PLC0415 - after the first frame

        return LiveSession(chosen, read_only=only_read)

    return _run(
        environments,
        open_session,
        start=start,
        read_only=only_read,
        theme=theme or found.theme,
        keymap=found.keys,
        log_bounds=(found.log_lines, found.log_megabytes * 2**20),
    )


def demo(*, read_only: bool, theme: str | None) -> int:
    """Open the console on the demo world, in a process of its own that ends with this one.

    Raises:
        ConsoleError: the demo world did not come up, or there is no terminal.
    """
    from refactor_console.demo.launcher import DemoLauncher  # noqa: PLC0415 - only the demo needs it

    world = Environment(name="demo", ssh=SshTarget(host="refactor-droplet", user="deploy"), demo=True, protected=True)
    with DemoLauncher() as launcher:

        async def connect(target: SshTarget, *, read_only: bool) -> HostConnection:
            from refactor_console.adapters import host  # noqa: PLC0415 - after the first frame

            info = await launcher.ready()
            there = replace(
                target,
                host=info.host,
                port=info.port,
                user=info.user,
                identity_file=str(info.identity_file),
                known_hosts_file=str(info.known_hosts_file),
                config_file=os.devnull,
            )
            return await host.connect(there, read_only=read_only)

        def open_session(chosen: Environment) -> ConsoleSession:
            from refactor_console.services.live import LiveSession  # noqa: PLC0415 - after the first frame

            return LiveSession(chosen, read_only=read_only, connect=connect)

        return _run((world,), open_session, start=world.name, read_only=read_only, theme=theme)


def _run(
    environments: tuple[Environment, ...],
    open_session: Callable[[Environment], ConsoleSession],
    *,
    start: str,
    read_only: bool,
    theme: str | None,
    keymap: dict[str, str] | None = None,
    log_bounds: tuple[int, int] | None = None,
) -> int:
    """Run the application until the user leaves it."""
    if not (os.isatty(0) and os.isatty(1)):
        raise NoTerminal(
            Problem(
                "The console needs a terminal, and standard input or output is none.",
                "Run it in a terminal, without a pipe or a redirection.",
                code="no-terminal",
            )
        )
    from refactor_console.app import ConsoleApp  # noqa: PLC0415 - Textual, only when there is something to draw on
    from refactor_console.services.log_book import LogBook  # noqa: PLC0415
    from refactor_console.services.session import LogHub  # noqa: PLC0415

    def log_book(hub: LogHub) -> LogBook:
        return LogBook(hub) if log_bounds is None else LogBook(hub, max_lines=log_bounds[0], max_bytes=log_bounds[1])

    app = ConsoleApp(
        environments,
        open_session,
        start=start,
        read_only=read_only,
        keymap=keymap,
        theme=theme,
        prepare=_import_slow_libraries,
        log_book=log_book,
    )
    app.run()
    return app.return_code or 0


def _import_slow_libraries() -> None:
    """What a session needs and the first frame does not; called in a thread while the first frame is looked at."""
    import refactor_console.services.live  # noqa: F401, PLC0415
