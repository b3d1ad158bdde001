"""Workflow files of GitHub Actions: the inputs of a dispatch, and the names of secrets and variables.

Format: https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax and its expression syntax. The
file is YAML 1.1 to PyYAML, where the key ``on`` is the truth value *true*.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from refactor_console.domain.contract import WorkflowNames
from refactor_console.domain.operations import DispatchInput
from refactor_console.domain.problem import ConsoleError, Problem

MOST_BYTES = 512 * 1024
"""GitHub itself takes no larger workflow file."""
MOST_ALIASES = 100
"""Anchors used again; a file that grows by them without bound is no workflow."""
MOST_OPEN = 500
"""Brackets open at once: the library's time grows with the square of their depth."""
_TYPES = ("string", "boolean", "choice", "number", "environment")
# Every repetition is bounded or stops at the next beginning, so that no file makes the search quadratic.
_EXPRESSION = re.compile(r"\$\{\{((?:(?!\$\{\{|\}\}).){0,4000})\}\}", re.DOTALL)
_TEXT = re.compile(r"'(?:[^']|'')*'")
_NAME = re.compile(
    r"\b(secrets|vars)\s*(?:\.\s*([A-Za-z_][A-Za-z0-9_]*)|\[\s*'([A-Za-z_][A-Za-z0-9_]*)'\s*\])", re.IGNORECASE
)
_OPEN = re.compile(r"\b(secrets|vars)\s*\[\s*(?!')([^\]]*)\]", re.IGNORECASE)
_WHOLE = re.compile(r"\btoJSON\s*\(\s*(secrets|vars)\s*\)", re.IGNORECASE)
_ASSIGNMENT = re.compile(r"^\s*(?:echo\s+)?[\"']?(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)$")
_HEREDOC = re.compile(r"<<-?\s*[\"']?([A-Za-z_][A-Za-z0-9_]*)[\"']?")
_ENV_FILE = re.compile(r">>?\s*[\"']?(?:[^\s\"';|&>]{0,300}/)?\.env\b[\"']?")
AUTOMATIC = frozenset({"GITHUB_TOKEN"})
"""Secrets that GitHub itself makes for every run."""


class WorkflowFileError(ConsoleError):
    """A workflow file that cannot be read, or that cannot be dispatched."""


def dispatch_inputs(text: str, path: str) -> tuple[tuple[DispatchInput, ...], tuple[str, ...]]:
    """The inputs that a dispatch of this workflow asks for, and notes on what was not understood.

    Raises:
        WorkflowFileError: codes ``bad-workflow`` (not YAML, too large, too nested) and ``not-dispatchable``.
    """
    document = _load(text, path)
    triggers = document.get("on", document.get(True))
    notes: list[str] = []
    if isinstance(triggers, str):
        triggers = {triggers: None}
    elif isinstance(triggers, list):
        triggers = {str(name): None for name in triggers}
    if not isinstance(triggers, dict) or "workflow_dispatch" not in triggers:
        raise WorkflowFileError(
            Problem(
                f"{path} has no workflow_dispatch trigger: GitHub starts it by other events only.",
                "Add 'workflow_dispatch:' under 'on:' in that file, on the branch that is dispatched.",
                code="not-dispatchable",
            )
        )
    trigger = triggers["workflow_dispatch"]
    inputs = trigger.get("inputs") if isinstance(trigger, dict) else None
    if inputs is not None and not isinstance(inputs, dict):
        notes.append("The inputs are no table of names, and are left out.")
        inputs = None
    return tuple(_input(str(name), given, notes) for name, given in (inputs or {}).items()), tuple(notes)


def workflow_names(text: str, path: str, ref: str) -> WorkflowNames:
    """The secrets and variables that a workflow file names, and what it writes into an ``.env`` file.

    Names are found in expressions of the text as it is, so that a file which is no valid YAML still tells its names.

    Raises:
        WorkflowFileError: the file is too large.
    """
    _bounded(text, path)
    code = "\n".join("" if line.lstrip().startswith("#") else line for line in text.splitlines())
    secrets: dict[str, None] = {}
    variables: dict[str, None] = {}
    notes: dict[str, None] = {}
    for expression in _EXPRESSION.findall(code):
        for kind, name in _names(expression):
            if kind == "vars":
                variables[name] = None
            elif name not in AUTOMATIC:
                secrets[name] = None
        for kind, inside in _OPEN.findall(expression):
            notes[f"{kind}[{inside.strip()}] is only known when the workflow runs."] = None
        for kind in _WHOLE.findall(_TEXT.sub("''", expression)):
            notes[f"toJSON({kind}) reads every one of them."] = None
    return WorkflowNames(
        ref=ref,
        path=path,
        secrets=tuple(sorted(secrets)),
        variables=tuple(sorted(variables)),
        written=tuple(_written(code)),
        notes=tuple(notes),
    )


