"""Whole journeys in a real terminal on the real droplet, with a configuration as a person would write it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.droplet.droplet import Droplet
from tests.journeys.terminal import Terminal

pytestmark = [pytest.mark.droplet, pytest.mark.tmux, pytest.mark.usefixtures("tmux")]

CONSOLE = (sys.executable, "-m", "refactor_console")


@contextmanager
def console(
    droplet: Droplet,
    directory: Path,
    github: str = "[github]\nenabled = false\n",
    *,
    columns: int = 160,
    rows: int = 45,
    **environ: str,
) -> Iterator[Terminal]:
    """The console in a terminal, told where the host is and how to be let in, and where GitHub is, if anywhere."""
    config = directory / "config" / "refactor-console" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(
        "[environments.production]\n"
        f'host = "{droplet.host}"\n'
        f'identity_file = "{droplet.client_key}"\n'
        f'known_hosts_file = "{droplet.known_hosts}"\n' + github
    )
    with Terminal(CONSOLE, directory, columns=columns, rows=rows, environ=environ) as terminal:
        yield terminal


@contextmanager
def github_and_registry(directory: Path) -> Iterator[str]:
    """The demo world's GitHub and registry alone, as a configuration names them; the host is the real one."""
    argv = [sys.executable, "-m", "refactor_console.demo", "--directory", str(directory), "--quiet"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 30
            while not (directory / "world.json").exists():
                assert process.poll() is None, "the demo world ended"
                assert time.monotonic() < deadline, "the demo world does not come up"
                time.sleep(0.05)  # another process's file, which has no event to wait for
            info = json.loads((directory / "world.json").read_text())
            yield f'[github]\napi_url = "{info["github_url"]}"\nregistry_url = "{info["registry_url"]}"\n'
        finally:
            process.terminate()


def leaves(terminal: Terminal) -> None:
    """Quit by its key; the shell hears that all is well."""
    terminal.keys("q")
    assert terminal.exit_status() == 0


def test_a_look_around_the_real_platform(droplet: Droplet, tmp_path: Path) -> None:
    with console(droplet, tmp_path) as terminal:
        screen = terminal.wait_for(r"active \(exited\)(.|\n)*rust-app +● running|rust-app +● running(.|\n)*\(exited\)")
        assert "production PROTECTED" in screen
        assert "refactor-platform.service" in screen
        assert re.search(r"migrator +✓ done \(exit 0\)", screen)
        for name in ("nginx", "nextjs-app"):
            assert re.search(rf"{name} +● running", screen)
        terminal.keys("2")
        terminal.wait_for(r"Memory")
        terminal.keys("3")
        terminal.wait_for("FOLLOWING")
        word = uuid.uuid4().hex[:12]
        droplet.emit_raw(f"12:00:00 [WARN] journey: looked at {word} [red]x[/]\n".encode())
        terminal.wait_for(rf"WARN.*looked at {word} \[red\]x\[/\]", 10)
        leaves(terminal)


def started_at(droplet: Droplet, name: str) -> str:
    """When the Engine says that a container began its run."""
    return droplet.exec(["docker", "inspect", "--format", "{{.State.StartedAt}}", name]).stdout.strip()


def test_a_restart_in_production_is_typed_done_seen_and_recorded_in_both_places(
    droplet: Droplet, tmp_path: Path
) -> None:
    there = "/home/deploy/.refactor-console/audit.jsonl"
    before = started_at(droplet, "nextjs-app")
    with console(droplet, tmp_path) as terminal:
        terminal.wait_for(r"nextjs-app +● running")
        terminal.keys("2", "Down", "Down", "Down")
        terminal.wait_for(r"─? ?nextjs-app ─")
        terminal.keys("R")
        screen = terminal.wait_for("Type its name")
        assert "Restart nextjs-app in production" in screen
        assert "docker restart --time 10" in screen
        assert started_at(droplet, "nextjs-app") == before, "a preview changes nothing"
        terminal.wait_for(lambda _: "the environment's name" not in terminal.screen(styled=True))
        terminal.type("production")
        terminal.wait_for(r"│ +production +│")
        terminal.keys("Tab", "Tab", "Enter")
        terminal.wait_for("nextjs-app was restarted and is running", 40)
        terminal.keys("Escape")
        terminal.wait_for(lambda s: "Restart nextjs-app in production" not in s)
        leaves(terminal)
    assert started_at(droplet, "nextjs-app") > before
    (file,) = tmp_path.rglob("audit.jsonl")
    here = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(r["stage"], r["action"], r["environment"]) for r in here] == [
        ("intent", "container.restart", "production"),
        ("result", "container.restart", "production"),
    ]
    assert "nextjs-app was restarted and is running" in here[1]["outcome"]
    kept = [json.loads(line) for line in droplet.exec(["cat", there]).stdout.splitlines()]
    assert kept[-2:] == here
    assert droplet.exec(["stat", "-c", "%U %a", there.rpartition("/")[0]]).stdout.split() == ["deploy", "700"]


