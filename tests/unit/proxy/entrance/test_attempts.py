"""The cookies of sign-ins that are under way, as a browser keeps them with and without TLS."""

from http.cookies import SimpleCookie

import pytest
from starlette.requests import Request
from starlette.responses import Response

from proxy.entrance import attempts, cookies
from proxy.entrance.addresses import Aim, read_aim
from proxy.model.sign_in import Begun
from tests.fakes.signed_gates import make_gate

AIM = Aim("shop", "main.shop.localhost", "/a?b=1&c=%C3%A4;d", "0" * 64)


class Browser:
    """A browser at the sign-in host."""

    def __init__(self, scheme: str) -> None:
        self.kept: SimpleCookie = SimpleCookie()
        self._scheme = scheme

    def request(self) -> Request:
        sent = "; ".join(f"{one.key}={one.coded_value}" for one in self.kept.values())
        headers = [(b"x-forwarded-proto", self._scheme.encode()), (b"cookie", sent.encode())]
        return Request({"type": "http", "headers": headers})

    def take(self, response: Response) -> None:
        for line in response.headers.getlist("set-cookie"):
            cookie = SimpleCookie(line)
            (name,) = cookie
            self.kept.load(line)
            if cookie[name]["max-age"] == "0":
                del self.kept[name]

    def keep(self, state: str, aim: Aim = AIM) -> None:
        response = Response()
        begun = Begun("https://sso.example/", state, f"signed-{state}")
        attempts.keep(self.request(), response, begun, aim)
        self.take(response)


@pytest.mark.parametrize(("scheme", "prefix"), [("https", "__Host-"), ("http", "")])
def test_each_sign_in_is_kept_by_its_state_until_it_is_over(scheme: str, prefix: str) -> None:
    browser = Browser(scheme)
    browser.keep("one")
    browser.keep("two", AIM._replace(path="/other"))
    assert all(name.startswith(f"{prefix}{cookies.ATTEMPT}") for name in browser.kept)
    assert all(bool(one["secure"]) == (scheme == "https") for one in browser.kept.values())
    found = attempts.read(browser.request(), "one")
    assert found is not None
    assert (found.sealed, read_aim(found.fields, "localhost", lambda host: None)) == (
        "signed-one",
        AIM,
    )
    response = Response()
    attempts.forget(browser.request(), response, "one")
    browser.take(response)
    assert attempts.read(browser.request(), "one") is None
    assert attempts.read(browser.request(), "two") is not None
    assert attempts.read(browser.request(), "three") is None


@pytest.mark.parametrize(
    ("on", "app"),
    [
        ("main.shop.localhost", "shop"),
        ("main--shop.localhost", "shop"),
        ("shop.localhost", "shop"),
        ("cart--web.localhost", "hello"),
        ("other.example/main.shop.localhost", None),
        ("other.example", None),
        ("", None),
    ],
)
def test_a_visitor_goes_back_to_the_address_in_the_form_that_it_had(
    on: str, app: str | None
) -> None:
    gates = {"cart.web.localhost": make_gate(name="web", app="hello")}
    found = read_aim({**AIM.fields(), "on": on}, "localhost", gates.get)
    assert (found and (found.app, found.host)) == (app and (app, on))


def test_another_site_below_the_domain_sets_no_sign_in_with_tls() -> None:
    """Cookies without the prefix may be another host's."""
    browser = Browser("http")
    browser.keep("one")
    stranger = Browser("https")
    stranger.kept = browser.kept
    assert attempts.read(stranger.request(), "one") is None


def test_a_browser_keeps_few_sign_ins_each_small_enough() -> None:
    browser = Browser("https")
    for number in range(20):
        browser.keep(f"state-{number}", AIM._replace(path="/" + "%20" * 1000))
        assert len(browser.kept) <= 5
        found = attempts.read(browser.request(), f"state-{number}")
        assert found is not None
        assert found.fields["to"] == "/"
        assert all(len(one.coded_value) < 4000 for one in browser.kept.values())
