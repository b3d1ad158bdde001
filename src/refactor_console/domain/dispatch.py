"""Mutations on GitHub Actions put into words: what a person filled in, the exact request, the ``gh`` line that does it.

Limits are GitHub's: at most 25 inputs of together 65,535 characters
(https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax, ``on.workflow_dispatch.inputs``).
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from urllib.parse import quote, urlsplit

from refactor_console.domain.operations import ApiRequest, DispatchForm, DispatchInput, Operation
from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.domain.repos import Platform, Repository

MOST_INPUTS = 25
MOST_CHARACTERS = 65_535
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_BAD_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|^[-/.]|[/.]$|//|\.lock$")


class BadInput(ConsoleError):
    """What was filled in cannot be dispatched; nothing was sent (code ``bad-input``)."""


def checked_ref(ref: str) -> str:
    """A branch or tag as git may name one; a full ref stays one, as a branch and a tag may share a name.

    Raises:
        BadInput: git knows no such name.
    """
    full = checked_text("The branch or tag", ref.strip())
    name = short_ref(full)
    if not name or _BAD_REF.search(name):
        raise _bad(f"'{name[:80]}' is no name of a branch or tag.", "Give a branch or a tag of the repository.")
    return full


def short_ref(ref: str) -> str:
    """``main`` for ``refs/heads/main``: as GitHub names a run's head branch."""
    for prefix in ("refs/heads/", "refs/tags/"):
        if ref.startswith(prefix):
            return ref.removeprefix(prefix)
    return ref


def checked_inputs(form: DispatchForm, given: Mapping[str, str]) -> dict[str, str]:
    """What is sent for each input: what was given, checked; inputs left alone keep GitHub's own default.

    Raises:
        BadInput: naming the input and what is expected of it.
    """
    known = {entry.name: entry for entry in form.inputs}
    for name in given:
        if name not in known:
            raise _bad(f"{form.workflow} has no input '{name[:80]}'.", "Leave it out.")
    values: dict[str, str] = {}
    for entry in form.inputs:
        value = given.get(entry.name, "")
        untouched = entry.name not in given
        if untouched or (not value and not entry.default):
            if entry.required and not entry.default:
                raise _bad(f"{entry.name} is required and has no value.", "Fill it in.")
            continue
        if entry.required and not value:
            raise _bad(f"{entry.name} is required and was emptied.", f"Its default is '{entry.default[:80]}'.")
        values[entry.name] = _checked(entry, value)
    if len(values) > MOST_INPUTS:
        raise _bad(f"{len(values)} inputs are filled in; GitHub takes {MOST_INPUTS}.", "Leave some at their default.")
    length = len(json.dumps(values, ensure_ascii=False))
    if length > MOST_CHARACTERS:
        raise _bad(f"The inputs have {length:,} characters; GitHub takes {MOST_CHARACTERS:,}.", "Shorten them.")
    return values


def checked_text(name: str, value: str) -> str:
    """A text as it is, if a request can hold it.

    Raises:
        BadInput: it holds half a surrogate pair, as terminals and broken encodings leave them.
    """
    if any("\ud800" <= letter <= "\udfff" for letter in value):
        raise _bad(f"{name} holds a character that cannot be sent.", "Type it again, without what looks broken.")
    return value


def _checked(entry: DispatchInput, value: str) -> str:
    checked_text(entry.name, value)
    match entry.type:
        case "boolean":
            if value not in ("true", "false"):
                raise _bad(f"{entry.name} is '{value[:40]}'; expected true or false.", "Choose one of the two.")
        case "number":
            if not _NUMBER.fullmatch(value):
                raise _bad(f"{entry.name} is '{value[:40]}', which is no number.", "Write digits only.")
        case "choice":
            if entry.options and value not in entry.options:
                choices = ", ".join(entry.options)[:300]
                raise _bad(f"{entry.name} is '{value[:40]}', which is not among its options.", f"Options: {choices}.")
    return value


# -- requests


