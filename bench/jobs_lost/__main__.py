"""`make bench-jobs-lost`: which jobs are lost, stuck or run twice while parts are killed at random.

Jobs of a second are sent, four of which run at a time, on two machines. Meanwhile one kind of part
is killed again and again: what runs a job, its parent, what keeps the queue, or a whole machine.
What became of each job is counted from the runs of its command: docker tells those of ours; the
tasks of Celery and RQ write them to a file. So no queue is asked whether a job has run, only
whether it still goes on with it. Each rival is there as it comes, and set to lose less. `--quick`
has few jobs, of ours alone; `--write` writes docs/jobs.md. Run it as root.
"""

import argparse
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.harness import command_line, page
from bench.harness.command_line import Bench, Found, Parameters
from bench.harness.progress import print_progress
from bench.jobs_lost import case, own_queue, report
from bench.jobs_lost.case import KEEPER, KINDS, WORKER, Outcome
from bench.jobs_lost.report import OURS
from bench.jobs_lost.rivals import RIVALS, Rival, RivalQueue

_RIVALS = Path(".cache/bench-jobs")
_JOBS = 500


class Scale(NamedTuple):
    """How many jobs there are in each case, which kinds of kills, and which rivals."""

    jobs: int
    kinds: Sequence[str]
    rivals: Sequence[Rival]


_QUICK = Scale(20, (WORKER, KEEPER), ())


def run(parameters: Parameters) -> Found:
    """Try everything."""
    chosen = parameters.options
    scale = _QUICK if parameters.quick else Scale(chosen.jobs, KINDS, RIVALS)
    print_progress(f"The seed of chance is {chosen.seed}.")
    chance = random.Random(chosen.seed)
    found: dict[tuple[str, str], Outcome] = {}
    for kind, name, outcome in _cases(scale, chosen.rivals, parameters.folder, chance):
        print_progress(f"{name}, {kind}: {outcome}")
        found[kind, name] = outcome
    matrix = {key: found[key] for key in sorted(found, key=lambda key: scale.kinds.index(key[0]))}
    versions = _versions(chosen.rivals) if scale.rivals else {}
    lines = [report.machine(parameters.load, versions), "", *report.lines(matrix)]
    print(*lines, sep="\n")
    if chosen.write:
        page.write("jobs.md", "losses", lines)
    return report.figures(matrix)


def _cases(
    scale: Scale, installed: Path, folder: Path, chance: random.Random
) -> Iterator[tuple[str, str, Outcome]]:
    with own_queue.running(folder) as ours:
        for kind in scale.kinds:
            yield kind, OURS, case.run(ours, kind, scale.jobs, chance)
    for rival in scale.rivals:
        for kind in scale.kinds:
            queue = RivalQueue(rival, installed, Path(tempfile.mkdtemp(dir=folder)))
            with queue.running():
                yield kind, rival.name, case.run(queue, kind, scale.jobs, chance)


def _versions(installed: Path) -> Mapping[str, str]:
    """Return the versions of what is compared, and of Redis."""
    code = "import importlib.metadata as m; print(m.version('celery'), m.version('rq'))"
    python = str(installed / "bin" / "python")
    celery, rq = _output(python, "-c", code).split()
    redis = _output("redis-server", "--version").split("v=")[1].split()[0]
    return {"Celery": celery, "RQ": rq, "Redis": redis}


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= own_queue.MOST:
        raise argparse.ArgumentTypeError(f"1 to {own_queue.MOST}")
    return number


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--jobs", type=_count, default=_JOBS, help="the jobs of each case")
    parser.add_argument("--seed", type=int, default=1, help="decides what is killed, and when")
    what = "the virtual environment of Celery and RQ"
    command_line.add_rivals(parser, _RIVALS, what, "docs/jobs.md")


if __name__ == "__main__":
    sys.exit(command_line.run(Bench("bench.jobs_lost", __doc__, run, _add_options)))
