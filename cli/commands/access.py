"""The commands about access to the API: its tokens, and the audit log."""

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
    """Create, list and revoke tokens of the API. Needs a token of scope admin.

    The scope read sees everything; use also starts, stops, retries, pins and shares previews; admin
    also changes apps and tokens.
    """


@token.command("add")
@click.argument("name")
@click.option(
    "--scope",
    type=click.Choice(SCOPES),
    default="use",
    show_default=True,
    help="What the token may do.",
)
@click.option(
    "--app",
    shell_complete=completion.apps,
    help="Limit the token to this app; its scope is read or use. It is removed with the app.",
)
@as_json
@click.pass_obj
def add_token(
    context: CommandContext, name: str, *, scope: str, app: str | None, as_json: bool
) -> None:
    """Create the token NAME, and print it. It is never shown again.

    A token for one app sees and changes nothing of other apps or of the cluster.

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
    note("Save it now: it is not shown again. Commands use the token in PREVS_TOKEN.")
    note(f"`prevs token rm {name}` revokes it.")


@token.command("ls")
@as_json
@click.pass_obj
def list_tokens(context: CommandContext, *, as_json: bool) -> None:
    """List the tokens, except those of the operator and of proxies."""
    tokens = context.api.tokens()
    if as_json:
        show_json(tokens)
    elif tokens:
        show(tables.tokens(tokens, context.now()))
    else:
        note("There is only the operator's token. `prevs token add NAME` creates another.")


@token.command("rm")
@click.argument("name", shell_complete=completion.tokens)
@click.pass_obj
def remove_token(context: CommandContext, name: str) -> None:
    """Revoke the token NAME at once."""
    context.api.remove_token(name)
    note(f"The token {name} is revoked.")


@click.command("audit")
@limit(100)
@as_json
@click.pass_obj
def list_audit(context: CommandContext, *, limit: int, as_json: bool) -> None:
    """List who did what, the latest last.

    It covers the API and the dashboard. With --json the latest is first. Needs a token of scope
    admin.
    """
    listed = context.api.audit(limit)
    if as_json:
        show_json(listed.found)
    elif listed.found:
        show(tables.audit(listed.found[::-1]))
        if listed.more:
            note(f"There are more: --limit {limit * 4} lists them.")
    else:
        note("The audit log has no entries yet.")


COMMANDS = (token, list_audit)
