"""The images pane: every tag of every image repository, and what runs against what its tag points at now."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.widgets import Input

from refactor_console.domain.images import ImageBoard, ImageRepositoryReport, ImageTag
from refactor_console.domain.problem import Problem
from refactor_console.domain.reading import Reading
from refactor_console.domain.text import visible
from refactor_console.screens.base import PaneScreen
from refactor_console.screens.dialogs.image_compare import ImageCompareDialog
from refactor_console.screens.dialogs.image_details import ImageDetailsDialog
from refactor_console.screens.dialogs.tag_history import TagHistoryDialog
from refactor_console.screens.links import open_page
from refactor_console.widgets import present_image_lines as lines
from refactor_console.widgets import present_images as say
from refactor_console.widgets.facts import Facts
from refactor_console.widgets.headlines import Headlines, headlines_of
from refactor_console.widgets.pane import Line, Pane
from refactor_console.widgets.table import Table

MINUTE_TICKS = 60
FRAME_LINES = 9
"""Lines of the pane that are not rows, at most: headings, and what runs."""
SHORT_SHARE = 0.6
"""The share of the screen up to which the pane is only as tall as what it holds."""


class Side(VerticalScroll, can_focus=False):
    """The panel with the selected row's details."""


class ImagesScreen(PaneScreen):
    """What runs, a table of tags, a panel for the selected one, and the keys that look closer."""

    MODE = "images"
    CSS_PATH = "images.tcss"
    BINDING_GROUP_TITLE = "Images"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("i", "details", "Details", tooltip="Platforms, labels, commit, provenance", id="images.details"),
        Binding(
            "t", "history", "Past", tooltip="Time machine: what a moving tag pointed at, and when", id="images.history"
        ),
        Binding("c", "compare", "Compare", tooltip="Mark one, then compare with another", id="images.compare"),
        Binding("slash", "filter", "Filter", key_display="/", tooltip="Show rows with these words", id="images.filter"),
        Binding("u", "untagged", "Untagged", tooltip="Versions without a tag, too", id="images.untagged"),
        Binding("y", "copy_digest", "Digest", tooltip="Copy the digest", id="images.copy-digest"),
        Binding("p", "copy_pull", "Pull", tooltip="Copy the pull command", id="images.copy-pull", show=False),
        Binding("o", "open", "Open", tooltip="The package's page on GitHub", id="images.open", show=False),
        Binding("w", "why", "Why", tooltip="Why a repository could not be read", id="images.why", show=False),
        Binding("escape", "clear", "Clear", show=False, id="images.clear"),
    ]

    def compose_body(self) -> ComposeResult:
        """What runs, table, lines, panel, filter."""
        with Container(id="image-halves"):
            yield Pane(
                "Images",
                Line(id="running"),
                Table(*say.COLUMNS, id="images"),
                Line(id="images-empty"),
                id="images-pane",
            )
            yield Line(id="image-marked")
            yield Line(id="image-problems")
            yield Pane("Selected", Side(Facts(id="image-facts")), id="image-selected", feed=False)
        yield Input(
            id="image-filter", placeholder="filter: tag, digest, commit, service   (Enter keeps it, Esc clears it)"
        )

    def on_pane_ready(self) -> None:
        """Follow the feeds that the pane puts together."""
        self._scene: say.Scene | None = None
        self._maker = say.RowMaker()
        self._untagged = False
        self._wanted = ""
        self._marked: ImageTag | None = None
        self._headlines: Headlines = {}
        self._headlines_of: tuple[object, object] = (None, None)
        self._containers_seen: object = None
        self._ticks = 0
        self.query_one("#image-filter", Input).display = False
        for absent in ("#images-empty", "#image-marked", "#image-problems", "#image-selected"):
            self.query_one(absent).display = False
        github = self.session.github
        self.follow(github.images, self._show_board)
        self.follow(self.session.containers, self._containers_changed)
        self.follow(github.runs, self._headlines_changed)
        self.follow(github.releases, self._headlines_changed)
        self.table.focus()

    @property
    def table(self) -> Table:
        """The tags' table."""
        return self.query_one("#images", Table)

    # -- feeds

    def _show_board(self, _reading: Reading[ImageBoard]) -> None:
        self._again()

    def _containers_changed(self, reading: Reading[Any]) -> None:
        """The board comes every second with new figures; only what runs matters here."""
        board = reading.value
        rows = board.rows if board is not None else ()
        seen = (
            reading.phase,
            tuple((r.container.image, r.container.image_digest, r.container.label, r.container.state) for r in rows),
        )
        if seen != self._containers_seen:
            self._containers_seen = seen
            self.soon("again", self._again)

    def _headlines_changed(self, _reading: Reading[Any]) -> None:
        github = self.session.github
        known = (github.runs.reading.value, github.releases.reading.value)
        if any(new is not old for new, old in zip(known, self._headlines_of, strict=True)):
            self._headlines_of = known
            self._headlines = headlines_of(*known)
            self.soon("again", self._again)

    def _again(self) -> None:
        """Put everything together anew."""
        now, reading = self.clock(), self.session.github.images.reading
        self.query_one("#images-pane", Pane).show(reading, now, lack=self.lack(reading))
        self.query_one("#image-selected", Pane).set_class(not reading.is_live and reading.value is not None, "-aged")
        containers, name = self.session.containers.reading, self.session.environment.name
        running = self.query_one("#running", Line)
        running.display = reading.value is not None
        if reading.value is None:
            return
        platform = self.session.github.platform
        self._scene = say.scene_of(platform, reading.value, containers.value, name, self._headlines, now)
        running.put(lines.running_lines(self._scene, containers, name))
        self._put("#image-problems", lines.problem_lines(self._scene))
        self._show_rows()

    def _show_rows(self) -> None:
        """The table, after its data or its filter changed."""
        scene = self._scene
        if scene is None:
            return
        marked = self._marked.key if self._marked is not None else ""
        rows = self._maker.rows(scene, untagged=self._untagged, wanted=self._wanted, marked=marked)
        self.table.show(rows)
        self._make_room()
        heading = lines.title(scene, len(rows), untagged=self._untagged, wanted=self._wanted)
        self.query_one("#images-pane", Pane).retitle(heading)
        self._put("#images-empty", None if rows else lines.why_empty(scene, self._wanted))
        self._put("#image-marked", None if self._marked is None else lines.marked_line(self._marked))
        self._show_side()

    def on_resize(self, _event: Resize) -> None:
        """More or fewer rows have room."""
        self._make_room()

    def _make_room(self) -> None:
        """A short table is as tall as its rows; a long one takes most of the screen and scrolls."""
        many = len(self.table.rows) + FRAME_LINES > self.size.height * SHORT_SHARE
        self.query_one("#images-pane", Pane).set_class(many, "-many")

    def _put(self, selector: str, content: Content | None) -> None:
        line = self.query_one(selector, Line)
        line.display = content is not None
        if content is not None:
            line.put(content)

    def _show_side(self) -> None:
        found, scene = self.selected, self._scene
        pane, facts = self.query_one("#image-selected", Pane), self.query_one("#image-facts", Facts)
        pane.display = found is not None
        if found is None or scene is None:
            return
        report, tag = found
        name = f"{scene.label(report)}:{tag.tag}" if tag.tag else f"{scene.label(report)} {say.short(tag.digest)}"
        pane.retitle(visible(name))
        facts.show(say.side_facts(scene, report, tag))

    @property
    def selected(self) -> tuple[ImageRepositoryReport, ImageTag] | None:
        """The row under the cursor with its repository; None when there is no row."""
        key = self.table.cursor_key
        return self._maker.tags.get(key) if key is not None else None

    def on_tick(self, now: datetime) -> None:
        """Ages in the heading each second, in the rows each minute."""
        for pane in self.query(Pane):
            pane.tick(now)
        self._ticks += 1
        if self._ticks % MINUTE_TICKS == 0:
            self._again()

    @on(Table.Highlighted, "#images")
    def _moved(self, event: Table.Highlighted) -> None:
        event.stop()
        self._show_side()

    @on(Table.Selected, "#images")
    def _opened(self, event: Table.Selected) -> None:
        event.stop()
        self.action_details()

    # -- filter

    def action_filter(self) -> None:
        """Begin to type a filter."""
        field = self.query_one("#image-filter", Input)
        field.display = True
        field.focus()

    def action_clear(self) -> None:
        """Forget the mark, then the filter."""
        if self._marked is not None and self.table.has_focus:
            self._marked = None
        else:
            field = self.query_one("#image-filter", Input)
            field.value, field.display = "", False
            self._wanted = ""
            self.table.focus()
        self._show_rows()

    @on(Input.Changed, "#image-filter")
    def _filter_changed(self, event: Input.Changed) -> None:
        event.stop()
        if event.value.strip() != self._wanted:
            self._wanted = event.value.strip()
            self.soon("rows", self._show_rows)

    @on(Input.Submitted, "#image-filter")
    def _filter_kept(self, event: Input.Submitted) -> None:
        event.stop()
        self.table.focus()
        self.query_one("#image-filter", Input).display = bool(self._wanted)

    def action_untagged(self) -> None:
        """Show versions without a tag too, or only tagged ones again."""
        self._untagged = not self._untagged
        self._show_rows()

    # -- looking closer

    def _row(self) -> tuple[ImageRepositoryReport, ImageTag] | None:
        if self.selected is None:
            self.app.say("No image is selected.")
        return self.selected

    def action_details(self) -> None:
        """Open the selected image's details."""
        if (row := self._row()) is not None and self._scene is not None:
            report, tag = row
            runs = say.runs_text(self._scene, tag)
            dialog = ImageDetailsDialog(
                self.session.github, tag, runs=runs, headlines=self._headlines, source=report.source
            )
            self.app.push_screen(dialog)

    def action_history(self) -> None:
        """Open the time machine of the selected moving tag, or of the repository's one moving tag."""
        if (row := self._row()) is None or self._scene is None:
            return
        report, tag = row
        if not tag.moving:
            tag = next((other for other in report.tags if other.moving), tag)
        if not tag.moving:
            self.app.say(f"No tag of {visible(self._scene.label(report))} moves: each names one image for good.")
            return
        dialog = TagHistoryDialog(
            self.session.github, tag, uses=self._scene.uses, headlines=self._headlines, source=report.source
        )
        self.app.push_screen(dialog)

    def action_compare(self) -> None:
        """Mark the selected image; with another one marked, compare the two."""
        if (row := self._row()) is None:
            return
        _, tag = row
        marked = self._marked
        if marked is None:
            self._marked = tag
        else:
            self._marked = None
            if marked.key != tag.key:
                self.app.push_screen(ImageCompareDialog(self.session.github, marked, tag, self.clock))
        self._show_rows()

    def action_copy_digest(self) -> None:
        """Copy the selected image's digest."""
        if (row := self._row()) is None:
            return
        _, tag = row
        if tag.digest:
            self._copy(tag.digest)
        else:
            self.app.say("The digest was not asked for yet; Enter asks.", severity="warning")

    def action_copy_pull(self) -> None:
        """Copy the command that pulls the selected image."""
        if (row := self._row()) is not None:
            self._copy(say.pull_command(row[1]))

    def _copy(self, text: str) -> None:
        self.app.copy_to_clipboard(text)
        self.app.say(f"Copied: {visible(text)}")

    def action_open(self) -> None:
        """Open the package's page."""
        if (row := self._row()) is not None:
            self.app.say(open_page(self.app, say.package_url(self.session.github.platform, *row)))

    def action_why(self) -> None:
        """Open the selected repository's problem, or the first there is."""
        reports = self._scene.reports if self._scene is not None else ()
        first = (self.selected[0],) if self.selected is not None else ()
        problem: Problem | None = next((r.problem for r in (*first, *reports) if r.problem is not None), None)
        if problem is None:
            self.app.say("Every image repository could be read.")
        else:
            self.app.show_problem(problem, "Images")
