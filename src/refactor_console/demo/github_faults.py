"""What can go wrong with the demo's GitHub: faults on order, each for some paths and times."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from refactor_console.demo.clock import SECOND, Clock
from refactor_console.demo.engine_http import Response
from refactor_console.demo.github_access import Access
from refactor_console.demo.github_wire import Grant, Refusal, encoded


class Fault(StrEnum):
    """The kinds; the control verb ``github_fault`` names them."""

    STATUS = "status"
    """Answer with `value` as status: 500, 502, 503, 404 ..."""
    SLOW = "slow"
    """Wait `value` seconds first."""
    SECONDARY = "secondary"
    """Secondary rate limit, ``Retry-After: value`` seconds; 403 as GitHub mostly sends, 429 for a negative value."""
    EXHAUSTED = "exhausted"
    """Nothing remains of the primary limit for `value` seconds."""
    SSO = "sso"
    """The organisation wants the token authorised for SAML single sign-on."""
    TRUNCATED = "truncated"
    """Half of the JSON, with a matching length."""
    BROKEN_OFF = "broken-off"
    """Half of the body, then the connection ends."""
    DRIFT = "drift"
    """Fields and values that nobody has heard of."""
    NOT_JSON = "not-json"
    """A page in HTML with status 200, as proxies answer."""


@dataclass
class Order:
    """One ordered fault."""

    fault: Fault
    path: re.Pattern[str]
    """Searched in the path as it came."""
    times: int | None
    """How often it still strikes; None for ever."""
    value: float


_INSTEAD = {"in_progress": "warming_up", "failure": "partially_successful", "high": "apocalyptic", "active": "snoozed"}
_UNICORN = "<html><body><h1>We had issues producing the response to your request.</h1></body></html>"


class Faults:
    """The orders in force."""

    def __init__(self, clock: Clock, access: Access) -> None:
        self._clock = clock
        self._access = access
        self._orders: list[Order] = []

    def order(self, fault: Fault, path: str = "", times: int | None = None, value: float = 0.0) -> None:
        """Let a fault strike requests whose path matches, so many times."""
        self._orders.append(Order(fault, re.compile(path), times, value))

    def clear(self) -> None:
        """All is well again."""
        self._orders.clear()

    def strike(self, path: str) -> list[Order]:
        """The faults that hit this request; each has one time less."""
        hit = [order for order in self._orders if order.path.search(path)]
        for order in hit:
            if order.times is not None:
                order.times -= 1
        self._orders = [order for order in self._orders if order.times is None or order.times > 0]
        return hit

    async def before(self, orders: list[Order], grant: Grant) -> Response | None:
        """What happens instead of an answer; None when there will be one.

        Raises:
            Refusal: in GitHub's error form.
        """
        for order in orders:
            if order.fault is Fault.SLOW:
                await asyncio.sleep(order.value)
            elif order.fault is Fault.STATUS:
                return _status(int(order.value))
            elif order.fault is Fault.NOT_JSON:
                return Response(200, _UNICORN.encode(), "text/html; charset=utf-8")
            else:
                self._refuse(order, grant)
        return None

    def _refuse(self, order: Order, grant: Grant) -> None:
        if order.fault is Fault.SECONDARY:
            raise Refusal(
                429 if order.value < 0 else 403,
                "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
                headers={"Retry-After": str(round(abs(order.value)))},
                documentation="https://docs.github.com/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits",
            )
        if order.fault is Fault.EXHAUSTED:
            window = self._access.window(grant)
            window.used = window.limit
            if order.value:
                window.resets_ns = self._clock.now() + round(order.value * SECOND)
        if order.fault is Fault.SSO:
            url = "https://github.com/orgs/refactor-group/sso?authorization_request=DEMO"
            raise Refusal(
                403,
                "Resource protected by organization SAML enforcement. You must grant your Personal Access token "
                "access to this organization.",
                headers={"X-GitHub-SSO": f"required; url={url}"},
            )


def after(orders: list[Order], response: Response) -> Response:
    """A good answer, spoilt as ordered."""
    for order in orders:
        if order.fault is Fault.DRIFT and response.body:
            response = replace(response, body=encoded(_drifted(json.loads(response.body))))
        elif order.fault is Fault.TRUNCATED:
            response = replace(response, body=response.body[: max(1, len(response.body) // 2)])
        elif order.fault is Fault.BROKEN_OFF:
            response = replace(response, stream=_broken(response.body[: max(1, len(response.body) // 2)]))
    return response


async def _broken(body: bytes) -> AsyncGenerator[bytes, None]:
    yield body
    raise ConnectionResetError


def _status(status: int) -> Response:
    if status >= 500:
        return Response(status, _UNICORN.encode(), "text/html; charset=utf-8")
    return Refusal(status, "Demo fault").response()


def _drifted(value: Any) -> Any:
    if isinstance(value, list):
        return [_drifted(item) for item in value]
    if isinstance(value, dict):
        return {key: _drifted(item) for key, item in value.items()} | {"x_unheard_of": {"since": 2031, "of": [None]}}
    return _INSTEAD.get(value, value) if isinstance(value, str) else value
