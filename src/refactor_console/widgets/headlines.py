"""Headlines of commits that other feeds already know: what a revision was about, at no request at all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from textual.content import Content

from refactor_console.domain.releases import ReleaseBoard
from refactor_console.domain.runs import RunBoard
from refactor_console.domain.text import visible
from refactor_console.widgets import present

_MERGED = re.compile(r"\(#(\d{1,9})\)\s*$|^Merge pull request #(\d{1,9}) ")


@dataclass(frozen=True, slots=True)
class Headline:
    """A commit's first line, and the pull request that it names."""

    subject: str
    pull_request: int | None = None


Headlines = Mapping[str, Headline]
"""By the commit's whole SHA."""


def headline(subject: str) -> Headline:
    """A headline with the pull request that GitHub wrote into it, if any."""
    found = _MERGED.search(subject)
    number = next((int(group) for group in found.groups() if group), None) if found is not None else None
    return Headline(subject, number)


def headlines_of(runs: RunBoard | None, releases: ReleaseBoard | None) -> Headlines:
    """What unreleased commits and runs after a push say (other runs' titles are not their commit's)."""
    found: dict[str, Headline] = {}
    for run in runs.runs if runs is not None else ():
        if run.event == "push" and run.sha and run.title:
            known = headline(run.title)
            number = known.pull_request or (run.pull_requests[0] if len(run.pull_requests) == 1 else None)
            found.setdefault(run.sha, Headline(known.subject, number))
    for repository in releases.repositories if releases is not None else ():
        for group in repository.unreleased:
            for commit in group.commits:
                found[commit.sha] = headline(commit.subject)
    return found


def commit_text(sha: str, known: Headline | None) -> Content:
    """A commit in a line: short SHA, subject, pull request where the subject does not name it."""
    if not sha:
        return present.muted("the image does not say")
    if known is None:
        return Content.assemble(visible(sha[:12]), ("  subject not known", present.MUTED))
    named = known.pull_request is None or f"#{known.pull_request}" in known.subject
    number = "" if named else f"  #{known.pull_request}"
    return Content.assemble((visible(sha[:7]), present.MUTED), f"  {visible(known.subject)}{number}")
