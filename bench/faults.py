"""`make bench-faults`: how long each fault lasts, the median of five runs of tests/faults.

The tests print a line for each (`recovery leader killed: 6.36 s`); a run takes twelve minutes. The
last line is JSON, seconds by fault.
"""

import re
import signal
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from bench.harness import cleanup, command_line
from bench.harness.command_line import Bench, Found, Parameters
from bench.harness.errors import BenchError
from bench.harness.progress import print_progress

RUNS = 5
_ROOT = Path(__file__).parent.parent
_ALL = "tests/faults"
_ONE = (
    "tests/faults/test_framework.py"
    "::test_when_the_leader_is_killed_another_one_leads_and_all_goes_on"
)
_LINE = re.compile(r"recovery (.+): (\d+\.\d+) s")


def read(output: str) -> dict[str, float]:
    """Return the seconds in the output of one run, by fault."""
    return {fault: float(seconds) for fault, seconds in _LINE.findall(output)}


def medians(runs: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Return each fault's median over the runs that have it."""
    found: defaultdict[str, list[float]] = defaultdict(list)
    for run in runs:
        for fault, seconds in run.items():
            found[fault].append(seconds)
    return {fault: round(statistics.median(all_), 2) for fault, all_ in found.items()}


def table(runs: Sequence[Mapping[str, float]]) -> list[str]:
    """Return a line for each fault: its median, and what each run took."""
    return [
        f"{middle:8.2f} s  {fault}  ({', '.join(str(run.get(fault, '-')) for run in runs)})"
        for fault, middle in medians(runs).items()
    ]


def run(parameters: Parameters) -> Found:
    """Measure all faults five times; one fault once if quick."""
    runs: list[dict[str, float]] = []
    tests, count = (_ONE, 1) if parameters.quick else (_ALL, RUNS)
    for number in range(1, count + 1):
        print_progress(f"Run {number} of {count} ...")
        # On SIGINT pytest ends what its tests have started; on SIGTERM it does not.
        command = [sys.executable, "-m", "pytest", "-q", "-x", tests]
        status, output = cleanup.run(command, cwd=_ROOT, how=signal.SIGINT)
        if status:
            raise BenchError(f"A test failed, so its fault has no duration:\n{output}")
        runs.append(read(output))
        print_progress("\n".join(table(runs[-1:])))
    print(*table(runs), sep="\n")
    return medians(runs)


if __name__ == "__main__":
    sys.exit(command_line.run(Bench("bench.faults", __doc__, run)))
