"""What runs against what its tag points at now: the question that a moving tag leaves open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from refactor_console.domain.containers import ContainerBoard, ContainerRow
from refactor_console.domain.images import ImageBoard, ImageRepository, ImageTag, ImageUse


class Standing(StrEnum):
    """How a running image stands to the tag it was started from."""

    CURRENT = "current"
    """The tag points at what runs."""
    MOVED = "moved"
    """The tag points at something else now: what would be pulled is not what runs."""
    PINNED = "pinned"
    """It was started by digest: no tag says what it should be."""
    UNKNOWN = "unknown"
    """One of the two digests is not known."""


@dataclass(frozen=True, slots=True)
class Reference:
    """An image reference taken apart: ``ghcr.io/owner/name:tag@sha256:...``."""

    repository: str
    """Registry and path, as in ``str(ImageRepository)``."""
    tag: str
    """``latest`` where neither tag nor digest is said; empty where only a digest is."""
    digest: str


def parse_reference(text: str) -> Reference:
    """Take an image reference apart; a port is not mistaken for a tag."""
    name, _, digest = text.partition("@")
    slash, colon = name.rfind("/"), name.rfind(":")
    if colon > slash:
        return Reference(name[:colon], name[colon + 1 :], digest)
    return Reference(name, "" if digest else "latest", digest)


@dataclass(frozen=True, slots=True)
class RunningImage:
    """One image of the platform that containers of an environment run, and its tag's word on it."""

    environment: str
    services: tuple[str, ...]
    """In the board's order; one that is down carries its state: ``rust-app (exited)``."""
    repository: ImageRepository
    tag: str
    """The tag they were started from; empty when by digest."""
    digest: str
    """What runs; empty when the Engine does not say."""
    row: ImageTag | None
    """The row of the running digest, a tagged one where there is one; None when no row has it."""
    target: ImageTag | None
    """The row of the tag: what a pull would give now; None when there is no such tag known."""
    standing: Standing

    @property
    def uses(self) -> tuple[ImageUse, ...]:
        """The same as image uses."""
        return tuple(ImageUse(self.environment, service) for service in self.services)


def rows_of_digests(board: ImageBoard) -> dict[str, ImageTag]:
    """Every known digest (of indexes and of their platforms) and the row it belongs to, tagged rows first."""
    found: dict[str, ImageTag] = {}
    for report in board.reports:
        for row in (*report.tags, *report.untagged):
            if row.digest:
                found.setdefault(row.digest, row)
    for report in board.reports:
        for row in (*report.tags, *report.untagged):
            for manifest in row.details.platforms if row.details is not None else ():
                found.setdefault(manifest.digest, row)
    return found


def running_images(images: ImageBoard, containers: ContainerBoard | None, environment: str) -> tuple[RunningImage, ...]:
    """What the environment's containers run of the platform's own images, one entry a digest and tag.

    Containers of other stacks are left out, and so are one-shot containers that are done.
    """
    if containers is None:
        return ()
    repositories = {str(report.repository): report.repository for report in images.reports}
    targets = {row.key: row for report in images.reports for row in report.tags}
    rows = rows_of_digests(images)
    groups: dict[tuple[str, str, str], list[str]] = {}
    for found in containers.rows:
        reference = parse_reference(found.container.image)
        if not found.ours or reference.repository not in repositories or _is_done(found):
            continue
        digest = found.container.image_digest or reference.digest
        groups.setdefault((reference.repository, reference.tag, digest), []).append(_name(found))
    entries = []
    for (name, tag, digest), services in groups.items():
        target = targets.get(f"{name}:{tag}") if tag else None
        row = rows.get(digest) if digest else None
        entries.append(
            RunningImage(
                environment,
                tuple(services),
                repositories[name],
                tag,
                digest,
                row,
                target,
                _standing(tag, digest, row, target),
            )
        )
    return tuple(entries)


def _standing(tag: str, digest: str, row: ImageTag | None, target: ImageTag | None) -> Standing:
    if not tag:
        return Standing.PINNED
    if not digest or target is None or not target.digest:
        return Standing.UNKNOWN
    same = target.digest == digest or (row is not None and row.digest == target.digest)
    return Standing.CURRENT if same else Standing.MOVED


def _is_done(row: ContainerRow) -> bool:
    return row.oneshot and not row.container.is_running


def _name(row: ContainerRow) -> str:
    label = row.container.label
    return label if row.container.is_running else f"{label} ({row.container.state.value})"


def uses_of(board: ImageBoard, running: Iterable[RunningImage]) -> Mapping[str, tuple[ImageUse, ...]]:
    """Who runs each digest: what the board says, and what the environment's containers say."""
    found: dict[str, dict[ImageUse, None]] = {}
    for report in board.reports:
        for row in (*report.tags, *report.untagged):
            if row.used_by and row.digest:
                found.setdefault(row.digest, {}).update(dict.fromkeys(row.used_by))
    for entry in running:
        digest = entry.row.digest if entry.row is not None else entry.digest
        if digest:
            # a service that is down is said with its state, in place of a use that only names it
            known = found.setdefault(digest, {})
            for use in entry.uses:
                known.pop(ImageUse(use.environment, use.service.partition(" (")[0]), None)
                known[use] = None
    return {digest: tuple(uses) for digest, uses in found.items()}
