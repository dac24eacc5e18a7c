"""What reaches the terminal: data on stdout, all else on stderr, colours only on a terminal."""

import contextlib
import json
import sys
from collections.abc import Callable, Iterator

import click
from rich.console import Console
from rich.table import Table

from cli.errors import ApiRefused, CliError, PreviewFailed
from cli.sentences import Cleaner, one_line

_NEVER_WRAPS = 1000


def show(table: Table) -> None:
    """Print a table. Its lines are as long as they are: a broken address cannot be followed."""
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
    for line in Cleaner().clean(tail).splitlines():
        click.echo(f"  {line}", err=err)


def log_printer() -> Callable[[str], None]:
    """Return what prints a log piece by piece: cleaned for a terminal, as it is elsewhere."""
    cleaner = Cleaner() if sys.stdout.isatty() else None

    def print_piece(piece: str) -> None:
        click.echo(cleaner.clean(piece) if cleaner else piece, nl=False, color=True)

    return print_piece


@contextlib.contextmanager
def live_line() -> Iterator[Callable[[str], None]]:
    """Yield what shows a sentence that changes: on a spinner, or as lines where there is none."""
    if not sys.stderr.isatty():
        yield note
        return
    from rich.markup import escape  # not worth its time for commands that don't wait

    console = Console(file=sys.stderr, highlight=False)
    with console.status("") as status:
        yield lambda sentence: status.update(escape(one_line(sentence)))
