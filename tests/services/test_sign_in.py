"""Signing in by a code: from the code to a console that asks as somebody, with every way in which it can end."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringError

from refactor_console.adapters.credentials import SERVICE
from refactor_console.demo.github_access import TOKEN
from refactor_console.demo.github_wire import Grant
from refactor_console.domain.account import TokenKind, TokenSource
from refactor_console.domain.problem import ConsoleError
from refactor_console.domain.reading import Phase
from tests import warp_net
from tests.github_raw import RawGitHub, Reply, raw_github, reply
from tests.services.hub_scene import HubScene, Pocket, hubbed
from tests.waiting import until

# A session that ends while the contract is being asked for leaves questions that nobody began.

CODE, ACCESS = "/login/device/code", "/login/oauth/access_token"
GIVEN = "gho_0123456789abcdefSECRET"
STARTED = {
    "device_code": "device-SECRET",
    "user_code": "WDJB-MJHT",
    "verification_uri": "https://github.com/login/device",
    "expires_in": 900,
    "interval": 5,
}
PENDING = reply(200, {"error": "authorization_pending"})
DONE = reply(200, {"access_token": GIVEN, "token_type": "bearer", "scope": "repo"})


class Ring(KeyringBackend):
    """A keyring in memory."""

    priority = 1

    def __init__(self, failure: Exception | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.held: dict[tuple[str, str], str] = {}
        self.failure = failure

    def get_password(self, service: str, username: str) -> str | None:
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.failure is not None:
            raise self.failure
        self.held[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.held[service, username]


@pytest.fixture
def ring() -> Iterator[Ring]:
    before, made = keyring.get_keyring(), Ring()
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


@dataclass
class Scene:
    """A hub where nobody is signed in, beside a GitHub with the device flow."""

    hub: HubScene
    web: RawGitHub
    pocket: Pocket

    @property
    def polls(self) -> int:
        return self.web.count(ACCESS)


def played(
    scenario: Callable[[Scene], Awaitable[None]], directory: Path, *, token: str = "", client_id: str = "Iv1.demo"
) -> None:
    async def play() -> None:
        pocket = Pocket(token)
        async with (
            raw_github() as web,
            hubbed(
                directory, clock=warp_net.LoopClock(), find=pocket.find, client_id=client_id, web_url=web.url
            ) as hub,
        ):
            hub.wire.server.platform.history.active = False
            hub.wire.server.access.admit(
                Grant(GIVEN, "oncall-olga", ("repo", "read:packages", "security_events"), may_write=True)
            )
            web.on(CODE, reply(200, STARTED))
            await asyncio.sleep(5)
            await scenario(Scene(hub, web, pocket))

    warp_net.run(play())


async def problem_of(work: Awaitable[object]) -> Any:
    with pytest.raises(ConsoleError) as caught:
        await work
    told = "".join(traceback.format_exception(caught.value))
    assert GIVEN not in told
    assert "device-SECRET" not in told
    assert caught.value.problem.summary.endswith(".")
    return caught.value.problem


def test_from_a_code_to_a_console_that_asks_as_somebody(
    tmp_path: Path, ring: Ring, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    async def scenario(scene: Scene) -> None:
        scene.web.on(ACCESS, PENDING, PENDING, DONE)
        hub = scene.hub.hub
        assert hub.runs.reading.phase is Phase.OFF
        code = await hub.begin_sign_in()
        assert (code.user_code, code.verification_uri) == ("WDJB-MJHT", "https://github.com/login/device")
        assert "device-SECRET" not in repr(code)
        begun = asyncio.get_running_loop().time()
        account = await hub.finish_sign_in(code)
        assert asyncio.get_running_loop().time() - begun == pytest.approx(15, abs=1)
        assert (account.login, account.kind, account.source) == ("oncall-olga", TokenKind.OAUTH, TokenSource.KEYRING)
        assert list(ring.held.values()) == [GIVEN]
        assert {service for service, _ in ring.held} == {SERVICE}
        await asyncio.sleep(60)
        assert scene.hub.all_live
        assert {token for token in scene.hub.wire.tokens if token} == {GIVEN}
        for shown in (account, hub.account.reading, await scene.hub.link.credential(), scene.hub.link):
            assert GIVEN not in repr(shown)

    played(scenario, tmp_path)
    assert GIVEN not in caplog.text
    assert "device-SECRET" not in caplog.text
    assert all(GIVEN not in path.read_text() for path in tmp_path.rglob("*") if path.is_file())


def test_a_token_that_replaces_another_is_the_only_one_that_is_sent_from_then_on(tmp_path: Path, ring: Ring) -> None:
    async def scenario(scene: Scene) -> None:
        scene.web.on(ACCESS, DONE)
        await asyncio.sleep(60)
        code = await scene.hub.hub.begin_sign_in()
        await scene.hub.hub.finish_sign_in(code)
        await asyncio.sleep(1)
        asked = len(scene.hub.wire.asked)
        await asyncio.sleep(300)
        assert set(scene.hub.wire.tokens[asked:]) == {GIVEN}
        assert scene.hub.all_live

    played(scenario, tmp_path, token=TOKEN)


def test_slow_down_is_obeyed(tmp_path: Path, ring: Ring) -> None:
    async def scenario(scene: Scene) -> None:
        scene.web.on(ACCESS, reply(200, {"error": "slow_down", "interval": 30}), DONE)
        code = await scene.hub.hub.begin_sign_in()
        begun = asyncio.get_running_loop().time()
        await scene.hub.hub.finish_sign_in(code)
        assert asyncio.get_running_loop().time() - begun == pytest.approx(35, abs=1)

    played(scenario, tmp_path)


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (reply(200, {"error": "expired_token"}), "device-expired", "expired before it was entered"),
        (reply(200, {"error": "access_denied"}), "device-denied", "refused by the person"),
        (reply(200, {"error": "incorrect_client_credentials"}), "device-refused", "does not let this console sign in"),
        (PENDING, "device-expired", "expired before it was entered"),
    ],
    ids=["expired", "denied", "refused", "never entered"],
)
def test_each_other_end_is_one_sentence_and_leaves_nobody_signed_in(
    tmp_path: Path, ring: Ring, answer: Reply, code: str, words: str
) -> None:
    async def scenario(scene: Scene) -> None:
        scene.web.on(ACCESS, answer)
        hub = scene.hub.hub
        given = await hub.begin_sign_in()
        problem = await problem_of(hub.finish_sign_in(given))
        assert problem.code == code
        assert words in problem.summary
        assert ring.held == {}
        await asyncio.sleep(30)
        assert hub.runs.reading.phase is Phase.OFF
        assert [token for token in scene.hub.wire.tokens if token] == []
        polls = scene.polls
        await asyncio.sleep(120)
        assert scene.polls == polls, "nobody goes on asking"
        assert (await problem_of(hub.finish_sign_in(given))).code == "device-expired"

    played(scenario, tmp_path)


def test_a_person_who_gives_up_ends_the_asking_and_can_start_again(tmp_path: Path, ring: Ring) -> None:
    async def scenario(scene: Scene) -> None:
        scene.web.on(ACCESS, PENDING)
        hub = scene.hub.hub
        task = asyncio.create_task(hub.finish_sign_in(await hub.begin_sign_in()))
        await asyncio.sleep(12)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        polls = scene.polls
        await asyncio.sleep(60)
        assert scene.polls == polls == 2
        assert ring.held == {}
        scene.web.on(ACCESS, DONE)
        assert (await hub.finish_sign_in(await hub.begin_sign_in())).login == "oncall-olga"

    played(scenario, tmp_path)


def test_a_second_sign_in_gives_the_first_up_and_is_not_disturbed_by_its_end(tmp_path: Path, ring: Ring) -> None:
    async def scenario(scene: Scene) -> None:
        second = {**STARTED, "device_code": "device-2", "user_code": "AAAA-BBBB"}
        scene.web.on(CODE, reply(200, STARTED), reply(200, second))
        scene.web.on(ACCESS, PENDING)
        hub = scene.hub.hub
        first = asyncio.create_task(hub.finish_sign_in(await hub.begin_sign_in()))
        await asyncio.sleep(7)
        code = await hub.begin_sign_in()
        await asyncio.sleep(1)
        assert first.done(), "it waits for nothing any more"
        assert (await problem_of(first)).code == "device-expired"
        asked = len(scene.web.asked)
        scene.web.on(ACCESS, PENDING, DONE)
        assert (await hub.finish_sign_in(code)).login == "oncall-olga"
        later = [parse_qs(request.body.decode())["device_code"] for request in scene.web.asked[asked:]]
        assert later == [["device-2"], ["device-2"]]

    played(scenario, tmp_path)


def test_the_code_of_an_earlier_sign_in_is_not_waited_for(tmp_path: Path, ring: Ring) -> None:
    async def scenario(scene: Scene) -> None:
        scene.web.on(ACCESS, DONE)
        hub = scene.hub.hub
        old = await hub.begin_sign_in()
        new = await hub.begin_sign_in()
        assert (await problem_of(hub.finish_sign_in(old))).code == "device-expired"
        assert (await hub.finish_sign_in(new)).login == "oncall-olga"

    played(scenario, tmp_path)


def test_closing_the_console_ends_a_sign_in_that_waits(tmp_path: Path, ring: Ring) -> None:
    async def scenario(scene: Scene) -> None:
        scene.web.on(ACCESS, PENDING)
        hub = scene.hub.hub
        task = asyncio.create_task(hub.finish_sign_in(await hub.begin_sign_in()))
        await asyncio.sleep(7)
        await hub.close()
        await asyncio.sleep(1)
        assert task.done()
        await problem_of(task)

    played(scenario, tmp_path)


@pytest.mark.parametrize(
    "failure", [KeyringError(f"no room for {GIVEN}"), RuntimeError(f"D-Bus says {GIVEN}")], ids=["keyring", "library"]
)
def test_a_keyring_that_fails_leaves_the_token_for_this_session_and_says_so(
    tmp_path: Path, ring: Ring, failure: Exception
) -> None:
    ring.failure = failure

    async def scenario(scene: Scene) -> None:
        scene.web.on(ACCESS, DONE)
        hub = scene.hub.hub
        problem = await problem_of(hub.finish_sign_in(await hub.begin_sign_in()))
        assert problem.code == "keyring-failed"
        assert problem.summary == (
            "Signed in as oncall-olga, but only until the console ends: The system keyring failed."
        )
        assert GIVEN not in repr(problem)
        await asyncio.sleep(60)
        assert scene.hub.all_live
        credential = await scene.hub.link.credential()
        assert credential is not None
        assert credential.source is TokenSource.SESSION

    played(scenario, tmp_path)


def test_a_token_that_github_then_refuses_is_said_and_not_used_on(tmp_path: Path, ring: Ring) -> None:
    async def scenario(scene: Scene) -> None:
        scene.hub.wire.server.access.revoke(GIVEN)
        scene.web.on(ACCESS, DONE)
        hub = scene.hub.hub
        problem = await problem_of(hub.finish_sign_in(await hub.begin_sign_in()))
        assert problem.code == "token-refused"
        await asyncio.sleep(10)
        sent = len([token for token in scene.hub.wire.tokens if token])
        await asyncio.sleep(600)
        assert len([token for token in scene.hub.wire.tokens if token]) == sent

    played(scenario, tmp_path)


def test_without_a_client_id_the_other_ways_are_told_and_nobody_is_asked(tmp_path: Path, ring: Ring) -> None:
    async def scenario(scene: Scene) -> None:
        problem = await problem_of(scene.hub.hub.begin_sign_in())
        assert problem.code == "no-client-id"
        assert "GH_TOKEN" in problem.remedy
        assert "oauth_client_id" in problem.remedy
        assert scene.web.asked == []

    played(scenario, tmp_path, client_id="")


def test_an_app_without_the_device_flow_names_the_setting(tmp_path: Path, ring: Ring) -> None:
    async def scenario(scene: Scene) -> None:
        scene.web.on(CODE, reply(200, {"error": "device_flow_disabled"}))
        problem = await problem_of(scene.hub.hub.begin_sign_in())
        assert "oauth_client_id" in problem.remedy

    played(scenario, tmp_path)


async def test_the_keyring_is_found_again_by_the_next_console(ring: Ring, monkeypatch: pytest.MonkeyPatch) -> None:
    from refactor_console.services.github_link import Endpoints, find_own

    for name in ("GH_TOKEN", "GITHUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    ring.held[SERVICE, "api.github.com"] = GIVEN
    found = await find_own(Endpoints("https://api.github.com", "https://github.com", "https://ghcr.io"))
    assert found.credential is not None
    assert found.credential.token.reveal() == GIVEN
    assert GIVEN not in repr(found)
    await until(lambda: True, "the keyring's thread has ended")
