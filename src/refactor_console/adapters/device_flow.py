"""Signing in without typing a token: the OAuth 2.0 device authorisation grant (RFC 8628), as GitHub has it.

https://docs.github.com/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps#device-flow
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx

from refactor_console import __version__
from refactor_console.adapters import github_errors as errors
from refactor_console.adapters.github_answers import Answer, bounded, loopback, trust
from refactor_console.domain.account import DeviceCode, Secret
from refactor_console.domain.problem import Problem
from refactor_console.domain.text import visible

SCOPES = ("repo", "read:packages", "security_events")
"""What the panes need; organisation secrets would need ``admin:org``, which is too much to ask for by default."""
_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_SECONDS = 20.0
_MOST = 64 * 1024
_SLOWER = 5.0
_SLOWEST = 60.0


def _utc() -> datetime:
    return datetime.now(UTC)


class DeviceFlow:
    """One attempt to sign in at one GitHub: `start`, show the code, `token`, `close`."""

    def __init__(
        self,
        web_url: str,
        client_id: str,
        *,
        scopes: tuple[str, ...] = SCOPES,
        clock: Callable[[], datetime] = _utc,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """Nothing is connected before `start`.

        Args:
            web_url: ``https://github.com``, or an enterprise server's.
            client_id: of an OAuth or GitHub App with the device flow enabled; it is no secret.
            scopes: what to ask for (ignored by GitHub Apps).
            clock: UTC.
            sleep: waits between polls.
        """
        self._base = web_url.rstrip("/")
        self._host = urlsplit(self._base).netloc
        self._client_id = client_id
        self._scopes = scopes
        self._clock = clock
        self._sleep = sleep
        self._client: httpx.AsyncClient | None = None

    async def start(self) -> DeviceCode:
        """Ask for a code that a person types at GitHub.

        Raises:
            SignInFailed: no client id is configured, or GitHub does not want this one.
            GitHubError: GitHub was not reached, or not understood.
        """
        if not self._client_id:
            raise errors.SignInFailed(
                Problem(
                    "Signing in by a code needs the client id of an OAuth app, and none is configured.",
                    "Set oauth_client_id under [github], or use GH_TOKEN or `gh auth login`.",
                    code="no-client-id",
                )
            )
        what = "a sign-in code"
        said = await self._post(
            "/login/device/code", {"client_id": self._client_id, "scope": " ".join(self._scopes)}, what
        )
        if "error" in said or "device_code" not in said:
            raise self._refused(said)
        device, user, page = (said.get(key) for key in ("device_code", "user_code", "verification_uri"))
        lifetime, interval = said.get("expires_in", 900), said.get("interval", 5)
        if not all(isinstance(text, str) and text for text in (device, user, page)):
            raise errors.schema_drift(what, "device_code, user_code or verification_uri is missing")
        if not isinstance(lifetime, int) or not isinstance(interval, int):
            raise errors.schema_drift(what, "expires_in or interval is no number")
        url = urlsplit(str(page))
        if url.scheme != "https" and not loopback(url.hostname or ""):
            raise errors.schema_drift(what, "verification_uri is not https")
        expires = self._clock() + timedelta(seconds=min(max(lifetime, 1), 3600))
        wait = float(min(max(interval, 1), _SLOWEST))
        return DeviceCode(visible(str(user)), visible(str(page)), expires, wait, Secret(str(device)))

    async def token(self, code: DeviceCode) -> Secret:
        """Wait until the person has entered the code; returns the token.

        Ends by itself when the code expires. While GitHub cannot be reached it is asked again, less often.

        Raises:
            SignInFailed: the code expired (``device-expired``), the person said no (``device-denied``), or GitHub did
                (``device-refused``).
        """
        wait = code.interval
        form = {
            "client_id": self._client_id,
            "device_code": code.device_code.reveal(),
            "grant_type": _GRANT,
        }
        while self._clock() < code.expires_at:
            await self._sleep(wait)
            try:
                said = await self._post("/login/oauth/access_token", form, "the sign-in")
            except (errors.GitHubUnreachable, errors.ServerFault):
                wait = min(wait * 2, _SLOWEST)
                continue
            token = said.get("access_token")
            if isinstance(token, str) and token:
                return Secret(token)
            match said.get("error"):
                case "authorization_pending":
                    continue
                case "slow_down":
                    asked = said.get("interval")
                    slower = float(asked) if isinstance(asked, int) else 0.0
                    wait = min(max(wait + _SLOWER, slower), _SLOWEST)
                case "expired_token":
                    break
                case _:
                    raise self._refused(said)
        raise errors.SignInFailed(
            Problem(
                f"The sign-in code for {self._host} has expired before it was entered.",
                "Start again for a new code.",
                code="device-expired",
            )
        )

    async def close(self) -> None:
        """Let go of the connection."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _post(self, path: str, form: Mapping[str, str], what: str) -> dict[str, Any]:
        url = httpx.URL(f"{self._base}{path}")
        if url.scheme != "https" and not (url.scheme == "http" and loopback(url.host)):
            raise errors.insecure(self._base)
        if self._client is None:
            local = loopback(url.host)
            verify = await asyncio.to_thread(trust) if url.scheme == "https" else False
            self._client = httpx.AsyncClient(verify=verify, timeout=_SECONDS, trust_env=not local)
        headers = {"Accept": "application/json", "User-Agent": f"refactor-console/{__version__}"}
        try:
            async with (
                asyncio.timeout(2 * _SECONDS),
                self._client.stream("POST", url, data=dict(form), headers=headers) as response,
            ):
                body = await bounded(response, what, _MOST)
        except httpx.TransportError as error:
            raise errors.unreachable(what, self._host, error, _SECONDS) from error
        except TimeoutError as error:
            raise errors.timed_out(what, self._host, 2 * _SECONDS) from error
        if response.status_code >= 500:
            problem = Problem(f"GitHub has trouble of its own: HTTP {response.status_code}.", code="server-error")
            raise errors.ServerFault(problem, response.status_code)
        if response.status_code == 404:
            return {"error": "not_found"}
        said = Answer(what, response.status_code, response.headers, body).json()
        if not isinstance(said, dict):
            raise errors.schema_drift(what, "the whole: should be an object")
        return said

    def _refused(self, said: Mapping[str, Any]) -> errors.SignInFailed:
        word = visible(str(said.get("error", "")))[:60]
        if word == "access_denied":
            return errors.SignInFailed(
                Problem(
                    "The sign-in was refused by the person who was asked on GitHub.",
                    "Start again if that was a mistake.",
                    code="device-denied",
                )
            )
        return errors.SignInFailed(
            Problem(
                f"{self._host} does not let this console sign in by a code ({word or 'it does not say why'}).",
                "Check oauth_client_id under [github], and that its app has the device flow enabled; "
                "or use GH_TOKEN or `gh auth login`.",
                visible(str(said.get("error_description", "")))[:300],
                code="device-refused",
            )
        )
