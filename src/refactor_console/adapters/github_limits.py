"""GitHub's rate limits as this console sees them: what is left, what it spent itself, and when it has to wait.

Nothing here sleeps: while GitHub told us to wait, every request fails at once with code ``rate-limited``.
Rules: https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from refactor_console.adapters import github_errors as errors
from refactor_console.domain.account import Budget
from refactor_console.domain.text import whole_number

_LONGEST = timedelta(minutes=65)
"""GitHub's windows are an hour: a longer wait is a garbled header, or a wrong clock."""
_FIRST_WAIT = timedelta(seconds=60)
"""After a secondary limit that names no time, GitHub asks for at least a minute, and for more each time."""
_WIDEST_WAIT = timedelta(minutes=15)
_WINDOW_MINUTES = 60
_FARTHEST = 1 << 36
"""Seconds since the epoch that still make a date."""


class Spending:
    """Requests of the last 60 minutes, counted by the minute: 61 small buckets at most."""

    def __init__(self) -> None:
        self._minutes: deque[list[int]] = deque(maxlen=_WINDOW_MINUTES + 1)
        """``[minute since the epoch, counted, free]``, oldest first."""

    def add(self, now: datetime, *, free: bool) -> None:
        """One request was answered."""
        minute = int(now.timestamp()) // 60
        if not self._minutes or self._minutes[-1][0] != minute:
            self._minutes.append([minute, 0, 0])
        self._minutes[-1][2 if free else 1] += 1

    def totals(self, now: datetime) -> tuple[int, int]:
        """How many counted against the limit, and how many were free."""
        oldest = int(now.timestamp()) // 60 - _WINDOW_MINUTES
        while self._minutes and self._minutes[0][0] <= oldest:
            self._minutes.popleft()
        return sum(bucket[1] for bucket in self._minutes), sum(bucket[2] for bucket in self._minutes)


class RateLimits:
    """Reads every answer's headers; one for each token."""

    def __init__(self, where: str, clock: Callable[[], datetime]) -> None:
        """`where` is the host, for sentences; `clock` is local and says UTC."""
        self._where = where
        self._clock = clock
        self._ahead = timedelta(0)
        """How far GitHub's clock is ahead of ours."""
        self._spending = Spending()
        self._seen: tuple[int, int, datetime] | None = None
        """Limit, remaining, reset."""
        self._until: datetime | None = None
        self._reason = ""
        self._secondary = 0
        """Secondary limits in a row that named no time."""

    @property
    def now(self) -> datetime:
        """GitHub's clock, by the last answer."""
        return self._clock() + self._ahead

    @property
    def paused_until(self) -> datetime | None:
        """Set while we are to wait."""
        return self._until if self._until is not None and self._until > self.now else None

    @property
    def budget(self) -> Budget | None:
        """As the newest answer said; None before the first that said anything."""
        if self._seen is None:
            return None
        limit, remaining, resets_at = self._seen
        spent, free = self._spending.totals(self._clock())
        return Budget(limit, remaining, resets_at, spent, free, self.paused_until)

    def check(self) -> None:
        """Let a request through, or not.

        Raises:
            RateLimited: GitHub told us to wait.
        """
        until = self.paused_until
        if until is not None:
            raise errors.rate_limited(self._where, until, self._reason)

    def note(self, status: int, headers: Mapping[str, str], *, authorised: bool) -> None:
        """Read one answer's headers. A 304 is free only for who is signed in."""
        self._read_clock(headers.get("date", ""))
        self._spending.add(self._clock(), free=status == 304 and authorised)
        if headers.get("x-ratelimit-resource", "core") != "core":
            return
        limit, remaining = (whole_number(headers.get(f"x-ratelimit-{key}", "")) for key in ("limit", "remaining"))
        reset = whole_number(headers.get("x-ratelimit-reset", ""))
        if limit is None or remaining is None or reset is None or reset > _FARTHEST:
            return
        resets_at = datetime.fromtimestamp(0, UTC) + timedelta(seconds=reset)
        self._seen = (limit, remaining, resets_at)
        if remaining == 0 and limit > 0:
            self._pause(resets_at, f"all {limit:,} requests of this hour are spent")
        if status < 400:
            self._secondary = 0

    def limited(self, status: int, headers: Mapping[str, str], message: str) -> errors.RateLimited | None:
        """Whether an answer says that we ask too much; None when it says something else. Call after `note`."""
        if status not in (403, 429):
            return None
        spent = headers.get("x-ratelimit-remaining") == "0"
        said = "rate limit" in message.lower() or "abuse detection" in message.lower()
        after = self._retry_after(headers.get("retry-after", ""))
        if status == 403 and not (said or spent or after is not None):
            return None
        if after is not None:
            self._pause(self.now + after, "it asked for a pause (a secondary rate limit)")
        elif not spent:
            self._secondary += 1
            wait = min(_FIRST_WAIT * 2 ** min(self._secondary - 1, 8), _WIDEST_WAIT)
            self._pause(self.now + wait, "it asked for a pause (a secondary rate limit)")
        elif self.paused_until is None:
            # Another resource than `core` is spent, or the window has just ended: only this request is refused.
            reset = whole_number(headers.get("x-ratelimit-reset", "")) or 0
            until = datetime.fromtimestamp(0, UTC) + timedelta(seconds=min(reset, _FARTHEST))
            reason = f"the limit of {headers.get('x-ratelimit-resource', 'this kind of request')[:40]} is spent"
            return errors.rate_limited(self._where, min(max(until, self.now), self.now + _LONGEST), reason)
        return errors.rate_limited(self._where, self.paused_until or self.now, self._reason)

    def _pause(self, until: datetime, reason: str) -> None:
        until = min(until, self.now + _LONGEST)
        if self._until is None or until > self._until or self.paused_until is None:
            self._until, self._reason = until, reason

    def _read_clock(self, date: str) -> None:
        if not date:
            return
        try:
            told = parsedate_to_datetime(date)
        except ValueError:
            return  # not a date: our own clock it is
        if told.tzinfo is not None:
            self._ahead = told - self._clock()

    def _retry_after(self, header: str) -> timedelta | None:
        """Seconds or an HTTP date; None when there is none."""
        if not header:
            return None
        seconds = whole_number(header.strip())
        if seconds is not None:
            return timedelta(seconds=min(seconds, int(_LONGEST.total_seconds())))
        try:
            told = parsedate_to_datetime(header)
        except ValueError:
            return None  # neither form: as if there were none
        return max(told - self.now, timedelta(0)) if told.tzinfo is not None else None
