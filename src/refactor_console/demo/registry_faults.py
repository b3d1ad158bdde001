"""What can go wrong with the demo's registry: faults on order, each for some paths and times."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from refactor_console.demo.engine_http import Response, answer


class Fault(StrEnum):
    """The kinds; the control verb ``registry_fault`` names them."""

    STATUS = "status"
    """Answer with `value` as status: 500, 502, 503 ..."""
    SLOW = "slow"
    """Wait `value` seconds first."""
    LIMITED = "limited"
    """429; ``Retry-After: value`` in whole seconds, or GHCR's microseconds within the message when it is 0."""
    TRUNCATED = "truncated"
    """Half of the body, with a matching length."""
    CHANGED = "changed"
    """One byte of the body is another: its digest is wrong."""
    NOT_JSON = "not-json"
    """A page in HTML with status 200, as proxies answer."""


@dataclass
class Order:
    """One ordered fault."""

    fault: Fault
    path: re.Pattern[str]
    """Searched in the path."""
    times: int | None
    """How often it still strikes; None for ever."""
    value: float


Spoil = Callable[[Response], Response]


class Faults:
    """The orders in force."""

    def __init__(self) -> None:
        self._orders: list[Order] = []

    def order(self, fault: Fault, path: str = "", times: int | None = None, value: float = 0.0) -> None:
        """Let a fault strike requests whose path matches, so many times."""
        self._orders.append(Order(fault, re.compile(path), times, value))

    def clear(self) -> None:
        """All is well again."""
        self._orders.clear()

    def strike(self, path: str) -> tuple[float, Response | None, Spoil | None]:
        """What hits this request: seconds to wait, an answer instead, what spoils a good answer."""
        hit = [order for order in self._orders if order.path.search(path)]
        for order in hit:
            if order.times is not None:
                order.times -= 1
        self._orders = [order for order in self._orders if order.times is None or order.times > 0]
        delay = sum(order.value for order in hit if order.fault is Fault.SLOW)
        instead = next((made for order in hit if (made := _instead(order)) is not None), None)
        spoil = next((_SPOILT[order.fault] for order in hit if order.fault in _SPOILT), None)
        return delay, instead, spoil


def _instead(order: Order) -> Response | None:
    match order.fault:
        case Fault.STATUS:
            return Response(int(order.value), b"<html><title>Unicorn</title></html>", "text/html")
        case Fault.NOT_JSON:
            return Response(200, b"<html><title>Log in to the hotel's network</title></html>", "text/html")
        case Fault.LIMITED:
            message = "retry-after: 190.793µs, allowed: 44000/minute"
            said = answer({"errors": [{"code": "TOOMANYREQUESTS", "message": message}]}, 429)
            wait = {"Retry-After": str(round(order.value))} if order.value else {}
            return replace(said, headers=wait)
        case _:
            return None


def _truncated(response: Response) -> Response:
    return replace(response, body=response.body[: max(1, len(response.body) // 2)])


def _changed(response: Response) -> Response:
    # A blank after the first brace leaves the JSON what it was.
    return replace(response, body=response.body.replace(b"{", b"{ ", 1))


_SPOILT: dict[Fault, Spoil] = {Fault.TRUNCATED: _truncated, Fault.CHANGED: _changed}
