"""Says in one sentence what is wrong with a setting: the file or variable, the key, and what is expected."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from refactor_console.domain.problem import Problem
from refactor_console.glance import PREFIX

Known = Callable[[tuple[str, ...]], Collection[str]]
"""The settings that there are in the table of a misspelt one."""

_EXPECTED = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "string_type": "a text in quotes",
    "tuple_type": 'a list of texts, such as ["nginx", "rust-app"]',
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "string_too_short": "a text that is not empty",
}
_PATTERNS = {
    "unit": "a unit's full name, such as refactor-platform.service",
    "compose_directory": "an absolute path on the host",
    "docker_socket": "an absolute path on the host",
    "backend": "a repository as owner/name",
    "frontend": "a repository as owner/name",
    "others": "repositories as owner/name",
    "deploy_repository": "a repository as owner/name",
    "api_url": "an https address (or http on this machine), without a trailing slash",
    "web_url": "an https address (or http on this machine), without a trailing slash",
    "registry_url": "an https address (or http on this machine), without a trailing slash",
    "registry": "a host name in lower case, with a port if need be, such as ghcr.io",
    "deploy_workflow": "a workflow's path, such as .github/workflows/deploy_to_do.yml",
    "release_workflow": "a workflow's path, such as .github/workflows/deploy_to_do.yml",
    "image_workflows": "workflows' paths, such as .github/workflows/deploy_to_do.yml",
    "compose_file": "a path within the repository, such as docker-compose.yaml",
    "oauth_client_id": "the client id of an OAuth app: letters, digits and dots",
    "[key]": "a name of letters, digits, '.', '_' and '-'",
}


def explain(
    error: ValidationError, file: Path, values: Mapping[str, Any], environ: Mapping[str, str], known: Known
) -> Problem:
    """One sentence for the first thing wrong; the others as detail."""
    sentences = list(_sentences(error, file, values, environ, known))
    more = f" ({len(sentences) - 1} more: see the details)" if len(sentences) > 1 else ""
    return Problem(sentences[0] + more, "Correct that setting.", "\n".join(sentences), code="bad-setting")


def _sentences(
    error: ValidationError, file: Path, values: Mapping[str, Any], environ: Mapping[str, str], known: Known
) -> Iterator[str]:
    for item in error.errors(include_url=False):
        keys = tuple(str(part) for part in item["loc"])
        where = where_from(keys, file, values, environ)
        match item["type"]:
            case "missing":
                yield f"{where}: this setting is missing; expected {_expected(keys, item)}."
            case "extra_forbidden":
                close = difflib.get_close_matches(keys[-1], list(known(keys)), n=1)
                yield f"{where}: there is no such setting.{f' Did you mean {close[0]}?' if close else ''}"
            case _:
                found = repr(item["input"]) if not isinstance(item["input"], dict) else "a table"
                yield f"{where}: expected {_expected(keys, item)}, found {found[:80]}."


def _expected(keys: tuple[str, ...], item: Any) -> str:
    """What should stand there, in words."""
    if item["type"] == "missing":
        return "a host name or address" if keys[-1] == "host" else "a value"
    if item["type"] == "string_pattern_mismatch":
        key = keys[-2] if keys[-1].isdigit() and len(keys) > 1 else keys[-1]
        return _PATTERNS.get(key, "a text without control characters that does not begin with '-'")
    words = _EXPECTED.get(item["type"])
    if words:
        return words
    message = str(item["msg"])
    return message.removeprefix("Input should be ").lower() if message.startswith("Input should be") else message


def where_from(keys: tuple[str, ...], file: Path, values: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    """The variable or the file's key that a value came from."""
    keys = tuple(key for key in keys if key != "[key]")
    for depth in range(len(keys), 0, -1):
        name = PREFIX + "__".join(keys[:depth]).upper()
        given = next((n for n in environ if n.upper() == name), None)
        if given is not None and (depth == len(keys) or not _has(values, keys)):
            return f"Variable {given}"
    return f"{file}: {'.'.join(keys)}"


def _has(values: Mapping[str, Any], keys: tuple[str, ...]) -> bool:
    """Whether the file sets this key."""
    here: Any = values
    for key in keys:
        if not isinstance(here, Mapping) or key not in here:
            return False
        here = here[key]
    return True
