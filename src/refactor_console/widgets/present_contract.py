"""What the secrets pane says of the contract as a whole: what there is, which ref was read, what could not be read."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from refactor_console.domain.account import Account
from refactor_console.domain.contract import NameKind, SourceName, SourceReport
from refactor_console.domain.problem import Problem
from refactor_console.domain.text import visible
from refactor_console.domain.verdict import Verdict
from refactor_console.widgets import present
from refactor_console.widgets.facts import Fact
from refactor_console.widgets.present_permissions import lack_line
from refactor_console.widgets.present_secrets import SOURCES_OF, Order, Scene, Showing, View

PROBLEM_LINES = 2
"""Groups of unreadable sources that are spelled out; the dialog has all."""
MOST_NAMED = 2
"""Sources that are named beside their reason; of more, the number is."""
_FILES = (SourceName.WORKFLOW, SourceName.COMPOSE)


def title(scene: Scene, shown: int, view: View) -> str:
    """The pane's heading: how much there is, and what hides some of it."""
    contract = scene.contract
    findings = contract.findings
    severe = sum(finding.severe for finding in findings)
    names, found = len(contract.rows), len(findings)
    words = [f"Secrets · {names:,} name{'' if names == 1 else 's'}", f"{found:,} finding{'' if found == 1 else 's'}"]
    if severe:
        words.append(f"{severe:,} can break a deploy")
    if scene.unread:
        words.append("incomplete")
    chosen = [view.showing.value] if view.showing is not Showing.ALL else []
    chosen += ["findings"] if view.only_findings else []
    chosen += [f"like '{visible(view.wanted)}'"] if view.wanted else []
    if chosen:
        words.append(f"{shown:,} shown: {', '.join(chosen)}")
    if view.order is not Order.FINDING:
        words.append(view.order.value)
    return " · ".join(words)


def ref_line(scene: Scene) -> Content:
    """Which ref was read, and whether that is the one that runs."""
    contract = scene.contract
    if all(file in scene.unread for file in _FILES):
        words = (
            "Neither the deploy workflow nor the compose file could be read: only GitHub's names and the host's are."
        )
        return present.verdict_text(Verdict.FAIL, words)
    ref = contract.ref[:12] if contract.deployed else contract.ref
    words = f"{ref}: {contract.ref_note}"
    if contract.deployed:
        return present.verdict_text(Verdict.OK, words)
    return present.verdict_text(Verdict.WARN, f"{words} What is deployed may differ.")


def source_lines(scene: Scene, account: Account | None, limit: int = PROBLEM_LINES) -> Content | None:
    """What could not be read or understood, and what is therefore not said of any name; None when all is well."""
    lines = []
    groups = _alike(scene.contract.sources)
    for reports in groups[:limit]:
        problem = reports[0].problem
        some = ", ".join(report.source.value for report in reports)
        names = some if len(reports) <= MOST_NAMED else f"{len(reports)} sources (w has them)"
        summary = problem.summary if problem is not None else ""
        remedy = problem.remedy if problem is not None else ""
        line = Content.assemble(
            (f"▲ {names} not read: {visible(summary)}", "$warn"), (f"  {visible(remedy)}" if remedy else "", "$muted")
        )
        lines.append(line)
    if len(groups) > limit:
        lines.append(present.muted(f"and {len(groups) - limit} other reasons; w has them all"))
    lack = lack_line(account, "secrets", *scene.unread.values())
    if lack is not None:
        lines.append(lack)
    if unsaid := consequence(scene):
        lines.append(present.muted(unsaid))
    for report in scene.contract.sources:
        lines += [
            Content.assemble((f"▲ {report.source.value}: {visible(said)}", "$warn")) for said in report.cautions[:2]
        ]
    return present.lines(lines) if lines else None


def consequence(scene: Scene) -> str:
    """What cannot be found out while sources are unread; empty when nothing is lost."""
    unread = scene.unread
    unsaid = [
        f"no {kind.value} is called missing on GitHub"
        for kind in NameKind
        if any(source in unread for source in SOURCES_OF[kind])
    ]
    if SourceName.HOST in unread:
        unsaid.append("no name is called missing or empty on the host")
    if SourceName.WORKFLOW in unread:
        unsaid.append("no name is called never written or unused")
    if SourceName.COMPOSE in unread:
        unsaid.append("no name is called unread")
    return f"Until then {'; '.join(unsaid)}." if unsaid else ""


def _alike(sources: Sequence[SourceReport]) -> list[list[SourceReport]]:
    """Unread sources, those with the same reason and the same remedy together."""
    groups: dict[tuple[str, str], list[SourceReport]] = {}
    for report in sources:
        if report.problem is not None:
            groups.setdefault((report.problem.code, report.problem.remedy), []).append(report)
    return list(groups.values())


def why_empty(scene: Scene, view: View) -> Content:
    """Why the table has no row."""
    if view.wanted:
        return present.muted(f"No name is like '{view.wanted}'. Esc clears.")
    if view.only_findings and scene.contract.rows:
        rest = " of what could be read" if scene.unread else ""
        return present.verdict_text(Verdict.OK, f"Nothing is wrong with any{rest}. f shows every name.")
    if view.showing is not Showing.ALL and scene.contract.rows:
        return present.muted(f"There are no {view.showing.value}. a shows the others.")
    if scene.unread:
        return present.muted("No name could be read; w says why.")
    return present.muted("The workflow names nothing, and nothing is defined.")


def source_blocks(scene: Scene, account: Account | None) -> list[tuple[str, list[Fact]]]:
    """Every source and how asking it went, for the dialog."""
    facts: list[Fact] = []
    for report in scene.contract.sources:
        facts.append((report.source.value, _source_words(report)))
        facts += [("", Content.assemble((f"▲ {visible(said)}", "$warn"))) for said in report.cautions]
    blocks: list[tuple[str, list[Fact]]] = [("Read at", [("", ref_line(scene))]), ("Sources", facts)]
    lack = lack_line(account, "secrets", *scene.unread.values())
    rest: list[Fact] = [("", lack)] if lack is not None else []
    if unsaid := consequence(scene):
        rest.append(("", Content(unsaid)))
    if rest:
        blocks.append(("What this means", rest))
    return blocks


def _source_words(report: SourceReport) -> Content:
    problem: Problem | None = report.problem
    if problem is None:
        verdict = Verdict.WARN if report.cautions else Verdict.OK
        return present.verdict_text(verdict, report.note or "read")
    parts = [Content.assemble((f"✗ {visible(problem.summary)}", "$fail"))]
    if problem.remedy:
        parts.append(present.plain(problem.remedy))
    parts += [present.muted(line) for line in problem.detail.splitlines()[:6]]
    return present.lines(parts)
