"""What went wrong, said for a tired person: one sentence, what to do next, and the evidence on demand.

Exception tree (each adapter adds its own few leaves)::

    ConsoleError
    ├── HostError        adapters.host      the SSH connection and what runs over it
    ├── EngineError      adapters.engine    the Docker Engine API
    ├── JournalError     adapters.journal   journalctl's output
    ├── GitHubError      adapters.github    GitHub's REST API
    ├── CredentialError  adapters.credentials  where the token is kept
    ├── RegistryError    adapters.registry  the image registry
    ├── SettingsError    settings           a wrong or missing setting
    └── ActionRefused    services.actions   a mutation that may not run
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """A failure as a value that a pane can show."""

    summary: str
    """One clear sentence: what was tried, on what, and what happened."""
    remedy: str = ""
    """What to do next, as one sentence or one command; empty when nothing sensible is known."""
    detail: str = ""
    """Evidence for those who ask: the library's own words, an exit status, standard error."""
    code: str = "failed"
    """A short stable word for tests and scripts, such as ``host-key-changed``."""


class ConsoleError(Exception):
    """Base of every error the console raises on purpose; it always carries a `Problem`."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.summary)
        self.problem = problem
