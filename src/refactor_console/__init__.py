"""refactor-console: watch and operate the platform from one terminal.

This module holds the version alone and imports nothing, so that `--version` is instant.
"""

__version__ = "0.1.0"
