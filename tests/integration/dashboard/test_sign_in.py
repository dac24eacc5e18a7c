"""Sign-in to the dashboard with an identity provider, at a double of one."""

import html
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from framework.clock import Clock
from framework.identity.providers import make_provider
from framework.identity.settings import SignIn
from framework.people.attempts import LIFE_S
from prevs.records import AppRecord
from prevs.roles import RoleRecord
from prevs.states import State
from tests.fakes.dashboard import Dashboard, Visitor
from tests.fakes.identity.openid import OpenIdServer
from tests.fakes.identity.server import CLIENT_ID, SECRET, Account, Reply

pytestmark = pytest.mark.integration

SHA = "5c80e7d1a2b3c4d5e6f708192a3b4c5d6e7f8091"


@pytest.fixture
def server() -> Iterator[OpenIdServer]:
    server = OpenIdServer()
    yield server
    server.close()


class Time:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.seconds = Clock().now()

    def now(self) -> float:
        return self.seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def dashboard(server: OpenIdServer, time: Time) -> Dashboard:
    """A dashboard with the apps shop and zebra, each with a preview that runs."""
    provider = make_provider(SignIn("openid", server.origin, CLIENT_ID, SECRET), Clock())
    made = Dashboard(now=time.now, provider=provider)
    for app in ("shop", "zebra"):
        made.previews.known_apps[app] = AppRecord(app, f"/{app}.git", created=1000.0)
        made.previews.put(app, SHA, State.RUNNING, labels=("main",))
    return made


def give(dashboard: Dashboard, *roles: RoleRecord) -> None:
    dashboard.previews.roles = {role.id: role for role in roles}


def read_onward(page: httpx.Response) -> str:
    """Return where a page leads on to."""
    assert page.status_code == 200, page.text
    found = re.search(r'content="0; url=([^"]+)"', page.text)
    assert found
    return html.unescape(found[1])


def begin(visitor: Visitor, to: str = "/", **request: str) -> str:
    """Press the button; return the path that the provider sends the browser back to."""
    place = read_onward(visitor.post("/sign-in/provider", {"next": to}, **request))
    answer = httpx.get(place, follow_redirects=False)
    back = urlsplit(answer.headers["Location"])
    return f"{back.path}?{back.query}"


def sign_in(dashboard: Dashboard, to: str = "/") -> Visitor:
    visitor = Visitor(dashboard)
    assert read_onward(visitor.get(begin(visitor, to))) == to
    return visitor


def test_a_person_signs_in_and_does_what_their_roles_allow(dashboard: Dashboard) -> None:
    give(dashboard, RoleRecord("use", group="shop-devs", app="shop"))
    form = Visitor(dashboard).get("/sign-in?next=/queue").text
    assert "Sign in with 127.0.0.1" in form
    assert 'value="/queue"' in form
    visitor = sign_in(dashboard)
    shown = visitor.get("/").text
    assert "@ada" in shown
    assert "(use of shop)" in shown
    assert "zebra" not in shown
    assert "/cluster" not in shown
    assert visitor.act(f"/apps/shop/previews/{SHA}/stop").status_code == 303
    assert visitor.act(f"/apps/zebra/previews/{SHA}/stop").status_code == 403
    for path in ("/apps/zebra", "/cluster", "/tokens", "/apps/shop/settings"):
        assert visitor.get(path).status_code == 403
    assert dashboard.notes()[0] == ("@ada", "sign in", "583231", 200)
    assert ("@ada", "stop preview", f"shop/{SHA}", 303) in dashboard.notes()


def test_each_app_shows_the_buttons_of_its_own_scope(dashboard: Dashboard) -> None:
    give(dashboard, RoleRecord("read", person="ada"), RoleRecord("use", person="ada", app="shop"))
    visitor = sign_in(dashboard)
    assert ">Stop<" in visitor.get(f"/apps/shop/previews/{SHA}").text
    assert ">Stop<" not in visitor.get(f"/apps/zebra/previews/{SHA}").text
    assert visitor.act(f"/apps/zebra/previews/{SHA}/stop").status_code == 403


def test_a_role_counts_at_once_and_no_longer_than_it_is_there(dashboard: Dashboard) -> None:
    visitor = sign_in(dashboard)
    refused = visitor.get("/")
    assert refused.status_code == 403
    assert "prevs role add --person ada" in refused.text
    assert "shop-devs" in refused.text
    give(dashboard, RoleRecord("admin", person="ada"))
    assert visitor.get("/tokens").status_code == 200
    give(dashboard)
    assert visitor.get("/tokens").status_code == 403
    assert visitor.get("/live/tokens").status_code == 403


def test_a_session_ends_after_eight_hours(dashboard: Dashboard, time: Time) -> None:
    give(dashboard, RoleRecord("read", person="ada"))
    visitor = sign_in(dashboard)
    time.seconds += 8 * 3600 - 60
    assert visitor.get("/").status_code == 200
    time.seconds += 61
    assert visitor.get("/").headers["Location"] == "/sign-in"


def test_two_tabs_sign_in_at_once(dashboard: Dashboard) -> None:
    give(dashboard, RoleRecord("read", person="ada"))
    visitor = Visitor(dashboard)
    first, second = begin(visitor, "/queue"), begin(visitor, "/events")
    assert read_onward(visitor.get(first)) == "/queue"
    assert read_onward(visitor.get(second)) == "/events"
    assert visitor.get("/").status_code == 200


def test_a_browser_keeps_only_a_few_tries(dashboard: Dashboard) -> None:
    visitor = Visitor(dashboard)
    last = [begin(visitor) for _ in range(7)][-1]
    assert len(visitor.cookies) == 4
    assert visitor.get(last).status_code == 200


