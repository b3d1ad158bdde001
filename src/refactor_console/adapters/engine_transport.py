"""The docker SDK over one local Unix socket, without what a desktop client brings along.

Imported in a worker thread only (the SDK takes about 0.1 s to import). Differences from ``docker.APIClient()``:

- ``~/.docker/config.json`` is not read: it holds registry credentials and proxies that are none of our business;
- nothing from the environment (``HTTP_PROXY``, ``.netrc``) touches a request;
- one connection pool, whatever the URL (the SDK's adapter keeps a pool for each URL, so that idle connections add up);
- every socket is known, so that a blocked read can be ended at once from another thread;
- in read-only mode the transport itself refuses everything but GET and HEAD.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import requests
import urllib3
from docker import APIClient
from docker.errors import DockerException
from docker.transport import UnixHTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

from refactor_console.adapters import engine_errors
from refactor_console.domain.text import whole_number

BASE_URL = "http+docker://localhost"
_POOL_SIZE = 8
_READ_SIZE = 64 * 1024
_TIMEOUT_SAID = 20.0


class Sockets:
    """The open sockets of one adapter."""

    def __init__(self) -> None:
        # Weak: a response that is read until the connection closes outlives its connection object, and only it knows
        # when its socket is done with.
        self._open: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._aborted = False

    def add(self, sock: socket.socket) -> None:
        """Remember a socket; one that opens after `abort` is ended at once."""
        with self._lock:
            self._open.add(sock)
            aborted = self._aborted
        if aborted:
            _shut(sock)

    def abort(self) -> None:
        """End every blocked read and write now, and of every socket that opens later; the owners close them."""
        with self._lock:
            self._aborted = True
            open_now = list(self._open)
        for sock in open_now:
            _shut(sock)


def _shut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):  # closed or not connected any more: just what was wanted
        sock.shutdown(socket.SHUT_RDWR)


class _Connection(HTTPConnection):
    """A connection to a Unix socket that tells `Sockets` what it opens."""

    def __init__(self, path: str, sockets: Sockets) -> None:
        super().__init__("localhost")
        self._path = path
        self._sockets = sockets

    def connect(self) -> None:
        """Open the socket; closed again when nobody answers."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.settimeout(self.timeout)
            sock.connect(self._path)
        except OSError:
            sock.close()
            raise
        self.sock = sock
        self._sockets.add(sock)


class _Pool(HTTPConnectionPool):
    """Connections to one socket path."""

    def __init__(self, path: str, size: int, sockets: Sockets) -> None:
        super().__init__("localhost", maxsize=size)
        self._path = path
        self._sockets = sockets

    def _new_conn(self) -> _Connection:
        return _Connection(self._path, self._sockets)


class Adapter(UnixHTTPAdapter):
    """Sends requests over one socket path; streams each make one for themselves."""

    def __init__(self, path: str, *, read_only: bool, pool_size: int = _POOL_SIZE) -> None:
        super().__init__(f"http+unix://{path}")
        self.sockets = Sockets()
        self.read_only = read_only
        self._pool = _Pool(path, pool_size, self.sockets)

    def get_connection(  # type: ignore[override] # the base's pool class would open connections that we cannot end
        self,
        url: str | bytes,  # noqa: ARG002 - the SDK's signature
        proxies: object = None,  # noqa: ARG002
    ) -> _Pool:
        """The one pool."""
        return self._pool

    def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Send a prepared request; in read-only mode, only one that cannot change anything."""
        if self.read_only and request.method not in ("GET", "HEAD"):
            raise engine_errors.read_only(f"send {request.method} {request.path_url}")
        return super().send(request, *args, **kwargs)

    def close(self) -> None:
        """Close idle connections."""
        self._pool.close()
        super().close()


class Client(APIClient):
    """The SDK's client with our adapter; its own constructor would read the user's Docker configuration."""

    def __init__(self, adapter: Adapter, version: str, timeout: int) -> None:
        requests.Session.__init__(self)
        self.trust_env = False
        self.base_url = BASE_URL
        self.timeout = timeout
        self._version = version
        self._general_configs: dict[str, object] = {}
        self._custom_adapter = adapter
        self._socket_path = adapter.socket_path
        self._read_only = adapter.read_only
        self.adapters.clear()
        self.mount("http+docker://", adapter)

    def checked(self, path: str) -> Any:
        """``GET`` a path of the API that the SDK has no method for, or whose method loses something.

        Raises:
            requests.HTTPError: the status is not a good one.
        """
        response = self.get(f"{self.base_url}/v{self._version}{path}", timeout=self.timeout)
        response.raise_for_status()
        return response

    def answer(self, what: str, path: str, params: dict[str, str]) -> StreamedAnswer:
        """An endless answer, not yet asked for."""
        request = requests.Request("GET", f"{self.base_url}/v{self._version}{path}", params=params)
        adapter = Adapter(self._socket_path, read_only=self._read_only, pool_size=1)
        return StreamedAnswer(what, self.prepare_request(request), adapter)

    def translating(self, what: str, *, mutates: bool = False) -> contextlib.AbstractContextManager[None]:
        """Leave the block with nothing but `EngineError`."""
        return translating(what, self._socket_path, mutates=mutates)


class StreamedAnswer:
    """An endless answer over a connection of its own (`engine_streams.Answer`)."""

    def __init__(self, what: str, request: Any, adapter: Adapter) -> None:
        self._what = what
        self._request = request
        self._adapter = adapter
        self._response: Any = None

    def open(self) -> None:
        """Send the request and wait for the status line."""
        with translating(self._what, self._adapter.socket_path):
            response = self._response = self._adapter.send(self._request, stream=True, timeout=None)
            if response.status_code != http.client.OK:
                raise engine_errors.refused(self._what, response.status_code, _words(response))

    def chunks(self) -> Iterator[bytes]:
        """Pieces of the body as they arrive."""
        raw = self._response.raw
        try:
            with translating(self._what, self._adapter.socket_path, begun=True):
                if raw.chunked:
                    yield from raw.stream(_READ_SIZE, decode_content=False)
                while not raw.chunked and (piece := raw.read1(_READ_SIZE, decode_content=False)):
                    yield piece
        finally:
            self.close()

    def abort(self) -> None:
        """End the reading thread's wait."""
        self._adapter.sockets.abort()

    def close(self) -> None:
        """Give the connection back."""
        if self._response is not None:
            self._response.close()
        self._adapter.close()


