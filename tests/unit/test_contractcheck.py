"""What is wrong with a name, and what is not said of it when a part is not known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refactor_console.domain import dotenv
from refactor_console.domain.composefile import compose_names
from refactor_console.domain.contract import (
    ContractRow,
    Defined,
    EnvironmentContract,
    FindingKind,
    HostName,
    NameKind,
    Place,
    WorkflowNames,
)
from refactor_console.domain.contractcheck import ContractParts, contract_rows

NOW = datetime(2026, 3, 14, 9, 0, tzinfo=UTC)
WRITTEN_AT = NOW - timedelta(days=10)
SECRET, VARIABLE = NameKind.SECRET, NameKind.VARIABLE


def workflow(
    *written: tuple[str, tuple[str, ...]],
    secrets: tuple[str, ...] = (),
    variables: tuple[str, ...] = (),
    notes: tuple[str, ...] = (),
) -> WorkflowNames:
    """A deploy workflow that reads what it writes, and these."""
    sources = {source for _, made_of in written for source in made_of}
    read = {kind: [s.partition(".")[2] for s in sources if s.startswith(kind)] for kind in ("secrets", "vars")}
    return WorkflowNames(
        "main",
        "deploy.yml",
        (*sorted(read["secrets"]), *secrets),
        (*sorted(read["vars"]), *variables),
        written,
        notes,
    )


def defined(name: str, kind: NameKind = SECRET, place: Place = Place.REPOSITORY, days: float | None = 20) -> Defined:
    changed = None if days is None else NOW - timedelta(days=days)
    return Defined(name, kind, place, None, changed)


def everywhere(*names: Defined) -> dict[tuple[NameKind, Place], tuple[Defined, ...] | None]:
    """All of GitHub's places, readable, with these in them."""
    return {
        (kind, place): tuple(one for one in names if (one.kind, one.place) == (kind, place))
        for kind in NameKind
        for place in Place
    }


def on_host(text: str) -> tuple[HostName, ...]:
    return dotenv.read(text, dotenv.keyed_digest(b"key"), WRITTEN_AT).names


PASSWORD = ("PASSWORD", ("secrets.PASSWORD",))
SOUND = ContractParts(
    workflow=workflow(PASSWORD),
    compose=compose_names("a: ${PASSWORD}\n"),
    defined=everywhere(defined("PASSWORD")),
    host=on_host("PASSWORD=x\n"),
    others=(workflow(PASSWORD),),
)
"""One secret: read, written, interpolated, defined, and on the host."""


def rows(parts: ContractParts, rotation_days: int = 90) -> dict[str, ContractRow]:
    return {row.name: row for row in contract_rows(parts, NOW, rotation_days)}


def found(parts: ContractParts, rotation_days: int = 90) -> set[tuple[str, FindingKind, bool]]:
    """Name, kind and severity of each finding."""
    every = (f for row in contract_rows(parts, NOW, rotation_days) for f in row.findings)
    return {(finding.name, finding.kind, finding.severe) for finding in every}


def test_a_name_that_is_well_has_no_finding_and_tells_where_it_is() -> None:
    row = rows(SOUND)["PASSWORD"]
    assert row.findings == ()
    assert (row.kind, row.used_by_workflow, row.written_as, row.read_by_compose) == (SECRET, True, ("PASSWORD",), True)
    assert (row.has_default, row.read_lines, row.host_known, row.age_days) == (False, (1,), True, 20)
    assert row.on_host is not None
    assert row.defined == (defined("PASSWORD"),)


def test_what_the_workflow_reads_and_nobody_defined_is_missing() -> None:
    parts = replace(SOUND, defined=everywhere())
    assert found(parts) == {("PASSWORD", FindingKind.MISSING_ON_GITHUB, True)}
    sentence = rows(parts)["PASSWORD"].findings[0].sentence
    assert "secrets.PASSWORD" in sentence
    assert "environment production" in sentence


@pytest.mark.parametrize("place", list(Place))
def test_nothing_is_missing_while_one_place_cannot_be_read(place: Place) -> None:
    parts = replace(SOUND, defined=everywhere() | {(SECRET, place): None})
    assert found(parts) == set()
    assert rows(parts)["PASSWORD"].defined == ()


def test_an_unreadable_place_of_the_other_kind_hides_nothing() -> None:
    parts = replace(SOUND, defined=everywhere() | {(VARIABLE, Place.ORGANISATION): None})
    assert found(parts) == {("PASSWORD", FindingKind.MISSING_ON_GITHUB, True)}


