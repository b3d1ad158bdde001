"""What can go wrong with a droplet.

DropletError
├── RequirementMissing   this machine lacks something
├── BuildFailed          the disk image could not be made
├── NoFreeNetwork        every address range is taken
├── NotRunning           no such instance, or it is switched off
├── TimedOut             a condition did not come true in time
└── CommandFailed        a command ended with another status than 0
"""

from __future__ import annotations

from collections.abc import Sequence


class DropletError(Exception):
    """The root of all errors here; the message is a sentence for a person."""


class RequirementMissing(DropletError):
    """This machine lacks something that a droplet needs."""


class BuildFailed(DropletError):
    """The disk image could not be made."""


class NoFreeNetwork(DropletError):
    """Every address range that an instance could have is in use."""


class NotRunning(DropletError):
    """There is no instance of that name, or it is switched off."""


class TimedOut(DropletError):
    """A condition did not come true in time."""


class CommandFailed(DropletError):
    """A command ended with another status than 0."""

    def __init__(self, argv: Sequence[str], status: int, stderr: str) -> None:
        self.argv = tuple(argv)
        self.status = status
        self.stderr = stderr
        said = f": {stderr.strip()[-2000:]}" if stderr.strip() else ", and said nothing"
        super().__init__(f"`{' '.join(argv)}` ended with status {status}{said}")
