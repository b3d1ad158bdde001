"""Workflow files: what a dispatch asks for, which names are read, and what becomes of a hostile file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import refactor_console
from refactor_console.adapters.workflow_file import WorkflowFileError, dispatch_inputs, workflow_names
from refactor_console.domain.operations import DispatchInput

DEPLOY = (
    Path(refactor_console.__file__).parent / "demo/files_github/backend/github/workflows/deploy_to_do.yml"
).read_text()


def test_the_platforms_deploy_workflow_tells_its_input() -> None:
    inputs, notes = dispatch_inputs(DEPLOY, "deploy_to_do.yml")
    assert inputs == (
        DispatchInput("enable_ssh_debugging", "Enable verbose SSH debugging output", "boolean", False, "false"),
    )
    assert notes == ()


def test_the_platforms_deploy_workflow_tells_its_names_and_what_it_writes() -> None:
    names = workflow_names(DEPLOY, "deploy_to_do.yml", "main")
    assert len(names.secrets) == 18
    assert {"DO_HOST_KEY", "GHCR_PAT", "TS_OAUTH_SECRET"} <= set(names.secrets)
    assert len(names.variables) == 53
    written = dict(names.written)
    assert written["POSTGRES_PASSWORD"] == ("secrets.POSTGRES_PASSWORD",)
    assert written["BACKEND_IMAGE_NAME"] == ("vars.BACKEND_IMAGE_NAME",)
    assert "GHCR_PAT" not in written
    assert "EOF" not in written


@pytest.mark.parametrize("on", ["workflow_dispatch", "[push, workflow_dispatch]", "{workflow_dispatch: }"])
def test_every_way_to_write_the_trigger_is_understood(on: str) -> None:
    assert dispatch_inputs(f"on: {on}\njobs: {{}}\n", "a.yml") == ((), ())
    assert dispatch_inputs(f"'on': {on}\njobs: {{}}\n", "a.yml") == ((), ())


def test_a_workflow_without_the_trigger_says_so() -> None:
    with pytest.raises(WorkflowFileError) as told:
        dispatch_inputs("on: push\n", "ci.yml")
    assert told.value.problem.code == "not-dispatchable"
    assert "ci.yml" in told.value.problem.summary


def test_inputs_of_every_type_are_read_and_an_unknown_one_is_text_with_a_note() -> None:
    text = """
on:
  workflow_dispatch:
    inputs:
      level: {type: choice, options: [info, 2, true], default: info, required: true, description: How much}
      dry: {type: boolean}
      count: {type: number, default: 3}
      where: {type: environment}
      odd: {type: colour}
      bare:
"""
    inputs, notes = dispatch_inputs(text, "a.yml")
    by_name = {each.name: each for each in inputs}
    assert by_name["level"] == DispatchInput("level", "How much", "choice", True, "info", ("info", "2", "true"))
    assert by_name["dry"].default == "false"
    assert by_name["count"].default == "3"
    assert by_name["where"].type == "environment"
    assert (by_name["odd"].type, by_name["bare"].type) == ("string", "string")
    assert len(notes) == 1
    assert "colour" in notes[0]


def test_names_in_every_spelling_are_found_and_comments_are_not() -> None:
    text = """
# ${{ secrets.IN_A_COMMENT }}
env:
  A: ${{ secrets.One }}
  B: ${{ secrets['TWO'] || vars.THREE }}
  C: ${{ SECRETS.four }}
  D: ${{ secrets[inputs.which] }}
  E: ${{ toJSON(secrets) }}
  F: ${{ secrets.GITHUB_TOKEN }}
  G: secrets.NOT_AN_EXPRESSION
run: |
  echo "KEY=${{ secrets.FIVE }}" >> .env
  echo "OTHER=${{ vars.SIX }}-${{ vars.SEVEN }}" >> "/home/deploy/.env"
  echo "NOT=${{ vars.EIGHT }}" >> $GITHUB_ENV
"""
    names = workflow_names(text, "a.yml", "main")
    assert names.secrets == ("FIVE", "FOUR", "ONE", "TWO")
    assert names.variables == ("EIGHT", "SEVEN", "SIX", "THREE")
    assert dict(names.written) == {"KEY": ("secrets.FIVE",), "OTHER": ("vars.SIX", "vars.SEVEN")}
    assert len(names.notes) == 2


BOMB = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 30))


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        "[" * 20_000,
        "{a: " * 499,
        "on: [",
        "just a text",
        "- a\n- list\n",
        "a: !!python/object:os.system x",
        "\x00",
    ],
    ids=["bomb", "deep", "less deep", "open", "text", "list", "object", "nul"],
)
def test_a_hostile_file_is_a_clear_error(text: str) -> None:
    with pytest.raises(WorkflowFileError) as told:
        dispatch_inputs(text, "bad.yml")
    assert told.value.problem.code == "bad-workflow"
    assert len(told.value.problem.detail) <= 500


def test_a_huge_file_is_refused_before_it_is_read() -> None:
    for read in (lambda: dispatch_inputs("a" * 600_000, "a.yml"), lambda: workflow_names("a" * 600_000, "a.yml", "x")):
        with pytest.raises(WorkflowFileError):
            read()


@pytest.mark.parametrize("piece", ["${{", "${{ secrets", "echo >", "> ", "<<", "secrets[", "a=${{ ", "toJSON(", "'"])
def test_no_repetition_makes_the_search_endless(piece: str) -> None:
    """A quadratic search over half a megabyte would take minutes: the test's own time limit is the suite's patience."""
    names = workflow_names(piece * (400_000 // len(piece)), "a.yml", "main")
    assert names.secrets == ()


@given(st.text(max_size=400))
def test_any_text_gives_names_or_none(text: str) -> None:
    names = workflow_names("on: push\n" + text, "a.yml", "main")
    assert all(name == name.upper() for name in (*names.secrets, *names.variables))
