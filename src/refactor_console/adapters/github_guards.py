"""Which guards of a repository are on, told from how GitHub answers when asked for their alerts.

GitHub uses the same two statuses for "switched off" and for "you may not look"; only its words tell them apart:

- Dependabot: 403 "Dependabot alerts are disabled for this repository.";
- code scanning: 404 "no analysis found", 403 "Code scanning is not enabled for this repository", 403 "Advanced Security
  (or Code Security) must be enabled for this repository to use code scanning.";
- secret scanning: 404 "Secret scanning is disabled on this repository.";
- no rights: 403 "Resource not accessible by personal access token", 403 "You are not authorized to perform this
  operation.", or a bare 404 "Not Found".
"""

from __future__ import annotations

from collections.abc import Callable

from refactor_console.adapters import github_errors as errors
from refactor_console.adapters import github_payloads as payloads
from refactor_console.adapters import github_refusals
from refactor_console.adapters.github_answers import Answer, Listing
from refactor_console.adapters.github_http import GitHubHttp
from refactor_console.adapters.github_payloads_guards import (
    CodeScanningPayload,
    DependabotPayload,
    SecretScanningPayload,
)
from refactor_console.domain.account import Need, TokenKind, what_it_takes
from refactor_console.domain.alerts import Alert, Guard, GuardReport, GuardState
from refactor_console.domain.repos import Repository

MOST_ALERTS = 1_000

_PATH = {
    Guard.DEPENDABOT: "dependabot/alerts",
    Guard.CODE_SCANNING: "code-scanning/alerts",
    Guard.SECRET_SCANNING: "secret-scanning/alerts",
}
_NEED = {
    Guard.DEPENDABOT: Need.DEPENDABOT,
    Guard.CODE_SCANNING: Need.CODE_SCANNING,
    Guard.SECRET_SCANNING: Need.SECRET_SCANNING,
}


async def report(http: GitHubHttp, path: str, repository: Repository, guard: Guard) -> GuardReport:
    """Ask for a guard's open alerts, at most `MOST_ALERTS`.

    Args:
        http: the client.
        path: the repository's, quoted.
        repository: whose guard.
        guard: which.

    Raises:
        GitHubError: GitHub could not be reached, the token is not accepted, or we are to wait: nothing that is said of
            this guard in particular.
    """
    what = f"the {guard.value} alerts of {repository}"
    params: dict[str, str | int] = {"state": "open"}
    if guard is Guard.SECRET_SCANNING:
        params |= {"hide_secret": "true"}
    try:
        found = await http.listed(
            f"{path}/{_PATH[guard]}", what, _parser(repository, guard, what), params=params, limit=MOST_ALERTS
        )
    except (errors.NotPermitted, errors.NotFound) as refusal:
        return _refused(refusal, http.kind, repository, guard)
    except (errors.GitHubSaid, errors.GitHubMalformed) as error:
        if isinstance(error, errors.TokenRefused):
            raise
        return GuardReport(repository, guard, GuardState.UNKNOWN, error.problem.summary)
    sentence = f"{_title(guard)} is on: {_count(found)}."
    if found.skipped:
        sentence += f" {found.skipped} could not be read ({found.reason})."
    return GuardReport(repository, guard, GuardState.ON, sentence, found.items, found.complete and not found.skipped)


def _parser(repository: Repository, guard: Guard, what: str) -> Callable[[Answer], Listing[Alert]]:
    match guard:
        case Guard.DEPENDABOT:
            return lambda answer: payloads.many(
                DependabotPayload, answer.json(), what, lambda item: item.value(repository)
            )
        case Guard.CODE_SCANNING:
            return lambda answer: payloads.many(
                CodeScanningPayload, answer.json(), what, lambda item: item.value(repository)
            )
        case Guard.SECRET_SCANNING:
            return lambda answer: payloads.many(
                SecretScanningPayload, answer.json(), what, lambda item: item.value(repository)
            )


def _refused(refusal: errors.GitHubSaid, kind: TokenKind | None, repository: Repository, guard: Guard) -> GuardReport:
    if github_refusals.says_not_enabled(refusal.words):
        never = guard is Guard.CODE_SCANNING and "no analysis" in refusal.words.lower()
        sentence = (
            f"Code scanning has never analysed {repository}: add a code scanning workflow, or switch on its default "
            "set-up (Settings, Advanced Security)."
            if never
            else f"{_title(guard)} is not enabled for {repository}: switch it on under Settings, Advanced Security."
        )
        return GuardReport(repository, guard, GuardState.OFF, sentence)
    if refusal.problem.code == "sso-required":
        sentence = f"{refusal.problem.summary} {refusal.problem.remedy}"
    elif kind is None:
        sentence = f"{_title(guard)} alerts are shown to those who are signed in only: whether it is on is not known."
    else:
        takes = what_it_takes(_NEED[guard], kind)
        sentence = (
            f"This token may not see {guard.value} alerts of {repository} (it takes {takes}, and the right to see "
            "security alerts there): whether the guard is on is not known."
        )
    return GuardReport(repository, guard, GuardState.NOT_PERMITTED, sentence)


def _title(guard: Guard) -> str:
    return guard.value[0].upper() + guard.value[1:]


def _count(found: Listing[Alert]) -> str:
    number = len(found.items)
    if not number and not found.skipped:
        return "no open alert"
    return f"{'' if found.complete else 'at least '}{number} open alert{'' if number == 1 else 's'}"
