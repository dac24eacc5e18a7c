"""How steps look to a person: a line each, with what it took; a bar for what takes long."""

import contextlib
from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from local.errors import LocalError
from local.mesos.download import Progress as Report
from local.progress import Step

_MARKS = {"ready": "[green]+[/]", "stopped": "[dim]-[/]", "failed": "[red]x[/]"}


def show(console: Console, step: Step) -> None:
    """Print the line of a step that has ended well."""
    mark = _MARKS.get(step.state, " ")
    detail = step.detail.replace("\n", " ")
    line = f"{mark} {step.name:<13} {step.state:<8} {step.seconds:5.1f} s"
    console.print(line, end="", highlight=False)
    console.print(f"  {detail}".rstrip(), markup=False, highlight=False, soft_wrap=True)


def show_failure(console: Console, failure: LocalError) -> None:
    """Print which step failed, why, and what can be done."""
    console.print(f"{_MARKS['failed']} {failure.step} failed:", highlight=False)
    for line in failure.why.splitlines():
        console.print(f"    {line}", markup=False, highlight=False, soft_wrap=True)
    if failure.advice:
        console.print(failure.advice, markup=False, highlight=False, soft_wrap=True)


@contextlib.contextmanager
def download_bar(console: Console, what: str) -> Iterator[Report]:
    """Give a function that shows how far a download is; on a terminal, as a bar."""
    columns = (TextColumn(what), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(what, total=None, visible=False)
        said = False

        def report(done: int, total: int) -> None:
            nonlocal said
            if not said and not console.is_terminal:
                console.print(f"  downloading {what}, {total / 1e6:.0f} MB", highlight=False)
            said = True
            progress.update(task, completed=done, total=total or None, visible=True)

        yield report
