"""Operations over the demo world's GitHub, with the records that they wrote and runs in every state."""

from __future__ import annotations

import json
from collections.abc import Awaitable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from refactor_console.adapters.audit_file import AuditFile
from refactor_console.demo.github_access import LOGIN, TOKEN
from refactor_console.domain.account import Account, TokenKind, TokenSource
from refactor_console.domain.environment import Environment
from refactor_console.domain.operations import DispatchForm, DispatchInput
from refactor_console.domain.problem import ConsoleError
from refactor_console.domain.repos import Platform
from refactor_console.domain.runs import WorkflowRun
from refactor_console.services.audit_log import AuditLog
from refactor_console.services.operations import Operations
from tests.github_demo import TurnedClock
from tests.services.github_scene import BACK, BUILD, DEPLOY, ENVIRONMENT, PLATFORM, Host, Wire, client, seen

FAILS = ("test", "Run tests")
HOUR = 3_600


class Desk:
    """Operations over the demo's GitHub, with the records that they wrote."""

    def __init__(
        self,
        wire: Wire,
        audit: Path,
        *,
        read_only: bool = False,
        client_read_only: bool = False,
        token: str = TOKEN,
        login: str = LOGIN,
        environment: Environment = ENVIRONMENT,
        platform: Platform = PLATFORM,
    ) -> None:
        self.wire = wire
        self.audit = audit
        self.host = Host(environment)
        self.github = client(wire, token, read_only=client_read_only)
        self.late = timedelta(0)
        self.known: tuple[WorkflowRun, ...] = ()
        self.saw: list[WorkflowRun] = []
        self.account: Account | None = Account(login, TokenKind.CLASSIC, TokenSource.DEMO, "demo")
        self.operations = Operations(
            self._client,
            platform,
            environment,
            AuditLog(self.host, AuditFile(audit), wire.now),
            read_only=read_only,
            account=lambda: self.account,
            known=lambda: self.known,
            saw=self.saw.append,
            clock=lambda: wire.now() + self.late,
        )

    async def _client(self) -> Any:
        return self.github

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.audit.read_text().splitlines()] if self.audit.exists() else []

    @property
    def stages(self) -> list[str]:
        return [record["stage"] for record in self.records]

    async def close(self) -> None:
        await self.github.close()


def pass_by(wire: Wire, seconds: float) -> None:
    assert isinstance(wire.clock, TurnedClock)
    wire.clock.pass_by(seconds)


async def failed_run(wire: Wire, workflow: str = BUILD) -> WorkflowRun:
    """A run of today, some of whose jobs failed."""
    number = await wire.start_run(workflow, fails=FAILS if workflow == BUILD else ("deploy", "Deploy on the server"))
    if workflow == DEPLOY:
        run = wire.run(number)
        wire.server.platform.book.review(run, "release-rita", "", approve=True)
    pass_by(wire, HOUR)
    return await seen(wire, number)


async def running(wire: Wire) -> WorkflowRun:
    number = await wire.start_run()
    pass_by(wire, 30)
    return await seen(wire, number)


async def waiting(wire: Wire) -> WorkflowRun:
    return await seen(wire, await wire.start_run(DEPLOY, event="workflow_dispatch", actor="release-rita"))


async def job_named(desk: Desk, run: WorkflowRun, name: str) -> Any:
    return next(job for job in await desk.github.jobs(BACK, run.id) if job.name == name)


def deploy_form() -> DispatchForm:
    debug = DispatchInput("enable_ssh_debugging", "", "boolean", required=False, default="false")
    return DispatchForm(
        BACK, 98_104_203, "Deploy to DigitalOcean via Tailscale", PLATFORM.deploy_workflow, "main", (debug,)
    )


async def refusal(work: Awaitable[object]) -> ConsoleError:
    with pytest.raises(ConsoleError) as caught:
        await work
    problem = caught.value.problem
    assert problem.summary.endswith((".", "?"))
    assert "\n" not in problem.summary
    assert "Traceback" not in problem.summary
    return caught.value
