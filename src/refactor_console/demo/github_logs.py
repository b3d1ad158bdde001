"""What the runners of the demo's GitHub printed: logs in the form in which GitHub serves them, made when asked for."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from refactor_console.demo.clock import SECOND, utc
from refactor_console.demo.github_repos import sha1
from refactor_console.demo.github_runs import JobState, Run, StepState

_CRATES = (
    "proc-macro2", "unicode-ident", "quote", "syn", "libc", "cfg-if", "serde", "serde_json", "tokio", "bytes",
    "hyper", "tower", "axum", "sqlx-core", "sqlx-postgres", "sea-query", "sea-orm", "chrono", "uuid", "tracing", "log",
    "simplelog", "reqwest", "jsonwebtoken", "password-auth", "utoipa", "clap", "time", "rustls",
)  # fmt: skip
_MEMBERS = (
    "entity",
    "entity_api",
    "domain",
    "service",
    "events",
    "sse",
    "meeting-auth",
    "meeting-ai",
    "web",
    "migration",
)
_TESTS = ("creates_a_goal", "lists_sessions_by_date", "rejects_an_unknown_coach", "renews_a_session", "by_status",
          "keeps_the_order_of_actions", "refuses_a_past_date", "sends_one_email", "finds_nothing")  # fmt: skip
_GREEN, _RED, _YELLOW, _CYAN, _OFF = "\x1b[1m\x1b[32m", "\x1b[1m\x1b[31m", "\x1b[33m", "\x1b[36;1m", "\x1b[0m"
_Lines = Iterator[str]


def job_log(run: Run, job: JobState) -> bytes:
    """The whole log of a job that is over."""
    rng = random.Random(job.plan.id)  # noqa: S311 - scenery
    lines: list[str] = []
    for step in job.steps:
        if step.started_ns is None or step.completed_ns is None or step.conclusion == "skipped":
            continue
        said = list(_step(run, job, step, rng))
        span = step.completed_ns - step.started_ns
        for n, text in enumerate(said):
            at = step.started_ns + span * n // max(1, len(said))
            lines.append(f"{_stamp(at)} {text}")
    # GitHub's logs begin with a byte order mark.
    return ("\ufeff" + "\n".join(lines) + "\n").encode()


def _stamp(nanoseconds: int) -> str:
    """Seven digits of fraction, as .NET writes them."""
    return f"{utc(nanoseconds):%Y-%m-%dT%H:%M:%S}.{nanoseconds % SECOND // 100:07d}Z"


def _step(run: Run, job: JobState, step: StepState, rng: random.Random) -> _Lines:
    if step.name == "Set up job":
        yield from _set_up(run, job)
        return
    if step.name == "Complete job":
        yield "Cleaning up orphan processes"
        return
    if step.name.startswith("Post "):
        yield "Post job cleanup."
        yield "[command]/usr/bin/git version"
        yield "git version 2.51.2"
        return
    command = _COMMANDS.get(step.name, f"echo {step.name!r}")
    yield f"##[group]Run {command.splitlines()[0]}"
    for line in command.splitlines():
        yield f"{_CYAN}{line}{_OFF}"
    yield "shell: /usr/bin/bash -e {0}"
    yield "env:"
    yield "  CARGO_TERM_COLOR: always"
    yield "##[endgroup]"
    failed = step.conclusion == "failure"
    speak = _SPEAKERS.get(step.name)
    if speak is not None:
        yield from speak(run, rng, failed)
    if step.conclusion == "cancelled":
        yield "##[error]The operation was canceled."
    elif failed:
        code = 101 if command.startswith("cargo") else 1
        yield f"##[error]Process completed with exit code {code}."


def _set_up(run: Run, job: JobState) -> _Lines:
    yield "Current runner version: '2.329.0'"
    yield "##[group]Runner Image Provisioner"
    yield "Hosted Compute Agent"
    yield "Version: 20260914.482"
    yield "##[endgroup]"
    yield "##[group]Operating System"
    yield "Ubuntu"
    yield "24.04.3"
    yield "LTS"
    yield "##[endgroup]"
    yield "##[group]GITHUB_TOKEN Permissions"
    yield "Attestations: write"
    yield "Contents: read"
    yield "Packages: write"
    yield "##[endgroup]"
    yield "Secret source: Actions"
    yield "Prepare workflow directory"
    yield "Prepare all required actions"
    yield f"Getting action download info for {run.workflow.file}"
    yield "##[warning]Node.js 20 actions are deprecated: actions/checkout@v4 will be forced to run on Node.js 24."
    yield f"Complete job name: {job.plan.kind.name}"


def _checkout(run: Run, _rng: random.Random, _failed: bool) -> _Lines:
    yield f"Syncing repository: refactor-group/{run.role}"
    yield "##[group]Getting Git version info"
    yield "Working directory is '/home/runner/work/refactor-platform/refactor-platform'"
    yield "[command]/usr/bin/git version"
    yield "git version 2.51.2"
    yield "##[endgroup]"
    yield "##[group]Fetching the repository"
    yield f"[command]/usr/bin/git -c protocol.version=2 fetch --no-tags --prune --depth=1 origin +{run.sha}"
    yield "##[endgroup]"
    yield f"HEAD is now at {run.sha[:7]} {run.title}"


def _compile(_run: Run, rng: random.Random, failed: bool) -> _Lines:
    for crate in _CRATES:
        yield f"{_GREEN}   Compiling{_OFF} {crate} v{rng.randrange(2)}.{rng.randrange(40)}.{rng.randrange(20)}"
    for member in _MEMBERS:
        yield f"{_GREEN}   Compiling{_OFF} {member} v1.0.0-beta3 (/home/runner/work/refactor-platform/{member})"
    if failed:
        yield from _rustc_error("E0308", "mismatched types", "web/src/controller/goal_controller.rs", 118)
        yield f"{_RED}error{_OFF}: could not compile `web` (lib) due to 1 previous error"
    else:
        yield f"{_GREEN}    Finished{_OFF} `dev` profile [unoptimized + debuginfo] target(s) in 1m 52s"


def _rustc_error(code: str, what: str, file: str, line: int) -> _Lines:
    yield f"{_RED}error[{code}]{_OFF}: {what}"
    yield f"   --> {file}:{line}:27"
    yield "    |"
    yield f"{line} |         let found = goals.filter(status);"
    yield "    |                           ^^^^^^ expected `Option<Status>`, found `Status`"
    yield "    |"


def _clippy(_run: Run, rng: random.Random, failed: bool) -> _Lines:
    for crate in rng.sample(_CRATES, 18):
        yield f"{_GREEN}    Checking{_OFF} {crate} v{rng.randrange(2)}.{rng.randrange(40)}.0"
    if failed:
        yield f"{_RED}error{_OFF}: this `if` statement can be collapsed"
        yield "   --> domain/src/goal.rs:204:9"
        yield "    = help: for further information visit https://rust-lang.github.io/rust-clippy/master/#collapsible_if"
        yield f"{_RED}error{_OFF}: could not compile `domain` (lib) due to 1 previous error"
    else:
        yield f"{_YELLOW}warning{_OFF}: the following packages contain code that a future Rust rejects"


def _tests(_run: Run, rng: random.Random, failed: bool) -> _Lines:
    broken = rng.randrange(len(_MEMBERS)) if failed else -1
    for number, member in enumerate(_MEMBERS):
        yield f"{_GREEN}     Running{_OFF} unittests src/lib.rs (target/debug/deps/{member}-{sha1(member)[:16]})"
        yield ""
        yield f"running {len(_TESTS) * 3} tests"
        for group in ("create", "read", "update"):
            for test in _TESTS:
                bad = number == broken and (group, test) == ("read", _TESTS[3])
                yield f"test {group}::{test} ... " + (f"\x1b[31mFAILED{_OFF}" if bad else f"\x1b[32mok{_OFF}")
        yield ""
        if number == broken:
            yield "failures:"
            yield ""
            yield f"---- read::{_TESTS[3]} stdout ----"
            yield f"thread 'read::{_TESTS[3]}' panicked at {member}/src/read.rs:87:9:"
            yield "assertion `left == right` failed"
            yield "  left: 2026-11-23T23:30:00Z"
            yield " right: 2026-11-24T00:30:00+01:00"
            yield "note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace"
            yield ""
            yield f"test result: {_RED}FAILED{_OFF}. {len(_TESTS) * 3 - 1} passed; 1 failed; 0 ignored"
            return
        yield f"test result: \x1b[32mok{_OFF}. {len(_TESTS) * 3} passed; 0 failed; 0 ignored; finished in 0.0{number}s"


def _docker(run: Run, rng: random.Random, failed: bool) -> _Lines:
    yield "##[group]Docker info"
    yield "Client: Docker Engine - Community"
    yield " Version:    28.0.4"
    yield "##[endgroup]"
    for step in range(1, 31):
        yield f"#{step} [builder {step}/30] RUN cargo chef cook --release --recipe-path recipe.json"
        yield f"#{step} DONE {rng.uniform(0.1, 9):.1f}s"
    if failed:
        yield "#31 ERROR: failed to push ghcr.io/refactor-group/refactor-platform-rs: unexpected status: 502"
        yield "##[error]buildx failed with: ERROR: failed to solve: unexpected status: 502 Bad Gateway"
        return
    yield "#31 exporting to image"
    yield "#31 pushing layers 7.4s done"
    yield f"#31 pushing manifest for ghcr.io/refactor-group/refactor-platform:{run.sha}"
    yield "##[group]Metadata"
    yield f'{{"containerimage.digest": "sha256:{sha1(run.sha)}{sha1(run.title)[:24]}"}}'
    yield "##[endgroup]"


def _tailscale(_run: Run, _rng: random.Random, failed: bool) -> _Lines:
    yield "[command]/usr/bin/sudo -E tailscale up --advertise-tags=tag:github-actions --hostname=github-runner"
    if failed:
        yield "backend error: invalid key: API key kdemo9CNTRL not valid"
        yield "##[error]Error: tailscale up failed: The process '/usr/bin/sudo' failed with exit code 1"


def _deploy(_run: Run, _rng: random.Random, failed: bool) -> _Lines:
    yield "  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current"
    yield "Stopping refactor-platform.service"
    yield "WARNING! Your credentials are stored unencrypted in '/home/deploy/.docker/config.json'."
    if failed:
        yield 'Error response from daemon: Head "https://ghcr.io/v2/refactor-group/refactor-platform-rs/manifests/stable"'
        yield "denied: denied"
        return
    yield "Login Succeeded"
    for image in ("refactor-platform-rs", "refactor-platform-fe"):
        yield f"stable: Pulling from refactor-group/{image}"
        yield f"Status: Downloaded newer image for ghcr.io/refactor-group/{image}:stable"
    yield "Starting refactor-platform.service"


def _verify(_run: Run, _rng: random.Random, _failed: bool) -> _Lines:
    yield "● refactor-platform.service - Refactor Platform (Docker Compose)"
    yield "     Loaded: loaded (/etc/systemd/system/refactor-platform.service; enabled; preset: enabled)"
    yield "     Active: active (exited)"
    yield "db-migrator  | No pending migrations"
    yield "Deployment complete"


def _npm(_run: Run, rng: random.Random, failed: bool) -> _Lines:
    for n in range(24):
        name, count = _TESTS[n % len(_TESTS)], rng.randrange(2, 19)
        yield f" \x1b[32m✓{_OFF} __tests__/components/ui/{name}.test.tsx ({count} tests)"
    if failed:
        yield f" \x1b[31m×{_OFF} __tests__/lib/time.test.ts > formats a date in the user's time zone"
        yield "##[error]AssertionError: expected '23 Nov' to be '24 Nov'"
    yield f" Test Files  {25 if failed else 24} in all"


_COMMANDS = {
    "Checkout repository": "actions/checkout@v4",
    "Install Rust toolchain": "dtolnay/rust-toolchain@stable",
    "Cache cargo": "Swatinem/rust-cache@v2",
    "Check formatting": "cargo fmt --all -- --check",
    "Run clippy": "cargo clippy --workspace --all-targets -- -D warnings",
    "Build workspace": "cargo build --workspace --all-targets",
    "Run tests": "cargo test --workspace --features mock",
    "Build and push": "docker/build-push-action@v6",
    "Connect to Tailscale": "tailscale/github-action@v3",
    "Deploy on the server": 'ssh -i ~/.ssh/id_ed25519 "***@***" bash -s',
    "Create .env file": "cat <<EOF > .env\nBACKEND_IMAGE_NAME=ghcr.io/refactor-group/refactor-platform-rs:stable\n"
    "POSTGRES_PASSWORD=***\nEOF",
    "Lint": "npm run lint",
    "Run unit tests": "npm run test:run",
}
_SPEAKERS: dict[str, Callable[[Run, random.Random, bool], _Lines]] = {
    "Checkout repository": _checkout,
    "Build workspace": _compile,
    "Run clippy": _clippy,
    "Run tests": _tests,
    "Build and push": _docker,
    "Connect to Tailscale": _tailscale,
    "Deploy on the server": _deploy,
    "Verify the deployment": _verify,
    "Lint": _npm,
    "Run unit tests": _npm,
}
