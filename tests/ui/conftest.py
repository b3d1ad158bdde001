"""Keys come from nobody's hand here: no one holds Enter down."""

from __future__ import annotations

import pytest

from refactor_console.screens.dialogs import confirmation


@pytest.fixture(autouse=True)
def _nobody_holds_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirmation, "HELD_SECONDS", 0.0)
