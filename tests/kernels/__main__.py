"""Boot Debian machines with kernels of their own, and try prevs on them; print a table.

    python -m tests.kernels [--kernel uml|qemu] [--only STEP ...] [--resume]

docs/operating/machines.md describes the steps. Exit status 1 means that something failed.
"""

import argparse
import fcntl
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

from tests.kernels import kernels, limits, losses, operating, steps
from tests.kernels.cluster import Cluster
from tests.kernels.guest import StepFailed
from tests.kernels.newcomer import Newcomer
from tests.kernels.site import Site, lost_changes
from tests.machines import vagrantfile
from tests.machines.trees import REPOSITORY

_FOLDER = REPOSITORY / ".cache" / "kernels"


def main(arguments: Sequence[str]) -> int:
    """Do all of it, and return the exit status."""
    given = _parser().parse_args(arguments)
    folder: Path = given.folder.absolute()
    plans = vagrantfile.plans()
    memory = vagrantfile.memory()
    joined = {plan.name: (memory[plan.name], plan.address) for plan in plans}
    accelerator = given.accel or ("kvm" if os.access("/dev/kvm", os.W_OK) else "tcg")
    site = Site(folder, given.kernel, accelerator, joined)
    cluster = Cluster(site, plans)
    every = [steps.Step("image", "-", site.make_image), *Newcomer(site).steps(), *cluster.steps()]
    for part in (operating, limits, losses):
        every += part.steps(cluster)
    names = list(dict.fromkeys(step.name for step in every))
    if given.list:
        print("\n".join(names))
        return 0
    if why := _refusal(given, folder, names):
        print(why, file=sys.stderr)
        return 2
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"Machines in {folder} run already: name another --folder.", file=sys.stderr)
            return 2
        signal.signal(signal.SIGTERM, _interrupt)
        try:
            return _run(given, folder, site, every)
        except KeyboardInterrupt:
            print("Ended; `--resume` goes on from here.", file=sys.stderr)
            return 130


def _refusal(given: argparse.Namespace, folder: Path, names: Sequence[str]) -> str:
    if os.geteuid() != 0:
        return "The image has root's files in it: run this as root."
    if len(os.fsencode(folder)) > kernels.LONGEST_PATH:
        return (
            f"{folder} is too long for the sockets below it: name a folder of at most "
            f"{kernels.LONGEST_PATH} characters with --folder."
        )
    for only in given.only:
        if not any(name.startswith(only) for name in names):
            return f"There is no step '{only}'; --list has them all."
    return ""


def _run(given: argparse.Namespace, folder: Path, site: Site, every: Sequence[steps.Step]) -> int:
    report = _reporter()
    if changed := lost_changes():
        report(f"{len(changed)} files differ from the commit, which the machines get: {changed[0]}")
    made_of, kept = site.made_of, folder / "outcomes.json"
    earlier = steps.read(kept, made_of) if given.only or given.resume else []
    if not earlier and not given.only:
        site.forget_disks()
    chosen = steps.choose(every, given.only, earlier if given.resume else [])
    done: list[steps.Outcome] = []
    try:
        for outcome in steps.perform(chosen, [] if given.only else earlier, site.boot, report):
            done.append(outcome)
            steps.write(kept, made_of, steps.merge(earlier, done))
        if given.keep:
            _keep(site, report)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # it takes a moment, and has to be whole
        site.close()
    print("\n".join(steps.table(steps.merge(earlier, done) if given.resume else done)))
    return 0 if all(one.outcome == steps.PASSED for one in done) else 1


def _keep(site: Site, report: Callable[[str], None]) -> None:
    """Keep the machines running until somebody ends this."""
    for line in site.signs():
        report(line)
    report(f"Previews: http://main.hello.localhost:{site.port}/")
    report("Ctrl-C ends all of it.")
    signal.pause()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.kernels", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--kernel", choices=kernels.KINDS, default="uml")
    parser.add_argument(
        "--accel",
        choices=kernels.ACCELERATORS,
        help="how qemu runs: kvm where /dev/kvm is there, else tcg, which is 20 times slower",
    )
    parser.add_argument("--folder", type=Path, default=_FOLDER, help=f"of disks ({_FOLDER})")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="STEP",
        help="do what begins so alone, on the machines as they are; may be given again",
    )
    parser.add_argument("--resume", action="store_true", help="leave out what has passed before")
    parser.add_argument("--keep", action="store_true", help="have the machines run until Ctrl-C")
    parser.add_argument("--list", action="store_true", help="print the names of the steps")
    return parser


def _reporter() -> Callable[[str], None]:
    began, lock = time.monotonic(), threading.Lock()

    def report(message: str) -> None:
        minutes, seconds = divmod(int(time.monotonic() - began), 60)
        with lock:
            print(f"{minutes:3}:{seconds:02}  {message}", flush=True)

    return report


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except StepFailed as exc:
        sys.exit(str(exc))
