"""Writes numbered lines to standard output: `numbered.py ID`, with RATE (a second) and TOTAL (0: endless) set."""

import os
import sys
import time

ident = sys.argv[1]
rate = float(os.environ.get("RATE", "10"))
total = int(os.environ.get("TOTAL", "0"))
sent, begun = 0, time.monotonic()
while not total or sent < total:
    due = int((time.monotonic() - begun) * rate) + 1
    due = min(due, total) if total else due
    if due > sent:
        last = min(due, sent + 1000)
        sys.stdout.write(
            "".join(f"numbered id={ident} n={n} of={total or 'endless'}\n" for n in range(sent + 1, last + 1))
        )
        sys.stdout.flush()
        sent = last
    if sent >= due:
        time.sleep(max(0.002, min(0.05, 1 / rate)))