def test_killed_ssh_sessions_are_shown_and_leave_no_hole(droplet: Droplet, tmp_path: Path) -> None:
    ident, total = uuid.uuid4().hex[:8], 160
    saved = tmp_path / "saved.log"
    with console(droplet, tmp_path) as terminal:
        terminal.wait_for(r"rust-app +● running")
        terminal.keys("2", "Down", "Down", "l")
        terminal.wait_for("FOLLOWING")
        droplet.start_container_numbers(rate=20, total=total, ident=ident)
        terminal.wait_for(rf"id={ident} n=20\b")
        assert droplet.kill_ssh_sessions() > 0
        terminal.wait_for(r"CUT|was cut")
        terminal.wait_for(r"RESUMED|resumed where it was cut")
        terminal.wait_for(rf"id={ident} n={total}\b", 40)
        terminal.keys("S")
        terminal.wait_for(r"save to +\S+\.log")
        terminal.keys("C-u")
        terminal.wait_for(r"save to *\n")  # a binding's key is answered later than characters right behind it
        terminal.type(str(saved))
        terminal.wait_for(re.escape(str(saved)))
        terminal.keys("Enter")
        terminal.wait_for("lines were saved")
        leaves(terminal)
    text = saved.read_text()
    assert [int(n) for n in re.findall(rf"id={ident} n=(\d+)", text)] == list(range(1, total + 1))
    cut, resumed = text.index("-- CUT:"), text.index("-- RESUMED:")
    assert text.index(f"id={ident} n=1 ") < cut < resumed < text.index(f"id={ident} n={total} ")


def test_a_wrong_host_key_is_refused_with_its_fingerprint_and_the_panes_live_on(
    droplet: Droplet, tmp_path: Path
) -> None:
    droplet.set_wrong_host_key()
    try:
        shown = droplet.exec(["ssh-keygen", "-lf", "/etc/ssh/ssh_host_ed25519_key.pub"]).stdout.split()[1]
        with console(droplet, tmp_path) as terminal:
            terminal.wait_for("has CHANGED")
            terminal.keys("d")
            screen = terminal.wait_for("ssh-keygen -R")
            words = re.sub(r"[^\x21-\x7e]+", " ", screen)  # without borders, wherever the lines were broken
            assert shown in words
            assert "Nothing was sent to it" in words
            terminal.keys("Escape")  # alone: with a key right behind it, it is Alt and that key to a terminal
            terminal.wait_for(lambda s: "What to do" not in s)
            terminal.keys("2")
            terminal.wait_for("No connection to")
            terminal.keys("3")
            terminal.wait_for("journal")
            terminal.keys("?")
            terminal.wait_for("Keys that work here")
            terminal.keys("Escape")
            terminal.wait_for(lambda s: "Keys that work here" not in s)
            terminal.keys("1")
            terminal.wait_for("has CHANGED")
            droplet.restore_host_key()
            terminal.keys("r")
            terminal.wait_for(r"rust-app +● running")
            leaves(terminal)
    finally:
        droplet.restore_host_key()


def running_digest(droplet: Droplet, name: str) -> str:
    """The digest in the registry of the image that a container was made of, by the real Engine."""
    image = droplet.exec(["docker", "inspect", "--format", "{{.Image}}", name]).stdout.strip()
    (digest,) = json.loads(
        droplet.exec(["docker", "image", "inspect", "--format", "{{json .RepoDigests}}", image]).stdout
    )
    return str(digest).partition("@")[2]


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (160, 45)])
def test_what_runs_and_what_the_host_holds_is_held_against_github_and_the_registry(
    droplet: Droplet, tmp_path: Path, columns: int, rows: int
) -> None:
    digest = running_digest(droplet, "rust-app").removeprefix("sha256:")
    (tmp_path / "demo").mkdir()
    with (
        github_and_registry(tmp_path / "demo") as github,
        console(droplet, tmp_path, github, columns=columns, rows=rows, GH_ENTERPRISE_TOKEN="demo-token") as terminal,
    ):
        terminal.wait_for(r"rust-app +● running")
        terminal.keys("4")
        terminal.wait_for(r"Runs · \d+ runs.*● live")
        terminal.keys("5")
        terminal.wait_for(rf"▲ rust-app runs {digest[:12]}")
        terminal.keys("7")
        screen = terminal.wait_for(r"RESEND_BASE_URL +✗ never written")
        assert "fake-postgres-password" not in screen, "names, never values"
        terminal.keys("8")
        terminal.wait_for("Dependabot")
        terminal.keys("@")
        terminal.wait_for("oncall-olga")
        terminal.keys("Escape")
        terminal.wait_for(lambda s: "oncall-olga" not in s)
        leaves(terminal)


def test_github_out_of_reach_and_nobody_signed_in_leaves_the_host_as_live_as_ever(
    droplet: Droplet, tmp_path: Path
) -> None:
    nowhere = '[github]\napi_url = "http://127.0.0.1:9"\nregistry_url = "http://127.0.0.1:9"\n'
    with console(droplet, tmp_path, nowhere) as terminal:
        terminal.wait_for(r"active \(exited\)")
        terminal.keys("4")
        terminal.wait_for("Nobody is signed in to GitHub")
        terminal.keys("5")
        terminal.wait_for("✗ failed|could not be")
        terminal.keys("2")
        terminal.wait_for(r"rust-app +● running")
        leaves(terminal)
