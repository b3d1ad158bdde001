"""The command line: opens the console, on an environment or on the demo world.

Nothing heavy is imported before the arguments are understood, so that ``--help`` and ``--version`` are instant.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from refactor_console import __version__

EPILOG = """\
examples:
  refactor-console demo                    look around: a simulated platform, no account, nothing to break
  refactor-console                         open the environment that the configuration names
  refactor-console -e staging --read-only  another environment, every change refused
  REFACTOR_CONSOLE_HOST=droplet refactor-console
                                           no configuration file at all: production is on this host

configuration:
  ~/.config/refactor-console/config.toml (or --config FILE, or $REFACTOR_CONSOLE_CONFIG):

    [environments.production]
    host = "refactor-droplet"              # all that has to be said; ~/.ssh/config is honoured

  Host keys are always verified. Keys, agent and ProxyJump are those of ssh. Nothing secret belongs in the file.
  GitHub's token is that of GH_TOKEN or GITHUB_TOKEN, of the keyring, or of an existing login of gh; without one
  GitHub's panes say so, and the host's are as live as ever.

exit status:
  0 left by the user   2 wrong usage or setting   1 the console itself failed   143 ended by SIGTERM
"""


def parser() -> argparse.ArgumentParser:
    """The argument parser; the help text is part of the documentation."""
    top = argparse.ArgumentParser(
        prog="refactor-console",
        description="The terminal operations console that an on-call engineer opens first and closes last.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    top.add_argument("-c", "--config", type=Path, metavar="FILE", help="configuration file instead of the usual one")
    top.add_argument("-e", "--environment", metavar="NAME", help="environment to open first")
    _add_common(top)
    verbs = top.add_subparsers(dest="verb", metavar="", title="commands")
    demo = verbs.add_parser("demo", help="open the console on the built-in demo world", description=DEMO)
    _add_common(demo, suppress=True)
    return top


DEMO = """Open the console on a simulated platform that speaks the real protocols (SSH, Docker Engine API, GitHub,
image registry) from a process of its own on this machine. No account, no network, nothing to break; it ends with the
console."""


def _add_common(to: argparse.ArgumentParser, *, suppress: bool = False) -> None:
    """Options that may stand before or after the command."""
    default = argparse.SUPPRESS if suppress else None
    to.add_argument("--read-only", action="store_true", default=default, help="refuse every change, whatever is asked")
    to.add_argument("--theme", metavar="NAME", default=default, help="colour theme, by the name the palette lists")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        The exit status: 0 fine, 2 wrong usage or setting, 1 the console failed.
    """
    options = parser().parse_args(arguments)
    from refactor_console import bootstrap
    from refactor_console.domain.problem import ConsoleError
    from refactor_console.domain.text import visible

    try:
        if options.verb == "demo":
            return bootstrap.demo(read_only=bool(options.read_only), theme=options.theme)
        return bootstrap.console(
            config=options.config,
            environment=options.environment,
            read_only=bool(options.read_only),
            theme=options.theme,
        )
    except ConsoleError as error:
        print(f"refactor-console: {visible(error.problem.summary)}", file=sys.stderr)
        for line in (error.problem.remedy, *error.problem.detail.splitlines()[1:]):
            if line:
                print(f"  {visible(line)}", file=sys.stderr)
        return 2
