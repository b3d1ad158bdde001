"""People, repositories, commits and releases as GitHub's REST API describes them."""

from __future__ import annotations

from refactor_console.demo.github_repos import OWNER, DemoRepo, GitCommit, GitRelease, sha1
from refactor_console.demo.github_wire import Json, node_id, quoted, timestamp

WEB = "https://github.com"
_BOOKMARKS = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}
"""What a repository says beside its address, after ``/repos/OWNER/NAME``."""


def user_id(login: str) -> int:
    """GitHub's number for a login."""
    return 1_000_000 + int(sha1(login)[:6], 16)


def user(login: str, base: str) -> Json:
    """A ``simple-user``."""
    api = f"{base}/users/{quoted(login)}"
    number = user_id(login)
    return {
        "login": login,
        "id": number,
        "node_id": node_id("U", number),
        "avatar_url": f"https://avatars.githubusercontent.com/u/{number}?v=4",
        "gravatar_id": "",
        "url": api,
        "html_url": f"{WEB}/{login}",
        "followers_url": f"{api}/followers",
        "following_url": f"{api}/following{{/other_user}}",
        "gists_url": f"{api}/gists{{/gist_id}}",
        "starred_url": f"{api}/starred{{/owner}}{{/repo}}",
        "subscriptions_url": f"{api}/subscriptions",
        "organizations_url": f"{api}/orgs",
        "repos_url": f"{api}/repos",
        "events_url": f"{api}/events{{/privacy}}",
        "received_events_url": f"{api}/received_events",
        "type": "Organization" if login == OWNER else "User",
        "user_view_type": "public",
        "site_admin": False,
    }


def repository(repo: DemoRepo, base: str) -> Json:
    """A ``minimal-repository``."""
    api = f"{base}/repos/{repo.full_name}"
    return {
        "id": repo.id,
        "node_id": node_id("R", repo.id),
        "name": repo.name,
        "full_name": repo.full_name,
        "private": False,
        "owner": user(OWNER, base),
        "html_url": f"{WEB}/{repo.full_name}",
        "description": repo.description,
        "fork": False,
        "url": api,
        **{name: api + rest for name, rest in _BOOKMARKS.items()},
    }


def full_repository(repo: DemoRepo, base: str, *, push: bool) -> Json:
    """A ``full-repository``."""
    git = f"github.com/{repo.full_name}.git"
    newest = timestamp(repo.head.at_ns)
    return repository(repo, base) | {
        "git_url": f"git://{git}",
        "ssh_url": f"git@github.com:{repo.full_name}.git",
        "clone_url": f"https://{git}",
        "svn_url": f"{WEB}/{repo.full_name}",
        "mirror_url": None,
        "homepage": "https://myrefactor.com",
        "language": repo.language,
        "forks_count": 4,
        "forks": 4,
        "stargazers_count": 11,
        "watchers_count": 11,
        "watchers": 11,
        "size": 4_812,
        "default_branch": "main",
        "open_issues_count": 23,
        "open_issues": 23,
        "is_template": False,
        "topics": [],
        "has_issues": True,
        "has_projects": True,
        "has_wiki": False,
        "has_pages": False,
        "has_downloads": True,
        "has_discussions": False,
        "archived": False,
        "disabled": False,
        "visibility": "public",
        "pushed_at": newest,
        "created_at": timestamp(repo.commits[0].at_ns),
        "updated_at": newest,
        "permissions": {"admin": push, "maintain": push, "push": push, "triage": push, "pull": True},
        "allow_rebase_merge": True,
        "allow_squash_merge": True,
        "allow_merge_commit": True,
        "subscribers_count": 5,
        "network_count": 4,
        "license": None,
        "organization": user(OWNER, base),
        "web_commit_signoff_required": False,
    }


def address_of(login: str) -> str:
    """Where a demo person gets no mail."""
    return f"{login}@users.noreply.github.com"


def commit(repo: DemoRepo, told: GitCommit, base: str) -> Json:
    """A ``commit``."""
    api = f"{base}/repos/{repo.full_name}"
    person = {"name": told.author, "email": address_of(told.author), "date": timestamp(told.at_ns)}
    parents = [told.parent] if told.parent else []
    return {
        "sha": told.sha,
        "node_id": node_id("C", int(told.sha[:8], 16)),
        "commit": {
            "author": person,
            "committer": {**person, "name": "GitHub", "email": "noreply@github.com"},
            "message": told.message,
            "tree": {"sha": tree_sha(told), "url": f"{api}/git/trees/{tree_sha(told)}"},
            "url": f"{api}/git/commits/{told.sha}",
            "comment_count": 0,
            "verification": {
                "verified": False,
                "reason": "unsigned",
                "signature": None,
                "payload": None,
                "verified_at": None,
            },
        },
        "url": f"{api}/commits/{told.sha}",
        "html_url": f"{WEB}/{repo.full_name}/commit/{told.sha}",
        "comments_url": f"{api}/commits/{told.sha}/comments",
        "author": user(told.author, base),
        "committer": user("web-flow", base),
        "parents": [
            {"sha": p, "url": f"{api}/commits/{p}", "html_url": f"{WEB}/{repo.full_name}/commit/{p}"} for p in parents
        ],
    }


