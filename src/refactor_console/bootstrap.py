"""Puts the console together: settings, sessions, application. The one module that knows both ends.

Everything heavy is imported where it is needed: settings cost a tenth of a second, a session several.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from refactor_console.domain.environment import Environment, SshTarget
from refactor_console.domain.problem import ConsoleError, Problem

if TYPE_CHECKING:
    from refactor_console.adapters.host import HostConnection
    from refactor_console.services.log_book import LogBook
    from refactor_console.services.session import ConsoleSession, LogHub


class NoTerminal(ConsoleError):
    """The console was started where it cannot draw."""


def console(*, config: Path | None, environment: str | None, read_only: bool, theme: str | None) -> int:
    """Open the console on the configured environments.

    Raises:
        ConsoleError: a setting is wrong, or there is no terminal.
    """
    from refactor_console import settings as configuration

    found, file = configuration.load(config)
    if environment is not None:
        found = found.model_copy(update={"default_environment": environment})
    environments, start = configuration.environments(found, file)
    only_read = read_only or found.read_only

    def open_session(chosen: Environment) -> ConsoleSession:
        from refactor_console.services.live import LiveSession

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
        ConsoleError: there is no terminal.
    """
    from refactor_console.demo.launcher import DemoError, DemoProcess, start

    platform = Environment(name="demo", ssh=SshTarget(host="refactor-droplet"), demo=True)
    running: list[DemoProcess] = []

    with tempfile.TemporaryDirectory(prefix="refactor-console-demo-") as directory:

        async def connect(target: SshTarget, *, read_only: bool) -> HostConnection:
            """The one difference to a real host: its address is known only when its process is up."""
            from refactor_console.adapters import host, host_errors

            if not running or not running[0].running:
                try:
                    running[:] = [await start(Path(directory))]
                except DemoError as error:
                    problem = Problem("The demo world did not start.", "Try again.", str(error), code="demo")
                    raise host_errors.HostError(problem) from error
            info = running[0].info
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
            from refactor_console.services.live import LiveSession

            class DemoSession(LiveSession):
                """A session that takes its world with it."""

                async def close(self) -> None:
                    await super().close()
                    while running:
                        await running.pop().stop()

            return DemoSession(chosen, read_only=read_only, connect=connect)

        return _run((platform,), open_session, start=platform.name, read_only=read_only, theme=theme)


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
    from refactor_console.app import ConsoleApp

    def log_book(hub: LogHub) -> LogBook:
        from refactor_console.services.log_book import LogBook

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
    import refactor_console.services.live  # noqa: F401
