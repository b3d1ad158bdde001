"""What the dialogs about images say: one image unfolded, a moving tag's past, and two images compared."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from textual.content import Content

from refactor_console.domain.images import (
    Commit,
    ImageComparison,
    ImageDetails,
    ImageTag,
    ImageUse,
    RevisionFacts,
    TagHistory,
    TagPosition,
)
from refactor_console.domain.problem import Problem
from refactor_console.domain.repos import Repository
from refactor_console.domain.text import visible
from refactor_console.domain.verdict import Verdict
from refactor_console.widgets import present
from refactor_console.widgets.facts import Fact
from refactor_console.widgets.headlines import Headlines, commit_text, headline
from refactor_console.widgets.present_images import age_words, provenance_text, short, uses_words
from refactor_console.widgets.prose import wrapped_facts
from refactor_console.widgets.table import Column, TableRow

POSITIONS = (
    Column("since", "From", 16),
    Column("until", "Until", 16, rank=2),
    Column("digest", "Digest", 12),
    Column("commit", "Commit", 16, grow=3, limit=70, rank=3),
    Column("pull", "Pullable", 9, rank=1),
    Column("evidence", "Known by", 12, grow=1, limit=36, rank=4),
)
"""Of the time machine's table."""
LABEL_LIMIT = 34
NONE = [("", present.muted("none"))]


def sections(blocks: Sequence[tuple[str, Sequence[Fact]]], width: int) -> Content:
    """Titled blocks of facts one under the other, folded into `width` cells."""
    parts = []
    for title, facts in blocks:
        label_width = min(max((Content(label).cell_length for label, _ in facts), default=0), LABEL_LIMIT)
        parts.append(Content.assemble((visible(title), "bold $accent"), "\n", wrapped_facts(facts, label_width, width)))
    return Content("\n\n").join(parts)


# -- one image


def details_sections(
    tag: ImageTag,
    details: ImageDetails,
    runs: Content,
    headlines: Headlines,
    revision: RevisionFacts | Problem | None,
    source: Repository | None,
    web_url: str,
) -> list[tuple[str, list[Fact]]]:
    """Everything about one image; `revision` is None while GitHub has not answered."""
    repository = details.repository
    image: list[Fact] = [
        ("Repository", present.plain(str(repository))),
        ("Tag", present.plain(tag.tag) if tag.tag else present.muted("no tag points at it")),
        ("Digest", present.plain(details.digest)),
        ("Kind", present.plain(details.media_type)),
        ("Runs now", runs or present.muted("nobody, as far as is known")),
        ("Built", Content(present.utc_time(details.created))),
        ("Pushed", Content(present.utc_time(tag.created_at))),
        ("Version", present.plain(details.version) if details.version else present.NOTHING),
    ]
    provenance: list[Fact] = [("State", provenance_text(details.provenance))]
    if details.provenance_note:
        provenance.append(("Note", present.plain(details.provenance_note)))
    pulls: list[Fact] = [("by digest", present.plain(f"docker pull {repository.pinned(details.digest)}"))]
    if tag.tag:
        words = f"docker pull {repository.tagged(tag.tag)}"
        pulls.append(("by tag", present.plain(words + ("   (this tag moves)" if tag.moving else ""))))
    manifests: list[Fact] = [
        (
            visible(manifest.platform),
            Content.assemble(
                f"{present.size(manifest.size) if manifest.size is not None else '?':>9}  ",
                (visible(manifest.digest), present.MUTED),
            ),
        )
        for manifest in details.platforms
    ]
    return [
        ("Image", image),
        ("Source", source_facts(details.revision, headlines, revision, source, web_url)),
        ("Platforms, compressed", manifests or NONE),
        ("Provenance", provenance),
        ("Pull", pulls),
        ("Labels", [(visible(name), present.plain(value)) for name, value in details.labels] or NONE),
    ]


