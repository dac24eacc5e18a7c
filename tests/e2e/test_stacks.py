"""The example stack and its variants: who calls whom, what starts, and what is left in the end."""

import contextlib
import json
import secrets
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from docker.api import APIClient
from docker.errors import NotFound

from examples.stack.make_repositories import BRANCH, MEMBERS, commit, git, make
from tests.e2e.commands import Done, environment, run_command
from tests.e2e.conftest import Api, Cluster
from tests.fakes import debian_images
from tests.fakes.samples import remove_image
from tests.waits import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

FILE = Path(__file__).parents[2] / "examples" / "stack" / "stack.toml"
STACK = f"books-{secrets.token_hex(3)}"
MUTE = "mute"
"""A branch of `web` that passes no baggage on."""


class World:
    """The stack STACK, whose apps are named after it and their member."""

    def __init__(self, api: Api, cluster: Cluster, folder: Path, docker: APIClient) -> None:
        self.api = api
        self.folder = folder
        self._cluster = cluster
        self._docker = docker

    def app(self, member: str) -> str:
        """Return the name of a member's app."""
        return f"{STACK}-app-{member}"

    def stack(self, *args: str, given: str = "") -> Done:
        """Run a command of `prevs stack`, which has to succeed."""
        done = run_command(environment(self._cluster), "stack", *args, given=given)
        assert done.returncode == 0, done.stderr
        return done

    def commit(self, member: str, ref: str = "main") -> str:
        """Return the commit of a member that a ref leads to."""
        return git(self.folder / member, "rev-parse", ref)

    def variants(self) -> Collection[str]:
        """Return the branches of the open variants."""
        found = self.api.call("GET", f"/v1/stacks/{STACK}").json()["variants"]
        return {one["ref"] for one in found}

    def previews(self) -> Collection[Mapping[str, Any]]:
        """Return the previews of all apps."""
        return [
            one
            for member in MEMBERS
            for one in self.api.call(
                "GET", "/v1/previews", params={"app": self.app(member)}
            ).json()["previews"]
        ]

    def instances(self) -> Collection[Mapping[str, Any]]:
        """Return the previews that belong to a variant, or to one that is closed by now."""
        return [one for one in self.previews() if one["sha"] != one["commit"]]

    def running(self) -> set[tuple[str, str, str]]:
        """Return (member, commit, variant) of all containers."""
        found = set()
        for member in MEMBERS:
            label = f"prevs.app={self.app(member)}"
            for one in self._docker.containers(all=True, filters={"label": label}):
                with contextlib.suppress(NotFound):  # it has been removed meanwhile
                    given = self._docker.inspect_container(one["Id"])["Config"]["Env"]
                    variables = dict(text.split("=", 1) for text in given)
                    variant = variables.get("PREVS_STACK", "")
                    found.add((member, variables["PREVS_COMMIT"], variant))
        return found

    def get(self, url: str, path: str = "/answers", **headers: str) -> requests.Response:
        """Return the answer of the member at an address, once it runs."""
        answer = requests.get(
            f"http://127.0.0.1:{self._cluster.port}{path}",
            headers={"Host": urlsplit(url).netloc, **headers},
            timeout=120,
        )
        assert answer.status_code == 200, answer.text
        return answer

    def ask(self, url: str, **headers: str) -> Mapping[str, Mapping[str, Any]]:
        """Return what the members have answered to a request at the entry, by member."""
        web = self.get(url, **headers).json()
        reviews = web["reviews"]
        ratings, details = reviews["ratings"], web["details"]
        return {"web": web, "details": details, "reviews": reviews, "ratings": ratings}


