"""The commands about schedules."""

from typing import Any

import click

from cli.client.generated.records import Schedule, ScheduledTimes
from cli.command_context import CommandContext
from cli.commands.cluster import warn_of_size
from cli.commands.sections import Group
from cli.display.output import note, show, show_json
from cli.jobs.orders import TakesCommand
from cli.jobs.repetition import repeat
from cli.jobs.requests import report
from cli.names import completion, lookup
from cli.names.arguments import app_argument, as_json, confirm, yes
from cli.schedules import schedule_sentences as sentences
from cli.schedules import schedule_tables as tables
from cli.schedules.orders import build_order, build_times, order_options, times_options

_name = click.argument("name", shell_complete=completion.schedules)


@click.group(cls=Group)
def schedule() -> None:
    """Let jobs start by themselves, at times.

    A commit's .prevs.toml may have schedules too; those of the default branch hold.
    """


@schedule.command("add", cls=TakesCommand)
@app_argument
@_name
@order_options
@as_json
@click.pass_obj
def add(
    context: CommandContext,
    /,
    app: str,
    name: str,
    *,
    label: str,
    job: str | None,
    command: list[str],
    as_json: bool,
    **wanted: Any,
) -> None:
    """Make the schedule NAME of APP, or replace it, and print its next times.

    Times before that are not made up. A command, instead of a job of the commit's .prevs.toml,
    needs a token of scope admin.

    \b
    Examples:
      prevs schedule add shop nightly --label main --job report --cron "0 2 * * *"
      prevs schedule add shop clean --label main --every 3600 --overlap replace -- ./clean
    """
    order = build_order(label, job, command, **wanted)
    with lookup.naming(label):
        made = context.api.write_schedule(app, name, order)
    warn_of_size(context.api, made.get("cpus"), made.get("mem"))
    if as_json:
        show_json(made)
        return
    _show_times(_upcoming(made), context.now())
    note(f"{sentences.title(made)} makes {sentences.what(made)} at {made['label']}.")
    note(
        f"`prevs schedule run {app} {name}` runs it now, `prevs schedule rm {app} {name}` ends it."
    )


@schedule.command("ls")
@app_argument
@as_json
@click.pass_obj
def list_schedules(context: CommandContext, app: str, *, as_json: bool) -> None:
    """List the schedules of APP, each with its next time."""
    found, _, details = context.api.list_schedules(app)
    if as_json:
        show_json(found)
    elif found:
        show(tables.schedules(found, context.now()))
    else:
        note(f"{app} has no schedules. `prevs schedule add --help` shows how to make one.")
    if trouble := details.get("file_trouble"):
        note(sentences.describe_trouble(trouble))


@schedule.command("show")
@app_argument
@_name
@as_json
@click.pass_obj
def show_schedule(context: CommandContext, app: str, name: str, *, as_json: bool) -> None:
    """Show the schedule NAME of APP: its next times, its jobs, and why a time made none."""
    found = context.api.show_schedule(app, name)
    if as_json:
        show_json(found)
    else:
        show(tables.details(found, context.now()))
        note(f"`prevs job ls {app} --schedule {name}` lists the jobs that it has made.")


@schedule.command("times")
@app_argument
@click.argument("name", metavar="[NAME]", required=False, shell_complete=completion.schedules)
@times_options
@click.option(
    "--count",
    type=click.IntRange(1, 20),
    default=5,
    show_default=True,
    metavar="N",
    help="How many times to list.",
)
@as_json
@click.pass_obj
def list_times(
    context: CommandContext,
    /,
    app: str,
    name: str | None,
    *,
    count: int,
    as_json: bool,
    **wanted: Any,
) -> None:
    """List the next times of the schedule NAME of APP, or those that a new one would have.

    \b
    Examples:
      prevs schedule times shop nightly
      prevs schedule times shop --cron "30 2 * * *" --zone Europe/Berlin --count 10
    """
    given = any(value is not None for value in wanted.values())
    if bool(name) == given:
        raise click.UsageError("Give either NAME, or --cron or --every.")
    if name:
        found = context.api.list_times(app, name, count=count)
    else:
        found = context.api.try_times(app, build_times(wanted), count=count)
    if as_json:
        show_json(found)
    else:
        _show_times(found, context.now())


@schedule.command("pause")
@app_argument
@_name
@as_json
@click.pass_obj
def pause(context: CommandContext, app: str, name: str, *, as_json: bool) -> None:
    """Let the schedule NAME of APP make no jobs until it is resumed. Its jobs go on."""
    paused = context.api.pause_schedule(app, name)
    if as_json:
        show_json(paused)
    else:
        note(
            f"{sentences.title(paused)} is paused. `prevs schedule resume {app} {name}` ends that."
        )


@schedule.command("resume")
@app_argument
@_name
@as_json
@click.pass_obj
def resume(context: CommandContext, app: str, name: str, *, as_json: bool) -> None:
    """Let the schedule NAME of APP go on. The times meanwhile are not made up."""
    resumed = context.api.resume_schedule(app, name)
    if as_json:
        show_json(resumed)
    else:
        note(f"{sentences.title(resumed)} goes on.")
        _show_times(_upcoming(resumed), context.now())


@schedule.command("run")
@app_argument
@_name
@as_json
@click.pass_obj
def run(context: CommandContext, app: str, name: str, *, as_json: bool) -> None:
    """Start the job of the schedule NAME of APP now, beside its times, and print the job's id."""
    api, key = context.api, context.new_key()
    job = repeat(lambda: api.run_schedule(app, name, key=key), pause=context.pause, notify=note)
    warn_of_size(context.api, job.get("cpus"), job.get("mem"))
    if as_json:
        show_json(job)
    else:
        report(job)


@schedule.command("rm")
@app_argument
@_name
@yes
@click.pass_obj
def remove(context: CommandContext, app: str, name: str, yes: bool) -> None:
    """Remove the schedule NAME of APP. The jobs that it has made go on.

    The command asks for confirmation.
    """
    if not yes:
        found = context.api.show_schedule(app, name)
        if not found["from_file"]:  # else it is refused, and the answer says why
            confirm(
                f"Remove {sentences.title(found)}?",
                f"It makes {sentences.what(found)} at {found['label']}. Its jobs go on.",
            )
    context.api.remove_schedule(app, name)
    note(f"{name} of {app} makes no more jobs.")


def _show_times(found: ScheduledTimes, now: float) -> None:
    """Print times, or why there are none."""
    if found["times"]:
        show(tables.times(found, now))
    else:
        note(found["reason"])


def _upcoming(schedule: Schedule) -> ScheduledTimes:
    return ScheduledTimes(zone=schedule["zone"], times=schedule["next"], reason=schedule["reason"])


COMMANDS = (schedule,)
