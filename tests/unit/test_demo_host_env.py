"""The demo host's ``.env`` is what its own deploy workflow would have written from what its GitHub has."""

from __future__ import annotations

from importlib import resources

from refactor_console.adapters.workflow_file import workflow_names
from refactor_console.demo.host_env import dotenv as written_env
from refactor_console.domain import dotenv

PATH = ".github/workflows/deploy_to_do.yml"


def workflow() -> str:
    stored = resources.files("refactor_console.demo") / "files_github" / "backend" / "github" / "workflows"
    return (stored / "deploy_to_do.yml").read_text(encoding="utf-8")


def test_it_has_the_names_that_the_workflow_writes_and_what_nobody_made_is_empty() -> None:
    found = {n.name: n for n in dotenv.read(written_env(workflow()), dotenv.keyed_digest(b"k" * 32), None).names}
    written = {name for name, _ in workflow_names(workflow(), PATH, "main").written}
    assert written - set(found) == {"SESSION_REMINDER_LEAD_HOURS"}, "one was taken out by hand"
    assert set(found) <= written
    assert {name for name, value in found.items() if value.empty} == {
        "RECALL_AI_WEBHOOK_SECRET",
        "SESSION_REMINDER_POLL_MINUTES",
    }
