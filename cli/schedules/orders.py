"""What people write: the options of a schedule, and the order that the API gets for them."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from cli.names.declared_options import option_of
from prevs import names
from prevs.declarations import list_settings
from prevs.schedules import WHEN, ScheduleRecord

Command = TypeVar("Command", bound=Callable[..., Any])
Order = dict[str, object]

_WHEN = [option_of(one) for one in list_settings(ScheduleRecord) if one.name in WHEN]
_OPTIONS = (
    click.option(
        "--label",
        required=True,
        help="What leads to the commit, each time anew: a branch, a tag or a commit.",
    ),
    click.option("--job", metavar="NAME", help="Run [jobs.NAME] of the commit's .prevs.toml."),
    *map(option_of, list_settings(ScheduleRecord)),
)


def times_options(command: Command) -> Command:
    """Add the options that say when."""
    for option in reversed(_WHEN):
        command = option(command)
    return command


def order_options(command: Command) -> Command:
    """Add the options that describe a schedule."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def build_times(wanted: Mapping[str, object]) -> Order:
    """Return the times that were asked for."""
    if bool(wanted["cron"]) == (wanted["every"] is not None):
        raise click.UsageError("Give either --cron EXPRESSION or --every SECONDS.")
    return {name: value for name, value in wanted.items() if value is not None}


def build_order(label: str, job: str | None, command: list[str], **wanted: object) -> Order:
    """Return the order for a schedule."""
    if bool(command) == bool(job):
        raise click.UsageError("Give either --job NAME, or -- and the command.")
    order: Order = {"label": names.slug(label), **build_times(wanted)}
    return order | ({"job": job} if job else {"command": command})
