"""The words of the demo platform: what its programs print when they start, stop, serve and fail."""

from __future__ import annotations

import random
from dataclasses import dataclass

from refactor_console.demo.clock import SECOND, utc
from refactor_console.demo.images import digest
from refactor_console.demo.services import REVISION, VERSION


@dataclass(frozen=True, slots=True)
class Said:
    """One line that a service prints, so many nanoseconds after the first of its kind."""

    service: str
    text: str
    after_ns: int = 0
    stderr: bool = False


def rust(now_ns: int, level: str, module: str, text: str) -> str:
    """A line as simplelog writes it."""
    return f"{utc(now_ns):%H:%M:%S} [{level}] {module}: {text}"


def starting(service: str, now_ns: int) -> list[Said]:
    """What a service prints when its process begins."""
    match service:
        case "migrator":
            lines = [
                "ℹ️  Starting Refactor Platform entrypoint...",
                "ℹ️  Running in MIGRATOR mode",
                "ℹ️  Running in production environment",
                "ℹ️  Waiting for PostgreSQL to be ready...",
                "✅ PostgreSQL is ready",
                "✅ Running SeaORM migrations...",
                "Applying all pending migrations",
                "No pending migrations",
            ]
        case "rust-app":
            lines = [
                rust(now_ns, "INFO", "refactor_platform_rs", f"Starting Refactor Platform {VERSION} ({REVISION[:7]})"),
                rust(now_ns, "INFO", "service::logging", "Log level filter is INFO"),
                rust(now_ns, "INFO", "service", "Connected to PostgreSQL (pool of 2 to 15 connections, verify-full)"),
                rust(now_ns, "INFO", "domain::jobs", "Session reminder job polls every 5 minutes"),
                rust(now_ns, "INFO", "web", "Server starting... listening for connections on http://0.0.0.0:4000"),
            ]
        case "nextjs-app":
            lines = [
                "   ▲ Next.js 15.5.0",
                "   - Local:        http://localhost:3000",
                "   - Network:      http://0.0.0.0:3000",
                " ✓ Starting...",
                " ✓ Ready in 412ms",
            ]
        case _:
            when = f"{utc(now_ns):%Y/%m/%d %H:%M:%S}"
            lines = [
                "/docker-entrypoint.sh: Configuration complete; ready for start up",
                f'{when} [notice] 1#1: using the "epoll" event method',
                f"{when} [notice] 1#1: nginx/1.25.5",
                f"{when} [notice] 1#1: start worker processes",
                f"{when} [notice] 1#1: start worker process 29",
            ]
    noisy = service == "nginx"
    return [Said(service, line, n * 37_000_000, noisy and n > 0) for n, line in enumerate(lines)]


def stopping(service: str, now_ns: int) -> list[Said]:
    """What a service prints on SIGTERM."""
    match service:
        case "rust-app":
            lines = [rust(now_ns, "INFO", "refactor_platform_rs", "signal 15 received, shutting down")]
        case "nginx":
            when = f"{utc(now_ns):%Y/%m/%d %H:%M:%S}"
            lines = [f"{when} [notice] 1#1: signal 3 (SIGQUIT) received, shutting down", f"{when} [notice] 1#1: exit"]
        case _:
            lines = []
    return [Said(service, line, stderr=service == "nginx") for line in lines]


_AGENTS = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_6) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18 Safari/605.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
)


def _uuid(raw: str) -> str:
    return f"{raw[:8]}-{raw[8:12]}-4{raw[13:16]}-a{raw[17:20]}-{raw[20:32]}"


_PEOPLE = tuple(
    (_uuid(digest(f"user {n}")), f"{network}.{17 + 31 * n}", n)
    for n, network in enumerate(("203.0.113", "198.51.100", "192.0.2", "203.0.113", "198.51.100", "203.0.113"))
)
"""User, address (of the networks kept for documentation, RFC 5737) and a number."""


@dataclass(frozen=True, slots=True)
class _Call:
    method: str
    path: str
    size: int
    module: str
    text: str
    page: str = "/dashboard"
    milliseconds: int = 12


