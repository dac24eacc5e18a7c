"""Two frameworks as programs, on a real ZooKeeper and Mesos: one leads, the other stands by."""

import itertools
import os
import signal
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from kazoo.client import KazooClient

from framework.zookeeper.connection import connect
from local.cluster.zookeeper import zookeeper_part
from local.parts.part import bring_up
from prevs.records import LeaderRecord
from tests import pauses
from tests.conftest import Mesos
from tests.fakes.program import (
    TOKEN,
    OwnRoot,
    Program,
    make_repository,
    settings,
    wait_id,
    walk,
)
from tests.free_ports import free_port
from tests.waits import wait_until

pytestmark = pytest.mark.integration


class Pair(OwnRoot):
    """Two frameworks at one root, none of which runs yet."""

    def __init__(self, mesos: Mesos, records: str, folder: Path) -> None:
        super().__init__(mesos, records, folder)
        self.first, self.second = self.program(), self.program()
        self.client: KazooClient = connect(records, 15)

    def start(self) -> None:
        """Start both; the first one leads."""
        self.first.run()
        self.second.run()

    def close(self) -> None:
        self.client.stop()
        self.client.close()
        super().close()

    def framework_id(self) -> str:
        return wait_id(self.client, self.paths)

    def wait_leader(self, program: Program) -> None:
        """Wait until a program leads, and has been accepted by Mesos."""
        expected = [("/metrics", "prevs_leads 1.0"), ("/readyz", '"status": "ok"')]
        wait_until(
            lambda: all(text in read(program, path) for path, text in expected),
            "it leads, and is ready",
            over=program.ended,
            instead=program.log.read_text,
        )


def read(program: Program, path: str) -> str:
    try:
        return program.request("GET", path).text
    except requests.RequestException:
        return ""


@pytest.fixture
def records(request: pytest.FixtureRequest) -> str:
    """host:port of the ZooKeeper with the records, the fixture that a parameter names."""
    address: str = request.getfixturevalue(getattr(request, "param", "zookeeper"))
    return address


