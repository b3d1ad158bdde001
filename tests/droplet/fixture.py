"""The droplet as a pytest fixture. A `conftest.py` imports `droplet` from here.

DROPLET_NAME                     which instance (default t1)
DROPLET_KEEP=1                   take the running instance, and leave it running at the end
DROPLET_REQUIRED=1   fail where a droplet cannot run, instead of skipping
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.droplet.droplet import Droplet
from tests.droplet.instance import down
from tests.droplet.requirements import missing_requirements

__all__ = ["Droplet", "droplet", "missing_requirements", "require_droplet"]


def require_droplet() -> None:
    """Skip, or fail where the droplet is required, and say exactly what this machine lacks and how to get it."""
    lacking = missing_requirements()
    if not lacking:
        return
    reason = "the droplet needs what this machine lacks: " + "; ".join(lacking)
    if os.environ.get("DROPLET_REQUIRED") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def droplet() -> Iterator[Droplet]:
    """A real Debian droplet in factory state, one for the whole session."""
    require_droplet()
    name = os.environ.get("DROPLET_NAME", "t1")
    keep = os.environ.get("DROPLET_KEEP") == "1"
    if not keep:
        down(name)
    running = Droplet.up(name)
    if keep and not running.instance.current:
        running.reset()
    yield running
    if not keep:
        running.down()
