"""Cut GitHub's OpenAPI description down to what the console and its demo world use.

    npm pack @octokit/openapi@23.0.2 && tar xzf octokit-openapi-*.tgz
    python tests/data/cut_openapi.py package/generated/api.github.com.json > tests/data/github-openapi.json

Keeps the operations below and whatever they refer to, and drops what validates nothing: examples, descriptions of
everything, GitHub's own extensions. Standard library only. The licence of the description lies beside the result.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

REPO = "/repos/{owner}/{repo}"
ACTIONS = f"{REPO}/actions"
PACKAGES = "packages/{package_type}/{package_name}"
WANTED: dict[str, tuple[str, ...]] = {
    "/rate_limit": ("get",),
    "/user": ("get",),
    REPO: ("get",),
    f"{REPO}/attestations/{{subject_digest}}": ("get",),
    f"{REPO}/code-scanning/alerts": ("get",),
    f"{REPO}/commits": ("get",),
    f"{REPO}/commits/{{commit_sha}}/pulls": ("get",),
    f"{REPO}/commits/{{ref}}": ("get",),
    f"{REPO}/compare/{{basehead}}": ("get",),
    f"{REPO}/contents/{{path}}": ("get",),
    f"{REPO}/dependabot/alerts": ("get",),
    f"{REPO}/environments": ("get",),
    f"{REPO}/environments/{{environment_name}}": ("get",),
    f"{REPO}/environments/{{environment_name}}/secrets": ("get",),
    f"{REPO}/environments/{{environment_name}}/variables": ("get",),
    f"{REPO}/git/matching-refs/{{ref}}": ("get",),
    f"{REPO}/git/ref/{{ref}}": ("get",),
    f"{REPO}/git/trees/{{tree_sha}}": ("get",),
    f"{REPO}/releases": ("get",),
    f"{REPO}/releases/latest": ("get",),
    f"{REPO}/releases/tags/{{tag}}": ("get",),
    f"{REPO}/secret-scanning/alerts": ("get",),
    f"{REPO}/tags": ("get",),
    f"{ACTIONS}/jobs/{{job_id}}": ("get",),
    f"{ACTIONS}/jobs/{{job_id}}/logs": ("get",),
    f"{ACTIONS}/jobs/{{job_id}}/rerun": ("post",),
    f"{ACTIONS}/organization-secrets": ("get",),
    f"{ACTIONS}/organization-variables": ("get",),
    f"{ACTIONS}/runs": ("get",),
    f"{ACTIONS}/runs/{{run_id}}": ("get",),
    f"{ACTIONS}/runs/{{run_id}}/approvals": ("get",),
    f"{ACTIONS}/runs/{{run_id}}/attempts/{{attempt_number}}": ("get",),
    f"{ACTIONS}/runs/{{run_id}}/attempts/{{attempt_number}}/jobs": ("get",),
    f"{ACTIONS}/runs/{{run_id}}/cancel": ("post",),
    f"{ACTIONS}/runs/{{run_id}}/jobs": ("get",),
    f"{ACTIONS}/runs/{{run_id}}/pending_deployments": ("get", "post"),
    f"{ACTIONS}/runs/{{run_id}}/rerun": ("post",),
    f"{ACTIONS}/runs/{{run_id}}/rerun-failed-jobs": ("post",),
    f"{ACTIONS}/secrets": ("get",),
    f"{ACTIONS}/variables": ("get",),
    f"{ACTIONS}/workflows": ("get",),
    f"{ACTIONS}/workflows/{{workflow_id}}": ("get",),
    f"{ACTIONS}/workflows/{{workflow_id}}/dispatches": ("post",),
    f"{ACTIONS}/workflows/{{workflow_id}}/runs": ("get",),
    "/orgs/{org}/packages": ("get",),
    f"/orgs/{{org}}/{PACKAGES}": ("get",),
    f"/orgs/{{org}}/{PACKAGES}/versions": ("get",),
    f"/orgs/{{org}}/{PACKAGES}/versions/{{package_version_id}}": ("get",),
    "/users/{username}/packages": ("get",),
    f"/users/{{username}}/{PACKAGES}/versions": ("get",),
}
DROPPED = {
    "description",
    "example",
    "examples",
    "externalDocs",
    "summary",
    "tags",
    "title",
    "x-github",
    "x-github-breaking-changes",
    "x-multi-segment",
    "x-octokit",
}
NAMED_FREELY = {"properties", "schemas", "responses", "parameters", "headers", "requestBodies", "content", "paths"}
"""Below these, keys are names of things and not OpenAPI's own words: a property may be called "description"."""


def slim(value: Any, *, names: bool = False) -> Any:
    """The same without what validates nothing."""
    if isinstance(value, list):
        return [slim(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {key: item for key, item in value.items() if names or key not in DROPPED}
    return {key: slim(item, names=key in NAMED_FREELY and not names) for key, item in kept.items()}


def references(value: Any) -> set[str]:
    """Every ``$ref`` below."""
    if isinstance(value, list):
        return set().union(*map(references, value)) if value else set()
    if not isinstance(value, dict):
        return set()
    own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
    return own.union(*map(references, value.values()))


def cut(whole: dict[str, Any]) -> dict[str, Any]:
    """The wanted operations and all they refer to.

    Raises:
        KeyError: when a wanted operation is not in the description.
    """
    paths: dict[str, Any] = {}
    for path, methods in sorted(WANTED.items()):
        item = whole["paths"][path]
        paths[path] = {key: slim(item[key]) for key in ("parameters", *methods) if key in item or key in methods}
    components: dict[str, dict[str, Any]] = {}
    todo = references(paths)
    while todo:
        reference = todo.pop()
        _, _, kind, name = reference.split("/", 3)
        if name not in components.setdefault(kind, {}):
            components[kind][name] = slim(whole["components"][kind][name])
            todo |= references(components[kind][name])
    return {
        "openapi": whole["openapi"],
        "info": {
            "title": whole["info"]["title"],
            "version": whole["info"]["version"],
            "license": whole["info"]["license"],
        },
        "paths": paths,
        "components": {kind: dict(sorted(named.items())) for kind, named in sorted(components.items())},
    }


def main() -> None:
    """Read the file that the first argument names, write the cut to standard output."""
    whole = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    json.dump(cut(whole), sys.stdout, separators=(",", ":"), ensure_ascii=False)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
