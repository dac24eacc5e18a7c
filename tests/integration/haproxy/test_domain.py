"""What a proxy does and logs about the domain of previews."""

from collections.abc import Mapping

import pytest

from tests.fakes import access
from tests.integration.haproxy import guarding
from tests.integration.haproxy.proxies import Site

pytestmark = pytest.mark.integration

WARNING = "scripts of a preview can set cookies"


@pytest.fixture(scope="module")
def more_settings() -> Mapping[str, str]:
    """A domain whose cookies reach beyond it."""
    return {"PREVS_DOMAIN": "previews.acme.example"}


def test_a_host_that_is_no_previews_belongs_to_no_app_whatever_its_name(site: Site) -> None:
    guarding.write(site, "previews", access.guard("previews"))
    guarding.wait_entry(site, "access", "previews", f"{access.ERA}|")
    asked = {
        host: site.proxy.request(
            f"{host}.previews.acme.example", "/_prevs/sign-in", headers={"Accept": "text/html"}
        ).status
        for host in ("sign-in", "hooks", "a.previews")
    }
    assert asked == {"sign-in": 403, "hooks": 404, "a.previews": 303}


def test_it_warns_once_where_previews_can_set_cookies_for_each_other(site: Site) -> None:
    """Where they cannot it does not: test_serving.py."""
    [line] = [line for line in site.proxy.log.read_text().splitlines() if WARNING in line]
    assert "domain=acme.example" in line
    assert "docs/operating/tls.md" in line
