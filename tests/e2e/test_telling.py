"""A pull request at a double of GitHub, from its opening to its end, and what it is told."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from tests.e2e.conftest import Api, Cluster
from tests.fakes.forges import git_backend
from tests.fakes.forges.github import GitHubServer
from tests.fakes.forges.server import TOKEN, PullFacts
from tests.fakes.samples import SampleRepository, serving
from tests.waits import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

APP = "told"

Visit = Callable[..., requests.Response]


class PullRequest:
    """Pull request 7 of a repository at the double."""

    def __init__(self, forge: GitHubServer, folder: Path) -> None:
        self.forge = forge
        bare = folder / "server" / "group" / "shop.git"
        subprocess.run(["git", "init", "--quiet", "--bare", str(bare)], check=True)
        forge.mishap = git_backend.serve(folder / "server")
        self.work = SampleRepository(folder / "work")
        self.work.git("remote", "add", "origin", str(bare))
        self.work.commit_app(serving("main"))
        self.work.git("push", "--quiet", "origin", "main")

    def push(self, *lines: str) -> str:
        """Push a commit with these lines of a Dockerfile; return its id."""
        sha = self.work.commit_app(lines)
        self.work.git("push", "--quiet", "--force", "origin", "HEAD:refs/pull/7/head")
        self.forge.pulls = [PullFacts(7, sha)]
        return sha

    def hears(self, text: str, *, light: str, sha: str) -> bool:
        """Return whether its one comment has a text, and its commit such a status."""
        status = self.forge.latest_status(sha)
        said = [text in one.text for one in self.forge.comments]
        return said == [True] and status is not None and status.state == light


@pytest.fixture
def pull(tmp_path: Path, api: Api) -> Iterator[PullRequest]:
    forge = GitHubServer()
    try:
        yield PullRequest(forge, tmp_path)
    finally:
        api.call("DELETE", f"/v1/apps/{APP}")
        forge.close()


def test_a_pull_request_hears_how_its_head_stands_from_its_opening_to_its_end(
    pull: PullRequest, api: Api, visit: Visit, cluster: Cluster
) -> None:
    sha = pull.push(*serving("one"))
    app = {"name": APP, "repository": pull.forge.repository, "forge": "github"}
    assert api.call("POST", "/v1/apps", json=app).status_code == 201
    hook = api.call("POST", f"/v1/apps/{APP}/hook-secret").json()
    given = api.call("PUT", f"/v1/apps/{APP}/forge-token", json={"token": TOKEN})
    assert given.status_code == 200

    def nudge() -> None:
        url = hook["url"].replace(cluster.domain, "127.0.0.1")
        bearer = {"Authorization": f"Bearer {hook['secret']}"}
        assert requests.post(url, headers=bearer, timeout=60).status_code == 202

    nudge()
    wait_until(lambda: pull.hears("starts when somebody opens it", light="success", sha=sha))
    made = pull.forge.comments[0].id
    assert visit("pr-7", app=APP).text.strip() == "one"
    wait_until(lambda: pull.hears("ready", light="success", sha=sha))

    broken = pull.push("RUN echo @ada; exit 7")
    nudge()
    wait_until(lambda: pull.hears("did not build", light="failure", sha=broken))
    shown = api.call("GET", f"/v1/apps/{APP}/pulls").json()
    assert shown["untold"] == ""
    assert shown["pulls"][0]["told"].startswith("did not build")

    pull.forge.pulls = [PullFacts(7, broken, is_open=False)]
    nudge()
    wait_until(lambda: pull.hears("Closed", light="failure", sha=broken))
    assert [one.id for one in pull.forge.comments] == [made]
    assert TOKEN not in str([pull.forge.comments, pull.forge.statuses])
