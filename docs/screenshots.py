"""Make the documentation's screenshots from the demo world: ``python docs/screenshots.py``.

The demo world runs with a frozen clock and no traffic, so the same pictures come out each time, but for the measured
round trip. Each picture is the console's own export of its screen (SVG).
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from textual.pilot import Pilot

from refactor_console.adapters import host
from refactor_console.adapters.audit_file import AuditFile
from refactor_console.app import ConsoleApp
from refactor_console.bootstrap import demo_target
from refactor_console.demo.launcher import start
from refactor_console.domain.environment import Environment, SshTarget
from refactor_console.domain.reading import Phase
from refactor_console.services.github_link import Endpoints, find_demo
from refactor_console.services.github_setup import GitHubSetup
from refactor_console.services.live import LiveSession

HERE = Path(__file__).resolve().parent / "screenshots"
SIZE = (120, 36)
MOMENT = datetime(2026, 11, 20, 3, 12, tzinfo=UTC)
PATIENCE = 30.0

SHOTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("overview", ("1",)),
    ("containers", ("2", "down", "down")),
    ("logs", ("3",)),
    ("confirm", ("2", "R")),
    ("runs", ("4",)),
    ("images", ("5",)),
    ("time-machine", ("5", "t")),
    ("releases", ("6",)),
    ("secrets", ("7",)),
    ("alerts", ("8",)),
    ("help", ("1", "question_mark")),
)
"""Name of the picture, and the keys that lead to it from wherever the one before it was."""


async def until(condition: Callable[[], bool], pilot: Pilot[None]) -> None:
    """Let the console work until the condition holds."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE
    while not condition():
        if loop.time() > deadline:
            raise SystemExit("the demo world did not come up in time")
        await pilot.pause(0.1)


async def main() -> None:
    """Start the world, walk through the console, save what is seen."""
    HERE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        world = await start(Path(folder), frozen=MOMENT.isoformat())

        async def connect(shown: SshTarget, *, read_only: bool) -> host.HostConnection:
            return await host.connect(demo_target(world.info, shown), read_only=read_only)

        async def endpoints() -> Endpoints:
            return Endpoints(world.info.github_url, world.info.github_url, world.info.registry_url)

        environment = Environment(name="demo", ssh=SshTarget(host="refactor-droplet"), demo=True)
        sessions: list[LiveSession] = []

        def open_session(chosen: Environment) -> LiveSession:
            audit = AuditFile(Path(folder) / "audit.jsonl")
            github = GitHubSetup(endpoints=endpoints, find=find_demo, observations=Path(folder) / "observations.jsonl")
            sessions.append(LiveSession(chosen, connect=connect, clock=lambda: MOMENT, audit_file=audit, github=github))
            return sessions[-1]

        app = ConsoleApp((environment,), open_session, start="demo", clock=lambda: MOMENT)
        async with app.run_test(size=SIZE) as pilot:
            await until(lambda: bool(sessions), pilot)
            live, github = sessions[0], sessions[0].github
            boards = (github.runs, github.images, github.releases, github.contract, github.alerts)
            feeds = (live.link, live.unit, live.vitals, live.engine, live.containers, *boards)
            await until(lambda: all(feed.reading.phase is Phase.LIVE for feed in feeds), pilot)
            await until(lambda: len(sessions[0].logs.sources()) > 3, pilot)
            await pilot.pause(4)
            for name, keys in SHOTS:
                await pilot.press(*keys)
                await pilot.pause(1.0)
                (HERE / f"{name}.svg").write_text(app.export_screenshot(title=f"refactor-console: {name}"))
                print(HERE / f"{name}.svg")
                await pilot.press("escape")
                await pilot.pause(0.3)
        await world.stop()


if __name__ == "__main__":
    asyncio.run(main())
