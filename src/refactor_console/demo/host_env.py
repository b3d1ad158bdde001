"""The demo host's ``.env``: what its deploy workflow wrote two days ago, with the flaws of the names it read then."""

from __future__ import annotations

import re

from refactor_console.demo.github_names import names_of
from refactor_console.demo.github_repos import sha1

DEPLOYED_DAYS = 2.2
"""When it was written: the story's last deploy."""
_LOST = ("SESSION_REMINDER_LEAD_HOURS",)
"""Somebody took it out by hand."""
_LINE = re.compile(r"^ +([A-Z][A-Z0-9_]*)=\$\{\{ (secrets|vars)\.([A-Z][A-Z0-9_]*) \}\}$", re.MULTILINE)


def dotenv(workflow: str) -> str:
    """The file's text; a name that GitHub has not got became empty, as it does there."""
    names = names_of("backend", workflow)
    secrets = {n.name for n in (*names.repository_secrets, *names.environment_secrets, *names.organisation_secrets)}
    variables = {n.name: n.value for n in (*names.repository_variables, *names.environment_variables)}
    lines = ["# written by the deploy workflow"]
    for written, kind, read in _LINE.findall(workflow):
        if written in _LOST:
            continue
        made_up = f"demo_{sha1(read)[:24]}" if read in secrets else ""
        lines.append(f"{written}={made_up if kind == 'secrets' else variables.get(read, '')}")
    return "\n".join(lines) + "\n"
