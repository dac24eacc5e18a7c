"""What a proxy logs at its start about the domain of previews."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.haproxy import proxies

pytestmark = pytest.mark.integration

WARNING = "scripts of a preview can set cookies"


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
