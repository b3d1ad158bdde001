"""The demo journal prints what the real one prints."""

from __future__ import annotations

import json

import pytest

from refactor_console.demo.clock import Clock
from refactor_console.demo.journal import LINE_MAX, Journal, Writer, field_value
from refactor_console.demo.journalctl import journalctl
from refactor_console.demo.shell import Account, ProgramError

READER = Account("deploy", 1000, ((1000, "deploy"), (4, "adm")))
STRANGER = Account("nodocker", 1001, ((1001, "nodocker"),))
SERVICE = Writer("probe", 4711, "probe.service")
SYSTEMD = Writer("systemd", 1, "init.scope", about="probe.service", transport="journal")


class Collected:
    """Standard streams kept in memory."""

    def __init__(self) -> None:
        self.stdout = b""
        self.stderr = b""

    async def read_all(self) -> bytes:
        return b""

    async def out(self, data: bytes) -> None:
        self.stdout += data

    async def err(self, data: bytes) -> None:
        self.stderr += data


def journal() -> Journal:
    return Journal(Clock(), seqnum_id="5" * 32, boot_id="b" * 32, boot_us=1_000, machine_id="m" * 32, hostname="host")


async def run(source: Journal, *words: str, account: Account = READER) -> Collected:
    streams = Collected()
    assert await journalctl(source, account, words, streams) == 0
    return streams


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (b"plain", '"plain"'),
        ("naïve ✓".encode(), '"naïve ✓"'),
        (b"tab\tand\nbreak", '"tab\\tand\\nbreak"'),
        (b"bell \x07", "[98,101,108,108,32,7]"),
        (b"\x1b[31m", "[27,91,51,49,109]"),
        (b"\x7f", "[127]"),
        (b"\xff\xfe", "[255,254]"),
        ("\u0085".encode(), "[194,133]"),
        ("\ufffe".encode(), "[239,191,190]"),
    ],
)
def test_a_field_is_a_string_only_where_it_is_printable_utf8(value: bytes, printed: str) -> None:
    assert field_value("MESSAGE", value, whole=True) == printed


def test_a_long_field_is_null_unless_all_is_asked_for() -> None:
    longest = b"x" * (4095 - len("MESSAGE") - 1)
    assert json.loads(field_value("MESSAGE", longest, whole=False)) == longest.decode()
    assert field_value("MESSAGE", longest + b"x", whole=False) == "null"
    assert json.loads(field_value("MESSAGE", longest + b"x", whole=True)) == longest.decode() + "x"


def test_lines_of_a_service_are_split_cleaned_and_their_prefix_is_their_priority() -> None:
    source = journal()
    source.write(SERVICE, [b"one\ntwo", b"", b"<3>bad", b"nul\0here", b"y" * (LINE_MAX + 1)])
    found = [(entry.priority, entry.message) for entry in source.tape.items()]
    assert found[:5] == [(6, b"one"), (6, b"two"), (3, b"bad"), (6, b"nul"), (6, b"here")]
    assert [len(message) for _, message in found[5:]] == [LINE_MAX, 1]


def test_times_and_cursors_never_repeat() -> None:
    source = journal()
    source.clock.freeze(1_700_000_000_000_000_000)
    source.write(SERVICE, [b"a", b"b", b"c"])
    entries = source.tape.items()
    assert [entry.time_us for entry in entries] == [1_700_000_000_000_000 + n for n in range(3)]
    cursors = [source.cursor(entry) for entry in entries]
    assert len(set(cursors)) == 3
    assert [source.position(cursor) for cursor in cursors] == [0, 1, 2]


def test_a_cursor_of_another_journal_is_found_by_its_time() -> None:
    source = journal()
    source.write(SERVICE, [b"a", b"b"])
    entry = source.tape.items()[1]
    foreign = source.cursor(entry).replace("s=" + "5" * 32, "s=" + "6" * 32).replace("i=2", "i=999")
    assert source.position(foreign) == 1


async def test_after_cursor_gives_the_lines_after_it_and_only_those_of_the_unit() -> None:
    source = journal()
    source.write(SERVICE, [b"n=1", b"n=2"])
    source.write(Writer("other", 9, "other.service"), [b"no"])
    source.write(SYSTEMD, [b"about"])
    source.write(SERVICE, [b"n=3"])
    cursor = source.cursor(source.tape.items()[0])
    given = await run(source, "--unit=probe.service", "--output=cat", "--no-tail", f"--after-cursor={cursor}")
    assert given.stdout == b"n=2\nabout\nn=3\n"


async def test_lines_are_the_last_ones_and_fields_are_those_asked_for() -> None:
    source = journal()
    source.write(SERVICE, [b"n=%d" % n for n in range(20)])
    given = await run(source, "-u", "probe", "-n", "2", "--output=json", "--output-fields=MESSAGE,_PID")
    lines = [json.loads(line) for line in given.stdout.splitlines()]
    assert [line["MESSAGE"] for line in lines] == ["n=18", "n=19"]
    ours = {name for name in lines[0] if not name.startswith("__")}
    assert ours == {"MESSAGE", "_PID", "_BOOT_ID"}
    assert {"__CURSOR", "__REALTIME_TIMESTAMP", "__MONOTONIC_TIMESTAMP"} <= lines[0].keys()
    assert all(isinstance(value, str) for value in lines[0].values())


async def test_backwards_from_a_cursor_gives_what_came_before() -> None:
    source = journal()
    source.write(SERVICE, [b"n=%d" % n for n in range(10)])
    cursor = source.cursor(source.tape.items()[5])
    given = await run(source, "--reverse", "--lines=3", "--output=cat", f"--after-cursor={cursor}")
    assert given.stdout == b"n=4\nn=3\nn=2\n"


async def test_who_may_not_read_the_journal_sees_only_own_entries_and_a_hint() -> None:
    source = journal()
    source.write(SERVICE, [b"secret"])
    with pytest.raises(ProgramError, match="insufficient permissions"):
        await run(source, account=STRANGER)
    source.write(Writer("sshd-session", 77, "ssh.service", uid=1001, transport="syslog"), [b"mine"])
    given = await run(source, account=STRANGER)
    assert given.stdout.endswith(b"sshd-session[77]: mine\n")
    assert b"secret" not in given.stdout
    assert given.stderr.startswith(b"Hint: You are currently not seeing messages from other users and the system.\n")
    quiet = await run(source, "--output=json", account=STRANGER)
    assert quiet.stderr == b""


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--after-cursor=nonsense",), "Failed to seek to cursor: Invalid argument"),
        (("--output=nonsense",), "Unknown output format 'nonsense'"),
        (("-n", "xx"), "Failed to add match 'xx': Invalid argument"),
    ],
)
async def test_wrong_arguments_are_refused_in_journalctls_words(words: tuple[str, ...], complaint: str) -> None:
    with pytest.raises(ProgramError, match=complaint):
        await run(journal(), *words)
