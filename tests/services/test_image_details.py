"""One image looked at closely: what it holds, who attests it and what that is worth, which commit it came from."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from refactor_console.adapters.github_api import AttestationFound
from refactor_console.adapters.registry_api import Referrer
from refactor_console.demo.github_faults import Fault
from refactor_console.demo.story import sha_of
from refactor_console.domain.images import ImageDetails, Provenance
from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.services.image_details import ImageReader, beside, judged, source_of
from tests.services.image_world import (
    BACKEND,
    FINE_GRAINED,
    FRONTEND,
    MAIN,
    PLATFORM,
    ImageWorld,
    image_world,
    repository,
    row,
)

DIGEST = f"sha256:{'a' * 64}"
GOOD = AttestationFound(
    "https://slsa.dev/provenance/v1",
    (DIGEST,),
    f"https://github.com/{BACKEND}",
    ".github/workflows/build-test-push.yml",
)


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[ImageWorld]:
    async with image_world(tmp_path) as found:
        yield found


async def test_an_attested_build_is_verified_and_the_note_says_what_was_not_checked(world: ImageWorld) -> None:
    told: list[ImageDetails] = []
    reader = ImageReader(world.api, world.images, PLATFORM, learned=told.append)
    details = await reader.details(row(MAIN, "latest"))
    assert details.digest == world.digest(MAIN, "latest")
    assert details.provenance is Provenance.VERIFIED
    assert "The signature was not checked" in details.provenance_note
    assert BACKEND in details.provenance_note
    assert told == [details]


async def test_a_release_that_nobody_attested_has_none(world: ImageWorld) -> None:
    details = await world.reader.details(row(BACKEND, "stable"))
    assert details.provenance is Provenance.NONE
    assert "Neither GitHub nor the registry" in details.provenance_note


async def test_where_github_may_not_be_asked_the_registrys_attestation_is_found_and_not_more(world: ImageWorld) -> None:
    world.token = ""
    details = await world.reader.details(row(MAIN, "latest"))
    assert details.provenance is Provenance.FOUND
    assert "was not read" in details.provenance_note
    release = await world.reader.details(row(BACKEND, "stable"))
    assert release.provenance is Provenance.NOT_PERMITTED
    assert "There is no token" in release.provenance_note


async def test_while_github_is_down_no_attestation_is_not_the_same_as_none(world: ImageWorld) -> None:
    world.github.faults.order(Fault.STATUS, path="attestations", value=503)
    details = await world.reader.details(row(BACKEND, "stable"))
    assert details.provenance is Provenance.UNKNOWN


async def test_what_was_deleted_is_an_error_to_show(world: ImageWorld) -> None:
    digest = world.registry.delete(FRONTEND, "stable")
    with pytest.raises(ConsoleError) as caught:
        await world.reader.details(row(FRONTEND, "stable", digest))
    assert caught.value.problem.code == "gone"


async def test_a_platform_gone_from_under_its_index_is_said(world: ImageWorld) -> None:
    whole = await world.reader.details(row(BACKEND, "stable"))
    world.registry.delete(BACKEND, whole.platforms[1].digest)
    world.forget()
    details = await world.reader.details(row(BACKEND, "stable"))
    assert [manifest.size is None for manifest in details.platforms] == [False, True]
    assert details.provenance_note.startswith("1 of 2 platforms can no longer be pulled.")


async def test_the_shown_digest_is_asked_for_and_not_what_the_tag_points_to_by_now(world: ImageWorld) -> None:
    old = world.digest(BACKEND, sha_of("backend", "chore: release 1.0.0-beta2"))
    assert (await world.reader.details(row(BACKEND, "stable", old))).digest == old


async def test_the_commit_and_its_pull_request_are_found(world: ImageWorld) -> None:
    facts = await world.reader.revision(row(BACKEND, "stable"))
    assert facts.revision == sha_of("backend", "chore: release 1.0.0-beta3")
    assert facts.commit is not None
    assert facts.commit.sha == facts.revision
    assert [pull.number for pull in facts.pull_requests] == [306]
    assert facts.notes == ()


async def test_what_cannot_be_found_out_of_a_commit_is_a_note(world: ImageWorld) -> None:
    world.github.faults.order(Fault.STATUS, path="/commits", value=502)
    facts = await world.reader.revision(row(BACKEND, "stable"))
    assert facts.revision
    assert (facts.commit, facts.pull_requests) == (None, ())
    assert len(facts.notes) == 1


async def test_a_fine_grained_token_gets_details_all_the_same(world: ImageWorld) -> None:
    world.token = FINE_GRAINED
    details = await world.reader.details(row(MAIN, "latest"))
    assert details.platforms
    assert details.provenance in (Provenance.VERIFIED, Provenance.FOUND)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (replace(GOOD, subjects=(f"sha256:{'b' * 64}",)), "names another digest"),
        (
            replace(GOOD, repository="https://github.com/somebody/else"),
            "another repository: https://github.com/somebody",
        ),
        (replace(GOOD, repository=f"https://github.com.evil.example/{BACKEND}"), "another repository"),
        (replace(GOOD, workflow=".github/workflows/mine.yml"), "not expected to build images"),
        (replace(GOOD, predicate_type="https://spdx.dev/Document"), "is no build provenance"),
        (replace(GOOD, workflow=""), "does not say which repository and workflow"),
        (AttestationFound("", (), "", ""), "could not be read"),
    ],
)
def test_an_attestation_that_does_not_say_what_is_expected_is_found_and_no_more(
    found: AttestationFound, words: str
) -> None:
    provenance, note = judged([found], DIGEST, PLATFORM.backend, PLATFORM)
    assert provenance is Provenance.FOUND
    assert words in note


def test_one_good_attestation_among_others_is_enough() -> None:
    others = replace(GOOD, subjects=())
    assert judged([others, GOOD], DIGEST, PLATFORM.backend, PLATFORM)[0] is Provenance.VERIFIED


def test_a_bill_of_materials_beside_an_image_is_no_provenance() -> None:
    bill = Referrer(DIGEST, "application/spdx+json", (), "https://spdx.dev/Document")
    provenance, note = beside([bill], None, asked=True)
    assert provenance is Provenance.NONE
    assert "spdx" in note
    refused = Problem("Not for you.", code="not-permitted")
    assert beside([bill], refused, asked=True)[0] is Provenance.NOT_PERMITTED


def test_an_image_repository_belongs_to_the_source_it_is_named_after() -> None:
    assert source_of(PLATFORM, repository(f"{BACKEND}/feat/x")) == PLATFORM.backend
    assert source_of(PLATFORM, repository(FRONTEND)) == PLATFORM.frontend
    assert source_of(PLATFORM, repository(f"{BACKEND}-fork/main")) is None