def source_facts(
    sha: str,
    headlines: Headlines,
    revision: RevisionFacts | Problem | None,
    source: Repository | None,
    web_url: str,
) -> list[Fact]:
    """The commit that it was built from, and the pull requests that brought it."""
    facts = revision if isinstance(revision, RevisionFacts) else None
    known = headlines.get(sha)
    if facts is not None and facts.commit is not None:
        known = headline(facts.commit.subject)
    found: list[Fact] = [("Commit", commit_text(sha, known))]
    if sha:
        found.append(("SHA", present.plain(sha)))
        if facts is not None and facts.commit is not None:
            found.append(("By", present.plain(f"{facts.commit.author}, {present.utc_time(facts.commit.at)}")))
        if source is not None:
            found.append(("URL", present.plain(f"{web_url}/{source.full_name}/commit/{sha}")))
    for request in facts.pull_requests if facts is not None else ():
        words = f"#{request.number} {visible(request.title)}"
        address = f"  {visible(request.html_url)}" if request.html_url else ""
        found.append(("Request", Content.assemble(words, (address, present.MUTED))))
    if facts is None and known is not None and known.pull_request is not None and source is not None:
        url = f"{web_url}/{source.full_name}/pull/{known.pull_request}"
        found.append(("Request", present.plain(f"#{known.pull_request}  {url}")))
    found += [("Note", present.muted(note)) for note in (facts.notes if facts is not None else ())]
    if isinstance(revision, Problem):
        found.append(("Note", present.verdict_text(Verdict.FAIL, revision.summary)))
    return found


# -- the time machine


def position_rows(history: TagHistory, uses: frozenset[str], headlines: Headlines) -> list[TableRow]:
    """The positions as rows, keyed by their place."""
    return [
        TableRow(str(index), _position_cells(position, uses, headlines))
        for index, position in enumerate(history.positions)
    ]


def _position_cells(position: TagPosition, uses: frozenset[str], headlines: Headlines) -> dict[str, Content]:
    runs = bool(position.digest) and position.digest in uses
    style = "bold $ok" if runs else ""
    digest = short(position.digest) if position.digest else "unknown"
    return {
        "since": Content(minute(position.since)),
        "until": Content(minute(position.until))
        if position.until is not None
        else present.verdict_text(Verdict.OK, "now"),
        "digest": Content.assemble((digest, style)) if style else Content(digest),
        "commit": commit_text(position.revision, headlines.get(position.revision))
        if position.revision
        else present.NOTHING,
        "pull": pullable_text(position.pullable),
        "evidence": present.plain(", ".join(word.value for word in position.evidence)),
    }


def minute(moment: datetime) -> str:
    """A moment in UTC, to the minute."""
    return f"{moment:%Y-%m-%d %H:%M}"


def pullable_text(pullable: bool | None) -> Content:
    """Whether the registry still has it."""
    if pullable is None:
        return present.verdict_text(Verdict.UNKNOWN, "unknown")
    return present.verdict_text(Verdict.OK, "yes") if pullable else present.verdict_text(Verdict.FAIL, "gone")


def position_facts(position: TagPosition, uses: Sequence[ImageUse], headlines: Headlines) -> list[Fact]:
    """All about one position of the tag."""
    span = f"{present.utc_time(position.since)} to "
    span += "now" if position.until is None else present.utc_time(position.until)
    if position.until is not None:
        span += f", {present.span(position.until - position.since)}"
    digest = present.plain(position.digest) if position.digest else present.muted("only the commit is known")
    known = ", ".join(word.value for word in position.evidence) or "nothing but its order"
    facts: list[Fact] = [
        ("When", Content(span)),
        ("Digest", digest),
        ("Commit", commit_text(position.revision, headlines.get(position.revision))),
        ("Known by", present.plain(known)),
        ("Pullable", pullable_text(position.pullable)),
    ]
    if uses:
        facts.append(("Runs now", present.plain(uses_words(uses))))
    if position.note:
        facts.append(("Note", present.plain(position.note)))
    return facts


