"""Each kind of identity provider, at a double of it: who signs in, and what does not count."""

import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

from framework.clock import Clock
from framework.identity.providers import make_provider
from framework.identity.settings import Kind, SignIn
from framework.ports.identity import IdentityProvider, Person
from framework.ports.identity_errors import ProviderUnreachable, SignInRefused
from tests.contract.signing_in import BACK, attempt
from tests.fakes.identity.github import GitHubServer
from tests.fakes.identity.openid import OpenIdServer
from tests.fakes.identity.server import CLIENT_ID, SECRET, Account, ProviderServer, Reply, in_json

pytestmark = pytest.mark.contract


def make(server: ProviderServer, kind: Kind, secret: str = SECRET) -> IdentityProvider:
    return make_provider(SignIn(kind, server.origin, CLIENT_ID, secret), Clock())


def browse(place: str) -> str:
    """Go where `begin` leads; return the code that comes back with the state."""
    answer = httpx.get(place, follow_redirects=False)
    back = urlsplit(answer.headers["Location"])
    assert f"{back.scheme}://{back.netloc}{back.path}" == BACK
    query = parse_qs(back.query)
    assert query["state"] == [parse_qs(urlsplit(place).query)["state"][0]]
    return query["code"][0]


def sign_in(provider: IdentityProvider) -> Person:
    tried = attempt()
    return provider.finish(tried, browse(provider.begin(tried)))


@pytest.fixture
def openid() -> Iterator[OpenIdServer]:
    server = OpenIdServer()
    yield server
    server.close()


@pytest.fixture
def github() -> Iterator[GitHubServer]:
    server = GitHubServer()
    yield server
    server.close()


def make_gitlab() -> OpenIdServer:
    return OpenIdServer(groups_in_token=False)


SERVERS: dict[Kind, Callable[[], ProviderServer]] = {
    "openid": OpenIdServer,
    "gitlab": make_gitlab,
    "gitea": OpenIdServer,
    "github": GitHubServer,
}


@pytest.fixture
def server(kind: Kind) -> Iterator[ProviderServer]:
    """A double of a kind of provider."""
    started = SERVERS[kind]()
    yield started
    started.close()


EACH_KIND = pytest.mark.parametrize("kind", SERVERS)


@pytest.mark.parametrize(
    ("kind", "groups", "title"),
    [
        ("openid", ("shop-devs", "größe"), "127.0.0.1"),
        ("gitlab", ("org", "org/sub/team"), "GitLab"),
        ("gitea", ("org", "org:team"), "Gitea"),
        ("github", ("org", "org/team"), "GitHub"),
    ],
)
def test_a_person_signs_in_with_their_groups(
    kind: Kind, server: ProviderServer, groups: tuple[str, ...], title: str
) -> None:
    server.account = Account("583231", "ada", groups)
    provider = make(server, kind)
    assert provider.title == title
    expected = frozenset(name.replace(":", "/") for name in groups)
    assert sign_in(provider) == Person("583231", "ada", expected)
    sent = str([(one.path, one.headers) for one in server.requests])
    assert SECRET not in sent


@EACH_KIND
def test_a_code_counts_once_and_for_its_own_attempt(kind: Kind, server: ProviderServer) -> None:
    provider = make(server, kind)
    mine, others = attempt(1), attempt(2)
    code = browse(provider.begin(mine))
    with pytest.raises(SignInRefused, match="the code"):
        provider.finish(others, code)
    code = browse(provider.begin(mine))
    provider.finish(mine, code)
    with pytest.raises(SignInRefused, match="the code"):
        provider.finish(mine, code)


@EACH_KIND
def test_a_wrong_secret_is_the_operators_to_correct(kind: Kind, server: ProviderServer) -> None:
    with pytest.raises(SignInRefused, match="PREVS_SIGN_IN_SECRET_FILE") as refused:
        sign_in(make(server, kind, "another secret"))
    assert "another secret" not in str(refused.value)


