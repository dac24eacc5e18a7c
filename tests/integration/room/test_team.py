"""How people with an account enter an app for its team: by a provider, once for all apps.

The provider is a stand-in here; test_team_app.py beside the framework has a real one.
"""

import itertools
import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from framework.ports.identity import Person
from framework.ports.identity_errors import ProviderUnreachable
from prevs.roles import RoleRecord
from tests.fakes.access import ERA
from tests.fakes.asgi import TOKEN
from tests.fakes.identity_provider import FakeProvider
from tests.fakes.placements import OTHER_SHA, SHA, placement
from tests.integration.haproxy import guarding
from tests.integration.haproxy.proxies import BROWSER, Answer, Site, Upstream, upstream
from tests.integration.room.visitors import HOST, OTHER, SIGN_IN, Visitor, fields_of

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

DOCS = "main.docs.localhost"
ADA = Person("1", "ada", frozenset({"devs"}))
PERSON = "prevs-person"
_NUMBERS = itertools.count(1)


@pytest.fixture
def shop(running_site: Site) -> Iterator[Upstream]:
    """Two apps for the team of the group devs: shop, whose labels main and v1 run, and docs."""
    site = running_site
    site.world.known.has_sign_in = True
    with upstream("shop") as application:
        for app, sha, labels in (("shop", SHA, ("main", "v1")), ("docs", OTHER_SHA, ("main",))):
            site.world.add(app, "main", sha)
            close(site, app)
            site.route(app, {sha: placement(app, sha, application.port, *labels)})
            guarding.guard(site, app, team=True)
        give(site, "devs")
        yield application
    guarding.open_all(site)
    site.empty()


class Teammate(Visitor):
    """One who may be in the team."""

    def __init__(self, site: Site, address: str) -> None:
        super().__init__(site.proxy, address)
        self.site = site


def close(site: Site, app: str) -> None:
    answer = httpx.put(
        f"{site.proxy.environ['PREVS_API']}/v1/apps/{app}/access",
        json={"access": "team"},
        headers={"Authorization": f"Bearer {TOKEN}"},
    )
    assert answer.status_code == 200, answer.text


def give(site: Site, *groups: str) -> None:
    """Give a role for all apps to each of these groups, and to nobody else."""
    roles = [RoleRecord("read", group=group) for group in groups]
    site.world.known.roles = {role.id: role for role in roles}


@pytest.fixture
def visitor(running_site: Site, shop: Upstream) -> Teammate:
    # Each has an address of its own, as the framework counts sign-ins.
    return Teammate(running_site, f"127.0.1.{next(_NUMBERS)}")


@pytest.fixture
def provider(running_site: Site) -> Iterator[FakeProvider]:
    provider = running_site.world.api.provider
    yield provider
    provider.codes.clear()
    provider.error = None


def to_provider(visitor: Teammate, host: str = HOST, path: str = "/x?y=1") -> str:
    """Visit a preview; return the provider's address to which that leads."""
    answer = visitor.go(visitor.begin(host, path))
    assert answer.status == 303, answer.body
    assert answer.headers["referrer-policy"] == "no-referrer"
    return answer.headers["location"]


def sent_back(visitor: Teammate, url: str, person: Person = ADA) -> str:
    """Return where the provider sends a browser once somebody has signed in there."""
    fields = fields_of(url)
    code = visitor.site.world.api.provider.sign_in(url, person)
    redirect = fields.pop("redirect_uri")
    assert urlsplit(redirect).hostname == SIGN_IN
    return f"{redirect}?{urlencode({'code': code, 'state': fields['state']})}"


def sign_in(visitor: Teammate, host: str = HOST, person: Person = ADA) -> Answer:
    """Visit a preview, sign in at the provider, and return the answer to what it sends back."""
    return visitor.go(sent_back(visitor, to_provider(visitor, host), person))


def test_somebody_signs_in_once_for_all_previews_and_apps(
    visitor: Teammate, provider: FakeProvider, shop: Upstream
) -> None:
    back = sign_in(visitor)
    assert (back.status, urlsplit(back.headers["location"]).hostname) == (303, HOST)
    entered = visitor.go(back.headers["location"])
    assert (entered.status, entered.headers["location"]) == (303, "/x?y=1")
    assert visitor.go(f"http://{HOST}/x?y=1").status == 200
    assert set(visitor.jars[SIGN_IN]) == {PERSON}  # the attempt is over
    for host in (OTHER, DOCS):
        back = visitor.go(visitor.begin(host, "/"))
        assert urlsplit(back.headers["location"]).hostname == host, back.body
        assert visitor.go(back.headers["location"]).status == 303
        assert visitor.go(f"http://{host}/").status == 200
    assert provider.codes == {}
    kept = [visitor.jars[SIGN_IN][PERSON], visitor.jars[HOST]["prevs-access"]]
    assert all(text not in str(headers) for text in kept for _, _, headers in shop.seen)


