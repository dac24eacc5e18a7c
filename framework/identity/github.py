"""Sign-in with GitHub, also Enterprise: its own OAuth, as it is no OpenID Connect provider.

Organizations are groups by their name, teams as `organization/team`. Sources:
docs.github.com/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps and
docs.github.com/rest/{users,orgs,teams}.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from framework.identity.claims import MOST_GROUPS, read_groups
from framework.identity.provider_client import Credentials, ProviderClient
from framework.people.attempts import make_challenge
from framework.people.roles import is_name
from framework.ports.identity import Person, SignInAttempt
from framework.ports.identity_errors import SignInRefused

PUBLIC = "https://github.com"
_PUBLIC_API = "https://api.github.com"
_PAGE = 100


class GitHubSignIn:
    """framework.ports.identity.IdentityProvider for GitHub at `address`. Thread safe."""

    def __init__(self, address: str, credentials: Credentials, client: ProviderClient) -> None:
        self.title = "GitHub"
        self._address = address
        self._api = _PUBLIC_API if address == PUBLIC else f"{address}/api/v3"
        self._credentials = credentials
        self._client = client

    def begin(self, attempt: SignInAttempt) -> str:
        """Return GitHub's address to send the browser to. Does not block."""
        query = {
            "client_id": self._credentials.id,
            "redirect_uri": attempt.redirect,
            "scope": "read:org",
            "state": attempt.state,
            "code_challenge": make_challenge(attempt.verifier),
            "code_challenge_method": "S256",
        }
        return f"{self._address}/login/oauth/authorize?{urlencode(query)}"

    def finish(self, attempt: SignInAttempt, code: str) -> Person:
        """Return who has signed in."""
        form = {
            **self._credentials.as_form(),
            "code": code,
            "redirect_uri": attempt.redirect,
            "code_verifier": attempt.verifier,
        }
        answer = self._client.redeem(f"{self._address}/login/oauth/access_token", form)
        token = answer.get("access_token")
        if not isinstance(token, str):
            raise SignInRefused("GitHub sent no token for the code.")
        headers = {"Authorization": f"Bearer {token}"}
        user = self._client.get(f"{self._api}/user", headers)
        if (
            not isinstance(user, dict)
            or type(user.get("id")) is not int
            or not is_name(user.get("login"))
        ):
            raise self._client.fail("sent an answer that is not in the form of its API (user)")
        groups = [*self._list("orgs", headers), *self._list("teams", headers)]
        return Person(str(user["id"]), user["login"], read_groups(groups))

    def _list(self, what: str, headers: Mapping[str, str]) -> Iterator[str]:
        """Yield the names of the organizations or teams, from every page."""
        for page in range(1, MOST_GROUPS // _PAGE + 1):
            url = f"{self._api}/user/{what}?per_page={_PAGE}&page={page}"
            found = self._client.get(url, headers)
            if not isinstance(found, list):
                raise self._client.fail(
                    f"sent an answer that is not in the form of its API ({what})"
                )
            yield from (name for one in found if (name := _name(one)))
            if len(found) < _PAGE:
                return


def _name(one: Any) -> str:
    """Return the name of an organization, or of a team with its organization's."""
    match one:
        case {"slug": str(team), "organization": {"login": str(login)}}:
            return f"{login}/{team}"
        case {"login": str(login)}:
            return login
    return ""
