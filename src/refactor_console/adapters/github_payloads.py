"""GitHub's JSON as domain values: accounts, repositories, workflows, runs, jobs.

Tolerant on purpose: unknown fields are ignored, a word nobody knows becomes UNKNOWN, a field that is missing or of
another kind costs that field. Only what nothing can be done without (an id, a name, a time to sort by) is demanded, and
then its absence costs that one item of a list, which says how many it lost.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from refactor_console.adapters import github_errors as errors
from refactor_console.adapters.github_answers import Listing
from refactor_console.domain.repos import Repository
from refactor_console.domain.runs import Job, PendingEnvironment, Step, Workflow, WorkflowRun, state_of

T = TypeVar("T")
P = TypeVar("P", bound="Payload")


def moment(value: object) -> datetime | None:
    """An RFC 3339 time in UTC; None for what is none."""
    if not isinstance(value, str):
        return None
    try:
        told = datetime.fromisoformat(value)
        return told.replace(tzinfo=UTC) if told.tzinfo is None else told.astimezone(UTC)
    except (ValueError, OverflowError):
        return None  # not a time: the field is as if it were missing


def _text(value: object) -> str:
    # A lone surrogate is legal JSON and no text; it must neither stop pydantic nor reach a terminal.
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def _whole(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _object(value: object) -> object:
    return value if isinstance(value, dict) else {}


def _array(value: object) -> object:
    return value if isinstance(value, list) else []


def _objects(value: object) -> object:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


Words = Annotated[str, BeforeValidator(_text)]
"""A text, empty for anything else."""
Number = Annotated[int, BeforeValidator(_whole)]
"""A whole number, 0 for anything else."""
Flag = Annotated[bool, BeforeValidator(lambda value: value is True)]
When = Annotated[datetime | None, BeforeValidator(moment)]
"""A time, None for anything else."""
Moment = Annotated[datetime, BeforeValidator(moment)]
"""A time that has to be there."""
Id = Annotated[int, Field(strict=True)]
"""A whole number that has to be there."""
Name = Annotated[str, Field(min_length=1), BeforeValidator(_text)]
"""A text that has to be there."""
Record = BeforeValidator(_object)
Items = BeforeValidator(_array)
Records = BeforeValidator(_objects)


class Payload(BaseModel):
    """Base of all: what is not named here is ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


def why(error: ValidationError) -> str:
    """What is missing, by its place, without the values that came."""
    return "; ".join(f"{'.'.join(map(str, e['loc'])) or 'the whole'}: {e['msg']}" for e in error.errors()[:3])


def one(model: type[P], data: object, what: str) -> P:
    """One object.

    Raises:
        GitHubMalformed: it lacks something that is needed (code ``schema-drift``).
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise errors.schema_drift(what, why(error)) from None  # the original holds what came


def many(model: type[P], data: object, what: str, make: Callable[[P], T | None], *, key: str = "") -> Listing[T]:
    """A list of objects; one that cannot be read is counted and left out.

    Args:
        model: of one item.
        data: a list, or an object with the list under `key`.
        what: names the list, for the sentence.
        make: the domain value of one item; None leaves the item out without counting it.
        key: where the list is.

    Raises:
        GitHubMalformed: there is no list, or nothing in it can be read (code ``schema-drift``).
    """
    found = (data.get(key) if isinstance(data, dict) else None) if key else data
    if not isinstance(found, list):
        raise errors.schema_drift(what, f"{key or 'the whole'}: should be a list")
    good: list[T] = []
    bad, reason = 0, ""
    for item in found:
        try:
            value = make(model.model_validate(item))
        except ValidationError as error:
            bad += 1
            reason = reason or why(error)
            continue
        if value is not None:
            good.append(value)
    if bad and bad == len(found):
        raise errors.schema_drift(what, f"none of {bad} could be read: {reason}")
    return Listing(tuple(good), bad, reason)


class Person(Payload):
    """``simple-user``, or a team, as far as a name goes."""

    login: Words = ""
    slug: Words = ""
    type: Words = ""


class User(Payload):
    """``GET /user``."""

    login: Name


class Permissions(Payload):
    """What the token's owner may do in a repository."""

    push: Flag = False


class RepositoryPayload(Payload):
    """``GET /repos/{owner}/{repo}``."""

    default_branch: Name
    private: Flag = False
    permissions: Annotated[Permissions, Record] = Permissions()
    owner: Annotated[Person, Record] = Person()


