"""Releases: what was released, what waits, which version each manifest carries, and what is not known said as such."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
import pytest_asyncio

from refactor_console.adapters.github import GitHub
from refactor_console.adapters.github_api import GitHubApi
from refactor_console.demo.github_access import TOKEN
from refactor_console.demo.github_content import MEMBERS
from refactor_console.demo.github_faults import Fault
from refactor_console.demo.github_repos import DAY, GitCommit, GitRelease, sha1
from refactor_console.domain.problem import ConsoleError
from refactor_console.domain.releases import ReleaseBoard, RepositoryReleases
from refactor_console.domain.repos import Repository
from refactor_console.services.github_pace import Pacer
from refactor_console.services.release_feed import MOST_COMMITS, ReleaseFeed
from tests.github_demo import TurnedClock
from tests.services.github_scene import BACK, FRONT, PLATFORM, Wire, client, wired
from tests.waiting import until

MANIFESTS = r"/contents/.*(Cargo\.toml|package\.json)$"


class Shelf:
    """The feed, and its boards as they come."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.token = TOKEN
        self.pace = Pacer(jitter=0)
        self.clients: dict[str, GitHub] = {}
        self.feed = ReleaseFeed(self.api, PLATFORM, pace=self.pace, clock=wire.now)
        self._boards = self.feed.boards()

    async def api(self) -> GitHubApi:
        if self.token not in self.clients:
            self.clients[self.token] = client(self.wire, self.token)
        return self.clients[self.token]

    async def board(self) -> ReleaseBoard:
        """The next one, as when a person asks."""
        upcoming = asyncio.ensure_future(anext(self._boards))
        for _ in range(500):
            await asyncio.sleep(0.002)
            if upcoming.done():
                break
            if not self.pace._wakers:
                continue
            self.pace.wake()
        return await asyncio.wait_for(upcoming, 10)

    async def unasked(self) -> ReleaseBoard:
        """The next one, which nobody asks for."""
        return await asyncio.wait_for(anext(self._boards), 10)

    async def of(self, repository: Repository = BACK) -> RepositoryReleases:
        return report(await self.board(), repository)

    def asked_for(self, pattern: str) -> int:
        import re

        return sum(re.search(pattern, request.target) is not None for request in self.wire.asked)

    async def push(self, *subjects: str, role: str = "backend") -> None:
        for subject in subjects:
            assert isinstance(self.wire.clock, TurnedClock)
            self.wire.clock.pass_by(1)
            await self.wire.control.do_github_push({"repo": role, "subject": subject})

    async def close(self) -> None:
        await self._boards.aclose()  # type: ignore[attr-defined]
        for made in self.clients.values():
            await made.close()


def report(board: ReleaseBoard, repository: Repository = BACK) -> RepositoryReleases:
    return next(found for found in board.repositories if found.repository == repository)


def groups(found: RepositoryReleases) -> dict[str, list[str]]:
    return {group.type: [commit.subject for commit in group.commits] for group in found.unreleased}


@pytest_asyncio.fixture
async def shelf() -> AsyncIterator[Shelf]:
    async with wired() as wire:
        made = Shelf(wire)
        yield made
        await made.close()


def forget_releases(wire: Wire, role: str) -> None:
    wire.repo(role).releases.clear()
    wire.repo(role).tags.clear()


async def test_drafts_come_first_and_tags_that_are_no_versions_are_listed_like_all_others(shelf: Shelf) -> None:
    found = await shelf.of()
    assert (found.releases[0].tag, found.releases[0].draft) == ("1.0.0-beta4", True)
    tags = [release.tag for release in found.releases]
    assert {"1.0-rc1", "1.0-beta1-test2", "1.0.0-beta3"} <= set(tags)
    dates = [release.published_at or release.created_at for release in found.releases[1:]]
    assert dates == sorted(dates, reverse=True)  # type: ignore[type-var]
    assert found.since_tag == "1.0.0-beta3", "neither the draft nor a test release is the last release"
    assert found.drafts_visible
    assert found.problems == ()


async def test_who_may_not_see_drafts_is_told_that_there_may_be_some(shelf: Shelf) -> None:
    from refactor_console.demo.github_wire import Grant

    shelf.wire.server.access.admit(Grant("ghp_reader", "guest-greta", ("repo",)))
    shelf.token = "ghp_reader"
    found = await shelf.of()
    assert not found.drafts_visible
    assert all(not release.draft for release in found.releases)


