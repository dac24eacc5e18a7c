"""The command line that all benches have.

    python -m bench.NAME [--quick] [--anyway] [--against COMMIT]

It checks that the machine is idle, gives the bench a folder, ends whatever the bench has started,
and prints the measurements as a last line of JSON.
"""

import argparse
import json
import math
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.harness import cleanup, comparison, machine
from bench.harness.errors import BenchError
from bench.harness.progress import print_progress
from local.errors import LocalError

Found = Mapping[str, object]


@dataclass(frozen=True)
class Parameters:
    """The parameters of a run: on a small scale if `quick`. `folder` is removed at the end.

    `load` is how busy the machine was before the run; `options` has the bench's own options.
    """

    quick: bool
    folder: Path
    load: machine.Load
    options: argparse.Namespace


@dataclass(frozen=True)
class Bench:
    """A bench: its module, its description for --help, and its measurement.

    `measure` returns figures by name; it may raise BenchError or LocalError.
    """

    module: str
    about: str
    measure: Callable[[Parameters], Found]
    add_options: Callable[[argparse.ArgumentParser], object] = lambda parser: parser


def run(bench: Bench, arguments: Sequence[str] | None = None) -> int:
    """Run a bench with the options of the command line, and return the exit status."""
    given = parser(bench).parse_args(arguments)
    try:
        # A short name, as the length of sockets' paths is limited.
        with tempfile.TemporaryDirectory(prefix="prevs-b-") as scratch:
            folder = Path(scratch)
            with cleanup.cleaned_up(folder):
                _measure(bench, given, folder)
    except (BenchError, LocalError, OSError) as exc:  # requests' errors are OSErrors
        print_progress(f"The bench ended early: {exc}")
        return 1
    except cleanup.Interrupted as exc:
        print_progress(f"The bench ended early: {exc}.")
        return exc.status
    return 0


def parser(bench: Bench) -> argparse.ArgumentParser:
    """Return the parser for the command line of a bench."""
    made = argparse.ArgumentParser(
        prog=f"python -m {bench.module}",
        description=bench.about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument(
        "--quick",
        action="store_true",
        help="run on a small scale, even on a busy machine: shows that it works, not how fast",
    )
    made.add_argument("--anyway", action="store_true", help="run even on a busy machine")
    made.add_argument(
        "--against", metavar="COMMIT", help="measure that commit as well, by turns, and compare"
    )
    bench.add_options(made)
    return made


def add_rivals(parser: argparse.ArgumentParser, folder: Path, what: str, page: str) -> None:
    """Add the options of a bench that compares: where `what` of the others is, and `page`."""
    parser.add_argument("--rivals", type=Path, default=folder, help=what)
    parser.add_argument("--write", action="store_true", help=f"write {page}")


def _measure(bench: Bench, given: argparse.Namespace, folder: Path) -> None:
    load = machine.look()
    print_progress(f"Before the start, other programs use {load}.")
    if load.is_high and not (given.anyway or given.quick):
        raise BenchError(
            f"Other programs may use at most {machine.MOST:.0%}; more would distort the figures. "
            "End them, or run the bench with --anyway."
        )
    if given.against:
        comparison.compare(given.against, bench.module, passed_on(given), folder)
        return
    found = bench.measure(Parameters(given.quick, folder, load, given))
    check(found)
    print(json.dumps({**found, "machine": load._asdict()}), flush=True)


def passed_on(given: argparse.Namespace) -> list[str]:
    """Return the given options, for a run of one commit only."""
    kept = {name: value for name, value in vars(given).items() if name not in {"against", "anyway"}}
    options = []
    for name, value in kept.items():
        if value is True:
            options.append(f"--{name}")
        elif value not in (False, None):
            options.append(f"--{name}={value}")
    return options


def check(found: Found) -> None:
    """Raise BenchError unless something was measured."""
    figures = list(_figures(found))
    if not any(figures) or not all(math.isfinite(figure) for figure in figures):
        raise BenchError(f"nothing was measured: {found}")


def _figures(found: Found) -> Iterator[float]:
    for value in found.values():
        if isinstance(value, Mapping):
            yield from _figures(value)
        elif isinstance(value, (int, float)):
            yield value
