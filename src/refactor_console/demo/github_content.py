"""The files of the demo repositories at a commit: kept as package data, or made from a few words."""

from __future__ import annotations

import hashlib
from functools import cache, lru_cache
from importlib import resources
from importlib.resources.abc import Traversable

from refactor_console.demo.github_repos import DemoRepo, GitCommit

MEMBERS = (
    "domain",
    "entity",
    "entity_api",
    "events",
    "meeting-ai",
    "meeting-auth",
    "migration",
    "service",
    "sse",
    "testing-tools",
    "web",
)
"""The workspace's members beside the root package, which is the twelfth."""
_FIRST_VERSION = "1.0.0-alpha1"
_STORED = "files_github"


def files(repo: DemoRepo, commit: GitCommit) -> dict[str, bytes]:
    """Path to content of everything at a commit, sorted by path."""
    version = version_at(repo, commit)
    made = _backend(version) if repo.role == "backend" else _frontend(version)
    everything = _stored(repo.role) | {path: text.encode() for path, text in made.items()}
    return dict(sorted(everything.items()))


def version_at(repo: DemoRepo, commit: GitCommit) -> str:
    """What the manifests say: the newest release made from this commit or one before it."""
    here = repo.position(commit.sha)
    known = {made.sha: position for position, made in enumerate(repo.commits)}
    for release in repo.releases:
        if not release.draft and release.tag.count(".") == 2 and known.get(release.sha, here + 1) <= here:
            return release.tag
    return _FIRST_VERSION


def blob_sha(content: bytes) -> str:
    """git's name for a content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


@cache
def _stored(role: str) -> dict[str, bytes]:
    root = resources.files("refactor_console.demo") / _STORED / role
    return dict(_walk(root, ""))


def _walk(place: Traversable, prefix: str) -> list[tuple[str, bytes]]:
    found = []
    for entry in place.iterdir():
        # Stored without its dot: packaging tools are fond of leaving out hidden directories.
        path = prefix + (".github" if not prefix and entry.name == "github" else entry.name)
        found += _walk(entry, f"{path}/") if entry.is_dir() else [(path, entry.read_bytes())]
    return found


@lru_cache(maxsize=16)
def _backend(version: str) -> dict[str, str]:
    members = ", ".join(f'"{member}"' for member in MEMBERS)
    made = {
        "Cargo.toml": (
            f'[package]\nname = "refactor_platform_rs"\nversion = "{version}"\nedition = "2021"\n\n'
            f'[workspace]\nmembers = [".", {members}]\n\n[dependencies]\nservice = {{ path = "service" }}\n'
            'tokio = { version = "1.48", features = ["full"] }\nweb = { path = "web" }\n'
        ),
        "README.md": "# Refactor Coaching & Mentorship Platform: backend\n\nA Rust workspace; see docs/.\n",
        "Dockerfile": "FROM rust:1.90-slim AS chef\nRUN cargo install cargo-chef\n",
        "entrypoint.sh": '#!/bin/bash\nexec "/app/${ROLE:-app}"\n',
        "src/main.rs": "fn main() {\n    service::logging::Logger::init_logger();\n}\n",
    }
    for member in MEMBERS:
        made[f"{member}/Cargo.toml"] = (
            f'[package]\nname = "{member}"\nversion = "{version}"\nedition = "2021"\n\n[dependencies]\nlog = "0.4"\n'
        )
        if member != "migration":
            made[f"{member}/src/lib.rs"] = f"//! The {member} crate.\n"
    return made


@lru_cache(maxsize=16)
def _frontend(version: str) -> dict[str, str]:
    return {
        "package.json": (
            f'{{\n  "name": "refactor-platform-fe",\n  "version": "{version}",\n  "private": true,\n'
            '  "scripts": {\n    "build": "next build",\n    "lint": "next lint",\n    "test:run": "vitest run"\n  },\n'
            '  "dependencies": {\n    "next": "15.5.0",\n    "react": "19.1.1"\n  }\n}\n'
        ),
        "README.md": "# Refactor Coaching & Mentorship Platform: frontend\n\nA Next.js application.\n",
        "Dockerfile": "FROM node:22-alpine\n",
        "src/app/page.tsx": "export default function Page() {\n  return null;\n}\n",
    }
