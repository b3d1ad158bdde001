"""What a deploy at the demo's GitHub does to the demo host: the same as in production, no more."""

from __future__ import annotations

import asyncio

from refactor_console.demo.clock import SECOND
from refactor_console.demo.github_runs import Run
from refactor_console.demo.github_workflows import DEPLOY
from refactor_console.demo.past import UNIT
from refactor_console.demo.world import World

_STEP = "Deploy on the server"


class Deploys:
    """Restarts the platform's unit when the deploy job has come that far."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._tasks: set[asyncio.Task[None]] = set()

    def watch(self, run: Run) -> None:
        """Somebody started or approved this run."""
        attempt = run.attempts[-1]
        job = attempt.jobs[0]
        if run.role != "backend" or run.workflow.path != DEPLOY or attempt.approved_ns is None or attempt.rejected:
            return
        names = [step.name for step in job.kind.steps]
        before = sum(job.steps_ns[: names.index(_STEP)])
        task = asyncio.get_running_loop().create_task(self._deploy(run, attempt.approved_ns + job.queue_ns + before))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deploy(self, run: Run, at_ns: int) -> None:
        number = len(run.attempts)
        await asyncio.sleep(max(0.0, (at_ns - self._world.clock.now()) / SECOND))
        job = run.state(self._world.clock.now(), number).jobs[0]
        if any(step.name == _STEP and step.started_ns is not None for step in job.steps):
            await self._world.control_unit("restart", UNIT)

    async def stop(self) -> None:
        """Forget what is still to come."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
