"""What can go wrong with an image registry, as sentences.

Exception tree::

    RegistryError
    ├── RegistryDown          no whole answer came, or the registry has trouble of its own; codes registry-down, tls,
    │                         insecure, closed
    ├── RegistryBadAnswer     an answer that is not what the protocol promises; codes bad-answer, too-large,
    │                         redirect-refused, realm-refused
    │   └── DigestMismatch    content that is not what its digest says (digest-mismatch)
    ├── RegistryLimited       the registry told us to wait (rate-limited)
    ├── RegistryRefused       it does not let us
    │   ├── Unauthorised      401: no credential, or one it does not accept (unauthorised)
    │   └── Denied            403: the credential may not read this (denied)
    └── RegistryNotFound      there is no such repository, tag or blob (not-found), or the name is none (bad-name)
        └── RegistryGone      there was such a digest, and there is no more (gone)
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import httpx

from refactor_console.domain.problem import ConsoleError, Problem

_DETAIL = 500
_SCOPE = "read:packages"
_SIGN_IN = f" (GitHub's registry wants a classic token with the scope {_SCOPE})"


class RegistryError(ConsoleError):
    """Base of everything that goes wrong between the console and a registry."""


class RegistryDown(RegistryError):
    """No whole answer came, or one that says that the registry has trouble of its own."""


class RegistryBadAnswer(RegistryError):
    """An answer that is not what the distribution protocol promises."""


class DigestMismatch(RegistryBadAnswer):
    """What came is not what its digest names; it was thrown away."""


class RegistryLimited(RegistryError):
    """The registry told us to wait."""

    def __init__(self, problem: Problem, wait: float) -> None:
        super().__init__(problem)
        self.wait = wait
        """Seconds, as the registry says."""


class RegistryRefused(RegistryError):
    """The registry does not let us read this."""


class Unauthorised(RegistryRefused):
    """401: no credential, or one that it does not accept."""


class Denied(RegistryRefused):
    """403: the credential is not enough."""


class RegistryNotFound(RegistryError):
    """There is no such repository, tag or blob."""


class RegistryGone(RegistryNotFound):
    """There is no such digest any more."""


def bad_answer(what: str, where: str, detail: str) -> RegistryBadAnswer:
    """An answer about `what` that cannot be understood."""
    return RegistryBadAnswer(
        Problem(
            f"The answer of {where} about {what} could not be understood: it is damaged, or no registry's.",
            "The console asks again by itself. If it stays so, look whether a proxy in between changes answers.",
            detail[:_DETAIL],
            code="bad-answer",
        )
    )


def too_large(what: str, where: str, most: int) -> RegistryBadAnswer:
    """A body above the bound; the rest was not read."""
    return RegistryBadAnswer(
        Problem(
            f"The answer of {where} about {what} is larger than {most // 1024} KiB and was not read.",
            "No image's description is that large: look at the registry with another tool.",
            code="too-large",
        )
    )


def mismatch(what: str, where: str, wanted: str, got: str) -> DigestMismatch:
    """Content under a digest that is not its own."""
    return DigestMismatch(
        Problem(
            f"{where} sent something else than {what}: its digest is not the one asked for, so it was thrown away.",
            "Do not pull this image from here until it is known who changes the registry's answers.",
            f"asked for {wanted}, got {got}"[:_DETAIL],
            code="digest-mismatch",
        )
    )


def redirect_refused(what: str, host: str, why: str) -> RegistryBadAnswer:
    """A redirect or next page that is not followed."""
    return RegistryBadAnswer(
        Problem(
            f"The request about {what} was sent on to {host or 'nowhere'}, which is not followed: {why}.",
            "Look at the configured registry address.",
            code="redirect-refused",
        )
    )


def realm_refused(where: str, realm: str, why: str) -> RegistryBadAnswer:
    """A token server that is not trusted with a credential."""
    return RegistryBadAnswer(
        Problem(
            f"{where} wants its token fetched from {realm or 'nowhere'}, which is not asked: {why}.",
            "Look at the configured registry address, and whether something in between changes its answers.",
            code="realm-refused",
        )
    )


def limited(what: str, where: str, wait: float, words: str) -> RegistryLimited:
    """HTTP 429 that did not go away by itself."""
    when = f"in {wait:.0f} s" if wait >= 1 else "in a moment"
    return RegistryLimited(
        Problem(
            f"{where} was asked too much and tells nothing about {what} for now.",
            f"The console asks again by itself; the registry says {when}.",
            words[:_DETAIL],
            code="rate-limited",
        ),
        wait,
    )


def trouble(what: str, where: str, status: int, words: str) -> RegistryDown:
    """HTTP 5xx."""
    return RegistryDown(
        Problem(
            f"{where} has trouble of its own: it answered the request about {what} with HTTP {status}.",
            "The console asks again by itself." + _status_page(where),
            words[:_DETAIL],
            code="registry-down",
        )
    )


def unauthorised(what: str, where: str, *, signed: bool, words: str) -> Unauthorised:
    """401, with or without a credential."""
    if signed:
        summary = f"{where} does not accept the credential when asked about {what}: it has expired, or was revoked."
        remedy = f"Sign in again{_SIGN_IN}."
    else:
        summary = f"{where} tells about {what} only to those who sign in."
        remedy = f"Sign in{_SIGN_IN}."
    return Unauthorised(Problem(summary, remedy, words[:_DETAIL], code="unauthorised"))


def denied(what: str, where: str, *, signed: bool, words: str) -> Denied:
    """403, with or without a credential."""
    if not signed:
        summary = f"{where} does not tell about {what} to somebody who is not signed in; it may not exist, either."
        remedy = f"Sign in{_SIGN_IN}."
    elif "scope" in words:
        summary = f"The token may not read {what} from {where}: it lacks the scope {_SCOPE}."
        remedy = f"Give the token the scope {_SCOPE}, for example: gh auth refresh --scopes {_SCOPE}"
    else:
        summary = f"The token may not read {what} from {where}, or there is no such thing."
        remedy = f"Look whether the token has the scope {_SCOPE}, and whether its owner may read this package."
    return Denied(Problem(summary, remedy, words[:_DETAIL], code="denied"))


def not_found(what: str, where: str, words: str = "") -> RegistryNotFound:
    """404 for a repository, a tag or a blob."""
    return RegistryNotFound(
        Problem(
            f"{where} has no {what}.",
            "Check the name; a tag may have been deleted since it was listed.",
            words[:_DETAIL],
            code="not-found",
        )
    )


def gone(what: str, where: str, words: str = "") -> RegistryGone:
    """404 for a digest."""
    return RegistryGone(
        Problem(
            f"{where} no longer has {what}: it was deleted, and cannot be pulled any more.",
            "Choose another version; a host that has pulled it may still hold it.",
            words[:_DETAIL],
            code="gone",
        )
    )


def bad_name(what: str, why: str) -> RegistryNotFound:
    """A name that no registry can have; it was not asked for."""
    return RegistryNotFound(Problem(f"There can be no image called {what}: {why}.", "Check the name.", code="bad-name"))


def insecure(where: str) -> RegistryDown:
    """A base URL whose answers and credential would travel in the clear."""
    return RegistryDown(
        Problem(
            f"The registry at {where} is not asked: credential and answers would travel unencrypted.",
            "Use an https address for the registry.",
            code="insecure",
        )
    )


def closed(where: str) -> RegistryDown:
    """This client was closed: another one, with another credential, has taken its place, or the console ends."""
    return RegistryDown(
        Problem(
            f"The connection to {where} was closed by the console itself.",
            "The console asks again by itself if it goes on.",
            code="closed",
        )
    )


def timed_out(what: str, where: str, seconds: float, detail: str = "") -> RegistryDown:
    """No whole answer in time."""
    return RegistryDown(
        Problem(
            f"{where} gave no whole answer about {what} within {seconds:g} s.",
            f"Look at the network; the console asks again by itself.{_status_page(where)}",
            detail[:_DETAIL],
            code="registry-down",
        )
    )


def unreachable(what: str, where: str, error: httpx.TransportError, seconds: float) -> RegistryDown:
    """Why no answer came, told apart by what lies beneath httpx's exception."""
    detail = f"{type(error).__name__}: {error}"[:_DETAIL]
    if isinstance(error, httpx.TimeoutException):
        return timed_out(what, where, seconds, detail)
    causes = list(_chain(error))
    trust = next((cause for cause in causes if isinstance(cause, ssl.SSLError)), None)
    if trust is not None:
        why = getattr(trust, "verify_message", "") or trust.reason or "the handshake failed"
        return RegistryDown(
            Problem(
                f"The encrypted connection to {where} could not be trusted or set up ({why}); nothing was sent to it.",
                "Look at this machine's clock, and whether a proxy in between needs its own CA (set SSL_CERT_FILE).",
                detail,
                code="tls",
            )
        )
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        how = f"the name {where} could not be resolved"
    elif any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        how = "it refused the connection"
    elif isinstance(error, (httpx.ReadError, httpx.RemoteProtocolError, httpx.CloseError)):
        how = "the connection broke before the answer was whole"
    else:
        how = "it cannot be reached"
    return RegistryDown(
        Problem(
            f"{where} told nothing about {what}: {how}.",
            f"Look at the network and the configured registry address; the console asks again.{_status_page(where)}",
            detail,
            code="registry-down",
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


def _status_page(where: str) -> str:
    return " GitHub's state: https://www.githubstatus.com" if where == "ghcr.io" else ""
