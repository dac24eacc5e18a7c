"""A push to a plain git server, whose webhook moves a branch long before the next poll.

With `warm`, it also has a branch built that nobody has visited yet.
"""

import re
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests

from framework.polling.schedule import HOOKED_SECONDS
from tests.e2e.conftest import Api, Cluster
from tests.fakes.samples import SERVE, SampleRepository
from tests.waits import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

APP = "nudged"
PAGE = Path(__file__).parents[2] / "docs" / "webhooks.md"

Visit = Callable[..., requests.Response]


def publish(made: SampleRepository, text: str, branch: str = "main") -> str:
    """Push an app that shows `text` to a branch; return the commit."""
    sha = made.commit_app(
        [f"RUN echo {time.time()}; mkdir /www; echo {text} > /www/index.html", f"CMD {SERVE}"]
    )
    made.git("push", "--quiet", "origin", f"HEAD:{branch}")
    return sha


@pytest.fixture
def pushed(tmp_path: Path, api: Api) -> Iterator[SampleRepository]:
    """A repository that pushes to a bare one, which is the app."""
    bare = tmp_path / "server.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(bare)], check=True)
    made = SampleRepository(tmp_path / "work")
    made.git("remote", "add", "origin", str(bare))
    yield made
    api.call("DELETE", f"/v1/apps/{APP}")


def install(hook: Path, secret: str, url: str) -> None:
    """Install the hook of the documentation, with this secret and address."""
    config = hook.with_name("prevs-hook")
    config.write_text(f'header = "Authorization: Bearer {secret}"\n')
    config.chmod(0o600)
    (found,) = re.findall(r"^    #!/bin/sh\n(?:    .*\n|\n)+", PAGE.read_text(), re.M)
    script = re.sub(r"^    ", "", found, flags=re.M).replace("/etc/prevs-hook", str(config))
    hook.write_text(re.sub(r"https://\S+", url, script))
    hook.chmod(0o755)


def test_a_push_with_a_webhook_moves_a_branch_though_polls_are_minutes_apart(
    pushed: SampleRepository, api: Api, visit: Visit, cluster: Cluster, tmp_path: Path
) -> None:
    publish(pushed, "first")
    app = {"name": APP, "repository": str(tmp_path / "server.git")}
    api.add(app)
    assert visit("main", app=APP).text.strip() == "first"

    made = api.call("POST", f"/v1/apps/{APP}/hook-secret").json()
    assert made["url"] == f"http://{cluster.domain}:{cluster.port}/_prevs/hooks/{APP}"
    url = made["url"].replace(cluster.domain, "127.0.0.1")
    forged = requests.post(url, headers={"Authorization": "Bearer x"}, timeout=60)
    assert forged.status_code == 401
    good = {"Authorization": f"Bearer {made['secret']}"}
    assert requests.post(url, headers=good, timeout=60).status_code == 202

    def show() -> Mapping[str, Any]:
        found: Mapping[str, Any] = api.call("GET", f"/v1/apps/{APP}/hooks").json()
        return found

    wait_until(lambda: show()["polled_every"] == HOOKED_SECONDS, "polls are minutes apart")
    before = show()["last"]
    install(tmp_path / "server.git" / "hooks" / "post-receive", made["secret"], url)
    api.wait_for(APP, publish(pushed, "second"), "running")
    wait_until(lambda: visit("main", app=APP).text.strip() == "second", "the proxy leads there")
    assert show()["last"] > before + 1
    log = cluster.dir / "log" / "framework.log"
    show_that_a_pushed_branch_is_built_ahead(pushed, api, visit, log)


def show_that_a_pushed_branch_is_built_ahead(
    pushed: SampleRepository, api: Api, visit: Visit, log: Path
) -> None:
    """With `warm`, push a branch and visit it once it has been built and stopped."""
    assert api.call("PATCH", f"/v1/apps/{APP}", json={"warm": "branches"}).status_code == 200
    wait_until(lambda: "built ahead from now on" in log.read_text(), "old heads are known")
    sha = publish(pushed, "third", branch="cart")
    listed = f"/v1/previews/{APP}/{sha}"
    wait_until(lambda: api.call("GET", listed).status_code == 200, "the branch is built ahead")
    assert api.preview(APP, sha)["ahead"]
    built = api.wait_for(APP, sha, "stopped")
    assert "nobody has come yet" in built["reason"]
    assert visit("cart", app=APP).text.strip() == "third"
    started = api.preview(APP, sha)
    assert (started["ahead"], started["agent"]) == (False, built["agent"])
    began = {one["name"] for one in started["steps"] if one["began"]}
    assert "building" not in began, began
