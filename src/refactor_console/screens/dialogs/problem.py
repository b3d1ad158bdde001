"""All about one failure: what was tried, what to do, and the evidence, to read and to copy."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content

from refactor_console.domain.problem import Problem
from refactor_console.domain.text import visible
from refactor_console.screens.dialogs.base import Dialog
from refactor_console.widgets.pane import Line


def problem_text(problem: Problem) -> str:
    """A problem as plain text for a ticket or a chat."""
    parts = [problem.summary, problem.remedy, problem.detail, f"code: {problem.code}"]
    return "\n\n".join(part for part in parts if part)


def problem_content(problem: Problem) -> Content:
    """A problem to read; every line of it is outside text."""
    parts = [Content.assemble(("✗ ", "bold $fail"), (visible(problem.summary), "bold"))]
    if problem.remedy:
        parts.append(Content.assemble(("What to do  ", "$muted"), visible(problem.remedy)))
    if problem.detail:
        evidence = [Content(visible(line)) for line in problem.detail.splitlines()]
        parts.append(Content("\n").join([Content.assemble(("Evidence", "$muted")), *evidence]))
    parts.append(Content.assemble(("Code  ", "$muted"), visible(problem.code)))
    return Content("\n\n").join(parts)


class ProblemDialog(Dialog[None]):
    """A failure's whole story."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c,y", "copy", "Copy", tooltip="Copy it all as plain text", id="dialog.copy"),
        Binding("enter", "close", "Close", show=False),
    ]

    def __init__(self, problem: Problem, title: str = "") -> None:
        super().__init__(title or "What went wrong")
        self._problem = problem

    def compose_body(self) -> ComposeResult:
        """The story."""
        yield Line(problem_content(self._problem))

    def action_copy(self) -> None:
        """Copy it all."""
        self.copy(problem_text(self._problem))
