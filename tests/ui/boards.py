"""Image and release boards in memory: the platform on a day when production is one release behind."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from refactor_console.domain.containers import ContainerRow
from refactor_console.domain.images import (
    Commit,
    Evidence,
    ImageBoard,
    ImageComparison,
    ImageDetails,
    ImageRepository,
    ImageRepositoryReport,
    ImageTag,
    PlatformManifest,
    Provenance,
    PullRequest,
    RevisionFacts,
    TagHistory,
    TagPosition,
)
from refactor_console.domain.problem import Problem
from refactor_console.domain.releases import (
    CommitGroup,
    MemberVersion,
    Release,
    ReleaseBoard,
    RepositoryReleases,
    VersionReading,
)
from refactor_console.domain.repos import Platform
from refactor_console.domain.runs import RunBoard, RunState, WorkflowRun
from tests.ui.double_session import EVIL, MIB, NOW, container, platform_rows

PLATFORM = Platform()
BACKEND = ImageRepository("ghcr.io", "refactor-group/refactor-platform-rs")
MAIN = ImageRepository("ghcr.io", "refactor-group/refactor-platform-rs/main")
BRANCH = ImageRepository("ghcr.io", "refactor-group/refactor-platform-rs/feat/zoom")
FRONTEND = ImageRepository("ghcr.io", "refactor-group/refactor-platform-fe")
NOT_PERMITTED = Problem(
    "Listing the versions of package refactor-platform-rs/feat/zoom: GitHub refused (403).",
    "Give the token the scope read:packages.",
    "HTTP 403: Resource not accessible by personal access token",
    code="not-permitted",
)


def digest(of: str) -> str:
    """A digest that is always the same."""
    return f"sha256:{hashlib.sha256(of.encode('utf-8', 'surrogatepass')).hexdigest()}"


def sha(of: str) -> str:
    """A commit that is always the same."""
    return hashlib.sha1(of.encode("utf-8", "surrogatepass")).hexdigest()


def ago(days: float) -> datetime:
    """So many days before the fixed present."""
    return NOW - timedelta(days=days)


def details(repository: ImageRepository, name: str, **changes: Any) -> ImageDetails:
    """An image for two platforms."""
    base = ImageDetails(
        repository,
        digest(name),
        "application/vnd.oci.image.index.v1+json",
        (
            PlatformManifest(digest(f"{name} amd64"), "linux/amd64", 48 * MIB + len(name) * 4096),
            PlatformManifest(digest(f"{name} arm64"), "linux/arm64/v8", 45 * MIB),
        ),
        ago(3),
        (
            ("org.opencontainers.image.revision", sha(name)),
            ("org.opencontainers.image.source", "https://github.com/refactor-group/refactor-platform-rs"),
            ("org.opencontainers.image.title", "refactor-platform-rs"),
        ),
    )
    return replace(base, **changes)


def tag(repository: ImageRepository, name: str, of: str, days: float, **changes: Any) -> ImageTag:
    """A row: tag `name` on the image `of`."""
    base = ImageTag(repository, name, digest(of), ago(days), int(days * 100) + 7, details(repository, of))
    return replace(base, **changes)


def image_reports() -> list[ImageRepositoryReport]:
    """Four repositories: production runs what ``stable`` pointed at before it moved on; one is not permitted."""
    new = details(BACKEND, "backend new", provenance=Provenance.NONE)
    old = details(BACKEND, "backend old", provenance=Provenance.NONE)
    built = details(MAIN, "main 3", provenance=Provenance.VERIFIED, provenance_note="The signature was not checked.")
    return [
        ImageRepositoryReport(
            BRANCH,
            PLATFORM.backend,
            (tag(BRANCH, "latest", "zoom", 9, moving=True, details=None),),
            problem=NOT_PERMITTED,
        ),
        ImageRepositoryReport(
            MAIN,
            PLATFORM.backend,
            (
                tag(MAIN, "latest", "main 3", 1, moving=True, details=built),
                tag(MAIN, sha("main 3"), "main 3", 1, details=built),
                tag(MAIN, sha("main 2"), "main 2", 4),
                tag(MAIN, sha("main 1"), "main 1", 8),
            ),
            orphaned=3,
            orphans_known=True,
        ),
        ImageRepositoryReport(
            FRONTEND,
            PLATFORM.frontend,
            (tag(FRONTEND, "stable", "frontend", 6, moving=True),),
            (tag(FRONTEND, "", "frontend old", 41),),
            orphaned=0,
            orphans_known=True,
        ),
        ImageRepositoryReport(
            BACKEND,
            PLATFORM.backend,
            (
                tag(BACKEND, "stable", "backend new", 2, moving=True, details=new),
                tag(BACKEND, "1.0.0-beta2", "backend two", 34),
            ),
            (tag(BACKEND, "", "backend old", 34.5, details=old), tag(BACKEND, "", "backend older", 90)),
            orphaned=1,
            orphans_known=True,
        ),
    ]


def image_board() -> ImageBoard:
    """The reports as a board."""
    return ImageBoard(tuple(image_reports()))


def many_tags(count: int) -> ImageBoard:
    """A board with so many tags of commits, all unfolded."""
    rows = tuple(tag(MAIN, sha(f"main {n}"), f"main {n}", n / 24) for n in range(count))
    report = replace(image_reports()[1], tags=rows)
    return ImageBoard((*image_reports()[2:], report))


def container_rows() -> list[ContainerRow]:
    """Containers that run images of the boards."""
    rows = platform_rows()
    backend, frontend = digest("backend old"), digest("frontend")
    digests = {"rust-app": backend, "migrator": backend, "nextjs-app": frontend}
    return [
        replace(row, container=replace(row.container, image_digest=digests.get(row.container.service, digest("nginx"))))
        for row in rows
    ]


def history() -> TagHistory:
    """What ``stable`` pointed at."""
    return TagHistory(
        BACKEND,
        "stable",
        (
            TagPosition(
                digest("backend new"),
                sha("backend new"),
                ago(2),
                None,
                (Evidence.OBSERVED, Evidence.RELEASE_RUN),
                pullable=True,
            ),
            TagPosition(
                digest("backend old"), sha("backend old"), ago(34.5), ago(2), (Evidence.OBSERVED,), pullable=True
            ),
            TagPosition(
                digest("backend older"),
                "",
                ago(90),
                ago(34.5),
                (Evidence.VERSION_TIME,),
                "Its tags of that time are not known.",
                pullable=False,
            ),
            TagPosition("", sha("first"), ago(120), ago(90), (Evidence.RELEASE_RUN,)),
        ),
        ("Runs older than 400 days are not kept by GitHub.",),
    )


def commit(subject: str, days: float, author: str = "ada") -> Commit:
    """A commit."""
    url = f"https://github.com/refactor-group/refactor-platform-rs/commit/{sha(subject)}"
    return Commit(sha(subject), subject, author, ago(days), url, f"Body of {subject}")


def comparison() -> ImageComparison:
    """Two images of the backend."""
    old, new = (row for report in image_reports()[3:] for row in (report.untagged[0], report.tags[0]))
    return ImageComparison(
        old,
        new,
        (commit("feat: goals by relationship (#231)", 20), commit("fix: a session's time zone (#233)", 5)),
        0,
        (
            PullRequest(231, "Goals by relationship", "https://github.com/x/pull/231", "ada"),
            PullRequest(233, "A session's time zone", "https://github.com/x/pull/233", "grace"),
        ),
        (("linux/amd64", 48 * MIB, 51 * MIB), ("linux/arm64/v8", None, 45 * MIB)),
        (("org.opencontainers.image.revision", sha("backend old"), sha("backend new")),),
        ("Attestations were not compared.",),
    )


def revision() -> RevisionFacts:
    """What GitHub knows of a commit."""
    built = commit("feat(web): a calendar for coaches (#240)", 1)
    request = PullRequest(240, "A calendar for coaches", f"https://github.com/{PLATFORM.backend}/pull/240", "ada")
    return RevisionFacts(built.sha, built, (request,), ("One more pull request could not be read.",))


def runs() -> RunBoard:
    """Runs whose titles are headlines of the images' commits."""
    made = [
        WorkflowRun(
            repository=PLATFORM.backend,
            id=number,
            workflow_id=1,
            workflow="Build, Test & Push to GHCR",
            number=number,
            attempt=1,
            title=title,
            branch="main",
            sha=sha(name),
            event="push",
            actor="ada",
            state=RunState.SUCCESS,
            raw_state="completed/success",
            created_at=ago(days),
            started_at=ago(days),
            updated_at=ago(days),
            html_url="https://github.com/x/runs/1",
        )
        for number, (name, title, days) in enumerate(
            [
                ("main 3", "feat(web): a calendar for coaches (#240)", 1),
                ("backend new", "chore: release 1.0.0-beta3", 2),
                ("main 2", "fix: Merge without a number", 4),
                ("backend old", "fix: the session's notes are kept (#198)", 35),
            ]
        )
    ]
    return RunBoard(tuple(made), ())