def test_a_missing_name_is_harmless_where_compose_has_a_default_for_it() -> None:
    parts = replace(SOUND, defined=everywhere(), compose=compose_names("a: ${PASSWORD:-none}\n"))
    assert found(parts) == {("PASSWORD", FindingKind.MISSING_ON_GITHUB, False)}


def test_a_missing_name_that_is_written_nowhere_can_break_the_deploy_itself() -> None:
    parts = replace(SOUND, workflow=workflow(PASSWORD, secrets=("SSH_KEY",)))
    assert found(parts) == {("SSH_KEY", FindingKind.MISSING_ON_GITHUB, True)}


def test_the_token_that_github_makes_is_never_missing() -> None:
    assert found(replace(SOUND, workflow=workflow(PASSWORD, secrets=("GITHUB_TOKEN",)))) == set()
    assert "GITHUB_TOKEN" not in rows(replace(SOUND, workflow=workflow(PASSWORD, secrets=("GITHUB_TOKEN",))))


@pytest.mark.parametrize(("text", "end"), [("${URL}", "becomes empty"), ("${URL:?is needed}", "refuses to start")])
def test_what_compose_reads_and_the_workflow_does_not_write_is_never_written(text: str, end: str) -> None:
    parts = replace(SOUND, compose=compose_names(f"a: ${{PASSWORD}}\nb: {text}\n"))
    assert found(parts) == {("URL", FindingKind.NEVER_WRITTEN, True)}
    assert end in rows(parts)["URL"].findings[0].sentence
    assert "line 2" in rows(parts)["URL"].findings[0].sentence


def test_what_the_host_has_from_elsewhere_is_lost_by_the_next_deploy() -> None:
    parts = replace(SOUND, compose=compose_names("a: ${PASSWORD}${URL}\n"), host=on_host("PASSWORD=x\nURL=y\n"))
    assert found(parts) == {("URL", FindingKind.NEVER_WRITTEN, True)}
    assert "replaces that file" in rows(parts)["URL"].findings[0].sentence


@pytest.mark.parametrize(
    "text", ["${URL:-x}", "${URL-}", "${OTHER:-${URL}}", "$HOME", "$COMPOSE_PROJECT_NAME", "$$URL"]
)
def test_what_compose_can_do_without_is_not_called_never_written(text: str) -> None:
    written = workflow(PASSWORD, ("OTHER", ()))
    parts = replace(SOUND, workflow=written, compose=compose_names(f"a: ${{PASSWORD}}${{OTHER:-}}\nb: {text}\n"))
    assert FindingKind.NEVER_WRITTEN not in {kind for _, kind, _ in found(parts)}


def test_where_the_workflow_writes_no_env_that_was_recognised_nothing_is_called_never_written() -> None:
    parts = replace(SOUND, workflow=workflow(secrets=("PASSWORD",)), compose=compose_names("a: ${PASSWORD}${URL}\n"))
    assert FindingKind.NEVER_WRITTEN not in {kind for _, kind, _ in found(parts)}


def test_an_empty_name_is_severe_where_compose_takes_it_as_it_is() -> None:
    assert found(replace(SOUND, host=on_host("PASSWORD=\n"))) == {("PASSWORD", FindingKind.EMPTY_ON_HOST, True)}
    kept = replace(SOUND, host=on_host("PASSWORD=\n"), compose=compose_names("a: ${PASSWORD-x}\n"))
    assert found(kept) == {("PASSWORD", FindingKind.EMPTY_ON_HOST, False)}
    replaced = replace(SOUND, host=on_host("PASSWORD=\n"), compose=compose_names("a: ${PASSWORD:-x}\n"))
    assert found(replaced) == set()


def test_an_empty_name_is_told_where_the_compose_file_is_not_known() -> None:
    assert found(replace(SOUND, host=on_host("PASSWORD=\n"), compose=None)) == {
        ("PASSWORD", FindingKind.EMPTY_ON_HOST, False)
    }


def test_an_empty_file_lacks_every_name_and_an_unread_one_lacks_none() -> None:
    assert found(replace(SOUND, host=on_host(""))) == {("PASSWORD", FindingKind.MISSING_ON_HOST, True)}
    assert found(replace(SOUND, host=None)) == set()
    assert not rows(replace(SOUND, host=None))["PASSWORD"].host_known


def test_a_name_with_a_default_that_the_host_lacks_breaks_nothing() -> None:
    parts = replace(SOUND, host=(), compose=compose_names("a: ${PASSWORD:-x}\n"))
    assert found(parts) == {("PASSWORD", FindingKind.MISSING_ON_HOST, False)}


