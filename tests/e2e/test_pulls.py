"""Pull requests of a real forge: Pagure, with its own webhooks, forks, comments and flags."""

import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import pytest
import requests
from docker import DockerClient

from tests.e2e.conftest import Api, Cluster
from tests.fakes.forges.pagure import PagureServer
from tests.fakes.forges.server import DAY, CommentFacts, PullFacts
from tests.fakes.samples import SERVE, SampleRepository
from tests.pagure.differences import find_differences
from tests.pagure.site import Flag, Pagure, serve_pagure
from tests.waits import wait_for, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.night, pytest.mark.timeout(300)]  # installs a forge

APP = "pulled"
SHOWN = f'CMD mkdir -p /www; echo "$MARK with $MODE" > /www/index.html; {SERVE}'
NOWHERE = "http://127.0.0.1:1/"
RIGHTS = ("pull_request_comment", "pull_request_flag")  # as docs/forges/other.md says

Visit = Callable[..., requests.Response]


class Scene(NamedTuple):
    """A project at a Pagure that tells prevs of everything, and its app, which has a variable.

    `root` is the host and port below which its previews are; `key` is what prevs has for Pagure.
    """

    pagure: Pagure
    work: SampleRepository
    api: Api
    hook: str
    root: str
    key: str

    def commit(self, mark: str) -> str:
        """Commit an app that shows a mark and the variable; return the commit."""
        return self.work.commit_app([f"RUN echo {time.time()}", f"ENV MARK={mark}", SHOWN])

    def push(self, user: str, project: str, *branches: str) -> None:
        """Push branches to a project, as a user."""
        self.pagure.members[user].push(self.work, project, *branches)

    def look(self) -> Mapping[str, Any]:
        """Return the open pull requests as prevs knows them."""
        found: Mapping[str, Any] = self.api.call("GET", f"/v1/apps/{APP}/pulls").json()
        return found

    def find(self, number: int) -> Mapping[str, Any]:
        """Return one of them; {} if prevs knows none that is open."""
        return next((one for one in self.look()["pulls"] if one["number"] == number), {})

    def wait_for(self, number: int, **wanted: str) -> Mapping[str, Any]:
        """Return a pull request once it has these values."""
        found: Mapping[str, Any] = wait_for(
            lambda: self.find(number), lambda one: wanted.items() <= one.items(), f"{wanted}"
        )
        return found

    def hear(self, number: int, sha: str) -> tuple[list[str], list[Flag]]:
        """Return our comments on a pull request and our flags of a commit, as Pagure has them."""
        time.sleep(0.3)  # each look is work for Pagure, which is to be told something meanwhile
        said = self.pagure.read_comments(number)
        flags = [one for one in self.pagure.read_flags(sha) if one.username == f"prevs/{APP}"]
        return [one for one in said if one.startswith("<!-- prevs ")], flags

    def wait_to_hear(self, number: int, sha: str, text: str) -> str:
        """Return our one comment, with the address, once the commit's one flag has a text."""
        url = f"http://pr-{number}.{self.root}/"
        heard = wait_for(
            lambda: self.hear(number, sha),
            lambda one: one[0] and one[1] == [Flag(f"prevs/{APP}", "success", text, url)],
            f"Pagure shows {text!r}",
        )
        (comment,) = heard[0]
        assert f"]({url}) follows this pull request" in comment
        return comment

    def count_hooks(self, result: str) -> float:
        """Return how many of Pagure's webhooks had a result."""
        wanted = f'prevs_hooks_total{{forge="pagure",result="{result}"}}'
        lines = self.api.call("GET", "/metrics").text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(wanted))


class Cart(NamedTuple):
    """A pull request's number, and the commit with which it was opened."""

    number: int
    sha: str


