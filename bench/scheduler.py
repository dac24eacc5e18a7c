"""`make bench-scheduler`: 400 previews that wait, on a real Mesos with 40 agents.

The framework is a process of its own and finds them queued when it starts, in a real ZooKeeper.
Their executor is a stand-in that says at once that its task runs: what is measured is deciding,
storing, launching and hearing. Everything is read from the framework's own log, so that nothing
is asked of it meanwhile; times begin with its subscription. The decision alone, without Mesos, is
measured by bench/decision.py.
"""

import datetime
import json
import logging
import os
import re
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import structlog

from bench import crowd, decision
from bench.crowd import Crowd
from bench.errors import BenchError
from local.errors import LocalError
from local.parts import ProcessPart, bring_up

CROWD = Crowd(agents=40, apps=40, previews=10)
_LIMIT_SECONDS = 600.0
_LINE = re.compile(
    r"timestamp=(\S+) level=info event=(?:(subscribed)|\"preview changed\" .*now=(\w+))"
)


def read_times(log: str) -> dict[str, list[float]]:
    """Return when (epoch seconds) each of `subscribed` and the previews' new states was logged."""
    times: dict[str, list[float]] = {}
    for stamp, subscribed, state in _LINE.findall(log):
        at = datetime.datetime.fromisoformat(stamp).timestamp()
        times.setdefault(subscribed or state, []).append(at)
    return times


def judge(times: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Return what the times come to, once all previews run."""
    begun = times["subscribed"][0]
    placed, ran = times["placed"], times["running"]
    return {
        "launches_per_s": round(len(placed) / (max(placed) - begun), 1),
        "all_running_s": round(max(ran) - begun, 2),
    }


def measure(asked: Crowd, folder: Path) -> dict[str, float]:
    """Run it once. Raises LocalError, BenchError."""
    count = asked.apps * asked.previews
    tell(f"Starting a master and {asked.agents} agents ...")
    with crowd.running(asked, folder) as found:
        crowd.queue_previews(found.zookeeper, asked)
        framework = crowd.framework(found, folder, os.environ)
        tell(f"Starting the framework: {count} previews wait ...")
        bring_up(framework)
        try:
            times = _wait_running(framework, count)
            cpu, memory = _cost(framework)
        finally:
            framework.stop()
        result = judge(times)
        print(f"{count} previews on {asked.agents} agents: {result}")
        print(f"CPU of the framework: {cpu:.1f} s since its start; memory: {memory} MB")
        tell("Ending the agents and their executors ...")
        return {**result, "framework_rss_mb": memory}


def _wait_running(framework: ProcessPart, count: int) -> dict[str, list[float]]:
    deadline = time.monotonic() + _LIMIT_SECONDS
    while True:
        times = read_times(framework.log.read_text())
        if len(times.get("running", ())) >= count:
            return times
        problem = framework.problem()
        if problem or time.monotonic() > deadline:
            states = {state: len(at) for state, at in times.items()}
            raise BenchError(
                f"{problem or 'Not all previews run'}: {states}\n{framework.last_words()}"
            )
        time.sleep(1.0)


def _cost(framework: ProcessPart) -> tuple[float, float]:
    """Return the CPU seconds of the framework so far, and its memory in MB."""
    process = Path(f"/proc/{framework.pid}")
    fields = (process / "stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])  # utime and stime, as proc(5) counts them
    rss = re.search(r"VmRSS:\s+(\d+) kB", (process / "status").read_text())
    return ticks / os.sysconf("SC_CLK_TCK"), round(int(rss[1]) / 1024, 1) if rss else 0.0


def tell(message: str) -> None:
    """Say what goes on; only the result goes to stdout."""
    print(message, file=sys.stderr, flush=True)


def main() -> int:
    """Run the bench and return the exit status."""
    with tempfile.TemporaryDirectory(prefix="prevs-bench-") as scratch:
        try:
            result = measure(CROWD, Path(scratch))
        except (LocalError, BenchError) as exc:
            tell(f"The bench ended early: {exc}")
            return 1
    tell("Measuring the decision alone ...")
    # It decides in this process, and what it has to tell is not for here.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    alone = decision.measure()
    for name in ("decision_ms_p50", "decision_ms_p99"):
        result[name] = round(alone[name], 2)
    order = ("launches_per_s", "all_running_s", "decision_ms_p50", "decision_ms_p99")
    print(json.dumps({name: result[name] for name in (*order, "framework_rss_mb")}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