@pytest.mark.parametrize(("days", "due"), [(89, False), (90, True), (91, True)])
def test_a_secret_is_due_for_rotation_at_the_policy_s_age(days: int, due: bool) -> None:
    parts = replace(SOUND, defined=everywhere(defined("PASSWORD", days=days)), host=None)
    assert (("PASSWORD", FindingKind.ROTATION_DUE, False) in found(parts)) is due


@pytest.mark.parametrize("rotation_days", [0, -1])
def test_without_a_policy_nothing_is_due(rotation_days: int) -> None:
    parts = replace(SOUND, defined=everywhere(defined("PASSWORD", days=4000)), host=None)
    assert found(parts, rotation_days) == set()


def test_variables_and_secrets_of_unknown_age_are_never_due() -> None:
    variable = replace(
        SOUND,
        workflow=workflow(("LEVEL", ("vars.LEVEL",))),
        compose=compose_names("a: ${LEVEL}"),
        defined=everywhere(defined("LEVEL", VARIABLE, days=4000)),
        host=None,
        others=None,
    )
    assert found(variable) == set()
    assert found(replace(SOUND, defined=everywhere(defined("PASSWORD", days=None)), host=None)) == set()


def test_what_changed_after_the_file_was_written_is_not_on_the_host_yet() -> None:
    parts = replace(SOUND, defined=everywhere(defined("PASSWORD", days=9)))
    assert found(parts) == {("PASSWORD", FindingKind.STALE_ON_HOST, False)}
    undated = tuple(replace(name, written_at=None) for name in on_host("PASSWORD=x"))
    assert found(replace(parts, host=undated)) == set()


def test_the_narrowest_definition_counts() -> None:
    narrow = defined("PASSWORD", place=Place.ENVIRONMENT, days=20)
    parts = replace(SOUND, defined=everywhere(defined("PASSWORD", days=400), narrow))
    row = rows(parts)["PASSWORD"]
    assert [one.place for one in row.defined] == [Place.ENVIRONMENT, Place.REPOSITORY]
    assert row.age_days == 20
    assert row.findings == ()


def test_what_no_workflow_names_is_unused() -> None:
    parts = replace(SOUND, defined=everywhere(defined("PASSWORD"), defined("OLD")))
    assert found(parts) == {("OLD", FindingKind.UNUSED, False)}


@pytest.mark.parametrize(
    "change",
    [
        {"others": None},
        {"others": (workflow(secrets=("old",)),)},
        {"others": (workflow(notes=("secrets[inputs.x] is only known when the workflow runs.",)),)},
        {"workflow": workflow(PASSWORD, notes=("toJSON(secrets) reads every one of them.",))},
        {"workflow": None},
    ],
)
def test_nothing_is_called_unused_while_somebody_may_read_it(change: dict[str, object]) -> None:
    parts = replace(SOUND, defined=everywhere(defined("PASSWORD"), defined("OLD")), **change)  # type: ignore[arg-type]
    assert FindingKind.UNUSED not in {kind for _, kind, _ in found(parts)}


def test_the_organisation_s_may_be_for_other_repositories() -> None:
    theirs = defined("OLD", place=Place.ORGANISATION)
    assert found(replace(SOUND, defined=everywhere(defined("PASSWORD"), theirs))) == set()


def test_what_is_written_and_not_interpolated_is_never_read() -> None:
    parts = replace(SOUND, workflow=workflow(PASSWORD, ("EXTRA", ())), host=on_host("PASSWORD=x\nEXTRA=y"))
    assert found(parts) == {("EXTRA", FindingKind.NOT_READ, False)}


@pytest.mark.parametrize(
    ("name", "compose"),
    [("COMPOSE_PROFILES", "a: ${PASSWORD}"), ("EXTRA", "env_file: .env\na: ${PASSWORD}"), ("EXTRA", None)],
)
def test_names_for_compose_itself_and_those_that_a_file_hands_on_are_read(name: str, compose: str | None) -> None:
    parts = replace(
        SOUND,
        workflow=workflow(PASSWORD, (name, ())),
        host=on_host(f"PASSWORD=x\n{name}=y"),
        compose=None if compose is None else compose_names(compose),
    )
    assert found(parts) == set()