async def test_every_manifest_s_version_at_the_head_is_known_and_whether_both_sides_agree(shelf: Shelf) -> None:
    board = await shelf.board()
    back, front = report(board), report(board, FRONT)
    assert back.head_versions is not None
    assert len(back.head_versions.members) == len(MEMBERS) + 1
    assert back.head_versions.versions == ("1.0.0-beta3",)
    assert front.head_versions is not None
    assert [member.path for member in front.head_versions.members] == ["package.json"]
    assert board.agree is True
    assert "1.0.0-beta3" in board.agreement


async def test_manifests_are_read_once_for_a_commit(shelf: Shelf) -> None:
    await shelf.board()
    read = shelf.asked_for(MANIFESTS)
    assert read == len(MEMBERS) + 2
    await shelf.board()
    assert shelf.asked_for(MANIFESTS) == read
    await shelf.push("fix: one")
    await shelf.board()
    assert shelf.asked_for(MANIFESTS) == 2 * read - 1, "the backend's, whose head moved"


async def test_versions_at_a_tag_are_read_when_somebody_asks_and_then_shown_by_themselves(shelf: Shelf) -> None:
    found = await shelf.of()
    assert found.tag_versions == ()
    assert shelf.asked_for("beta2") == 0
    read = shelf.asked_for(MANIFESTS)
    shown = asyncio.ensure_future(shelf.unasked())
    await shelf.feed.versions_at(BACK, "1.0.0-beta2")
    (reading,) = report(await shown).tag_versions
    assert (reading.ref, reading.versions, len(reading.members)) == ("1.0.0-beta2", ("1.0.0-beta2",), len(MEMBERS) + 1)
    after = shelf.asked_for(MANIFESTS)
    assert after == read + len(MEMBERS) + 1
    await shelf.feed.versions_at(BACK, "1.0.0-beta2")
    assert shelf.asked_for(MANIFESTS) == after, "a commit does not change"


async def test_a_tag_that_is_no_version_has_manifests_all_the_same(shelf: Shelf) -> None:
    await shelf.board()
    await shelf.feed.versions_at(BACK, "1.0-rc1")
    (reading,) = report(shelf.feed.board()).tag_versions
    assert reading.ref == "1.0-rc1"
    assert len(reading.members) == len(MEMBERS) + 1


async def test_a_tag_that_is_not_there_or_a_repository_that_is_not_watched_is_said(shelf: Shelf) -> None:
    await shelf.board()
    for repository, tag, code in ((BACK, "9.9.9", "not-found"), (Repository("o", "n"), "1.0", "not-watched")):
        with pytest.raises(ConsoleError) as caught:
            await shelf.feed.versions_at(repository, tag)
        assert caught.value.problem.code == code
        assert caught.value.problem.summary.endswith(".")
    assert report(shelf.feed.board()).tag_versions == ()


async def test_versions_at_a_tag_that_was_moved_meanwhile_are_shown_no_more(shelf: Shelf) -> None:
    await shelf.board()
    await shelf.feed.versions_at(BACK, "1.0.0-beta2")
    assert (await shelf.of()).tag_versions
    repo = shelf.wire.repo()
    repo.tags["1.0.0-beta2"] = repo.head.sha
    assert (await shelf.of()).tag_versions == ()


async def test_unreleased_commits_are_grouped_by_what_they_say_they_are(shelf: Shelf) -> None:
    before = (await shelf.of()).unreleased_count
    await shelf.push(
        "feat(goals): show progress (#318)",
        "fix: no crash on an empty goal",
        "feat!: sessions have a time zone",
        "docs: how to deploy",
        "Polish here and there",
        "chore(deps): bump tokio",
    )
    found = await shelf.of()
    told = groups(found)
    assert found.unreleased_count == before + 6
    assert told["feat"][:2] == ["feat!: sessions have a time zone", "feat(goals): show progress (#318)"]
    assert told["fix"][0] == "fix: no crash on an empty goal"
    assert told["docs"][0] == "docs: how to deploy"
    assert "Polish here and there" in told["other"]
    assert len(found.breaking) >= 1
    assert found.breaking[0] == next(c.sha for g in found.unreleased for c in g.commits if "!" in c.subject)
    assert found.proposed == "1.0.0-beta4"


