"""What a registry, or something that pretends to be one, may send: each ends in a clear problem, none in a crash."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refactor_console.adapters import registry_errors as errors
from refactor_console.adapters import registry_payloads as payloads
from refactor_console.adapters.registry import MOST_MANIFEST, Registry
from refactor_console.adapters.registry_auth import challenges, same_site
from refactor_console.adapters.registry_http import Patience
from refactor_console.demo.registry import TOKEN, DemoRegistry
from refactor_console.demo.registry_control import ODD_TYPE, RegistryControl
from refactor_console.demo.registry_faults import Fault
from refactor_console.domain.account import Secret
from refactor_console.domain.images import ImageRepository
from tests.github_raw import Asked, RawGitHub, Reply, raw_github, reply
from tests.registry_images import images

APP = ImageRepository("registry.test", "o/app")
MANIFESTS = "/v2/o/app/manifests"
TAGS = "/v2/o/app/tags/list"
INDEX = "application/vnd.oci.image.index.v1+json"
IMAGE = "application/vnd.oci.image.manifest.v1+json"
CALM = Patience(wait=0.01)
HASTY = Patience(connect=2.0, read=0.3, whole=1.0, attempts=2, wait=0.01)
PASSWORD = "hunter2-and-more"
SIGNED = ("somebody", Secret(PASSWORD))


@asynccontextmanager
async def client(
    server: RawGitHub | DemoRegistry,
    credential: tuple[str, Secret] | None = None,
    patience: Patience = CALM,
    **more: Any,
) -> AsyncIterator[Registry]:
    registry = Registry(server.url, credential, patience=patience, **more)
    try:
        yield registry
    finally:
        await registry.close()


def digest_of(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def serve(server: RawGitHub, body: bytes, kind: str = IMAGE, tag: str = "stable") -> str:
    """Let a tag and its digest answer with a body; the digest."""
    digest = digest_of(body)
    answer = reply(body=body, kind=kind, headers={"Docker-Content-Digest": digest})
    head = reply(length=len(body), kind=kind, headers={"Docker-Content-Digest": digest})

    def told(asked: Asked) -> Reply:
        return head if asked.method == "HEAD" else answer

    server.on(f"{MANIFESTS}/{tag}", told)
    server.on(f"{MANIFESTS}/{digest}", told)
    return digest


async def failing(registry: Registry, reference: str = "stable") -> errors.RegistryError:
    with pytest.raises(errors.RegistryError) as caught:
        await registry.details(APP, reference)
    assert PASSWORD not in f"{caught.value.problem!r} {caught.value}"
    return caught.value


def valid(**changes: Any) -> dict[str, Any]:
    descriptor = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest_of(b"{}"), "size": 2}
    return {"schemaVersion": 2, "mediaType": IMAGE, "config": descriptor, "layers": [descriptor], **changes}


# Damaged content -----------------------------------------------------------------------------------------------------

DAMAGED = {
    "half of it": json.dumps(valid()).encode()[:-40],
    "nothing": b"",
    "no object": b"[1, 2]",
    "a web page": b"<html><title>Log in</title></html>",
    "not UTF-8": b'{"mediaType": "\xff\xfe"}',
    "a hundred thousand brackets": b"[" * 100_000,
    "a digest that is none": json.dumps(valid(layers=[{"digest": "sha256:../../x", "size": 1}])).encode(),
    "a size below nothing": json.dumps(valid(layers=[{"digest": digest_of(b""), "size": -1}])).encode(),
    "a size of astronomers": json.dumps(valid(layers=[{"digest": digest_of(b""), "size": 10**30}])).encode(),
    "layers that are a text": json.dumps(valid(layers="many")).encode(),
    "too many layers": json.dumps(valid(layers=[valid()["config"]] * 1_001)).encode(),
    "no configuration": json.dumps(valid(config=None)).encode(),
    "index and manifest at once": json.dumps(valid(mediaType=INDEX, manifests=[])).encode(),
    "two types": json.dumps(valid(mediaType=INDEX)).encode(),
}


@pytest.mark.parametrize("body", DAMAGED.values(), ids=DAMAGED.keys())
async def test_a_manifest_that_cannot_be_read_is_a_bad_answer(body: bytes) -> None:
    async with raw_github() as server, client(server) as registry:
        serve(server, body)
        error = await failing(registry)
        assert error.problem.code == "bad-answer"
        assert "registry.test/o/app" in error.problem.summary


@pytest.mark.parametrize("body", [b'{"tags": ["a"', b"[]", b'{"tags": "a"}', b"null", b"<html>"])
async def test_a_list_of_tags_that_cannot_be_read_is_a_bad_answer(body: bytes) -> None:
    async with raw_github() as server, client(server) as registry:
        server.on(TAGS, reply(body=body))
        with pytest.raises(errors.RegistryBadAnswer) as caught:
            await registry.tags(APP)
        assert caught.value.problem.code == "bad-answer"


async def test_an_empty_repository_has_no_tags() -> None:
    async with raw_github() as server, client(server) as registry:
        server.on(TAGS, reply(payload={"name": "o/app", "tags": None}))
        assert await registry.tags(APP) == ()


async def test_names_that_no_tag_can_have_are_left_out() -> None:
    strange = ["../../secret", "a b", "\x1b[31mred", "x" * 129, "", "né", ".hidden", 7, None, "a\n", "ok?n=1"]
    good = ["v1.2.3-beta.1", "_x", "1.0-beta1-test2", "feat-größe".encode("ascii", "ignore").decode()]
    async with raw_github() as server, client(server) as registry:
        server.on(TAGS, reply(payload={"tags": [*strange, *good, good[0]]}))
        assert await registry.tags(APP) == tuple(good)


@pytest.mark.parametrize("tag", ["../x", "a b", "", "a/b", "sha256:abc", "x" * 129, "a?b", "☃"])
async def test_a_name_that_no_tag_can_have_is_not_asked_for(tag: str) -> None:
    async with raw_github() as server, client(server) as registry:
        with pytest.raises(errors.RegistryNotFound) as caught:
            await registry.digest(APP, tag)
        assert caught.value.problem.code == "bad-name"
        assert server.asked == []


@pytest.mark.parametrize("path", ["o/feat/größe-🎉", "O/App", "../v2", "o//app", "o/app/", "", "o/" + "a" * 300])
async def test_a_path_that_no_image_can_have_is_not_asked_for(path: str) -> None:
    async with raw_github() as server, client(server) as registry:
        with pytest.raises(errors.RegistryNotFound) as caught:
            await registry.tags(ImageRepository("registry.test", path))
        assert caught.value.problem.code == "bad-name"
        assert server.asked == []


async def test_an_unknown_media_type_is_said_and_the_others_go_on() -> None:
    registry = DemoRegistry()
    registry.content.repositories["o/app"] = images().stored()
    await registry.start()
    try:
        await RegistryControl(registry).do_registry_odd({"path": "o/app", "tag": "odd"})
        async with client(registry) as asked:
            details = await asked.details(APP, "odd")
            assert (details.platforms, details.created, details.labels) == ((), None, ())
            assert details.provenance_note == f"unknown media type {ODD_TYPE}"
            assert await asked.children(APP, details.digest) == ()
            assert await asked.referrers(APP, details.digest) == ()
            assert (await asked.details(APP, "plain")).revision
    finally:
        await registry.stop()


async def test_a_child_of_unknown_media_type_leaves_the_index_readable() -> None:
    async with raw_github() as server, client(server) as registry:
        odd = json.dumps({"schemaVersion": 2, "mediaType": ODD_TYPE}).encode()
        child = {"mediaType": ODD_TYPE, "digest": serve(server, odd, ODD_TYPE, "odd"), "size": len(odd)}
        entry = {**child, "platform": {"os": "plan9", "architecture": "mips"}}
        serve(server, json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}).encode(), INDEX)
        details = await registry.details(APP, "stable")
        assert [(p.platform, p.size) for p in details.platforms] == [("plan9/mips", None)]


# Content that is not what it is called -------------------------------------------------------------------------------


async def test_a_manifest_with_another_digest_is_thrown_away() -> None:
    async with raw_github() as server, client(server) as registry:
        other = digest_of(b"what was asked for")
        server.on(f"{MANIFESTS}/{other}", reply(payload=valid(), kind=IMAGE, headers={"Docker-Content-Digest": other}))
        error = await failing(registry, other)
        assert error.problem.code == "digest-mismatch"
        assert other in error.problem.detail


async def test_a_configuration_with_another_digest_is_thrown_away() -> None:
    async with raw_github() as server, client(server) as registry:
        serve(server, json.dumps(valid()).encode())
        server.on(f"/v2/o/app/blobs/{digest_of(b'{}')}", reply(body=b'{"config": {"Labels": {"evil": "1"}}}'))
        assert (await failing(registry)).problem.code == "digest-mismatch"


async def test_a_registry_that_changes_one_byte_is_found_out() -> None:
    demo = DemoRegistry()
    await demo.start()
    try:
        demo.faults.order(Fault.CHANGED, "/manifests/sha256:")
        async with client(demo, ("x", Secret(TOKEN))) as registry:
            path, stored = next(iter(demo.content.repositories.items()))
            with pytest.raises(errors.DigestMismatch):
                await registry.details(ImageRepository("ghcr.io", path), next(iter(stored.tags)))
    finally:
        await demo.stop()


async def test_a_digest_header_that_is_none_is_a_bad_answer() -> None:
    async with raw_github() as server, client(server) as registry:
        server.on(f"{MANIFESTS}/stable", reply(kind=IMAGE, headers={"Docker-Content-Digest": "sha256:short"}))
        assert (await failing(registry)).problem.code == "bad-answer"


async def test_a_registry_that_names_no_digest_has_its_answer_hashed() -> None:
    async with raw_github() as server, client(server) as registry:
        body = json.dumps(valid()).encode()
        server.on(f"{MANIFESTS}/stable", reply(body=body, kind=IMAGE))
        assert await registry.digest(APP, "stable") == digest_of(body)


# Too much, too slow, compressed --------------------------------------------------------------------------------------


async def test_a_huge_manifest_is_not_read() -> None:
    async with raw_github() as server, client(server) as registry:
        digest = serve(server, b"{" + b" " * MOST_MANIFEST + b"}")
        assert (await failing(registry, digest)).problem.code == "too-large"


async def test_a_compressed_answer_is_not_unpacked() -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    async with raw_github() as server, client(server) as registry:
        server.on(TAGS, reply(body=bomb, headers={"Content-Encoding": "gzip"}))
        with pytest.raises(errors.RegistryBadAnswer):
            await registry.tags(APP)
        assert server.asked[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("answer", [reply(hang=True, length=100), Reply(b"", hang=True)], ids=["body", "head"])
async def test_a_registry_that_stops_in_the_middle_is_down(answer: Reply) -> None:
    async with raw_github() as server, client(server, patience=HASTY) as registry:
        server.on(TAGS, answer)
        with pytest.raises(errors.RegistryDown) as caught:
            await registry.tags(APP)
        assert caught.value.problem.code == "registry-down"
        assert server.count(TAGS) == 2


async def test_half_a_body_is_asked_for_again() -> None:
    async with raw_github() as server, client(server) as registry:
        server.on(TAGS, reply(body=b'{"tags": ["a"', length=900), reply(payload={"tags": ["a"]}))
        assert await registry.tags(APP) == ("a",)


async def test_bytes_that_are_no_http_are_a_registry_that_is_down() -> None:
    async with raw_github() as server, client(server, patience=HASTY) as registry:
        server.on(TAGS, Reply(b"SSH-2.0-OpenSSH_9.2\r\n"))
        with pytest.raises(errors.RegistryDown):
            await registry.tags(APP)


# Pages ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "link",
    [
        "<http://evil.example/v2/o/app/tags/list?last=a>; rel=next",
        "</v2/other/secret/tags/list>; rel=next",
        "<http://[::1>; rel=next",
        "</v2/o/app/tags/list/../../../../../token>; rel=next",
    ],
)
async def test_a_next_page_elsewhere_is_not_asked_for(link: str) -> None:
    async with raw_github() as server, client(server) as registry:
        server.on(TAGS, reply(payload={"tags": ["a"]}, headers={"Link": link}))
        with pytest.raises(errors.RegistryBadAnswer) as caught:
            await registry.tags(APP)
        assert caught.value.problem.code == "redirect-refused"
        assert len(server.asked) == 1


async def test_a_list_that_goes_in_circles_ends() -> None:
    async with raw_github() as server, client(server) as registry:
        server.on(TAGS, reply(payload={"tags": ["a"]}, headers={"Link": f'<{TAGS}?last=a>; rel="next"'}))
        with pytest.raises(errors.RegistryBadAnswer) as caught:
            await registry.tags(APP)
        assert "does not end" in caught.value.problem.detail
        assert len(server.asked) < 5


async def test_a_list_without_end_ends() -> None:
    async with raw_github() as server, client(server) as registry:

        def page(asked: Asked) -> Reply:
            number = len(server.asked)
            return reply(payload={"tags": []}, headers={"Link": f"<{TAGS}?last={number}>; rel=next"})

        server.on(TAGS, page)
        with pytest.raises(errors.RegistryBadAnswer):
            await registry.tags(APP)
        assert len(server.asked) == 200


# Redirects -----------------------------------------------------------------------------------------------------------


async def test_a_redirect_that_goes_in_circles_ends() -> None:
    async with raw_github() as server, client(server) as registry:
        server.on(TAGS, reply(302, headers={"Location": TAGS}))
        with pytest.raises(errors.RegistryBadAnswer) as caught:
            await registry.tags(APP)
        assert caught.value.problem.code == "redirect-refused"
        assert len(server.asked) == 5


@pytest.mark.parametrize(
    "place", ["http://evil.example/x", "ftp://127.0.0.1/x", "", "http://[::1", "http://u:p@127.0.0.1/"]
)
async def test_a_redirect_to_a_bad_place_is_not_followed(place: str) -> None:
    async with raw_github() as server, client(server) as registry:
        server.on(TAGS, reply(307, headers={"Location": place}))
        with pytest.raises(errors.RegistryBadAnswer) as caught:
            await registry.tags(APP)
        assert caught.value.problem.code == "redirect-refused"


async def test_a_token_does_not_follow_a_redirect_to_another_place() -> None:
    async with raw_github() as server, raw_github() as other, client(server, SIGNED) as registry:
        server.on("/token", reply(payload={"token": "t0ken"}))
        there = reply(307, headers={"Location": f"{other.url}/elsewhere"})
        server.on(TAGS, reply(401, headers={"WWW-Authenticate": f'Bearer realm="{server.url}/token"'}), there)
        other.on("/elsewhere", reply(payload={"tags": ["a"]}))
        assert await registry.tags(APP) == ("a",)
        assert "authorization" not in other.asked[0].headers
        assert server.asked[-1].headers["authorization"] == "Bearer t0ken"


# Tokens --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "realm",
    [
        "http://tokens.example/token",
        "https://tokens.example/token",
        "https://169.254.169.254/latest",
        "https://user:password@127.0.0.1/token",
        "file:///etc/passwd",
        "https://[::1",
        "//127.0.0.1/token",
        "",
    ],
)
@pytest.mark.parametrize("credential", [SIGNED, None], ids=["signed", "nobody"])
async def test_a_token_server_of_another_site_is_told_nothing(
    realm: str, credential: tuple[str, Secret] | None
) -> None:
    async with raw_github() as server, client(server, credential) as registry:
        server.on(TAGS, reply(401, headers={"WWW-Authenticate": f'Bearer realm="{realm}",service="x"'}))
        with pytest.raises(errors.RegistryBadAnswer) as caught:
            await registry.tags(APP)
        assert caught.value.problem.code == "realm-refused"
        assert all("authorization" not in asked.headers for asked in server.asked)


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("ghcr.io", "ghcr.io", True),
        ("registry-1.docker.io", "auth.docker.io", True),
        ("registry.gitlab.com", "gitlab.com", True),
        ("ghcr.io", "evil.io", False),
        ("ghcr.io", "ghcr.io.evil.example", False),
        ("ghcr.io", "notghcr.io", False),
        ("shop.co.uk", "evil.co.uk", False),
        ("registry.shop.co.uk", "auth.shop.co.uk", True),
        ("10.0.0.1", "10.0.0.2", False),
        ("localhost", "io", False),
    ],
)
def test_hosts_belong_together_by_their_registered_name(one: str, other: str, together: bool) -> None:
    assert same_site(one, other) is together
    assert same_site(other, one) is together


async def test_a_token_is_asked_for_reading_this_repository_only() -> None:
    async with raw_github() as server, client(server, SIGNED) as registry:
        scope = "repository:other/secret:pull,push"
        challenge = f'Bearer realm="{server.url}/token",service="a,b \\"c\\"",scope="{scope}"'
        server.on(TAGS, reply(401, headers={"WWW-Authenticate": challenge}), reply(payload={"tags": ["a"]}))
        server.on("/token", reply(payload={"access_token": "t0ken", "expires_in": 60}))
        assert await registry.tags(APP) == ("a",)
        asked = next(asked for asked in server.asked if asked.path == "/token")
        assert asked.query == {"scope": "repository:o/app:pull", "service": 'a,b "c"'}
        pair = base64.b64decode(asked.headers["authorization"].removeprefix("Basic ")).decode()
        assert pair == f"somebody:{PASSWORD}"


@pytest.mark.parametrize(
    "body",
    [b"{}", b"[]", b'{"token": 7}', b'{"token": "a\\r\\nX-Evil: 1"}', b'{"token": ""}', b"nothing", b"[" * 100_000],
)
async def test_a_token_that_is_none_is_a_bad_answer_without_its_content(body: bytes) -> None:
    async with raw_github() as server, client(server, SIGNED) as registry:
        server.on(TAGS, reply(401, headers={"WWW-Authenticate": f'Bearer realm="{server.url}/token"'}))
        server.on("/token", reply(body=body))
        with pytest.raises(errors.RegistryBadAnswer) as caught:
            await registry.tags(APP)
        assert caught.value.problem.code == "bad-answer"
        assert "Evil" not in caught.value.problem.detail


async def test_a_token_server_that_sends_elsewhere_is_refused() -> None:
    async with raw_github() as server, raw_github() as other, client(server, SIGNED) as registry:
        server.on(TAGS, reply(401, headers={"WWW-Authenticate": f'Bearer realm="{server.url}/token"'}))
        server.on("/token", reply(302, headers={"Location": f"{other.url}/token"}))
        with pytest.raises(errors.RegistryBadAnswer) as caught:
            await registry.tags(APP)
        assert caught.value.problem.code == "realm-refused"
        assert other.asked == []


async def test_a_registry_that_refuses_every_token_is_asked_twice_only() -> None:
    async with raw_github() as server, client(server, SIGNED) as registry:
        server.on("/token", reply(payload={"token": "t0ken"}))
        server.on(TAGS, reply(401, headers={"WWW-Authenticate": f'Bearer realm="{server.url}/token"'}))
        with pytest.raises(errors.RegistryRefused):
            await registry.tags(APP)
        assert (server.count(TAGS), server.count("/token")) == (2, 1)


@pytest.mark.parametrize("header", ["", "Negotiate", "Bearer", 'Digest realm="x"', ",,,", '"', "Bearer realm"])
async def test_a_challenge_that_cannot_be_answered_is_a_refusal(header: str) -> None:
    async with raw_github() as server, client(server, SIGNED) as registry:
        server.on(TAGS, reply(401, headers={"WWW-Authenticate": header}))
        with pytest.raises(errors.RegistryError) as caught:
            await registry.tags(APP)
        assert caught.value.problem.code in ("unauthorised", "realm-refused")
        assert all("authorization" not in asked.headers for asked in server.asked)


async def test_a_missing_scope_is_named() -> None:
    said = {"errors": [{"code": "DENIED", "message": "The token provided does not match expected scopes."}]}
    async with raw_github() as server, client(server, SIGNED) as registry:
        server.on(TAGS, reply(401, headers={"WWW-Authenticate": f'Bearer realm="{server.url}/token"'}))
        server.on("/token", reply(403, said))
        with pytest.raises(errors.Denied) as caught:
            await registry.tags(APP)
        assert "lacks the scope read:packages" in caught.value.problem.summary
        assert server.count("/token") == 2  # once as somebody, once as nobody


_VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=30)
_NAMES = st.from_regex(r"[a-z][a-z0-9_-]{0,12}", fullmatch=True)


@given(st.lists(st.tuples(_NAMES, st.dictionaries(_NAMES, _VALUES, min_size=1, max_size=4)), max_size=4))
def test_challenges_are_read_as_they_were_written(written: list[tuple[str, dict[str, str]]]) -> None:
    def quoted(text: str) -> str:
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'

    header = ", ".join(
        f"{scheme} " + ", ".join(f"{name}={quoted(value)}" for name, value in parameters.items())
        for scheme, parameters in written
    )
    assert [(one.scheme, dict(one.parameters)) for one in challenges(header)] == written


@given(st.text(max_size=200))
def test_no_challenge_makes_the_parser_fail(header: str) -> None:
    assert isinstance(challenges(header), list)


@given(st.binary(max_size=60), st.sampled_from([IMAGE, INDEX, "text/html", ""]))
def test_no_body_makes_the_reader_fail_otherwise_than_it_says(body: bytes, kind: str) -> None:
    for read in (lambda: payloads.manifest(body, kind), lambda: payloads.config(body)):
        with suppress(ValueError):
            read()


# Trouble that passes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_trouble_of_the_registry_that_passes_is_not_seen(status: int) -> None:
    async with raw_github() as server, client(server) as registry:
        server.on(TAGS, reply(status, body=b"<html>"), reply(status), reply(payload={"tags": ["a"]}))
        assert await registry.tags(APP) == ("a",)


async def test_trouble_that_stays_is_a_registry_that_is_down() -> None:
    async with raw_github() as server, client(server) as registry:
        server.on(TAGS, reply(503, body=b"<html>\x1b[31m"))
        with pytest.raises(errors.RegistryDown) as caught:
            await registry.tags(APP)
        assert caught.value.problem.code == "registry-down"
        assert "HTTP 503" in caught.value.problem.summary
        assert server.count(TAGS) == 4


MICROSECONDS = {"errors": [{"code": "TOOMANYREQUESTS", "message": "retry-after: 190.793µs, allowed: 44000/minute"}]}


@pytest.mark.parametrize(
    ("headers", "payload"),
    [
        ({}, MICROSECONDS),
        ({"Retry-After": "0"}, None),
        ({"Retry-After": "0.0002"}, None),
        ({"Retry-After": "12ms"}, None),
    ],
)
async def test_a_limit_that_passes_at_once_is_waited_for(headers: dict[str, str], payload: Any) -> None:
    async with raw_github() as server, client(server) as registry:
        server.on(TAGS, reply(429, payload, headers=headers), reply(payload={"tags": ["a"]}))
        assert await registry.tags(APP) == ("a",)
        assert server.count(TAGS) == 2


@pytest.mark.parametrize("value", ["3600", "Wed, 25 Nov 2099 00:00:00 GMT"])
async def test_a_long_limit_is_said_and_not_waited_for(value: str) -> None:
    async with raw_github() as server, client(server) as registry:
        server.on(TAGS, reply(429, headers={"Retry-After": value}))
        with pytest.raises(errors.RegistryLimited) as caught:
            await registry.tags(APP)
        assert caught.value.problem.code == "rate-limited"
        assert caught.value.wait >= 3600
        assert server.count(TAGS) == 1


async def test_a_registry_that_is_down_comes_back_by_itself() -> None:
    demo = DemoRegistry()
    demo.content.repositories["o/app"] = images().stored()
    await demo.start()
    async with client(demo, patience=HASTY) as registry:
        before = await registry.tags(APP)
        await demo.stop()
        with pytest.raises(errors.RegistryDown) as caught:
            await registry.tags(APP)
        assert "refused the connection" in caught.value.problem.summary
        await demo.start()
        try:
            assert await registry.tags(APP) == before
        finally:
            await demo.stop()


async def test_nothing_is_asked_in_the_clear() -> None:
    registry = Registry("http://registry.example", SIGNED)
    with pytest.raises(errors.RegistryDown) as caught:
        await registry.tags(APP)
    assert caught.value.problem.code == "insecure"
    await registry.close()


async def test_a_closed_client_says_so() -> None:
    async with raw_github() as server, client(server) as registry:
        await registry.close()
        with pytest.raises(errors.RegistryDown) as caught:
            await registry.tags(APP)
        assert caught.value.problem.code == "closed"


async def test_what_refers_to_something_else_is_no_referrer() -> None:
    async with raw_github() as server, client(server) as registry:
        subject = serve(server, json.dumps(valid()).encode())
        other = {"mediaType": IMAGE, "digest": digest_of(b"other"), "size": 5}
        liar = serve(server, json.dumps(valid(subject=other, artifactType="application/x.lie")).encode(), tag="liar")
        listing = {
            "schemaVersion": 2,
            "mediaType": INDEX,
            "manifests": [{"mediaType": IMAGE, "digest": liar, "size": 9}],
        }
        serve(server, json.dumps(listing).encode(), INDEX, subject.replace(":", "-"))
        assert await registry.referrers(APP, subject) == ()


async def test_no_more_than_eight_questions_are_asked_at_once() -> None:
    going, most = 0, 0

    async with raw_github() as server, client(server) as registry:
        released = asyncio.Event()
        serving = server._talk

        async def slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal going, most
            going += 1
            most = max(most, going)
            if going == 8:
                released.set()
            await released.wait()
            await serving(reader, writer)
            going -= 1

        server._talk = slowly  # type: ignore[method-assign]
        for number in range(20):
            server.on(f"{MANIFESTS}/t{number}", reply(kind=IMAGE, headers={"Docker-Content-Digest": digest_of(b"")}))
        await asyncio.gather(*(registry.digest(APP, f"t{number}") for number in range(20)))
    assert most == 8
