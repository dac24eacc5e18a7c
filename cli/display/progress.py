"""What goes on while a command waits: something that moves on a terminal, lines elsewhere."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol

from cli.client.generated.records import Preview
from cli.display.output import note
from cli.display.sentences import brief, progress, shortened, title
from cli.display.steps import StepView, describe, view
from cli.display.terminal import one_line
from prevs.step_status import StepStatus

if TYPE_CHECKING:
    from rich.console import ConsoleRenderable
    from rich.status import Status

_BAR = 20  # columns


class Progress(Protocol):
    """Displays progress while a command waits."""

    def show(self, preview: Preview) -> None:
        """Show a preview's current progress."""
        ...

    def end(self, preview: Preview) -> None:
        """Show its steps; the caller prints the result."""
        ...

    def print_message(self, message: str) -> None:
        """Print a message about something else, such as the connection."""
        ...


@contextlib.contextmanager
def showing(clock: Callable[[], float]) -> Iterator[Progress]:
    """Yield the display of a preview's progress on stderr; `clock` returns epoch seconds."""
    if not sys.stderr.isatty():
        yield Lines(clock)
        return
    from rich.console import Console  # not worth its time for commands that don't wait
    from rich.live import Live

    picture = _Picture(clock)
    console = Console(file=sys.stderr, highlight=False)
    with Live(get_renderable=picture.draw, console=console, refresh_per_second=8) as live:
        picture.console = live.console
        yield picture


class Lines:
    """Prints a line when the preview's progress changes, and one when a step ends."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last = ""
        self._over: set[str] = set()

    def show(self, preview: Preview) -> None:
        """Print what has changed since the last call."""
        self.end(preview)
        sentence = f"{title(preview)} {progress(preview, self._clock())}"
        if sentence != self._last:
            self._last = sentence
            note(sentence)

    def end(self, preview: Preview) -> None:
        """Print the steps that have ended since the last call."""
        for step in view(preview, self._clock()):
            if step.status in {StepStatus.DONE, StepStatus.FAILED} and step.name not in self._over:
                self._over.add(step.name)
                note(f"{step.name}: {describe(step)}", indent=2)

    def print_message(self, message: str) -> None:
        """Print it on a line."""
        note(message)


class _Picture:
    """The list of steps, redrawn several times a second."""

    def __init__(self, clock: Callable[[], float]) -> None:
        from rich.console import Console
        from rich.spinner import Spinner

        self.console = Console(file=sys.stderr)
        self._clock = clock
        self._preview: Preview | None = None
        self._spinner = Spinner("dots", style="cyan")

    def show(self, preview: Preview) -> None:
        """Draw this preview from now on."""
        self._preview = preview

    def end(self, preview: Preview) -> None:
        """Keep its steps in the picture."""
        self._preview = preview

    def print_message(self, message: str) -> None:
        """Print it above the picture."""
        self.console.print(message, markup=False)

    def draw(self) -> "ConsoleRenderable":
        """Return the picture for rich to print now."""
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        preview, now = self._preview, self._clock()
        if preview is None:
            return Text("")
        steps = view(preview, now)
        head = Table.grid(padding=(0, 1))
        sentence = Text(title(preview), "bold")
        if preview["state"] not in {"running", "failed", "stopped"}:
            shown: Preview = {**preview, "detail": ""} if steps else preview
            sentence.append(f" {progress(shown, now)}", "not bold")
        if not steps:
            head.add_row(self._spinner, sentence)
            return head
        head.add_row(sentence)
        table = Table.grid(padding=(0, 2, 0, 0), expand=True)
        table.add_column(no_wrap=True, min_width=1)
        table.add_column(no_wrap=True, min_width=8)
        table.add_column(no_wrap=True, min_width=6, justify="right")
        table.add_column(no_wrap=True, min_width=1)
        table.add_column(no_wrap=True, ratio=1)
        for step in steps:
            table.add_row(*self._row(step, preview))
        return Group(head, table)

    def _row(self, step: StepView, preview: Preview) -> list["ConsoleRenderable"]:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        marks: dict[StepStatus, ConsoleRenderable] = {
            StepStatus.DONE: Text("✓", "green"),
            StepStatus.NOW: self._spinner,
            StepStatus.FAILED: Text("✗", "red"),
            StepStatus.SKIPPED: Text("-", "dim"),
            StepStatus.NEXT: Text("·", "dim"),
        }
        is_now = step.status is StepStatus.NOW
        name = Text(
            step.name, {StepStatus.NOW: "bold", StepStatus.NEXT: "dim"}.get(step.status, "")
        )
        took = "" if step.took is None else brief(step.took)
        usual = "" if step.usual is None else f"usually {brief(step.usual)}"
        rest = Table.grid(padding=(0, 2, 0, 0))
        cells: list[ConsoleRenderable] = []
        if is_now and step.usual and step.took is not None:
            cells.append(ProgressBar(step.usual, min(step.took, step.usual), width=_BAR))
        if is_now and (detail := shortened(preview.get("detail", ""), 200)):
            cells.append(Text(detail, no_wrap=True, overflow="ellipsis"))
        rest.add_row(*cells)
        return [marks[step.status], name, Text(took), Text(usual, "dim"), rest if cells else Text()]


class WaitingLine:
    """The last sentence on stderr. On a terminal it moves until it is cleared."""

    def __init__(self, status: "Status | None" = None) -> None:
        self._status = status
        self._last: object = ""

    def show(self, sentence: str, news: object = None) -> None:
        """Show a sentence in place of the last one.

        Where nothing moves it is printed if the `news`, or else the sentence, is not the last one.
        """
        if self._status is None:
            before, self._last = self._last, sentence if news is None else news
            if before != self._last:
                note(sentence)
            return
        from rich.text import Text

        self._status.update(Text(one_line(sentence)))
        self._status.start()

    def clear(self) -> None:
        """Show nothing, until the next sentence: something else is printed."""
        self._last = ""
        if self._status is not None:
            self._status.stop()


@contextlib.contextmanager
def waiting_line() -> Iterator[WaitingLine]:
    """Yield the line, which is gone afterwards."""
    if not sys.stderr.isatty():
        yield WaitingLine()
        return
    from rich.console import Console  # not worth its time for commands that don't wait
    from rich.status import Status

    line = WaitingLine(Status("", console=Console(file=sys.stderr, highlight=False)))
    try:
        yield line
    finally:
        line.clear()