@pytest.mark.parametrize("kind", ["openid", "github"])
def test_a_provider_that_is_down_is_named_with_the_reason(
    kind: Kind, server: ProviderServer
) -> None:
    provider = make(server, kind)
    place = provider.begin(attempt())
    code = browse(place)
    origin = server.origin
    server.mishap = lambda _: Reply(502, b"<html>the upstream's secret</html>")
    with pytest.raises(ProviderUnreachable) as unreachable:
        provider.finish(attempt(), code)
    assert origin in str(unreachable.value)
    assert "502" in str(unreachable.value)
    assert "upstream" not in str(unreachable.value)
    again = make(server, kind)
    server.close()
    with pytest.raises(ProviderUnreachable, match="cannot be reached"):
        again.finish(attempt(), code)


CLAIMS: list[tuple[dict[str, Any], str]] = [
    ({"iss": "https://evil.example"}, "another issuer"),
    ({"aud": "another"}, "another client"),
    ({"aud": [CLIENT_ID, "another"]}, "another client"),
    ({"aud": [CLIENT_ID, "another"], "azp": "another"}, "another client"),
    ({"azp": "another"}, "another client"),
    ({"exp": int(time.time()) - 120}, "has ended"),
    ({"exp": "later"}, "has ended"),
    ({"exp": True}, "has ended"),
    ({"nbf": int(time.time()) + 86_400}, "does not count yet"),
    ({"nonce": "another"}, "another try"),
    ({"nonce": None}, "another try"),
    ({"nonce": "größe"}, "another try"),
    ({"sub": ""}, "names nobody"),
    ({"sub": 7}, "names nobody"),
]


@pytest.mark.parametrize(("changed", "why"), CLAIMS)
def test_an_id_token_for_something_else_does_not_count(
    openid: OpenIdServer, changed: dict[str, Any], why: str
) -> None:
    openid.change = lambda claims: {**claims, **changed}
    with pytest.raises(SignInRefused, match=why):
        sign_in(make(openid, "openid"))


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": [CLIENT_ID]},
        {"aud": [CLIENT_ID, "another"], "azp": CLIENT_ID},
    ],
)
def test_what_the_standard_allows_counts(openid: OpenIdServer, changed: dict[str, Any]) -> None:
    openid.change = lambda claims: {**claims, **changed}
    assert sign_in(make(openid, "openid")).login == "ada"


def test_clocks_may_differ_by_half_a_minute(openid: OpenIdServer) -> None:
    openid.change = lambda claims: {**claims, "exp": int(time.time()) - 30}
    assert sign_in(make(openid, "openid")).login == "ada"


@pytest.mark.parametrize(
    "sign",
    ["sign_not", "sign_with_secret", "sign_with_public_key", "sign_as_foreigner"],
)
def test_only_the_providers_own_key_signs(openid: OpenIdServer, sign: str) -> None:
    openid.sign = getattr(openid, sign)
    with pytest.raises(SignInRefused, match="does not count"):
        sign_in(make(openid, "openid"))


def test_a_text_that_is_no_token_does_not_count(openid: OpenIdServer) -> None:
    for text in ("", "a", "a.b.c", "e30.e30.", "größe"):
        openid.sign = lambda _, text=text: text  # type: ignore[misc]
        with pytest.raises(SignInRefused, match="does not count"):
            sign_in(make(openid, "openid"))


def test_a_key_that_was_changed_is_asked_for_and_an_old_one_counts_no_more(
    openid: OpenIdServer,
) -> None:
    provider = make(openid, "openid")
    sign_in(provider)
    sign_in(provider)
    assert [one.path for one in openid.requests].count("/keys") == 1
    before, openid.key = openid.key, RSAKey.generate_key(2048, {"kid": "second"})
    openid.shown = [openid.key]
    assert sign_in(provider).login == "ada"
    assert [one.path for one in openid.requests].count("/keys") == 2
    openid.key = before
    with pytest.raises(SignInRefused, match="does not show"):
        sign_in(provider)


