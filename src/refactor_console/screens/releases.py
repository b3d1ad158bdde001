"""The releases pane: both repositories' releases, versions, and what waits to be released."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll

from refactor_console.domain.problem import ConsoleError
from refactor_console.domain.reading import Reading
from refactor_console.domain.releases import Release, ReleaseBoard, VersionReading
from refactor_console.domain.repos import Repository
from refactor_console.domain.text import visible
from refactor_console.screens.base import PaneScreen
from refactor_console.screens.dialogs.notes import NotesDialog
from refactor_console.screens.links import copy_address, open_page
from refactor_console.widgets import present_releases as say
from refactor_console.widgets.pane import Line, Pane
from refactor_console.widgets.release_column import ReleaseColumn
from refactor_console.widgets.table import Table

MINUTE_TICKS = 60


class Columns(VerticalScroll, can_focus=False):
    """The repositories."""


class ReleasesScreen(PaneScreen):
    """A sentence on whether the versions agree, and a column for each repository."""

    MODE = "releases"
    CSS_PATH = "releases.tcss"
    BINDING_GROUP_TITLE = "Releases"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "across(-1)", "Repository to the left", show=False, id="releases.left"),
        Binding("right,l", "across(1)", "Repository to the right", show=False, id="releases.right"),
        Binding("v", "versions", "Versions", tooltip="Read the manifests at the tag", id="releases.versions"),
        Binding("o", "open", "Open", tooltip="Open its page", id="releases.open"),
        Binding("y", "copy_url", "Copy URL", id="releases.copy-url"),
        Binding("w", "why", "Why", tooltip="Why something could not be read", id="releases.why", show=False),
    ]

    def compose_body(self) -> ComposeResult:
        """Agreement, columns."""
        yield Pane("Releases", Line(id="agreement"), id="releases-pane")
        platform = self.session.github.platform
        with Columns(id="release-columns"):
            for repository in platform.repositories:
                yield ReleaseColumn(repository)

    def on_pane_ready(self) -> None:
        """Follow the board."""
        self._ticks = 0
        self._focused_once = False
        self.query_one("#agreement").display = False
        for column in self.columns:
            column.display = False
        self.follow(self.session.github.releases, self._show_board)

    @property
    def columns(self) -> list[ReleaseColumn]:
        """One a repository, the backend's first."""
        return list(self.query(ReleaseColumn))

    # -- feed

    def _show_board(self, reading: Reading[ReleaseBoard]) -> None:
        now, board = self.clock(), reading.value
        self.query_one("#releases-pane", Pane).show(reading, now, lack=self.lack(reading))
        if board is None:
            return
        line = self.query_one("#agreement", Line)
        line.display = True
        line.put(say.agreement_line(board))
        reports = {report.repository: report for report in board.repositories}
        for column in self.columns:
            report = reports.get(column.repository)
            column.display = report is not None
            if report is not None:
                column.show(report, now, aged=not reading.is_live)
        if not self._focused_once and self.focused is None:
            shown = [table for column in self.columns if column.display for table in self._tables(column)]
            if shown:
                self._focused_once = True
                shown[0].focus()

    @staticmethod
    def _tables(column: ReleaseColumn) -> list[Table]:
        return [table for table in (column.releases, column.commits) if table.display and table.rows]

    def on_tick(self, now: datetime) -> None:
        """Ages in the heading each second, in the rows each minute."""
        self.query_one("#releases-pane", Pane).tick(now)
        self._ticks += 1
        if self._ticks % MINUTE_TICKS == 0:
            self._show_board(self.session.github.releases.reading)

    # -- what is selected

    @property
    def column(self) -> ReleaseColumn | None:
        """The column with the focus, else the first that is shown."""
        shown = [column for column in self.columns if column.display]
        focused = next((column for column in shown if column.has_focus_within), None)
        return focused or (shown[0] if shown else None)

    def _release(self) -> tuple[Repository, Release] | None:
        column = self.column
        release = column.selected_release if column is not None else None
        if column is None or release is None:
            self.app.say("No release is selected.")
            return None
        return column.repository, release

    def _url(self) -> str:
        """The page of the selected release, or of the selected commit where the commits have the focus."""
        column = self.column
        if column is None:
            return ""
        web = self.session.github.platform.web_url
        if column.commits.has_focus:
            commit = column.selected_commit
            page = f"{web}/{column.repository.full_name}/commit/"
            return (commit.html_url or page + commit.sha) if commit is not None else ""
        release = column.selected_release
        return say.tag_url(web, column.repository, release) if release is not None else ""

    def action_across(self, steps: int) -> None:
        """Go to the same table of the next repository."""
        shown = [column for column in self.columns if column.display]
        column = self.column
        if column is None:
            return
        there = shown[min(max(shown.index(column) + steps, 0), len(shown) - 1)]
        if there is column:
            return
        wanted = there.commits if column.commits.has_focus else there.releases
        tables = self._tables(there)
        if tables:
            (wanted if wanted in tables else tables[0]).focus()

    # -- looking closer

    @on(Table.Selected)
    def _opened(self, event: Table.Selected) -> None:
        event.stop()
        column = next((column for column in self.columns if event.table in (column.releases, column.commits)), None)
        if column is None:
            return
        if event.table is column.commits:
            self._open_commit(column)
        else:
            self._open_release(column)

    def _open_commit(self, column: ReleaseColumn) -> None:
        commit = column.selected_commit
        if commit is not None:
            text = "\n\n".join(part for part in (commit.subject, commit.body) if part)
            title = f"{column.repository.name} {commit.sha[:7]}"
            self.app.push_screen(NotesDialog(title, [("", say.commit_facts(commit))], text, self._url()))

    def _open_release(self, column: ReleaseColumn) -> None:
        release = column.selected_release
        if release is None:
            return
        reading = self._reading_at(column, release.tag)
        blocks = [("", say.release_facts(release, reading))]
        if reading is not None:
            blocks.append(("Manifests", say.member_facts(reading)))
        url = say.tag_url(self.session.github.platform.web_url, column.repository, release)
        self.app.push_screen(NotesDialog(f"{column.repository.name} {release.tag}", blocks, release.body, url))

    @staticmethod
    def _reading_at(column: ReleaseColumn, tag: str) -> VersionReading | None:
        readings = column.report.tag_versions if column.report is not None else ()
        return next((reading for reading in readings if reading.ref == tag), None)

    def action_versions(self) -> None:
        """Read the manifests at the selected release's tag; the table shows them when they are there."""
        if (found := self._release()) is None:
            return
        repository, release = found
        if not release.tag or (release.draft and not release.sha):
            self.app.say("The draft's tag does not exist yet: there is nothing to read.", severity="warning")
            return
        self.app.say(f"Reading the versions of {visible(repository.name)} at {visible(release.tag)}…")
        self.run_worker(
            self._read_versions(repository, release.tag), name="versions", group="versions", exit_on_error=False
        )

    async def _read_versions(self, repository: Repository, tag: str) -> None:
        try:
            await self.session.github.release_versions(repository, tag)
        except ConsoleError as error:
            self.app.show_problem(error.problem, f"Versions at {tag}")

    def action_open(self) -> None:
        """Open the selected release's or commit's page."""
        self.app.say(open_page(self.app, self._url()))

    def action_copy_url(self) -> None:
        """Copy the selected release's or commit's address."""
        if url := self._url():
            self.app.say(copy_address(self.app, url))
        else:
            self.app.say("Nothing is selected.")

    def action_why(self) -> None:
        """Open the problem of the column with the focus, or the first there is."""
        first = [self.column] if self.column is not None else []
        reports = [column.report for column in (*first, *self.columns) if column.report is not None]
        problem = next((problem for report in reports for problem in report.problems), None)
        if problem is None:
            self.app.say("Everything could be read.")
        else:
            self.app.show_problem(problem, "Releases")
