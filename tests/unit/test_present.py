"""Words that all panes share."""

from __future__ import annotations

from datetime import UTC, datetime

from refactor_console.domain.problem import Problem
from refactor_console.domain.reading import Reading, pending
from refactor_console.widgets import present

NOW = datetime(2026, 11, 20, 3, 12, tzinfo=UTC)
PROBLEM = Problem("The Engine is stopped.", "sudo systemctl start docker [b]now[/b]")


def test_a_pane_with_nothing_to_show_says_what_to_do() -> None:
    empty: Reading[int] = pending(NOW)
    notice = present.notice(empty.failed(PROBLEM, NOW, None))
    assert notice is not None
    assert notice.plain == "The Engine is stopped.\nsudo systemctl start docker [b]now[/b]"


def test_a_pane_with_old_values_says_only_what_is_wrong() -> None:
    empty: Reading[int] = pending(NOW)
    notice = present.notice(empty.lived(1, NOW).failed(PROBLEM, NOW, None))
    assert notice is not None
    assert notice.plain == "The Engine is stopped."


def test_a_live_pane_says_nothing() -> None:
    empty: Reading[int] = pending(NOW)
    assert present.notice(empty.lived(1, NOW)) is None
