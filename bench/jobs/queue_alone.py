"""What the framework takes for a job, without containers: stand-ins run and end at once.

Like bench/scheduler.py: a real Mesos and ZooKeeper, and the jobs wait when the framework starts.
Starting a stand-in takes the machine longer than placing it takes the framework. So the framework's
CPU time for a job is the figure, and the jobs that end in a second are beside it.
"""

import os
import re
import time
from pathlib import Path
from typing import NamedTuple

from bench.harness.errors import BenchError
from bench.harness.progress import print_progress
from bench.scheduler import read_cost, read_times
from bench.systems import large_cluster
from bench.systems.large_cluster import ClusterSize
from bench.systems.repository import Repository
from local.parts.part import ProcessPart, bring_up

SIZE = ClusterSize(agents=20, apps=25, units=40)
FEW = ClusterSize(agents=4, apps=4, units=5)
_LIMIT_SECONDS = 300.0
_LOOK_SECONDS = 0.5
_LINE = re.compile(
    r"timestamp=(\S+) level=info event=(?:(subscribed)"
    r"|\"a job has another state\" .*state=(succeeded|failed|cancelled))"
)


class Alone(NamedTuple):
    """Jobs that ended in a second, and the framework's CPU time for each in milliseconds."""

    jobs_per_s: float
    cpu_ms: float


def measure(size: ClusterSize, folder: Path) -> Alone:
    """Run it once."""
    count = size.apps * size.units
    print_progress(f"Starting a master and {size.agents} agents, for {count} jobs ...")
    with large_cluster.running(size, folder) as found:
        large_cluster.queue_jobs(found.zookeeper, size, Repository(folder / "repository"))
        framework = large_cluster.framework(found, folder, os.environ)
        try:
            bring_up(framework)
            before, _ = read_cost(framework)
            times = _wait_ended(framework, count)
            cpu = read_cost(framework)[0] - before
        finally:
            framework.stop()
    seconds = max(times["succeeded"]) - times["subscribed"][0]
    return Alone(round(count / seconds, 1), round(1000 * cpu / count, 2))


def _wait_ended(framework: ProcessPart, count: int) -> dict[str, list[float]]:
    """Wait until all jobs have ended. Raises BenchError as soon as one fails."""
    deadline = time.monotonic() + _LIMIT_SECONDS
    while True:
        times = read_times(framework.log.read_text(), _LINE)
        if problem := framework.problem():
            raise BenchError(f"{problem}\n{framework.last_words()}")
        if set(times) - {"subscribed", "succeeded"}:
            raise BenchError(f"a job has failed\n{framework.last_words()}")
        done = len(times.get("succeeded", ()))
        if done >= count:
            return times
        if time.monotonic() > deadline:
            raise BenchError(f"Of {count} jobs {done} ended\n{framework.last_words()}")
        time.sleep(_LOOK_SECONDS)
