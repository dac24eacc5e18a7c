"""Previews that take all they can get, each beside a neighbour that is visited all the while."""

import contextlib
import dataclasses
import itertools
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import requests
from docker.api import APIClient

from prevs import log_sources
from tests.e2e.conftest import Api, Cluster
from tests.fakes.samples import SERVE, SampleRepository, find_live, serving
from tests.waits import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.night, pytest.mark.timeout(300)]

APP = "neighbours"
BEGIN = b"""\
#!/bin/busybox sh
echo 'Content-Type: text/plain'
echo
echo begun
(sleep 1; touch /begin) >/dev/null 2>&1 &
"""
"""Lets the hog begin when its answer has gone out, which it might keep from that."""
WAIT = "until [ -e /begin ]; do sleep 0.1; done; "
SERVES = "httpd -p $PORT -h /www; "
PIDS = 512
MEM = 160
"""MB of each preview: so many processes of a shell take up to 80."""
MB = 1024 * 1024

HOGS = {
    "fork-bomb": f"({WAIT} bomb() {{ bomb | bomb & }}; bomb) & {SERVE}",
    "memory-hog": f"{SERVES}{WAIT} exec tail /dev/zero",
    "disk-hog": (
        f"{SERVES}{WAIT} i=0; while :; do dd if=/dev/zero of=/hog$i bs=1M count=32; "
        "i=$((i+1)); sleep 0.1; done"
    ),
    "log-flood": f"{SERVES}{WAIT} exec yes $(printf '%1000s' x | tr ' ' x)",
    "zombie-maker": (
        f"({WAIT} i=0; while [ $i -lt 2000 ]; do sh -c 'sleep 0 & exec sleep 1000' & "
        f"i=$((i+1)); done) & {SERVE}"
    ),
    "cpu-burner": f"for i in 1 2 3 4; do ({WAIT} while :; do :; done) & done; {SERVE}",
}


@dataclasses.dataclass
class Visitor:
    """Visits a preview again and again; keeps how long each answer took, in ms, and what failed."""

    request: Callable[[], requests.Response]
    took: list[float] = dataclasses.field(default_factory=list)
    failed: list[str] = dataclasses.field(default_factory=list)

    def visit(self) -> None:
        """Send one request."""
        began = time.perf_counter()
        try:
            answer = self.request()
        except requests.RequestException as exc:
            self.failed.append(repr(exc))
            return
        if answer.status_code != 200 or "steady" not in answer.text:
            self.failed.append(f"{answer.status_code} {answer.text[:200]}")
        self.took.append((time.perf_counter() - began) * 1000)

    @contextlib.contextmanager
    def visiting(self) -> Iterator[None]:
        """Send twenty requests a second within the context."""
        over = threading.Event()

        def go_on() -> None:
            while not over.wait(0.05):
                self.visit()

        thread = threading.Thread(target=go_on)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def report(self, name: str) -> None:
        """Print the measurements, and start again."""
        took = sorted(self.took)
        print(
            f"{name:24} {len(took):4} visits, ms: median {statistics.median(took):6.1f}"
            f"  95% {took[int(len(took) * 0.95)]:6.1f}  worst {took[-1]:7.1f}"
        )
        self.took = []


