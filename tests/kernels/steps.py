"""The steps on the machines, and the table of their outcomes."""

import json
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

PASSED, FAILED, LEFT_OUT = "passed", "FAILED", "left out"
_WIDEST_NOTE = 110


class Step(NamedTuple):
    """A step on a machine. Consecutive steps of one name are done at once.

    `do` returns a note for the table, and raises an exception if it fails; `uses` are the
    machines that have to run, `needs` the names of steps without which this one is left out.
    """

    name: str
    machine: str
    do: Callable[[], str]
    uses: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


class Outcome(NamedTuple):
    """The outcome of a step."""

    step: str
    machine: str
    outcome: str
    seconds: float
    note: str


def choose(steps: Sequence[Step], only: Sequence[str], earlier: Iterable[Outcome]) -> list[Step]:
    """Return the steps to do: all, those with this prefix, or those that have not passed yet."""
    if only:
        return [step for step in steps if step.name.startswith(tuple(only))]
    passed = {(one.step, one.machine) for one in earlier if one.outcome == PASSED}
    return [step for step in steps if (step.name, step.machine) not in passed]


def lacks(step: Step, outcomes: Iterable[Outcome]) -> str:
    """Return why a step is left out, or nothing."""
    bad = {one.step for one in outcomes if one.outcome != PASSED}
    missing = [name for name in step.needs if name in bad]
    return f"without {', '.join(missing)}" if missing else ""


def merge(earlier: Iterable[Outcome], now: Iterable[Outcome]) -> list[Outcome]:
    """Return the outcomes of a resumed run, each step's last."""
    found: dict[tuple[str, str], Outcome] = {}
    for one in (*earlier, *now):
        found.pop((one.step, one.machine), None)
        found[one.step, one.machine] = one
    return list(found.values())


def table(outcomes: Sequence[Outcome]) -> list[str]:
    """Return the lines of the table."""
    rows = [("step", "machine", "outcome", "seconds", "")]
    for one in outcomes:
        first = one.note.strip().partition("\n")[0][:_WIDEST_NOTE]
        rows.append((one.step, one.machine, one.outcome, f"{one.seconds:.0f}", first))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return [
        "  ".join(
            (
                *(row[column].ljust(widths[column]) for column in range(3)),
                row[3].rjust(widths[3]),
                row[4],
            )
        ).rstrip()
        for row in rows
    ]


def perform(
    steps: Sequence[Step],
    known: Sequence[Outcome],
    start: Callable[[str], None],
    report: Callable[[str], None],
) -> Iterator[Outcome]:
    """Do the steps, report each as soon as it has ended, and yield its outcome.

    `start` is called with each machine that a step uses, in this thread.
    """
    outcomes = list(known)
    for _, group in groupby(steps, key=lambda step: step.name):
        ready = []
        for step in group:
            if why := lacks(step, outcomes):
                report(f"{step.name}, {step.machine}: left out, {why}")
                outcomes = merge(outcomes, [Outcome(*step[:2], LEFT_OUT, 0.0, why)])
                yield outcomes[-1]
            else:
                ready.append(step)
        for machine in dict.fromkeys(name for step in ready for name in step.uses):
            start(machine)
        done = _perform_all(ready, report)
        outcomes = merge(outcomes, done)
        yield from done


def _perform_all(steps: Sequence[Step], report: Callable[[str], None]) -> list[Outcome]:
    """Do them at once. The end of this program does not wait for them."""
    done: dict[Step, Outcome] = {}

    def perform(step: Step) -> None:
        done[step] = _perform(step, report)

    threads = [threading.Thread(target=perform, args=(step,), daemon=True) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [done[step] for step in steps]


def _perform(step: Step, report: Callable[[str], None]) -> Outcome:
    report(f"{step.name}, {step.machine} ...")
    began = time.monotonic()
    try:
        outcome, note = PASSED, step.do()
    except Exception as exc:  # noqa: BLE001 - whatever it is: the others are to be done, and it is told
        outcome, note = FAILED, str(exc) or traceback.format_exc()
    seconds = time.monotonic() - began
    report(f"{step.name}, {step.machine}: {outcome} after {seconds:.0f} s. {note}".rstrip())
    return Outcome(step.name, step.machine, outcome, round(seconds, 1), note)


def read(path: Path, made_of: str) -> list[Outcome]:
    """Return the outcomes of an earlier run of the same commit, if there was one."""
    if not path.exists():
        return []
    kept = json.loads(path.read_text())
    return [Outcome(**one) for one in kept["outcomes"]] if kept["made_of"] == made_of else []


def write(path: Path, made_of: str, outcomes: Iterable[Outcome]) -> None:
    """Store the outcomes for a resumed run."""
    kept: Mapping[str, object] = {
        "made_of": made_of,
        "outcomes": [one._asdict() for one in outcomes],
    }
    path.write_text(json.dumps(kept, indent=1))
