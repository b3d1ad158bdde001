"""The images on the demo host, and how the Engine describes them (``ImageSummary``, ``ImageInspect``)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from refactor_console.demo.clock import SECOND, rfc3339

Json = dict[str, Any]
"""A JSON object of the Engine API."""


def digest(text: str) -> str:
    """64 hexadecimal digits that depend on nothing but the text."""
    return hashlib.sha256(text.encode()).hexdigest()


def overlay(name: str) -> Json:
    """``GraphDriver.Data`` of the overlay2 driver."""
    directory = f"/var/lib/docker/overlay2/{name}"
    lower = f"/var/lib/docker/overlay2/{digest(name)}/diff"
    return {
        "LowerDir": lower,
        "MergedDir": f"{directory}/merged",
        "UpperDir": f"{directory}/diff",
        "WorkDir": f"{directory}/work",
    }


@dataclass(frozen=True)
class Image:
    """One image with its only tag."""

    reference: str
    created_ns: int
    size: int
    """Bytes."""
    command: tuple[str, ...]
    entrypoint: tuple[str, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    env: tuple[str, ...] = ("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",)
    exposed: tuple[str, ...] = ()
    working_dir: str = ""
    layers: int = 6
    manifest: str = ""
    """Digest under which the registry serves it, with ``sha256:``; made up when empty."""
    configuration: str = ""
    """Digest of its configuration; made up when empty."""
    diffs: tuple[str, ...] = ()
    """Digests of its layers' content; made up when there are none."""

    @property
    def id(self) -> str:
        """``sha256:`` of the image's configuration."""
        return self.configuration or f"sha256:{digest(f'config {self.reference} {self.created_ns}')}"

    @property
    def repo_digest(self) -> str:
        """``name@sha256:...`` under which its registry serves it."""
        name = self.reference.rpartition(":")[0]
        made_up = f"sha256:{digest(f'manifest {self.reference} {self.created_ns}')}"
        return f"{name}@{self.manifest or made_up}"

    def summary(self) -> Json:
        """One element of ``GET /images/json``."""
        return {
            "Containers": -1,
            "Created": self.created_ns // SECOND,
            "Id": self.id,
            "Labels": dict(self.labels) or None,
            "ParentId": "",
            "RepoDigests": [self.repo_digest],
            "RepoTags": [self.reference],
            "SharedSize": -1,
            "Size": self.size,
        }

    def inspect(self) -> Json:
        """``GET /images/{name}/json``."""
        return {
            "Id": self.id,
            "RepoTags": [self.reference],
            "RepoDigests": [self.repo_digest],
            "Parent": "",
            "Comment": "buildkit.dockerfile.v0",
            "Created": rfc3339(self.created_ns),
            "DockerVersion": "",
            "Author": "",
            "Config": self.config(),
            "Architecture": "amd64",
            "Os": "linux",
            "Size": self.size,
            "GraphDriver": {
                "Data": overlay(digest(self.id)),
                "Name": "overlay2",
            },
            "RootFS": {"Type": "layers", "Layers": self._diffs()},
            "Metadata": {"LastTagTime": rfc3339(self.created_ns)},
        }

    def _diffs(self) -> list[str]:
        return list(self.diffs) or [f"sha256:{digest(f'{self.id} {number}')}" for number in range(self.layers)]

    def config(self) -> Json:
        """``Config`` of the image."""
        return {
            "Hostname": "",
            "Domainname": "",
            "User": "",
            "AttachStdin": False,
            "AttachStdout": False,
            "AttachStderr": False,
            **({"ExposedPorts": {port: {} for port in self.exposed}} if self.exposed else {}),
            "Tty": False,
            "OpenStdin": False,
            "StdinOnce": False,
            "Env": list(self.env),
            "Cmd": list(self.command) or None,
            "Image": "",
            "Volumes": None,
            "WorkingDir": self.working_dir,
            "Entrypoint": list(self.entrypoint) or None,
            "OnBuild": None,
            "Labels": dict(self.labels) or None,
        }
