"""The demo platform's story: what was committed, built and released, told once for GitHub and for the registry.

Times are days before now. Commits are told newest first; a sha is a digest of its repository and subject.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from refactor_console.demo.services import FRONTEND_REVISION, REVISION, VERSION

BOTH = ("linux/amd64", "linux/arm64")
BACKEND_PATH = "refactor-group/refactor-platform-rs"
FRONTEND_PATH = "refactor-group/refactor-platform-fe"


@dataclass(frozen=True, slots=True)
class StoryCommit:
    """One commit on a default branch."""

    repo: str
    """``backend`` or ``frontend``."""
    sha: str
    subject: str
    body: str
    author: str
    days_ago: float
    pull_request: int | None


@dataclass(frozen=True, slots=True)
class StoryBuild:
    """One push to the registry."""

    path: str
    """Image repository, such as ``refactor-group/refactor-platform-rs/main``."""
    tags: tuple[str, ...]
    """Today's tags; none for a version whose tag moved on."""
    sha: str
    days_ago: float
    platforms: tuple[str, ...]
    attested: bool
    superseded: bool
    """Whether its moving tag points elsewhere by now; it can still be pulled by digest."""

    @property
    def repo(self) -> str:
        """The repository it is built from: ``backend`` or ``frontend``."""
        return "frontend" if self.path.startswith(FRONTEND_PATH) else "backend"

    @property
    def version(self) -> str:
        """The version it was released as; empty for a build of a push."""
        return next((r.tag for r in RELEASES if r.repo == self.repo and r.sha == self.sha and not r.draft), "")


@dataclass(frozen=True, slots=True)
class StoryRelease:
    """One release, or the draft of one."""

    repo: str
    tag: str
    name: str
    days_ago: float
    sha: str
    draft: bool
    prerelease: bool
    body: str


def sha_of(repo: str, subject: str) -> str:
    """40 hexadecimal digits that depend on nothing but the two texts; what runs on the demo host bears its own."""
    if subject == f"chore: release {VERSION}":
        return REVISION if repo == "backend" else FRONTEND_REVISION
    return hashlib.sha1(f"{repo}: {subject}".encode(), usedforsecurity=False).hexdigest()


_BACKEND = (
    (0.4, "caleb", 317, "fix(web): a session that has ended answers 401, not 500"),
    (1.2, "bianca", 316, "feat(domain): goals can be shared with a whole organisation"),
    (2.1, "levi", 315, "chore(deps): bump sqlx and tokio"),
    (3.0, "caleb", 314, "feat(migration)!: goal statuses are an enum of their own"),
    (3.9, "dependabot[bot]", 313, "build(deps): bump actions/checkout from 4 to 5"),
    (5.2, "levi", 312, "fix(sse): a slow client no longer holds up the others"),
    (6.0, "bianca", 311, "docs: how to rotate the encryption key"),
    (7.3, "caleb", None, "Merge branch 'main' into feat/session-reminders"),
    (8.1, "levi", 309, "feat(web): reminders of a session are sent by e-mail"),
    (9.5, "bianca", 308, "test(domain): overlapping sessions of one coach"),
    (12.0, "caleb", 306, "chore: release 1.0.0-beta3"),
    (13.2, "levi", 305, "fix(entity_api): actions are listed in the order they are due"),
    (15.8, "bianca", 303, "feat(web): an administrator may move members between organisations"),
    (17.0, "caleb", 302, "perf(entity_api): one query in place of one for each session"),
    (19.4, "levi", 300, "fix: time zones of daylight saving in reminders"),
    (22.1, "bianca", 298, "refactor(domain): e-mail templates in one place"),
    (24.6, "caleb", 297, "feat(migration): zoom is a provider of meetings"),
    (27.9, "levi", 295, "ci: clippy warns of nothing any more, so warnings are errors"),
    (31.5, "bianca", 293, "feat(web): coaching sessions can be cancelled with a reason"),
    (35.0, "caleb", 291, "WIP tidy up"),
    (40.3, "levi", 288, "fix(auth): a password reset ends all other sessions"),
    (47.0, "caleb", 285, "chore: release 1.0.0-beta2"),
    (50.2, "bianca", 283, "feat(web): agreements carry who changed them"),
    (55.7, "levi", 280, "revert: feat(web): notes are saved while typing"),
    (61.1, "caleb", 277, "feat(web): notes are saved while typing"),
    (70.0, "bianca", 271, "build: images for arm64 as well"),
    (82.4, "levi", 264, "fix(web): CORS answers name the one origin that asked"),
    (96.0, "caleb", 255, "chore: release 1.0.0-beta1"),
)
_FRONTEND = (
    (0.9, "bianca", 241, "feat(dashboard): goals of the organisation"),
    (2.4, "zane", 240, "fix(notes): the caret stays where it was after a save"),
    (4.4, "dependabot[bot]", 238, "build(deps): bump next from 15.4.6 to 15.5.0"),
    (6.7, "zane", 237, "style: buttons of one size"),
    (8.8, "bianca", 235, "feat(sessions): reminders can be switched off"),
    (12.1, "zane", 232, "chore: release 1.0.0-beta3"),
    (14.0, "bianca", 231, "fix(sessions): a cancelled session says why"),
    (18.3, "zane", 229, "feat(members): move members between organisations"),
    (23.5, "bianca", 226, "perf: the calendar loads one month at a time"),
    (29.9, "zane", 222, "fix(a11y): dialogs give the focus back"),
    (38.2, "bianca", 218, "test: the whole way of a new coachee"),
    (41.6, "zane", 216, "fix(sse): the connection comes back after the computer slept"),
    (44.0, "bianca", 214, "refactor(api): one hook for every list"),
    (47.2, "zane", 213, "chore: release 1.0.0-beta2"),
    (52.8, "bianca", 210, "feat(agreements): who changed them, and when"),
    (57.1, "zane", None, "quick fix for the demo"),
    (60.5, "bianca", 207, "feat(notes): saved while typing"),
    (67.3, "zane", 203, "ci: images are built for arm64 as well"),
    (75.0, "zane", 199, "docs: how to run against a local backend"),
    (96.2, "bianca", 190, "chore: release 1.0.0-beta1"),
)
_BREAKING = "BREAKING CHANGE: clients that send a status as a text have to send one of the enum's names."


