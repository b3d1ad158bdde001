"""What a person may set: environments and preferences, from ``config.toml`` and ``REFACTOR_CONSOLE_*`` variables.

A variable beats the file, the file beats the defaults, and the defaults are the platform's own values: on a normal day
a host name is all there is to say::

    [environments.production]
    host = "refactor-droplet"

or ``REFACTOR_CONSOLE_HOST=refactor-droplet``, which names production's host. Nested keys are joined by two underscores
in a variable: ``REFACTOR_CONSOLE_ENVIRONMENTS__STAGING__HOST``. Secrets have no place here.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableVariable

from refactor_console.domain.environment import Environment, SshTarget
from refactor_console.domain.problem import ConsoleError, Problem
from refactor_console.glance import CONFIG_VARIABLE, PREFIX, PRODUCTION, config_path
from refactor_console.settings.explain import explain, where_from
from refactor_console.settings.github import GitHubSettings

_Word = Annotated[
    str, StringConstraints(min_length=1, strip_whitespace=True, pattern=r"^[^\s\x00-\x1f-][^\x00-\x1f]*$")
]
_Unit = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9:_.\\@-]+\.(service|target|socket|timer)$")]
_AbsolutePath = Annotated[str, StringConstraints(pattern=r"^/[^\x00-\x1f]*$")]
_ENVIRONMENT_NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"


class SettingsError(ConsoleError):
    """A setting is wrong or missing; the sentence names the file or variable, the key and what is expected."""


class EnvironmentSettings(BaseModel):
    """One ``[environments.NAME]`` table."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: _Word
    """Host name, tailnet name, address, or an alias of ``~/.ssh/config``."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """SSH port; what ``~/.ssh/config`` says, or 22, when left out."""
    user: _Word | None = None
    """Login; what ``~/.ssh/config`` says, or ``deploy``, when left out."""
    identity_file: _Word | None = None
    """A private key to offer besides the agent's."""
    known_hosts_file: _Word | None = None
    ssh_config_file: _Word | None = None
    connect_timeout: Annotated[float, Field(gt=0, le=120)] = 10.0
    """Seconds."""
    protected: bool = True
    """Whether mutations are confirmed by typing the environment's name."""
    unit: _Unit = "refactor-platform.service"
    compose_directory: _AbsolutePath = "/home/deploy"
    docker_socket: _AbsolutePath = "/var/run/docker.sock"
    services: tuple[_Word, ...] = ("nginx", "migrator", "rust-app", "nextjs-app")
    oneshot_services: tuple[_Word, ...] = ("migrator",)

    def environment(self, name: str) -> Environment:
        """The domain's view of it; ``~`` in file names is expanded here."""

        def expanded(path: str | None) -> str | None:
            return None if path is None else str(Path(path).expanduser())

        return Environment(
            name=name,
            ssh=SshTarget(
                host=self.host,
                port=self.port,
                user=self.user,
                identity_file=expanded(self.identity_file),
                known_hosts_file=expanded(self.known_hosts_file),
                config_file=expanded(self.ssh_config_file),
                connect_timeout=self.connect_timeout,
            ),
            protected=self.protected,
            unit=self.unit,
            compose_directory=self.compose_directory.rstrip("/") or "/",
            docker_socket=self.docker_socket,
            services=self.services,
            oneshot_services=self.oneshot_services,
        )


class Settings(BaseSettings):
    """Everything that may be set."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
    )

    host: _Word | None = None
    """Short for ``environments.production.host``."""
    environments: dict[Annotated[str, StringConstraints(pattern=_ENVIRONMENT_NAME)], EnvironmentSettings] = Field(
        default_factory=dict
    )
    default_environment: str | None = None
    """Which environment opens first; production, or the only or first one, when left out."""
    github: GitHubSettings = Field(default_factory=GitHubSettings)
    """Repositories, GitHub and the registry."""
    read_only: bool = False
    """Refuse every mutation, whatever is asked."""
    theme: str | None = None
    """A theme's name as the palette lists it."""
    keys: dict[str, str] = Field(default_factory=dict)
    """Other keys for actions, by the action's id: ``"containers.restart" = "ctrl+r"``."""
    log_lines: Annotated[int, Field(ge=1_000, le=5_000_000)] = 200_000
    """Log lines held in memory."""
    log_megabytes: Annotated[int, Field(ge=8, le=4_096)] = 128
    """Memory for log lines, in MiB."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is the library's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Variables first, then what `load` read from the file (given as initial values)."""
        return env_settings, init_settings

    def named(self) -> dict[str, EnvironmentSettings]:
        """The environments by name (`load` has put ``host`` among them as production's)."""
        return dict(self.environments)