def history_text(history: TagHistory, headlines: Headlines) -> str:
    """The whole time machine as plain text, to copy."""
    lines = [history.repository.tagged(history.tag)]
    for position in history.positions:
        until = "now" if position.until is None else f"{minute(position.until)} UTC"
        known = ", ".join(word.value for word in position.evidence)
        commit = commit_text(position.revision, headlines.get(position.revision)).plain
        lines.append(
            f"{minute(position.since)} UTC to {until}  {position.digest or 'digest unknown'}  {commit}  ({known})"
        )
    return "\n".join([*lines, *history.caveats])


# -- two images


def comparison_sections(comparison: ImageComparison, now: datetime) -> list[tuple[str, list[Fact]]]:
    """What differs, the verdict first."""
    older, newer = comparison.older, comparison.newer
    blocks: list[tuple[str, list[Fact]]] = [
        (
            "Compared",
            [
                ("Older", _side(older, now)),
                ("Newer", _side(newer, now)),
                ("Verdict", _verdict(comparison)),
            ],
        )
    ]
    if comparison.notes:
        blocks.append(("Not compared", [("▲", present.plain(note)) for note in comparison.notes]))
    requests: list[Fact] = [
        (
            f"#{request.number}",
            Content.assemble(visible(request.title), (f"  {visible(request.author)}", present.MUTED)),
        )
        for request in comparison.pull_requests
    ]
    blocks.append((f"Pull requests ({len(requests)})", requests or NONE))
    commits = [_commit_fact(commit) for commit in comparison.commits]
    blocks.append((f"Commits ({len(commits)}), oldest first", commits or NONE))
    blocks.append(("Size, compressed", [_size_fact(*each) for each in comparison.sizes] or NONE))
    labels: list[Fact] = [
        (
            visible(name),
            Content.assemble(visible(was or "(absent)"), (" → ", present.MUTED), visible(became or "(absent)")),
        )
        for name, was, became in comparison.labels
    ]
    blocks.append(("Labels that differ", labels or NONE))
    return blocks


def _side(tag: ImageTag, now: datetime) -> Content:
    name = tag.repository.tagged(tag.tag) if tag.tag else str(tag.repository)
    age = f"  pushed {age_words(now - tag.created_at)} ago" if tag.created_at is not None else ""
    return Content.assemble(visible(name), (f"  {short(tag.digest)}{age}", present.MUTED))


def _verdict(comparison: ImageComparison) -> Content:
    ahead, behind = len(comparison.commits), comparison.behind
    if comparison.older.digest and comparison.older.digest == comparison.newer.digest:
        return present.verdict_text(Verdict.OK, "the same image")
    if not ahead and not behind:
        if comparison.notes:
            return present.verdict_text(Verdict.UNKNOWN, "no difference in commits is known; see below")
        return present.verdict_text(Verdict.OK, "built from the same commit")
    words = f"{ahead} commit{'' if ahead == 1 else 's'} more in the newer"
    if behind:
        only = f"{behind} only in the older: they diverged" if ahead else f"it lacks {behind}: going there goes back"
        return present.verdict_text(Verdict.WARN, f"{words}, {only}")
    return present.verdict_text(Verdict.OK, words)


def _commit_fact(commit: Commit) -> Fact:
    about = f"  {visible(commit.author)}, {minute(commit.at)}"
    return (visible(commit.sha[:7]), Content.assemble(visible(commit.subject), (about, present.MUTED)))


def _size_fact(platform: str, was: int | None, became: int | None) -> Fact:
    if was is None or became is None:
        lacks = "only in the newer" if was is None else "only in the older"
        known = became if was is None else was
        size = present.size(known) if known is not None else "size not known"
        return (visible(platform), Content.assemble(f"{size}  ", (lacks, "$warn")))
    sign = "+" if became >= was else "−"
    change = f"{sign}{present.size(abs(became - was))}" if became != was else "same"
    return (
        visible(platform),
        Content.assemble(f"{present.size(was)} → {present.size(became)}", (f"  {change}", present.MUTED)),
    )
