"""A gate's requests go where its rules say, while these change, and never nowhere."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
import requests

from tests.e2e.commands import Done, environment, run_command
from tests.e2e.conftest import Api, Cluster, Hello
from tests.waits import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

FILE = """
app = "hello"
rules = [{path = "/", to = "main"}, {path = "/", when = {header = "X-V", is = "1"}, to = "v1"}]
"""
Gate = Callable[..., Done]
Ask = Callable[..., str]


@pytest.fixture
def gate(cluster: Cluster, hello: Hello) -> Iterator[Gate]:
    """Run `prevs gate`."""
    run = partial(run_command, environment(cluster), "gate")
    yield run
    run("rm", "api", "--yes")


@pytest.fixture
def ask(cluster: Cluster) -> Ask:
    """Send a request to the gate, and return the commit that has answered."""

    def send(path: str = "/", **headers: str) -> str:
        host = {"Host": f"api.{cluster.domain}:{cluster.port}", **headers}
        url = f"http://127.0.0.1:{cluster.port}{path}"
        answer = requests.get(url, headers=host, timeout=120)
        assert answer.status_code == 200, answer.text
        return answer.headers["X-Prevs-Task"].split(".")[1]

    return send


def test_a_switch_is_in_force_when_the_command_ends_and_loses_no_request(
    gate: Gate, ask: Ask, hello: Hello
) -> None:
    main, v1 = hello.commit("main"), hello.commit("v1")
    made = gate("set", "api", "-", given=FILE)
    assert made.returncode == 0, made.stderr
    assert "in force at all proxies" in made.stderr
    assert (ask(), ask(**{"X-V": "1"})) == (main, v1)
    ended = threading.Event()

    def ask_all_the_time() -> set[str]:
        found = set()
        while not ended.is_set():
            found.add(ask())
        return found

    with ThreadPoolExecutor() as pool:
        visitor = pool.submit(ask_all_the_time)
        try:
            for label, sha in (("v1", v1), ("main", main), ("v1", v1)):
                switched = gate("switch", "api", label)
                assert "in force at all proxies" in switched.stderr, switched.stderr
                assert ask() == sha
        finally:
            ended.set()
    assert visitor.result() == {main, v1}
    tried = gate("try", "api", "/", "-H", "X-V: 1")
    assert f"v1 ({v1[:7]})" in tried.stdout


def test_a_commit_that_cannot_be_built_changes_nothing_and_a_rollback_leads_back(
    gate: Gate, ask: Ask, hello: Hello
) -> None:
    main, v1 = hello.commit("main"), hello.commit("v1")
    gate("set", "api", "-", given=FILE)
    failed = gate("switch", "api", "broken-dockerfile")
    assert failed.returncode == 1
    assert "stays as it is. broken-dockerfile" in failed.stderr
    assert "has failed" in failed.stderr
    assert ask() == main
    assert gate("switch", "api", "v1").returncode == 0
    assert ask() == v1
    back = gate("rollback", "api")
    assert back.returncode == 0, back.stderr
    assert ask() == main


def test_a_rollback_leads_to_the_commit_of_then_though_its_branch_has_moved(
    gate: Gate, ask: Ask, hello: Hello, api: Api
) -> None:
    main, v1 = hello.commit("main"), hello.commit("v1")
    hello.git("branch", "moves", v1)
    try:
        made = gate("set", "api", "-", given=FILE.replace('"main"', '"moves"'))
        assert made.returncode == 0, made.stderr
        assert ask() == v1
        assert gate("switch", "api", "main").returncode == 0
        assert ask() == main
        hello.git("branch", "--force", "moves", main)
        wait_until(lambda: "moves" in api.preview("hello", main)["labels"])
        back = gate("rollback", "api")
        assert back.returncode == 0, back.stderr
        assert v1[:7] in back.stdout
        assert ask() == v1
    finally:
        hello.git("branch", "--delete", "--force", "moves")


def test_a_gate_stays_at_the_commit_of_a_deleted_branch_and_follows_it_again(
    gate: Gate, ask: Ask, hello: Hello, api: Api, cluster: Cluster
) -> None:
    main, v1 = hello.commit("main"), hello.commit("v1")
    canary = hello.git("commit-tree", f"{v1}^{{tree}}", "-p", v1, "-m", "A canary").strip()
    hello.git("branch", "canary", canary)
    half = '[{label = "main", weight = 50}, {label = "canary", weight = 50}], sticky = "cookie"'

    def ask_both() -> set[str]:
        return {ask(Cookie=f"prevs-lot={lot}") for lot in ("0001", "9999")}

    def is_gone() -> bool:
        return "its branch is gone" in gate("show", "api").stdout

    try:
        made = gate("set", "api", "-", given=FILE.replace('"main"}', f"{half}}}"))
        assert made.returncode == 0, made.stderr
        assert ask_both() == {main, canary}
    finally:
        hello.git("branch", "--delete", "--force", "canary")
    hello.git("gc", "--quiet", "--prune=now")
    wait_until(is_gone)
    assert "1 branch gone" in gate("ls").stdout
    told = run_command(environment(cluster), "events").stdout
    assert f"no branch leads to canary any more, and it stays at {canary[:7]}" in told
    run_command(environment(cluster), "stop", "hello", "canary")
    api.wait_for("hello", canary, "stopped")
    assert ask_both() == {main, canary}
    tried = gate("try", "api", "/", "--lot", "1")
    assert f"so it stays at {canary[:7]}" in tried.stdout
    hello.git("branch", "canary", main)
    try:
        wait_until(lambda: not is_gone())
        wait_until(lambda: ask_both() == {main})
    finally:
        hello.git("branch", "--delete", "--force", "canary")