class WorkflowPayload(Payload):
    """``workflow``."""

    id: Id
    name: Words = ""
    path: Words = ""
    state: Words = ""
    html_url: Words = ""

    def value(self, repository: Repository) -> Workflow:
        """As the domain has it."""
        return Workflow(repository, self.id, self.name or self.path, self.path, self.state, self.html_url)


class _PullRequestNumber(Payload):
    number: Number = 0


class RunPayload(Payload):
    """``workflow-run``."""

    id: Id
    workflow_id: Number = 0
    name: Words = ""
    run_number: Number = 0
    run_attempt: Number = 1
    display_title: Words = ""
    head_branch: Words = ""
    head_sha: Words = ""
    event: Words = ""
    status: Words = ""
    conclusion: Words = ""
    actor: Annotated[Person, Record] = Person()
    triggering_actor: Annotated[Person, Record] = Person()
    created_at: Moment
    run_started_at: When = None
    updated_at: When = None
    html_url: Words = ""
    path: Words = ""
    pull_requests: Annotated[tuple[_PullRequestNumber, ...], Records] = ()

    def value(self, repository: Repository) -> WorkflowRun:
        """As the domain has it."""
        # `name` is the workflow's name, except with `run-name`; then `path` still tells the workflow.
        return WorkflowRun(
            repository=repository,
            id=self.id,
            workflow_id=self.workflow_id,
            workflow=self.name or self.path.rpartition("/")[2] or f"workflow {self.workflow_id}",
            number=self.run_number,
            attempt=self.run_attempt or 1,
            title=self.display_title or self.name,
            branch=self.head_branch,
            sha=self.head_sha,
            event=self.event,
            actor=self.triggering_actor.login or self.actor.login,
            state=state_of(self.status, self.conclusion),
            raw_state=_raw(self.status, self.conclusion),
            created_at=self.created_at,
            started_at=self.run_started_at,
            updated_at=self.updated_at or self.run_started_at or self.created_at,
            html_url=self.html_url,
            path=self.path.partition("@")[0],
            pull_requests=tuple(request.number for request in self.pull_requests if request.number),
        )


class StepPayload(Payload):
    """A job's step."""

    number: Number = 0
    name: Words = ""
    status: Words = ""
    conclusion: Words = ""
    started_at: When = None
    completed_at: When = None

    def value(self) -> Step:
        """As the domain has it."""
        return Step(
            self.number,
            self.name,
            state_of(self.status, self.conclusion),
            _raw(self.status, self.conclusion),
            self.started_at,
            self.completed_at,
        )


class JobPayload(Payload):
    """``job``."""

    id: Id
    run_id: Number = 0
    name: Words = ""
    status: Words = ""
    conclusion: Words = ""
    started_at: When = None
    completed_at: When = None
    steps: Annotated[tuple[StepPayload, ...], Records] = ()
    runner_name: Words = ""
    html_url: Words = ""

    def value(self) -> Job:
        """As the domain has it."""
        state = state_of(self.status, self.conclusion)
        return Job(
            id=self.id,
            run_id=self.run_id,
            name=self.name or f"job {self.id}",
            state=state,
            raw_state=_raw(self.status, self.conclusion),
            started_at=self.started_at,
            completed_at=self.completed_at,
            steps=tuple(step.value() for step in self.steps),
            runner=self.runner_name,
            html_url=self.html_url,
        )


class _EnvironmentPayload(Payload):
    id: Id
    name: Words = ""


class _ReviewerPayload(Payload):
    reviewer: Annotated[Person, Record] = Person()


class PendingPayload(Payload):
    """``pending-deployment``."""

    environment: _EnvironmentPayload
    wait_timer: Number = 0
    current_user_can_approve: Flag = False
    reviewers: Annotated[tuple[_ReviewerPayload, ...], Records] = ()

    def value(self) -> PendingEnvironment:
        """As the domain has it."""
        names = (item.reviewer.login or item.reviewer.slug for item in self.reviewers)
        return PendingEnvironment(
            self.environment.id,
            self.environment.name,
            self.current_user_can_approve,
            tuple(name for name in names if name),
            self.wait_timer,
        )


def total(data: object) -> int | None:
    """``total_count`` of a list's answer; None when it does not say."""
    count: Any = data.get("total_count") if isinstance(data, dict) else None
    return count if isinstance(count, int) and not isinstance(count, bool) else None


def started_run(data: object) -> int | None:
    """The run that a dispatch started, where the answer says so."""
    found: Any = data.get("workflow_run_id") if isinstance(data, dict) else None
    return found if isinstance(found, int) and not isinstance(found, bool) and found > 0 else None


def _raw(status: str, conclusion: str) -> str:
    return f"{status}/{conclusion}" if conclusion else status
