"""GitHub's JSON as domain values: secrets and variables (names and times only), and security alerts.

The models have no field for a variable's value or for a found secret, so neither gets any further than the parser.
"""

from __future__ import annotations

from typing import Annotated

from refactor_console.adapters.github_payloads import Id, Moment, Name, Number, Payload, Record, When, Words
from refactor_console.domain.alerts import Alert, Guard, Severity
from refactor_console.domain.contract import Defined, NameKind, Place
from refactor_console.domain.repos import Repository

_SEVERITY = {
    "critical": Severity.CRITICAL,
    "high": Severity.HIGH,
    "medium": Severity.MEDIUM,
    "moderate": Severity.MEDIUM,
    "low": Severity.LOW,
}
# A rule without a security severity has that of a linter.
_RULE = {"error": Severity.HIGH, "warning": Severity.MEDIUM, "note": Severity.LOW}


class DefinedPayload(Payload):
    """``actions-secret`` and ``actions-variable``."""

    name: Name
    created_at: When = None
    updated_at: When = None

    def value(self, kind: NameKind, place: Place) -> Defined:
        """As the domain has it."""
        return Defined(self.name, kind, place, self.created_at, self.updated_at)


class _Package(Payload):
    ecosystem: Words = ""
    name: Words = ""


class _Dependency(Payload):
    package: Annotated[_Package, Record] = _Package()
    manifest_path: Words = ""


class _Advisory(Payload):
    ghsa_id: Words = ""
    summary: Words = ""
    severity: Words = ""


class _Patched(Payload):
    identifier: Words = ""


class _Vulnerability(Payload):
    severity: Words = ""
    first_patched_version: Annotated[_Patched, Record] = _Patched()


class DependabotPayload(Payload):
    """``dependabot-alert``."""

    number: Id
    dependency: Annotated[_Dependency, Record] = _Dependency()
    security_advisory: Annotated[_Advisory, Record] = _Advisory()
    security_vulnerability: Annotated[_Vulnerability, Record] = _Vulnerability()
    created_at: Moment
    html_url: Words = ""

    def value(self, repository: Repository) -> Alert:
        """As the domain has it."""
        advisory, patched = self.security_advisory, self.security_vulnerability.first_patched_version.identifier
        package = self.dependency.package.name
        return Alert(
            repository=repository,
            guard=Guard.DEPENDABOT,
            number=self.number,
            severity=_SEVERITY.get(self.security_vulnerability.severity or advisory.severity, Severity.UNKNOWN),
            title=": ".join(part for part in (package, advisory.summary or advisory.ghsa_id) if part),
            where=self.dependency.manifest_path,
            created_at=self.created_at,
            html_url=self.html_url,
            remedy=f"Update {package} to {patched} or newer." if patched else "No patched version is known.",
        )


class _Rule(Payload):
    id: Words = ""
    description: Words = ""
    severity: Words = ""
    security_severity_level: Words = ""


class _Tool(Payload):
    name: Words = ""


class _Location(Payload):
    path: Words = ""
    start_line: Number = 0


class _Instance(Payload):
    location: Annotated[_Location, Record] = _Location()


class CodeScanningPayload(Payload):
    """``code-scanning-alert-items``."""

    number: Id
    rule: Annotated[_Rule, Record] = _Rule()
    tool: Annotated[_Tool, Record] = _Tool()
    most_recent_instance: Annotated[_Instance, Record] = _Instance()
    created_at: Moment
    html_url: Words = ""

    def value(self, repository: Repository) -> Alert:
        """As the domain has it."""
        rule = self.rule
        level = _SEVERITY.get(rule.security_severity_level) or _RULE.get(rule.severity, Severity.UNKNOWN)
        return Alert(
            repository=repository,
            guard=Guard.CODE_SCANNING,
            number=self.number,
            severity=level,
            title=": ".join(part for part in (self.tool.name, rule.description or rule.id) if part),
            where=_place(self.most_recent_instance.location),
            created_at=self.created_at,
            html_url=self.html_url,
        )


class SecretScanningPayload(Payload):
    """``secret-scanning-alert``, without the secret."""

    number: Id
    secret_type: Words = ""
    secret_type_display_name: Words = ""
    validity: Words = ""
    first_location_detected: Annotated[_Location, Record] = _Location()
    created_at: Moment
    html_url: Words = ""

    def value(self, repository: Repository) -> Alert:
        """As the domain has it. GitHub grades no secrets: one that still works is critical, any other high."""
        works = self.validity == "active"
        kind = self.secret_type_display_name or self.secret_type or "a secret"
        return Alert(
            repository=repository,
            guard=Guard.SECRET_SCANNING,
            number=self.number,
            severity=Severity.CRITICAL if works else Severity.HIGH,
            title=f"{kind} (still valid)" if works else kind,
            where=_place(self.first_location_detected),
            created_at=self.created_at,
            html_url=self.html_url,
            remedy="Revoke the secret where it was issued, then close the alert.",
        )


def _place(location: _Location) -> str:
    if location.path and location.start_line:
        return f"{location.path}:{location.start_line}"
    return location.path
