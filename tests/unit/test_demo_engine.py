"""The demo Engine cuts, frames and selects log records as the real one does."""

from __future__ import annotations

import struct

import pytest

from refactor_console.demo.clock import rfc3339, rfc3339_fixed
from refactor_console.demo.containers import LOG_CHUNK, Container, LogRecord
from refactor_console.demo.describe import human_duration, inspect
from refactor_console.demo.engine_streams import ApiError, frame, moment, select
from refactor_console.demo.services import SERVICES
from refactor_console.demo.world import World

NOON = "2026-11-23T12:00:00"
RECORDS = [LogRecord(n * 10, 1, b"n=%d\n" % n) for n in range(1, 6)]


def numbers(records: list[LogRecord]) -> list[int]:
    return [record.time_ns // 10 for record in records]


def test_the_tail_is_taken_before_the_times() -> None:
    assert numbers(select(RECORDS, tail=2, since=None, until=None)) == [4, 5]
    assert numbers(select(RECORDS, tail=4, since=30, until=40)) == [3, 4]
    assert numbers(select(RECORDS, tail=1, since=20, until=30)) == []
    assert numbers(select(RECORDS, tail=0, since=None, until=None)) == []


def test_since_and_until_include_their_own_moment() -> None:
    assert numbers(select(RECORDS, tail=None, since=30, until=40)) == [3, 4]


def test_since_has_nine_digits_of_fraction() -> None:
    assert moment("1700000000.000000007") == 1_700_000_000_000_000_007
    assert moment("1700000000.5") == 1_700_000_000_500_000_000
    assert moment("0") is None
    with pytest.raises(ApiError) as refused:
        moment("yesterday")
    assert refused.value.status == 500


def test_a_frame_says_stream_and_length_and_its_time_has_nine_digits() -> None:
    record = LogRecord(1_700_000_000_120_000_000, 2, b"x\n")
    sent = frame(record, timestamps=True)
    stream, length = struct.unpack(">BxxxL", sent[:8])
    assert (stream, sent[8:]) == (2, b"2023-11-14T22:13:20.120000000Z x\n")
    assert length == len(sent) - 8


@pytest.mark.parametrize(
    ("length", "parts"),
    [
        (0, [1]),
        (LOG_CHUNK - 1, [LOG_CHUNK]),
        (LOG_CHUNK, [LOG_CHUNK, 1]),
        (LOG_CHUNK * 2 + 5, [LOG_CHUNK, LOG_CHUNK, 6]),
    ],
)
def test_long_lines_become_parts_of_one_time_and_only_the_last_ends_the_line(length: int, parts: list[int]) -> None:
    container = Container("c" * 64, SERVICES[1], 0)
    container.write([b"x" * length], 1000)
    container.write([b"next"], 1000)
    *cut, following = container.log.items()
    assert [len(record.data) for record in cut] == parts
    assert [record.data.endswith(b"\n") for record in cut] == [False] * (len(parts) - 1) + [True]
    assert {record.time_ns for record in cut} == {1000}
    assert following.time_ns == 1001


def test_times_are_written_as_go_writes_them() -> None:
    assert rfc3339(0) == "0001-01-01T00:00:00Z"
    assert rfc3339(1_700_000_000_120_000_000) == "2023-11-14T22:13:20.12Z"
    assert rfc3339(1_700_000_000_000_000_000) == "2023-11-14T22:13:20Z"
    assert rfc3339_fixed(1_700_000_000_000_000_000) == "2023-11-14T22:13:20.000000000Z"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "Less than a second"), (59, "59 seconds"), (61, "About a minute"), (3599, "59 minutes"),
     (3600, "About an hour"), (47 * 3600, "47 hours"), (49 * 3600, "2 days"), (20 * 86400, "2 weeks")],
)  # fmt: skip
def test_durations_read_as_in_docker_ps(seconds: float, words: str) -> None:
    assert human_duration(seconds) == words


def past(world: World) -> tuple[object, ...]:
    """Everything of a world's past that can be seen."""
    containers = [(inspect(c), c.log.items()) for c in world.engine.containers.values()]
    return [world.journal.json_line(e) for e in world.journal.tape.items()], containers, world.vitals.meminfo()


def test_a_frozen_world_is_the_same_every_time_and_another_seed_is_another_world() -> None:
    from refactor_console.demo.clock import parse_moment

    at = parse_moment(NOON)
    assert past(World(7, at)) == past(World(7, at))
    assert past(World(7, at)) != past(World(8, at))


def test_there_is_enough_past_to_scroll_back_in_and_none_of_it_lies_in_the_future() -> None:
    world = World(7)
    now = world.clock.now()
    ours = [e for e in world.journal.tape.items() if e.concerns("refactor-platform.service")]
    assert len(ours) >= 500
    records = [r for c in world.engine.containers.values() for r in c.log.items()]
    assert len(records) >= 2000
    assert max(r.time_ns for r in records) <= now
    assert max(e.time_us for e in world.journal.tape.items()) * 1000 <= now
    written = b"".join(r.data for r in records)
    assert b"[WARN]" in written
    assert b"[ERROR]" in written
    assert b"panicked at" in written


def test_even_a_still_world_has_rates() -> None:
    from refactor_console.demo.clock import parse_moment

    world = World(7, parse_moment(NOON))
    container = world.engine.of_service("rust-app")
    samples = []
    for _ in range(3):
        world.vitals.advance(list(world.engine.running()))
        samples.append(world.vitals.sample(container))
    cpu = [s["cpu_stats"]["cpu_usage"]["total_usage"] for s in samples]
    system = [s["cpu_stats"]["system_cpu_usage"] for s in samples]
    assert abs((cpu[1] - cpu[0]) - (cpu[2] - cpu[1])) <= 2
    assert system[1] - system[0] == 2_000_000_000
