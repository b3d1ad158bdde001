"""What every test may use: both worlds, and no setting of the person who runs the tests."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.droplet.fixture import droplet, require_droplet
from tests.tools import require_tool
from tests.worlds import World

__all__ = ["droplet"]

_OURS = "REFACTOR_CONSOLE_"
_TOKENS = ("GH_TOKEN", "GITHUB_TOKEN", "GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN")


@pytest.fixture(autouse=True)
def _nobodys_settings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Neither configuration, audit log nor GitHub token of whoever runs the tests is read or written."""
    for name in list(os.environ):
        if name.startswith(_OURS):
            monkeypatch.delenv(name)
    home = tmp_path_factory.getbasetemp() / "xdg"
    for variable in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(variable, str(home / variable.lower()))
    for variable in ("NO_COLOR", *_TOKENS):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("GH_CONFIG_DIR", str(home / "gh"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")


@pytest.fixture
def tmux() -> str:
    """The terminal multiplexer's path."""
    return require_tool("tmux", "tmux")


@pytest_asyncio.fixture(params=["demo", pytest.param("droplet", marks=pytest.mark.droplet)])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """Each test that asks for it runs twice: against the demo world and against the real droplet."""
    if request.param == "demo":
        from tests.worlds.demo import demo_world

        async with demo_world(tmp_path) as demo:
            yield demo
        return
    require_droplet()
    from tests.worlds.droplet import DropletWorld

    real = DropletWorld(request.getfixturevalue("droplet"))
    yield real
    await real.heal()
