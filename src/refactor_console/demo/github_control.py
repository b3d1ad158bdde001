"""The controls of the demo's GitHub, for tests, benchmarks and training; `demo.control` takes them among its verbs."""

from __future__ import annotations

from typing import Any

from refactor_console.demo.github_faults import Fault
from refactor_console.demo.github_pushed import made_up
from refactor_console.demo.github_repos import DemoRepo, GitCommit, sha1
from refactor_console.demo.github_runs import Run
from refactor_console.demo.github_server import GitHubServer
from refactor_console.demo.github_wire import Grant
from refactor_console.demo.github_workflows import WORKFLOWS, Workflow

Request = dict[str, Any]


class GitHubControl:
    """Each verb is a method ``do_<verb>``; ``repo`` is ``backend``, ``frontend`` or a repository's name."""

    def __init__(self, server: GitHubServer) -> None:
        self._server = server

    # Faults -----------------------------------------------------------------------------------------------------

    async def do_github_down(self, _: Request) -> None:
        """Refuse connections."""
        await self._server.http.stop()

    async def do_github_up(self, _: Request) -> None:
        """Accept them again, at the same address."""
        await self._server.http.start()

    async def do_github_fault(self, request: Request) -> None:
        """``fault`` (see `github_faults.Fault`), ``path`` (a pattern), ``times`` (for ever unless given), ``value``."""
        times = request.get("times")
        self._server.faults.order(
            Fault(request["fault"]),
            str(request.get("path", "")),
            None if times is None else int(times),
            float(request.get("value", 0.0)),
        )

    async def do_github_clear(self, _: Request) -> None:
        """No more faults; full limits for every token."""
        self._server.faults.clear()
        self._server.access.forget_windows()

    # Tokens and limits ------------------------------------------------------------------------------------------

    async def do_github_token(self, request: Request) -> None:
        """Accept ``token``: ``login``, ``scopes`` (null: fine-grained), ``permissions``, ``may_write``, ``limit``."""
        scopes = request.get("scopes", [])
        self._server.access.admit(
            Grant(
                str(request["token"]),
                str(request.get("login", "somebody")),
                None if scopes is None else tuple(scopes),
                frozenset(request.get("permissions", ())),
                may_write=bool(request.get("may_write", False)),
                limit=int(request.get("limit", 5_000)),
                expires=str(request.get("expires", "")),
            )
        )

    async def do_github_revoke(self, request: Request) -> None:
        """Accept ``token`` no more."""
        self._server.access.revoke(str(request["token"]))

    async def do_github_counts(self, _: Request) -> dict[str, Any]:
        """Tells ``requests`` (all), ``counted`` and ``unchanged`` (304 for nothing)."""
        access = self._server.access
        return {"requests": self._server.requests, "counted": access.served, "unchanged": access.unchanged}

    # Runs -------------------------------------------------------------------------------------------------------

    async def do_github_pace(self, request: Request) -> None:
        """``factor`` on the duration of everything that begins from now on (0.01: a build takes seconds)."""
        self._server.platform.book.pace = float(request["factor"])

    async def do_github_activity(self, request: Request) -> None:
        """``on``: whether new runs start by themselves."""
        self._server.platform.history.active = bool(request["on"])

    async def do_github_start_run(self, request: Request) -> dict[str, Any]:
        """Start a run of ``workflow`` (its file): ``repo``, ``event``, ``branch``, ``actor``, ``fails`` (job, step).

        Tells its ``run_id``.
        """
        repo = self._repo(request)
        branch = str(request.get("branch", "main"))
        commit = repo.resolve(branch) or repo.head
        fails = request.get("fails")
        run = self._server.platform.book.start(
            _workflow(repo, str(request["workflow"])),
            commit,
            event=str(request.get("event", "push")),
            branch=branch,
            actor=str(request.get("actor", commit.author)),
            title=str(request.get("title", "")),
            fails=None if fails is None else (str(fails[0]), str(fails[1])),
        )
        self._server.operations.on_run(run)
        return {"run_id": run.id}

    async def do_github_run_state(self, request: Request) -> None:
        """Put ``status`` and ``conclusion`` on run ``run_id`` of ``repo``, whatever its jobs say."""
        run = self._run(request)
        self._server.platform.book.force(run, str(request["status"]), request.get("conclusion"))

    async def do_github_expire_logs(self, request: Request) -> None:
        """Delete the logs of run ``run_id`` of ``repo``."""
        self._server.platform.book.expired.add(self._run(request).id)

    async def do_github_add_runs(self, request: Request) -> None:
        """``count`` more runs in ``repo``, all over, older than all others; ``workflow`` (its first unless given)."""
        repo = self._repo(request)
        name = request.get("workflow")
        workflow = _workflow(repo, str(name)) if name else next(w for w in WORKFLOWS if w.role == repo.role)
        self._server.platform.book.crowd(repo, workflow, int(request["count"]))

    # Sources and images -----------------------------------------------------------------------------------------

    async def do_github_push(self, request: Request) -> dict[str, Any]:
        """A commit on the default branch of ``repo``: ``subject``, ``author``. Tells its ``sha``; starts no run."""
        repo = self._repo(request)
        now = self._server.platform.clock.now()
        subject, author = str(request["subject"]), str(request.get("author", repo.head.author))
        commit = GitCommit(sha1(f"{repo.head.sha} {subject} {now}"), subject, author, now, repo.head.sha)
        repo.commits.append(commit)
        repo.branches["main"] = commit.sha
        return {"sha": commit.sha}

    async def do_github_add_tags(self, request: Request) -> None:
        """``count`` git tags in ``repo``, without releases, on old commits."""
        repo = self._repo(request)
        for number in range(int(request["count"])):
            repo.tags[f"0.{number // 100}.{number % 100}"] = repo.commits[number % len(repo.commits)].sha

    async def do_github_add_versions(self, request: Request) -> None:
        """``count`` tagged versions of the image ``path`` (``refactor-group/...``) in the Packages API only."""
        path, count = str(request["path"]), int(request["count"])
        self._server.packages.crowd(path, made_up(path, count))

    def _repo(self, request: Request) -> DemoRepo:
        return self._server.platform.named(str(request.get("repo", "backend")))

    def _run(self, request: Request) -> Run:
        repo = self._repo(request)
        run = self._server.platform.book.get(repo.role, int(request["run_id"]))
        if run is None:
            raise KeyError(request["run_id"])
        return run


def _workflow(repo: DemoRepo, name: str) -> Workflow:
    for workflow in WORKFLOWS:
        if workflow.role == repo.role and name in (workflow.file, workflow.path, str(workflow.id)):
            return workflow
    raise KeyError(name)
