"""Image repositories against the demo world: listed at once, filled in by and by, each trouble told where it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest
import pytest_asyncio

from refactor_console.demo.github_faults import Fault as GitHubFault
from refactor_console.demo.github_pushed import Pushed
from refactor_console.demo.registry_content import OCI_INDEX
from refactor_console.demo.registry_control import ODD_TYPE
from refactor_console.demo.registry_faults import Fault as RegistryFault
from refactor_console.demo.story import sha_of
from refactor_console.domain.images import ImageRepositoryReport, ImageTag, ImageUse
from refactor_console.domain.reading import Phase
from refactor_console.services import image_filler
from refactor_console.services.image_filler import WORKERS
from tests.services.image_world import BACKEND, BRANCH, FINE_GRAINED, FRONTEND, MAIN, ImageWorld, image_world, watched
from tests.waiting import until

ODD_BRANCH = f"{BACKEND}/feat/goals-📈"
GONE = f"sha256:{'0' * 64}"


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[ImageWorld]:
    async with image_world(tmp_path) as found:
        yield found


def manifests(world: ImageWorld) -> Counter[str]:
    """How often each manifest was asked for, whole."""
    asked = (r for r in world.registry.requests if "/manifests/" in r.path and "authorization" in r.headers)
    return Counter(request.path for request in asked if request.method == "GET" and "sha256:" in request.path)


async def test_every_repository_of_the_platform_is_listed_with_its_tags_newest_first(world: ImageWorld) -> None:
    async with watched(world) as scene:
        await scene.whole()
        assert {report.repository.path for report in scene.board.reports} == {BACKEND, MAIN, BRANCH, FRONTEND}
        main = scene.report(MAIN)
        assert main.problem is None
        assert main.source.full_name == BACKEND
        times = [row.created_at for row in main.tags]
        assert all(newer >= older for newer, older in pairwise(times) if newer and older)
        assert [row.tag for row in main.tags if row.moving] == ["latest"]
        assert all(row.version_id and row.created_at for row in main.tags)
        assert not any(row.tag.startswith("sha256-") for row in main.tags), "fallback tags are nothing that one pulls"


async def test_what_the_digests_hold_is_filled_in(world: ImageWorld) -> None:
    async with watched(world) as scene:
        await scene.whole()
        stable = scene.tag(BACKEND, "stable")
        assert stable.digest == world.digest(BACKEND, "stable")
        assert stable.details is not None
        assert [manifest.platform for manifest in stable.details.platforms] == ["linux/amd64", "linux/arm64"]
        assert all(manifest.size for manifest in stable.details.platforms)
        assert stable.details.revision == sha_of("backend", "chore: release 1.0.0-beta3")


async def test_old_indexes_without_a_tag_are_candidates_and_their_parts_are_not(world: ImageWorld) -> None:
    async with watched(world) as scene:
        await scene.whole()
        report = scene.report(FRONTEND)
        builds = ["1.0.0-beta2", "1.0.0-beta1"]
        old = [world.digest(FRONTEND, sha_of("frontend", f"chore: release {version}")) for version in builds]
        assert [row.digest for row in report.untagged] == old
        assert report.orphaned == len(old)
        versions = world.registry.stored(FRONTEND).versions
        assert len(versions) > len(report.tags) + len(report.untagged), "platforms are versions, too"


async def test_attestations_of_what_exists_are_no_orphans(world: ImageWorld) -> None:
    async with watched(world) as scene:
        await scene.whole()
        report = scene.report(MAIN)
        kinds = {version.kind for version in world.registry.stored(MAIN).versions}
        assert {"buildkit", "bundle", "fallback"} <= kinds
        assert (report.untagged, report.orphaned) == ((), 0)


async def test_nothing_is_asked_twice_for_a_digest(world: ImageWorld) -> None:
    async with watched(world) as scene:
        await scene.whole()
        once = manifests(world)
        assert once
        assert max(once.values()) == 1
        await scene.look_again()
        await scene.look_again()
        assert manifests(world) == once


async def test_who_runs_a_digest_is_said_and_follows_changes(world: ImageWorld) -> None:
    async with watched(world) as scene:
        await scene.whole()
        stable = world.digest(BACKEND, "stable")
        production = (ImageUse("production", "rust-app"),)
        world.uses = {stable: production}
        world.feed.uses_changed()
        await scene.until(lambda _: scene.tag(BACKEND, "stable").used_by == production, "the use is shown")
        old = scene.report(BACKEND).untagged[0].digest
        world.uses = {old: production}
        world.feed.uses_changed()
        await scene.until(lambda _: scene.report(BACKEND).untagged[0].used_by == production, "the other use is shown")
        assert scene.tag(BACKEND, "stable").used_by == ()


async def test_who_runs_a_platforms_manifest_runs_the_index(world: ImageWorld) -> None:
    async with watched(world) as scene:
        await scene.whole()
        details = scene.tag(BACKEND, "stable").details
        assert details is not None
        world.uses = {details.platforms[0].digest: (ImageUse("production", "rust-app"),)}
        world.feed.uses_changed()
        await scene.until(lambda _: scene.tag(BACKEND, "stable").used_by, "the use is shown")


async def test_rows_that_did_not_change_stay_the_same_objects(world: ImageWorld) -> None:
    async with watched(world) as scene:
        await scene.whole()
        rows, report = scene.report(MAIN).tags, scene.report(BACKEND)
        world.uses = {world.digest(MAIN, "latest"): (ImageUse("staging", "rust-app"),)}
        world.feed.uses_changed()
        await scene.until(lambda _: scene.tag(MAIN, "latest").used_by, "the use is shown")
        fresh = scene.report(MAIN).tags
        assert [a is b for a, b in zip(rows, fresh, strict=True)].count(False) == 2, "latest, and the commit of it"
        assert scene.report(BACKEND) == report


async def test_tags_that_are_no_versions_are_rows_like_others(world: ImageWorld) -> None:
    tags = ("1.0-beta1-test2", "1.0-rc1", "Übergang_🚀", "-", "v")
    world.listed(BACKEND, Pushed(world.digest(BACKEND, "stable"), tags, 0.1, "0" * 40))
    async with watched(world) as scene:
        await scene.until(lambda _: set(tags) <= {row.tag for row in scene.report(BACKEND).tags}, "they are listed")
        assert not scene.tag(BACKEND, "1.0-beta1-test2").moving


async def test_a_branch_with_slashes_and_an_emoji_is_listed_and_says_why_it_cannot_be_read(world: ImageWorld) -> None:
    world.listed(ODD_BRANCH, Pushed(GONE, ("latest", "a" * 40), 0.2, "a" * 40))
    async with watched(world) as scene:
        await scene.until(
            lambda board: len(board.reports) == 5 and scene.tag(ODD_BRANCH, "latest").problem,
            "the row says what is wrong",
        )
        problem = scene.tag(ODD_BRANCH, "latest").problem
        assert problem is not None
        assert problem.code == "bad-name"
        await scene.until(lambda _: scene.tag(BRANCH, "latest").details, "the branch with slashes only is read")
        await scene.until(lambda _: scene.tag(BACKEND, "stable").details, "the others live")


async def test_a_deleted_digest_says_so_and_the_rest_lives(world: ImageWorld) -> None:
    lost = world.registry.delete(MAIN, "latest")
    async with watched(world) as scene:
        await scene.whole()
        row = scene.tag(MAIN, "latest")
        assert row.digest == lost
        assert row.problem is not None
        assert row.problem.code == "gone"
        assert sum(tag.details is not None for tag in scene.report(MAIN).tags) == len(scene.report(MAIN).tags) - 2
        assert scene.report(MAIN).problem is None


async def test_an_index_of_an_unknown_media_type_says_so_and_keeps_orphans_from_being_counted(
    world: ImageWorld,
) -> None:
    odd = world.registry.put(BACKEND, "odd", ODD_TYPE, {"manifests": []})
    world.listed(BACKEND, Pushed(odd, ("odd",), 0.1, ""))
    async with watched(world) as scene:
        await scene.until(
            lambda board: len(board.reports) == 4 and scene.tag(BACKEND, "odd").problem, "the row says so"
        )
        problem = scene.tag(BACKEND, "odd").problem
        assert problem is not None
        assert problem.code == "unknown-media-type"
        assert ODD_TYPE in problem.summary
        await scene.until(lambda _: scene.report(FRONTEND).orphans_known, "the others are counted")
        assert len(scene.report(BACKEND).untagged) >= 2
        assert not scene.report(BACKEND).orphans_known


async def test_an_index_whose_bytes_are_not_its_digest_says_so(world: ImageWorld) -> None:
    world.registry.faults.order(RegistryFault.CHANGED, path=f"/v2/{BRANCH}/manifests/sha256:")
    async with watched(world) as scene:
        await scene.until(lambda board: len(board.reports) == 4 and scene.tag(BRANCH, "latest").problem, "it is said")
        problem = scene.tag(BRANCH, "latest").problem
        assert problem is not None
        assert problem.code == "digest-mismatch"


async def test_where_packages_may_not_be_listed_the_registry_alone_is_shown_and_that_is_said(world: ImageWorld) -> None:
    world.token = FINE_GRAINED
    async with watched(world) as scene:
        await scene.until(
            lambda board: len(board.reports) >= 3 and all(r.details for r in scene.report(MAIN).tags), "rows are filled"
        )
        paths = {report.repository.path for report in scene.board.reports}
        assert {BACKEND, MAIN, FRONTEND} <= paths, "branches with runs are looked for"
        for report in scene.board.reports:
            assert report.problem is not None
            assert report.problem.code == "registry-only"
            assert (report.untagged, report.orphans_known) == ((), False)
        stable = scene.tag(BACKEND, "stable")
        assert (stable.digest, stable.created_at, stable.moving) == (world.digest(BACKEND, "stable"), None, True)
        assert scene.tag(MAIN, "latest").digest == world.digest(MAIN, "latest")
        built = [row.details.created for row in scene.report(MAIN).tags if row.details and row.details.created]
        assert built == sorted(built, reverse=True)


async def test_a_token_that_may_not_costs_no_request_at_every_look(world: ImageWorld) -> None:
    world.token = FINE_GRAINED
    async with watched(world) as scene:
        await scene.until(lambda board: len(board.reports) >= 3, "rows are listed")
        await until(lambda: world.feed.unkept is None, "the first look is over")
        served = world.github.access.served
        world.clock.pass_by(300)
        await world.feed.look()
        assert world.github.access.served == served


async def test_without_a_token_public_images_are_shown(world: ImageWorld) -> None:
    world.token = ""
    async with watched(world) as scene:
        await scene.until(
            lambda board: len(board.reports) == 2 and scene.tag(BACKEND, "stable").details, "rows are filled"
        )
        problem = scene.report(BACKEND).problem
        assert problem is not None
        assert problem.code == "registry-only"
        assert "Sign in" in problem.remedy
        world.token = "demo-token"
        world.pace.wake()
        await scene.whole()
        assert scene.report(BACKEND).problem is None


async def test_a_private_repository_says_why_its_digests_cannot_be_read(world: ImageWorld) -> None:
    world.registry.private.add(MAIN)
    async with watched(world) as scene:
        await scene.until(lambda board: len(board.reports) == 4 and scene.report(MAIN).problem, "the refusal is told")
        problem = scene.report(MAIN).problem
        assert problem is not None
        assert problem.code in ("unauthorised", "denied")
        assert len(scene.report(MAIN).tags) > 5, "its rows are GitHub's"
        await scene.until(lambda _: scene.report(FRONTEND).orphans_known, "the others are read")
        refused = sum(MAIN in request.path for request in world.registry.requests)
        assert refused <= 3 * WORKERS, "a closed door is not tried for every digest"
        world.registry.private.discard(MAIN)
        await scene.look_again()
        await scene.whole()
        assert scene.report(MAIN).problem is None


async def test_while_github_is_down_the_rows_stay_and_it_recovers_by_itself(world: ImageWorld) -> None:
    async with watched(world) as scene:
        await scene.whole()
        before = scene.board
        await world.github.http.stop()
        world.pace.wake()
        await until(lambda: scene.feed.reading.phase is Phase.FAILED, "the failure is told")
        assert [report.tags for report in scene.board.reports] == [report.tags for report in before.reports]
        await world.github.http.start()
        await until(lambda: scene.feed.reading.phase is Phase.LIVE, "it is live again")
        await scene.whole()
        assert scene.board == before


async def test_one_package_that_cannot_be_listed_keeps_its_rows_and_says_why(world: ImageWorld) -> None:
    async with watched(world) as scene:
        await scene.whole()
        rows = scene.report(FRONTEND).tags
        world.github.faults.order(GitHubFault.STATUS, path="refactor-platform-fe/versions", value=502)
        await scene.look_again()
        await scene.until(lambda _: scene.report(FRONTEND).problem, "the failure is told")
        problem = scene.report(FRONTEND).problem
        assert problem is not None
        assert problem.code == "server-error"
        assert scene.report(FRONTEND).tags == rows
        assert scene.report(BACKEND).problem is None
        world.github.faults.clear()
        await scene.look_again()
        await scene.until(lambda _: scene.report(FRONTEND).problem is None, "it recovers")


async def test_while_the_registry_is_down_rows_are_shown_and_filled_when_it_is_back(world: ImageWorld) -> None:
    await world.registry.stop()
    async with watched(world) as scene:
        await scene.until(
            lambda board: len(board.reports) == 4 and scene.report(BACKEND).problem, "the trouble is told"
        )
        assert scene.tag(BACKEND, "stable").created_at is not None
        await world.registry.start()
        await scene.look_again()
        await scene.whole()
        assert all(report.problem is None for report in scene.board.reports)


async def test_with_both_down_the_feed_fails(world: ImageWorld) -> None:
    await world.registry.stop()
    await world.github.http.stop()
    async with watched(world) as scene:
        await until(lambda: scene.feed.reading.phase is Phase.FAILED, "the failure is told")
        assert scene.feed.reading.problem is not None


async def test_what_a_moving_tag_points_to_is_kept_at_every_look(world: ImageWorld) -> None:
    world.token = FINE_GRAINED  # then the registry is asked, where the test can move the tag
    now = world.digest(FRONTEND, "stable")
    before = world.digest(FRONTEND, sha_of("frontend", "chore: release 1.0.0-beta2"))
    async with watched(world) as scene:
        await scene.until(
            lambda board: len(board.reports) >= 3 and scene.tag(FRONTEND, "stable").digest == now, "listed"
        )
        world.registry.move(FRONTEND, "stable", before)
        world.clock.pass_by(60)
        world.pace.wake()
        await scene.until(lambda _: scene.tag(FRONTEND, "stable").digest == before, "the move is seen")
        details = scene.tag(FRONTEND, "stable").details
        assert details is None or details.digest == before
        repository = scene.report(FRONTEND).repository

        async def kept() -> list[str]:
            return [s.digest for s in (await world.observations.remembered(repository, "stable")).sightings]

        while await kept() != [now, before]:  # the look is written down just after it is shown
            await scene.look_again()


async def test_a_disk_that_cannot_be_written_does_not_stop_the_images(world: ImageWorld) -> None:
    world.observations.path.mkdir()
    async with watched(world) as scene:
        await scene.whole()
        await until(lambda: world.feed.unkept, "it is known")
        assert scene.feed.reading.phase is Phase.LIVE


async def test_the_number_of_details_in_memory_is_bounded(world: ImageWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_filler, "MOST_DETAILS", 4)
    async with watched(world) as scene:
        await scene.until(lambda board: len(board.reports) == 4 and _held(board.reports) >= 3, "some are read")
        await scene.look_again()
        assert _held(scene.board.reports) <= 4 + WORKERS
        assert scene.tag(BACKEND, "stable").details is not None, "what moves comes first"
        assert not scene.report(MAIN).orphans_known


def _held(reports: tuple[ImageRepositoryReport, ...]) -> int:
    rows: list[ImageTag] = [row for report in reports for row in (*report.tags, *report.untagged)]
    return len({row.digest for row in rows if row.details is not None})


async def test_an_attestation_of_something_that_is_gone_is_an_orphan(world: ImageWorld) -> None:
    tag = f"sha256-{'e' * 64}"
    listing = world.registry.put(BACKEND, tag, OCI_INDEX, {"manifests": []})
    world.listed(BACKEND, Pushed(listing, (tag,), 0.1, ""))
    async with watched(world) as scene:
        await scene.whole()
        report = scene.report(BACKEND)
        assert tag not in [row.tag for row in report.tags]
        assert report.orphaned == len(report.untagged) + 1
