"""The ``[github]`` table: which repositories, which GitHub, which registry. Secrets have no place here."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from refactor_console.domain.repos import Platform, Repository

_DEFAULT = Platform()
_Repository = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}/[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$")
]
_Url = Annotated[
    str,
    StringConstraints(
        pattern=r"^(https://[A-Za-z0-9.-]+|http://(localhost|127\.0\.0\.1|\[::1\]))(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?$"
    ),
]
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_Registry = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]*(:[0-9]{1,5})?$")]
_Workflow = Annotated[str, StringConstraints(pattern=r"^\.github/workflows/[^/\x00-\x1f]+\.ya?ml$")]
_File = Annotated[str, StringConstraints(pattern=r"^[^/\x00-\x1f][^\x00-\x1f]*$")]
_Name = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f]+$")]


class GitHubSettings(BaseModel):
    """What may be set of GitHub and the registry; what is left out is the platform's own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = True
    """False: nothing is asked of GitHub or the registry."""
    api_url: _Url = _DEFAULT.api_url
    """``https://HOST/api/v3`` for GitHub Enterprise Server."""
    web_url: _Url | None = None
    """Found from `api_url` when left out. It chooses the token that `api_url` receives: both are one GitHub."""
    backend: _Repository = _DEFAULT.backend.full_name
    frontend: _Repository = _DEFAULT.frontend.full_name
    others: tuple[_Repository, ...] = ()
    """Further repositories whose runs and alerts are watched."""
    registry: _Registry = _DEFAULT.registry
    registry_url: _Url | None = None
    """``https://`` and `registry` when left out."""
    deploy_workflow: _Workflow = _DEFAULT.deploy_workflow
    deploy_repository: _Repository | None = None
    """The backend's when left out."""
    release_workflow: _Workflow = _DEFAULT.release_workflow
    image_workflows: tuple[_Workflow, ...] = _DEFAULT.image_workflows
    github_environment: _Name = _DEFAULT.github_environment
    compose_file: _File = _DEFAULT.compose_file
    rotation_days: Annotated[int, Field(ge=1, le=3_650)] = _DEFAULT.rotation_days
    oauth_client_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{0,100}$")] = ""
    """Of an OAuth app with the device flow enabled; no secret."""

    @field_validator("web_url")
    @classmethod
    def _one_github(cls, web_url: str | None, info: ValidationInfo) -> str | None:
        api_url = info.data.get("api_url")
        if web_url is None or api_url is None:  # a bad api_url is said by itself
            return web_url
        expected, given = urlsplit(_web_of(api_url)), urlsplit(web_url)
        both_here = expected.hostname in _LOOPBACK and given.hostname in _LOOPBACK
        if not both_here and (expected.scheme, expected.netloc.lower()) != (given.scheme, given.netloc.lower()):
            raise PydanticCustomError(
                "other_github",
                "{expected}, the GitHub of api_url, which is sent the token",
                {"expected": _web_of(api_url)},
            )
        return web_url

    def platform(self) -> Platform:
        """The domain's view of it."""
        api_url = self.api_url.rstrip("/")
        return Platform(
            backend=_repository(self.backend),
            frontend=_repository(self.frontend),
            others=tuple(_repository(name) for name in self.others),
            api_url=api_url,
            web_url=(self.web_url or _web_of(api_url)).rstrip("/"),
            registry=self.registry,
            registry_url=(self.registry_url or f"https://{self.registry}").rstrip("/"),
            deploy_workflow=self.deploy_workflow,
            deploy_repository=None if self.deploy_repository is None else _repository(self.deploy_repository),
            github_environment=self.github_environment,
            compose_file=self.compose_file,
            release_workflow=self.release_workflow,
            image_workflows=self.image_workflows,
            rotation_days=self.rotation_days,
        )


def _repository(name: str) -> Repository:
    owner, _, short = name.partition("/")
    return Repository(owner, short)


def _web_of(api_url: str) -> str:
    """Where people look at the GitHub whose API this is: ``api.`` goes, and so does ``/api/v3``."""
    url = urlsplit(api_url)
    return f"{url.scheme}://{url.netloc.removeprefix('api.')}"
