"""Two images compared: the older is found out, whatever they are called; what cannot be compared is said."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from refactor_console.demo.github_faults import Fault
from refactor_console.demo.story import COMMITS, sha_of
from refactor_console.services import image_compare
from tests.services.image_world import BACKEND, BRANCH, FRONTEND, MAIN, ImageWorld, image_world, row

NEW, OLD = (sha_of("backend", f"chore: release 1.0.0-beta{number}") for number in (3, 2))


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[ImageWorld]:
    async with image_world(tmp_path) as found:
        yield found


def between() -> list[str]:
    """Commits of the backend after the older release up to the newer one, oldest first."""
    shas = [commit.sha for commit in COMMITS if commit.repo == "backend"]
    return list(reversed(shas[shas.index(NEW) : shas.index(OLD)]))


async def test_commits_pull_requests_sizes_and_labels_between_two_releases(world: ImageWorld) -> None:
    stable, before = row(BACKEND, "stable"), row(BACKEND, "", world.digest(BACKEND, OLD))
    found = await world.comparer.compare(stable, before)
    assert (found.older.key, found.newer.key) == (before.key, stable.key), "whichever is named first"
    assert [commit.sha for commit in found.commits] == between()
    assert found.behind == 0
    assert 306 in [pull.number for pull in found.pull_requests]
    assert len({pull.number for pull in found.pull_requests}) == len(found.pull_requests)
    assert [name for name, _, _ in found.sizes] == ["linux/amd64", "linux/arm64"]
    assert all(older and newer for _, older, newer in found.sizes)
    labels = {name: (older, newer) for name, older, newer in found.labels}
    assert labels["org.opencontainers.image.revision"] == (OLD, NEW)
    assert "org.opencontainers.image.source" not in labels, "what is the same is not listed"
    assert found.notes == ()


async def test_a_platform_that_only_one_of_them_has_is_listed(world: ImageWorld) -> None:
    found = await world.comparer.compare(row(BACKEND, "stable"), row(MAIN, "latest"))
    sizes = {name: (older, newer) for name, older, newer in found.sizes}
    assert sizes["linux/arm64"][1] is None
    assert sizes["linux/arm64"][0]


async def test_the_commits_decide_which_is_older_when_the_times_say_otherwise(world: ImageWorld) -> None:
    registry = await world.images()
    details = await registry.details(row(BACKEND, "stable").repository, world.digest(BACKEND, OLD))
    rebuilt = row(BACKEND, "again", world.digest(BACKEND, OLD))
    late = image_compare.replace(rebuilt, details=details, created_at=world.now())
    found = await world.comparer.compare(late, row(BACKEND, "stable"))
    assert found.older.tag == "again"
    assert [commit.sha for commit in found.commits] == between()
    assert "The image that was built later is the one of the older commit." in found.notes


async def test_branches_that_diverged_say_how_far(world: ImageWorld) -> None:
    branch = world.github.platform.repos["backend"].branches
    found = await world.comparer.compare(row(MAIN, "latest"), row(BRANCH, "latest"))
    assert branch
    assert found.behind or found.notes, "either they diverged, or the commit of the branch is not known any more"


async def test_images_of_two_repositories_share_no_commits(world: ImageWorld) -> None:
    found = await world.comparer.compare(row(BACKEND, "stable"), row(FRONTEND, "stable"))
    assert found.commits == ()
    assert any("different repositories" in note for note in found.notes)
    assert found.sizes


async def test_a_comparison_that_github_does_not_know_is_said_and_the_rest_is_there(world: ImageWorld) -> None:
    world.github.faults.order(Fault.STATUS, path="/compare/", value=404)
    before = row(BACKEND, "", world.digest(BACKEND, OLD))
    found = await world.comparer.compare(before, row(BACKEND, "stable"))
    assert found.older.key == before.key, "by the time of the build"
    assert any(note.startswith("Commits could not be compared") for note in found.notes)
    assert found.sizes


async def test_a_deleted_image_is_said_and_the_others_data_is_there(world: ImageWorld) -> None:
    gone = world.digest(BACKEND, OLD)
    world.registry.delete(BACKEND, gone)
    found = await world.comparer.compare(row(BACKEND, "", gone), row(BACKEND, "stable"))
    assert any(note.startswith("Sizes and labels of") for note in found.notes)
    assert found.commits == ()
    assert len(found.sizes) == 2
    assert found.labels == ()


async def test_the_same_commit_twice_has_no_commits_between(world: ImageWorld) -> None:
    found = await world.comparer.compare(row(MAIN, "latest"), row(MAIN, COMMITS[0].sha))
    assert found.commits == ()
    assert any("Both were built from commit" in note for note in found.notes)


async def test_no_more_pull_requests_are_looked_up_than_the_bound_and_that_is_said(
    world: ImageWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_compare, "MOST_LOOKUPS", 3)
    before = world.github.requests
    found = await world.comparer.compare(row(BACKEND, "", world.digest(BACKEND, OLD)), row(BACKEND, "stable"))
    assert world.github.requests - before == 1 + 3
    assert "Pull requests were looked up for the newest 3 commits only." in found.notes


async def test_without_a_token_sizes_are_compared_and_commits_are_not(world: ImageWorld) -> None:
    world.token = ""
    found = await world.comparer.compare(row(BACKEND, "", world.digest(BACKEND, OLD)), row(BACKEND, "stable"))
    assert found.sizes
    assert any("There is no token" in note for note in found.notes)
