"""The dependency alerts of the demo repositories."""

from __future__ import annotations

from dataclasses import dataclass

from refactor_console.demo.github_payloads import WEB
from refactor_console.demo.github_repos import DAY, DemoRepo, sha1
from refactor_console.demo.github_wire import Json, timestamp

_SCORES = {"critical": 9.8, "high": 7.5, "medium": 5.3, "low": 3.1}


@dataclass(frozen=True, slots=True)
class DependencyAlert:
    """One alert of Dependabot."""

    role: str
    number: int
    severity: str
    package: str
    ecosystem: str
    manifest: str
    summary: str
    vulnerable: str
    patched: str
    """First patched version; empty when there is none."""
    days_ago: float
    state: str = "open"


DEPENDABOT = (
    DependencyAlert(
        "frontend", 41, "critical", "next", "npm", "package-lock.json", "Authorization bypass in middleware",
        ">= 15.0.0, < 15.5.4", "15.5.4", 3.2,
    ),
    DependencyAlert(
        "backend", 18, "high", "ring", "rust", "Cargo.lock", "Some AES functions may panic when overflow checks are on",
        "< 0.17.12", "0.17.12", 41.0,
    ),
    DependencyAlert(
        "backend", 23, "low", "rsa", "rust", "Cargo.lock", "Marvin attack: potential key recovery by timing",
        ">= 0", "", 160.5,
    ),
    DependencyAlert(
        "backend", 21, "medium", "tokio", "rust", "Cargo.lock", "Broadcast channel calls clone in parallel",
        "< 1.43.1", "1.43.1", 77.0, "fixed",
    ),
)  # fmt: skip
"""Three open ones, and one that was mended."""


def dependabot_alert(repo: DemoRepo, told: DependencyAlert, began_ns: int, base: str) -> Json:
    """A ``dependabot-alert``."""
    at = timestamp(began_ns - round(told.days_ago * DAY))
    mark = sha1(told.summary)
    ghsa = "-".join(("GHSA", mark[:4], mark[4:8], mark[8:12]))
    cve = f"CVE-2026-{20_000 + told.number * 137}"
    package = {"ecosystem": told.ecosystem, "name": told.package}
    vulnerability = {
        "package": package,
        "severity": told.severity,
        "vulnerable_version_range": told.vulnerable,
        "first_patched_version": {"identifier": told.patched} if told.patched else None,
    }
    fixed = timestamp(began_ns - DAY) if told.state == "fixed" else None
    return {
        "number": told.number,
        "state": told.state,
        "dependency": {
            "package": package,
            "manifest_path": told.manifest,
            "scope": "runtime",
            "relationship": "transitive" if told.ecosystem == "rust" else "direct",
        },
        "security_advisory": {
            "ghsa_id": ghsa,
            "cve_id": cve,
            "summary": told.summary,
            "description": f"### Impact\n\n{told.summary}.",
            "severity": told.severity,
            "identifiers": [{"value": ghsa, "type": "GHSA"}, {"value": cve, "type": "CVE"}],
            "references": [{"url": f"{WEB}/advisories/{ghsa}"}],
            "published_at": at,
            "updated_at": at,
            "withdrawn_at": None,
            "vulnerabilities": [vulnerability],
            "cvss": {"vector_string": None, "score": _SCORES[told.severity]},
            "cwes": [{"cwe_id": "CWE-400", "name": "Uncontrolled Resource Consumption"}],
        },
        "security_vulnerability": vulnerability,
        "url": f"{base}/repos/{repo.full_name}/dependabot/alerts/{told.number}",
        "html_url": f"{WEB}/{repo.full_name}/security/dependabot/{told.number}",
        "created_at": at,
        "updated_at": fixed or at,
        "dismissed_at": None,
        "dismissed_by": None,
        "dismissed_reason": None,
        "dismissed_comment": None,
        "fixed_at": fixed,
        "auto_dismissed_at": None,
    }
