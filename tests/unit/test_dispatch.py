"""Requests and the same by hand: exactly what was filled in, quoted, and nothing that GitHub would not take."""

from __future__ import annotations

import json
import shlex
import subprocess
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refactor_console.domain import dispatch
from refactor_console.domain.dispatch import BadInput, checked_inputs, checked_ref
from refactor_console.domain.operations import DispatchForm, DispatchInput, Operation
from refactor_console.domain.repos import Platform, Repository

PLATFORM = Platform()
ENTERPRISE = Platform(api_url="https://ghe.example.com/api/v3", web_url="https://ghe.example.com")
BACK = PLATFORM.backend
INPUTS = (
    DispatchInput("debug", "", "boolean", required=False, default="false"),
    DispatchInput("pr", "", "number", required=True, default=""),
    DispatchInput("target", "", "choice", required=True, default="pi", options=("pi", "droplet")),
    DispatchInput("note", "", "string", required=False, default=""),
)
FORM = DispatchForm(BACK, 98, "Deploy PR Preview", ".github/workflows/preview.yml", "main", INPUTS)


def bad(work: object) -> str:
    assert callable(work)
    with pytest.raises(BadInput) as caught:
        work()
    problem = caught.value.problem
    assert (problem.code, bool(problem.remedy)) == ("bad-input", True)
    return problem.summary


# -- refs


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("main", "main"),
        (" main ", "main"),
        ("refs/heads/main", "refs/heads/main"),
        ("refs/tags/1.0-beta1-test2", "refs/tags/1.0-beta1-test2"),
        ("feat/goal-progress-📈", "feat/goal-progress-📈"),
        ("a" * 40, "a" * 40),
    ],
)
def test_branches_and_tags_are_taken_as_git_names_them(text: str, name: str) -> None:
    assert checked_ref(text) == name


@pytest.mark.parametrize(
    "text", ["", "  ", "refs/heads/", "a b", "a..b", "-x", "x.lock", "/x", "x/", "a//b", "a~1", "a^", "a:b", "a?",
             "a*", "[a", "a\\b", "a@{1}", "a\x1b[31m", "a\nb", ".a", "a.", "\ud83d"],
)  # fmt: skip
def test_what_git_does_not_call_a_branch_or_tag_is_refused(text: str) -> None:
    assert bad(lambda: checked_ref(text))


# -- inputs


def test_what_was_left_alone_keeps_github_s_own_default() -> None:
    assert checked_inputs(FORM, {"pr": "318"}) == {"pr": "318"}
    assert checked_inputs(FORM, {"pr": "318", "debug": "true", "target": "droplet", "note": "a=b 'c'"}) == {
        "pr": "318",
        "debug": "true",
        "target": "droplet",
        "note": "a=b 'c'",
    }
    assert "note" not in checked_inputs(FORM, {"pr": "318", "note": ""})


def test_an_optional_input_with_a_default_can_be_emptied() -> None:
    form = replace(FORM, inputs=(DispatchInput("image", "", "string", required=False, default="main"),))
    assert checked_inputs(form, {"image": ""}) == {"image": ""}


@pytest.mark.parametrize(
    ("given_", "words"),
    [
        ({}, "pr is required and has no value"),
        ({"pr": ""}, "pr is required and has no value"),
        ({"pr": "318", "target": ""}, "target is required and was emptied"),
        ({"pr": "three"}, "which is no number"),
        ({"pr": "3\n"}, "which is no number"),
        ({"pr": "٣"}, "which is no number"),
        ({"pr": "1", "debug": "yes"}, "expected true or false"),
        ({"pr": "1", "debug": ""}, "expected true or false"),
        ({"pr": "1", "target": "moon"}, "not among its options"),
        ({"pr": "1", "nothing": "x"}, "has no input 'nothing'"),
        ({"pr": "1", "note": "\ud83d"}, "cannot be sent"),
    ],
)
def test_what_github_would_refuse_is_refused_before_with_the_input_s_name(given_: dict[str, str], words: str) -> None:
    assert words in bad(lambda: checked_inputs(FORM, given_))


def test_github_s_own_limits_hold() -> None:
    many = tuple(DispatchInput(f"i{n}", "", "string", required=False, default="") for n in range(26))
    form = replace(FORM, inputs=many)
    assert len(checked_inputs(form, {entry.name: "x" for entry in many[:25]})) == 25
    assert "26 inputs" in bad(lambda: checked_inputs(form, {entry.name: "x" for entry in many}))
    assert "characters" in bad(lambda: checked_inputs(form, {"i0": "x" * 65_536}))


def test_characters_are_counted_as_they_are_sent() -> None:
    form = replace(FORM, inputs=(DispatchInput("note", "", "string", required=False, default=""),))
    assert checked_inputs(form, {"note": "ü" * 60_000})


