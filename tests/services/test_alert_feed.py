"""Security alerts against the demo world: off, hidden and unknown told apart, and nothing forgotten in an outage."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from refactor_console.demo.github_access import LOGIN
from refactor_console.demo.github_faults import Fault
from refactor_console.demo.github_wire import Grant
from refactor_console.domain.alerts import AlertBoard, Guard, GuardReport, GuardState, Severity
from refactor_console.domain.reading import Phase
from refactor_console.domain.repos import Repository
from tests.services.guard_world import PLATFORM, GuardWorld, alert_scene, guard_world
from tests.waiting import until

BACKEND, FRONTEND = PLATFORM.backend, PLATFORM.frontend


@pytest_asyncio.fixture
async def world() -> AsyncIterator[GuardWorld]:
    async with guard_world() as found:
        yield found


def report(board: AlertBoard, repository: Repository, guard: Guard) -> GuardReport:
    return next(r for r in board.reports if (r.repository, r.guard) == (repository, guard))


def states(board: AlertBoard, repository: Repository) -> list[GuardState]:
    return [report(board, repository, guard).state for guard in Guard]


async def test_on_off_and_hidden_guards_are_told_apart(world: GuardWorld) -> None:
    async with alert_scene(world) as scene:
        board = await scene.until(lambda _: True, "a board")
        assert states(board, BACKEND) == [GuardState.ON, GuardState.OFF, GuardState.NOT_PERMITTED]
        assert states(board, FRONTEND) == [GuardState.ON, GuardState.OFF, GuardState.OFF]
        assert "has never analysed" in report(board, FRONTEND, Guard.CODE_SCANNING).sentence, "a 404, and not hidden"
        assert "not enabled" in report(board, BACKEND, Guard.CODE_SCANNING).sentence, "a 403, and not hidden"
        hidden = report(board, BACKEND, Guard.SECRET_SCANNING)
        assert "security_events" in hidden.sentence
        assert "whether the guard is on is not known" in hidden.sentence


async def test_open_alerts_are_held_worst_first_and_closed_ones_are_not(world: GuardWorld) -> None:
    async with alert_scene(world) as scene:
        board = await scene.until(lambda _: True, "a board")
        assert [alert.severity for alert in board.alerts] == [Severity.CRITICAL, Severity.HIGH, Severity.LOW]
        first = board.alerts[0]
        assert (first.repository, first.number, first.where) == (FRONTEND, 41, "package-lock.json")
        assert first.remedy == "Update next to 15.5.4 or newer."
        assert first.html_url.startswith("https://github.com/")
        assert all(r.complete for r in board.reports)


async def test_a_fine_grained_token_is_told_which_permission_each_guard_takes(world: GuardWorld) -> None:
    world.token = "github_pat_demo"
    async with alert_scene(world) as scene:
        board = await scene.until(lambda _: True, "a board")
        assert states(board, FRONTEND) == [GuardState.NOT_PERMITTED] * 3
        words = {guard: report(board, FRONTEND, guard).sentence for guard in Guard}
        assert "Dependabot alerts: read" in words[Guard.DEPENDABOT]
        assert "Code scanning alerts: read" in words[Guard.CODE_SCANNING]
        assert "Secret scanning alerts: read" in words[Guard.SECRET_SCANNING]
        assert board.alerts == ()


async def test_a_classic_token_without_the_scope_is_told_its_name(world: GuardWorld) -> None:
    world.github.access.admit(Grant("ghp_poor", LOGIN, ("read:org",)))
    world.token = "ghp_poor"
    async with alert_scene(world) as scene:
        board = await scene.until(lambda _: True, "a board")
        assert states(board, BACKEND)[0] is GuardState.NOT_PERMITTED
        assert "security_events" in report(board, BACKEND, Guard.DEPENDABOT).sentence


async def test_severities_that_nobody_has_heard_of_are_unknown_and_the_alert_is_kept(world: GuardWorld) -> None:
    world.github.faults.order(Fault.DRIFT, path="dependabot")
    async with alert_scene(world) as scene:
        board = await scene.until(lambda _: True, "a board")
        assert sorted(alert.number for alert in board.alerts) == [18, 23, 41]
        assert next(a for a in board.alerts if a.number == 18).severity is Severity.UNKNOWN


async def test_a_guard_that_cannot_be_asked_is_unknown_and_keeps_its_alerts(world: GuardWorld) -> None:
    async with alert_scene(world) as scene:
        before = await scene.until(lambda _: True, "a board")
        world.github.faults.order(Fault.STATUS, path="platform-rs/dependabot", value=502)
        board = await scene.look_again()
        lost = report(board, BACKEND, Guard.DEPENDABOT)
        assert lost.state is GuardState.UNKNOWN
        assert lost.alerts == report(before, BACKEND, Guard.DEPENDABOT).alerts
        assert "The alerts are those seen at 2026-11-24 12:00 UTC." in lost.sentence
        assert not lost.complete
        assert states(board, FRONTEND)[0] is GuardState.ON, "the others live"
        world.github.faults.clear()
        assert states(await scene.look_again(), BACKEND)[0] is GuardState.ON


async def test_a_guard_that_was_switched_off_has_no_alerts_of_before(world: GuardWorld) -> None:
    async with alert_scene(world) as scene:
        await scene.until(lambda _: True, "a board")
        world.github.faults.order(Fault.STATUS, path="platform-rs/dependabot", value=404)
        board = await scene.look_again()
        assert states(board, BACKEND)[0] is GuardState.NOT_PERMITTED
        assert report(board, BACKEND, Guard.DEPENDABOT).alerts == ()


async def test_the_feed_fails_only_when_no_guard_could_be_asked_and_recovers(world: GuardWorld) -> None:
    async with alert_scene(world) as scene:
        before = await scene.until(lambda _: True, "a board")
        await world.github.http.stop()
        world.pace.wake()
        await until(lambda: scene.feed.reading.phase is Phase.FAILED, "the failure is told")
        assert scene.feed.reading.value == before
        await world.github.http.start()
        await until(lambda: scene.feed.reading.phase is Phase.LIVE, "it is live again")


async def test_a_token_that_is_refused_is_said_as_such(world: GuardWorld) -> None:
    world.token = "revoked"
    async with alert_scene(world) as scene:
        await until(lambda: scene.feed.reading.phase is Phase.FAILED, "the failure is told")
        problem = scene.feed.reading.problem
        assert problem is not None
        assert problem.code == "token-refused"