@pytest.fixture(scope="module")
def scene(api: Api, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("pagure")
    with serve_pagure(folder / "site", "ada", "mallory") as pagure:
        hook = f"http://127.0.0.1:{cluster.port}/_prevs/hooks/{APP}"
        root = f"{APP}.{cluster.domain}:{cluster.port}"
        made = Scene(pagure, SampleRepository(folder / "work"), api, hook, root, key="")
        made.commit("main")
        made.work.git("checkout", "--quiet", "-b", "cart")
        made.commit("first")
        made.push("ada", "shop", "main", "cart")
        app = {"name": APP, "repository": pagure.repository, "forge": "pagure", "pulls": "all"}
        api.add(app)
        variable = {"value": "the-apps-own", "secret": False}
        answer = api.call("PUT", f"/v1/apps/{APP}/environment/MODE", json=variable)
        assert answer.status_code == 200, answer.text
        connect(made)
        key = pagure.members["ada"].make_key(*RIGHTS)
        give_key(api, key)
        yield made._replace(key=key)
        api.call("DELETE", f"/v1/apps/{APP}")


def give_key(api: Api, key: str) -> None:
    """Have prevs use a key for Pagure."""
    answer = api.call("PUT", f"/v1/apps/{APP}/forge-token", json={"token": key})
    assert answer.status_code == 200, answer.text


def connect(scene: Scene) -> None:
    """Have the webhooks sent; they prove the project's secret, and are refused for another one."""
    owner = scene.pagure.members["ada"]
    path = f"/v1/apps/{APP}/hook-secret"
    assert scene.api.call("POST", path).status_code == 201
    owner.send_hooks(scene.hook)  # Pagure tells of this change, too
    wait_until(lambda: scene.count_hooks("refused") > 0, "a webhook with another secret is refused")
    secret = owner.call("GET", "/shop/webhook/token")["webhook"]["token"]
    assert scene.api.call("POST", path, json={"value": secret}).status_code == 201
    assert scene.api.call("DELETE", path, params={"former": "true"}).ok


@pytest.fixture(scope="module")
def cart(scene: Scene) -> Cart:
    """A pull request of a branch."""
    number = scene.pagure.members["ada"].open_pull("Add a cart", "cart")
    return Cart(number, scene.work.git("rev-parse", "cart"))


def test_a_pull_request_of_a_branch_has_an_address_that_follows_it(
    scene: Scene, cart: Cart, visit: Visit
) -> None:
    label = f"pr-{cart.number}"
    assert scene.wait_for(cart.number, sha=cart.sha)["gate"] == "trusted"
    scene.wait_to_hear(cart.number, cart.sha, f"opens at {label}")
    assert visit(label, app=APP).text == "first with the-apps-own\n"
    scene.api.wait_for(APP, cart.sha, "running")
    scene.wait_to_hear(cart.number, cart.sha, f"opens at {label}")
    assert scene.count_hooks("accepted") > 0

    scene.work.git("checkout", "--quiet", "cart")
    second = scene.commit("second")
    scene.push("ada", "shop", "cart")
    scene.wait_for(cart.number, sha=second)
    scene.api.wait_for(APP, second, "running")
    wait_until(lambda: visit(label, app=APP).text == "second with the-apps-own\n")


def test_each_commit_of_a_fork_waits_for_an_approval_and_gets_nothing_of_the_app(
    scene: Scene, visit: Visit, docker_host: str, cluster: Cluster
) -> None:
    ada, mallory = scene.pagure.members["ada"], scene.pagure.members["mallory"]
    mallory.call("POST", "/fork", repo="shop", wait="true")
    scene.work.git("checkout", "--quiet", "-b", "evil", "main")
    first = scene.commit("stolen")
    scene.push("mallory", "forks/mallory/shop", "evil")
    fork = {"repo_from": "shop", "repo_from_username": "mallory"}
    number = mallory.open_pull("Add a cart, too", "evil", **fork)
    label = f"pr-{number}"
    found = scene.wait_for(number, sha=first)
    assert (found["gate"], found["fork"], found["author"]) == ("waiting", True, "mallory")
    check_refused(visit, label, first)
    check_refused(visit, first, first)
    check_harmless(scene, scene.wait_to_hear(number, first, "fork: waits for approval"))

    mallory.comment(number, f"/prevs approve {first}")
    commented = time.time()
    wait_until(lambda: scene.look()["as_of"] > commented, "its comments are read")
    assert scene.find(number)["gate"] == "waiting"
    check_refused(visit, first, first)
    assert find_in_docker(docker_host, first) == []

    ada.comment(number, f"Looks good.\n\n/prevs approve {first}")
    assert scene.wait_for(number, gate="approved")["approved_by"] == "ada"
    assert visit(label, app=APP).text == "stolen with \n"
    assert visit(first, app=APP).text == "stolen with \n"

    second = scene.commit("more")
    scene.push("mallory", "forks/mallory/shop", "evil")
    scene.wait_for(number, sha=second, gate="waiting")
    check_refused(visit, second, second)
    assert find_in_docker(docker_host, second) == []
    assert visit(label, app=APP).text == "stolen with \n", "what was approved stays"
    approve(cluster, number, second)
    assert visit(second, app=APP).text == "more with \n"

    ada.send_hooks(NOWHERE)
    ada.call("POST", f"/shop/pull-request/{number}/close")
    log = scene.pagure.log
    wait_until(lambda: "topic: pull-request.closed" in log.read_text(), "its webhook is lost")
    ada.send_hooks(scene.hook)  # Pagure tells of this, not of what it could not deliver
    wait_until(lambda: not scene.find(number), "the next look finds that it is closed")
    wait_until(lambda: visit(second, app=APP).status_code == 404, "it stops, and nobody starts it")
    assert visit(label, app=APP).status_code == 404


def test_a_pull_request_has_one_comment_and_each_of_its_heads_one_flag(
    scene: Scene, cart: Cart
) -> None:
    opens, ada = f"opens at pr-{cart.number}", scene.pagure.members["ada"]
    second = scene.find(cart.number)["sha"]
    assert second != cart.sha
    assert scene.wait_to_hear(cart.number, second, opens) == scene.wait_to_hear(
        cart.number, cart.sha, opens
    )
    ada.call("POST", f"/shop/pull-request/{cart.number}", title="Add a cart [skip preview]")
    ada.comment(cart.number, "No preview.")  # Pagure tells of the title before it has stored it
    scene.wait_to_hear(cart.number, second, "skipped")
    assert scene.look()["delivery_problem"] == ""


def test_a_check_finds_nothing_wrong_unless_the_key_has_too_few_rights(
    scene: Scene, cart: Cart
) -> None:
    before = scene.hear(cart.number, cart.sha)
    found = check_forge(scene)
    assert [part for part, ok in found.items() if ok is False] == []
    assert (found["comments"], found["statuses"]) == (True, True)
    give_key(scene.api, scene.pagure.members["ada"].make_key("pull_request_comment"))
    found = check_forge(scene)
    assert (found["comments"], found["statuses"]) == (True, False)
    assert scene.hear(cart.number, cart.sha) == before


def test_the_double_of_pagure_has_the_fields_of_a_real_one(scene: Scene, cart: Cart) -> None:
    double = PagureServer()
    try:
        double.pulls = [PullFacts(cart.number, cart.sha)]
        double.comments = [CommentFacts(cart.number, 1, "ada", "Looks good.", DAY, DAY)]
        scene.pagure.members["ada"].comment(cart.number, "Looks good.")
        pulls = "/pull-requests?status=all"
        for path in ("", "/git/urls", f"/pull-request/{cart.number}", pulls):
            ours = requests.get(f"{double.origin}/api/0/group/shop{path}", timeout=60).json()
            real = requests.get(f"{scene.pagure.origin}/api/0/shop{path}", timeout=60).json()
            assert list(find_differences(ours, real)) == [], path
    finally:
        double.close()


def check_harmless(scene: Scene, comment: str) -> None:
    """Fail if the comment on a fork's pull request has a secret, or approves a commit if copied."""
    assert "`/prevs approve` and all 40 digits" in comment
    assert not re.search(r"/prevs approve\W*[0-9a-f]{7}", comment)
    assert not any(secret in comment for secret in (scene.key, scene.api.token, "the-apps-own"))


def check_forge(scene: Scene) -> dict[str, bool | None]:
    """Return what a check of the forge finds of each part."""
    found = scene.api.call("POST", f"/v1/apps/{APP}/forge-check").json()["findings"]
    return {one["part"]: one["ok"] for one in found}


def check_refused(visit: Visit, label: str, sha: str) -> None:
    """Fail unless programs and people learn that a commit has not been approved."""
    answer = visit(label, app=APP)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:prevs:problem:not-approved")
    browser = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    # A browser gets a page at once, also while the framework still asks the forge.
    page = wait_for(
        lambda: visit(label, app=APP, headers=browser),
        lambda one: one.status_code != 503,
        "a browser has been told",
    )
    assert page.status_code == 403
    assert sha in page.text


def approve(cluster: Cluster, number: int, sha: str) -> None:
    """Approve a commit by command."""
    known = {"PREVS_API": cluster.api, "PREVS_TOKEN": cluster.token, "HOME": str(cluster.dir)}
    command = [sys.executable, "-m", "cli", "approve", APP, str(number), "--commit", sha]
    environ = {"PATH": os.environ["PATH"], **known}
    done = subprocess.run(command, env=environ, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def find_in_docker(host: str, sha: str) -> list[str]:
    """Return the images and containers of a commit."""
    with contextlib.closing(DockerClient(base_url=host)) as client:
        tags = [tag for one in client.api.images() for tag in one["RepoTags"] or ()]
        labelled = {"label": f"prevs.commit={sha}"}
        made = [one["Id"] for one in client.api.containers(all=True, filters=labelled)]
    return [*(tag for tag in tags if sha in tag), *made]
