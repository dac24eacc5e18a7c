"""`prevs job start`: one job or many, without their output."""

from collections.abc import Mapping, Sequence
from typing import IO, Any

import click

from cli.client.generated.records import Job
from cli.command_context import CommandContext
from cli.display import job_tables
from cli.display.output import note, show, show_json
from cli.errors import NotDone
from cli.jobs import group
from cli.jobs.orders import (
    MOST_JOBS,
    Order,
    TakesCommand,
    build_order,
    name_order,
    order_options,
    read_payloads,
)
from cli.jobs.requests import report, request_all, warn_of_jobs
from cli.names import commit_range, completion
from cli.names.arguments import app_argument, as_json

_WAYS = {"number", "each", "commits"}
"""The options that make more than one job."""


@click.command(cls=TakesCommand)
@app_argument
@click.argument("label", required=False, shell_complete=completion.labels)
@order_options
@click.option("-n", "number", type=click.IntRange(min=1), metavar="N", help="Start N such jobs.")
@click.option(
    "--each",
    type=click.File("rb"),
    metavar="FILE",
    help="Start a job for each line of FILE (- is stdin), with the line as its payload.",
)
@click.option(
    "--commits",
    metavar="A..B",
    help="Instead of LABEL: start a job on each commit after A up to B, the oldest first. Of what "
    "was merged, only the merge.",
)
@click.option("--wait", is_flag=True, help="Wait until all have ended, and list them.")
@as_json
@click.pass_obj
def start(
    context: CommandContext,
    /,
    app: str,
    label: str | None,
    *,
    wait: bool,
    as_json: bool,
    **wanted: Any,
) -> None:
    """Start jobs in the image of LABEL, and print the id of one, or the group of many.

    Jobs that are started together are a group, which can be listed and cancelled as one. A
    command finds its payload in the file /run/prevs/payload. With --wait the command fails if any
    job does.

    \b
    Examples:
      prevs job start shop main --job report
      prevs job start shop main --each orders.jsonl --wait -- python import.py
      prevs job start shop main -n 100 -- ./load
      prevs job start shop --commits v1.2..main --wait -- make test
    """
    named = label or wanted["commits"] or ""
    orders, subjects = _build_orders(context, app, label, wanted)
    name = ""
    if len(orders) > 1:
        name = group.name_group(name_order(orders[0]), context.new_key())
        orders = [order | {"group": name} for order in orders]
    jobs = request_all(context, app, named, orders)
    warn_of_jobs(context, orders[:1], jobs)
    if wait:
        jobs = _wait(context, jobs, name)
    if wait and subjects and not as_json:
        show(job_tables.of_commits(jobs, subjects, context.now()))
    else:
        _report(context, jobs, name, as_json=as_json, waited=wait)
    if wait and (bad := sum(job["state"] != "succeeded" for job in jobs)):
        raise NotDone(
            f"{bad} of {len(jobs)} jobs did not succeed.",
            f"`prevs job logs {app} ID` prints the log of one.",
        )


def _build_orders(
    context: CommandContext, app: str, label: str | None, wanted: Mapping[str, Any]
) -> tuple[list[Order], Mapping[str, str]]:
    """Return the orders: more than one with -n, --each or --commits.

    With --commits, the subjects of the commits come too.
    """
    ways: tuple[int | None, IO[bytes] | None, str | None]
    ways = number, each, commits = wanted["number"], wanted["each"], wanted["commits"]
    if sum(way is not None for way in ways) > 1:
        raise click.UsageError("Use one of -n, --each and --commits.")
    if bool(label) == bool(commits):
        raise click.UsageError("Give either LABEL or --commits A..B.")
    terms = {key: value for key, value in wanted.items() if key not in _WAYS}
    order = build_order(label or "", context.environ, **terms)
    if commits:
        ends = commit_range.split(commits)
        found = commit_range.find(context.api, app, ends, most=MOST_JOBS).commits
        subjects = {one["sha"]: one["subject"] for one in found}
        return [order | {"label": sha} for sha in subjects], subjects
    if each:
        return read_payloads(order, each), {}
    return [order] * (number or 1), {}


def _wait(context: CommandContext, jobs: Sequence[Job], name: str) -> list[Job]:
    """Wait until jobs have ended, and return them as they are then."""
    try:
        return group.wait(context, jobs, name)
    except KeyboardInterrupt:
        app, what = jobs[0]["app"], f"--group {name}" if name else jobs[0]["id"]
        note(f"What is started goes on: `prevs job cancel {app} {what}` cancels it.")
        raise


def _report(
    context: CommandContext, jobs: Sequence[Job], name: str, *, as_json: bool, waited: bool
) -> None:
    if as_json:
        show_json(jobs)
    elif waited:
        show(job_tables.jobs(jobs, context.now()))
    elif name:
        app = jobs[0]["app"]
        click.echo(name)
        note(group.describe(jobs))
        note(
            f"`prevs job ls {app} --group {name}` lists them, `prevs job cancel {app} --group "
            f"{name}` cancels them."
        )
    else:
        report(jobs[0])
