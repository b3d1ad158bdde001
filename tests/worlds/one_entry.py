"""Runs inside the droplet: sends one entry by journald's native protocol, and lives until journald has taken it.

journald asks /proc for the unit of whoever wrote an entry. A writer that is gone by then (``logger`` on a busy machine)
leaves an entry without ``_SYSTEMD_UNIT``, which no ``journalctl --unit`` ever shows.

Usage: one_entry.py FILE, with the entry's fields in FILE as in https://systemd.io/JOURNAL_NATIVE_PROTOCOL.
"""

import fcntl
import os
import socket
import subprocess
import sys
from pathlib import Path

entry = os.memfd_create("entry", os.MFD_ALLOW_SEALING)
os.write(entry, Path(sys.argv[1]).read_bytes())
# journald takes a memory file only when nobody can change it any more.
seals = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
fcntl.fcntl(entry, fcntl.F_ADD_SEALS, seals)
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
    journal.connect("/run/systemd/journal/socket")
    socket.send_fds(journal, [b""], [entry])
subprocess.run(["journalctl", "--sync"], check=True)
