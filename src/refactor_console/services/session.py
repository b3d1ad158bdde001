"""What screens and the command line may ask of one environment.

`ConsoleSession` is the only door between what people see and what the services do. `services.live` opens the real one;
tests give screens a double with fixed readings.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from refactor_console.domain.actions import ActionOutcome, ActionPreview, Verb
from refactor_console.domain.containers import ContainerBoard, ContainerDetails, EngineInfo, ProcessTable
from refactor_console.domain.environment import Environment
from refactor_console.domain.logs import LogBatch, SourceKind, SourceProgress
from refactor_console.domain.unit import UnitStatus
from refactor_console.domain.vitals import HostIdentity, HostVitals
from refactor_console.services.feed import Feed, Unsubscribe
from refactor_console.services.github_door import GitHubDoor


class LogSource(Protocol):
    """One stream of log lines, followed from the session's start, resumed by itself after a cut."""

    @property
    def key(self) -> str:
        """Unique in the environment, such as ``container:rust-app``."""

    @property
    def label(self) -> str:
        """What people call it, such as ``rust-app``."""

    @property
    def kind(self) -> SourceKind:
        """Where its lines come from."""

    @property
    def feed(self) -> Feed[SourceProgress]:
        """How it is doing."""


class LogHub(Protocol):
    """Every log source of an environment."""

    def sources(self) -> tuple[LogSource, ...]:
        """The sources known now: the unit's journal first, then containers as the board orders them."""

    def subscribe(self, listener: Callable[[LogBatch], None]) -> Unsubscribe:
        """Call `listener` with every batch of every source from now on: some 20 times a second and source,
        a flood in several batches each time."""

    def subscribe_sources(self, listener: Callable[[], None]) -> Unsubscribe:
        """Call `listener` whenever the tuple of sources changes."""


class ConsoleSession(Protocol):
    """One environment, watched and operated. All methods are called on the event loop's thread and never block it."""

    @property
    def environment(self) -> Environment:
        """What is being looked at."""

    @property
    def read_only(self) -> bool:
        """Whether every mutation is refused."""

    @property
    def link(self) -> Feed[HostIdentity]:
        """The SSH connection: its failure explains everyone else's."""

    @property
    def unit(self) -> Feed[UnitStatus]:
        """The systemd unit."""

    @property
    def vitals(self) -> Feed[HostVitals]:
        """Load, memory, disks, clock."""

    @property
    def engine(self) -> Feed[EngineInfo]:
        """The Docker Engine."""

    @property
    def containers(self) -> Feed[ContainerBoard]:
        """Containers with their use; published at most about once a second, sooner when a state changes."""

    @property
    def logs(self) -> LogHub:
        """The log sources."""

    @property
    def github(self) -> GitHubDoor:
        """GitHub and the registry."""

    def start(self) -> None:
        """Begin to watch; returns at once, the feeds tell the rest."""

    async def close(self) -> None:
        """Stop watching and close the connection; waits a few seconds at most."""

    def retry_now(self) -> None:
        """End every wait between attempts: a person asked."""

    async def inspect(self, container_id: str) -> ContainerDetails:
        """Everything worth knowing of one container, environment values masked.

        Raises:
            ConsoleError: with the problem to show.
        """

    async def top(self, container_id: str) -> ProcessTable:
        """The processes of one container.

        Raises:
            ConsoleError: with the problem to show.
        """

    async def preview(self, verb: Verb, container_id: str) -> ActionPreview:
        """Observe the container afresh and say exactly what the verb would do. Changes nothing.

        Raises:
            ConsoleError: read-only, the container is gone, or the verb does not fit its present state.
        """

    async def perform(self, preview: ActionPreview, typed: str) -> ActionOutcome:
        """Do what was previewed, with an audit record before and after; waits until the Engine says it is done.

        Args:
            preview: the very object that was shown.
            typed: what the person typed; must equal ``preview.confirm_word`` where typing is asked for.

        Raises:
            ConsoleError: refused (read-only, wrong word, the container changed since), or failed.
        """