def test_who_is_not_in_the_team_reads_why_and_may_use_another_account(visitor: Teammate) -> None:
    refused = sign_in(visitor, person=Person("2", "<b>eve", frozenset({"others"})))
    assert refused.status == 403
    assert b"You are not in the team" in refused.body
    assert b"&lt;b&gt;eve" in refused.body
    assert visitor.go(f"http://{HOST}/").status == 303
    # The session names her; nobody asks the provider again unless she wants that.
    assert visitor.go(visitor.begin()).status == 403
    again = re.search(rb'href="(/_prevs/sign-in[^"]+again=1)"', refused.body)
    assert again
    path = again[1].decode().replace("&amp;", "&")
    other = visitor.go(f"http://{SIGN_IN}{path}")
    assert other.headers["location"].startswith("https://sso.example/authorize?")
    back = visitor.go(sent_back(visitor, other.headers["location"]))
    assert visitor.go(back.headers["location"]).headers["location"] == "/x?y=1"


def test_a_role_that_was_taken_counts_at_the_next_entry(
    visitor: Teammate, running_site: Site
) -> None:
    visitor.go(sign_in(visitor).headers["location"])
    give(running_site, "others")
    assert visitor.go(f"http://{HOST}/").status == 200
    assert visitor.go(visitor.begin(OTHER)).status == 403
    guarding.guard(running_site, "shop", era=ERA + 1, team=True)
    assert visitor.go(visitor.begin()).status == 403


def test_what_the_provider_sends_back_counts_once_in_the_browser_that_began(
    visitor: Teammate, provider: FakeProvider
) -> None:
    url = sent_back(visitor, to_provider(visitor))
    stranger = Teammate(visitor.site, "127.0.0.3")
    assert stranger.go(url).status == 403  # login CSRF: a foreign code
    to_provider(stranger)
    assert stranger.go(url).status == 403
    assert PERSON not in stranger.jars[SIGN_IN]
    assert len(provider.codes) == 1  # nobody was asked
    assert visitor.go(url).status == 303
    again = visitor.go(url)  # the back button
    assert (again.status, b"was done already" in again.body) == (403, True)
    # The code for the preview counts at its host alone.
    code = visitor.go(visitor.begin()).headers["location"]
    visitor.begin(OTHER)
    assert visitor.go(code.replace(HOST, OTHER)).status == 403
    assert visitor.go(code).status == 303


def test_two_tabs_sign_in_beside_each_other(visitor: Teammate) -> None:
    first, second = to_provider(visitor, HOST, "/1"), to_provider(visitor, OTHER, "/2")
    for url, path in ((second, "/2"), (first, "/1")):
        back = visitor.go(sent_back(visitor, url))
        assert visitor.go(back.headers["location"]).headers["location"] == path
    visitor.jars.clear()
    for _ in range(7):
        last = to_provider(visitor)
    assert len(visitor.jars[SIGN_IN]) == 2  # of more than five, the earlier are forgotten
    assert visitor.go(sent_back(visitor, last)).status == 303


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example/", "/\\evil.example"])
def test_signing_in_leads_to_no_other_site(visitor: Teammate, to: str) -> None:
    fields = {**fields_of(visitor.begin()), "to": to}
    at_provider = visitor.go(f"http://{SIGN_IN}/_prevs/sign-in?{urlencode(fields)}")
    back = visitor.go(sent_back(visitor, at_provider.headers["location"]))
    assert visitor.go(back.headers["location"]).headers["location"] == "/"
    fields["on"] = "evil.example"
    assert visitor.go(f"http://{SIGN_IN}/_prevs/sign-in?{urlencode(fields)}").status == 403
    # A long path is left out, as browsers keep no larger cookie.
    new = Teammate(visitor.site, f"127.0.1.{next(_NUMBERS)}")
    back = new.go(sent_back(new, to_provider(new, OTHER, f"/?{'%41' * 600}")))
    assert fields_of(back.headers["location"])["to"] == "/"


def test_a_provider_that_refuses_or_is_away_is_named(
    visitor: Teammate, provider: FakeProvider
) -> None:
    url = to_provider(visitor)
    fields = fields_of(url)
    error = {"error": "access_denied", "state": fields["state"]}
    refused = visitor.go(f"{fields['redirect_uri']}?{urlencode(error)}")
    assert (refused.status, b"(access_denied)" in refused.body) == (403, True)
    assert set(visitor.jars[SIGN_IN]) == set()
    visitor.go(sign_in(visitor).headers["location"])
    provider.error = ProviderUnreachable("https://sso.example", "does not answer.")
    # Who has signed in goes on, to another preview too; others read why they cannot.
    assert visitor.go(visitor.begin(OTHER)).status == 303
    away = Teammate(visitor.site, "127.0.0.3")
    answer = away.go(away.begin())
    assert (answer.status, b"https://sso.example does not answer." in answer.body) == (503, True)
    assert b"127.0.0.1" not in answer.body


def test_only_a_proxy_that_is_trusted_may_name_people(visitor: Teammate) -> None:
    """HAProxy removes the headers, so the framework is not even asked."""
    named = {"X-Auth-Request-User": "ada", "X-Auth-Request-Groups": "devs"}
    answer = visitor.go(visitor.begin(), **named)
    assert answer.headers["location"].startswith("https://sso.example/")
    assert visitor.site.world.count("POST /v1/apps/shop/entries") == 0


def test_a_page_of_the_password_that_is_too_old_signs_in_nobody(visitor: Teammate) -> None:
    url = visitor.begin()
    answer = visitor.post(url, password="open sesame", **fields_of(url))
    assert answer.status == 403
    assert visitor.proxy.request(SIGN_IN, "/_prevs/signed-in", headers=BROWSER).status == 403
    query = parse_qs(urlsplit(url).query)
    assert query["on"] == [HOST]