def test_a_link_signs_nobody_in_as_somebody_else(dashboard: Dashboard) -> None:
    attacker, victim = Visitor(dashboard), Visitor(dashboard)
    link = begin(attacker)
    begin(victim)
    answer = victim.get(link)
    assert answer.status_code == 403
    assert "This browser has not begun to sign in" in answer.text
    assert victim.get("/").status_code == 303


def test_a_state_and_a_code_count_once(dashboard: Dashboard) -> None:
    visitor = Visitor(dashboard)
    back = begin(visitor)
    kept = httpx.Cookies(visitor.cookies)
    assert visitor.get(back).status_code == 200
    assert visitor.get(back).status_code == 403
    visitor.cookies = kept
    again = visitor.get(back)
    assert again.status_code == 403
    assert "does not accept the code" in again.text


def test_a_code_of_another_try_does_not_count(dashboard: Dashboard) -> None:
    visitor = Visitor(dashboard)
    first, second = (dict(httpx.QueryParams(urlsplit(begin(visitor)).query)) for _ in range(2))
    mixed = httpx.QueryParams({"state": first["state"], "code": second["code"]})
    assert visitor.get(f"/sign-in/callback?{mixed}").status_code == 403


def test_a_try_ends_after_ten_minutes(dashboard: Dashboard, time: Time) -> None:
    visitor = Visitor(dashboard)
    back = begin(visitor)
    time.seconds += LIFE_S
    assert visitor.get(back).status_code == 403


@pytest.mark.parametrize("to", ["//evil.example", "/\\evil.example", "https://evil.example", "a"])
def test_sign_in_leads_to_no_other_site(dashboard: Dashboard, to: str) -> None:
    visitor = Visitor(dashboard)
    assert read_onward(visitor.get(begin(visitor, to))) == "/"


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("error=access_denied", "was told not to let you in"),
        ("error=server_error&error_description=%3Cb%3Ehi", "signed nobody in"),
        ("", "signed nobody in"),
    ],
)
def test_what_the_provider_refuses_is_told(dashboard: Dashboard, query: str, why: str) -> None:
    visitor = Visitor(dashboard)
    state = httpx.QueryParams(urlsplit(begin(visitor)).query)["state"]
    answer = visitor.get(f"/sign-in/callback?state={state}&{query}")
    assert answer.status_code == 403
    assert why in answer.text
    assert "<b>hi" not in answer.text


def test_without_the_provider_nobody_new_comes_in_and_who_is_in_goes_on(
    dashboard: Dashboard, server: OpenIdServer
) -> None:
    give(dashboard, RoleRecord("read", group="shop-devs"))
    inside, outside = sign_in(dashboard), Visitor(dashboard)
    back = begin(outside)
    server.mishap = lambda _: Reply(503)
    answer = outside.get(back)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert "with the status 503" in answer.text
    assert inside.get("/queue").status_code == 200
    assert dashboard.sign_in().get("/").status_code == 200


def test_too_many_wrong_answers_of_an_address_are_refused(dashboard: Dashboard) -> None:
    visitor = Visitor(dashboard)
    statuses = [visitor.get("/sign-in/callback?state=a&code=b").status_code for _ in range(25)]
    assert statuses[0] == 403
    assert statuses[-1] == 429


def test_only_our_own_page_begins_it(dashboard: Dashboard) -> None:
    visitor = Visitor(dashboard)
    headers = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    answer = visitor.post("/sign-in/provider", {"next": "/"}, headers=headers)
    assert answer.status_code == 403
    assert not visitor.cookies


def test_cookies_over_https_are_of_this_host_alone(dashboard: Dashboard) -> None:
    visitor = Visitor(dashboard)
    host = "prevs.example.org"
    headers = {"Origin": f"https://{host}", "Host": host, "Sec-Fetch-Site": "same-origin"}
    page = visitor.post("/sign-in/provider", {"next": "/"}, headers=headers)
    place = httpx.QueryParams(urlsplit(read_onward(page)).query)
    assert place["redirect_uri"] == f"https://{host}/sign-in/callback"
    cookie = page.headers["Set-Cookie"]
    assert cookie.startswith("__Host-prevs-sign-in-")
    for word in ("Secure", "HttpOnly", "SameSite=lax", "Path=/"):
        assert word in cookie
    assert "Domain" not in cookie


def test_over_plain_http_nobody_signs_in(dashboard: Dashboard) -> None:
    host = "prevs.example.org"
    headers = {"Origin": f"http://{host}", "Host": host}
    answer = Visitor(dashboard).post("/sign-in/provider", {"next": "/"}, headers=headers)
    assert answer.status_code == 403
    assert "over plain http" in answer.text


def test_a_name_of_the_provider_cannot_be_markup(
    dashboard: Dashboard, server: OpenIdServer
) -> None:
    server.account = Account("1", "<script>x", ("<img src=x>",))
    page = sign_in(dashboard).get("/")
    assert page.status_code == 403
    assert "<script>x" not in page.text
    assert "<img src=x>" not in page.text


def test_who_signs_out_is_out(dashboard: Dashboard) -> None:
    give(dashboard, RoleRecord("read", person="ada"))
    visitor = sign_in(dashboard)
    assert visitor.act("/sign-out").status_code == 303
    assert visitor.get("/").status_code == 303


def test_without_a_provider_there_is_no_such_page() -> None:
    visitor = Visitor(Dashboard())
    assert "provider" not in visitor.get("/sign-in").text
    assert visitor.get("/sign-in/callback?state=a&code=b").status_code == 404
