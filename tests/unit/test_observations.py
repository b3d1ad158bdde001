"""What was seen of moving tags is kept: little of it, whole lines, by any number of consoles at once."""

# ruff: noqa: ASYNC240

from __future__ import annotations

import asyncio
import json
import multiprocessing
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from refactor_console.adapters import observations as module
from refactor_console.adapters.observations import MOST_BYTES, Look, Observations, ObservationsUnusable
from refactor_console.domain.images import ImageRepository
from refactor_console.domain.tagtime import Sighting

BACKEND = ImageRepository("ghcr.io", "refactor-group/refactor-platform-rs")
ZERO = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
A, B = (f"sha256:{letter * 64}" for letter in "ab")


def at(hours: float) -> datetime:
    return ZERO + timedelta(hours=hours)


def look(digest: str, tag: str = "stable") -> list[Look]:
    return [Look(BACKEND, tag, digest)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "observations.jsonl"


async def test_what_was_seen_outlives_the_console(path: Path) -> None:
    first = Observations(path)
    await first.saw(look(A), at(0))
    await first.saw(look(A), at(2))
    await first.saw(look(B), at(3))
    kept = await Observations(path).remembered(BACKEND, "stable")
    assert kept.sightings == (Sighting(A, at(0), at(2)), Sighting(B, at(3), at(3)))
    assert kept.notes == ()


async def test_looks_that_change_nothing_write_at_most_one_line_an_hour(path: Path) -> None:
    book = Observations(path)
    for minute in range(0, 600, 2):
        await book.saw(look(A), ZERO + timedelta(minutes=minute))
    assert len(path.read_bytes().splitlines()) <= 11
    kept = await book.remembered(BACKEND, "stable")
    assert kept.sightings == (Sighting(A, at(0), ZERO + timedelta(minutes=598)),), (
        "the newest look counts, written or not"
    )


async def test_the_end_of_what_a_tag_was_is_written_when_it_changes(path: Path) -> None:
    book = Observations(path)
    await book.saw(look(A), at(0))
    await book.saw(look(A), at(0.5))
    await book.saw(look(B), at(0.6))
    kept = await Observations(path).remembered(BACKEND, "stable")
    assert kept.sightings[0] == Sighting(A, at(0), at(0.5))


async def test_a_console_that_was_closed_for_days_does_not_vouch_for_them(path: Path) -> None:
    await Observations(path).saw(look(A), at(0))
    await Observations(path).saw(look(A), at(72))
    kept = await Observations(path).remembered(BACKEND, "stable")
    assert kept.sightings == (Sighting(A, at(0), at(0)), Sighting(A, at(72), at(72)))


async def test_tags_and_repositories_are_kept_apart(path: Path) -> None:
    book = Observations(path)
    other = ImageRepository("ghcr.io", "refactor-group/refactor-platform-rs/feat/goals-📈")
    await book.saw([*look(A), *look(B, "latest"), Look(other, "stable", B)], at(0))
    assert [s.digest for s in (await book.remembered(BACKEND, "stable")).sightings] == [A]
    assert [s.digest for s in (await book.remembered(BACKEND, "latest")).sightings] == [B]
    assert [s.digest for s in (await Observations(path).remembered(other, "stable")).sightings] == [B]


async def test_lines_that_cannot_be_read_are_skipped_and_said(path: Path) -> None:
    book = Observations(path)
    await book.saw(look(A), at(0))
    good = json.loads(path.read_bytes())
    bad = [
        b"half a li",
        b"\xff\xfe\x00",
        b"[" * 3_000,
        b"[1, 2]",
        json.dumps(good | {"digest": "../../etc/passwd"}).encode(),
        json.dumps(good | {"first": "yesterday"}).encode(),
        json.dumps(good | {"first": "2026-11-20T08:00:00"}).encode(),
        json.dumps(good | {"last": "2020-01-01T00:00:00+00:00"}).encode(),
        json.dumps(good | {"tag": 5}).encode(),
        json.dumps(good | {"tag": "x" * 5_000}).encode(),
    ]
    path.write_bytes(path.read_bytes() + b"\n".join(bad))
    kept = await Observations(path).remembered(BACKEND, "stable")
    assert kept.sightings == (Sighting(A, at(0), at(0)),)
    assert kept.notes == (f"{len(bad)} lines of {path} could not be read; what this console saw then is missing.",)
    await Observations(path).saw(look(B), at(1))
    assert [s.digest for s in (await Observations(path).remembered(BACKEND, "stable")).sightings] == [A, B]


async def test_the_file_stays_small_and_keeps_the_newest(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 20_000)
    book = Observations(path)
    for number in range(1_000):
        await book.saw(look(A if number % 2 else B), at(number))
        assert path.stat().st_size <= 20_000 + 1_000
    kept = (await Observations(path).remembered(BACKEND, "stable")).sightings
    assert 20 < len(kept) <= 200
    assert kept[-1] == Sighting(A, at(999), at(999))


async def test_it_is_for_its_user_alone(path: Path) -> None:
    await Observations(path).saw(look(A), at(0))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert set(json.loads(path.read_bytes())) == {"repository", "tag", "digest", "first", "last"}


async def test_a_link_in_its_place_is_not_written_through(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "somebody's"
    other.write_text("precious")
    path.parent.mkdir()
    path.symlink_to(other)
    book = Observations(path)
    with pytest.raises(ObservationsUnusable) as caught:
        await book.saw(look(A), at(0))
    assert caught.value.problem.code == "observations-unusable"
    assert str(path) in caught.value.problem.summary
    assert other.read_text() == "precious"


async def test_what_could_not_be_written_is_remembered_until_the_end(path: Path) -> None:
    book = Observations(path)
    await book.saw(look(A), at(0))
    path.unlink()
    path.mkdir()
    with pytest.raises(ObservationsUnusable):
        await book.saw(look(B), at(1))
    path.rmdir()
    kept = await book.remembered(BACKEND, "stable")
    assert [s.digest for s in kept.sightings] == [B]


async def test_a_lock_that_nobody_gives_up_is_said(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    monkeypatch.setattr(module, "LOCK_SECONDS", 0.1)
    path.parent.mkdir()
    with path.with_name(f"{path.name}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(ObservationsUnusable, match="another program holds"):
            await Observations(path).saw(look(A), at(0))


def _write_many(path: Path, tag: str) -> None:
    async def work() -> None:
        book = Observations(path)
        for number in range(60):
            await book.saw(look(A if number % 2 else B, tag), at(number))

    asyncio.run(work())


async def test_two_consoles_that_write_at_once_lose_nothing(path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    consoles = [spawn.Process(target=_write_many, args=(path, tag)) for tag in ("stable", "latest")]
    for console in consoles:
        console.start()
    for console in consoles:
        await asyncio.to_thread(console.join, 60)
        assert console.exitcode == 0
    for tag in ("stable", "latest"):
        kept = await Observations(path).remembered(BACKEND, tag)
        assert kept.notes == ()
        assert len(kept.sightings) == 60


def test_the_bound_of_the_file_holds_what_is_promised() -> None:
    longest = module._line(("r" * 300, "t" * 128), Sighting(A, at(0), at(1)))
    assert len(longest) < module.MOST_LINE
    assert MOST_BYTES // 2 // len(longest) > module.MOST_PER_TAG
