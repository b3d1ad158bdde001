"""What the demo's GitHub Actions did before it was first looked at, and what they do while one looks."""

from __future__ import annotations

import random

from refactor_console.demo.clock import SECOND, Clock
from refactor_console.demo.github_payloads import branch_of
from refactor_console.demo.github_repos import DAY, DemoRepo, GitCommit
from refactor_console.demo.github_runbook import RunBook
from refactor_console.demo.github_workflows import BUILD, DEPLOY, FRONTEND_BUILD, PREVIEW, RELEASE, of
from refactor_console.demo.past import DEPLOYS_AGO

_LIVE_EVERY = 11 * 60 * SECOND
_LIVE_BRANCH = "feat/goal-progress-📈"
_LIVE_PULL = 318
_LIVE_AUTHOR = "bianca"
_LIVE_TITLES = (
    "feat: show progress of goals on the dashboard",
    "fix: progress of a goal without actions is zero",
    "test: progress of overdue goals",
    "refactor: one query for all progress",
)
_TROUBLE = {
    "backend": (
        ("lint", "Run clippy"),
        ("test", "Run tests"),
        ("test", "Build workspace"),
        ("docker", "Build and push"),
    ),
    "frontend": (("build_test", "Lint"), ("build_test", "Run unit tests")),
}
_BUILDS = {"backend": BUILD, "frontend": FRONTEND_BUILD}
_TO_STABLE = 75.0
"""Seconds from the approval of a deploy until the unit on the host is stopped, more or less."""


class History:
    """Fills the run book with the past, and keeps it going."""

    def __init__(self, clock: Clock, book: RunBook, repos: dict[str, DemoRepo], seed: int, now_ns: int) -> None:
        self._clock = clock
        self._book = book
        self._repos = repos
        self._random = random.Random(seed + 11)  # noqa: S311 - scenery
        self._now = now_ns
        self._live = 0
        self._next_ns = now_ns - 100 * SECOND
        self.active = True
        """Whether new runs start by themselves."""

    def write(self) -> None:
        """Everything up to now."""
        for role, repo in self._repos.items():
            for commit in repo.commits:
                self._commit(role, repo, commit)
        for days in DEPLOYS_AGO:
            self._deploy(days)
        for repo in self._repos.values():
            self._releases(repo)
        self._troubles()
        self._book.sort()
        self._present()

    def advance(self) -> None:
        """Let happen what was due by now: somebody pushes to a pull request every eleven minutes."""
        now = self._clock.now()
        if now - self._next_ns > 3 * _LIVE_EVERY:  # the clock leapt: nobody was there to push
            self._next_ns = now - now % _LIVE_EVERY
        while self.active and self._next_ns <= now:
            self._push(self._next_ns)
            self._next_ns += _LIVE_EVERY

    def _push(self, at_ns: int) -> None:
        repo = self._repos["backend"]
        title = _LIVE_TITLES[self._live % len(_LIVE_TITLES)]
        commit = repo.branch_off(_LIVE_BRANCH, title, _LIVE_AUTHOR, at_ns)
        bad = ("test", "Run tests") if self._live % 4 == 2 else None
        self._live += 1
        self._book.start(
            of("backend", BUILD), commit, event="pull_request", branch=_LIVE_BRANCH, actor=_LIVE_AUTHOR, at_ns=at_ns,
            fails=bad, pull_request=_LIVE_PULL, title="Progress of goals",
        )  # fmt: skip

    def _commit(self, role: str, repo: DemoRepo, commit: GitCommit) -> None:
        workflow = of(role, _BUILDS[role])
        unlucky = self._random.random()
        trouble = self._random.choice(_TROUBLE[role])
        if commit.pull_request is not None:
            branch = branch_of(commit)
            before = commit.at_ns - round(self._random.uniform(0.03, 0.6) * DAY)
            headline = commit.subject.removesuffix(f" (#{commit.pull_request})")
            head = GitCommit(
                repo.branch_off(branch, headline, commit.author, before).sha, headline, commit.author, before, ""
            )
            run = self._book.start(
                workflow, head, event="pull_request", branch=branch, actor=commit.author, at_ns=before, title=headline,
                fails=trouble if unlucky < 0.18 else None, pull_request=commit.pull_request,
            )  # fmt: skip
            if 0.18 <= unlucky < 0.23:
                run.attempts[-1].cancelled_ns = before + 95 * SECOND
        at = commit.at_ns + 4 * SECOND
        self._book.start(
            workflow, commit, event="push", branch="main", actor=commit.author, at_ns=at,
            fails=trouble if unlucky > 0.95 and commit is not repo.head else None,
        )  # fmt: skip

    def _deploy(self, days: float) -> None:
        repo = self._repos["backend"]
        at = self._now - round(days * DAY) - round(_TO_STABLE * SECOND)
        self._book.start(
            of("backend", DEPLOY), repo.at(at), event="workflow_dispatch", branch="main", actor="release-rita",
            at_ns=at, title="Deploy to DigitalOcean via Tailscale", approved_after=self._random.uniform(20, 45),
        )  # fmt: skip

    def _releases(self, repo: DemoRepo) -> None:
        for release in repo.releases:
            commit = repo.resolve(release.sha)
            if not release.draft and commit is not None and release.at_ns > self._now - 200 * DAY:
                self._book.start(
                    of(repo.role, RELEASE), commit, event="release", branch=release.tag, actor=release.author,
                    at_ns=release.at_ns + 6 * SECOND, title=release.name or release.tag,
                )  # fmt: skip

    def _troubles(self) -> None:
        """A deploy that failed and was tried again, and one that was refused."""
        repo = self._repos["backend"]
        workflow = of("backend", DEPLOY)
        for days, fails in ((11.45, ("deploy", "Connect to Tailscale")), (20.95, ("deploy", "Deploy on the server"))):
            at = self._now - round(days * DAY)
            self._book.start(
                workflow, repo.at(at), event="workflow_dispatch", branch="main", actor="release-rita", at_ns=at,
                title=workflow.name, approved_after=31, fails=fails,
            )  # fmt: skip
        at = self._now - round(7.3 * DAY)
        refused = self._book.start(
            workflow, repo.at(at), event="workflow_dispatch", branch="main", actor="bianca", at_ns=at,
            title=workflow.name, approved_after=600,
        )  # fmt: skip
        refused.attempts[-1].rejected = True
        refused.attempts[-1].comment = "Not on a Friday afternoon."

    def _present(self) -> None:
        """What goes on when the world begins."""
        repo = self._repos["backend"]
        self._book.start(
            of("backend", PREVIEW), repo.head, event="pull_request", branch=_LIVE_BRANCH, actor=_LIVE_AUTHOR,
            at_ns=self._now - 24 * 60 * SECOND, title="Progress of goals", pull_request=_LIVE_PULL,
        )  # fmt: skip
        self._book.start(
            of("backend", DEPLOY), repo.head, event="workflow_dispatch", branch="main", actor="release-rita",
            at_ns=self._now - 12 * 60 * SECOND, title="Deploy to DigitalOcean via Tailscale",
        )  # fmt: skip
        self.advance()
