"""Sign-in at real frameworks: at the one that leads, at a stand-by, and at the next leader."""

import html
import re
from pathlib import Path

import httpx
import pytest

from tests.fakes.identity.openid import OpenIdServer
from tests.fakes.identity.server import CLIENT_ID, SECRET
from tests.fakes.program import OwnRoot, Program

pytestmark = pytest.mark.integration


def sign_in(browser: httpx.Client, base: str) -> None:
    """Press the button, and follow the provider and our own pages back."""
    page = browser.post(f"{base}/sign-in/provider", headers={"Origin": base})
    place = re.search(r'content="0; url=([^"]+)"', page.text)
    assert place, page.text
    back = browser.get(html.unescape(place[1])).headers["Location"]
    assert back.startswith(f"{base}/sign-in/callback?")
    assert browser.get(back).status_code == 200


def give(program: Program, scope: str) -> None:
    order = {"group": "shop-devs", "scope": scope}
    assert program.request("POST", "/v1/roles", json=order).status_code == 200


def test_a_session_and_a_role_survive_the_leader_and_a_stand_by_signs_in_too(
    own: OwnRoot, tmp_path: Path
) -> None:
    server = OpenIdServer()
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    chosen = {
        "SIGN_IN": "openid",
        "SIGN_IN_URL": server.origin,
        "SIGN_IN_CLIENT_ID": CLIENT_ID,
        "SIGN_IN_SECRET_FILE": str(secret),
    }
    try:
        with httpx.Client() as browser:
            first = own.program(**chosen)
            first.run()
            sign_in(browser, first.url)
            refused = browser.get(f"{first.url}/events")
            assert (refused.status_code, "prevs role add" in refused.text) == (403, True)
            give(first, "read")
            assert browser.get(f"{first.url}/events").status_code == 200
            second = own.program(**chosen)
            second.start()
            second.wait_ready()
            # The stand-by passes it all on; a browser's cookies are for every port of a host.
            with httpx.Client() as other:
                sign_in(other, second.url)
                assert other.get(f"{second.url}/events").status_code == 200
            noted = first.request("GET", "/v1/audit").json()["entries"]
            assert [one["who"] for one in noted if one["action"] == "sign in"] == ["@ada", "@ada"]
            assert first.end() == 0
            second.wait_ready()
            assert browser.get(f"{second.url}/events").status_code == 200
            assert browser.get(f"{second.url}/tokens").status_code == 403
            give(second, "admin")
            assert browser.get(f"{second.url}/tokens").status_code == 200
            logged = first.log.read_text() + second.log.read_text()
            assert SECRET not in logged
    finally:
        server.close()
