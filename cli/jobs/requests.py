"""Requests for jobs, and what is said of a job that nobody waits for."""

from collections.abc import Sequence

import click

from cli.client.generated.records import Job
from cli.command_context import CommandContext
from cli.commands.cluster import warn_of_size
from cli.display import job_sentences as sentences
from cli.display.output import note
from cli.errors import CliError
from cli.jobs.orders import Order, split
from cli.jobs.repetition import repeat
from cli.names import lookup

_SIZES = {"job", "cpus", "mem"}
"""What in an order may say how much its job takes."""


def request(context: CommandContext, app: str, label: str, orders: list[Order]) -> list[Job]:
    """Request jobs once, however often the request has to be sent. Raises CliError.

    `label` is what a person has typed.
    """
    key = context.new_key()
    with lookup.naming(label):
        return repeat(
            lambda: context.api.request_all_jobs(app, orders, key), pause=context.pause, notify=note
        )


def warn_of_jobs(context: CommandContext, orders: Sequence[Order], jobs: Sequence[Job]) -> None:
    """Warn of what no agent has, if the jobs of some orders may take more than their app."""
    if any(order.keys() & _SIZES for order in orders):
        cpus = max(job.get("cpus") or 0.0 for job in jobs)
        warn_of_size(context.api, cpus, max(job.get("mem") or 0 for job in jobs))


def request_all(context: CommandContext, app: str, label: str, orders: list[Order]) -> list[Job]:
    """Request jobs of one group, in as many requests as it takes.

    If a later request fails, its error tells what is started.
    """
    jobs: list[Job] = []
    for portion in split(orders):
        try:
            jobs += request(context, app, label, portion)
        except CliError as exc:
            if jobs:
                cancel = f"prevs job cancel {app} --group {jobs[0]['group']}"
                exc.hint = (
                    f"{len(jobs)} jobs are started: `{cancel}` ends them. {exc.hint}".rstrip()
                )
            raise
    return jobs


def report(job: Job) -> None:
    """Print a job's id, and on stderr its state and what to do next."""
    app, job_id = job["app"], job["id"]
    click.echo(job_id)
    note(f"{sentences.title(job)} {sentences.progress(job)}")
    note(
        f"`prevs job logs {app} {job_id} -f` follows its log, `prevs job cancel {app} {job_id}` "
        "cancels it."
    )
