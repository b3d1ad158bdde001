"""The registry adapter against the demo world's registry and against a real one, with the same images in all of them.

The real one is CNCF Distribution as Debian packages it (``docker-registry``): open to all, with basic authentication,
and with a token server.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
import pytest_asyncio

from refactor_console.adapters import registry_errors as errors
from refactor_console.adapters.registry import Registry
from refactor_console.demo import registry as demo
from refactor_console.demo.registry import DemoRegistry
from refactor_console.demo.registry_content import content
from refactor_console.demo.story import BACKEND_PATH, BUILDS
from refactor_console.domain.account import Secret
from refactor_console.domain.images import ImageRepository
from tests.registry_images import BUNDLE, COSIGN, LABELS, PREDICATE, REVISION, Images, images
from tests.registry_server import CLOSED, OPEN, PASSWORD, USER, RealRegistry, real_registry
from tests.tools import require_tool

APP = ImageRepository("registry.test", OPEN)
PRIVATE = ImageRepository("registry.test", CLOSED)
ABSENT = "sha256:" + "0" * 64


@cache
def pushed() -> Images:
    return images()


def digest(tag: str) -> str:
    return pushed().tags[tag].digest


@dataclass
class Server:
    """Any of the four."""

    url: str
    flavour: str
    credential: tuple[str, str] | None
    delete: Callable[[str, str], object]
    made: list[Registry] = field(default_factory=list)

    def client(self, password: str | None = "", *, clock: Callable[[], datetime] | None = None) -> Registry:
        """A client with the right credential, another password, or none."""
        credential = None
        if password is not None and self.credential is not None:
            credential = (self.credential[0], Secret(password or self.credential[1]))
        self.made.append(Registry(self.url, credential, clock=clock or (lambda: datetime.now(UTC))))
        return self.made[-1]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], RealRegistry]]:
    """Real registries by flavour, started when first asked for."""
    running: dict[str, RealRegistry] = {}
    with ExitStack() as stack:

        def get(flavour: str) -> RealRegistry:
            if flavour not in running:
                program = require_tool("docker-registry", "docker-registry")
                directory = tmp_path_factory.mktemp(f"registry-{flavour}")
                running[flavour] = stack.enter_context(real_registry(program, directory, flavour))
                for path in (OPEN, CLOSED):
                    running[flavour].push(path, pushed())
            return running[flavour]

        yield get


@pytest_asyncio.fixture
async def demo_registry() -> AsyncIterator[DemoRegistry]:
    registry = DemoRegistry()
    for path in (OPEN, CLOSED):
        registry.content.repositories[path] = pushed().stored()
    registry.private.add(CLOSED)
    await registry.start()
    yield registry
    await registry.stop()


@pytest_asyncio.fixture(params=["demo", "open", "basic", "token"])
async def server(request: pytest.FixtureRequest, demo_registry: DemoRegistry) -> AsyncIterator[Server]:
    """Each test that asks for it runs against the demo's registry and three real ones."""
    if request.param == "demo":
        made = Server(demo_registry.url, "demo", (USER, demo.TOKEN), demo_registry.delete)
    else:
        running = request.getfixturevalue("real")(request.param)
        credential = None if request.param == "open" else (USER, PASSWORD)
        made = Server(running.url, request.param, credential, running.delete)
    yield made
    for client in made.made:
        await client.close()


@pytest.fixture
def registry(server: Server) -> Registry:
    return server.client()


async def test_tags_are_listed_without_those_that_stand_in_for_referrers(registry: Registry) -> None:
    assert sorted(await registry.tags(APP)) == ["1.2.0", "attested", "chart", "docker", "plain", "signed", "stable"]
    assert len(await registry.tags(APP, limit=3)) == 3


@pytest.mark.parametrize("tag", ["stable", "1.2.0", "plain", "docker", "chart"])
async def test_a_tag_has_the_digest_of_what_was_pushed(registry: Registry, tag: str) -> None:
    assert await registry.digest(APP, tag) == digest(tag)


async def test_what_is_not_there_is_not_found(registry: Registry) -> None:
    with pytest.raises(errors.RegistryNotFound) as missing:
        await registry.digest(APP, "no-such-tag")
    assert missing.value.problem.code == "not-found"
    assert "registry.test/group/app:no-such-tag" in missing.value.problem.summary
    with pytest.raises(errors.RegistryGone):
        await registry.details(APP, ABSENT)
    assert await registry.exists(APP, ABSENT) is False
    assert await registry.exists(APP, digest("plain")) is True