def manifests(version: str, odd: str = "") -> tuple[MemberVersion, ...]:
    """Twelve members of a workspace, one of which may carry another version."""
    names = ["", "domain", "entity", "entity_api", "events", "meeting-auth", "migration", "sse", "testing-tools"]
    names += ["service", "web", "docs"]
    found = [MemberVersion(f"{name}/Cargo.toml" if name else "Cargo.toml", version) for name in names]
    return (*found[:-2], replace(found[-2], version=odd or version), found[-1])


def release(name: str, days: float, **changes: Any) -> Release:
    """A published release."""
    base = Release(
        PLATFORM.backend,
        name,
        name,
        draft=False,
        prerelease="beta" in name or "rc" in name,
        is_release=True,
        created_at=ago(days),
        published_at=ago(days),
        sha=sha(name),
        author="ada",
        html_url=f"https://github.com/refactor-group/refactor-platform-rs/releases/tag/{name}",
        body=f"## What's Changed\n* Goals by relationship by @ada in #231\n\n**Full Changelog**: up to {name}",
    )
    return replace(base, **changes)


def release_reports() -> tuple[RepositoryReleases, RepositoryReleases]:
    """The backend with a draft and unreleased commits, the frontend with differing versions and no drafts in sight."""
    feature, breaking = commit("feat: a calendar (#240)", 1), commit("feat!: sessions need a relationship (#238)", 3)
    fixes = (commit("fix: the time zone (#241)", 2, "grace"), commit("fix: notes (#239)", 4))
    backend = RepositoryReleases(
        PLATFORM.backend,
        (
            release("1.0.0-beta4", 0.2, draft=True, sha="", published_at=None),
            release("1.0.0-beta3", 2),
            release("1.0.0-beta2", 34),
            release("1.0-rc1", 300),
            release("1.0-beta1-test2", 350, is_release=False, html_url="", created_at=None, published_at=None),
        ),
        VersionReading(PLATFORM.backend, "main", manifests("1.0.0-beta3")),
        (
            CommitGroup("feat", "Features", (feature, breaking)),
            CommitGroup("fix", "Fixes", fixes),
            CommitGroup("other", "Other", (commit("Update README.md", 6),)),
        ),
        "1.0.0-beta3",
        5,
        (breaking.sha,),
        "1.0.0-beta4",
        drafts_visible=True,
    )
    frontend = RepositoryReleases(
        PLATFORM.frontend,
        (
            release("1.0.0-beta2", 6, repository=PLATFORM.frontend),
            release("1.0-rc1", 301, repository=PLATFORM.frontend),
        ),
        VersionReading(PLATFORM.frontend, "main", (MemberVersion("package.json", "1.0.0-beta2"),)),
        (CommitGroup("fix", "Fixes", (commit("fix: the menu closes (#99)", 2),)),),
        "1.0.0-beta2",
        1,
        (),
        "1.0.0-beta3",
        drafts_visible=False,
    )
    return backend, frontend


