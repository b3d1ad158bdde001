"""Requests, answers kept for conditional requests, pages, the budget: what the client does when all is well."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from refactor_console import __version__
from refactor_console.adapters.github_cache import AnswerCache, Key, fingerprint, weigh
from refactor_console.adapters.github_limits import RateLimits, Spending
from refactor_console.domain.account import Secret, TokenKind
from refactor_console.domain.operations import ApiRequest
from refactor_console.domain.problem import ConsoleError
from tests.github_raw import REPOSITORY, RUNS, Asked, RawGitHub, Reply, client, limits, raw_github, reply, run, runs
from tests.waiting import until

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[RawGitHub]:
    async with raw_github() as started:
        yield started


def conditional(asked: Asked) -> Reply:
    """Each token has its own account, with its own ETag, as GitHub has it."""
    who = asked.headers["authorization"].removeprefix("Bearer ghp_")
    if asked.headers.get("if-none-match") == f'"{who}"':
        return reply(304, headers=limits())
    return reply(200, {"login": who}, headers={**limits(), "ETag": f'"{who}"', "Cache-Control": "private, max-age=60"})


async def test_an_unchanged_answer_is_asked_for_conditionally_and_costs_nothing(server: RawGitHub) -> None:
    server.on("/user", conditional)
    async with client(server, "ghp_a") as github:
        for _ in range(3):
            assert (await github.account()).login == "a"
        assert github.budget is not None
        assert (github.budget.spent_here, github.budget.free_here) == (1, 2)
    assert [asked.headers.get("if-none-match") for asked in server.asked] == [None, '"a"', '"a"']


async def test_no_token_is_ever_given_what_another_one_got(server: RawGitHub) -> None:
    server.on("/user", conditional)
    cache = AnswerCache()
    async with (
        client(server, "ghp_a", cache=cache) as first,
        client(server, "ghp_b", cache=cache) as second,
    ):
        for _ in range(2):
            assert (await first.account()).login == "a"
            assert (await second.account()).login == "b"
    sent = [(a.headers["authorization"][-1], a.headers.get("if-none-match")) for a in server.asked]
    assert sent == [("a", None), ("b", None), ("a", '"a"'), ("b", '"b"')]
    assert len(cache) == 2


async def test_an_answer_to_nobody_is_kept_apart_from_an_answer_to_somebody(server: RawGitHub) -> None:
    server.on(RUNS, reply(200, runs(run()), headers={"ETag": '"1"'}))
    cache = AnswerCache()
    async with client(server, None, cache=cache) as nobody, client(server, "ghp_a", cache=cache) as somebody:
        await nobody.runs(REPOSITORY)
        await somebody.runs(REPOSITORY)
    assert all("if-none-match" not in asked.headers for asked in server.asked)


async def test_a_304_gives_the_very_same_value_without_parsing_it_again(server: RawGitHub) -> None:
    server.on(RUNS, reply(200, runs(run()), headers={"ETag": 'W/"x"'}), reply(304))
    async with client(server) as github:
        first = (await github.runs(REPOSITORY)).runs
        second = (await github.runs(REPOSITORY)).runs
    assert second[0] is first[0]


async def test_an_answer_with_only_a_date_is_asked_for_by_that_date(server: RawGitHub) -> None:
    date = "Mon, 23 Nov 2026 10:00:00 GMT"
    server.on(RUNS, reply(200, runs(run()), headers={"Last-Modified": date}), reply(304))
    async with client(server) as github:
        await github.runs(REPOSITORY)
        assert len((await github.runs(REPOSITORY)).runs) == 1
    assert server.asked[1].headers["if-modified-since"] == date


async def test_an_answer_that_changed_replaces_the_one_kept(server: RawGitHub) -> None:
    replies = [reply(200, runs(run(n)), headers={"ETag": f'"{n}"'}) for n in (1, 2)]
    server.on(RUNS, *replies, reply(304))
    async with client(server) as github:
        assert [(await github.runs(REPOSITORY)).runs[0].id for _ in range(3)] == [1, 2, 2]
    assert server.asked[2].headers["if-none-match"] == '"2"'


async def test_what_a_dispatch_started_is_never_taken_from_what_was_kept(server: RawGitHub) -> None:
    path = "/repos/o/n/actions/workflows/7/runs"
    here = run(5, event="workflow_dispatch", created_at="2026-11-24T12:00:00Z")
    before = run(4, event="workflow_dispatch", created_at="2026-11-24T11:59:59Z")
    server.on(path, reply(200, runs(here, before), headers={"ETag": '"1"'}))
    async with client(server) as github:
        for _ in range(2):
            found = await github.dispatched(REPOSITORY, 7, NOW + timedelta(milliseconds=900))
            assert [one.id for one in found] == [5]
    assert all("if-none-match" not in asked.headers for asked in server.asked)
    assert server.asked[0].query["created"] == ">=2026-11-24T12:00:00Z"
    assert server.asked[0].query["event"] == "workflow_dispatch"


async def test_every_request_says_who_asks_and_for_which_version(server: RawGitHub) -> None:
    server.on(RUNS, reply(200, runs()))
    async with client(server, "ghp_a") as github:
        await github.runs(REPOSITORY)
    sent = server.asked[0].headers
    assert sent["accept"] == "application/vnd.github+json"
    assert sent["x-github-api-version"] == "2022-11-28"
    assert sent["user-agent"] == f"refactor-console/{__version__}"
    assert sent["authorization"] == "Bearer ghp_a"


async def test_pages_are_followed_as_far_as_asked_for_and_no_further(server: RawGitHub) -> None:
    def page(asked: Asked) -> Reply:
        number = int(asked.query.get("page", "1"))
        size = int(asked.query["per_page"])
        items = [run(1000 - (number - 1) * size - i) for i in range(size)]
        link = f'<{server.url}{RUNS}?per_page={size}&page={number + 1}>; rel="next"'
        return reply(200, runs(*items), headers={"Link": link} if number < 4 else {})

    server.on(RUNS, page)
    async with client(server) as github:
        some = await github.runs(REPOSITORY, limit=250)
        assert len(server.asked) == 3
        everything = await github.runs(REPOSITORY, limit=1000)
        few = await github.runs(REPOSITORY, limit=5)
    assert (len(some.runs), some.complete) == (250, False)
    assert (len(everything.runs), everything.complete) == (400, True)
    assert (len(few.runs), server.asked[-1].query["per_page"]) == (5, "5")


async def test_a_run_that_slips_onto_the_next_page_is_there_once(server: RawGitHub) -> None:
    link = f'<{server.url}{RUNS}?page=2>; rel="next"'
    server.on(RUNS, reply(200, runs(run(3), run(2)), headers={"Link": link}), reply(200, runs(run(2), run(1))))
    async with client(server) as github:
        assert [one.id for one in (await github.runs(REPOSITORY, limit=10)).runs] == [3, 2, 1]


async def test_a_next_page_without_a_usable_address_is_refused_in_a_sentence(server: RawGitHub) -> None:
    server.on(RUNS, reply(200, runs(run(3)), headers={"Link": '<http://[x>; rel="next"'}))
    async with client(server) as github:
        with pytest.raises(ConsoleError) as caught:
            await github.runs(REPOSITORY, limit=10)
    assert caught.value.problem.code == "redirect-refused"


async def test_the_next_page_of_an_unchanged_page_is_known(server: RawGitHub) -> None:
    link = f'<{server.url}{RUNS}?page=2>; rel="next"'
    server.on(RUNS, reply(200, runs(run(2)), headers={"Link": link, "ETag": '"1"'}), reply(200, runs(run(1))))
    async with client(server) as github:
        await github.runs(REPOSITORY, limit=10)
        server.on(RUNS, reply(304), reply(200, runs(run(0))))
        assert [one.id for one in (await github.runs(REPOSITORY, limit=10)).runs] == [2, 0]


async def test_an_enterprise_server_is_asked_below_its_base(server: RawGitHub) -> None:
    path = f"/api/v3{RUNS}"
    link = f'<{server.url}{path}?page=2>; rel="next"'
    server.on(path, reply(200, runs(run(2)), headers={"Link": link}), reply(200, runs(run(1))))
    server.on("/api/v3/repos/o/n/actions/runs/1/cancel", reply(202, {}))
    async with client(f"{server.url}/api/v3/") as github:
        assert len((await github.runs(REPOSITORY, limit=9)).runs) == 2
        await github.send(ApiRequest("POST", f"{RUNS}/1/cancel"))
    assert {asked.path.split("/repos")[0] for asked in server.asked} == {"/api/v3"}


async def test_no_more_than_eight_requests_are_under_way_at_once(server: RawGitHub) -> None:
    for number in range(20):
        server.on(f"{RUNS}/{number}", Reply(b"", hang=True))
    async with client(server) as github:
        asking = [asyncio.create_task(github.run(REPOSITORY, number)) for number in range(20)]
        await until(lambda: len(server.asked) >= 8, "eight requests came")
        assert len(server.asked) == 8
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)


async def test_a_dispatch_says_which_run_it_started_where_github_does(server: RawGitHub) -> None:
    path = "/repos/o/n/actions/workflows/7/dispatches"
    server.on(path, reply(200, {"workflow_run_id": 42, "run_url": "x"}), reply(204))
    request = ApiRequest("POST", path, '{"ref":"main","return_run_details":true}')
    async with client(server) as github:
        assert (await github.send(request)).run_id == 42
        assert (await github.send(request)).run_id is None
    assert server.asked[0].body == request.body.encode(), "what was previewed is what is sent"
    assert server.asked[0].headers["content-type"] == "application/json"


async def test_githubs_clock_is_read_from_its_answers(server: RawGitHub) -> None:
    ahead = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=5)
    server.on(RUNS, reply(200, runs(), headers={"Date": format_datetime(ahead, usegmt=True)}))
    async with client(server) as github:
        assert abs(github.now - datetime.now(UTC)) < timedelta(seconds=5)
        await github.runs(REPOSITORY)
        assert abs(github.now - ahead) < timedelta(seconds=5)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("2026-12-24 10:00:00 UTC", datetime(2026, 12, 24, 10, tzinfo=UTC)),
        ("2026-12-24 10:00:00 +0100", datetime(2026, 12, 24, 9, tzinfo=UTC)),
        ("never", None),
        ("", None),
    ],
)
async def test_the_account_says_when_its_token_expires(server: RawGitHub, said: str, expected: datetime | None) -> None:
    headers = {"X-OAuth-Scopes": "repo, read:packages", "github-authentication-token-expiration": said}
    server.on("/user", reply(200, {"login": "olga"}, headers=headers))
    async with client(server, "ghp_a") as github:
        account = await github.account()
    assert account.expires_at == expected
    assert (account.kind, account.scopes) == (TokenKind.CLASSIC, ("repo", "read:packages"))


async def test_a_fine_grained_token_has_no_scopes_to_list(server: RawGitHub) -> None:
    server.on("/user", reply(200, {"login": "olga"}, headers={"X-OAuth-Scopes": " "}))
    async with client(server, "github_pat_a") as github:
        assert (await github.account()).scopes is None
    async with client(server, "ghp_a") as github:
        assert (await github.account()).scopes == (), "a classic token without any says so"


async def test_scopes_are_still_known_when_an_unchanged_answer_does_not_repeat_them(server: RawGitHub) -> None:
    headers = {"X-OAuth-Scopes": "repo", "ETag": '"1"'}
    server.on("/user", reply(200, {"login": "olga"}, headers=headers), reply(304))
    async with client(server, "ghp_a") as github:
        assert [(await github.account()).scopes for _ in range(2)] == [("repo",), ("repo",)]


async def test_packages_of_a_person_are_found_where_an_organisations_are_not(server: RawGitHub) -> None:
    mine = {"name": "n/main", "repository": {"full_name": "O/N"}}
    linked_elsewhere = {"name": "n/x", "repository": {"full_name": "o/other"}}
    unlinked = {"name": "n"}
    server.on("/users/o/packages", reply(200, [mine, linked_elsewhere, unlinked, {"name": "nn"}]))
    server.on("/users/o/packages/container/n%2Fmain/versions", reply(200, []))
    async with client(server) as github:
        assert await github.packages("o", REPOSITORY) == ("n/main", "n")
        assert await github.package_versions("o", "n/main") == ()
    paths = [asked.path for asked in server.asked]
    assert paths == ["/orgs/o/packages", "/users/o/packages", "/users/o/packages/container/n%2Fmain/versions"]


# -- the cache


def test_the_cache_is_bounded_in_entries_and_bytes() -> None:
    cache = AnswerCache(entries=10, size=100_000)
    for number in range(50):
        cache.keep(Key("t", f"u{number}", "a", "w"), "x" * 100, {"etag": "1"})
    assert len(cache) == 10
    assert cache.get(Key("t", "u49", "a", "w")) is not None
    assert cache.get(Key("t", "u39", "a", "w")) is None
    for number in range(50):
        cache.keep(Key("t", f"v{number}", "a", "w"), "x" * 20_000, {"etag": "1"})
        assert cache.weight <= 100_000
    assert 0 < len(cache) < 10
    cache.keep(Key("t", "huge", "a", "w"), "x" * 90_000, {"etag": "1"})
    assert cache.get(Key("t", "huge", "a", "w")) is None, "one answer does not push out all others"


def test_the_least_recently_used_answer_goes_first() -> None:
    cache = AnswerCache(entries=2)
    one, two, three = (Key("t", name, "a", "w") for name in "123")
    cache.keep(one, 1, {"etag": "1"})
    cache.keep(two, 2, {"etag": "1"})
    assert cache.get(one) is not None
    cache.keep(three, 3, {"etag": "1"})
    assert cache.get(two) is None
    assert cache.get(one) is not None


@pytest.mark.parametrize("headers", [{}, {"etag": "1", "cache-control": "no-store"}])
def test_what_cannot_be_asked_for_again_is_not_kept(headers: dict[str, str]) -> None:
    cache = AnswerCache()
    key = Key("t", "u", "a", "w")
    cache.keep(key, 1, {"etag": "0"})
    cache.keep(key, 2, headers)
    assert cache.get(key) is None
    assert cache.weight == 0


def test_a_fingerprint_is_the_tokens_own_and_not_the_token() -> None:
    one, same, other = (fingerprint(Secret(text)) for text in ("ghp_a", "ghp_a", "ghp_b"))
    assert one == same != other
    assert "ghp" not in one
    assert fingerprint(None) != fingerprint(Secret(""))


@given(st.recursive(st.text() | st.integers() | st.none() | st.booleans(), lambda inner: st.lists(inner).map(tuple)))
def test_a_value_weighs_at_least_as_much_as_its_text(value: object) -> None:
    def characters(part: object) -> int:
        if isinstance(part, str):
            return len(part)
        return sum(map(characters, part)) if isinstance(part, tuple) else 0

    assert weigh(value) >= characters(value)


# -- the limits


def test_spending_counts_the_last_sixty_minutes_in_bounded_memory() -> None:
    spending = Spending()
    for minute in range(300):
        spending.add(NOW + timedelta(minutes=minute), free=minute % 2 == 0)
    assert spending.totals(NOW + timedelta(minutes=299)) == (30, 30)
    assert len(spending._minutes) <= 61
    assert spending.totals(NOW + timedelta(hours=9)) == (0, 0)


def test_a_304_is_free_only_for_who_is_signed_in() -> None:
    rates = RateLimits("host", lambda: NOW)
    headers = {name.lower(): value for name, value in limits().items()}
    rates.note(304, headers, authorised=True)
    rates.note(304, headers, authorised=False)
    assert rates.budget is not None
    assert (rates.budget.spent_here, rates.budget.free_here) == (1, 1)


def test_limits_of_another_resource_leave_the_budget_alone() -> None:
    rates = RateLimits("host", lambda: NOW)
    search = {name.lower(): value for name, value in limits(0, **{"X-RateLimit-Resource": "search"}).items()}
    rates.note(403, search, authorised=True)
    assert rates.limited(403, search, "API rate limit exceeded") is not None
    assert rates.budget is None
    assert rates.paused_until is None
    rates.check()


@given(
    st.integers(100, 599),
    st.dictionaries(
        st.sampled_from(["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "retry-after", "date"]),
        st.text(max_size=30) | st.integers(-(10**20), 10**20).map(str),
    ),
    st.text(max_size=40),
)
def test_no_headers_whatever_break_the_limits_or_pause_for_long(
    status: int, headers: dict[str, str], message: str
) -> None:
    rates = RateLimits("host", lambda: NOW)
    rates.note(status, headers, authorised=True)
    rates.limited(status, headers, message)
    if rates.paused_until is not None:
        assert rates.paused_until <= rates.now + timedelta(minutes=66)
    assert rates.budget is None or rates.budget.limit >= 0


def test_a_reset_in_another_century_pauses_for_little_more_than_an_hour() -> None:
    rates = RateLimits("host", lambda: NOW)
    far = limits(0, reset=datetime(2999, 1, 1, tzinfo=UTC))
    rates.note(200, {name.lower(): value for name, value in far.items()}, authorised=True)
    assert rates.paused_until == NOW + timedelta(minutes=65)
