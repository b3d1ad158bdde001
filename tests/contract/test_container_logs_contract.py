"""Container logs against both worlds: every line once, whatever happens to the connection and to the container."""

from __future__ import annotations

import asyncio
from pathlib import Path

from refactor_console.domain.logs import Level, MarkKind
from refactor_console.domain.reading import Phase
from tests.contract.watching import until, watching
from tests.worlds import World

RATE, TOTAL = 2_000, 8_000


async def test_a_fast_log_that_is_cut_twice_gives_every_number_once(world: World, tmp_path: Path) -> None:
    async with watching(world.environment, tmp_path, read_only=True) as seen:
        await seen.live()
        begun = await seen.world_now_ns()
        before = len(seen.numbers_since("rust-app", begun))
        await world.number_container("rust-app", RATE, TOTAL)
        for reach in (1_500, 4_500):
            await until(
                lambda reach=reach: len(seen.numbers_since("rust-app", begun)) - before > reach,  # type: ignore[misc]
                20,
                "the numbers did not come",
            )
            await world.sever()
        await until(
            lambda: seen.numbers_since("rust-app", begun)[before:][-1:] == [TOTAL], 30, "the last number did not come"
        )
        assert sorted(seen.numbers_since("rust-app", begun)[before:]) == list(range(1, TOTAL + 1))
        kinds = seen.kinds("rust-app")
        assert kinds.count(MarkKind.CUT) == kinds.count(MarkKind.RESUMED) == 2
        assert MarkKind.GAP not in kinds


async def test_lines_come_as_they_were_written(world: World, tmp_path: Path) -> None:
    """Invalid UTF-8, control sequences, markup, carriage returns and nothing at all are data."""
    hostile = [
        b"first of the hostile lines",
        b"\x1b[31mred\x1b[0m \x1b]0;title\x07 [bold]not markup[/bold] {x}",
        b"\xff\xfe\x80 not UTF-8 \xc3\x28",
        b"10%\r50%\r100%",
        b"",
        "größe 漢字 \U0001f600 \u202e".encode(),
        b"last of the hostile lines",
    ]
    async with watching(world.environment, tmp_path, read_only=True) as seen:
        await seen.live()
        await world.log_to_container("rust-app", hostile)
        await until(lambda: hostile[-1] in seen.messages("rust-app"), 20, "the lines did not come")
        messages = seen.messages("rust-app")
        last = len(messages) - 1 - messages[::-1].index(hostile[-1])
        first = len(messages) - 1 - messages[::-1].index(hostile[0])
        # The json-file driver itself replaces what is not UTF-8; everything else is as it was written.
        expected = [message.decode("utf-8", "replace") for message in hostile]
        got = [message.decode("utf-8", "replace") for message in messages[first : last + 1]]
        assert [message for message in got if message in expected] == expected


async def test_a_line_of_a_megabyte_arrives_whole(world: World, tmp_path: Path) -> None:
    big = b"begin" + b"0123456789abcdef" * 65_536 + b"end"
    async with watching(world.environment, tmp_path, read_only=True) as seen:
        await seen.live()
        await world.log_to_container("rust-app", [big])
        await until(lambda: big in seen.messages("rust-app"), 40, "the long line did not come whole")


async def test_the_error_stream_and_levels_are_told_apart(world: World, tmp_path: Path) -> None:
    async with watching(world.environment, tmp_path, read_only=True) as seen:
        await seen.live()
        await world.log_to_container("rust-app", [b"12:00:00 [ERROR] contract: to stderr"], stderr=True)
        await world.log_to_container("rust-app", [b"12:00:00 [WARN] contract: to stdout"])
        await until(lambda: any("to stdout" in x.message for x in seen.lines("rust-app")), 20, "no line came")
        await until(lambda: any("to stderr" in x.message for x in seen.lines("rust-app")), 20, "no line came")
        on_error = next(x for x in reversed(seen.lines("rust-app")) if "to stderr" in x.message)
        on_out = next(x for x in reversed(seen.lines("rust-app")) if "to stdout" in x.message)
        assert (on_error.origin, on_error.level) == ("stderr", Level.ERROR)
        assert (on_out.origin, on_out.level) == ("", Level.WARNING)


async def test_a_log_is_followed_across_a_restart_which_is_marked(world: World, tmp_path: Path) -> None:
    async with watching(world.environment, tmp_path, read_only=True) as seen:
        await seen.live()
        await world.log_to_container("rust-app", [b"contract: before the restart"])
        await until(
            lambda: b"contract: before the restart" in seen.messages("rust-app"), 20, "the first line did not come"
        )
        before = seen.messages("rust-app").count(b"contract: before the restart")
        await world.restart_container("rust-app")
        await until(
            lambda: {MarkKind.STOPPED, MarkKind.STARTED} <= set(seen.kinds("rust-app")), 20, "the restart is not marked"
        )
        await asyncio.sleep(1.0)  # until the new process can be told what to print
        await world.log_to_container("rust-app", [b"contract: after the restart"])
        await until(
            lambda: b"contract: after the restart" in seen.messages("rust-app"), 20, "the second line did not come"
        )
        assert seen.messages("rust-app").count(b"contract: before the restart") == before


async def test_a_log_survives_the_engines_own_stop(world: World, tmp_path: Path) -> None:
    async with watching(world.environment, tmp_path, read_only=True) as seen:
        await seen.live()
        source = next(s for s in seen.hub.sources() if s.label == "rust-app")
        await world.engine_down()
        await until(lambda: source.feed.reading.phase is not Phase.LIVE, 30, "the source did not notice")
        await world.engine_up()
        await until(lambda: source.feed.reading.is_live, 40, "the source did not come back")
        await asyncio.sleep(1.0)
        await world.log_to_container("rust-app", [b"contract: after the engine"])
        await until(lambda: b"contract: after the engine" in seen.messages("rust-app"), 20, "no line came")
