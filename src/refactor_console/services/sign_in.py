"""Signing in by a code, without ever typing a token: the device flow, and the keyring that keeps what it gives."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from refactor_console.domain.account import Account, Credential, DeviceCode, Secret, TokenSource
from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.services.feed import Clock, utc_now
from refactor_console.services.github_link import GitHubLink, three_ways

if TYPE_CHECKING:
    from refactor_console.adapters.device_flow import DeviceFlow


class SignInError(ConsoleError):
    """Signing in by a code is not possible, or the token could not be kept (it is used all the same)."""


@dataclass(slots=True)
class _UnderWay:
    """A code that was given out, and who waits for it."""

    flow: DeviceFlow
    code: DeviceCode | None = None
    waiting: asyncio.Task[Secret] | None = None

    async def end(self) -> None:
        """Nobody waits for it any more."""
        if self.waiting is not None:
            self.waiting.cancel()
            await asyncio.wait({self.waiting})
        await self.flow.close()


class SignIn:
    """One console's sign-in; a second one gives the first up."""

    def __init__(self, link: GitHubLink, client_id: str, clock: Clock = utc_now) -> None:
        """`client_id` is that of an OAuth app with the device flow enabled; empty when none is configured."""
        self._link = link
        self._client_id = client_id
        self._clock = clock
        self._under_way: _UnderWay | None = None

    async def begin(self) -> DeviceCode:
        """Ask GitHub for a code that a person types there.

        Raises:
            SignInError: no OAuth app is configured (code ``no-client-id``).
            ConsoleError: GitHub was not reached, or does not want this app.
        """
        if not self._client_id:
            raise SignInError(
                Problem(
                    "Signing in by a code needs the client id of an OAuth app, and none is configured.",
                    three_ways(self._link.platform.web_url, device_flow=False),
                    code="no-client-id",
                )
            )
        from refactor_console.adapters.device_flow import DeviceFlow  # noqa: PLC0415 - a tenth of a second

        await self.close()
        where = await self._link.where()
        begun = self._under_way = _UnderWay(DeviceFlow(where.web_url, self._client_id, clock=self._clock))
        try:
            begun.code = await begun.flow.start()
        except BaseException:
            await self._end(begun)
            raise
        return begun.code

    async def finish(self, code: DeviceCode) -> Account:
        """Wait until the person has typed the code; the token is then used at once and kept in the keyring.

        Raises:
            SignInError: the token works and is used, but the keyring did not take it.
            ConsoleError: refused or expired, given up for another one, or the token does not work.
        """
        token = await self._token(code)
        credential, unkept = await self._keep(token)
        await self._link.use(credential)
        client = await self._link.api()
        account = await client.account()
        self._link.belongs_to(account, client)
        if unkept is not None:
            raise SignInError(
                Problem(
                    f"Signed in as {account.login}, but only until the console ends: {unkept.summary}",
                    unkept.remedy,
                    unkept.detail,
                    unkept.code,
                )
            )
        return account

    async def close(self) -> None:
        """Give up the sign-in that is under way; who waits for it is told so."""
        if self._under_way is not None:
            await self._end(self._under_way)

    async def _end(self, sign_in: _UnderWay) -> None:
        """End one of them, and not the one that took its place meanwhile."""
        if self._under_way is sign_in:
            self._under_way = None
        await sign_in.end()

    async def _token(self, code: DeviceCode) -> Secret:
        mine = self._under_way
        if mine is None or mine.code is not code or mine.waiting is not None:
            raise _given_up()
        mine.waiting = asyncio.create_task(mine.flow.token(code), name="wait for the sign-in code")
        try:
            await asyncio.wait({mine.waiting})
        finally:
            await self._end(mine)
        if mine.waiting.cancelled():
            raise _given_up()
        return mine.waiting.result()

    async def _keep(self, token: Secret) -> tuple[Credential, Problem | None]:
        """Put the token into the keyring; it as it is kept, and why it is not there."""
        from refactor_console.adapters import credentials  # noqa: PLC0415 - not on the first frame's path

        where = await self._link.where()
        try:
            return await credentials.keep(where.api_url, token), None
        except ConsoleError as error:
            return Credential(token, TokenSource.SESSION, "this session"), error.problem


def _given_up() -> SignInError:
    return SignInError(
        Problem("That sign-in is not under way any more.", "Start again for a new code.", code="device-expired")
    )
