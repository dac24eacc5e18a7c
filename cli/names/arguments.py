"""Arguments and options that several commands take, and the question of those that remove."""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click

from cli.display.output import note
from cli.display.terminal import one_line
from cli.errors import NotDone
from cli.names import completion

Command = TypeVar("Command", bound=Callable[..., Any])

app_argument = click.argument("app", shell_complete=completion.apps)
name_argument = click.argument("name", shell_complete=completion.apps)
label_argument = click.argument("label", shell_complete=completion.labels)
stack_argument = click.argument("name", shell_complete=completion.stacks)
variant_argument = click.argument("variant", shell_complete=completion.variants)
yes = click.option("--yes", "-y", is_flag=True, help="Do not ask for confirmation.")
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def limit(default: int) -> Callable[[Command], Command]:
    """Return the option --limit: how many of the newest items to list."""
    return click.option(
        "--limit",
        type=click.IntRange(min=1),
        default=default,
        show_default=True,
        metavar="N",
        help="List at most N, the newest ones.",
    )


def read_pairs(option: str, texts: Sequence[str], form: str) -> Mapping[str, str]:
    """Return the names and values of an option of a form: NAME=VALUE."""
    between = next(sign for sign in form if not sign.isalpha())
    pairs = [text.partition(between) for text in texts]
    if wrong := [name for name, found, _ in pairs if not found]:
        raise click.UsageError(f"{option} {wrong[0]!r} must be {form}.")
    return {name.strip(): value.strip() for name, _, value in pairs}


def confirm(question: str, consequence: str = "") -> None:
    """Ask whether to remove something; `consequence` is a sentence about what goes too.

    Raises NotDone if somebody says no. Without a terminal nobody is asked: click.UsageError.
    """
    if consequence:
        note(consequence)
    if not sys.stdin.isatty():
        raise click.UsageError(f"{one_line(question)} Nobody is there to confirm this: add --yes.")
    if not click.confirm(one_line(question), err=True):
        raise NotDone("Nothing has changed.")
