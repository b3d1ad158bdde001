"""GitHub Actions: workflows, runs, jobs and their logs."""

from __future__ import annotations

from datetime import UTC, datetime

from refactor_console.adapters import github_errors as errors
from refactor_console.adapters import github_payloads as payloads
from refactor_console.adapters.github_api import RunPage
from refactor_console.adapters.github_part import Part, at
from refactor_console.domain.problem import Problem
from refactor_console.domain.repos import Repository
from refactor_console.domain.runs import Job, PendingEnvironment, Workflow, WorkflowRun


class Actions(Part):
    """The calls about GitHub Actions."""

    async def workflows(self, repository: Repository) -> tuple[Workflow, ...]:
        """All workflows, also disabled ones."""
        found = await self._many(
            payloads.WorkflowPayload,
            f"{at(repository)}/actions/workflows",
            f"the workflows of {repository}",
            lambda item: item.value(repository),
            key="workflows",
        )
        return found.items

    async def runs(self, repository: Repository, *, limit: int = 100) -> RunPage:
        """The newest runs; pages as far as `limit` asks (100 runs a request)."""
        found = await self._many(
            payloads.RunPayload,
            f"{at(repository)}/actions/runs",
            f"the workflow runs of {repository}",
            lambda item: item.value(repository),
            key="workflow_runs",
            limit=limit,
        )
        # A run that began between two pages pushes another one onto the next page a second time.
        runs = tuple({run.id: run for run in found.items}.values())
        return RunPage(runs, found.complete, found.skipped)

    async def run(self, repository: Repository, run_id: int) -> WorkflowRun:
        """One run."""
        what = f"run {run_id} of {repository}"
        return (await self._one(payloads.RunPayload, f"{at(repository)}/actions/runs/{run_id}", what)).value(repository)

    async def dispatched(self, repository: Repository, workflow_id: int, since: datetime) -> tuple[WorkflowRun, ...]:
        """Runs of a workflow with event ``workflow_dispatch`` created at `since` or later; never from a cache."""
        since = since.astimezone(UTC).replace(microsecond=0)  # GitHub's times have no fractions
        found = await self._many(
            payloads.RunPayload,
            f"{at(repository)}/actions/workflows/{workflow_id}/runs",
            f"the runs dispatched of workflow {workflow_id} in {repository}",
            lambda item: item.value(repository),
            key="workflow_runs",
            params={"event": "workflow_dispatch", "created": f">={since:%Y-%m-%dT%H:%M:%SZ}"},
            fresh=True,
        )
        return tuple(
            run
            for run in found.items
            if run.workflow_id in (workflow_id, 0) and run.event == "workflow_dispatch" and run.created_at >= since
        )

    async def jobs(self, repository: Repository, run_id: int) -> tuple[Job, ...]:
        """The jobs of the run's newest attempt, all pages."""
        found = await self._many(
            payloads.JobPayload,
            f"{at(repository)}/actions/runs/{run_id}/jobs",
            f"the jobs of run {run_id} of {repository}",
            lambda item: item.value(),
            key="jobs",
            params={"filter": "latest"},
        )
        return found.items

    async def pending(self, repository: Repository, run_id: int) -> tuple[PendingEnvironment, ...]:
        """The environments that a waiting run waits for."""
        what = f"what run {run_id} of {repository} waits for"
        page = await self._http.read(
            f"{at(repository)}/actions/runs/{run_id}/pending_deployments",
            what,
            lambda answer: payloads.many(payloads.PendingPayload, answer.json(), what, lambda item: item.value()),
        )
        return self._noted(what, page.value).items

    async def job_log(self, repository: Repository, job_id: int) -> str:
        """The whole log of a job that is over (at most 64 MiB); what is not UTF-8 as surrogates.

        The redirect's target is asked without the token.

        Raises:
            GitHubError: code ``log-not-yet`` while the job runs (404), ``log-gone`` when it has expired (410).
        """
        what = f"the log of job {job_id} of {repository}"
        try:
            answer = await self._http.download(f"{at(repository)}/actions/jobs/{job_id}/logs", what)
        except errors.NotFound as error:
            problem = Problem(
                f"GitHub has no log of job {job_id} of {repository} yet: it serves none while a job runs.",
                "Wait until the job is over; until then the steps show how far it is.",
                error.problem.detail,
                "log-not-yet",
            )
            raise errors.NotFound(problem, error.status, error.words) from error
        except errors.Gone as error:
            problem = Problem(
                f"GitHub no longer has the log of job {job_id} of {repository}: logs expire (after 90 days, unless the "
                "repository says otherwise) and can be deleted.",
                "",
                error.problem.detail,
                "log-gone",
            )
            raise errors.Gone(problem, error.status, error.words) from error
        return answer.body.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
