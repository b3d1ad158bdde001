"""What the first frame needs of the configuration, without the tenth of a second that checking it costs.

A glance is only good enough to paint a header; `settings.load` reads everything again, checks it, and has the last word
a moment later. Whatever a glance cannot make sense of it leaves to the check: it never reports an error itself.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

PREFIX = "REFACTOR_CONSOLE_"
CONFIG_VARIABLE = f"{PREFIX}CONFIG"
"""Names a configuration file instead of the usual one."""
PRODUCTION = "production"
_TRUE = ("true", "1", "yes", "on", "t", "y")
_FALSE = ("false", "0", "no", "off", "f", "n")


@dataclass(frozen=True, slots=True)
class Glance:
    """What a header shows, not checked."""

    name: str
    protected: bool
    read_only: bool
    theme: str | None


def config_path(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the configuration file is looked for, existing or not."""
    named = environ.get(CONFIG_VARIABLE)
    return Path(named).expanduser() if named else platformdirs.user_config_path("refactor-console") / "config.toml"


def glance(path: Path | None, environment: str | None = None, environ: Mapping[str, str] = os.environ) -> Glance | None:
    """Look at the configuration; None where only the check can say what is wrong with it.

    Args:
        path: the configuration file, or None for the usual one.
        environment: the environment asked for on the command line.
        environ: the process environment.
    """
    try:
        values = tomllib.loads((path or config_path(environ)).read_text(encoding="utf-8"))
    except FileNotFoundError:
        values = {}
    except (OSError, ValueError):  # TOMLDecodeError and UnicodeDecodeError are ValueErrors
        return None
    variables = {name.upper().removeprefix(PREFIX): value for name, value in environ.items() if value}
    tables = values.get("environments", {})
    if not isinstance(tables, dict):
        return None
    named = list(tables)
    if ("HOST" in variables or "host" in values) and PRODUCTION not in named:
        named.append(PRODUCTION)
    asked = environment or variables.get("DEFAULT_ENVIRONMENT") or values.get("default_environment")
    start = asked or (PRODUCTION if PRODUCTION in named else next(iter(named), None))
    if start not in named:
        return None
    table = tables.get(start, {})
    if not isinstance(table, dict):
        return None
    protected = variables.get(f"ENVIRONMENTS__{str(start).upper()}__PROTECTED", table.get("protected"))
    theme = variables.get("THEME") or values.get("theme")
    return Glance(
        name=str(start),
        protected=not _says(protected, _FALSE),
        read_only=_says(variables.get("READ_ONLY", values.get("read_only")), _TRUE),
        theme=theme if isinstance(theme, str) else None,
    )


def _says(value: Any, words: tuple[str, ...]) -> bool:
    return str(value).strip().lower() in words
