"""The containers' feed: current after every event, honest about its statistics, recovered after every cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from refactor_console.adapters.engine import Engine
from refactor_console.domain.containers import Container, ContainerBoard, ContainerRow, ContainerState
from refactor_console.domain.reading import Phase
from refactor_console.services import container_feed
from refactor_console.services.container_feed import ContainerWatch
from refactor_console.services.engine_link import EngineLink
from refactor_console.services.feed import Backoff, Feed, Waker, supervise
from tests.services.engine_server import ENVIRONMENT, EngineServer, LocalConnection, LocalLink, inspected, until

A, B = "a" * 64, "b" * 64


class Watched:
    """A supervised feed over the local server."""

    def __init__(self, server: EngineServer) -> None:
        self.server = server
        self.connection = LocalConnection(server.path)
        self.link = LocalLink(self.connection)
        self.engine_link = EngineLink(self.link, ENVIRONMENT, read_only=True)
        self.feed: Feed[ContainerBoard] = Feed("containers")
        self.boards: list[ContainerBoard] = []
        self.feed.subscribe(
            lambda reading: self.boards.append(reading.value) if reading.is_live and reading.value else None
        )
        watch = ContainerWatch(self.engine_link)
        self.task = asyncio.create_task(
            supervise(self.feed, watch.boards, waker=Waker(), backoff=Backoff(first=0.05, limit=0.1))
        )

    def row(self, label: str) -> ContainerRow | None:
        value = self.feed.reading.value
        return None if value is None else value.by_label(label)

    def state(self, label: str) -> ContainerState | None:
        row = self.row(label)
        return None if row is None else row.container.state


@pytest_asyncio.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    server = EngineServer(tmp_path / "engine.sock")
    server.up()
    server.add(inspected(A, "rust-app"))
    made = Watched(server)
    await until(lambda: made.feed.reading.is_live)
    yield made
    made.task.cancel()
    await asyncio.wait({made.task})
    await made.engine_link.close()
    server.down()


async def test_a_change_is_on_the_board_well_within_a_second(watched: Watched) -> None:
    loop = asyncio.get_running_loop()
    before = loop.time()
    watched.server.set_state(A, "die", Status="exited", ExitCode=3, FinishedAt="2026-01-01T00:00:09Z")
    await until(lambda: watched.state("rust-app") is ContainerState.EXITED)
    assert loop.time() - before < 0.8
    row = watched.row("rust-app")
    assert row is not None
    assert row.sentence == "exited (exit 3)"


async def test_an_event_inspects_only_the_container_it_names(watched: Watched) -> None:
    watched.server.add(inspected(B, "nginx"))
    await until(lambda: watched.row("nginx"))
    watched.server.requests.clear()
    watched.server.set_state(B, "pause", Status="paused")
    await until(lambda: watched.state("nginx") is ContainerState.PAUSED)
    assert not [request for request in watched.server.requests if A in request or "/containers/json" in request]


async def test_a_removed_container_leaves_the_board_and_its_service_is_missing(watched: Watched) -> None:
    watched.server.remove(A)
    await until(lambda: watched.row("rust-app") is None)
    assert watched.feed.reading.value is not None
    assert "rust-app" in watched.feed.reading.value.missing


async def test_a_change_between_subscribing_and_listing_is_not_missed(watched: Watched) -> None:
    """The events since a moment before the list are replayed, so that an old list is corrected."""
    subscribed = next(request for request in watched.server.requests if "/events" in request)
    assert watched.server.requests.index(subscribed) < next(
        i for i, request in enumerate(watched.server.requests) if "/containers/json" in request
    )
    assert "since=" in subscribed


async def test_statistics_arrive_as_rates_and_end_with_the_run(watched: Watched) -> None:
    await until(lambda: (row := watched.row("rust-app")) and row.latest)
    row = watched.row("rust-app")
    assert row is not None
    assert row.latest is not None
    assert row.latest.cpu == pytest.approx(0.5)
    watched.server.set_state(A, "die", Status="exited", FinishedAt="2026-01-01T00:00:09Z")
    await until(lambda: (row := watched.row("rust-app")) and not row.history)


async def test_statistics_alone_publish_about_once_a_second(watched: Watched) -> None:
    await until(lambda: (row := watched.row("rust-app")) and row.latest)
    before = len(watched.boards)
    await asyncio.sleep(1.5)  # twenty samples a second come from the server
    assert 1 <= len(watched.boards) - before <= 3


async def test_the_history_is_bounded(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container_feed, "STATS_HISTORY", 5)
    watched.server.act("restart", A)  # a new run begins a new history
    await until(lambda: (row := watched.row("rust-app")) and len(row.history) == 5)
    published = len(watched.boards)
    await until(lambda: len(watched.boards) > published)
    row = watched.row("rust-app")
    assert row is not None
    assert len(row.history) == 5


async def test_strangers_are_shown_but_not_as_ours(watched: Watched) -> None:
    stranger = inspected(B, "nginx")
    stranger["Config"]["Labels"]["com.docker.compose.project.working_dir"] = "/srv/elsewhere"
    watched.server.add(stranger)
    await until(lambda: watched.row("nginx"))
    row = watched.row("nginx")
    assert row is not None
    assert not row.ours
    assert watched.feed.reading.value is not None
    assert "nginx" in watched.feed.reading.value.missing


async def test_many_strangers_get_no_statistics(watched: Watched) -> None:
    for number in range(container_feed.STRANGERS_WITH_STATS + 1):
        stranger = inspected(f"{number:064x}", f"stranger{number}")
        stranger["Config"]["Labels"] = None
        watched.server.add(stranger)
    await until(lambda: watched.row("stranger8"))
    await until(lambda: (row := watched.row("rust-app")) and row.latest)
    row = watched.row("stranger8")
    assert row is not None
    assert row.history == ()


async def test_a_stopped_engine_fails_the_feed_which_keeps_its_board_and_recovers_by_itself(watched: Watched) -> None:
    watched.server.down()
    await until(lambda: watched.feed.reading.phase is Phase.FAILED and watched.connection.commands)
    assert watched.row("rust-app") is not None
    watched.server.set_state(A, "die", Status="exited", FinishedAt="2026-01-01T00:00:09Z")
    watched.server.up()
    await until(lambda: watched.feed.reading.is_live and watched.state("rust-app") is ContainerState.EXITED)


async def test_the_loss_of_the_ssh_connection_is_what_a_cut_is_explained_by(watched: Watched) -> None:
    watched.link.present = None
    watched.connection.ended.set()
    watched.server.cut()
    await until(lambda: (problem := watched.feed.reading.problem) and problem.code == "link-down")


async def test_missing_statistics_are_said_and_do_not_fail_the_board(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    await until(lambda: (row := watched.row("rust-app")) and row.latest)
    monkeypatch.setattr(container_feed, "STATS_SILENCE", -1.0)
    watched.server.happen(A, "update")
    await until(lambda: (value := watched.feed.reading.value) and "rust-app" in value.stats_problem)
    assert watched.feed.reading.is_live


async def test_a_bug_while_an_event_is_handled_ends_the_board_visibly_and_it_comes_back(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    phases: list[tuple[Phase, str]] = []
    watched.feed.subscribe(lambda r: phases.append((r.phase, r.problem.code if r.problem else "")))
    inspect = Engine.inspect

    async def broken(_: Engine, __: str) -> Container:
        monkeypatch.setattr(Engine, "inspect", inspect)
        raise KeyError("nobody foresaw this")

    monkeypatch.setattr(Engine, "inspect", broken)
    watched.server.set_state(A, "die", Status="exited", ExitCode=3, FinishedAt="2026-01-01T00:00:09Z")
    await until(lambda: (Phase.FAILED, "console-bug") in phases)
    await until(lambda: watched.feed.reading.is_live and watched.state("rust-app") is ContainerState.EXITED)


async def test_a_bug_in_the_statistics_is_seen(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    problems: list[str] = []
    watched.feed.subscribe(lambda r: problems.append(r.problem.code if r.problem else ""))

    def broken(*_: object) -> None:
        monkeypatch.undo()
        raise ZeroDivisionError

    monkeypatch.setattr(container_feed, "usage_between", broken)
    await until(lambda: "console-bug" in problems)
    await until(lambda: watched.feed.reading.is_live)
