"""Programs that some tests need besides Python: skipped by name where they are missing, required in CI."""

from __future__ import annotations

import os
import shutil

import pytest


def require_tool(name: str, package: str) -> str:
    """The program's path; skips the test, or fails it with ``TOOLS_REQUIRED=1``, when there is none."""
    found = shutil.which(name)
    if found is not None:
        return found
    reason = f"this test needs {name} (apt-get install {package})"
    if os.environ.get("TOOLS_REQUIRED") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
