"""The form of a ``workflow_dispatch`` workflow, made from its inputs; what it leads to is previewed and confirmed.

What is wrong is said beside the input that it is about, before anything is asked of GitHub.
"""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Input, Select, Switch

from refactor_console.domain.dispatch import BadInput, checked_inputs, checked_ref
from refactor_console.domain.operations import DispatchForm, DispatchInput, Operation
from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.domain.runs import Workflow
from refactor_console.domain.text import visible
from refactor_console.screens.dialogs.base import Dialog
from refactor_console.screens.dialogs.operation_confirm import OperationDialog
from refactor_console.screens.dialogs.problem import problem_content
from refactor_console.services.session import ConsoleSession
from refactor_console.widgets import present
from refactor_console.widgets.pane import Line
from refactor_console.widgets.present_runs import repo_name

UNSHOWN = "The file has words here that no field may hold (control characters): they are left to GitHub."


def is_plain(words: str) -> bool:
    """Whether a field may hold what a file says: the terminal would obey control sequences in it."""
    return visible(words) == words


class Field(Vertical):
    """One input: its name, what it is for, a widget that fits its type, and what is wrong with it."""

    DEFAULT_CSS = """
    Field { height: auto; margin: 0 0 1 0; }
    Field .field-row { height: 1; }
    Field .field-name { width: 24; text-wrap: nowrap; text-overflow: ellipsis; }
    Field .field-problem { color: $text-error; padding: 0 0 0 24; }
    Field .field-help { color: $text-muted; padding: 0 0 0 24; }
    Field Input { width: 1fr; height: 1; border: none; padding: 0 1; background: $panel; }
    Field Switch { height: 1; border: none; padding: 0; width: auto; }
    Field Switch:focus { border: none; background-tint: $accent 40%; }
    Field .field-word { width: auto; padding: 0 1; }
    Field Select { width: 1fr; height: auto; }
    Field SelectCurrent { background: $panel; padding: 0 1; }
    """

    def __init__(self, entry: DispatchInput) -> None:
        super().__init__()
        self.entry = entry
        self._control = self._make()
        self._problem = Line(classes="field-problem")
        self._problem.display = False

    def _make(self) -> Widget:
        entry = self.entry
        if entry.type == "boolean":
            return Switch(entry.default == "true", animate=False)
        if entry.type == "choice" and entry.options:
            options = [(Content(option), option) for option in entry.options if is_plain(option)]
            start = entry.default if entry.default in [option for _, option in options] else Select.NULL
            return Select(options, value=start, allow_blank=True, compact=True, prompt="choose")
        start = entry.default if is_plain(entry.default) else ""
        return Input(start, compact=True, placeholder=entry.type if entry.type != "string" else "")

    def compose(self) -> ComposeResult:
        """Name and widget in a row; help and problem below."""
        star = ("* ", "bold $warn") if self.entry.required else ("  ", "")
        with Horizontal(classes="field-row"):
            yield Line(Content.assemble(star, visible(self.entry.name)), classes="field-name")
            yield self._control
            if isinstance(self._control, Switch):
                yield Line(self._switched(), classes="field-word")
        if self.entry.description:
            yield Line(visible(self.entry.description), classes="field-help")
        if not all(map(is_plain, (self.entry.default, *self.entry.options))):
            yield Line(UNSHOWN, classes="field-help")
        yield self._problem

    def _switched(self) -> Content:
        """The word that stands beside the colour."""
        return Content(self.value)

    @on(Switch.Changed)
    def _switch_moved(self, event: Switch.Changed) -> None:
        event.stop()
        self.query_one(".field-word", Line).put(self._switched())

    @property
    def value(self) -> str:
        """What was filled in."""
        match self._control:
            case Switch() as switch:
                return "true" if switch.value else "false"
            case Input() as field:
                return field.value
            case Select() as choice:
                return "" if choice.value is Select.NULL else str(choice.value)
            case _:
                return ""

    @property
    def given(self) -> dict[str, str]:
        """What is sent for it: nothing where its default is not shown and nothing was typed: GitHub keeps its own."""
        untouched = not self.value and not is_plain(self.entry.default)
        return {} if untouched else {self.entry.name: self.value}

    def blame(self, problem: Problem | None) -> None:
        """Say what is wrong with it, or that nothing is any more."""
        self._problem.display = problem is not None
        if problem is not None:
            self._problem.put(Content(visible(f"{problem.summary} {problem.remedy}")))

    def focus_control(self) -> None:
        """Begin to fill it in."""
        self._control.focus()


