"""Who we are on GitHub: one token, sent where it belongs and nowhere else, looked for when a person asks."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import replace
from pathlib import Path

import pytest

from refactor_console.adapters.registry import Registry
from refactor_console.demo.github_access import TOKEN
from refactor_console.demo.github_faults import Fault
from refactor_console.demo.registry import DemoRegistry
from refactor_console.demo.registry_content import content
from refactor_console.domain.images import ImageRepository
from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.services.github_link import Endpoints, GitHubLink, Identity, takes_token, three_ways
from refactor_console.settings.github import GitHubSettings
from tests.services.github_scene import BACK, ENTERPRISE, FRONT, PLATFORM, Wire, held, wired
from tests.services.hub_scene import Pocket

PUBLIC = Endpoints("https://api.github.com", "https://github.com", "https://ghcr.io")
SERVER = Endpoints("https://ghe.example.com/api/v3", "https://ghe.example.com", "https://containers.ghe.example.com")


def made(wire: Wire, pocket: Pocket, *, registry_url: str = "https://ghcr.io", device_flow: bool = False) -> GitHubLink:
    async def endpoints() -> Endpoints:
        return Endpoints(wire.url, "https://github.com", registry_url)

    return GitHubLink(
        PLATFORM, read_only=True, clock=wire.now, endpoints=endpoints, find=pocket.find, device_flow=device_flow
    )


async def problem_of(link: GitHubLink) -> Problem:
    with pytest.raises(ConsoleError) as caught:
        await link.api()
    return caught.value.problem


# -- whether there is a token


async def test_without_a_token_the_three_ways_to_sign_in_are_told_and_nobody_is_asked() -> None:
    async with wired() as wire:
        link = made(wire, Pocket(""), device_flow=True)
        problem = await problem_of(link)
        assert problem.code == "token-missing"
        assert problem.summary == "Nobody is signed in to GitHub."
        assert problem.remedy == "Set GH_TOKEN, or run `gh auth login`, or sign in here by a code; then ask again."
        assert wire.asked == []
        await link.close()


async def test_places_that_could_not_be_looked_at_are_told_with_it() -> None:
    async with wired() as wire:
        pocket = Pocket("")
        pocket.notices = (Problem("The system keyring is locked.", "Unlock it."),)
        link = made(wire, pocket)
        assert "The system keyring is locked. Unlock it." in (await problem_of(link)).detail
        await link.close()


@pytest.mark.parametrize(
    ("web_url", "variable", "command"),
    [
        ("https://github.com", "Set GH_TOKEN,", "`gh auth login`"),
        ("https://acme.ghe.com", "Set GH_TOKEN,", "`gh auth login --hostname acme.ghe.com`"),
        ("https://ghe.example.com", "Set GH_ENTERPRISE_TOKEN,", "`gh auth login --hostname ghe.example.com`"),
    ],
)
def test_the_ways_fit_the_github_that_is_configured(web_url: str, variable: str, command: str) -> None:
    told = three_ways(web_url, device_flow=False)
    assert variable in told
    assert command in told
    assert "oauth_client_id" in told


async def test_a_token_is_looked_for_once_however_many_ask() -> None:
    async with wired() as wire:
        pocket = Pocket()
        link = made(wire, pocket)
        clients = await asyncio.gather(*(link.api() for _ in range(5)), link.api_anyway())
        assert len({id(client) for client in clients}) == 1
        assert pocket.looks == 1
        await link.close()


async def test_looking_again_finds_a_token_that_was_not_there_and_wakes_who_waits() -> None:
    async with wired() as wire:
        pocket = Pocket("")
        link = made(wire, pocket)
        assert await link.credential() is None
        waiting = asyncio.create_task(link.changed.wait(60))
        await asyncio.sleep(0)
        pocket.token = TOKEN
        await link.look_again()
        assert await waiting
        assert (await (await link.api()).account()).login == "oncall-olga"
        looks = pocket.looks
        await link.look_again()
        assert pocket.looks == looks, "there is one, and it works"
        await link.close()


# -- a token that is refused


async def refused_link(wire: Wire, pocket: Pocket, **options: str) -> GitHubLink:
    link = made(wire, pocket, **options)  # type: ignore[arg-type]
    client = await link.api()
    wire.server.access.revoke(pocket.token)
    with pytest.raises(ConsoleError) as caught:
        await client.account()
    link.refused(caught.value.problem, client)
    return link


async def test_a_refused_token_is_not_sent_again() -> None:
    async with wired() as wire:
        link = await refused_link(wire, Pocket())
        asked = len(wire.asked)
        for _ in range(5):
            problem = await problem_of(link)
            assert problem.code == "token-refused"
            assert "does not accept the token" in problem.summary
            assert TOKEN not in f"{problem!r}"
        assert len(wire.asked) == asked
        await link.close()


async def test_looking_again_after_a_refusal_finds_the_new_token() -> None:
    async with wired() as wire:
        pocket = Pocket()
        link = await refused_link(wire, pocket)
        from refactor_console.demo.github_wire import Grant

        pocket.token = "ghp_new"
        wire.server.access.admit(Grant("ghp_new", "oncall-olga", ("repo",), may_write=True))
        await link.look_again()
        assert (await (await link.api()).account()).login == "oncall-olga"
        assert wire.tokens[-1] == "ghp_new"
        await link.close()


async def test_looking_again_after_a_refusal_asks_once_more_with_the_same_token_because_a_person_wants_it() -> None:
    async with wired() as wire:
        pocket = Pocket()
        link = await refused_link(wire, pocket)
        await link.look_again()
        client = await link.api()
        with pytest.raises(ConsoleError):
            await client.account()
        await link.close()


async def test_a_search_that_fails_does_not_let_the_refused_token_out_again() -> None:
    async with wired() as wire:
        pocket = Pocket()
        link = await refused_link(wire, pocket)

        async def broken(_: Endpoints) -> Identity:
            raise ConsoleError(Problem("The demo world did not start.", code="demo"))

        link._find = broken
        with pytest.raises(ConsoleError):
            await link.look_again()
        assert (await problem_of(link)).code == "token-refused"
        await link.close()


async def test_a_refusal_of_an_earlier_client_says_nothing_of_the_present_one() -> None:
    async with wired() as wire:
        pocket = Pocket()
        link = made(wire, pocket)
        old = await link.api()
        account = await old.account()
        await link.use(held("ghp_other"))
        await link.api()
        link.refused(Problem("No.", code="token-refused"), old)
        link.belongs_to(account, old)
        assert link.refusal is None
        assert link.account is None
        await link.api()
        await link.close()


async def test_single_sign_on_names_the_page_where_the_token_is_authorised() -> None:
    async with wired() as wire:
        link = made(wire, Pocket())
        wire.server.faults.order(Fault.SSO)
        with pytest.raises(ConsoleError) as caught:
            await (await link.api()).runs(BACK)
        problem = caught.value.problem
        assert problem.code == "sso-required"
        assert "single sign-on" in problem.summary
        assert "https://github.com/orgs/refactor-group/sso?authorization_request=DEMO" in problem.remedy
        await link.close()


# -- signing in, and the end


async def test_a_new_token_is_used_from_the_next_request_on_and_the_old_client_says_why_it_stopped() -> None:
    async with wired() as wire:
        link = made(wire, Pocket())
        old = await link.api()
        await old.account()
        wire.admit_rita()
        await link.use(held("rita-token"))
        new = await link.api()
        assert new is not old
        assert (await new.account()).login == "release-rita"
        assert link.account is None, "nobody is who they were before GitHub says so"
        with pytest.raises(ConsoleError) as caught:
            await old.account()
        assert caught.value.problem.code == "closed"
        await link.close()


async def test_no_answer_to_one_token_is_served_to_another() -> None:
    async with wired() as wire:
        from refactor_console.demo.github_wire import Grant

        link = made(wire, Pocket())
        drafts = [release for release in await (await link.api()).releases(BACK) if release.draft]
        assert drafts
        wire.server.access.admit(Grant("ghp_guest", "guest-greta", ()))
        await link.use(held("ghp_guest"))
        assert [release for release in await (await link.api()).releases(BACK) if release.draft] == []
        await link.close()


async def test_after_the_end_nobody_is_asked_and_closing_again_does_no_harm() -> None:
    async with wired() as wire:
        link = made(wire, Pocket())
        await (await link.api()).account()
        await link.close()
        await link.close()
        assert (await problem_of(link)).code == "closed"
        with pytest.raises(ConsoleError):
            await link.registry()


# -- GitHub Enterprise Server


async def test_an_enterprise_server_s_api_under_its_own_path_works_page_after_page() -> None:
    async with wired(prefix="/api/v3") as wire:
        await wire.control.do_github_add_runs({"count": 250, "repo": "backend"})

        async def endpoints() -> Endpoints:
            return Endpoints(wire.url, ENTERPRISE.web_url, "https://containers.ghe.example.com")

        link = GitHubLink(ENTERPRISE, read_only=True, clock=wire.now, endpoints=endpoints, find=Pocket().find)
        client = await link.api()
        assert (await client.account()).login == "oncall-olga"
        assert len((await client.runs(BACK, limit=300)).runs) == 300
        assert (await client.repository(FRONT)).default_branch == "main"
        assert all(request.target.startswith("/api/v3/") for request in wire.asked)
        await link.close()


def test_an_enterprise_server_is_configured_by_its_api_alone() -> None:
    platform = GitHubSettings(
        api_url="https://ghe.example.com/api/v3/", registry="containers.ghe.example.com"
    ).platform()
    assert platform.api_url == "https://ghe.example.com/api/v3"
    assert platform.web_url == "https://ghe.example.com"
    assert platform.registry_url == "https://containers.ghe.example.com"


# -- the registry


@pytest.mark.parametrize(
    ("where", "takes"),
    [
        (PUBLIC, True),
        (SERVER, True),
        (replace(PUBLIC, registry_url="https://registry.example.com"), False),
        (replace(PUBLIC, registry_url="https://ghcr.io.example.com"), False),
        (replace(PUBLIC, registry_url="https://evil.ghcr.io"), False),
        (replace(PUBLIC, registry_url="https://ghcr.io@evil.example.com"), False),
        (replace(PUBLIC, registry_url="http://127.0.0.1:5000"), False),
        (replace(SERVER, registry_url="https://ghcr.io"), False),
        (replace(SERVER, registry_url="https://containers.other.example.com"), False),
        (replace(PUBLIC, registry_url=""), False),
        (replace(SERVER, web_url="", registry_url="https://containers."), False),
        (Endpoints("http://127.0.0.1:1", "https://github.com", "http://127.0.0.1:2"), True),
    ],
)
def test_github_s_token_goes_to_github_s_own_registry_only(where: Endpoints, takes: bool) -> None:
    assert takes_token(where) is takes


async def credentials_sent(registry: DemoRegistry, link: GitHubLink) -> str:
    """Everything that the registry was told, with what hides in Basic authentication made plain."""
    client = await link.registry()
    assert isinstance(client, Registry)
    assert await client.tags(ImageRepository("ghcr.io", BACK.full_name), limit=1)
    told: list[str] = []
    for request in registry.requests:
        told.append(str(request.headers))
        scheme, _, rest = request.headers.get("authorization", "").partition(" ")
        if scheme == "Basic":
            told.append(base64.b64decode(rest).decode())
    return "\n".join(told)


async def test_a_registry_that_is_not_github_s_never_sees_the_token(tmp_path: Path) -> None:
    async with wired() as wire:
        registry = DemoRegistry(content(wire.server.platform.began_ns))
        await registry.start()

        async def elsewhere() -> Endpoints:
            return Endpoints("https://api.github.com", "https://github.com", registry.url)

        link = GitHubLink(PLATFORM, read_only=True, endpoints=elsewhere, find=Pocket("ghp_secret").find)
        told = await credentials_sent(registry, link)
        assert told
        assert "ghp_secret" not in told
        await link.close()
        await registry.stop()


async def test_github_s_own_registry_gets_the_token_until_github_refuses_it() -> None:
    """What is public is given to anybody: an expired token must not close the registry too."""
    async with wired() as wire:
        registry = DemoRegistry(content(wire.server.platform.began_ns))
        await registry.start()
        pocket = Pocket()
        link = made(wire, pocket, registry_url=registry.url)
        assert TOKEN in await credentials_sent(registry, link)
        client = await link.api()
        account = await client.account()
        link.refused(Problem("No.", code="token-refused"), client)
        registry.requests.clear()
        assert TOKEN not in await credentials_sent(registry, link)
        link.belongs_to(account, client)
        registry.requests.clear()
        assert TOKEN in await credentials_sent(registry, link)
        await link.close()
        await registry.stop()
