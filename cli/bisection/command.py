"""`prevs bisect`: the commit that broke something, found by jobs."""

from collections.abc import Mapping
from typing import Any

import click

from cli.bisection import search
from cli.bisection.rounds import Outcome, Told, search_all
from cli.bisection.search import Verdict
from cli.bisection.tries import Plan, Tries
from cli.client.api_types import Commit
from cli.command_context import CommandContext
from cli.display import job_tables
from cli.display.output import note, show, show_json
from cli.jobs import group
from cli.jobs.orders import TakesCommand, build_order, name_order, order_options
from cli.names import commit_range, completion
from cli.names.arguments import app_argument, as_json

NOT_CERTAIN = 3
"""The exit status if commits that cannot be tried hide the first bad one."""
_UNBUILT = {"skip": Verdict.SKIPPED, "bad": Verdict.BAD}


@click.command(cls=TakesCommand)
@app_argument
@click.argument("good", shell_complete=completion.labels)
@click.argument("bad", shell_complete=completion.labels)
@order_options
@click.option(
    "--at-once",
    type=click.IntRange(1, 100),
    default=7,
    show_default=True,
    metavar="N",
    help="Try N commits at a time: a thousand take four rounds with 7, ten with 1.",
)
@click.option(
    "--trust",
    is_flag=True,
    help="Believe that GOOD is good and BAD is bad; else both are tried in the first round.",
)
@click.option(
    "--unbuilt",
    type=click.Choice([*_UNBUILT]),
    default="skip",
    show_default=True,
    help="What a commit is whose image cannot be built.",
)
@as_json
@click.pass_obj
def bisect(
    context: CommandContext,
    /,
    app: str,
    good: str,
    bad: str,
    *,
    at_once: int,
    trust: bool,
    unbuilt: str,
    as_json: bool,
    **wanted: Any,
) -> int:
    """Find the commit after GOOD, up to BAD, at which a command began to fail.

    The command runs as a job at several commits at a time. Its exit code is as for `git bisect
    run`: 0 is good, 125 means that the commit cannot be tried, any other one up to 127 is bad, and
    a higher one ends the search. A command that runs longer than its timeout is bad. GOOD comes
    before BAD; of what was merged between them, only the merges are tried.

    The status is 0 if the commit is found, 3 if it is one of several, because others cannot be
    tried, and 1 if the search fails. Ctrl-C cancels all of its jobs.

    \b
    Examples:
      prevs bisect shop v1.2 main -- ./test.sh
      prevs bisect shop 5c80e7d main --at-once 15 --mem 512 --timeout 300 -- make test
      prevs bisect shop v1.2 main --json -- sh -c '! grep -q fast config.ini'
    """
    order = build_order("", context.environ, **wanted)
    base, commits = commit_range.find(context.api, app, (good, bad))
    known = {one["sha"]: one for one in commits}
    subjects = {base["sha"]: base["subject"]} | {sha: one["subject"] for sha, one in known.items()}
    name = group.name_group(f"bisect {name_order(order)}", context.new_key())
    tries = Tries(context, Plan(app, order, _UNBUILT[unbuilt]), name)
    lead = "1 commit leads" if len(known) == 1 else f"{len(known):,} commits lead"
    note(f"{lead} from {good} to {bad}. The group {name} has all jobs.")
    try:
        begun = search.begin([base["sha"], *known], trust=trust)
        outcome = search_all(context, tries, begun, at_once, told=Told(app, good, bad, subjects))
    finally:
        tries.end()
    suspects = [known[sha] for sha in outcome.search.suspects]
    if as_json:
        show_json(_describe(outcome, suspects, name))
    else:
        _show(context, app, outcome, suspects)
    return 0 if len(suspects) == 1 else NOT_CERTAIN


def _describe(outcome: Outcome, suspects: list[Commit], name: str) -> Mapping[str, object]:
    return {
        "first_bad": suspects[0] if len(suspects) == 1 else None,
        "suspects": suspects,
        "rounds": outcome.rounds,
        "group": name,
        "tries": [
            {
                "sha": one.commit,
                "verdict": one.verdict.value if one.verdict else None,
                "exit_code": one.exit_code,
                "job": one.job_id,
                "why": one.why,
            }
            for one in outcome.tries
        ],
    }


def _show(context: CommandContext, app: str, outcome: Outcome, suspects: list[Commit]) -> None:
    jobs = {one.commit: one.job_id for one in outcome.tries}
    if len(suspects) > 1:
        click.echo(
            f"The first bad commit is one of these {len(suspects)}: all but the last could not be "
            "tried."
        )
        show(job_tables.suspects(suspects, jobs, context.now()))
        note(
            f"`prevs job logs {app} ID` prints why a commit could not be tried. --unbuilt bad "
            "takes a build that fails for bad."
        )
        return
    [found] = suspects
    click.echo(f"{found['sha']} is the first bad commit")
    show(job_tables.commit(found, context.now()))
    if job_id := jobs.get(found["sha"]):
        note(f"`prevs job logs {app} {job_id}` prints what failed there.")
