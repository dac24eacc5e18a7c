"""`prevs bisect`: the commit that broke something, found by jobs."""

from collections.abc import Mapping
from typing import Any

import click

from cli.bisection.merges import Bisection, Found
from cli.bisection.rounds import Naming, explain
from cli.bisection.search import Verdict, WrongEnd
from cli.bisection.tries import Plan, Tries
from cli.command_context import CommandContext
from cli.commands.cluster import warn_of_size
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
    before BAD. If a merge is the first bad commit of its branch, the search goes on in what it
    merged.

    The status is 0 if the commit is found, 3 if it is one of several, because others cannot be
    tried, and 1 if the search fails. Ctrl-C cancels all of its jobs.

    \b
    Examples:
      prevs bisect shop v1.2 main -- ./test.sh
      prevs bisect shop 5c80e7d main --at-once 15 --mem 512 --timeout 300 -- make test
      prevs bisect shop v1.2 main --json -- sh -c '! grep -q fast config.ini'
    """
    order = build_order("", context.environ, **wanted)
    warn_of_size(context.api, wanted["cpus"], wanted["mem"])
    base, commits = commit_range.find(context.api, app, (good, bad))
    name = group.name_group(f"bisect {name_order(order)}", context.new_key())
    tries = Tries(context, Plan(app, order, _UNBUILT[unbuilt]), name)
    lead = "1 commit leads" if len(commits) == 1 else f"{len(commits):,} commits lead"
    note(f"{lead} from {good} to {bad}. The group {name} has all jobs.")
    naming = Naming(app, good, bad, {base["sha"]: base["subject"]})
    try:
        found = Bisection(context, tries, at_once, naming).find(base["sha"], commits, trust=trust)
    except WrongEnd as wrong:
        raise explain(wrong, naming) from None
    finally:
        tries.end()
    if as_json:
        show_json(_describe(found, tries, name))
    else:
        _show(context, app, found, tries)
    return 0 if len(found.suspects) == 1 else NOT_CERTAIN


def _describe(found: Found, tries: Tries, name: str) -> Mapping[str, object]:
    suspects = found.suspects
    return {
        "first_bad": suspects[0] if len(suspects) == 1 else None,
        "suspects": suspects,
        "merges": found.merges,
        "rounds": found.rounds,
        "group": name,
        "tries": [
            {
                "sha": one.commit,
                "verdict": one.verdict.value if one.verdict else None,
                "exit_code": one.exit_code,
                "job": one.job_id,
                "why": one.why,
            }
            for one in tries.done
        ],
    }


def _show(context: CommandContext, app: str, outcome: Found, tries: Tries) -> None:
    suspects = outcome.suspects
    jobs = {one.commit: one.job_id for one in tries.done}
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
    if outcome.whole:
        note(outcome.whole)
    if job_id := jobs.get(found["sha"]):
        note(f"`prevs job logs {app} {job_id}` prints what failed there.")
