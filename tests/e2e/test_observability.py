"""What an operator sees of the whole system: an attempt in the logs, and metrics."""

import functools
import json
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests
from docker import DockerClient

from docs.generated import metrics
from tests.e2e.conftest import Api, Cluster, Hello
from tests.fakes.samples import find_live
from tests.waits import describe_end, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

FOLDER = Path(__file__).parents[2] / "docs" / "monitoring"
JOBS = {"prevs-framework", "prevs-proxy", "prevs-haproxy"}
NAME = re.compile(r"\b(?:prevs|haproxy|process)_[a-z_]+\b")
SUFFIX = re.compile(r"_(?:bucket|sum|count)$")


def lines(path: Path, word: str) -> list[str]:
    return [line for line in path.read_text().splitlines() if word in line]


def test_a_task_id_finds_the_log_lines_of_an_attempt_and_a_request_id_leads_to_it(
    hello: Hello,
    api: Api,
    cluster: Cluster,
    docker_host: str,
    visit: Callable[..., requests.Response],
) -> None:
    sha = hello.commit("main~1")
    api.call("DELETE", f"/v1/previews/hello/{sha}")  # by another test, maybe
    wait_until(lambda: api.preview("hello", sha).get("state") not in ("running", "draining"))
    host = f"{sha[:20]}.hello.{cluster.domain}"
    assert visit(sha[:20]).status_code == 200
    task = str(api.preview("hello", sha)["task_id"])
    names = f"app=hello commit={sha[:12]} task={task}"
    framework, proxy = (cluster.dir / "log" / f"{name}.log" for name in ("framework", "proxy"))

    events = lines(framework, names)
    assert any("before=queued now=placed" in line for line in events)
    assert any("now=running" in line for line in events)
    routed, let_in = (
        next(line for line in lines(proxy, names) if event in line)
        for event in ("an attempt is routed", "held requests are let in")
    )
    assert "request=" not in routed
    (stderr,) = (
        path
        for path in find_live(cluster.dir, f"**/executors/{task}/runs/*/stderr")
        if not path.parent.is_symlink()
    )
    assert any("the attempt begins" in line for line in lines(stderr, names))
    with closing(DockerClient(base_url=docker_host)) as docker:
        (container,) = docker.containers.list(filters={"label": f"prevs.task={task}"})
        assert container.labels["prevs.commit"] == sha

    request = re.search(r" request=(\S+)", let_in)
    assert request is not None
    assert f"host={host}" in let_in
    requested = [
        line for line in lines(framework, f"request={request[1]} ") if "is requested" in line
    ]
    assert requested
    assert all(f"app=hello commit={sha[:12]}" in line for line in requested)


class Prometheus:
    """A Prometheus that reads the session's cluster by the files of docs/monitoring."""

    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"

    def query(self, path: str, **parameters: str) -> Any:
        answer = requests.get(f"{self.address}/api/v1/{path}", params=parameters, timeout=60)
        assert answer.status_code == 200, (parameters, answer.text)
        return answer.json()["data"]

    def is_ready(self) -> bool:
        try:
            return requests.get(f"{self.address}/-/ready", timeout=5).status_code == 200
        except requests.RequestException:
            return False

    def jobs(self) -> set[str]:
        """Return the jobs that were read."""
        found = self.query("query", query="up == 1")["result"]
        return {sample["metric"]["job"] for sample in found}


@pytest.fixture
def prometheus(
    cluster: Cluster, free_port: Callable[[], int], tmp_path: Path
) -> Iterator[Prometheus]:
    port, proxy = free_port(), f'"127.0.0.2:{cluster.port}"'
    text = (FOLDER / "prometheus.yml").read_text()
    text = re.sub(r"\[.*:8090\"\]", f'["{cluster.api.removeprefix("http://")}"]', text)
    text = re.sub(r"\[.*:9101\"\]", f"[{proxy}]", text).replace(": 15s", ": 1s")
    text = text.replace("/etc/prometheus/prevs-token", str(cluster.dir / "metrics-token"))
    (tmp_path / "prometheus.yml").write_text(text)
    (tmp_path / "alerts.yml").write_text((FOLDER / "alerts.yml").read_text())
    command = [
        "prometheus",
        f"--config.file={tmp_path / 'prometheus.yml'}",
        f"--storage.tsdb.path={tmp_path / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (tmp_path / "log").open("wb") as log, subprocess.Popen(command, stderr=log) as process:
        started = Prometheus(port)
        try:
            over = functools.partial(describe_end, process, tmp_path / "log")
            wait_until(started.is_ready, "Prometheus is ready", over=over)
            wait_until(lambda: started.jobs() == JOBS)
            yield started
        finally:
            process.terminate()


def expressions() -> Sequence[str]:
    """Return the queries of the dashboard's panels, as Grafana sends them."""
    dashboard = json.loads((FOLDER / "dashboard.json").read_text())
    queries = [
        target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())
    ]
    return [expr.replace("$__rate_interval", "1m").replace("$__range", "1h") for expr in queries]


def test_prometheus_finds_every_metric_of_the_dashboard_and_the_alerts_in_a_running_system(
    prometheus: Prometheus, hello: Hello, visit: Callable[..., requests.Response]
) -> None:
    assert visit("main").status_code == 200
    wait_until(
        lambda: [group["evaluationTime"] for group in prometheus.query("rules")["groups"]] > [0.0]
    )
    (group,) = prometheus.query("rules")["groups"]
    rules = group["rules"]
    assert [rule["name"] for rule in rules if rule["health"] != "ok"] == []
    queries = [*expressions(), *(rule["query"] for rule in rules)]
    assert len(queries) > 50
    for expr in queries:
        prometheus.query("query", query=expr)
    known = set(prometheus.query("metadata", limit="10000"))
    named = {SUFFIX.sub("", name) for expr in queries for name in NAME.findall(expr)}
    assert sorted(named - known) == []
    # The page of all metrics is made of the same registries.
    listed = metrics.names()
    assert sorted(listed - known) == []
    ours = {name for name in known if name.startswith("prevs_") and not name.endswith("_created")}
    assert sorted(ours - listed) == []
    running = 'sum(prevs_previews{state="running"}) >= 1 and sum(prevs_leads) == 1'
    wait_until(lambda: prometheus.query("query", query=running)["result"])