@pytest.fixture(scope="module")
def world(
    api: Api, cluster: Cluster, docker_host: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """The example's repositories, registered, with the stack."""
    folder = tmp_path_factory.mktemp("stack")
    with contextlib.closing(APIClient(base_url=docker_host, timeout=120)) as docker:
        base = debian_images.languages_image(docker, f"prevs-test/{STACK}:1")
        made = World(api, cluster, folder, docker)
        try:
            make(folder, dict.fromkeys(MEMBERS, base))
            write_mute(folder / "web")
            for member in MEMBERS:
                app = {"name": made.app(member), "repository": str(folder / member)}
                api.add(app)
            made.stack("set", STACK, "-", given=FILE.read_text().replace("books-", made.app("")))
            yield made
            api.call("DELETE", f"/v1/stacks/{STACK}")
            for member in MEMBERS:
                api.call("DELETE", f"/v1/apps/{made.app(member)}")
            wait_until(lambda: not made.running(), instead=made.running)
        finally:
            remove_image(docker, base)


def write_mute(folder: Path) -> None:
    git(folder, "checkout", "--quiet", "-b", MUTE)
    file = folder / "web.py"
    file.write_text(file.read_text().replace('{"baggage": baggage} if baggage else {}', "{}"))
    commit(folder, "Pass nothing on")
    git(folder, "checkout", "--quiet", "main")


@pytest.fixture(scope="module")
def own_url(world: World) -> str:
    """The stack's own address."""
    return str(world.api.call("GET", f"/v1/stacks/{STACK}").json()["url"])


def open_variant(world: World, *args: str) -> tuple[str, str]:
    """Return the name and the address of a variant, after its proxies know it."""
    found = json.loads(world.stack("open", STACK, *args, "--json").stdout)
    assert found["behind"] == 0
    return found["name"], found["url"]


def commits(answers: Mapping[str, Mapping[str, Any]]) -> Mapping[str, str]:
    return {member: one["commit"] for member, one in answers.items()}


def test_opening_starts_nothing_and_the_first_request_starts_what_it_needs(
    world: World, own_url: str
) -> None:
    usual = {member: world.commit(member) for member in MEMBERS}
    changed = {**usual, "reviews": world.commit("reviews", BRANCH)}
    assert changed != usual
    variant, url = open_variant(world, BRANCH)
    assert world.previews() == []
    # web is everybody's, and passes baggage on: its proxy has set that.
    answers = world.ask(url)
    assert commits(answers) == changed
    apart = {("reviews", changed["reviews"], variant)}
    shared = {(member, sha, "") for member, sha in usual.items() if member != "reviews"}
    assert world.running() == apart | shared
    assert "I have read it three times." in world.get(url, "/").text
    # The stack's own address has the same previews, and its reviews.
    assert commits(world.ask(own_url)) == usual
    assert world.running() == apart | shared | {("reviews", usual["reviews"], "")}
    [instance] = world.instances()
    assert (instance["place"]["stack"], instance["place"]["variant"]) == (STACK, variant)


def test_members_of_their_own_need_nobody_to_pass_anything_on(world: World) -> None:
    variant, url = open_variant(world, MUTE, "--own", "all")
    before = world.running()
    answers = world.ask(url)
    assert {one["variant"] for one in answers.values()} == {variant}
    usual = {member: world.commit(member) for member in MEMBERS}
    assert commits(answers) == {**usual, "web": world.commit("web", MUTE)}
    assert world.running() - before == {
        (member, sha, variant) for member, sha in commits(answers).items()
    }


def test_a_variant_is_pinned_and_stopped_as_a_whole_and_comes_back(world: World) -> None:
    variant, url = open_variant(world, MUTE, "--own", "all")
    world.ask(url)

    def instances() -> list[Mapping[str, Any]]:
        return [one for one in world.instances() if one["place"]["variant"] == variant]

    world.stack("pin", STACK, MUTE)
    assert {one["pinned"] for one in instances()} == {True}
    world.stack("unpin", STACK, MUTE)
    assert {one["pinned"] for one in instances()} == {False}
    shared = {one for one in world.running() if one[2] != variant}
    world.stack("stop", STACK, MUTE)
    wait_until(lambda: {one["state"] for one in instances()} == {"stopped"}, instead=instances)
    wait_until(lambda: world.running() == shared, instead=world.running)
    assert {one["variant"] for one in world.ask(url).values()} == {variant}


def test_a_branch_that_moves_moves_its_variant_and_one_that_goes_closes_it(
    world: World, own_url: str
) -> None:
    variant, url = open_variant(world, BRANCH)
    open_variant(world, MUTE, "--own", "all")
    old = world.ask(url)["reviews"]["commit"]
    shared = {one for one in world.running() if not one[2]}
    git(world.folder / "reviews", "checkout", "--quiet", BRANCH)
    new = commit(world.folder / "reviews", "Read it a fourth time")
    git(world.folder / "web", "branch", "--delete", "--force", MUTE)
    seen = [old]  # no request fails, or is answered by a third one

    def has_moved() -> bool:
        seen.append(world.ask(url)["reviews"]["commit"])
        return bool(seen[-1] == new)

    wait_until(has_moved, instead=lambda: seen)
    assert set(seen) == {old, new}
    assert seen == sorted(seen, key=[old, new].index)
    left = {*shared, ("reviews", new, variant)}
    wait_until(lambda: world.running() == left, instead=world.running)
    wait_until(lambda: world.variants() == {BRANCH}, instead=world.variants)
    wait_until(lambda: all(one["place"] for one in world.instances()), instead=world.instances)
    assert world.ask(own_url)["reviews"]["variant"] == ""


def test_a_removed_stack_leaves_what_is_everybodys_and_nothing_else(
    world: World, own_url: str
) -> None:
    _, url = open_variant(world, BRANCH)
    for address in (url, own_url):
        world.ask(address)
    shared = {one for one in world.running() if not one[2]}
    assert {member for member, *_ in shared} == set(MEMBERS)
    world.stack("rm", STACK, "--yes")
    wait_until(lambda: world.running() == shared, instead=world.running)
    wait_until(lambda: len(world.previews()) == len(shared), instead=world.previews)
    gates = world.api.call("GET", "/v1/gates").json()["gates"]
    assert [one["name"] for one in gates if one["stack"] == STACK] == []
    assert {one["state"] for one in world.previews()} == {"running"}
