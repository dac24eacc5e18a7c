"""The commands that list an app's branches, tags and commits, each with its address."""

import click

from cli.client.generated import choices
from cli.command_context import CommandContext
from cli.display import tables
from cli.display.output import note, show, show_json
from cli.display.sentences import ago
from cli.names import completion
from cli.names.arguments import app_argument, as_json, limit


@click.command("refs")
@app_argument
@click.option("--kind", type=click.Choice(choices.LIST_REFS_KIND), help="List only these.")
@click.option(
    "--search", metavar="TEXT", help="List only those with TEXT in name, author or subject."
)
@as_json
@click.pass_obj
def list_refs(
    context: CommandContext, app: str, *, kind: str | None, search: str | None, as_json: bool
) -> None:
    """List the branches and tags of APP, each with its address and state.

    The newest commit comes first.

    \b
    Examples:
      prevs refs shop
      prevs refs shop --kind branch --search cart
    """
    listed = context.api.list_refs(app, kind=kind, search=search)
    refs = listed.found
    if why := listed.page.get("problem"):
        age = ago(listed.page.get("as_of"), context.now())
        note(f"The repository cannot be read now. This is how it was {age}. {why}")
    if as_json:
        show_json(refs)
        return
    if not refs:
        wanted = "such branch or tag" if kind or search else "branch or tag yet: push one"
        note(f"{app} has no {wanted}.")
        return
    show(tables.refs(refs, _states(context, app), context.now()))
    note(f"`prevs start {app} LABEL` starts one; so does opening its address.")


@click.command("commits")
@app_argument
@click.argument("branch", required=False, shell_complete=completion.refs)
@limit(30)
@as_json
@click.pass_obj
def list_commits(
    context: CommandContext, app: str, branch: str | None, *, limit: int, as_json: bool
) -> None:
    """List the latest commits of APP, each with its address and state.

    BRANCH is a branch or a tag. Without it, the command lists the repository's default branch.

    \b
    Examples:
      prevs commits shop
      prevs commits shop feature/cart --limit 5
    """
    listed = context.api.list_commits(app, ref=branch, limit=limit)
    if as_json:
        show_json(listed.found)
        return
    show(tables.commits(listed.found, _states(context, app), context.now()))
    if listed.more:
        note(f"There are more: --limit {limit * 4} lists them.")


def _states(context: CommandContext, app: str) -> dict[str, str]:
    """Return the states of an app's commits: those of their previews, or of what serves them."""
    previews = context.api.list_previews(app=app).found
    same = {sha: one["state"] for one in previews for sha in one.get("same", [])}
    return {**same, **{one["sha"]: one["state"] for one in previews}}


COMMANDS = (list_refs, list_commits)