@pytest.fixture(scope="module")
def commits(api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """The commit of each preview, all of which run: the hogs, and the steady one."""
    made = SampleRepository(tmp_path_factory.mktemp(APP) / "repository")
    found = {"steady": made.commit_app(serving("steady"))}
    for name, command in HOGS.items():
        made.git("checkout", "--quiet", "-b", name)
        lines = ["COPY begin /www/cgi-bin/begin", "RUN echo up > /www/index.html"]
        script = f"#!/bin/busybox sh\n{command}\n".encode()
        lines += ["COPY run /run.sh", 'CMD ["/bin/sh", "/run.sh"]']
        found[name] = made.commit_app(lines, {"begin": BEGIN, "run": script})
    app = {"name": APP, "repository": str(made.folder), "mem": MEM, "max_previews": 20}
    api.add(app)
    for sha in found.values():
        assert api.call("POST", "/v1/previews", json={"app": APP, "label": sha}).status_code == 202
    for sha in found.values():
        api.wait_for(APP, sha, "running")
    yield found
    api.call("DELETE", f"/v1/apps/{APP}")


@pytest.fixture(scope="module")
def steady(commits: Mapping[str, str], visit: Callable[..., requests.Response]) -> Visitor:
    """The visitor of the neighbour, which is not disturbed yet."""
    visitor = Visitor(lambda: visit(commits["steady"], app=APP))
    for _ in range(60):
        visitor.visit()
    print()
    visitor.report("before all")
    return visitor


@pytest.fixture
def docker(docker_host: str) -> Iterator[APIClient]:
    with contextlib.closing(APIClient(base_url=docker_host, version="auto")) as client:
        yield client


@pytest.fixture
def let_loose(
    request: pytest.FixtureRequest,
    api: Api,
    cluster: Cluster,
    commits: Mapping[str, str],
    steady: Visitor,
    visit: Callable[..., requests.Response],
) -> Iterator[Mapping[str, Any]]:
    """Start a hog while the neighbour is visited; yield its preview at that time.

    At the end every other preview has at most been slower.
    """
    name = request.param
    sha = commits[name]
    neighbour = api.preview(APP, commits["steady"])["task_id"]
    hog = api.wait_for(APP, sha, "running")
    with steady.visiting():
        assert "begun" in visit(sha, "/cgi-bin/begin", app=APP).text
        yield hog
        for _ in range(20):
            steady.visit()
    steady.report(f"beside the {name}")
    api.call("DELETE", f"/v1/previews/{APP}/{sha}")
    api.wait_for(APP, sha, "stopped", "failed")
    with steady.visiting():
        time.sleep(1)
    steady.report("after it")
    assert steady.failed == []
    assert api.preview(APP, commits["steady"])["task_id"] == neighbour
    for agent in cluster.agents:
        assert requests.get(f"http://{agent}/health", timeout=30).status_code == 200
    assert requests.get(f"{api.base}/readyz", timeout=30).status_code == 200


def beside(name: str) -> pytest.MarkDecorator:
    """Start a hog for a test."""
    return pytest.mark.parametrize("let_loose", [name], indirect=True)


def pids(docker: APIClient, hog: Mapping[str, Any]) -> int:
    """Return how many processes and threads a preview's container has."""
    [found] = docker.containers(filters={"label": f"prevs.task={hog['task_id']}"})
    stats = docker.stats(found["Id"], stream=False, one_shot=True)
    return int(stats["pids_stats"].get("current", 0))


def still_runs(api: Api, hog: Mapping[str, Any]) -> bool:
    """Return whether the same attempt still runs, and so its executor."""
    now = api.preview(APP, hog["sha"])
    return bool(now["state"] == "running" and now["task_id"] == hog["task_id"])


@beside("fork-bomb")
def test_a_fork_bomb_ends_at_the_limit_of_processes(
    let_loose: Mapping[str, Any], docker: APIClient
) -> None:
    wait_until(lambda: pids(docker, let_loose) > PIDS * 0.8)
    for _ in range(10):
        assert pids(docker, let_loose) <= PIDS


@beside("memory-hog")
def test_a_memory_hog_ends_at_its_limit(let_loose: Mapping[str, Any], api: Api) -> None:
    events = f"/v1/events?app={APP}"
    wait_until(lambda: f"more than its {MEM} MB of memory" in api.call("GET", events).text)
    assert not still_runs(api, let_loose)


@beside("disk-hog")
def test_a_disk_hog_ends_at_its_limit(let_loose: Mapping[str, Any], api: Api) -> None:
    failed = api.wait_for(APP, let_loose["sha"], "failed")["failure"]
    assert failed["cause"] == "disk-full"
    assert "more than 1024 MB" in failed["message"]


@beside("log-flood")
def test_a_log_without_end_fills_no_disk(
    let_loose: Mapping[str, Any], api: Api, cluster: Cluster
) -> None:
    task_id = let_loose["task_id"]
    sandbox, *_ = find_live(cluster.dir, f"**/executors/{task_id}/runs/latest/stdout")
    sources = sandbox.with_name(log_sources.FILE)
    # Twice the kept size, so that something is dropped.
    wait_until(lambda: sandbox.stat().st_size > 32 * MB, seconds=240)
    for _ in range(10):
        assert sandbox.stat().st_blocks * 512 <= 13 * MB
        assert sources.stat().st_blocks * 512 <= 4 * MB
    assert still_runs(api, let_loose)
    answer = api.call("GET", f"/v1/previews/{APP}/{let_loose['sha']}/log").text
    assert answer.startswith("== ")


@beside("zombie-maker")
def test_zombies_count_as_processes(
    let_loose: Mapping[str, Any], docker: APIClient, api: Api
) -> None:
    wait_until(lambda: pids(docker, let_loose) > PIDS * 0.8)
    assert pids(docker, let_loose) <= PIDS
    assert still_runs(api, let_loose)


@beside("cpu-burner")
def test_a_preview_that_burns_cpu_leaves_the_others_their_share(
    let_loose: Mapping[str, Any], docker: APIClient, api: Api
) -> None:
    [found] = docker.containers(filters={"label": f"prevs.task={let_loose['task_id']}"})
    used = (
        docker.stats(found["Id"], stream=False, one_shot=True)["cpu_stats"]["cpu_usage"]
        for _ in itertools.count()
    )
    wait_until(lambda: next(used)["total_usage"] > 3e9)
    assert still_runs(api, let_loose)
