"""Levels named by a line's own text, in the formats that the platform's programs write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refactor_console.domain.logs import Level, guess_level


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("12:34:56 [INFO] web::controller: text", Level.INFO),
        ("\x1b[33m12:34:56 [WARN] domain: text\x1b[0m", Level.WARNING),
        ("2026-01-01T00:00:00Z ERROR app: text", Level.ERROR),
        ('{"timestamp":"x","level":"debug","message":"y"}', Level.DEBUG),
        ("2026/01/01 12:34:56 [crit] 7#7: text", Level.CRITICAL),
        ("2026-01-01 12:34:56 UTC [12] FATAL:  text", Level.CRITICAL),
        ("2026-01-01 12:34:56 UTC [12] LOG:  text", Level.INFO),
        ("thread 'main' panicked at src/main.rs:1:1:", Level.CRITICAL),
        ("level=warn msg=text", Level.WARNING),
        ("TRACE hyper: text", Level.TRACE),
        ('192.0.2.1 - - [23/Nov/2026:14:47:09 +0000] "GET /api/sse HTTP/2.0" 200 0', Level.UNKNOWN),
        ("an INFORMATION about CATALOGUES", Level.UNKNOWN),
        ("", Level.UNKNOWN),
    ],
)
def test_a_line_names_its_level(line: str, level: Level) -> None:
    assert guess_level(line) is level


@given(st.text())
def test_any_text_has_a_level_and_never_raises(line: str) -> None:
    assert guess_level(line) in Level
