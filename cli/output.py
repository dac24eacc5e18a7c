"""What reaches the terminal: data on stdout, all else on stderr, colours only on a terminal."""

import json
import sys
from typing import TYPE_CHECKING

import click

from cli.errors import ApiRefused, CliError, PreviewFailed
from cli.terminal import RESET, Cleaner, one_line

if TYPE_CHECKING:
    from rich.table import Table

_NEVER_WRAPS = 1000


def show(table: "Table") -> None:
    """Print a table. Its lines are as long as they are: a broken address cannot be followed."""
    from rich.console import Console  # not worth its time for commands that print no table

    console = Console(file=sys.stdout, width=_NEVER_WRAPS, highlight=False)
    with console.capture() as capture:
        console.print(table)
    for line in capture.get().splitlines():
        click.echo(line.rstrip())


def show_json(value: object) -> None:
    """Print a value as JSON, in ASCII so that no terminal finds a command in it."""
    click.echo(json.dumps(value, indent=2))


def note(message: str) -> None:
    """Tell the person something that is not data."""
    click.echo(one_line(message), err=True)


def tell_error(error: CliError) -> None:
    """Say what failed, the details that there are, and the next step."""
    click.secho(one_line(f"prevs: {error}"), err=True, fg="red")
    if isinstance(error, ApiRefused):
        for line in error.details():
            click.echo(f"  {one_line(line)}", err=True)
    if isinstance(error, PreviewFailed):
        show_log_tail(error.log_tail, err=True)
    if error.hint:
        click.echo(error.hint, err=True)


def show_log_tail(tail: str, *, err: bool) -> None:
    """Print the end of a log, if there is one, to stderr (`err`) or stdout."""
    if tail.strip():
        click.secho("The end of its log:", err=err, bold=True)
    cleaner = Cleaner(colours=False)
    for line in cleaner.clean(tail).splitlines():
        click.echo(f"  {line}", err=err)


class LogPrinter:
    """Prints a log piece by piece on stdout: with its colours on a terminal, plain elsewhere."""

    def __init__(self) -> None:
        context = click.get_current_context(silent=True)
        self._is_terminal = sys.stdout.isatty()
        self._colours = self._is_terminal and (context is None or context.color is not False)
        self._cleaner = Cleaner(colours=self._colours)
        self._in_line = False

    def print(self, piece: str) -> None:
        """Print what of a piece may be printed."""
        text = self._cleaner.clean(piece)
        if text:
            click.echo(text, nl=False, color=self._colours)
            self._in_line = not text.endswith("\n")

    def note(self, message: str) -> None:
        """Tell the person something that is not of the log."""
        self.end()
        note(message)

    def end(self) -> None:
        """Leave the terminal as it was: no colour goes on, and a line of its own comes next."""
        if self._is_terminal:
            left = (RESET if self._colours else "") + ("\n" if self._in_line else "")
            click.echo(left, nl=False, color=self._colours)
            self._in_line = False
