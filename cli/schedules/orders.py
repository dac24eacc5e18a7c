"""What people write: the options of a schedule, and the order that the API gets for them."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from prevs import names
from prevs.schedules import Missed, Overlap

Command = TypeVar("Command", bound=Callable[..., Any])
Order = dict[str, object]

_OF_TIMES = (
    click.option(
        "--cron",
        metavar="EXPRESSION",
        help="Minute, hour, day of the month, month, day of the week: '0 6 * * mon-fri'.",
    ),
    click.option(
        "--every", type=int, metavar="SECONDS", help="From one time to the next; 60 at least."
    ),
    click.option("--zone", help="The time zone, like Europe/Berlin. Without, it is UTC."),
    click.option(
        "--start-at", metavar="TIME", help="No time is before it; in the zone: 2026-12-01T06:00."
    ),
    click.option("--end-at", metavar="TIME", help="No time is after it."),
)
_OF_JOBS = (
    click.option(
        "--label",
        required=True,
        help="What leads to the commit, each time anew: a branch, a tag or a commit.",
    ),
    click.option("--job", metavar="NAME", help="Run [jobs.NAME] of the commit's .prevs.toml."),
    click.option("--times", type=int, metavar="N", help="Make N jobs, and no more."),
    click.option(
        "--overlap",
        type=click.Choice([one.value for one in Overlap]),
        help="What a time does while a job has not ended: make none (without this option), let one "
        "wait, replace it, or run both.",
    ),
    click.option(
        "--missed",
        type=click.Choice([one.value for one in Missed]),
        help="Which times are made up that passed while prevs was away; without, the last.",
    ),
    click.option(
        "--deadline", type=float, metavar="SECONDS", help="Leave out what is later than this."
    ),
    click.option(
        "--spread",
        type=float,
        metavar="SECONDS",
        help="Begin up to so much later, always by the same, so that not all begin at once.",
    ),
)


def times_options(command: Command) -> Command:
    """Add the options that say when."""
    for option in reversed(_OF_TIMES):
        command = option(command)
    return command


def order_options(command: Command) -> Command:
    """Add the options that describe a schedule."""
    for option in reversed((*_OF_TIMES, *_OF_JOBS)):
        command = option(command)
    return command


def build_times(wanted: Mapping[str, object]) -> Order:
    """Return the times that were asked for. Raises click.UsageError."""
    if bool(wanted["cron"]) == (wanted["every"] is not None):
        raise click.UsageError("Give either --cron EXPRESSION or --every SECONDS.")
    return {name: value for name, value in wanted.items() if value is not None}


def build_order(label: str, job: str | None, command: list[str], **wanted: object) -> Order:
    """Return the order for a schedule. Raises click.UsageError."""
    if bool(command) == bool(job):
        raise click.UsageError("Give either --job NAME, or -- and the command.")
    order: Order = {"label": names.slug(label), **build_times(wanted)}
    return order | ({"job": job} if job else {"command": command})
