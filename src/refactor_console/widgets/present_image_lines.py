"""What the images pane says above and below its table: how much there is, what runs, and what could not be read."""

from __future__ import annotations

from textual.content import Content

from refactor_console.domain.containers import ContainerBoard
from refactor_console.domain.images import ImageRepositoryReport, ImageTag
from refactor_console.domain.reading import Phase, Reading
from refactor_console.domain.running import RunningImage, Standing
from refactor_console.domain.text import visible
from refactor_console.domain.verdict import Verdict
from refactor_console.widgets import present
from refactor_console.widgets.present_images import MARK, Scene, age_words, created_of, short

PROBLEM_LINES = 3
"""Repository problems that are spelled out; the rest is counted."""


def title(scene: Scene | None, shown: int, *, untagged: bool, wanted: str) -> str:
    """The pane's heading: how much there is, and what hides some of it."""
    if scene is None:
        return "Images"
    reports = scene.reports
    tags = sum(len(report.tags) for report in reports)
    bare = sum(len(report.untagged) for report in reports)
    counted = [report for report in reports if report.orphans_known]
    orphans = f"{sum(report.orphaned for report in counted):,} orphaned"
    if len(counted) < len(reports):
        orphans += f" (counted in {len(counted)} of {len(reports)})" if counted else ", as far as counted"
        orphans = orphans if counted else "orphans not counted"
    words = [f"Images · {tags:,} tag{'' if tags == 1 else 's'}", f"{bare:,} untagged{', shown' if untagged else ''}"]
    words.append(orphans)
    if wanted:
        words.append(f"{shown:,} like '{visible(wanted)}'")
    return " · ".join(words)


def running_lines(scene: Scene, containers: Reading[ContainerBoard], environment: str) -> Content:
    """The pane's most important answer: what runs, against what its tag points at now."""
    if containers.value is None:
        return present.verdict_text(Verdict.UNKNOWN, _why_unknown(containers, environment))
    lines = [_running_line(scene, entry) for entry in scene.running]
    if not lines:
        lines = [present.muted(f"No container in {environment} runs an image of these repositories.")]
    age = containers.age(scene.now)
    if not containers.is_live and age is not None:
        lines.append(present.muted(f"Containers as they were {present.calm_span(age)} ago."))
    return present.lines(lines)


def _why_unknown(containers: Reading[ContainerBoard], environment: str) -> str:
    start = f"What runs in {environment} is not known"
    if containers.problem is not None:
        return f"{start}: {containers.problem.summary}"
    if containers.phase is Phase.OFF:
        return f"{start}: {containers.reason or 'containers are not configured'}"
    return f"{start} yet."


def _running_line(scene: Scene, entry: RunningImage) -> Content:
    report = next(r for r in scene.reports if r.repository == entry.repository)
    label = scene.label(report)
    services = ", ".join(entry.services)
    verb = "runs" if len(entry.services) == 1 else "run"
    name = f"{label}:{entry.tag}" if entry.tag else label
    if entry.standing is Standing.CURRENT:
        facts = _facts(scene, entry.row)
        return present.verdict_text(
            Verdict.OK, f"{services} {verb} what {name} points at, {short(entry.digest)}{facts}"
        )
    if entry.standing is Standing.MOVED:
        now = entry.target.digest if entry.target is not None else ""
        head = f"{services} {verb} {short(entry.digest)}{_facts(scene, entry.row, entry)}"
        words = f"{head}; {name} moved on to {short(now)}{_facts(scene, entry.target)}, which is not deployed"
        return present.verdict_text(Verdict.WARN, words)
    if entry.standing is Standing.PINNED:
        words = f"{services} {verb} {label} pinned to {short(entry.digest)}{_facts(scene, entry.row, entry)}"
        return present.verdict_text(Verdict.OK, words)
    if not entry.digest:
        return present.verdict_text(Verdict.UNKNOWN, f"{services} {verb} {name}, but the Engine knows no digest of it")
    words = f"{services} {verb} {name} as {short(entry.digest)}; what {entry.tag} points at now is not known"
    return present.verdict_text(Verdict.UNKNOWN, words)


def _facts(scene: Scene, tag: ImageTag | None, entry: RunningImage | None = None) -> str:
    """Age, and for what runs the tag that it has besides, in brackets."""
    words = []
    if entry is not None:
        words.append(f"tag {tag.tag}" if tag is not None and tag.tag else "no tag points at it")
    if tag is not None and (created := created_of(tag)) is not None:
        words.append(f"{age_words(scene.now - created)} old")
    return f" ({', '.join(words)})" if words else ""


def problem_lines(scene: Scene, limit: int = PROBLEM_LINES) -> Content | None:
    """Why repositories could not be read, alike ones together, each with its remedy; None when all were.

    A warning where there are rows all the same, a failure where there are none.
    """
    alike: dict[tuple[str, str], list[ImageRepositoryReport]] = {}
    for report in scene.reports:
        if report.problem is not None:
            alike.setdefault((report.problem.code, report.problem.remedy), []).append(report)
    lines = []
    for (_, remedy), reports in list(alike.items())[:limit]:
        first = reports[0].problem
        names = ", ".join(scene.label(report) for report in reports[:3])
        more = f" and {len(reports) - 3} more" if len(reports) > 3 else ""
        sign, style = ("▲", "$warn") if any(report.tags for report in reports) else ("✗", "$fail")
        line = f"{sign} {visible(names)}{more}: {visible(first.summary if first is not None else '')}"
        advice = (f"  {visible(remedy)}", present.MUTED) if remedy else ""
        lines.append(Content.assemble((line, style), advice))
    if len(alike) > limit:
        lines.append(present.muted(f"and {len(alike) - limit} other problems"))
    return present.lines(lines) if lines else None


def why_empty(scene: Scene, wanted: str) -> Content:
    """Why the table has no row."""
    if wanted:
        return present.muted(f"No image is like '{wanted}'. Esc clears.")
    if not scene.reports:
        return present.muted("No image repository was found.")
    if any(report.problem is not None for report in scene.reports):
        return present.muted("No tag could be read.")
    return present.muted("The image repositories have no tags.")


def marked_line(tag: ImageTag) -> Content:
    """What waits for its partner."""
    name = tag.repository.tagged(tag.tag) if tag.tag else f"{tag.repository} {short(tag.digest)}"
    return Content(f"{MARK} {visible(name)} is marked: c on another row compares them, Esc forgets it.")
