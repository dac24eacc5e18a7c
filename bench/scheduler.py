"""`make bench-scheduler`: 400 waiting previews, on a real Mesos with 40 agents.

The framework runs in its own process, and finds the previews in a real ZooKeeper when it starts.
Their executor is a stand-in that reports at once that its task runs. So the bench measures how the
framework decides, stores, launches and receives updates. It reads all times from the framework's
log, so that no requests disturb it; they begin with the subscription. The commits are in a real
repository, which the framework mirrors for each app to read their settings. bench/decision.py
measures the decision alone, without Mesos.
"""

import datetime
import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench import decision
from bench.harness import command_line
from bench.harness.command_line import Bench, Found, Parameters
from bench.harness.errors import BenchError
from bench.harness.progress import print_progress
from bench.systems import large_cluster
from bench.systems.large_cluster import ClusterSize
from bench.systems.repository import Repository
from local.parts.part import ProcessPart, bring_up

SIZE = ClusterSize(agents=40, apps=40, units=10)
_FEW = ClusterSize(agents=4, apps=4, units=5)
_LIMIT_SECONDS = 300.0
_LOOK_SECONDS, _PROGRESS_SECONDS = 1.0, 10.0
LINE = re.compile(
    r"timestamp=(\S+) level=info event=(?:(subscribed)|\"preview changed\" .*now=(\w+))"
)

_SHOWN = ("placed", "running")
_PROBLEM = re.compile(
    r"^.*(?:level=(?:error|critical)|event=\"(?:the settings of a commit cannot be used"
    r"|an attempt ended by itself\"|preview changed\" .*now=failed)).*$",
    re.MULTILINE,
)


def read_times(log: str, line: re.Pattern[str] = LINE) -> dict[str, list[float]]:
    """Return when (epoch seconds) each of `subscribed` and the previews' new states was logged.

    `line` finds a time and one of the two.
    """
    times: dict[str, list[float]] = {}
    for stamp, subscribed, state in line.findall(log):
        at = datetime.datetime.fromisoformat(stamp).timestamp()
        times.setdefault(subscribed or state, []).append(at)
    return times


def judge(times: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Return the results, once all previews run."""
    begun = times["subscribed"][0]
    placed, ran = times["placed"], times["running"]
    return {
        "launches_per_s": round(len(placed) / (max(placed) - begun), 1),
        "all_running_s": round(max(ran) - begun, 2),
    }


def find_problem(log: str) -> str | None:
    """Return the first line about a preview that cannot start, if there is one."""
    found = _PROBLEM.search(log)
    return found[0] if found else None


def measure(size: ClusterSize, folder: Path) -> dict[str, float]:
    """Run it once."""
    count = size.apps * size.units
    print_progress(f"Starting a master and {size.agents} agents ...")
    with large_cluster.running(size, folder) as found:
        large_cluster.queue_previews(found.zookeeper, size, Repository(folder / "repository"))
        framework = large_cluster.framework(found, folder, os.environ)
        print_progress(f"Starting the framework: {count} previews wait ...")
        try:
            bring_up(framework)
            times = _wait_running(framework, count)
            cpu, memory = read_cost(framework)
        finally:
            framework.stop()
        result = judge(times)
        print(f"{count} previews on {size.agents} agents: {result}")
        print(f"CPU of the framework: {cpu:.1f} s since its start; memory: {memory} MB")
        print_progress("Ending the agents and their executors ...")
        return {**result, "framework_cpu_s": round(cpu, 1), "framework_rss_mb": memory}


def _wait_running(framework: ProcessPart, count: int) -> dict[str, list[float]]:
    """Wait until all previews run, printing progress. Raises BenchError as soon as one fails."""
    begun = printed = time.monotonic()
    while True:
        log = framework.log.read_text()
        times = read_times(log)
        states = ", ".join(f"{len(at)} {state}" for state, at in times.items() if state in _SHOWN)
        if problem := framework.problem() or find_problem(log):
            raise BenchError(f"{problem}\n{framework.last_words()}")
        if len(times.get("running", ())) >= count:
            return times
        now = time.monotonic()
        if now > begun + _LIMIT_SECONDS:
            raise BenchError(
                f"Of {count} previews not all run after {_LIMIT_SECONDS:.0f} s: {states}\n"
                f"{framework.last_words()}"
            )
        if now > printed + _PROGRESS_SECONDS:
            print_progress(f"After {now - begun:.0f} s: {states or 'none placed'} of {count} ...")
            printed = now
        time.sleep(_LOOK_SECONDS)


def read_cost(framework: ProcessPart) -> tuple[float, float]:
    """Return the CPU seconds of the framework so far, and its memory in MB."""
    process = Path(f"/proc/{framework.pid}")
    fields = (process / "stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])  # utime and stime, as proc(5) counts them
    rss = re.search(r"VmRSS:\s+(\d+) kB", (process / "status").read_text())
    return ticks / os.sysconf("SC_CLK_TCK"), round(int(rss[1]) / 1024, 1) if rss else 0.0


def run(parameters: Parameters) -> Found:
    """Measure the whole, then the decision alone."""
    result = measure(_FEW if parameters.quick else SIZE, parameters.folder)
    print_progress("Measuring the decision alone ...")
    return {**result, **decision.run(parameters)}


if __name__ == "__main__":
    sys.exit(command_line.run(Bench("bench.scheduler", __doc__, run)))
