"""Puts the console together: settings, sessions, application. The one module that knows both ends.

Everything heavy is imported where it is needed: settings cost a tenth of a second, a session several.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from refactor_console.domain.environment import Environment, SshTarget
from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.glance import Glance, glance

if TYPE_CHECKING:
    from refactor_console.adapters.host import HostConnection
    from refactor_console.app import Prepared
    from refactor_console.demo.launcher import DemoWorldInfo
    from refactor_console.services.log_book import LogBook
    from refactor_console.services.session import ConsoleSession, LogHub
    from refactor_console.settings import Settings


class NoTerminal(ConsoleError):
    """The console was started where it cannot draw."""


def console(*, config: Path | None, environment: str | None, read_only: bool, theme: str | None) -> int:
    """Open the console on the configured environments.

    The first frame is painted after a glance at the configuration; it is checked while that frame is looked at. What a
    glance cannot make sense of is checked first, so that most mistakes are said without any screen.

    Raises:
        ConsoleError: a setting is wrong, or there is no terminal.
    """
    checked: list[Checked] = []

    def check() -> Checked:
        if not checked:
            checked.append(_check(config, environment))
        return checked[0]

    seen = glance(config, environment) or _glance_at(check())
    header = Environment(name=seen.name, ssh=SshTarget(host=""), protected=seen.protected)

    def prepare() -> Prepared:
        import refactor_console.services.live  # noqa: F401
        from refactor_console.app import ConsoleApp, Prepared
        from refactor_console.screens.panes import action_ids
        from refactor_console.settings import check_keys

        check_keys(check().settings, check().file, action_ids(ConsoleApp))
        return Prepared(check().environments, check().settings.keys)

    def open_session(chosen: Environment) -> ConsoleSession:
        from refactor_console.services.live import LiveSession

        return LiveSession(chosen, read_only=read_only or check().settings.read_only)

    def log_book(hub: LogHub) -> LogBook:
        from refactor_console.services.log_book import LogBook

        found = check().settings
        return LogBook(hub, max_lines=found.log_lines, max_bytes=found.log_megabytes * 2**20)

    return _run(
        header, open_session, prepare, log_book, read_only=read_only or seen.read_only, theme=theme or seen.theme
    )


@dataclass(frozen=True, slots=True)
class Checked:
    """The configuration after the check."""

    settings: Settings
    file: Path
    environments: tuple[Environment, ...]
    start: str


def _check(config: Path | None, environment: str | None) -> Checked:
    from refactor_console import settings as configuration

    found, file = configuration.load(config)
    if environment is not None:
        found = found.model_copy(update={"default_environment": environment})
    return Checked(found, file, *configuration.environments(found, file))


def _glance_at(checked: Checked) -> Glance:
    """What a glance would have seen, had it understood the file."""
    start = next(e for e in checked.environments if e.name == checked.start)
    return Glance(start.name, start.protected, checked.settings.read_only, checked.settings.theme)


def demo(*, read_only: bool, theme: str | None) -> int:
    """Open the console on the demo world, in a process of its own that ends with this one.

    Raises:
        ConsoleError: there is no terminal.
    """
    from refactor_console.demo.launcher import DemoError, DemoProcess, start

    platform = Environment(name="demo", ssh=SshTarget(host="refactor-droplet"), demo=True)
    running: list[DemoProcess] = []

    # Made and removed by the demo world's own process, which outlives a console that is killed.
    directory = Path(tempfile.gettempdir()) / f"refactor-console-demo-{secrets.token_hex(8)}"

    async def connect(target: SshTarget, *, read_only: bool) -> HostConnection:
        """The one difference to a real host: its address is known only when its process is up."""
        from refactor_console.adapters import host, host_errors

        if not running or not running[0].running:
            try:
                running[:] = [await start(directory)]
            except DemoError as error:
                problem = Problem("The demo world did not start.", "Try again.", str(error), code="demo")
                raise host_errors.HostError(problem) from error
        return await host.connect(demo_target(running[0].info, target), read_only=read_only)

    def open_session(chosen: Environment) -> ConsoleSession:
        from refactor_console.services.live import LiveSession

        class DemoSession(LiveSession):
            """A session that takes its world with it."""

            async def close(self) -> None:
                try:
                    await super().close()
                finally:
                    while running:
                        await running.pop().stop()

        return DemoSession(chosen, read_only=read_only, connect=connect)

    def prepare() -> None:
        import refactor_console.services.live  # noqa: F401

    return _run(platform, open_session, prepare, None, read_only=read_only, theme=theme)


def demo_target(info: DemoWorldInfo, shown: SshTarget) -> SshTarget:
    """Where a running demo world really is, in place of the address that is shown."""
    return replace(
        shown,
        host=info.host,
        port=info.port,
        user=info.user,
        identity_file=str(info.identity_file),
        known_hosts_file=str(info.known_hosts_file),
        config_file=os.devnull,
    )


def _run(
    first: Environment,
    open_session: Callable[[Environment], ConsoleSession],
    prepare: Callable[[], Prepared | None],
    log_book: Callable[[LogHub], LogBook] | None,
    *,
    read_only: bool,
    theme: str | None,
) -> int:
    """Run the application until the user leaves it.

    Raises:
        ConsoleError: there is no terminal, or what was prepared after the first frame went wrong.
    """
    if not (os.isatty(0) and os.isatty(1)):
        raise NoTerminal(
            Problem(
                "The console needs a terminal, and standard input or output is none.",
                "Run it in a terminal, without a pipe or a redirection.",
                code="no-terminal",
            )
        )
    from refactor_console.app import ConsoleApp

    app = ConsoleApp(
        (first,), open_session, start=first.name, read_only=read_only, theme=theme, prepare=prepare, log_book=log_book
    )
    app.run()
    if app.startup_error is not None:
        raise app.startup_error
    return app.return_code or 0