@pytest.mark.parametrize("kind", ["EC", "OKP"])
def test_other_kinds_of_keys_sign_too(openid: OpenIdServer, kind: str) -> None:
    key: Any = (
        ECKey.generate_key("P-256", {"kid": "ec"})
        if kind == "EC"
        else OKPKey.generate_key("Ed25519", {"kid": "ed"})
    )
    unknown = {"kty": "PQ", "kid": "later"}
    openid.key, openid.shown = key, [key]
    algorithm = "ES256" if kind == "EC" else "Ed25519"
    openid.sign = lambda claims: _encode(claims, key, algorithm)
    openid.mishap = lambda request: (
        in_json({"keys": [unknown, key.as_dict(private=False), "x"]})
        if request.path == "/keys"
        else None
    )
    assert sign_in(make(openid, "openid")).login == "ada"


def _encode(claims: dict[str, Any], key: Any, algorithm: str) -> str:
    header = {"alg": algorithm, "kid": key.kid}
    return jwt.encode(header, claims, key, algorithms=[algorithm])


def test_userinfo_about_somebody_else_does_not_count(openid: OpenIdServer) -> None:
    openid.groups_in_token = False
    openid.mishap = lambda request: (
        in_json({"sub": "1", "groups": ["admins"]}) if request.path == "/userinfo" else None
    )
    with pytest.raises(SignInRefused, match="different people"):
        sign_in(make(openid, "openid"))


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "ftp://127.0.0.1/token"},
        {"authorization_endpoint": None},
        {"jwks_uri": "https://a b/"},
    ],
)
def test_discovery_that_cannot_be_right_is_refused(
    openid: OpenIdServer, changed: dict[str, Any]
) -> None:
    found = {**openid.describe(), **changed}
    openid.mishap = lambda request: in_json(found) if "well-known" in request.path else None
    with pytest.raises(ProviderUnreachable):
        make(openid, "openid").begin(attempt())


def test_an_issuer_may_have_a_path_and_a_slash_at_its_end() -> None:
    server = OpenIdServer(base="/realms/staff/")
    try:
        url = f"{server.origin}/realms/staff"
        provider = make_provider(SignIn("openid", url, CLIENT_ID, SECRET), Clock())
        assert sign_in(provider).login == "ada"
    finally:
        server.close()


def test_a_provider_without_http_basic_gets_the_secret_in_the_form(openid: OpenIdServer) -> None:
    found = {
        **openid.describe(),
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
    }
    openid.mishap = lambda request: in_json(found) if "well-known" in request.path else None
    assert sign_in(make(openid, "openid")).login == "ada"
    assert openid.requests[-2].fields.get("client_secret", SECRET) == SECRET


@pytest.mark.parametrize(
    ("claims", "login", "groups"),
    [
        ({"preferred_username": "grace"}, "grace", ["shop-devs"]),
        ({"email": "g@example.org", "email_verified": True}, "g@example.org", ["shop-devs"]),
        ({"email": "g@example.org"}, "583231", ["shop-devs"]),
        ({"email": "g@example.org", "email_verified": "true"}, "583231", ["shop-devs"]),
        ({"preferred_username": "a\nb"}, "583231", ["shop-devs"]),
        ({"groups": ["a", 7, "", "b\x00", "x" * 300]}, "583231", ["a"]),
        ({"groups": "only-one"}, "583231", ["only-one"]),
        ({"groups": {"admins": True}}, "583231", []),
        ({"groups": None}, "583231", []),
    ],
)
def test_only_what_the_provider_vouches_for_is_a_login_or_a_group(
    openid: OpenIdServer, claims: dict[str, Any], login: str, groups: list[str]
) -> None:
    openid.account = Account(more={"preferred_username": None, **claims})
    assert sign_in(make(openid, "openid")) == Person("583231", login, frozenset(groups))


def test_organizations_and_teams_at_github_come_from_every_page(github: GitHubServer) -> None:
    names = (*(f"org{number}" for number in range(230)), *(f"org/t{n}" for n in range(101)))
    github.account = Account(groups=names)
    assert sign_in(make(github, "github")).groups == frozenset(names)
