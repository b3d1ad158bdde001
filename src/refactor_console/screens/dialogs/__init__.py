"""Dialogs over the panes: each one question or one document, closed by Escape."""
