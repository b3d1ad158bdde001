"""Opening a page in a browser where there is a desktop, and handing its address to the terminal everywhere."""

from __future__ import annotations

import os
import sys

from textual.app import App

from refactor_console.domain.text import visible


def has_desktop() -> bool:
    """Whether a browser would open in a window: a text browser would take the terminal from the console."""
    if sys.platform in ("darwin", "win32"):
        return not os.environ.get("SSH_CONNECTION")
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def is_address(url: str) -> bool:
    """Whether it is a web address and nothing else: it comes from outside, and goes to a browser or a clipboard."""
    return url.startswith(("https://", "http://")) and visible(url) == url and len(url.split()) == 1


def copy_address(app: App[None], url: str) -> str:
    """Copy an address; gives the sentence to say."""
    if not is_address(url):
        return "There is no address to copy."
    app.copy_to_clipboard(url)
    return f"Copied: {visible(url)}"


def open_page(app: App[None], url: str) -> str:
    """Open a page, or copy its address where no window can open; gives the sentence to say."""
    if not is_address(url):
        return "There is no address to open."
    if has_desktop():
        app.open_url(url)
        return f"Opening {visible(url)}"
    app.copy_to_clipboard(url)
    return f"There is no desktop here; the address was copied: {visible(url)}"
