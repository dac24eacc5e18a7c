import pytest

from framework.access import Scope
from framework.http_api.admission.limits import FAILED_AUTH
from tests.fakes.asgi import TOKEN
from tests.fakes.dashboard import BASE, Dashboard, Visitor

PAGES = [
    "/",
    "/queue",
    "/add-app",
    "/apps/hello",
    "/apps/hello/settings",
    "/apps/hello/forge",
    "/live/overview",
]
OWN = {"Origin": BASE, "Sec-Fetch-Site": "same-origin"}


def test_signing_in_leads_back_to_the_requested_page(dashboard: Dashboard) -> None:
    stranger = Visitor(dashboard)
    answer = stranger.get("/queue?after=x")
    assert (answer.status_code, answer.headers["Location"]) == (
        303,
        "/sign-in?next=%2Fqueue%3Fafter%3Dx",
    )
    page = stranger.get(answer.headers["Location"])
    assert 'value="/queue?after=x"' in page.text
    answer = stranger.post("/sign-in", {"token": f" {TOKEN}\n", "next": "/queue?after=x"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/queue?after=x")
    assert stranger.get("/").status_code == 200


@pytest.mark.parametrize("path", PAGES)
def test_a_stranger_sees_nothing(dashboard: Dashboard, path: str) -> None:
    answer = Visitor(dashboard).get(path)
    assert (answer.status_code, answer.text) == (303, "")
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_link_of_another_site_goes_on_through_a_page_of_this_one(dashboard: Dashboard) -> None:
    answer = Visitor(dashboard).get("/queue", headers={"Sec-Fetch-Site": "cross-site"})
    assert '<meta http-equiv="refresh" content="0; url=/sign-in?next=%2Fqueue">' in answer.text
    visitor = dashboard.sign_in()
    answer = visitor.get("/sign-in?next=%2Fqueue")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/queue")


@pytest.mark.parametrize(
    "place",
    [
        "//evil.example/",
        "/\\evil.example",
        "https://evil.example/",
        "javascript:alert(1)",
        "/\r\nx",
    ],
)
def test_signing_in_never_redirects_to_another_site(dashboard: Dashboard, place: str) -> None:
    visitor = Visitor(dashboard)
    answer = visitor.post("/sign-in", {"token": TOKEN, "next": place})
    assert answer.headers["Location"] == "/"
    assert visitor.get("/sign-in", params={"next": place}).headers["Location"] == "/"
    answer = visitor.act("/apps/hello/start", label="main", back=place)
    assert answer.headers["Location"] == "/?did=start"


def test_the_cookie_is_only_for_this_hosts_pages_and_for_no_script(dashboard: Dashboard) -> None:
    answer = Visitor(dashboard).post("/sign-in", {"token": TOKEN})
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("prevs-session-")
    assert cookie.endswith("; HttpOnly; Max-Age=43200; Path=/; SameSite=strict")


def test_the_cookie_of_an_https_page_is_never_sent_without_it(dashboard: Dashboard) -> None:
    headers = {"Host": "prevs.example", "Origin": "https://prevs.example"}
    answer = Visitor(dashboard).post("/sign-in", {"token": TOKEN}, headers=headers)
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-prevs-session-")
    assert "; Secure" in cookie
    session = cookie.partition(";")[0]
    assert Visitor(dashboard).get("/", headers={"Cookie": session}).status_code == 200
    plain = session.removeprefix("__Host-")
    both = {"Cookie": f"{plain.partition('=')[0]}=x; {session}"}
    assert Visitor(dashboard).get("/", headers=both).is_success


def test_a_cookie_that_another_host_can_set_is_refused_with_https(dashboard: Dashboard) -> None:
    answer = Visitor(dashboard).post("/sign-in", {"token": TOKEN})
    headers = {"Cookie": answer.headers["Set-Cookie"].partition(";")[0]}
    visitor = Visitor(dashboard)
    assert visitor.get("https://prevs.localhost/", headers=headers).status_code == 303
    assert visitor.get("http://prevs.localhost/", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "host", ["prevs.example", "10.0.0.5:8090", "localhost.example", "[fd00::1]"]
)
def test_plain_http_signs_in_only_at_loopback(dashboard: Dashboard, host: str) -> None:
    plain = {"Host": host, "Origin": f"http://{host}"}
    answer = Visitor(dashboard).post("/sign-in", {"token": TOKEN}, headers=plain)
    assert answer.status_code == 403
    assert "over https" in answer.text
    assert "Set-Cookie" not in answer.headers
    session = Visitor(dashboard).post("/sign-in", {"token": TOKEN}).headers["Set-Cookie"]
    known = {"Host": host, "Cookie": session.partition(";")[0]}
    assert Visitor(dashboard).get("/", headers=known).status_code == 303


@pytest.mark.parametrize("host", ["127.0.0.1:8090", "127.0.0.2", "localhost:8090", "[::1]:8090"])
def test_plain_http_signs_in_at_loopback(dashboard: Dashboard, host: str) -> None:
    plain = {"Host": host, "Origin": f"http://{host}"}
    assert Visitor(dashboard).post("/sign-in", {"token": TOKEN}, headers=plain).status_code == 303


def test_installations_at_ports_of_one_host_keep_their_sessions_apart(dashboard: Dashboard) -> None:
    other = Dashboard(operator_token="another")
    visitor = dashboard.sign_in()
    visitor.dashboard = other
    assert visitor.post("/sign-in", {"token": "another"}).status_code == 303
    assert visitor.get("/").status_code == 200
    visitor.act("/sign-out")
    visitor.dashboard = dashboard
    assert visitor.get("/").status_code == 200


def test_wrong_tokens_are_limited_and_block_no_valid_one(dashboard: Dashboard) -> None:
    visitor = Visitor(dashboard)
    answers = [visitor.post("/sign-in", {"token": "x"}) for _ in range(FAILED_AUTH.quota + 1)]
    assert [answer.status_code for answer in answers] == [403] * FAILED_AUTH.quota + [429]
    assert "Wait 3 s." in answers[-1].text
    assert visitor.post("/sign-in", {"token": TOKEN}).status_code == 303


def test_a_wrong_token_is_refused_without_details(dashboard: Dashboard) -> None:
    visitor = Visitor(dashboard)
    answer = visitor.post("/sign-in", {"token": "<script>", "next": "/queue"})
    assert answer.status_code == 403
    assert "not a token of this installation" in answer.text
    assert 'value="/queue"' in answer.text
    assert "&lt;script&gt;" not in answer.text
    assert "Set-Cookie" not in answer.headers
    assert visitor.get("/").status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "http://prevs.localhost:81"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_foreign_page_neither_signs_in_nor_acts_for_a_user(
    dashboard: Dashboard, headers: dict[str, str]
) -> None:
    stranger = Visitor(dashboard)
    assert stranger.post("/sign-in", {"token": TOKEN}, headers=headers).status_code == 403
    assert stranger.get("/").status_code == 303
    visitor = dashboard.sign_in()
    form = {"csrf": visitor.csrf(), "name": "shop", "repository": "/shop.git"}
    assert visitor.post("/add-app", form, headers=headers).status_code == 403
    assert visitor.post("/sign-out", form, headers=headers).status_code == 403
    assert visitor.get("/").status_code == 200
    assert "shop" not in dashboard.previews.known_apps


def test_a_form_without_a_page_or_of_another_session_does_nothing(dashboard: Dashboard) -> None:
    visitor = dashboard.sign_in()
    other = dashboard.sign_in()
    form = {"name": "shop", "repository": "/shop.git"}
    for csrf in ({}, {"csrf": ""}, {"csrf": "x"}, {"csrf": other.csrf()}):
        answer = visitor.post("/add-app", {**form, **csrf})
        assert answer.status_code == 403
        assert "Reload the page" in answer.text
    json = {"csrf": visitor.csrf(), **form}
    assert visitor._send("POST", "/add-app", json=json, headers=OWN).status_code == 403
    assert "shop" not in dashboard.previews.known_apps


def test_signing_out_ends_the_session_in_this_browser(dashboard: Dashboard) -> None:
    visitor = dashboard.sign_in()
    assert visitor.post("/sign-out", {}).status_code == 403
    answer = visitor.act("/sign-out")
    assert answer.headers["Location"] == "/sign-in?did=sign-out"
    assert "You have signed out." in visitor.get(answer.headers["Location"]).text
    assert visitor.get("/").status_code == 303
    assert visitor.post("/sign-out", {}).status_code == 303


def test_a_form_after_the_end_of_a_session_leads_to_signing_in(dashboard: Dashboard) -> None:
    visitor = dashboard.enter(Scope.ADMIN)
    form = {"csrf": visitor.csrf(), "name": "shop", "repository": "/x.git", "back": "/queue"}
    dashboard.tokens.remove_token("a-admin")
    answer = visitor.post("/add-app", form)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in?next=%2Fqueue")
    assert "shop" not in dashboard.previews.known_apps


def test_pages_are_not_cached_not_framed_and_run_only_their_own_scripts(
    dashboard: Dashboard,
) -> None:
    visitor = dashboard.sign_in()
    pages = [visitor.get("/"), visitor.get("/"), visitor.get("/apps/nonsense")]
    pages.append(Visitor(dashboard).get("/sign-in"))
    policies = {page.headers["Content-Security-Policy"] for page in pages}
    assert len(policies) == len(pages)
    for page in pages:
        policy = page.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'nonce-")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["X-Content-Type-Options"] == "nosniff"
