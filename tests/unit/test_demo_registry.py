"""The demo's registry as such: true digests, GHCR's ways, and the same images as on the demo's host."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from refactor_console.demo.clock import parse_moment
from refactor_console.demo.deployed import deployed
from refactor_console.demo.registry import BLOBS, NO_SCOPE, TOKEN, DemoRegistry
from refactor_console.demo.registry_content import OCI_INDEX, OCI_MANIFEST, content, digest_of
from refactor_console.demo.registry_control import ODD_TYPE, RegistryControl
from refactor_console.demo.story import BACKEND_PATH, BUILDS, COMMITS, FRONTEND_PATH, RELEASES
from refactor_console.demo.world import World

NOW = parse_moment("2026-11-24T12:00:00")
ALL_TYPES = f"{OCI_INDEX}, {OCI_MANIFEST}"
STABLE = f"/v2/{BACKEND_PATH}/manifests/stable"


@pytest_asyncio.fixture
async def registry() -> AsyncIterator[DemoRegistry]:
    made = DemoRegistry(content(NOW))
    await made.start()
    yield made
    await made.stop()


@pytest_asyncio.fixture
async def http(registry: DemoRegistry) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=registry.url, trust_env=False) as client:
        yield client


async def token(http: httpx.AsyncClient, path: str = BACKEND_PATH, password: str | None = None) -> dict[str, str]:
    answer = await fetch_token(http, path, password)
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['token']}"}


async def fetch_token(http: httpx.AsyncClient, path: str, password: str | None) -> httpx.Response:
    query = {"service": "ghcr.io", "scope": f"repository:{path}:pull"}
    credential = None if password is None else httpx.BasicAuth("somebody", password)
    return await http.get("/token", params=query, auth=credential)


def code(answer: httpx.Response) -> str:
    said: str = answer.json()["errors"][0]["code"]
    return said


def hashed(raw: bytes) -> str:
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


def test_every_digest_is_that_of_its_content_and_nothing_is_named_that_is_not_there() -> None:
    for path, stored in content(NOW).repositories.items():
        assert all(hashed(made.body) == digest == made.digest for digest, made in stored.manifests.items()), path
        assert all(hashed(raw) == digest for digest, raw in stored.blobs.items()), path
        assert set(stored.tags.values()) <= set(stored.manifests)
        assert {version.digest for version in stored.versions} == set(stored.manifests)
        for made in stored.manifests.values():
            body = json.loads(made.body)
            assert {entry["digest"] for entry in body.get("manifests", ())} <= set(stored.manifests)
            assert body.get("config", {}).get("digest", next(iter(stored.blobs))) in stored.blobs


def test_the_same_moment_gives_the_same_digests() -> None:
    first = digest_of(BACKEND_PATH, "stable", NOW)
    content.cache_clear()
    assert digest_of(BACKEND_PATH, "stable", NOW) == first
    assert digest_of(BACKEND_PATH, "stable", NOW + 1_000_000_000) != first


def test_the_host_runs_what_the_registry_calls_stable() -> None:
    world = World(7, NOW)
    held = content(NOW)
    for path in (BACKEND_PATH, FRONTEND_PATH):
        digest = held.digest_of(path, "stable")
        image = next(image for image in deployed(NOW).images if path in image.reference)
        assert image.repo_digest == f"ghcr.io/{path}@{digest}"
        config = json.loads(held.repositories[path].blobs[image.id])
        assert config["config"]["Labels"] == image.labels
        assert config["rootfs"]["diff_ids"] == image.inspect()["RootFS"]["Layers"]
        assert image in world.engine.images
    assert world.engine.of_service("rust-app").service.image.id == deployed(NOW).images[0].id


def test_the_story_holds_together() -> None:
    known = {commit.sha for commit in COMMITS} | {release.sha for release in RELEASES}
    for repo in ("backend", "frontend"):
        assert 20 <= sum(commit.repo == repo for commit in COMMITS) <= 60
        moved = [build for build in BUILDS if build.repo == repo and build.superseded]
        assert len(moved) == 2
        assert all(build.tags == () and build.sha in known for build in moved)
    assert len({commit.sha for commit in COMMITS}) == len(COMMITS)
    assert any(release.draft for release in RELEASES)


async def test_every_request_wants_a_token_which_names_its_realm(
    registry: DemoRegistry, http: httpx.AsyncClient
) -> None:
    for path in ("/v2/", STABLE, f"/v2/{BACKEND_PATH}/tags/list"):
        answer = await http.get(path)
        assert (answer.status_code, code(answer)) == (401, "UNAUTHORIZED")
        assert f'realm="{registry.url}/token",service="ghcr.io",scope="' in answer.headers["www-authenticate"]
    assert (await http.get("/v2/", headers=await token(http))).status_code == 200


async def test_what_is_private_opens_with_the_right_token_only(registry: DemoRegistry, http: httpx.AsyncClient) -> None:
    registry.private.add(BACKEND_PATH)
    refused = [(await fetch_token(http, BACKEND_PATH, said)).status_code for said in (None, "wrong", NO_SCOPE)]
    assert refused == [401, 403, 403]
    assert (await fetch_token(http, "no/such-thing", None)).status_code == 401
    elsewhere = await token(http, FRONTEND_PATH)
    assert (await http.get(STABLE, headers=elsewhere)).status_code == 401
    headers = {**await token(http, password=TOKEN), "Accept": ALL_TYPES}
    assert (await http.get(STABLE, headers=headers)).status_code == 200


async def test_an_index_is_not_there_for_who_does_not_accept_it(http: httpx.AsyncClient) -> None:
    headers = await token(http)
    answer = await http.get(STABLE, headers={**headers, "Accept": OCI_MANIFEST})
    assert (answer.status_code, code(answer)) == (404, "MANIFEST_UNKNOWN")
    found = await http.get(STABLE, headers={**headers, "Accept": ALL_TYPES})
    digest = found.headers["docker-content-digest"]
    assert (found.status_code, found.headers["content-type"]) == (200, OCI_INDEX)
    assert digest == hashed(found.content) == digest_of(BACKEND_PATH, "stable", NOW)
    head = await http.head(STABLE, headers={**headers, "Accept": ALL_TYPES})
    assert (head.headers["docker-content-digest"], head.content) == (digest, b"")
    same = {**headers, "Accept": ALL_TYPES, "If-None-Match": found.headers["etag"]}
    assert (await http.get(STABLE, headers=same)).status_code == 304


async def test_a_blob_is_somewhere_else_and_wants_no_token_there(
    registry: DemoRegistry, http: httpx.AsyncClient
) -> None:
    headers = await token(http)
    digest = next(iter(registry.stored(BACKEND_PATH).blobs))
    sent_on = await http.get(f"/v2/{BACKEND_PATH}/blobs/{digest}", headers=headers)
    assert sent_on.status_code == 307
    assert BLOBS in sent_on.headers["location"]
    assert (await http.get(sent_on.headers["location"], headers=headers)).status_code == 400
    assert hashed((await http.get(sent_on.headers["location"])).content) == digest
    assert (await http.get(sent_on.headers["location"].replace("sig=demo", ""))).status_code == 404


async def test_tags_come_page_by_page(registry: DemoRegistry, http: httpx.AsyncClient) -> None:
    registry.crowd(BACKEND_PATH, 250)
    headers = await token(http)
    url, seen, pages = f"/v2/{BACKEND_PATH}/tags/list?n=100", [], 0
    while url:
        answer = await http.get(url, headers=headers)
        seen += answer.json()["tags"]
        pages += 1
        url = answer.headers.get("link", "<>").partition("<")[2].partition(">")[0]
    assert (pages, len(set(seen)), len(seen)) == (3, 251, 251)
    wrong = await http.get(f"/v2/{BACKEND_PATH}/tags/list?n=few", headers=headers)
    assert (wrong.status_code, code(wrong)) == (400, "PAGINATION_NUMBER_INVALID")


async def test_there_are_no_referrers_and_nothing_can_be_written(http: httpx.AsyncClient) -> None:
    headers = await token(http)
    digest = digest_of(BACKEND_PATH, "stable", NOW)
    answer = await http.get(f"/v2/{BACKEND_PATH}/referrers/{digest}", headers=headers)
    assert (answer.status_code, code(answer)) == (404, "MANIFEST_UNKNOWN")
    for method in ("PUT", "POST", "DELETE", "PATCH"):
        assert (await http.request(method, STABLE, headers=headers)).status_code == 405


async def test_what_is_not_there_is_said_in_the_protocols_words(http: httpx.AsyncClient) -> None:
    headers = await token(http, "no/such-thing", TOKEN)
    for path, said in (
        ("/v2/no/such-thing/tags/list", "NAME_UNKNOWN"),
        (f"/v2/{BACKEND_PATH}/manifests/none", "MANIFEST_UNKNOWN"),
        (f"/v2/{BACKEND_PATH}/blobs/sha256:{'0' * 64}", "BLOB_UNKNOWN"),
        ("/somewhere", "UNSUPPORTED"),
    ):
        answer = await http.get(path, headers=headers)
        assert (answer.status_code, code(answer)) == (404, said)


async def test_the_controls_change_this_registry_only(registry: DemoRegistry, http: httpx.AsyncClient) -> None:
    control = RegistryControl(registry)

    async def status(path: str = STABLE) -> int:
        return (await http.get(path, headers=await token(http, password=TOKEN))).status_code

    async def do(verb: str, **values: Any) -> dict[str, Any] | None:
        found: dict[str, Any] | None = await getattr(control, f"do_registry_{verb}")(values)
        return found

    older = next(
        v.digest for v in content(NOW).repositories[BACKEND_PATH].versions if v.days_ago > 40 and v.kind == "index"
    )
    await do("move", path=BACKEND_PATH, tag="stable", digest=older)
    assert registry.stored(BACKEND_PATH).tags["stable"] == older
    assert await do("delete", path=BACKEND_PATH, reference="stable") == {"digest": older}
    assert await status() == 404
    await do("odd", path=BACKEND_PATH, tag="odd")
    odd = await http.get(f"/v2/{BACKEND_PATH}/manifests/odd", headers=await token(http))
    assert odd.headers["content-type"] == ODD_TYPE
    await do("add_tags", path=BACKEND_PATH, count=10)
    assert len(registry.stored(BACKEND_PATH).tags) == 11
    await do("private", path=BACKEND_PATH)
    assert (await fetch_token(http, BACKEND_PATH, None)).status_code == 401
    await do("private", path=BACKEND_PATH, on=False)
    held = await token(http)
    await do("expire_tokens")
    assert (await http.get("/v2/", headers=held)).status_code == 401
    for fault, value, expected in (("status", 503, 503), ("limited", 0, 429), ("not-json", 0, 200)):
        await do("fault", fault=fault, match="odd", times=1, value=value)
        odd = await http.get(f"/v2/{BACKEND_PATH}/manifests/odd")
        assert odd.status_code == expected
    await do("fault", fault="truncated")
    await do("clear")
    await do("down")
    with pytest.raises(httpx.ConnectError):
        await http.get("/v2/")
    await do("up")
    assert (await http.get("/v2/")).status_code == 401
    assert "odd" not in content(NOW).repositories[BACKEND_PATH].tags
    assert content(NOW).digest_of(BACKEND_PATH, "stable") == digest_of(BACKEND_PATH, "stable", NOW)
