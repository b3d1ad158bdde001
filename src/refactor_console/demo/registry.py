"""The demo's image registry: the reading half of the OCI distribution protocol, with the ways of GHCR.

Those are: every request wants a token, which anybody gets for what is public; an index is not there for those who do
not accept its type; there is no referrers endpoint, but a fallback tag; blobs are kept on another server, which wants
no token; tags come page by page and in no order of time.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
import secrets
import time
from collections import deque
from dataclasses import dataclass, replace
from urllib.parse import quote

from refactor_console.demo.engine_http import Request, Response, answer
from refactor_console.demo.github_http import TcpHttpServer
from refactor_console.demo.registry_content import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    RegistryContent,
    StoredManifest,
    StoredRepository,
    content,
    manifest,
    sha256,
)
from refactor_console.demo.registry_faults import Faults

TOKEN = "demo-token"  # noqa: S105 - the demo's own; GitHub's demo accepts it too
NO_SCOPE = "demo-no-scopes"
"""A token of somebody, but without ``read:packages``."""
BLOBS = "/_blobs/"
"""Where blobs are: on GHCR that is another host."""
LIFETIME = 300
"""Seconds that a registry token is good for."""
_PAGE = 100
_MOST_TOKENS = 1_000
_KNOWN = (OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST)
_API = {"Docker-Distribution-Api-Version": "registry/2.0"}
_ROUTE = re.compile(r"/v2/(?P<path>.+)/(?P<kind>manifests|blobs|referrers)/(?P<what>[^/]+)")
_TAGS = re.compile(r"/v2/(?P<path>.+)/tags/list")
_SCOPE = re.compile(r"repository:(?P<path>[^:]+):pull(,push)?")


@dataclass(frozen=True, slots=True)
class _Grant:
    path: str
    until: float
    """``time.monotonic``."""


def refused(status: int, code: str, message: str) -> Response:
    """An error in the form of the distribution specification."""
    return replace(answer({"errors": [{"code": code, "message": message}]}, status), headers=dict(_API))


def _unknown() -> Response:
    return refused(404, "MANIFEST_UNKNOWN", "manifest unknown")


class DemoRegistry:
    """A read-only registry over the story's content; what tests change is this registry's own copy."""

    def __init__(self, held: RegistryContent | None = None, http: TcpHttpServer | None = None) -> None:
        """With an address of its own unless `http` is given, whose requests somebody else brings to `handle`."""
        self.content = (held or content()).copied()
        self.faults = Faults()
        self.http = http or TcpHttpServer(self.handle, {})
        self.private: set[str] = set()
        """Paths that only `TOKEN` may read."""
        self.serves_referrers = False
        """GHCR does not; other registries do."""
        self.requests: deque[Request] = deque(maxlen=10_000)
        """The latest."""
        self._grants: dict[str, _Grant] = {}

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT``, without a trailing slash."""
        return self.http.url

    async def start(self) -> int:
        """Listen; the port."""
        await self.http.start()
        return self.http.port

    async def stop(self) -> None:
        """Refuse connections, until it is started again at the same address."""
        await self.http.stop()

    # What tests and the control change ---------------------------------------------------------------------------

    def stored(self, path: str) -> StoredRepository:
        """One repository.

        Raises:
            KeyError: there is none.
        """
        return self.content.repositories[path]

    def move(self, path: str, tag: str, digest: str) -> None:
        """Let a tag point to another digest."""
        self.stored(path).tags[tag] = self.stored(path).manifests[digest].digest

    def delete(self, path: str, reference: str) -> str:
        """Delete a manifest by tag or digest with all its tags; the digest it had."""
        stored = self.stored(path)
        digest = stored.tags.get(reference, reference)
        del stored.manifests[digest]
        stored.tags = {tag: pointed for tag, pointed in stored.tags.items() if pointed != digest}
        return digest

    def put(self, path: str, tag: str, media_type: str, body: dict[str, object]) -> str:
        """Push a manifest of any type under a tag; its digest."""
        made = manifest(media_type, body)
        stored = self.content.repositories.setdefault(path, StoredRepository())
        stored.manifests[made.digest] = made
        stored.tags[tag] = made.digest
        return made.digest

    def crowd(self, path: str, count: int) -> None:
        """So many more tags, which point to what is there already."""
        stored = self.stored(path)
        digests = sorted(stored.manifests)
        for number in range(count):
            stored.tags[sha256(f"{path} {number}".encode())[7:47]] = digests[number % len(digests)]

    def expire_tokens(self) -> None:
        """No token given out so far is good any more."""
        self._grants.clear()

    # Answers -----------------------------------------------------------------------------------------------------

    async def handle(self, request: Request) -> Response:
        """Answer one request."""
        self.requests.append(request)
        delay, instead, spoil = self.faults.strike(request.path)
        if delay:
            await asyncio.sleep(delay)
        if instead is not None:
            return instead
        response = self._answer(request)
        return spoil(response) if spoil is not None and response.status == 200 else response

    def _answer(self, request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            return refused(405, "UNSUPPORTED", "the operation is unsupported")
        if request.path.startswith(BLOBS):
            return self._kept_elsewhere(request)
        if request.path == "/token":
            return self._token(request)
        if request.path.rstrip("/") == "/v2":
            return self._challenge("user/image") if not self._granted(request, None) else answer({})
        tags, route = _TAGS.fullmatch(request.path), _ROUTE.fullmatch(request.path)
        found = tags or route
        if found is None:
            return refused(404, "UNSUPPORTED", "404 page not found")
        path = found["path"]
        if not self._granted(request, path):
            return self._challenge(path)
        stored = self.content.repositories.get(path)
        if stored is None:
            return refused(404, "NAME_UNKNOWN", "repository name not known to registry")
        if route is None:
            return _page_of_tags(request, path, stored)
        match route["kind"]:
            case "manifests":
                return _manifest(request, stored, route["what"])
            case "blobs":
                return self._blob(stored, path, route["what"])
            case _:
                return _referrers(stored, route["what"]) if self.serves_referrers else _unknown()

    def _challenge(self, path: str) -> Response:
        told = f'realm="{self.url}/token",service="ghcr.io",scope="repository:{path}:pull"'
        response = refused(401, "UNAUTHORIZED", "authentication required")
        return replace(response, headers=_API | {"WWW-Authenticate": f"Bearer {told}"})

    def _granted(self, request: Request, path: str | None) -> bool:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        grant = self._grants.get(token) if kind.lower() == "bearer" else None
        if grant is None or grant.until < time.monotonic():
            return False
        # A token of nobody in particular opens all that is public, as GHCR's does.
        return path is None or grant.path == path or path not in self.private

    def _token(self, request: Request) -> Response:
        scope = _SCOPE.fullmatch(request.query.get("scope", ""))
        if scope is None:
            return refused(400, "UNSUPPORTED", "scope is missing or malformed")
        denied = refused(403, "DENIED", "requested access to the resource is denied")
        password = _password(request)
        if password is None:
            if scope["path"] in self.private or scope["path"] not in self.content.repositories:
                return replace(denied, status=401)
        elif password == NO_SCOPE:
            return refused(403, "DENIED", "permission_denied: The token provided does not match expected scopes.")
        elif password != TOKEN:
            return denied
        token = secrets.token_urlsafe(24)
        self._grants[token] = _Grant(scope["path"], time.monotonic() + LIFETIME)
        while len(self._grants) > _MOST_TOKENS:
            del self._grants[next(iter(self._grants))]
        return answer({"token": token, "expires_in": LIFETIME})

    def _blob(self, stored: StoredRepository, path: str, digest: str) -> Response:
        if digest not in stored.blobs:
            return refused(404, "BLOB_UNKNOWN", "blob unknown to registry")
        there = f"{self.url}{BLOBS}{quote(path, safe='')}/{digest}?sig=demo"
        return Response(307, b"", "application/octet-stream", headers=_API | {"Location": there})

    def _kept_elsewhere(self, request: Request) -> Response:
        if "authorization" in request.headers:
            return Response(400, b"<Error><Code>InvalidAuthenticationInfo</Code></Error>", "application/xml")
        path, _, digest = request.path.removeprefix(BLOBS).rpartition("/")
        stored = self.content.repositories.get(path)
        if stored is None or digest not in stored.blobs or request.query.get("sig") != "demo":
            return Response(404, b"<Error><Code>BlobNotFound</Code></Error>", "application/xml")
        return Response(200, stored.blobs[digest], "application/octet-stream")


def _manifest(request: Request, stored: StoredRepository, reference: str) -> Response:
    found = stored.manifests.get(stored.tags.get(reference, reference))
    if found is None:
        return _unknown()
    accepted = {word.partition(";")[0].strip() for word in request.headers.get("accept", "*/*").split(",")}
    if found.media_type in _KNOWN and "*/*" not in accepted and found.media_type not in accepted:
        kind = "index" if found.media_type in (OCI_INDEX, DOCKER_LIST) else "manifest"
        message = f"OCI {kind} found, but Accept header does not support OCI {kind}es"
        return refused(404, "MANIFEST_UNKNOWN", message)
    headers = _API | {"Docker-Content-Digest": found.digest, "ETag": f'"{found.digest}"'}
    if found.digest in request.headers.get("if-none-match", ""):
        return Response(304, headers=headers)
    return Response(200, found.body, found.media_type, headers=headers)


def _page_of_tags(request: Request, path: str, stored: StoredRepository) -> Response:
    try:
        size = int(request.query.get("n", _PAGE))
    except ValueError:
        size = -1
    if size < 0:
        return refused(400, "PAGINATION_NUMBER_INVALID", "invalid number of results requested")
    last = request.query.get("last", "")
    later = [tag for tag in sorted(stored.tags) if tag > last]
    chosen = later[: min(size, 1_000)]
    response = replace(answer({"name": path, "tags": chosen}), headers=dict(_API))
    if chosen and len(later) > len(chosen):
        there = f"/v2/{path}/tags/list?last={quote(chosen[-1])}&n={size}"
        response.headers["Link"] = f'<{there}>; rel="next"'
    return response


def _referrers(stored: StoredRepository, digest: str) -> Response:
    fallback = stored.manifests.get(stored.tags.get(digest.replace(":", "-"), ""))
    empty = manifest(OCI_INDEX, {"manifests": []})
    found: StoredManifest = fallback or empty
    return Response(200, found.body, OCI_INDEX, headers=dict(_API))


def _password(request: Request) -> str | None:
    """The password of basic authentication; None when there is none."""
    kind, _, encoded = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""
