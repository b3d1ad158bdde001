"""What can go wrong with GitHub's REST API, as sentences.

Exception tree::

    GitHubError
    ├── GitHubUnreachable    no whole answer came; codes name-unknown, refused, unreachable, proxy, tls, timeout,
    │                        cut, insecure, closed
    ├── GitHubMalformed      an answer that is not what the API promises; codes malformed, not-json, schema-drift,
    │                        too-large, redirect-refused, tree-cut
    ├── GitHubReadOnly       a mutation was asked for in read-only mode; nothing was sent (read-only)
    ├── OutcomeUnknown       a mutation was sent, and whether it happened is not known (outcome-unknown)
    ├── SignInFailed         the device flow came to nothing; codes no-client-id, device-expired, device-denied,
    │                        device-refused
    ├── RateLimited          GitHub told us to wait, and until when (rate-limited)
    └── GitHubSaid           GitHub refused, in its own words; made by `github_refusals`
        ├── TokenRefused     401: token-missing, token-refused
        ├── NotPermitted     403: not-permitted, sso-required
        ├── NotFound         404: not-found; log-not-yet
        ├── Gone             410: gone; log-gone
        ├── Conflict         409: conflict
        ├── Invalid          422: invalid
        └── ServerFault      5xx: server-error
"""

from __future__ import annotations

import errno
import re
import socket
import ssl
from collections.abc import Iterator
from datetime import datetime

import httpx

from refactor_console.domain.problem import ConsoleError, Problem

_DETAIL = 500
STATUS_PAGE = "https://www.githubstatus.com"


class GitHubError(ConsoleError):
    """Base of everything that goes wrong between the console and GitHub."""


class GitHubUnreachable(GitHubError):
    """No whole answer came."""


class GitHubMalformed(GitHubError):
    """An answer that is not what the API promises."""


class GitHubReadOnly(GitHubError):
    """A mutation was asked for in read-only mode; nothing was sent."""


class OutcomeUnknown(GitHubError):
    """A mutation was sent, and whether it happened is not known."""


class SignInFailed(GitHubError):
    """The device flow came to nothing."""


class RateLimited(GitHubError):
    """GitHub told us to wait."""

    def __init__(self, problem: Problem, until: datetime) -> None:
        super().__init__(problem)
        self.until = until
        """By GitHub's clock."""


class GitHubSaid(GitHubError):
    """GitHub refused a request, in its own words."""

    def __init__(self, problem: Problem, status: int, words: str = "") -> None:
        super().__init__(problem)
        self.status = status
        self.words = words
        """The answer's ``message``; what came from outside and is never drawn as it is."""


class TokenRefused(GitHubSaid):
    """401: no token, or one that GitHub does not accept."""


class NotPermitted(GitHubSaid):
    """403: the token or its owner may not."""


class NotFound(GitHubSaid):
    """404: it does not exist, or the token may not know that it does."""


class Gone(GitHubSaid):
    """410: it existed."""


class Conflict(GitHubSaid):
    """409: the state of things does not allow it."""


class Invalid(GitHubSaid):
    """422: GitHub understood the request and will not take its content."""


class ServerFault(GitHubSaid):
    """5xx: GitHub itself has trouble."""


def read_only(what: str) -> GitHubReadOnly:
    """The refusal of a mutation in read-only mode."""
    return GitHubReadOnly(
        Problem(
            f"Read-only mode: the request about {what} was not sent to GitHub.",
            "Leave read-only mode (start without --read-only) if you mean it.",
            code="read-only",
        )
    )


def rate_limited(where: str, until: datetime, reason: str) -> RateLimited:
    """GitHub told us to wait; `reason` is the second half of the sentence."""
    return RateLimited(
        Problem(
            f"{where} is not asked until {until:%H:%M:%S} UTC: {reason}.",
            "The console asks again by itself then; until then what it shows is what it saw last.",
            code="rate-limited",
        ),
        until,
    )


def malformed(what: str, detail: str) -> GitHubMalformed:
    """An answer that is no JSON, or JSON of another kind than promised."""
    return GitHubMalformed(
        Problem(
            f"GitHub's answer about {what} could not be understood: it is damaged or incomplete.",
            "The console asks again by itself. If it stays so, look whether a proxy in between changes answers.",
            detail[:_DETAIL],
            code="malformed",
        )
    )


def schema_drift(what: str, detail: str) -> GitHubMalformed:
    """JSON without something that the console cannot do without."""
    return GitHubMalformed(
        Problem(
            f"GitHub's answer about {what} lacks something the console needs: the API may have changed.",
            "Look for a newer version of refactor-console, or report this with the detail.",
            detail[:_DETAIL],
            code="schema-drift",
        )
    )


def not_json(what: str, status: int, kind: str, body: bytes) -> GitHubMalformed:
    """A web page where JSON should be: a captive portal, a proxy, a wrong address."""
    title = re.search(rb"<title[^>]*>([^<]{1,120})", body[:20_000], re.IGNORECASE)
    words = title[1].decode("utf-8", "replace").strip() if title else ""
    return GitHubMalformed(
        Problem(
            f"Something between here and GitHub answered for it when asked about {what}: a web page came, not data.",
            "Log in to the network's portal, or look at the proxy settings and at the configured api_url.",
            f"HTTP {status}, {kind or 'no content type'}" + (f", titled '{words}'" if words else ""),
            code="not-json",
        )
    )