def _commit(repo: str, told: tuple[float, str, int | None, str]) -> StoryCommit:
    days_ago, author, pull_request, subject = told
    body = _BREAKING if "!" in subject.split(":")[0] else ""
    shown = f"{subject} (#{pull_request})" if pull_request is not None else subject
    return StoryCommit(repo, sha_of(repo, subject), shown, body, author, days_ago, pull_request)


COMMITS = tuple(_commit("backend", told) for told in _BACKEND) + tuple(_commit("frontend", told) for told in _FRONTEND)


def _releases(repo: str) -> dict[str, str]:
    """Version and sha of each release commit."""
    prefix = "chore: release "
    told = _BACKEND if repo == "backend" else _FRONTEND
    return {text.removeprefix(prefix): sha_of(repo, text) for *_, text in told if text.startswith(prefix)}


def _built_releases(repo: str, path: str) -> tuple[StoryBuild, ...]:
    """The release builds: ``stable`` moved with each."""
    shas = _releases(repo)
    days = {"1.0.0-beta3": 11.9, "1.0.0-beta2": 46.9, "1.0.0-beta1": 95.9}
    return tuple(
        StoryBuild(path, ("stable",) if new else (), shas[version], ago, BOTH, attested=False, superseded=not new)
        for version, ago in days.items()
        for new in (version == "1.0.0-beta3",)
    )


def _built_pushes() -> tuple[StoryBuild, ...]:
    """A build of every push to main; ``latest`` is the newest."""
    pushed = [commit for commit in COMMITS if commit.repo == "backend"][:10]
    return tuple(
        StoryBuild(
            f"{BACKEND_PATH}/main",
            (commit.sha, "latest") if index == 0 else (commit.sha,),
            commit.sha,
            commit.days_ago - 0.02,
            ("linux/amd64",),
            attested=True,
            superseded=False,
        )
        for index, commit in enumerate(pushed)
    )


_BRANCH_SHA = sha_of("backend", "feat: sessions in groups")
BUILDS = (
    *_built_releases("backend", BACKEND_PATH),
    *_built_releases("frontend", FRONTEND_PATH),
    *_built_pushes(),
    StoryBuild(
        f"{BACKEND_PATH}/feat/group-sessions", (_BRANCH_SHA, "latest"), _BRANCH_SHA, 1.6, ("linux/amd64",), False, False
    ),
    # Half of a release: the other architecture failed to build, so that no index ever listed this one.
    StoryBuild(
        BACKEND_PATH, (), _releases("backend")["1.0.0-beta3"], 11.93, ("linux/arm64",), attested=False, superseded=False
    ),
)

_NOTES = "## What changed\n\n- Reminders of sessions\n- Members can be moved between organisations\n"


def _told_releases(repo: str) -> tuple[StoryRelease, ...]:
    shas = _releases(repo)
    days = {"1.0.0-beta3": 11.95, "1.0.0-beta2": 46.95, "1.0.0-beta1": 95.95}
    return tuple(
        StoryRelease(repo, version, f"{version}", ago, shas[version], draft=False, prerelease=True, body=_NOTES)
        for version, ago in days.items()
    )


RELEASES = (
    StoryRelease("backend", "1.0.0-beta4", "1.0.0-beta4", 0.3, COMMITS[0].sha, draft=True, prerelease=True, body=""),
    *_told_releases("backend"),
    *_told_releases("frontend"),
    StoryRelease(
        "backend", "1.0-beta1-test2", "A test", 120.0, sha_of("backend", "1.0-beta1-test2"), False, True, "Not for use."
    ),
    StoryRelease("backend", "1.0-rc1", "1.0-rc1", 180.0, sha_of("backend", "1.0-rc1"), False, False, "The first."),
)
