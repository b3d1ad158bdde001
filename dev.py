#!/usr/bin/env python3
"""Set the project up and run it: the one thing a fresh machine needs besides Python 3.11+ and git.

    python3 dev.py demo          install into .venv and open the console on the built-in demo world
    python3 dev.py run [ARGS]    the same for the real thing: refactor-console ARGS
    python3 dev.py test [ARGS]   install what the tests need as well and run them: pytest ARGS
    python3 dev.py check         ruff and mypy, as CI runs them
    python3 dev.py lock          write the lock files anew from the ranges in pyproject.toml

Everything is installed from locks/*.txt (exact versions with hashes) into .venv beside this file, and only when those
files changed since the last time. Standard library only.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = Path(os.environ.get("VENV_DIRECTORY") or ROOT / ".venv")
PYTHON = VENV / "bin" / "python"
MINIMUM = (3, 11)


def fail(sentence: str) -> int:
    """Say what is wrong in one sentence."""
    print(f"dev.py: {sentence}", file=sys.stderr)
    return 2


def run(*argv: str | Path) -> None:
    """Run a program in the project's folder; its failure is ours."""
    status = subprocess.run([str(a) for a in argv], cwd=ROOT, check=False).returncode
    if status:
        raise SystemExit(status)


def stamp_of(lock: Path) -> str:
    """What the installation depends on."""
    digest = hashlib.sha256()
    for part in (lock.read_bytes(), (ROOT / "pyproject.toml").read_bytes(), sys.version.encode(), str(ROOT).encode()):
        digest.update(part)
    return digest.hexdigest()


def make_venv() -> None:
    """Create the virtual environment, also where Debian ships Python without ensurepip."""
    made = subprocess.run([sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True, check=False)
    if made.returncode == 0:
        return
    has_pip = subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False)
    if has_pip.returncode == 0:
        run(sys.executable, "-m", "venv", "--clear", "--without-pip", VENV)
        run(sys.executable, "-m", "pip", "--python", VENV, "install", "--quiet", "pip")
        return
    print(made.stdout + made.stderr, file=sys.stderr)
    raise SystemExit(
        fail("this Python cannot make a virtual environment; on Debian and Ubuntu: apt-get install python3-venv")
    )


def install(kind: str) -> None:
    """Bring .venv up to what locks/KIND.txt says; a no-op when it is."""
    lock = ROOT / "locks" / f"{kind}.txt"
    stamp_file = VENV / f".stamp-{kind}"
    stamp = stamp_of(lock)
    if PYTHON.exists() and stamp_file.exists() and stamp_file.read_text() == stamp:
        return
    if not PYTHON.exists():
        make_venv()
    print(f"Installing what '{kind}' needs into {VENV} (once) ...", file=sys.stderr, flush=True)
    pip = (PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    run(*pip, "--require-hashes", "-r", lock)
    run(*pip, "--no-deps", "--no-build-isolation", "--editable", ROOT)
    stamp_file.write_text(stamp)


def replace_by(*argv: str | Path) -> int:
    """Become another program, so that the terminal and signals are wholly its own."""
    os.chdir(ROOT)
    os.execv(str(argv[0]), [str(a) for a in argv])


def lock() -> None:
    """Write the lock files with uv (installed by the dev lock): hashes for every platform, no index named in them."""
    for kind, extras in (("run", ("--extra", "build")), ("dev", ("--extra", "build", "--extra", "dev"))):
        run(
            *(PYTHON, "-m", "uv", "pip", "compile", "pyproject.toml", *extras, "--universal", "--generate-hashes"),
            *("--python-version", "3.11", "--no-emit-index-url", "--no-emit-find-links", "--no-header", "--quiet"),
            *("--no-annotate", "--output-file", f"locks/{kind}.txt"),
        )


def main(arguments: list[str]) -> int:
    """Do what the first argument names."""
    if sys.version_info < MINIMUM:
        return fail(f"Python {'.'.join(map(str, MINIMUM))} or newer is needed, this is {sys.version.split()[0]}")
    verb, *rest = arguments or ["--help"]
    match verb:
        case "demo" | "run":
            install("run")
            return replace_by(VENV / "bin" / "refactor-console", *(["demo"] if verb == "demo" else []), *rest)
        case "test":
            install("dev")
            return replace_by(PYTHON, "-m", "pytest", *rest)
        case "check":
            install("dev")
            run(PYTHON, "-m", "ruff", "check")
            run(PYTHON, "-m", "ruff", "format", "--check")
            run(PYTHON, "-m", "mypy")
            return 0
        case "lock":
            install("dev")
            lock()
            return 0
        case _:
            print(__doc__)
            return 0 if verb in {"-h", "--help", "help"} else 2


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
