"""The hub: a source for each name on the board, in the board's order, kept when its container goes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest_asyncio

from refactor_console.domain.containers import Container, ContainerBoard, ContainerRow, ContainerState
from refactor_console.domain.logs import LogBatch, SourceKind, SourceProgress
from refactor_console.domain.problem import Problem
from refactor_console.domain.reading import Phase
from refactor_console.services.engine_link import EngineLink
from refactor_console.services.feed import Feed, Waker
from refactor_console.services.log_hub import MOST_SOURCES, SourceHub
from tests.services.engine_server import ENVIRONMENT, EngineServer, LocalConnection, LocalLink, inspected, until


@dataclass
class Journal:
    feed: Feed[SourceProgress]
    key: str = "journal:unit"
    label: str = "unit"
    kind: SourceKind = SourceKind.JOURNAL


def row(
    identifier: str, service: str, *, name: str = "", running: bool = True, ours: bool = True, day: int = 1
) -> ContainerRow:
    made = Container(
        id=identifier * 64,
        name=name or service,
        service=service,
        image="i",
        image_id="",
        state=ContainerState.RUNNING if running else ContainerState.EXITED,
        created_at=datetime(2026, 1, day, tzinfo=UTC),
    )
    return ContainerRow(made, ours=ours)


@pytest_asyncio.fixture
async def server(tmp_path: Path) -> AsyncIterator[EngineServer]:
    made = EngineServer(tmp_path / "engine.sock")
    made.up()
    yield made
    made.down()


@pytest_asyncio.fixture
async def hub(server: EngineServer) -> AsyncIterator[SourceHub]:
    link = EngineLink(LocalLink(LocalConnection(server.path)), ENVIRONMENT, read_only=True)
    made = SourceHub(link, Waker())
    yield made
    await made.close()
    await link.close()


def keys(hub: SourceHub) -> list[str]:
    return [source.key for source in hub.sources()]


async def test_the_journal_comes_first_and_containers_in_the_boards_order(hub: SourceHub) -> None:
    changes: list[list[str]] = []
    hub.subscribe_sources(lambda: changes.append(keys(hub)))
    hub.observe(ContainerBoard((row("a", "nginx"), row("b", "rust-app"), row("c", "", name="stray", ours=False))))
    hub.put_first(Journal(Feed("journal:unit")))
    assert keys(hub) == ["journal:unit", "container:nginx", "container:rust-app", "container:stray"]
    assert len(changes) == 2
    hub.observe(ContainerBoard((row("a", "nginx"), row("b", "rust-app"), row("c", "", name="stray", ours=False))))
    assert len(changes) == 2


async def test_a_source_stays_when_its_container_goes_and_is_the_same_one_when_it_comes_back(
    hub: SourceHub, server: EngineServer
) -> None:
    server.add(inspected("b" * 64, "rust-app"))
    hub.observe(ContainerBoard((row("b", "rust-app"),)))
    (source,) = hub.sources()
    await until(lambda: source.feed.reading.phase is Phase.LIVE)
    server.remove("b" * 64)
    hub.observe(ContainerBoard((row("a", "nginx"),)))
    assert keys(hub) == ["container:nginx", "container:rust-app"]
    server.cut()
    await until(lambda: source.feed.reading.phase in (Phase.OFF, Phase.FAILED))
    hub.observe(ContainerBoard((row("d", "rust-app"), row("a", "nginx"))))
    assert hub.sources()[0] is source


async def test_while_compose_replaces_a_container_the_service_keeps_one_source(hub: SourceHub) -> None:
    hub.observe(ContainerBoard((row("a", "rust-app"),)))
    old, new = row("a", "rust-app", name="aaa_rust-app", running=False), row("b", "rust-app", running=False, day=2)
    hub.observe(ContainerBoard((old, new)))
    assert keys(hub) == ["container:rust-app"]


async def test_a_second_running_container_of_a_service_has_its_own_source(hub: SourceHub) -> None:
    hub.observe(ContainerBoard((row("a", "rust-app", name="one"), row("b", "rust-app", name="two", day=2))))
    assert keys(hub) == ["container:rust-app", "container:two"]


async def test_a_service_that_is_scaled_up_keeps_its_source_and_the_new_container_gets_one(hub: SourceHub) -> None:
    first = row("a", "rust-app", name="one")
    hub.observe(ContainerBoard((first,)))
    hub.observe(ContainerBoard((first, row("b", "rust-app", name="two", day=2))))
    assert keys(hub) == ["container:rust-app", "container:two"]


async def test_there_is_a_bound_on_how_many_are_followed(hub: SourceHub) -> None:
    hub.observe(ContainerBoard(tuple(row("a", "", name=f"n{i}", ours=False) for i in range(MOST_SOURCES + 5))))
    assert len(hub.sources()) == MOST_SOURCES


async def test_what_is_beyond_the_bound_is_said_in_the_log_once(hub: SourceHub) -> None:
    hub.put_first(Journal(Feed("journal:unit")))
    said: list[str] = []
    hub.subscribe(lambda batch: said.extend(mark.text for mark in batch.marks))
    board = ContainerBoard(tuple(row("a", "", name=f"n{i}", ours=False) for i in range(MOST_SOURCES + 5)))
    hub.observe(board)
    hub.observe(board)
    assert said == [f"5 more containers are not followed: the console follows {MOST_SOURCES} at once."]


async def test_batches_reach_every_listener_until_it_leaves(hub: SourceHub, server: EngineServer) -> None:
    server.add(inspected("b" * 64, "rust-app"))
    server.say("b" * 64, b"hello")
    got: list[LogBatch] = []
    leave = hub.subscribe(got.append)
    hub.observe(ContainerBoard((row("b", "rust-app"),)))
    await until(lambda: got)
    assert got[0].source == "container:rust-app"
    assert got[0].lines[0].message == "hello"
    leave()
    server.say("b" * 64, b"unheard")
    hub.deliver(LogBatch("container:rust-app"))
    assert len(got) == 1


async def test_a_source_that_waits_for_its_container_shares_the_boards_failure(
    hub: SourceHub, server: EngineServer
) -> None:
    stopped = server.add(inspected("b" * 64, "rust-app", Status="exited", FinishedAt="2026-01-01T00:00:09Z"))
    board: Feed[ContainerBoard] = Feed("containers")
    hub.watch(board)
    board.live(ContainerBoard((row("b", "rust-app", running=False),)))
    (source,) = hub.sources()
    await until(lambda: source.feed.reading.phase is Phase.LIVE)
    await until(lambda: sum(f"{stopped}/logs" in request for request in server.requests) == 2)
    board.fail(Problem("The Docker Engine does not run."))

    def shared() -> bool:
        board.fail(Problem("again"))
        return source.feed.reading.phase is Phase.FAILED

    await until(shared)
    board.live(ContainerBoard((row("b", "rust-app", running=False),)))
    assert source.feed.reading.phase is Phase.LIVE


async def test_a_new_container_is_followed_however_many_have_come_and_gone(hub: SourceHub) -> None:
    for number in range(MOST_SOURCES + 5):
        hub.observe(ContainerBoard((row("a", "", name=f"job-{number}", ours=False),)))
    assert f"container:job-{MOST_SOURCES + 4}" in keys(hub)
    assert len(hub.sources()) == MOST_SOURCES


async def test_a_service_of_ours_takes_the_place_of_a_stranger(hub: SourceHub) -> None:
    strangers = tuple(row("a", "", name=f"n{i}", ours=False) for i in range(MOST_SOURCES))
    hub.observe(ContainerBoard(strangers))
    hub.observe(ContainerBoard((row("b", "rust-app"), *strangers)))
    assert keys(hub)[0] == "container:rust-app"
    assert len(hub.sources()) == MOST_SOURCES
    assert f"container:n{MOST_SOURCES - 1}" not in keys(hub)
