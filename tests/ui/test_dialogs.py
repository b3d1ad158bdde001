"""Dialogs: nothing dangerous by one key, nothing that cannot be left, every end said."""

from __future__ import annotations

import pytest
from textual.widgets import Button, Input

from refactor_console.domain.actions import ActionOutcome, ActionPreview, Verb
from refactor_console.domain.problem import Problem
from refactor_console.screens.containers import ContainersScreen
from refactor_console.screens.dialogs import confirmation
from refactor_console.screens.dialogs.confirm import ConfirmDialog, State
from tests.ui.double_session import STAGING, DoubleSession
from tests.ui.stage import Stage, console


async def _restart(stage: Stage) -> ConfirmDialog:
    """Open the restart of rust-app and wait for its preview."""
    await stage.press("down", "down", "R")
    await stage.until(lambda: isinstance(stage.app.screen, ConfirmDialog))
    dialog = stage.app.screen
    assert isinstance(dialog, ConfirmDialog)
    await stage.until(lambda: dialog.state is not State.LOOKING)
    return dialog


async def test_the_preview_shows_all_that_would_be_done() -> None:
    async with console(DoubleSession().live(), pane="containers") as stage:
        await _restart(stage)
        short = stage.session._row(stage.session.containers.reading.value.rows[2].container.id).container.short_id  # type: ignore[union-attr]
        await stage.says(
            "Restart rust-app in production",
            short,
            "ghcr.io/refactor-group/refactor-platform-rs:stable",
            "sha256:",
            "2026-03-14 09:26:53 UTC",
            f"POST /containers/{short}/restart?t=10",
            f"docker restart --time 10 {short}",
            "every connected browser loses its",
            "production is protected",
        )


@pytest.mark.parametrize("key", ["enter", "escape"])
async def test_enter_and_escape_cancel_where_nothing_is_to_be_typed(key: str) -> None:
    session = DoubleSession(STAGING).live()
    async with console(session, pane="containers", start="staging") as stage:
        await _restart(stage)
        assert stage.app.focused is stage.app.screen.query_one("#cancel", Button)
        await stage.press(key)
        assert isinstance(stage.app.screen, ContainersScreen)
        assert not session.performed


@pytest.mark.parametrize("keys", [["escape"], [*"production", "escape"], ["tab", "enter"]])
async def test_a_protected_environment_is_left_by_escape_or_by_cancel(keys: list[str]) -> None:
    session = DoubleSession().live()
    async with console(session, pane="containers") as stage:
        await _restart(stage)
        await stage.press(*keys)
        assert isinstance(stage.app.screen, ContainersScreen)
        assert not session.performed


async def test_what_is_typed_goes_into_the_field_at_once() -> None:
    """Letters that do nothing look like a console that hangs, and ``q`` among them would leave it."""
    async with console(DoubleSession().live(), pane="containers") as stage:
        await _restart(stage)
        await stage.press(*"qproduction", "home", "delete")
        assert stage.app.screen.query_one("#word", Input).value == "production"
        assert not stage.app.screen.query_one("#act", Button).disabled


@pytest.mark.parametrize("typed", ["", "productio"])
async def test_enter_with_the_wrong_word_only_says_so(typed: str) -> None:
    session = DoubleSession().live()
    async with console(session, pane="containers") as stage:
        await _restart(stage)
        await stage.press(*typed, "enter", "enter")
        await stage.says("Nothing was done", "production", "Esc leaves")
        assert isinstance(stage.app.screen, ConfirmDialog)
        assert stage.app.screen.query_one("#word", Input).has_focus
        await stage.press("end", *"production"[len(typed) :])
        await stage.says("is protected")
        assert "Nothing was done" not in stage.text
        assert not session.performed


@pytest.mark.parametrize("typed", ["Production", "productio", "production ", " production", "PRODUCTION", "rust-app"])
async def test_a_protected_environment_wants_its_exact_name(typed: str) -> None:
    session = DoubleSession().live()
    async with console(session, pane="containers") as stage:
        await _restart(stage)
        field = stage.app.screen.query_one("#word", Input)
        assert field.has_focus
        field.value = typed
        await stage.pilot.pause()
        assert stage.app.screen.query_one("#act", Button).disabled
        await stage.press("enter")
        await stage.click("#act")
        assert not session.performed
        assert isinstance(stage.app.screen, ConfirmDialog)


async def test_typing_the_name_and_choosing_the_button_performs_what_was_shown() -> None:
    session = DoubleSession().live()
    async with console(session, pane="containers") as stage:
        await _restart(stage)
        await stage.press(*"production", "enter")
        button = stage.app.screen.query_one("#act", Button)
        assert button.has_focus, "Enter in the field goes to the button and does not act"
        assert not session.performed
        await stage.press("enter")
        await stage.says("✓ rust-app was restarted and runs again.", "3.4 s")
        ((preview, typed),) = session.performed
        assert typed == "production"
        assert preview.container.service == "rust-app"
        await stage.press("enter")
        assert isinstance(stage.app.screen, ContainersScreen)


async def test_enter_held_down_after_the_name_does_not_act(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirmation, "HELD_SECONDS", 3_600.0)
    session = DoubleSession().live()
    async with console(session, pane="containers") as stage:
        await _restart(stage)
        await stage.press(*"production", *["enter"] * 12)
        assert stage.app.screen.query_one("#act", Button).has_focus
        assert not session.performed


