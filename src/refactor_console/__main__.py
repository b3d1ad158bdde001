"""Run the console with ``python -m refactor_console``."""

from refactor_console.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