# -- requests


def test_a_dispatch_says_ref_and_inputs_and_asks_for_the_run_where_it_can_be_told() -> None:
    request = dispatch.dispatch_request(FORM, "main", {"pr": "318"}, wants_id=True)
    assert (request.method, request.path) == ("POST", f"/repos/{BACK}/actions/workflows/98/dispatches")
    assert json.loads(request.body) == {"ref": "main", "inputs": {"pr": "318"}, "return_run_details": True}
    plain = dispatch.dispatch_request(FORM, "main", {}, wants_id=False)
    assert json.loads(plain.body) == {"ref": "main", "inputs": {}}


@pytest.mark.parametrize(
    ("operation", "job_id", "path"),
    [
        (Operation.RERUN, None, "runs/7/rerun"),
        (Operation.RERUN_FAILED, None, "runs/7/rerun-failed-jobs"),
        (Operation.RERUN_JOB, 9, "jobs/9/rerun"),
        (Operation.CANCEL, None, "runs/7/cancel"),
    ],
)
def test_each_operation_on_a_run_is_one_request_without_a_body(
    operation: Operation, job_id: int | None, path: str
) -> None:
    assert str(dispatch.run_request(operation, BACK, 7, job_id)) == f"POST /repos/{BACK}/actions/{path}"


@pytest.mark.parametrize("operation", [Operation.DISPATCH, Operation.APPROVE, Operation.RERUN_JOB])
def test_what_is_no_operation_on_a_run_alone_is_no_request(operation: Operation) -> None:
    with pytest.raises(ValueError, match="not done to a run"):
        dispatch.run_request(operation, BACK, 7)


def test_a_review_names_environments_verdict_and_comment() -> None:
    request = dispatch.review_request(BACK, 7, [3, 1], approve=False, comment='no "Friday"')
    assert request.path == f"/repos/{BACK}/actions/runs/7/pending_deployments"
    assert json.loads(request.body) == {"environment_ids": [1, 3], "state": "rejected", "comment": 'no "Friday"'}


def test_a_name_from_outside_stays_one_segment_of_the_path() -> None:
    odd = Repository("o/../x", "n?y#z")
    assert dispatch.run_request(Operation.CANCEL, odd, 7).path == "/repos/o%2F..%2Fx/n%3Fy%23z/actions/runs/7/cancel"


# -- the same by hand


def test_the_command_that_dispatches_has_everything_as_it_is_sent() -> None:
    line = dispatch.gh_dispatch(PLATFORM, FORM, "main", {"note": "@file 'x' $(rm -rf /)", "pr": "318"})
    assert shlex.split(line) == [
        "gh", "workflow", "run", "preview.yml", "--repo", str(BACK), "--ref", "main",
        "--raw-field", "note=@file 'x' $(rm -rf /)", "--raw-field", "pr=318",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        (Operation.RERUN, ["run", "rerun", "7"]),
        (Operation.RERUN_FAILED, ["run", "rerun", "7", "--failed"]),
        (Operation.RERUN_JOB, ["run", "rerun", "--job", "9"]),
        (Operation.CANCEL, ["run", "cancel", "7"]),
    ],
)
def test_each_operation_has_its_command_here_and_at_an_enterprise_server(
    operation: Operation, words: list[str]
) -> None:
    here = shlex.split(dispatch.gh_run(PLATFORM, operation, BACK, 7, 9))
    assert here == ["gh", *words, "--repo", str(BACK)]
    there = shlex.split(dispatch.gh_run(ENTERPRISE, operation, BACK, 7, 9))
    assert there == ["gh", *words, "--repo", f"ghe.example.com/{BACK}"]


@given(st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60))
def test_a_review_s_body_comes_out_of_the_shell_as_it_went_in(comment: str) -> None:
    request = dispatch.review_request(BACK, 7, [1], approve=True, comment=comment)
    line = dispatch.gh_api(ENTERPRISE, request)
    printed, _, call = line.rpartition(" | ")
    assert shlex.split(call) == [
        "gh", "api", "--hostname", "ghe.example.com", "--method", "POST", request.path[1:], "--input", "-",
    ]  # fmt: skip
    assert shlex.split(printed) == ["printf", "%s", request.body]


def test_a_shell_really_prints_that_body() -> None:
    request = dispatch.review_request(BACK, 7, [1], approve=True, comment="it's 100 % `fine` $HOME \\n")
    printed, _, _ = dispatch.gh_api(PLATFORM, request).rpartition(" | ")
    told = subprocess.run(["sh", "-c", printed], capture_output=True, check=True).stdout
    assert told.decode() == request.body
