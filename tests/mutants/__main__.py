"""Change the code in many places, one at a time, and show which changes no test notices.

    python -m tests.mutants [--room framework/matching] [--sample 40] [--seed 1] [--minutes 60]

A sample of each room is tried by its unit tests. Exit status 1 means that too few were killed.
Nothing in the folder changes.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from tests.mutants import rooms, trial
from tests.mutants.mutations import Mutation, choose, list_mutations
from tests.mutants.trial import Result, Trial

_ROOT = Path(__file__).parents[2]
_FLOOR = 0.9
"""The share of a room's mutants that its tests have to kill."""
_FIRST = 4
"""How many files of tests are tried before the others."""
_SLOWER = 4.0
"""How many times the CPU time of all tests a mutant may take: one that takes more is endless."""


class Outcome(NamedTuple):
    """What became of a sample of a room: of `known` mutants, `killed` and `survivors` were tried.

    A survivor is the place, and what stood there and stands there now.
    """

    room: str
    known: int
    killed: int
    survivors: Sequence[tuple[Mutation, str, str]]

    @property
    def tried(self) -> int:
        """The number of mutants that were tried."""
        return self.killed + len(self.survivors)

    @property
    def share(self) -> float:
        """The share that was killed."""
        return self.killed / self.tried if self.tried else 1.0


def main(arguments: Sequence[str]) -> int:
    """Try samples, print a table, and return the exit status."""
    given = _read(arguments)
    os.chdir(_ROOT)
    until = time.monotonic() + given.minutes * 60
    trial.prepare()
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="prevs-mutants-") as folder:
        os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = folder
        for room in given.room or rooms.ROOMS:
            outcomes.append(_try_room(room, given.sample, given.seed, until))
    _show(outcomes)
    return 0 if all(one.tried and one.share >= _FLOOR for one in outcomes) else 1


def _read(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutants", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--room", action="append", choices=list(rooms.ROOMS), help="only this one")
    parser.add_argument("--sample", type=int, default=40, help="mutants of each room (40)")
    parser.add_argument("--seed", type=int, default=1, help="chooses the sample (1)")
    parser.add_argument("--minutes", type=float, default=60.0, help="begin none after that (60)")
    return parser.parse_args(arguments)


def _try_room(room: str, most: int, seed: int, until: float) -> Outcome:
    modules = {str(path): path for path in rooms.list_modules(_ROOT, room)}
    sources = {name: path.read_text(encoding="utf-8") for name, path in modules.items()}
    known = [one for name, source in sources.items() for one in list_mutations(name, source)]
    tests = {name: rooms.list_tests(_ROOT, room, path) for name, path in modules.items()}
    limit = _measure(room, tests, sources, seed)
    survivors, killed = [], 0
    for number, (one, changed) in enumerate(choose(known, sources, most=most, seed=seed), 1):
        if time.monotonic() > until:
            _tell(f"{room}: the time is up after {number - 1} of {most}")
            break
        found = _try(tests[one.path], one.path, changed, most_seconds=limit, seed=seed)
        if found.result is Result.SURVIVED:
            survivors.append((one, *_find_difference(sources[one.path], changed)))
        else:
            killed += 1
        where = f"{one.path}:{one.line} {one.operator}"
        _tell(f"{room} {number}: {where}: {found.result.value} ({found.seconds:.1f} s)")
    return Outcome(room, len(known), killed, survivors)


def _try(tests: Sequence[str], path: str, changed: str, *, most_seconds: float, seed: int) -> Trial:
    """Try the tests that most likely notice a change, and the others if they do not.

    To collect all of them takes longer than to run the first few.
    """
    for some in filter(None, (tests[:_FIRST], tests[_FIRST:])):
        found = trial.run(some, path, changed, most_seconds=most_seconds, seed=seed)
        if found.result is not Result.SURVIVED:
            break
    return found


def _measure(
    room: str, tests: Mapping[str, Sequence[str]], sources: Mapping[str, str], seed: int
) -> float:
    """Return how long the tests of a module of a room may take, in seconds of CPU.

    Exits if the tests fail as it is.
    """
    every = list(dict.fromkeys(test for of_module in tests.values() for test in of_module))
    path, source = next(iter(sources.items()))
    found = trial.run(every, path, source, most_seconds=1e6, seed=seed)
    if found.result is not Result.SURVIVED:
        raise SystemExit(f"The tests of {room} fail already: pytest {' '.join(every)}")
    _tell(f"{room}: {len(every)} files of tests take {found.seconds:.1f} s of CPU")
    return _SLOWER * found.seconds


def _find_difference(before: str, after: str) -> tuple[str, str]:
    """Return the first line that differs, as it was and as it is."""
    pairs = zip(before.splitlines(), after.splitlines(), strict=False)
    was, now = next((one, other) for one, other in pairs if one != other)
    return was.strip(), now.strip()


def _show(outcomes: Sequence[Outcome]) -> None:
    table = Table("room", "mutants", "tried", "killed", "survived", "share")
    for one in outcomes:
        numbers = (one.known, one.tried, one.killed, len(one.survivors), f"{one.share:.0%}")
        table.add_row(one.room, *map(str, numbers))
    console = Console(soft_wrap=True, markup=False, highlight=False)
    console.print(table)
    for place, was, now in (survivor for one in outcomes for survivor in one.survivors):
        console.print(f"{place.path}:{place.line} {place.operator}\n    {was}\n    {now}")


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
