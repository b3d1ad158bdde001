"""The command palette: over actions and over what is there, harmless by itself."""

from __future__ import annotations

import pytest
from textual.command import CommandPalette

from refactor_console import theme as themes
from refactor_console.screens.dialogs.confirm import ConfirmDialog
from refactor_console.screens.dialogs.inspect import InspectDialog
from refactor_console.screens.logs import LogsScreen
from tests.ui.double_session import DoubleSession, hostile_rows
from tests.ui.stage import Stage, console


async def _choose(stage: Stage, text: str, hit: str) -> None:
    """Type into the palette and take the first hit once it is the wanted one."""
    await stage.until(lambda: isinstance(stage.app.screen, CommandPalette))
    await stage.press(*text.split(" ", maxsplit=1)[0])
    for word in text.split(" ")[1:]:
        await stage.press("space", *word)
    await stage.says(hit)
    await stage.press("enter")
    await stage.until(lambda: not isinstance(stage.app.screen, CommandPalette))


@pytest.mark.parametrize("key", ["ctrl+p", "colon"])
async def test_both_keys_open_it(key: str) -> None:
    async with console(DoubleSession().live()) as stage:
        await stage.press(key)
        await stage.says("Go to Overview", "Go to Logs", "Retry now")


async def test_it_goes_to_panes_services_environments_and_themes() -> None:
    session = DoubleSession().live()
    async with console(session) as stage:
        await stage.press("ctrl+p")
        await _choose(stage, "go containers", "Go to Containers")
        await stage.until(lambda: stage.app.current_mode == "containers")
        await stage.press("ctrl+p")
        await _choose(stage, "logs rust", "Logs of rust-app")
        await stage.until(lambda: isinstance(stage.app.screen, LogsScreen))
        await stage.press("ctrl+p")
        await _choose(stage, "inspect nginx", "Inspect nginx")
        await stage.until(lambda: isinstance(stage.app.screen, InspectDialog))
        await stage.press("escape", "ctrl+p")
        await _choose(stage, "theme light", "Theme console-light")
        await stage.until(lambda: stage.app.theme == themes.LIGHT)
        await stage.press("ctrl+p")
        await _choose(stage, "retry", "Retry now")
        await stage.until(lambda: session.retries == 1)
        await stage.press("ctrl+p")
        await _choose(stage, "open staging", "Open environment staging")
        await stage.until(lambda: len(stage.sessions) == 2)


async def test_restart_from_the_palette_opens_the_preview_and_does_nothing() -> None:
    session = DoubleSession().live()
    async with console(session) as stage:
        await stage.press("ctrl+p")
        await _choose(stage, "restart rust", "Restart rust-app")
        await stage.until(lambda: isinstance(stage.app.screen, ConfirmDialog))
        await stage.press("enter")
        assert not session.performed


async def test_it_does_not_open_over_a_dialog() -> None:
    async with console(DoubleSession().live()) as stage:
        await stage.press("?", "ctrl+p")
        assert not isinstance(stage.app.screen, CommandPalette)


async def test_names_from_outside_are_text_there_too() -> None:
    async with console(DoubleSession().live(hostile_rows()), size=(200, 60)) as stage:
        await stage.press("ctrl+p", *"gnp")
        await stage.says("a[red]b[/red][/]c\\u202egnp.exe")
        assert "\u202e" not in stage.text


async def test_it_has_what_the_keys_of_the_pane_do_and_does_it() -> None:
    async with console(DoubleSession().live()) as stage:
        await stage.press("7", "ctrl+p")
        await _choose(stage, "only names", "Only names with which something is wrong")
        await stage.until(lambda: stage.app.current_mode == "secrets")
        await stage.press("5", "ctrl+p")
        await _choose(stage, "without a tag", "Versions without a tag, too")
        await stage.until(lambda: stage.app.current_mode == "images")
        await stage.says("untagged")