_CALLS = (
    _Call("GET", "/api/coaching_sessions?coaching_relationship_id={id}&sort_by=date", 4211,
          "web::controller::coaching_session_controller", "GET coaching sessions for relationship {id}"),
    _Call("GET", "/api/coaching_sessions/{id}", 912, "domain::coaching_session", "Session {id} loaded in {ms} ms",
          "/coaching-sessions/{id}"),
    _Call("PUT", "/api/actions/{id}/status?value=completed", 431, "domain::action", "Action {id} is now completed",
          "/coaching-sessions/{id}", 21),
    _Call("GET", "/api/actions?coaching_session_id={id}", 1874, "web::controller::action_controller",
          "GET actions of session {id}", "/coaching-sessions/{id}"),
    _Call("GET", "/api/overarching_goals?coaching_session_id={id}", 622, "domain::overarching_goal",
          "1 overarching goal found for session {id}", "/coaching-sessions/{id}"),
    _Call("POST", "/api/agreements", 388, "domain::agreement", "Agreement {id} created", "/coaching-sessions/{id}", 25),
    _Call("GET", "/api/notes?coaching_session_id={id}", 2290, "web::controller::note_controller",
          "GET notes of session {id}", "/coaching-sessions/{id}"),
    _Call("GET", "/api/jwt/generate_collab_token?coaching_session_id={id}", 544, "domain::jwt",
          "Collaboration token issued for document {id}", "/coaching-sessions/{id}", 4),
    _Call("GET", "/api/organizations/{id}/coaching_relationships", 1340, "domain::coaching_relationship",
          "3 coaching relationships for organization {id}"),
    _Call("GET", "/api/users/{user}", 402, "web::middleware::auth", "User {user} authenticated by session cookie"),
    _Call("POST", "/api/login", 366, "web::controller::user_session_controller", "User {user} logged in", "/", 148),
    _Call("GET", "/api/sse", 0, "sse::manager", "Client of user {user} connected ({n} open)"),
)  # fmt: skip
_WEIGHTS = (14, 16, 6, 12, 8, 3, 9, 8, 6, 10, 1, 3)
_PAGES = ("/dashboard", "/coaching-sessions/{id}", "/organizations/{id}/members", "/settings", "/")
_WARNINGS = (
    ("web::error", "Slow query: coaching_sessions by relationship took {slow} ms"),
    ("sse::manager", "Client of user {user} went away without closing its stream"),
    ("domain::oauth", "Google access token of user {user} expires in 4 minutes, refreshing"),
    ("domain::emails", "Resend answered 429, retry 1 of 3 in 2 s"),
    ("sqlx::pool::acquire", "acquired connection, but time to acquire exceeded slow threshold: {slow} ms"),
)
_BACKTRACE = """\

thread 'tokio-runtime-worker' ({thread}) panicked at domain/src/meeting/recall.rs:88:41:
called `Result::unwrap()` on an `Err` value: Timeout {{ after: 10s, url: "https://us-west-2.recall.ai/api/v1/bot/" }}
stack backtrace:
   0: rust_begin_unwind
             at /rustc/17067e9ac6d7e5f9c0d6ab1d87549aaa6ae9e0ee/library/std/src/panicking.rs:697:5
   1: core::panicking::panic_fmt
             at /rustc/17067e9ac6d7e5f9c0d6ab1d87549aaa6ae9e0ee/library/core/src/panicking.rs:75:14
   2: core::result::unwrap_failed
   3: domain::meeting::recall::start_bot::{{{{closure}}}}
             at ./domain/src/meeting/recall.rs:88:41
   4: web::controller::meeting_controller::join::{{{{closure}}}}
             at ./web/src/controller/meeting_controller.rs:61:10
   5: tokio::runtime::task::core::Core<T,S>::poll
note: Some details are omitted, run with `RUST_BACKTRACE=full` for a verbose backtrace."""


def visit(now_ns: int, rng: random.Random) -> list[Said]:
    """The lines that one request leaves in the application, in the frontend and in nginx."""
    user, address, number = rng.choice(_PEOPLE)
    words = {
        "user": user,
        "n": str(3 + number),
        "slow": str(rng.randint(520, 1900)),
        "thread": str(rng.randint(14, 40)),
    }
    words["id"] = _uuid(f"{rng.getrandbits(128):032x}")
    dice = rng.random()
    if dice < 0.22:
        return _page_view(now_ns, rng, address, words)
    call = rng.choices(_CALLS, _WEIGHTS)[0]
    elapsed = max(1, round(call.milliseconds * rng.lognormvariate(0, 0.35)))
    words["ms"] = str(elapsed)
    said: list[Said] = []
    status, size = 200, round(call.size * rng.uniform(0.7, 1.4))
    if dice < 0.228:
        status, size = 500, 77
        at = now_ns + elapsed * 1_000_000
        said = [Said("rust-app", line, elapsed * 1_000_000, stderr=True) for line in _trace(words)]
        failed = f"500 Internal Server Error: starting the meeting bot for session {words['id']} failed"
        said.append(Said("rust-app", rust(at, "ERROR", "web::error", failed), elapsed * 1_000_000))
    elif dice < 0.25:
        module, text = rng.choice(_WARNINGS)
        said = [Said("rust-app", rust(now_ns, "WARN", module, text.format(**words)), elapsed * 1_000_000)]
    elif dice < 0.27:
        status, size = 401, 41
        text = f"No session cookie in {call.method} {call.path.partition('?')[0].format(**words)}"
        said = [Said("rust-app", rust(now_ns, "WARN", "web::middleware::auth", text), 2_000_000)]
    else:
        if call.method in ("POST", "PUT"):
            status = 201 if call.method == "POST" else 200
        said = [Said("rust-app", rust(now_ns, "INFO", call.module, call.text.format(**words)), elapsed * 1_000_000)]
    where = call.path.format(**words)
    page = call.page.format(**words)
    said.append(
        _access(now_ns, (elapsed + 1) * 1_000_000, address, f"{call.method} {where}", status, size, page, number)
    )
    return said


def _page_view(now_ns: int, rng: random.Random, address: str, words: dict[str, str]) -> list[Said]:
    path = rng.choice(_PAGES).format(**words)
    elapsed = rng.randint(14, 90)
    said = [Said("nextjs-app", f" GET {path} 200 in {elapsed}ms", elapsed * 1_000_000)]
    size = rng.randint(6_000, 19_000)
    said.append(_access(now_ns, (elapsed + 1) * 1_000_000, address, f"GET {path}", 200, size, "/", rng.randrange(4)))
    return said


def _access(
    now_ns: int, after_ns: int, address: str, request: str, status: int, size: int, page: str, agent: int
) -> Said:
    when = f"{utc(now_ns + after_ns):%d/%b/%Y:%H:%M:%S} +0000"
    text = (
        f'{address} - - [{when}] "{request} HTTP/2.0" {status} {size} '
        f'"https://myrefactor.com{page}" "{_AGENTS[agent % len(_AGENTS)]}"'
    )
    return Said("nginx", text, after_ns)


def _trace(words: dict[str, str]) -> list[str]:
    return _BACKTRACE.format(**words).split("\n")


def gap(rng: random.Random, rate: float) -> int:
    """Nanoseconds until the next request, at so many a second."""
    return round(min(rng.expovariate(rate), 6 / rate) * SECOND)
