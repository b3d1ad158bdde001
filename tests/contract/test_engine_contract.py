"""The Engine and the containers' feed against both worlds."""

from __future__ import annotations

from pathlib import Path

from refactor_console.domain.containers import ContainerState
from refactor_console.domain.reading import Phase
from refactor_console.domain.verdict import Verdict
from tests.contract.watching import until, watching
from tests.worlds import World


async def test_the_board_shows_the_stack_in_its_order_with_a_migrator_that_is_done(
    world: World, tmp_path: Path
) -> None:
    async with watching(world.environment, tmp_path, read_only=True) as seen:
        await seen.live()
        board = seen.board.reading.value
        assert board is not None
        services = [row.container.service for row in board.rows if row.ours]
        assert services[:4] == ["nginx", "migrator", "rust-app", "nextjs-app"]
        assert board.missing == ()
        migrator, app = seen.row("migrator"), seen.row("rust-app")
        assert migrator is not None
        assert app is not None
        assert migrator.verdict is Verdict.DONE
        assert app.container.is_running
        assert app.container.started_at is not None
        assert len(app.container.id) == 64
        await until(lambda: (row := seen.row("rust-app")) and row.latest, 15, "no statistics came")
        latest = (seen.row("rust-app") or app).latest
        assert latest is not None
        assert 0 < latest.memory <= latest.memory_limit
        assert 0 <= latest.cpu < 64


async def test_the_engine_says_what_it_is(world: World, tmp_path: Path) -> None:
    async with watching(world.environment, tmp_path, read_only=True) as seen:
        await until(lambda: seen.info.reading.is_live, 20, "the Engine did not answer")
        info = seen.info.reading.value
        assert info is not None
        assert info.version
        assert info.containers_running >= 3


async def test_details_show_no_secret_and_top_shows_the_process(world: World, tmp_path: Path) -> None:
    async with watching(world.environment, tmp_path, read_only=True) as seen:
        await seen.live()
        engine = await seen.engine_link.engine()
        details = await engine.details(seen.container("rust-app").id)
        assert details.variables
        secrets = [v for v in details.variables if any(word in v.name for word in ("PASSWORD", "SECRET", "KEY"))]
        assert secrets
        assert all(variable.masked for variable in secrets)
        assert details.networks
        table = await engine.top(seen.container("rust-app").id)
        assert table.titles
        assert table.rows


async def test_a_restart_behind_our_back_is_seen_with_its_new_start(world: World, tmp_path: Path) -> None:
    async with watching(world.environment, tmp_path, read_only=True) as seen:
        await seen.live()
        before = seen.container("rust-app")
        await world.restart_container("rust-app")
        await until(
            lambda: (now := seen.container("rust-app")).is_running and now.started_at != before.started_at,
            10,
            "the restart was not seen",
        )
        assert seen.container("rust-app").id == before.id


async def test_a_killed_process_is_counted_as_a_restart_by_policy(world: World, tmp_path: Path) -> None:
    async with watching(world.environment, tmp_path, read_only=True) as seen:
        await seen.live()
        before = seen.container("rust-app")
        await world.kill_container("rust-app")
        await until(lambda: seen.container("rust-app").restarts > before.restarts, 15, "no restart was counted")
        await until(lambda: seen.container("rust-app").state is ContainerState.RUNNING, 15, "it did not come back")


async def test_a_stopped_engine_is_named_and_the_board_comes_back_by_itself(world: World, tmp_path: Path) -> None:
    async with watching(world.environment, tmp_path, read_only=True) as seen:
        await seen.live()
        await world.engine_down()
        await until(lambda: seen.board.reading.phase is Phase.FAILED, 20, "the feed did not notice")
        await until(
            lambda: (p := seen.board.reading.problem) and p.code == "engine-stopped", 20, "the cause was not found"
        )
        assert seen.link.feed.reading.is_live
        await world.engine_up()
        await until(
            lambda: seen.board.reading.is_live and (row := seen.row("rust-app")) and row.container.is_running,
            40,
            "the board did not come back",
        )


async def test_a_user_outside_the_docker_group_is_told_so_and_how_to_mend_it(world: World, tmp_path: Path) -> None:
    async with watching(world.environment_for("nodocker"), tmp_path, read_only=True) as seen:
        await until(lambda: seen.board.reading.phase is Phase.FAILED, 20, "nothing was said")
        problem = seen.board.reading.problem
        assert problem is not None
        assert problem.code == "no-permission"
        assert "usermod -aG docker nodocker" in problem.remedy


async def test_a_severed_connection_is_explained_by_itself_and_the_board_recovers(world: World, tmp_path: Path) -> None:
    async with watching(world.environment, tmp_path, read_only=True) as seen:
        await seen.live()
        phases: list[Phase] = []
        seen.board.subscribe(lambda reading: phases.append(reading.phase))
        await world.sever()
        await until(lambda: Phase.FAILED in phases and seen.board.reading.is_live, 20, "it did not recover")
        assert seen.row("rust-app") is not None
