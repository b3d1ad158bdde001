"""An hour in which much is refused for good: a refusal always counts, so nothing may be asked for again and again."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from refactor_console.demo.github_access import TOKEN
from refactor_console.domain.repos import Platform, Repository
from tests.services.github_scene import PLATFORM
from tests.services.hub_scene import HubScene
from tests.services.test_github_hour import HOUR, MOST, SETTLED, Spent, played

# A session that ends while the contract is being asked for leaves questions that nobody began.

GONE = replace(PLATFORM, others=(Repository("refactor-group", "renamed-away"),))


@pytest.mark.parametrize(
    ("token", "platform", "pane"),
    [
        ("github_pat_demo", PLATFORM, "alerts"),
        ("demo-no-scopes", PLATFORM, "secrets"),
        ("revoked", PLATFORM, "runs"),
        (TOKEN, GONE, "runs"),
        (TOKEN, GONE, "releases"),
    ],
    ids=["fine-grained", "no scopes", "revoked", "a repository that is gone", "and its releases looked at"],
)
def test_an_hour_full_of_refusals_costs_at_most_300_requests(
    tmp_path: Path, token: str, platform: Platform, pane: str
) -> None:
    """A refusal is never "not modified": what is refused for good must not be asked for as if it would end soon."""

    async def scenario(scene: HubScene) -> None:
        scene.hub.look_at(pane)
        await asyncio.sleep(SETTLED)
        spent = Spent(scene)
        await asyncio.sleep(HOUR)
        print(f"{pane}, {token}: {spent.counted} counted, {spent.asked} asked: {dict(spent.by_kind)}")
        assert spent.counted <= MOST
        assert spent.by_kind["releases"] <= 48, "what is gone for good is no reason to hurry"

    played(scenario, tmp_path, idle=True, token=token, platform=platform, settled=False)