def _names(expression: str) -> Iterator[tuple[str, str]]:
    """Context and name of each reference; GitHub's names are upper case whatever is written."""
    for kind, dotted, indexed in _NAME.findall(expression):
        yield kind.lower(), (dotted or indexed).upper()


def _written(code: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Assignments inside what goes to an ``.env`` file: a here-document, or ``echo NAME=... >> .env``."""
    end = ""
    found: dict[str, tuple[str, ...]] = {}
    for line in code.splitlines():
        if end and line.strip() == end:
            end = ""
            continue
        heredoc = _HEREDOC.search(line)
        to_env = _ENV_FILE.search(line)
        if not end and heredoc and to_env:
            end = heredoc.group(1)
            continue
        if not end and not (to_env and "echo" in line):
            continue
        assignment = _ASSIGNMENT.match(line.strip().removeprefix("run:").strip() if not end else line)
        if assignment is not None:
            sources = [f"{kind}.{name}" for e in _EXPRESSION.findall(assignment.group(2)) for kind, name in _names(e)]
            found[assignment.group(1)] = tuple(dict.fromkeys(sources))
    yield from found.items()


def _input(name: str, given: Any, notes: list[str]) -> DispatchInput:
    facts = given if isinstance(given, dict) else {}
    if given is not None and not isinstance(given, dict):
        notes.append(f"Input {name}: its description is no table, and is left out.")
    kind = str(facts.get("type", "string"))
    if kind not in _TYPES:
        notes.append(f"Input {name}: type '{kind}' is not known, and is asked for as text.")
        kind = "string"
    options = facts.get("options")
    return DispatchInput(
        name=name,
        description=_word(facts.get("description")),
        type=kind,
        required=facts.get("required") is True,
        default=_word(facts.get("default")) or ("false" if kind == "boolean" else ""),
        options=tuple(_word(option) for option in options) if isinstance(options, list) else (),
    )


def _word(value: Any) -> str:
    """A scalar as GitHub passes it on."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _bounded(text: str, path: str) -> None:
    if len(text) > MOST_BYTES:
        raise WorkflowFileError(
            Problem(f"{path} has {len(text):,} characters, more than GitHub takes for a workflow.", code="bad-workflow")
        )


def _load(text: str, path: str) -> dict[Any, Any]:
    """The file as a table; safe types only, and no growth by aliases.

    Raises:
        WorkflowFileError: code ``bad-workflow``.
    """
    import yaml  # noqa: PLC0415 - needed when a form is opened, and not before

    _bounded(text, path)
    if _deepest(text) > MOST_OPEN:
        raise WorkflowFileError(
            Problem(f"{path} has more than {MOST_OPEN} brackets open at once.", code="bad-workflow")
        )
    try:
        aliases = sum(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.SafeLoader))
        if aliases > MOST_ALIASES:
            raise WorkflowFileError(
                Problem(f"{path} uses {aliases} aliases, more than a workflow needs.", code="bad-workflow")
            )
        document = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise WorkflowFileError(
            Problem(
                f"{path} is no YAML that can be read.",
                "Look at the file at that ref; GitHub will not run it either.",
                " ".join(str(error).split())[:500],
                code="bad-workflow",
            )
        ) from error
    if not isinstance(document, dict):
        raise WorkflowFileError(Problem(f"{path} is no table of keys, as a workflow is.", code="bad-workflow"))
    return document


def _deepest(text: str) -> int:
    """How many brackets are open at once at most, quoted ones included."""
    depth = deepest = 0
    for bracket in re.findall(r"[\[\]{}]", text):
        depth = depth + 1 if bracket in "[{" else max(depth - 1, 0)
        deepest = max(deepest, depth)
    return deepest
