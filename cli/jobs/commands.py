"""The commands about jobs that are there; `prevs run` and `prevs job start` request new ones."""

import sys

import click

from cli.artifacts import commands as artifacts
from cli.client.event_streams import Gap, OutputPiece
from cli.client.generated import choices
from cli.client.generated.records import Job
from cli.command_context import CommandContext
from cli.commands.sections import Group
from cli.display import job_sentences as sentences
from cli.display import job_tables
from cli.display.output import LogPrinter, note, show, show_json
from cli.display.terminal import Cleaner
from cli.jobs.job_stream import LogPart, NextAttempt, follow
from cli.jobs.repetition import repeat
from cli.jobs.run import run
from cli.jobs.start import start
from cli.names import completion, job_lookup
from cli.names.arguments import app_argument, as_json, limit

_id_argument = click.argument("job", metavar="ID", shell_complete=completion.jobs)


@click.group("job", cls=Group)
def job_group() -> None:
    """Start, list, cancel and repeat jobs: commands in an app's image.

    ID is the id of a job, or its first characters (at least four). `prevs run` starts one and
    prints its output.
    """


@job_group.command("ls")
@click.argument("app", required=False, shell_complete=completion.apps)
@click.option(
    "--state", type=click.Choice(choices.LIST_JOBS_STATE), help="List only jobs in this state."
)
@click.option(
    "--group", metavar="NAME", shell_complete=completion.groups, help="List only this group."
)
@click.option("--schedule", metavar="NAME", help="List only what this schedule has made.")
@limit(50)
@as_json
@click.pass_obj
def list_jobs(
    context: CommandContext,
    /,
    app: str | None,
    *,
    limit: int,
    as_json: bool,
    **wanted: str | None,
) -> None:
    """List jobs of APP or of all apps, the newest first.

    \b
    Examples:
      prevs job ls
      prevs job ls shop --state active
      prevs job ls shop --group import-5c80e7d1 --json
    """
    listed = context.api.list_jobs(app=app, **wanted, limit=limit)
    if as_json:
        show_json(listed.found)
        return
    if not listed.found:
        note(
            "There are no such jobs. `prevs job ls` lists all."
            if app or any(wanted.values())
            else "There are no jobs yet. `prevs run APP LABEL -- COMMAND` runs one."
        )
        return
    show(job_tables.jobs(listed.found, context.now()))
    if listed.more:
        note(f"There are more: --limit {limit * 4} lists them.")


@job_group.command("show")
@app_argument
@_id_argument
@as_json
@click.pass_obj
def show_job(context: CommandContext, app: str, job: str, *, as_json: bool) -> None:
    """Show the job ID of APP: its state and why, its exit code, its attempts."""
    found = job_lookup.find(context.api, app, job)
    if as_json:
        show_json(found)
    else:
        show(job_tables.details(found, context.now()))


@job_group.command("logs")
@app_argument
@_id_argument
@click.option("-f", "--follow", "following", is_flag=True, help="Print new lines as they come.")
@click.option("--tail", is_flag=True, help="Print only the last lines, about 4 KB.")
@click.option(
    "--attempt",
    type=click.IntRange(min=1),
    metavar="N",
    help="Print the log of attempt N; `prevs job show` lists the attempts.",
)
@click.pass_obj
def logs(
    context: CommandContext,
    app: str,
    job: str,
    *,
    following: bool,
    tail: bool,
    attempt: int | None,
) -> None:
    """Print the log of the last attempt of the job ID: the build, then the command's output."""
    if following and (tail or attempt):
        raise click.UsageError("Use --follow alone: it follows the last attempt.")
    job_id = job_lookup.find_id(context.api, app, job)
    printer = LogPrinter()
    try:
        if following:
            _follow_log(context, app, job_id, printer)
        elif tail:
            printer.print(context.api.read_job_log_tail(app, job_id, attempt))
        else:
            printer.print_all(lambda offset: context.api.read_job_log(app, job_id, offset, attempt))
    except KeyboardInterrupt:
        printer.leave_line()
        if following:
            printer.note(f"The job goes on: `prevs job logs {app} {job_id} -f` follows it again.")
        raise
    finally:
        printer.end()


@job_group.command("result")
@app_argument
@_id_argument
@click.pass_obj
def print_result(context: CommandContext, app: str, job: str) -> None:
    """Print the bytes that the job ID left as its result in /run/prevs/result."""
    data = context.api.read_whole_result(app, job_lookup.find_id(context.api, app, job))
    if sys.stdout.isatty():
        click.echo(Cleaner(colours=False).clean(data.decode("utf-8", "replace")))
    else:
        click.echo(data, nl=False)


@job_group.command("cancel")
@app_argument
@click.argument("job", metavar="[ID]", required=False, shell_complete=completion.jobs)
@click.option(
    "--group", metavar="NAME", shell_complete=completion.groups, help="Cancel all jobs of it."
)
@as_json
@click.pass_obj
def cancel(
    context: CommandContext, app: str, job: str | None, *, group: str | None, as_json: bool
) -> None:
    """Cancel the job ID of APP, or all jobs of a group that have not ended.

    A command that runs gets SIGTERM. A cancelled job never starts again.
    """
    if bool(job) == bool(group):
        raise click.UsageError("Give either the ID of a job, or --group NAME.")
    if group:
        number = context.api.cancel_group(app, group=group)["jobs"]
        if as_json:
            show_json({"jobs": number})
        else:
            note(f"{number} {'job is' if number == 1 else 'jobs are'} being cancelled.")
    elif job:
        job_id = job_lookup.find_id(context.api, app, job)
        _report(context.api.cancel_job(app, job_id), as_json=as_json)


@job_group.command("retry")
@app_argument
@_id_argument
@as_json
@click.pass_obj
def retry(context: CommandContext, app: str, job: str, *, as_json: bool) -> None:
    """Start a new job that does what the ended job ID did, and print its id."""
    api, key = context.api, context.new_key()
    job_id = job_lookup.find_id(api, app, job)
    again = repeat(lambda: api.retry_job(app, job_id, key=key), pause=context.pause, notify=note)
    _report(again, as_json=as_json)
    if not as_json:
        click.echo(again["id"])
        note(f"`prevs job logs {app} {again['id']} -f` follows its log.")


def _follow_log(context: CommandContext, app: str, job_id: str, printer: LogPrinter) -> None:
    updates = follow(context.api, app, job_id, pause=context.pause, notify=printer.note)
    state = ""
    for update in updates:
        if isinstance(update, LogPart):
            printer.print(update.text)
        elif isinstance(update, OutputPiece):
            printer.print_bytes(update.data)
        elif isinstance(update, Gap):
            printer.print(update.line)
        elif isinstance(update, NextAttempt):
            printer.note("Another attempt begins, with a log of its own.")
        elif update.job["state"] != state:
            state = update.job["state"]
            printer.note(f"{sentences.title(update.job)} {sentences.progress(update.job)}")


def _report(job: Job, *, as_json: bool) -> None:
    if as_json:
        show_json(job)
    else:
        note(f"{sentences.title(job)} {sentences.progress(job)}")


for command in (start, *artifacts.COMMANDS):
    job_group.add_command(command)
COMMANDS = (run, job_group)
