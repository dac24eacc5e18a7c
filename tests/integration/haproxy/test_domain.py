"""What a proxy does and logs about the domain of previews."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes import access
from tests.integration.haproxy import guarding, proxies

pytestmark = pytest.mark.integration

WARNING = "scripts of a preview can set cookies"


def test_a_host_that_is_no_previews_belongs_to_no_app_whatever_its_name(
    tmp_path: Path, zookeeper: str, free_port: Callable[[], int]
) -> None:
    with proxies.site(tmp_path, zookeeper, free_port(), PREVS_DOMAIN="acme.example") as own:
        guarding.write(own, "acme", access.guard("acme"))
        guarding.wait_entry(own, "access", "acme", f"{access.ERA}|")
        asked = {
            host: own.proxy.request(host, "/_prevs/sign-in", headers={"Accept": "text/html"}).status
            for host in ("sign-in.acme.example", "hooks.acme.example", "a.acme.acme.example")
        }
    assert asked == {
        "sign-in.acme.example": 403,
        "hooks.acme.example": 404,
        "a.acme.acme.example": 303,
    }


@pytest.mark.parametrize(
    ("domain", "reach"),
    [("previews.acme.example", "acme.example"), ("localhost", None), ("github.io", None)],
)
def test_it_warns_once_where_previews_can_set_cookies_for_each_other(
    tmp_path: Path, zookeeper: str, free_port: Callable[[], int], domain: str, reach: str | None
) -> None:
    with proxies.site(tmp_path, zookeeper, free_port(), PREVS_DOMAIN=domain) as own:
        lines = [line for line in own.proxy.log.read_text().splitlines() if WARNING in line]
    assert len(lines) == (1 if reach else 0)
    assert all(f"domain={reach}" in line and "docs/operating/tls.md" in line for line in lines)