def open_client(adapter: Adapter, what: str, versions: tuple[str, str], timeout: int) -> Client:
    """A client that speaks the newest version which both sides know.

    Raises:
        EngineError: the Engine does not answer, or knows only versions older than ``versions[0]``.
    """
    oldest, newest = versions
    try:
        with translating(what, adapter.socket_path):
            told = Client(adapter, oldest, timeout).version(api_version=False)
            theirs, at_least = str(told.get("ApiVersion") or "0"), str(told.get("MinAPIVersion") or "0")
        if _numbers(theirs) < _numbers(oldest):
            raise engine_errors.too_old(theirs, oldest)
    except engine_errors.EngineError:
        adapter.close()
        raise
    spoken = max(min(theirs, newest, key=_numbers), at_least, key=_numbers)
    return Client(adapter, spoken, timeout)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(whole_number(part) or 0 for part in version.split("."))


def _words(response: Any) -> str:
    """The ``message`` of an error answer, or its text."""
    try:
        return str(response.json()["message"])
    except (ValueError, KeyError, TypeError):
        return str(response.text)


@contextlib.contextmanager
def translating(what: str, path: str, *, begun: bool = False, mutates: bool = False) -> Iterator[None]:
    """Turn what requests, urllib3 and the SDK raise into `EngineError`.

    Args:
        what: what is tried, for the sentence.
        path: the socket.
        begun: whether the answer had begun, so that a broken connection is a cut and not a refusal.
        mutates: whether the request may have changed something although its answer was lost.
    """
    try:
        yield
    except requests.HTTPError as error:
        response = error.response
        words = getattr(error, "explanation", None) or (_words(response) if response is not None else str(error))
        raise engine_errors.refused(what, 0 if response is None else response.status_code, str(words)) from error
    except requests.JSONDecodeError as error:
        raise engine_errors.malformed(what, str(error)) from error
    except (requests.Timeout, urllib3.exceptions.TimeoutError) as error:
        raise engine_errors.timed_out(what, _TIMEOUT_SAID) from error
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, http.client.HTTPException) as error:
        root = _root(error)
        if isinstance(root, http.client.BadStatusLine) and not isinstance(root, http.client.RemoteDisconnected):
            raise engine_errors.malformed(what, repr(root)) from error
        connected = not isinstance(root, (FileNotFoundError, PermissionError, ConnectionRefusedError))
        if begun or (mutates and connected):
            raise engine_errors.cut(what, repr(root)) from error
        raise engine_errors.unreachable(path, what, root) from error
    except (DockerException, ValueError, AttributeError, TypeError) as error:
        # The SDK indexes into answers as if they always had the shape it expects.
        raise engine_errors.malformed(what, repr(error)) from error


def _root(error: BaseException) -> BaseException:
    """The first cause in a chain of wrappers; urllib3 and requests keep it among the arguments."""
    seen: set[int] = set()
    while id(error) not in seen:
        seen.add(id(error))
        inner = error.__cause__ or error.__context__
        wrapped = next((a for a in error.args if isinstance(a, BaseException)), None)
        error = wrapped or inner or error
    return error
