"""Versions in manifests and tags, the next one, and whether the repositories agree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refactor_console.domain.releases import MemberVersion, VersionReading
from refactor_console.domain.repos import Platform
from refactor_console.domain.versions import (
    INHERITED,
    NO_FILE,
    agreement,
    cargo,
    cargo_members,
    manifests,
    members,
    next_version,
    semantic,
)

BACKEND = Platform().backend
# https://semver.org: section 11's own order, then the platform's tags.
ORDERED = (
    "0.9.0",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-beta1",
    "1.0.0-beta2",
    "1.0.0-rc.1",
    "1.0.0",
    "1.0.1",
    "2.0.0",
)
NUMBERS = st.integers(0, 10**6)


def reading(*versions: str) -> VersionReading:
    return VersionReading(BACKEND, "main", tuple(MemberVersion(f"{n}/Cargo.toml", v) for n, v in enumerate(versions)))


def precedence(tag: str) -> object:
    version = semantic(tag)
    assert version is not None
    return version.precedence


def test_semantic_versions_sort_as_the_standard_says() -> None:
    assert sorted({*ORDERED}, key=precedence) == list(ORDERED)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "tag", ["1.0-rc1", "1.0-beta1-test2", "", "1", "01.0.0", "1.0.0-", "1.0.0-01", "latest", "１.0.0", "1.0.0\n", "v"]
)
def test_other_tags_are_no_semantic_versions_and_no_error(tag: str) -> None:
    assert semantic(tag) is None
    assert next_version(tag, breaking=True, features=True) == ""


@given(NUMBERS, NUMBERS, NUMBERS, st.sampled_from(["", "beta3", "rc.1", "a-b.0"]), st.sampled_from(["", "v"]))
def test_a_version_is_written_as_it_was_read(major: int, minor: int, patch: int, pre: str, prefix: str) -> None:
    text = f"{prefix}{major}.{minor}.{patch}{f'-{pre}' if pre else ''}"
    assert str(semantic(text)) == text


@pytest.mark.parametrize(
    ("last", "breaking", "features", "expected"),
    [
        ("1.0.0-beta3", False, False, "1.0.0-beta4"),
        ("1.0.0-beta3", True, True, "1.0.0-beta4"),
        ("1.0.0-beta9", False, True, "1.0.0-beta10"),
        ("1.0.0-rc.1", False, True, "1.0.0-rc.2"),
        ("1.0.0-beta", False, True, "1.0.0-beta.1"),
        ("1.0.0-beta09", False, True, "1.0.0-beta10"),
        ("1.2.3", False, False, "1.2.4"),
        ("1.2.3", False, True, "1.3.0"),
        ("1.2.3", True, False, "2.0.0"),
        ("0.2.3", True, True, "0.3.0"),
        ("v1.2.3+build.5", False, False, "v1.2.4"),
    ],
)
def test_the_next_version_follows_the_commits_and_the_series(
    last: str, breaking: bool, features: bool, expected: str
) -> None:
    assert next_version(last, breaking=breaking, features=features) == expected


@given(NUMBERS, NUMBERS, NUMBERS, st.sampled_from(["", "beta3", "rc.1", "beta"]), st.booleans(), st.booleans())
def test_the_next_version_is_a_higher_semantic_version(
    major: int, minor: int, patch: int, pre: str, breaking: bool, features: bool
) -> None:
    last = f"{major}.{minor}.{patch}{f'-{pre}' if pre else ''}"
    following = next_version(last, breaking=breaking, features=features)
    assert precedence(following) > precedence(last)  # type: ignore[operator]


# -- manifests


def test_members_of_a_workspace_are_found_with_globs_expanded() -> None:
    root = cargo(
        '[workspace]\nmembers = [".", "domain", "crates/*", "tools/**", "x?", "gone"]\nexclude = ["crates/old"]\n'
    )
    paths = [
        "Cargo.toml",
        "domain/Cargo.toml",
        "crates/a/Cargo.toml",
        "crates/a/deeper/Cargo.toml",
        "crates/old/Cargo.toml",
        "crates/README.md",
        "tools/one/two/Cargo.toml",
        "x1/Cargo.toml",
        "unlisted/Cargo.toml",
    ]
    assert cargo_members(root, paths) == (
        "crates/a/Cargo.toml",
        "domain/Cargo.toml",
        "gone/Cargo.toml",
        "tools/one/two/Cargo.toml",
        "x1/Cargo.toml",
    )


def test_the_root_counts_when_it_is_a_package_and_package_json_when_it_is_there() -> None:
    package = '[package]\nname = "a"\nversion = "1.0.0"\n'
    workspace = '[workspace]\nmembers = ["a"]\n'
    assert manifests(["Cargo.toml", "a/Cargo.toml", "package.json"], package + workspace) == (
        "Cargo.toml",
        "a/Cargo.toml",
        "package.json",
    )
    assert manifests(["Cargo.toml", "a/Cargo.toml"], workspace) == ("a/Cargo.toml",)
    assert manifests(["package.json", "web/package.json"], None) == ("package.json",)
    assert manifests(["README.md"], None) == ()


def test_versions_are_read_inherited_or_missed() -> None:
    root = '[workspace]\nmembers = ["a", "b", "c", "d", "e"]\n[workspace.package]\nversion = "2.1.0"\n'
    found = members(
        {
            "a/Cargo.toml": '[package]\nname = "a"\nversion = "2.0.0"\n',
            "b/Cargo.toml": '[package]\nname = "b"\nversion.workspace = true\n',
            "c/Cargo.toml": '[package]\nname = "c"\n',
            "d/Cargo.toml": None,
            "e/Cargo.toml": "[package\n",
            "package.json": '{"version": "2.1.0"}',
        },
        root,
    )
    assert [(member.path[0], member.version) for member in found] == [
        ("a", "2.0.0"),
        ("b", "2.1.0"),
        ("c", ""),
        ("d", ""),
        ("e", ""),
        ("p", "2.1.0"),
    ]
    assert found[1].note == INHERITED
    assert found[3].note == NO_FILE
    assert all(member.note for member in found if not member.version)


@pytest.mark.parametrize(
    "text", ['{"version": 1}', "[]", "nothing", '{"version": "', "[" * 100_000, "", "9" * 5_000, "null"]
)
def test_a_package_json_of_another_kind_names_no_version(text: str) -> None:
    (found,) = members({"package.json": text}, None)
    assert (found.version, bool(found.note)) == ("", True)


@pytest.mark.parametrize(
    "text",
    [
        "[package]\nversion = 1",
        "package = 1",
        "[workspace]\nmembers = 3\nexclude = [1, {}]",
        "a = " + "[" * 50_000,
        "a = " + "9" * 5_000,
        "[package]\nversion = {workspace = 1}",
    ],
)
def test_a_cargo_toml_of_another_kind_raises_nothing(text: str) -> None:
    assert cargo(text).version == ""
    assert manifests(["Cargo.toml", "package.json"], text)


def test_a_member_written_to_be_slow_is_not() -> None:
    root = cargo(f'[workspace]\nmembers = ["{"*a" * 60}*b", "{"**/" * 60}b"]\n')
    assert cargo_members(root, [f"{'a' * 200}/{'a/' * 60}Cargo.toml"]) == ()


# -- agreement


def test_repositories_with_one_version_agree() -> None:
    agree, sentence = agreement([("backend", reading("1.0.0", "1.0.0")), ("frontend", reading("1.0.0"))])
    assert (agree, sentence) == (True, "Backend and frontend both carry 1.0.0.")


def test_versions_that_differ_are_named() -> None:
    agree, sentence = agreement([("backend", reading("1.0.0")), ("frontend", reading("1.0.1"))])
    assert agree is False
    assert "1.0.0" in sentence
    assert "1.0.1" in sentence
    agree, sentence = agreement([("backend", reading("1.0.0", "0.9.0")), ("frontend", reading("1.0.0"))])
    assert agree is False
    assert "backend" in sentence
    agree, sentence = agreement([("backend", reading("1.0.0", "")), ("frontend", reading("1.0.0"))])
    assert agree is False


@pytest.mark.parametrize("unknown", [None, reading(), reading("")])
def test_what_could_not_be_read_neither_agrees_nor_differs(unknown: VersionReading | None) -> None:
    agree, sentence = agreement([("backend", reading("1.0.0")), ("frontend", unknown)])
    assert agree is None
    assert "frontend" in sentence