async def test_a_bug_while_acting_ends_the_waiting_and_shows_no_word_of_the_error() -> None:
    class Broken(DoubleSession):
        async def perform(self, preview: ActionPreview, typed: str) -> ActionOutcome:
            raise RuntimeError("hunter2 in the words of an error")

    async with console(Broken(STAGING).live(), pane="containers", start="staging") as stage:
        await _restart(stage)
        await stage.click("#act")
        await stage.says("The console itself failed", "RuntimeError", "look before you do it again")
        assert "hunter2" not in stage.text


async def test_a_bug_while_looking_ends_the_looking() -> None:
    class Broken(DoubleSession):
        async def preview(self, verb: Verb, container_id: str) -> ActionPreview:
            raise RuntimeError("hunter2")

    async with console(Broken(STAGING).live(), pane="containers", start="staging") as stage:
        await stage.press("R")
        await stage.says("The console itself failed", "Nothing was done.")
        assert "hunter2" not in stage.text


async def test_a_name_can_be_pasted() -> None:
    async with console(DoubleSession().live(), pane="containers") as stage:
        await _restart(stage)
        stage.app.copy_to_clipboard("production")
        await stage.press("ctrl+v")
        await stage.until(lambda: not stage.app.screen.query_one("#act", Button).disabled)


async def test_the_mouse_can_confirm_where_nothing_is_to_be_typed() -> None:
    session = DoubleSession(STAGING).live()
    async with console(session, pane="containers", start="staging") as stage:
        await _restart(stage)
        await stage.click("#act")
        await stage.until(lambda: session.performed)
        await stage.says("runs again")


async def test_a_hurried_second_press_does_not_act_twice() -> None:
    session = DoubleSession(STAGING).live()
    session.may_finish.clear()
    async with console(session, pane="containers", start="staging") as stage:
        await _restart(stage)
        await stage.press("tab", "enter", "enter")
        session.may_finish.set()
        await stage.pilot.pause()
        assert len(session.performed) == 1


async def test_while_it_performs_time_passes_on_screen_and_leaving_stops_nothing() -> None:
    session = DoubleSession(STAGING).live()
    session.may_finish.clear()
    async with console(session, pane="containers", start="staging") as stage:
        await _restart(stage)
        await stage.press("tab", "enter")
        await stage.says("Restarting rust-app… 0 s", "closing this stops nothing")
        session.clock.forward(4)
        await stage.says("Restarting rust-app… 4 s")
        await stage.press("escape")
        assert isinstance(stage.app.screen, ContainersScreen)
        session.may_finish.set()
        await stage.says("rust-app was restarted and runs again.")


async def test_a_record_that_could_not_be_written_is_said_with_the_outcome() -> None:
    session = DoubleSession(STAGING).live()
    session.audit_notice = "The record on the host could not be written: disk full."
    async with console(session, pane="containers", start="staging") as stage:
        await _restart(stage)
        await stage.press("tab", "enter")
        await stage.says("runs again", "▲ The record on the host could not be written: disk full.")


async def test_a_preview_that_is_refused_offers_nothing_but_to_close() -> None:
    session = DoubleSession().live()
    session.refuse_preview = Problem("rust-app is gone since.", "Look again.", code="gone")
    async with console(session, pane="containers") as stage:
        dialog = await _restart(stage)
        await stage.says("✗ rust-app is gone since.", "Look again.", "Close")
        assert dialog.state is State.REFUSED
        assert not stage.app.screen.query_one("#act", Button).display


async def test_an_action_that_fails_says_why_and_leaves_a_dialog_that_can_be_closed() -> None:
    session = DoubleSession(STAGING).live()
    session.refuse_perform = Problem("The [b]Engine[/b] gave up after 30 s.", "Look at its journal.", code="timeout")
    async with console(session, pane="containers", start="staging") as stage:
        dialog = await _restart(stage)
        await stage.press("tab", "enter")
        await stage.says("✗ The [b]Engine[/b] gave up after 30 s.", "Look at its journal.")
        assert dialog.state is State.FAILED
        await stage.press("enter")
        assert isinstance(stage.app.screen, ContainersScreen)


async def test_a_failure_after_the_dialog_was_left_is_said_in_a_notification() -> None:
    session = DoubleSession(STAGING).live()
    session.may_finish.clear()
    session.refuse_perform = Problem("The Engine gave up.", code="timeout")
    async with console(session, pane="containers", start="staging") as stage:
        await _restart(stage)
        await stage.press("tab", "enter")
        await stage.until(lambda: session.performed)
        await stage.press("escape")
        session.may_finish.set()
        await stage.says("The Engine gave up.")


@pytest.mark.parametrize("size", [(80, 24), (60, 14), (200, 60)])
async def test_the_buttons_of_a_confirmation_are_always_in_sight(size: tuple[int, int]) -> None:
    async with console(DoubleSession().live(), pane="containers", size=size) as stage:
        await _restart(stage)
        await stage.says("Cancel", "Restart", "Type its name")
        screen = stage.app.screen.region
        for where in ("#cancel", "#act", "#word"):
            region = stage.app.screen.query_one(where).region
            assert region.height == 1
            assert screen.contains_region(region)


async def test_a_dialog_scrolls_by_its_own_keys() -> None:
    async with console(DoubleSession().live(), pane="containers", size=(80, 24)) as stage:
        await stage.press("i")
        await stage.says("Container")
        await stage.press(*["pagedown"] * 6)
        await stage.says("org.opencontainers.image.revision")


async def test_every_line_of_a_confirmation_can_be_reached_at_80_by_24() -> None:
    async with console(DoubleSession().live(), pane="containers", size=(80, 24)) as stage:
        await _restart(stage)
        await stage.says("Observed", "Cancel")
        await stage.press("pagedown", "pagedown")
        await stage.says("What will be sent", "docker restart --time 10", "Cancel")