@pytest.mark.parametrize(
    ("subjects", "proposed"),
    [(["fix: one"], "1.2.4"), (["fix: one", "feat: two"], "1.3.0"), (["feat: two", "fix!: three"], "2.0.0"), ([], "")],
)
async def test_the_next_version_follows_from_what_waits(shelf: Shelf, subjects: list[str], proposed: str) -> None:
    released(shelf.wire, "1.2.3")
    await shelf.push(*subjects)
    found = await shelf.of()
    assert (found.since_tag, found.unreleased_count) == ("1.2.3", len(subjects))
    assert found.proposed == proposed


def released(wire: Wire, tag: str, sha: str = "", *, role: str = "backend", days_ago: float = 0.0) -> None:
    """One more release, of the head unless told."""
    repo = wire.repo(role)
    sha = sha or repo.head.sha
    repo.tags[tag] = sha
    at = wire.clock.now() - round(days_ago * DAY)
    repo.releases.insert(0, GitRelease(hash(tag) % 10**6, tag, tag, "", False, False, sha, at, "olga"))


async def test_a_repository_without_a_release_says_so_and_lists_what_there_is(shelf: Shelf) -> None:
    forget_releases(shelf.wire, "frontend")
    board = await shelf.board()
    found = report(board, FRONT)
    assert found.releases == ()
    assert (found.since_tag, found.proposed) == ("", "")
    assert found.unreleased_count == len(shelf.wire.repo("frontend").commits)
    assert found.problems == ()
    assert report(board).releases, "the other one is not touched"


async def test_where_there_are_tags_alone_the_last_version_among_them_counts(shelf: Shelf) -> None:
    repo = shelf.wire.repo()
    forget_releases(shelf.wire, "backend")
    repo.tags.update({"0.9.0": repo.commits[2].sha, "1.0.0": repo.commits[5].sha, "nightly": repo.commits[-1].sha})
    found = await shelf.of()
    assert found.since_tag == "1.0.0"
    assert found.unreleased_count == len(repo.commits) - 6
    assert {(release.tag, release.is_release) for release in found.releases} == {
        ("0.9.0", False),
        ("1.0.0", False),
        ("nightly", False),
    }


async def test_more_commits_than_a_repository_without_releases_can_be_asked_for_are_not_called_all(
    shelf: Shelf,
) -> None:
    forget_releases(shelf.wire, "backend")
    await shelf.push(*(f"fix: number {number}" for number in range(MOST_COMMITS + 20)))
    found = await shelf.of()
    held = sum(len(group.commits) for group in found.unreleased)
    assert held == MOST_COMMITS
    assert found.unreleased_count > held, "the pane says that there are more"
    (problem,) = found.problems
    assert "more than 250 commits" in problem.summary
    assert not shelf.feed._has_problems, "looking sooner would change nothing"


async def test_a_comparison_that_github_cut_says_how_many_there_are_and_proposes_nothing_it_cannot_know(
    shelf: Shelf,
) -> None:
    released(shelf.wire, "1.2.3")
    await shelf.push(*(f"fix: number {number}" for number in range(311)), "feat: the last")
    found = await shelf.of()
    assert found.unreleased_count == 312
    assert sum(len(group.commits) for group in found.unreleased) == MOST_COMMITS
    assert found.proposed == "", "a breaking change may be among those that were not listed"


async def test_a_breaking_change_among_the_listed_ones_settles_the_next_version_all_the_same(shelf: Shelf) -> None:
    released(shelf.wire, "1.2.3")
    await shelf.push("feat!: first of all", *(f"fix: number {number}" for number in range(310)), "feat!: the last")
    found = await shelf.of()
    assert found.unreleased_count == 312
    assert found.proposed == "2.0.0"


@pytest.mark.parametrize(
    ("path", "repository"), [("web/Cargo.toml", BACK), ("package.json", FRONT)], ids=["a member", "the only one"]
)
async def test_a_manifest_that_is_not_there_is_said_of_that_manifest_alone(
    shelf: Shelf, path: str, repository: Repository
) -> None:
    shelf.wire.server.faults.order(Fault.STATUS, f"/{repository.name}/contents/{path}$", value=404)
    board = await shelf.board()
    found = report(board, repository)
    assert found.problems == ()
    assert found.releases
    assert found.head_versions is not None
    lost = [member for member in found.head_versions.members if not member.version]
    assert [member.path for member in lost] == [path]
    assert "no such file" in lost[0].note
    assert "workspace" not in lost[0].note
    shelf.wire.server.faults.clear()
    again = (await shelf.of(repository)).head_versions
    assert again is not None
    assert again.agree, "a file that was away for a moment is not away for ever"
    assert board.agree is not True