def load(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> tuple[Settings, Path]:
    """Read the settings.

    Args:
        path: a configuration file that must exist; None looks in the usual place, where it may be absent.
        environ: the process environment (pydantic-settings itself always reads ``os.environ``).

    Returns:
        The settings and the file they are looked for in.

    Raises:
        SettingsError: when a file or variable is wrong.
    """
    file = path or config_path(environ)
    must_exist = path is not None or CONFIG_VARIABLE in environ
    values = _read(file, must_exist)
    _check_variables(environ)
    try:
        return Settings(**_with_short_host(values, environ)), file
    except ValidationError as error:
        raise SettingsError(explain(error, file, values, environ, _siblings)) from error
    except UnreadableVariable as error:
        name = next((n for n in Settings.model_fields if f'"{n}"' in str(error)), "?")
        raise SettingsError(
            Problem(
                f"Variable {PREFIX}{name.upper()}: expected a JSON object, such as {{...}}.",
                "Correct it, or set its keys one by one, joined by two underscores.",
                str(error),
                code="bad-setting",
            )
        ) from error


def environments(settings: Settings, file: Path) -> tuple[tuple[Environment, ...], str]:
    """The environments and the name of the one that opens first.

    Raises:
        SettingsError: when there is none, or the default names none of them.
    """
    named = settings.named()
    if not named:
        raise SettingsError(
            Problem(
                f"No environment is set: {file} has no [environments.{PRODUCTION}] table with a host.",
                f'Write host = "your-host" there, or set {PREFIX}HOST; `refactor-console demo` needs neither.',
                code="no-environment",
            )
        )
    start = settings.default_environment or (PRODUCTION if PRODUCTION in named else next(iter(named)))
    if start not in named:
        raise SettingsError(
            Problem(
                f"{where_from(('default_environment',), file, {}, os.environ)}: "
                f"expected one of {', '.join(sorted(named))}, found '{start}'.",
                code="unknown-environment",
            )
        )
    return tuple(values.environment(name) for name, values in named.items()), start


def check_keys(settings: Settings, file: Path, known: Collection[str]) -> None:
    """Refuse keys for actions that do not exist.

    Raises:
        SettingsError: naming the first such action and the nearest real one.
    """
    for action in settings.keys:
        if action not in known:
            close = difflib.get_close_matches(action, sorted(known), n=1)
            hint = f" Did you mean {close[0]}?" if close else ""
            where = where_from(("keys", action), file, {}, os.environ)
            raise SettingsError(
                Problem(
                    f"{where}: there is no such action.{hint}",
                    "Actions: " + ", ".join(sorted(known)),
                    code="unknown-key",
                )
            )


def _read(file: Path, must_exist: bool) -> dict[str, Any]:
    """The file's values; nothing for an absent file that need not exist."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        if not must_exist:
            return {}
        raise SettingsError(
            Problem(
                f"{file}: there is no such configuration file.", "Create it, or leave --config out.", code="no-file"
            )
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(
            Problem(f"{file}: this is not TOML: {error}.", "Mend that line.", code="bad-toml")
        ) from error
    except UnicodeDecodeError as error:
        raise SettingsError(Problem(f"{file}: this is not UTF-8 text: {error}.", code="bad-toml")) from error
    except OSError as error:
        raise SettingsError(
            Problem(f"{file}: it cannot be read: {error.strerror or error}.", code="unreadable")
        ) from error


def _with_short_host(values: dict[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """``host``, from wherever it was given, as production's, beside whatever else is set of it."""
    host = next((v for n, v in environ.items() if n.upper() == f"{PREFIX}HOST" and v), values.get("host"))
    tables = values.get("environments", {})
    if not isinstance(host, str) or not isinstance(tables, dict) or not isinstance(tables.get(PRODUCTION, {}), dict):
        return values
    return values | {"environments": tables | {PRODUCTION: tables.get(PRODUCTION, {}) | {"host": host}}}


def _known_variables() -> set[str]:
    return {CONFIG_VARIABLE} | {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}


def _check_variables(environ: Mapping[str, str]) -> None:
    """A misspelt variable must not be ignored silently."""
    known = _known_variables()
    for name in sorted(environ):
        upper = name.upper()
        if upper.startswith(PREFIX) and upper.partition("__")[0] not in known:
            close = difflib.get_close_matches(upper, sorted(known), n=1)
            hint = f" Did you mean {close[0]}?" if close else ""
            raise SettingsError(
                Problem(f"Variable {name}: there is no such setting.{hint}", "Unset or rename it.", code="unknown-key")
            )


def _siblings(keys: tuple[str, ...]) -> Collection[str]:
    """The settings that there are in the table of a misspelt one."""
    if len(keys) == 3:
        return EnvironmentSettings.model_fields
    return GitHubSettings.model_fields if keys[0] == "github" and len(keys) == 2 else Settings.model_fields
