#!/usr/bin/env python3
"""Stand-in for the backend's migration tool: `migrationctl {up|down|status} [-n N] [-s SCHEMA]`.

Behaves like SeaORM's: the order is that of a list and not of the names, one transaction holds the whole run, what was
applied is kept in `seaql_migrations(version, applied_at)`, and nothing runs at all when the database has a migration
that this image lacks.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "migrations"


class MigrationError(Exception):
    """The run cannot go on; the message says why."""


def known() -> list[str]:
    """The migrations of this image, in the order in which they run."""
    names = [line.strip() for line in (FOLDER / "order.txt").read_text(encoding="utf-8").splitlines()]
    limit = int(os.environ.get("STANDIN_MIGRATIONS", "99"))
    return [name for name in names if name and not name.startswith("#")][:limit]


def psql(schema: str, script: str) -> str:
    """Run a script in one transaction and return its rows, one a line."""
    url = os.environ.get("DATABASE_URL")
    if not url:
        raise MigrationError("DATABASE_URL is not set.")
    command = ["psql", url, "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--single-transaction"]
    head = f'SET client_min_messages = warning; SET search_path TO "{schema}";\n'
    done = subprocess.run(
        [*command, "--set", "ON_ERROR_STOP=1"], input=head + script, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise MigrationError(f"Execution Error: {done.stderr.strip()}")
    return done.stdout


def applied(schema: str) -> list[str]:
    """The migrations that the database says it has, and a refusal when this image does not know one of them."""
    rows = psql(
        schema,
        "CREATE TABLE IF NOT EXISTS seaql_migrations"
        " (version varchar NOT NULL PRIMARY KEY, applied_at bigint NOT NULL);\n"
        "SELECT version FROM seaql_migrations ORDER BY version;\n",
    ).split()
    names = known()
    for version in rows:
        if version not in names:
            raise MigrationError(
                f"Migration file of version '{version}' is missing, "
                "this migration has been applied but its file is missing"
            )
    return [name for name in names if name in rows]


def up(schema: str, count: int | None) -> None:
    """Apply what is pending."""
    done = applied(schema)
    pending = [name for name in known() if name not in done][:count]
    print("Applying all pending migrations" if count is None else f"Applying {count} migrations")
    if not pending:
        print("No pending migrations")
        return
    script = []
    for name in pending:
        script.append((FOLDER / f"{name}.sql").read_text(encoding="utf-8"))
        script.append(f"INSERT INTO seaql_migrations VALUES ('{name}', {int(time.time())});\n")
    psql(schema, "\n".join(script))
    for name in pending:
        print(f"Applying migration '{name}'")
        print(f"Migration '{name}' has been applied")


def down(schema: str, count: int) -> None:
    """Take back the last so many."""
    chosen = list(reversed(applied(schema)))[:count]
    print(f"Rolling back {count} applied migrations")
    script = []
    for name in chosen:
        undo = FOLDER / f"{name}.down.sql"
        if not undo.exists():
            raise MigrationError(f"Migration '{name}' cannot be rolled back")
        script.append(undo.read_text(encoding="utf-8"))
        script.append(f"DELETE FROM seaql_migrations WHERE version = '{name}';\n")
    psql(schema, "\n".join(script))
    for name in chosen:
        print(f"Rolling back migration '{name}'")
        print(f"Migration '{name}' has been rollbacked")


def status(schema: str) -> None:
    """Say for each migration whether it is applied."""
    done = applied(schema)
    print("Checking migration status")
    for name in known():
        print(f"Migration '{name}'... {'Applied' if name in done else 'Pending'}")


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="migrationctl")
    parser.add_argument("command", choices=["up", "down", "status"])
    parser.add_argument("-n", "--num", type=int)
    parser.add_argument("-s", "--database-schema", default=os.environ.get("DATABASE_SCHEMA", "public"))
    options = parser.parse_args()
    try:
        if options.command == "up":
            up(options.database_schema, options.num)
        elif options.command == "down":
            down(options.database_schema, options.num or 1)
        else:
            status(options.database_schema)
    except MigrationError as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
