"""Routes about names and guards: secrets and variables of repository, environment and organisation; alerts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from refactor_console.demo import github_describe_runs as runs
from refactor_console.demo.github_alerts import DEPENDABOT, dependabot_alert
from refactor_console.demo.github_content import files
from refactor_console.demo.github_names import CREATED_DAYS, Named, Names, names_of
from refactor_console.demo.github_payloads import WEB
from refactor_console.demo.github_platform import Platform
from refactor_console.demo.github_repos import DAY, DemoRepo
from refactor_console.demo.github_wire import (
    Asked,
    Json,
    Refusal,
    Reply,
    Route,
    cursor_page,
    node_id,
    not_found,
    page,
    timestamp,
)
from refactor_console.demo.github_workflows import DEPLOY

_REPO = "/repos/{owner}/{repo}"
_ENVIRONMENTS = f"{_REPO}/environments"
_ENVIRONMENT = f"{_ENVIRONMENTS}/{{environment_name}}"
_DOCS = "https://docs.github.com/rest"


@dataclass(frozen=True, slots=True)
class _Guard:
    """How a repository's guard answers when it is not simply on."""

    status: int
    message: str


_CODE_SCANNING = {
    "backend": _Guard(
        403,
        "Code scanning is not enabled for this repository. Please enable code scanning in the repository settings.",
    ),
    "frontend": _Guard(404, "no analysis found"),
}
_SECRET_SCANNING = {
    "backend": _Guard(403, "Resource not accessible by personal access token"),
    "frontend": _Guard(404, "Secret scanning is disabled on this repository."),
}


class Security:
    """Answers what is asked about secrets, variables and alerts."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    @cached_property
    def names(self) -> dict[str, Names]:
        """What is defined, by role."""
        backend = self._platform.repos["backend"]
        workflow = files(backend, backend.head)[DEPLOY].decode()
        return {role: names_of(role, workflow) for role in self._platform.repos}

    def routes(self) -> list[Route]:
        """All of them."""
        secrets, variables, env = "secrets:read", "variables:read", "environments:read"
        actions = f"{_REPO}/actions"
        table = [
            (f"{actions}/secrets", self.repository_secrets, "repo", secrets),
            (f"{actions}/variables", self.repository_variables, "repo", variables),
            (f"{actions}/organization-secrets", self.organisation_secrets, "repo", secrets),
            (f"{actions}/organization-variables", self.organisation_variables, "repo", variables),
            (f"{_ENVIRONMENT}/secrets", self.environment_secrets, "repo", env),
            (f"{_ENVIRONMENT}/variables", self.environment_variables, "repo", env),
            (f"{_REPO}/dependabot/alerts", self.dependabot, "security_events", "vulnerability_alerts:read"),
            (f"{_REPO}/code-scanning/alerts", self.code_scanning, "security_events", "security_events:read"),
            (f"{_REPO}/secret-scanning/alerts", self.secret_scanning, "security_events", "secret_scanning_alerts:read"),
        ]
        private = [Route("GET", path, handler, scope, permission) for path, handler, scope, permission in table]
        return [
            Route("GET", _ENVIRONMENTS, self.environments),
            Route("GET", _ENVIRONMENT, self.environment),
            *private,
        ]

    # Names ------------------------------------------------------------------------------------------------------

    def repository_secrets(self, asked: Asked) -> Reply:
        """The repository's own."""
        return self._secrets(asked, self._names(asked).repository_secrets)

    def repository_variables(self, asked: Asked) -> Reply:
        """The repository's own."""
        return self._variables(asked, self._names(asked).repository_variables)

    def organisation_secrets(self, asked: Asked) -> Reply:
        """The organisation's that this repository may use."""
        return self._secrets(asked, self._names(asked).organisation_secrets)

    def organisation_variables(self, asked: Asked) -> Reply:
        """The organisation's that this repository may use."""
        return self._variables(asked, self._names(asked).organisation_variables)

    def environment_secrets(self, asked: Asked) -> Reply:
        """Those of one environment."""
        self._known_environment(asked)
        return self._secrets(asked, self._names(asked).environment_secrets)

    def environment_variables(self, asked: Asked) -> Reply:
        """Those of one environment."""
        self._known_environment(asked)
        return self._variables(asked, self._names(asked).environment_variables)

    def _names(self, asked: Asked) -> Names:
        return self.names[self._platform.repo(asked).role]

    def _known_environment(self, asked: Asked) -> None:
        if asked.arguments["environment_name"] != "production":
            raise not_found()

    def _secrets(self, asked: Asked, found: tuple[Named, ...]) -> Reply:
        return page(asked, found, self._times, key="secrets")

    def _variables(self, asked: Asked, found: tuple[Named, ...]) -> Reply:
        return page(asked, found, lambda one: self._times(one) | {"value": one.value}, key="variables")

    def _times(self, named: Named) -> Json:
        began = self._platform.began_ns
        created = timestamp(began - round(max(CREATED_DAYS, named.days_ago) * DAY))
        return {"name": named.name, "created_at": created, "updated_at": timestamp(began - round(named.days_ago * DAY))}

    # Environments -----------------------------------------------------------------------------------------------

    def environments(self, asked: Asked) -> Reply:
        """The only one there is."""
        repo = self._platform.repo(asked)
        return Reply({"total_count": 1, "environments": [self._environment(repo, asked.base)]})

    def environment(self, asked: Asked) -> Reply:
        """One environment."""
        self._known_environment(asked)
        return Reply(self._environment(self._platform.repo(asked), asked.base))

    def _environment(self, repo: DemoRepo, base: str) -> Json:
        at = timestamp(self._platform.began_ns - CREATED_DAYS * DAY)
        number = runs.PRODUCTION if repo.role == "backend" else runs.PRODUCTION + 1
        reviewers: Json = {
            "id": number + 10,
            "node_id": node_id("GA", number + 10),
            "type": "required_reviewers",
            "prevent_self_review": False,
            "reviewers": runs.reviewers(base),
        }
        return {
            "id": number,
            "node_id": node_id("EN", number),
            "name": "production",
            "url": f"{base}/repos/{repo.full_name}/environments/production",
            "html_url": f"{WEB}/{repo.full_name}/deployments/activity_log?environments_filter=production",
            "created_at": at,
            "updated_at": at,
            "protection_rules": [reviewers],
            "deployment_branch_policy": None,
        }

    # Guards -----------------------------------------------------------------------------------------------------

    def dependabot(self, asked: Asked) -> Reply:
        """Dependabot's alerts: on."""
        repo = self._platform.repo(asked)
        wanted = asked.query.get("state", "").split(",")
        found = [alert for alert in DEPENDABOT if alert.role == repo.role and (wanted == [""] or alert.state in wanted)]
        return cursor_page(
            asked, found, lambda alert: dependabot_alert(repo, alert, self._platform.began_ns, asked.base)
        )

    def code_scanning(self, asked: Asked) -> Reply:
        """Not enabled in one repository, never run in the other."""
        raise self._refusal(asked, _CODE_SCANNING, "code-scanning/code-scanning")

    def secret_scanning(self, asked: Asked) -> Reply:
        """Not permitted in one repository, disabled in the other."""
        raise self._refusal(asked, _SECRET_SCANNING, "secret-scanning/secret-scanning")

    def _refusal(self, asked: Asked, guards: dict[str, _Guard], page_of_docs: str) -> Refusal:
        guard = guards[self._platform.repo(asked).role]
        return Refusal(guard.status, guard.message, documentation=f"{_DOCS}/{page_of_docs}")
