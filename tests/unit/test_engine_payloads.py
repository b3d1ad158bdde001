"""The Engine's JSON and log frames as values: tolerant of everything, and never a secret past this door."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refactor_console.adapters import engine_payloads as payloads
from refactor_console.adapters.engine_errors import EngineMalformed, EngineSaid
from refactor_console.adapters.engine_logs import LONGEST_LINE, PART_SIZE, LogDecoder, since_parameter
from refactor_console.adapters.engine_stats import parse_counters, usage_between
from refactor_console.domain.containers import ContainerState, Health
from refactor_console.domain.logs import Level
from tests.services.engine_server import frame, inspected, stamp, stats_payload

NS = 1_767_225_600_123_456_789
STAMP = stamp(NS).encode()

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-01-01T00:00:00.123456789Z", NS),
        ("2026-01-01T01:00:00.123456789+01:00", NS),
        ("2025-12-31T19:00:00.1+00:00", 1_767_207_600_100_000_000),
        ("0001-01-01T00:00:00Z", None),
        ("2026-13-01T00:00:00Z", None),
        ("yesterday", None),
        (None, None),
        (7, None),
    ],
)
def test_times_keep_their_nanoseconds_and_gos_zero_time_is_none(text: object, expected: int | None) -> None:
    assert payloads.parse_time_ns(text) == expected


def test_a_container_is_read_with_its_compose_labels_and_states() -> None:
    payload = inspected("a" * 64, "rust-app", Health={"Status": "unhealthy", "Log": [{"ExitCode": 1, "Output": "no"}]})
    container = payloads.parse_container(payload)
    assert (container.name, container.service, container.state) == ("rust-app", "rust-app", ContainerState.RUNNING)
    assert container.health is Health.UNHEALTHY
    assert container.probes[0].output == "no"
    assert container.started_at == datetime(2026, 1, 1, 0, 0, 1, 123456, tzinfo=UTC)
    assert container.finished_at is None
    assert container.exit_code is None


def test_an_exit_code_counts_only_after_an_end() -> None:
    ended = {"Status": "exited", "ExitCode": 137, "FinishedAt": "2026-01-01T00:00:02Z", "OOMKilled": True}
    container = payloads.parse_container(inspected("a", "x", **ended))
    assert container.exit_code == 137
    assert container.oom_killed
    again = {**ended, "Status": "running", "ExitCode": 0}
    assert payloads.parse_container(inspected("a", "x", **again)).exit_code is None


def test_an_unknown_state_and_missing_or_null_keys_cost_a_field_and_not_the_pane() -> None:
    container = payloads.parse_container({"Id": "f" * 64, "Name": None, "State": None, "Config": {"Labels": None}})
    assert container.state is ContainerState.UNKNOWN
    assert container.name == "f" * 12
    assert payloads.parse_container(inspected("a", "x", Status="levitating")).state is ContainerState.UNKNOWN


@given(json_values, st.sampled_from(["State", "Config", "HostConfig", "Name", "Mounts", "NetworkSettings", "Args"]))
def test_any_json_in_any_place_is_survived(value: Any, key: str) -> None:
    payload = inspected("a", "x") | {key: value}
    assert payloads.parse_details(payload, datetime.now(UTC)).container.id == "a"
    parse_counters({"read": "2026-01-01T00:00:00Z", "memory_stats": {"usage": 1, "stats": value}, "cpu_stats": value})
    payloads.parse_event(value)
    payloads.parse_info(value, value)
    payloads.parse_top(value)


@pytest.mark.parametrize("payload", [None, [], {}, {"Id": 7}, "text"])
def test_an_answer_without_an_id_is_called_malformed(payload: object) -> None:
    with pytest.raises(EngineMalformed) as caught:
        payloads.parse_container(payload)
    assert caught.value.problem.code == "malformed"


def test_the_digest_of_the_images_own_repository_is_chosen() -> None:
    container = payloads.parse_container(inspected("a", "x"))
    digests = payloads.parse_image_digests({"RepoDigests": ["other/n@sha256:1", "ghcr.io/o/n@sha256:2", None]})
    assert payloads.with_digest(container, digests).image_digest == "sha256:2"
    assert payloads.with_digest(container, digests[:1]).image_digest == "sha256:1"
    assert payloads.with_digest(container, ()).image_digest == ""


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("nginx", "nginx"),
        ("nginx:1.25", "nginx"),
        ("host:5000/n", "host:5000/n"),
        ("host:5000/n:tag@sha256:1", "host:5000/n"),
    ],
)
def test_a_registrys_port_is_not_a_tag(reference: str, name: str) -> None:
    assert payloads.repository_of(reference) == name


SECRET = "tr0ub4dor-and-3"


def test_no_secret_leaves_in_any_form() -> None:
    payload = inspected("a" * 64, "rust-app")
    payload["Path"], payload["Args"] = (
        "/app",
        ["--password", SECRET, f"--token={SECRET}", f"postgres://u:{SECRET}@db/x"],
    )
    payload["Config"]["Env"] = [
        f"POSTGRES_PASSWORD={SECRET}",
        f"PATH=/bin:{'x' * 10}",
        f"HOSTNAME=https://user:{SECRET}@host/",
        "EMPTY=",
        f"UNKNOWN_THING={SECRET}",
        "NOVALUE",
    ]
    payload["Config"]["Labels"]["url"] = f"https://u:{SECRET}@host"
    details = payloads.parse_details(payload, datetime.now(UTC))
    assert SECRET not in repr(details)
    shown = {variable.name: variable for variable in details.variables}
    assert not shown["PATH"].masked
    assert shown["POSTGRES_PASSWORD"].masked
    assert "9 to 16" in shown["POSTGRES_PASSWORD"].shown
    assert shown["EMPTY"].shown == "(empty)"
    assert shown["HOSTNAME"].masked


@given(st.text(alphabet=st.characters(codec="ascii", exclude_characters="\0"), min_size=9))
def test_a_mask_never_contains_what_it_hides(value: str) -> None:
    assert value not in payloads.mask_of(value)


def test_a_process_list_hides_secrets_on_command_lines() -> None:
    table = payloads.parse_top({"Titles": ["PID", "CMD"], "Processes": [["1", f"app --token={SECRET}"], None]})
    assert table.titles == ("PID", "CMD")
    assert SECRET not in repr(table)
    assert len(table.rows) == 1


def test_events_of_health_checks_do_not_concern_the_state() -> None:
    def event(action: str) -> bool:
        found = payloads.parse_event({"Type": "container", "Action": action, "Actor": {"ID": "a"}, "timeNano": 5})
        assert found is not None
        return found.concerns_state

    assert event("die")
    assert event("health_status: unhealthy")
    assert not event("exec_start: /bin/sh -c true")
    assert payloads.parse_event({"Type": "network", "Action": "connect", "Actor": {"ID": "a"}}) is None


def test_use_is_counted_as_docker_stats_counts_it() -> None:
    first, second = parse_counters(stats_payload(1)), parse_counters(stats_payload(2))
    assert first is not None
    assert second is not None
    sample = usage_between(first, second)
    assert sample is not None
    assert sample.cpu == pytest.approx(0.5)
    assert sample.memory == 2_000_000
    assert sample.memory_limit == 8_000_000
    assert sample.network_received == pytest.approx(1_048_576)
    assert sample.block_read == pytest.approx(10)
    assert sample.processes == 3


def test_on_cgroup_v1_the_total_inactive_file_is_left_out() -> None:
    payload = stats_payload(1)
    payload["memory_stats"]["stats"] = {"total_inactive_file": 500_000, "inactive_file": 7}
    counters = parse_counters(payload)
    assert counters is not None
    assert counters.memory == 2_500_000


def test_counters_that_were_reset_give_no_negative_rates() -> None:
    before, after = parse_counters(stats_payload(50)), parse_counters(stats_payload(1) | {"read": stamp(NS + 10**12)})
    assert before is not None
    assert after is not None
    sample = usage_between(before, after)
    assert sample is not None
    assert min(sample.cpu, sample.network_received, sample.block_read) >= 0


def test_the_payload_of_a_stopped_container_is_no_sample() -> None:
    assert parse_counters({"read": "0001-01-01T00:00:00Z", "cpu_stats": {}, "memory_stats": {}}) is None


@pytest.mark.parametrize(
    "line",
    [
        f"app --password {SECRET} --user a",
        f"redis-server --requirepass {SECRET}",
        f"env MYSQL_PWD={SECRET} mysql",
        f"curl -H Authorization: Bearer {SECRET} https://x.test",
    ],
)
def test_a_secret_in_a_process_list_is_masked_wherever_it_stands(line: str) -> None:
    table = payloads.parse_top({"Titles": ["CMD"], "Processes": [[line]]})
    assert SECRET not in str(table)


def test_an_answer_without_an_id_is_refused_without_its_secrets() -> None:
    with pytest.raises(EngineMalformed) as caught:
        payloads.parse_container({"Config": {"Env": [f"TOKEN={SECRET}"]}})
    assert SECRET not in str(caught.value.problem)
    assert "Config" in caught.value.problem.detail


def test_a_time_beyond_the_calendar_is_none() -> None:
    assert payloads.parse_time_ns("9999-12-31T23:59:59-23:59") is None


# Log frames.


def decoded(raw: bytes, *, terminal: bool = False, size: int = 0) -> list[tuple[int, str, str]]:
    decoder = LogDecoder(terminal=terminal)
    pieces = [raw[i : i + size] for i in range(0, len(raw), size)] if size else [raw]
    lines = [entry for piece in pieces for entry in decoder.feed(piece)] + decoder.finish()
    return [(entry.time_ns, entry.message, entry.origin) for entry in lines]


def test_frames_become_lines_with_nanoseconds_and_their_stream() -> None:
    raw = frame(STAMP + b" [INFO] hello\n") + frame(STAMP + b" oops\n", 2)
    assert decoded(raw) == [(NS, "[INFO] hello", ""), (NS, "oops", "stderr")]
    assert LogDecoder(terminal=False).feed(raw)[0].level is Level.INFO


@given(
    st.lists(
        st.tuples(st.binary(max_size=60).map(lambda b: b.replace(b"\n", b"?")), st.sampled_from([1, 2])), max_size=12
    ),
    st.integers(1, 64),
)
def test_whatever_bytes_and_however_they_are_cut_the_lines_come_out_whole(
    messages: list[tuple[bytes, int]], size: int
) -> None:
    raw = b"".join(frame(STAMP + b" " + message + b"\n", stream) for message, stream in messages)
    lines = decoded(raw, size=size)
    assert [line[1].encode("utf-8", "surrogateescape") for line in lines] == [message for message, _ in messages]


@pytest.mark.parametrize("length", [PART_SIZE - 1, PART_SIZE, PART_SIZE + 1, 3 * PART_SIZE, 1_048_576 + 5])
@pytest.mark.parametrize("terminal", [False, True])
def test_a_long_message_is_joined_from_its_parts(length: int, terminal: bool) -> None:
    message = (b"0123456789abcde\r" * (length // 16 + 1))[:length]
    if terminal:
        message = message.replace(b"\r", b"r")
    parts = [message[i : i + PART_SIZE] for i in range(0, length, PART_SIZE)]
    if terminal:
        raw = b"".join(STAMP + b" " + part for part in parts) + b"\r\n" + STAMP + b" next\r\n"
    else:
        last = len(parts) - 1
        raw = b"".join(frame(STAMP + b" " + part + (b"\n" if i == last else b"")) for i, part in enumerate(parts))
        raw += frame(STAMP + b" next\n")
    assert [message for _, message, _ in decoded(raw, terminal=terminal, size=7_001)] == [message.decode(), "next"]


def test_parts_of_both_streams_may_be_interleaved() -> None:
    part = b"x" * PART_SIZE
    raw = frame(STAMP + b" " + part) + frame(STAMP + b" other\n", 2) + frame(STAMP + b" end\n")
    assert decoded(raw) == [(NS, "other", "stderr"), (NS, part.decode() + "end", "")]


def test_a_last_line_without_a_break_does_not_swallow_the_next_runs_first() -> None:
    assert [m for _, m, _ in decoded(frame(STAMP + b" dying words") + frame(STAMP + b" born again\n"))] == [
        "dying words",
        "born again",
    ]


def test_an_endless_line_is_shown_in_pieces_so_that_memory_stays_bounded() -> None:
    decoder = LogDecoder(terminal=False)
    lines = []
    for _ in range(2 * LONGEST_LINE // PART_SIZE):
        lines += decoder.feed(frame(STAMP + b" " + b"x" * PART_SIZE))
    assert [len(entry.message) for entry in lines] == [LONGEST_LINE, LONGEST_LINE]


def test_an_entry_without_a_time_is_kept_with_the_time_before_it_and_counted() -> None:
    decoder = LogDecoder(terminal=False)
    lines = decoder.feed(frame(STAMP + b" one\n") + frame(b"no stamp here\n") + frame(b""))
    assert [(entry.time_ns, entry.message) for entry in lines] == [(NS, "one"), (NS, "no stamp here")]
    assert decoder.unreadable == 1


def test_a_first_entry_without_a_time_is_not_of_1970() -> None:
    (line,) = LogDecoder(terminal=False).feed(frame(b"no stamp here\n"))
    assert abs(line.time_ns - time.time_ns()) < 60_000_000_000


def test_the_engines_own_failure_inside_the_stream_is_an_error_and_not_a_line() -> None:
    with pytest.raises(EngineSaid, match="unexpected EOF"):
        LogDecoder(terminal=False).feed(frame(b"Error grabbing logs: unexpected EOF\n", 3))


def test_bytes_that_are_no_frames_are_called_malformed() -> None:
    with pytest.raises(EngineMalformed):
        LogDecoder(terminal=False).feed(b"HTTP/1.1 200 OK\r\n\r\n")


def test_since_is_given_with_all_nine_decimals() -> None:
    assert since_parameter(NS) == "1767225600.123456789"
    assert since_parameter(5) == "0.000000005"
