"""Let random faults happen to a whole cluster that is in use, and check what its clients have seen.

    python -m tests.chaos [--seconds 3600] [--seed NUMBER] [--history FILE] [--within 120]
        [--only KIND ...]
    python -m tests.chaos --check FILE

The first runs in a network and a mount namespace of its own, as root; the same seed makes the same
plan. The second checks a history again. Exit status 1 means findings: see docs/reliability.md.
"""

import argparse
import logging
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

from tests.chaos import history
from tests.chaos.checker import check
from tests.chaos.history import Recorder
from tests.chaos.plan import KINDS, draw

_APART = "PREVS_CHAOS_APART"
_ROOT = Path(__file__).parents[2]


def main(arguments: Sequence[str]) -> int:
    """Do what the arguments say, and return the exit status."""
    given = _parser().parse_args(arguments)
    if given.check is not None:
        return _judge(given.check)
    if os.geteuid() != 0:
        print("It makes networks and a dockerd of its own: run this as root.", file=sys.stderr)
        return 2
    if _APART not in os.environ:
        seed = random.randrange(2**32) if given.seed is None else given.seed
        return _run_apart([*arguments, f"--seed={seed}"])
    signal.signal(signal.SIGTERM, _interrupt)
    return _run(given)


def _run_apart(arguments: Sequence[str]) -> int:
    """Run this program in namespaces of its own."""
    command = ["unshare", "--net", "--mount", sys.executable, "-m", "tests.chaos", *arguments]
    begun = subprocess.Popen(command, cwd=_ROOT, env={**os.environ, _APART: "yes"})
    try:
        return begun.wait()
    except KeyboardInterrupt:  # it has got the signal, too, and cleans up
        return begun.wait()


def _run(given: argparse.Namespace) -> int:
    # Late: what only checks a history needs none of it.
    from tests.chaos.run import Run
    from tests.chaos.world import World

    logging.getLogger("kazoo").setLevel(logging.CRITICAL)  # ZooKeeper is away now and then
    folder = Path(tempfile.mkdtemp(prefix="prevs-x-"))  # short: sockets are made below it
    file: Path = given.history or folder / "history.jsonl"
    kinds = [kind for kind in KINDS if kind.name in given.only] if given.only else KINDS
    plan = draw(given.seed, given.seconds, kinds)
    say = _speaker()
    say(f"seed {given.seed}, {given.seconds:.0f} s, {len(plan)} faults; history: {file}")
    recorder, world = Recorder(file), World(folder)
    try:
        world.make()
        say("All parts are up.")
        Run(world, recorder, say, given.within).go(plan, given.seconds)
        ended = None
    except KeyboardInterrupt:
        say("Ended before its time.")
        ended = 130
    finally:
        recorder.close()
        world.end()
        _keep_logs(folder, given.logs)
    status = _judge(file) if ended is None else ended
    if status != 1:  # after findings, the logs are wanted
        shutil.rmtree(folder, ignore_errors=True)
    return status


def _judge(file: Path) -> int:
    """Print what a history has and what is wrong with it; return the exit status."""
    with file.open(encoding="utf-8") as lines:
        operations = history.read(lines)
    count = Counter((type(one.what).__name__, one.outcome.value) for one in operations)
    for (kind, outcome), number in sorted(count.items()):
        print(f"  {kind:10} {outcome:8} {number:7}")
    findings = check(operations)
    print(*findings, sep="\n")
    print(f"{len(findings)} findings in {file}" if findings else "No finding.")
    return 1 if findings else 0


def _keep_logs(folder: Path, logs: Path | None) -> None:
    if logs is not None and (folder / "c" / "log").is_dir():
        shutil.copytree(folder / "c" / "log", logs, dirs_exist_ok=True)


def _speaker() -> Callable[[str], None]:
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:7.1f}  {text}", flush=True)

    return say


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3600.0, help="how long faults come")
    parser.add_argument("--seed", type=int, help="of the plan; without it, one is chosen")
    parser.add_argument(
        "--only",
        action="append",
        choices=[kind.name for kind in KINDS],
        metavar="KIND",
        help="a kind of fault to draw, and no other",
    )
    parser.add_argument("--history", type=Path, help="the file of what clients have seen")
    parser.add_argument("--within", type=float, default=120.0, help="until all answers again")
    parser.add_argument("--logs", type=Path, help="a folder to which the parts' logs are copied")
    parser.add_argument("--check", type=Path, metavar="FILE", help="check a history again")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
