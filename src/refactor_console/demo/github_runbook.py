"""All runs of the demo platform, made, found and changed here."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from refactor_console.demo.clock import SECOND, Clock
from refactor_console.demo.github_repos import DemoRepo, GitCommit
from refactor_console.demo.github_runs import FOREVER, Attempt, JobPlan, JobState, Run, RunState, seconds
from refactor_console.demo.github_workflows import PREVIEW_HOST, WORKFLOWS, Workflow

_FIRST_RUN = 19_402_118_007
_FIRST_JOB = 55_604_201_113


class RunBook:
    """The runs, oldest first, and everything that happens to them."""

    def __init__(self, clock: Clock, seed: int) -> None:
        self._clock = clock
        self._seed = seed
        self._runs: list[Run] = []
        self._by_id: dict[int, Run] = {}
        self._numbers: dict[int, int] = {workflow.id: 100 + workflow.id % 97 for workflow in WORKFLOWS}
        self._job_ids = _FIRST_JOB
        self._jobs: dict[int, Run] = {}
        self.pace = 1.0
        """Factor on the duration of everything that begins from now on."""
        self.expired: set[int] = set()
        """Runs whose logs GitHub has deleted."""

    # Making -----------------------------------------------------------------------------------------------------

    def start(
        self,
        workflow: Workflow,
        commit: GitCommit,
        *,
        event: str,
        branch: str,
        actor: str,
        title: str = "",
        at_ns: int | None = None,
        fails: tuple[str, str] | None = None,
        approved_after: float | None = None,
        pull_request: int | None = None,
    ) -> Run:
        """A new run.

        Args:
            workflow: of which.
            commit: what it is for.
            event: what triggered it.
            branch: head branch or tag.
            actor: who triggered it.
            title: the headline; the commit's subject unless given.
            at_ns: when; now unless given.
            fails: job key and step name that fail.
            approved_after: seconds until somebody approves the environment; None for never by itself.
            pull_request: its number.
        """
        created = self._clock.now() if at_ns is None else at_ns
        number = self._numbers[workflow.id] = self._numbers[workflow.id] + 1
        run_id = _FIRST_RUN + len(self._runs) * 48_611
        attempt = Attempt(1, created, actor, self._plans(workflow, run_id, 1, fails))
        if approved_after is not None:
            attempt.approved_ns = created + seconds(approved_after)
            attempt.approved_by = "release-rita"
        run = Run(
            run_id, workflow.role, workflow, number, event, branch, commit.sha, title or commit.subject, actor,
            [attempt], pull_request,
        )  # fmt: skip
        self._runs.append(run)
        self._by_id[run_id] = run
        self._index(run)
        return run

    def _plans(
        self, workflow: Workflow, run_id: int, attempt: int, fails: tuple[str, str] | None = None
    ) -> tuple[JobPlan, ...]:
        rng = random.Random(f"{self._seed} {run_id} {attempt}")  # noqa: S311 - scenery
        plans = []
        for kind in workflow.jobs:
            lengths = tuple(seconds(step.seconds * rng.uniform(0.85, 1.2) * self.pace) for step in kind.steps)
            names = [step.name for step in kind.steps]
            bad = names.index(fails[1]) if fails is not None and fails[0] == kind.key else None
            # Nobody takes the jobs of the preview host: it is switched off, and they stay queued.
            queue = FOREVER // 4 if kind.labels == PREVIEW_HOST else seconds(rng.uniform(2, 7) * self.pace)
            self._job_ids += rng.randrange(7, 400)
            plans.append(JobPlan(self._job_ids, kind, attempt, queue, lengths, bad))
        return tuple(plans)

    def _index(self, run: Run) -> None:
        for plan in run.attempts[-1].jobs:
            self._jobs.setdefault(plan.id, run)

    def sort(self) -> None:
        """Put the runs in order of time, with identifiers and numbers that rise; only before anybody saw one."""
        self._runs.sort(key=lambda run: run.created_ns)
        self._by_id.clear()
        counts: dict[int, int] = {}
        for position, run in enumerate(self._runs):
            run.id = _FIRST_RUN + position * 48_611
            first = 100 + run.workflow.id % 97
            run.number = first + counts.setdefault(run.workflow.id, 0)
            counts[run.workflow.id] += 1
            self._numbers[run.workflow.id] = run.number
            self._by_id[run.id] = run

    # Finding ----------------------------------------------------------------------------------------------------

    def of(self, role: str) -> Sequence[Run]:
        """A repository's runs, newest first; those of the future not yet."""
        now = self._clock.now()
        return [run for run in reversed(self._runs) if run.role == role and run.created_ns <= now]

    def get(self, role: str, run_id: int) -> Run | None:
        """One run."""
        run = self._by_id.get(run_id)
        return run if run is not None and run.role == role else None

    def job(self, role: str, job_id: int) -> tuple[Run, JobState] | None:
        """One job of any attempt, as it stands now."""
        run = self._jobs.get(job_id)
        if run is None or run.role != role:
            return None
        for attempt in reversed(run.attempts):
            for job in self.state(run, attempt.number).jobs:
                if job.plan.id == job_id:
                    return run, job
        return None

    def state(self, run: Run, attempt: int | None = None) -> RunState:
        """How a run stands now."""
        return run.state(self._clock.now(), attempt)

    # Interfering ------------------------------------------------------------------------------------------------

    def cancel(self, run: Run) -> None:
        """Cancel what is not over."""
        run.attempts[-1].cancelled_ns = self._clock.now() + SECOND // 2
        if self._clock.frozen:
            run.attempts[-1].cancelled_ns = self._clock.now()
        run.forget()

    def review(self, run: Run, by: str, comment: str, *, approve: bool) -> None:
        """Approve the waiting environment, or reject it."""
        attempt = run.attempts[-1]
        attempt.approved_ns, attempt.approved_by, attempt.comment = self._clock.now(), by, comment
        attempt.rejected = not approve
        run.forget()

    def rerun(self, run: Run, actor: str, *, only: str = "") -> Attempt:
        """A new attempt.

        Args:
            run: of which run.
            actor: who wants it.
            only: ``failed`` keeps the jobs that succeeded; a job's key repeats that one (and what needs it).
        """
        before = {job.plan.kind.key: job for job in self.state(run).jobs}
        number = len(run.attempts) + 1
        plans = []
        again: set[str] = set()
        for plan in self._plans(run.workflow, run.id, number):
            key = plan.kind.key
            old = before.get(key)
            wanted = not only or key == only or bool(again & set(plan.kind.needs))
            wanted = wanted or (only == "failed" and (old is None or old.conclusion != "success"))
            if wanted or old is None:
                again.add(key)
                plans.append(plan)
            else:
                plans.append(replace(old.plan, kept=old))
        attempt = Attempt(number, self._clock.now(), actor, tuple(plans))
        run.begin_again(attempt)
        self._index(run)
        return attempt

    def force(self, run: Run, status: str, conclusion: str | None) -> None:
        """Put a state on a run, whatever its jobs say."""
        run.forced = (status, conclusion, self._clock.now())

    def crowd(self, repo: DemoRepo, workflow: Workflow, count: int) -> None:
        """So many runs more, all long over, one every twenty minutes back from the oldest there is."""
        oldest = min((run.created_ns for run in self._runs), default=self._clock.now())
        commits = repo.commits
        plans = self._plans(workflow, 0, 1)
        length = sum(sum(plan.steps_ns) for plan in plans)
        made = []
        for n in range(count):
            at = oldest - (count - n) * 1200 * SECOND - length
            commit = commits[n % len(commits)]
            run_id = _FIRST_RUN - (count - n) * 41
            while run_id in self._by_id:
                run_id -= 1_000_003
            attempt = Attempt(1, at, commit.author, plans)
            made.append(
                Run(run_id, repo.role, workflow, n + 1, "push", "main", commit.sha, f"{commit.subject} ({n})",
                    commit.author, [attempt])
            )  # fmt: skip
            self._by_id[run_id] = made[-1]
        self._runs[:0] = made
