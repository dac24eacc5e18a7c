"""The Mesos and the ZooKeeper of `make up` refuse everybody without credentials.

Each endpoint that Mesos lists gets requests, also as a browser sends them for a foreign page.
"""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import pytest
import requests
from kazoo.client import KazooClient
from kazoo.exceptions import NoAuthError

from local.mesos.access import AGENT, READER, Access
from prevs.paths import Paths
from tests.chromium import Chromium
from tests.e2e.conftest import Api, Cluster
from tests.serving import serving_folder

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

OPEN = {
    "/master/health": "an empty answer, by which `prevs local` sees that it is there",
    "/slave(1)/health": "the same",
    "/master/redirect": "leads to the master, which whoever asks has reached",
    "/system/stats.json": "the load and the memory of this machine; Mesos has no realm for it",
}
"""What Mesos answers anybody, and why that may be."""

NOWHERE = {"/slave(1)/api/v1/resource_provider", "/__processes__"}
"""What Mesos would answer anybody, and is refused altogether."""

MORE = (
    *("/state", "/state.json", "/slaves", "/tasks", "/flags", "/containers", "/metrics/snapshot"),
    *("/files/browse", "/files/browse.json", "/files/debug.json", "/files/download.json"),
    *("/files/read.json", "/api/v1", "/master/state.json", "/slave(1)/state.json"),
    *("/logging/toggle", "/profiler/start", "/monitor/statistics.json"),
    *("/files%2fread", "/%66iles/debug", "//files//debug", "/files/debug/", "/slave%281%29/state"),
    *("/teardown", "/quota", "/maintenance/schedule", "/machine/down", "/create-volumes"),
)
"""Other spellings, and older names."""

TEARDOWN = {"frameworkId": "bogus"}
OTHER_SITES = (
    {"Host": "evil.example:5050"},
    {"Host": "localhost.evil.example"},
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:8080"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"},
    {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
)


class Server(NamedTuple):
    """A master, or an agent."""

    address: str

    def request(self, path: str, method: str = "GET", **options: object) -> requests.Response:
        """Return the answer to a request for exactly that path."""
        with requests.Session() as session:
            request = requests.Request(method, f"http://{self.address}/", **options)
            prepared = session.prepare_request(request)
            prepared.url = f"http://{self.address}{path}"
            return session.send(prepared, timeout=60, allow_redirects=False)

    def endpoints(self) -> list[str]:
        """Return the path of every endpoint that it lists."""
        listed = self.request("/help?format=json").json()["processes"]
        return [
            f"/{one['id']}{'' if e['name'] == '/' else e['name']}"
            for one in listed
            for e in one["endpoints"]
        ]


@pytest.fixture
def servers(cluster: Cluster) -> Sequence[Server]:
    return [Server(address) for address in (cluster.master, *cluster.agents)]


def test_each_endpoint_requires_authentication(servers: Sequence[Server]) -> None:
    wrong = {}
    requested = set()
    for server in servers:
        endpoints = server.endpoints()
        assert len(endpoints) > 15
        for path in {*endpoints, *MORE} - OPEN.keys() - NOWHERE:
            requested.add(path)
            for answer in _request_as_anybody(server, path):
                # A missing path shows nothing; 400 means an invalid path.
                if answer.status_code not in {401, 404, 400}:
                    wrong[server.address, path] = (answer.status_code, answer.text[:80])
    assert wrong == {}
    assert {"/files/read", "/master/teardown", "/slave(1)/api/v1/executor"} < requested


def test_the_endpoints_in_use_answer_who_authenticates(
    servers: Sequence[Server], cluster: Cluster
) -> None:
    for server in servers:
        for path in ("/state", "/files/debug", "/flags", "/metrics/snapshot?timeout=2secs"):
            assert server.request(path).status_code == 401
            assert server.request(path, auth=("operator", "wrong")).status_code == 401
            assert server.request(path, auth=cluster.mesos_auth).status_code == 200