def release_board() -> ReleaseBoard:
    """Both, which do not agree."""
    return ReleaseBoard(
        release_reports(), "Backend 1.0.0-beta3 and frontend 1.0.0-beta2 do not carry the same version.", agree=False
    )


def hostile_images() -> ImageBoard:
    """Names that try to be more than text."""
    repository = ImageRepository("ghcr.io", f"refactor-group/refactor-platform-rs/{EVIL}")
    problem = Problem(f"Reading {EVIL}: no.", EVIL, EVIL, code=EVIL)
    row = tag(repository, EVIL, EVIL, 1, moving=True)
    assert row.details is not None
    labels = ((EVIL, EVIL), ("org.opencontainers.image.revision", EVIL))
    row = replace(row, details=replace(row.details, labels=labels, provenance_note=EVIL))
    return ImageBoard((ImageRepositoryReport(repository, PLATFORM.backend, (row,), problem=problem),))


def hostile_containers() -> list[ContainerRow]:
    """A service with a hostile name that runs a hostile image."""
    image = f"ghcr.io/refactor-group/refactor-platform-rs/{EVIL}:{EVIL}"
    return [ContainerRow(container("rust-app", image=image, image_digest=digest(EVIL)))]


def hostile_releases() -> ReleaseBoard:
    """Releases and commits that try to be more than text."""
    wicked = release(EVIL, 1, body=f"{EVIL}\n{EVIL}", author=EVIL, html_url=EVIL, sha=EVIL)
    report = replace(
        release_reports()[0],
        releases=(wicked,),
        head_versions=VersionReading(PLATFORM.backend, EVIL, (MemberVersion(EVIL, EVIL, EVIL),)),
        unreleased=(CommitGroup(EVIL, EVIL, (commit(EVIL, 1, EVIL),)),),
        unreleased_count=1,
        since_tag=EVIL,
        proposed=EVIL,
        problems=(Problem(EVIL, EVIL, EVIL, EVIL),),
    )
    return ReleaseBoard((report,), EVIL, agree=None)
