"""Output: data on stdout, all else on stderr, colours only on a terminal."""

import codecs
import json
import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from cli.display.terminal import RESET, Cleaner, one_line
from cli.errors import ApiRefused, CliError, PreviewFailed

if TYPE_CHECKING:
    from rich.table import Table

_NEVER_WRAPS = 1000
_TRAILING = re.compile(r" +((?:\x1b\[[0-9;]*m)*)$")
_TAIL_LINES = 20


def show(table: "Table", *, wraps: bool = False) -> None:
    """Print a table. On a terminal that is too narrow, some columns are cut or move.

    An address is never cut, as it would lead nowhere. A table that `wraps` has sentences, and is as
    wide as the terminal.
    """
    from rich.console import Console  # not worth its time for commands that print no table

    from cli.display.table_width import fit

    width = None if wraps else _NEVER_WRAPS
    narrow = sys.stdout.isatty() and not wraps
    beneath = fit(table, Console(file=sys.stdout).size.width) if narrow else []
    console = Console(file=sys.stdout, width=width, highlight=False)
    with console.capture() as capture:
        console.print(table)
    for number, line in enumerate(capture.get().splitlines()):
        click.echo(_TRAILING.sub(r"\1", line))
        for more in beneath[number - 1] if beneath and number else ():
            click.secho(more, dim=True)


def show_json(value: object) -> None:
    """Print a value as JSON, in ASCII, so that it holds no terminal commands."""
    click.echo(json.dumps(value, indent=2))


def note(message: str, *, indent: int = 0) -> None:
    """Print a message to stderr."""
    click.echo(f"{' ' * indent}{one_line(message)}", err=True)


def print_error(error: CliError) -> None:
    """Print an error, its details, and the next step.

    A log comes first, so that the error is still on the screen after it.
    """
    if isinstance(error, PreviewFailed):
        show_log_tail(error.log_tail, err=True)
    click.secho(one_line(f"prevs: {error}"), err=True, fg="red")
    details = error.details() if isinstance(error, ApiRefused) else ()
    mistakes = error.mistakes if isinstance(error, PreviewFailed) else ()
    for line in (*details, *mistakes):
        click.echo(f"  {one_line(line)}", err=True)
    if error.hint:
        click.echo(one_line(error.hint), err=True)


def show_log_tail(tail: str, *, err: bool) -> None:
    """Print the end of a log, if it is not empty, to stderr (`err`) or stdout."""
    if tail.strip():
        click.secho("The end of its log:", err=err, bold=True)
    lines = Cleaner(colours=False).clean(tail).splitlines()
    for line in lines[-_TAIL_LINES:]:
        click.echo(f"  {line}".rstrip(), err=err)


class LogPrinter:
    """Prints a log piece by piece on stdout, or stderr (`err`).

    A terminal gets no commands but those for colours. A file or a pipe gets all as it was written.
    """

    def __init__(self, *, err: bool = False) -> None:
        context = click.get_current_context(silent=True)
        self._err = err
        self._is_terminal = (sys.stderr if err else sys.stdout).isatty()
        self._colours = self._is_terminal and (context is None or context.color is not False)
        self._cleaner = Cleaner(colours=self._colours)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._in_line = False

    def print(self, piece: str) -> None:
        """Print a piece of text."""
        if not self._is_terminal:
            self.print_bytes(piece.encode())
        elif text := self._cleaner.clean(piece):
            click.echo(text, nl=False, err=self._err, color=self._colours)
            self._in_line = not text.endswith("\n")

    def print_bytes(self, piece: bytes) -> None:
        """Print a piece, perhaps with half a character at its end."""
        if self._is_terminal:
            self.print(self._decoder.decode(piece))
        elif piece:
            click.echo(piece, nl=False, err=self._err)

    def print_all(self, read: Callable[[int], tuple[bytes, int]]) -> None:
        """Print a whole log. `read` returns some of it after an offset, and the next offset."""
        offset = 0
        while True:
            piece, following = read(offset)
            self.print_bytes(piece)
            if not piece or following <= offset:
                return
            offset = following

    def note(self, message: str) -> None:
        """Print a message that is not part of the log to stderr."""
        self.end()
        note(message)

    def leave_line(self) -> None:
        """Begin a new line after the ^C that the terminal shows."""
        if sys.stderr.isatty():
            click.echo(err=True)
            self._in_line = False

    def end(self) -> None:
        """Reset the terminal's colour, and end the line."""
        if self._is_terminal:
            self.print(self._decoder.decode(b"", final=True))
            left = (RESET if self._colours else "") + ("\n" if self._in_line else "")
            click.echo(left, nl=False, err=self._err, color=self._colours)
            self._in_line = False
