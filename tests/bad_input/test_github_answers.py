"""GitHub answers badly, or not at all: each case has its own code, one sentence, and nothing else is lost."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from refactor_console.adapters import github_errors as errors
from refactor_console.adapters import github_http
from refactor_console.adapters.github_answers import Patience
from refactor_console.domain.alerts import Guard, GuardState
from refactor_console.domain.operations import ApiRequest
from refactor_console.domain.runs import RunState
from tests.github_raw import (
    CALM,
    HASTY,
    REPOSITORY,
    RUNS,
    RawGitHub,
    Reply,
    client,
    limits,
    raw_github,
    reply,
    run,
    runs,
)

CANCEL = ApiRequest("POST", f"{RUNS}/1/cancel")


@pytest_asyncio.fixture
async def server() -> AsyncIterator[RawGitHub]:
    async with raw_github() as started:
        yield started


async def refusal(
    server: RawGitHub | str, token: str | None = "ghp_first", *, patience: Patience = CALM
) -> errors.GitHubError:
    """How asking for the runs fails."""
    async with client(server, token, patience=patience) as github:
        with pytest.raises(errors.GitHubError) as caught:
            await github.runs(REPOSITORY)
    problem = caught.value.problem
    assert problem.summary.endswith((".", "!")), "one sentence"
    assert "ghp_" not in repr(problem), "no token in any problem"
    return caught.value


# -- who may


async def test_an_expired_token_is_told_from_one_that_is_missing(server: RawGitHub) -> None:
    server.on(RUNS, reply(401, {"message": "Bad credentials"}))
    refused = await refusal(server)
    assert refused.problem.code == "token-refused"
    assert "Bad credentials" in refused.problem.summary
    assert (await refusal(server, None)).problem.code == "token-missing"
    assert "authorization" not in server.asked[-1].headers


async def test_who_is_not_signed_in_has_no_account_and_nothing_is_asked(server: RawGitHub) -> None:
    async with client(server, None) as github:
        with pytest.raises(errors.TokenRefused) as caught:
            await github.account()
    assert caught.value.problem.code == "token-missing"
    assert server.asked == []


async def test_a_classic_token_without_the_scope_is_told_which_one(server: RawGitHub) -> None:
    headers = {"X-OAuth-Scopes": "read:org, gist", "X-Accepted-OAuth-Scopes": "repo"}
    server.on(RUNS, reply(403, {"message": "Must have admin rights to Repository."}, headers=headers))
    refused = await refusal(server)
    assert refused.problem.code == "not-permitted"
    assert "lacks the scope repo" in refused.problem.summary


async def test_a_scope_that_includes_the_one_wanted_is_not_called_missing(server: RawGitHub) -> None:
    headers = {"X-OAuth-Scopes": "repo", "X-Accepted-OAuth-Scopes": "public_repo, security_events"}
    server.on(RUNS, reply(403, {"message": "Must have admin rights to Repository."}, headers=headers))
    refused = await refusal(server)
    assert "lacks" not in refused.problem.summary
    assert "role in the repository" in refused.problem.remedy


async def test_a_fine_grained_token_without_the_permission_is_told_which_one(server: RawGitHub) -> None:
    headers = {"X-Accepted-GitHub-Permissions": "actions=read,contents=read; administration=write"}
    words = {"message": "Resource not accessible by personal access token"}
    server.on(RUNS, reply(403, words, headers=headers))
    refused = await refusal(server, "github_pat_1")
    assert "Actions: read and Contents: read or Administration: write" in refused.problem.summary


async def test_single_sign_on_gives_the_address_to_authorise_at(server: RawGitHub) -> None:
    url = "https://github.com/orgs/o/sso?authorization_request=AZSC"
    words = {"message": "Resource protected by organization SAML enforcement."}
    server.on(RUNS, reply(403, words, headers={"X-GitHub-SSO": f"required; url={url}"}))
    refused = await refusal(server)
    assert refused.problem.code == "sso-required"
    assert url in refused.problem.remedy


async def test_a_sign_on_address_that_is_no_web_address_is_not_passed_on(server: RawGitHub) -> None:
    server.on(RUNS, reply(403, {"message": "SAML"}, headers={"X-GitHub-SSO": "required; url=javascript:alert(1)"}))
    refused = await refusal(server)
    assert refused.problem.code == "sso-required"
    assert "javascript" not in refused.problem.remedy


async def test_what_single_sign_on_hides_in_a_list_is_said(server: RawGitHub) -> None:
    headers = {"X-GitHub-SSO": "partial-results; organizations=21955855,20582480"}
    server.on(RUNS, reply(200, runs(run()), headers=headers))
    async with client(server) as github:
        await github.runs(REPOSITORY)
        (note,) = github.drift
        server.on(RUNS, reply(200, runs(run())))
        await github.runs(REPOSITORY)
        assert github.drift == (), "over when the token was authorised"
    assert "21955855,20582480" in note


async def test_not_found_says_that_it_may_only_be_hidden(server: RawGitHub) -> None:
    server.on(RUNS, reply(404, {"message": "Not Found"}))
    refused = await refusal(server)
    assert refused.problem.code == "not-found"
    assert "the token may not see" in refused.problem.summary


async def test_a_token_with_a_line_break_is_never_sent_nor_shown(server: RawGitHub) -> None:
    async with client(server, "ghp_a\nX-Evil: 1") as github:
        with pytest.raises(errors.TokenRefused) as caught:
            await github.runs(REPOSITORY)
    assert "Evil" not in f"{caught.value.problem}{caught.value!r}"
    assert server.asked == []


# -- statuses


@pytest.mark.parametrize(
    ("status", "payload", "code", "words"),
    [
        (409, {"message": "Git Repository is empty."}, "conflict", "Git Repository is empty."),
        (410, {"message": "Gone"}, "gone", "no longer has"),
        (
            422,
            {"message": "Validation Failed", "errors": [{"resource": "Run", "field": "ref", "code": "missing"}]},
            "invalid",
            "Run.ref: missing",
        ),
        (422, {"message": 'Unexpected inputs provided: ["x"]'}, "invalid", "Unexpected inputs"),
        (422, {"message": "Validation Failed", "errors": ["ref is bad", 7, None]}, "invalid", "ref is bad"),
        (418, {"message": "teapot"}, "github-said", "teapot"),
        (500, {"message": "Server Error"}, "server-error", "HTTP 500"),
    ],
)
async def test_each_status_has_its_own_code(
    server: RawGitHub, status: int, payload: object, code: str, words: str
) -> None:
    server.on(RUNS, reply(status, payload))
    refused = await refusal(server)
    assert refused.problem.code == code
    assert words in refused.problem.summary
    assert "ABCD:1234" in refused.problem.detail, "GitHub's request id is evidence"
    assert len(server.asked) == 1, "not asked again at once"


@pytest.mark.parametrize("payload", [b"", b"null", b"[]", b'{"message": 7}', b"<html>\xff</html>", b"[" * 100_000])
async def test_an_error_without_words_is_told_by_its_status(server: RawGitHub, payload: bytes) -> None:
    server.on(RUNS, reply(403, body=payload))
    assert (await refusal(server)).problem.code == "not-permitted"


async def test_words_from_outside_are_made_harmless(server: RawGitHub) -> None:
    server.on(RUNS, reply(403, {"message": "\x1b[2Jno\nway\u202e" + "x" * 5000}))
    refused = await refusal(server)
    assert not any(ord(c) < 32 or ord(c) == 0x202E for c in refused.problem.summary)
    assert len(refused.problem.summary) < 500


async def test_a_gateways_trouble_is_asked_again_a_little_and_then_told(server: RawGitHub) -> None:
    server.on(RUNS, reply(502, body=b"<html>Unicorn!</html>", kind="text/html"), reply(503), reply(200, runs(run())))
    async with client(server) as github:
        assert len((await github.runs(REPOSITORY)).runs) == 1
    assert len(server.asked) == 3
    server.on(RUNS, reply(503))
    assert (await refusal(server)).problem.code == "server-error"
    assert len(server.asked) == 6, "three attempts, no more"


# -- damaged answers


@pytest.mark.parametrize("body", [b'{"total_count": 1, "workflow_runs": [{"id"', b"", b"\xff\xfe\x00", b"[" * 200_000])
async def test_truncated_json_is_malformed(server: RawGitHub, body: bytes) -> None:
    server.on(RUNS, reply(200, body=body))
    assert (await refusal(server)).problem.code == "malformed"


async def test_a_body_shorter_than_it_says_is_asked_again_and_then_told(server: RawGitHub) -> None:
    server.on(RUNS, reply(200, runs(run()), length=100_000))
    assert (await refusal(server)).problem.code == "cut"
    assert len(server.asked) == 3


async def test_an_answer_that_is_no_http_is_told(server: RawGitHub) -> None:
    server.on(RUNS, Reply(b"SSH-2.0-OpenSSH_9.2\r\n"))
    assert (await refusal(server)).problem.code == "cut"


async def test_broken_compression_is_malformed(server: RawGitHub) -> None:
    server.on(RUNS, reply(200, body=b"not gzip at all", headers={"Content-Encoding": "gzip"}))
    assert (await refusal(server)).problem.code == "malformed"


@pytest.mark.parametrize("status", [200, 403, 404])
async def test_a_captive_portal_is_not_taken_for_github(server: RawGitHub, status: int) -> None:
    page = b"<!DOCTYPE html><title>Hotel Wi-Fi: log in</title>"
    server.on(RUNS, reply(status, body=page, kind="text/html", headers={"X-GitHub-Request-Id": ""}))
    refused = await refusal(server)
    assert refused.problem.code == "not-json"
    assert "Hotel Wi-Fi" in refused.problem.detail


async def test_a_body_without_end_is_not_read(server: RawGitHub) -> None:
    bomb = gzip.compress(b" " * (github_http.MOST_JSON + 1))
    server.on(RUNS, reply(200, body=bomb, headers={"Content-Encoding": "gzip"}))
    refused = await refusal(server)
    assert refused.problem.code == "too-large"
    assert "16 MiB" in refused.problem.summary


async def test_a_304_that_nobody_asked_for_is_malformed(server: RawGitHub) -> None:
    server.on(RUNS, reply(304))
    assert (await refusal(server)).problem.code == "malformed"


# -- schema drift


async def test_unknown_fields_and_words_cost_nothing(server: RawGitHub) -> None:
    new = run(2, status="completed", conclusion="quantum", brand_new={"deep": [1]}, event="teleport")
    odd = run(3, status="dreaming", conclusion=None, actor=None, head_branch=None, name=None, pull_requests=None)
    wrong = run(4, run_attempt="x", display_title=[], run_started_at="yesterday", updated_at=5, actor="olga")
    server.on(RUNS, reply(200, runs(new, odd, wrong)))
    async with client(server) as github:
        page = await github.runs(REPOSITORY)
        assert github.drift == ()
    assert [found.state for found in page.runs] == [RunState.UNKNOWN, RunState.UNKNOWN, RunState.SUCCESS]
    assert page.runs[0].raw_state == "completed/quantum"
    assert (page.runs[2].started_at, page.runs[2].title) == (None, "Build")


async def test_one_run_that_cannot_be_read_does_not_lose_the_others(server: RawGitHub) -> None:
    broken = [run(3, id=None), run(4, created_at="soon"), 17, None]
    server.on(RUNS, reply(200, runs(run(1), *broken, run(2))))
    async with client(server) as github:
        page = await github.runs(REPOSITORY)
        assert [found.id for found in page.runs] == [1, 2]
        assert page.skipped == 4
        (note,) = github.drift
        assert note.startswith("4 of the workflow runs of o/n could not be read")
        assert "id" in note
        server.on(RUNS, reply(200, runs(run(1))))
        await github.runs(REPOSITORY)
        assert github.drift == (), "the note goes when all can be read again"


@pytest.mark.parametrize("payload", [[], {"workflow_runs": 5}, {}, "text", {"workflow_runs": [{"name": "no id"}]}])
async def test_a_list_without_anything_readable_is_schema_drift(server: RawGitHub, payload: object) -> None:
    server.on(RUNS, reply(200, payload))
    assert (await refusal(server)).problem.code == "schema-drift"


async def test_a_lone_surrogate_in_a_title_costs_the_character(server: RawGitHub) -> None:
    body = json.dumps(runs(run(1))).replace("A title", "broken \\ud800 title").encode()
    server.on(RUNS, reply(200, body=body))
    async with client(server) as github:
        (found,) = (await github.runs(REPOSITORY)).runs
    assert found.title == "broken ? title"


# -- limits


async def test_a_spent_hour_stops_every_call_until_the_reset(server: RawGitHub) -> None:
    reset = datetime.now(UTC) + timedelta(minutes=20)
    words = {"message": "API rate limit exceeded for user ID 1."}
    server.on(RUNS, reply(403, words, headers=limits(0, reset=reset)))
    async with client(server) as github:
        for _ in range(3):
            with pytest.raises(errors.RateLimited) as caught:
                await github.runs(REPOSITORY)
            assert f"{reset:%H:%M:%S}" in caught.value.problem.summary
            assert caught.value.problem.code == "rate-limited"
        with pytest.raises(errors.RateLimited):
            await github.send(CANCEL)
        assert github.budget is not None
        assert github.budget.paused_until == reset.replace(microsecond=0)
    assert len(server.asked) == 1


async def test_the_last_request_of_the_hour_pauses_before_the_refusal_comes(server: RawGitHub) -> None:
    server.on(RUNS, reply(200, runs(run()), headers=limits(0)))
    async with client(server) as github:
        await github.runs(REPOSITORY)
        with pytest.raises(errors.RateLimited):
            await github.runs(REPOSITORY)
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [403, 429])
async def test_retry_after_is_obeyed_and_ends(server: RawGitHub, status: int) -> None:
    now = datetime.now(UTC)
    words = {"message": "You have exceeded a secondary rate limit."}
    server.on(RUNS, reply(status, words, headers={"Retry-After": "30"}), reply(200, runs(run())))
    async with client(server, clock=lambda: now) as github:
        with pytest.raises(errors.RateLimited) as caught:
            await github.runs(REPOSITORY)
        assert timedelta(seconds=29) < caught.value.until - now < timedelta(seconds=31)
        with pytest.raises(errors.RateLimited):
            await github.runs(REPOSITORY)
        assert len(server.asked) == 1
        now += timedelta(seconds=31)
        await github.runs(REPOSITORY)


async def test_secondary_limits_without_a_time_wait_longer_each_time(server: RawGitHub) -> None:
    now = datetime.now(UTC)
    server.on(RUNS, reply(403, {"message": "You have exceeded a secondary rate limit. Please wait."}))
    waits = []
    async with client(server, clock=lambda: now) as github:
        for _ in range(6):
            with pytest.raises(errors.RateLimited) as caught:
                await github.runs(REPOSITORY)
            waits.append((caught.value.until - now) / timedelta(minutes=1))
            now = caught.value.until + timedelta(seconds=1)
    assert waits == [1, 2, 4, 8, 15, 15]


@pytest.mark.parametrize("header", ["99999999999999999999", "-5", "soon", "Sun, 99 Foo"])
async def test_a_garbled_retry_after_never_pauses_for_more_than_an_hour(server: RawGitHub, header: str) -> None:
    server.on(RUNS, reply(429, {"message": "rate limit"}, headers={"Retry-After": header}))
    refused = await refusal(server)
    assert isinstance(refused, errors.RateLimited)
    assert refused.until < datetime.now(UTC) + timedelta(minutes=66)


@pytest.mark.parametrize("field", ["X-RateLimit-Remaining", "X-RateLimit-Reset", "Date"])
@pytest.mark.parametrize("value", ["", "many", "99999999999999999999", "٣", "-1"])
async def test_garbled_limit_headers_cost_only_the_budget(server: RawGitHub, field: str, value: str) -> None:
    server.on(RUNS, reply(200, runs(run()), headers={**limits(), field: value.encode().decode("latin-1")}))
    async with client(server) as github:
        assert len((await github.runs(REPOSITORY)).runs) == 1
        assert abs(github.now - datetime.now(UTC)) < timedelta(minutes=1)


# -- the way there


async def test_silence_is_a_time_out(server: RawGitHub) -> None:
    server.on(RUNS, Reply(b"", hang=True))
    refused = await refusal(server, patience=HASTY)
    assert refused.problem.code == "timeout"
    assert len(server.asked) == 2, "tried once more"


async def test_a_body_that_never_ends_is_a_time_out(server: RawGitHub) -> None:
    server.on(RUNS, reply(200, body=b'{"workflow_runs": [', length=5000, hang=True))
    assert (await refusal(server, patience=HASTY)).problem.code == "timeout"


async def test_a_body_that_drips_is_a_time_out_too(server: RawGitHub) -> None:
    drips = Patience(read=30.0, whole=0.5, attempts=1)
    server.on(RUNS, reply(200, body=b'{"workflow_runs": [', length=5000, hang=True))
    refused = await refusal(server, patience=drips)
    assert refused.problem.code == "timeout"
    assert "0.5 s" in refused.problem.summary


async def test_a_refused_connection_says_so_and_is_found_again(server: RawGitHub) -> None:
    server.on(RUNS, reply(200, runs(run())))
    async with client(server) as github:
        await github.runs(REPOSITORY)
        await server.stop()
        with pytest.raises(errors.GitHubUnreachable) as caught:
            await github.runs(REPOSITORY)
        assert caught.value.problem.code == "refused"
        await server.start()
        assert len((await github.runs(REPOSITORY)).runs) == 1, "the same client recovers by itself"


async def test_a_client_that_was_closed_asks_nothing_more(server: RawGitHub) -> None:
    server.on(RUNS, reply(200, runs(run())))
    async with client(server) as github:
        await github.runs(REPOSITORY)
        await github.close()
        with pytest.raises(errors.GitHubUnreachable) as caught:
            await github.runs(REPOSITORY)
    assert caught.value.problem.code == "closed"
    assert len(server.asked) == 1


async def test_a_name_that_does_not_resolve_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nowhere(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", nowhere)
    refused = await refusal("https://github.example.invalid/api/v3")
    assert refused.problem.code == "name-unknown"


async def test_a_certificate_nobody_vouches_for_is_not_trusted(tmp_path: Path) -> None:
    async with raw_github(_self_signed(tmp_path)) as server:
        server.on(RUNS, reply(200, runs(run())))
        refused = await refusal(server)
        assert refused.problem.code == "tls"
        assert server.asked == [], "neither token nor request went there"


async def test_a_server_without_tls_behind_https_says_so() -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    plain = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with plain:
        port = plain.sockets[0].getsockname()[1]
        assert (await refusal(f"https://127.0.0.1:{port}")).problem.code == "tls"


async def test_a_token_is_not_sent_unencrypted_to_another_machine() -> None:
    assert (await refusal("http://github.example.invalid/api/v3")).problem.code == "insecure"


# -- redirects and pages


async def test_a_renamed_repository_is_followed_on_the_same_host(server: RawGitHub) -> None:
    server.on(RUNS, reply(301, headers={"Location": f"{server.url}/repositories/5/actions/runs"}))
    server.on("/repositories/5/actions/runs", reply(200, runs(run(9))))
    async with client(server) as github:
        assert [found.id for found in (await github.runs(REPOSITORY)).runs] == [9]


@pytest.mark.parametrize("location", ["http://127.0.0.1:1/x", "https://evil.example/x", "", "http://[", "javascript:1"])
async def test_a_redirect_elsewhere_is_refused(server: RawGitHub, location: str) -> None:
    server.on(RUNS, reply(302, headers={"Location": location}))
    assert (await refusal(server)).problem.code == "redirect-refused"
    assert len(server.asked) == 1


async def test_a_redirect_in_circles_ends(server: RawGitHub) -> None:
    server.on(RUNS, reply(302, headers={"Location": RUNS}))
    assert (await refusal(server)).problem.code == "redirect-refused"
    assert len(server.asked) == 4


async def test_a_next_page_on_another_host_is_refused(server: RawGitHub) -> None:
    server.on(RUNS, reply(200, runs(run()), headers={"Link": '<https://evil.example/x?page=2>; rel="next"'}))
    assert (await refusal(server)).problem.code == "redirect-refused"


async def test_pages_without_end_end(server: RawGitHub) -> None:
    link = f'<{server.url}{RUNS}?page=2>; rel="next", <{server.url}{RUNS}?page=9>; rel="last"'
    server.on(RUNS, reply(200, runs(), headers={"Link": link}))
    async with client(server) as github:
        page = await github.runs(REPOSITORY)
    assert page.complete is False
    assert len(server.asked) <= github_http.MOST_PAGES + 1


async def test_cookies_are_not_kept(server: RawGitHub) -> None:
    server.on(RUNS, reply(200, runs(run()), headers={"Set-Cookie": "spy=1; Path=/"}))
    async with client(server) as github:
        await github.runs(REPOSITORY)
        await github.runs(REPOSITORY)
    assert "cookie" not in server.asked[-1].headers


# -- mutations


async def test_a_mutation_is_never_repeated_and_its_outcome_unknown_after_silence(server: RawGitHub) -> None:
    server.on(CANCEL.path, Reply(b"", hang=True))
    await _unknown(server, HASTY)


@pytest.mark.parametrize("broken", [Reply(b""), Reply(b"HTTP/1.1 "), reply(502), reply(500, {"message": "oops"})])
async def test_a_mutation_with_no_clear_answer_has_an_unknown_outcome(server: RawGitHub, broken: Reply) -> None:
    server.on(CANCEL.path, broken)
    await _unknown(server)


async def test_a_web_page_in_answer_to_a_mutation_is_no_success(server: RawGitHub) -> None:
    server.on(CANCEL.path, reply(200, body=b"<html>", kind="text/html"))
    await _unknown(server)


async def _unknown(server: RawGitHub, patience: Patience = CALM) -> None:
    async with client(server, patience=patience) as github:
        with pytest.raises(errors.OutcomeUnknown) as caught:
            await github.send(CANCEL)
    assert caught.value.problem.code == "outcome-unknown"
    assert len(server.asked) == 1


async def test_a_mutation_that_never_left_is_not_unknown(server: RawGitHub) -> None:
    await server.stop()
    async with client(server) as github:
        with pytest.raises(errors.GitHubUnreachable) as caught:
            await github.send(CANCEL)
    assert caught.value.problem.code == "refused"


@pytest.mark.parametrize(
    "body", [b'{"workflow_run_id"', b"[]", b'{"workflow_run_id": "7"}', b'{"workflow_run_id": -1}']
)
async def test_an_accepted_mutation_stays_accepted_when_its_answer_is_damaged(server: RawGitHub, body: bytes) -> None:
    server.on(CANCEL.path, reply(200, body=body))
    async with client(server) as github:
        assert (await github.send(CANCEL)).run_id is None
    server.on(CANCEL.path, reply(202, body=b"{", length=50))
    async with client(server) as github:
        assert (await github.send(CANCEL)).run_id is None


async def test_a_mutation_is_not_sent_on(server: RawGitHub) -> None:
    server.on(CANCEL.path, reply(307, headers={"Location": f"{server.url}/repositories/5/x"}))
    async with client(server) as github:
        with pytest.raises(errors.GitHubMalformed) as caught:
            await github.send(CANCEL)
    assert caught.value.problem.code == "redirect-refused"
    assert len(server.asked) == 1


async def test_read_only_mode_sends_nothing(server: RawGitHub) -> None:
    async with client(server, read_only=True) as github:
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            with pytest.raises(errors.GitHubReadOnly) as caught:
                await github.send(ApiRequest(method, CANCEL.path))
            assert caught.value.problem.code == "read-only"
    assert server.asked == []


# -- logs of jobs

LOG = "/repos/o/n/actions/jobs/5/logs"


async def test_a_log_is_fetched_from_the_other_host_without_the_token(server: RawGitHub) -> None:
    async with raw_github() as store, client(server) as github:
        server.on(LOG, reply(302, headers={"Location": f"{store.url}/blob?sig=1"}))
        store.on("/blob", reply(200, body=b"\xef\xbb\xbf2026 line\xff\n", kind="text/plain"))
        assert await github.job_log(REPOSITORY, 5) == "2026 line\udcff\n"
        assert "authorization" in server.asked[0].headers
        assert "authorization" not in store.asked[0].headers
        assert store.asked[0].query == {"sig": "1"}


async def test_a_log_in_the_clear_on_another_machine_is_refused(server: RawGitHub) -> None:
    server.on(LOG, reply(302, headers={"Location": "http://logs.example.invalid/blob"}))
    async with client(server) as github:
        with pytest.raises(errors.GitHubMalformed) as caught:
            await github.job_log(REPOSITORY, 5)
    assert caught.value.problem.code == "redirect-refused"


@pytest.mark.parametrize(("status", "code"), [(404, "log-not-yet"), (410, "log-gone"), (500, "server-error")])
@pytest.mark.parametrize("from_store", [False, True])
async def test_a_log_that_is_not_there_says_whether_it_is_yet_to_come(
    server: RawGitHub, status: int, code: str, from_store: bool
) -> None:
    server.on("/blob", reply(status, body=b"<Error/>", kind="application/xml"))
    server.on(LOG, reply(302, headers={"Location": "/blob"}) if from_store else reply(status, {"message": "no"}))
    async with client(server) as github:
        with pytest.raises(errors.GitHubSaid) as caught:
            await github.job_log(REPOSITORY, 5)
    assert caught.value.problem.code == code


# -- guards

_OFF = [
    (Guard.DEPENDABOT, 403, "Dependabot alerts are disabled for this repository."),
    (Guard.CODE_SCANNING, 404, "no analysis found"),
    (Guard.CODE_SCANNING, 403, "Code Security must be enabled for this repository to use code scanning."),
    (Guard.CODE_SCANNING, 403, "Code scanning is not enabled for this repository. Please enable code scanning"),
    (Guard.SECRET_SCANNING, 404, "Secret scanning is disabled on this repository."),
]
_HIDDEN = [
    (403, "Resource not accessible by personal access token"),
    (403, "You are not authorized to perform this operation."),
    (404, "Not Found"),
]
_PATHS = {
    Guard.DEPENDABOT: "/repos/o/n/dependabot/alerts",
    Guard.CODE_SCANNING: "/repos/o/n/code-scanning/alerts",
    Guard.SECRET_SCANNING: "/repos/o/n/secret-scanning/alerts",
}


@pytest.mark.parametrize(("guard", "status", "words"), _OFF)
async def test_a_guard_that_is_off_is_not_a_guard_out_of_sight(
    server: RawGitHub, guard: Guard, status: int, words: str
) -> None:
    server.on(_PATHS[guard], reply(status, {"message": words}))
    async with client(server) as github:
        report = await github.guard(REPOSITORY, guard)
    assert report.state is GuardState.OFF
    assert report.alerts == ()


@pytest.mark.parametrize("guard", list(Guard))
@pytest.mark.parametrize(("status", "words"), _HIDDEN)
async def test_a_guard_out_of_sight_says_what_it_takes(
    server: RawGitHub, guard: Guard, status: int, words: str
) -> None:
    server.on(_PATHS[guard], reply(status, {"message": words}))
    async with client(server) as github:
        report = await github.guard(REPOSITORY, guard)
    assert report.state is GuardState.NOT_PERMITTED
    assert "security_events" in report.sentence


async def test_a_guard_that_cannot_be_asked_is_unknown_and_a_bad_token_an_error(server: RawGitHub) -> None:
    path = _PATHS[Guard.CODE_SCANNING]
    server.on(path, reply(500, {"message": "oops"}))
    async with client(server) as github:
        assert (await github.guard(REPOSITORY, Guard.CODE_SCANNING)).state is GuardState.UNKNOWN
        server.on(path, reply(401, {"message": "Bad credentials"}))
        with pytest.raises(errors.TokenRefused):
            await github.guard(REPOSITORY, Guard.CODE_SCANNING)


async def test_a_found_secret_goes_no_further_than_the_parser(server: RawGitHub) -> None:
    alert = {
        "number": 1,
        "created_at": "2026-11-01T00:00:00Z",
        "secret": "AKIA-VERY-SECRET",
        "secret_type_display_name": "Amazon AWS Access Key ID",
        "validity": "active",
        "first_location_detected": {"path": ".env", "start_line": 3},
    }
    server.on(_PATHS[Guard.SECRET_SCANNING], reply(200, [alert]))
    async with client(server) as github:
        report = await github.guard(REPOSITORY, Guard.SECRET_SCANNING)
        assert "AKIA-VERY-SECRET" not in repr((report, github._http._cache._kept))
    assert server.asked[0].query["hide_secret"] == "true"
    assert report.alerts[0].where == ".env:3"
    assert report.alerts[0].severity == "critical"


async def test_values_of_variables_go_no_further_than_the_parser(server: RawGitHub) -> None:
    item = {
        "name": "DB_HOST",
        "value": "very-private.example",
        "created_at": None,
        "updated_at": "2026-11-01T00:00:00Z",
    }
    path = "/repos/o/n/actions/variables"
    server.on(path, reply(200, {"total_count": 1, "variables": [item]}, headers={"ETag": '"1"'}))
    async with client(server) as github:
        (found,) = await github.variables(REPOSITORY)
        assert "very-private" not in repr((found, github._http._cache._kept))
    assert found.name == "DB_HOST"


# -- branch names, trees, files


@pytest.mark.parametrize("ref", ["feat/x/y", "fix/🚀-ü", "a b#c?d&e=f", "50%", "..", "a+b"])
async def test_a_branch_name_with_slashes_and_emoji_is_asked_for_as_it_is(server: RawGitHub, ref: str) -> None:
    from urllib.parse import unquote

    commit = {"sha": "b" * 40, "commit": {"message": "x", "committer": {"date": "2026-11-01T00:00:00Z"}}}
    async with client(server) as github:
        server.on("/repos/o/n/commits", reply(200, [commit]))
        await github.commits(REPOSITORY, ref)
        assert server.asked[-1].query["sha"] == ref
        with pytest.raises(errors.NotFound):
            await github.compare(REPOSITORY, ref, "main")
        assert unquote(server.asked[-1].path) == f"/repos/o/n/compare/{ref}...main"
        with pytest.raises(errors.NotFound):
            await github.paths(REPOSITORY, ref)
        assert unquote(server.asked[-1].path).endswith(f"/git/trees/{ref}")


async def test_a_cut_tree_is_not_taken_for_the_whole(server: RawGitHub) -> None:
    tree = {"tree": [{"path": "a", "type": "blob"}], "truncated": True}
    server.on("/repos/o/n/git/trees/main", reply(200, tree))
    async with client(server) as github:
        with pytest.raises(errors.GitHubMalformed) as caught:
            await github.paths(REPOSITORY, "main")
    assert caught.value.problem.code == "tree-cut"


async def test_a_directory_is_no_file_and_neither_is_a_picture(server: RawGitHub) -> None:
    async with client(server) as github:
        server.on("/repos/o/n/contents/a", reply(200, [{"name": "x"}]))
        with pytest.raises(errors.NotFound):
            await github.file(REPOSITORY, "a", "main")
        server.on("/repos/o/n/contents/a", reply(200, body=b"\x89PNG\0\0", kind="application/vnd.github.raw+json"))
        with pytest.raises(errors.GitHubMalformed):
            await github.file(REPOSITORY, "a", "main")


@pytest.mark.parametrize("payload", ["!!", "e30=", "bnVsbA==", None, 5])
async def test_an_attestation_that_cannot_be_read_is_found_all_the_same(server: RawGitHub, payload: object) -> None:
    bundle = {"bundle": {"dsseEnvelope": {"payload": payload}}}
    path = "/repos/o/n/attestations/sha256:" + "1" * 64
    server.on(path, reply(200, {"attestations": [bundle, {"bundle": None}]}))
    async with client(server) as github:
        found = await github.attestations(REPOSITORY, "sha256:" + "1" * 64)
    assert [one.predicate_type for one in found] == ["", ""]


def _self_signed(directory: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = directory / "server.pem"
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context
