"""The commands about an app's pull requests."""

import click

from cli.command_context import CommandContext
from cli.display import tables
from cli.display.output import note, show, show_json
from cli.display.sentences import ago
from cli.names.arguments import app_argument, as_json


@click.command("pulls")
@app_argument
@as_json
@click.pass_obj
def list_pulls(context: CommandContext, app: str, *, as_json: bool) -> None:
    """List the open pull requests of APP, each with its address and what it was told at the forge.

    Those of forks may have to be approved first: `prevs approve`.

    \b
    Examples:
      prevs pulls shop
      prevs pulls shop --json
    """
    listed = context.api.list_pulls(app)
    as_of, why = listed.page.get("as_of"), listed.page.get("problem")
    if why:
        age = "" if as_of is None else f" This is how it was {ago(as_of, context.now())}."
        note(f"Pull requests are not followed now.{age} {why}")
    if problem := listed.page.get("delivery_problem"):
        note(f"Something cannot be said at the forge now. {problem}")
    if as_json:
        show_json(listed.found)
        return
    if not listed.found:
        note(f"{app} has no open pull requests, or does not follow them (`prevs app show {app}`).")
        return
    show(tables.pulls(listed.found))
    for pull in listed.found:
        if pull["gate"] == "waiting":
            command = f"prevs approve {app} {pull['number']} --commit {pull['sha']}"
            note(f"Pull request {pull['number']} waits. Look at its commit; then: `{command}`")
        if problem := pull.get("delivery_problem"):
            note(f"Pull request {pull['number']}: {problem}")


@click.command()
@app_argument
@click.argument("number", type=click.IntRange(min=1))
@click.option("--commit", required=True, metavar="ID", help="The commit: all 40 digits of its id.")
@as_json
@click.pass_obj
def approve(context: CommandContext, app: str, number: int, *, commit: str, as_json: bool) -> None:
    """Let one commit of a fork be built: the head of pull request NUMBER of APP.

    It gets no variables and secrets of the app, and shares nothing with its other previews. The
    next push to the pull request waits again.

    \b
    Examples:
      prevs approve shop 7 --commit 5c80e7d1a2b3c4d5e6f708192a3b4c5d6e7f8091
    """
    pull = context.api.approve_pull(app, number, {"commit": commit.lower()})
    if as_json:
        show_json(pull)
        return
    note(f"Commit {pull['sha'][:12]} of pull request {number} may be built now.")
    click.echo(pull["url"])


COMMANDS = (list_pulls, approve)