@pytest.fixture
def pair(mesos: Mesos, records: str, tmp_path: Path) -> Iterator[Pair]:
    with Pair(mesos, records, tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def both(mesos: Mesos, zookeeper: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Two that run; the last test that uses them ends them."""
    with Pair(mesos, zookeeper, tmp_path_factory.mktemp("both")) as made:
        made.start()
        yield made


@pytest.fixture
def repository(tmp_path: Path) -> str:
    return str(make_repository(tmp_path / "hello"))


def test_a_standby_forwards_reads_and_writes_and_a_followed_log(
    both: Pair, repository: str
) -> None:
    place, preview = both.second.order_first(repository)
    assert both.first.request("GET", place).json() == preview
    started = both.second.request("POST", "/v1/previews", json={"app": "hello", "label": "main"})
    assert f"request={started.headers['X-Request-Id']}" in both.first.log.read_text()
    ready = both.second.request("GET", "/readyz").json()
    assert (ready["role"], ready["leader"]) == ("standby", both.first.url)
    assert "prevs_leads 0.0" in both.second.request("GET", "/metrics").text
    assert requests.get(f"{both.second.url}/v1/apps", timeout=60).status_code == 401
    assert both.second.request("GET", "/v1/apps/helo").json()["app"] == "helo"

    events: list[str] = []
    followed = threading.Event()

    def follow() -> None:
        headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {TOKEN}"}
        url = f"{both.second.url}{place}/log"
        with requests.get(url, headers=headers, stream=True, timeout=60) as answer:
            for line in answer.iter_lines(decode_unicode=True):
                events.append(line)
                if line == "event: log":
                    followed.set()

    thread = threading.Thread(target=follow)
    thread.start()
    # The log comes while the preview runs on, and the end when it stops.
    assert followed.wait(60), events
    assert "event: end" not in events
    assert both.second.request("DELETE", place).status_code == 202
    thread.join(60)
    assert "event: end" in events


def test_the_client_of_a_standby_is_known_to_the_leader_and_nobody_else_can_set_it(
    both: Pair,
) -> None:
    log = Path(both.first.environ["PREVS_DIR"]) / "audit.jsonl"
    before = len(log.read_text().splitlines()) if log.exists() else 0
    nothing = "/v1/apps/gr%C3%B6%C3%9Fe%2F"
    both.second.request("DELETE", nothing)
    both.first.request("DELETE", nothing)
    lie = {"Prevs-Forwarded": "10.1.2.3;1;ff", "Authorization": f"Bearer {TOKEN}"}
    requests.delete(both.first.url + nothing, headers=lie, timeout=60)
    entries = both.second.request("GET", "/v1/audit").json()["entries"][:3]
    assert [one["client"] for one in entries] == [
        "unknown via 127.0.0.1",
        "127.0.0.1",
        "127.0.0.1 via 127.0.0.1",
    ]
    assert len({one["request"] for one in entries}) == 3
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert len(log.read_text().splitlines()) == before + 3


def test_nobody_leads_after_the_last_one_has_ended_in_order(both: Pair) -> None:
    assert both.second.end() == 0
    assert LeaderRecord.decode(both.client.get(both.paths.leader)[0]).api == both.first.url
    assert both.first.end() == 0
    assert LeaderRecord.decode(both.client.get(both.paths.leader)[0]).api == ""


def test_a_token_is_good_at_every_framework_until_it_is_removed_at_one(pair: Pair) -> None:
    pair.start()
    order = {"name": "deploys", "scope": "use"}
    token = pair.second.request("POST", "/v1/tokens", json=order).json()["token"]
    mine = {"Authorization": f"Bearer {token}"}

    def try_it(program: Program, path: str = "/v1/apps") -> int:
        return requests.get(program.url + path, headers=mine, timeout=60).status_code

    assert [try_it(pair.first), try_it(pair.second)] == [200, 200]
    assert try_it(pair.first, "/v1/tokens") == 403
    pair.first.end()
    pair.wait_leader(pair.second)
    assert try_it(pair.second) == 200
    assert pair.second.request("DELETE", "/v1/tokens/deploys").status_code == 204
    assert try_it(pair.second) == 401
    assert token not in pair.first.log.read_text() + pair.second.log.read_text()


@pytest.mark.parametrize(
    ("number", "records"),
    [
        (signal.SIGTERM, "hasty_zookeeper"),
        (signal.SIGKILL, "hasty_zookeeper"),
        pytest.param(signal.SIGKILL, "zookeeper", marks=pytest.mark.night),
    ],
    indirect=["records"],
)
def test_when_the_leader_ends_the_other_one_goes_on(
    pair: Pair, repository: str, number: signal.Signals
) -> None:
    pair.start()
    place, preview = pair.first.order_first(repository)
    known = pair.framework_id()
    ended = time.monotonic()
    pair.first.end(number)
    if number is signal.SIGKILL:  # ZooKeeper names it until its session is over
        assert pair.second.request("GET", "/readyz").status_code == 503
        assert pair.second.request("GET", "/healthz").status_code == 200
    pair.wait_leader(pair.second)
    print(f"{number.name}: led again after {time.monotonic() - ended:.2f} s")
    assert pair.framework_id() == known
    assert pair.second.request("GET", place).json() == preview
    pair.first.run()
    assert pair.first.request("GET", "/readyz").json()["leader"] == pair.second.url
    assert pair.first.request("DELETE", place).status_code == 202
    pair.first.wait_state(place, "stopped")


def follow(program: Program, after: str) -> list[str]:
    """Return the first lines of the events that follow one."""
    headers = {"Accept": "text/event-stream", "Last-Event-ID": after}
    with program.stream("/v1/events", headers) as answer:
        return list(itertools.islice(answer.iter_lines(decode_unicode=True), 4))


def test_a_standby_serves_events_agents_and_previews_until_it_leads_itself(
    pair: Pair, repository: str
) -> None:
    pair.start()
    place, preview = pair.second.order_first(repository)
    (ref,) = pair.second.request("GET", "/v1/apps/hello/refs").json()["refs"]
    (commit,) = pair.second.request("GET", "/v1/apps/hello/commits?ref=main").json()["commits"]
    assert {ref["sha"], commit["sha"]} == {preview["sha"]}
    shares = pair.second.request("GET", "/v1/agents").json()["agents"]
    (own,) = (one for one in shares if one["previews"])
    (share,) = own["previews"]
    assert (share["label"], share["state"], share["mem"]) == ("main", "running", 64)
    assert own["used"]["mem"] >= 64
    assert {one["id"] for one in shares} >= {own["id"]}

    listed = pair.second.request("GET", "/v1/events").json()["events"]
    assert (listed[0]["state"], listed[0]["task_id"]) == ("running", preview["task_id"])
    assert [one["before"] for one in listed[:-2]] == [one["state"] for one in listed[1:-1]]
    assert listed[-1]["sentence"] == "app hello was added"
    era, _, _ = listed[-1]["id"].rpartition("-")
    assert "event: app" in follow(pair.second, f"{era}-0")
    assert pair.first.end() == 0
    pair.wait_leader(pair.second)
    assert pair.second.request("DELETE", place).status_code == 202
    pair.second.wait_state(place, "stopped")
    assert "event: reset" in follow(pair.second, listed[0]["id"])
    states = [one["state"] for one in pair.second.request("GET", "/v1/events").json()["events"]]
    assert states == ["stopped", "draining"]


def test_a_leader_that_was_paused_beyond_its_session_writes_nothing_and_ends(
    pair: Pair, repository: str
) -> None:
    pair.start()
    place, preview = pair.first.order_first(repository)
    assert pair.first.process is not None
    pauses.pause(pair.first.process.pid)
    pair.wait_leader(pair.second)
    before = versions(pair)
    pauses.resume(pair.first.process.pid)
    # 4: ZooKeeper was faster, 5: a write was, 6: Mesos was.
    assert pair.first.process.wait(60) in (4, 5, 6)
    assert versions(pair) == before
    assert pair.second.request("GET", place).json() == preview
    assert pair.second.request("DELETE", place).status_code == 202
    pair.second.wait_state(place, "stopped")


def test_a_zookeeper_that_restarts_ends_neither_the_leader_nor_a_standby(tmp_path: Path) -> None:
    part = zookeeper_part(
        tmp_path / "zookeeper", free_port(), os.environ, tmp_path / "zookeeper.log"
    )
    nowhere = f"127.0.0.1:{free_port()}"  # no Mesos: the leader is never ready, a stand-by is
    leader, standby = (
        Program(
            settings(nowhere, part.address, "/prevs", free_port(), tmp_path, name),
            tmp_path / f"{name}.log",
        )
        for name in ("leader", "standby")
    )

    def wait(holds: Callable[[], bool]) -> None:
        wait_until(holds, instead=standby.log.read_text)

    try:
        bring_up(part)
        leader.start()
        wait(lambda: "prevs_leads 1.0" in read(leader, "/metrics"))
        standby.run()
        assert part.pid is not None
        os.kill(part.pid, signal.SIGKILL)
        wait(lambda: "ZooKeeper does not answer" in read(standby, "/readyz"))
        wait(lambda: part.problem() is not None)
        part.stop()
        bring_up(part)
        wait(lambda: '"status": "ok"' in read(standby, "/readyz"))
        assert standby.request("GET", "/v1/apps").json()["apps"] == []
        assert leader.end() == 0
        wait(lambda: "prevs_leads 1.0" in read(standby, "/metrics"))
        assert standby.end() == 0
    finally:
        leader.clean_up()
        standby.clean_up()
        part.stop()


def versions(pair: Pair) -> dict[str, int]:
    """Return the versions of all znodes below the root but those of the election."""
    found = walk(pair.client, pair.paths.root)
    return {
        path: pair.client.get(path)[1].version
        for path in found
        if not path.startswith(pair.paths.election)
    }
