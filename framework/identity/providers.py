"""The identity provider that the settings name."""

from urllib.parse import urlsplit

from framework.clock import Clock
from framework.identity.github import GitHubSignIn
from framework.identity.openid import Dialect, OpenIdProvider
from framework.identity.provider_client import Credentials, ProviderClient
from framework.identity.settings import SignIn
from framework.ports.identity import IdentityProvider
from program.http import outgoing


def make_provider(chosen: SignIn, clock: Clock) -> IdentityProvider:
    """Return the provider. Does not block: it is asked when somebody signs in."""
    address = chosen.url.rstrip("/")
    client = ProviderClient(address, clock.monotonic, outgoing.make_client())
    credentials = Credentials(chosen.client_id, chosen.secret)
    if chosen.kind == "github":
        return GitHubSignIn(address, credentials, client)
    title, dialect = _find_dialect(chosen)
    return OpenIdProvider(title, chosen.url, credentials, client, dialect=dialect, clock=clock)


def _find_dialect(chosen: SignIn) -> tuple[str, Dialect]:
    """Return the name of a provider for people, and how it speaks OpenID Connect."""
    match chosen.kind:
        case "gitlab":
            # Groups are in userinfo, by their paths; profile has the user's name.
            return "GitLab", Dialect(scopes="openid profile")
        case "gitea":
            # A team is written org:team there, and org/team at GitHub.
            return "Gitea", Dialect(
                scopes="openid profile groups", rename=lambda name: name.replace(":", "/")
            )
    host = urlsplit(chosen.url).hostname or chosen.url
    return host, Dialect(groups_claim=chosen.groups_claim)
