"""Arguments and options that several commands take."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click

from cli.names import completion
from prevs.states import State

Command = TypeVar("Command", bound=Callable[..., Any])

STATES = [state.value for state in State]

app_argument = click.argument("app", shell_complete=completion.apps)
name_argument = click.argument("name", shell_complete=completion.apps)
label_argument = click.argument("label", shell_complete=completion.labels)
stack_argument = click.argument("name", shell_complete=completion.stacks)
variant_argument = click.argument("variant", shell_complete=completion.variants)
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
    """Return the names and values of an option of a form: NAME=VALUE. Raises click.UsageError."""
    between = next(sign for sign in form if not sign.isalpha())
    pairs = [text.partition(between) for text in texts]
    if wrong := [name for name, found, _ in pairs if not found]:
        raise click.UsageError(f"{option} {wrong[0]!r} must be {form}.")
    return {name.strip(): value.strip() for name, _, value in pairs}
