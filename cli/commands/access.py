"""Who may use the API, and what they did: tokens, and the audit log."""

import click

from cli.command_context import CommandContext
from cli.commands.sections import Group
from cli.display import tables
from cli.display.output import note, show, show_json
from cli.names import completion
from cli.names.arguments import as_json, limit

SCOPES = ("read", "use", "admin")


@click.group(cls=Group)
def token() -> None:
    """Make, list and remove tokens of the API. Needs one of scope admin.

    read sees everything; use starts, stops, retries and pins previews too; admin also changes apps
    and tokens.
    """


@token.command("add")
@click.argument("name")
@click.option(
    "--scope", type=click.Choice(SCOPES), default="use", show_default=True, help="What it may do."
)
@click.option(
    "--app",
    shell_complete=completion.apps,
    help="The one app that it is for, with read or use. It goes with the app.",
)
@as_json
@click.pass_obj
def add_token(
    context: CommandContext, name: str, *, scope: str, app: str | None, as_json: bool
) -> None:
    """Make a token called NAME, and print it. It is never shown again.

    One for an app sees, starts and stops nothing of others, and nothing of the cluster.

    \b
    Examples:
      prevs token add ci --scope use --app shop
      PREVS_TOKEN="$(prevs token add dashboard --scope read)"
    """
    made = context.api.add_token(name, scope, app)
    if as_json:
        show_json(made)
    else:
        click.echo(made["token"])
    note("Keep it now: it is not shown again. PREVS_TOKEN takes it.")
    note(f"`prevs token rm {name}` makes it worthless.")


@token.command("ls")
@as_json
@click.pass_obj
def list_tokens(context: CommandContext, *, as_json: bool) -> None:
    """List the tokens, beside the operator's own and those of proxies."""
    tokens = context.api.tokens()
    if as_json:
        show_json(tokens)
    elif tokens:
        show(tables.tokens(tokens, context.now()))
    else:
        note("There is the operator's token alone. `prevs token add NAME` makes another.")


@token.command("rm")
@click.argument("name", shell_complete=completion.tokens)
@click.pass_obj
def remove_token(context: CommandContext, name: str) -> None:
    """Make the token NAME worthless, at once."""
    context.api.remove_token(name)
    note(f"The token {name} is worthless now.")


@click.command("audit")
@limit(100)
@as_json
@click.pass_obj
def list_audit(context: CommandContext, *, limit: int, as_json: bool) -> None:
    """List who did what, the latest last.

    Through the API and through the dashboard. JSON has the latest first. Needs a token of scope
    admin.
    """
    listed = context.api.audit(limit)
    if as_json:
        show_json(listed.found)
    elif listed.found:
        show(tables.audit(listed.found[::-1]))
        if listed.more:
            note(f"There is more: --limit {limit * 4}.")
    else:
        note("Nothing was done yet.")


COMMANDS = (token, list_audit)
