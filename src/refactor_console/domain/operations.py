"""Mutations on GitHub as named values: what would be asked, what follows, and how it is confirmed.

The counterpart of `domain.actions` for what happens before the droplet; the same rules hold: nothing here acts, the
object that is shown is the one that is performed and audited.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from refactor_console.domain.actions import ConfirmBy
from refactor_console.domain.repos import Repository


class Operation(StrEnum):
    """What can be asked of GitHub."""

    RERUN = "rerun"
    RERUN_FAILED = "rerun-failed"
    RERUN_JOB = "rerun-job"
    CANCEL = "cancel"
    DISPATCH = "dispatch"
    APPROVE = "approve"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class DispatchInput:
    """One input of a ``workflow_dispatch`` workflow (GitHub's workflow syntax, ``on.workflow_dispatch.inputs``)."""

    name: str
    description: str
    type: str
    """``string``, ``boolean``, ``choice``, ``number``, ``environment``; an unknown type is treated as string."""
    required: bool
    default: str
    """``true`` or ``false`` for a boolean."""
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DispatchForm:
    """What to ask a person before a workflow is dispatched."""

    repository: Repository
    workflow_id: int
    workflow: str
    path: str
    ref: str
    """The ref the inputs were read from: the default branch unless another was asked for."""
    inputs: tuple[DispatchInput, ...]
    notes: tuple[str, ...] = ()
    """What could not be understood of the file."""


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One request, exactly."""

    method: str
    path: str
    """From the API's base on: ``/repos/o/n/actions/runs/1/cancel``."""
    body: str = ""
    """JSON text with sorted keys; empty for none."""

    def __str__(self) -> str:
        return f"{self.method} {self.path}" + (f"  {self.body}" if self.body else "")


@dataclass(frozen=True, slots=True)
class OperationPreview:
    """One mutation on GitHub, ready to be confirmed."""

    operation: Operation
    environment: str
    """The console's environment at the time: what a deploy workflow deploys to."""
    repository: Repository
    target: str
    """For people and the audit: ``run 123 of Deploy to DigitalOcean``."""
    title: str
    request: ApiRequest
    equivalent: str
    """The ``gh`` command line that does the same."""
    consequences: tuple[str, ...]
    confirm_by: ConfirmBy
    confirm_word: str
    observed_at: datetime
    run_id: int | None = None
    """The run it acts on; None for a dispatch."""
    seen_state: str = ""
    """The run's raw state when this was made: a change since refuses the operation."""
    workflow_id: int | None = None
    ref: str = ""

    @property
    def requests(self) -> tuple[str, ...]:
        """As `ActionPreview.requests`: what the dialog and the audit show."""
        return (str(self.request),)


@dataclass(frozen=True, slots=True)
class OperationOutcome:
    """How an operation ended."""

    preview: OperationPreview
    succeeded: bool
    sentence: str
    finished_at: datetime
    seconds: float
    run_id: int | None = None
    """The run that a dispatch started, when it is certain; None while it is not."""
    audit_notice: str = ""
