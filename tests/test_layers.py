"""The layers point one way; a change that bends them fails here, with the offending import named."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "refactor_console"
PACKAGE = "refactor_console"

# Which layers of ours a layer may import besides itself.
ALLOWED: dict[str, set[str]] = {
    "domain": set(),
    "adapters": {"domain"},
    "services": {"domain", "adapters"},
    "widgets": {"domain", "services", "theme", "present"},
    "screens": {"domain", "services", "widgets", "theme", "present", "palette"},
    "demo": {"domain"},
}
# Libraries that talk to the outside world or draw, and the only layers that may know them.
KEPT_TO: dict[str, set[str]] = {
    "asyncssh": {"adapters", "demo"},
    "docker": {"adapters"},
    "requests": {"adapters"},
    "urllib3": {"adapters"},
    "textual": {"widgets", "screens", "app", "theme", "palette", "present"},
    "rich": {"widgets", "screens", "app", "theme", "palette", "present"},
    "httpx": {"adapters"},
    "stamina": {"adapters"},
    "keyring": {"adapters"},
    "yaml": {"adapters"},
    "pydantic": {"adapters", "settings"},
    "pydantic_settings": {"settings"},
}
# Standard-library modules that do I/O: nothing for the domain.
IMPURE = {
    "asyncio",
    "http",
    "os",
    "pathlib",
    "random",
    "shutil",
    "socket",
    "ssl",
    "subprocess",
    "tempfile",
    "threading",
}
# Services are plain Python; drawing belongs above them. Widgets may only see what a session offers, never open one.
WIDGETS_MAY_USE_OF_SERVICES = {"feed", "session", "github_door", "log_book", "log_export"}


def modules() -> list[tuple[str, Path]]:
    return [(".".join(p.relative_to(SOURCE).with_suffix("").parts), p) for p in sorted(SOURCE.rglob("*.py"))]


def imports(path: Path) -> list[str]:
    """Every module named in an import statement anywhere in the file, deferred imports included."""
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import; name the module in full"
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


@pytest.mark.parametrize(("module", "path"), modules(), ids=[m for m, _ in modules()])
def test_a_module_imports_only_what_its_layer_may(module: str, path: Path) -> None:
    layer = module.split(".", maxsplit=1)[0]
    for name in imports(path):
        top, *rest = name.split(".")
        if top == PACKAGE and rest:
            target = rest[0]
            if layer in ALLOWED and target != layer and target != "__version__":
                assert target in ALLOWED[layer], f"{module} ({layer}) imports {name}"
            if layer == "widgets" and target == "services":
                assert rest[1] in WIDGETS_MAY_USE_OF_SERVICES, f"{module} reaches past the session: {name}"
        if top in KEPT_TO:
            assert layer in KEPT_TO[top], f"{module} imports {name}, which is kept to {sorted(KEPT_TO[top])}"
        if layer == "domain":
            assert top not in IMPURE, f"{module} imports {name}: the domain does no I/O"


def test_every_module_stays_small_enough_to_read() -> None:
    long = {m: n for m, p in modules() if (n := len(p.read_text(encoding="utf-8").splitlines())) > 420}
    assert not long, f"which noun wants to leave? {long}"


def test_the_version_is_had_without_importing_any_library() -> None:
    code = (
        "import sys; from refactor_console.cli import main\n"
        "try: main(['--version'])\n"
        "except SystemExit: pass\n"
        "heavy = {'textual', 'asyncssh', 'docker', 'pydantic', 'rich'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_first_frame_needs_none_of_the_slow_libraries() -> None:
    code = (
        "import sys, refactor_console.app\n"
        "heavy = {'asyncssh', 'docker', 'requests', 'cryptography', 'keyring'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
