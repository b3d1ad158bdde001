"""Beside a refusal: which scope or permission the token lacks for a pane, or, where nobody can tell, what it takes."""

from __future__ import annotations

from textual.content import Content

from refactor_console.domain.account import WITHOUT_PERMISSION, Account, lack_sentence
from refactor_console.domain.problem import Problem
from refactor_console.widgets import present


def lack_line(account: Account | None, pane: str, *problems: Problem | None) -> Content | None:
    """What the token lacks for a pane, to stand below its problems; None when no problem may come from that.

    Args:
        account: whose token it is; None while that is not known.
        pane: its name, such as ``runs``.
        problems: why the pane, or parts of it, could not be read.
    """
    behind = any(problem is not None and problem.code in WITHOUT_PERMISSION for problem in problems)
    sentence = lack_sentence(account, pane) if behind and account is not None else ""
    return present.muted(sentence) if sentence else None
