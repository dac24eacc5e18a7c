"""`prevs doctor`, against an API and a proxy's answer on real sockets."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from cli.__main__ import main
from framework import access, web
from framework.http_api.probes import VERSION
from framework.ports import Listing
from framework.service import exposure
from framework.state.snapshot import Look
from prevs.messages import Isolation
from prevs.records import AppRecord
from prevs.states import State
from tests.fakes import served
from tests.fakes.answers import OTHER_SHA, content, known_agent, problem
from tests.fakes.api import TOKEN, Api
from tests.integration.cli.command_runs import Done, Run

pytestmark = pytest.mark.integration

CLOSED = Isolation(open="", builds_open="", builds_unlimited="", ports_open="")
UNKNOWN = content(problem("unknown-app", 404, "There is no app 'prevs-doctor'."))


class Proxy:
    """The server at the addresses of previews."""

    def __init__(self) -> None:
        self.answer: ASGIApp = JSONResponse(UNKNOWN, 404)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.answer(scope, receive, send)


@pytest.fixture
def proxy() -> Proxy:
    return Proxy()


@pytest.fixture
def api(proxy: Proxy) -> Iterator[Api]:
    """A system in order, with a proxy."""
    with served.serving(proxy) as address:
        api = Api(int(address.rpartition(":")[2]))
        api.add("hello", "main")
        api.put(State.RUNNING)
        api.agents.known = [known_agent("10.0.0.1")]
        api.previews.isolated_agents[api.agents.known[0].id] = CLOSED
        yield api


def found(done: Done) -> dict[str, dict[str, str]]:
    return {one["part"]: one for one in json.loads(done.out)}


def levels(done: Done) -> dict[str, str]:
    return {part: one["level"] for part, one in found(done).items()}


def test_if_all_is_well_each_part_is_shown_as_well(run: Run) -> None:
    done = run("doctor", "--json")
    assert done.status == 0
    seen = levels(done)
    assert seen.pop("agents' machines") == "skipped"
    assert {name for name, level in seen.items() if level != "ok"} <= {"ports"}
    parts = {"settings", "framework", "framework: clock", "token", "agents", "queue", "previews"}
    assert parts | {"repositories", "addresses"} <= seen.keys()
    assert "Everything works." in run("doctor").err


def test_the_reach_of_previews_is_shown_for_each_agent(api: Api, run: Run) -> None:
    part, agent = "isolation at 10.0.0.1", api.agents.known[0].id
    assert "no private network" in found(run("doctor", "--json"))[part]["message"]
    allowing = Isolation(allowed=("10.1.0.0/16",), open="there is no iptables")
    api.previews.isolated_agents[agent] = allowing
    seen = found(run("doctor", "--json"))[part]
    assert (seen["level"], "there is no iptables" in seen["message"]) == ("warning", True)
    assert "docs/operating/isolation.md" in seen["advice"]
    del api.previews.isolated_agents[agent]
    assert "10.0.0.1" in found(run("doctor", "--json"))["isolation"]["message"]


def test_a_forge_is_shown_if_an_app_follows_pull_requests(api: Api, run: Run) -> None:
    assert "forges" not in found(run("doctor", "--json"))
    run("app", "set", "hello", "--pulls", "all")
    assert levels(run("doctor", "--json"))["forges"] == "ok"
    delivery_problems = {"status": "The token may not set one."}
    api.previews.looks["hello"] = Look(1.0, "It has not answered within 10 s.", delivery_problems)
    done = run("doctor", "--json")
    assert done.status == 0  # what was fetched before goes on
    told = [one for one in json.loads(done.out) if one["part"] == "forge of hello"]
    assert [one["level"] for one in told] == ["warning", "warning"]
    assert "has not answered" in told[0]["message"]
    assert "may not set one" in told[1]["message"]
    assert all("prevs forge check hello" in one["advice"] for one in told)


def test_every_wrong_part_is_reported_with_the_next_step(api: Api, run: Run) -> None:
    checks = [{"name": "mesos", "ok": False, "detail": "Mesos is away.", "needed": True}]
    probe = {"role": "leader", "checks": checks, "version": "0.0.1"}
    api.instead["GET", "/readyz"] = problem("unavailable", 503, "Mesos is away.", **probe)
    api.agents.known = []
    api.refs.listings["hello"] = Listing((), 1.0, "Could not resolve host.")
    api.fail(OTHER_SHA)
    done = run("doctor", "--json")
    assert done.status == 1
    seen = found(done)
    for part, level in {
        "framework: mesos": "wrong",
        "framework: version": "warning",
        "agents": "wrong",
        "previews": "warning",
        "repository of hello": "warning",
    }.items():
        assert seen[part]["level"] == level
        assert seen[part]["advice"]
    shown = run("doctor")
    assert "✗  agents" in shown.out
    assert "→ " in shown.out
    assert "2 things are wrong." in shown.err


def test_repositories_on_the_frameworks_machine_are_named_where_it_allows_none(
    api: Api, run: Run
) -> None:
    check = {"name": "local-repositories", "ok": False, "detail": "2 of the apps", "needed": False}
    probe = {"status": "ok", "version": VERSION, "role": "leader", "leader": None}
    api.instead["GET", "/readyz"] = JSONResponse({**probe, "checks": [check]})
    api.previews.known_apps["far"] = AppRecord("far", "https://git.example.org/x", created=1.0)
    api.previews.known_apps["near"] = AppRecord("near", "http://127.0.0.1:3000/x", created=1.0)
    api.refs.put("far", "main", OTHER_SHA)
    api.refs.put("near", "main", OTHER_SHA)
    done = run("doctor", "--json")
    assert done.status == 0
    seen = found(done)
    assert seen["local repositories"]["level"] == "warning"
    assert seen["local repositories"]["message"].endswith("may be: hello, near.")
    assert "PREVS_LOCAL_REPOSITORIES" in seen["local repositories"]["advice"]
    assert "framework: local-repositories" not in seen
    del api.instead["GET", "/readyz"]
    assert "local repositories" not in found(run("doctor", "--json"))


def test_an_open_zookeeper_and_an_open_master_want_a_look_and_nothing_is_wrong(
    api: Api, run: Run
) -> None:
    checks = [
        {"name": name, "ok": False, "detail": f"{name} is open.", "needed": False}
        for name in (exposure.ZOOKEEPER, exposure.MASTER)
    ]
    api.instead["GET", "/readyz"] = JSONResponse({"role": "leader", "checks": checks})
    done = run("doctor", "--json")
    assert done.status == 0
    for name, page in ((exposure.ZOOKEEPER, "zookeeper.md"), (exposure.MASTER, "tls.md")):
        one = found(done)[f"framework: {name}"]
        assert (one["level"], one["message"]) == ("warning", f"{name} is open.")
        assert page in one["advice"]


def test_a_token_of_little_scope_is_well_and_a_wrong_one_is_not(api: Api, run: Run) -> None:
    _, token = api.tokens.add_token("ci", access.Scope.READ)
    seen = found(run("doctor", "--json", PREVS_TOKEN=token))
    assert seen["token"]["level"] == "ok"
    assert "read" in seen["token"]["message"]
    wrong = run("doctor", "--json", PREVS_TOKEN="wrong")
    assert wrong.status == 1
    assert levels(wrong)["token"] == "wrong"
    assert levels(wrong)["cluster"] == "skipped"
    assert "PREVS_TOKEN" in found(wrong)["token"]["advice"]


def test_a_token_of_one_app_sees_findings_about_its_app_only(api: Api, run: Run) -> None:
    _, token = api.tokens.add_token("ci", access.Scope.USE, "hello")
    done = run("doctor", "--json", PREVS_TOKEN=token)
    seen = found(done)
    assert done.status == 0
    assert (seen["token"]["level"], seen["agents"]["level"]) == ("ok", "skipped")
    assert seen["addresses"]["level"] == "ok"


def test_proxies_that_have_the_operator_s_token_want_a_look(api: Api, run: Run) -> None:
    checks = [web.judge_proxies(())._asdict()]
    probe = {"status": "ok", "role": "leader", "checks": checks, "version": VERSION}
    api.instead["GET", "/readyz"] = JSONResponse(probe)
    done = run("doctor", "--json")
    finding = found(done)["framework: proxies"]
    assert (done.status, finding["level"]) == (0, "warning")
    assert "PREVS_PROXY_TOKEN_FILE is not set" in finding["message"]
    assert "PREVS_TOKEN_FILE" in finding["advice"]
    assert web.judge_proxies(["theirs"]).ok
    check = web.judge_proxies(["theirs"], own=["prevs:x"])
    assert (check.ok, "PREVS_PROXY_ZOOKEEPER_AUTH_FILE" in check.detail) == (False, True)
    assert web.judge_proxies(["theirs"], own=["prevs:x"], identities=["proxy:y"]).ok


@pytest.mark.parametrize(("status", "content"), [(200, "hi"), (503, UNKNOWN)])
def test_an_address_that_leads_elsewhere_is_wrong(
    proxy: Proxy, run: Run, status: int, content: Any
) -> None:
    proxy.answer = JSONResponse(content, status)
    assert levels(run("doctor", "--json"))["addresses"] == "wrong"


def test_several_frameworks_are_each_looked_at(api: Api, run: Run, address: str) -> None:
    seen = found(run("doctor", "--json", PREVS_API=f"http://127.0.0.1:9,{address}"))
    assert seen["framework 1"]["level"] == "wrong"
    assert "connection refused" in seen["framework 1"]["message"]
    assert seen["framework 2"]["level"] == "ok"
    assert seen["agents"]["level"] == "ok"


def test_where_nothing_is_known_it_leads_to_make_up_and_to_the_settings(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["doctor", "--json"], {"HOME": str(tmp_path), "PATH": str(tmp_path)}) == 1
    seen = {one["part"]: one for one in json.loads(capsys.readouterr().out)}
    for words in ("make up", "PREVS_API", "prevs local up"):
        assert words in seen["settings"]["advice"]
    assert seen["git"]["level"] == "wrong"
    assert seen["local"]["level"] == "skipped"


def test_a_token_that_others_may_read_is_wrong(
    address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "prevs" / "credentials.json"
    file.parent.mkdir()
    file.write_text(json.dumps({"api": address, "token": TOKEN}))
    for mode, level in ((0o644, "wrong"), (0o600, "ok")):
        file.chmod(mode)
        main(["doctor", "--json"], {"XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path)})
        seen = {one["part"]: one["level"] for one in json.loads(capsys.readouterr().out)}
        assert seen["settings"] == level


def test_an_api_that_keeps_silent_holds_nobody_up_for_long(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        done = run("doctor", "--json", PREVS_API=address)
    assert "no answer in time" in found(done)["framework"]["message"]
    assert levels(done)["token"] == "skipped"
