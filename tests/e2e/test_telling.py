"""A pull request at a double of GitHub, from its opening to its end, and what it is told.

Its app is in a stack with another one, whose variant comes and goes with its branch.
"""

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

APP, OTHER, STACK = "told", "told-web", "telling"

Visit = Callable[..., requests.Response]


class PullRequest:
    """Pull request 7 of a repository at the double, of the branch `cart`."""

    def __init__(self, forge: GitHubServer, folder: Path) -> None:
        self.forge = forge
        bare = folder / "server" / "group" / "shop.git"
        subprocess.run(["git", "init", "--quiet", "--bare", str(bare)], check=True)
        forge.mishap = git_backend.serve(folder / "server")
        self.work = SampleRepository(folder / "work")
        self.work.git("remote", "add", "origin", str(bare))
        self.work.commit_app(serving("main"))
        self.work.git("push", "--quiet", "origin", "main")

    def push(self, *lines: str, has_branch: bool = True) -> str:
        """Push a commit with these lines of a Dockerfile; return its id.

        Without `has_branch` somebody has deleted the branch.
        """
        sha = self.work.commit_app(lines)
        branch = f"{'HEAD' if has_branch else ''}:refs/heads/cart"
        self.work.git("push", "--quiet", "--force", "origin", "HEAD:refs/pull/7/head", branch)
        self.forge.pulls = [PullFacts(7, sha)]
        return sha

    def hears(self, text: str, *, light: str, sha: str, in_stack: bool | None = None) -> bool:
        """Return whether its one comment has a text, and its commit such a status.

        `in_stack` is whether the comment has the address of the variant; None: as it may be.
        """
        status = self.forge.latest_status(sha)
        said = [
            text in one.text and in_stack in (None, f"[cart--{STACK}." in one.text)
            for one in self.forge.comments
        ]
        return said == [True] and status is not None and status.state == light


@pytest.fixture
def pull(tmp_path: Path, api: Api) -> Iterator[PullRequest]:
    forge = GitHubServer()
    try:
        yield PullRequest(forge, tmp_path)
    finally:
        for path in (f"stacks/{STACK}", f"apps/{APP}", f"apps/{OTHER}"):
            api.call("DELETE", f"/v1/{path}")
        forge.close()


@pytest.fixture
def other(tmp_path: Path) -> SampleRepository:
    """The repository of the other app of the stack."""
    found = SampleRepository(tmp_path / "other")
    found.commit_app(serving("other"))
    return found


@pytest.fixture
def told(pull: PullRequest, other: SampleRepository, api: Api) -> PullRequest:
    """The pull request at an app that is in a stack with another one."""
    apps = {APP: pull.forge.repository, OTHER: str(other.folder)}
    for name, repository in apps.items():
        app = {"name": name, "repository": repository}
        if name == APP:
            app["forge"] = "github"
        api.add(app)
    members = {"api": {"app": APP}, "web": {"app": OTHER}}
    stack = {"entry": "web", "members": members}
    written = api.call("PUT", f"/v1/stacks/{STACK}", json=stack)
    assert written.status_code == 201, written.text
    return pull


def test_a_pull_request_hears_how_its_head_stands_from_its_opening_to_its_end(
    told: PullRequest, api: Api, visit: Visit, cluster: Cluster
) -> None:
    sha = told.push(*serving("one"))
    hook = api.call("POST", f"/v1/apps/{APP}/hook-secret").json()
    given = api.call("PUT", f"/v1/apps/{APP}/forge-token", json={"token": TOKEN})
    assert given.status_code == 200

    def nudge() -> None:
        url = hook["url"].replace(cluster.domain, "127.0.0.1")
        bearer = {"Authorization": f"Bearer {hook['secret']}"}
        assert requests.post(url, headers=bearer, timeout=60).status_code == 202

    def list_variants() -> list[str]:
        shown = api.call("GET", f"/v1/stacks/{STACK}").json()
        return [one["name"] for one in shown["variants"]]

    nudge()
    wait_until(lambda: told.hears("starts when somebody opens it", light="success", sha=sha))
    made = told.forge.comments[0].id
    assert visit("pr-7", app=APP).text.strip() == "one"
    wait_until(lambda: told.hears("ready", light="success", sha=sha, in_stack=True))
    assert list_variants() == ["cart"]
    listed = api.call("GET", f"/v1/apps/{APP}/pulls").json()["pulls"][0]["variants"]
    assert [one["url"] for one in listed] == [
        f"http://cart--{STACK}.{cluster.domain}:{cluster.port}/"
    ]

    broken = told.push("RUN echo @ada; exit 7", has_branch=False)
    nudge()
    wait_until(lambda: told.hears("did not build", light="failure", sha=broken, in_stack=False))
    assert list_variants() == []
    shown = api.call("GET", f"/v1/apps/{APP}/pulls").json()
    assert shown["delivery_problem"] == ""
    assert shown["pulls"][0]["delivered"].startswith("did not build")

    told.forge.pulls = [PullFacts(7, broken, is_open=False)]
    nudge()
    wait_until(lambda: told.hears("Closed", light="failure", sha=broken))
    assert [one.id for one in told.forge.comments] == [made]
    assert TOKEN not in str([told.forge.comments, told.forge.statuses])
