"""Compares this commit with another one, by turns in one run.

The benches and fakes of this commit measure both; all other code comes from the other commit.
"""

import contextlib
import json
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.harness import cleanup
from bench.harness.errors import BenchError
from bench.harness.progress import print_progress

HERE, THERE = "here", "there"
TURNS = (HERE, THERE, THERE, HERE)
"""In this order a drift of the machine affects both."""

_ROOT = Path(__file__).parents[2]
_OURS = ("bench", "tests", "examples")
_PACKAGES = ("setup.cfg", "pyproject.toml", "third_party")
_APART = "machine"  # the state of the machine is no measurement

Figures = Mapping[str, float]


class Place(NamedTuple):
    """A folder with the files of a commit, and a Python with its packages."""

    folder: Path
    python: str


def compare(commit: str, module: str, options: Sequence[str], scratch: Path) -> None:
    """Run a bench on both commits by turns, and print the figures of both. Raises BenchError."""
    found: dict[str, list[Figures]] = {HERE: [], THERE: []}
    with _checked_out(commit, scratch / "other") as there:
        places = {HERE: Place(_ROOT, sys.executable), THERE: there}
        for number, turn in enumerate(TURNS, 1):
            print_progress(f"Turn {number} of {len(TURNS)}: {turn if turn is HERE else commit} ...")
            command = [places[turn].python, "-m", module, *options, "--anyway"]
            status, output = cleanup.run(command, cwd=places[turn].folder)
            if status:
                raise BenchError(f"{module} failed {turn}; the reason is above\n{output}".rstrip())
            found[turn].append(read(output))
    here, there_ = medians(found[HERE]), medians(found[THERE])
    print(*table(commit, here, there_), sep="\n")
    print(json.dumps(here), json.dumps({"commit": commit, **there_}), sep="\n")
    print(json.dumps({"ratios": ratios(here, there_)}))


@contextlib.contextmanager
def _checked_out(commit: str, folder: Path) -> Iterator[Place]:
    """Check out a commit in a folder, with the benches of this one, and remove it at the end."""
    _git("worktree", "add", "--quiet", "--detach", str(folder), commit)
    try:
        for name in _OURS:
            shutil.rmtree(folder / name, ignore_errors=True)
            no_caches = shutil.ignore_patterns("__pycache__")
            shutil.copytree(_ROOT / name, folder / name, ignore=no_caches)
        if (_ROOT / ".cache").exists():  # the proxies that bench-proxy compares
            (folder / ".cache").symlink_to(_ROOT / ".cache")
        yield Place(folder, _python(commit, folder))
    finally:
        _git("worktree", "remove", "--force", str(folder))


def _python(commit: str, folder: Path) -> str:
    """Return this Python if the commit needs the same packages, else a new one."""
    if not _git("diff", "--name-only", commit, "--", *_PACKAGES):
        return sys.executable
    print_progress(f"{commit} may need other packages: installing them ...")
    status, output = cleanup.run(["make", ".venv/.installed"], cwd=folder)
    if status:
        raise BenchError(
            f"The packages of {commit} cannot be installed; the reason is above\n{output}"
        )
    return str(folder / ".venv" / "bin" / "python")


def _git(*args: str) -> str:
    command = ["git", "-C", str(_ROOT), *args]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise BenchError(f"`git {' '.join(args)}` failed: {done.stderr.strip()}")
    return done.stdout


def read(output: str) -> Figures:
    """Return the figures in the last line of a bench's output. Raises BenchError."""
    line = (output.strip() or "nothing").splitlines()[-1]
    try:
        return dict(_flat("", json.loads(line)))
    except (ValueError, AttributeError):
        raise BenchError(f"The last line is not a JSON object: {line[:200]}") from None


def _flat(prefix: str, found: Mapping[str, object]) -> Iterator[tuple[str, float]]:
    for name, value in found.items():
        if isinstance(value, Mapping) and name != _APART:
            yield from _flat(f"{prefix}{name}: ", value)
        elif isinstance(value, (int, float)):
            yield f"{prefix}{name}", value


def medians(runs: Sequence[Figures]) -> dict[str, float]:
    """Return the median of each figure that all runs have."""
    shared = [name for name in runs[0] if all(name in run for run in runs)]
    return {name: round(statistics.median(run[name] for run in runs), 4) for name in shared}


def ratios(here: Figures, there: Figures) -> dict[str, float]:
    """Return each figure here divided by the figure there, unless that is 0."""
    return {name: round(here[name] / there[name], 3) for name in here if there.get(name)}


def table(commit: str, here: Figures, there: Figures) -> list[str]:
    """Return a line for each figure that both commits have."""
    times = {name: f"{times:.3f}" for name, times in ratios(here, there).items()}
    return [
        f"{'':40} {'here':>12} {commit[:12]:>12} {'ratio':>8}",
        *(
            f"{name:40} {here[name]:12g} {there[name]:12g} {times.get(name, '-'):>8}"
            for name in here
            if name in there
        ),
    ]