def test_no_open_endpoint_shows_frameworks_or_tasks(servers: Sequence[Server], api: Api) -> None:
    agents = api.call("GET", "/v1/agents").json()["agents"]
    ids = [agent["id"] for agent in agents]
    assert ids
    for server in servers:
        for path in OPEN:
            text = server.request(f"{path}?jsonp=callback").text
            assert not any(one in text for one in (*ids, "prevs", "framework")), path


def test_no_server_lists_its_processes(servers: Sequence[Server], cluster: Cluster) -> None:
    for server in servers:
        for path in ("/__processes__", "/__processes__/", "/%5f_processes__", "//__processes__"):
            assert server.request(path, auth=cluster.mesos_auth).status_code == 400


def test_an_agents_credentials_give_no_right_at_the_master_or_another_agent(
    cluster: Cluster,
) -> None:
    """Every agent has the credentials of agents at the master, and of readers of logs."""
    agent, reader = (
        (name, Access(cluster.dir / "mesos").secret_file(name).read_text().strip())
        for name in (AGENT, READER)
    )
    master = Server(cluster.master)
    info = {"user": "root", "name": "x", "roles": ["x"], "capabilities": [{"type": "MULTI_ROLE"}]}
    subscribe = {"type": "SUBSCRIBE", "subscribe": {"framework_info": info}}
    refusal = master.request("/api/v1/scheduler", "POST", json=subscribe, auth=agent)
    assert "Not authorized" in refusal.text
    before = _frameworks(cluster)
    refusal = master.request("/teardown", "POST", data={"frameworkId": before[0]}, auth=agent)
    assert refusal.status_code == 403
    assert _frameworks(cluster) == before
    launch = {
        "type": "LAUNCH_CONTAINER",
        "launch_container": {"container_id": {"value": "x"}, "command": {"value": "true"}},
    }
    for address in cluster.agents:
        server = Server(address)
        assert server.request("/state", auth=reader).status_code == 200
        assert server.request("/api/v1", "POST", json=launch, auth=reader).status_code == 403
        assert server.request("/state", auth=agent).status_code == 401
    assert master.request("/state", auth=reader).status_code == 401


def test_no_agent_lets_anybody_add_to_its_resources(
    servers: Sequence[Server], cluster: Cluster
) -> None:
    subscribe = {
        "type": "SUBSCRIBE",
        "subscribe": {"resource_provider_info": {"type": "org.example.rp", "name": "mine"}},
    }
    spellings = ("resource_provider", "%72esource_provider", "resource_provider/")
    for server in servers[1:]:
        for start in ("/slave(1)/api/v1", "/slave%281%29/api/v1", "/api/v1"):
            for end in spellings:
                answer = server.request(f"{start}/{end}", "POST", json=subscribe)
                assert answer.status_code == 400, (start, end)


@pytest.mark.parametrize("headers", OTHER_SITES, ids=lambda headers: "-".join(headers.values()))
def test_a_request_from_another_site_is_refused_even_where_the_browser_signs_in(
    servers: Sequence[Server], cluster: Cluster, headers: dict[str, str]
) -> None:
    for server in servers:
        for path in ("/state?jsonp=callback", "/files/debug", "/health", "/help"):
            answer = server.request(path, auth=cluster.mesos_auth, headers=headers)
            assert answer.status_code == 400, path
    answer = servers[0].request(
        "/master/teardown", "POST", data=TEARDOWN, auth=cluster.mesos_auth, headers=headers
    )
    assert answer.status_code == 400
    assert "No framework" not in answer.text, "the handler has not been reached"


def test_a_person_who_follows_a_link_to_mesos_gets_there(cluster: Cluster) -> None:
    follows = {
        "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Dest": "document",
    }
    for host in (cluster.master, cluster.master.replace("127.0.0.1", "localhost"), "10.0.0.1"):
        answer = Server(cluster.master).request(
            "/state", auth=cluster.mesos_auth, headers={**follows, "Host": host}
        )
        assert answer.status_code == 200


