"""What a job does while somebody waits for its output: a line that moves, or one per change."""

import contextlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from cli.display.output import note
from cli.display.terminal import one_line

if TYPE_CHECKING:
    from rich.status import Status


class WaitingLine:
    """The last sentence on stderr. On a terminal it moves until it is cleared."""

    def __init__(self, status: "Status | None" = None) -> None:
        self._status = status
        self._last = ""

    def show(self, sentence: str) -> None:
        """Show a sentence in place of the last one."""
        if sentence == self._last:
            return
        self._last = sentence
        if self._status is None:
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
