"""How often GitHub is asked: fast while something runs, slow when idle or out of sight, at once when a person asks."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass

from refactor_console.services.feed import Waker


@dataclass(frozen=True, slots=True)
class Cadence:
    """Seconds between two looks at one pane's subject."""

    busy: float = 7.0
    """Something is in progress, whether or not anybody looks: its end is seen within ten seconds."""
    looked_at: float = 60.0
    """Nothing is in progress, and the pane is looked at."""
    away: float = 120.0
    """Nothing is in progress, and another pane is looked at."""


CADENCES: dict[str, Cadence] = {
    "runs": Cadence(),
    "images": Cadence(busy=20.0, looked_at=120.0, away=900.0),
    "releases": Cadence(busy=120.0, looked_at=300.0, away=1_800.0),
    "secrets": Cadence(busy=300.0, looked_at=600.0, away=3_600.0),
    "alerts": Cadence(busy=300.0, looked_at=600.0, away=3_600.0),
    "account": Cadence(busy=900.0, looked_at=900.0, away=900.0),
}
"""By the pane's name; what is not listed is asked as the runs are. An unchanged answer (304) costs nothing, but the
sum is made to fit 300 counting requests an hour even if every answer were new."""


class Pacer:
    """Knows which pane is looked at, and lets each feed wait as long as its subject deserves."""

    def __init__(self, *, jitter: float = 0.1, roll: Callable[[], float] = random.random) -> None:
        """Consoles started together must not ask in step.

        Args:
            jitter: the share by which a wait is shortened at most (never lengthened: the ten seconds hold).
            roll: gives a number in [0, 1).
        """
        self._jitter = jitter
        self._roll = roll
        self._looked_at = ""
        self._asked: dict[str, int] = {}
        """How often somebody asked for one pane's subject; for all of them under no name."""
        self._wakers: dict[str, Waker] = {}

    @property
    def looked_at(self) -> str:
        """The pane that is looked at; empty before the first."""
        return self._looked_at

    def look_at(self, pane: str) -> None:
        """A pane is looked at now: what it shows is asked anew if it has waited longer than it should have."""
        changed, self._looked_at = pane != self._looked_at, pane
        if changed and pane in self._wakers:
            self._wakers[pane].wake()

    def wake(self, pane: str = "") -> None:
        """End the waits of one pane's subject, or every wait: a person asked, or the token changed."""
        self._asked[pane] = self._asked.get(pane, 0) + 1
        for name, waker in self._wakers.items():
            if pane in ("", name):
                waker.wake()

    def mark(self, pane: str) -> int:
        """For `wait`: taken before a look begins, so that who asks in the middle of it gets another one."""
        return self._asked.get(pane, 0) + self._asked.get("", 0)

    def seconds(self, pane: str, *, busy: bool) -> float:
        """How long the subject of a pane may rest now."""
        cadence = CADENCES.get(pane, CADENCES["runs"])
        if busy:
            return cadence.busy
        return cadence.looked_at if pane == self._looked_at else cadence.away

    async def wait(self, pane: str, *, busy: bool = False, since: int | None = None) -> bool:
        """Return when a pane's subject deserves to be asked again; True when the wait was ended early.

        A pane that comes into sight is asked at once if its shorter interval is over by then, else when it is.

        Args:
            pane: whose subject.
            busy: whether something goes on with it.
            since: the `mark` of the last look's beginning; who asked after it is not kept waiting. Now when None.
        """
        waker = self._wakers.setdefault(pane, Waker())
        loop = asyncio.get_running_loop()
        begun, spread = loop.time(), 1 - self._jitter * self._roll()
        asked = self.mark(pane) if since is None else since
        if self.mark(pane) != asked:
            return True
        while (left := begun + self.seconds(pane, busy=busy) * spread - loop.time()) > 0:
            if await waker.wait(left) and self.mark(pane) != asked:
                return True  # not merely because the pane came into sight
        return False