def dispatch_request(form: DispatchForm, ref: str, inputs: Mapping[str, str], *, wants_id: bool) -> ApiRequest:
    """The request that starts a workflow.

    Args:
        form: of the workflow.
        ref: branch or tag.
        inputs: as `checked_inputs` gave them.
        wants_id: ask for the started run's id in the answer, which GitHub Enterprise Server may not know.
    """
    body: dict[str, object] = {"ref": ref, "inputs": dict(inputs)}
    if wants_id:
        body["return_run_details"] = True
    return ApiRequest("POST", f"{_at(form.repository)}/actions/workflows/{form.workflow_id}/dispatches", _json(body))


def run_request(operation: Operation, repository: Repository, run_id: int, job_id: int | None = None) -> ApiRequest:
    """The request for what is done to a run or one of its jobs.

    Raises:
        ValueError: it is none of those.
    """
    runs = f"{_at(repository)}/actions/runs/{run_id}"
    match operation:
        case Operation.RERUN:
            return ApiRequest("POST", f"{runs}/rerun")
        case Operation.RERUN_FAILED:
            return ApiRequest("POST", f"{runs}/rerun-failed-jobs")
        case Operation.CANCEL:
            return ApiRequest("POST", f"{runs}/cancel")
        case Operation.RERUN_JOB if job_id is not None:
            return ApiRequest("POST", f"{_at(repository)}/actions/jobs/{job_id}/rerun")
    raise ValueError(f"{operation} is not done to a run or job alone")


def review_request(
    repository: Repository, run_id: int, ids: Sequence[int], *, approve: bool, comment: str
) -> ApiRequest:
    """The request that approves or rejects environments a run waits for."""
    body = {"environment_ids": sorted(ids), "state": "approved" if approve else "rejected", "comment": comment}
    return ApiRequest("POST", f"{_at(repository)}/actions/runs/{run_id}/pending_deployments", _json(body))


def _at(repository: Repository) -> str:
    return f"/repos/{quote(repository.owner, safe='')}/{quote(repository.name, safe='')}"


def _json(values: Mapping[str, object]) -> str:
    return json.dumps(values, sort_keys=True, ensure_ascii=False)


# -- the same by hand


def gh_dispatch(platform: Platform, form: DispatchForm, ref: str, inputs: Mapping[str, str]) -> str:
    """``gh workflow run ...``, ready for a POSIX shell."""
    file = form.path.rpartition("/")[2] or str(form.workflow_id)
    words = ["gh", "workflow", "run", file, "--repo", _repo(platform, form.repository), "--ref", ref]
    for name, value in inputs.items():
        words += ["--raw-field", f"{name}={value}"]  # --field would read a file where a value begins with @
    return shlex.join(words)


def gh_run(platform: Platform, operation: Operation, repository: Repository, run_id: int, job_id: int | None) -> str:
    """``gh run ...`` for what is done to a run or job."""
    where = ["--repo", _repo(platform, repository)]
    match operation:
        case Operation.CANCEL:
            return shlex.join(["gh", "run", "cancel", str(run_id), *where])
        case Operation.RERUN_FAILED:
            return shlex.join(["gh", "run", "rerun", str(run_id), "--failed", *where])
        case Operation.RERUN_JOB:
            return shlex.join(["gh", "run", "rerun", "--job", str(job_id), *where])
        case _:
            return shlex.join(["gh", "run", "rerun", str(run_id), *where])


def gh_api(platform: Platform, request: ApiRequest) -> str:
    """``gh api ...`` for a request that has no command of its own."""
    host = _host(platform)
    there = [] if host == "github.com" else ["--hostname", host]
    words = ["gh", "api", *there, "--method", request.method, request.path.removeprefix("/")]
    if not request.body:
        return shlex.join(words)
    return f"printf %s {shlex.quote(request.body)} | {shlex.join([*words, '--input', '-'])}"


def _host(platform: Platform) -> str:
    return urlsplit(platform.web_url).netloc


def _repo(platform: Platform, repository: Repository) -> str:
    host = _host(platform)
    return repository.full_name if host == "github.com" else f"{host}/{repository.full_name}"


def _bad(summary: str, remedy: str) -> BadInput:
    return BadInput(Problem(summary, remedy, code="bad-input"))