async def test_manifests_that_cannot_be_read_just_now_leave_the_releases_and_are_read_later(shelf: Shelf) -> None:
    shelf.wire.server.faults.order(Fault.STATUS, "/git/trees/", value=502)
    board = await shelf.board()
    found = report(board)
    assert found.releases
    assert found.unreleased_count
    assert found.head_versions is None
    assert [problem.code for problem in found.problems] == ["server-error"]
    assert board.agree is None
    shelf.wire.server.faults.clear()
    found = await shelf.of()
    assert found.head_versions is not None
    assert found.problems == ()


async def test_a_repository_out_of_reach_keeps_what_was_seen_with_the_reason_beside_it(shelf: Shelf) -> None:
    before = await shelf.board()
    shelf.wire.server.faults.order(Fault.STATUS, f"/{FRONT.name}(/|$)", value=503)
    board = await shelf.board()
    assert report(board) == report(before)
    found = report(board, FRONT)
    assert found.problems
    assert replace(found, problems=()) == report(before, FRONT)


async def test_only_when_no_repository_can_be_asked_the_feed_fails(shelf: Shelf) -> None:
    await shelf.board()
    shelf.wire.server.faults.order(Fault.STATUS, "/repos/", value=503)
    with pytest.raises(ConsoleError) as caught:
        await shelf.board()
    assert caught.value.problem.code == "server-error"


async def test_a_release_whose_tag_was_deleted_does_not_hide_what_waits(shelf: Shelf) -> None:
    released(shelf.wire, "1.2.3")
    del shelf.wire.repo().tags["1.2.3"]
    found = await shelf.of()
    assert found.since_tag == "1.0.0-beta3"
    assert found.unreleased_count
    assert found.problems == ()


async def test_a_newer_release_of_another_branch_is_not_what_main_is_counted_from(shelf: Shelf) -> None:
    repo = shelf.wire.repo()
    stray = GitCommit(sha1("stray"), "fix: only here", "olga", shelf.wire.clock.now(), repo.commits[3].sha)
    repo.stray[stray.sha] = stray
    released(shelf.wire, "0.9.9", stray.sha)
    found = await shelf.of()
    assert found.since_tag == "1.0.0-beta3"


async def test_a_release_beside_the_branch_counts_where_no_other_can_be_compared(shelf: Shelf) -> None:
    """What is known is shown: a tag that is gone does not take the only comparison there is with it."""
    repo = shelf.wire.repo()
    forget_releases(shelf.wire, "backend")
    stray = GitCommit(sha1("stray"), "fix: only here", "olga", shelf.wire.clock.now(), repo.commits[3].sha)
    repo.stray[stray.sha] = stray
    released(shelf.wire, "1.0.0", days_ago=3)
    del repo.tags["1.0.0"]
    released(shelf.wire, "1.0.1", stray.sha)
    found = await shelf.of()
    assert found.since_tag == "1.0.1"
    assert found.unreleased_count == len(repo.commits) - 4
    assert found.problems == ()


async def test_the_facts_are_asked_anew_when_somebody_else_is_signed_in(shelf: Shelf) -> None:
    await shelf.board()
    facts = shelf.asked_for(f"{BACK}$")
    await shelf.board()
    assert shelf.asked_for(f"{BACK}$") == facts
    shelf.wire.admit_rita()
    shelf.token = "rita-token"
    await shelf.board()
    assert shelf.asked_for(f"{BACK}$") == facts + 1


async def test_what_is_wrong_is_looked_at_again_sooner(shelf: Shelf) -> None:
    shelf.pace.look_at("releases")
    normal, busy = (shelf.pace.seconds("releases", busy=flag) for flag in (False, True))
    assert timedelta(seconds=busy) < timedelta(seconds=normal)
    shelf.wire.server.faults.order(Fault.STATUS, f"/{FRONT.name}/compare", value=503)
    assert report(await shelf.board(), FRONT).problems
    await until(lambda: shelf.feed._has_problems, "the feed knows")
