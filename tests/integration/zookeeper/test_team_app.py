"""An app for its team: a framework, a proxy, a real provider and Chromium, the whole way."""

import contextlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from prevs.paths import Paths
from tests.accessibility import find_barriers
from tests.chromium import Chromium
from tests.conftest import Mesos
from tests.fakes.identity import firefox, real
from tests.fakes.program import Program
from tests.free_ports import free_port
from tests.integration.haproxy.proxies import Proxy
from tests.integration.zookeeper import wholes
from tests.integration.zookeeper.wholes import APP, HOST, Visitor, is_refused
from tests.waits import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

HELLO = re.compile("hello", re.IGNORECASE)


class Site(NamedTuple):
    """A framework whose app hello runs and is for the group ada-devs, and a proxy.

    `close` ends the identity provider.
    """

    program: Program
    proxy: Proxy
    close: Callable[[], None]


@pytest.fixture
def site(mesos: Mesos, zookeeper: str, paths: Paths, tmp_path: Path) -> Iterator[Site]:
    port, secret = free_port(), tmp_path / "client-secret"
    back = f"http://sign-in.localhost:{port}/_prevs/signed-in"
    with contextlib.ExitStack() as provider:
        issuer = provider.enter_context(real.oidc_provider(tmp_path, free_port(), [back]))
        secret.write_text(issuer.secret)
        settings = {
            "ACCESS": "team",
            "SIGN_IN": "openid",
            "SIGN_IN_URL": issuer.url,
            "SIGN_IN_CLIENT_ID": issuer.client_id,
            "SIGN_IN_SECRET_FILE": str(secret),
        }
        with wholes.running(mesos, zookeeper, paths, tmp_path, port=port, **settings) as running:
            program, proxy = running
            give(program, "ada-devs")
            program.wait_state(program.order(), "running")
            wait_until(lambda: is_refused(proxy), "strangers are out", over=proxy.ended)
            yield Site(program, proxy, provider.close)


def give(program: Program, group: str) -> None:
    order = {"group": group, "app": "hello", "scope": "read"}
    assert program.request("POST", "/v1/roles", json=order).ok


def visit(page: Page, proxy: Proxy, host: str = HOST, path: str = "/") -> None:
    page.goto(f"http://{host}:{proxy.port}{path}")


def sign_in(page: Page, name: str, *, agrees: bool = True) -> None:
    """Sign in at the provider's own pages, which any name and password open."""
    page.get_by_placeholder("Enter any login").fill(name)
    page.get_by_placeholder("and password").fill("x")
    page.get_by_role("button", name="Sign-in").click()
    if agrees:
        page.get_by_role("button", name="Continue").click()


def is_in(page: Page, proxy: Proxy, host: str = HOST, path: str = "/") -> None:
    expect(page).to_have_url(f"http://{host}:{proxy.port}{path}")
    expect(page.locator("body")).to_contain_text(HELLO)


def test_a_team_signs_in_at_its_provider(site: Site, browser: Chromium) -> None:
    program, proxy, close_provider = site
    assert program.request("GET", f"{APP}/access").json()["access"] == "team"  # PREVS_ACCESS
    heads = program.request("GET", f"{APP}/refs").json()["refs"]
    other = f"{heads[0]['sha'][:12]}.hello.localhost"
    with browser.new_context() as ada, browser.new_context() as eve:
        page, tab = ada.new_page(), ada.new_page()
        visit(page, proxy, path="/?x=1")
        visit(tab, proxy, path="/?x=2")
        sign_in(page, "ada")
        is_in(page, proxy, path="/?x=1")
        sign_in(tab, "ada", agrees=False)  # it was begun before; she has agreed once
        is_in(tab, proxy, path="/?x=2")
        page.go_back()
        page.go_forward()
        is_in(page, proxy, path="/?x=1")

        wrong = eve.new_page()
        visit(wrong, proxy)
        sign_in(wrong, "eve")
        expect(wrong.get_by_role("heading")).to_have_text("You are not in the team")
        for scheme in ("light", "dark"):
            wrong.emulate_media(color_scheme=scheme)
            assert find_barriers(wrong) == []
        wrong.get_by_role("link", name="Sign in with another account").click()
        expect(wrong).to_have_url(re.compile("/_prevs/signed-in"))  # the provider knows her, too
        expect(wrong.get_by_role("heading")).to_have_text("You are not in the team")

        # Sessions survive the provider, and the framework that has made them.
        close_provider()
        assert program.end() == 0
        program.run()
        visit(tab, proxy, other)
        is_in(tab, proxy, other)
        visit(wrong, proxy, other)
        expect(wrong.get_by_role("heading")).to_have_text("You are not in the team")
    stranger = Visitor(proxy)
    answer = stranger.go(stranger.enter_at())
    assert (answer.status, b"identity provider at http" in answer.body) == (503, True)
    for log in (program.log, proxy.log):
        text = log.read_text()
        assert real.SECRET not in text
        assert "eyJ" not in text  # a pass, a session, an attempt, an id token


def test_a_proxy_in_front_names_people(
    mesos: Mesos, zookeeper: str, paths: Paths, tmp_path: Path
) -> None:
    with wholes.running(
        mesos,
        zookeeper,
        paths,
        tmp_path,
        trusted="127.0.2.0/24",
        SIGN_IN="proxy",
        TRUSTED_PROXIES="127.0.9.1",  # of those in front of the dashboard
    ) as (program, proxy):
        assert program.request("PUT", f"{APP}/access", json={"access": "team"}).ok
        give(program, "shop-devs")
        wait_until(lambda: is_refused(proxy), "strangers are out", over=proxy.ended)
        named = {"X-Auth-Request-User": "ada", "X-Auth-Request-Groups": "others, shop-devs"}
        behind, stranger = Visitor(proxy, "127.0.2.1"), Visitor(proxy, "127.0.3.1")
        back = behind.go(behind.enter_at(), **named).headers["location"]
        assert urlsplit(back).hostname == HOST
        assert behind.go(back).status == 303
        assert not behind.is_out()
        for visitor, headers in (
            (stranger, named),
            (Visitor(proxy, "127.0.2.1"), {}),
            (Visitor(proxy, "127.0.2.1"), {**named, "X-Auth-Request-Groups": "others"}),
        ):
            answer = visitor.go(visitor.enter_at(), **headers)
            assert answer.status in {403, 409}
            assert b"did not say who you are" in answer.body or b"ada" in answer.body
            assert visitor.is_out()


@pytest.mark.night
def test_a_team_signs_in_with_firefox_too(site: Site, tmp_path: Path) -> None:
    address = f"http://{HOST}:{site.proxy.port}/?x=1"
    ada = firefox.visit(tmp_path, address, "ada")
    assert ada.url == address
    assert HELLO.search(ada.text)
    assert ada.readable == ""
    eve = firefox.visit(tmp_path, address, "eve")
    assert "You are not in the team" in eve.text
    assert urlsplit(eve.url).path == "/_prevs/signed-in"
