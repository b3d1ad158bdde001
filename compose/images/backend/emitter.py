"""Writes log lines on demand: numbered ones at a rate, raw bytes, very long ones."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import BinaryIO

_lock = threading.Lock()


def write(stream: BinaryIO, data: bytes) -> None:
    """Write whole lines; two threads never share one."""
    with _lock:
        stream.write(data)
        stream.flush()


def line(level: str, module: str, text: str) -> bytes:
    """One line as the backend's logger writes it."""
    return f"{time.strftime('%H:%M:%S', time.gmtime())} [{level}] {module}: {text}\n".encode()


@dataclass(frozen=True)
class Job:
    """A row of numbered lines: `total` 0 means without end."""

    ident: str
    rate: float
    total: int
    level: str = "INFO"
    module: str = "refactor_platform_rs::numbered"


class Emitter:
    """One running job; `sent` tells how far it is."""

    def __init__(self, job: Job, stream: BinaryIO) -> None:
        self.job = job
        self.sent = 0
        self._stream = stream
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"emit-{job.ident}", daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether lines are still to come."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Stop after the line being written."""
        self._stop.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        job, begun = self.job, time.monotonic()
        while not self._stop.is_set() and (not job.total or self.sent < job.total):
            due = int((time.monotonic() - begun) * job.rate) + 1
            if job.total:
                due = min(due, job.total)
            if due > self.sent:
                batch = range(self.sent + 1, min(due, self.sent + 1000) + 1)
                of = job.total or "endless"
                write(
                    self._stream,
                    b"".join(line(job.level, job.module, f"numbered id={job.ident} n={n} of={of}") for n in batch),
                )
                self.sent = batch[-1]
            if self.sent >= due:
                self._stop.wait(max(0.002, min(0.05, 1 / job.rate)))
