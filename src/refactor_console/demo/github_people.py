"""Routes about the token itself: whose it is, and what it may still ask."""

from __future__ import annotations

from refactor_console.demo.github_access import Access
from refactor_console.demo.github_payloads import address_of, user
from refactor_console.demo.github_platform import Platform
from refactor_console.demo.github_wire import Asked, Json, Refusal, Reply, Route, timestamp

SECOND = 1_000_000_000


class People:
    """Answers who is asking."""

    def __init__(self, platform: Platform, access: Access) -> None:
        self._platform = platform
        self._access = access

    def routes(self) -> list[Route]:
        """Both of them."""
        return [Route("GET", "/user", self.user), Route("GET", "/rate_limit", self.rate_limit)]

    def user(self, asked: Asked) -> Reply:
        """Who the token belongs to.

        Raises:
            Refusal: 401, nobody asks.
        """
        login = asked.grant.login
        if not login:
            raise Refusal(401, "Requires authentication")
        joined = timestamp(self._platform.began_ns - 900 * 86_400 * SECOND)
        return Reply(
            user(login, asked.base)
            | {
                "user_view_type": "private",
                "name": login.replace("-", " ").title(),
                "company": None,
                "blog": "",
                "location": None,
                "email": address_of(login),
                "hireable": None,
                "bio": None,
                "twitter_username": None,
                "public_repos": 3,
                "public_gists": 0,
                "followers": 5,
                "following": 8,
                "created_at": joined,
                "updated_at": joined,
                "private_gists": 0,
                "total_private_repos": 0,
                "owned_private_repos": 0,
                "disk_usage": 10,
                "collaborators": 0,
                "two_factor_authentication": True,
                "plan": {"name": "free", "space": 976_562_499, "collaborators": 0, "private_repos": 10_000},
            }
        )

    def rate_limit(self, asked: Asked) -> Reply:
        """What remains; asking costs nothing."""
        window = self._access.window(asked.grant)
        core: Json = {
            "limit": window.limit,
            "used": window.used,
            "remaining": window.remaining,
            "reset": window.resets_ns // SECOND,
        }
        search = {"limit": 30, "used": 0, "remaining": 30, "reset": self._platform.clock.now() // SECOND + 60}
        return Reply({"resources": {"core": core, "search": search}, "rate": core})