def test_a_name_that_becomes_another_is_one_row() -> None:
    parts = ContractParts(
        workflow=workflow(("DATABASE_URL", ("secrets.DB_USER", "vars.DB_HOST"))),
        compose=compose_names("a: x\nb: ${DATABASE_URL}\n"),
        defined=everywhere(defined("DB_USER"), defined("DB_HOST", VARIABLE)),
        host=on_host("DATABASE_URL=\n"),
    )
    every = rows(parts)
    assert set(every) == {"DB_USER", "DB_HOST"}
    assert all(row.written_as == ("DATABASE_URL",) and row.read_lines == (2,) for row in every.values())
    assert found(parts) == {("DATABASE_URL", FindingKind.EMPTY_ON_HOST, True)}, "said once"


def test_a_secret_and_a_variable_of_one_name_are_two_rows() -> None:
    parts = replace(SOUND, defined=everywhere(defined("PASSWORD"), defined("PASSWORD", VARIABLE)), others=None)
    assert [row.kind for row in contract_rows(parts, NOW, 90)] == [SECRET, VARIABLE]


def test_github_s_names_know_no_case() -> None:
    parts = replace(
        SOUND, defined=everywhere(defined("Password")), workflow=workflow(("PASSWORD", ("secrets.password",)))
    )
    assert found(parts) == set()
    assert list(rows(parts)) == ["PASSWORD"]


def test_with_no_part_known_there_is_nothing_to_say() -> None:
    nothing = ContractParts(None, None, {}, None)
    assert contract_rows(nothing, NOW, 90) == ()


def test_findings_of_a_contract_come_worst_first() -> None:
    parts = ContractParts(
        workflow=workflow(PASSWORD, ("EXTRA", ()), secrets=("GONE",)),
        compose=compose_names("a: ${PASSWORD}${NEVER}"),
        defined=everywhere(defined("PASSWORD", days=400), defined("OLD")),
        host=on_host("EXTRA=1\nPASSWORD=\n"),
        others=(workflow(PASSWORD),),
    )
    contract = EnvironmentContract("main", "", contract_rows(parts, NOW, 90), (), 90)
    assert [(f.name, f.kind) for f in contract.findings] == [
        ("GONE", FindingKind.MISSING_ON_GITHUB),
        ("NEVER", FindingKind.NEVER_WRITTEN),
        ("PASSWORD", FindingKind.EMPTY_ON_HOST),
        ("PASSWORD", FindingKind.ROTATION_DUE),
        ("OLD", FindingKind.UNUSED),
        ("EXTRA", FindingKind.NOT_READ),
    ]


# -- no value, whatever the file looks like

NAMES = st.from_regex(r"[A-Z_][A-Z0-9_]{0,10}", fullmatch=True)
VALUES = st.text("abcdefghijklmnop+/$#\"' \\", min_size=0, max_size=30).map(lambda text: f"Vq{text}qV")
"""Values that can be told from names and from hashes."""
LINES = st.tuples(NAMES, st.sampled_from(["=", ": ", " = "]), st.sampled_from(["", "'", '"']), VALUES)


@given(st.lists(LINES, max_size=12), st.text(max_size=30).map(lambda text: text.replace("Vq", "")))
def test_no_value_of_the_file_is_in_anything_that_is_made_of_it(
    lines: list[tuple[str, str, str, str]], rubbish: str
) -> None:
    text = "\n".join(f"{name}{sign}{quote}{value}{quote}" for name, sign, quote, value in lines) + f"\n{rubbish}"
    env = dotenv.read(text, dotenv.keyed_digest(b"key"), WRITTEN_AT)
    parts = replace(SOUND, host=env.names)
    told = repr((env, contract_rows(parts, NOW, 90))) + str(parts)
    assert "Vq" not in told
    assert "qV" not in told


PEM_LINES = st.lists(st.from_regex(r"[A-Za-z0-9]{40,64}", fullmatch=True), min_size=1, max_size=5)


@given(PEM_LINES, st.from_regex(r"[A-Za-z0-9]{20,40}={1,2}", fullmatch=True), st.sampled_from(["", " ", "\t"]))
def test_a_key_that_nobody_quoted_does_not_become_names(body: list[str], last: str, indent: str) -> None:
    pem = ["-----BEGIN PRIVATE KEY-----", *(f"{indent}{line}" for line in (*body, last)), "-----END PRIVATE KEY-----"]
    env = dotenv.read("\n".join(["A=1", f"KEY={pem[0]}", *pem[1:], "B=2"]), dotenv.keyed_digest(b"key"))
    assert [name.name for name in env.names] == ["A", "B", "KEY"]
    assert last.rstrip("=") not in repr(env)
    assert any("Line 2" in note for note in env.notes)
