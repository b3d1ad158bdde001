"""One repository of the releases pane: its versions, its releases, and what waits."""

from __future__ import annotations

from datetime import datetime

from textual.app import ComposeResult
from textual.containers import Vertical

from refactor_console.domain.images import Commit
from refactor_console.domain.releases import Release, RepositoryReleases
from refactor_console.domain.repos import Repository
from refactor_console.domain.text import visible
from refactor_console.widgets import present
from refactor_console.widgets import present_releases as say
from refactor_console.widgets.pane import Line, Pane
from refactor_console.widgets.prose import wrapped_facts
from refactor_console.widgets.table import Table


class ReleaseColumn(Vertical):
    """Facts and two tables; the one with the focus says what is selected."""

    def __init__(self, repository: Repository) -> None:
        super().__init__()
        self.repository = repository
        self.report: RepositoryReleases | None = None
        """What is shown; None before the first reading."""
        self.releases = Table(*say.RELEASES)
        """The releases' table."""
        self.commits = Table(*say.COMMITS)
        """The unreleased commits' table."""
        self.releases.add_class("releases")
        self.commits.add_class("commits")
        self._facts = Line(classes="release-facts")

    def compose(self) -> ComposeResult:
        """Facts, releases, unreleased commits."""
        yield Pane(
            visible(self.repository.full_name),
            self._facts,
            self.releases,
            Line(classes="release-empty"),
            self.commits,
            feed=False,
        )

    def show(self, report: RepositoryReleases, now: datetime, *, aged: bool) -> None:
        """Show what is known of the repository."""
        self.report = report
        self.query_one(Pane).set_class(aged, "-aged")
        self._show_facts()
        self.releases.show(say.release_rows(report, now))
        self.commits.show(say.commit_rows(report, now))
        self.releases.display = bool(report.releases)
        self.commits.display = bool(report.unreleased_count)
        empty = self.query_one(".release-empty", Line)
        empty.display = not report.releases
        empty.put(present.muted("No releases and no tags."))

    def on_resize(self) -> None:
        """Fold long facts into the room there is."""
        self._show_facts()

    def _show_facts(self) -> None:
        if self.report is not None:
            self._facts.put(wrapped_facts(say.repository_facts(self.report), 8, self.size.width - 2))

    @property
    def selected_release(self) -> Release | None:
        """The release under the cursor of its table."""
        key = self.releases.cursor_key
        releases = self.report.releases if self.report is not None else ()
        return next((release for release in releases if say.release_key(release) == key), None)

    @property
    def selected_commit(self) -> Commit | None:
        """The unreleased commit under the cursor of its table."""
        key = self.commits.cursor_key
        if self.report is None:
            return None
        return next((commit for _, commit, _ in say.ordered_commits(self.report) if commit.sha == key), None)