def tree_sha(told: GitCommit) -> str:
    """The name of a commit's tree."""
    return sha1(f"tree {told.sha}")


def head_commit(told: GitCommit) -> Json:
    """A ``simple-commit``, as a run shows the commit it is for."""
    person = {"name": told.author, "email": address_of(told.author)}
    return {
        "id": told.sha,
        "tree_id": tree_sha(told),
        "message": told.message,
        "timestamp": timestamp(told.at_ns),
        "author": person,
        "committer": {"name": "GitHub", "email": "noreply@github.com"},
    }


def release(repo: DemoRepo, told: GitRelease, base: str) -> Json:
    """A ``release``; a draft's page has another address, and its tag need not exist."""
    api = f"{base}/repos/{repo.full_name}"
    web = f"{WEB}/{repo.full_name}/releases"
    place = f"untagged-{sha1(told.tag)[:20]}" if told.draft else told.tag
    at = timestamp(told.at_ns)
    return {
        "url": f"{api}/releases/{told.id}",
        "assets_url": f"{api}/releases/{told.id}/assets",
        "upload_url": f"https://uploads.github.com/repos/{repo.full_name}/releases/{told.id}/assets{{?name,label}}",
        "html_url": f"{web}/tag/{quoted(place)}",
        "id": told.id,
        "author": user(told.author, base),
        "node_id": node_id("RE", told.id),
        "tag_name": told.tag,
        "target_commitish": "main",
        "name": told.name,
        "draft": told.draft,
        "immutable": False,
        "prerelease": told.prerelease,
        "created_at": at,
        "updated_at": at,
        "published_at": None if told.draft else at,
        "assets": [],
        "tarball_url": None if told.draft else f"{api}/tarball/{quoted(told.tag)}",
        "zipball_url": None if told.draft else f"{api}/zipball/{quoted(told.tag)}",
        "body": told.body,
    }


def pull_request(repo: DemoRepo, told: GitCommit, base: str) -> Json:
    """A ``pull-request-simple``: the merged one that a commit came by."""
    number = told.pull_request or 0
    api = f"{base}/repos/{repo.full_name}"
    pull, issue = f"{api}/pulls/{number}", f"{api}/issues/{number}"
    html = f"{WEB}/{repo.full_name}/pull/{number}"
    branch = branch_of(told)
    merged = timestamp(told.at_ns)
    full = full_repository(repo, base, push=False)
    title = told.subject.removesuffix(f" (#{number})")

    def side(ref: str, sha: str) -> Json:
        return {"label": f"{OWNER}:{ref}", "ref": ref, "sha": sha, "user": user(OWNER, base), "repo": full}

    links = {
        "self": pull,
        "html": html,
        "issue": issue,
        "comments": f"{issue}/comments",
        "review_comments": f"{pull}/comments",
        "review_comment": f"{api}/pulls/comments{{/number}}",
        "commits": f"{pull}/commits",
        "statuses": f"{api}/statuses/{told.sha}",
    }
    return {
        "url": pull,
        "id": 2_000_000_000 + repo.id + number,
        "node_id": node_id("PR", repo.id + number),
        "html_url": html,
        "diff_url": f"{html}.diff",
        "patch_url": f"{html}.patch",
        "issue_url": issue,
        "number": number,
        "state": "closed",
        "locked": False,
        "title": title,
        "user": user(told.author, base),
        "body": None,
        "labels": [],
        "milestone": None,
        "active_lock_reason": None,
        "created_at": merged,
        "updated_at": merged,
        "closed_at": merged,
        "merged_at": merged,
        "merge_commit_sha": told.sha,
        "assignee": None,
        "assignees": [],
        "requested_reviewers": [],
        "requested_teams": [],
        "commits_url": links["commits"],
        "review_comments_url": links["review_comments"],
        "review_comment_url": links["review_comment"],
        "comments_url": links["comments"],
        "statuses_url": links["statuses"],
        "head": side(branch, sha1(f"head {told.sha}")),
        "base": side("main", told.parent),
        "_links": {name: {"href": href} for name, href in links.items()},
        "author_association": "MEMBER",
        "auto_merge": None,
        "draft": False,
    }


def branch_of(told: GitCommit) -> str:
    """The branch that a commit's pull request had, made of its subject."""
    words = "".join(c if c.isalnum() else "-" for c in told.subject.partition(" (#")[0].lower()).strip("-")
    while "--" in words:
        words = words.replace("--", "-")
    kind, _, rest = words.partition("-")
    return f"{kind}/{rest[:40].strip('-')}" if rest else kind
