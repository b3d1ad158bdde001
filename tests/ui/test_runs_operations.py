"""Re-runs, cancels, reviews and dispatches: previewed, confirmed as their risk asks, and every end said."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.command import CommandPalette
from textual.events import Key
from textual.widgets import Button, Input, Select, Switch

from refactor_console.domain.operations import DispatchForm, DispatchInput, Operation
from refactor_console.domain.problem import Problem
from refactor_console.domain.runs import Workflow
from refactor_console.screens.dialogs.confirmation import State
from refactor_console.screens.dialogs.dispatch_choose import DispatchChooser
from refactor_console.screens.dialogs.dispatch_form import DispatchDialog
from refactor_console.screens.dialogs.operation_confirm import OperationDialog
from refactor_console.screens.dialogs.run_review import ReviewDialog
from refactor_console.screens.runs import RunsScreen
from tests.ui.double_images import at
from tests.ui.double_runs import BUILD, DEPLOY, DEPLOYING, FAILED, FRONT, WAITING
from tests.ui.double_session import STAGING, DoubleSession
from tests.ui.stage import Stage
from tests.ui.test_runs_screen import choose, live


def unprotected() -> DoubleSession:
    return DoubleSession(STAGING).live()


async def opened(stage: Stage) -> OperationDialog:
    await stage.until(lambda: isinstance(stage.app.screen, OperationDialog))
    dialog = stage.app.screen
    assert isinstance(dialog, OperationDialog)
    await stage.until(lambda: dialog.state is not State.LOOKING)
    return dialog


@pytest.mark.parametrize(
    ("key", "operation", "run"),
    [
        ("R", Operation.RERUN, FAILED),
        ("F", Operation.RERUN_FAILED, FAILED),
        ("J", Operation.RERUN_JOB, FAILED),
        ("X", Operation.CANCEL, DEPLOYING),
    ],
)
async def test_each_key_opens_the_preview_of_its_operation_and_acts_on_nothing(
    key: str, operation: Operation, run: object
) -> None:
    session = live()
    async with at("runs", session, size=(140, 40)) as stage:
        await choose(stage, run.key)  # type: ignore[attr-defined]
        await stage.press(key)
        await opened(stage)
        what, asked, run_id, job, *_ = session.github.asked[-1]
        assert (what, asked, run_id) == ("preview", operation, run.id)  # type: ignore[attr-defined]
        assert job == (7004 if operation is Operation.RERUN_JOB else None)
        await stage.says("What will happen", "POST /repos/", operation.value, "by hand", "gh run", "Type its name")
        assert stage.app.focused is stage.app.screen.query_one("#word", Input), "typing works at once"
        await stage.press("enter", "escape")
        assert isinstance(stage.app.screen, RunsScreen)
        assert not session.github.performed


async def test_the_word_is_typed_at_once_and_the_button_does_what_was_shown() -> None:
    session = live()
    async with at("runs", session) as stage:
        await choose(stage, FAILED.key)
        await stage.press("R")
        dialog = await opened(stage)
        await stage.press(*"productio")
        assert stage.app.screen.query_one("#act", Button).disabled
        await stage.press("n", "enter")
        assert not session.github.performed, "Enter in the field goes to the button"
        await stage.press("enter")
        await stage.says("✓ GitHub accepted it", "0.8 s")
        ((preview, typed),) = session.github.performed
        assert typed == "production"
        assert preview is dialog._preview


@pytest.mark.parametrize("keys", [("enter",), ("escape",)])
async def test_without_a_word_cancel_has_the_focus(keys: tuple[str, ...]) -> None:
    session = unprotected()
    async with at("runs", session, start="staging") as stage:
        await choose(stage, FAILED.key)
        await stage.press("R")
        await opened(stage)
        assert stage.app.focused is stage.app.screen.query_one("#cancel", Button)
        await stage.press(*keys)
        assert isinstance(stage.app.screen, RunsScreen)
        assert not session.github.performed


async def test_leaving_the_dialog_stops_nothing_and_the_end_is_said() -> None:
    session = unprotected()
    session.github.may_finish.clear()
    async with at("runs", session, start="staging") as stage:
        await choose(stage, FAILED.key)
        await stage.press("R")
        await opened(stage)
        await stage.press("tab", "enter")
        await stage.says("closing this stops nothing")
        await stage.press("escape")
        session.github.may_finish.set()
        await stage.says("GitHub accepted it")


async def test_a_refused_preview_and_a_failed_operation_say_why() -> None:
    session = unprotected()
    async with at("runs", session, start="staging") as stage:
        await choose(stage, FAILED.key)
        session.github.refusal = Problem("Run 410 is older than 30 days.", "Dispatch a new one.", code="wrong-state")
        await stage.press("R")
        dialog = await opened(stage)
        assert dialog.state is State.REFUSED
        await stage.says("✗ Run 410 is older than 30 days.", "Dispatch a new one.")
        await stage.press("enter")
        session.github.refusal = None
        await stage.press("R")
        await opened(stage)
        session.github.refusal = Problem("GitHub refused it (403).", "Ask for write access.", code="not-permitted")
        await stage.press("tab", "enter")
        await stage.says("✗ GitHub refused it (403).", "Ask for write access.")


@pytest.mark.parametrize("key", ["R", "F", "J", "X", "A", "d"])
async def test_read_only_refuses_every_key_in_a_sentence(key: str) -> None:
    session = DoubleSession(read_only=True).live()
    async with at("runs", session) as stage:
        await choose(stage, FAILED.key)
        await stage.press(key)
        await stage.says("Read-only mode: nothing can be")
        assert isinstance(stage.app.screen, RunsScreen)


# -- reviews


@pytest.mark.parametrize(("button", "operation"), [("approve", Operation.APPROVE), ("reject", Operation.REJECT)])
async def test_a_waiting_environment_is_approved_or_rejected_with_a_comment(button: str, operation: Operation) -> None:
    session = live()
    async with at("runs", session) as stage:
        await choose(stage, WAITING.key)
        await stage.says("▲ production", "you may approve it: A")
        await stage.press("A")
        await stage.until(lambda: isinstance(stage.app.screen, ReviewDialog))
        await stage.says("reviewers: ada, ops")
        assert stage.app.focused is stage.app.screen.query_one("#cancel", Button)
        stage.app.screen.query_one("#comment", Input).value = "looks well"
        await stage.click(f"#{button}")
        await opened(stage)
        assert session.github.asked[-1] == ("preview", operation, WAITING.id, None, (1,), "looks well")
        assert not session.github.performed


async def test_a_run_that_waits_for_nobody_says_so() -> None:
    async with at("runs", live()) as stage:
        await choose(stage, FAILED.key)
        await stage.press("A")
        await stage.says("waits for nobody")


async def test_a_review_without_an_environment_is_answered_beside_the_buttons() -> None:
    async with at("runs", live()) as stage:
        await choose(stage, WAITING.key)
        await stage.press("A")
        await stage.until(lambda: isinstance(stage.app.screen, ReviewDialog))
        await stage.click("#e1")
        await stage.click("#approve")
        await stage.says("Choose an environment that you may approve.")


# -- dispatch


async def form(stage: Stage, steps: int = 2) -> DispatchDialog:
    """Choose a workflow (the deploy's is the third) and wait for its form."""
    await stage.press("d")
    await stage.until(lambda: isinstance(stage.app.screen, DispatchChooser))
    await stage.press("home", *["down"] * steps, "enter")
    await stage.until(lambda: isinstance(stage.app.screen, DispatchDialog))
    dialog = stage.app.screen
    assert isinstance(dialog, DispatchDialog)
    return dialog


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_the_form_has_a_widget_for_each_kind_of_input(size: tuple[int, int]) -> None:
    async with at("runs", live(), size=size) as stage:
        dialog = await form(stage)
        await stage.says("* deploy_branch", "Branch whose image is deployed", "Cancel", "Preview…")
        kinds = {field.entry.name: type(field._control) for field in dialog.fields}
        assert kinds == {
            "deploy_branch": Input,
            "deploy_frontend": Switch,
            "image_tag": Select,
            "wait_seconds": Input,
            "target": Input,
        }
        assert {field.entry.name: field.value for field in dialog.fields} == {
            "deploy_branch": "main",
            "deploy_frontend": "true",
            "image_tag": "stable",
            "wait_seconds": "30",
            "target": "production",
        }
        for where in ("#cancel", "#preview"):
            assert stage.app.screen.region.contains_region(stage.app.screen.query_one(where).region)


async def test_what_is_missing_or_wrong_is_said_beside_its_input_and_nothing_is_asked() -> None:
    session = live()
    async with at("runs", session) as stage:
        dialog = await form(stage)
        await stage.until(lambda: len(dialog.fields) == 5)
        dialog.fields[0].query_one(Input).value = ""
        dialog.fields[3].query_one(Input).value = "soon"
        await stage.pilot.pause()
        await stage.press("ctrl+s")
        await stage.says("deploy_branch is required", "wait_seconds is 'soon', which is no number.")
        assert dialog.fields[0].query_one(Input).has_focus
        assert not [asked for asked in session.github.asked if asked[0] == "preview-dispatch"]
        stage.app.screen.query_one("#ref", Input).value = "no good..ref"
        dialog.fields[0].query_one(Input).value = "main"
        await stage.press("ctrl+s")
        await stage.says("is no name of a branch or tag")


async def test_another_ref_is_read_before_anything_is_previewed() -> None:
    session = live()
    async with at("runs", session) as stage:
        dialog = await form(stage)
        await stage.until(lambda: len(dialog.fields) == 5)
        stage.app.screen.query_one("#ref", Input).value = "feat/zoom"
        await stage.press("ctrl+s")
        await stage.until(lambda: ("form", DEPLOY.id, "feat/zoom") in session.github.asked)
        await stage.says("5 inputs at feat/zoom")
        await stage.press("ctrl+s")
        await opened(stage)
        assert session.github.asked[-1][:3] == ("preview-dispatch", DEPLOY.id, "feat/zoom")


async def test_a_dispatch_is_previewed_confirmed_and_leads_to_the_run_that_it_started() -> None:
    session = live()
    session.github.outcome_run = DEPLOYING.id
    async with at("runs", session, size=(140, 50)) as stage:
        dialog = await form(stage)
        await stage.until(lambda: len(dialog.fields) == 5)
        dialog.query_one(Switch).value = False
        await stage.pilot.pause()
        await stage.says("false")
        await stage.press("ctrl+s")
        await opened(stage)
        await stage.says("POST /repos/refactor-group/refactor-platform-rs/actions/workflows/13/dispatches")
        await stage.says('"deploy_frontend": "false"', "gh workflow run 13", "It deploys to production.")
        await stage.press(*"production", "enter", "enter")
        await stage.says("✓ GitHub accepted it", "Go to the run")
        await stage.until(lambda: stage.app.focused is not None and stage.app.focused.id == "go")
        await stage.press("enter")
        await stage.until(lambda: isinstance(stage.app.screen, RunsScreen))
        await stage.until(lambda: stage.table("#runs").cursor_key == DEPLOYING.key)


async def test_a_dispatch_whose_run_was_not_found_shows_no_other() -> None:
    session = unprotected()
    async with at("runs", session, start="staging", size=(140, 50)) as stage:
        before = stage.table("#runs").cursor_key
        dialog = await form(stage)
        await stage.until(lambda: len(dialog.fields) == 5)
        await stage.press("ctrl+s")
        await opened(stage)
        await stage.press("tab", "enter")
        await stage.says("✓ GitHub accepted it")
        assert "Go to the run" not in stage.text
        await stage.press("enter")
        await stage.until(lambda: isinstance(stage.app.screen, RunsScreen))
        assert stage.table("#runs").cursor_key == before


async def test_a_preview_that_was_cancelled_keeps_what_was_filled_in() -> None:
    async with at("runs", live()) as stage:
        dialog = await form(stage)
        await stage.until(lambda: len(dialog.fields) == 5)
        dialog.fields[0].query_one(Input).value = "feat/zoom"
        await stage.press("ctrl+s")
        await opened(stage)
        await stage.press("escape")
        await stage.until(lambda: stage.app.screen is dialog)
        assert dialog.fields[0].value == "feat/zoom"


async def test_a_workflow_that_cannot_be_dispatched_says_so() -> None:
    async with at("runs", live()) as stage:
        await form(stage, steps=3)
        await stage.says(f"{FRONT.name} has no workflow_dispatch trigger.", "Choose another.")
        assert stage.app.screen.query_one("#preview", Button).disabled


async def test_control_sequences_of_a_workflow_file_reach_neither_field_nor_terminal() -> None:
    session = live()
    evil = "\x1b]52;c;ZXZpbA==\x07\x1b[31m"
    real = session.github.dispatch_form

    async def wicked(workflow: Workflow, ref: str = "") -> DispatchForm:
        made = await real(workflow, ref)
        one = DispatchInput("wicked", evil, "string", required=False, default=evil)
        two = DispatchInput("choice", "", "choice", required=False, default=evil, options=("plain", evil))
        return replace(made, inputs=(one, two))

    session.github.dispatch_form = wicked  # type: ignore[method-assign]
    async with at("runs", session, size=(140, 50)) as stage:
        dialog = await form(stage)
        await stage.until(lambda: len(dialog.fields) == 2)
        await stage.says("they are left to GitHub")
        assert "\x1b" not in "".join(strip.text for strip in stage.app.screen._compositor.render_strips())
        assert [field.value for field in dialog.fields] == ["", ""]
        await stage.press("ctrl+s")
        await opened(stage)
        assert session.github.asked[-1] == ("preview-dispatch", DEPLOY.id, "main", {})


async def test_two_enters_at_once_choose_one_workflow_and_close_nothing_else() -> None:
    async with at("runs", live()) as stage:
        await stage.press("d")
        await stage.until(lambda: isinstance(stage.app.screen, DispatchChooser))
        chooser = stage.app.screen
        await stage.press("home", "down", "down")
        for _ in range(2):
            stage.app.post_message(Key("enter", None))
        await stage.until(lambda: stage.app.screen is not chooser)
        await stage.until(lambda: isinstance(stage.app.screen, DispatchDialog), "the form is open")


# -- the palette


async def test_the_palette_knows_the_selected_run_and_every_workflow() -> None:
    session = live()
    async with at("runs", session, size=(120, 50)) as stage:
        await choose(stage, FAILED.key)
        await stage.press("colon")
        await stage.until(lambda: isinstance(stage.app.screen, CommandPalette))
        await stage.press(*"rerunfailed")
        await stage.says(f"Re-run failed: {BUILD.name} #410")
        await stage.press("enter")
        await opened(stage)
        assert session.github.asked[-1][1] is Operation.RERUN_FAILED
        await stage.press("escape", "colon")
        await stage.press(*"dispatchdeploy")
        await stage.says(f"Dispatch {DEPLOY.name}")
        await stage.press("enter")
        await stage.until(lambda: isinstance(stage.app.screen, DispatchDialog))
        assert not session.github.performed