def test_no_page_can_call_the_apis_of_mesos_programs(
    servers: Sequence[Server], cluster: Cluster
) -> None:
    """Programs of Mesos believe each other by a header, which a page may set for its own host."""
    master = Server(cluster.master)
    for server in servers:
        place = "master" if server == master else "slave(1)"
        for header in (
            {"Libprocess-From": f"master@{cluster.master}"},
            {"User-Agent": f"libprocess/master@{cluster.master}"},
        ):
            for host in ({}, {"Host": "evil.example"}):
                path = f"/{quote(place)}/mesos.internal.RunTaskMessage"
                answer = server.request(path, "POST", data=b"x", headers={**header, **host})
                assert answer.status_code == 400


def test_a_page_in_a_browser_reads_nothing_and_ends_nothing(
    browser: Chromium, cluster: Cluster, api: Api, tmp_path: Path
) -> None:
    before = _frameworks(cluster)
    (tmp_path / "index.html").write_text(
        f"""<!doctype html><script>
        window.told = []; window.over = 0; function callback(what) {{ told.push(what) }}
        function done() {{ over += 1 }}
        </script>
        <script src="http://{cluster.master}/state?jsonp=callback" onload="done()" onerror="done()">
        </script>
        <script>
        fetch("http://{cluster.master}/master/teardown", {{
          method: "POST", mode: "no-cors", credentials: "include",
          headers: {{"Content-Type": "application/x-www-form-urlencoded"}},
          body: "frameworkId={before[0]}"}}).finally(done)
        </script>"""
    )
    with serving_folder(tmp_path) as port, browser.new_page() as page:
        page.goto(f"http://localhost:{port}/")
        page.wait_for_function("over == 2")
        assert page.evaluate("told") == []
    assert _frameworks(cluster) == before
    assert api.call("GET", "/readyz").status_code == 200


def test_nobody_else_writes_to_zookeeper_or_reads_our_znodes(cluster: Cluster) -> None:
    client = KazooClient(cluster.zookeeper)
    client.start()
    try:
        [master] = client.get_children("/mesos")  # where the master is all may know
        assert cluster.master.encode() in client.get(f"/mesos/{master}")[0]
        ours = Paths("/prevs")
        for path in (ours.root, ours.apps, ours.leader, ours.placements, ours.proxies):
            with pytest.raises(NoAuthError):
                client.get_children(path)
        with pytest.raises(NoAuthError):
            client.create("/mesos/json.info_", b"{}", sequence=True)
        for path in ("/mine", "/prevs/mine"):
            with pytest.raises(NoAuthError):
                client.create(path, b"")
        with pytest.raises(NoAuthError):
            client.set(f"/mesos/{master}", b"{}")
        with pytest.raises(NoAuthError):
            client.delete(f"/mesos/{master}")
    finally:
        client.stop()
        client.close()


def test_its_secrets_are_for_its_user_alone_and_no_process_shows_one(cluster: Cluster) -> None:
    files = [cluster.dir / "zookeeper-auth", *(cluster.dir / "mesos").iterdir()]
    assert len(files) > 5
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert (cluster.dir / "mesos").stat().st_mode & 0o777 == 0o700
    secrets = {file.read_bytes().strip() for file in files if file.suffix != ".json"}
    logs = [log.read_bytes() for log in (cluster.dir / "log").glob("*.log")]
    assert logs
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            logs += [(process / "cmdline").read_bytes(), (process / "environ").read_bytes()]
    assert not any(secret in text for secret in secrets for text in logs)


def _request_as_anybody(server: Server, path: str) -> Iterator[requests.Response]:
    yield server.request(path)
    yield server.request(f"{path}?jsonp=callback&path=/&offset=0&length=100")
    yield server.request(path, "POST", data=TEARDOWN)
    yield server.request(path, "POST", json={"type": "GET_STATE"})
    yield server.request(path, "POST", data="{}", headers={"Content-Type": "text/plain"})


def _frameworks(cluster: Cluster) -> list[str]:
    state = Server(cluster.master).request("/state", auth=cluster.mesos_auth).json()
    found = [str(one["id"]) for one in state["frameworks"] if one["active"]]
    assert found
    return found
