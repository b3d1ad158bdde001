"""A real registry server (Debian's ``docker-registry``: CNCF Distribution 2.8) on this machine, in three flavours."""

from __future__ import annotations

import base64
import json
import secrets
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from tests.registry_images import Images

USER, PASSWORD = "demo", "secret"
_HTPASSWD = "demo:$2y$04$TPdr6uur5KlKRvC3U6GrKOca8D04DFkqShYynY87piizJ6/A3qyN6\n"
"""bcrypt of `PASSWORD`, of the lowest cost: ``htpasswd -nbBC 4 demo secret``."""
OPEN, CLOSED = "group/app", "closed/app"
"""Paths: of `CLOSED` the token server tells nobody who has not signed in."""
_ISSUER = "tests"


@dataclass(frozen=True)
class RealRegistry:
    """A running server."""

    url: str
    flavour: str
    tokens: TokenServer | None

    def headers(self, path: str) -> dict[str, str]:
        """What pushing and deleting need."""
        if self.flavour == "basic":
            return {"Authorization": f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"}
        if self.tokens is not None:
            return {"Authorization": f"Bearer {self.tokens.token(path, ['pull', 'push', 'delete'])}"}
        return {}

    def push(self, path: str, images: Images) -> None:
        """Push everything, as any client does."""
        with httpx.Client(base_url=self.url, headers=self.headers(path), trust_env=False) as client:
            for digest, raw in images.blobs.items():
                place = _took(client.post(f"/v2/{path}/blobs/uploads/")).headers["location"]
                _took(client.put(httpx.URL(place).copy_merge_params({"digest": digest}), content=raw))
            names = {made.digest: [made.digest] for made in images.manifests}
            for tag, made in images.tags.items():
                names[made.digest].append(tag)
            for made in images.manifests:
                for name in names[made.digest]:
                    kind = {"Content-Type": made.media_type}
                    _took(client.put(f"/v2/{path}/manifests/{name}", content=made.body, headers=kind))

    def delete(self, path: str, digest: str) -> None:
        """Delete a manifest."""
        with httpx.Client(base_url=self.url, headers=self.headers(path), trust_env=False) as client:
            _took(client.delete(f"/v2/{path}/manifests/{digest}"))


@contextmanager
def real_registry(program: str, directory: Path, flavour: str) -> Iterator[RealRegistry]:
    """Run one: ``open`` to all, with ``basic`` authentication, or with a ``token`` server."""
    directory.mkdir(parents=True, exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    tokens = TokenServer(f"127.0.0.1:{port}") if flavour == "token" else None
    (directory / "registry.json").write_text(json.dumps(_settings(directory, port, flavour, tokens)))  # YAML, too
    log = (directory / "log").open("wb")
    process = subprocess.Popen([program, "serve", str(directory / "registry.json")], stdout=log, stderr=log)
    try:
        _wait(process, port, directory / "log")
        yield RealRegistry(f"http://127.0.0.1:{port}", flavour, tokens)
    finally:
        process.terminate()
        process.wait(10)
        log.close()
        if tokens is not None:
            tokens.stop()


def _settings(directory: Path, port: int, flavour: str, tokens: TokenServer | None) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "version": 0.1,
        "log": {"level": "warn"},
        "storage": {"filesystem": {"rootdirectory": str(directory / "data")}, "delete": {"enabled": True}},
        "http": {"addr": f"127.0.0.1:{port}", "secret": secrets.token_hex(8)},
    }
    if flavour == "basic":
        (directory / "htpasswd").write_text(_HTPASSWD)
        settings["auth"] = {"htpasswd": {"realm": "the tests' registry", "path": str(directory / "htpasswd")}}
    if tokens is not None:
        (directory / "tokens.pem").write_bytes(tokens.certificate)
        settings["auth"] = {
            "token": {
                "realm": tokens.url,
                "service": tokens.service,
                "issuer": _ISSUER,
                "rootcertbundle": str(directory / "tokens.pem"),
            }
        }
    return settings


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            over = process.poll() is not None or time.monotonic() > deadline
            assert not over, f"docker-registry does not serve:\n{log.read_text()}"
            time.sleep(0.02)
        else:
            return


def _took(response: httpx.Response) -> httpx.Response:
    assert response.is_success, f"{response.request.method} {response.request.url}: {response.text}"
    return response


class TokenServer:
    """Gives out JSON Web Tokens (RS256) as the registry wants them, in a thread."""

    def __init__(self, service: str) -> None:
        self.service = service
        self.asked: list[str] = []
        """Whether with a credential, and the scope, of each request."""
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        made = self._certify()
        self.certificate = made.public_bytes(serialization.Encoding.PEM)
        # The registry believes the chain that a token brings along, not its key's number.
        self._chain = [base64.b64encode(made.public_bytes(serialization.Encoding.DER)).decode()]
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, said = server.answer(self.path, self.headers.get("authorization", ""))
                body = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name for it
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """The realm."""
        return f"http://127.0.0.1:{self._server.server_port}/token"

    def stop(self) -> None:
        """Give out no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, target: str, authorization: str) -> tuple[int, dict[str, Any]]:
        """Anybody may read the open repository; those who sign in may read all."""
        query = {name: values[-1] for name, values in parse_qs(urlsplit(target).query).items()}
        scope = query.get("scope", "")
        self.asked.append(f"{'signed' if authorization else 'nobody'} {scope}")
        signed = authorization == f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"
        if (authorization and not signed) or query.get("service") != self.service:
            return 401, {"errors": [{"code": "UNAUTHORIZED", "message": "invalid credential"}]}
        path = scope.partition(":")[2].rpartition(":")[0]
        allowed = ["pull"] if signed or path == OPEN else []
        return 200, {"token": self.token(path, allowed), "expires_in": 300}

    def token(self, path: str, actions: list[str]) -> str:
        """One that allows this."""
        now = int(time.time())
        claims = {
            "iss": _ISSUER,
            "sub": USER,
            "aud": self.service,
            "exp": now + 300,
            "nbf": now - 10,
            "iat": now,
            "jti": secrets.token_hex(8),
            "access": [{"type": "repository", "name": path, "actions": actions}] if actions else [],
        }
        head = {"typ": "JWT", "alg": "RS256", "x5c": self._chain}
        signed = b".".join(_part(json.dumps(part).encode()) for part in (head, claims))
        signature = self._key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
        return b".".join((signed, _part(signature))).decode()

    def _certify(self) -> x509.Certificate:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tokens of the tests")])
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
            .sign(self._key, hashes.SHA256())
        )


def _part(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")