def too_large(what: str, limit: int) -> GitHubMalformed:
    """A body above the bound; the rest was not read."""
    return GitHubMalformed(
        Problem(
            f"GitHub's answer about {what} is larger than {limit // (1024 * 1024) or 1} MiB and was not read.",
            "Look at it in the browser.",
            code="too-large",
        )
    )


def redirect_refused(what: str, host: str, why: str) -> GitHubMalformed:
    """A redirect that is not followed."""
    return GitHubMalformed(
        Problem(
            f"The request about {what} was sent on to {host or 'nowhere'}, which is not followed: {why}.",
            "Look at the configured api_url, and whether the repository was renamed or moved.",
            code="redirect-refused",
        )
    )


def insecure(url: str) -> GitHubUnreachable:
    """A base URL whose answers and token would travel in the clear."""
    return GitHubUnreachable(
        Problem(
            f"GitHub at {url} is not asked: the token would travel unencrypted.",
            "Use an https address as api_url.",
            code="insecure",
        )
    )


def closed(where: str) -> GitHubUnreachable:
    """This client was closed: another one, with another token, has taken its place, or the console ends."""
    return GitHubUnreachable(
        Problem(
            f"The connection to {where} was closed by the console itself.",
            "The console asks again by itself if it goes on.",
            code="closed",
        )
    )


def outcome_unknown(what: str, detail: str) -> OutcomeUnknown:
    """A mutation was sent and no clear answer came; it is never sent again by itself."""
    return OutcomeUnknown(
        Problem(
            f"Whether GitHub did it is not known: the request about {what} was sent, and no clear answer came.",
            "Look at the state on GitHub before you try again; the console did not repeat it.",
            detail[:_DETAIL],
            code="outcome-unknown",
        )
    )


def timed_out(what: str, where: str, seconds: float, detail: str = "") -> GitHubUnreachable:
    """No whole answer in time."""
    return GitHubUnreachable(
        Problem(
            f"{where} gave no whole answer about {what} within {seconds:g} s.",
            f"Look at the network and at {STATUS_PAGE}; the console asks again by itself.",
            detail[:_DETAIL],
            code="timeout",
        )
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    present: BaseException | None = error
    while present is not None and id(present) not in seen:
        seen.add(id(present))
        yield present
        if isinstance(present, BaseExceptionGroup):
            yield from present.exceptions  # every address of a name was tried
        present = present.__cause__ or present.__context__


def never_left(error: httpx.TransportError) -> bool:
    """Whether the request certainly was not sent: the connection was never up."""
    return isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError))


def unreachable(what: str, where: str, error: httpx.TransportError, seconds: float) -> GitHubUnreachable:
    """Why no answer came, told apart by what lies beneath httpx's exception.

    Args:
        what: what was asked about.
        where: the host.
        error: what httpx raised.
        seconds: the time limit, for the sentence.
    """
    detail = f"{type(error).__name__}: {error}"[:_DETAIL]
    if isinstance(error, httpx.TimeoutException):
        return timed_out(what, where, seconds, detail)
    causes = list(_chain(error))
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return _unreachable(
            f"The name {where} could not be resolved when asked about {what}.",
            "Look for a typing error in api_url, and whether the network and its name service are up.",
            detail,
            "name-unknown",
        )
    trust = next((cause for cause in causes if isinstance(cause, ssl.SSLError)), None)
    if trust is not None:
        why = getattr(trust, "verify_message", "") or trust.reason or "the handshake failed"
        return _unreachable(
            f"The encrypted connection to {where} could not be trusted or set up ({why}); nothing was sent to it.",
            "Look at this machine's clock, and whether a proxy in between needs its own CA (set SSL_CERT_FILE).",
            detail,
            "tls",
        )
    if isinstance(error, httpx.ProxyError):
        return _unreachable(
            f"The proxy on the way to {where} refused the connection.",
            "Look at HTTPS_PROXY and NO_PROXY, and whether the proxy wants a log in.",
            detail,
            "proxy",
        )
    if any(isinstance(c, ConnectionRefusedError) or getattr(c, "errno", 0) == errno.ECONNREFUSED for c in causes):
        return _unreachable(
            f"{where} refused the connection when asked about {what}.",
            "Look at the configured api_url and its port, and at firewalls in between.",
            detail,
            "refused",
        )
    if isinstance(error, (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError, httpx.CloseError)):
        return _unreachable(
            f"The connection to {where} broke before the answer about {what} was whole.",
            "The console asks again by itself.",
            detail,
            "cut",
        )
    return _unreachable(
        f"{where} cannot be reached, so {what} could not be asked for.",
        f"Look at the network, the VPN and {STATUS_PAGE}; the console asks again by itself.",
        detail,
        "unreachable",
    )


def _unreachable(summary: str, remedy: str, detail: str, code: str) -> GitHubUnreachable:
    return GitHubUnreachable(Problem(summary, remedy, detail, code))
