"""The command for an app's webhooks: the address and the secret to enter at its forge."""

from typing import IO

import click

from cli.command_context import CommandContext
from cli.commands.secrets import read_value
from cli.display import tables
from cli.display.output import note, show, show_json
from cli.names.arguments import app_argument, as_json

_AT_THE_FORGE = (
    "GitHub: Settings, Webhooks, Add webhook: payload URL, content type application/json, secret, "
    "just the push event.",
    "GitLab: Settings, Webhooks: URL, secret token, push events and tag push events.",
    "Gitea, Forgejo: Settings, Webhooks, Add webhook: target URL, POST application/json, secret, "
    "push, create and delete events.",
    "Pagure: Settings, Project options: web-hooks. Pagure makes the secret itself: give it to "
    "`prevs hook APP --file FILE`.",
    "A plain git server: a post-receive hook that sends the secret as a bearer token.",
)


@click.command("hook")
@app_argument
@click.option("--new", is_flag=True, help="Make a new secret, and print it.")
@click.option("--file", type=click.File("rb"), help="Use the secret in this file; - is stdin.")
@click.option("--off", is_flag=True, help="Remove the secret: no webhook is accepted any more.")
@click.option("--former", is_flag=True, help="With --off, remove only the former secret.")
@as_json
@click.pass_obj
def show_hooks(
    context: CommandContext,
    /,
    app: str,
    *,
    new: bool,
    file: IO[bytes] | None,
    off: bool,
    former: bool,
    as_json: bool,
) -> None:
    """Show what to enter at APP's forge, so that it announces each push.

    A webhook has the repository read at once. While webhooks come, prevs reads it every ten minutes
    instead of every ten seconds. The former secret stays valid until the next change.

    \b
    Examples:
      prevs hook shop --new              # prints the secret, once
      prevs hook shop                    # the address, and when the last webhook came
      prevs hook shop --file token       # the secret that a forge has made
      prevs hook shop --off --former     # the forge has the new secret now
    """
    if [new, file is not None, off].count(True) > 1 or (former and not off):
        raise click.UsageError("Use one of --new, --file and --off; --former only with --off.")
    if off:
        context.api.hooks.unset_secret(app, former=former)
        note(f"{app} has no {'former' if former else 'webhook'} secret any more.")
    elif new or file:
        _set(context, app, file, as_json=as_json)
    else:
        _show(context, app, as_json=as_json)


def _set(context: CommandContext, app: str, file: IO[bytes] | None, *, as_json: bool) -> None:
    made = context.api.hooks.set_secret(app, read_value(file, "") if file else None)
    if as_json:
        show_json(made)
    elif not file:
        click.echo(made["secret"])
    if not file:
        note("Save it now: it is not shown again.")
    note(f"Enter the secret at the forge, and this address: {made['url']}")
    note(f"`prevs hook {app}` shows what else to choose there, and when a webhook has come.")


def _show(context: CommandContext, app: str, *, as_json: bool) -> None:
    found = context.api.hooks.show(app)
    if as_json:
        show_json(found)
        return
    show(tables.hook_details(found, context.now()))
    if not found["has_secret"]:
        note(f"`prevs hook {app} --new` makes the secret that webhooks need.")
    for line in _AT_THE_FORGE:
        note(line)


COMMANDS = (show_hooks,)
