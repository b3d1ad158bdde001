"""Mutations as named values: what would be done, what it costs, and how it is confirmed.

Nothing here acts. A preview is made from freshly observed state, shown whole, confirmed, and only then performed by
`services.actions`, which writes an audit record before and after.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from refactor_console.domain.containers import Container


class Verb(StrEnum):
    """What can be done to one service's container."""

    RESTART = "restart"
    STOP = "stop"
    START = "start"


class ConfirmBy(StrEnum):
    """How much a person has to do before a mutation runs."""

    BUTTON = "button"
    """Choose the action's button; Cancel has the focus first."""
    TYPING = "typing"
    """Type a given word (a protected environment's name), then choose the button."""


@dataclass(frozen=True, slots=True)
class ActionPreview:
    """One mutation, ready to be confirmed; the same object is performed and audited."""

    verb: Verb
    environment: str
    container: Container
    """The container as it was observed for this preview; a change since then refuses the action."""
    requests: tuple[str, ...]
    """The exact requests that will be sent, such as ``POST /containers/0123456789ab/restart?t=10``."""
    equivalent: str
    """The command line that does the same by hand on the host."""
    consequences: tuple[str, ...]
    """What will happen to users, one sentence each."""
    confirm_by: ConfirmBy
    confirm_word: str
    """What has to be typed for `ConfirmBy.TYPING`."""
    observed_at: datetime
    grace_seconds: int = 10
    """How long the process has between SIGTERM and SIGKILL."""

    @property
    def title(self) -> str:
        """One line, such as ``Restart rust-app in production``."""
        return f"{self.verb.value.capitalize()} {self.container.label} in {self.environment}"


@dataclass(frozen=True, slots=True)
class ActionOutcome:
    """How a performed mutation ended."""

    preview: ActionPreview
    succeeded: bool
    sentence: str
    finished_at: datetime
    seconds: float
    audit_notice: str = ""
    """Set when the record could not be written everywhere it belongs."""


def verbs_for(container: Container) -> tuple[Verb, ...]:
    """What makes sense for a container in its present state."""
    return (Verb.RESTART, Verb.STOP) if container.is_running else (Verb.START,)


_NGINX_KEEPS_ADDRESS = (
    "nginx looked its address up when nginx started: if it comes back with another one, nginx has to be restarted too."
)
_RUST_APP_COST = "Open server-sent-event connections are held in memory: every connected browser loses its stream."


def consequences_of(verb: Verb, container: Container, grace_seconds: int) -> tuple[str, ...]:
    """What users will notice, in plain sentences."""
    gone = f"{container.label} answers nothing until it is up again."
    killed = f"Its process gets SIGTERM and, after {grace_seconds} s, SIGKILL."
    sentences: list[str] = []
    match verb:
        case Verb.RESTART:
            sentences = [killed, gone]
        case Verb.STOP:
            sentences = [killed, f"{container.label} stays down, also after the Engine restarts, until it is started."]
        case Verb.START:
            sentences = [f"{container.label} starts from its existing container: same image, same configuration."]
    if container.service == "rust-app" and verb is not Verb.START:
        sentences.append(_RUST_APP_COST)
    if container.service in ("rust-app", "nextjs-app"):
        sentences.append(_NGINX_KEEPS_ADDRESS)
    if container.service == "nginx" and verb is not Verb.START:
        sentences.append("nginx is the only door: the whole site is unreachable meanwhile.")
    if container.service == "migrator" and verb is not Verb.STOP:
        sentences.append("The migrator applies every pending migration of its image to the database.")
    return tuple(sentences)
