"""A double of GitHub's OAuth and of its lists of organizations and teams, in pages."""

from tests.fakes.identity.server import Account, ProviderServer, Reply, Request
from tests.fakes.identity.server import in_json as answer


class GitHubServer(ProviderServer):
    """GitHub Enterprise; a group of an account with a slash is a team, another an organization."""

    def answer(self, request: Request) -> Reply:
        """Return the answer to a request."""
        match request.path:
            case "/login/oauth/authorize":
                return self.authorize(request)
            case "/login/oauth/access_token":
                return self._exchange(request)
        account = self.find_bearer(request)
        if account is None:
            return answer({"message": "Bad credentials"}, 401)
        match request.path:
            case "/api/v3/user":
                return answer({"id": int(account.subject), "login": account.login})
            case "/api/v3/user/orgs":
                found = [{"id": 1, "login": name} for name in account.groups if "/" not in name]
                return _page(request, found)
            case "/api/v3/user/teams":
                return _page(request, _teams(account))
        return answer({"message": "Not Found"}, 404)

    def _exchange(self, request: Request) -> Reply:
        """Answer as GitHub does: errors have the status 200."""
        if not self.is_client(request):
            return answer({"error": "incorrect_client_credentials"})
        found = self.redeem(request)
        if found is None:
            return answer({"error": "bad_verification_code"})
        return answer({"access_token": found[2], "scope": "read:org", "token_type": "bearer"})


def _teams(account: Account) -> list[dict[str, object]]:
    pairs = (name.split("/") for name in account.groups if "/" in name)
    return [
        {"name": team.title(), "slug": team, "organization": {"login": owner}}
        for owner, team in pairs
    ]


def _page(request: Request, found: list[dict[str, object]]) -> Reply:
    size, page = (int(request.fields[name]) for name in ("per_page", "page"))
    return answer(found[(page - 1) * size : page * size])