class DispatchDialog(Dialog[None]):
    """Reads the workflow's inputs at a ref, asks for them, and opens the preview."""

    CSS = """
    DispatchDialog {
        #ref-row { height: 1; margin: 0 0 1 0; }
        #ref-label { width: 24; }
        #ref { width: 1fr; height: 1; border: none; padding: 0 1; background: $panel; }
        #form-problem { max-height: 6; }
        #form-note { margin: 0 0 1 0; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "preview", "Preview", tooltip="Show exactly what would be sent", id="runs.dispatch-preview"),
    ]

    def __init__(self, session: ConsoleSession, workflow: Workflow) -> None:
        name = repo_name(session.github.platform, workflow.repository)
        super().__init__(f"Dispatch {workflow.name} ({name})")
        self.add_class("-form")
        self._session, self._workflow = session, workflow
        self._form: DispatchForm | None = None

    # -- frame

    def compose_body(self) -> ComposeResult:
        """The ref, what is said about the form, the fields."""
        with Horizontal(id="ref-row"):
            yield Line(Content.assemble(("* ", "bold $warn"), "branch or tag"), id="ref-label")
            yield Input(id="ref", compact=True, placeholder="the default branch", disabled=True)
        yield Line("Reading the workflow's inputs…", id="form-note")
        yield Vertical(id="fields")

    def compose_end(self) -> ComposeResult:
        """What is wrong, and the buttons."""
        yield Line(id="form-problem")
        with Horizontal(id="buttons"):
            yield Button("Cancel", id="cancel", compact=True)
            yield Button("Preview…", id="preview", compact=True, disabled=True)

    def on_mount(self) -> None:
        """Read the form at the default branch."""
        self.query_one("#fields").styles.height = "auto"
        self.query_one("#cancel", Button).focus()
        self._read("")

    @property
    def fields(self) -> list[Field]:
        """In the order of the workflow's file."""
        return list(self.query(Field))

    # -- the form

    def _read(self, ref: str) -> None:
        self.run_worker(self._load(ref), name="form", group="form", exclusive=True, exit_on_error=False)

    async def _load(self, ref: str) -> None:
        try:
            form = await self._session.github.dispatch_form(self._workflow, ref)
        except ConsoleError as error:
            self._say_problem(error.problem)
            self.query_one("#form-note", Line).put(present.muted("Its inputs could not be read."))
            self.query_one("#ref", Input).disabled = not ref  # another ref may be better
            return
        first, self._form = self._form is None, form
        self._say_problem(None)
        field = self.query_one("#ref", Input)
        field.disabled = False
        if not field.value and is_plain(form.ref):
            field.value = form.ref
        notes = [Content.assemble((f"▲ {visible(note)}", "$warn")) for note in form.notes]
        count = len(form.inputs)
        words = (
            f"{count} {'input' if count == 1 else 'inputs'} at {form.ref}; * is required." if count else "No inputs."
        )
        self.query_one("#form-note", Line).put(present.lines([present.muted(words), *notes]))
        fields = self.query_one("#fields", Vertical)
        kept = {each.entry: each for each in self.fields}
        if tuple(kept) != form.inputs:
            await fields.remove_children()
            await fields.mount(*(Field(entry) for entry in form.inputs))
        self.query_one("#preview", Button).disabled = False
        if first:
            field.focus()

    @on(Input.Submitted)
    def _field_given(self, event: Input.Submitted) -> None:
        """The next field gets the keyboard; another ref may ask for other inputs, which are read anew."""
        event.stop()
        if event.input.id == "ref" and (self._form is None or event.value.strip() != self._form.ref):
            self._read(event.value.strip())
        self.focus_next()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "cancel":
            self.action_close()
        else:
            self.action_preview()

    def action_preview(self) -> None:
        """Check what was filled in, and show exactly what would be sent."""
        form = self._form
        if form is None:
            return
        ref = self.query_one("#ref", Input).value
        try:
            name = checked_ref(ref or form.ref)
        except BadInput as error:
            self._say_problem(error.problem)
            self.query_one("#ref", Input).focus()
            return
        if name != form.ref:
            self._read(name)
            self.app.say(f"The inputs at {visible(name)} are read first; choose Preview again.")
            return
        values = {name: value for field in self.fields for name, value in field.given.items()}
        if not self._fields_are_well(form):
            return
        try:
            checked_inputs(form, values)
        except BadInput as error:
            self._say_problem(error.problem)
            return
        self._say_problem(None)
        github = self._session.github
        label = f"{form.workflow} on {name}"
        dialog = OperationDialog(github, Operation.DISPATCH, label, lambda: github.preview_dispatch(form, name, values))
        self.app.push_screen(dialog, lambda _: self._returned(dialog))

    def _fields_are_well(self, form: DispatchForm) -> bool:
        """Each field on its own, so that every sentence stands beside what it is about."""
        wrong: list[Field] = []
        for field in self.fields:
            alone = DispatchForm(form.repository, form.workflow_id, form.workflow, form.path, form.ref, (field.entry,))
            try:
                checked_inputs(alone, field.given)
            except BadInput as error:
                field.blame(error.problem)
                wrong.append(field)
            else:
                field.blame(None)
        if wrong:
            wrong[0].focus_control()
        return not wrong

    def _returned(self, dialog: OperationDialog) -> None:
        """What was sent needs no form any more; what was not may be corrected."""
        if dialog.was_sent and self.is_attached:
            self.dismiss(None)

    def _say_problem(self, problem: Problem | None) -> None:
        line = self.query_one("#form-problem", Line)
        line.display = problem is not None
        if problem is not None:
            line.put(problem_content(problem))
