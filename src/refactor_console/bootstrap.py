"""Puts the console together: settings, sessions, application. The one module that knows both ends.

Everything heavy is imported where it is needed: settings cost a tenth of a second, a session several.
"""

from __future__ import annotations

import asyncio
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
    from refactor_console.demo.launcher import DemoProcess, DemoWorldInfo
    from refactor_console.services.github_link import Endpoints
    from refactor_console.services.log_book import LogBook
    from refactor_console.services.session import ConsoleSession, LogHub
    from refactor_console.settings import Settings


class DemoDown(ConsoleError):
    """The demo world did not start (code ``demo``)."""


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
        from refactor_console.services.github_setup import GitHubSetup
        from refactor_console.services.live import LiveSession

        found = check().settings
        github = GitHubSetup(
            platform=found.github.platform(), enabled=found.github.enabled, client_id=found.github.oauth_client_id
        )
        return LiveSession(chosen, read_only=read_only or found.read_only, github=github)

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
    platform = Environment(name="demo", ssh=SshTarget(host="refactor-droplet"), demo=True)
    world = DemoWorldAtHand()

    def open_session(chosen: Environment) -> ConsoleSession:
        from refactor_console.services.github_link import find_demo
        from refactor_console.services.github_setup import GitHubSetup
        from refactor_console.services.live import LiveSession

        class DemoSession(LiveSession):
            """A session that takes its world with it."""

            async def close(self) -> None:
                try:
                    await super().close()
                finally:
                    await world.stop()

        github = GitHubSetup(endpoints=world.endpoints, find=find_demo, observations=world.observations)
        return DemoSession(chosen, read_only=read_only, connect=world.connect, github=github)

    def prepare() -> None:
        import refactor_console.services.live  # noqa: F401

    return _run(platform, open_session, prepare, None, read_only=read_only, theme=theme)


class DemoWorldAtHand:
    """A demo world that is started by whoever needs it first, and again after it ended.

    The one difference to the real thing: addresses are known only when its process is up.
    """

    def __init__(self) -> None:
        # Made and removed by the demo world's own process, which outlives a console that is killed.
        self._directory = Path(tempfile.gettempdir()) / f"refactor-console-demo-{secrets.token_hex(8)}"
        self._running: DemoProcess | None = None
        self._starting = asyncio.Lock()
        self.observations = self._directory / "files" / "observations.jsonl"
        """What its moving tags pointed to: goes with the world, whose tags bear the real ones' names."""

    async def connect(self, target: SshTarget, *, read_only: bool) -> HostConnection:
        """Open the SSH connection.

        Raises:
            HostError: the world did not start, or refused.
        """
        from refactor_console.adapters import host, host_errors

        try:
            info = await self._up()
        except DemoDown as error:
            raise host_errors.HostError(error.problem) from error
        return await host.connect(demo_target(info, target), read_only=read_only)

    async def endpoints(self) -> Endpoints:
        """Where its GitHub and its registry are.

        Raises:
            DemoDown: the world did not start.
        """
        from refactor_console.services.github_link import Endpoints

        info = await self._up()
        return Endpoints(info.github_url, info.github_url, info.registry_url)

    async def stop(self) -> None:
        """End it, if it runs."""
        running, self._running = self._running, None
        if running is not None:
            await running.stop()

    async def _up(self) -> DemoWorldInfo:
        from refactor_console.demo.launcher import DemoError, start

        async with self._starting:
            if self._running is None or not self._running.running:
                try:
                    self._running = await start(self._directory)
                except DemoError as error:
                    problem = Problem("The demo world did not start.", "Try again.", str(error), code="demo")
                    raise DemoDown(problem) from error
            return self._running.info


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
