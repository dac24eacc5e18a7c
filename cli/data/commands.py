"""The commands about the data of branches."""

from collections.abc import Iterable

import click
from rich.table import Table

from cli.client.generated.records import Data
from cli.command_context import CommandContext
from cli.commands.sections import Group
from cli.display.columns import cell, new_table
from cli.display.output import note, show, show_json
from cli.display.sentences import ago
from cli.names.arguments import app_argument, as_json, confirm, yes


@click.group(cls=Group)
def data() -> None:
    """List, copy and reset the data that branches keep from one commit to the next.

    These are the volumes of companions, and those of applications with `keep = "branch"`.
    """


@data.command("ls")
@app_argument
@as_json
@click.pass_obj
def list_data(context: CommandContext, app: str, *, as_json: bool) -> None:
    """List the data of the branches of APP: on which agent, whose commit had them last, and when.

    \b
    Examples:
      prevs data ls shop
      prevs data ls shop --json
    """
    listed = context.api.list_data(app)
    if as_json:
        show_json(listed.found)
    elif listed.found:
        show(_table(listed.found, context.now()))
    else:
        note(f"No branch of {app} has data yet: no preview has run with volumes of a branch.")


@data.command("copy")
@app_argument
@click.argument("source")
@click.argument("target")
@yes
@click.pass_obj
def copy_data(context: CommandContext, app: str, source: str, target: str, *, yes: bool) -> None:
    """Let the data of the branch TARGET of APP begin anew with a copy of those of SOURCE.

    A preview of TARGET that runs starts again at once; that of SOURCE stops while its data are
    copied, and starts again by itself. It asks for confirmation first.

    \b
    Examples:
      prevs data copy shop main feature/x
    """
    if not yes:
        confirm(f"Replace the data of {target} of {app} by a copy of those of {source}?", _GONE)
    context.api.copy_data(app, {"source": source, "target": target})
    note(f"{target} of {app} begins with the data of {source} at its next start.")


@data.command("reset")
@app_argument
@click.argument("branch")
@yes
@click.pass_obj
def reset_data(context: CommandContext, app: str, branch: str, *, yes: bool) -> None:
    """Let the data of BRANCH of APP begin anew. A preview that has them starts again at once.

    It asks for confirmation first.

    \b
    Examples:
      prevs data reset shop feature/x
    """
    if not yes:
        confirm(f"Remove the data of {branch} of {app}?", _GONE)
    context.api.reset_data(app, {"branch": branch})
    note(f"{branch} of {app} begins with new data at its next start.")


_GONE = "What is there now is at no address any more, and cannot be brought back."


def _table(found: Iterable[Data], now: float) -> Table:
    table = new_table("BRANCH", "AGENT", "COMMIT", "USED", "STATE")
    for one in found:
        table.add_row(
            *map(
                cell,
                (one["branch"], one["agent"], one["commit"][:12], ago(one["used"], now), _say(one)),
            )
        )
    return table


def _say(one: Data) -> str:
    """Return what is to be said of the data of a branch."""
    if one["running"]:
        return "in use"
    if one["agent"]:
        return ""
    with_what = f" with a copy of {one['begins_with']}" if one["begins_with"] else ""
    return f"begins anew{with_what}"


COMMANDS = (data,)