async def test_an_index_is_unfolded(registry: Registry) -> None:
    details = await registry.details(APP, "stable")
    assert details.digest == digest("stable")
    assert details.media_type == "application/vnd.oci.image.index.v1+json"
    sizes = pushed().sizes
    listed = [(one.platform, one.digest in sizes, one.size == sizes.get(one.digest)) for one in details.platforms]
    assert listed == [("linux/amd64", True, True), ("linux/arm64/v8", True, True)]
    assert (details.revision, details.version) == (REVISION, "1.2.0")
    assert dict(details.labels) == LABELS
    assert details.created == datetime(2026, 11, 20, 8, 15, 30, 123456, tzinfo=UTC)
    assert await registry.details(APP, digest("stable")) == details


@pytest.mark.parametrize(("tag", "platform"), [("plain", "linux/amd64"), ("signed", "linux/arm64")])
async def test_an_image_without_an_index_has_one_platform(registry: Registry, tag: str, platform: str) -> None:
    details = await registry.details(APP, tag)
    assert [(p.digest, p.platform, p.size) for p in details.platforms] == [
        (digest(tag), platform, pushed().sizes[digest(tag)])
    ]
    assert details.revision == REVISION


async def test_dockers_own_media_types_are_read_as_well(registry: Registry) -> None:
    details = await registry.details(APP, "docker")
    assert details.media_type == "application/vnd.docker.distribution.manifest.list.v2+json"
    assert [p.platform for p in details.platforms] == ["linux/amd64"]
    assert details.platforms[0].size == pushed().sizes[details.platforms[0].digest]
    assert details.revision == REVISION


async def test_what_is_no_image_says_what_it_is(registry: Registry) -> None:
    details = await registry.details(APP, "chart")
    assert (details.platforms, details.labels) == ((), ())
    assert details.provenance_note == "not an image but application/vnd.cncf.helm.config.v1+json"


async def test_children_are_all_that_an_index_lists(registry: Registry) -> None:
    platforms = [one.digest for one in (await registry.details(APP, "stable")).platforms]
    children = await registry.children(APP, digest("stable"))
    assert len(children) == 3
    assert set(platforms) < set(children)
    assert await registry.children(APP, digest("plain")) == ()


async def test_an_attestation_is_found_by_the_fallback_tag_and_typed_by_itself(registry: Registry) -> None:
    found = await registry.referrers(APP, digest("stable"))
    assert [(one.artifact_type, one.predicate_type) for one in found] == [(BUNDLE, PREDICATE)]
    assert await registry.exists(APP, found[0].digest)


async def test_buildkits_attestations_are_found_beside_the_image(registry: Registry) -> None:
    found = await registry.referrers(APP, digest("attested"))
    assert [one.predicate_type for one in found] == [PREDICATE]
    assert found[0].digest == (await registry.children(APP, digest("attested")))[1]


async def test_cosigns_signature_is_found_by_its_tag(registry: Registry) -> None:
    assert [one.artifact_type for one in await registry.referrers(APP, digest("signed"))] == [COSIGN]
    assert await registry.referrers(APP, digest("plain")) == ()


async def test_a_deleted_digest_is_gone_and_what_was_read_of_it_is_kept(server: Server, registry: Registry) -> None:
    # The private repository's copy, so that other tests find theirs.
    before = await registry.details(PRIVATE, "plain")
    server.delete(CLOSED, before.digest)
    try:
        assert await registry.exists(PRIVATE, before.digest) is False
        assert await registry.details(PRIVATE, before.digest) == before
        with pytest.raises(errors.RegistryGone) as gone:
            await server.client().details(PRIVATE, before.digest)
        assert gone.value.problem.code == "gone"
        with pytest.raises(errors.RegistryNotFound):
            await registry.digest(PRIVATE, "plain")
    finally:
        if server.flavour != "demo":
            _push_again(server)


def _push_again(server: Server) -> None:
    owner = getattr(server.delete, "__self__", None)
    assert isinstance(owner, RealRegistry)
    owner.push(CLOSED, pushed())


async def test_a_platform_deleted_from_under_its_index_leaves_the_others(server: Server, registry: Registry) -> None:
    arm = (await server.client().details(PRIVATE, "stable")).platforms[1].digest
    server.delete(CLOSED, arm)
    try:
        details = await registry.details(PRIVATE, "stable")
        assert [(p.platform, p.size is None) for p in details.platforms] == [
            ("linux/amd64", False),
            ("linux/arm64/v8", True),
        ]
        assert details.provenance_note == "1 of 2 platforms can no longer be pulled"
    finally:
        if server.flavour != "demo":
            _push_again(server)


async def test_a_private_repository_opens_to_the_right_credential_only(server: Server) -> None:
    if server.credential is None:
        assert (await server.client().details(PRIVATE, "stable")).platforms
        return
    assert (await server.client().details(PRIVATE, "stable")).revision == REVISION
    with pytest.raises(errors.RegistryRefused) as nobody:
        await server.client(None).tags(PRIVATE)
    assert "read:packages" in nobody.value.problem.remedy
    with pytest.raises(errors.RegistryRefused) as wrong:
        await server.client("hunter2").tags(PRIVATE)
    assert "hunter2" not in repr(wrong.value.problem)


