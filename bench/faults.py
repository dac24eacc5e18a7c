"""`make bench-faults`: how long each fault lasts, the median of five runs of tests/faults.

The tests print a line for each (`recovery leader killed: 6.36 s`); a run takes twelve minutes. The
last line is JSON, seconds by fault.
"""

import json
import re
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

RUNS = 5
_LINE = re.compile(r"recovery (.+): (\d+\.\d+) s")


def read(output: str) -> dict[str, float]:
    """Return the seconds that one run has printed, by fault."""
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


def main() -> int:
    """Run the tests and return the exit status: 1 if a run failed, whose numbers don't count."""
    runs = []
    for number in range(1, RUNS + 1):
        print(f"Run {number} of {RUNS} ...", file=sys.stderr, flush=True)
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "tests/faults"],
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode == 0:
            runs.append(read(done.stdout))
            print(*table(runs[-1:]), sep="\n", file=sys.stderr, flush=True)
        else:
            print(done.stdout, file=sys.stderr)
    print(*table(runs), sep="\n")
    print(json.dumps(medians(runs)))
    return 0 if len(runs) == RUNS else 1


if __name__ == "__main__":
    sys.exit(main())
