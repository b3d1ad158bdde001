"""Signing in by a code: RFC 8628 as GitHub speaks it, with every way it can end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pytest
import pytest_asyncio

from refactor_console.adapters import github_errors as errors
from refactor_console.adapters.device_flow import DeviceFlow
from tests.github_raw import RawGitHub, Reply, raw_github, reply

CODE, TOKEN = "/login/device/code", "/login/oauth/access_token"
STARTED = {
    "device_code": "dev-1",
    "user_code": "WDJB-MJHT",
    "verification_uri": "https://github.com/login/device",
    "expires_in": 900,
    "interval": 5,
}
PENDING = reply(200, {"error": "authorization_pending"})
DONE = reply(200, {"access_token": "gho_new", "token_type": "bearer", "scope": "repo"})


class Time:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 24, 12, tzinfo=UTC)
        self.slept: list[float] = []

    def clock(self) -> datetime:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[RawGitHub]:
    async with raw_github() as started:
        started.on(CODE, reply(200, STARTED))
        yield started


@pytest.fixture
def time() -> Time:
    return Time()


@pytest_asyncio.fixture
async def flow(server: RawGitHub, time: Time) -> AsyncIterator[DeviceFlow]:
    made = DeviceFlow(server.url, "Iv1.demo", scopes=("repo", "read:packages"), clock=time.clock, sleep=time.sleep)
    yield made
    await made.close()


async def test_the_code_is_shown_and_the_token_comes_when_it_was_entered(
    server: RawGitHub, flow: DeviceFlow, time: Time
) -> None:
    server.on(TOKEN, PENDING, PENDING, DONE)
    code = await flow.start()
    assert (code.user_code, code.verification_uri) == ("WDJB-MJHT", "https://github.com/login/device")
    assert code.expires_at == time.now + timedelta(seconds=900)
    assert "dev-1" not in repr(code)
    assert (await flow.token(code)).reveal() == "gho_new"
    assert time.slept == [5, 5, 5], "never asked before the interval is over"
    first, *polls = server.asked
    assert parse_qs(first.body.decode()) == {"client_id": ["Iv1.demo"], "scope": ["repo read:packages"]}
    assert parse_qs(polls[-1].body.decode()) == {
        "client_id": ["Iv1.demo"],
        "device_code": ["dev-1"],
        "grant_type": ["urn:ietf:params:oauth:grant-type:device_code"],
    }
    assert all(asked.headers["accept"] == "application/json" for asked in server.asked)


async def test_slow_down_is_obeyed(server: RawGitHub, flow: DeviceFlow, time: Time) -> None:
    server.on(TOKEN, reply(200, {"error": "slow_down"}), reply(200, {"error": "slow_down", "interval": 30}), DONE)
    await flow.token(await flow.start())
    assert time.slept == [5, 10, 30]


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("expired_token", "device-expired"),
        ("access_denied", "device-denied"),
        ("incorrect_device_code", "device-refused"),
        ("unsupported_grant_type", "device-refused"),
        ("something_new", "device-refused"),
    ],
)
async def test_each_end_has_its_own_code(server: RawGitHub, flow: DeviceFlow, word: str, code: str) -> None:
    server.on(TOKEN, reply(200, {"error": word, "error_description": "words"}))
    with pytest.raises(errors.SignInFailed) as caught:
        await flow.token(await flow.start())
    assert caught.value.problem.code == code


async def test_nobody_waits_longer_than_the_code_lives(server: RawGitHub, flow: DeviceFlow, time: Time) -> None:
    server.on(TOKEN, PENDING)
    with pytest.raises(errors.SignInFailed) as caught:
        await flow.token(await flow.start())
    assert caught.value.problem.code == "device-expired"
    assert sum(time.slept) == 900


async def test_a_github_out_of_reach_is_asked_again_less_often(server: RawGitHub, flow: DeviceFlow, time: Time) -> None:
    server.on(TOKEN, Reply(b""), reply(502, body=b"<html>", kind="text/html"), PENDING, DONE)
    assert (await flow.token(await flow.start())).reveal() == "gho_new"
    assert time.slept == [5, 10, 20, 20]


async def test_without_a_client_id_nothing_is_asked(server: RawGitHub) -> None:
    with pytest.raises(errors.SignInFailed) as caught:
        await DeviceFlow(server.url, "").start()
    assert caught.value.problem.code == "no-client-id"
    assert server.asked == []


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (reply(200, {"error": "device_flow_disabled"}), "device-refused"),
        (reply(404, body=b"<html>Not Found</html>", kind="text/html"), "device-refused"),
        (reply(200, {"error": "unauthorized_client"}), "device-refused"),
        (reply(200, {**STARTED, "user_code": 5}), "schema-drift"),
        (reply(200, {**STARTED, "interval": "x"}), "schema-drift"),
        (reply(200, {**STARTED, "verification_uri": "http://evil.example/"}), "schema-drift"),
        (reply(200, ["list"]), "schema-drift"),
        (reply(200, body=b"{"), "malformed"),
        (reply(200, body=b"<html>portal", kind="text/html"), "not-json"),
        (reply(500), "server-error"),
    ],
)
async def test_a_bad_start_says_what_is_wrong(server: RawGitHub, flow: DeviceFlow, answer: Reply, code: str) -> None:
    server.on(CODE, answer)
    with pytest.raises(errors.GitHubError) as caught:
        await flow.start()
    assert caught.value.problem.code == code


async def test_a_code_in_the_clear_is_not_asked_for() -> None:
    with pytest.raises(errors.GitHubUnreachable) as caught:
        await DeviceFlow("http://ghe.example.invalid", "Iv1.demo").start()
    assert caught.value.problem.code == "insecure"
