"""What the releases pane says, from values alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from refactor_console.domain.releases import MemberVersion, RepositoryReleases, VersionReading
from refactor_console.widgets import present_releases as say
from refactor_console.widgets.prose import prose
from tests.ui import boards
from tests.ui.double_session import EVIL, NOW


def reading(*members: MemberVersion) -> VersionReading:
    return VersionReading(boards.PLATFORM.backend, "main", members)


def facts(report: RepositoryReleases) -> dict[str, str]:
    return {label: value.plain for label, value in say.repository_facts(report)}


def test_breaking_commits_are_on_top_and_the_rest_stays_in_its_groups() -> None:
    rows = say.commit_rows(boards.release_reports()[0], NOW)
    assert [row.cells["type"].plain for row in rows] == ["▲ feat!", "feat", "fix", "fix", "other"]


def test_a_commit_s_type_is_said_once_and_its_scope_kept() -> None:
    assert say.bare_subject("feat(web)!: a calendar", "feat") == "web: a calendar"
    assert say.bare_subject("fix: notes", "fix") == "notes"
    assert say.bare_subject("fix: notes", "other") == "fix: notes"
    assert say.bare_subject("Update README.md", "other") == "Update README.md"


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        (boards.manifests("1.0.0"), "● 1.0.0 in 12 manifests"),
        (boards.manifests("1.0.0", "0.9.0"), "▲ 1.0.0 in 11 of 12 manifests, but web/Cargo.toml 0.9.0"),
        ((MemberVersion("package.json", ""),), "? no version in 1 manifest"),
        (
            (MemberVersion("a", "1"), MemberVersion("b", "1"), MemberVersion("c", "")),
            "▲ 1 in 2 of 3 manifests, but c has none",
        ),
        ((), "? no version in 0 manifests"),
    ],
)
def test_manifests_that_differ_are_named(members: tuple[MemberVersion, ...], sentence: str) -> None:
    assert say.versions_sentence(reading(*members)).plain == sentence


def test_many_odd_manifests_are_counted() -> None:
    members = [MemberVersion(f"m{n}", "1") for n in range(20)] + [MemberVersion(f"o{n}", f"2.{n}") for n in range(9)]
    assert say.versions_sentence(reading(*members)).plain.endswith("o3 2.3 and 5 more")


def test_drafts_out_of_sight_are_not_said_to_be_none() -> None:
    backend, frontend = boards.release_reports()
    assert facts(backend)["Drafts"] == "1.0.0-beta4"
    assert facts(frontend)["Drafts"].startswith("? not visible to this token")
    assert facts(replace(frontend, drafts_visible=True))["Drafts"] == "none"


def test_what_waits_is_counted_by_type_with_what_is_not_listed() -> None:
    backend, _ = boards.release_reports()
    assert facts(backend)["Waiting"] == "▲ 1 breaking  5 commits since 1.0.0-beta3: 2 feat, 2 fix, 1 other"
    more = replace(backend, unreleased_count=1255, breaking=())
    assert facts(more)["Waiting"].endswith(
        "1,255 commits since 1.0.0-beta3: 2 feat, 2 fix, 1 other, 1,250 more not listed"
    )


def test_without_a_semantic_version_nothing_is_proposed_and_the_reason_said() -> None:
    backend, _ = boards.release_reports()
    assert facts(backend)["Next"].startswith("1.0.0-beta4")
    odd = replace(backend, proposed="", since_tag="1.0-rc1")
    assert facts(odd)["Next"] == "no proposal: 1.0-rc1 is no semantic version"
    cut = replace(boards.release_reports()[0], proposed="", since_tag="1.2.3", unreleased_count=312)
    assert facts(cut)["Next"].startswith("no proposal: not all commits are listed")
    assert "no release to count from" in facts(replace(odd, since_tag=""))["Next"]
    assert facts(replace(odd, unreleased_count=0))["Next"] == "nothing to release"


def test_every_kind_of_release_has_its_word_and_versions_appear_when_they_were_read() -> None:
    backend, _ = boards.release_reports()
    rows = say.release_rows(
        replace(backend, tag_versions=(replace(reading(*boards.manifests("1.0.0-beta3", "2")), ref="1.0.0-beta3"),)),
        NOW,
    )
    assert [row.cells["state"].plain for row in rows] == [
        "▲ draft",
        *["◇ pre-release"] * 3,
        "· tag only",
    ]
    assert [row.cells["versions"].plain for row in rows][:2] == ["–", "▲ differ: 1.0.0-beta3, 2"]
    assert say.state_text(boards.release("1.0.0", 1)).plain == "● released"


def test_two_drafts_of_one_tag_are_two_rows() -> None:
    backend, _ = boards.release_reports()
    other = replace(backend.releases[0], name="another", html_url="https://github.com/x/y")
    rows = say.release_rows(replace(backend, releases=(backend.releases[0], other)), NOW)
    assert len({row.key for row in rows}) == 2


def test_notes_keep_their_lines_and_nothing_in_them_is_more_than_text() -> None:
    text = f"one\r\n  - [b]two[/b]\n{EVIL}\nend"
    shown = prose(text, 40).plain
    assert shown.startswith("one\n  - [b]two[/b]\na[red]b[/red]")
    assert shown.endswith("\nend")
    assert not any(sign in shown for sign in ("\x1b", "\x07", "\u202e", "\r"))
    assert max(len(line) for line in shown.split("\n")) <= 40
