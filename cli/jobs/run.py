"""`prevs run`: one job, with its output here."""

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

import click

from cli.client.generated.records import Job
from cli.command_context import CommandContext
from cli.display import job_sentences as sentences
from cli.display.output import note, show_json, show_log_tail
from cli.errors import CliError, NotDone
from cli.jobs import exit_status
from cli.jobs.attached_job import attach
from cli.jobs.orders import (
    MOST_PAYLOAD,
    TakesCommand,
    build_order,
    order_options,
    with_payload,
)
from cli.jobs.requests import report, request, warn_of_jobs
from cli.names.arguments import app_argument, as_json, label_argument


@click.command(cls=TakesCommand)
@app_argument
@label_argument
@order_options
@click.option("--stdin", is_flag=True, help="Give the command what comes on stdin, 64 KB at most.")
@click.option("-d", "--detach", is_flag=True, help="Print the job's id, and do not wait.")
@click.option("-v", "--verbose", is_flag=True, help="Print the build too, on stderr.")
@as_json
@click.pass_obj
def run(
    context: CommandContext,
    /,
    app: str,
    label: str,
    *,
    stdin: bool,
    detach: bool,
    verbose: bool,
    as_json: bool,
    **wanted: Any,
) -> int:
    """Run a command in the image of LABEL, print its output, and exit with its exit status.

    The command is that of a [jobs.NAME] in the commit's .prevs.toml, or given in full, which needs
    a token of scope admin. What it writes to stdout and stderr goes there, all else to stderr. The
    status is 128 and the number of a signal that has ended the command, 124 if it ran longer than
    its timeout, 125 if prevs could not run it to its end, and 130 if the job was cancelled.

    Ctrl-C leaves the job running, and a second one cancels it. If this command is killed, the job
    goes on.

    \b
    Examples:
      prevs run shop main --job report
      prevs run shop main -- python manage.py migrate
      prevs run shop 5c80e7d --stdin -- sh -c 'wc -l' < orders.csv
      prevs run shop main -d --timeout 7200 -- ./rebuild-index
    """
    if as_json and not detach:
        raise click.UsageError("Use --json with --detach: stdout has the output of the command.")
    order = build_order(label, context.environ, **wanted)
    if stdin:
        payload = sys.stdin.buffer.read(MOST_PAYLOAD + 1)
        order = with_payload(order, payload, "stdin") | {"stdin": True}
    with _failing():
        job = request(context, app, label, [order])[0]
        warn_of_jobs(context, [order], [job])
        if not detach:
            return _finish(context, job, verbose=verbose)
    if as_json:
        show_json(job)
    else:
        report(job)
    return 0


@contextlib.contextmanager
def _failing() -> Iterator[None]:
    """Give an error of prevs itself a status of its own, so that no command seems to have it."""
    try:
        yield
    except CliError as exc:
        exc.status = exit_status.NOT_DONE
        raise


def _finish(context: CommandContext, job: Job, *, verbose: bool) -> int:
    """Attend a job to its end, and return the exit status."""
    app, job_id = job["app"], job["id"]
    try:
        job, build_tail = attach(context, job, verbose=verbose)
    except CliError as exc:
        goes_on = f"The job goes on: `prevs job logs {app} {job_id} -f` follows it again."
        exc.hint = f"{goes_on} {exc.hint}".rstrip()
        raise
    status = exit_status.of(job)
    if status == exit_status.NOT_DONE:
        show_log_tail("" if job["began"] else build_tail, err=True)
        raise NotDone(
            f"{sentences.title(job)} {sentences.progress(job)}",
            f"`prevs job logs {app} {job_id}` prints the whole log, `prevs job retry {app} "
            f"{job_id}` runs it again.",
        )
    if status:
        note(f"{sentences.title(job)} {sentences.progress(job)}")
    return status
