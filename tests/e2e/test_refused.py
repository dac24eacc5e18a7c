"""An application closes its port, and its container lives on."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.chromium import Chromium
from tests.e2e.conftest import Api, Cluster, Hello
from tests.e2e.viewers import see

pytestmark = [pytest.mark.e2e, pytest.mark.night, pytest.mark.timeout(300)]

SERVE = "/bin/busybox httpd -p ${PORT:-8080} -h /www; exec /bin/busybox sleep 9999"
SCRIPT = """#!/bin/busybox sh
while read -r name value; do [ $name = PPid: ] && server=$value; done < /proc/$PPID/status
/bin/busybox kill $server
"""
_MS = 60_000


@pytest.fixture
def page(browser: Chromium) -> Iterator[Page]:
    with browser.new_page() as opened:
        yield opened


@pytest.fixture
def deaf(hello: Hello, api: Api, tmp_path: Path) -> Iterator[Hello]:
    """The example, as an app of its own, which closes its port on request."""
    made = Hello(tmp_path / "deaf", "deaf")
    shutil.copytree(hello.folder, made.folder)
    script = made.folder / "www" / "cgi-bin" / "close"
    script.parent.mkdir()
    script.write_text(SCRIPT)
    script.chmod(0o755)
    dockerfile = made.folder / "Dockerfile"
    kept = [line for line in dockerfile.read_text().splitlines() if not line.startswith("CMD")]
    dockerfile.write_text("\n".join([*kept, f'CMD ["/bin/busybox", "sh", "-c", "{SERVE}"]\n']))
    made.git("add", "--all")
    identity = ("-c", "user.name=prevs", "-c", "user.email=prevs@localhost")
    made.git(*identity, "commit", "--quiet", "--message", "Close the port when asked to")
    answer = api.call("POST", "/v1/apps", json={"name": "deaf", "repository": str(made.folder)})
    assert answer.status_code == 201, answer.text
    yield made
    api.call("DELETE", "/v1/apps/deaf")


def test_a_visitor_of_a_closed_port_waits_until_another_attempt_answers(
    deaf: Hello, api: Api, cluster: Cluster, visit: Callable[..., requests.Response], page: Page
) -> None:
    sha = deaf.commit("main")
    assert visit("main", app="deaf").status_code == 200
    first = api.wait_for("deaf", sha, "running")["task_id"]
    visit("main", "/cgi-bin/close", app="deaf")
    page.goto(f"http://main.deaf.{cluster.domain}:{cluster.port}/?from=test")
    expect(page.locator("#sentence")).to_have_text(
        "It is running, but accepts no connections right now."
    )
    expect(page.locator("#reason")).to_contain_text("refuses connections", timeout=_MS)
    expect(page.locator("#reason")).to_contain_text("though Mesos says that it runs", timeout=_MS)
    see(page, page.get_by_role("heading", name="Hi!"))
    assert page.url.endswith("/?from=test")
    assert api.wait_for("deaf", sha, "running")["task_id"] != first