async def test_what_is_public_is_told_to_everybody_even_with_a_wrong_credential(server: Server) -> None:
    client = server.client("hunter2")
    if server.flavour == "basic":  # it knows nothing that is public
        with pytest.raises(errors.RegistryRefused):
            await client.tags(APP)
        return
    assert "stable" in await server.client(None).tags(APP)
    assert "stable" in await client.tags(APP)
    assert (client.refusal is None) == (server.credential is None)


# What only the demo's registry can show ------------------------------------------------------------------------------


@pytest_asyncio.fixture
async def asked(demo_registry: DemoRegistry) -> AsyncIterator[Server]:
    server = Server(demo_registry.url, "demo", (USER, demo.TOKEN), demo_registry.delete)
    yield server
    for client in server.made:
        await client.close()


async def test_five_thousand_tags_come_page_by_page(demo_registry: DemoRegistry, asked: Server) -> None:
    # docker-registry 2.8 ignores `n` and gives all tags at once, so that only the demo can show pages.
    demo_registry.crowd(OPEN, 5_000)
    tags = await asked.client().tags(APP)
    assert len(set(tags)) == len(tags) == 5_007
    pages = [request for request in demo_registry.requests if request.path.endswith("/tags/list")]
    assert len(pages) > 5
    assert all(request.query["n"] == "1000" for request in pages)


async def test_a_token_is_fetched_once_for_each_repository_and_anew_when_it_is_over(
    demo_registry: DemoRegistry, asked: Server
) -> None:
    now = [datetime.now(UTC)]
    client = asked.client(clock=lambda: now[0])

    def fetched() -> int:
        return sum(request.path == "/token" for request in demo_registry.requests)

    await client.details(APP, "stable")
    await client.tags(APP)
    assert fetched() == 1
    await client.tags(PRIVATE)
    assert fetched() == 2
    demo_registry.expire_tokens()
    assert await client.tags(APP)  # told by a 401
    assert fetched() == 3
    now[0] += timedelta(seconds=demo.LIFETIME)
    refused = sum("authorization" not in r.headers for r in demo_registry.requests if r.path.startswith("/v2/"))
    assert await client.tags(APP)  # known beforehand
    assert fetched() == 4
    assert refused == sum("authorization" not in r.headers for r in demo_registry.requests if r.path.startswith("/v2/"))


async def test_many_questions_at_once_share_one_token(demo_registry: DemoRegistry, asked: Server) -> None:
    client = asked.client()
    await asyncio.gather(*(client.digest(APP, tag) for tag in ("stable", "plain", "docker", "chart", "signed")))
    assert sum(request.path == "/token" for request in demo_registry.requests) == 1


async def test_what_has_a_digest_is_asked_for_once(demo_registry: DemoRegistry, asked: Server) -> None:
    client = asked.client()
    first = await client.details(APP, "stable")
    demo_registry.requests.clear()
    assert await client.details(APP, "stable") == first
    assert [(r.method, r.path) for r in demo_registry.requests] == [("HEAD", f"/v2/{OPEN}/manifests/stable")]


async def test_blobs_are_fetched_elsewhere_without_the_token(demo_registry: DemoRegistry, asked: Server) -> None:
    await asked.client().details(APP, "plain")
    elsewhere = [request for request in demo_registry.requests if request.path.startswith(demo.BLOBS)]
    assert len(elsewhere) == 1
    assert "authorization" not in elsewhere[0].headers


async def test_a_registry_with_a_referrers_endpoint_is_asked_there(demo_registry: DemoRegistry, asked: Server) -> None:
    client = asked.client()
    demo_registry.serves_referrers = True
    assert [one.artifact_type for one in await client.referrers(APP, digest("stable"))] == [BUNDLE]
    assert not any("manifests/sha256-" in request.path for request in demo_registry.requests)


async def test_the_demos_own_images_are_what_the_story_tells(asked: Server) -> None:
    client = asked.client()
    for build in BUILDS:
        repository = ImageRepository("ghcr.io", build.path)
        for tag in build.tags or (content().digest_of(build.path, build.sha),):
            details = await client.details(repository, tag)
            assert details.revision == build.sha
            assert details.version == build.version
            assert {p.platform for p in details.platforms} >= set(build.platforms)
            assert all(p.size for p in details.platforms)
            found = await client.referrers(repository, details.digest)
            assert [one.predicate_type for one in found] == ([PREDICATE] if build.attested else [])
    assert await client.tags(ImageRepository("ghcr.io", BACKEND_PATH)) == ("stable",)
