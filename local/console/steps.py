"""Prints steps: a line with the time of each, and on a terminal a spinner for the current ones."""

import contextlib
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from local.cluster.progress import Step
from local.cluster.turns import Command
from local.errors import LocalError
from local.mesos.download import Progress as Report

_MARKS = {
    "ready": ("✓", "green"),
    "stopped": ("-", "dim"),
    "failed": ("✗", "red"),
    "slow": ("…", ""),
}
_GOING_ON = {"starting", "stopping"}
_SLOW = "slow"
Show = Callable[[Step], None]


class _Board:
    """The current steps, each with a spinner and its time so far."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._steps: dict[str, tuple[Step, float]] = {}
        self._spinner = Spinner("dots", style="cyan")

    def show(self, step: Step) -> None:
        """Draw a step while it goes on, and print its line when it ends."""
        if step.state in _GOING_ON:
            self._steps[step.name] = step, time.monotonic()
        elif step.state == _SLOW:
            show(self._console, step)
        else:
            self._steps.pop(step.name, None)
            show(self._console, step)

    def draw(self) -> Table:
        """Return the table to draw now."""
        table = Table.grid(padding=(0, 1, 0, 0))
        for step, begun in list(self._steps.values()):
            seconds = f"{time.monotonic() - begun:5.1f} s"
            name, state = Text(f"{step.name:<13}"), Text(f"{step.state:<8}", "dim")
            table.add_row(self._spinner, name, state, Text(seconds, "dim"))
        return table


def waiting(console: Console) -> Callable[[Command], None]:
    """Return a function that tells once for which command this one waits."""
    told = False

    def tell(other: Command) -> None:
        nonlocal told
        if not told:
            console.print(f"Waiting for the end of `prevs local {other.value}`.", highlight=False)
        told = True

    return tell


@contextlib.contextmanager
def board(console: Console) -> Iterator[Show]:
    """Yield the function that shows steps: when they end, and on a terminal also before."""
    if not console.is_terminal:
        yield lambda step: None if step.state in _GOING_ON else show(console, step)
        return
    shown = _Board(console)
    with Live(get_renderable=shown.draw, console=console, refresh_per_second=10, transient=True):
        yield shown.show


def show(console: Console, step: Step) -> None:
    """Print the line of a step that has succeeded or is slow."""
    mark, style = _MARKS.get(step.state, (" ", ""))
    detail = step.detail.replace("\n", " ")
    line = f" {step.name:<13} {step.state:<8} {step.seconds:5.1f} s  {detail}".rstrip()
    console.print(Text(mark, style).append(line, "default"), soft_wrap=True)


def show_failure(console: Console, failure: LocalError) -> None:
    """Print the step that failed, the reason, and the next step."""
    mark, style = _MARKS["failed"]
    console.print(Text(mark, style).append(f" {failure.step} failed:", "default"))
    for line in failure.why.splitlines():
        console.print(f"    {line}", markup=False, highlight=False, soft_wrap=True)
    if failure.advice:
        console.print(failure.advice, markup=False, highlight=False, soft_wrap=True)


@contextlib.contextmanager
def download_bar(console: Console, what: str) -> Iterator[Report]:
    """Yield a function that shows the progress of a download, on a terminal as a bar."""
    columns = (TextColumn(what), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(what, total=None, visible=False)
        announced = False

        def report(done: int, total: int) -> None:
            nonlocal announced
            if not announced and not console.is_terminal:
                console.print(f"  downloading {what}, {total / 1e6:.0f} MB", highlight=False)
            announced = True
            progress.update(task, completed=done, total=total or None, visible=True)

        yield report
