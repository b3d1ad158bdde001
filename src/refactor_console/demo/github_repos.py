"""The demo platform's repositories as git sees them: commits in one line, branches, tags, releases."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from refactor_console.demo import story
from refactor_console.demo.clock import SECOND

OWNER = "refactor-group"
DAY = 86_400 * SECOND
_NAMES = {"backend": "refactor-platform-rs", "frontend": "refactor-platform-fe"}
_IDS = {"backend": 718_204_551, "frontend": 742_660_893}
_ABOUT = {
    "backend": "Backend for the Refactor coaching and mentorship platform, in Rust",
    "frontend": "Web frontend for the Refactor coaching and mentorship platform",
}
_LANGUAGES = {"backend": "Rust", "frontend": "TypeScript"}


def sha1(text: str) -> str:
    """40 hexadecimal digits that depend on nothing but the text."""
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class GitCommit:
    """One commit."""

    sha: str
    message: str
    author: str
    """A login."""
    at_ns: int
    parent: str
    """Empty for the first."""
    pull_request: int | None = None

    @property
    def subject(self) -> str:
        """First line."""
        return self.message.split("\n", 1)[0]


@dataclass(frozen=True, slots=True)
class GitRelease:
    """One release."""

    id: int
    tag: str
    name: str
    body: str
    draft: bool
    prerelease: bool
    sha: str
    at_ns: int
    author: str


@dataclass
class DemoRepo:
    """One repository."""

    role: str
    """``backend`` or ``frontend``."""
    commits: list[GitCommit] = field(default_factory=list)
    """The default branch, oldest first."""
    stray: dict[str, GitCommit] = field(default_factory=dict)
    """Commits of other branches, by sha."""
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    """Newest first, as people made them."""
    releases: list[GitRelease] = field(default_factory=list)
    """Newest first, drafts included."""

    @property
    def name(self) -> str:
        """Without the owner."""
        return _NAMES[self.role]

    @property
    def full_name(self) -> str:
        """``owner/name``."""
        return f"{OWNER}/{self.name}"

    @property
    def id(self) -> int:
        """GitHub's number."""
        return _IDS[self.role]

    @property
    def description(self) -> str:
        """In one line."""
        return _ABOUT[self.role]

    @property
    def language(self) -> str:
        """The one most used."""
        return _LANGUAGES[self.role]

    @property
    def head(self) -> GitCommit:
        """The default branch's newest commit."""
        return self.commits[-1]

    def position(self, sha: str) -> int:
        """Where a commit stands on the default branch; for a stray one where its branch left it."""
        index = {commit.sha: n for n, commit in enumerate(self.commits)}
        while sha not in index:
            sha = self.stray[sha].parent
        return index[sha]

    def resolve(self, ref: str) -> GitCommit | None:
        """The commit of a branch, tag, full ref or (abbreviated) sha; None when there is none."""
        short = ref.removeprefix("refs/").removeprefix("heads/").removeprefix("tags/")
        sha = self.branches.get(short) or self.tags.get(short) or ref
        if short == "HEAD":
            sha = self.head.sha
        for commit in (*self.commits, *self.stray.values()):
            if commit.sha == sha or (len(sha) >= 7 and commit.sha.startswith(sha)):
                return commit
        return None

    def history(self, commit: GitCommit) -> list[GitCommit]:
        """A commit and all before it, newest first."""
        line = []
        while commit.sha in self.stray:
            line.append(commit)
            commit = (
                self.stray[commit.parent] if commit.parent in self.stray else self.commits[self.position(commit.sha)]
            )
        return line + self.commits[self.position(commit.sha) :: -1]

    def at(self, moment_ns: int) -> GitCommit:
        """The default branch's head at a moment."""
        return next((commit for commit in reversed(self.commits) if commit.at_ns <= moment_ns), self.commits[0])

    def branch_off(self, branch: str, message: str, author: str, at_ns: int, sha: str = "") -> GitCommit:
        """A new commit at the end of a branch, which is made when there is none."""
        parent = self.branches.get(branch) or self.at(at_ns).sha
        known = self.resolve(sha) if sha else None
        commit = known or GitCommit(
            sha or sha1(f"{self.name} {branch} {message} {at_ns}"), message, author, at_ns, parent
        )
        if known is None:
            self.stray[commit.sha] = commit
        self.branches[branch] = commit.sha
        return commit


def from_story(now_ns: int) -> dict[str, DemoRepo]:
    """The repositories by role, as the story tells them, counted back from now."""
    repos = {role: DemoRepo(role) for role in _NAMES}
    for told in sorted(story.COMMITS, key=lambda commit: -commit.days_ago):
        repo = repos[told.repo]
        message = f"{told.subject}\n\n{told.body}" if told.body else told.subject
        parent = repo.commits[-1].sha if repo.commits else ""
        at_ns = now_ns - round(told.days_ago * DAY)
        repo.commits.append(GitCommit(told.sha, message, told.author, at_ns, parent, told.pull_request))
    for repo in repos.values():
        repo.branches["main"] = repo.head.sha
    for told_release in sorted(story.RELEASES, key=lambda release: release.days_ago):
        _release(repos[told_release.repo], told_release, now_ns)
    _branches(repos["backend"], story.BUILDS, now_ns)
    return repos


def _release(repo: DemoRepo, told: story.StoryRelease, now_ns: int) -> None:
    at_ns = now_ns - round(told.days_ago * DAY)
    number = int(sha1(f"release {repo.name} {told.tag}")[:7], 16)
    author = repo.at(at_ns).author
    draft, prerelease = told.draft, told.prerelease
    repo.releases.append(GitRelease(number, told.tag, told.name, told.body, draft, prerelease, told.sha, at_ns, author))
    if told.draft:
        return
    repo.tags[told.tag] = told.sha
    if repo.resolve(told.sha) is None:  # older than the commits that are told
        repo.stray[told.sha] = GitCommit(told.sha, f"chore: release {told.tag}", author, at_ns, repo.commits[0].sha)


def _branches(repo: DemoRepo, builds: Iterable[story.StoryBuild], now_ns: int) -> None:
    prefix = f"{repo.full_name}/"
    for build in sorted(builds, key=lambda b: -b.days_ago):
        branch = build.path.removeprefix(prefix)
        if build.path.startswith(prefix) and branch != "main":
            at_ns = now_ns - round(build.days_ago * DAY)
            kind, _, what = branch.rpartition("/")
            message = f"{kind or 'feat'}: {what.replace('-', ' ')}"
            repo.branch_off(branch, message, repo.at(at_ns).author, at_ns, build.sha)
