"""The names a compose file interpolates, held against a YAML reader on files of all kinds."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from refactor_console.domain.composefile import MOST_NOTES, Use, compose_names, uses

COMPOSE = Path(__file__).resolve().parents[2] / "compose" / "docker-compose.yaml"
SIMPLE = re.compile(r"\$\$|\$\{([A-Z_]+)\}")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("$NAME", [Use("NAME", 1)]),
        ("a$NAME-b", [Use("NAME", 1)]),
        ("${NAME}", [Use("NAME", 1)]),
        ("${NAME:-d}", [Use("NAME", 1, ":-", "d")]),
        ("${NAME-d}", [Use("NAME", 1, "-", "d")]),
        ("${NAME:?an error}", [Use("NAME", 1, ":?", "an error")]),
        ("${NAME?e}", [Use("NAME", 1, "?", "e")]),
        ("${NAME:+r}", [Use("NAME", 1, ":+", "r")]),
        ("${NAME+r}", [Use("NAME", 1, "+", "r")]),
        ("${NAME:-}", [Use("NAME", 1, ":-")]),
        ("${A:-${B}}x${C}", [Use("A", 1, ":-", "${B}"), Use("C", 1), Use("B", 1, nested=True)]),
        ("${A:-{}}", [Use("A", 1, ":-", "{}")]),
        ("$$NAME $${NAME} $$$NAME", [Use("NAME", 1)]),
        ("costs 5$ or $5 or $ 5", []),
        ("${lower_1}", [Use("lower_1", 1)]),
        ("${A:-$B}", [Use("A", 1, ":-", "$B"), Use("B", 1, nested=True)]),
        ("${A:-$$B}", [Use("A", 1, ":-", "$$B")]),
    ],
)
def test_the_grammar_of_interpolation(value: str, expected: list[Use]) -> None:
    assert list(uses(value)) == expected


@pytest.mark.parametrize("value", ["${}", "${1A}", "${A.B}", "${A", "${A:b}", "${ A}", "x ${"])
def test_what_compose_refuses_is_noted_by_line_and_without_its_words(value: str) -> None:
    found = compose_names(f"a: 1\nb: {value} s3cret\nc: ${{C}}\n")
    assert found.notes
    assert found.notes[0].startswith("Line 2:")
    assert "s3cret" not in "".join(found.notes)
    assert [name.name for name in found.names] == ["C"]


def test_a_name_is_needed_when_one_place_has_no_default() -> None:
    found = compose_names("a: ${A:-1}\nb: ${A}\nc: ${B:-2}\nd: ${C:-${D}}\ne: ${E:?}\nf: ${F-x}\ng: ${G:+x}\n")
    names = {name.name: name for name in found.names}
    assert names["A"].default is None
    assert names["A"].lines == (1, 2)
    assert (names["B"].default, names["B"].empty_passes) == ("2", False)
    assert (names["C"].default, names["D"].conditional, names["C"].conditional) == ("${D}", True, False)
    assert names["E"].required
    assert (names["F"].default, names["F"].empty_passes) == ("x", True)
    assert names["G"].default == ""


def test_a_name_that_is_also_nested_somewhere_is_judged_by_where_it_is_not() -> None:
    found = compose_names("a: ${A:-${B}}\nb: ${B:-b}\n")
    b = next(name for name in found.names if name.name == "B")
    assert (b.conditional, b.default, b.lines) == (False, "b", (1, 2))


YAML_CASES = [
    "a: ${YES} # ${NO}\n",
    "# ${NO}\na: '${YES} # ${YES_TOO}'\n",
    'a: "${YES} # \\" ${YES_TOO}"  # ${NO}\n',
    "a: it's ${YES} # ${NO} isn't\nb: ${MORE}\n",
    "a: x#${YES}\n",
    "a: |\n  # ${YES}\n  '${QUOTE}\nb: ${AFTER} # ${NO}\n",
    "a: >-  # ${NO}\n  ${YES}\n\n  # ${YES_TOO}\n# ${NO}\nb: 1\n",
    "a:\n  - |\n    # ${YES}\n  - ${MORE} # ${NO}\n",
    "a:\n- k: |\n    # ${YES}\n  l: ${MORE} # ${NO}\n",
    "a:\n  - - |\n      # ${YES}\n    - ${MORE} # ${NO}\n",
    "a: !!str |\n  # ${YES}\nb: &x '${MORE} # ${STILL}'\n",
    "a: [ '${YES} # ${YES_TOO}', \"${MORE}\" ] # ${NO}\n",
    "a: { k: '${YES}',\n  l: '${MORE}' } # ${NO}\nb: '# ${AFTER}'\n",
    "'${NO}': ${YES}\n",
    "${NO}: ${YES}\n",
    'a: "two\n  # ${YES} lines" # ${NO}\n',
    "a: 'it''s # ${YES}' # ${NO}\n",
    "a: b | c\nd: ${YES}\ne: x > y # ${NO}\n",
    "a:\n  b: http://${YES}:${PORT}/ # ${NO}\n",
    "a: |2\n    ${YES}\n  # ${MORE}\nb: 1\n",
    "a: ${YES}\r\nb: |\r\n  # ${MORE}\r\nc: 1 # ${NO}\r\n",
    "- ${YES}\n-\n  ${MORE}\n",
]


def by_reader(text: str) -> set[str]:
    """The names in the values that a YAML reader finds."""

    def walk(node: Any) -> set[str]:
        if isinstance(node, dict):
            return set().union(*(walk(value) for value in node.values()))
        if isinstance(node, list):
            return set().union(*(walk(value) for value in node))
        return {name for name in SIMPLE.findall(node) if name} if isinstance(node, str) else set()

    return walk(yaml.safe_load(text))


@pytest.mark.parametrize("text", YAML_CASES)
def test_comments_keys_quotes_and_blocks_are_told_apart_as_yaml_does(text: str) -> None:
    found = {name.name for name in compose_names(text).names}
    assert found == by_reader(text)
    assert "NO" not in found


PIECES = ["${A}", "${B_C}", "$$", " #", "#", "'", '"', ": ", ":", "\n", "- ", "|", "[", "x", " "]
SCALARS = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
TREES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["k", "ke y", "'q'"]), inner, max_size=3)
    ),
    max_leaves=10,
)


@settings(max_examples=400)
@given(
    TREES.map(lambda tree: {"root": tree}),
    st.sampled_from([None, "'", '"', "|", ">"]),
    st.sampled_from([None, True, False]),
)
def test_whatever_a_yaml_writer_writes_is_read_as_a_yaml_reader_reads_it(
    tree: dict[str, Any], style: str | None, flow: bool | None
) -> None:
    text = yaml.safe_dump(tree, default_style=style, default_flow_style=flow, width=10_000)
    assert {name.name for name in compose_names(text).names} == by_reader(text)


def test_the_platforms_own_file_is_read_whole() -> None:
    text = COMPOSE.read_text(encoding="utf-8")
    found = compose_names(text)
    names = {name.name: name for name in found.names}
    assert set(names) == set(re.findall(r"\$\{(\w+)", text))
    assert not found.notes
    assert not found.reads_files
    lines = text.splitlines()
    assert all(f"${{{name.name}" in lines[line - 1] for name in found.names for line in name.lines)
    assert names["POSTGRES_SCHEMA"].default == "public"
    assert names["RESEND_BASE_URL"].default is None


def test_a_file_of_names_is_seen() -> None:
    assert compose_names("services:\n  a:\n    env_file: .env\n").reads_files
    assert not compose_names("# env_file: .env\n").reads_files


@given(st.text(st.sampled_from(list("$${}:-?+ABab# \n'\"|>[],"))))
def test_no_file_is_too_strange(text: str) -> None:
    found = compose_names(text)
    assert [name.name for name in found.names] == sorted({name.name for name in found.names})
    assert len(found.notes) <= MOST_NOTES


def test_a_file_made_to_be_slow_is_not() -> None:
    for text in (
        "${A:-" * 50_000,
        "$" * 400_001,
        "${A" * 100_000,
        "a: [" * 50_000,
        '"' * 300_001,
        "${A:-${B}}" * 30_000,
    ):
        compose_names(text)
        compose_names("k: " + text + "\n" + text)
    deep = "${A:-" * 200 + "}" * 200
    assert any("deep" in note for note in compose_names(f"k: {deep}").notes)
