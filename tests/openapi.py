"""Checks requests and answers against GitHub's own OpenAPI description (``tests/data/github-openapi.json``).

Both ends of the wire are held to it: what the client asks, and what the demo world's GitHub answers. Every mismatch is
an `AssertionError` that names the operation, the place in the value and what is wrong there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from openapi_schema_validator import OAS30Validator, oas30_format_checker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

DESCRIPTION = Path(__file__).with_name("data") / "github-openapi.json"
_BASE = "urn:github"
_SPANS_SEGMENTS = {"path", "basehead", "ref", "tag", "tree_sha"}
"""Path parameters that may hold slashes, when they come last (``x-multi-segment``, or GitHub's practice)."""
_SEARCH_SYNTAX = {"created"}
"""Described as a date and time, documented as a search for one (``>=2026-11-24``)."""
_UNLISTED_ERRORS = {400, 401, 403, 404, 409, 410, 422, 429, 500, 502, 503}
"""The description lists errors here and there only; these may come from every operation, in GitHub's error form."""
_TEXT_ALLOWED = {"/repos/{owner}/{repo}/contents/{path}"}
"""Operations that answer with something else than JSON when asked to (the raw media type)."""


@cache
def description() -> dict[str, Any]:
    """The whole description."""
    loaded: dict[str, Any] = json.loads(DESCRIPTION.read_text(encoding="utf-8"), object_hook=_meant)
    return loaded


def _meant(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema as GitHub means it.

    Null is one of the values of a nullable enumeration, though it is not listed; and an array has no property that
    could tell it from an object (``contents``).
    """
    if "array" in schema.get("discriminator", {}).get("mapping", {}):
        schema = {name: word for name, word in schema.items() if name != "discriminator"}
    values = schema.get("enum")
    if schema.get("nullable") is True and isinstance(values, list) and None not in values:
        return {**schema, "enum": [*values, None]}
    return schema


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path."""

    method: str
    template: str
    arguments: tuple[tuple[str, str], ...]
    """Values of the path's parameters, decoded."""

    @property
    def name(self) -> str:
        """``GET /repos/{owner}/{repo}``."""
        return f"{self.method} {self.template}"

    @property
    def item(self) -> dict[str, Any]:
        """Its part of the description."""
        found: dict[str, Any] = description()["paths"][self.template][self.method.lower()]
        return found

    def parameters(self) -> Iterable[dict[str, Any]]:
        """Its parameters, references followed."""
        shared = description()["paths"][self.template].get("parameters", [])
        return (_followed(parameter) for parameter in (*shared, *self.item.get("parameters", [])))


def operations() -> tuple[str, ...]:
    """Every operation of the description, as `Operation.name`."""
    return tuple(
        f"{method.upper()} {template}"
        for template, item in description()["paths"].items()
        for method in item
        if method != "parameters"
    )


def operation(method: str, path: str) -> Operation:
    """The operation that a request is for; `path` as it is on the wire, without query.

    Raises:
        AssertionError: there is no such operation.
    """
    best: Operation | None = None
    for template, pattern in _patterns():
        found = pattern.fullmatch(path)
        if found is None or method.lower() not in description()["paths"][template]:
            continue
        arguments = tuple((name, unquote(value)) for name, value in found.groupdict().items())
        if best is None or len(arguments) < len(best.arguments):  # the one with more words of its own
            best = Operation(method.upper(), template, arguments)
    assert best is not None, f"{method} {path}: GitHub's description (as cut for this project) has no such operation"
    return best


def check_response(method: str, path: str, status: int, body: bytes, content_type: str = "application/json") -> None:
    """Hold an answer to the description.

    Raises:
        AssertionError: where and how it differs.
    """
    asked = operation(method, path)
    where = f"{asked.name} -> {status}"
    responses = asked.item["responses"]
    if status == 304:
        assert not body, f"{where}: a body where there must be none"
        return
    if str(status) not in responses:
        assert status in _UNLISTED_ERRORS, f"{where}: not a documented status; there are {', '.join(responses)}"
        _check(_error_schema(status), _json(body, where), where)
        return
    response = _followed(responses[str(status)])
    content = response.get("content")
    if not content and status >= 400:
        _check(_error_schema(status), _json(body, where), where)
        return
    if not content:
        assert not body, f"{where}: a body where the description has none: {body[:80]!r}"
        return
    if not content_type.startswith("application/json"):
        assert asked.template in _TEXT_ALLOWED, f"{where}: {content_type} instead of JSON"
        return
    pointer = _pointer("paths", asked.template, asked.method.lower(), "responses", str(status))
    reference = responses[str(status)].get("$ref")
    if reference:
        pointer = reference.removeprefix("#")
    media = "application/json" if "application/json" in content else next(iter(content))
    _check(pointer + _pointer("content", media, "schema"), _json(body, where), where)


def check_request(method: str, path: str, query: Mapping[str, str], body: bytes = b"") -> None:
    """Hold a request to the description: no unknown parameter or field, all of the right kind.

    Raises:
        AssertionError: where and how it differs.
    """
    asked = operation(method, path)
    known = {parameter["name"]: parameter for parameter in asked.parameters() if parameter["in"] == "query"}
    for name, text in query.items():
        assert name in known, f"{asked.name}: unknown query parameter {name!r}; there are {', '.join(known) or 'none'}"
        _check_parameter(asked, known[name], text)
    missing = [name for name, parameter in known.items() if parameter.get("required") and name not in query]
    assert not missing, f"{asked.name}: required query parameters are missing: {missing}"
    arguments = dict(asked.arguments)
    for parameter in asked.parameters():
        if parameter["in"] == "path":
            _check_parameter(asked, parameter, arguments[parameter["name"]])
    _check_body(asked, body)


def _check_body(asked: Operation, body: bytes) -> None:
    wanted = asked.item.get("requestBody")
    if wanted is None:
        assert body in (b"", b"{}"), f"{asked.name}: a body where the description has none: {body[:80]!r}"
        return
    if not body:
        assert not wanted.get("required"), f"{asked.name}: the required body is missing"
        return
    value = _json(body, asked.name)
    pointer = _pointer("paths", asked.template, asked.method.lower(), "requestBody", "content", "application/json")
    _check(pointer + "/schema", value, f"{asked.name} (request)")
    schema = _followed(wanted["content"]["application/json"]["schema"])
    unknown = set(value) - set(schema.get("properties", {})) if isinstance(value, dict) else set()
    assert not unknown, f"{asked.name}: unknown fields in the body: {sorted(unknown)}"


def _check_parameter(asked: Operation, parameter: dict[str, Any], text: str) -> None:
    schema = _followed(parameter["schema"])
    if parameter["name"] in _SEARCH_SYNTAX:
        schema = {name: word for name, word in schema.items() if name != "format"}
    value: Any = text
    kind = schema.get("type")
    if kind == "integer" and re.fullmatch(r"-?\d+", text):
        value = int(text)
    elif kind == "boolean" and text in ("true", "false"):
        value = text == "true"
    elif kind == "array":
        value = text.split(",")
    elif "oneOf" in schema and text.isdigit():
        value = int(text)
    errors = list(_validator(schema).iter_errors(value))
    assert not errors, f"{asked.name}: parameter {parameter['name']}={text!r}: {errors[0].message}"


def _check(pointer: str, value: Any, where: str) -> None:
    errors = sorted(
        _validator({"$ref": f"{_BASE}#{quote(pointer, safe='/~')}"}).iter_errors(value), key=lambda e: list(e.path)
    )
    # The deepest reason of an alternative says most: "anyOf failed" says nothing.
    told = [f"  at {_place(deep)}: {deep.message[:300]}" for deep in map(_deepest, errors[:8])]
    assert not told, f"{where} differs from GitHub's description:\n" + "\n".join(told)


def _deepest(error: Any) -> Any:
    while error.context:
        error = max(error.context, key=lambda e: len(list(e.absolute_path)))
    return error


def _place(error: Any) -> str:
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)


def _validator(schema: dict[str, Any]) -> Any:
    return OAS30Validator(schema, registry=_registry(), format_checker=_formats())


@cache
def _formats() -> Any:
    checker = oas30_format_checker

    @checker.checks("date-time")
    def moment(value: object) -> bool:
        if not isinstance(value, str):
            return True
        try:
            return "T" in value and datetime.fromisoformat(value).tzinfo is not None
        except ValueError:
            return False

    @checker.checks("uri")
    def address(value: object) -> bool:
        return not isinstance(value, str) or re.match(r"[a-z][a-z0-9+.-]*:\S+$", value) is not None

    return checker


@cache
def _registry() -> Any:
    resource = Resource.from_contents(description(), default_specification=DRAFT4)
    return Registry().with_resource(_BASE, resource)


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    def group(found: re.Match[str]) -> str:
        name = found[1]
        last = found.end() == len(found.string)
        return f"(?P<{name}>{'.+' if name in _SPANS_SEGMENTS and last else '[^/]+'})"

    return tuple((path, re.compile(re.sub(r"\{(\w+)\}", group, path))) for path in description()["paths"])


def _error_schema(status: int) -> str:
    name = "validation-error" if status == 422 and "validation-error" in description()["components"]["schemas"] else ""
    return _pointer("components", "schemas", name or "basic-error")


def _followed(value: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in value:
        found: Any = description()
        for part in value["$ref"].removeprefix("#/").split("/"):
            found = found[part.replace("~1", "/").replace("~0", "~")]
        value = found
    return value


def _pointer(*parts: str) -> str:
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)


def _json(body: bytes, where: str) -> Any:
    try:
        return json.loads(body)
    except ValueError as wrong:
        raise AssertionError(f"{where}: not JSON ({wrong}): {body[:80]!r}") from wrong
