"""What runs and what the host's ``.env`` names, as the GitHub panes are told: names and digests, and never a value."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from refactor_console.domain.containers import ContainerBoard, ContainerRow, ContainerState
from refactor_console.domain.images import ImageUse
from refactor_console.domain.problem import ConsoleError
from refactor_console.services.feed import Feed
from refactor_console.services.github_parts import HostEnv, Running
from tests.services.github_scene import BACK, ENVIRONMENT, FRONT, PLATFORM
from tests.services.hub_scene import EnvFile
from tests.ui.double_session import board, container

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
DIGEST, OTHER = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"


def running(*rows: ContainerRow) -> Running:
    feed: Feed[ContainerBoard] = Feed("containers", lambda: NOON)
    if rows:
        feed.live(board(list(rows)))
    return Running(feed, ENVIRONMENT, PLATFORM)


def row(service: str, image: str, digest: str = DIGEST, **changes: object) -> ContainerRow:
    oneshot = bool(changes.pop("oneshot", False))
    return ContainerRow(container(service, image=image, image_digest=digest, **changes), oneshot=oneshot)


def test_before_anything_is_known_of_the_host_nothing_runs() -> None:
    assert running().uses() == {}
    assert running().deployed_ref() == ""


def test_each_digest_is_told_with_everyone_who_runs_it() -> None:
    made = running(
        row("rust-app", f"ghcr.io/{BACK}:stable"),
        row("migrator", f"ghcr.io/{BACK}:stable", state=ContainerState.EXITED, oneshot=True),
        row("nextjs-app", f"ghcr.io/{FRONT}:stable", OTHER),
        row("old", f"ghcr.io/{BACK}:old", f"sha256:{'c' * 64}", state=ContainerState.EXITED),
        row("built-here", "local", ""),
    )
    assert made.uses() == {
        DIGEST: (ImageUse("production", "migrator"), ImageUse("production", "rust-app")),
        OTHER: (ImageUse("production", "nextjs-app"),),
    }
    assert made.uses() is made.uses(), "asked for at every look at the images: worked out once for a board"


@pytest.mark.parametrize(
    "image",
    [f"ghcr.io/{BACK}:stable", f"ghcr.io/{BACK}/main:latest", f"ghcr.io/{BACK}@{DIGEST}", f"GHCR.io/{BACK}:stable"],
)
def test_the_deployed_commit_is_that_of_the_backend_that_runs(image: str) -> None:
    front = row("nextjs-app", f"ghcr.io/{FRONT}:stable", revision="f" * 40)
    assert running(front, row("rust-app", image, revision="b" * 40)).deployed_ref() == "b" * 40


@pytest.mark.parametrize(
    "found",
    [
        row("rust-app", f"ghcr.io/{BACK}-mirror:stable", revision="b" * 40),
        row("rust-app", "sha256:0123", revision="b" * 40),
        row("rust-app", f"ghcr.io/{BACK}:stable", revision=""),
        row("rust-app", f"ghcr.io/{BACK}:stable", revision="b" * 40, state=ContainerState.EXITED),
    ],
    ids=["another image", "no name", "no label", "not running"],
)
def test_where_that_is_not_known_no_commit_is_guessed(found: ContainerRow) -> None:
    assert running(found).deployed_ref() == ""


async def test_the_host_s_names_are_read_and_their_values_dropped(tmp_path: Path) -> None:
    env = EnvFile(lambda: NOON)
    reader = HostEnv(env.connection, replace(ENVIRONMENT, compose_directory="/srv/app/"))
    names = (await reader.read()).names
    assert env.asked == ["/srv/app/.env"]
    assert [name.name for name in names] == ["BACKEND_PORT", "DB_PASSWORD"]
    assert all(name.written_at == NOON for name in names)
    assert "hunter2" not in repr(names) + repr(vars(reader))


async def test_hashes_tell_two_values_apart_within_a_session_and_nothing_beyond_it() -> None:
    env = EnvFile(lambda: NOON)
    first, second = HostEnv(env.connection, ENVIRONMENT), HostEnv(env.connection, ENVIRONMENT)
    assert (await first.read()).names == (await first.read()).names
    assert (await first.read()).names != (await second.read()).names


async def test_a_host_that_is_away_is_its_own_sentence() -> None:
    env = EnvFile(lambda: NOON)
    env.down = True
    with pytest.raises(ConsoleError, match="The host is away"):
        await HostEnv(env.connection, ENVIRONMENT).read()
