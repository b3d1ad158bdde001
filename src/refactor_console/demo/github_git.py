"""Routes about repositories: what they are, commits, comparisons, refs, trees, files, releases."""

from __future__ import annotations

import base64

from refactor_console.demo import github_payloads as describe
from refactor_console.demo.clock import parse_moment
from refactor_console.demo.github_content import blob_sha, files
from refactor_console.demo.github_payloads import WEB
from refactor_console.demo.github_platform import Platform
from refactor_console.demo.github_repos import DemoRepo, GitCommit, GitRelease, sha1
from refactor_console.demo.github_wire import Asked, Json, Refusal, Reply, Route, node_id, not_found, page, quoted

_REPO = "/repos/{owner}/{repo}"
_RAW = ("application/vnd.github.raw", "application/vnd.github.v3.raw", "application/vnd.github.raw+json")
_MOST_IN_COMPARISON = 250
_LARGEST_TREE = 100_000


class Git:
    """Answers what is asked about sources."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def routes(self) -> list[Route]:
        """All of them."""
        return [
            Route("GET", _REPO, self.repository),
            Route("GET", f"{_REPO}/commits", self.commits),
            Route("GET", f"{_REPO}/commits/{{commit_sha}}/pulls", self.pulls),
            Route("GET", f"{_REPO}/commits/{{ref}}", self.commit),
            Route("GET", f"{_REPO}/compare/{{basehead}}", self.compare),
            Route("GET", f"{_REPO}/contents/{{path}}", self.contents),
            Route("GET", f"{_REPO}/git/matching-refs/{{ref}}", self.matching),
            Route("GET", f"{_REPO}/git/ref/{{ref}}", self.ref),
            Route("GET", f"{_REPO}/git/trees/{{tree_sha}}", self.tree),
            Route("GET", f"{_REPO}/releases", self.releases),
            Route("GET", f"{_REPO}/releases/latest", self.latest),
            Route("GET", f"{_REPO}/releases/tags/{{tag}}", self.release),
            Route("GET", f"{_REPO}/tags", self.tags),
        ]

    def repository(self, asked: Asked) -> Reply:
        """One repository."""
        return Reply(describe.full_repository(self._platform.repo(asked), asked.base, push=self._may_push(asked)))

    def _may_push(self, asked: Asked) -> bool:
        return asked.grant.may_write and asked.grant.allows("repo", "contents:write")

    def commits(self, asked: Asked) -> Reply:
        """Commits reachable from a ref, newest first."""
        repo = self._platform.repo(asked)
        start = repo.resolve(asked.query.get("sha") or "main")
        if start is None:
            raise not_found()
        found = repo.history(start)
        try:
            since, until = (
                parse_moment(asked.query[name]) if name in asked.query else None for name in ("since", "until")
            )
        except ValueError as wrong:
            raise Refusal(422, "Validation Failed") from wrong
        found = [c for c in found if (since is None or c.at_ns >= since) and (until is None or c.at_ns <= until)]
        if author := asked.query.get("author"):
            found = [commit for commit in found if commit.author == author]
        return page(asked, found, lambda commit: describe.commit(repo, commit, asked.base))

    def commit(self, asked: Asked) -> Reply:
        """One commit."""
        repo = self._platform.repo(asked)
        ref = asked.arguments["ref"]
        commit = repo.resolve(ref)
        if commit is None:
            raise Refusal(422, f"No commit found for SHA: {ref}")
        extra: Json = {"stats": {"total": 12, "additions": 9, "deletions": 3}, "files": []}
        return Reply(describe.commit(repo, commit, asked.base) | extra)

    def pulls(self, asked: Asked) -> Reply:
        """Pull requests that a commit belongs to."""
        repo = self._platform.repo(asked)
        sha = asked.arguments["commit_sha"]
        commit = repo.resolve(sha)
        if commit is None:
            raise Refusal(422, f"No commit found for SHA: {sha}")
        found = [commit] if commit.pull_request is not None else []
        return page(asked, found, lambda one: describe.pull_request(repo, one, asked.base))

    def compare(self, asked: Asked) -> Reply:
        """What head has over base."""
        repo = self._platform.repo(asked)
        first, dots, second = asked.arguments["basehead"].partition("...")
        base, head = repo.resolve(first), repo.resolve(second)
        if not dots or base is None or head is None:
            raise not_found()
        ours, theirs = repo.history(head), repo.history(base)
        in_base = {commit.sha for commit in theirs}
        ahead = [commit for commit in reversed(ours) if commit.sha not in in_base]
        in_head = {commit.sha for commit in ours}
        behind = sum(commit.sha not in in_head for commit in theirs)
        fork = next((commit for commit in ours if commit.sha in in_base), repo.commits[0])
        web = f"{WEB}/{repo.full_name}/compare/{quoted(first)}...{quoted(second)}"
        status = "diverged" if ahead and behind else "ahead" if ahead else "behind" if behind else "identical"

        def told(commit: GitCommit) -> Json:
            return describe.commit(repo, commit, asked.base)

        # Without page numbers GitHub gives the first 250 commits and says how many there are.
        paged = "page" in asked.query or "per_page" in asked.query
        shown = page(asked, ahead, told) if paged else Reply([told(commit) for commit in ahead[:_MOST_IN_COMPARISON]])
        value = {
            "url": f"{asked.base}{asked.path}",
            "html_url": web,
            "permalink_url": web,
            "diff_url": f"{web}.diff",
            "patch_url": f"{web}.patch",
            "base_commit": told(base),
            "merge_base_commit": told(fork),
            "status": status,
            "ahead_by": len(ahead),
            "behind_by": behind,
            "total_commits": len(ahead),
            "commits": shown.value,
            "files": [],
        }
        return Reply(value, headers=shown.headers)

    # Refs, trees, files -----------------------------------------------------------------------------------------

    def tags(self, asked: Asked) -> Reply:
        """Tags, in the order that GitHub gives: by name, backwards."""
        repo = self._platform.repo(asked)
        names = sorted(repo.tags, reverse=True)
        return page(asked, names, lambda name: _tag(repo, name, asked.base))

    def matching(self, asked: Asked) -> Reply:
        """Refs that begin with some words."""
        repo = self._platform.repo(asked)
        wanted = f"refs/{asked.arguments['ref']}"
        found = [name for name in _refs(repo) if name.startswith(wanted)]
        return page(asked, found, lambda name: _ref(repo, name, asked.base))

    def ref(self, asked: Asked) -> Reply:
        """One ref."""
        repo = self._platform.repo(asked)
        name = f"refs/{asked.arguments['ref']}"
        if name not in _refs(repo):
            raise not_found()
        return Reply(_ref(repo, name, asked.base))

    def tree(self, asked: Asked) -> Reply:
        """The files of a commit; with ``recursive`` all of them."""
        repo = self._platform.repo(asked)
        wanted = asked.arguments["tree_sha"]
        commit = repo.resolve(wanted)
        everything = (*repo.commits, *repo.stray.values())
        commit = commit or next((c for c in everything if describe.tree_sha(c) == wanted), None)
        if commit is None:
            raise not_found()
        entries = _entries(repo, commit, asked)
        if "recursive" not in asked.query:
            entries = [entry for entry in entries if "/" not in entry["path"]]
        return Reply(
            {
                "sha": describe.tree_sha(commit),
                "url": f"{asked.base}/repos/{repo.full_name}/git/trees/{describe.tree_sha(commit)}",
                "tree": entries[:_LARGEST_TREE],
                "truncated": len(entries) > _LARGEST_TREE,
            }
        )

    def contents(self, asked: Asked) -> Reply:
        """A file, as JSON or as it is, or the names in a directory."""
        repo = self._platform.repo(asked)
        ref = asked.query.get("ref") or "main"
        commit = repo.resolve(ref)
        if commit is None:
            raise Refusal(404, f"No commit found for the ref {ref}")
        path = asked.arguments["path"].strip("/")
        everything = files(repo, commit)
        if path in everything:
            if asked.accept.split(";")[0] in _RAW:
                return Reply(raw=everything[path], content_type="application/vnd.github.raw+json; charset=utf-8")
            return Reply(_file(repo, path, everything[path], ref, asked.base))
        inside = {name.removeprefix(f"{path}/").split("/")[0] for name in everything if name.startswith(f"{path}/")}
        if not inside:
            raise not_found()
        return Reply([_entry(repo, f"{path}/{name}", everything, ref, asked.base) for name in sorted(inside)])

    # Releases ---------------------------------------------------------------------------------------------------

    def releases(self, asked: Asked) -> Reply:
        """Releases, drafts only for those who may push: everybody else gets a shorter list and no word of it."""
        repo = self._platform.repo(asked)
        push = self._may_push(asked)
        found = [release for release in repo.releases if push or not release.draft]
        found.sort(key=lambda release: not release.draft)
        return page(asked, found, lambda release: describe.release(repo, release, asked.base))

    def latest(self, asked: Asked) -> Reply:
        """The newest that is neither draft nor prerelease."""
        return self._first(asked, lambda release: not release.draft and not release.prerelease)

    def release(self, asked: Asked) -> Reply:
        """The release of a tag."""
        return self._first(asked, lambda release: release.tag == asked.arguments["tag"] and not release.draft)

    def _first(self, asked: Asked, fits: object) -> Reply:
        repo = self._platform.repo(asked)
        assert callable(fits)  # noqa: S101 - narrows a lambda
        found: GitRelease | None = next(filter(fits, repo.releases), None)
        if found is None:
            raise not_found()
        return Reply(describe.release(repo, found, asked.base))


def _refs(repo: DemoRepo) -> dict[str, str]:
    heads = {f"refs/heads/{name}": sha for name, sha in repo.branches.items()}
    return dict(sorted((heads | {f"refs/tags/{name}": sha for name, sha in repo.tags.items()}).items()))


def _ref(repo: DemoRepo, name: str, base: str) -> Json:
    api = f"{base}/repos/{repo.full_name}/git"
    sha = _refs(repo)[name]
    return {
        "ref": name,
        "node_id": node_id("REF", int(sha1(name)[:8], 16)),
        "url": f"{api}/{quoted(name)}",
        "object": {"sha": sha, "type": "commit", "url": f"{api}/commits/{sha}"},
    }


def _tag(repo: DemoRepo, name: str, base: str) -> Json:
    api = f"{base}/repos/{repo.full_name}"
    sha = repo.tags[name]
    return {
        "name": name,
        "zipball_url": f"{api}/zipball/refs/tags/{quoted(name)}",
        "tarball_url": f"{api}/tarball/refs/tags/{quoted(name)}",
        "commit": {"sha": sha, "url": f"{api}/commits/{sha}"},
        "node_id": node_id("REF", int(sha1(f"refs/tags/{name}")[:8], 16)),
    }


def _entries(repo: DemoRepo, commit: GitCommit, asked: Asked) -> list[Json]:
    api = f"{asked.base}/repos/{repo.full_name}/git"
    everything = files(repo, commit)
    found: dict[str, Json] = {}
    for path, content in everything.items():
        for end in (n for n, c in enumerate(path) if c == "/"):
            sha = sha1(f"{describe.tree_sha(commit)} {path[:end]}")
            found[path[:end]] = {
                "path": path[:end], "mode": "040000", "type": "tree", "sha": sha, "url": f"{api}/trees/{sha}",
            }  # fmt: skip
        sha = blob_sha(content)
        found[path] = {
            "path": path,
            "mode": "100755" if path.endswith(".sh") else "100644",
            "type": "blob",
            "sha": sha,
            "size": len(content),
            "url": f"{api}/blobs/{sha}",
        }
    return [found[path] for path in sorted(found)]


def _file(repo: DemoRepo, path: str, content: bytes, ref: str, base: str) -> Json:
    text = base64.encodebytes(content).decode()
    return _about(repo, path, blob_sha(content), len(content), "file", ref, base) | {
        "content": text,
        "encoding": "base64",
    }


def _entry(repo: DemoRepo, path: str, everything: dict[str, bytes], ref: str, base: str) -> Json:
    content = everything.get(path)
    if content is None:
        return _about(repo, path, sha1(f"tree {ref} {path}"), 0, "dir", ref, base)
    return _about(repo, path, blob_sha(content), len(content), "file", ref, base)


def _about(repo: DemoRepo, path: str, sha: str, size: int, kind: str, ref: str, base: str) -> Json:
    place = quoted(path).replace("%2F", "/")
    here = f"{base}/repos/{repo.full_name}/contents/{place}?ref={quoted(ref)}"
    is_file = kind == "file"
    git = f"{base}/repos/{repo.full_name}/git/{'blobs' if is_file else 'trees'}/{sha}"
    html = f"{WEB}/{repo.full_name}/{'blob' if is_file else 'tree'}/{quoted(ref)}/{place}"
    raw = f"https://raw.githubusercontent.com/{repo.full_name}/{quoted(ref)}/{place}"
    return {
        "name": path.rpartition("/")[2],
        "path": path,
        "sha": sha,
        "size": size,
        "url": here,
        "html_url": html,
        "git_url": git,
        "download_url": raw if is_file else None,
        "type": kind,
        "_links": {"self": here, "git": git, "html": html},
    }
