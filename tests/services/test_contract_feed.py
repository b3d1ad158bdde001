"""The environment contract against the demo world: which ref, what each part says, what is not said, and no value."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from refactor_console.demo.github_access import LOGIN
from refactor_console.demo.github_faults import Fault
from refactor_console.demo.github_wire import Grant
from refactor_console.domain.contract import EnvironmentContract, FindingKind, NameKind, Place, SourceName
from refactor_console.domain.environment import Environment, SshTarget
from refactor_console.domain.problem import ConsoleError
from refactor_console.domain.reading import Phase
from refactor_console.domain.repos import Repository
from refactor_console.services.contract_feed import NOTHING_WRITTEN
from refactor_console.services.github_parts import HostEnv
from tests.services.guard_world import NO_FILE, GuardWorld, Host, contract_scene, guard_world
from tests.waiting import until

GITHUB = [source for source in SourceName if source is not SourceName.HOST]
NAMES_AT_GITHUB = [source for source in GITHUB if source not in (SourceName.WORKFLOW, SourceName.COMPOSE)]


NOT_IMPORTANT = datetime(2026, 3, 14, tzinfo=UTC)


@pytest_asyncio.fixture
async def world() -> AsyncIterator[GuardWorld]:
    async with guard_world() as found:
        yield found


def kinds(board: EnvironmentContract, name: str) -> set[FindingKind]:
    return {finding.kind for row in board.rows for finding in row.findings if finding.name == name}


def names(board: EnvironmentContract, kind: FindingKind) -> set[str]:
    return {finding.name for finding in board.findings if finding.kind is kind}


def env_of(board: EnvironmentContract, *empty: str, without: tuple[str, ...] = ()) -> bytes:
    """A file as the workflow would write it, some names empty, some not there."""
    written = {name for row in board.rows for name in row.written_as} - set(without)
    lines = [f"{name}=" if name in empty else f"{name}=v-{name.lower()}" for name in sorted(written)]
    return "\n".join(lines).encode()


async def test_the_commit_that_runs_is_the_one_that_is_read(world: GuardWorld) -> None:
    world.deployed = world.head
    async with contract_scene(world) as scene:
        board = await scene.known()
        assert (board.ref, board.deployed) == (world.head, True)
        assert board.ref_note == "This is the commit that runs now."
        assert world.head[:12] in scene.source(SourceName.WORKFLOW).note


async def test_while_nobody_knows_what_runs_the_default_branch_is_read_and_that_is_said(world: GuardWorld) -> None:
    async with contract_scene(world) as scene:
        board = await scene.known()
        assert (board.ref, board.deployed) == ("main", False)
        assert board.ref_note == "Which commit runs is not known, so main was read."
        assert scene.source(SourceName.WORKFLOW).problem is None


async def test_a_commit_that_github_has_not_got_is_said_and_the_default_branch_read(world: GuardWorld) -> None:
    world.deployed = "d" * 40
    async with contract_scene(world) as scene:
        board = await scene.known()
        assert (board.ref, board.deployed) == ("main", False)
        assert "dddddddddddd" in board.ref_note
        assert "main was read" in board.ref_note


async def test_when_another_commit_is_known_to_run_it_is_read_at_once(world: GuardWorld) -> None:
    feed = world.contract_feed()
    boards = feed.boards()
    first = await anext(boards)
    assert not first.deployed
    following = asyncio.ensure_future(anext(boards))
    await asyncio.sleep(0)
    world.deployed = world.head
    while not following.done():
        feed.deployed_changed()
        await asyncio.sleep(0.01)
    assert (await following).ref == world.head
    world.deployed = ""  # as while it restarts
    feed.deployed_changed()
    assert not feed._is_behind()


async def test_a_commit_that_became_known_during_the_look_is_read_next_without_a_wait(world: GuardWorld) -> None:
    feed = world.contract_feed()
    boards = feed.boards()
    await anext(boards)
    world.deployed = world.head
    assert (await asyncio.wait_for(anext(boards), 20)).deployed


async def test_names_of_every_place_are_told_with_their_age(world: GuardWorld) -> None:
    async with contract_scene(world) as scene:
        await scene.known()
        assert [d.place for d in scene.row("POSTGRES_PASSWORD").defined] == [Place.ENVIRONMENT]
        assert [d.place for d in scene.row("TS_OAUTH_SECRET").defined] == [Place.ORGANISATION]
        assert [d.place for d in scene.row("GHCR_PAT").defined] == [Place.REPOSITORY]
        assert scene.row("GHCR_PAT").age_days == 412
        assert scene.row("RUST_ENV").kind is NameKind.VARIABLE
        assert all(report.problem is None for report in scene.board.sources)
        assert len(scene.board.sources) == len(SourceName)


async def test_flaws_of_the_demo_are_found(world: GuardWorld) -> None:
    async with contract_scene(world) as scene:
        board = await scene.known()
        assert names(board, FindingKind.MISSING_ON_GITHUB) == {
            "RECALL_AI_WEBHOOK_SECRET",
            "SESSION_REMINDER_POLL_MINUTES",
        }
        assert names(board, FindingKind.UNUSED) == {"SLACK_WEBHOOK_URL", "LEGACY_SMTP_HOST"}
        assert names(board, FindingKind.ROTATION_DUE) >= {"GHCR_PAT", "DO_SSH_KEY", "ENCRYPTION_KEY"}
        assert FindingKind.ROTATION_DUE not in kinds(board, "RESEND_API_KEY")


async def test_the_rotation_policy_is_the_configuration_s(world: GuardWorld) -> None:
    world.platform = replace(world.platform, rotation_days=200)
    async with contract_scene(world) as scene:
        board = await scene.known()
        assert names(board, FindingKind.ROTATION_DUE) == {"GHCR_PAT", "DO_SSH_KEY"}


async def test_a_full_file_lacks_nothing_an_empty_value_is_found_and_so_is_a_name_that_is_gone(
    world: GuardWorld,
) -> None:
    async with contract_scene(world) as scene:
        board = await scene.known()
        assert names(board, FindingKind.MISSING_ON_HOST), "the file is empty"
        world.host.env = env_of(board)
        board = await scene.look_again()
        assert names(board, FindingKind.MISSING_ON_HOST) == set()
        assert names(board, FindingKind.EMPTY_ON_HOST) == set()
        assert "names, written 2026-11-23 12:00 UTC." in scene.source(SourceName.HOST).note
        world.host.env = env_of(board, "POSTGRES_PASSWORD", without=("POSTGRES_USER",))
        board = await scene.look_again()
        assert names(board, FindingKind.EMPTY_ON_HOST) == {"POSTGRES_PASSWORD"}
        assert names(board, FindingKind.MISSING_ON_HOST) == {"POSTGRES_USER"}
        assert world.host.asked[-1] == "/home/deploy/.env"


async def test_a_missing_file_is_a_problem_and_not_a_hundred_missing_names(world: GuardWorld) -> None:
    world.host.env = None
    async with contract_scene(world) as scene:
        board = await scene.known()
        assert scene.source(SourceName.HOST).problem == NO_FILE
        assert names(board, FindingKind.MISSING_ON_HOST) == set()
        assert not any(row.host_known for row in board.rows)
        assert scene.feed.reading.phase is Phase.LIVE


async def test_what_changed_after_the_last_deploy_is_found(world: GuardWorld) -> None:
    async with contract_scene(world) as scene:
        board = await scene.known()
        world.host.env = env_of(board)
        assert names(await scene.look_again(), FindingKind.STALE_ON_HOST) == {"RESEND_API_KEY"}
        world.host.written_at = world.now() - timedelta(hours=1)
        assert names(await scene.look_again(), FindingKind.STALE_ON_HOST) == set()


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("actions/secrets", SourceName.REPOSITORY_SECRETS),
        ("environments/production/secrets", SourceName.ENVIRONMENT_SECRETS),
        ("organization-secrets", SourceName.ORGANISATION_SECRETS),
    ],
)
async def test_no_secret_is_missing_while_one_place_cannot_be_read(
    world: GuardWorld, path: str, source: SourceName
) -> None:
    world.github.faults.order(Fault.STATUS, path=path, value=403)
    async with contract_scene(world) as scene:
        board = await scene.known()
        problem = scene.source(source).problem
        assert problem is not None
        assert problem.code == "not-permitted"
        assert names(board, FindingKind.MISSING_ON_GITHUB) == {"SESSION_REMINDER_POLL_MINUTES"}, "variables are known"


async def test_a_token_that_may_not_is_told_what_it_lacks_for_each_source(world: GuardWorld) -> None:
    world.token = "github_pat_demo"
    async with contract_scene(world) as scene:
        await scene.known()
        for source in (SourceName.ENVIRONMENT_SECRETS, SourceName.ENVIRONMENT_VARIABLES):
            problem = scene.source(source).problem
            assert problem is not None
            assert "Environments: read" in problem.summary
        assert scene.source(SourceName.REPOSITORY_SECRETS).problem is None


async def test_a_classic_token_without_the_scope_is_told_its_name(world: GuardWorld) -> None:
    world.github.access.admit(Grant("ghp_poor", LOGIN, ("read:org",)))
    world.token = "ghp_poor"
    async with contract_scene(world) as scene:
        board = await scene.known()
        for source in NAMES_AT_GITHUB:
            problem = scene.source(source).problem
            assert problem is not None
            assert "it lacks the scope repo" in problem.summary
        assert names(board, FindingKind.MISSING_ON_GITHUB) == set()
        assert scene.source(SourceName.WORKFLOW).problem is None, "the repository is public"


async def test_without_the_workflow_nothing_is_called_never_written_or_unused(world: GuardWorld) -> None:
    world.platform = replace(world.platform, deploy_workflow=".github/workflows/none.yml")
    async with contract_scene(world) as scene:
        board = await scene.known()
        problem = scene.source(SourceName.WORKFLOW).problem
        assert problem is not None
        assert problem.code == "not-found"
        for kind in (FindingKind.NEVER_WRITTEN, FindingKind.UNUSED, FindingKind.MISSING_ON_GITHUB):
            assert names(board, kind) == set()
        assert scene.row("GHCR_PAT").used_by_workflow is None


async def test_without_the_compose_file_nothing_is_called_unread(world: GuardWorld) -> None:
    world.platform = replace(world.platform, compose_file="none.yaml")
    async with contract_scene(world) as scene:
        board = await scene.known()
        assert scene.source(SourceName.COMPOSE).problem is not None
        assert names(board, FindingKind.NOT_READ) == set()
        assert all(row.read_by_compose is None for row in board.rows)


class Rewritten:
    """The client, with one file of the repository rewritten."""

    def __init__(self, world: GuardWorld, path: str, text: str) -> None:
        self._world, self._path, self._text = world, path, text
        self._ask = world.api
        world.api = self.api  # type: ignore[assignment, method-assign]

    async def api(self) -> Rewritten:
        self._client = await self._ask()
        return self

    def __getattr__(self, name: str) -> object:
        return getattr(self._client, name)

    async def file(self, repository: Repository, path: str, ref: str) -> str:
        return self._text if path == self._path else await self._client.file(repository, path, ref)


async def test_keys_that_are_only_known_when_it_runs_are_said_and_nothing_is_unused(world: GuardWorld) -> None:
    text = "jobs:\n  a:\n    x_unheard_of: [1]\n    steps:\n      - run: echo ${{ secrets[inputs.which] }} > .env\n"
    Rewritten(world, world.platform.deploy_workflow, text)
    async with contract_scene(world) as scene:
        board = await scene.known()
        report = scene.source(SourceName.WORKFLOW)
        assert report.problem is None
        assert report.cautions == (
            NOTHING_WRITTEN,
            "secrets[inputs.which] is only known when the workflow runs.",
        )
        assert names(board, FindingKind.UNUSED) == set()
        assert names(board, FindingKind.NEVER_WRITTEN) == set()


async def test_a_workflow_that_hands_every_secret_on_makes_none_unused(world: GuardWorld) -> None:
    text = "jobs:\n  a:\n    uses: ./.github/workflows/b.yml\n    secrets: inherit\n"
    Rewritten(world, world.platform.deploy_workflow, text)
    async with contract_scene(world) as scene:
        board = await scene.known()
        assert any("secrets: inherit" in said for said in scene.source(SourceName.WORKFLOW).cautions)
        assert names(board, FindingKind.UNUSED) == set()


async def test_lines_that_compose_would_refuse_are_said_by_number_only(world: GuardWorld) -> None:
    world.host.env = b"A=1\nhunter2 hunter3=x\nKEY=-----BEGIN RSA-----\nQUJDREVGRw==\n-----END RSA-----\n"
    async with contract_scene(world) as scene:
        await scene.known()
        cautions = scene.source(SourceName.HOST).cautions
        assert [said.partition(":")[0] for said in cautions] == ["Line 2", "Line 3"]
        assert not any("hunter" in said or "QUJD" in said for said in cautions)


async def test_the_feed_fails_only_when_nothing_of_github_could_be_read_and_keeps_what_it_had(
    world: GuardWorld,
) -> None:
    async with contract_scene(world) as scene:
        before = await scene.known()
        await world.github.http.stop()
        world.pace.wake()
        await until(lambda: scene.feed.reading.phase is Phase.FAILED, "the failure is told")
        assert scene.feed.reading.value == before
        await world.github.http.start()
        await until(lambda: scene.feed.reading.phase is Phase.LIVE, "it is live again")


async def test_no_value_of_host_or_variable_is_in_the_board(world: GuardWorld) -> None:
    world.host.env = b"POSTGRES_PASSWORD=hunter2-of-the-host\nRUST_ENV='hunter3\nof two lines'\nX=hunter4 # hunter5\n"
    async with contract_scene(world) as scene:
        told = repr(await scene.known()) + str(scene.feed.reading)
        assert "hunter" not in told
        assert "of two lines" not in told
        assert "demo-" not in told, "values of the demo's variables"
        assert "refactor-platform-rs:stable" not in told


VALUES = st.one_of(
    st.binary(min_size=6, max_size=40).map(lambda raw: base64.b64encode(raw).decode()),
    st.text(min_size=1, max_size=20).map(lambda text: text.replace("\n", " ")),
).map(lambda text: f"Vq{text}qV")
FILES = st.lists(st.tuples(st.sampled_from("ABCDE"), st.sampled_from("'\" "), VALUES), max_size=8)


@given(FILES, st.binary(max_size=20).map(lambda raw: raw.replace(b"Vq", b"").replace(b"qV", b"")))
def test_no_value_is_in_what_the_host_s_file_becomes(lines: list[tuple[str, str, str]], rubbish: bytes) -> None:
    text = "\n".join(f"{name}={quote.strip()}{value}{quote.strip()}" for name, quote, value in lines)
    host = Host(text.encode("utf-8", "surrogatepass") + b"\n" + rubbish, NOT_IMPORTANT)

    async def connection() -> Host:
        return host

    env = HostEnv(connection, Environment("production", SshTarget("droplet")))
    told = repr(asyncio.run(env.read()))
    assert "Vq" not in told
    assert "qV" not in told


@given(st.sampled_from(["read_file", "modified_at"]), VALUES)
def test_no_value_is_in_what_a_failed_read_raises(method: str, value: str) -> None:
    async def fails(*_: object) -> bytes:
        raise ConsoleError(NO_FILE)

    host = Host(f"A={value}".encode("utf-8", "surrogatepass"), NOT_IMPORTANT)
    setattr(host, method, fails)

    async def connection() -> Host:
        return host

    env = HostEnv(connection, Environment("production", SshTarget("droplet")))
    with pytest.raises(ConsoleError) as caught:
        asyncio.run(env.read())
    assert "Vq" not in repr((caught.value, caught.value.problem, caught.value.__cause__, caught.value.args))


async def test_the_hash_tells_equal_values_within_a_session_and_nothing_across(world: GuardWorld) -> None:
    host = Host(b"A=same\nB=same\nC=other\n", world.now())

    async def connection() -> Host:
        return host

    first, second = (HostEnv(connection, world.environment) for _ in range(2))
    one = {name.name: name.digest for name in (await first.read()).names}
    assert one["A"] == one["B"] != one["C"]
    assert one != {name.name: name.digest for name in (await second.read()).names}, "the key is made anew"
    assert one == {name.name: name.digest for name in (await first.read()).names}
