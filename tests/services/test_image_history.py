"""The time machine of a moving tag on the demo world: three kinds of evidence, and what is missing said."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from refactor_console.adapters.observations import Look
from refactor_console.demo.github_faults import Fault
from refactor_console.demo.github_pushed import Pushed
from refactor_console.demo.story import sha_of
from refactor_console.domain.images import Evidence, TagHistory
from refactor_console.domain.problem import ConsoleError
from refactor_console.services import tag_history
from tests.services.image_world import BACKEND, FINE_GRAINED, MAIN, ImageWorld, image_world, repository, row

SHAS = [sha_of("backend", f"chore: release 1.0.0-beta{number}") for number in (3, 2, 1)]
FRESH = "This console has not looked at this tag before"


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[ImageWorld]:
    async with image_world(tmp_path) as found:
        yield found


async def stable(world: ImageWorld) -> TagHistory:
    return await world.historian.history(row(BACKEND, "stable"))


async def test_stable_moved_with_every_release_and_the_old_ones_can_be_pulled(world: ImageWorld) -> None:
    history = await stable(world)
    released = [position for position in history.positions if position.digest]
    assert [position.digest for position in released] == [world.digest(BACKEND, sha) for sha in SHAS]
    assert [position.revision for position in released] == SHAS
    assert all(position.pullable for position in released)
    assert all({Evidence.RELEASE_RUN, Evidence.VERSION_TIME} <= set(position.evidence) for position in released)
    assert released[0].until is None
    assert Evidence.OBSERVED in released[0].evidence
    assert all(position.note.startswith("Inferred") for position in history.positions[1:])
    assert any(caveat.startswith(FRESH) for caveat in history.caveats)


async def test_platforms_and_leftovers_of_deleted_indexes_are_no_positions(world: ImageWorld) -> None:
    history = await stable(world)
    kinds = {version.digest: version.kind for version in world.registry.stored(BACKEND).versions}
    assert {kinds[position.digest] for position in history.positions if position.digest} == {"index"}


async def test_what_was_deleted_from_the_registry_is_a_position_that_cannot_be_pulled(world: ImageWorld) -> None:
    at = world.now() - timedelta(days=30)
    gone = f"sha256:{'d' * 64}"
    await world.observations.saw([Look(repository(BACKEND), "stable", gone)], at)
    history = await stable(world)
    position = next(position for position in history.positions if position.digest == gone)
    assert position.pullable is False
    assert position.evidence == (Evidence.OBSERVED,)
    assert position.since == at
    assert not any(caveat.startswith(FRESH) for caveat in history.caveats)


async def test_a_tag_moved_back_is_where_it_is(world: ImageWorld) -> None:
    old = world.digest(BACKEND, SHAS[1])
    world.registry.move(BACKEND, "stable", old)
    history = await stable(world)
    assert history.positions[0].digest == old
    assert history.positions[0].until is None
    assert history.positions[1].digest == world.digest(BACKEND, SHAS[0])
    assert any("the list may be a little behind" in caveat for caveat in history.caveats)


async def test_a_version_that_carries_another_moving_tag_never_carried_this_one_as_far_as_is_known(
    world: ImageWorld,
) -> None:
    nightly = world.digest(MAIN, "latest")
    world.listed(BACKEND, Pushed(nightly, ("nightly",), 1.0, ""))
    history = await stable(world)
    assert nightly not in [position.digest for position in history.positions]


async def test_a_branchs_tag_has_positions_from_its_pushes_and_no_release_runs(world: ImageWorld) -> None:
    history = await world.historian.history(row(MAIN, "latest"))
    assert history.positions[0].digest == world.digest(MAIN, "latest")
    assert len(history.positions) >= 8
    assert not any(Evidence.RELEASE_RUN in position.evidence for position in history.positions)
    assert all(position.revision for position in history.positions)


async def test_where_packages_may_not_be_listed_runs_and_the_present_remain(world: ImageWorld) -> None:
    world.token = FINE_GRAINED
    history = await stable(world)
    assert history.positions[0].digest == world.digest(BACKEND, "stable")
    assert any(Evidence.RELEASE_RUN in position.evidence for position in history.positions)
    assert any(caveat.startswith("When versions were pushed is not known") for caveat in history.caveats)


async def test_while_the_registry_is_down_the_list_says_where_the_tag_is(world: ImageWorld) -> None:
    await world.registry.stop()
    history = await stable(world)
    assert history.positions[0].digest == world.digest(BACKEND, "stable")
    assert all(position.pullable is None for position in history.positions)
    assert any("could not be asked of the registry" in caveat for caveat in history.caveats)
    assert any("can still be pulled is not known" in caveat for caveat in history.caveats)


async def test_while_github_is_down_what_was_seen_is_shown(world: ImageWorld) -> None:
    old = world.digest(BACKEND, SHAS[1])
    await world.observations.saw([Look(repository(BACKEND), "stable", old)], world.now() - timedelta(days=20))
    world.github.faults.order(Fault.STATUS, value=503)
    history = await stable(world)
    assert [position.digest for position in history.positions] == [world.digest(BACKEND, "stable"), old]
    assert [position.revision for position in history.positions] == SHAS[:2], "read from the registry"


async def test_with_nobody_to_ask_and_nothing_seen_it_is_an_error(world: ImageWorld) -> None:
    await world.registry.stop()
    world.token = ""
    with pytest.raises(ConsoleError):
        await stable(world)


async def test_a_tag_that_is_gone_is_not_said_to_be_somewhere(world: ImageWorld) -> None:
    seen = world.digest(BACKEND, SHAS[0])
    await world.observations.saw([Look(repository(BACKEND), "old-stable", seen)], world.now() - timedelta(days=1))
    history = await world.historian.history(row(BACKEND, "old-stable"))
    position = next(position for position in history.positions if Evidence.OBSERVED in position.evidence)
    assert position.until is not None
    assert "gone by now" in history.positions[0].note


async def test_what_was_not_looked_at_is_a_caveat(world: ImageWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tag_history, "MOST_READ", 3)
    monkeypatch.setattr(tag_history, "MOST_RUNS", 20)
    monkeypatch.setattr(tag_history, "MOST_VERSIONS", 5)
    history = await stable(world)
    assert any("newest 5 versions" in caveat for caveat in history.caveats)
    assert any(caveat.startswith("Release runs before") for caveat in history.caveats)


async def test_a_book_with_broken_lines_is_a_caveat(world: ImageWorld) -> None:
    world.observations.path.write_bytes(b"{broken\n")
    history = await stable(world)
    assert any("1 line of" in caveat for caveat in history.caveats)
